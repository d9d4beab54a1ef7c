/*
 * Reading rows: point lookups, scans with projection, order and limit, grouped counts.
 *
 * Only the columns that a query names are decoded, and out-of-line text is fetched only for them. Rows
 * to be sorted are kept as pointers into nodes together with their order cells; with a limit, a heap
 * keeps no more of them than will be shown.
 */
#include "store/db/embedded.h"
#include "store/db/scan_access.h"
#include "store/db/scan_ordered.h"

#include <stdlib.h>
#include <string.h>

/* ---- projection ---- */

struct projection {
    struct column_ref *refs;
    size_t count;
};

static bool bind_columns(struct projection *p, const struct table_schema *ts, int index,
                         const char *const *columns, size_t count, struct arena *a) {
    const struct schema *s = &ts->schema;
    p->refs = arena_alloc(a, (count + s->column_count + 1) * sizeof *p->refs);
    p->count = 0;
    if (!columns) {
        for (size_t i = 0; i < s->column_count; i++)
            if (!s->columns[i].hidden &&
                !column_ref_bind(&p->refs[p->count++], ts, index, s->columns[i].name))
                return false;
        return true;
    }
    for (size_t i = 0; i < count; i++)
        if (!column_ref_bind(&p->refs[p->count++], ts, index, columns[i]))
            return false;
    return true;
}

static int project(const struct projection *p, struct bytes key, struct bytes value,
                   struct node_store *ns, struct arena *a, struct cell *out, struct err *err) {
    for (size_t i = 0; i < p->count; i++) {
        int rc = column_ref_cell(&p->refs[i], key, value, ns, a, &out[i], err);
        if (rc)
            return rc;
    }
    return BD_OK;
}

/* As project, but nothing points into nodes: the caller's arena may outlive the store. */
static int project_owned(const struct projection *p, struct bytes key, struct bytes value,
                         struct node_store *ns, struct arena *a, struct cell *out, struct err *err) {
    int rc = project(p, key, value, ns, a, out, err);
    for (size_t i = 0; rc == BD_OK && i < p->count; i++) {
        const uint8_t *text = (const uint8_t *)out[i].s.data;
        if (cell_has_text(&out[i]) && ((text >= key.data && text <= key.data + key.size) ||
                                       (text >= value.data && text <= value.data + value.size)))
            out[i] = cell_copy(&out[i], a);
    }
    return rc;
}

int embedded_get(struct tables_txn *tx, const char *table, const struct cell *key, size_t key_count,
                 const char *const *columns, size_t column_count, struct arena *a, struct cell *out,
                 struct err *err) {
    struct embedded_txn *x = embedded_txn_of(tx);
    struct table *t;
    int rc = embedded_table(x, table, &t, err);
    if (rc)
        return rc;
    const struct table_schema *ts = t->ts;
    if (ts->schema.keyless || key_count != ts->schema.pk_count)
        return err_set(err, BD_INVALID, "table %s has a key of %zu columns, not %zu", t->name,
                       ts->schema.keyless ? (size_t)0 : ts->schema.pk_count, key_count);
    struct bytes k, v;
    struct cell *cells = arena_alloc(a, (key_count + 1) * sizeof *cells);
    for (size_t i = 0; i < key_count; i++)
        if (cell_is_null(&key[i]) || !pred_constant(ts, ts->schema.pk[i], &key[i], a, &cells[i]))
            return err_set(err, BD_NOT_FOUND, "no such row in table %s", t->name);
    if (tuple_build(&ts->keys, cells, x->ns, a, &k, NULL))
        return err_set(err, BD_NOT_FOUND, "no such row in table %s", t->name);
    rc = edit_map_get(&t->rows, k, &v, err);
    if (rc == BD_NOT_FOUND)
        return err_set(err, BD_NOT_FOUND, "no such row in table %s", t->name);
    if (rc)
        return rc;
    struct projection p;
    bind_columns(&p, ts, -1, columns, column_count, a);
    return project_owned(&p, k, v, x->ns, a, out, err);
}

