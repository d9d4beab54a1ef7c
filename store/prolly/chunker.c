/*
 * One chunk in progress per level. When the splitter ends a chunk, its node is written and its last key
 * and address become an item of the level above. Edits of an old tree re-chunk from the start of the
 * node that holds the first edit, and fall back in step with the old tree where an old and a new
 * boundary coincide; from there whole subtrees are taken over. This is the procedure of Dolt's chunker
 * (go/store/prolly/tree/chunker.go), kept step by step because the shape of closures depends on it.
 */
#include "store/prolly/chunker.h"

#include <stdlib.h>
#include <string.h>

static int process_prefix(struct chunker *c, unsigned level, struct err *err);

static int level_begin(struct chunker *c, unsigned level, struct err *err) {
    if (level >= TREE_SALTS)
        return err_set(err, BD_INVALID, "a tree would need more than %d levels", TREE_SALTS);
    struct chunker_level *l = &c->level[level];
    l->exists = true;
    splitter_init(&l->splitter, level);
    return c->cur && level < c->cur->levels ? process_prefix(c, level, err) : BD_OK;
}

int chunker_init(struct chunker *c, struct node_store *ns, const struct tree_type *type, unsigned base,
                 struct tree_cursor *cur, struct err *err) {
    *c = (struct chunker){.ns = ns, .type = type, .cur = cur, .base = base};
    flatbuf_init(&c->fb);
    return level_begin(c, base, err);
}

void chunker_release(struct chunker *c) {
    flatbuf_release(&c->fb);
    for (unsigned i = 0; i < TREE_LEVELS_MAX; i++) {
        free(c->level[i].items);
        arena_release(&c->level[i].refs);
    }
}

/* Leaf items below the old item under the cursor. */
static uint64_t current_subtree(struct chunker *c, unsigned level) {
    if (level == 0)
        return 1;
    const struct tree_level *old = &c->cur->level[level];
    struct chunker_level *l = &c->level[level];
    if (l->counts_of != old->node.keys || l->counts_index > old->index) {
        l->counts_of = old->node.keys;
        l->counts_index = 0;
        l->counts = (struct node_counts){0, 0};
    }
    while (l->counts_index < old->index) {
        node_counts_next(&old->node, &l->counts);
        l->counts_index++;
    }
    l->counts_index++;
    return node_counts_next(&old->node, &l->counts);
}

static int append_current(struct chunker *c, unsigned level, bool *split, struct err *err) {
    const struct tree_level *old = &c->cur->level[level];
    return chunker_append(c, level, tree_node_key(&old->node, old->index),
                          tree_node_value(&old->node, old->index), current_subtree(c, level), split,
                          err);
}

/*
 * What the old tree did not cut is not cut now: as long as nothing else stands before them, the first
 * items of a node need no look at their keys. Returns how many were taken. (Closures are weighed in
 * another way when they grow.)
 */
static uint32_t take_prefix(struct chunker *c, unsigned level) {
    struct tree_level *old = &c->cur->level[level];
    struct chunker_level *l = &c->level[level];
    uint32_t last = old->node.count ? old->node.count - 1 : 0; /* where it was cut, or may be now */
    uint32_t count = old->index < last ? old->index : last, i = 0;
    if (c->type->kind == TREE_CLOSURE || l->count > 0 || count == 0)
        return 0;
    MEM_GROW(l->items, l->capacity, old->node.count + 2);
    for (old->index = 0; i < count; old->index = ++i) {
        struct bytes key = tree_node_key(&old->node, i), value = tree_node_value(&old->node, i);
        if (l->bytes + key.size + value.size > NODE_ITEM_BYTES_MAX)
            break;
        l->items[l->count++] = (struct node_item){key, value, current_subtree(c, level)};
        l->bytes += key.size + value.size;
    }
    l->splitter.size = (uint32_t)l->bytes;
    return i;
}

