/* The chunks of one commit, encoded: journal records, and those too large for a record. */
#ifndef STORE_CHUNK_BATCH_H
#define STORE_CHUNK_BATCH_H

#include "base/mem.h"
#include "store/chunk/chunk_store.h"

struct batch {
    struct buf records; /* chunk records, one behind the other */
    uint32_t record_count;
    struct chunk_write *large; /* for a table file; data borrowed from the caller */
    size_t large_count, large_capacity;
};
#define BATCH_INIT                                                                                     \
    { BUF_INIT, 0, NULL, 0, 0 }

void batch_release(struct batch *b);
/*
 * Encodes the chunks that the store does not have (cs NULL: all), each once. BD_INVALID for an empty or
 * oversized chunk.
 */
int batch_build(struct batch *b, struct chunk_store *cs, const struct chunk_write *chunks, size_t count,
                struct err *err);

#endif