/* ---- matching ---- */

struct match {
    struct embedded_txn *x;
    struct table *t;
    const struct bound_pred *pred;
    struct arena scratch;
    row_fn fn;
    void *ctx;
    struct err *err;
    unsigned since_reset;
};

static int match_row(void *ctx, struct bytes key, struct bytes value) {
    struct match *m = ctx;
    if (m->pred) {
        bool yes;
        int rc = pred_matches(m->pred, key, value, m->x->ns, &m->scratch, &yes, m->err);
        if (rc)
            return rc;
        if (m->scratch.head && ++m->since_reset >= 32) {
            arena_reset(&m->scratch);
            m->since_reset = 0;
        }
        if (!yes)
            return BD_OK;
    }
    uint64_t copies = m->t->ts->schema.keyless ? keyless_cardinality(value) : 1;
    int rc = BD_OK;
    for (uint64_t i = 0; rc == BD_OK && i < copies; i++)
        rc = m->fn(m->ctx, key, value);
    return rc;
}

static int run_match(struct embedded_txn *x, struct table *t, const struct pred *where,
                     const struct access *access, struct arena *a, row_fn fn, void *ctx,
                     struct err *err) {
    struct match m = {.x = x, .t = t, .fn = fn, .ctx = ctx, .err = err};
    int index = access->kind == ACCESS_INDEX ? access->index : -1;
    int rc = pred_bind(where, t->ts, index, x->ns, a, &m.pred, err);
    if (rc == BD_OK)
        rc = access_run(t, access, a, match_row, &m, err);
    arena_release(&m.scratch);
    return rc;
}

/* Keys that come from an index entry are made here, and outlive the call: in the transaction's arena.
 */
int embedded_match(struct embedded_txn *x, struct table *t, const struct pred *where, row_fn fn,
                   void *ctx, struct err *err) {
    struct access access;
    int rc = access_plan(t, where, NULL, &x->arena, &access, err);
    if (rc == BD_OK)
        rc = run_match(x, t, where, &access, &x->arena, fn, ctx, err);
    return rc == BD_DONE ? BD_OK : rc;
}

/* ---- scanning ---- */

struct kept_row {
    struct bytes key, value;
    struct cell *order; /* decoded order cells */
    uint64_t seq;
};

struct scan {
    struct embedded_txn *x;
    struct table *t;
    struct projection projection, order;
    const bool *descending;
    struct cell *row;
    struct arena *out; /* where emitted cells live; NULL: scratch, reset for each row */
    struct arena scratch, kept_arena;
    uint64_t skip, left; /* offset and limit still to go; left UINT64_MAX: all */
    struct kept_row *kept;
    size_t kept_count, kept_capacity, kept_max; /* kept_max 0: no bound */
    uint64_t seq;
    uint64_t seen; /* rows that matched, skipped ones included */
    tables_row_fn fn;
    void *ctx;
    struct err *err;
};

static int emit(struct scan *s, struct bytes key, struct bytes value) {
    s->seen++;
    if (s->skip) {
        s->skip--;
        return BD_OK;
    }
    struct arena *a = s->out;
    if (!a) {
        arena_reset(&s->scratch);
        a = &s->scratch;
    }
    int rc = s->out ? project_owned(&s->projection, key, value, s->x->ns, a, s->row, s->err)
                    : project(&s->projection, key, value, s->x->ns, a, s->row, s->err);
    if (rc == BD_OK)
        rc = s->fn(s->ctx, s->row);
    if (rc == BD_OK && s->left != UINT64_MAX && --s->left == 0)
        rc = BD_DONE;
    return rc;
}

static int emit_row(void *ctx, struct bytes key, struct bytes value) { return emit(ctx, key, value); }

