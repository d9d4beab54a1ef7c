/*
 * The store root (STRT): the map from dataset names to addresses that a chunk store's root hash names
 * (Dolt: go/serial/storeroot.fbs).
 */
#ifndef STORE_DB_STORE_ROOT_H
#define STORE_DB_STORE_ROOT_H

#include "store/prolly/tree.h"

/* Opens the map; a zero root is the empty map. BD_CORRUPT. */
int store_root_open(struct tree *map, struct node_store *ns, const struct hash *root, struct err *err);

/* Address a dataset holds. BD_NOT_FOUND without a message: callers word it. */
int store_root_get(const struct tree *map, const char *dataset, struct hash *out, struct err *err);

struct store_root_edit {
    const char *dataset;
    struct hash address; /* zero removes */
};
/* Writes the edited map as a new STRT. Edits in any order, each dataset once. */
int store_root_edit(const struct tree *map, const struct store_root_edit *edits, size_t count,
                    struct hash *out, struct err *err);

/* Walks all datasets in name order. fn != BD_OK stops and is returned. */
int store_root_each(const struct tree *map,
                    int (*fn)(void *ctx, struct bytes dataset, const struct hash *address), void *ctx,
                    struct err *err);

/* True for names that branches and tags may have. */
bool ref_name_is_valid(const char *name);

#endif
