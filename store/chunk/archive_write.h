/*
 * Writing archives (.darc, version 3) in two steps: chunks are noted one at a time, with a hint
 * which of them are versions of each other; then the chunks are fetched in the order that compresses
 * best, each once. Memory: 16 bytes for each chunk, 28 for each in the file being written, and a few
 * MB.
 *
 * An archive compresses each chunk on its own, against at most one dictionary. The versions of one tree
 * node resemble each other, so the writer makes dictionaries out of them. A wrong hint makes a file
 * larger, never wrong.
 */
#ifndef STORE_CHUNK_ARCHIVE_WRITE_H
#define STORE_CHUNK_ARCHIVE_WRITE_H

#include "base/err.h"
#include "store/chunk/archive_packer.h"
#include "store/chunk/hash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Equal (kind, place): versions of one node; for example `kind` from table, tree and level, and `place`
 * from a hash of the key after which the node begins (the last key of the node before it), which
 * changes least. Equal kind alone: nodes of one tree, or all commits, all root values … with place 0.
 * Unknown: both 0.
 */
struct archive_hint {
    uint64_t kind, place;
    bool current; /* part of what commands read now (newest commit of a branch, working set): kept quick
                     to read */
    bool plain;   /* needed by almost every command: no dictionary at all is to be opened for it */
};

struct archive_written {
    struct hash name; /* the file is <name>.darc */
    uint32_t chunks;
    uint32_t dictionaries;
    uint64_t file_size;
    uint64_t chunk_bytes; /* uncompressed */
    bool existed;         /* there was a file of that name, and so with the same content */
};

struct archive_writer;

/* Gives the chunk that was noted as the note-th (from 0): address, data, size, and `packed` where it
 * applies. Called by archive_writer_finish, on its thread, once for each. */
typedef int archive_fetch(void *ctx, uint32_t note, struct archive_chunk *out, struct err *err);

/* Files are made in `dir` under temporary names (nbs_table_*, which a collection sweeps away). */
int archive_writer_open(struct archive_writer **out, const char *dir, archive_fetch *fetch, void *ctx,
                        struct err *err);

/* Notes one chunk, each once. Versions of one place in the order of history, either way round. */
int archive_writer_add(struct archive_writer *w, struct archive_hint hint, struct err *err);

/* What is read now is read for some hours only, but the file stays: unless it is most of all, it is put
 * on small shelves instead of being plain, all but what almost every command needs. */
void archive_writer_be_tight(struct archive_writer *w);

/* Chunks noted so far. */
uint32_t archive_writer_count(const struct archive_writer *w);

/*
 * Writes the chunks: mostly into one file, into several when there are very many. Each file is complete
 * and synced before it gets its name, and the directory is synced; naming them in a manifest is the
 * caller's. *files is malloc'd. BD_INVALID when no chunk was noted, one stands twice in a file, or a
 * chunk is empty; errors of the fetch as they are. After a failure nothing is left behind. Ends the
 * writer in any case.
 */
int archive_writer_finish(struct archive_writer *w, struct archive_written **files, size_t *count,
                          struct err *err);

/* Ends the writer; NULL is fine. */
void archive_writer_abandon(struct archive_writer *w);

#endif
