/*
 * Snappy blocks (the compression of Dolt's journals, table files and plain archive spans).
 *
 * The writer is made for tree nodes of a few KB: unlike the usual ones it never skips ahead over bytes
 * that do not match, which between addresses costs little and finds the short repetitions behind them.
 * The reader checks every element; what it is given may be anything.
 */
#ifndef STORE_CHUNK_SNAPPY_H
#define STORE_CHUNK_SNAPPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SNAPPY_SIZE_MAX UINT32_MAX
#define SNAPPY_SLACK 64u /* room that snappy_decode wants behind its output */

/* Room that a block of `size` bytes may need, whatever they are. */
size_t snappy_room(size_t size);
/* Writes the block (size <= SNAPPY_SIZE_MAX); returns its length. */
size_t snappy_encode(const uint8_t *data, size_t size, uint8_t *out);

/* The uncompressed length that a block claims; false when it does not begin with one. */
bool snappy_length(const uint8_t *block, size_t block_size, size_t *length);
/* Decodes to exactly `length` bytes (what snappy_length said). `out` has SNAPPY_SLACK bytes more, which
 * may be written to. False when the block is damaged. */
bool snappy_decode(const uint8_t *block, size_t block_size, uint8_t *out, size_t length);

#endif
