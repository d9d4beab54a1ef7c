/*
 * Edits are kept sorted in blocks of pointers, each with the first eight bytes of its key in an order
 * that agrees with the map's: most comparisons touch one block only. Edits are never taken out (a
 * removal is an edit too) and never move, so a cursor can find its place again after the map was
 * written to.
 */
#include "store/db/edit_map.h"

#include "store/value/tuple.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_MAX 256
#define BLOCK_FIRST 4 /* of a map that gets few edits, as most do */

struct edit_block {
    size_t count, capacity;
    struct edit_entry {
        uint64_t prefix;
        struct edit *edit;
    } entries[];
};

void edit_map_init(struct edit_map *m, const struct tree *t, struct arena *a) {
    memset(m, 0, sizeof *m);
    m->tree = *t;
    m->arena = a;
}

static int key_cmp(const struct edit_map *m, struct bytes a, struct bytes b) {
    if (m->tree.type.compare)
        return m->tree.type.compare(m->tree.type.compare_ctx, a, b);
    size_t n = a.size < b.size ? a.size : b.size;
    int c = n ? memcmp(a.data, b.data, n) : 0;
    return c ? c : (a.size > b.size) - (a.size < b.size);
}

/* ---- prefixes: prefix(a) < prefix(b) only if a < b ---- */

static uint64_t load_little(struct bytes f) {
    uint64_t v = 0;
    for (size_t i = f.size < 8 ? f.size : 8; i-- > 0;)
        v = v << 8 | f.data[i];
    return v;
}

static uint64_t key_prefix(const struct edit_map *m, struct bytes key) {
    if (m->tree.type.compare != tuple_compare)
        return 0;
    const struct tuple_desc *d = m->tree.type.compare_ctx;
    struct bytes f = tuple_field(key, 0);
    if (!f.data || d->count == 0)
        return 0;
    uint64_t v;
    if (d->bytewise) {
        v = 0;
        for (size_t i = 0; i < 8; i++)
            v = v << 8 | (i < f.size ? f.data[i] : 0);
        return v;
    }
    switch (d->fields[0].encoding) {
    case ENC_INT8:
    case ENC_INT16:
    case ENC_INT32:
    case ENC_INT64:
    case ENC_DATETIME:
    case ENC_TIME:
        if (f.size > 8)
            return 0;
        v = load_little(f) << (64 - 8 * f.size);
        v = (uint64_t)((int64_t)v >> (64 - 8 * f.size)) ^ UINT64_C(1) << 63;
        break;
    case ENC_UINT8:
    case ENC_UINT16:
    case ENC_UINT32:
    case ENC_UINT64:
    case ENC_DATE:
    case ENC_ENUM: v = load_little(f); break;
    default: return 0;
    }
    /* NULL has prefix 0 and sorts first, so the smallest value may share it */
    return v;
}

static int entry_cmp(const struct edit_map *m, const struct edit_entry *e, uint64_t prefix,
                     struct bytes key) {
    if (e->prefix != prefix)
        return e->prefix < prefix ? -1 : 1;
    return key_cmp(m, e->edit->key, key);
}

/* ---- places ---- */

