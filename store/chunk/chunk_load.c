/* The records are listed first, one after the other; then pieces of the list are decompressed side by
 * side, each chunk to a place that is known before. */
#include "store/chunk/chunk_load.h"

#include "base/mem.h"
#include "base/parallel.h"
#include "store/chunk/address_map.h"
#include "store/chunk/codec.h"
#include "store/chunk/journal.h"
#include "store/chunk/snappy.h"
#include "store/chunk/store_internal.h"

#include <stdlib.h>

#define PIECE 256u /* chunks that one task decompresses */

struct loaded {
    uint64_t payload; /* in the journal */
    uint32_t payload_size;
    uint32_t size; /* of the chunk */
    size_t start;  /* in the memory */
    bool sound;
};

struct chunk_load {
    struct address_map by_address; /* the value is a position in the list */
    struct loaded *list;
    size_t count, capacity;
    uint8_t *memory;
    size_t memory_size;
    const uint8_t *journal; /* while loading */
};

static void list_records(struct chunk_load *l, uint64_t offset, uint64_t end, size_t max_bytes) {
    struct journal_record r;
    size_t bytes = 0, size;
    for (; offset < end && bytes < max_bytes; offset += r.size) {
        const uint8_t *record = l->journal + offset;
        if (journal_record_fields(record, (size_t)(end - offset), &r) != JOURNAL_RECORD_OK)
            break;
        if (r.kind != JOURNAL_CHUNK ||
            !codec_snappy_size(record + r.payload_offset, r.payload_size, &size))
            continue;
        if (size > max_bytes - bytes)
            break;
        bytes += size;
        address_map_put(&l->by_address, &r.address, 0, l->count);
        MEM_GROW(l->list, l->capacity, l->count + 1);
        l->list[l->count++] = (struct loaded){offset + r.payload_offset, r.payload_size, (uint32_t)size,
                                              l->memory_size, false};
        l->memory_size += size + SNAPPY_SLACK;
    }
}

static void decode_piece(void *ctx, size_t piece) {
    struct chunk_load *l = ctx;
    size_t end = (piece + 1) * PIECE < l->count ? (piece + 1) * PIECE : l->count;
    for (size_t i = piece * PIECE; i < end; i++) {
        struct loaded *c = &l->list[i];
        c->sound = codec_decode_snappy_to(l->journal + c->payload, c->payload_size,
                                          l->memory + c->start, c->size);
    }
}

struct chunk_load *chunk_load_new(struct chunk_store *cs, uint64_t offset, size_t max_bytes) {
    if (!cs->now.journal || !cs->now.journal_listed)
        return NULL;
    struct chunk_load *l = mem_zalloc(1, sizeof *l);
    uint64_t end;
    l->journal = journal_map(cs->now.journal, &end);
    list_records(l, offset, end, max_bytes);
    if (l->count) {
        l->memory = mem_large(l->memory_size);
        parallel_run((l->count + PIECE - 1) / PIECE, decode_piece, l);
    }
    l->journal = NULL;
    return l;
}

void chunk_load_free(struct chunk_load *l) {
    if (!l)
        return;
    address_map_release(&l->by_address);
    free(l->list);
    mem_large_free(l->memory, l->memory_size);
    free(l);
}

int64_t chunk_load_find(const struct chunk_load *l, const struct hash *h) {
    const struct address_entry *e = l ? address_map_find(&l->by_address, h) : NULL;
    return e && l->list[e->value].sound ? (int64_t)e->value : -1;
}

struct chunk chunk_load_get(const struct chunk_load *l, int64_t number) {
    const struct loaded *c = &l->list[number];
    return (struct chunk){l->memory + c->start, c->size};
}
