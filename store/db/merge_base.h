/*
 * The greatest common ancestor of two commits, by (height, address).
 */
#ifndef STORE_DB_MERGE_BASE_H
#define STORE_DB_MERGE_BASE_H

#include "store/db/commit.h"

/* BD_NOT_FOUND when the histories share nothing. */
int merge_base(struct node_store *ns, const struct hash *a, const struct hash *b, struct hash *out,
               struct err *err);

#endif
