/*
 * Compaction of issues: the texts of an issue that was closed long ago give way to a summary. Tier 1
 * takes issues that were never compacted, tier 2 those of tier 1. The history of the database keeps the
 * full texts.
 */
#ifndef BD_OPS_COMPACTION_H
#define BD_OPS_COMPACTION_H

#include "bd/ops/issue_rows.h"
#include "bd/ops/ops.h"

/* Issues that may be compacted, the one closed first in front. Wisps are never compacted. */
int compaction_candidates(struct tables_txn *x, int tier, struct arena *a, struct issue_list *out,
                          struct err *err);

/* *reason (in the arena) is NULL when the issue may be compacted, else says why not. */
int compaction_check(struct tables_txn *x, const struct issue *i, int tier, struct arena *a,
                     const char **reason, struct err *err);

/* Bytes, or characters, of the four texts that a compaction replaces. */
size_t compaction_bytes(const struct issue *i);
size_t compaction_chars(const struct issue *i);

struct compaction {
    const char *id; /* exact */
    int tier;
    const char *summary;
    const char *author;     /* of the comment that notes it */
    const char *git_commit; /* "" when unknown */
    bool force;             /* whatever the checks say */
    size_t bytes_before;    /* filled */
};
/* Inside a transaction. BD_INVALID: not eligible, or the summary is not shorter. */
int compaction_apply_in(struct ops *o, struct tables_txn *x, struct compaction *c, struct arena *a,
                        struct err *err);

#endif
