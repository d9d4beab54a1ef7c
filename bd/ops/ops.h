/*
 * What every operation on issues works with. Operations print nothing; they return codes and results.
 */
#ifndef BD_OPS_OPS_H
#define BD_OPS_OPS_H

#include "bd/ops/issue.h"

struct ops {
    struct tables *tables;
    const char *actor;                   /* who acts: events, created_by, claims */
    const char *owner;                   /* e-mail for issue.owner, may be "" */
    enum tables_commit_mode commit_mode; /* from the auto-commit policy */
    /* Answers configuration questions that the database does not: YAML values, NULL when unset. May be
     * NULL. */
    const char *(*config_get)(void *ctx, const char *key);
    void *config_ctx;
    /* Told about each change after it is durable (hooks): event is "create", "update" or "close". May
     * be NULL. */
    void (*changed)(void *ctx, const struct issue *i, const char *event);
    void *changed_ctx;

    /* private to ops_write: what the transaction function noted for `changed` */
    struct ops_note *notes;
    size_t note_count, note_capacity;
};

enum ops_write_flags {
    OPS_COMMIT_ALWAYS = 1, /* commit whatever the auto-commit mode says */
    OPS_TRANSACTION = 2, /* as upstream's transactions: always committed, author beads <beads@local> */
};
/*
 * Runs fn in one transaction with the mode of the policy; message is the commit message (fn may replace
 * it with tables_set_message). Afterwards tells `changed` what fn noted. fn may run more than once: it
 * must reset whatever it reports through ctx when it starts.
 */
int ops_write(struct ops *o, const char *message, unsigned flags, tables_write_fn fn, void *ctx,
              struct err *err);
/* For functions inside ops_write: this issue changed; event is "create", "update" or "close". */
void ops_note(struct ops *o, const char *issue_id, const char *event);

#endif
