/*
 * Finding what is reachable, and which chunks are versions of each other.
 *
 * Commits are walked oldest first. A chunk is compared with its predecessor, the chunk that stood at
 * its place in the version before (the root value of the parent, the same table in it, the same node of
 * the tree …): what both refer to was walked or is old, so only the few addresses that differ are
 * looked at, and each of those is paired with the one it replaced. A pair shares its `place`, which is
 * what an archive needs to compress versions against each other.
 *
 * Every chunk is listed once. Memory is about 100 bytes for each.
 */
#ifndef STORE_DB_GC_WALK_H
#define STORE_DB_GC_WALK_H

#include "store/chunk/address_map.h"
#include "store/chunk/chunk_load.h"
#include "store/chunk/chunk_store.h"

struct gc_frame;
struct gc_refs;

struct gc_mark {
    uint64_t kind;         /* equal: nodes of one level of one tree, or messages of one kind */
    uint64_t offset : 48;  /* of its record in the journal, with the size in `seen` */
    uint64_t has_refs : 1, /* it refers to others */
        current : 1,       /* gc_walk_mark_current reached it */
        old : 1,           /* drop_old found it */
        on_paths : 1;      /* what leads to rows: a schema, a table, an inner node …, no leaf */
};

struct gc_walk {
    struct chunk_store *cs;
    bool skip_old; /* chunks of the old generation are not walked: all below them is old too */
    struct chunk_load *load; /* pieces of the journal, as the history goes on; NULL: none */
    bool along;              /* the journal is not mapped, but read in large pieces where that serves */
    /* The chunks listed so far, as indexes into the entries of `seen`: the order of history, and below
     * a commit every chunk behind all that it refers to. */
    uint32_t *order;
    size_t count, order_capacity;
    struct address_map seen; /* of an entry: the size of its record in the journal (0: not there), and
                                as value its place */
    struct gc_mark *marks;   /* of the entries */
    size_t mark_capacity;
    uint64_t bytes;                            /* of all chunks read, uncompressed */
    int (*progress)(void *ctx, uint64_t done); /* NULL: none; called every few hundred chunks */
    void *progress_ctx;
    /* private */
    struct gc_frame *frames;
    size_t depth, frame_capacity;
    struct gc_refs *cache;
    struct hash last_root;
    bool has_last_root, along_now;
    uint64_t read_since_release;
};

void gc_walk_init(struct gc_walk *w, struct chunk_store *cs, bool skip_old);
void gc_walk_release(struct gc_walk *w);

/* For a walk over a part of the journal, once behind the other: reads it in pieces. */
void gc_walk_load_pieces(struct gc_walk *w);

/* Gives back the memory that only walking needs; the list stays. */
void gc_walk_trim(struct gc_walk *w);

/*
 * Everything that these commits reach, oldest commit first. With max_bytes (0: no limit) it stops once
 * so much was read: whatever is listed has all it refers to in the list or in the old generation.
 * *complete (may be NULL) says whether everything is listed.
 * BD_CORRUPT when a chunk is missing that no shallow clone left out, or is damaged.
 */
int gc_walk_history(struct gc_walk *w, const struct hash *heads, size_t count, uint64_t max_bytes,
                    bool *complete, struct err *err);

/* Everything below one chunk of any kind. */
int gc_walk_from(struct gc_walk *w, const struct hash *h, struct err *err);

/*
 * Marks what commands read of this chunk: all below it, but not the history of a commit. Only among
 * what is listed.
 */
int gc_walk_mark_current(struct gc_walk *w, const struct hash *h, struct err *err);

#endif
