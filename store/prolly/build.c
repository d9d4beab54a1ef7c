/*
 * Building a tree from items that come in key order: the chunker without an old tree. Items are copied
 * into an arena that is emptied whenever a leaf has been written.
 */
#include "store/prolly/chunker.h"

#include <stdlib.h>

struct tree_builder {
    struct tree_type type;
    struct node_store *ns;
    struct chunker chunker;
    struct arena items;
    struct bytes last; /* key of the last item, in `items` or a written leaf */
    struct buf last_copy;
    bool any;
};

struct tree_builder *tree_builder_new(struct node_store *ns, const struct tree_type *type) {
    struct tree_builder *b = mem_zalloc(1, sizeof *b);
    b->type = *type;
    b->ns = ns;
    chunker_init(&b->chunker, ns, &b->type, 0, NULL, NULL);
    return b;
}

void tree_builder_free(struct tree_builder *b) {
    if (!b)
        return;
    chunker_release(&b->chunker);
    arena_release(&b->items);
    buf_release(&b->last_copy);
    free(b);
}

int tree_builder_add(struct tree_builder *b, struct bytes key, struct bytes value, struct err *err) {
    static const uint8_t one_byte = 0;
    if (b->any && b->type.compare(b->type.compare_ctx, b->last, key) >= 0)
        return err_set(err, BD_INVALID, "the items of a new tree are not in key order");
    key.data = arena_dup(&b->items, key.data, key.size);
    if (b->type.kind == TREE_CLOSURE)
        value = (struct bytes){&one_byte, 1};
    else
        value.data = arena_dup(&b->items, value.data, value.size);
    int rc = chunker_append(&b->chunker, 0, key, value, 1, NULL, err);
    b->any = true;
    b->last = key;
    if (rc == BD_OK && b->chunker.level[0].count == 0) {
        buf_clear(&b->last_copy);
        buf_add(&b->last_copy, key.data, key.size);
        b->last.data = (const uint8_t *)b->last_copy.data;
        arena_reset(&b->items);
    }
    return rc;
}

int tree_builder_finish(struct tree_builder *b, struct tree *out, struct err *err) {
    struct chunk root;
    struct hash address;
    bool existing;
    int rc = chunker_done(&b->chunker, &root, &existing, &address, err);
    if (rc == BD_OK)
        rc = tree_open_embedded(out, b->ns, &b->type, root, err);
    return rc;
}
