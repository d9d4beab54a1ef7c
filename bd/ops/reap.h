/*
 * What gathers where many agents work and nobody tidies up: wisps that were never closed, closed ones,
 * read mail, issues that nobody has touched for long.
 */
#ifndef BD_OPS_REAP_H
#define BD_OPS_REAP_H

#include "bd/ops/db_config.h"

/* Cutoffs: what is older goes. ISSUE_NO_TIME: that part is left alone. */
struct reap_cutoffs {
    int64_t created; /* open wisps, which are closed */
    int64_t purge;   /* closed wisps, which are deleted */
    int64_t mail;    /* closed issues with the label gt:message, which are deleted */
    int64_t stale;   /* issues that are closed: see reap.c */
};
struct reap_plan {
    struct text_list wisps_to_close, wisps_to_delete, mail_to_delete, issues_to_close;
    uint64_t open_wisps; /* that stay open */
    uint64_t dangling;   /* wisps below a parent that does not exist */
};
#define REAP_STALE_REASON "stale:auto-closed by reaper"
#define REAP_WISP_REASON "reaped: open for too long"

/* Everything in `a`. */
int reap_find(struct tables_txn *x, const struct reap_cutoffs *c, struct arena *a,
              struct reap_plan *out, struct err *err);
/* Inside a transaction. */
int reap_in(struct ops *o, struct tables_txn *x, const struct reap_plan *p, struct err *err);

#endif
