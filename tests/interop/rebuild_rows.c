/*
 * Decodes everything of a real database that store/value can decode, encodes it again, and compares
 * bytes: every table schema, every row and every index key of every version of every table; and checks
 * that keys ascend in the order of tuple_compare.
 *
 * Usage: rebuild_rows [-v] DIR...   DIR holds .dolt, or is a .dolt or chunk store directory itself.
 * Exit status 1 when bytes differ or something does not read.
 */
#include "base/os.h"
#include "store/prolly/flatbuf.h"
#include "store/prolly/message.h"
#include "store/prolly/node.h"
#include "store/prolly/tree.h"
#include "store/value/tuple.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct work {
    const char *dir;
    struct node_store *ns, *scratch;
    struct hash *chunks; /* all addresses of the store */
    size_t chunk_count, chunk_capacity;
    struct hash *seen; /* open table: nodes that were looked at */
    size_t seen_count, seen_capacity;
    struct arena rows; /* per node */
    uint64_t schemas, tuples, cells, refused, loose, failures;
};

static uint64_t total_schemas, total_tuples, total_cells, total_refused, total_loose, total_failures;

static void report(struct work *w, const char *what, const char *name, const char *why) {
    w->failures++;
    if (w->failures <= 20)
        printf("%s: %s %s: %s\n", w->dir, what, name, why);
}

static bool add_seen(struct work *w, const struct hash *h) {
    if (w->seen_count * 2 >= w->seen_capacity) {
        size_t old_capacity = w->seen_capacity;
        struct hash *old = w->seen;
        w->seen_capacity = old_capacity ? old_capacity * 2 : 1024;
        w->seen = mem_zalloc(w->seen_capacity, sizeof *w->seen);
        w->seen_count = 0;
        for (size_t i = 0; i < old_capacity; i++)
            if (!hash_is_zero(&old[i]))
                add_seen(w, &old[i]);
        free(old);
    }
    size_t i;
    memcpy(&i, h->b, sizeof i);
    for (i &= w->seen_capacity - 1; !hash_is_zero(&w->seen[i]); i = (i + 1) & (w->seen_capacity - 1))
        if (hash_eq(&w->seen[i], h))
            return false;
    w->seen[i] = *h;
    w->seen_count++;
    return true;
}

/* --- schemas --- */

static void rebuild_schema(struct work *w, struct chunk c) {
    struct arena a = ARENA_INIT;
    struct schema s, derived;
    struct buf again = BUF_INIT;
    struct err err = ERR_INIT;
    char name[HASH_TEXT_SIZE + 1];
    struct hash h = hash_of(c.data, c.size);
    hash_format(&h, name);
    w->schemas++;
    int rc = schema_parse(&c, &a, &s, &err);
    if (rc == BD_OK)
        rc = schema_serialize(&s, &again, &err);
    if (rc == BD_UNSUPPORTED) {
        w->refused++;
    } else if (rc != BD_OK) {
        report(w, "schema", name, err.msg);
    } else if (again.size != c.size || memcmp(again.data, c.data, c.size) != 0) {
        report(w, "schema", name, "other bytes came out");
    } else {
        schema_copy(&s, &a, &derived);
        schema_derive(&derived, &a);
        buf_clear(&again);
        if (schema_serialize(&derived, &again, &err) != BD_OK || again.size != c.size ||
            memcmp(again.data, c.data, c.size) != 0)
            report(w, "schema", name, "what schema_derive computes differs from what is stored");
        for (size_t i = 0; i < schema_visible_count(&s); i++) {
            char *text = sql_type_format(&s.columns[i].type, &a);
            if (strcmp(text, s.columns[i].type_text) != 0)
                report(w, "type", s.columns[i].type_text, text);
        }
    }
    buf_release(&again);
    arena_release(&a);
}

/* --- rows --- */

