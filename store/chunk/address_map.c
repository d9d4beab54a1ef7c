/* Open addressing with linear probing; entries stay in insertion order in one vector. */
#include "store/chunk/address_map.h"

#include "base/mem.h"

#include <stdlib.h>

void address_map_release(struct address_map *m) {
    free(m->entries);
    free(m->slots);
    *m = (struct address_map)ADDRESS_MAP_INIT;
}

void address_map_clear(struct address_map *m) {
    m->count = 0;
    if (m->slots)
        memset(m->slots, 0, m->slot_count * sizeof *m->slots);
}

/* Addresses are digests already; two parts are mixed so that a file made of equal prefixes is no trap.
 */
static size_t slot_of(const struct address_map *m, const struct hash *h) {
    uint64_t a, b;
    memcpy(&a, h->b, 8);
    memcpy(&b, h->b + 12, 8);
    a ^= b * UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)(a ^ a >> 29) & (m->slot_count - 1);
}

static uint32_t *find_slot(const struct address_map *m, const struct hash *h) {
    size_t i = slot_of(m, h);
    while (m->slots[i] && !hash_eq(&m->entries[m->slots[i] - 1].address, h))
        i = (i + 1) & (m->slot_count - 1);
    return &m->slots[i];
}

struct address_entry *address_map_find(const struct address_map *m, const struct hash *h) {
    if (m->count == 0)
        return NULL;
    uint32_t slot = *find_slot(m, h);
    return slot ? &m->entries[slot - 1] : NULL;
}

static void grow_slots(struct address_map *m) {
    free(m->slots);
    m->slot_count = m->slot_count ? m->slot_count * 2 : 64;
    m->slots = mem_zalloc(m->slot_count, sizeof *m->slots);
    for (size_t i = 0; i < m->count; i++)
        *find_slot(m, &m->entries[i].address) = (uint32_t)(i + 1);
}

bool address_map_put(struct address_map *m, const struct hash *h, uint32_t size, uint64_t value) {
    if (m->count * 8 >= m->slot_count * 5)
        grow_slots(m);
    uint32_t *slot = find_slot(m, h);
    if (*slot) {
        m->entries[*slot - 1].size = size;
        m->entries[*slot - 1].value = value;
        return false;
    }
    MEM_GROW(m->entries, m->capacity, m->count + 1);
    m->entries[m->count] = (struct address_entry){*h, size, value};
    *slot = (uint32_t)++m->count;
    return true;
}
