/* A hash map from chunk addresses to a size and a value (a file offset, or a pointer); nothing is
 * removed. */
#ifndef STORE_CHUNK_ADDRESS_MAP_H
#define STORE_CHUNK_ADDRESS_MAP_H

#include "store/chunk/hash.h"

struct address_entry {
    struct hash address;
    uint32_t size;
    uint64_t value;
};

struct address_map {
    struct address_entry *entries; /* in insertion order */
    size_t count, capacity;
    uint32_t *slots; /* 0 = free, else entry index + 1 */
    size_t slot_count;
};
#define ADDRESS_MAP_INIT                                                                               \
    { NULL, 0, 0, NULL, 0 }

void address_map_release(struct address_map *m);
void address_map_clear(struct address_map *m); /* keeps the memory */
struct address_entry *address_map_find(const struct address_map *m, const struct hash *h);
/* Sets or replaces; true when the address is new. At most 2^32 - 2 entries. */
bool address_map_put(struct address_map *m, const struct hash *h, uint32_t size, uint64_t value);

#endif
