/*
 * Grows the journal of a store to a given size with chunks nobody refers to, as years of work would.
 *
 * usage: grow NOMS-DIR MEGABYTES
 */
#include "store/chunk/chunk_store.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

enum { CHUNK_BYTES = 4096, CHUNKS_PER_COMMIT = 512 };

int main(int argc, char **argv) {
    if (argc != 3)
        return 2;
    uint64_t target = strtoull(argv[2], NULL, 10) << 20;
    struct err err = ERR_INIT;
    struct chunk_store *cs = NULL;
    if (chunk_store_open(&cs, argv[1], 0, &err) != BD_OK) {
        fprintf(stderr, "grow: %s\n", err.msg);
        return 1;
    }
    uint8_t *bytes = mem_alloc((size_t)CHUNK_BYTES * CHUNKS_PER_COMMIT);
    struct chunk_write *writes = mem_zalloc(CHUNKS_PER_COMMIT, sizeof *writes);
    uint64_t state = 88172645463325252u;
    struct chunk_store_stats stats;
    int rc = BD_OK;
    for (chunk_store_get_stats(cs, &stats); rc == BD_OK && stats.journal_bytes < target;
         chunk_store_get_stats(cs, &stats)) {
        for (size_t i = 0; i < CHUNKS_PER_COMMIT; i++) {
            uint8_t *chunk = bytes + i * CHUNK_BYTES;
            for (size_t k = 0; k < CHUNK_BYTES; k += 8) {
                state ^= state << 13, state ^= state >> 7, state ^= state << 17;
                __builtin_memcpy(chunk + k, &state, 8);
            }
            /* seeded by the journal's length too, so that a second run writes other chunks */
            __builtin_memcpy(chunk, &stats.journal_bytes, 8);
            writes[i] = (struct chunk_write){hash_of(chunk, CHUNK_BYTES), chunk, CHUNK_BYTES};
        }
        struct hash root = chunk_store_root(cs);
        rc = chunk_store_commit(cs, &root, writes, CHUNKS_PER_COMMIT, &root, &err);
    }
    if (rc != BD_OK)
        fprintf(stderr, "grow: %s\n", err.msg);
    chunk_store_close(cs);
    free(writes);
    free(bytes);
    return rc == BD_OK ? 0 : 1;
}
