/* Private to bulk inserts: the order of many keys. */
#ifndef STORE_DB_BULK_SORT_H
#define STORE_DB_BULK_SORT_H

#include "store/value/tuple.h"

/*
 * The places of the keys (fewer than 2^32) in ascending order; free() it. Keys that are equal in their
 * `leading` fields keep the order they stand in when `stable` says that this is the order of what
 * follows.
 */
uint32_t *bulk_sort(const struct bytes *keys, size_t count, const struct tree_type *type,
                    const struct tuple_desc *desc, size_t leading, bool stable);

#endif
