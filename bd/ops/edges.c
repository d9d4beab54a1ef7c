/*
 * The graph of dependencies, read level by level: each question costs one scan per level.
 */
#include "bd/ops/edges.h"

#include <string.h>

/* Above this many ids reading the whole table beats one index seek per id. */
enum { SEEK_LIMIT = 400 };

static int add_child(void *ctx, const struct dependency *d, bool in_wisp_table) {
    (void)in_wisp_table;
    if (strcmp(d->type, "parent-child") == 0)
        id_set_add(ctx, d->issue_id);
    return BD_OK;
}

int edges_children(struct tables_txn *x, const struct id_set *parents, unsigned flags, struct arena *a,
                   struct id_set *out, struct err *err) {
    return dependency_scan(x, DEPENDENCY_BY_TARGET, id_set_items(parents, a), id_set_count(parents),
                           flags, a, add_child, out, err);
}

int edges_parented(struct tables_txn *x, const struct id_set *ids, unsigned flags, struct arena *a,
                   struct id_set *out, struct err *err) {
    return dependency_scan(x, DEPENDENCY_BY_SOURCE, ids ? id_set_items(ids, a) : NULL,
                           ids ? id_set_count(ids) : 0, flags, a, add_child, out, err);
}

int edges_descendants(struct tables_txn *x, const char *root, struct arena *a, struct id_set *out,
                      struct err *err) {
    struct id_set level = ID_SET_INIT;
    int rc = BD_OK;
    id_set_add(&level, root);
    while (rc == BD_OK && id_set_count(&level)) {
        struct id_set next = ID_SET_INIT;
        rc = edges_children(x, &level, DEPENDENCY_BOTH, a, &next, err);
        id_set_release(&level);
        level = (struct id_set)ID_SET_INIT;
        for (struct strmap_entry *e = NULL; (e = strmap_next(&next.map, e));) {
            if (strcmp(e->key, root) != 0 && !id_set_has(out, e->key)) {
                id_set_add(out, e->key);
                id_set_add(&level, e->key);
            }
        }
        id_set_release(&next);
    }
    id_set_release(&level);
    return rc;
}

struct status_scan {
    struct arena *arena;
    struct strmap *out;
    const struct id_set *wanted;
};

static int on_status(void *ctx, const struct cell *row) {
    struct status_scan *s = ctx;
    if (strmap_get_n(&s->wanted->map, row[0].s.data, row[0].s.size))
        strmap_put_n(s->out, row[0].s.data, row[0].s.size, cell_format(&row[1], s->arena));
    return BD_OK;
}

int edges_statuses(struct tables_txn *x, const struct id_set *ids, struct arena *a, struct strmap *out,
                   struct err *err) {
    static const char *const columns[] = {"id", "status"}, *const tables[] = {"wisps", "issues"};
    struct status_scan s = {a, out, ids};
    int rc = BD_OK;
    for (int t = 0; t < 2 && rc == BD_OK && id_set_count(ids); t++) {
        struct tables_query q = {.table = tables[t], .columns = columns, .column_count = 2};
        if (id_set_count(ids) <= SEEK_LIMIT)
            q.where = id_set_pred(a, "id", ids, false);
        if (tables_has_table(x, tables[t]))
            rc = tables_scan(x, &q, NULL, on_status, &s, err);
    }
    return rc;
}
