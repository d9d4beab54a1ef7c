/*
 * Nodes of prolly trees: bytes → checked view, items → bytes. Layouts, and the orders of creation that
 * are part of the format: go/store/prolly/message in Dolt.
 */
#include "store/prolly/node.h"

#include "store/prolly/message.h"

#include <stdlib.h>
#include <string.h>

#define ITEM_TYPE_TUPLE 1
#define VARINT_MAX 10

/* Where each kind keeps what; slot 255 = the kind has no such field. */
#define NONE 255
struct node_layout {
    char id[5];
    uint8_t slots; /* fields that this program knows */
    uint8_t keys, key_offsets, values, value_offsets, addresses, subtrees, count, level;
};
static const struct node_layout layouts[] = {
    [TREE_ROWS] = {"TUPM", 11, 0, 1, 3, 4, 7, 8, 9, 10},
    [TREE_ADDRESSES] = {"ADRM", 6, 0, 1, NONE, NONE, 2, 3, 4, 5},
    [TREE_CLOSURE] = {"CMCL", 5, 0, NONE, NONE, NONE, 1, 2, 3, 4},
    [TREE_ARTIFACTS] = {"ARTM", 9, 0, 1, 3, 4, 5, 6, 7, 8},
};

static int corrupt(struct err *err, const char *id, const char *what) {
    return err_set(err, BD_CORRUPT, "a %s node of the database is damaged: %s", id, what);
}

/* Offsets of n items: n + 1 ascending numbers from 0 to the size of the item bytes. */
static bool offsets_valid(struct fb_vector offsets, size_t size) {
    if (!offsets.count || tree_load16(offsets.data) != 0 ||
        tree_load16(offsets.data + 2 * (offsets.count - 1)) != size)
        return false;
    uint32_t bad = 0;
    for (size_t i = 1; i < offsets.count; i++)
        bad |= tree_load16(offsets.data + 2 * i) < tree_load16(offsets.data + 2 * i - 2);
    return !bad;
}

int node_parse(enum tree_kind kind, struct chunk bytes, struct tree_node *out, struct err *err) {
    const struct node_layout *l = &layouts[kind];
    bool bad;
    struct fb_table t;
    int rc = fb_open(bytes.data, bytes.size, l->id, &bad, &t, err);
    if (rc != BD_OK)
        return rc;
    if (t.slots > l->slots)
        return err_set(err, BD_TOO_NEW,
                       "a %s node has %u fields, of which this version knows %u; "
                       "use a newer bd for this database",
                       l->id, t.slots, l->slots);

    struct fb_vector keys = fb_vector_at(&t, l->keys, 1);
    struct fb_vector key_offsets = {NULL, 0};
    out->level = fb_u8(&t, l->level, 0);
    out->tree_count = fb_u64(&t, l->count, 0);
    out->keys = keys.data;
    out->subtrees = NULL;
    out->subtrees_size = 0;
    if (!keys.data)
        return corrupt(err, l->id, "it has no keys");
    if (out->level >= TREE_SALTS)
        return corrupt(err, l->id, "its level is impossible");

    if (l->key_offsets == NONE) {
        out->key_offsets = NULL;
        if (keys.count % TREE_CLOSURE_KEY_SIZE || keys.count > NODE_ITEM_BYTES_MAX)
            return corrupt(err, l->id, "its keys have a wrong size");
        out->count = (uint32_t)(keys.count / TREE_CLOSURE_KEY_SIZE);
    } else {
        key_offsets = fb_vector_at(&t, l->key_offsets, 2);
        if (!key_offsets.data || !offsets_valid(key_offsets, keys.count))
            return corrupt(err, l->id, "the places of its keys contradict each other");
        out->key_offsets = key_offsets.data;
        out->count = (uint32_t)(key_offsets.count - 1);
    }

    if (out->level == 0 && l->values != NONE) {
        struct fb_vector values = fb_vector_at(&t, l->values, 1);
        struct fb_vector offsets = fb_vector_at(&t, l->value_offsets, 2);
        if (!values.data || !offsets.data || offsets.count != key_offsets.count ||
            !offsets_valid(offsets, values.count))
            return corrupt(err, l->id, "the places of its values contradict each other");
        out->values = values.data;
        out->value_offsets = offsets.data;
        out->value_width = 0;
    } else if (out->level == 0 && kind == TREE_CLOSURE) {
        out->values = keys.data;
        out->value_offsets = NULL;
        out->value_width = 0;
    } else {
        struct fb_vector addresses = fb_vector_at(&t, l->addresses, 1);
        if (!addresses.data || addresses.count != (size_t)out->count * HASH_SIZE)
            return corrupt(err, l->id, "its keys and addresses differ in number");
        out->values = addresses.data;
        out->value_offsets = NULL;
        out->value_width = HASH_SIZE;
    }
    if (out->level > 0) {
        struct fb_vector subtrees = fb_vector_at(&t, l->subtrees, 1);
        out->subtrees = subtrees.data;
        out->subtrees_size = subtrees.count;
        if (!out->count)
            return corrupt(err, l->id, "it has no children");
    }
    if (bad)
        return corrupt(err, l->id, "a field lies outside of it");
    return BD_OK;
}

