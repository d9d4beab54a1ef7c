/* Few entries, so a search is a walk; what was not used for longest goes first. */
#include "store/chunk/dictionary_cache.h"

#include <stdlib.h>

#define ENTRIES_MAX 256u
#define MEMORY_MAX ((size_t)16 << 20)

struct cached_dictionary {
    uint64_t key, used;
    struct codec_dictionary *dictionary;
};

void dictionary_cache_release(struct dictionary_cache *c) {
    for (size_t i = 0; i < c->count; i++)
        codec_dictionary_close(c->entries[i].dictionary);
    free(c->entries);
    codec_decoder_free(c->decoder);
    *c = (struct dictionary_cache)DICTIONARY_CACHE_INIT;
}

static void drop_oldest(struct dictionary_cache *c) {
    struct cached_dictionary *oldest = c->entries;
    for (size_t i = 1; i < c->count; i++)
        if (c->entries[i].used < oldest->used)
            oldest = &c->entries[i];
    c->memory -= codec_dictionary_memory(oldest->dictionary);
    codec_dictionary_close(oldest->dictionary);
    *oldest = c->entries[--c->count];
}

void dictionary_cache_trim(struct dictionary_cache *c, size_t memory) {
    while (c->count > 0 && c->memory > memory)
        drop_oldest(c);
}

static void make_room(struct dictionary_cache *c, size_t more) {
    while (c->count > 0 && (c->count == ENTRIES_MAX || c->memory + more > MEMORY_MAX))
        drop_oldest(c);
}

static int get(struct dictionary_cache *c, uint64_t key, const uint8_t *frame, size_t frame_size,
               struct codec_dictionary **out, struct err *err) {
    for (size_t i = 0; i < c->count; i++)
        if (c->entries[i].key == key) {
            c->entries[i].used = ++c->uses;
            *out = c->entries[i].dictionary;
            return BD_OK;
        }
    int rc = codec_dictionary_open(out, c->decoder, frame, frame_size, err);
    if (rc != BD_OK)
        return err_prefix(err, "its dictionary");
    if (!c->entries)
        c->entries = mem_zalloc(ENTRIES_MAX, sizeof *c->entries);
    size_t memory = codec_dictionary_memory(*out);
    make_room(c, memory);
    c->memory += memory;
    c->entries[c->count++] = (struct cached_dictionary){key, ++c->uses, *out};
    return BD_OK;
}

int dictionary_cache_decode(struct dictionary_cache *c, uint64_t key, const uint8_t *dictionary,
                            size_t dictionary_size, const uint8_t *frame, size_t frame_size,
                            uint8_t **data, size_t *size, struct err *err) {
    struct codec_dictionary *opened;
    if (!c->decoder)
        c->decoder = codec_decoder_new();
    int rc = get(c, key, dictionary, dictionary_size, &opened, err);
    return rc == BD_OK ? codec_decode_zstd(c->decoder, opened, frame, frame_size, data, size, err) : rc;
}