/* Feeds the items before the cursor in its node, after the level above has done the same. */
static int process_prefix(struct chunker *c, unsigned level, struct err *err) {
    int rc = BD_OK;
    if (level + 1 < c->cur->levels && !c->level[level + 1].exists)
        rc = level_begin(c, level + 1, err);
    uint32_t index = c->cur->level[level].index;
    c->cur->level[level].index = rc == BD_OK ? take_prefix(c, level) : 0;
    while (rc == BD_OK && c->cur->level[level].index < index) {
        rc = append_current(c, level, NULL, err);
        if (rc == BD_OK)
            rc = tree_path_advance(c->cur, level, err);
    }
    return rc;
}

static int write_chunk(struct chunker *c, unsigned level, struct err *err) {
    struct chunker_level *l = &c->level[level];
    const uint8_t *data;
    const struct chunk_write *stored;
    size_t size, keys_at, key_bytes = 0;
    int rc = node_serialize(c->type, level, l->items, l->count, &c->fb, &data, &size, &keys_at, err);
    if (rc == BD_OK)
        rc = node_store_put(c->ns, data, size, &stored, err);
    if (rc != BD_OK)
        return rc;
    uint64_t subtree = 0;
    for (size_t i = 0; i < l->count; i++) {
        key_bytes += l->items[i].key.size;
        subtree += l->items[i].subtree;
    }
    size_t last = l->items[l->count - 1].key.size;
    const uint8_t *key = stored->data + keys_at + key_bytes - last;
    l->count = 0;
    l->bytes = 0;
    arena_reset(&l->refs);
    if (!c->level[level + 1].exists) {
        rc = level_begin(c, level + 1, err);
        if (rc != BD_OK)
            return rc;
    }
    struct bytes last_key = {key, last}, address = {stored->hash.b, HASH_SIZE};
    if (node_store_may_put_ahead(c->ns)) { /* the node may be put away before its item is used */
        struct arena *refs = &c->level[level + 1].refs;
        last_key.data = arena_dup(refs, key, last);
        address.data = arena_dup(refs, stored->hash.b, HASH_SIZE);
    }
    rc = chunker_append(c, level + 1, last_key, address, subtree, NULL, err);
    splitter_reset(&l->splitter);
    return rc;
}

int chunker_append(struct chunker *c, unsigned level, struct bytes key, struct bytes value,
                   uint64_t subtree, bool *split, struct err *err) {
    struct chunker_level *l = &c->level[level];
    if (split)
        *split = false;
    size_t item = key.size + value.size;
    if (l->bytes + item > NODE_ITEM_BYTES_MAX) {
        /* An inner node of one item could repeat itself on every level without end. */
        if (l->count == 0 || (level > 0 && l->count == 1))
            return err_set(
                err, BD_INVALID,
                "a row of %zu bytes is too large: key and inline values together may have %d", item,
                NODE_ITEM_BYTES_MAX);
        int rc = write_chunk(c, level, err);
        if (rc != BD_OK)
            return rc;
    }
    MEM_GROW(l->items, l->capacity, l->count + 1);
    l->items[l->count++] = (struct node_item){key, value, subtree};
    l->bytes += item;
    splitter_append(&l->splitter, key, value.size);
    if (!l->splitter.crossed || (level > 0 && l->count == 1))
        return BD_OK;
    if (split)
        *split = true;
    return write_chunk(c, level, err);
}

int chunker_skip(struct chunker *c, struct err *err) { return tree_path_advance(c->cur, 0, err); }

/* Which of two cursors of one tree, seen from this level upwards, is ahead: > 0 when a is. */
static int compare_paths(const struct tree_cursor *a, const struct tree_cursor *b, unsigned level) {
    for (unsigned i = a->levels; i-- > level;) {
        if (a->level[i].index != b->level[i].index)
            return a->level[i].index > b->level[i].index ? 1 : -1;
    }
    return 0;
}

static void copy_path(struct tree_cursor *to, const struct tree_cursor *from, unsigned level) {
    memcpy(&to->level[level], &from->level[level], (from->levels - level) * sizeof from->level[0]);
}

static bool at_node_end(const struct tree_level *l) { return l->index + 1 == l->node.count; }