struct hash node_child_hash(const struct tree_node *n, uint32_t i) {
    struct hash h;
    memcpy(h.b, n->values + (size_t)i * HASH_SIZE, HASH_SIZE);
    return h;
}

int node_fetch_child(struct node_store *ns, enum tree_kind kind, const struct tree_node *parent,
                     uint32_t i, struct tree_node *out, struct chunk *bytes, struct err *err) {
    struct hash h = node_child_hash(parent, i);
    struct chunk c;
    struct node_memo *memo = node_store_memo(ns, &h);
    if (memo->kind == kind + 1 && hash_eq(&memo->hash, &h) && memo->node.level + 1 == parent->level) {
        *out = memo->node;
        if (bytes)
            *bytes = memo->bytes;
        return BD_OK;
    }
    int rc = node_store_read_passing(ns, &h, &c, err);
    if (rc == BD_NOT_FOUND) {
        char text[HASH_TEXT_SIZE + 1];
        hash_format(&h, text);
        return err_set(err, BD_CORRUPT, "chunk %s, part of a %s tree, is missing in the database", text,
                       layouts[kind].id);
    }
    if (rc == BD_OK)
        rc = node_parse(kind, c, out, err);
    if (rc == BD_OK && (out->level + 1 != parent->level || !out->count))
        rc = corrupt(err, layouts[kind].id, "a child has the wrong level, or is empty");
    if (rc == BD_CORRUPT) {
        char text[HASH_TEXT_SIZE + 1];
        hash_format(&h, text);
        return err_prefix(err, "chunk %s", text);
    }
    if (bytes)
        *bytes = c;
    if (rc == BD_OK)
        *memo = (struct node_memo){h, (uint8_t)(kind + 1), c, *out};
    return rc;
}

uint64_t node_counts_next(const struct tree_node *n, struct node_counts *it) {
    uint64_t zigzag = 0;
    unsigned shift = 0;
    while (it->at < n->subtrees_size && shift < 64) {
        uint8_t b = n->subtrees[it->at++];
        zigzag |= (uint64_t)(b & 0x7f) << shift;
        if (!(b & 0x80)) {
            it->count += (zigzag >> 1) ^ (~(zigzag & 1) + 1);
            return it->count;
        }
        shift += 7;
    }
    it->at = n->subtrees_size;
    return 0;
}

uint32_t node_search(const struct tree_type *type, const struct tree_node *n, struct bytes key,
                     bool *equal) {
    uint32_t low = 0, high = n->count;
    *equal = false;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        int cmp = type->compare(type->compare_ctx, key, tree_node_key(n, mid));
        if (cmp > 0) {
            low = mid + 1;
        } else {
            high = mid;
            *equal = cmp == 0;
        }
    }
    return low;
}

/* --- writing --- */

static flatbuf_ref write_items(struct flatbuf *fb, const struct node_item *items, size_t count,
                               size_t total, bool keys) {
    flatbuf_ref ref;
    uint8_t *p = flatbuf_bytes_reserve(fb, total, &ref);
    for (size_t i = 0; i < count; i++) {
        struct bytes b = keys ? items[i].key : items[i].value;
        if (b.size)
            memcpy(p, b.data, b.size);
        p += b.size;
    }
    return ref;
}

