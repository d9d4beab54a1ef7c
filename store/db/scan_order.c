/*
 * Walking an order by index. A group is all rows with one value of the first order column; rows of a group
 * come by its own entries when it is small, else by the second column's index, where a set of the group's
 * keys tells which entries belong to it.
 */
#include "store/db/scan_order.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <stdlib.h>
#include <string.h>

#define SMALL_GROUP 64

int order_index(const struct table_schema *ts, int column) {
    const struct schema *s = &ts->schema;
    if (s->keyless || s->pk_count != 1)
        return -1;
    for (size_t i = 0; i < s->index_count; i++) {
        const struct index *ix = &s->indexes[i];
        const struct tuple_field *stored = table_column_field(ts, (size_t)column);
        /* one column only: entries of one value are then sorted by row key */
        if (ix->column_count == 1 && ix->columns[0] == column && ix->key_column_count == 2 && !ix->fulltext &&
            !ix->spatial && !ix->vector && !ix->predicate &&
            !(ix->prefix_count && ix->prefix_lengths && ix->prefix_lengths[0]) && stored &&
            stored->encoding == ts->indexes[i].fields[0].encoding)
            return (int)i;
    }
    return -1;
}

/* ---- a set of keys ---- */

struct key_set {
    struct bytes *slots;
    size_t mask;
};

static size_t key_slot(const struct key_set *s, struct bytes key) {
    size_t i = (size_t)XXH3_64bits(key.data, key.size) & s->mask;
    while (s->slots[i].data &&
           (s->slots[i].size != key.size || memcmp(s->slots[i].data, key.data, key.size) != 0))
        i = (i + 1) & s->mask;
    return i;
}

static void key_set_init(struct key_set *s, uint64_t count) {
    size_t n = 16;
    while (n < 2 * count)
        n *= 2;
    s->slots = mem_zalloc(n, sizeof *s->slots);
    s->mask = n - 1;
}

/* ---- walking ---- */

struct prefix {
    const struct tuple_desc *desc;
    struct bytes probe;
};

static bool before_group(void *ctx, struct bytes key) {
    const struct prefix *p = ctx;
    return tuple_compare_prefix(p->desc, 1, key, p->probe) < 0;
}
static bool up_to_group(void *ctx, struct bytes key) {
    const struct prefix *p = ctx;
    return tuple_compare_prefix(p->desc, 1, key, p->probe) <= 0;
}

struct walking {
    const struct order_walk *w;
    struct arena *a;
    uint64_t fetched;
    bool over; /* over budget */
    struct err *err;
};

static int take(struct walking *k, struct bytes row_field) {
    if (++k->fetched > k->w->budget) {
        k->over = true;
        return BD_DONE;
    }
    struct bytes key = tuple_from_fields(&row_field, 1, k->a), value;
    int rc = tree_get(&k->w->t->rows.tree, key, &value, k->err);
    if (rc == BD_NOT_FOUND)
        return BD_OK;
    return rc ? rc : k->w->fn(k->w->ctx, key, value);
}

static int take_group(struct walking *k, struct tree_cursor *c, uint64_t size) {
    int rc = BD_OK;
    for (uint64_t i = 0; rc == BD_OK && i < size && c->valid; i++) {
        rc = take(k, tuple_field(tree_cursor_key(c), 1));
        if (rc == BD_OK && k->w->then_key && k->w->full(k->w->ctx))
            break;
        if (rc == BD_OK)
            rc = tree_cursor_next(c, k->err);
    }
    return rc;
}

/* Members of the group in the order of the second column. */
static int take_by_second(struct walking *k, struct tree_cursor *c, uint64_t size) {
    const struct order_walk *w = k->w;
    struct key_set set;
    key_set_init(&set, size);
    int rc = BD_OK;
    for (uint64_t i = 0; rc == BD_OK && i < size && c->valid; i++) {
        struct bytes key = tuple_field(tree_cursor_key(c), 1);
        set.slots[key_slot(&set, key)] = key;
        rc = tree_cursor_next(c, k->err);
    }
    struct edit_map *map;
    if (rc == BD_OK)
        rc = table_index(w->t, (size_t)w->second, &map, k->err);
    struct tree_cursor d;
    if (rc == BD_OK)
        rc = w->second_descending ? tree_cursor_last(&d, &map->tree, k->err)
                                  : tree_cursor_first(&d, &map->tree, k->err);
    struct bytes last = {NULL, 0};
    bool was_full = false;
    for (uint64_t seen = 0; rc == BD_OK && d.valid && seen < size;) {
        struct bytes entry = tree_cursor_key(&d), value = tuple_field(entry, 0), key = tuple_field(entry, 1);
        bool same = value.size == last.size && (value.size == 0 || !memcmp(value.data, last.data, value.size));
        if (was_full && !same)
            break; /* all later ones come after the rows we have */
        if (set.slots[key_slot(&set, key)].data) {
            seen++;
            rc = take(k, key);
            was_full = w->full(w->ctx);
        }
        last = value;
        if (rc == BD_OK)
            rc = w->second_descending ? tree_cursor_prev(&d, k->err) : tree_cursor_next(&d, k->err);
    }
    free(set.slots);
    return rc;
}

int order_walk(const struct order_walk *w, struct arena *a, bool *complete, struct err *err) {
    struct walking k = {.w = w, .a = a, .err = err};
    struct edit_map *map;
    *complete = false;
    int rc = table_index(w->t, w->first, &map, err);
    if (rc)
        return rc;
    const struct tree *tree = &map->tree;
    const struct tuple_desc *desc = &w->t->ts->indexes[w->first];
    struct tree_cursor c;
    rc = w->first_descending ? tree_cursor_last(&c, tree, err) : tree_cursor_first(&c, tree, err);
    while (rc == BD_OK && c.valid && !w->full(w->ctx)) {
        struct prefix p = {desc, tree_cursor_key(&c)};
        struct tree_cursor start, end;
        rc = tree_cursor_seek_fn(&start, tree, before_group, &p, err);
        if (rc == BD_OK)
            rc = tree_cursor_seek_fn(&end, tree, up_to_group, &p, err);
        if (rc)
            break;
        uint64_t size = tree_cursor_rank(&end) - tree_cursor_rank(&start);
        struct tree_cursor walk = start;
        rc = w->then_key || w->second < 0 || size <= SMALL_GROUP ? take_group(&k, &walk, size)
                                                                 : take_by_second(&k, &walk, size);
        if (rc == BD_OK && w->first_descending) {
            c = start;
            rc = tree_cursor_prev(&c, err);
        } else {
            c = end;
        }
    }
    if (rc == BD_DONE && k.over)
        rc = BD_OK;
    else if (rc == BD_OK)
        *complete = true;
    return rc;
}
