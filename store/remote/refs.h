/*
 * What a remote's root names: branches, tags, working sets. Reading it brings nothing into a store.
 */
#ifndef STORE_REMOTE_REFS_H
#define STORE_REMOTE_REFS_H

#include "store/remote/remote.h"

struct remote_ref {
    const char *dataset; /* "refs/heads/main", "workingSets/heads/main" … */
    struct hash address;
};
/* All datasets of the root, sorted, in the arena; none for an empty remote. */
int remote_refs(struct remote *r, struct arena *a, struct remote_ref **refs, size_t *count,
                struct err *err);

/*
 * What `ours` has that `theirs` has not: local branches and tags whose commits are missing there, and
 * working sets with changes that are missing there. Names in the arena; *count 0 = theirs is as new or
 * newer.
 */
int remote_newer(struct remote *ours, struct remote *theirs, struct arena *a, const char ***names,
                 size_t *count, struct err *err);

#endif
