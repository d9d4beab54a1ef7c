/*
 * `ORDER BY a, b DESC, id LIMIT k` where a and b each lead a secondary index.
 *
 * An index entry holds the column and the row key, so the order can be found in entries, which are
 * small, and only rows that will be shown are read. Three steps:
 *
 *   1. candidates: row keys that a covering index says may match (`status` not closed …), in a hash
 * set;
 *   2. the index of the first order column, one group of equal values after the other; members of the
 *      group are kept when they are candidates;
 *   3. within a group, the index of the second order column is walked in its direction, picking
 * members, until enough rows are shown. Small groups are fetched and sorted instead.
 *
 * Works on tables with one key column, with nothing pending in this transaction. A budget bounds the
 * work: when it is spent the caller reads all rows instead and skips what was shown already (same
 * order).
 */
#include "store/db/scan_ordered.h"

#include <stdlib.h>
#include <string.h>

#define TABLE_SMALL 512 /* fewer rows are read in whole */
#define VALUES_MAX 64   /* distinct values of a filtering column worth probing */
#define GROUP_SMALL 64
#define FETCH_COST 8

/* ---- a set of row keys (the raw bytes of their one field) ---- */

struct member {
    const uint8_t *data; /* NULL: free */
    uint32_t size;
    uint32_t group; /* number of the group it was last found in */
};
struct key_set {
    struct member *slots;
    size_t mask, count;
};

static uint64_t hash_key(struct bytes k) {
    uint64_t h = k.size * 0x9e3779b97f4a7c15u, word;
    size_t i = 0;
    for (; i + 8 <= k.size; i += 8) {
        memcpy(&word, k.data + i, 8);
        h = (h ^ word) * 0xff51afd7ed558ccdu;
        h ^= h >> 32;
    }
    for (; i < k.size; i++)
        h = (h ^ k.data[i]) * 0x100000001b3u;
    return h ^ h >> 29;
}

static struct member *set_slot(const struct key_set *s, struct bytes k) {
    size_t i = (size_t)hash_key(k) & s->mask;
    while (s->slots[i].data &&
           (s->slots[i].size != k.size || memcmp(s->slots[i].data, k.data, k.size) != 0))
        i = (i + 1) & s->mask;
    return &s->slots[i];
}

static void set_grow(struct key_set *s) {
    struct key_set bigger = {.mask = s->slots ? s->mask * 2 + 1 : 1023, .count = s->count};
    bigger.slots = mem_zalloc(bigger.mask + 1, sizeof *bigger.slots);
    for (size_t i = 0; s->slots && i <= s->mask; i++)
        if (s->slots[i].data)
            *set_slot(&bigger, (struct bytes){s->slots[i].data, s->slots[i].size}) = s->slots[i];
    free(s->slots);
    *s = bigger;
}

static struct member *set_add(struct key_set *s, struct bytes k) {
    if (!s->slots || s->count * 2 > s->mask)
        set_grow(s);
    struct member *m = set_slot(s, k);
    if (!m->data) {
        *m = (struct member){k.data, (uint32_t)k.size, 0};
        s->count++;
    }
    return m;
}

static struct member *set_find(const struct key_set *s, struct bytes k) {
    struct member *m = s->slots ? set_slot(s, k) : NULL;
    return m && m->data ? m : NULL;
}

/* ---- the walk ---- */

struct order_index {
    struct edit_map *map;
    const struct tuple_desc *desc;
    size_t key_at; /* field of its entries that holds the row key */
    bool descending;
};

struct walk {
    struct table *t;
    const struct tables_query *q;
    struct arena a;
    struct order_index first, second;
    bool has_second;
    struct key_set members; /* candidates; without `filtered`, whoever a group turned up */
    bool filtered;
    struct column_ref second_column;
    struct bytes *group;
    size_t group_count, group_capacity;
    uint32_t group_number;
    uint64_t budget;
    access_fn fn;
    void *ctx;
    struct err *err;
};

static bool plain_order(const struct tuple_field *f) {
    switch (f->encoding) {
    case ENC_STRING: return f->collation == COLLATION_UTF8MB4_0900_BIN;
    case ENC_INT8:
    case ENC_INT16:
    case ENC_INT32:
    case ENC_INT64:
    case ENC_UINT8:
    case ENC_UINT16:
    case ENC_UINT32:
    case ENC_UINT64:
    case ENC_DATETIME:
    case ENC_DATE: return true;
    default: return false;
    }
}

