/*
 * A piece of the journal, read and decompressed at once on all processors: for who needs nearly all of
 * its chunks, and each more than once.
 */
#ifndef STORE_CHUNK_CHUNK_LOAD_H
#define STORE_CHUNK_CHUNK_LOAD_H

#include "store/chunk/chunk_store.h"

struct chunk_load;

/*
 * Loads what was committed from the record at `offset` of the journal on, in the order it was written,
 * up to max_bytes of chunks. What cannot be loaded (a damaged record, the newest transaction, anything
 * when there is no record at `offset`) is left out; chunk_store_read tells what is wrong with it.
 * NULL without a journal.
 */
struct chunk_load *chunk_load_new(struct chunk_store *cs, uint64_t offset, size_t max_bytes);
void chunk_load_free(struct chunk_load *l); /* NULL is fine */

/* The chunk's number, or -1 when it was not loaded (or l is NULL). */
int64_t chunk_load_find(const struct chunk_load *l, const struct hash *h);
/* Its bytes, which live as long as l. */
struct chunk chunk_load_get(const struct chunk_load *l, int64_t number);

#endif