static flatbuf_ref write_offsets(struct flatbuf *fb, const struct node_item *items, size_t count,
                                 bool keys) {
    flatbuf_ref ref;
    uint8_t *p = flatbuf_u16s_reserve(fb, count + 1, &ref);
    size_t at = 0;
    for (size_t i = 0;; i++) {
        *p++ = (uint8_t)at;
        *p++ = (uint8_t)(at >> 8);
        if (i == count)
            return ref;
        at += keys ? items[i].key.size : items[i].value.size;
    }
}

static size_t put_varint(uint8_t *p, uint64_t zigzag) {
    size_t n = 0;
    while (zigzag >= 0x80) {
        p[n++] = (uint8_t)(zigzag | 0x80);
        zigzag >>= 7;
    }
    p[n++] = (uint8_t)zigzag;
    return n;
}

static flatbuf_ref write_counts(struct flatbuf *fb, const struct node_item *items, size_t count,
                                uint64_t *sum) {
    uint8_t small[512] = {0};
    uint8_t *bytes = count * VARINT_MAX > sizeof small ? mem_alloc(count * VARINT_MAX) : small;
    size_t size = 0;
    uint64_t before = 0;
    *sum = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t delta = items[i].subtree - before;
        before = items[i].subtree;
        *sum += before;
        size += put_varint(bytes + size, delta << 1 ^ (delta >> 63 ? ~UINT64_C(0) : 0));
    }
    flatbuf_ref ref = flatbuf_bytes(fb, bytes, size);
    if (bytes != small)
        free(bytes);
    return ref;
}

/* The vector of the places of out-of-line addresses in a leaf's values (artifacts: keys). */
static int write_address_offsets(const struct tree_type *type, struct flatbuf *fb,
                                 const struct node_item *items, size_t count, flatbuf_ref *ref,
                                 struct err *err) {
    enum { PER_ITEM = 4096 };
    *ref = 0;
    if (!type->addresses)
        return BD_OK;
    uint16_t *all = mem_alloc((PER_ITEM + 64) * sizeof *all);
    size_t capacity = PER_ITEM + 64, used = 0, at = 0;
    for (size_t i = 0; i < count; i++) {
        struct bytes b = type->kind == TREE_ARTIFACTS ? items[i].key : items[i].value;
        if (capacity - used < PER_ITEM) {
            capacity += capacity / 2 + PER_ITEM;
            all = mem_resize(all, capacity, sizeof *all);
        }
        size_t n = type->addresses(type->addresses_ctx, b, all + used, PER_ITEM);
        for (size_t j = used; j < used + n; j++) {
            if (n > PER_ITEM || all[j] + (size_t)HASH_SIZE > b.size) {
                free(all);
                return err_set(err, BD_INVALID, "a row names an out-of-line value outside of itself");
            }
            all[j] = (uint16_t)(all[j] + at);
        }
        used += n;
        at += b.size;
    }
    if (used || type->write_empty_addresses)
        *ref = flatbuf_u16s(fb, all, used);
    free(all);
    return BD_OK;
}

static int check_items(const struct tree_type *type, unsigned level, const struct node_item *items,
                       size_t count, size_t *key_bytes, size_t *value_bytes, struct err *err) {
    bool addresses = level > 0 || type->kind == TREE_ADDRESSES;
    for (size_t i = 0; i < count; i++) {
        if (addresses && items[i].value.size != HASH_SIZE)
            return err_set(err, BD_INVALID, "an address of %zu bytes was given to a %s node",
                           items[i].value.size, layouts[type->kind].id);
        if (type->kind == TREE_CLOSURE && items[i].key.size != TREE_CLOSURE_KEY_SIZE)
            return err_set(err, BD_INVALID, "a key of %zu bytes was given to a commit closure",
                           items[i].key.size);
        *key_bytes += items[i].key.size;
        *value_bytes += items[i].value.size;
    }
    if (*key_bytes > NODE_ITEM_BYTES_MAX || *value_bytes > NODE_ITEM_BYTES_MAX)
        return err_set(err, BD_INVALID, "the items of one %s node exceed %d bytes",
                       layouts[type->kind].id, NODE_ITEM_BYTES_MAX);
    return BD_OK;
}

