/*
 * Two trees side by side. Each side stands at an item of some level, everything before it being done;
 * levels below are read only when they must be. Two sides that stand at the same subtree skip it whole;
 * a side that stands at the very start of a node can be seen as standing at that node, which is how
 * sides of different depth meet again after a change.
 */
#include "store/prolly/cursor.h"

#include <string.h>

static bool same_bytes(struct bytes a, struct bytes b) {
    return a.size == b.size && (!a.size || memcmp(a.data, b.data, a.size) == 0);
}

int tree_differ_init(struct tree_differ *d, const struct tree *from, const struct tree *to, bool all,
                     struct err *err) {
    d->from = from;
    d->to = to;
    d->all = all;
    int rc = tree_path_root(&d->a, from, err);
    if (rc == BD_OK)
        rc = tree_path_root(&d->b, to, err);
    if (rc != BD_OK)
        return rc;
    d->a_level = d->a.levels - 1;
    d->b_level = d->b.levels - 1;
    d->a_done = d->a.level[d->a_level].node.count == 0;
    d->b_done = d->b.level[d->b_level].node.count == 0;
    if (!all && from->root.size == to->root.size &&
        memcmp(from->root.data, to->root.data, from->root.size) == 0)
        d->a_done = d->b_done = true;
    return BD_OK;
}

/* Leaves the current item behind; where a node ends, the side stands at its parent's next item. */
static void pass(struct tree_cursor *c, unsigned *level, bool *done) {
    while (++c->level[*level].index >= c->level[*level].node.count) {
        if (++*level == c->levels) {
            --*level;
            *done = true;
            return;
        }
    }
}

static int descend(struct tree_cursor *c, unsigned *level, struct err *err) {
    int rc = tree_path_fetch(c, *level - 1, err);
    if (rc == BD_OK)
        --*level;
    return rc;
}

static bool same_child(const struct tree_cursor *a, const struct tree_cursor *b, unsigned level) {
    const struct tree_level *x = &a->level[level], *y = &b->level[level];
    return memcmp(x->node.values + (size_t)x->index * HASH_SIZE,
                  y->node.values + (size_t)y->index * HASH_SIZE, HASH_SIZE) == 0;
}

/* Whether the lower side stands at the very start of the subtree that the higher side stands at. */
static bool meets(const struct tree_cursor *low, unsigned low_level, const struct tree_cursor *high,
                  unsigned high_level) {
    if (high_level >= low->levels)
        return false;
    for (unsigned i = low_level; i < high_level; i++) {
        if (low->level[i].index != 0)
            return false;
    }
    return same_child(low, high, high_level);
}

/* Skips what is equal and reads what is not, until both sides stand at leaf items or are done. */
static int settle(struct tree_differ *d, struct err *err) {
    int rc = BD_OK;
    while (rc == BD_OK) {
        if (d->a_done || d->b_done) {
            while (rc == BD_OK && !d->a_done && d->a_level > 0)
                rc = descend(&d->a, &d->a_level, err);
            while (rc == BD_OK && !d->b_done && d->b_level > 0)
                rc = descend(&d->b, &d->b_level, err);
            return rc;
        }
        if (d->a_level == 0 && d->b_level == 0)
            return BD_OK;
        if (!d->all && d->a_level < d->b_level && meets(&d->a, d->a_level, &d->b, d->b_level))
            d->a_level = d->b_level;
        else if (!d->all && d->b_level < d->a_level && meets(&d->b, d->b_level, &d->a, d->a_level))
            d->b_level = d->a_level;
        if (d->a_level == d->b_level && !d->all && same_child(&d->a, &d->b, d->a_level)) {
            pass(&d->a, &d->a_level, &d->a_done);
            pass(&d->b, &d->b_level, &d->b_done);
            continue;
        }
        unsigned level = d->a_level > d->b_level ? d->a_level : d->b_level;
        if (d->a_level == level)
            rc = descend(&d->a, &d->a_level, err);
        if (rc == BD_OK && d->b_level == level)
            rc = descend(&d->b, &d->b_level, err);
    }
    return rc;
}

int tree_differ_next(struct tree_differ *d, struct tree_diff *out, struct err *err) {
    for (;;) {
        int rc = settle(d, err);
        if (rc != BD_OK)
            return rc;
        if (d->a_done && d->b_done)
            return BD_DONE;
        *out = (struct tree_diff){0};
        int cmp = d->a_done ? 1 : -1;
        if (!d->a_done && !d->b_done)
            cmp = d->from->type.compare(d->from->type.compare_ctx, tree_cursor_key(&d->a),
                                        tree_cursor_key(&d->b));
        if (cmp <= 0) {
            out->key = out->to_key = tree_cursor_key(&d->a);
            out->from = tree_cursor_value(&d->a);
            out->change = TREE_REMOVED;
            pass(&d->a, &d->a_level, &d->a_done);
        }
        if (cmp >= 0) {
            out->to_key = tree_cursor_key(&d->b);
            out->to = tree_cursor_value(&d->b);
            out->change = TREE_ADDED;
            pass(&d->b, &d->b_level, &d->b_done);
        }
        if (cmp > 0)
            out->key = out->to_key;
        if (cmp == 0)
            out->change = TREE_MODIFIED;
        if (cmp != 0 || d->all || !same_bytes(out->from, out->to))
            return BD_OK;
    }
}

int tree_diff_walk(const struct tree *from, const struct tree *to,
                   int (*fn)(void *ctx, const struct tree_diff *d), void *ctx, struct err *err) {
    struct tree_differ d;
    struct tree_diff diff;
    int rc = tree_differ_init(&d, from, to, false, err);
    while (rc == BD_OK) {
        rc = tree_differ_next(&d, &diff, err);
        if (rc == BD_DONE)
            return BD_OK;
        if (rc == BD_OK)
            rc = fn(ctx, &diff);
    }
    return rc;
}
