/*
 * Differences between two states: which tables, and in them which rows.
 */
#include "store/db/stage.h"

#include <string.h>
#include <strings.h>

struct diff {
    struct embedded *e;
    struct arena *a;
    struct table *from, *to; /* NULL: the table does not exist there */
    int (*fn)(void *ctx, const struct tables_diff_row *d);
    void *ctx;
    struct err *err;
};

static int row_cells(const struct diff *d, const struct table *t, struct bytes key, struct bytes value,
                     const struct cell **out) {
    size_t n = t->ts->schema.column_count;
    struct cell *cells = arena_alloc(d->a, (n + 1) * sizeof *cells);
    for (size_t i = 0; i < n; i++) {
        int rc = table_cell(t->ts, i, key, value, d->e->ns, d->a, &cells[i], d->err);
        if (rc)
            return rc;
    }
    *out = cells;
    return BD_OK;
}

static int emit(struct diff *d, struct bytes from_key, struct bytes to_key, const struct bytes *from,
                const struct bytes *to) {
    struct tables_diff_row r = {
        .table = d->to ? d->to->name : d->from->name,
        .change = !from ? TABLES_DIFF_ADDED
                  : !to ? TABLES_DIFF_REMOVED
                        : TABLES_DIFF_MODIFIED,
        .from_schema = d->from ? &d->from->ts->schema : NULL,
        .to_schema = d->to ? &d->to->ts->schema : NULL,
    };
    int rc = from ? row_cells(d, d->from, from_key, *from, &r.from) : BD_OK;
    if (rc == BD_OK && to)
        rc = row_cells(d, d->to, to_key, *to, &r.to);
    return rc ? rc : d->fn(d->ctx, &r);
}

static int emit_copies(struct diff *d, struct bytes key, uint64_t from, uint64_t to,
                       const struct bytes *from_value, const struct bytes *to_value) {
    int rc = BD_OK;
    for (; rc == BD_OK && from > to; from--)
        rc = emit(d, key, key, from_value, NULL);
    for (; rc == BD_OK && to > from; to--)
        rc = emit(d, key, key, NULL, to_value);
    return rc;
}

static int diff_item(void *ctx, const struct tree_diff *i) {
    struct diff *d = ctx;
    const struct bytes *from = i->change == TREE_ADDED ? NULL : &i->from;
    const struct bytes *to = i->change == TREE_REMOVED ? NULL : &i->to;
    const struct table *t = d->to ? d->to : d->from;
    if (t->ts->schema.keyless)
        return emit_copies(d, i->key, from ? keyless_cardinality(*from) : 0,
                           to ? keyless_cardinality(*to) : 0, from, to);
    return emit(d, i->key, to && from ? i->to_key : i->key, from, to);
}

/* Keys of both tables are comparable. */
static bool same_keys(const struct table *a, const struct table *b) {
    if (a->ts->keys.count != b->ts->keys.count || a->ts->schema.keyless != b->ts->schema.keyless)
        return false;
    for (size_t i = 0; i < a->ts->keys.count; i++)
        if (a->ts->keys.fields[i].encoding != b->ts->keys.fields[i].encoding ||
            a->ts->keys.fields[i].collation != b->ts->keys.fields[i].collation)
            return false;
    return true;
}

static int diff_table(struct diff *d);

/* Rows of different keys cannot be matched: the old ones went, the new ones came. */
static int diff_as_two(struct diff *d) {
    struct table *from = d->from, *to = d->to;
    d->to = NULL;
    int rc = diff_table(d);
    d->from = NULL;
    d->to = to;
    rc = rc == BD_OK ? diff_table(d) : rc;
    d->from = from;
    return rc;
}

static int diff_table(struct diff *d) {
    struct tree empty;
    const struct tree *from = d->from ? &d->from->rows.tree : NULL,
                      *to = d->to ? &d->to->rows.tree : NULL;
    if (!from || !to) {
        int rc = tree_empty(&empty, d->e->ns, &(from ? d->from : d->to)->ts->row_type, d->err);
        if (rc)
            return rc;
    } else if (!same_keys(d->from, d->to)) {
        return diff_as_two(d);
    }
    return tree_diff_walk(from ? from : &empty, to ? to : &empty, diff_item, d, d->err);
}

static int open_if(struct embedded_txn *x, const char *table, const struct hash *h, struct table **out,
                   struct err *err) {
    *out = NULL;
    return hash_is_zero(h) ? BD_OK : embedded_table(x, table, out, err);
}

int embedded_diff(struct tables *t, const char *from, const char *to, const char *table,
                  struct arena *a, int (*fn)(void *ctx, const struct tables_diff_row *d), void *ctx,
                  struct err *err) {
    struct embedded *e = embedded_of(t);
    struct hash from_root, to_root;
    int rc = embedded_refresh(e, err);
    if (rc == BD_OK)
        rc = embedded_resolve_root(e, e->ns, from ? from : "HEAD", &from_root, err);
    if (rc == BD_OK)
        rc = embedded_resolve_root(e, e->ns, to ? to : "WORKING", &to_root, err);
    struct embedded_txn *x = NULL, *y = NULL;
    if (rc == BD_OK)
        rc = embedded_txn_at_root(e, &from_root, &x, err);
    if (rc == BD_OK)
        rc = embedded_txn_at_root(e, &to_root, &y, err);
    struct root_value_change *changes = NULL;
    size_t count = 0;
    struct ignore_rules rules = {NULL, 0};
    bool to_working = !to || !strncmp(to, "WORKING", 7);
    if (rc == BD_OK)
        rc = root_value_changes(&x->root, &y->root, a, &changes, &count, err);
    if (rc == BD_OK && to_working)
        rc = ignore_rules_read(y, a, &rules, err);
    for (size_t i = 0; rc == BD_OK && i < count; i++) {
        struct diff d = {.e = e, .a = a, .fn = fn, .ctx = ctx, .err = err};
        if (table && strcasecmp(table, changes[i].table))
            continue;
        bool ignored = false;
        if (to_working && hash_is_zero(&changes[i].from) && !table)
            rc = ignore_rules_match(&rules, changes[i].table, &ignored, err);
        if (rc || ignored)
            continue;
        rc = open_if(x, changes[i].table, &changes[i].from, &d.from, err);
        if (rc == BD_OK)
            rc = open_if(y, changes[i].table, &changes[i].to, &d.to, err);
        if (rc == BD_OK)
            rc = diff_table(&d);
    }
    if (x)
        tables_read_end(&x->base);
    if (y)
        tables_read_end(&y->base);
    return rc == BD_DONE ? BD_OK : rc;
}
