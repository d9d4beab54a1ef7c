/*
 * Three-way merge by key: what the right side changed against the base and the left side did not
 * becomes an edit of the left tree; what both changed to the same is there already; the rest is the
 * caller's to resolve. Trees being canonical, the result is the one that Dolt's merge of subtrees
 * gives.
 */
#include "store/prolly/tree.h"

#include <stdlib.h>
#include <string.h>

struct side {
    struct tree_differ differ;
    struct tree_diff diff;
    bool done;
};

struct merge {
    struct side left, right;
    struct tree_edit *edits;
    size_t count, capacity;
};

static int step(struct side *s, struct err *err) {
    int rc = tree_differ_next(&s->differ, &s->diff, err);
    if (rc == BD_DONE) {
        s->done = true;
        return BD_OK;
    }
    return rc;
}

static void add_edit(struct merge *m, struct tree_edit edit) {
    MEM_GROW(m->edits, m->capacity, m->count + 1);
    m->edits[m->count++] = edit;
}

static bool same_change(const struct tree_diff *a, const struct tree_diff *b) {
    if ((a->change == TREE_REMOVED) != (b->change == TREE_REMOVED))
        return false;
    if (a->change == TREE_REMOVED)
        return true;
    return a->to.size == b->to.size && (!a->to.size || memcmp(a->to.data, b->to.data, a->to.size) == 0);
}

static int resolve(struct merge *m, int (*clash)(void *, const struct tree_clash *, struct tree_edit *),
                   void *ctx) {
    const struct tree_diff *l = &m->left.diff, *r = &m->right.diff;
    struct tree_clash c = {.key = l->key,
                           .base = l->change == TREE_ADDED ? NULL : &l->from,
                           .left = l->change == TREE_REMOVED ? NULL : &l->to,
                           .right = r->change == TREE_REMOVED ? NULL : &r->to};
    struct tree_edit edit = {.key = l->change == TREE_REMOVED ? r->to_key : l->to_key};
    int rc = clash(ctx, &c, &edit);
    if (rc == BD_OK)
        add_edit(m, edit);
    return rc == BD_CONFLICT ? BD_OK : rc;
}

static int collect(struct merge *m, const struct tree *base,
                   int (*clash)(void *, const struct tree_clash *, struct tree_edit *), void *ctx,
                   struct err *err) {
    int rc = step(&m->left, err);
    if (rc == BD_OK)
        rc = step(&m->right, err);
    while (rc == BD_OK && !m->right.done) {
        int cmp = m->left.done
                      ? 1
                      : base->type.compare(base->type.compare_ctx, m->left.diff.key, m->right.diff.key);
        if (cmp > 0) {
            const struct tree_diff *r = &m->right.diff;
            add_edit(m, (struct tree_edit){r->to_key, r->to, r->change == TREE_REMOVED});
        } else if (cmp == 0 && !same_change(&m->left.diff, &m->right.diff)) {
            rc = resolve(m, clash, ctx);
        }
        if (rc == BD_OK && cmp <= 0)
            rc = step(&m->left, err);
        if (rc == BD_OK && cmp >= 0)
            rc = step(&m->right, err);
    }
    return rc;
}

int tree_merge(const struct tree *base, const struct tree *left, const struct tree *right,
               int (*clash)(void *ctx, const struct tree_clash *c, struct tree_edit *resolved),
               void *ctx, struct tree *out, struct err *err) {
    struct merge m;
    memset(&m, 0, sizeof m);
    int rc = tree_differ_init(&m.left.differ, base, left, false, err);
    if (rc == BD_OK)
        rc = tree_differ_init(&m.right.differ, base, right, false, err);
    if (rc == BD_OK)
        rc = collect(&m, base, clash, ctx, err);
    if (rc == BD_OK)
        rc = tree_apply(left, m.edits, m.count, out, err);
    free(m.edits);
    return rc;
}
