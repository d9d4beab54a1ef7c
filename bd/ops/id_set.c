/*
 * Sets of ids over the ordered hash map.
 */
#include "bd/ops/id_set.h"

void id_set_release(struct id_set *s) { strmap_release(&s->map); }

void id_set_add(struct id_set *s, const char *id) {
    if (id && !strmap_has(&s->map, id))
        strmap_put(&s->map, id, s);
}

void id_set_add_cell(struct id_set *s, const struct cell *id) {
    if (cell_has_text(id) && !strmap_get_n(&s->map, id->s.data, id->s.size))
        strmap_put_n(&s->map, id->s.data, id->s.size, s);
}

bool id_set_has(const struct id_set *s, const char *id) { return id && strmap_has(&s->map, id); }

size_t id_set_count(const struct id_set *s) { return s->map.live; }

const char **id_set_items(const struct id_set *s, struct arena *a) {
    const char **items = arena_alloc(a, (s->map.live + 1) * sizeof *items);
    size_t n = 0;
    for (struct strmap_entry *e = NULL; (e = strmap_next(&s->map, e));)
        items[n++] = e->key;
    return items;
}

const struct pred *id_set_pred(struct arena *a, const char *column, const struct id_set *s,
                               bool negated) {
    size_t n = 0;
    if (negated && !id_set_count(s))
        return NULL;
    struct cell *cells = arena_alloc(a, (id_set_count(s) + 1) * sizeof *cells);
    for (struct strmap_entry *e = NULL; (e = strmap_next(&s->map, e));)
        cells[n++] = cell_text_n(arena_strndup(a, e->key, e->key_size), e->key_size);
    const struct pred *p = pred_in(a, column, cells, n);
    return negated ? pred_not(a, p) : p;
}
