/*
 * Writing a table file piece by piece: memory holds the index (32 bytes for each chunk) and one buffer,
 * never the file. The file has a temporary name (nbs_table_…, which Dolt's prune sweeps away) until it
 * is complete and synced.
 */
#ifndef STORE_CHUNK_TABLE_WRITER_H
#define STORE_CHUNK_TABLE_WRITER_H

#include "base/err.h"
#include "store/chunk/hash.h"

#include <stddef.h>
#include <stdint.h>

struct table_writer;

/* A new file in `dir`, which must exist. */
int table_writer_open(struct table_writer **out, const char *dir, struct err *err);

/* Adds a chunk; the caller adds no address twice. BD_INVALID for an empty or oversized one. */
int table_writer_add(struct table_writer *w, const struct hash *h, const void *data, size_t size,
                     struct err *err);

uint32_t table_writer_count(const struct table_writer *w);
uint64_t table_writer_size(const struct table_writer *w); /* bytes of the records so far */

/*
 * Writes index and footer, syncs the file, gives it its name (*name) in its directory, and frees w,
 * also after a failure, which leaves nothing behind. The caller makes the directory durable. BD_INVALID
 * without a chunk.
 */
int table_writer_finish(struct table_writer *w, struct hash *name, struct err *err);
/* Gives up: removes the temporary file. NULL is fine. */
void table_writer_drop(struct table_writer *w);

#endif
