/*
 * Private to store/prolly: nodes of the four tree kinds as parsed views, and their serialisation.
 */
#ifndef STORE_PROLLY_NODE_H
#define STORE_PROLLY_NODE_H

#include "store/prolly/flatbuf.h"
#include "store/prolly/tree.h"

#define NODE_ITEM_BYTES_MAX 65535 /* keys and values of one node: their offsets are 16-bit */
#define TREE_SALTS 15             /* levels that the splitter knows */

/*
 * Checks the bytes once, completely, so that the accessors of tree.h need no checks. BD_CORRUPT, or
 * BD_TOO_NEW when the message has fields that this program does not know.
 */
int node_parse(enum tree_kind kind, struct chunk bytes, struct tree_node *out, struct err *err);

/* Gives the tree another root node; on failure the tree must not be used. */
int tree_set_root(struct tree *t, struct chunk root, struct err *err);

/* Reads the node that item i of the internal node `parent` refers to. */
int node_fetch_child(struct node_store *ns, enum tree_kind kind, const struct tree_node *parent,
                     uint32_t i, struct tree_node *out, struct chunk *bytes, struct err *err);

struct hash node_child_hash(const struct tree_node *n, uint32_t i);

/* Walks the counts of the children of an internal node; starts with all zero. */
struct node_counts {
    size_t at;
    uint64_t count;
};
/* The next child's count; nothing but 0 once the stored bytes end. */
uint64_t node_counts_next(const struct tree_node *n, struct node_counts *it);

/* One item of a node to be written; bytes are borrowed until it is. */
struct node_item {
    struct bytes key, value; /* internal nodes: the value is the child's address */
    uint64_t subtree;        /* leaf items below: 1 in a leaf */
};

/*
 * Serialises a node; *data is borrowed from fb. *keys_at is the place of the key bytes in it.
 * BD_INVALID when an item does not fit the kind.
 */
int node_serialize(const struct tree_type *type, unsigned level, const struct node_item *items,
                   size_t count, struct flatbuf *fb, const uint8_t **data, size_t *size,
                   size_t *keys_at, struct err *err);

/* A blob message: a leaf with its payload, or an internal node over addresses and their counts. */
void node_serialize_blob_leaf(struct flatbuf *fb, const void *payload, size_t payload_size,
                              const uint8_t **data, size_t *size);
void node_serialize_blob_inner(struct flatbuf *fb, unsigned level, const struct hash *children,
                               const uint64_t *counts, size_t count, const uint8_t **data,
                               size_t *size);

/* First index whose key is >= key; count when there is none. *equal when it is the same key. */
uint32_t node_search(const struct tree_type *type, const struct tree_node *n, struct bytes key,
                     bool *equal);

/* Where a chunk ends: decides after each item of one level. */
struct splitter {
    uint64_t salt;
    uint32_t size; /* since the last boundary */
    bool crossed;
};
void splitter_init(struct splitter *s, unsigned level);
void splitter_append(struct splitter *s, struct bytes key, size_t value_size);
void splitter_reset(struct splitter *s);
/* The decision for JSON segments: one item of `size` bytes in an empty chunk of level 0. */
bool splitter_cuts_segment(struct bytes key, uint32_t size);

/* Nodes parsed before, one for each slot of their addresses; the newest stays. */
#define NODE_MEMO_SLOTS 256u
struct node_memo {
    struct hash hash;
    uint8_t kind; /* enum tree_kind plus one; 0: free */
    struct chunk bytes;
    struct tree_node node;
};
/* The slot for an address, whatever it holds. */
struct node_memo *node_store_memo(struct node_store *ns, const struct hash *h);

#endif
