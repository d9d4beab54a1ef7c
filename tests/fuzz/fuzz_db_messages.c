/*
 * Hostile bytes as every message of store/db: store roots, root values, tables, foreign keys, commits,
 * tags and working sets are read, walked, and what was understood is written again. Tables are read
 * under a fixed schema, rows and index entries included. Nothing may crash, hang or leak.
 */
#include "store/db/commit.h"
#include "store/db/foreign_keys.h"
#include "store/db/root_value.h"
#include "store/db/store_root.h"
#include "store/db/table.h"
#include "store/db/working_set.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t sum;

static void touch(const char *s) {
    for (; s && *s; s++)
        sum += (unsigned char)*s;
}

static int visit_dataset(void *ctx, struct bytes name, const struct hash *h) {
    (void)ctx;
    for (size_t i = 0; i < name.size; i++)
        sum += name.data[i];
    sum += h->b[0];
    return BD_OK;
}

static void as_store_root(struct node_store *ns, const struct hash *h) {
    struct tree map;
    struct err err = ERR_INIT;
    struct hash out;
    if (store_root_open(&map, ns, h, &err))
        return;
    store_root_each(&map, visit_dataset, NULL, &err);
    store_root_get(&map, "refs/heads/main", &out, &err);
    struct store_root_edit edit = {"refs/heads/main", *h};
    store_root_edit(&map, &edit, 1, &out, &err);
}

static void as_root_value(struct node_store *ns, const struct hash *h, struct arena *a) {
    struct root_value rv, other;
    struct err err = ERR_INIT;
    if (root_value_read(&rv, ns, h, &err))
        return;
    const char **names;
    size_t n;
    struct root_value_change *changes;
    if (root_value_names(&rv, a, &names, &n, &err) == BD_OK)
        for (size_t i = 0; i < n; i++)
            touch(names[i]);
    if (root_value_empty(&other, ns, &err) == BD_OK)
        root_value_changes(&other, &rv, a, &changes, &n, &err);
    struct root_value_edit edit = {"a", *h};
    if (root_value_edit(&rv, &edit, 1, &err) == BD_OK)
        root_value_write(&rv, &err);
}

static void as_commit(struct node_store *ns, const struct hash *h, struct arena *a) {
    struct commit c;
    struct err err = ERR_INIT;
    if (commit_read(ns, h, a, &c, &err) == BD_OK) {
        touch(c.author);
        touch(c.email);
        touch(c.message);
        touch(c.committer);
        touch(c.signature);
        commit_write(ns, &c, &err);
        struct hash parents[1] = {*h};
        struct commit next = {.root = *h,
                              .parents = parents,
                              .parent_count = 1,
                              .author = "a",
                              .email = "b",
                              .message = "c"};
        commit_create(ns, &next, &err);
    }
    struct tag t;
    if (tag_read(ns, h, a, &t, &err) == BD_OK) {
        touch(t.name);
        touch(t.email);
        touch(t.description);
    }
}

static void as_working_set(struct node_store *ns, const struct hash *h, struct arena *a) {
    struct working_set ws;
    struct err err = ERR_INIT;
    if (working_set_read(ns, h, a, &ws, &err))
        return;
    touch(ws.name);
    touch(ws.merge.from_spec);
    for (size_t i = 0; i < ws.merge.unmergable_count; i++)
        touch(ws.merge.unmergable[i]);
    touch(ws.rebase.branch);
    working_set_write(ns, &ws, &err);
}

static void as_foreign_keys(struct node_store *ns, const struct hash *h, struct arena *a) {
    struct foreign_keys fks;
    struct err err = ERR_INIT;
    struct hash out;
    if (foreign_keys_read(ns, h, a, &fks, &err))
        return;
    for (size_t i = 0; i < fks.count; i++) {
        const struct foreign_key *k = &fks.keys[i];
        touch(k->name);
        touch(k->child_table);
        for (size_t j = 0; j < k->child_tag_count; j++)
            sum += k->child_tags[j] + k->parent_tags[j];
        for (size_t j = 0; j < k->parent_name_count; j++)
            touch(k->parent_names[j]);
        foreign_key_equal(k, &fks.keys[0]);
    }
    foreign_keys_write(ns, &fks, &out, &err);
}

