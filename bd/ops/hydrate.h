/*
 * Fills what an issue has outside its own row: labels, dependencies, comments, counts, parent. One pass
 * over each table concerned, however many issues there are; few issues go through the indexes, many
 * through one scan of the table.
 */
#ifndef BD_OPS_HYDRATE_H
#define BD_OPS_HYDRATE_H

#include "bd/ops/issue_rows.h"

enum hydrate {
    HYDRATE_LABELS = 1,       /* labels, sorted */
    HYDRATE_DEPENDENCIES = 2, /* dependencies (outgoing rows), in row order; without metadata */
    HYDRATE_COMMENTS = 4,     /* comments, oldest first */
    HYDRATE_BLOCK_COUNTS = 8, /* dependency_count, dependent_count: `blocks` rows of both tables */
    HYDRATE_COMMENT_COUNT = 16,
    HYDRATE_PARENT = 32,   /* parent: the smallest id it is a child of, or NULL */
    HYDRATE_METADATA = 64, /* with HYDRATE_DEPENDENCIES: metadata and thread_id too */
    HYDRATE_COUNTS = HYDRATE_BLOCK_COUNTS | HYDRATE_COMMENT_COUNT | HYDRATE_PARENT,
};
/* Fills what `what` (enum hydrate) names, for all of them; texts in `a`. */
int issues_hydrate(struct tables_txn *x, struct issue *issues, size_t count, unsigned what,
                   struct arena *a, struct err *err);

#endif
