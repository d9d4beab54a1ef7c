/*
 * Changing the columns of an issue, closing, reopening, claiming.
 */
#ifndef BD_OPS_UPDATE_H
#define BD_OPS_UPDATE_H

#include "bd/ops/issue_changes.h"
#include "bd/ops/ops.h"

/*
 * Inside a transaction: sets the columns of one issue, by exact id, with all that upstream attaches to
 * it (updated_at, closed_at, started_at, pinned, one event, is_blocked of others). `old` receives the
 * issue as it was (may be NULL). BD_NOT_FOUND; BD_INVALID for an unknown column or type.
 */
int issue_update_in(struct ops *o, struct tables_txn *x, const char *id,
                    const struct issue_changes *changes, struct arena *a, struct issue *old,
                    struct err *err);

/* Inside a transaction. Closing a closed issue overwrites time and reason. BD_NOT_FOUND. */
int issue_close_in(struct ops *o, struct tables_txn *x, const char *id, const char *reason,
                   const char *session, struct err *err);
/* Status open, defer_until cleared; a reason becomes an event `commented`. */
int issue_reopen_in(struct ops *o, struct tables_txn *x, const char *id, const char *reason,
                    struct arena *a, struct err *err);
/*
 * Compare-and-set: takes an open issue that nobody (or the same actor) has. `old` (may be NULL) as
 * before. BD_CONFLICT `issue already claimed by X` or `issue not claimable: status S`; BD_NOT_FOUND.
 * The same actor again: BD_OK, nothing written.
 */
int issue_claim_in(struct ops *o, struct tables_txn *x, const char *id, struct arena *a,
                   struct issue *old, struct err *err);

/* Merges metadata: `patch` (a JSON object) into `old` (object or NULL), result in `a`. BD_INVALID. */
int metadata_merge(const char *old, const char *patch, struct arena *a, const char **out,
                   struct err *err);
/* Sets keys from "k=v" texts and removes keys. BD_INVALID. */
int metadata_edit(const char *old, const char *const *set, size_t set_count, const char *const *unset,
                  size_t unset_count, struct arena *a, const char **out, struct err *err);

#endif
