/*
 * The dictionaries of archives that were used last, opened, up to a bound in memory; of a hundred
 * chunks that are read together, most share a few. For one thread at a time.
 */
#ifndef STORE_CHUNK_DICTIONARY_CACHE_H
#define STORE_CHUNK_DICTIONARY_CACHE_H

#include "store/chunk/codec.h"

struct cached_dictionary;

struct dictionary_cache {
    struct codec_decoder *decoder; /* NULL until something is decoded */
    struct cached_dictionary *entries;
    size_t count, memory;
    uint64_t uses;
};
#define DICTIONARY_CACHE_INIT                                                                          \
    { NULL, NULL, 0, 0, 0 }

void dictionary_cache_release(struct dictionary_cache *c); /* empty and usable afterwards */

/* Gives up what was used least lately until it is no more than that. */
void dictionary_cache_trim(struct dictionary_cache *c, size_t memory);

/* Decodes a frame that was compressed with the dictionary in another one. `key` is the dictionary's
 * alone. */
int dictionary_cache_decode(struct dictionary_cache *c, uint64_t key, const uint8_t *dictionary,
                            size_t dictionary_size, const uint8_t *frame, size_t frame_size,
                            uint8_t **data, size_t *size, struct err *err);

#endif
