/*
 * Building forests of issues.
 */
#include "bd/ops/tree.h"

#include "base/strmap.h"

#include <stdlib.h>
#include <string.h>

static int compare_nodes(const void *a, const void *b) {
    const struct issue *x = (*(struct tree_node *const *)a)->issue,
                       *y = (*(struct tree_node *const *)b)->issue;
    if (x->priority != y->priority)
        return x->priority < y->priority ? -1 : 1;
    return issue_id_compare(x->id, y->id);
}

static void sort_nodes(struct tree_node **nodes, size_t count) {
    if (count > 1)
        qsort(nodes, count, sizeof *nodes, compare_nodes);
}

static void add_child(struct tree_node *parent, struct tree_node *child, struct arena *a) {
    for (size_t i = 0; i < parent->child_count; i++)
        if (parent->children[i] == child)
            return;
    if ((parent->child_count & (parent->child_count - 1)) == 0) {
        struct tree_node **grown =
            arena_alloc(a, (parent->child_count ? parent->child_count * 2 : 1) * sizeof *grown);
        if (parent->child_count)
            memcpy(grown, parent->children, parent->child_count * sizeof *grown);
        parent->children = grown;
    }
    parent->children[parent->child_count++] = child;
    child->is_child = true;
}

/* Everything below a node, with a stack of its own: chains may be long. */
static void mark_shown(struct tree_node *root, struct tree_node **stack) {
    size_t depth = 0;
    root->shown = true;
    stack[depth++] = root;
    while (depth) {
        struct tree_node *n = stack[--depth];
        for (size_t i = 0; i < n->child_count; i++) {
            if (!n->children[i]->shown) {
                n->children[i]->shown = true;
                stack[depth++] = n->children[i];
            }
        }
    }
}

void tree_build(const struct issue_list *issues, const struct dependency *rows, size_t row_count,
                struct arena *a, struct tree *out) {
    struct strmap by_id = STRMAP_INIT;
    out->count = issues->count;
    out->nodes = arena_zalloc(a, (out->count + 1) * sizeof *out->nodes);
    for (size_t i = 0; i < out->count; i++) {
        out->nodes[i].issue = &issues->items[i];
        strmap_put(&by_id, issues->items[i].id, &out->nodes[i]);
    }
    for (size_t i = 0; i < row_count; i++) {
        struct tree_node *child = strmap_get(&by_id, rows[i].issue_id);
        struct tree_node *parent = strmap_get(&by_id, rows[i].depends_on_id);
        if (!child || !parent || child == parent || strcmp(rows[i].type, "relates-to") == 0)
            continue;
        if (strcmp(rows[i].type, "parent-child") == 0 || strcmp(parent->issue->issue_type, "epic") == 0)
            add_child(parent, child, a);
    }
    for (size_t i = 0; i < out->count; i++) {
        const char *id = out->nodes[i].issue->id, *dot = strrchr(id, '.');
        struct tree_node *parent = dot ? strmap_get_n(&by_id, id, (size_t)(dot - id)) : NULL;
        if (!out->nodes[i].is_child && parent && parent != &out->nodes[i])
            add_child(parent, &out->nodes[i], a);
    }
    struct tree_node **stack = arena_alloc(a, (out->count + 1) * sizeof *stack);
    out->roots = arena_alloc(a, (out->count + 1) * sizeof *out->roots);
    out->root_count = 0;
    for (int rings = 0; rings < 2; rings++) {
        for (size_t i = 0; i < out->count; i++) {
            struct tree_node *n = &out->nodes[i];
            if (rings ? n->shown : n->is_child)
                continue;
            out->roots[out->root_count++] = n;
            mark_shown(n, stack);
        }
    }
    for (size_t i = 0; i < out->count; i++)
        sort_nodes(out->nodes[i].children, out->nodes[i].child_count);
    sort_nodes(out->roots, out->root_count);
    strmap_release(&by_id);
}
