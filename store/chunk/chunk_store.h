/*
 * The chunk store: chunks addressed by their hash, one root hash, kept in Dolt's files
 * (manifest, journal, table files, archives, two generations).
 *
 * Readers take no lock. A store value is a snapshot: its root and set of files stay as they were at
 * open or at the last refresh, whatever other processes do. Writers hand all new chunks and the new
 * root to chunk_store_commit, which alone takes noms/LOCK, appends, syncs once and publishes.
 *
 * A store value belongs to one thread at a time.
 */
#ifndef STORE_CHUNK_CHUNK_STORE_H
#define STORE_CHUNK_CHUNK_STORE_H

#include "base/err.h"
#include "store/chunk/hash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chunk_store;

/* Uncompressed bytes of a chunk. Borrowed: valid until the store is closed (the store keeps them). */
struct chunk {
    const uint8_t *data;
    size_t size;
};

enum chunk_store_flags {
    CHUNK_STORE_READ_ONLY = 1, /* never creates, locks, truncates or writes any file */
};

/*
 * Opens a directory that holds a manifest: `<db>/.dolt/noms`, or a bare store (file remote, backup),
 * which has no journal and opens read-only.
 * BD_NOT_FOUND no such store; BD_CORRUPT damaged (message says what and where; data loss in a journal
 * included); BD_TOO_NEW unknown manifest version; BD_IO.
 */
int chunk_store_open(struct chunk_store **out, const char *dir, unsigned flags, struct err *err);
void chunk_store_close(struct chunk_store *cs); /* NULL is fine */

/* Root of the snapshot; zero for an empty store. */
struct hash chunk_store_root(const struct chunk_store *cs);

/* Moves the snapshot to the newest published state. Chunks handed out before stay valid. */
int chunk_store_refresh(struct chunk_store *cs, struct err *err);

/* BD_NOT_FOUND when absent (a ghost of a shallow clone says so in the message). */
int chunk_store_get(struct chunk_store *cs, const struct hash *h, struct chunk *out, struct err *err);

/*
 * For reading very much. As chunk_store_get, but the bytes are valid only until
 * chunk_store_forget_passing, unless somebody gets the same chunk by chunk_store_get before.
 */
int chunk_store_get_passing(struct chunk_store *cs, const struct hash *h, struct chunk *out,
                            struct err *err);
/* What was read in passing so far stays valid all the same. */
void chunk_store_keep_passing(struct chunk_store *cs);
/* Frees what was read in passing since, if it is more than `limit` bytes. */
void chunk_store_forget_passing(struct chunk_store *cs, size_t limit);

/* As chunk_store_get, but the bytes are the caller's (free()) and the store remembers nothing: for
 * walks over everything. */
int chunk_store_read(struct chunk_store *cs, const struct hash *h, uint8_t **data, size_t *size,
                     struct err *err);

/* Where a chunk was found: its record in the journal; or, with size 0, its file and its place in that,
 * in 48 bits (0: not known). */
struct chunk_place {
    uint64_t offset;
    uint32_t size;
};

/*
 * As chunk_store_read, for chunks that are read twice: *place is looked at first, and is then where the
 * chunk was found. With `packed` (may be NULL) the bytes may still be a snappy record, which *packed
 * says, so that codec_decode_snappy can be done on another thread.
 */
int chunk_store_read_placed(struct chunk_store *cs, const struct hash *h, struct chunk_place *place,
                            uint8_t **data, size_t *size, bool *packed, struct err *err);

/* How the journal is read from now on: as it suits commands, or without mapping it, as it suits walks
 * over everything: along the history, or here and there. */
enum chunk_reading { CHUNK_READING_MAPPED, CHUNK_READING_ALONG, CHUNK_READING_SCATTERED };
void chunk_store_set_reading(struct chunk_store *cs, enum chunk_reading how);

/* Gives back the memory that pages of mapped files take, and most of what dictionaries take beyond a
 * bound; they come again when they are needed. */
void chunk_store_release_pages(struct chunk_store *cs);

/* BD_OK present, BD_NOT_FOUND absent, or an error. Does not read the chunk. */
int chunk_store_has(struct chunk_store *cs, const struct hash *h, struct err *err);

/* Whether the old generation has the chunk. */
bool chunk_store_has_old(const struct chunk_store *cs, const struct hash *h);

/* BD_OK when a shallow clone left this chunk out on purpose (it cannot be read), else BD_NOT_FOUND. */
int chunk_store_is_ghost(struct chunk_store *cs, const struct hash *h, struct err *err);

