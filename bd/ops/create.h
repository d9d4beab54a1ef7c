/*
 * Making issues: one with everything that `bd create` can give it, or a batch.
 */
#ifndef BD_OPS_CREATE_H
#define BD_OPS_CREATE_H

#include "bd/ops/db_config.h"
#include "bd/ops/dependency_rows.h"
#include "bd/ops/id_gen.h"
#include "bd/ops/issue_rows.h"

/* What is read once per transaction and holds for every issue made in it. */
struct create_context {
    struct custom_statuses statuses;
    struct text_list types, infra_types;
    const char *prefix;  /* issue_prefix */
    const char *allowed; /* allowed_prefixes, or NULL */
    struct id_census census;
};
int create_context_load(const struct ops *o, struct tables_txn *x, struct arena *a,
                        struct create_context *c, struct err *err);

struct create_options {
    const char *id_prefix;       /* "mol", "wisp": ids become <prefix>-<id_prefix>-… */
    const char *prefix_override; /* replaces the database's prefix */
    bool check_prefix;           /* explicit ids must match the prefix */
    bool keep_existing;          /* an existing id is left untouched */
};

struct dependency_wish {
    const char *type, *target, *metadata;
    bool reversed; /* the target depends on the new issue */
};
struct create_request {
    struct issue issue; /* labels: the wanted ones; id NULL = generated */
    struct create_options options;
    const char *parent; /* full id, or NULL: the id becomes a child id and a parent-child row is made */
    bool inherit_labels; /* of the parent */
    const struct dependency_wish *wishes;
    size_t wish_count;

    /* private: the issue as it was asked for, so that a second run starts from it */
    struct issue wanted;
    bool started;

    /* results: issue is complete; what failed of the wishes, one text each */
    const char **warnings;
    size_t warning_count;
};
/* Inside a transaction, may be run again with the same request. BD_NOT_FOUND `parent issue X not
 * found`. */
int create_request_in(struct ops *o, struct tables_txn *x, struct create_request *r, struct arena *a,
                      struct err *err);

/*
 * A batch in one transaction: issues in order, then their `dependencies` (issue_id NULL = the issue
 * itself; targets that do not exist are skipped), then the child counters and is_blocked. The issues
 * are changed: a function that may run again gives a fresh copy each time.
 */
int issues_create_in(struct ops *o, struct tables_txn *x, struct issue **issues, size_t count,
                     const struct create_options *options, struct arena *a, struct err *err);

/* Labels without repetitions, `more` behind `labels`. In `a`. */
const char **labels_merge(const char *const *labels, size_t count, const char *const *more,
                          size_t more_count, struct arena *a, size_t *out_count);

#endif
