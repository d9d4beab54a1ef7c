/*
 * Choosing an access path by counting: a range's size comes from the subtree counts of the tree, two
 * seeks a range, so no statistics are kept.
 */
#include "store/db/scan_access.h"

#include <stdlib.h>
#include <string.h>

/* Fetching one row by key costs about as much as reading this many in sequence. */
#define FETCH_COST 8
#define RANGE_COST 2 /* one seek */
#define ESTIMATED_PROBES 4

/* ---- running ---- */

struct seek {
    const struct tuple_desc *desc;
    size_t fields;
    struct bytes probe;
};

static bool goes_before(void *ctx, struct bytes key) {
    const struct seek *s = ctx;
    return tuple_compare_prefix(s->desc, s->fields, key, s->probe) < 0;
}

static bool goes_up_to(void *ctx, struct bytes key) {
    const struct seek *s = ctx;
    return tuple_compare_prefix(s->desc, s->fields, key, s->probe) <= 0;
}

static void range_ends(const struct tuple_desc *desc, const struct access_range *r, struct seek *low,
                       struct seek *high) {
    *low = (struct seek){desc, r->fields, r->probe};
    *high = *low;
    if (r->low.data)
        *low = (struct seek){desc, r->fields + 1, r->low};
    if (r->high.data)
        *high = (struct seek){desc, r->fields + 1, r->high};
}

int access_range_run(const struct edit_map *m, const struct tuple_desc *desc,
                     const struct access_range *range, access_fn fn, void *ctx, struct err *err) {
    struct seek low, high;
    range_ends(desc, range, &low, &high);
    struct map_cursor c;
    int rc =
        low.fields ? map_cursor_seek_fn(&c, m, goes_before, &low, err) : map_cursor_first(&c, m, err);
    while (rc == BD_OK && c.valid) {
        if (high.fields && !goes_up_to(&high, c.key))
            break;
        rc = fn(ctx, c.key, c.value);
        if (rc == BD_OK)
            rc = map_cursor_next(&c, err);
    }
    map_cursor_release(&c);
    return rc;
}

struct key_list {
    struct bytes *keys;
    size_t count, capacity;
    const struct table_schema *ts;
    int index;
    struct arena *a;
};

static int key_list_add(void *ctx, struct bytes key, struct bytes value) {
    (void)value;
    struct key_list *l = ctx;
    MEM_GROW(l->keys, l->capacity, l->count + 1);
    l->keys[l->count++] = l->index < 0 ? key : table_index_row_key(l->ts, (size_t)l->index, key, l->a);
    return BD_OK;
}

static int key_order(const void *a, const void *b, void *desc) {
    return tuple_compare(desc, *(const struct bytes *)a, *(const struct bytes *)b);
}

static int run_keys(struct table *t, const struct access *access, struct arena *a, access_fn fn,
                    void *ctx, struct err *err) {
    struct key_list list = {NULL, 0, 0, t->ts, -1, a};
    int rc = BD_OK;
    for (size_t i = 0; rc == BD_OK && i < access->range_count; i++) {
        const struct access_range *r = &access->ranges[i];
        struct edit_map *m = &t->rows;
        const struct tuple_desc *desc = &t->ts->keys;
        list.index = r->index;
        if (r->index >= 0) {
            rc = table_index(t, (size_t)r->index, &m, err);
            desc = &t->ts->indexes[r->index];
        }
        if (rc == BD_OK)
            rc = access_range_run(m, desc, r, key_list_add, &list, err);
    }
    if (rc == BD_OK && list.count > 1)
        qsort_r(list.keys, list.count, sizeof *list.keys, key_order, (void *)&t->ts->keys);
    for (size_t i = 0; rc == BD_OK && i < list.count; i++) {
        if (i && !tuple_compare(&t->ts->keys, list.keys[i], list.keys[i - 1]))
            continue;
        struct bytes value;
        rc = edit_map_get(&t->rows, list.keys[i], &value, err);
        if (rc == BD_NOT_FOUND)
            rc = BD_OK; /* an entry without its row: doctor's business */
        else if (rc == BD_OK)
            rc = fn(ctx, list.keys[i], value);
    }
    free(list.keys);
    return rc;
}

