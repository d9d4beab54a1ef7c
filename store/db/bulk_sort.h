/* Private to bulk inserts: the order of many keys. */
#ifndef STORE_DB_BULK_SORT_H
#define STORE_DB_BULK_SORT_H

#include "store/value/tuple.h"

/* Keys that stand in items of `stride` bytes, each a struct bytes at the item's start. */
struct bulk_keys {
    const void *items;
    size_t stride, count; /* fewer than 2^32 */
};
static inline struct bytes bulk_key(const struct bulk_keys *k, size_t i) {
    return *(const struct bytes *)(const void *)((const char *)k->items + i * k->stride);
}

/*
 * The places of the keys in ascending order; free() it. Keys that are equal in their `leading` fields
 * keep the order they stand in when `stable` says that this is the order of what follows.
 */
uint32_t *bulk_sort(const struct bulk_keys *keys, const struct tree_type *type,
                    const struct tuple_desc *desc, size_t leading, bool stable);

#endif
