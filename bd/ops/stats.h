/*
 * Numbers over issues: the overview, counts by filter and group, and issues that nobody touched for
 * long.
 */
#ifndef BD_OPS_STATS_H
#define BD_OPS_STATS_H

#include "bd/ops/search.h"

/* Numbers of issues; one issue may count in several. */
struct statistics {
    int64_t total, open, in_progress, closed, blocked, deferred, ready, pinned;
};
/* Over the issues (not the wisps): blocked by dependencies, ready = open - blocked. */
int stats_overview(struct tables_txn *x, struct statistics *out, struct err *err);
/* Over everything assigned to one person: blocked = status blocked, ready = ready work of any status.
 */
int stats_assigned(struct tables_txn *x, const char *assignee, struct statistics *out, struct err *err);

/* Matching issues (wisps are never counted). */
int stats_count(struct tables_txn *x, const struct issue_filter *f, struct arena *a, uint64_t *count,
                struct err *err);

enum stats_group { GROUP_STATUS, GROUP_PRIORITY, GROUP_TYPE, GROUP_ASSIGNEE, GROUP_LABEL };
struct group_count {
    const char *group; /* "open", "P2", "task", "alice" or "(unassigned)", a label or "(no labels)" */
    int64_t count;
};
/* Sorted by group. An issue counts once per label. */
int stats_count_by(struct tables_txn *x, const struct issue_filter *f, enum stats_group by,
                   struct arena *a, struct group_count **groups, size_t *count, struct err *err);

/* Issues not updated since `days` days, stalest first, with labels; status NULL or "": open
 * and in_progress. */
int stats_stale(struct tables_txn *x, int64_t days, const char *status, uint64_t limit, struct arena *a,
                struct issue_list *out, struct err *err);

#endif
