/* The records are listed first, one after the other; then parts of the list are decompressed side by
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

#define PART 128u /* chunks that one task decompresses */

struct loaded {
    struct chunk_place place; /* of the record */
    uint32_t payload, payload_size;
    uint32_t size; /* of the chunk */
    bool sound;
    size_t start; /* in the memory */
};

struct chunk_load {
    struct chunk_store *cs;
    size_t max_bytes;
    uint64_t end;
    struct address_map by_address; /* the value is a position in the list */
    struct loaded *list;
    size_t count, capacity;
    uint8_t *memory;
    size_t used, room;
    const uint8_t *journal; /* while loading */
};

struct chunk_load *chunk_load_new(struct chunk_store *cs, size_t max_bytes) {
    struct chunk_load *l = mem_zalloc(1, sizeof *l);
    l->cs = cs;
    l->max_bytes = max_bytes;
    return l;
}

void chunk_load_free(struct chunk_load *l) {
    if (!l)
        return;
    address_map_release(&l->by_address);
    free(l->list);
    free(l->memory);
    free(l);
}

static void list_records(struct chunk_load *l, uint64_t offset, uint64_t end) {
    struct journal_record r;
    size_t bytes = 0, size;
    for (; offset < end && bytes < l->max_bytes; offset += r.size, l->end = offset) {
        const uint8_t *record = l->journal + offset;
        if (journal_record_fields(record, (size_t)(end - offset), &r) != JOURNAL_RECORD_OK)
            break;
        if (r.kind != JOURNAL_CHUNK ||
            !codec_snappy_size(record + r.payload_offset, r.payload_size, &size))
            continue;
        if (size > l->max_bytes - bytes)
            break;
        bytes += size;
        address_map_put(&l->by_address, &r.address, 0, l->count);
        MEM_GROW(l->list, l->capacity, l->count + 1);
        l->list[l->count++] = (struct loaded){
            {offset, r.size}, r.payload_offset, r.payload_size, (uint32_t)size, false, l->used};
        l->used += size + SNAPPY_SLACK;
    }
}

static void decode_part(void *ctx, size_t part) {
    struct chunk_load *l = ctx;
    size_t end = (part + 1) * PART < l->count ? (part + 1) * PART : l->count;
    for (size_t i = part * PART; i < end; i++) {
        struct loaded *c = &l->list[i];
        c->sound = codec_decode_snappy_to(l->journal + c->place.offset + c->payload, c->payload_size,
                                          l->memory + c->start, c->size);
    }
}

void chunk_load_piece(struct chunk_load *l, uint64_t offset) {
    uint64_t end;
    address_map_clear(&l->by_address);
    l->count = l->used = 0;
    l->end = offset;
    if (!l->cs->now.journal || !l->cs->now.journal_listed)
        return;
    l->journal = journal_map(l->cs->now.journal, &end);
    list_records(l, offset, end);
    if (l->used > l->room) {
        free(l->memory);
        l->room = l->used + l->used / 8; /* pieces differ a little */
        l->memory = mem_alloc(l->room);
    }
    parallel_run((l->count + PART - 1) / PART, decode_part, l);
    l->journal = NULL;
}

uint64_t chunk_load_end(const struct chunk_load *l) { return l->end; }

static const struct loaded *find(const struct chunk_load *l, const struct hash *h) {
    const struct address_entry *e = l ? address_map_find(&l->by_address, h) : NULL;
    return e && l->list[e->value].sound ? &l->list[e->value] : NULL;
}

bool chunk_load_has(const struct chunk_load *l, const struct hash *h) { return find(l, h); }

bool chunk_load_find(const struct chunk_load *l, const struct hash *h, struct chunk *out,
                     struct chunk_place *place) {
    const struct loaded *c = find(l, h);
    if (!c)
        return false;
    *out = (struct chunk){l->memory + c->start, c->size};
    *place = c->place;
    return true;
}