/* An index that begins with the column, in whole; false when there is none to walk. */
static bool find_index(struct walk *w, int column, struct order_index *out) {
    const struct table_schema *ts = w->t->ts;
    for (size_t i = 0; i < ts->schema.index_count; i++) {
        const struct index *ix = &ts->schema.indexes[i];
        if (ix->spatial || ix->fulltext || ix->vector || ix->predicate || ix->columns[0] != column ||
            (ix->prefix_count && ix->prefix_lengths && ix->prefix_lengths[0]) ||
            !plain_order(&ts->indexes[i].fields[0]) || table_index(w->t, i, &out->map, w->err) ||
            edit_map_dirty(out->map))
            continue;
        out->desc = &ts->indexes[i];
        for (size_t k = 0; k < ix->key_column_count; k++)
            if (ix->key_columns[k] == ts->schema.pk[0]) {
                out->key_at = k;
                return k == 1; /* entries of one value are then in the order of the row key */
            }
    }
    return false;
}

static bool prepare(struct walk *w) {
    const struct table_schema *ts = w->t->ts;
    const struct schema *s = &ts->schema;
    const struct tables_query *q = w->q;
    if (!q->limit || !q->order_count || s->keyless || s->pk_count != 1 || edit_map_dirty(&w->t->rows) ||
        tree_count(&w->t->rows.tree) < TABLE_SMALL || !plain_order(&ts->keys.fields[0]))
        return false;
    int column[3] = {-1, -1, -1};
    for (size_t i = 0; i < q->order_count && i < 3; i++)
        if ((column[i] = schema_column(s, q->order[i].column)) < 0)
            return false;
    size_t ordered = 1; /* order columns before the row key */
    if (q->order_count > 1 && column[1] != s->pk[0])
        ordered = 2;
    if (column[0] == s->pk[0] || q->order_count > ordered + 1 ||
        (q->order_count > ordered && (column[ordered] != s->pk[0] || q->order[ordered].descending)))
        return false;
    w->has_second = ordered == 2;
    w->first.descending = q->order[0].descending;
    if (!find_index(w, column[0], &w->first))
        return false;
    if (!w->has_second)
        return true;
    w->second.descending = q->order[1].descending;
    return find_index(w, column[1], &w->second) &&
           column_ref_bind(&w->second_column, ts, -1, q->order[1].column);
}

/* ---- step 1: candidates ---- */

struct same_value {
    const struct tuple_desc *desc;
    struct bytes key;
};

static bool up_to_value(void *ctx, struct bytes key) {
    const struct same_value *v = ctx;
    return tuple_compare_prefix(v->desc, 1, key, v->key) <= 0;
}

struct value_range {
    uint64_t from, to; /* ranks */
};
struct value_ranges {
    struct value_range list[VALUES_MAX];
    size_t count;
    uint64_t entries;
};

/* Ranges of index i whose leading value satisfies the predicate; false when there are too many values.
 */
static int probe_values(struct walk *w, size_t i, const struct edit_map *m,
                        const struct bound_pred *pred, struct value_ranges *out, bool *usable) {
    const struct tuple_desc *desc = &w->t->ts->indexes[i];
    struct tree_cursor c;
    *usable = false;
    out->count = 0;
    out->entries = 0;
    int rc = tree_cursor_first(&c, &m->tree, w->err);
    uint64_t from = 0;
    for (size_t values = 0; rc == BD_OK && c.valid; values++) {
        if (values == VALUES_MAX)
            break;
        struct same_value v = {desc, tree_cursor_key(&c)};
        bool yes = false;
        rc = pred_matches(pred, v.key, tree_cursor_value(&c), w->t->ns, &w->a, &yes, w->err);
        tree_cursor_release(&c);
        if (rc == BD_OK)
            rc = tree_cursor_seek_fn(&c, &m->tree, up_to_value, &v, w->err);
        uint64_t to = rc ? from : tree_cursor_rank(&c);
        if (yes && rc == BD_OK) {
            out->list[out->count++] = (struct value_range){from, to};
            out->entries += to - from;
        }
        from = to;
        *usable = rc == BD_OK && !c.valid;
    }
    tree_cursor_release(&c);
    return rc;
}

static int add_range(struct walk *w, const struct edit_map *m, size_t key_at, uint64_t from,
                     uint64_t to) {
    struct tree_cursor c;
    int rc = tree_cursor_seek_rank(&c, &m->tree, from, w->err);
    for (; rc == BD_OK && c.valid && from < to; from++) {
        set_add(&w->members, tuple_field(tree_cursor_key(&c), key_at));
        rc = tree_cursor_next(&c, w->err);
    }
    tree_cursor_release(&c);
    return rc;
}

static bool only_column(const struct pred *p, const char *column) {
    if (p->column && strcmp(p->column, column) != 0)
        return false;
    for (size_t i = 0; i < p->kid_count; i++)
        if (p->kids[i] && !only_column(p->kids[i], column))
            return false;
    return true;
}

