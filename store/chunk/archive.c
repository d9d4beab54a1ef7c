/* Reading archives: offsets and span numbers are checked at each use, not all at once at open. */
#include "store/chunk/archive.h"

#include "store/chunk/bytes.h"
#include "store/chunk/codec.h"
#include "store/chunk/prefix_search.h"

#define SIGNATURE "DOLTARC"
#define NEWEST_VERSION 3

int archive_init(struct archive *a, const uint8_t *bytes, size_t size, const char *where,
                 struct err *err) {
    if (size < 8 || memcmp(bytes + size - 7, SIGNATURE, 7) != 0)
        return err_set(err, BD_INVALID, "%s is not an archive", where);
    int version = bytes[size - 8];
    if (version > NEWEST_VERSION)
        return err_set(err, BD_TOO_NEW,
                       "%s is an archive of version %d; this program understands up to %d", where,
                       version, NEWEST_VERSION);
    /* The index length grew from four to eight bytes with version 3; the rest is alike. */
    size_t length_size = version >= 3 ? 8 : 4, footer_size = length_size + 212;
    if (size < footer_size)
        return err_set(err, BD_CORRUPT, "%s is too short for the footer of an archive", where);
    const uint8_t *footer = bytes + size - footer_size;
    uint64_t index_size = length_size == 8 ? read_u64(footer) : read_u32(footer);
    *a = (struct archive){.bytes = bytes, .size = size, .version = version};
    a->spans = read_u32(footer + length_size);
    a->count = read_u32(footer + length_size + 4);
    uint64_t metadata_size = read_u32(footer + length_size + 8);
    uint64_t room = size - footer_size;
    if (index_size != (uint64_t)a->spans * 8 + (uint64_t)a->count * 28 || metadata_size > room ||
        index_size > room - metadata_size)
        return err_set(err, BD_CORRUPT, "%s: the index of the archive does not fit", where);
    a->data_size = (size_t)(room - metadata_size - index_size);
    a->ends = bytes + a->data_size;
    a->prefixes = a->ends + (size_t)a->spans * 8;
    a->refs = a->prefixes + (size_t)a->count * 8;
    a->suffixes = a->refs + (size_t)a->count * 8;
    return BD_OK;
}

void archive_release(struct archive *a) {
    dictionary_cache_release(&a->dictionaries);
    *a = (struct archive){0};
}

int64_t archive_find(const struct archive *a, const struct hash *h) {
    uint64_t prefix = read_u64(h->b);
    uint32_t low = prefix_search(a->prefixes, 8, a->count, prefix);
    for (; low < a->count && read_u64(a->prefixes + (size_t)low * 8) == prefix; low++)
        if (memcmp(a->suffixes + (size_t)low * 12, h->b + 8, 12) == 0)
            return low;
    return -1;
}

bool archive_is_at(const struct archive *a, uint32_t position, const struct hash *h) {
    return memcmp(a->suffixes + (size_t)position * 12, h->b + 8, 12) == 0 &&
           memcmp(a->prefixes + (size_t)position * 8, h->b, 8) == 0;
}

void archive_address(const struct archive *a, uint32_t position, struct hash *h) {
    memcpy(h->b, a->prefixes + (size_t)position * 8, 8);
    memcpy(h->b + 8, a->suffixes + (size_t)position * 12, 12);
}

void archive_ref(const struct archive *a, uint32_t position, uint32_t *dictionary, uint32_t *data) {
    *dictionary = read_u32(a->refs + (size_t)position * 8);
    *data = read_u32(a->refs + (size_t)position * 8 + 4);
}

int archive_span(const struct archive *a, uint32_t id, const uint8_t **bytes, size_t *size,
                 struct err *err) {
    if (id == 0 || id > a->spans)
        return err_set(err, BD_CORRUPT, "it refers to span %u of %u", id, a->spans);
    uint64_t start = id == 1 ? 0 : read_u64(a->ends + (size_t)(id - 2) * 8);
    uint64_t end = read_u64(a->ends + (size_t)(id - 1) * 8);
    if (start >= end || end > a->data_size)
        return err_set(err, BD_CORRUPT, "span %u lies outside of the data region", id);
    *bytes = a->bytes + start;
    *size = (size_t)(end - start);
    return BD_OK;
}

int archive_get(struct archive *a, int64_t position, uint8_t **data, size_t *size, struct err *err) {
    const uint8_t *ref = a->refs + (size_t)position * 8;
    uint32_t dictionary_id = read_u32(ref), data_id = read_u32(ref + 4);
    const uint8_t *bytes;
    size_t span_size;
    int rc = archive_span(a, data_id, &bytes, &span_size, err);
    if (rc != BD_OK)
        return rc;
    if (dictionary_id == 0) {
        if (a->version < 2)
            return err_set(err, BD_CORRUPT, "no dictionary in an archive of version %d", a->version);
        return codec_decode_snappy(bytes, span_size, data, size, err);
    }
    const uint8_t *dictionary;
    size_t dictionary_size;
    rc = archive_span(a, dictionary_id, &dictionary, &dictionary_size, err);
    if (rc != BD_OK)
        return rc;
    return dictionary_cache_decode(&a->dictionaries, dictionary_id, dictionary, dictionary_size, bytes,
                                   span_size, data, size, err);
}
