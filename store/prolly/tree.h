/*
 * Prolly trees: ordered maps whose shape depends on their content alone, so that equal content has an
 * equal root hash. One machinery serves four node messages: rows and indexes (TUPM), address maps
 * (ADRM), commit closures (CMCL) and merge artifacts (ARTM). Dolt: go/store/prolly,
 * go/serial/prolly.fbs.
 *
 * A root node may live inside another message (DTBL, RTVL, STRT embed theirs); hence struct tree holds
 * the root node's bytes, and its address only where one is needed.
 */
#ifndef STORE_PROLLY_TREE_H
#define STORE_PROLLY_TREE_H

#include "store/prolly/node_store.h"

#include <stdbool.h>

/* The four node messages. */
enum tree_kind { TREE_ROWS, TREE_ADDRESSES, TREE_CLOSURE, TREE_ARTIFACTS };

/* Borrowed bytes; data NULL: nothing there (not the same as empty). */
struct bytes {
    const uint8_t *data;
    size_t size;
};

/* Key order; ctx is the tree's. Must be a total order that agrees with the order the tree was built in.
 */
typedef int (*tree_compare_fn)(const void *ctx, struct bytes a, struct bytes b);

/*
 * Offsets of the 20-byte addresses inside a leaf value, in the ascending order of the vector in the
 * message (the callback appends in stored order for this one tuple). NULL when values hold no
 * addresses.
 */
typedef size_t (*tree_value_addresses_fn)(const void *ctx, struct bytes value, uint16_t *offsets,
                                          size_t max);

/* What makes trees of one kind and schema alike: how keys are ordered, where values hold addresses. */
struct tree_type {
    enum tree_kind kind;
    tree_compare_fn compare;
    const void *compare_ctx;
    tree_value_addresses_fn addresses; /* TREE_ROWS, TREE_ARTIFACTS (there: of the key) */
    const void *addresses_ctx;
    bool write_empty_addresses; /* write value_address_offsets of length 0 (what Dolt ≤ 1.86.6 does) */
};

/* A parsed node: pointers into the chunk's bytes, checked once when it was parsed. Use the functions.
 */
struct tree_node {
    const uint8_t *keys, *key_offsets;     /* offsets NULL: keys of 28 bytes (closures) */
    const uint8_t *values, *value_offsets; /* offsets NULL: values of value_width bytes */
    const uint8_t *subtrees; /* counts of the children as varint deltas; internal nodes only */
    size_t subtrees_size;
    uint64_t tree_count; /* leaf items below */
    uint32_t count, value_width;
    uint8_t level;
};
struct tree {
    struct node_store *ns;
    struct tree_type type;
    struct chunk root; /* bytes of the root node message, borrowed from ns or the embedding message */
    struct tree_node top; /* the root node, parsed */
};

extern const struct tree_type tree_type_addresses; /* bytewise names → 20-byte addresses */
extern const struct tree_type tree_type_closure;   /* u64 LE height + 20-byte address */

/*
 * From an address (zero: the empty tree), from bytes of an embedded root (borrowed), or empty. A
 * missing root chunk is BD_CORRUPT. To embed a tree in a message of your own, take the bytes of
 * t->root.
 */
int tree_open(struct tree *t, struct node_store *ns, const struct tree_type *type,
              const struct hash *root, struct err *err);
int tree_open_embedded(struct tree *t, struct node_store *ns, const struct tree_type *type,
                       struct chunk root, struct err *err);
int tree_empty(struct tree *t, struct node_store *ns, const struct tree_type *type, struct err *err);

uint64_t tree_count(const struct tree *t);
struct hash tree_root_hash(const struct tree *t); /* hash of the root node's bytes */
/* Makes the root node a copy that outlasts node_store_put_ahead. */
int tree_keep_root(struct tree *t, struct err *err);
/* Puts the root node into the node store as a chunk of its own and returns its address. */
int tree_write_root(struct tree *t, struct hash *h, struct err *err);

/* Exact lookup. BD_NOT_FOUND. value is borrowed from the node. */
int tree_get(const struct tree *t, struct bytes key, struct bytes *value, struct err *err);

