/*
 * History in the order of `dolt log`: reverse topological, a binary heap by height, then author time
 * (Dolt: go/libraries/doltcore/env/actions/commitwalk).
 */
#ifndef STORE_DB_LOG_H
#define STORE_DB_LOG_H

#include "store/db/commit.h"

/* A walk; ns must outlive it. */
struct commit_walk;
struct commit_walk *commit_walk_new(struct node_store *ns);
void commit_walk_free(struct commit_walk *w);
/* Adds a commit to start from, together with its ancestors; several may be added. */
int commit_walk_start(struct commit_walk *w, const struct hash *h, struct err *err);
/* BD_DONE at the end. Commits that a shallow clone lacks are left out. Texts live as long as the walk.
 */
int commit_walk_next(struct commit_walk *w, struct commit *out, struct err *err);

#endif
