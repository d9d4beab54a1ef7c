/*
 * Deleting issues with everything that hangs on them: labels, comments, events, dependency rows of both
 * ends. Texts of the issues next to them then say `[deleted:ID]` where they named one.
 */
#ifndef BD_OPS_DELETE_H
#define BD_OPS_DELETE_H

#include "bd/ops/ops.h"

/* What a deletion would take along; counts are rows. */
struct issue_deletion {
    const char **ids; /* the given ones first, then what a cascade adds */
    size_t count;
    uint64_t dependencies, labels, events;
    const char **orphans; /* issues outside that depend on one of the ids */
    size_t orphan_count;
    const char *with_orphans; /* the first of the ids that has such a dependent, or NULL */
};

#define ISSUE_DELETION_MAX 10000 /* more than that are not deleted by a cascade */

/*
 * Fills `out` for these exact ids, in `a`. With cascade all issues that depend on them, over edges of
 * any type, are deleted too. BD_INVALID when a cascade grows over ISSUE_DELETION_MAX issues.
 */
int issue_deletion_plan(struct tables_txn *x, const char *const *ids, size_t count, bool cascade,
                        struct arena *a, struct issue_deletion *out, struct err *err);

/* Does the text name the id as a whole word? "t-a" stands neither in "t-ab" nor in "t-a.1". */
bool issue_text_names(const char *text, const char *id);

/*
 * Inside a transaction: marks the names of the ids in the texts of neighbours that stay, and deletes.
 * `marked` counts pairs of a neighbour and an id it named. BD_NOT_FOUND `issue not found: ID`.
 */
int issue_delete_in(struct ops *o, struct tables_txn *x, const struct issue_deletion *d,
                    uint64_t *marked, struct err *err);
/* The same without looking at texts: nothing but the issues and their rows changes. */
int issue_delete_rows_in(struct tables_txn *x, const char *const *ids, size_t count, struct err *err);

#endif
