/*
 * Issues of one repository of a workspace with several move to another: their source_repo is rewritten,
 * nothing else.
 */
#ifndef BD_OPS_REPO_MOVE_H
#define BD_OPS_REPO_MOVE_H

#include "bd/ops/db_config.h"

enum repo_move_include {
    REPO_MOVE_NONE,
    REPO_MOVE_UPSTREAM,   /* what they depend on, and so on */
    REPO_MOVE_DOWNSTREAM, /* what depends on them */
    REPO_MOVE_CLOSURE,    /* both */
};
struct repo_move {
    const char *from, *to;
    const char *status, *type; /* NULL: any */
    int64_t priority;          /* -1: any */
    struct text_list labels;   /* all of them */
    struct text_list ids;      /* empty: any */
    enum repo_move_include include;
    bool within_from; /* include only issues of `from` */
};
struct repo_move_plan {
    const char **ids; /* everything that would move, sorted */
    size_t count;
    size_t selected;           /* by the filters; the rest came by dependencies */
    size_t incoming, outgoing; /* dependencies that would cross the border (with an include mode) */
    const char **orphans;      /* ids that dependencies name and nobody has, sorted */
    size_t orphan_count;
    bool from_is_empty, to_is_empty; /* no issue of that repository yet */
};
int repo_move_plan(struct tables_txn *x, const struct repo_move *m, struct arena *a,
                   struct repo_move_plan *out, struct err *err);
/* In a transaction: every issue of the plan, or none. */
int repo_move_apply(struct ops *o, struct tables_txn *x, const struct repo_move_plan *p, const char *to,
                    struct err *err);

#endif
