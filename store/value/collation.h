/*
 * Collations: MySQL's names and numbers, and the order of text.
 */
#ifndef STORE_VALUE_COLLATION_H
#define STORE_VALUE_COLLATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* NULL for an unknown number. */
const char *collation_name(uint16_t id);
/* 0 when unknown; letter case is ignored. */
uint16_t collation_by_name(const char *name, size_t size);
/* Default (or binary) collation of a character set, 0 when unknown. "utf8" means utf8mb3. */
uint16_t collation_of_charset(const char *name, size_t size, bool binary);
/* Character set of a collation, "binary" for 63; NULL when unknown. Writes it into out (at least 16
 * bytes). */
const char *collation_charset(uint16_t id, char out[16]);

/* True when order is the order of the bytes. */
bool collation_is_bytewise(uint16_t id);
/* Order of two UTF-8 texts; equality follows the collation. Any bytes are allowed. */
int collation_cmp(uint16_t id, const void *a, size_t a_size, const void *b, size_t b_size);

#endif