static size_t row_key_field(const struct table_schema *ts, size_t i) {
    const struct index *ix = &ts->schema.indexes[i];
    size_t k = 0;
    while (k < ix->key_column_count && ix->key_columns[k] != ts->schema.pk[0])
        k++;
    return k;
}

/* The conjunct on the leading column of some index that leaves the fewest entries. */
struct filter {
    struct value_ranges ranges;
    const struct edit_map *map; /* NULL: none yet */
    size_t key_at;
};

static int consider(struct walk *w, const struct pred *p, struct filter *best) {
    const struct table_schema *ts = w->t->ts;
    int rc = BD_OK;
    for (size_t i = 0; p->op == PRED_AND && i < p->kid_count && rc == BD_OK; i++)
        if (p->kids[i])
            rc = consider(w, p->kids[i], best);
    for (size_t i = 0; p->op != PRED_AND && i < ts->schema.index_count && rc == BD_OK; i++) {
        struct edit_map *m;
        const struct bound_pred *bound;
        struct value_ranges now;
        bool usable;
        if (!only_column(p, ts->schema.columns[ts->schema.indexes[i].columns[0]].name) ||
            !pred_is_covered(p, ts, (int)i) || !plain_order(&ts->indexes[i].fields[0]) ||
            table_index(w->t, i, &m, w->err) || edit_map_dirty(m) ||
            pred_bind(p, ts, (int)i, w->t->ns, &w->a, &bound, w->err) || !bound)
            continue;
        rc = probe_values(w, i, m, bound, &now, &usable);
        if (rc == BD_OK && usable && now.entries < best->ranges.entries)
            *best = (struct filter){now, m, row_key_field(ts, i)};
    }
    return rc;
}

static int filter_by_values(struct walk *w, uint64_t total) {
    struct filter best = {.ranges.entries = total};
    int rc = consider(w, w->q->where, &best);
    if (rc || !best.map || best.ranges.entries > total - total / 8)
        return rc;
    w->filtered = true;
    for (size_t i = 0; rc == BD_OK && i < best.ranges.count; i++)
        rc = add_range(w, best.map, best.key_at, best.ranges.list[i].from, best.ranges.list[i].to);
    return rc;
}

struct adder {
    struct walk *w;
    size_t key_at;
};

static int add_entry(void *ctx, struct bytes key, struct bytes value) {
    (void)value;
    const struct adder *a = ctx;
    set_add(&a->w->members, tuple_field(key, a->key_at));
    return BD_OK;
}

static int gather_candidates(struct walk *w) {
    const struct pred *where = w->q->where;
    if (!where || where->op == PRED_TRUE)
        return BD_OK;
    const struct table_schema *ts = w->t->ts;
    uint64_t total = tree_count(&w->t->rows.tree);
    bool *any = arena_alloc(&w->a, ts->schema.index_count + 1);
    memset(any, true, ts->schema.index_count + 1);
    struct access access;
    int rc = access_plan(w->t, where, any, &w->a, &access, w->err);
    if (rc)
        return rc;
    if (access.kind != ACCESS_INDEX || access.estimate > total / 2)
        return filter_by_values(w, total);
    w->filtered = true;
    struct edit_map *m;
    struct adder adder = {w, row_key_field(ts, (size_t)access.index)};
    rc = table_index(w->t, (size_t)access.index, &m, w->err);
    for (size_t i = 0; rc == BD_OK && i < access.range_count; i++)
        rc = access_range_run(m, &ts->indexes[access.index], &access.ranges[i], add_entry, &adder,
                              w->err);
    return rc;
}

/* ---- steps 2 and 3 ---- */

static int spend(struct walk *w, uint64_t cost) {
    if (w->budget < cost)
        return SCAN_ORDERED_GAVE_UP;
    w->budget -= cost;
    return BD_OK;
}

static int show(struct walk *w, struct bytes key_field) {
    struct bytes key = tuple_from_fields(&key_field, 1, &w->a), value;
    int rc = spend(w, FETCH_COST);
    if (rc == BD_OK)
        rc = edit_map_get(&w->t->rows, key, &value, w->err);
    if (rc == BD_NOT_FOUND)
        return BD_OK; /* an entry without its row: doctor's business */
    return rc ? rc : w->fn(w->ctx, key, value);
}

struct sorted_row {
    struct bytes key_field, key, value;
    struct cell order;
};

static int sorted_cmp(const void *a, const void *b, void *descending) {
    const struct sorted_row *x = a, *y = b;
    int c = cell_cmp(&x->order, &y->order);
    if (c)
        return *(const bool *)descending ? -c : c;
    size_t n = x->key_field.size < y->key_field.size ? x->key_field.size : y->key_field.size;
    c = memcmp(x->key_field.data, y->key_field.data, n);
    return c ? c : (x->key_field.size > y->key_field.size) - (x->key_field.size < y->key_field.size);
}

