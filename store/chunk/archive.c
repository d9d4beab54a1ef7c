/*
 * Reading archives: offsets and span numbers are checked at each use, not all at once at open. Opened
 * dictionaries are kept up to a bound; of a hundred chunks that are read together, most share a few.
 */
#include "store/chunk/archive.h"

#include "base/mem.h"
#include "store/chunk/bytes.h"
#include "store/chunk/codec.h"

#include <stdlib.h>

#define SIGNATURE "DOLTARC"
#define NEWEST_VERSION 3

#define DICTIONARIES_MAX 256u
#define DICTIONARY_MEMORY_MAX ((size_t)16 << 20)

struct archive_dictionary {
    uint32_t span;
    uint64_t used; /* when last */
    struct codec_dictionary *dictionary;
};

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
    for (size_t i = 0; i < a->dictionary_count; i++)
        codec_dictionary_close(a->dictionaries[i].dictionary);
    free(a->dictionaries);
    codec_decoder_free(a->decoder);
    *a = (struct archive){0};
}

int64_t archive_find(const struct archive *a, const struct hash *h) {
    uint64_t prefix = read_u64(h->b);
    uint32_t low = 0, high = a->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (read_u64(a->prefixes + (size_t)middle * 8) < prefix)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < a->count && read_u64(a->prefixes + (size_t)low * 8) == prefix; low++)
        if (memcmp(a->suffixes + (size_t)low * 12, h->b + 8, 12) == 0)
            return low;
    return -1;
}

void archive_address(const struct archive *a, uint32_t position, struct hash *h) {
    memcpy(h->b, a->prefixes + (size_t)position * 8, 8);
    memcpy(h->b + 8, a->suffixes + (size_t)position * 12, 12);
}

/* Bytes of span `id`, counted from 1. */
static int span_bytes(const struct archive *a, uint32_t id, const uint8_t **bytes, size_t *size,
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

/* Makes room for one more: those that were not used for longest go. */
static void trim_dictionaries(struct archive *a, size_t more) {
    while (a->dictionary_count > 0 && (a->dictionary_count == DICTIONARIES_MAX ||
                                       a->dictionary_memory + more > DICTIONARY_MEMORY_MAX)) {
        struct archive_dictionary *oldest = a->dictionaries;
        for (size_t i = 1; i < a->dictionary_count; i++)
            if (a->dictionaries[i].used < oldest->used)
                oldest = &a->dictionaries[i];
        a->dictionary_memory -= codec_dictionary_memory(oldest->dictionary);
        codec_dictionary_close(oldest->dictionary);
        *oldest = a->dictionaries[--a->dictionary_count];
    }
}

/* Borrowed until the next call. */
static int dictionary_of(struct archive *a, uint32_t id, struct codec_dictionary **out,
                         struct err *err) {
    for (size_t i = 0; i < a->dictionary_count; i++)
        if (a->dictionaries[i].span == id) {
            a->dictionaries[i].used = ++a->uses;
            *out = a->dictionaries[i].dictionary;
            return BD_OK;
        }
    const uint8_t *frame;
    size_t frame_size;
    int rc = span_bytes(a, id, &frame, &frame_size, err);
    if (rc == BD_OK)
        rc = codec_dictionary_open(out, a->decoder, frame, frame_size, err);
    if (rc != BD_OK)
        return rc;
    if (!a->dictionaries)
        a->dictionaries = mem_zalloc(DICTIONARIES_MAX, sizeof *a->dictionaries);
    size_t memory = codec_dictionary_memory(*out);
    trim_dictionaries(a, memory);
    a->dictionary_memory += memory;
    a->dictionaries[a->dictionary_count++] = (struct archive_dictionary){id, ++a->uses, *out};
    return BD_OK;
}

int archive_get(struct archive *a, int64_t position, uint8_t **data, size_t *size, struct err *err) {
    const uint8_t *ref = a->refs + (size_t)position * 8;
    uint32_t dictionary_id = read_u32(ref), data_id = read_u32(ref + 4);
    const uint8_t *bytes;
    size_t span_size;
    int rc = span_bytes(a, data_id, &bytes, &span_size, err);
    if (rc != BD_OK)
        return rc;
    if (dictionary_id == 0) {
        if (a->version < 2)
            return err_set(err, BD_CORRUPT, "no dictionary in an archive of version %d", a->version);
        return codec_decode_snappy(bytes, span_size, data, size, err);
    }
    if (!a->decoder)
        a->decoder = codec_decoder_new();
    struct codec_dictionary *dictionary;
    rc = dictionary_of(a, dictionary_id, &dictionary, err);
    if (rc != BD_OK)
        return rc;
    return codec_decode_zstd(a->decoder, dictionary, bytes, span_size, data, size, err);
}
