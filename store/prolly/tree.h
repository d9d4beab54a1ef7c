/*
 * Prolly trees: ordered maps whose shape depends on their content alone, so that equal content has
 * an equal root hash. One machinery serves four node messages: rows and indexes (TUPM), address maps
 * (ADRM), commit closures (CMCL) and merge artifacts (ARTM). Format: format-values §1.4 and §4.
 *
 * A root node may live inside another message (DTBL, RTVL, STRT embed theirs); hence struct tree holds
 * the root node's bytes, and its address only where one is needed.
 */
#ifndef STORE_PROLLY_TREE_H
#define STORE_PROLLY_TREE_H

#include "store/prolly/node_store.h"

#include <stdbool.h>

enum tree_kind { TREE_ROWS, TREE_ADDRESSES, TREE_CLOSURE, TREE_ARTIFACTS };

struct bytes {
    const uint8_t *data;
    size_t size;
};

/* Key order; ctx is the tree's. Must be a total order that agrees with the order the tree was built in. */
typedef int (*tree_compare_fn)(const void *ctx, struct bytes a, struct bytes b);

/*
 * Offsets of the 20-byte addresses inside a leaf value, ascending vector order as format-values §1.4
 * says (the callback appends in stored order for this one tuple). NULL when values hold no addresses.
 */
typedef size_t (*tree_value_addresses_fn)(const void *ctx, struct bytes value, uint16_t *offsets,
                                          size_t max);

struct tree_type {
    enum tree_kind kind;
    tree_compare_fn compare;
    const void *compare_ctx;
    tree_value_addresses_fn addresses; /* TREE_ROWS, TREE_ARTIFACTS (there: of the key) */
    const void *addresses_ctx;
    bool write_empty_addresses; /* write value_address_offsets of length 0 (what Dolt ≤ 1.86.6 does) */
};

struct tree {
    struct node_store *ns;
    struct tree_type type;
    struct chunk root; /* bytes of the root node message, borrowed from ns or the embedding message */
};

extern const struct tree_type tree_type_addresses; /* bytewise names → 20-byte addresses */
extern const struct tree_type tree_type_closure;   /* u64 LE height + 20-byte address */

/* From an address, from bytes of an embedded root (borrowed), or empty. */
int tree_open(struct tree *t, struct node_store *ns, const struct tree_type *type,
              const struct hash *root, struct err *err);
int tree_open_embedded(struct tree *t, struct node_store *ns, const struct tree_type *type,
                       struct chunk root, struct err *err);
int tree_empty(struct tree *t, struct node_store *ns, const struct tree_type *type, struct err *err);

uint64_t tree_count(const struct tree *t);
struct hash tree_root_hash(const struct tree *t); /* hash of the root node's bytes */
/* Puts the root node into the node store as a chunk of its own and returns its address. */
int tree_write_root(struct tree *t, struct hash *h, struct err *err);

/* Exact lookup. BD_NOT_FOUND. value is borrowed from the node. */
int tree_get(const struct tree *t, struct bytes key, struct bytes *value, struct err *err);

/* --- cursors --- */
#define TREE_LEVELS_MAX 16
struct tree_node; /* parsed node, private */
struct tree_cursor {
    const struct tree *tree;
    struct tree_level {
        struct chunk bytes;
        struct tree_node *node;
        uint32_t index, count;
    } level[TREE_LEVELS_MAX]; /* [0] is the leaf */
    unsigned levels;
    bool valid; /* points at an item */
};
/* Position at the first item, the last item, the first item >= key, the item of rank n. */
int tree_cursor_first(struct tree_cursor *c, const struct tree *t, struct err *err);
int tree_cursor_last(struct tree_cursor *c, const struct tree *t, struct err *err);
int tree_cursor_seek(struct tree_cursor *c, const struct tree *t, struct bytes key, struct err *err);
/*
 * First item for which goes_right(ctx, key) is false; goes_right must be monotone (true … true false …).
 * This is how a range on a key prefix starts.
 */
int tree_cursor_seek_fn(struct tree_cursor *c, const struct tree *t,
                        bool (*goes_right)(void *ctx, struct bytes key), void *ctx, struct err *err);
int tree_cursor_next(struct tree_cursor *c, struct err *err); /* c->valid false at the end */
int tree_cursor_prev(struct tree_cursor *c, struct err *err);
struct bytes tree_cursor_key(const struct tree_cursor *c);
struct bytes tree_cursor_value(const struct tree_cursor *c);
void tree_cursor_release(struct tree_cursor *c);

/* --- building and mutation --- */
struct tree_edit {
    struct bytes key, value;
    bool remove;
};
/*
 * Applies edits (sorted by key, each key once; a removal of a missing key and a put of an equal item are
 * no-ops) and gives the canonical tree, as Dolt's mutator does it (needed for closures, whose weights
 * depend on the way, §3.2). `out` may be `t`. New nodes go to the node store; the root does not, until
 * tree_write_root. Applying all edits to an empty tree builds from scratch.
 */
int tree_apply(const struct tree *t, const struct tree_edit *edits, size_t count, struct tree *out,
               struct err *err);

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
};
/* Calls fn for each difference in key order, skipping equal subtrees. fn != BD_OK stops and is returned. */
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

#endif
