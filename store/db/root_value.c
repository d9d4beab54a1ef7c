/*
 * The RTVL message. Its table map is embedded, so a root value of any size is one chunk plus, for
 * hundreds of tables, the lower nodes of the map.
 */
#include "store/db/root_value.h"

#include "store/prolly/flatbuf.h"
#include "store/value/schema.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

int root_value_read(struct root_value *rv, struct node_store *ns, const struct hash *h,
                    struct err *err) {
    memset(rv, 0, sizeof *rv);
    rv->ns = ns;
    rv->hash = *h;
    char text[HASH_TEXT_SIZE + 1];
    hash_format(h, text);
    struct chunk c;
    int rc = node_store_read(ns, h, &c, err);
    if (rc)
        return err_prefix(err, "reading root value %s", text);
    bool bad = false;
    struct fb_table t;
    rc = fb_open(c.data, c.size, "RTVL", &bad, &t, err);
    if (rc)
        return err_prefix(err, "root value %s", text);
    rv->feature_version = fb_i64(&t, 0, 0);
    struct fb_bytes tables = fb_bytes_at(&t, 1), fk = fb_bytes_at(&t, 2);
    rv->collation = fb_u16(&t, 3, 0);
    if (bad || !tables.data || fk.size != HASH_SIZE)
        return err_set(err, BD_CORRUPT, "root value %s lacks its table map or foreign key address",
                       text);
    if (fb_has(&t, 4))
        return err_set(err, BD_UNSUPPORTED, "root value %s has schemas (a Doltgres database)", text);
    memcpy(rv->foreign_keys.b, fk.data, HASH_SIZE);
    return tree_open_embedded(&rv->tables, ns, &tree_type_addresses,
                              (struct chunk){tables.data, tables.size}, err);
}

int root_value_empty(struct root_value *rv, struct node_store *ns, struct err *err) {
    memset(rv, 0, sizeof *rv);
    rv->ns = ns;
    rv->feature_version = FEATURE_VERSION;
    rv->collation = COLLATION_UTF8MB4_0900_BIN;
    return tree_empty(&rv->tables, ns, &tree_type_addresses, err);
}

int root_value_write(struct root_value *rv, struct err *err) {
    if (rv->feature_version > FEATURE_VERSION)
        return err_set(err, BD_TOO_NEW,
                       "the database was written by a newer program (feature version %lld, this one "
                       "writes %d); upgrade before writing to it",
                       (long long)rv->feature_version, FEATURE_VERSION);
    rv->feature_version = FEATURE_VERSION;
    struct flatbuf fb;
    flatbuf_init(&fb);
    flatbuf_ref tables = flatbuf_bytes(&fb, rv->tables.root.data, rv->tables.root.size);
    flatbuf_ref fk = flatbuf_bytes(&fb, rv->foreign_keys.b, HASH_SIZE);
    flatbuf_table_begin(&fb, 5);
    flatbuf_add_u64(&fb, 0, (uint64_t)rv->feature_version, 0);
    flatbuf_add_u16(&fb, 3, rv->collation, 0);
    flatbuf_add_ref(&fb, 1, tables);
    flatbuf_add_ref(&fb, 2, fk);
    flatbuf_ref root = flatbuf_table_end(&fb);
    const uint8_t *data;
    size_t size;
    flatbuf_finish_message(&fb, root, "RTVL", &data, &size);
    int rc = node_store_write(rv->ns, data, size, &rv->hash, err);
    flatbuf_release(&fb);
    return rc;
}

static int address_of(struct bytes v, struct hash *out, struct err *err) {
    if (v.size != HASH_SIZE)
        return err_set(err, BD_CORRUPT, "a table of the root value has no address");
    memcpy(out->b, v.data, HASH_SIZE);
    return BD_OK;
}

