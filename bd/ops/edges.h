/*
 * Questions on the graph of dependencies that several views ask.
 */
#ifndef BD_OPS_EDGES_H
#define BD_OPS_EDGES_H

#include "bd/ops/dependency_rows.h"
#include "bd/ops/id_set.h"

/* Ids that have a parent-child row to one of `parents`, in the tables of `flags` (enum
 * dependency_flags). */
int edges_children(struct tables_txn *x, const struct id_set *parents, unsigned flags, struct arena *a,
                   struct id_set *out, struct err *err);
/* All ids below `root` over parent-child rows, the root not included; cycles end. */
int edges_descendants(struct tables_txn *x, const char *root, struct arena *a, struct id_set *out,
                      struct err *err);
/* Those of `ids` (NULL: of all) that have a parent-child row of their own. */
int edges_parented(struct tables_txn *x, const struct id_set *ids, unsigned flags, struct arena *a,
                   struct id_set *out, struct err *err);
/* Status of each id over both families (map id → status text in the arena); unknown ids are left out.
 */
int edges_statuses(struct tables_txn *x, const struct id_set *ids, struct arena *a, struct strmap *out,
                   struct err *err);

#endif
