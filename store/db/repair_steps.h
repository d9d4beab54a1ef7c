/* What the files of a repair share. Private to store/db/repair*.c. */
#ifndef STORE_DB_REPAIR_STEPS_H
#define STORE_DB_REPAIR_STEPS_H

#include "store/db/fsck_check.h"
#include "store/db/repair.h"

struct repair {
    const char *dir; /* as given */
    struct check_place place;
    const struct repair_options *o;
    struct repair_result *r;
    const char *why_not; /* why a salvaged journal is not enough */
};

void repair_step_add(struct repair *x, enum fsck_repair action, bool done, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Copies a file (from an offset on) to the directory of originals, synced; once per name. No file: fine. */
int repair_set_aside(struct repair *x, const char *path, uint64_t from, const char *name,
                     struct err *err);

/* ---- repair_refs.c ---- */
/* The branch that repo_state.json should name; NULL when there is none. */
int repair_pick_branch(struct repair *x, const char **branch, struct err *err);
/* Moves damaged branches to their newest whole commits; an unreadable root to the newest readable one. */
int repair_reset_branches(struct repair *x, struct err *err);
/* Says which branches are whole and what a reset would keep. */
void repair_tell_branches(struct repair *x);

/* ---- repair_indexes.c ---- */
/* Makes the indexes anew that the findings name, in every branch that has them now. */
int repair_rebuild_indexes(struct repair *x, const struct fsck_report *found, struct err *err);

#endif