int access_run(struct table *t, const struct access *access, struct arena *a, access_fn fn, void *ctx,
               struct err *err) {
    static const struct access_range everything = {.index = -1};
    int rc = BD_OK;
    switch (access->kind) {
    case ACCESS_ALL: return access_range_run(&t->rows, &t->ts->keys, &everything, fn, ctx, err);
    case ACCESS_ROWS:
        for (size_t i = 0; rc == BD_OK && i < access->range_count; i++)
            rc = access_range_run(&t->rows, &t->ts->keys, &access->ranges[i], fn, ctx, err);
        return rc;
    case ACCESS_KEYS: return run_keys(t, access, a, fn, ctx, err);
    case ACCESS_INDEX: {
        struct edit_map *m;
        rc = table_index(t, (size_t)access->index, &m, err);
        for (size_t i = 0; rc == BD_OK && i < access->range_count; i++)
            rc = access_range_run(m, &t->ts->indexes[access->index], &access->ranges[i], fn, ctx, err);
        return rc;
    }
    }
    return BD_OK;
}

/* ---- planning ---- */

/* What the conjuncts say about one column. */
struct facts {
    const struct cell *equal; /* one of these; NULL when nothing is said */
    size_t equal_count;
    const struct cell *low, *high;
};

/* What was counted once for a list of leading columns; other maps that lead with them have as many. */
struct estimate {
    const uint16_t *columns;
    size_t count;
    bool bounded; /* the last column by a range */
    uint64_t size;
    struct estimate *next;
};

struct planner {
    struct table *t;
    struct arena *a;
    const bool *index_only;
    struct estimate *known;
    struct err *err;
};

static struct estimate *find_estimate(const struct planner *p, const uint16_t *columns, size_t count,
                                      bool bounded) {
    struct estimate *e = p->known;
    while (e && !(e->count == count && e->bounded == bounded &&
                  memcmp(e->columns, columns, count * sizeof *columns) == 0))
        e = e->next;
    return e;
}

static const struct cell null_cell = {.kind = CELL_NULL, .i = 0};

/* A text behind all that start with this one: nothing sorts above U+10FFFF. */
static const struct cell *behind_prefix(struct planner *p, const struct cell *start) {
    if (!start || !cell_has_text(start))
        return NULL;
    struct cell *c = arena_alloc(p->a, sizeof *c);
    *c = cell_text(arena_printf(p->a, "%.*s\xf4\x8f\xbf\xbf", (int)start->s.size, start->s.data));
    return c;
}

static void gather(struct planner *p, const struct pred *w, struct facts *facts) {
    if (w->op == PRED_AND) {
        for (size_t i = 0; i < w->kid_count; i++)
            if (w->kids[i])
                gather(p, w->kids[i], facts);
        return;
    }
    if (!w->column)
        return;
    int c = schema_column(&p->t->ts->schema, w->column);
    if (c < 0)
        return;
    struct facts *f = &facts[c];
    switch (w->op) {
    case PRED_EQ:
    case PRED_IN:
        if (!f->equal || w->cell_count < f->equal_count) {
            f->equal = w->cell_count ? w->cells : &null_cell;
            f->equal_count = w->cell_count;
        }
        break;
    case PRED_IS_NULL:
        if (!f->equal) {
            f->equal = &null_cell;
            f->equal_count = 1;
        }
        break;
    case PRED_GT:
    case PRED_GE: f->low = w->cells; break;
    case PRED_LT:
    case PRED_LE: f->high = w->cells; break;
    case PRED_PREFIX:
        f->low = w->cells;
        f->high = behind_prefix(p, w->cells);
        break;
    default: break;
    }
}

static int probe_order(const void *a, const void *b, void *desc) {
    const struct access_range *x = a, *y = b;
    return tuple_compare_prefix(desc, x->fields, x->probe, y->probe);
}

/* Callers that ask more than once for the same keys give them in order: often there is nothing to do.
 */
