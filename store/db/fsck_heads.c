/*
 * What only the newest states are asked: rows whose parents are gone, possible where the checks were
 * switched off. It stops no program, so it is a note.
 */
#include "store/db/fsck_check.h"

#include "store/db/foreign_keys.h"
#include "store/db/root_value.h"
#include "store/db/store_root.h"
#include "store/db/working_set.h"

#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#define DEPTH_MAX 16
#define COLUMNS_MAX 32

struct heads {
    struct db_check *c;
    struct strmap seen; /* roots, and pairs of tables with their key */
};

/* A table of the root: its schema and its rows. */
static bool open_side(struct db_check *c, const struct root_value *rv, const char *name,
                      struct arena *a, const struct table_schema **ts, struct chunk *rows,
                      struct hash *table) {
    struct hash schema;
    struct chunk bytes;
    struct table_parts p;
    if (root_value_table(rv, name, a, NULL, table, NULL) != BD_OK ||
        table_schema_address(c->ns, table, &schema, NULL) != BD_OK)
        return false;
    struct check_schema *s = check_schema_of(c, &schema, name);
    if (!s->ts || scan_reader_get(c->reader, table, &bytes, NULL) != BD_OK ||
        !table_take_apart(&bytes, &p))
        return false;
    *ts = s->ts;
    *rows = p.rows;
    return true;
}

static bool columns_of(const struct schema *s, const uint64_t *tags, size_t count, size_t *out) {
    for (size_t i = 0; i < count; i++) {
        size_t k = 0;
        while (k < s->column_count && s->columns[k].tag != tags[i])
            k++;
        if (k == s->column_count)
            return false;
        out[i] = k;
    }
    return true;
}

/* A hash of some fields of a row; 0 when one of them is NULL. */
static uint64_t fields_hash(const struct table_schema *ts, const size_t *columns, size_t count,
                            struct bytes key, struct bytes value) {
    uint64_t h = 1;
    for (size_t i = 0; i < count; i++) {
        struct bytes f = table_field(ts, columns[i], key, value);
        if (!f.data)
            return 0;
        h = XXH3_64bits_withSeed(f.data, f.size, h);
    }
    return h ? h : 1;
}

struct hash_list {
    uint64_t *items;
    size_t count, capacity;
};

static int by_value(const void *a, const void *b) {
    uint64_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return x < y ? -1 : x > y;
}

/* Goes through the leaves below a node, each in memory for itself. */
static bool list_hashes(struct db_check *c, struct chunk node, const struct table_schema *ts,
                        const size_t *columns, size_t count, unsigned depth, struct hash_list *out) {
    struct tree_node n;
    bool good = depth <= DEPTH_MAX && node_parse(TREE_ROWS, node, &n, NULL) == BD_OK;
    for (uint32_t i = 0; good && i < n.count; i++) {
        if (n.level == 0) {
            uint64_t h = fields_hash(ts, columns, count, tree_node_key(&n, i), tree_node_value(&n, i));
            if (h) {
                MEM_GROW(out->items, out->capacity, out->count + 1);
                out->items[out->count++] = h;
            }
            continue;
        }
        struct hash child = node_child_hash(&n, i);
        uint32_t entry = scan_find(c->scan, &child);
        uint8_t *data;
        size_t size;
        good = is_kind(c, entry, MESSAGE_TREE_NODE) &&
               scan_read(c->reader, entry, &data, &size, NULL) == BD_OK;
        if (good) {
            good = list_hashes(c, (struct chunk){data, size}, ts, columns, count, depth + 1, out);
            free(data);
        }
    }
    return good;
}

static void sort_hashes(struct hash_list *l) {
    if (l->count > 1)
        qsort(l->items, l->count, sizeof *l->items, by_value);
}

static void check_orphans(struct heads *x, const struct root_value *rv, const struct foreign_key *k,
                          struct arena *a) {
    struct db_check *c = x->c;
    const struct table_schema *child, *parent;
    struct chunk child_rows, parent_rows;
    struct {
        struct hash child, parent;
        uint64_t key;
    } pair;
    memset(&pair, 0, sizeof pair);
    size_t columns[2][COLUMNS_MAX], n = k->child_tag_count;
    if (n > COLUMNS_MAX || n != k->parent_tag_count ||
        !open_side(c, rv, k->child_table, a, &child, &child_rows, &pair.child) ||
        !open_side(c, rv, k->parent_table, a, &parent, &parent_rows, &pair.parent) ||
        !columns_of(&child->schema, k->child_tags, n, columns[0]) ||
        !columns_of(&parent->schema, k->parent_tags, n, columns[1]))
        return;
    pair.key = XXH3_64bits(k->name, strlen(k->name));
    if (strmap_put_n(&x->seen, (const char *)&pair, sizeof pair, x))
        return;
    struct hash_list children = {NULL, 0, 0}, parents = {NULL, 0, 0};
    size_t lost = 0, at = 0;
    if (list_hashes(c, child_rows, child, columns[0], n, 0, &children) &&
        list_hashes(c, parent_rows, parent, columns[1], n, 0, &parents)) {
        sort_hashes(&children);
        sort_hashes(&parents);
        for (size_t i = 0; i < children.count; i++) {
            while (at < parents.count && parents.items[at] < children.items[i])
                at++;
            lost += at == parents.count || parents.items[at] != children.items[i];
        }
    }
    if (lost)
        fsck_add(c->r, FSCK_NOTE, FSCK_FOREIGN_KEY_ROWS, REPAIR_NOT_NEEDED, NULL, k->child_table, NULL,
                 "%zu rows of %s have no parent in %s (foreign key %s)", lost, k->child_table,
                 k->parent_table, k->name);
    free(children.items);
    free(parents.items);
}

static int check_head(void *ctx, struct bytes key, const struct hash *h) {
    struct heads *x = ctx;
    struct db_check *c = x->c;
    struct arena a = ARENA_INIT;
    struct working_set ws;
    struct root_value rv;
    struct foreign_keys keys = {NULL, 0};
    (void)key;
    if (is_kind(c, scan_find(c->scan, h), MESSAGE_WORKING_SET) &&
        working_set_read(c->ns, h, &a, &ws, NULL) == BD_OK &&
        !strmap_put_n(&x->seen, (const char *)ws.working.b, HASH_SIZE, x) &&
        root_value_read(&rv, c->ns, &ws.working, NULL) == BD_OK && !hash_is_zero(&rv.foreign_keys) &&
        foreign_keys_read(c->ns, &rv.foreign_keys, &a, &keys, NULL) == BD_OK)
        for (size_t i = 0; i < keys.count; i++)
            if (foreign_key_resolved(&keys.keys[i]))
                check_orphans(x, &rv, &keys.keys[i], &a);
    arena_release(&a);
    return fsck_tell(c->o, "foreign keys", 0, 0) ? BD_OK : BD_CANCELLED;
}

int check_heads(struct db_check *c, struct err *err) {
    struct heads x = {c, STRMAP_INIT};
    struct tree map;
    int rc = BD_OK;
    if (c->root != SCAN_NONE &&
        store_root_open(&map, c->ns, &c->scan->entries[c->root].address, NULL) == BD_OK)
        rc = store_root_each(&map, check_head, &x, err);
    strmap_release(&x.seen);
    if (rc == BD_CANCELLED)
        return err_set(err, rc, "the check was stopped");
    if (err)
        err_clear(err); /* unreadable heads are told by check_datasets */
    return BD_OK;
}
