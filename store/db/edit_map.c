/*
 * Edits are kept in a skip list whose levels come from a fixed pseudo-random sequence. Nodes are never
 * taken out (a removal is an edit too), so cursors stay good while the map is written to.
 */
#include "store/db/edit_map.h"

#include <stdlib.h>
#include <string.h>

void edit_map_init(struct edit_map *m, const struct tree *t, struct arena *a) {
    memset(m, 0, sizeof *m);
    m->tree = *t;
    m->arena = a;
    m->random = UINT64_C(0x9E3779B97F4A7C15);
}

static int key_cmp(const struct edit_map *m, struct bytes a, struct bytes b) {
    if (m->tree.type.compare)
        return m->tree.type.compare(m->tree.type.compare_ctx, a, b);
    size_t n = a.size < b.size ? a.size : b.size;
    int c = n ? memcmp(a.data, b.data, n) : 0;
    return c ? c : (a.size > b.size) - (a.size < b.size);
}

static struct edit_node *node_new(struct arena *a, unsigned height) {
    return arena_zalloc(a, sizeof(struct edit_node) + height * sizeof(struct edit_node *));
}

static unsigned random_height(struct edit_map *m) {
    m->random ^= m->random << 13;
    m->random ^= m->random >> 7;
    m->random ^= m->random << 17;
    unsigned h = 1;
    uint64_t r = m->random >> 11;
    while (h < EDIT_LEVELS && (r & 3) == 0) {
        h++;
        r >>= 2;
    }
    return h;
}

/* First edit with key >= the given one; prev[] receives the nodes before it on every level. */
static struct edit_node *find(const struct edit_map *m, struct bytes key,
                              struct edit_node *prev[EDIT_LEVELS]) {
    struct edit_node *at = m->head;
    for (unsigned l = m->height; l-- > 0;) {
        while (at->next[l] && key_cmp(m, at->next[l]->key, key) < 0)
            at = at->next[l];
        if (prev)
            prev[l] = at;
    }
    return at->next[0];
}

static void edit(struct edit_map *m, struct bytes key, struct bytes value, bool removed) {
    if (!m->head) {
        m->head = node_new(m->arena, EDIT_LEVELS);
        m->height = 1;
    }
    struct edit_node *prev[EDIT_LEVELS];
    struct edit_node *n = find(m, key, prev);
    m->edits++;
    if (n && key_cmp(m, n->key, key) == 0) {
        n->key = key;
        n->value = value;
        n->removed = removed;
        return;
    }
    unsigned h = random_height(m);
    while (m->height < h)
        prev[m->height++] = m->head;
    n = node_new(m->arena, h);
    n->key = key;
    n->value = value;
    n->removed = removed;
    for (unsigned l = 0; l < h; l++) {
        n->next[l] = prev[l]->next[l];
        prev[l]->next[l] = n;
    }
}

void edit_map_put(struct edit_map *m, struct bytes key, struct bytes value) { edit(m, key, value, false); }

void edit_map_remove(struct edit_map *m, struct bytes key) {
    edit(m, key, (struct bytes){NULL, 0}, true);
}

int edit_map_get(const struct edit_map *m, struct bytes key, struct bytes *value, struct err *err) {
    if (m->head) {
        struct edit_node *n = find(m, key, NULL);
        if (n && key_cmp(m, n->key, key) == 0) {
            if (n->removed)
                return BD_NOT_FOUND;
            *value = n->value;
            return BD_OK;
        }
    }
    return tree_get(&m->tree, key, value, err);
}

int edit_map_flush(struct edit_map *m, struct err *err) {
    if (!m->head || !m->edits)
        return BD_OK;
    size_t count = 0;
    for (struct edit_node *n = m->head->next[0]; n; n = n->next[0])
        count++;
    struct tree_edit *list = mem_zalloc(count, sizeof *list);
    size_t i = 0;
    for (struct edit_node *n = m->head->next[0]; n; n = n->next[0])
        list[i++] = (struct tree_edit){n->key, n->value, n->removed};
    int rc = tree_apply(&m->tree, list, count, &m->tree, err);
    free(list);
    if (rc == BD_OK) {
        m->head = NULL;
        m->height = 0;
        m->edits = 0;
    }
    return rc;
}