static void sort_ranges(struct access_range *ranges, size_t count, const struct tuple_desc *desc) {
    size_t sorted = 1;
    while (sorted < count && probe_order(&ranges[sorted - 1], &ranges[sorted], (void *)desc) <= 0)
        sorted++;
    if (sorted < count)
        qsort_r(ranges, count, sizeof *ranges, probe_order, (void *)desc);
}

static bool build_probe(struct planner *p, const struct tuple_desc *desc, const uint16_t *columns,
                        const struct cell *cells, size_t n, struct bytes *out) {
    struct cell *converted = arena_alloc(p->a, (n + 1) * sizeof *converted);
    for (size_t i = 0; i < n; i++)
        if (!pred_constant(p->t->ts, columns[i], &cells[i], p->a, &converted[i]))
            return false;
    struct tuple_field *fields = arena_dup(p->a, desc->fields, n * sizeof *fields);
    for (size_t i = 0; i < n; i++)
        fields[i].nullable = true;
    struct tuple_desc head = {.fields = fields, .count = n, .target_row_size = desc->target_row_size};
    return tuple_build(&head, converted, p->t->ns, p->a, out, NULL) == BD_OK;
}

/* Number of items the range spans in the tree (edits of the transaction are not counted). */
static int range_size(const struct tree *tree, const struct tuple_desc *desc,
                      const struct access_range *r, uint64_t *size, struct err *err) {
    struct seek low, high;
    range_ends(desc, r, &low, &high);
    struct tree_cursor c;
    uint64_t from = 0, to = tree_count(tree);
    int rc = BD_OK;
    if (low.fields) {
        rc = tree_cursor_seek_fn(&c, tree, goes_before, &low, err);
        from = rc ? 0 : tree_cursor_rank(&c);
        tree_cursor_release(&c);
    }
    if (rc == BD_OK && high.fields) {
        rc = tree_cursor_seek_fn(&c, tree, goes_up_to, &high, err);
        to = rc ? 0 : tree_cursor_rank(&c);
        tree_cursor_release(&c);
    }
    *size = to > from ? to - from : 0;
    return rc;
}

/* Rows in all the ranges together: counted for some of them, on the first map that has the columns. */
static int estimate_size(struct planner *p, int index, const uint16_t *columns, size_t n, bool bounded,
                         const struct access_range *ranges, size_t count, uint64_t *size) {
    const struct table_schema *ts = p->t->ts;
    const struct tuple_desc *desc = index < 0 ? &ts->keys : &ts->indexes[index];
    *size = count;
    if (index < 0 && n == ts->keys.count)
        return BD_OK;
    struct estimate *e = find_estimate(p, columns, n + bounded, bounded);
    if (e) {
        *size = e->size;
        return BD_OK;
    }
    struct edit_map *m = &p->t->rows;
    int rc = index < 0 ? BD_OK : table_index(p->t, (size_t)index, &m, p->err);
    uint64_t sum = 0;
    size_t sampled = count < ESTIMATED_PROBES ? count : ESTIMATED_PROBES;
    for (size_t i = 0; rc == BD_OK && i < sampled; i++) {
        uint64_t one = 0;
        rc = range_size(&m->tree, desc, &ranges[i], &one, p->err);
        sum += one;
    }
    *size = count > sampled ? sum * count / sampled : sum;
    e = arena_alloc(p->a, sizeof *e);
    *e = (struct estimate){columns, n + bounded, bounded, *size, p->known};
    p->known = e;
    return rc;
}

/*
 * Ranges on one map from the facts; *count 0 with *usable true means that nothing can match. Not usable
 * is also a map that cannot be better than what was found already, at this cost.
 */