static void rebuild_tuple(struct work *w, const struct tuple_desc *d, struct bytes t,
                          const char *table) {
    struct err err = ERR_INIT;
    struct bytes again;
    struct cell *cells = arena_alloc(&w->rows, (d->count + 1) * sizeof *cells);
    w->tuples++;
    if (!tuple_is_valid(t)) {
        report(w, "row of", table, "its offsets are wrong");
        return;
    }
    for (size_t i = 0; i < d->count; i++) {
        if (tuple_get_cell(d, t, i, w->ns, &w->rows, &cells[i], &err) != BD_OK) {
            report(w, "row of", table, err.msg);
            return;
        }
        w->cells++;
    }
    int rc = tuple_build(d, cells, w->scratch, &w->rows, &again, &err);
    if (rc != BD_OK) {
        report(w, "row of", table, err.msg);
        return;
    }
    if (again.size == t.size && memcmp(again.data, t.data, t.size) == 0)
        return;
    for (size_t i = 0; i < d->count; i++) {
        struct bytes x = tuple_field(t, i), y = tuple_field(again, i);
        struct cell other;
        /* a few statements make Dolt store a DECIMAL without its column's scale (100 as 1e2) */
        if (d->fields[i].encoding == ENC_DECIMAL &&
            tuple_get_cell(d, again, i, w->ns, &w->rows, &other, &err) == BD_OK &&
            cell_eq(&cells[i], &other)) {
            w->loose++;
            return;
        }
        if (x.size != y.size || (x.size && memcmp(x.data, y.data, x.size) != 0)) {
            char why[400];
            char *text = cell_format(&cells[i], &w->rows);
            snprintf(why, sizeof why, "column %s: other bytes came out for '%.200s'",
                     d->fields[i].name ? d->fields[i].name : "(hidden)", text ? text : "NULL");
            report(w, "row of", table, why);
            return;
        }
    }
    report(w, "row of", table, "other bytes came out");
}

static void report_order(struct work *w, const struct tuple_desc *d, struct bytes x, struct bytes y,
                         const char *table) {
    char why[600];
    struct cell a, b;
    if (tuple_get_cell(d, x, 0, w->ns, &w->rows, &a, NULL) != BD_OK ||
        tuple_get_cell(d, y, 0, w->ns, &w->rows, &b, NULL) != BD_OK)
        return;
    const char *s = cell_format(&a, &w->rows), *t = cell_format(&b, &w->rows);
    snprintf(why, sizeof why, "'%.200s' stands before '%.200s' (collation %u)", s ? s : "NULL",
             t ? t : "NULL", (unsigned)d->fields[0].collation);
    report(w, "keys of", table, why);
}

static void rebuild_leaf(struct work *w, const struct tuple_desc *keys, const struct tuple_desc *values,
                         const struct tree_node *n, const char *table) {
    for (uint32_t i = 0; i < n->count; i++) {
        struct bytes key = tree_node_key(n, i);
        rebuild_tuple(w, keys, key, table);
        if (values)
            rebuild_tuple(w, values, tree_node_value(n, i), table);
        if (i > 0 && tuple_compare(keys, tree_node_key(n, i - 1), key) >= 0)
            report_order(w, keys, tree_node_key(n, i - 1), key, table);
    }
    arena_reset(&w->rows);
    node_store_reset(w->scratch);
}

static void rebuild_nodes(struct work *w, const struct tuple_desc *keys,
                          const struct tuple_desc *values, struct chunk c, const char *table) {
    struct tree_node n;
    struct err err = ERR_INIT;
    if (node_parse(TREE_ROWS, c, &n, &err) != BD_OK) {
        report(w, "node of", table, err.msg);
        return;
    }
    if (n.level == 0) {
        rebuild_leaf(w, keys, values, &n, table);
        return;
    }
    for (uint32_t i = 0; i < n.count; i++) {
        struct hash h = node_child_hash(&n, i);
        struct chunk child;
        if (i > 0 && tuple_compare(keys, tree_node_key(&n, i - 1), tree_node_key(&n, i)) >= 0)
            report(w, "keys of", table, "do not ascend");
        if (!add_seen(w, &h))
            continue;
        if (node_store_read(w->ns, &h, &child, &err) == BD_OK)
            rebuild_nodes(w, keys, values, child, table);
    }
}

static void rebuild_indexes(struct work *w, const struct schema *s, struct arena *a, struct chunk map) {
    struct tree t;
    struct tree_cursor c;
    struct err err = ERR_INIT;
    if (tree_open_embedded(&t, w->ns, &tree_type_addresses, map, &err) != BD_OK)
        return;
    for (tree_cursor_first(&c, &t, &err); c.valid; tree_cursor_next(&c, &err)) {
        struct bytes key = tree_cursor_key(&c), value = tree_cursor_value(&c);
        char *name = arena_strndup(a, (const char *)key.data, key.size);
        const struct index *x = schema_index(s, name);
        struct hash h;
        struct chunk root;
        struct tuple_desc d;
        memcpy(h.b, value.data, HASH_SIZE);
        if (!x || x->spatial || x->fulltext || x->vector || x->prefix_count || !add_seen(w, &h))
            continue;
        tuple_desc_index(s, x, a, &d);
        d.ns = w->ns;
        if (node_store_read(w->ns, &h, &root, &err) == BD_OK &&
            message_kind_of(&root) == MESSAGE_TREE_NODE)
            rebuild_nodes(w, &d, NULL, root, name);
    }
}