static int order_cmp(const struct scan *s, const struct kept_row *x, const struct kept_row *y) {
    for (size_t i = 0; i < s->order.count; i++) {
        int c = cell_cmp(&x->order[i], &y->order[i]);
        if (c)
            return s->descending[i] ? -c : c;
    }
    /* ties in row-key order, whatever way the rows came */
    if (!s->t->ts->schema.keyless && (x->seq != y->seq))
        return tuple_compare(&s->t->ts->keys, x->key, y->key);
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static int order_cmp_r(const void *a, const void *b, void *s) { return order_cmp(s, a, b); }

static void sift_down(struct scan *s, size_t i) {
    struct kept_row *h = s->kept;
    for (;;) {
        size_t l = 2 * i + 1, top = i;
        if (l < s->kept_count && order_cmp(s, &h[l], &h[top]) > 0)
            top = l;
        if (l + 1 < s->kept_count && order_cmp(s, &h[l + 1], &h[top]) > 0)
            top = l + 1;
        if (top == i)
            return;
        struct kept_row swap = h[i];
        h[i] = h[top];
        h[top] = swap;
        i = top;
    }
}

static int keep_row(void *ctx, struct bytes key, struct bytes value) {
    struct scan *s = ctx;
    struct kept_row r = {.key = key, .value = value, .seq = s->seq++};
    bool full = s->kept_max && s->kept_count == s->kept_max;
    /* cells that borrow from the tuple cost no memory; a full heap reuses the order array it drops */
    r.order = full ? s->kept[s->kept_count].order
                   : arena_alloc(&s->kept_arena, (s->order.count + 1) * sizeof *r.order);
    int rc = project(&s->order, key, value, s->x->ns, &s->kept_arena, r.order, s->err);
    if (rc)
        return rc;
    if (full) {
        if (order_cmp(s, &r, &s->kept[0]) < 0) {
            s->kept[s->kept_count].order = s->kept[0].order;
            s->kept[0] = r;
            sift_down(s, 0);
        }
        return BD_OK;
    }
    MEM_GROW(s->kept, s->kept_capacity, s->kept_count + 2);
    s->kept[s->kept_count++] = r;
    if (s->kept_max && s->kept_count == s->kept_max) {
        for (size_t i = s->kept_count / 2 + 1; i-- > 0;)
            sift_down(s, i);
        s->kept[s->kept_count].order =
            arena_alloc(&s->kept_arena, (s->order.count + 1) * sizeof *r.order);
    }
    return BD_OK;
}

static int emit_kept(struct scan *s) {
    if (s->kept_count)
        qsort_r(s->kept, s->kept_count, sizeof *s->kept, order_cmp_r, s);
    int rc = BD_OK;
    for (size_t i = 0; rc == BD_OK && i < s->kept_count; i++)
        rc = emit(s, s->kept[i].key, s->kept[i].value);
    return rc;
}

/* The order asked for is the one that rows come in anyway. */
static bool order_is_natural(const struct table_schema *ts, const struct tables_query *q) {
    const struct schema *s = &ts->schema;
    for (size_t i = 0; i < q->order_count; i++) {
        if (i >= s->pk_count)
            return !s->keyless;
        if (q->order[i].descending || schema_column(s, q->order[i].column) != s->pk[i])
            return false;
    }
    return true;
}

/* Per index: does it hold everything that the predicate and these columns need? */
static const bool *covering(struct table *t, const struct pred *where, const char *const *group,
                            size_t group_count, struct arena *a) {
    const struct schema *s = &t->ts->schema;
    if (s->keyless || s->index_count == 0 || (group_count == 0 && !where))
        return NULL;
    bool *list = arena_zalloc(a, s->index_count);
    for (size_t i = 0; i < s->index_count; i++) {
        const struct index *ix = &s->indexes[i];
        if (ix->spatial || ix->fulltext || ix->vector || ix->predicate)
            continue;
        list[i] = pred_is_covered(where, t->ts, (int)i);
        struct column_ref r;
        for (size_t g = 0; g < group_count && list[i]; g++)
            list[i] = column_ref_bind(&r, t->ts, (int)i, group[g]);
    }
    return list;
}

/* The first rows through indexes; BD_UNSUPPORTED: still to be found in the ordinary way, s->skip
 * adjusted. */
static int scan_first(struct scan *s, const struct tables_query *q, struct arena *a) {
    struct match m = {.x = s->x, .t = s->t, .fn = emit_row, .ctx = s, .err = s->err};
    int rc = pred_bind(q->where, s->t->ts, -1, s->x->ns, a, &m.pred, s->err);
    if (rc == BD_OK)
        rc = scan_ordered(s->t, q, match_row, &m, s->err);
    arena_release(&m.scratch);
    if (rc != SCAN_ORDERED_GAVE_UP)
        return rc;
    s->skip = s->seen > q->offset ? s->seen : q->offset;
    return BD_UNSUPPORTED;
}

int embedded_scan(struct tables_txn *tx, const struct tables_query *q, struct arena *a,
                  tables_row_fn fn, void *ctx, struct err *err) {
    struct embedded_txn *x = embedded_txn_of(tx);
    struct table *t;
    int rc = embedded_table(x, q->table, &t, err);
    if (rc || (!tree_count(&t->rows.tree) && !edit_map_dirty(&t->rows)))
        return rc;
    struct arena plan = ARENA_INIT;
    struct scan s = {.x = x, .t = t, .out = a, .fn = fn, .ctx = ctx, .err = err};
    s.skip = q->offset;
    s.left = q->limit ? q->limit : UINT64_MAX;
    struct access access;
    const bool *alone = q->any_order && q->columns && !q->order_count
                            ? covering(t, q->where, q->columns, q->column_count, &plan)
                            : NULL;
    rc = access_plan(t, q->where, alone, &plan, &access, err);
    bind_columns(&s.projection, t->ts, rc == BD_OK && access.kind == ACCESS_INDEX ? access.index : -1,
                 q->columns, q->column_count, &plan);
    s.row = arena_zalloc(&plan, (s.projection.count + 1) * sizeof *s.row);
    if (rc == BD_OK && order_is_natural(t->ts, q)) {
        rc = run_match(x, t, q->where, &access, &plan, emit_row, &s, err);
    } else if (rc == BD_OK && (rc = scan_first(&s, q, &plan)) == BD_UNSUPPORTED) {
        const char **names = arena_alloc(&plan, (q->order_count + 1) * sizeof *names);
        bool *descending = arena_alloc(&plan, q->order_count + 1);
        for (size_t i = 0; i < q->order_count; i++) {
            names[i] = q->order[i].column;
            descending[i] = q->order[i].descending;
        }
        s.descending = descending;
        bind_columns(&s.order, t->ts, -1, names, q->order_count, &plan);
        if (q->limit && q->limit + q->offset < 1000000)
            s.kept_max = (size_t)(q->limit + q->offset);
        rc = run_match(x, t, q->where, &access, &plan, keep_row, &s, err);
        if (rc == BD_OK)
            rc = emit_kept(&s);
    }
    free(s.kept);
    arena_release(&s.scratch);
    arena_release(&s.kept_arena);
    arena_release(&plan);
    return rc == BD_DONE ? BD_OK : rc;
}

/* ---- counting ---- */

struct group {
    struct cell *cells;
    uint64_t count;
};
struct counter {
    struct embedded_txn *x;
    struct projection projection;
    struct strmap groups; /* raw bytes of the group fields → struct group */
    struct arena a;
    struct buf name;
    uint64_t total;
    struct err *err;
};

static int count_row(void *ctx, struct bytes key, struct bytes value) {
    (void)key;
    (void)value;
    ((struct counter *)ctx)->total++;
    return BD_OK;
}

static bool raw_is_content(enum encoding e) {
    return e != ENC_STRING_ADAPTIVE && e != ENC_BYTES_ADAPTIVE && e != ENC_JSON_ADAPTIVE;
}

static int count_group(void *ctx, struct bytes key, struct bytes value) {
    struct counter *c = ctx;
    buf_clear(&c->name);
    for (size_t i = 0; i < c->projection.count; i++) {
        const struct column_ref *r = &c->projection.refs[i];
        struct bytes raw = {NULL, 0};
        if (r->desc)
            raw = column_ref_raw(r, key, value);
        struct cell cell;
        if (r->desc ? raw.data && !raw_is_content(r->desc->fields[r->at].encoding) : r->column >= 0) {
            int rc = column_ref_cell(r, key, value, c->x->ns, &c->a, &cell, c->err);
            if (rc)
                return rc;
            const char *text = cell_has_text(&cell) ? cell.s.data : cell_format(&cell, &c->a);
            if (text)
                raw = (struct bytes){(const uint8_t *)text,
                                     cell_has_text(&cell) ? cell.s.size : strlen(text)};
        }
        uint32_t size = raw.data ? (uint32_t)raw.size : UINT32_MAX;
        buf_add(&c->name, &size, sizeof size);
        if (raw.data)
            buf_add(&c->name, raw.data, raw.size);
    }
    struct group *g = strmap_get_n(&c->groups, c->name.data, c->name.size);
    if (!g) {
        g = arena_zalloc(&c->a, sizeof *g);
        g->cells = arena_zalloc(&c->a, (c->projection.count + 1) * sizeof *g->cells);
        int rc = project(&c->projection, key, value, c->x->ns, &c->a, g->cells, c->err);
        if (rc)
            return rc;
        strmap_put_n(&c->groups, c->name.data, c->name.size, g);
    }
    g->count++;
    return BD_OK;
}

int embedded_count(struct tables_txn *tx, const char *table, const struct pred *where,
                   const char *const *group, size_t group_count, struct arena *a, tables_row_fn fn,
                   void *ctx, struct err *err) {
    struct embedded_txn *x = embedded_txn_of(tx);
    struct table *t;
    int rc = embedded_table(x, table, &t, err);
    if (rc)
        return rc;
    struct counter c = {.x = x, .err = err};
    struct arena plan = ARENA_INIT;
    if (!where && group_count == 0 && !t->ts->schema.keyless) {
        rc = edit_map_count(&t->rows, &c.total, err);
    } else {
        struct access access;
        rc = access_plan(t, where, covering(t, where, group, group_count, &plan), &plan, &access, err);
        int index = access.kind == ACCESS_INDEX ? access.index : -1;
        static const char *const none[1] = {NULL};
        bind_columns(&c.projection, t->ts, index, group ? group : none, group_count, &plan);
        if (rc == BD_OK)
            rc = run_match(x, t, where, &access, &plan, group_count ? count_group : count_row, &c, err);
    }
    if (rc == BD_OK && group_count == 0) {
        struct cell cell = cell_int((int64_t)c.total);
        rc = fn(ctx, &cell);
    } else if (rc == BD_OK) {
        struct cell *row = arena_zalloc(&plan, (group_count + 1) * sizeof *row);
        for (struct strmap_entry *e = NULL; rc == BD_OK && (e = strmap_next(&c.groups, e));) {
            const struct group *g = e->value;
            for (size_t i = 0; i < group_count; i++)
                row[i] = cell_copy(&g->cells[i], a ? a : &plan);
            row[group_count] = cell_int((int64_t)g->count);
            rc = fn(ctx, row);
        }
    }
    strmap_release(&c.groups);
    buf_release(&c.name);
    arena_release(&c.a);
    arena_release(&plan);
    return rc == BD_DONE ? BD_OK : rc;
}
