/*
 * Archive files (.darc), versions 1 to 3, for reading: byte spans, an index sorted by address that
 * refers to spans (and to the span that holds a zstd dictionary), metadata, footer.
 */
#ifndef STORE_CHUNK_ARCHIVE_H
#define STORE_CHUNK_ARCHIVE_H

#include "base/err.h"
#include "store/chunk/dictionary_cache.h"
#include "store/chunk/hash.h"

#include <stdbool.h>

struct archive {
    const uint8_t *bytes; /* borrowed: the whole file */
    size_t size;
    int version;
    uint32_t spans, count;
    size_t data_size; /* of all byte spans */
    const uint8_t *ends, *prefixes, *refs, *suffixes;
    struct dictionary_cache dictionaries;
};

/* BD_CORRUPT; BD_TOO_NEW for a later version; BD_INVALID when the bytes are not an archive at all. */
int archive_init(struct archive *a, const uint8_t *bytes, size_t size, const char *where,
                 struct err *err);
void archive_release(struct archive *a);

/* Position of the chunk in the index, or -1. */
int64_t archive_find(const struct archive *a, const struct hash *h);
bool archive_is_at(const struct archive *a, uint32_t position, const struct hash *h);
int archive_get(struct archive *a, int64_t position, uint8_t **data, size_t *size, struct err *err);
void archive_address(const struct archive *a, uint32_t position, struct hash *h);

/* For copying: which spans a chunk needs (dictionary 0: none; unchecked), and the bytes of span `id`,
 * from 1. */
void archive_ref(const struct archive *a, uint32_t position, uint32_t *dictionary, uint32_t *data);
int archive_span(const struct archive *a, uint32_t id, const uint8_t **bytes, size_t *size,
                 struct err *err);

#endif