/* One chunk to be written; data is borrowed for the call. */
struct chunk_write {
    struct hash hash;
    const uint8_t *data;
    size_t size;
};

/*
 * Publishes new_root if the store's root is still `expected` (the compare happens under the lock), with
 * the chunks given (those already present are skipped). One fdatasync; BD_OK means durable. On success
 * the snapshot is the new state. On BD_ROOT_MOVED nothing was written and the snapshot was refreshed
 * to the newer root. BD_ROOT_MOVED with an unmoved root says that a collection dropped files since the
 * snapshot was taken: a chunk that was not handed in because the store had it may be gone.
 *
 * If a lock is held through chunk_store_lock, it is used and kept.
 *
 * BD_BUSY the lock could not be had in lock_wait_ms (default 10 s); BD_NO_SPACE, BD_IO: not published,
 * or, when the sync itself failed, unknown (the message says which).
 */
int chunk_store_commit(struct chunk_store *cs, const struct hash *expected,
                       const struct chunk_write *chunks, size_t count, const struct hash *new_root,
                       struct err *err);

/*
 * The same for chunks that the snapshot does not have, as the caller found out (node_store_collect
 * does): they are looked for again only if somebody wrote meanwhile. None may be in the store twice,
 * for real dolt could not clone it.
 */
int chunk_store_commit_new(struct chunk_store *cs, const struct hash *expected,
                           const struct chunk_write *chunks, size_t count, const struct hash *new_root,
                           struct err *err);

/*
 * Makes table files or archives that are complete and synced in the store's directory part of it; the
 * root stays. Names that are listed already are fine. Takes the lock for the one manifest update.
 * BD_ROOT_MOVED: a collection took one of the files away, as nobody named it yet.
 */
struct manifest_spec;
int chunk_store_add_files(struct chunk_store *cs, const struct manifest_spec *files, size_t count,
                          struct err *err);

/*
 * Takes noms/LOCK and refreshes, for a transaction that lost the race once and is re-run under the
 * lock. Keep it for milliseconds only. chunk_store_unlock releases it (no-op when not held).
 */
int chunk_store_lock(struct chunk_store *cs, unsigned wait_ms, struct err *err);
void chunk_store_unlock(struct chunk_store *cs);

/* How long chunk_store_commit waits for the lock (10 s unless set). */
void chunk_store_set_lock_wait(struct chunk_store *cs, unsigned wait_ms);

/*
 * Creates `dir` (must not exist; its parent must) as a store holding the chunks and the root, so that a
 * crash leaves either no manifest or a complete store. Everything is synced before it returns.
 */
int chunk_store_create(const char *dir, const struct chunk_write *chunks, size_t count,
                       const struct hash *root, struct err *err);

/*
 * Visits the address of every chunk in the snapshot's files, reachable or not; an address that is
 * stored twice is visited twice. Anything but BD_OK from the visitor ends the walk with that code.
 */
typedef int chunk_store_visit(void *ctx, const struct hash *h, struct err *err);
int chunk_store_each(struct chunk_store *cs, chunk_store_visit *visit, void *ctx, struct err *err);

/*
 * Visits the roots that the journal remembers, oldest first, with their times (Unix seconds, 0 in old
 * records); a root that was written twice in a row is visited twice. Nothing to visit without a
 * journal.
 */
typedef int chunk_store_visit_root(void *ctx, const struct hash *root, uint64_t unix_seconds,
                                   struct err *err);
int chunk_store_each_root(struct chunk_store *cs, chunk_store_visit_root *visit, void *ctx,
                          struct err *err);

/* For a process that lives long: frees the chunks handed out so far, which become invalid. */
void chunk_store_forget_chunks(struct chunk_store *cs);
/* How often that happened: whoever keeps pointers into chunks compares. */
unsigned chunk_store_forgotten(const struct chunk_store *cs);

/* Facts for `bd info`, doctor and tests. */
struct chunk_store_stats {
    uint64_t journal_bytes;  /* validated length of the journal */
    uint64_t journal_chunks; /* chunk records, duplicates counted once */
    uint64_t table_files, table_bytes;
    uint64_t archive_files, archive_bytes;
    uint64_t replayed_bytes; /* journal bytes parsed at open or refresh */
    bool has_journal, has_oldgen, is_bare;
};
void chunk_store_get_stats(const struct chunk_store *cs, struct chunk_store_stats *out);

#endif
