/*
 * Hostile messages: every kind through the walker, the four tree kinds through lookup, cursors, diff
 * and edits, blobs through reading; and the same bytes as the text of a JSON document. The input is one
 * message, or two parted by the four bytes "||||": then the second is an inner node whose children are
 * all the first. Nothing may crash, hang or leak; every outcome is a value or an error code.
 */
#include "store/prolly/blob.h"
#include "store/prolly/message.h"
#include "store/prolly/node.h"
#include "store/prolly/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int compare_bytes(const void *ctx, struct bytes a, struct bytes b) {
    (void)ctx;
    size_t n = a.size < b.size ? a.size : b.size;
    int cmp = n ? memcmp(a.data, b.data, n) : 0;
    return cmp ? cmp : (a.size > b.size) - (a.size < b.size);
}

static int visit(void *ctx, const struct hash *h) {
    ++*(size_t *)ctx;
    return hash_is_zero(h) ? BD_CORRUPT : BD_OK;
}

static uint64_t touch(struct bytes b) {
    uint64_t sum = 0;
    for (size_t i = 0; i < b.size; i++)
        sum += b.data[i];
    return sum;
}

static int ignore(void *ctx, const struct tree_diff *d) {
    *(uint64_t *)ctx += touch(d->key) + touch(d->from) + touch(d->to);
    return BD_OK;
}

static int compare_edits(const void *x, const void *y) {
    return compare_bytes(NULL, ((const struct tree_edit *)x)->key, ((const struct tree_edit *)y)->key);
}

/* Removes, changes and adds items all over a tree whose keys may be in any order. */
static void edit_tree(const struct tree *t) {
    static const uint8_t other[TREE_CLOSURE_KEY_SIZE] = {'z', 1};
    struct tree_edit edits[24];
    struct tree_cursor c;
    struct tree out;
    struct err err;
    size_t n = 0, unique = 0;
    uint64_t count = tree_count(t);
    for (uint64_t i = 0; i < 20; i++) {
        if (tree_cursor_seek_rank(&c, t, count / 20 * i + i % 3, &err) != BD_OK || !c.valid)
            continue;
        struct bytes key = tree_cursor_key(&c), value = tree_cursor_value(&c);
        if (i % 4 == 1 && key.size)
            key.size--;
        if (i % 4 == 2 && value.size)
            value.size--;
        edits[n++] = (struct tree_edit){key, value, i % 4 == 0};
    }
    edits[n++] = (struct tree_edit){{other, sizeof other}, {other, HASH_SIZE}, false};
    qsort(edits, n, sizeof *edits, compare_edits);
    for (size_t i = 0; i < n; i++) {
        if (!unique || compare_edits(&edits[unique - 1], &edits[i]) != 0)
            edits[unique++] = edits[i];
    }
    tree_apply(t, edits, unique, &out, &err);
}

static void use_tree(struct node_store *ns, const struct tree_type *type, struct chunk root) {
    struct err err;
    struct tree t, edited, empty;
    struct tree_cursor c;
    struct bytes value;
    uint64_t sum = 0;
    static const uint8_t key[TREE_CLOSURE_KEY_SIZE] = {'k'}, address[HASH_SIZE] = {1};
    if (tree_open_embedded(&t, ns, type, root, &err) != BD_OK)
        return;
    if (tree_cursor_first(&c, &t, &err) == BD_OK) {
        for (int i = 0; c.valid && i < 100000; i++) {
            sum += touch(tree_cursor_key(&c)) + touch(tree_cursor_value(&c)) + tree_cursor_rank(&c);
            if (tree_cursor_next(&c, &err) != BD_OK)
                break;
        }
    }
    if (tree_cursor_last(&c, &t, &err) == BD_OK && c.valid)
        sum += touch(tree_cursor_key(&c)), tree_cursor_prev(&c, &err);
    if (tree_cursor_seek_rank(&c, &t, tree_count(&t) / 2, &err) == BD_OK && c.valid)
        sum += touch(tree_cursor_value(&c));
    struct tree_edit edit = {{key, sizeof key}, {address, sizeof address}, false};
    if (tree_get(&t, edit.key, &value, &err) == BD_OK)
        sum += touch(value);
    if (tree_apply(&t, &edit, 1, &edited, &err) == BD_OK)
        tree_diff_walk(&t, &edited, ignore, &sum, &err);
    edit_tree(&t);
    if (tree_empty(&empty, ns, type, &err) == BD_OK)
        tree_diff_walk(&empty, &t, ignore, &sum, &err);
    if (sum == 1)
        putchar(' '); /* keep the reads */
}

