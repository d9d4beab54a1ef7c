/*
 * For lines of a list: the parent of each issue, what blocks it, and what it blocks.
 */
#ifndef BD_OPS_BLOCKING_INFO_H
#define BD_OPS_BLOCKING_INFO_H

#include "bd/ops/edges.h"
#include "bd/ops/filter.h"
#include "bd/ops/issue_rows.h"

struct blocking_info {
    const char *parent;          /* not closed, or NULL */
    struct text_list blocked_by; /* targets of blocks rows that are not closed (missing ones too) */
    struct text_list blocks;     /* sources of blocks rows; none when the issue itself is closed */
};

/* One entry per issue of the list, in the arena. */
int blocking_info_load(struct tables_txn *x, const struct issue_list *l, struct arena *a,
                       struct blocking_info **out, struct err *err);

#endif
