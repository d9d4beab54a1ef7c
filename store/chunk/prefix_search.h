/*
 * Looking for an address in the index of a table file or an archive: the first eight bytes of all
 * addresses, in order. Addresses are hashes, so these numbers are spread evenly, and a place can be
 * guessed; from there the search goes on in growing steps, so that evil numbers make it slow, not
 * wrong.
 */
#ifndef STORE_CHUNK_PREFIX_SEARCH_H
#define STORE_CHUNK_PREFIX_SEARCH_H

#include <stddef.h>
#include <stdint.h>

/*
 * Position of the first of `count` big-endian numbers, `stride` bytes apart, that is not less than
 * `prefix`; `count` when all are less.
 */
uint32_t prefix_search(const uint8_t *numbers, size_t stride, uint32_t count, uint64_t prefix);

#endif