static void rebuild_table(struct work *w, struct chunk c) {
    bool bad;
    struct fb_table t;
    struct err err = ERR_INIT;
    struct arena a = ARENA_INIT;
    struct schema s;
    struct chunk message;
    struct hash h;
    struct tuple_desc keys, values;
    if (fb_open(c.data, c.size, "DTBL", &bad, &t, &err) != BD_OK)
        return;
    struct fb_bytes address = fb_bytes_at(&t, 0), rows = fb_bytes_at(&t, 1),
                    indexes = fb_bytes_at(&t, 2);
    if (address.size != HASH_SIZE || !rows.data)
        return;
    memcpy(h.b, address.data, HASH_SIZE);
    if (node_store_read(w->ns, &h, &message, &err) != BD_OK ||
        schema_parse(&message, &a, &s, &err) != BD_OK) {
        report(w, "table", "schema", err.msg);
        arena_release(&a);
        return;
    }
    tuple_desc_keys(&s, &a, &keys);
    tuple_desc_values(&s, &a, &values);
    struct hash root = hash_of(rows.data, rows.size);
    if (add_seen(w, &root))
        rebuild_nodes(w, &keys, &values, (struct chunk){rows.data, rows.size}, s.columns[0].name);
    if (indexes.data)
        rebuild_indexes(w, &s, &a, (struct chunk){indexes.data, indexes.size});
    arena_release(&a);
}

/* --- databases --- */

static int note(void *ctx, const struct hash *h, struct err *err) {
    struct work *w = ctx;
    (void)err;
    MEM_GROW(w->chunks, w->chunk_capacity, w->chunk_count + 1);
    w->chunks[w->chunk_count++] = *h;
    return BD_OK;
}

static bool rebuild(const char *dir, bool verbose) {
    static const char *const below[] = {"", "/.dolt/noms", "/noms"};
    char path[4096];
    struct err err = ERR_INIT;
    struct chunk_store *cs;
    int rc = BD_NOT_FOUND;
    for (size_t i = 0; i < 3 && rc == BD_NOT_FOUND; i++) {
        snprintf(path, sizeof path, "%s%s", dir, below[i]);
        rc = chunk_store_open(&cs, path, CHUNK_STORE_READ_ONLY, &err);
    }
    if (rc != BD_OK) {
        printf("%s: %s\n", dir, err.msg);
        return false;
    }
    struct work w = {.dir = dir, .rows = ARENA_INIT};
    w.ns = node_store_new(cs);
    w.scratch = node_store_new(NULL);
    rc = chunk_store_each(cs, note, &w, &err);
    if (rc != BD_OK)
        report(&w, "store", dir, err.msg);
    for (size_t i = 0; i < w.chunk_count; i++) {
        struct chunk c;
        if (node_store_read(w.ns, &w.chunks[i], &c, &err) != BD_OK) {
            report(&w, "chunk", "", err.msg);
            continue;
        }
        enum message_kind kind = message_kind_of(&c);
        if ((kind == MESSAGE_TABLE_SCHEMA || kind == MESSAGE_TABLE) && !add_seen(&w, &w.chunks[i]))
            continue;
        if (kind == MESSAGE_TABLE_SCHEMA)
            rebuild_schema(&w, c);
        else if (kind == MESSAGE_TABLE)
            rebuild_table(&w, c);
    }
    if (verbose)
        printf("%s: %llu schemas, %llu tuples, %llu cells, %llu refused, %llu failures\n", dir,
               (unsigned long long)w.schemas, (unsigned long long)w.tuples, (unsigned long long)w.cells,
               (unsigned long long)w.refused, (unsigned long long)w.failures);
    total_schemas += w.schemas;
    total_tuples += w.tuples;
    total_cells += w.cells;
    total_refused += w.refused;
    total_loose += w.loose;
    total_failures += w.failures;
    node_store_free(w.ns);
    node_store_free(w.scratch);
    chunk_store_close(cs);
    arena_release(&w.rows);
    free(w.chunks);
    free(w.seen);
    return w.failures == 0;
}

int main(int argc, char **argv) {
    bool verbose = argc > 1 && strcmp(argv[1], "-v") == 0, ok = true;
    for (int i = verbose ? 2 : 1; i < argc; i++)
        ok = rebuild(argv[i], verbose) && ok;
    printf("rebuilt %llu schemas (%llu refused), %llu tuples (%llu with a decimal of another scale), "
           "%llu cells; %llu "
           "failures\n",
           (unsigned long long)total_schemas, (unsigned long long)total_refused,
           (unsigned long long)total_tuples, (unsigned long long)total_loose,
           (unsigned long long)total_cells, (unsigned long long)total_failures);
    return ok ? 0 : 1;
}
