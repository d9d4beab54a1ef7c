/*
 * Writing archives (.darc, version 3). Chunks come one at a time and are not kept: memory is what the
 * index needs (about 40 bytes for each chunk) and a bounded window of chunks that wait for relatives.
 *
 * An archive compresses each chunk on its own, against at most one dictionary. The versions of one tree
 * node resemble each other, so the writer makes dictionaries out of them; the caller tells which chunks
 * are versions of each other. The hint decides the size of the file, never whether it is right.
 */
#ifndef STORE_CHUNK_ARCHIVE_WRITE_H
#define STORE_CHUNK_ARCHIVE_WRITE_H

#include "base/err.h"
#include "store/chunk/hash.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Which chunks resemble each other. Equal (kind, place): versions of one node, for example `kind` from
 * table, tree and level, and `place` from a hash of the key after which the node begins (the last key of
 * the node before it), which changes least. Equal kind alone: nodes of one tree. Commits, root values
 * and the like each have a kind of their own and place 0. Nothing known: both 0.
 *
 * Best fed in the order of history, newest first or oldest first; versions of one place need not follow
 * one another directly.
 */
struct archive_hint {
    uint64_t kind, place;
};

struct archive_written {
    struct hash name;         /* the file is <name>.darc */
    uint32_t chunks;
    uint32_t dictionaries;
    uint64_t file_size;
    uint64_t chunk_bytes;     /* of all chunks, uncompressed */
};

struct archive_writer;

/* Starts an archive in `dir` under a temporary name (nbs_table_*, which a collection sweeps away). */
int archive_writer_open(struct archive_writer **out, const char *dir, struct err *err);

/* Takes one chunk (copied; not empty, at most CODEC_CHUNK_MAX bytes). Each address once. */
int archive_writer_add(struct archive_writer *w, const struct hash *h, const uint8_t *data, size_t size,
                       struct archive_hint hint, struct err *err);

/* Chunks taken so far. Without any there is nothing to finish: an archive is never empty. */
uint32_t archive_writer_count(const struct archive_writer *w);

/*
 * Completes and syncs the file, gives it its name, syncs the directory. Naming it in a manifest is the
 * caller's. BD_INVALID when no chunk was added, or one address twice. After a failure nothing is left
 * behind. Ends the writer in any case.
 */
int archive_writer_finish(struct archive_writer *w, struct archive_written *out, struct err *err);

/* Ends the writer and removes what it wrote; NULL is fine. */
void archive_writer_abandon(struct archive_writer *w);

#endif
