/*
 * A list of issues as a forest: parent-child rows, any row whose target is an epic of the list, and
 * dotted ids where no row says otherwise.
 */
#ifndef BD_OPS_TREE_H
#define BD_OPS_TREE_H

#include "bd/ops/issue_rows.h"

/* An issue in its places; it is printed below each of its parents. */
struct tree_node {
    const struct issue *issue;
    struct tree_node *
        *children; /* by priority, then natural id; a node may stand below several parents */
    size_t child_count;
    bool is_child;
    bool on_path; /* for walkers: being printed right now, so that rings end */
    bool shown;
};

struct tree {
    struct tree_node *nodes; /* one per issue, in the order of the list */
    size_t count;
    struct tree_node **roots;
    size_t root_count;
};

/* Rows whose source or target is not in the list are passed over; relates-to rows never nest. Every
 * issue is reachable from a root: of a ring the first issue in order becomes one. */
void tree_build(const struct issue_list *issues, const struct dependency *rows, size_t row_count,
                struct arena *a, struct tree *out);

#endif
