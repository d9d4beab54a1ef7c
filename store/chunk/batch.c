/* Encoding the chunks of a commit: each address once, none that the store has already. */
#include "store/chunk/batch.h"

#include "store/chunk/codec.h"
#include "store/chunk/store_internal.h"

#include <stdlib.h>

void batch_release(struct batch *b) {
    buf_release(&b->records);
    free(b->large);
    *b = (struct batch)BATCH_INIT;
}

static void add_chunk(struct batch *b, const struct chunk_write *c) {
    size_t before = b->records.size;
    journal_append_chunk(&b->records, &c->hash, c->data, c->size);
    if (b->records.size - before <= JOURNAL_RECORD_MAX) {
        b->record_count++;
        return;
    }
    b->records.size = before;
    MEM_GROW(b->large, b->large_capacity, b->large_count + 1);
    b->large[b->large_count++] = *c;
}

int batch_build(struct batch *b, struct chunk_store *cs, const struct chunk_write *chunks, size_t count,
                struct err *err) {
    struct address_map seen = ADDRESS_MAP_INIT;
    int rc = BD_OK;
    buf_clear(&b->records);
    b->record_count = 0;
    b->large_count = 0;
    for (size_t i = 0; i < count && rc == BD_OK; i++) {
        const struct chunk_write *c = &chunks[i];
        if (c->size == 0 || c->size > CODEC_CHUNK_MAX) {
            rc = err_set(err, BD_INVALID, "a chunk of %zu bytes cannot be stored", c->size);
            break;
        }
        if (!address_map_put(&seen, &c->hash, 0, 0))
            continue;
        int found = cs ? store_find(cs, &c->hash, err) : BD_NOT_FOUND;
        if (found == BD_NOT_FOUND)
            add_chunk(b, c);
        else
            rc = found;
    }
    address_map_release(&seen);
    return rc;
}