static int map_ranges(struct planner *p, int index, const uint16_t *columns, size_t column_count,
                      const struct facts *facts, bool covers, uint64_t cost, struct access_range **out,
                      size_t *count, bool *usable, uint64_t *size) {
    const struct table_schema *ts = p->t->ts;
    const struct tuple_desc *desc = index < 0 ? &ts->keys : &ts->indexes[index];
    *usable = false;
    size_t n = 0, many = SIZE_MAX, total = 1;
    while (n < column_count && n < desc->count && facts[columns[n]].equal) {
        size_t k = facts[columns[n]].equal_count;
        if (k != 1) {
            if (many != SIZE_MAX)
                break;
            many = n;
            total = k;
        }
        n++;
    }
    bool bounded =
        n < column_count && n < desc->count && (facts[columns[n]].low || facts[columns[n]].high);
    if ((n == 0 && !bounded) || total * RANGE_COST > cost ||
        (index >= 0 && !covers && find_estimate(p, columns, n + bounded, bounded)))
        return BD_OK;
    *usable = true;
    struct access_range *ranges = arena_zalloc(p->a, (total + 1) * sizeof *ranges);
    struct cell *cells = arena_alloc(p->a, (n + 2) * sizeof *cells);
    size_t made = 0;
    for (size_t k = 0; k < total; k++) {
        struct access_range *r = &ranges[made];
        bool ok = true;
        for (size_t i = 0; i < n && ok; i++) {
            cells[i] = facts[columns[i]].equal[i == many ? k : 0];
            /* `= NULL` matches nothing; IS NULL is the one constant that is null_cell itself */
            ok = !cell_is_null(&cells[i]) || facts[columns[i]].equal == &null_cell;
        }
        memset(r, 0, sizeof *r);
        r->index = index;
        r->fields = n;
        if (!ok || (n && !build_probe(p, desc, columns, cells, n, &r->probe)))
            continue;
        if (bounded) {
            const struct facts *f = &facts[columns[n]];
            struct bytes t;
            cells[n] = f->low ? *f->low : cell_null();
            if (f->low && build_probe(p, desc, columns, cells, n + 1, &t))
                r->low = t;
            cells[n] = f->high ? *f->high : cell_null();
            if (f->high && build_probe(p, desc, columns, cells, n + 1, &t))
                r->high = t;
        }
        made++;
    }
    if (made > 1) {
        sort_ranges(ranges, made, desc);
        size_t kept = 1;
        for (size_t i = 1; i < made; i++)
            if (tuple_compare_prefix(desc, n, ranges[i].probe, ranges[kept - 1].probe))
                ranges[kept++] = ranges[i];
        made = kept;
    }
    *out = ranges;
    *count = made;
    return estimate_size(p, index, columns, n, bounded, ranges, made, size);
}

/* Rows to be walked without an index: those of the tree and what the transaction has added. */
static uint64_t row_estimate(const struct table *t) {
    return tree_count(&t->rows.tree) + t->rows.edits;
}

static uint64_t path_cost(const struct access *x) {
    switch (x->kind) {
    case ACCESS_ALL: return x->estimate + 1;
    case ACCESS_ROWS: return x->estimate + x->range_count * RANGE_COST;
    case ACCESS_KEYS: return x->estimate * FETCH_COST + x->range_count * RANGE_COST;
    case ACCESS_INDEX: return x->estimate / 2 + x->range_count * RANGE_COST;
    }
    return UINT64_MAX;
}

static void keep_better(struct access *best, const struct access *candidate) {
    if (path_cost(candidate) < path_cost(best))
        *best = *candidate;
}

static int plan(struct planner *p, const struct pred *w, struct access *best);

/* An OR is as good as all its branches together. */
static int plan_or(struct planner *p, const struct pred *w, struct access *best) {
    struct access all = {.kind = ACCESS_KEYS};
    for (size_t i = 0; i < w->kid_count; i++) {
        struct planner kid_planner = *p;
        kid_planner.index_only = NULL;
        kid_planner.known = NULL; /* it has facts of its own */
        struct access kid = {.kind = ACCESS_ALL, .estimate = row_estimate(p->t)};
        if (!w->kids[i])
            return BD_OK;
        int rc = plan(&kid_planner, w->kids[i], &kid);
        if (rc)
            return rc;
        if (kid.kind == ACCESS_ALL)
            return BD_OK;
        struct access_range *joined =
            arena_alloc(p->a, (all.range_count + kid.range_count + 1) * sizeof *joined);
        if (all.range_count)
            memcpy(joined, all.ranges, all.range_count * sizeof *joined);
        if (kid.range_count)
            memcpy(joined + all.range_count, kid.ranges, kid.range_count * sizeof *joined);
        all.ranges = joined;
        all.range_count += kid.range_count;
        all.estimate += kid.estimate;
    }
    keep_better(best, &all);
    return BD_OK;
}

