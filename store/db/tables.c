/*
 * The public face of `tables`: each call goes to the driver of the connection. Predicates are built
 * here too, for they belong to no driver.
 */
#include "store/db/tables_driver.h"

#include <string.h>

void tables_close(struct tables *t) {
    if (t)
        t->driver->close(t);
}
bool tables_is_read_only(const struct tables *t) { return t->driver->is_read_only(t); }
const char *tables_branch(const struct tables *t) { return t->driver->branch(t); }

int tables_read_begin(struct tables *t, struct tables_txn **out, struct err *err) {
    return t->driver->read_begin(t, NULL, out, err);
}
int tables_read_again(struct tables *t, struct tables_txn **out, struct err *err) {
    return t->driver->read_again(t, out, err);
}
int tables_read_begin_at(struct tables *t, const char *ref, struct tables_txn **out, struct err *err) {
    return t->driver->read_begin(t, ref, out, err);
}
void tables_read_end(struct tables_txn *x) {
    if (x)
        x->driver->read_end(x);
}
void tables_read_in_portions(struct tables_txn *x) { x->driver->read_in_portions(x); }
void tables_end_portion(struct tables_txn *x, size_t keep_bytes) {
    x->driver->end_portion(x, keep_bytes);
}
int tables_schema(struct tables_txn *x, const char *table, const struct schema **out, struct err *err) {
    return x->driver->schema(x, table, out, err);
}
bool tables_has_table(struct tables_txn *x, const char *table) {
    const struct schema *s;
    return x->driver->schema(x, table, &s, NULL) == BD_OK;
}
bool tables_has_column(struct tables_txn *x, const char *table, const char *column) {
    const struct schema *s;
    return x->driver->schema(x, table, &s, NULL) == BD_OK && schema_column(s, column) >= 0;
}
int tables_list(struct tables_txn *x, struct arena *a, const char ***names, size_t *count,
                struct err *err) {
    return x->driver->list(x, a, names, count, err);
}
int tables_get(struct tables_txn *x, const char *table, const struct cell *key, size_t key_count,
               const char *const *columns, size_t column_count, struct arena *a, struct cell *out,
               struct err *err) {
    return x->driver->get(x, table, key, key_count, columns, column_count, a, out, err);
}
int tables_scan(struct tables_txn *x, const struct tables_query *q, struct arena *a, tables_row_fn fn,
                void *ctx, struct err *err) {
    return x->driver->scan(x, q, a, fn, ctx, err);
}

static int note_row(void *ctx, const struct cell *row) {
    (void)row;
    *(bool *)ctx = true;
    return BD_DONE;
}

int tables_any(struct tables_txn *x, const char *table, const char *column, const struct pred *where,
               bool *any, struct err *err) {
    struct tables_query q = {.table = table,
                             .columns = &column,
                             .column_count = 1,
                             .where = where,
                             .any_order = true,
                             .limit = 1};
    *any = false;
    int rc = tables_scan(x, &q, NULL, note_row, any, err);
    return rc == BD_DONE ? BD_OK : rc;
}

int tables_count(struct tables_txn *x, const char *table, const struct pred *where,
                 const char *const *group, size_t group_count, struct arena *a, tables_row_fn fn,
                 void *ctx, struct err *err) {
    return x->driver->count(x, table, where, group, group_count, a, fn, ctx, err);
}

static int keep_total(void *ctx, const struct cell *row) {
    *(uint64_t *)ctx = (uint64_t)row[0].i;
    return BD_OK;
}

int tables_count_all(struct tables_txn *x, const char *table, const struct pred *where, uint64_t *count,
                     struct err *err) {
    struct arena a = ARENA_INIT;
    *count = 0;
    int rc = x->driver->count(x, table, where, NULL, 0, &a, keep_total, count, err);
    arena_release(&a);
    return rc;
}

int tables_write(struct tables *t, const struct tables_write *w, tables_write_fn fn, void *ctx,
                 struct hash *commit, struct err *err) {
    return t->driver->write(t, w, fn, ctx, commit, err);
}
void tables_set_message(struct tables_txn *x, const char *message) {
    x->driver->set_message(x, message);
}

int tables_commit_now(struct tables_txn *x, const struct tables_write *w, struct hash *commit,
                      struct err *err) {
    return x->driver->commit_now(x, w, commit, err);
}
void tables_set_foreign_key_checks(struct tables_txn *x, bool on) {
    x->driver->set_foreign_key_checks(x, on);
}
int tables_insert(struct tables_txn *x, const char *table, const char *const *columns,
                  const struct cell *cells, size_t count, unsigned flags, bool *inserted,
                  struct err *err) {
    return x->driver->insert(x, table, columns, cells, count, flags, inserted, err);
}
static const struct tables_driver *driver_of(const struct tables_bulk *b) {
    const struct tables_driver *d;
    memcpy(&d, b, sizeof d);
    return d;
}
int tables_bulk_begin(struct tables_txn *x, const char *table, const char *const *columns, size_t count,
                      unsigned flags, struct tables_bulk **out, struct err *err) {
    return x->driver->bulk_begin(x, table, columns, count, flags, out, err);
}
int tables_bulk_add(struct tables_bulk *b, const struct cell *cells, struct err *err) {
    return driver_of(b)->bulk_add(b, cells, err);
}
int tables_bulk_end(struct tables_bulk *b, uint64_t *inserted, struct err *err) {
    return driver_of(b)->bulk_end(b, inserted, err);
}
void tables_bulk_drop(struct tables_bulk *b) {
    if (b)
        driver_of(b)->bulk_drop(b);
}
int tables_update(struct tables_txn *x, const char *table, const struct pred *where,
                  const char *const *columns, const struct cell *cells, size_t count, uint64_t *matched,
                  uint64_t *changed, struct err *err) {
    return x->driver->update(x, table, where, columns, cells, count, matched, changed, err);
}
int tables_delete(struct tables_txn *x, const char *table, const struct pred *where, uint64_t *deleted,
                  struct err *err) {
    return x->driver->remove(x, table, where, deleted, err);
}
int tables_ddl(struct tables_txn *x, const struct ddl *statement, struct err *err) {
    return x->driver->ddl(x, statement, err);
}

