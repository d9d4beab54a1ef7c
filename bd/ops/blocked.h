/*
 * Keeps the column is_blocked true: it caches "not ready because of a blocker".
 *
 * Unlike upstream the cache never touches updated_at: nobody edited those issues. Databases without the
 * column are left alone; their readers derive the answer from the dependencies.
 */
#ifndef BD_OPS_BLOCKED_H
#define BD_OPS_BLOCKED_H

#include "bd/ops/ops.h"

/* After the status of an issue changed between {closed, pinned} and anything else. */
int blocked_after_status(struct tables_txn *x, const char *id, struct err *err);
/* After a dependency row source → target was added or removed. */
int blocked_after_dependency(struct tables_txn *x, const char *source, const char *target,
                             const char *type, struct err *err);
/* Issues whose state may depend on these ids, to be recomputed after their rows are gone. In `a`. */
int blocked_dependents(struct tables_txn *x, const char *const *ids, size_t count, struct arena *a,
                       const char ***out, size_t *out_count, struct err *err);
/* Recomputes these issues, and whoever depends on an answer that changed. Missing ids are skipped. */
int blocked_recompute(struct tables_txn *x, const char *const *ids, size_t count, struct err *err);

#endif