static int show_small_group(struct walk *w) {
    struct sorted_row *rows = arena_zalloc(&w->a, w->group_count * sizeof *rows);
    size_t n = 0;
    int rc = BD_OK;
    for (size_t i = 0; rc == BD_OK && i < w->group_count; i++) {
        struct sorted_row *r = &rows[n];
        r->key_field = w->group[i];
        r->key = tuple_from_fields(&r->key_field, 1, &w->a);
        rc = spend(w, FETCH_COST);
        if (rc == BD_OK)
            rc = edit_map_get(&w->t->rows, r->key, &r->value, w->err);
        if (rc == BD_NOT_FOUND) {
            rc = BD_OK;
            continue;
        }
        if (rc == BD_OK)
            rc = column_ref_cell(&w->second_column, r->key, r->value, w->t->ns, &w->a, &r->order,
                                 w->err);
        n++;
    }
    if (rc == BD_OK && n)
        qsort_r(rows, n, sizeof *rows, sorted_cmp, &w->second.descending);
    for (size_t i = 0; rc == BD_OK && i < n; i++)
        rc = w->fn(w->ctx, rows[i].key, rows[i].value);
    return rc;
}

static void reverse(struct bytes *list, size_t count) {
    for (size_t i = 0; i < count / 2; i++) {
        struct bytes swap = list[i];
        list[i] = list[count - 1 - i];
        list[count - 1 - i] = swap;
    }
}

/*
 * Visits the entries of an index by runs of equal leading values, runs in its direction, entries of a
 * run in row-key order. run(ctx, …) gets the row keys that `pick` accepts.
 */
static int each_run(struct walk *w, const struct order_index *ix,
                    bool (*pick)(struct walk *w, struct bytes key), int (*run)(struct walk *w)) {
    struct tree_cursor c;
    int rc = ix->descending ? tree_cursor_last(&c, &ix->map->tree, w->err)
                            : tree_cursor_first(&c, &ix->map->tree, w->err);
    while (rc == BD_OK && c.valid) {
        struct bytes lead = tuple_field(tree_cursor_key(&c), 0);
        uint64_t entries = 0;
        w->group_count = 0;
        while (rc == BD_OK && c.valid) {
            struct bytes key = tree_cursor_key(&c), field = tuple_field(key, 0);
            if (field.size != lead.size || (lead.size && memcmp(field.data, lead.data, lead.size) != 0))
                break;
            field = tuple_field(key, ix->key_at);
            if (field.data && pick(w, field)) {
                MEM_GROW(w->group, w->group_capacity, w->group_count + 1);
                w->group[w->group_count++] = field;
            }
            entries++;
            rc = ix->descending ? tree_cursor_prev(&c, w->err) : tree_cursor_next(&c, w->err);
        }
        if (ix->descending)
            reverse(w->group, w->group_count);
        if (rc == BD_OK)
            rc = spend(w, entries);
        if (rc == BD_OK && w->group_count)
            rc = run(w);
    }
    tree_cursor_release(&c);
    return rc;
}

static bool pick_candidate(struct walk *w, struct bytes key) {
    struct member *m = w->filtered ? set_find(&w->members, key) : set_add(&w->members, key);
    if (m)
        m->group = w->group_number;
    return m != NULL;
}

static bool pick_member(struct walk *w, struct bytes key) {
    const struct member *m = set_find(&w->members, key);
    return m && m->group == w->group_number;
}

static int show_run(struct walk *w) {
    int rc = BD_OK;
    for (size_t i = 0; rc == BD_OK && i < w->group_count; i++)
        rc = show(w, w->group[i]);
    return rc;
}

static int show_group(struct walk *w) {
    int rc;
    if (!w->has_second)
        rc = show_run(w);
    else if (w->group_count <= GROUP_SMALL)
        rc = show_small_group(w);
    else
        rc = each_run(w, &w->second, pick_member, show_run);
    w->group_number++;
    return rc;
}

int scan_ordered(struct table *t, const struct tables_query *q, access_fn fn, void *ctx,
                 struct err *err) {
    struct walk w = {.t = t, .q = q, .fn = fn, .ctx = ctx, .err = err, .group_number = 1};
    int rc = prepare(&w) ? gather_candidates(&w) : BD_UNSUPPORTED;
    uint64_t total = tree_count(&t->rows.tree);
    if (rc == BD_OK && w.filtered && w.members.count <= GROUP_SMALL)
        rc = BD_UNSUPPORTED; /* so few that they are best fetched */
    w.budget = total * 4;
    if (rc == BD_OK)
        rc = each_run(&w, &w.first, pick_candidate, show_group);
    free(w.members.slots);
    free(w.group);
    arena_release(&w.a);
    return rc;
}
