/*
 * From what a person types to an issue id: full ids, ids without the prefix, parts of the hash.
 */
#ifndef BD_OPS_RESOLVE_H
#define BD_OPS_RESOLVE_H

#include "bd/ops/db_config.h"

/* The id in `a`. BD_NOT_FOUND `no issue found matching "X"`, BD_INVALID `ambiguous ID "X" matches …`.
 */
int issue_resolve(struct tables_txn *x, const char *input, struct arena *a, const char **id,
                  struct err *err);

/* Prefix of an id by its look alone ("web-app-a3f" → "web-app"); "" when it has none. */
const char *id_prefix_guess(const char *id, struct arena *a);
/* The same, trying the known prefixes first, longest first. */
const char *id_prefix(const char *id, const struct text_list *known, struct arena *a);

#endif
