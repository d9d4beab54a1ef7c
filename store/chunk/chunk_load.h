/*
 * A piece of the journal, read and decompressed at once on all processors: for who needs nearly all of
 * its chunks. One piece at a time, in the same memory: memory that was never used before costs more
 * than to decompress into it.
 */
#ifndef STORE_CHUNK_CHUNK_LOAD_H
#define STORE_CHUNK_CHUNK_LOAD_H

#include "store/chunk/chunk_store.h"

struct chunk_load;

/* For pieces of up to max_bytes of chunks; empty so far. */
struct chunk_load *chunk_load_new(struct chunk_store *cs, size_t max_bytes);
void chunk_load_free(struct chunk_load *l); /* NULL is fine */

/*
 * Loads what was committed from the record at `offset` of the journal on, in the order it was written,
 * instead of what was loaded before. What cannot be loaded (a damaged record, the newest transaction,
 * anything when there is no record at `offset`) is left out; chunk_store_read tells what is wrong with
 * it.
 */
void chunk_load_piece(struct chunk_load *l, uint64_t offset);

/* Where the piece ends in the journal: behind its last record. */
uint64_t chunk_load_end(const struct chunk_load *l);

/* False when it is not loaded, or l is NULL. The bytes stay until the next piece; *place is that of the
 * record. */
bool chunk_load_find(const struct chunk_load *l, const struct hash *h, struct chunk *out,
                     struct chunk_place *place);
bool chunk_load_has(const struct chunk_load *l, const struct hash *h);

#endif