int node_serialize(const struct tree_type *type, unsigned level, const struct node_item *items,
                   size_t count, struct flatbuf *fb, const uint8_t **data, size_t *size,
                   size_t *keys_at, struct err *err) {
    const struct node_layout *l = &layouts[type->kind];
    size_t key_bytes = 0, value_bytes = 0;
    int rc = check_items(type, level, items, count, &key_bytes, &value_bytes, err);
    if (rc != BD_OK)
        return rc;
    bool leaf = level == 0, rows = type->kind == TREE_ROWS;
    bool has_values = leaf && l->values != NONE;
    uint64_t tree_count = count;

    flatbuf_clear(fb);
    flatbuf_ref keys = write_items(fb, items, count, key_bytes, true);
    flatbuf_ref key_offsets = 0, values = 0, value_offsets = 0, places = 0, addresses = 0, counts = 0;
    if (l->key_offsets != NONE)
        key_offsets = write_offsets(fb, items, count, true);
    if (has_values) {
        values = write_items(fb, items, count, value_bytes, false);
        value_offsets = write_offsets(fb, items, count, false);
        rc = write_address_offsets(type, fb, items, count, &places, err);
        if (rc != BD_OK)
            return rc;
    } else if (!leaf || type->kind == TREE_ADDRESSES) {
        addresses = write_items(fb, items, count, value_bytes, false);
    }
    if (!leaf)
        counts = write_counts(fb, items, count, &tree_count);

    flatbuf_table_begin(fb, l->slots);
    flatbuf_add_ref(fb, l->keys, keys);
    if (l->key_offsets != NONE)
        flatbuf_add_ref(fb, l->key_offsets, key_offsets);
    if (has_values) {
        flatbuf_add_ref(fb, l->values, values);
        flatbuf_add_ref(fb, l->value_offsets, value_offsets);
        flatbuf_add_u64(fb, l->count, tree_count, 0);
        flatbuf_add_ref(fb, rows ? 6 : 2, places);
    } else {
        flatbuf_add_ref(fb, l->addresses, addresses);
        flatbuf_add_ref(fb, l->subtrees, counts);
        flatbuf_add_u64(fb, l->count, tree_count, 0);
    }
    if (rows) {
        flatbuf_add_u8(fb, 2, ITEM_TYPE_TUPLE, 0);
        flatbuf_add_u8(fb, 5, ITEM_TYPE_TUPLE, 0);
    }
    flatbuf_add_u8(fb, l->level, (uint8_t)level, 0);
    flatbuf_ref root = flatbuf_table_end(fb);
    flatbuf_finish_message(fb, root, l->id, data, size);
    if (!*data)
        return err_set(err, BD_INVALID, "a %s node exceeds the size of a message", l->id);
    *keys_at = *size - keys + 4;
    return BD_OK;
}

void node_serialize_blob_leaf(struct flatbuf *fb, const void *payload, size_t payload_size,
                              const uint8_t **data, size_t *size) {
    flatbuf_clear(fb);
    flatbuf_ref bytes = flatbuf_bytes(fb, payload, payload_size);
    flatbuf_table_begin(fb, 5);
    flatbuf_add_ref(fb, 0, bytes);
    flatbuf_add_u64(fb, 3, 1, 0);
    flatbuf_finish_message(fb, flatbuf_table_end(fb), "BLOB", data, size);
}

void node_serialize_blob_inner(struct flatbuf *fb, unsigned level, const struct hash *children,
                               const uint64_t *counts, size_t count, const uint8_t **data,
                               size_t *size) {
    struct node_item *items = mem_zalloc(count, sizeof *items);
    for (size_t i = 0; i < count; i++)
        items[i] = (struct node_item){.value = {children[i].b, HASH_SIZE}, .subtree = counts[i]};
    uint64_t sum;
    flatbuf_clear(fb);
    flatbuf_ref addresses = write_items(fb, items, count, count * HASH_SIZE, false);
    flatbuf_ref sizes = write_counts(fb, items, count, &sum);
    free(items);
    flatbuf_table_begin(fb, 5);
    flatbuf_add_ref(fb, 1, addresses);
    flatbuf_add_ref(fb, 2, sizes);
    flatbuf_add_u64(fb, 3, sum, 0);
    flatbuf_add_u8(fb, 4, (uint8_t)level, 0);
    flatbuf_finish_message(fb, flatbuf_table_end(fb), "BLOB", data, size);
}
