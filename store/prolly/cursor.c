/*
 * Reading trees: lookup and cursors. A cursor holds the parsed nodes of one path. level[0] is the leaf;
 * level[i].index is the item of that level that the path goes through. Past the end every level that
 * ran out has index == count.
 */
#include "store/prolly/cursor.h"

int tree_path_root(struct tree_cursor *c, const struct tree *t, struct err *err) {
    c->tree = t;
    c->valid = false;
    c->levels = 0;
    (void)err;
    c->levels = t->top.level + 1u;
    c->level[t->top.level].node = t->top;
    c->level[t->top.level].index = 0;
    return BD_OK;
}

int tree_path_fetch(struct tree_cursor *c, unsigned level, struct err *err) {
    struct tree_level *parent = &c->level[level + 1];
    c->level[level].index = 0;
    return node_fetch_child(c->tree->ns, c->tree->type.kind, &parent->node, parent->index,
                            &c->level[level].node, NULL, err);
}

int tree_path_advance(struct tree_cursor *c, unsigned level, struct err *err) {
    struct tree_level *l = &c->level[level];
    if (l->index + 1 < l->node.count) {
        l->index++;
        return BD_OK;
    }
    if (level + 1 == c->levels) {
        l->index = l->node.count;
        return BD_OK;
    }
    int rc = tree_path_advance(c, level + 1, err);
    if (rc != BD_OK)
        return rc;
    if (c->level[level + 1].index >= c->level[level + 1].node.count) {
        l->index = l->node.count;
        return BD_OK;
    }
    return tree_path_fetch(c, level, err);
}

int tree_cursor_next_leaf(struct tree_cursor *c, struct err *err) {
    if (!c->valid)
        return BD_OK;
    c->valid = false;
    int rc = tree_path_advance(c, 0, err);
    if (rc == BD_OK)
        c->valid = c->level[0].index < c->level[0].node.count;
    return rc;
}

int tree_cursor_prev_leaf(struct tree_cursor *c, struct err *err) {
    if (!c->valid)
        return BD_OK;
    c->valid = false;
    unsigned level = 0;
    while (level < c->levels && c->level[level].index == 0)
        level++;
    if (level == c->levels)
        return BD_OK;
    c->level[level].index--;
    while (level-- > 0) {
        int rc = tree_path_fetch(c, level, err);
        if (rc != BD_OK)
            return rc;
        c->level[level].index = c->level[level].node.count - 1;
    }
    c->valid = true;
    return BD_OK;
}

int tree_cursor_first(struct tree_cursor *c, const struct tree *t, struct err *err) {
    int rc = tree_path_root(c, t, err);
    for (unsigned level = rc == BD_OK ? c->levels - 1 : 0; rc == BD_OK && level-- > 0;)
        rc = tree_path_fetch(c, level, err);
    c->valid = rc == BD_OK && c->level[0].node.count > 0;
    return rc;
}

int tree_cursor_last(struct tree_cursor *c, const struct tree *t, struct err *err) {
    int rc = tree_path_root(c, t, err);
    if (rc != BD_OK)
        return rc;
    for (unsigned level = c->levels - 1;; level--) {
        uint32_t count = c->level[level].node.count;
        c->level[level].index = count ? count - 1 : 0;
        if (level == 0)
            break;
        rc = tree_path_fetch(c, level - 1, err);
        if (rc != BD_OK)
            return rc;
    }
    c->valid = c->level[0].node.count > 0;
    return BD_OK;
}

int tree_path_seek(struct tree_cursor *c, const struct tree *t, struct bytes key, bool *equal,
                   struct err *err) {
    *equal = false;
    int rc = tree_path_root(c, t, err);
    if (rc != BD_OK)
        return rc;
    for (unsigned level = c->levels - 1;; level--) {
        struct tree_level *l = &c->level[level];
        l->index = node_search(&t->type, &l->node, key, equal);
        if (level == 0)
            break;
        if (l->index == l->node.count)
            l->index--;
        rc = tree_path_fetch(c, level - 1, err);
        if (rc != BD_OK)
            return rc;
    }
    c->valid = c->level[0].index < c->level[0].node.count;
    return BD_OK;
}

int tree_cursor_seek(struct tree_cursor *c, const struct tree *t, struct bytes key, struct err *err) {
    bool equal;
    return tree_path_seek(c, t, key, &equal, err);
}

int tree_cursor_seek_fn(struct tree_cursor *c, const struct tree *t,
                        bool (*goes_right)(void *ctx, struct bytes key), void *ctx, struct err *err) {
    int rc = tree_path_root(c, t, err);
    if (rc != BD_OK)
        return rc;
    for (unsigned level = c->levels - 1;; level--) {
        struct tree_level *l = &c->level[level];
        uint32_t low = 0, high = l->node.count;
        while (low < high) {
            uint32_t mid = (low + high) / 2;
            if (goes_right(ctx, tree_node_key(&l->node, mid)))
                low = mid + 1;
            else
                high = mid;
        }
        l->index = low;
        if (level == 0)
            break;
        if (low == l->node.count)
            l->index--;
        rc = tree_path_fetch(c, level - 1, err);
        if (rc != BD_OK)
            return rc;
    }
    c->valid = c->level[0].index < c->level[0].node.count;
    return BD_OK;
}

int tree_cursor_seek_rank(struct tree_cursor *c, const struct tree *t, uint64_t n, struct err *err) {
    int rc = tree_path_root(c, t, err);
    if (rc != BD_OK)
        return rc;
    for (unsigned level = c->levels - 1; level > 0; level--) {
        struct tree_level *l = &c->level[level];
        struct node_counts it = {0, 0};
        for (l->index = 0; l->index + 1 < l->node.count; l->index++) {
            uint64_t below = node_counts_next(&l->node, &it);
            if (n < below)
                break;
            n -= below;
        }
        rc = tree_path_fetch(c, level - 1, err);
        if (rc != BD_OK)
            return rc;
    }
    c->valid = n < c->level[0].node.count;
    c->level[0].index = c->valid ? (uint32_t)n : c->level[0].node.count;
    return BD_OK;
}

uint64_t tree_cursor_rank(const struct tree_cursor *c) {
    if (!c->levels)
        return 0;
    if (!c->valid)
        return c->level[c->levels - 1].node.tree_count;
    uint64_t rank = c->level[0].index;
    for (unsigned level = 1; level < c->levels; level++) {
        struct node_counts it = {0, 0};
        for (uint32_t i = 0; i < c->level[level].index; i++)
            rank += node_counts_next(&c->level[level].node, &it);
    }
    return rank;
}

void tree_cursor_release(struct tree_cursor *c) {
    c->levels = 0;
    c->valid = false;
}

int tree_get(const struct tree *t, struct bytes key, struct bytes *value, struct err *err) {
    struct tree_node node = t->top;
    bool equal;
    int rc = BD_OK;
    while (rc == BD_OK) {
        uint32_t i = node_search(&t->type, &node, key, &equal);
        if (node.level == 0) {
            if (!equal)
                return err_set(err, BD_NOT_FOUND, "there is no item with this key");
            *value = tree_node_value(&node, i);
            return BD_OK;
        }
        if (i == node.count)
            return err_set(err, BD_NOT_FOUND, "there is no item with this key");
        struct tree_node parent = node;
        rc = node_fetch_child(t->ns, t->type.kind, &parent, i, &node, NULL, err);
    }
    return rc;
}
