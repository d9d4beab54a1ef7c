/*
 * Edges between issues: adding and removing with all rules, cycles.
 */
#ifndef BD_OPS_DEPENDENCIES_H
#define BD_OPS_DEPENDENCIES_H

#include "bd/ops/dependency_rows.h"
#include "bd/ops/ops.h"

enum dependency_add_flags {
    DEPENDENCY_NO_CYCLE_CHECK = 1,
};
/*
 * Inside a transaction: `d->issue_id` depends on `d->depends_on_id`. Both must exist; a target that
 * is `external:…`, or missing and of another prefix, is stored as it is. The same pair with the same
 * type again replaces the metadata only. Nothing is written when it fails. BD_NOT_FOUND `issue X not
 * found`; BD_INVALID for kinds that cannot block each other and for a self-dependency; BD_CONFLICT for
 * a cycle and for the same pair with another type.
 */
int dependency_add_in(struct ops *o, struct tables_txn *x, const struct dependency *d, unsigned flags,
                      struct err *err);
/* Inside a transaction. An absent edge is no error; *removed (may be NULL) says whether there was one.
 */
int dependency_remove_in(struct ops *o, struct tables_txn *x, const char *source, const char *target,
                         bool *removed, struct err *err);
/* Inside a transaction: removes the parent edge of the issue, then adds the new one (NULL or "": none).
 */
int dependency_set_parent_in(struct ops *o, struct tables_txn *x, const char *id, const char *parent,
                             struct err *err);
/* The parent of an issue, NULL without one. In `a`. */
int dependency_parent(struct tables_txn *x, const char *id, struct arena *a, const char **parent,
                      struct err *err);

/* Does following blocks/conditional-blocks edges from `from` reach `to`? */
int dependency_reaches(struct tables_txn *x, const char *from, const char *to, bool *reaches,
                       struct err *err);

/* Every cycle over blocks/conditional-blocks edges, each a list of ids that ends before it repeats. */
struct dependency_cycle {
    const char **ids;
    size_t count;
};
int dependency_cycles(struct tables_txn *x, struct arena *a, struct dependency_cycle **cycles,
                      size_t *count, struct err *err);

/* Is the target of another project, judged by the text before the first '-' of both ids? */
bool dependency_crosses_prefix(const char *source, const char *target);
/* "bd-a.1.2" is a dotted descendant of "bd-a" and of "bd-a.1". */
bool id_is_descendant(const char *id, const char *ancestor);

#endif
