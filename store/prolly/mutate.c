/*
 * tree_apply: edits of a tree. A searching cursor finds each edit's place in the old tree; the chunker
 * follows with its own cursor. Cost: the path of every touched leaf, and the chunks until an old and a
 * new boundary coincide.
 */
#include "store/prolly/chunker.h"

#include <string.h>

/* Moves a cursor to the first item >= key from wherever it stands. */
static int seek_from(struct tree_cursor *c, unsigned level, struct bytes key, bool *equal,
                     struct err *err) {
    const struct tree_type *type = &c->tree->type;
    struct tree_level *l = &c->level[level];
    if (level + 1 < c->levels &&
        (type->compare(type->compare_ctx, key, tree_node_key(&l->node, 0)) < 0 ||
         type->compare(type->compare_ctx, key, tree_node_key(&l->node, l->node.count - 1)) > 0)) {
        int rc = seek_from(c, level + 1, key, equal, err);
        if (rc != BD_OK)
            return rc;
        struct tree_level *parent = &c->level[level + 1];
        if (parent->index >= parent->node.count)
            parent->index = parent->node.count - 1;
        rc = tree_path_fetch(c, level, err);
        if (rc != BD_OK)
            return rc;
    }
    l->index = node_search(type, &l->node, key, equal);
    return BD_OK;
}

/* The same for a key greater than all keys before the cursor: looks near by first. */
static int seek_onwards(struct tree_cursor *c, struct bytes key, bool *equal, struct err *err) {
    const struct tree_type *type = &c->tree->type;
    struct tree_level *l = &c->level[0];
    uint32_t low = l->index, probe = l->index, step = 1, count = l->node.count;
    *equal = false;
    while (probe < count) {
        int cmp = type->compare(type->compare_ctx, key, tree_node_key(&l->node, probe));
        if (cmp == 0) {
            *equal = true;
            l->index = probe;
            return BD_OK;
        }
        if (cmp < 0)
            break;
        low = probe + 1;
        probe += step;
        step *= 2;
    }
    uint32_t high = probe < count ? probe : count;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        int cmp = type->compare(type->compare_ctx, key, tree_node_key(&l->node, mid));
        if (cmp > 0) {
            low = mid + 1;
        } else {
            high = mid;
            *equal = cmp == 0;
        }
    }
    if (low == count)
        return seek_from(c, 0, key, equal, err);
    l->index = low;
    return BD_OK;
}

static bool same_bytes(struct bytes a, struct bytes b) {
    return a.size == b.size && (!a.size || memcmp(a.data, b.data, a.size) == 0);
}

/* A put of an equal item and a removal of a missing key change nothing. */
static bool changes_nothing(const struct tree_cursor *c, const struct tree_edit *e, bool exists) {
    if (e->remove)
        return !exists;
    /* Dolt weighs a closure entry that is put again as a new one; so it is never an equal item. */
    if (!exists || c->tree->type.kind == TREE_CLOSURE)
        return false;
    const struct tree_level *l = &c->level[0];
    return same_bytes(e->key, tree_node_key(&l->node, l->index)) &&
           same_bytes(e->value, tree_node_value(&l->node, l->index));
}

static int apply(const struct tree *t, const struct tree_edit *edits, size_t count, struct chunker *c,
                 struct tree_cursor *follower, bool *changed, struct err *err) {
    static const uint8_t one_byte =
        0; /* a new closure entry has a value of one byte while it is added */
    struct tree_cursor search;
    bool exists;
    *changed = false;
    int rc = tree_path_seek(&search, t, edits[0].key, &exists, err);
    if (rc == BD_OK)
        *follower = search;
    for (size_t i = 0; rc == BD_OK && i < count; i++) {
        const struct tree_edit *e = &edits[i];
        if (i > 0) {
            if (t->type.compare(t->type.compare_ctx, edits[i - 1].key, e->key) >= 0)
                return err_set(err, BD_INVALID, "the edits of a tree are not in key order");
            rc = seek_onwards(&search, e->key, &exists, err);
            if (rc != BD_OK)
                return rc;
        }
        if (changes_nothing(&search, e, exists))
            continue;
        if (!*changed) {
            *changed = true;
            rc = chunker_init(c, t->ns, &t->type, 0, follower, err);
        }
        if (rc == BD_OK)
            rc = chunker_advance_to(c, &search, err);
        if (rc == BD_OK && exists)
            rc = chunker_skip(c, err);
        if (rc == BD_OK && !e->remove) {
            struct bytes value = t->type.kind == TREE_CLOSURE ? (struct bytes){&one_byte, 1} : e->value;
            rc = chunker_append(c, 0, e->key, value, 1, NULL, err);
        }
    }
    return rc;
}

int tree_apply(const struct tree *t, const struct tree_edit *edits, size_t count, struct tree *out,
               struct err *err) {
    struct tree old = *t;
    struct tree_cursor follower;
    struct chunker c;
    bool changed, existing;
    *out = old;
    if (!count)
        return BD_OK;
    c.ns = NULL;
    int rc = apply(&old, edits, count, &c, &follower, &changed, err);
    if (!changed)
        return rc;
    struct chunk root;
    struct hash address;
    if (rc == BD_OK)
        rc = chunker_done(&c, &root, &existing, &address, err);
    chunker_release(&c);
    if (rc == BD_OK)
        rc = tree_set_root(out, root, err);
    return rc;
}
