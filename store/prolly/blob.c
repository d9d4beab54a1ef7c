/*
 * Blob trees: the bytes of a long value cut every 4000 bytes, with inner nodes of up to 200 addresses.
 * Unlike the maps they are cut by length alone. Reading also takes indexed JSON, whose leaves are blobs
 * too and whose inner nodes are address maps.
 */
#include "store/prolly/blob.h"

#include "store/prolly/message.h"
#include "store/prolly/node.h"

#include <stdlib.h>
#include <string.h>

#define BLOB_LEAF_SIZE 4000
#define BLOB_FANOUT (BLOB_LEAF_SIZE / HASH_SIZE)
#define BLOB_SIZE_MAX                                                                                  \
    ((size_t)1 << 30) /* MySQL's largest packet; damaged trees could claim any size                    \
                       */
#define BLOB_NODES_MAX                                                                                 \
    4000000 /* segments of JSON have 512 bytes or more; damaged ones may have none                     \
             */

struct blob_writer {
    struct node_store *ns;
    struct flatbuf fb;
    struct hash *hashes; /* of the level in work; the level above is written over its start */
    uint64_t *counts;
};

static int write_leaf(struct blob_writer *w, const void *data, size_t size, struct hash *h,
                      struct err *err) {
    const uint8_t *message;
    size_t message_size;
    node_serialize_blob_leaf(&w->fb, data, size, &message, &message_size);
    return node_store_write(w->ns, message, message_size, h, err);
}

static int write_inner(struct blob_writer *w, unsigned level, size_t from, size_t count, struct hash *h,
                       struct err *err) {
    const uint8_t *message;
    size_t message_size;
    node_serialize_blob_inner(&w->fb, level, w->hashes + from, w->counts + from, count, &message,
                              &message_size);
    return node_store_write(w->ns, message, message_size, h, err);
}

static int write_tree(struct blob_writer *w, const uint8_t *data, size_t size, struct hash *h,
                      struct err *err) {
    size_t n = 0;
    int rc = BD_OK;
    for (size_t at = 0; rc == BD_OK && at < size; at += BLOB_LEAF_SIZE, n++) {
        size_t rest = size - at;
        w->counts[n] = 1;
        rc =
            write_leaf(w, data + at, rest < BLOB_LEAF_SIZE ? rest : BLOB_LEAF_SIZE, &w->hashes[n], err);
    }
    /* Levels by Dolt's count: a length of exactly 4000 * 200^k gets one more than it needs. */
    unsigned level = 1;
    for (size_t rest = size / BLOB_LEAF_SIZE; rc == BD_OK && rest > 0; rest /= BLOB_FANOUT, level++) {
        size_t parents = 0;
        for (size_t i = 0; rc == BD_OK && i < n; i += BLOB_FANOUT, parents++) {
            size_t count = n - i < BLOB_FANOUT ? n - i : BLOB_FANOUT;
            struct hash parent;
            uint64_t sum = 0;
            rc = write_inner(w, level, i, count, &parent, err);
            for (size_t j = i; j < i + count; j++)
                sum += w->counts[j];
            w->hashes[parents] = parent;
            w->counts[parents] = sum;
        }
        n = parents;
    }
    if (rc == BD_OK)
        *h = w->hashes[0];
    return rc;
}

int blob_write(struct node_store *ns, const void *data, size_t size, struct hash *h, struct err *err) {
    *h = HASH_ZERO;
    if (!size)
        return BD_OK;
    if (size > BLOB_SIZE_MAX)
        return err_set(err, BD_INVALID, "a value of %zu bytes is too large; the limit is %zu", size,
                       BLOB_SIZE_MAX);
    const struct hash *known = node_store_recall(ns, BLOB_TEXT, data, size);
    if (known) {
        *h = *known;
        return BD_OK;
    }
    struct blob_writer w = {.ns = ns};
    flatbuf_init(&w.fb);
    int rc;
    if (size <= BLOB_LEAF_SIZE) {
        rc = write_leaf(&w, data, size, h, err);
    } else {
        size_t leaves = (size + BLOB_LEAF_SIZE - 1) / BLOB_LEAF_SIZE;
        w.hashes = mem_zalloc(leaves, sizeof *w.hashes);
        w.counts = mem_zalloc(leaves, sizeof *w.counts);
        rc = write_tree(&w, data, size, h, err);
        free(w.hashes);
        free(w.counts);
    }
    flatbuf_release(&w.fb);
    if (rc == BD_OK)
        node_store_remember(ns, BLOB_TEXT, data, size, h);
    return rc;
}

/* --- reading --- */

/* A node of a blob tree or an indexed document: a payload, or the addresses of its children. */
struct blob_node {
    struct fb_bytes payload, addresses;
    unsigned level;
    uint64_t leaves;
};

static int blob_corrupt(const struct hash *h, const char *what, struct err *err) {
    char text[HASH_TEXT_SIZE + 1];
    hash_format(h, text);
    return err_set(err, BD_CORRUPT, "chunk %s, part of a long value, is damaged: %s", text, what);
}

