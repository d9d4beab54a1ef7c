/*
 * Around closing an issue: what stands against it, what it sets free, the molecule it belongs to.
 */
#ifndef BD_OPS_CLOSE_H
#define BD_OPS_CLOSE_H

#include "bd/ops/issue_rows.h"

/* Non-closed children of an issue over parent-child rows. */
int close_open_children(struct tables_txn *x, const char *id, uint64_t *count, struct err *err);
/* What blocks it now: "id" for blocks edges, "id (type)" for others; active targets only. In `a`. */
int close_blockers(struct tables_txn *x, const struct issue *i, struct arena *a, const char ***blockers,
                   size_t *count, struct err *err);
/* Issues with a blocks edge on `id` that nothing else blocks any more, by id. */
int close_unblocked(struct tables_txn *x, const char *id, struct arena *a, struct issue_list *out,
                    struct err *err);

/*
 * Why a gate that a machine can check is not satisfied, NULL when it is (or is no such gate). `warning`
 * is set when its condition could not be evaluated.
 */
const char *close_gate_refusal(const struct issue *i, struct arena *a, const char **warning);

struct molecule_step {
    const struct issue *issue;
    const char *status; /* "done", "current", "ready", "blocked", "pending" */
};
struct molecule_progress {
    struct issue root;           /* with labels */
    struct issue_list issues;    /* the steps, in the order found */
    struct molecule_step *steps; /* fewest blockers first */
    size_t count, completed;
};
/* Top of the parent chain when it is a molecule (type epic or molecule, or labelled template), else
 * NULL. */
int molecule_root_of(struct tables_txn *x, const char *id, struct arena *a, const char **root,
                     struct err *err);
int molecule_progress_load(struct tables_txn *x, const char *root, struct arena *a,
                           struct molecule_progress *out, struct err *err);
/* Roots that close by themselves when the last step is closed: type molecule, ephemeral, or template
 * epic. */
bool molecule_closes_itself(const struct issue *root);

#endif