int tables_log(struct tables *t, const char *ref, struct arena *a,
               int (*fn)(void *ctx, const struct tables_commit_info *c), void *ctx, struct err *err) {
    return t->driver->log(t, ref, a, fn, ctx, err);
}
int tables_log_count(struct tables *t, const char *ref, uint64_t *count, struct err *err) {
    return t->driver->log_count(t, ref, count, err);
}
int tables_resolve(struct tables *t, const char *ref, struct hash *commit, struct err *err) {
    return t->driver->resolve(t, ref, commit, err);
}
int tables_refs(struct tables *t, struct arena *a, struct tables_ref **refs, size_t *count,
                struct err *err) {
    return t->driver->refs(t, a, refs, count, err);
}
int tables_diff(struct tables *t, const char *from, const char *to, const char *table, struct arena *a,
                int (*fn)(void *ctx, const struct tables_diff_row *d), void *ctx, struct err *err) {
    return t->driver->diff(t, from, to, table, a, fn, ctx, err);
}
int tables_status(struct tables *t, struct arena *a, struct tables_status **list, size_t *count,
                  struct err *err) {
    return t->driver->status(t, a, list, count, err);
}
int tables_row_history(struct tables *t, const char *table, const struct cell *key, size_t key_count,
                       struct arena *a,
                       int (*fn)(void *ctx, const struct tables_commit_info *c, const struct schema *s,
                                 const struct cell *row),
                       void *ctx, struct err *err) {
    return t->driver->row_history(t, table, key, key_count, a, fn, ctx, err);
}
int tables_branch_create(struct tables *t, const char *name, const char *from_ref, struct err *err) {
    return t->driver->branch_create(t, name, from_ref, err);
}
int tables_branch_delete(struct tables *t, const char *name, bool force, struct err *err) {
    return t->driver->branch_delete(t, name, force, err);
}
int tables_checkout(struct tables *t, const char *branch, struct err *err) {
    return t->driver->checkout(t, branch, err);
}
int tables_merge(struct tables *t, const char *branch, const struct tables_write *w, struct arena *a,
                 struct tables_merge_result *out, struct err *err) {
    return t->driver->merge(t, branch, w, NULL, NULL, a, out, err);
}
int tables_merge_resolving(struct tables *t, const char *branch, const struct tables_write *w,
                           tables_resolve_fn resolve, void *ctx, struct arena *a,
                           struct tables_merge_result *out, struct err *err) {
    return t->driver->merge(t, branch, w, resolve, ctx, a, out, err);
}

/* ---- predicates ---- */

static struct pred *pred_new(struct arena *a, enum pred_op op, const char *column) {
    struct pred *p = arena_zalloc(a, sizeof *p);
    p->op = op;
    p->column = column;
    return p;
}

const struct pred *pred_in(struct arena *a, const char *column, const struct cell *cells, size_t n) {
    struct pred *p = pred_new(a, PRED_IN, column);
    p->cells = n ? arena_dup(a, cells, n * sizeof *cells) : NULL;
    p->cell_count = n;
    return p;
}

const struct pred *pred_cmp(struct arena *a, enum pred_op op, const char *column, struct cell c) {
    struct pred *p = pred_new(a, op, column);
    p->cells = arena_dup(a, &c, sizeof c);
    p->cell_count = 1;
    return p;
}

const struct pred *pred_null(struct arena *a, const char *column, bool is_null) {
    return pred_new(a, is_null ? PRED_IS_NULL : PRED_IS_NOT_NULL, column);
}

const struct pred *pred_json(struct arena *a, enum pred_op op, const char *column, const char *key,
                             struct cell c) {
    struct pred *p = pred_new(a, op, column);
    p->key = key;
    p->cells = arena_dup(a, &c, sizeof c);
    p->cell_count = 1;
    return p;
}

const struct pred *pred_all(struct arena *a, enum pred_op and_or, const struct pred *const *kids,
                            size_t n) {
    struct pred *p = pred_new(a, and_or, NULL);
    const struct pred **list = arena_alloc(a, (n + 1) * sizeof *list);
    for (size_t i = 0; i < n; i++)
        if (kids[i])
            list[p->kid_count++] = kids[i];
    p->kids = list;
    return p->kid_count == 1 ? list[0] : p;
}

const struct pred *pred_not(struct arena *a, const struct pred *kid) {
    struct pred *p = pred_new(a, PRED_NOT, NULL);
    p->kids = arena_dup(a, &kid, sizeof kid);
    p->kid_count = 1;
    return p;
}

static const struct pred *pred_pair(struct arena *a, enum pred_op op, const struct pred *x,
                                    const struct pred *y) {
    if (!x || !y)
        return x ? x : y;
    const struct pred *kids[2] = {x, y};
    return pred_all(a, op, kids, 2);
}

const struct pred *pred_and(struct arena *a, const struct pred *x, const struct pred *y) {
    return pred_pair(a, PRED_AND, x, y);
}
const struct pred *pred_or(struct arena *a, const struct pred *x, const struct pred *y) {
    return pred_pair(a, PRED_OR, x, y);
}