static int open_node(struct node_store *ns, const struct hash *h, struct blob_node *out,
                     struct err *err) {
    struct chunk c;
    int rc = node_store_read_passing(ns, h, &c, err);
    if (rc == BD_NOT_FOUND) {
        char text[HASH_TEXT_SIZE + 1];
        hash_format(h, text);
        return err_set(err, BD_CORRUPT, "chunk %s, part of a long value, is missing in the database",
                       text);
    }
    if (rc != BD_OK)
        return rc;
    bool bad = false;
    struct fb_table t;
    enum message_kind kind = message_kind_of(&c);
    *out = (struct blob_node){0};
    if (kind == MESSAGE_BLOB) {
        rc = fb_open(c.data, c.size, "BLOB", &bad, &t, err);
        if (rc != BD_OK)
            return rc;
        out->payload = fb_bytes_at(&t, 0);
        out->addresses = fb_bytes_at(&t, 1);
        out->leaves = fb_u64(&t, 3, 0);
        out->level = fb_u8(&t, 4, 0);
    } else if (kind == MESSAGE_ADDRESS_MAP) {
        rc = fb_open(c.data, c.size, "ADRM", &bad, &t, err);
        if (rc != BD_OK)
            return rc;
        out->addresses = fb_bytes_at(&t, 2);
        out->leaves = 0;
        out->level = fb_u8(&t, 5, 0);
        if (out->level == 0)
            return blob_corrupt(h, "it is a leaf of an address map", err);
    } else {
        return blob_corrupt(h, "it is no blob", err);
    }
    if (bad || out->level > TREE_SALTS || out->addresses.size % HASH_SIZE ||
        (out->level == 0 ? out->addresses.size : out->payload.size))
        return blob_corrupt(h, "its fields contradict each other", err);
    return BD_OK;
}

struct blob_reading {
    struct node_store *ns;
    struct buf *out; /* NULL: only the size is wanted */
    uint64_t size, nodes;
};

static int read_below(struct blob_reading *r, const struct hash *h, int level, struct err *err) {
    struct blob_node node;
    int rc = open_node(r->ns, h, &node, err);
    if (rc != BD_OK)
        return rc;
    if (level >= 0 && node.level != (unsigned)level)
        return blob_corrupt(h, "it has the wrong level", err);
    r->size += node.payload.size;
    if (r->size > BLOB_SIZE_MAX || ++r->nodes > BLOB_NODES_MAX)
        return blob_corrupt(h, "the value it belongs to is larger than any may be", err);
    if (node.level == 0) {
        if (r->out)
            buf_add(r->out, node.payload.data, node.payload.size);
        return BD_OK;
    }
    if (!node.addresses.size)
        return blob_corrupt(h, "it has no children", err);
    for (size_t at = 0; rc == BD_OK && at < node.addresses.size; at += HASH_SIZE) {
        struct hash child;
        memcpy(child.b, node.addresses.data + at, HASH_SIZE);
        rc = read_below(r, &child, (int)node.level - 1, err);
    }
    return rc;
}

int blob_read(struct node_store *ns, const struct hash *h, struct buf *out, struct err *err) {
    struct blob_reading r = {.ns = ns, .out = out};
    return hash_is_zero(h) ? BD_OK : read_below(&r, h, -1, err);
}

/* Payload of the first or last leaf below h. */
static int end_leaf(struct node_store *ns, const struct hash *h, bool last, size_t *size,
                    struct err *err) {
    struct hash at = *h;
    int level = -1;
    for (;;) {
        struct blob_node node;
        int rc = open_node(ns, &at, &node, err);
        if (rc != BD_OK)
            return rc;
        if ((level >= 0 && node.level != (unsigned)level) || (node.level && !node.addresses.size))
            return blob_corrupt(&at, "it has the wrong level or no children", err);
        if (node.level == 0) {
            *size = node.payload.size;
            return BD_OK;
        }
        memcpy(at.b, last ? node.addresses.data + node.addresses.size - HASH_SIZE : node.addresses.data,
               HASH_SIZE);
        level = (int)node.level - 1;
    }
}

int blob_size(struct node_store *ns, const struct hash *h, uint64_t *size, struct err *err) {
    *size = 0;
    if (hash_is_zero(h))
        return BD_OK;
    struct blob_node root;
    int rc = open_node(ns, h, &root, err);
    if (rc != BD_OK)
        return rc;
    if (root.level == 0) {
        *size = root.payload.size;
        return BD_OK;
    }
    /* All leaves of a plain blob tree but the last have one length. */
    size_t first, last;
    if (root.leaves > 1 && root.leaves <= BLOB_SIZE_MAX / BLOB_LEAF_SIZE) {
        rc = end_leaf(ns, h, false, &first, err);
        if (rc == BD_OK)
            rc = end_leaf(ns, h, true, &last, err);
        if (rc != BD_OK)
            return rc;
        if (first == BLOB_LEAF_SIZE && last <= BLOB_LEAF_SIZE) {
            *size = (root.leaves - 1) * BLOB_LEAF_SIZE + last;
            return BD_OK;
        }
    }
    struct blob_reading r = {.ns = ns};
    rc = read_below(&r, h, -1, err);
    *size = r.size;
    return rc;
}
