/*
 * Writing what was read: a message whose fields do not give back its bytes was not made by Dolt, and
 * would change its address when the same content is written again.
 */
#include "store/db/fsck_check.h"

#include "store/db/commit.h"
#include "store/db/foreign_keys.h"
#include "store/db/working_set.h"

#include <stdlib.h>
#include <string.h>

/* Hands the stored places of out-of-line values back, item by item. */
struct places {
    struct fb_vector v;
    size_t next, base;
};

static size_t next_places(const void *ctx, struct bytes item, uint16_t *offsets, size_t max) {
    struct places *p = (struct places *)(uintptr_t)ctx;
    size_t n = 0;
    while (p->next < p->v.count && n < max) {
        size_t at = fb_vector_u16(&p->v, p->next);
        if (at < p->base || at >= p->base + item.size)
            break;
        offsets[n++] = (uint16_t)(at - p->base);
        p->next++;
    }
    p->base += item.size;
    return n;
}

static bool same_node(enum tree_kind kind, const struct chunk *c) {
    struct tree_node n;
    if (node_parse(kind, *c, &n, NULL) != BD_OK)
        return true; /* told as damage */
    struct node_item *items = mem_zalloc((size_t)n.count + 1, sizeof *items);
    struct node_counts counts = {0, 0};
    for (uint32_t i = 0; i < n.count; i++)
        items[i] = (struct node_item){tree_node_key(&n, i), tree_node_value(&n, i),
                                      n.level ? node_counts_next(&n, &counts) : 1};
    bool bad = false;
    struct fb_table t;
    struct places places = {{NULL, 0}, 0, 0};
    struct tree_type type = {.kind = kind};
    if ((kind == TREE_ROWS || kind == TREE_ARTIFACTS) && n.level == 0 &&
        fb_open(c->data, c->size, kind == TREE_ROWS ? "TUPM" : "ARTM", &bad, &t, NULL) == BD_OK) {
        unsigned slot = kind == TREE_ROWS ? 6 : 2;
        places.v = fb_vector_at(&t, slot, 2);
        if (fb_has(&t, slot)) {
            type.addresses = next_places;
            type.addresses_ctx = &places;
            type.write_empty_addresses = true;
        }
    }
    struct flatbuf fb;
    flatbuf_init(&fb);
    const uint8_t *data;
    size_t size, keys_at;
    int rc = node_serialize(&type, n.level, items, n.count, &fb, &data, &size, &keys_at, NULL);
    bool same = rc == BD_OK && data && size == c->size && memcmp(data, c->data, size) == 0 &&
                places.next == places.v.count;
    flatbuf_release(&fb);
    free(items);
    return same;
}

static bool same_blob(const struct chunk *c) {
    bool bad = false;
    struct fb_table t;
    if (fb_open(c->data, c->size, "BLOB", &bad, &t, NULL) != BD_OK)
        return true;
    unsigned level = fb_u8(&t, 4, 0);
    struct fb_bytes value = fb_bytes_at(&t, 0), addresses = fb_bytes_at(&t, 1),
                    raw = fb_bytes_at(&t, 2);
    struct flatbuf fb;
    flatbuf_init(&fb);
    const uint8_t *data = NULL;
    size_t size = 0, n = addresses.size / HASH_SIZE;
    if (level == 0) {
        node_serialize_blob_leaf(&fb, value.data, value.size, &data, &size);
    } else {
        struct tree_node node = {.subtrees = raw.data, .subtrees_size = raw.size};
        struct node_counts at = {0, 0};
        struct hash *children = mem_zalloc(n + 1, sizeof *children);
        uint64_t *counts = mem_zalloc(n + 1, sizeof *counts);
        for (size_t i = 0; i < n; i++) {
            memcpy(children[i].b, addresses.data + i * HASH_SIZE, HASH_SIZE);
            counts[i] = node_counts_next(&node, &at);
        }
        node_serialize_blob_inner(&fb, level, children, counts, n, &data, &size);
        free(children);
        free(counts);
    }
    bool same = data && size == c->size && memcmp(data, c->data, size) == 0;
    flatbuf_release(&fb);
    return same || bad;
}

static bool same_schema(const struct chunk *c, struct arena *a) {
    struct schema s;
    struct buf b = BUF_INIT;
    bool same = true;
    if (schema_parse(c, a, &s, NULL) == BD_OK && schema_serialize(&s, &b, NULL) == BD_OK)
        same = b.size == c->size && memcmp(b.data, c->data, b.size) == 0;
    buf_release(&b);
    return same;
}

bool check_encoding(enum message_kind kind, const struct chunk *c, const struct hash *h,
                    struct node_store *ns, struct arena *a) {
    enum tree_kind tree;
    struct hash again = *h;
    if (tree_kind_of(kind, &tree))
        return same_node(tree, c);
    switch (kind) {
    case MESSAGE_BLOB: return same_blob(c);
    case MESSAGE_TABLE_SCHEMA: return same_schema(c, a);
    case MESSAGE_COMMIT: {
        struct commit commit;
        if (commit_read(ns, h, a, &commit, NULL) == BD_OK && commit_write(ns, &commit, NULL) == BD_OK)
            again = commit.hash;
        break;
    }
    case MESSAGE_TAG: {
        struct tag tag;
        if (tag_read(ns, h, a, &tag, NULL) == BD_OK && tag.name && tag.email && tag.description &&
            tag_write(ns, &tag, &again, NULL) != BD_OK)
            again = *h;
        break;
    }
    case MESSAGE_WORKING_SET: {
        struct working_set ws;
        if (working_set_read(ns, h, a, &ws, NULL) == BD_OK && working_set_write(ns, &ws, NULL) == BD_OK)
            again = ws.hash;
        break;
    }
    case MESSAGE_FOREIGN_KEYS: {
        struct foreign_keys keys;
        if (foreign_keys_read(ns, h, a, &keys, NULL) == BD_OK &&
            foreign_keys_write(ns, &keys, &again, NULL) != BD_OK)
            again = *h;
        break;
    }
    default: break;
    }
    return hash_eq(&again, h);
}