/* --- cursors --- */
#define TREE_LEVELS_MAX 16
struct tree_cursor {
    const struct tree *tree;
    struct tree_level {
        struct tree_node node;
        uint32_t index;
    } level[TREE_LEVELS_MAX]; /* [0] is the leaf */
    unsigned levels;
    bool valid; /* points at an item */
};
/* Position at the first item, the last item, the first item >= key, the item of rank n (from 0). */
int tree_cursor_first(struct tree_cursor *c, const struct tree *t, struct err *err);
int tree_cursor_last(struct tree_cursor *c, const struct tree *t, struct err *err);
int tree_cursor_seek(struct tree_cursor *c, const struct tree *t, struct bytes key, struct err *err);
int tree_cursor_seek_rank(struct tree_cursor *c, const struct tree *t, uint64_t n, struct err *err);
/* Number of items before the cursor (the whole count when it is past the end); counts no leaves. */
uint64_t tree_cursor_rank(const struct tree_cursor *c);
/*
 * First item for which goes_right(ctx, key) is false; goes_right must be monotone (true … true false
 * …). This is how a range on a key prefix starts.
 */
int tree_cursor_seek_fn(struct tree_cursor *c, const struct tree *t,
                        bool (*goes_right)(void *ctx, struct bytes key), void *ctx, struct err *err);
void tree_cursor_release(struct tree_cursor *c); /* holds nothing now; call it all the same */

/* The steps over a leaf's end; use tree_cursor_next and _prev. */
int tree_cursor_next_leaf(struct tree_cursor *c, struct err *err);
int tree_cursor_prev_leaf(struct tree_cursor *c, struct err *err);

/* c->valid is false at the end. A cursor that is not valid stays so. */
static inline int tree_cursor_next(struct tree_cursor *c, struct err *err) {
    if (c->valid && c->level[0].index + 1 < c->level[0].node.count) {
        c->level[0].index++;
        return BD_OK;
    }
    return tree_cursor_next_leaf(c, err);
}
static inline int tree_cursor_prev(struct tree_cursor *c, struct err *err) {
    if (c->valid && c->level[0].index > 0) {
        c->level[0].index--;
        return BD_OK;
    }
    return tree_cursor_prev_leaf(c, err);
}

#define TREE_CLOSURE_KEY_SIZE 28
static inline uint32_t tree_load16(const uint8_t *p) { return (uint32_t)p[0] | (uint32_t)p[1] << 8; }
static inline struct bytes tree_node_key(const struct tree_node *n, uint32_t i) {
    if (!n->key_offsets)
        return (struct bytes){n->keys + (size_t)i * TREE_CLOSURE_KEY_SIZE, TREE_CLOSURE_KEY_SIZE};
    uint32_t start = tree_load16(n->key_offsets + 2 * (size_t)i);
    uint32_t stop = tree_load16(n->key_offsets + 2 * (size_t)i + 2);
    return (struct bytes){n->keys + start, stop - start};
}
static inline struct bytes tree_node_value(const struct tree_node *n, uint32_t i) {
    if (!n->value_offsets)
        return (struct bytes){n->values + (size_t)i * n->value_width, n->value_width};
    uint32_t start = tree_load16(n->value_offsets + 2 * (size_t)i);
    uint32_t stop = tree_load16(n->value_offsets + 2 * (size_t)i + 2);
    return (struct bytes){n->values + start, stop - start};
}
/* Only while c->valid. Borrowed from the node, which lives as long as the node store. */
static inline struct bytes tree_cursor_key(const struct tree_cursor *c) {
    return tree_node_key(&c->level[0].node, c->level[0].index);
}
static inline struct bytes tree_cursor_value(const struct tree_cursor *c) {
    return tree_node_value(&c->level[0].node, c->level[0].index);
}

/* --- building and mutation --- */
struct tree_edit {
    struct bytes key, value;
    bool remove;
};
/*
 * Applies edits (sorted by key, each key once; a removal of a missing key and a put of an equal item
 * are no-ops) and gives the canonical tree, as Dolt's mutator does it (needed for closures, whose
 * weights depend on the way). `out` may be `t`. New nodes go to the node store; the root does not,
 * until tree_write_root. Applying all edits to an empty tree builds from scratch.
 */
int tree_apply(const struct tree *t, const struct tree_edit *edits, size_t count, struct tree *out,
               struct err *err);

/*
 * Insertions as they come, into any tree, for lists that are not to be kept: key and value are copied,
 * and no longer than their leaf is in the making. A key that the tree has, or that came just before,
 * is told and left alone (TREE_EXISTS); so is one that belongs before a key that came earlier
 * (TREE_BEHIND).
 */