int root_value_table(const struct root_value *rv, const char *table, struct arena *a, const char **name,
                     struct hash *out, struct err *err) {
    struct bytes key = {(const uint8_t *)table, strlen(table)}, v;
    int rc = tree_get(&rv->tables, key, &v, err);
    if (rc == BD_OK) {
        if (name)
            *name = arena_strdup(a, table);
        return address_of(v, out, err);
    }
    if (rc != BD_NOT_FOUND)
        return rc;
    struct tree_cursor c;
    rc = tree_cursor_first(&c, &rv->tables, err);
    if (rc)
        return rc;
    bool found = false;
    while (rc == BD_OK && c.valid && !found) {
        struct bytes k = tree_cursor_key(&c);
        if (k.size == key.size && !strncasecmp((const char *)k.data, table, k.size)) {
            found = true;
            if (name)
                *name = arena_strndup(a, (const char *)k.data, k.size);
            rc = address_of(tree_cursor_value(&c), out, err);
        } else {
            rc = tree_cursor_next(&c, err);
        }
    }
    tree_cursor_release(&c);
    if (rc)
        return rc;
    return found ? BD_OK : err_set(err, BD_NOT_FOUND, "table not found: %s", table);
}

bool root_value_has(const struct root_value *rv, const char *table) {
    struct bytes key = {(const uint8_t *)table, strlen(table)}, v;
    return tree_get(&rv->tables, key, &v, NULL) == BD_OK;
}

static int edit_order(const void *a, const void *b) {
    const struct root_value_edit *x = a, *y = b;
    return strcmp(x->table, y->table);
}

int root_value_edit(struct root_value *rv, const struct root_value_edit *edits, size_t count,
                    struct err *err) {
    if (count == 0)
        return BD_OK;
    struct root_value_edit *sorted = mem_dup(edits, count * sizeof *edits);
    struct tree_edit *list = mem_zalloc(count, sizeof *list);
    qsort(sorted, count, sizeof *sorted, edit_order);
    for (size_t i = 0; i < count; i++) {
        list[i].key = (struct bytes){(const uint8_t *)sorted[i].table, strlen(sorted[i].table)};
        list[i].remove = hash_is_zero(&sorted[i].address);
        if (!list[i].remove)
            list[i].value = (struct bytes){sorted[i].address.b, HASH_SIZE};
    }
    int rc = tree_apply(&rv->tables, list, count, &rv->tables, err);
    free(list);
    free(sorted);
    return rc;
}

int root_value_names(const struct root_value *rv, struct arena *a, const char ***names, size_t *count,
                     struct err *err) {
    uint64_t total = tree_count(&rv->tables);
    if (total > UINT32_MAX)
        return err_set(err, BD_CORRUPT, "the root value claims %llu tables", (unsigned long long)total);
    const char **list = NULL;
    size_t n = 0, capacity = 0;
    struct tree_cursor c;
    int rc = tree_cursor_first(&c, &rv->tables, err);
    if (rc)
        return rc;
    while (rc == BD_OK && c.valid) {
        struct bytes k = tree_cursor_key(&c);
        MEM_GROW(list, capacity, n + 1);
        list[n++] = arena_strndup(a, (const char *)k.data, k.size);
        rc = tree_cursor_next(&c, err);
    }
    tree_cursor_release(&c);
    if (rc == BD_OK) {
        *names = arena_dup(a, list, n * sizeof *list);
        *count = n;
    }
    free(list);
    return rc;
}

struct changes_ctx {
    struct arena *a;
    struct root_value_change *list;
    size_t count, capacity;
};

static int changes_add(void *ctx, const struct tree_diff *d) {
    struct changes_ctx *x = ctx;
    MEM_GROW(x->list, x->capacity, x->count + 1);
    struct root_value_change *c = &x->list[x->count++];
    memset(c, 0, sizeof *c);
    c->table = arena_strndup(x->a, (const char *)d->key.data, d->key.size);
    if (d->change != TREE_ADDED && d->from.size == HASH_SIZE)
        memcpy(c->from.b, d->from.data, HASH_SIZE);
    if (d->change != TREE_REMOVED && d->to.size == HASH_SIZE)
        memcpy(c->to.b, d->to.data, HASH_SIZE);
    return BD_OK;
}

int root_value_changes(const struct root_value *from, const struct root_value *to, struct arena *a,
                       struct root_value_change **list, size_t *count, struct err *err) {
    struct changes_ctx x = {a, NULL, 0, 0};
    int rc = tree_diff_walk(&from->tables, &to->tables, changes_add, &x, err);
    if (rc == BD_OK) {
        *list = arena_dup(a, x.list, x.count * sizeof *x.list);
        *count = x.count;
    }
    free(x.list);
    return rc;
}
