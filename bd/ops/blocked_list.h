/*
 * Blocked issues and what blocks them.
 */
#ifndef BD_OPS_BLOCKED_LIST_H
#define BD_OPS_BLOCKED_LIST_H

#include "bd/ops/edges.h"

struct blocked_issue {
    struct issue issue;      /* with labels */
    const char **blocked_by; /* active targets, or the parent that hands its block down */
    size_t blocked_by_count;
};

/* Ids of both families that are blocked (the stored column, or computed where it is missing). */
int blocked_ids(struct tables_txn *x, struct arena *a, struct id_set *out, struct err *err);

/* Ordered by priority, newest first; parent NULL or: only its children. */
int blocked_list(struct tables_txn *x, const char *parent, struct arena *a, struct blocked_issue **list,
                 size_t *count, struct err *err);

#endif