enum tree_insertion { TREE_INSERTED, TREE_EXISTS, TREE_BEHIND };
struct tree_inserter;
struct tree_inserter *tree_inserter_new(const struct tree *t);
int tree_inserter_add(struct tree_inserter *n, struct bytes key, struct bytes value,
                      enum tree_insertion *what, struct err *err);
/* Once, after the last. */
int tree_inserter_finish(struct tree_inserter *n, struct tree *out, struct err *err);
void tree_inserter_free(struct tree_inserter *n); /* NULL is fine */

/* Streaming build from items in key order. */
struct tree_builder;
struct tree_builder *tree_builder_new(struct node_store *ns, const struct tree_type *type);
int tree_builder_add(struct tree_builder *b, struct bytes key, struct bytes value, struct err *err);
int tree_builder_finish(struct tree_builder *b, struct tree *out, struct err *err);
void tree_builder_free(struct tree_builder *b);

/* --- diff --- */
enum tree_change { TREE_ADDED, TREE_REMOVED, TREE_MODIFIED };
struct tree_diff {
    enum tree_change change;
    struct bytes key, from, to;
    struct bytes to_key; /* bytes of the key in `to`: a collation may call other bytes equal */
};
/*
 * The same as an iterator: BD_DONE after the last difference. `all` reports equal items as modified too
 * (their table's schema changed) and then skips nothing.
 */
struct tree_differ {
    const struct tree *from, *to;
    struct tree_cursor a, b;
    unsigned a_level, b_level;
    bool a_done, b_done, all;
};
int tree_differ_init(struct tree_differ *d, const struct tree *from, const struct tree *to, bool all,
                     struct err *err);
int tree_differ_next(struct tree_differ *d, struct tree_diff *out, struct err *err);

/* Calls fn for each difference in key order, skipping equal subtrees. fn != BD_OK stops and is
 * returned. */
int tree_diff_walk(const struct tree *from, const struct tree *to,
                   int (*fn)(void *ctx, const struct tree_diff *d), void *ctx, struct err *err);

/*
 * Three-way merge by key: items only changed on the right are applied to left; items changed on both
 * sides to different values go to `clash`, which returns BD_OK with *resolved set (removal allowed), or
 * BD_CONFLICT to keep the left item. Result is the canonical tree.
 */
struct tree_clash {
    struct bytes key;
    const struct bytes *base, *left, *right; /* NULL: no such item there */
};
int tree_merge(const struct tree *base, const struct tree *left, const struct tree *right,
               int (*clash)(void *ctx, const struct tree_clash *c, struct tree_edit *resolved),
               void *ctx, struct tree *out, struct err *err);

/* --- address maps: names → addresses --- */
/* BD_NOT_FOUND when there is no such name. */
int address_map_get(const struct tree *t, const char *name, struct hash *h, struct err *err);
/* Sets a name, or removes it when h is NULL. `out` may be `t`. */
int address_map_set(const struct tree *t, const char *name, const struct hash *h, struct tree *out,
                    struct err *err);
struct address_edit {
    const char *name;
    struct hash hash; /* zero: remove the name */
};
/* Many at once, in any order (the array is sorted in place); each name at most once. */
int address_map_apply(const struct tree *t, struct address_edit *edits, size_t count, struct tree *out,
                      struct err *err);

/* --- closures --- */
static inline void closure_key(uint64_t height, const struct hash *commit,
                               uint8_t key[TREE_CLOSURE_KEY_SIZE]) {
    for (unsigned i = 0; i < 8; i++)
        key[i] = (uint8_t)(height >> (8 * i));
    memcpy(key + 8, commit->b, HASH_SIZE);
}
struct closure_parent {
    struct hash commit;
    uint64_t height;
    struct hash closure; /* the parent's own; zero when it has none */
};
/* Closure of a commit with these parents, in order, byte for byte as Dolt makes it. No parents: empty.
 */
int closure_build(struct node_store *ns, const struct closure_parent *parents, size_t count,
                  struct tree *out, struct err *err);
static inline uint64_t closure_key_height(struct bytes key) {
    uint64_t height = 0;
    for (unsigned i = 0; i < 8; i++)
        height |= (uint64_t)key.data[i] << (8 * i);
    return height;
}

#endif