static int advance_to(struct chunker *c, unsigned level, struct tree_cursor *next, struct err *err) {
    struct tree_cursor *cur = c->cur;
    bool split;
    int rc = BD_OK;
    int cmp = compare_paths(cur, next, level);
    while (rc == BD_OK && cmp > 0) { /* the old item under `next` was just replaced at the tree's end */
        rc = tree_path_advance(next, level, err);
        cmp = compare_paths(cur, next, level);
        if (cmp <= 0)
            return rc;
    }
    if (rc != BD_OK || cmp == 0)
        return rc;

    rc = append_current(c, level, &split, err);
    while (rc == BD_OK && !(split && at_node_end(&cur->level[level]))) {
        rc = tree_path_advance(cur, level, err);
        if (rc != BD_OK || compare_paths(cur, next, level) >= 0)
            return rc;
        rc = append_current(c, level, &split, err);
    }
    if (rc != BD_OK)
        return rc;

    /* An old and a new boundary coincide: what lies between here and the next edit stays. */
    if (level + 1 == cur->levels || compare_paths(cur, next, level + 1) == 0) {
        copy_path(cur, next, level);
        return BD_OK;
    }
    rc = tree_path_advance(cur, level + 1, err);
    if (rc != BD_OK)
        return rc;
    cur->level[level].index = cur->level[level].node.count;
    rc = advance_to(c, level + 1, next, err);
    if (rc != BD_OK)
        return rc;
    copy_path(cur, next, level);
    return process_prefix(c, level, err);
}

int chunker_advance_to(struct chunker *c, struct tree_cursor *next, struct err *err) {
    return advance_to(c, 0, next, err);
}

/* Takes in old items until an old and a new boundary coincide; the level above goes on from there. */
static int finish_cursor(struct chunker *c, unsigned level, struct err *err) {
    struct tree_level *old = &c->cur->level[level];
    while (old->index < old->node.count) {
        bool split;
        int rc = append_current(c, level, &split, err);
        if (rc != BD_OK)
            return rc;
        if (split && at_node_end(old))
            break;
        rc = tree_path_advance(c->cur, level, err);
        if (rc != BD_OK)
            return rc;
    }
    return level + 1 < c->cur->levels ? tree_path_advance(c->cur, level + 1, err) : BD_OK;
}

static bool any_pending(const struct chunker *c, unsigned level) {
    for (; level < TREE_LEVELS_MAX && c->level[level].exists; level++) {
        if (c->level[level].count)
            return true;
    }
    return false;
}

/* A root with a single child is none: the first node below that is a leaf or has two children is. */
static int canonical_root(struct chunker *c, struct bytes address, unsigned level, struct chunk *root,
                          struct hash *h, struct err *err) {
    memcpy(h->b, address.data, HASH_SIZE);
    for (;;) {
        int rc = node_store_read(c->ns, h, root, err);
        if (rc != BD_OK || --level < c->base || level == 0)
            return rc;
        struct tree_node node;
        rc = node_parse(c->type->kind, *root, &node, err);
        if (rc != BD_OK)
            return rc;
        if (node.level != level)
            return err_set(err, BD_CORRUPT, "a child node has the wrong level");
        if (node.count > 1)
            return BD_OK;
        *h = node_child_hash(&node, 0);
    }
}

int chunker_done(struct chunker *c, struct chunk *root, bool *existing, struct hash *address,
                 struct err *err) {
    int rc = BD_OK;
    for (unsigned level = c->base;; level++) {
        if (c->cur && level < c->cur->levels)
            rc = finish_cursor(c, level, err);
        if (rc != BD_OK)
            return rc;
        struct chunker_level *l = &c->level[level];
        if (any_pending(c, level + 1)) {
            if (l->count)
                rc = write_chunk(c, level, err);
            if (rc != BD_OK)
                return rc;
            continue;
        }
        *existing = level > 0 && l->count == 1;
        if (*existing)
            return canonical_root(c, l->items[0].value, level, root, address, err);
        const uint8_t *data;
        size_t size, keys_at;
        rc = node_serialize(c->type, level, l->items, l->count, &c->fb, &data, &size, &keys_at, err);
        if (rc == BD_OK)
            *root = node_store_keep(c->ns, data, size);
        return rc;
    }
}
