/*
 * Giving issues other ids: their rows, everything that refers to them, and their names in texts.
 */
#ifndef BD_OPS_ID_RENAME_H
#define BD_OPS_ID_RENAME_H

#include "bd/ops/ops.h"

/* An issue and the id it gets. */
struct id_rename {
    const char *from, *to;
};
/*
 * Inside a transaction. BD_NOT_FOUND for an id that is not there, BD_CONFLICT for one that is taken.
 * Titles, descriptions, designs, criteria and notes of all issues follow; comments and events stay what
 * was said and done. Each renamed issue gets an event `renamed`.
 */
int issues_rename_in(struct ops *o, struct tables_txn *x, const struct id_rename *list, size_t count,
                     struct err *err);

/* ---- prefixes ---- */

/* A prefix and how many ids have it. */
struct prefix_count {
    const char *prefix;
    size_t count;
};
struct prefix_plan {
    const char *old_prefix;        /* issue_prefix, or the only one that is there */
    struct prefix_count *prefixes; /* of all issues and wisps, by name */
    size_t prefix_count, issue_count;
    struct id_rename *renames; /* in natural order */
    size_t rename_count;
};
/*
 * What another prefix means for every issue and wisp. One prefix there: each id keeps what stands
 * behind it. Several: with `repair` the ids of other prefixes become new ones (`prefix-` and eight
 * digits made of the issue), without it nothing is planned. Everything in `a`.
 */
int prefix_plan(struct tables_txn *x, const char *prefix, const char *actor, bool repair,
                struct arena *a, struct prefix_plan *out, struct err *err);

#endif