static int plan(struct planner *p, const struct pred *w, struct access *best) {
    const struct table_schema *ts = p->t->ts;
    const struct schema *s = &ts->schema;
    if (w->op == PRED_OR)
        return plan_or(p, w, best);
    struct facts *facts = arena_zalloc(p->a, (s->column_count + 1) * sizeof *facts);
    gather(p, w, facts);
    int rc = BD_OK;
    struct access_range *ranges = NULL;
    size_t count = 0;
    uint64_t size = 0;
    bool usable;
    if (!s->keyless) {
        rc = map_ranges(p, -1, s->pk, s->pk_count, facts, false, path_cost(best), &ranges, &count,
                        &usable, &size);
        if (rc == BD_OK && usable) {
            struct access x = {
                .kind = ACCESS_ROWS, .ranges = ranges, .range_count = count, .estimate = size};
            keep_better(best, &x);
            if (size <= 1)
                return BD_OK;
        }
    }
    for (size_t i = 0; rc == BD_OK && i < s->index_count; i++) {
        const struct index *ix = &s->indexes[i];
        if (ix->spatial || ix->fulltext || ix->vector || ix->predicate)
            continue;
        size_t usable_columns = 0;
        while (usable_columns < ix->key_column_count && usable_columns < ts->indexes[i].count &&
               !(usable_columns < ix->prefix_count && ix->prefix_lengths &&
                 ix->prefix_lengths[usable_columns])) {
            enum encoding e = ts->indexes[i].fields[usable_columns].encoding;
            if (e == ENC_STRING_ADDR || e == ENC_BYTES_ADDR || e == ENC_JSON_ADDR ||
                e == ENC_STRING_ADAPTIVE || e == ENC_BYTES_ADAPTIVE || e == ENC_JSON_ADAPTIVE)
                break;
            usable_columns++;
        }
        bool covers = p->index_only && p->index_only[i];
        rc = map_ranges(p, (int)i, ix->key_columns, usable_columns, facts, covers, path_cost(best),
                        &ranges, &count, &usable, &size);
        if (rc == BD_OK && usable) {
            struct access x = {.kind = covers ? ACCESS_INDEX : ACCESS_KEYS,
                               .ranges = ranges,
                               .range_count = count,
                               .index = (int)i,
                               .estimate = size};
            keep_better(best, &x);
        }
    }
    if (w->op == PRED_AND)
        for (size_t i = 0; rc == BD_OK && i < w->kid_count; i++)
            if (w->kids[i] && w->kids[i]->op == PRED_OR)
                rc = plan_or(p, w->kids[i], best);
    return rc;
}

int access_plan(struct table *t, const struct pred *where, const bool *index_only, struct arena *a,
                struct access *out, struct err *err) {
    struct planner p = {t, a, index_only, NULL, err};
    uint64_t total = row_estimate(t);
    *out = (struct access){.kind = ACCESS_ALL, .estimate = total};
    int rc = BD_OK;
    if (where && where->op != PRED_TRUE)
        rc = plan(&p, where, out);
    /* a narrow index holds everything: read it instead of many rows */
    if (rc == BD_OK && index_only) {
        for (size_t i = 0; i < t->ts->schema.index_count; i++) {
            if (!index_only[i])
                continue;
            struct access_range *all = arena_zalloc(a, sizeof *all);
            all->index = (int)i;
            struct access x = {.kind = ACCESS_INDEX,
                               .ranges = all,
                               .range_count = 1,
                               .index = (int)i,
                               .estimate = total};
            keep_better(out, &x);
        }
    }
    return rc;
}
