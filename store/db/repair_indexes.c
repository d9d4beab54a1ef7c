/* Secondary indexes made anew from the rows, in one transaction for each branch. */
#include "store/db/embedded.h"
#include "store/db/repair_steps.h"

#include <stdlib.h>
#include <string.h>

struct rebuild {
    const char *const *tables;
    size_t count;
    size_t rebuilt;
};

static _Thread_local const struct tuple_desc *sorting; /* qsort hands no context on */
static int by_tuple(const void *a, const void *b) {
    return tuple_compare(sorting, *(const struct bytes *)a, *(const struct bytes *)b);
}

int repair_make_index(struct table *t, size_t i, struct err *err) {
    struct tree_cursor c;
    struct arena keys = ARENA_INIT;
    struct bytes *list = NULL;
    size_t n = 0, capacity = 0;
    struct tree built;
    int rc = tree_cursor_first(&c, &t->rows.tree, err);
    while (rc == BD_OK && c.valid) {
        struct bytes k;
        rc = table_index_key(t->ts, i, tree_cursor_key(&c), tree_cursor_value(&c), t->ns, &keys, &k,
                             NULL, err);
        if (rc == BD_OK && !k.data)
            rc = err_set(err, BD_CORRUPT, "a row is too large for an entry of index %s",
                         t->ts->schema.indexes[i].name);
        if (rc != BD_OK)
            break;
        MEM_GROW(list, capacity, n + 1);
        list[n++] = k;
        rc = tree_cursor_next(&c, err);
    }
    if (rc == BD_OK) {
        sorting = &t->ts->indexes[i];
        if (n > 1)
            qsort(list, n, sizeof *list, by_tuple);
        struct tree_builder *b = tree_builder_new(t->ns, &t->ts->index_types[i]);
        for (size_t k = 0; k < n && rc == BD_OK; k++)
            rc = tree_builder_add(b, list[k], tuple_empty, err);
        if (rc == BD_OK)
            rc = tree_builder_finish(b, &built, err);
        tree_builder_free(b);
    }
    if (rc == BD_OK) {
        edit_map_init(&t->indexes[i], &built, t->arena);
        t->index_open[i] = true;
        t->changed = true;
    }
    free(list);
    arena_release(&keys);
    return rc;
}

static int the_schema(void *ctx, const struct hash *h, const struct table_schema **out,
                      struct err *err) {
    (void)h;
    (void)err;
    *out = ctx;
    return BD_OK;
}

int repair_open_table(struct table *t, struct node_store *ns, const struct hash *h,
                      const struct table_schema *ts, struct arena *a, struct err *err) {
    return table_open(t, ns, "", h, the_schema, (void *)(uintptr_t)ts, a, err);
}

static bool is_plain(const struct table_schema *ts, size_t i) {
    const struct index *x = &ts->schema.indexes[i];
    return !x->spatial && !x->fulltext && !x->vector && !x->predicate;
}

static int rebuild_tables(struct tables_txn *tx, void *ctx, struct err *err) {
    struct rebuild *r = ctx;
    struct embedded_txn *x = embedded_txn_of(tx);
    int rc = BD_OK;
    r->rebuilt = 0;
    for (size_t k = 0; k < r->count && rc == BD_OK; k++) {
        struct table *t;
        rc = embedded_table_for_write(x, r->tables[k], &t, err);
        if (rc == BD_NOT_FOUND) { /* another branch has it */
            err_clear(err);
            rc = BD_OK;
            continue;
        }
        for (size_t i = 0; rc == BD_OK && i < t->ts->schema.index_count; i++)
            if (is_plain(t->ts, i)) {
                rc = repair_make_index(t, i, err);
                r->rebuilt++;
            }
    }
    return rc;
}

static int rebuild_branch(struct repair *x, const char *branch, struct rebuild *r, struct err *err) {
    struct tables *t;
    struct tables_open open = {.dir = x->dir, .branch = branch};
    struct tables_status *list;
    size_t count = 0, changed = 0;
    int rc = tables_open_embedded(&t, &open, err);
    if (rc != BD_OK)
        return rc;
    rc = tables_status(t, &x->r->arena, &list, &count, err);
    for (size_t i = 0; rc == BD_OK && i < count; i++)
        changed += !list[i].ignored;
    /* What people have not committed is not ours to commit. */
    struct tables_write w = {.mode = changed ? TABLES_WORKING : TABLES_COMMIT_TABLES,
                             .message = "Rebuild indexes",
                             .author = {x->o->author, x->o->email}};
    if (rc == BD_OK)
        rc = tables_write(t, &w, rebuild_tables, r, NULL, err);
    tables_close(t);
    if (rc == BD_OK && r->rebuilt)
        repair_step_add(x, REPAIR_INDEXES, true, "%s: made %zu indexes anew from the rows%s", branch,
                        r->rebuilt,
                        changed ? "; they are part of the uncommitted changes" : " and committed that");
    return rc;
}

int repair_rebuild_indexes(struct repair *x, const struct fsck_report *found, struct err *err) {
    struct arena *a = &x->r->arena;
    const char **tables = arena_zalloc(a, (found->count + 1) * sizeof *tables);
    size_t count = 0, ref_count;
    struct fsck_ref *refs;
    struct fsck_options o = {.level = FSCK_DEEP};
    for (size_t i = 0; i < found->count; i++) {
        const struct fsck_finding *f = &found->findings[i];
        const char *dot = f->table ? strchr(f->table, '.') : NULL;
        if (f->repair != REPAIR_INDEXES || !dot)
            continue;
        char *name = arena_strndup(a, f->table, (size_t)(dot - f->table));
        bool known = false;
        for (size_t k = 0; k < count; k++)
            known = known || !strcmp(tables[k], name);
        if (!known)
            tables[count++] = name;
    }
    if (x->o->dry_run) {
        for (size_t k = 0; k < count; k++)
            repair_step_add(x, REPAIR_INDEXES, false, "would make the indexes of %s anew from its rows",
                            tables[k]);
        return BD_OK;
    }
    int rc = repair_set_aside(x, arena_printf(a, "%s/manifest", x->place.noms), 0, "manifest", err);
    if (rc == BD_OK)
        rc = db_fsck_refs(x->dir, &o, a, &refs, &ref_count, err);
    for (size_t i = 0; rc == BD_OK && i < ref_count; i++) {
        struct rebuild r = {tables, count, 0};
        rc = rebuild_branch(x, refs[i].name + 11, &r, err);
    }
    return rc;
}
