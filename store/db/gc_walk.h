/*
 * Finding what is reachable, and which chunks are versions of each other.
 *
 * Commits are walked oldest first. A chunk is compared with its predecessor, the chunk that stood at its
 * place in the version before (the root value of the parent, the same table in it, the same node of the
 * tree …): what both refer to was walked or is old, so only the few addresses that differ are looked at,
 * and each of those is paired with the one it replaced. A pair shares its `place`, which is what an
 * archive needs to compress versions against each other.
 *
 * Every chunk is listed once. Memory is about 80 bytes for each.
 */
#ifndef STORE_DB_GC_WALK_H
#define STORE_DB_GC_WALK_H

#include "store/chunk/address_map.h"
#include "store/chunk/chunk_store.h"

struct gc_pending;
struct gc_refs;

struct gc_walk {
    struct chunk_store *cs;
    bool skip_old; /* chunks of the old generation are not walked: all below them is old too */
    /* Entries: the chunks found, in the order of history; size 0: a ghost; value: the place. */
    struct address_map seen;
    uint64_t *kinds; /* of the entries */
    size_t kind_capacity;
    uint64_t bytes; /* of all chunks found, uncompressed */
    int (*progress)(void *ctx, uint64_t done); /* NULL: none; called every few hundred chunks */
    void *progress_ctx;
    /* private */
    struct gc_pending *stack;
    size_t depth, stack_capacity;
    struct gc_refs *cache;
    struct hash last_root;
    bool has_last_root;
    uint64_t read_since_release;
};

void gc_walk_init(struct gc_walk *w, struct chunk_store *cs, bool skip_old);
void gc_walk_release(struct gc_walk *w);

/*
 * Everything that these commits reach, oldest commit first. With max_bytes it stops between two commits once so
 * much was found, and *complete (may be NULL) says whether nothing was left out.
 * BD_CORRUPT when a chunk is missing that no shallow clone left out, or is damaged.
 */
int gc_walk_history(struct gc_walk *w, const struct hash *heads, size_t count, uint64_t max_bytes,
                    bool *complete, struct err *err);

/* Everything below one chunk of any kind. */
int gc_walk_from(struct gc_walk *w, const struct hash *h, struct err *err);

#endif