/* Points all children of an inner node at h; false when there are none. */
static bool adopt(uint8_t *message, size_t size, const struct hash *h) {
    static const struct {
        const char *id;
        unsigned addresses;
    } inner[] = {{"TUPM", 7}, {"ADRM", 2}, {"CMCL", 1}, {"ARTM", 5}, {"BLOB", 1}};
    for (size_t i = 0; i < sizeof inner / sizeof inner[0]; i++) {
        bool bad;
        struct fb_table t;
        if (fb_open(message, size, inner[i].id, &bad, &t, NULL) != BD_OK)
            continue;
        struct fb_bytes a = fb_bytes_at(&t, inner[i].addresses);
        for (size_t at = 0; at + HASH_SIZE <= a.size; at += HASH_SIZE)
            memcpy(message + (a.data - message) + at, h->b, HASH_SIZE);
        return a.size > 0;
    }
    return false;
}

/* What is taken as JSON must come back as it was. */
static void use_text(struct node_store *ns, const uint8_t *data, size_t size) {
    struct err err;
    struct hash h;
    struct buf out = BUF_INIT;
    if (blob_write_json(ns, (const char *)data, size, &h, &err) == BD_OK &&
        (blob_read(ns, &h, &out, &err) != BD_OK || out.size != size ||
         (size && memcmp(out.data, data, size) != 0)))
        abort();
    buf_release(&out);
}

static size_t first_byte(const void *ctx, struct bytes v, uint16_t *offsets, size_t max) {
    (void)ctx, (void)max;
    offsets[0] = 0;
    return v.size >= HASH_SIZE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct err err;
    struct node_store *ns = node_store_new(NULL);
    const uint8_t *bar = size ? memmem(data, size, "||||", 4) : NULL;
    struct hash h = HASH_ZERO;
    uint8_t *message = malloc(size ? size : 1);
    size_t message_size = size;
    if (size)
        memcpy(message, data, size);
    if (bar && bar > data) {
        node_store_write(ns, data, (size_t)(bar - data), &h, &err);
        message_size = size - (size_t)(bar - data) - 4;
        memcpy(message, bar + 4, message_size);
        message = realloc(message, message_size ? message_size : 1);
        adopt(message, message_size, &h);
    }
    struct chunk root = {message, message_size};
    size_t seen = 0;
    message_kind_of(&root);
    message_walk(&root, visit, &seen, &err);
    const struct tree_type types[] = {
        {.kind = TREE_ROWS, .compare = compare_bytes, .addresses = first_byte},
        tree_type_addresses,
        tree_type_closure,
        {.kind = TREE_ARTIFACTS, .compare = compare_bytes, .addresses = first_byte}};
    for (size_t i = 0; i < 4; i++)
        use_tree(ns, &types[i], root);
    if (message_size && node_store_write(ns, message, message_size, &h, &err) == BD_OK) {
        struct buf out = BUF_INIT;
        uint64_t blob;
        blob_read(ns, &h, &out, &err);
        blob_size(ns, &h, &blob, &err);
        buf_release(&out);
        struct arena a = ARENA_INIT;
        struct chunk_write *list;
        size_t count;
        node_store_collect(ns, &h, &a, &list, &count, &err);
        arena_release(&a);
    }
    use_text(ns, data, size);
    free(message);
    node_store_free(ns);
    return 0;
}
