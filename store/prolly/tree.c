/*
 * Opening trees, and the two kinds whose keys this room knows: address maps and commit closures.
 */
#include "store/prolly/node.h"

#include <stdlib.h>
#include <string.h>

static int compare_names(const void *ctx, struct bytes a, struct bytes b) {
    (void)ctx;
    size_t n = a.size < b.size ? a.size : b.size;
    int cmp = n ? memcmp(a.data, b.data, n) : 0;
    return cmp ? cmp : (a.size > b.size) - (a.size < b.size);
}

/* By height, then by commit address. Keys that are no closure keys (hostile input) compare as bytes. */
static int compare_closure_keys(const void *ctx, struct bytes a, struct bytes b) {
    if (a.size != TREE_CLOSURE_KEY_SIZE || b.size != TREE_CLOSURE_KEY_SIZE)
        return compare_names(ctx, a, b);
    uint64_t x = closure_key_height(a), y = closure_key_height(b);
    if (x != y)
        return x < y ? -1 : 1;
    return memcmp(a.data + 8, b.data + 8, HASH_SIZE);
}

const struct tree_type tree_type_addresses = {.kind = TREE_ADDRESSES, .compare = compare_names};
const struct tree_type tree_type_closure = {.kind = TREE_CLOSURE, .compare = compare_closure_keys};

int tree_open_embedded(struct tree *t, struct node_store *ns, const struct tree_type *type,
                       struct chunk root, struct err *err) {
    *t = (struct tree){.ns = ns, .type = *type};
    return tree_set_root(t, root, err);
}

int tree_set_root(struct tree *t, struct chunk root, struct err *err) {
    t->root = root;
    return node_parse(t->type.kind, root, &t->top, err);
}

int tree_keep_root(struct tree *t, struct err *err) {
    return tree_set_root(t, node_store_keep(t->ns, t->root.data, t->root.size), err);
}

int tree_open(struct tree *t, struct node_store *ns, const struct tree_type *type,
              const struct hash *root, struct err *err) {
    if (hash_is_zero(root))
        return tree_empty(t, ns, type, err);
    struct chunk bytes;
    int rc = node_store_read(ns, root, &bytes, err);
    if (rc == BD_NOT_FOUND) { /* something refers to it: no tree that merely does not exist */
        if (err)
            err->code = BD_CORRUPT;
        return BD_CORRUPT;
    }
    return rc == BD_OK ? tree_open_embedded(t, ns, type, bytes, err) : rc;
}

int tree_empty(struct tree *t, struct node_store *ns, const struct tree_type *type, struct err *err) {
    struct flatbuf fb;
    const uint8_t *data;
    size_t size, keys_at;
    flatbuf_init(&fb);
    int rc = node_serialize(type, 0, NULL, 0, &fb, &data, &size, &keys_at, err);
    if (rc == BD_OK)
        rc = tree_open_embedded(t, ns, type, node_store_keep(ns, data, size), err);
    flatbuf_release(&fb);
    return rc;
}

uint64_t tree_count(const struct tree *t) { return t->top.tree_count; }

struct hash tree_root_hash(const struct tree *t) {
    return hash_of(t->root.data, t->root.size);
}

int tree_write_root(struct tree *t, struct hash *h, struct err *err) {
    const struct chunk_write *stored;
    int rc = node_store_put(t->ns, t->root.data, t->root.size, &stored, err);
    if (rc != BD_OK)
        return rc;
    *h = stored->hash;
    return tree_set_root(t, (struct chunk){stored->data, stored->size}, err);
}