/* First entry >= key: block (block_count when there is none) and position in it. */
static void find(const struct edit_map *m, struct bytes key, uint64_t prefix, size_t *block,
                 size_t *at) {
    size_t low = 0, high = m->block_count;
    while (low < high) { /* first block whose last entry is >= key */
        size_t mid = (low + high) / 2;
        const struct edit_block *b = m->blocks[mid];
        if (entry_cmp(m, &b->entries[b->count - 1], prefix, key) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    *block = low;
    *at = 0;
    if (low == m->block_count)
        return;
    const struct edit_block *b = m->blocks[low];
    size_t l = 0, h = b->count;
    while (l < h) {
        size_t mid = (l + h) / 2;
        if (entry_cmp(m, &b->entries[mid], prefix, key) < 0)
            l = mid + 1;
        else
            h = mid;
    }
    *at = l;
}

static struct edit *edit_at(const struct edit_map *m, size_t block, size_t at) {
    return block < m->block_count ? m->blocks[block]->entries[at].edit : NULL;
}

static struct edit_block *new_block(struct edit_map *m, size_t capacity) {
    struct edit_block *b = arena_alloc(m->arena, sizeof *b + capacity * sizeof *b->entries);
    b->count = 0;
    b->capacity = capacity;
    return b;
}

static void insert_block(struct edit_map *m, size_t at, struct edit_block *b) {
    if (m->block_count == m->block_capacity) {
        size_t capacity = m->block_capacity ? 2 * m->block_capacity : 8;
        struct edit_block **grown = arena_alloc(m->arena, capacity * sizeof *grown);
        if (m->block_count)
            memcpy(grown, m->blocks, m->block_count * sizeof *grown);
        m->blocks = grown;
        m->block_capacity = capacity;
    }
    memmove(m->blocks + at + 1, m->blocks + at, (m->block_count - at) * sizeof *m->blocks);
    m->blocks[at] = b;
    m->block_count++;
}

static void insert(struct edit_map *m, size_t block, size_t at, uint64_t prefix, struct edit *e) {
    if (m->block_count == 0)
        insert_block(m, 0, new_block(m, BLOCK_FIRST));
    if (block == m->block_count) { /* behind everything */
        block--;
        at = m->blocks[block]->count;
    }
    struct edit_block *b = m->blocks[block];
    if (b->count == b->capacity && b->capacity < BLOCK_MAX) {
        struct edit_block *larger = new_block(m, b->capacity * 4);
        larger->count = b->count;
        memcpy(larger->entries, b->entries, b->count * sizeof *b->entries);
        m->blocks[block] = b = larger;
    }
    if (b->count == BLOCK_MAX) {
        struct edit_block *right = new_block(m, BLOCK_MAX);
        /* keys that come in order fill their blocks */
        size_t keep = at == BLOCK_MAX && block + 1 == m->block_count ? BLOCK_MAX : BLOCK_MAX / 2;
        right->count = BLOCK_MAX - keep;
        memcpy(right->entries, b->entries + keep, right->count * sizeof *right->entries);
        b->count = keep;
        insert_block(m, block + 1, right);
        if (at > keep || (at == keep && keep == BLOCK_MAX)) {
            b = right;
            at -= keep;
        }
    }
    memmove(b->entries + at + 1, b->entries + at, (b->count - at) * sizeof *b->entries);
    b->entries[at] = (struct edit_entry){prefix, e};
    b->count++;
}

static void edit_key(struct edit_map *m, struct bytes key, struct bytes value, bool removed) {
    uint64_t prefix = key_prefix(m, key);
    size_t block, at;
    find(m, key, prefix, &block, &at);
    struct edit *e = edit_at(m, block, at);
    if (e && m->blocks[block]->entries[at].prefix == prefix && key_cmp(m, e->key, key) == 0) {
        *e = (struct edit){key, value, removed};
        return;
    }
    e = arena_alloc(m->arena, sizeof *e);
    *e = (struct edit){key, value, removed};
    insert(m, block, at, prefix, e);
    m->edits++;
    m->version++;
}

void edit_map_put(struct edit_map *m, struct bytes key, struct bytes value) {
    edit_key(m, key, value, false);
}

void edit_map_remove(struct edit_map *m, struct bytes key) {
    edit_key(m, key, (struct bytes){NULL, 0}, true);
}

int edit_map_get(const struct edit_map *m, struct bytes key, struct bytes *value, struct err *err) {
    if (m->edits) {
        uint64_t prefix = key_prefix(m, key);
        size_t block, at;
        find(m, key, prefix, &block, &at);
        const struct edit *e = edit_at(m, block, at);
        if (e && m->blocks[block]->entries[at].prefix == prefix && key_cmp(m, e->key, key) == 0) {
            if (e->removed)
                return BD_NOT_FOUND;
            *value = e->value;
            return BD_OK;
        }
    }
    return tree_get(&m->tree, key, value, err);
}

int edit_map_flush(struct edit_map *m, struct err *err) {
    if (!m->edits)
        return BD_OK;
    struct tree_edit *list = mem_zalloc(m->edits, sizeof *list);
    size_t n = 0;
    for (size_t b = 0; b < m->block_count; b++) {
        for (size_t i = 0; i < m->blocks[b]->count; i++) {
            const struct edit *e = m->blocks[b]->entries[i].edit;
            list[n++] = (struct tree_edit){e->key, e->value, e->removed};
        }
    }
    int rc = tree_apply(&m->tree, list, n, &m->tree, err);
    free(list);
    if (rc == BD_OK) {
        m->blocks = NULL;
        m->block_count = m->block_capacity = m->edits = 0;
        m->version++;
    }
    return rc;
}

int edit_map_count(const struct edit_map *m, uint64_t *count, struct err *err) {
    uint64_t n = tree_count(&m->tree);
    for (size_t b = 0; b < m->block_count; b++) {
        for (size_t i = 0; i < m->blocks[b]->count; i++) {
            const struct edit *e = m->blocks[b]->entries[i].edit;
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

/* ---- cursors ---- */

static void edit_next(struct map_cursor *c) {
    const struct edit_map *m = c->map;
    if (c->version != m->version) { /* written to meanwhile: look the place up again */
        find(m, c->edit->key, key_prefix(m, c->edit->key), &c->block, &c->at);
        c->version = m->version;
        const struct edit *e = edit_at(m, c->block, c->at);
        if (e && key_cmp(m, e->key, c->edit->key) != 0) {
            c->edit = e; /* flushed: the next one is another already */
            return;
        }
    }
    if (c->block < m->block_count && ++c->at == m->blocks[c->block]->count) {
        c->block++;
        c->at = 0;
    }
    c->edit = edit_at(m, c->block, c->at);
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
        edit_next(c);
        if (order == 0) {
            int rc = tree_cursor_next(&c->tree, err);
            if (rc)
                return rc;
        }
    }
}

static void cursor_init(struct map_cursor *c, const struct edit_map *m) {
    /* the tree cursor is large and set up by its own functions */
    c->map = m;
    c->edit = NULL;
    c->block = c->at = 0;
    c->version = m->version;
    c->tree_open = c->on_tree = c->on_edit = c->valid = false;
}

int map_cursor_first(struct map_cursor *c, const struct edit_map *m, struct err *err) {
    cursor_init(c, m);
    c->edit = edit_at(m, 0, 0);
    int rc = tree_cursor_first(&c->tree, &m->tree, err);
    c->tree_open = true;
    return rc ? rc : settle(c, err);
}

int map_cursor_seek_fn(struct map_cursor *c, const struct edit_map *m,
                       bool (*goes_right)(void *ctx, struct bytes key), void *ctx, struct err *err) {
    cursor_init(c, m);
    size_t low = 0, high = m->block_count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        const struct edit_block *b = m->blocks[mid];
        if (goes_right(ctx, b->entries[b->count - 1].edit->key))
            low = mid + 1;
        else
            high = mid;
    }
    c->block = low;
    if (low < m->block_count) {
        const struct edit_block *b = m->blocks[low];
        size_t l = 0, h = b->count;
        while (l < h) {
            size_t mid = (l + h) / 2;
            if (goes_right(ctx, b->entries[mid].edit->key))
                l = mid + 1;
            else
                h = mid;
        }
        c->at = l;
        c->edit = edit_at(m, low, l);
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
        edit_next(c);
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
