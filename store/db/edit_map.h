/*
 * A map in the making: a tree and the edits of a transaction that are not in it yet.
 *
 * Reads see the edits laid over the tree; the tree itself is changed once, by edit_map_flush. Bytes
 * handed in must live as long as the map (they come from the transaction's arena or from nodes). A map
 * may be written to while cursors walk it: they go on with what is there then.
 */
#ifndef STORE_DB_EDIT_MAP_H
#define STORE_DB_EDIT_MAP_H

#include "store/prolly/tree.h"

/* What shall become of a key. */
struct edit {
    struct bytes key, value;
    bool removed;
};
struct edit_block;

struct edit_map {
    struct tree tree;
    struct arena *arena;        /* where the edits live */
    struct edit_block **blocks; /* sorted, none empty */
    size_t block_count, block_capacity;
    size_t edits;     /* keys edited */
    uint64_t version; /* changes with every edit; cursors notice */
};

/* Over a tree, which is copied; edits and their bytes live in `a`. */
void edit_map_init(struct edit_map *m, const struct tree *t, struct arena *a);

/* BD_NOT_FOUND, without building a message, when absent. */
int edit_map_get(const struct edit_map *m, struct bytes key, struct bytes *value, struct err *err);
/* The bytes are copied. Putting what is there, or removing what is not, is fine. */
void edit_map_put(struct edit_map *m, struct bytes key, struct bytes value);
void edit_map_remove(struct edit_map *m, struct bytes key);
static inline bool edit_map_dirty(const struct edit_map *m) { return m->edits > 0; }
/* Puts the edits into the tree. */
int edit_map_flush(struct edit_map *m, struct err *err);
/* Items in the map (walks when there are edits). */
int edit_map_count(const struct edit_map *m, uint64_t *count, struct err *err);

/* Walks the items in key order as they are with all edits; edits on the way are seen. */
struct map_cursor {
    const struct edit_map *map;
    struct tree_cursor tree;
    const struct edit *edit; /* next edit; NULL: none */
    size_t block, at;        /* its place, while version is the map's */
    uint64_t version;
    bool tree_open, on_tree, on_edit;
    bool valid;
    struct bytes key, value;
};
int map_cursor_first(struct map_cursor *c, const struct edit_map *m, struct err *err);
/* First item for which goes_right(ctx, key) is false. */
int map_cursor_seek_fn(struct map_cursor *c, const struct edit_map *m,
                       bool (*goes_right)(void *ctx, struct bytes key), void *ctx, struct err *err);
/* First item whose key is not less. */
int map_cursor_seek(struct map_cursor *c, const struct edit_map *m, struct bytes key, struct err *err);
/* `valid` is false behind the last item. */
int map_cursor_next(struct map_cursor *c, struct err *err);
void map_cursor_release(struct map_cursor *c);

#endif