static int fixed_schema(void *ctx, const struct hash *h, const struct table_schema **out,
                        struct err *err) {
    (void)h;
    (void)err;
    *out = ctx;
    return BD_OK;
}

static void make_schema(struct arena *a, struct table_schema *ts) {
    static const struct {
        const char *name, *type;
        enum encoding encoding;
    } columns[] = {{"key", "varchar(255)", ENC_STRING},
                   {"value", "text", ENC_STRING_ADDR},
                   {"n", "int", ENC_INT32},
                   {"extra", "json", ENC_JSON_ADDR},
                   {"more", "longtext", ENC_STRING_ADAPTIVE}};
    struct schema s = {.collation = COLLATION_UTF8MB4_0900_BIN, .comment = "", .target_row_size = 2048};
    struct err err = ERR_INIT;
    s.column_count = sizeof columns / sizeof *columns;
    s.columns = arena_zalloc(a, s.column_count * sizeof *s.columns);
    for (size_t i = 0; i < s.column_count; i++) {
        struct column *c = &s.columns[i];
        c->name = columns[i].name;
        c->type_text = columns[i].type;
        c->default_text = c->comment = c->on_update = "";
        c->encoding = columns[i].encoding;
        c->nullable = i > 0;
        c->tag = i + 1;
        if (sql_type_parse(c->type_text, a, &c->type, &err))
            abort();
    }
    s.pk = arena_zalloc(a, sizeof *s.pk);
    s.pk_count = 1;
    s.indexes = arena_zalloc(a, sizeof *s.indexes);
    s.indexes[0] =
        (struct index){.name = "idx_n", .comment = "", .columns = arena_zalloc(a, sizeof(uint16_t))};
    s.indexes[0].columns[0] = 2;
    s.indexes[0].column_count = 1;
    s.index_count = 1;
    schema_derive(&s, a);
    table_schema_init(ts, &s, a);
}

static void walk(struct table *t, const struct edit_map *m, bool rows, struct arena *a) {
    struct map_cursor c;
    struct err err = ERR_INIT;
    int rc = map_cursor_first(&c, m, &err);
    for (int i = 0; rc == BD_OK && c.valid && i < 200; i++) {
        if (rows) {
            struct bytes entry;
            struct cell cell;
            for (size_t k = 0; k < t->ts->schema.column_count; k++)
                if (table_cell(t->ts, k, c.key, c.value, t->ns, a, &cell, &err) == BD_OK &&
                    cell_has_text(&cell))
                    for (size_t b = 0; b < cell.s.size; b++)
                        sum += (unsigned char)cell.s.data[b];
            table_index_key(t->ts, 0, c.key, c.value, t->ns, a, &entry, NULL, &err);
            struct bytes key = keyless_key(c.value, a);
            sum += key.data[0] + keyless_cardinality(c.value);
            keyless_with_cardinality(c.value, 2, a);
        } else {
            struct bytes key = table_index_row_key(t->ts, 0, c.key, a), value;
            if (key.data)
                edit_map_get(&t->rows, key, &value, &err);
        }
        rc = map_cursor_next(&c, &err);
    }
    map_cursor_release(&c);
}

static void as_table(struct node_store *ns, const struct hash *h, struct arena *a) {
    struct table_schema ts;
    struct table t;
    struct err err = ERR_INIT;
    struct hash schema;
    struct edit_map *index;
    make_schema(a, &ts);
    table_schema_address(ns, h, &schema, &err);
    if (table_open(&t, ns, "t", h, fixed_schema, &ts, a, &err))
        return;
    walk(&t, &t.rows, true, a);
    if (table_index(&t, 0, &index, &err) == BD_OK)
        walk(&t, index, false, a);
    static const uint8_t key[] = {'k', 0, 1, 0};
    edit_map_put(&t.rows, (struct bytes){key, sizeof key}, tuple_empty);
    table_flush(&t, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct node_store *ns = node_store_new(NULL);
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct hash h;
    if (node_store_write(ns, data, size, &h, &err) == BD_OK) {
        as_store_root(ns, &h);
        as_root_value(ns, &h, &a);
        as_commit(ns, &h, &a);
        as_working_set(ns, &h, &a);
        as_foreign_keys(ns, &h, &a);
        as_table(ns, &h, &a);
    }
    arena_release(&a);
    node_store_free(ns);
    return sum == 42 ? 0 : 0;
}