int edit_map_count(const struct edit_map *m, uint64_t *count, struct err *err) {
    uint64_t n = tree_count(&m->tree);
    if (m->head) {
        for (struct edit_node *e = m->head->next[0]; e; e = e->next[0]) {
            struct bytes v;
            int rc = tree_get(&m->tree, e->key, &v, err);
            if (rc != BD_OK && rc != BD_NOT_FOUND)
                return rc;
            if (rc == BD_OK && e->removed)
                n--;
            else if (rc == BD_NOT_FOUND && !e->removed)
                n++;
        }
    }
    *count = n;
    return BD_OK;
}

/* Chooses between the tree's item and the next edit; skips what an edit removed. */
static int settle(struct map_cursor *c, struct err *err) {
    for (;;) {
        c->on_tree = c->on_edit = false;
        if (!c->edit) {
            c->valid = c->tree.valid;
            if (c->valid) {
                c->on_tree = true;
                c->key = tree_cursor_key(&c->tree);
                c->value = tree_cursor_value(&c->tree);
            }
            return BD_OK;
        }
        int order = c->tree.valid ? key_cmp(c->map, tree_cursor_key(&c->tree), c->edit->key) : 1;
        if (order < 0) {
            c->on_tree = c->valid = true;
            c->key = tree_cursor_key(&c->tree);
            c->value = tree_cursor_value(&c->tree);
            return BD_OK;
        }
        if (!c->edit->removed) {
            c->on_tree = order == 0;
            c->on_edit = c->valid = true;
            c->key = c->edit->key;
            c->value = c->edit->value;
            return BD_OK;
        }
        c->edit = c->edit->next[0];
        if (order == 0) {
            int rc = tree_cursor_next(&c->tree, err);
            if (rc)
                return rc;
        }
    }
}

int map_cursor_first(struct map_cursor *c, const struct edit_map *m, struct err *err) {
    memset(c, 0, sizeof *c);
    c->map = m;
    c->edit = m->head ? m->head->next[0] : NULL;
    int rc = tree_cursor_first(&c->tree, &m->tree, err);
    c->tree_open = true;
    return rc ? rc : settle(c, err);
}

int map_cursor_seek_fn(struct map_cursor *c, const struct edit_map *m,
                       bool (*goes_right)(void *ctx, struct bytes key), void *ctx, struct err *err) {
    memset(c, 0, sizeof *c);
    c->map = m;
    if (m->head) {
        struct edit_node *at = m->head;
        for (unsigned l = m->height; l-- > 0;)
            while (at->next[l] && goes_right(ctx, at->next[l]->key))
                at = at->next[l];
        c->edit = at->next[0];
    }
    int rc = tree_cursor_seek_fn(&c->tree, &m->tree, goes_right, ctx, err);
    c->tree_open = true;
    return rc ? rc : settle(c, err);
}

struct seek_key {
    const struct edit_map *map;
    struct bytes key;
};

static bool before_key(void *ctx, struct bytes key) {
    struct seek_key *s = ctx;
    return key_cmp(s->map, key, s->key) < 0;
}

int map_cursor_seek(struct map_cursor *c, const struct edit_map *m, struct bytes key, struct err *err) {
    struct seek_key s = {m, key};
    return map_cursor_seek_fn(c, m, before_key, &s, err);
}

int map_cursor_next(struct map_cursor *c, struct err *err) {
    if (!c->valid)
        return BD_OK;
    if (c->on_edit)
        c->edit = c->edit->next[0];
    if (c->on_tree) {
        int rc = tree_cursor_next(&c->tree, err);
        if (rc) {
            c->valid = false;
            return rc;
        }
    }
    return settle(c, err);
}

void map_cursor_release(struct map_cursor *c) {
    if (c->tree_open)
        tree_cursor_release(&c->tree);
    c->tree_open = false;
    c->valid = false;
}
