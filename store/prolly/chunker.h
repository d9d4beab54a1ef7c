/*
 * Private to store/prolly: turns a stream of items into the nodes of a tree, level above level, and can
 * follow an old tree with a cursor so that its unchanged parts are taken over as they are.
 */
#ifndef STORE_PROLLY_CHUNKER_H
#define STORE_PROLLY_CHUNKER_H

#include "store/prolly/cursor.h"

struct chunker_level {
    bool exists;
    struct splitter splitter;
    struct node_item *items; /* of the chunk in progress */
    size_t count, capacity;
    size_t bytes;
    struct arena refs; /* keys and addresses of the nodes below that wait here, as copies */
    /* Reading the child counts of the old tree one after the other: */
    const uint8_t *counts_of; /* node whose counts `counts` walks, by its key bytes */
    uint32_t counts_index;    /* item that the next call of node_counts_next is for */
    struct node_counts counts;
};

struct chunker {
    struct node_store *ns;
    const struct tree_type *type;
    struct tree_cursor *cur; /* NULL: there is no old tree. Level i belongs to chunker level i */
    unsigned base;           /* lowest level: 0, or 1 over leaves of another kind */
    struct flatbuf fb;
    struct chunker_level level[TREE_LEVELS_MAX];
};

/*
 * `cur` stands where the first change goes; the items before it in its nodes are taken in here. Items
 * and cursor are borrowed until chunker_done.
 */
int chunker_init(struct chunker *c, struct node_store *ns, const struct tree_type *type, unsigned base,
                 struct tree_cursor *cur, struct err *err);
void chunker_release(struct chunker *c);

/* *split (may be NULL) tells that a chunk ended with this item. */
int chunker_append(struct chunker *c, unsigned level, struct bytes key, struct bytes value,
                   uint64_t subtree, bool *split, struct err *err);

/* Takes over old items, whole subtrees where possible, until the cursor stands where `next` does. */
int chunker_advance_to(struct chunker *c, struct tree_cursor *next, struct err *err);

/* Drops the old item under the cursor. */
int chunker_skip(struct chunker *c, struct err *err);

/*
 * Takes over the rest of the old tree and ends every level. The root either is a chunk that exists
 * (*existing true, *root its bytes and *address set), or is new and stays outside the node store's
 * chunks.
 */
int chunker_done(struct chunker *c, struct chunk *root, bool *existing, struct hash *address,
                 struct err *err);

#endif
