/* Reading table files: lookups check what they touch. table_writer.c writes them. */
#include "store/chunk/table_file.h"

#include "base/mem.h"
#include "store/chunk/bytes.h"
#include "store/chunk/codec.h"
#include "store/chunk/prefix_search.h"

#include <stdlib.h>
#include <string.h>

#define FOOTER_SIZE 20u
#define TUPLE_SIZE 12u
#define SUFFIX_SIZE 12u
#define INDEX_PER_CHUNK 28u
#define MAGIC "\xff\xb5\xd8\xc2\x24\x63\xee\x50"

int table_init(struct table *t, const uint8_t *bytes, size_t size, const char *where, struct err *err) {
    if (size < FOOTER_SIZE || memcmp(bytes + size - 8, MAGIC, 8) != 0)
        return err_set(err, BD_INVALID, "%s is not a table file", where);
    uint32_t count = read_u32(bytes + size - FOOTER_SIZE);
    uint64_t index_size = (uint64_t)count * INDEX_PER_CHUNK;
    if (index_size > size - FOOTER_SIZE)
        return err_set(err, BD_CORRUPT, "%s: its index of %u chunks does not fit into %zu bytes", where,
                       count, size);
    *t = (struct table){.bytes = bytes, .size = size, .count = count};
    t->data_size = size - FOOTER_SIZE - (size_t)index_size;
    t->tuples = bytes + t->data_size;
    t->lengths = t->tuples + (size_t)count * TUPLE_SIZE;
    t->suffixes = t->lengths + (size_t)count * 4;
    return BD_OK;
}

void table_release(struct table *t) {
    free(t->offsets);
    *t = (struct table){0};
}

int64_t table_find(const struct table *t, const struct hash *h) {
    uint64_t prefix = read_u64(h->b);
    uint32_t low = prefix_search(t->tuples, TUPLE_SIZE, t->count, prefix);
    for (; low < t->count; low++) {
        const uint8_t *tuple = t->tuples + (size_t)low * TUPLE_SIZE;
        if (read_u64(tuple) != prefix)
            break;
        uint32_t ordinal = read_u32(tuple + 8);
        if (ordinal < t->count &&
            memcmp(t->suffixes + (size_t)ordinal * SUFFIX_SIZE, h->b + 8, SUFFIX_SIZE) == 0)
            return ordinal;
    }
    return -1;
}

/* The suffix alone says it: 96 bits, of chunks that were found there before. */
bool table_is_at(const struct table *t, uint32_t ordinal, const struct hash *h) {
    return memcmp(t->suffixes + (size_t)ordinal * SUFFIX_SIZE, h->b + 8, SUFFIX_SIZE) == 0;
}

bool table_address(const struct table *t, uint32_t i, struct hash *h) {
    const uint8_t *tuple = t->tuples + (size_t)i * TUPLE_SIZE;
    uint32_t ordinal = read_u32(tuple + 8);
    if (ordinal >= t->count)
        return false;
    memcpy(h->b, tuple, 8);
    memcpy(h->b + 8, t->suffixes + (size_t)ordinal * SUFFIX_SIZE, SUFFIX_SIZE);
    return true;
}

static void make_offsets(struct table *t) {
    t->offsets = mem_zalloc((size_t)t->count + 1, sizeof *t->offsets);
    for (uint32_t i = 0; i < t->count; i++)
        t->offsets[i + 1] = t->offsets[i] + read_u32(t->lengths + (size_t)i * 4);
}

int table_record(struct table *t, int64_t ordinal, const uint8_t **bytes, size_t *size,
                 struct err *err) {
    if (!t->offsets)
        make_offsets(t);
    uint64_t start = t->offsets[ordinal], end = t->offsets[ordinal + 1];
    if (end > t->data_size)
        return err_set(err, BD_CORRUPT, "the chunk record lies outside of the data region");
    *bytes = t->bytes + start;
    *size = (size_t)(end - start);
    return BD_OK;
}

int table_get(struct table *t, int64_t ordinal, uint8_t **data, size_t *size, struct err *err) {
    const uint8_t *bytes;
    size_t record_size;
    int rc = table_record(t, ordinal, &bytes, &record_size, err);
    return rc == BD_OK ? codec_decode_snappy(bytes, record_size, data, size, err) : rc;
}
