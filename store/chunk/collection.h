/*
 * What a garbage collection does to the files of a store: its lock, the place of its output,
 * publishing, sweeping away. Which chunks are kept is the business of the caller (store/db), who writes
 * them into files before it publishes.
 *
 * Rules that the sweep relies on: files with the names of table files and archives, and nbs_* files,
 * appear in noms/ only under noms/LOCK, in noms/oldgen/ only under noms/LOCK or oldgen/LOCK; whoever
 * writes such files without these locks must do it elsewhere (.dolt/temptf) and rename them in under
 * the lock.
 */
#ifndef STORE_CHUNK_COLLECTION_H
#define STORE_CHUNK_COLLECTION_H

#include "store/chunk/chunk_store.h"

struct chunk_collection;

enum chunk_generation { CHUNK_YOUNG, CHUNK_OLD };

/*
 * Begins a collection: takes oldgen/LOCK (made if there is none), which is the lock of collections, and
 * brings cs up to date. BD_BUSY when another collection has it for longer than wait_ms; BD_READ_ONLY.
 */
int chunk_collection_begin(struct chunk_collection **out, struct chunk_store *cs, unsigned wait_ms,
                           struct err *err);

/* The folder in which a file for that generation is to be written. */
const char *chunk_collection_dir(const struct chunk_collection *c, enum chunk_generation g);

/* Hands over a complete and synced file that was written there. */
void chunk_collection_add(struct chunk_collection *c, enum chunk_generation g, const struct hash *name,
                          uint32_t count);

/* Says that the new files hold all chunks of this file of the old generation, which goes. */
void chunk_collection_drop(struct chunk_collection *c, const struct hash *name);

/* The archives of the old generation, with their sizes. *names and *sizes are malloc'd. */
void chunk_collection_old_archives(const struct chunk_collection *c, struct hash **names,
                                   uint64_t **sizes, size_t *count);

/*
 * Takes noms/LOCK and brings cs up to date. BD_BUSY; also when somebody else changed the old generation
 * or swept away what was written meanwhile. chunk_collection_end releases it.
 */
int chunk_collection_lock(struct chunk_collection *c, unsigned wait_ms, struct err *err);

enum chunk_collection_how {
    CHUNK_COLLECTION_ADD, /* the old generation gets the new files; nothing goes but what was dropped */
    CHUNK_COLLECTION_DEFAULT, /* the same, and the young one has nothing but its new files */
    CHUNK_COLLECTION_FULL,    /* both have nothing but their new files */
};
/*
 * Publishes the files, after chunk_collection_lock. The files of a generation that gets new files hold,
 * with what is kept, all that is reachable from the root of the snapshot. Sweeps away what is not named
 * any more. On success cs is brought up to date. A crash on the way leaves the old or the new state, or
 * files that nobody names.
 */
int chunk_collection_publish(struct chunk_collection *c, enum chunk_collection_how how,
                             struct err *err);

/* Under the lock: removes the files that no manifest names. */
void chunk_collection_sweep(struct chunk_collection *c);

/* Gives both locks back; removes the files that were not published. NULL is fine. */
void chunk_collection_end(struct chunk_collection *c);

/*
 * True when nothing was written since the last collection: there is no journal, and the manifest
 * carries the token of a collection for just this root and these files (a full one, if `full`).
 */
bool chunk_collection_is_done(const struct chunk_store *cs, bool full);

struct chunk_file_sizes {
    uint64_t journal, young, old, loose; /* bytes; loose: named by no manifest */
    size_t young_files, old_files, loose_files;
};
/* Of the store in the folder noms; BD_NOT_FOUND without a manifest. */
int chunk_collection_sizes(const char *noms, struct chunk_file_sizes *out, struct err *err);

#endif
