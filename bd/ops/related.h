/*
 * What stands around one issue: the issues on the other end of its dependency rows, its comments and
 * its labels, as `show` and `dep list` need them. Both table families are looked at.
 */
#ifndef BD_OPS_RELATED_H
#define BD_OPS_RELATED_H

#include "bd/ops/issue.h"

/* An issue together with the type of the dependency row that leads to it. */
struct issue_link {
    struct issue issue; /* with its labels */
    const char *type;
    struct dependency row;
};

/* Existing issues that `id` depends on, and those that depend on `id`, in the order in
 * which the rows were made (time, then row id). External and missing targets are left out. */
int related_dependencies(struct tables_txn *x, const char *id, struct arena *a,
                         struct issue_link **links, size_t *count, struct err *err);
int related_dependents(struct tables_txn *x, const char *id, struct arena *a, struct issue_link **links,
                       size_t *count, struct err *err);

/* Comments of an issue, oldest first (ties by id). */
int related_comments(struct tables_txn *x, const char *id, struct arena *a, struct comment **comments,
                     size_t *count, struct err *err);

struct related_counts {
    int64_t dependencies, dependents, comments; /* rows of any type */
};
/* The numbers alone, from indexes. */
int related_count(struct tables_txn *x, const char *id, struct related_counts *out, struct err *err);

#endif
