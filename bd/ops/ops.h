/*
 * What every operation on issues works with. Operations print nothing; they return codes and results.
 */
#ifndef BD_OPS_OPS_H
#define BD_OPS_OPS_H

#include "bd/ops/issue.h"

struct ops {
    struct tables *tables;
    const char *actor; /* who acts: events, created_by, claims */
    const char *owner; /* e-mail for issue.owner, may be "" */
    enum tables_commit_mode commit_mode; /* from the auto-commit policy */
    /* Answers configuration questions that the database does not: YAML values, NULL when unset. May be NULL. */
    const char *(*config_get)(void *ctx, const char *key);
    void *config_ctx;
    /* Told about each change after it is durable (hooks): event is "create", "update" or "close". May be NULL. */
    void (*changed)(void *ctx, const struct issue *i, const char *event);
    void *changed_ctx;
};

#endif
