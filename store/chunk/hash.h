/*
 * Chunk addresses: the first 20 bytes of SHA-512 over the uncompressed chunk (Dolt go/store/hash).
 * Text form: 32 characters of base32, alphabet 0-9a-v, most significant bits first, no padding;
 * text order equals byte order. Twenty zero bytes mean "none".
 */
#ifndef STORE_CHUNK_HASH_H
#define STORE_CHUNK_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define HASH_SIZE 20
#define HASH_TEXT_SIZE 32

struct hash {
    uint8_t b[HASH_SIZE];
};

#define HASH_ZERO ((struct hash){{0}})

/* The address of a chunk with these bytes. */
struct hash hash_of(const void *bytes, size_t size);

/* Writes 32 characters and a NUL. */
void hash_format(const struct hash *h, char text[HASH_TEXT_SIZE + 1]);

/* Reads exactly 32 characters [0-9a-v]; false (and *h untouched) for anything else. */
bool hash_parse(const char *text, size_t size, struct hash *h);

/* The order of indexes and trees: bytewise. */
static inline int hash_cmp(const struct hash *a, const struct hash *b) {
    return memcmp(a->b, b->b, HASH_SIZE);
}
static inline bool hash_eq(const struct hash *a, const struct hash *b) {
    return memcmp(a->b, b->b, HASH_SIZE) == 0;
}
bool hash_is_zero(const struct hash *h);

#endif
