/*
 * Edits of a tree, from a list or one after the other. A searching cursor finds each edit's place in
 * the old tree; the chunker follows with its own cursor. Cost: the path of every touched leaf, and the
 * chunks until an old and a new boundary coincide.
 */
#include "store/prolly/chunker.h"

#include <stdlib.h>
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

/* One pass over the edits of a tree, from the smallest key to the greatest. */
struct pass {
    struct tree old;
    struct tree_cursor search, follower;
    struct chunker chunker;
    bool begun, changed; /* the chunker is in use from the first change on */
};

/* The place of a key behind all that came before. */
static int find_place(struct pass *p, struct bytes key, bool *exists, struct err *err) {
    if (p->begun)
        return seek_onwards(&p->search, key, exists, err);
    p->begun = true;
    int rc = tree_path_seek(&p->search, &p->old, key, exists, err);
    if (rc == BD_OK)
        p->follower = p->search;
    return rc;
}

/* An edit at the place just found. */
static int change(struct pass *p, const struct tree_edit *e, bool exists, struct err *err) {
    static const uint8_t one_byte =
        0; /* a new closure entry has a value of one byte while it is added */
    const struct tree_type *type = &p->old.type;
    int rc = BD_OK;
    if (changes_nothing(&p->search, e, exists))
        return BD_OK;
    if (!p->changed) {
        p->changed = true;
        rc = chunker_init(&p->chunker, p->old.ns, type, 0, &p->follower, err);
    }
    if (rc == BD_OK)
        rc = chunker_advance_to(&p->chunker, &p->search, err);
    if (rc == BD_OK && exists)
        rc = chunker_skip(&p->chunker, err);
    if (rc == BD_OK && !e->remove) {
        struct bytes value = type->kind == TREE_CLOSURE ? (struct bytes){&one_byte, 1} : e->value;
        rc = chunker_append(&p->chunker, 0, e->key, value, 1, NULL, err);
    }
    return rc;
}

static int end_pass(struct pass *p, struct tree *out, struct err *err) {
    struct chunk root;
    struct hash address;
    bool existing;
    *out = p->old;
    if (!p->changed)
        return BD_OK;
    int rc = chunker_done(&p->chunker, &root, &existing, &address, err);
    return rc == BD_OK ? tree_set_root(out, root, err) : rc;
}

static void release_pass(struct pass *p) {
    if (p->changed)
        chunker_release(&p->chunker);
}

int tree_apply(const struct tree *t, const struct tree_edit *edits, size_t count, struct tree *out,
               struct err *err) {
    struct pass p;
    bool exists;
    int rc = BD_OK;
    p.old = *t;
    p.begun = p.changed = false;
    for (size_t i = 0; rc == BD_OK && i < count; i++) {
        const struct tree_edit *e = &edits[i];
        if (i > 0 && t->type.compare(t->type.compare_ctx, edits[i - 1].key, e->key) >= 0)
            rc = err_set(err, BD_INVALID, "the edits of a tree are not in key order");
        if (rc == BD_OK)
            rc = find_place(&p, e->key, &exists, err);
        if (rc == BD_OK)
            rc = change(&p, e, exists, err);
    }
    if (rc == BD_OK)
        rc = end_pass(&p, out, err);
    release_pass(&p);
    return rc;
}

/* ---- insertions as they come ---- */

struct tree_inserter {
    struct pass pass;
    struct arena items; /* of the leaf in progress */
    struct bytes last;  /* key, in `items` or in last_copy */
    struct buf last_copy;
    bool any;
};

struct tree_inserter *tree_inserter_new(const struct tree *t) {
    struct tree_inserter *n = mem_alloc(sizeof *n);
    n->pass.old = *t;
    n->pass.begun = n->pass.changed = n->any = false;
    n->items = (struct arena)ARENA_INIT;
    n->last_copy = (struct buf)BUF_INIT;
    return n;
}

void tree_inserter_free(struct tree_inserter *n) {
    if (!n)
        return;
    release_pass(&n->pass);
    arena_release(&n->items);
    buf_release(&n->last_copy);
    free(n);
}

int tree_inserter_add(struct tree_inserter *n, struct bytes key, struct bytes value,
                      enum tree_insertion *what, struct err *err) {
    const struct tree_type *type = &n->pass.old.type;
    bool exists;
    int order = n->any ? type->compare(type->compare_ctx, n->last, key) : -1;
    *what = order == 0 ? TREE_EXISTS : TREE_BEHIND;
    if (order >= 0)
        return BD_OK;
    int rc = find_place(&n->pass, key, &exists, err);
    if (rc != BD_OK)
        return rc;
    *what = exists ? TREE_EXISTS : TREE_INSERTED;
    struct tree_edit e = {{arena_dup(&n->items, key.data, key.size), key.size},
                          {exists ? NULL : arena_dup(&n->items, value.data, value.size), value.size},
                          false};
    n->any = true;
    n->last = e.key;
    if (!exists)
        rc = change(&n->pass, &e, false, err);
    if (rc == BD_OK && n->pass.changed && n->pass.chunker.level[0].count == 0) {
        buf_clear(&n->last_copy);
        buf_add(&n->last_copy, key.data, key.size);
        n->last.data = (const uint8_t *)n->last_copy.data;
        arena_reset(&n->items);
    }
    return rc;
}

int tree_inserter_finish(struct tree_inserter *n, struct tree *out, struct err *err) {
    return end_pass(&n->pass, out, err);
}
