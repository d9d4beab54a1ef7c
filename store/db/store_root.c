/*
 * Datasets: reading and editing the STRT message. The map inside is canonical, so equal refs give an
 * equal store root.
 */
#include "store/db/store_root.h"

#include "store/prolly/flatbuf.h"

#include <stdlib.h>
#include <string.h>

int store_root_open(struct tree *map, struct node_store *ns, const struct hash *root, struct err *err) {
    if (hash_is_zero(root))
        return tree_empty(map, ns, &tree_type_addresses, err);
    struct chunk c;
    int rc = node_store_read(ns, root, &c, err);
    if (rc)
        return err_prefix(err, "reading the store root");
    bool bad = false;
    struct fb_table t;
    rc = fb_open(c.data, c.size, "STRT", &bad, &t, err);
    if (rc)
        return err_prefix(err, "the store root");
    struct fb_bytes m = fb_bytes_at(&t, 0);
    if (bad || !m.data)
        return err_set(err, BD_CORRUPT, "the store root has no readable address map");
    return tree_open_embedded(map, ns, &tree_type_addresses, (struct chunk){m.data, m.size}, err);
}

static struct bytes name_bytes(const char *s) { return (struct bytes){(const uint8_t *)s, strlen(s)}; }

int store_root_get(const struct tree *map, const char *dataset, struct hash *out, struct err *err) {
    struct bytes v;
    int rc = tree_get(map, name_bytes(dataset), &v, err);
    if (rc)
        return rc;
    if (v.size != HASH_SIZE)
        return err_set(err, BD_CORRUPT, "dataset %s holds no address", dataset);
    memcpy(out->b, v.data, HASH_SIZE);
    return BD_OK;
}

static int edit_order(const void *a, const void *b) {
    const struct store_root_edit *x = a, *y = b;
    return strcmp(x->dataset, y->dataset);
}

int store_root_edit(const struct tree *map, const struct store_root_edit *edits, size_t count,
                    struct hash *out, struct err *err) {
    struct store_root_edit *sorted = mem_dup(edits, count * sizeof *edits);
    struct tree_edit *list = mem_zalloc(count ? count : 1, sizeof *list);
    qsort(sorted, count, sizeof *sorted, edit_order);
    for (size_t i = 0; i < count; i++) {
        list[i].key = name_bytes(sorted[i].dataset);
        list[i].remove = hash_is_zero(&sorted[i].address);
        if (!list[i].remove)
            list[i].value = (struct bytes){sorted[i].address.b, HASH_SIZE};
    }
    struct tree next;
    int rc = tree_apply(map, list, count, &next, err);
    if (rc == BD_OK) {
        struct flatbuf fb;
        flatbuf_init(&fb);
        flatbuf_ref m = flatbuf_bytes(&fb, next.root.data, next.root.size);
        flatbuf_table_begin(&fb, 1);
        flatbuf_add_ref(&fb, 0, m);
        flatbuf_ref root = flatbuf_table_end(&fb);
        const uint8_t *data;
        size_t size;
        flatbuf_finish_message(&fb, root, "STRT", &data, &size);
        rc = node_store_write(map->ns, data, size, out, err);
        flatbuf_release(&fb);
    }
    free(list);
    free(sorted);
    return rc;
}

int store_root_each(const struct tree *map,
                    int (*fn)(void *ctx, struct bytes dataset, const struct hash *address), void *ctx,
                    struct err *err) {
    struct tree_cursor c;
    int rc = tree_cursor_first(&c, map, err);
    if (rc)
        return rc;
    while (rc == BD_OK && c.valid) {
        struct bytes v = tree_cursor_value(&c);
        if (v.size != HASH_SIZE) {
            rc = err_set(err, BD_CORRUPT, "a dataset of the store root holds no address");
            break;
        }
        struct hash h;
        memcpy(h.b, v.data, HASH_SIZE);
        rc = fn(ctx, tree_cursor_key(&c), &h);
        if (rc == BD_OK)
            rc = tree_cursor_next(&c, err);
    }
    tree_cursor_release(&c);
    return rc;
}

bool ref_name_is_valid(const char *name) {
    size_t n = strlen(name);
    if (n == 0 || n > 1024 || !strcmp(name, "HEAD") || !strcmp(name, "head") || !strcmp(name, "-") ||
        !strcmp(name, "@"))
        return false;
    struct hash h;
    if (hash_parse(name, n, &h))
        return false;
    if (name[n - 1] == '.' || name[n - 1] == '/' || name[0] == '/')
        return false;
    if (strstr(name, "..") || strstr(name, "@{") || strstr(name, "//"))
        return false;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)name[i];
        if (c <= 0x20 || c >= 0x7f || strchr(":?[\\^~*", c))
            return false;
    }
    for (const char *part = name; part;) {
        const char *end = strchr(part, '/');
        size_t size = end ? (size_t)(end - part) : strlen(part);
        if (part[0] == '.' || (size >= 5 && !memcmp(part + size - 5, ".lock", 5)))
            return false;
        part = end ? end + 1 : NULL;
    }
    return true;
}
