/*
 * The past of issues: versions of one issue, differences between two states.
 */
#ifndef BD_OPS_HISTORY_H
#define BD_OPS_HISTORY_H

#include "bd/ops/issue.h"

/* Is this text a branch name or a commit hash by its look ([a-zA-Z0-9_./-], at most 128 bytes)?
 * BD_INVALID. */
int history_check_ref(const char *ref, struct err *err);

struct history_entry {
    struct tables_commit_info commit;
    struct issue issue; /* as of that commit */
};
/* One entry for every commit that contains the issue, newest first. */
int history_of_issue(struct tables *t, const char *id, struct arena *a, struct history_entry **out,
                     size_t *count, struct err *err);

/* An issue that differs between two states. */
enum history_change { HISTORY_ADDED, HISTORY_MODIFIED, HISTORY_REMOVED };
struct history_diff {
    const char *id;
    enum history_change change;
    struct issue old_value, new_value; /* id, title, description, status, priority only */
};
/* Issues that differ between two states, in the order of their ids. */
int history_diff(struct tables *t, const char *from, const char *to, struct arena *a,
                 struct history_diff **out, size_t *count, struct err *err);

/* The commit as a printable hash in the arena. */
const char *history_hash(const struct hash *h, struct arena *a);

#endif
