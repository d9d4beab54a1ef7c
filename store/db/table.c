/*
 * The DTBL message and the maps it holds. A table is opened without reading its indexes; what was not
 * touched is written back by address.
 */
#include "store/db/table.h"

#include "store/prolly/flatbuf.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <stdlib.h>
#include <string.h>

static const uint8_t empty_bytes[2] = {0, 0};
const struct bytes tuple_empty = {empty_bytes, 2};

static bool is_adaptive(enum encoding e) {
    return e == ENC_STRING_ADAPTIVE || e == ENC_BYTES_ADAPTIVE || e == ENC_EXTENDED_ADAPTIVE ||
           e == ENC_GEOM_ADAPTIVE || e == ENC_JSON_ADAPTIVE;
}

void table_schema_init(struct table_schema *out, const struct schema *s, struct arena *a) {
    memset(out, 0, sizeof *out);
    out->schema = *s;
    s = &out->schema;
    tuple_desc_keys(s, a, &out->keys);
    tuple_desc_values(s, a, &out->values);
    out->indexes = arena_zalloc(a, (s->index_count + 1) * sizeof *out->indexes);
    out->index_types = arena_zalloc(a, (s->index_count + 1) * sizeof *out->index_types);
    for (size_t i = 0; i < s->index_count; i++) {
        tuple_desc_index(s, &s->indexes[i], a, &out->indexes[i]);
        out->index_types[i] = (struct tree_type){
            .kind = TREE_ROWS, .compare = tuple_compare, .compare_ctx = &out->indexes[i]};
    }
    out->places = arena_zalloc(a, (s->column_count + 1) * sizeof *out->places);
    for (size_t i = 0; i < s->column_count; i++)
        out->places[i].in = PLACE_NONE;
    for (size_t i = 0; i < s->pk_count; i++)
        out->places[s->pk[i]] = (struct column_place){PLACE_KEY, (uint16_t)i};
    for (size_t i = 0; i < s->value_count; i++)
        out->places[s->values[i]] = (struct column_place){PLACE_VALUE, (uint16_t)i};
    out->computed = arena_zalloc(a, (s->column_count + 1) * sizeof *out->computed);
    for (size_t i = 0; i < s->column_count; i++)
        if (s->columns[i].is_virtual &&
            expr_parse(s->columns[i].default_text, a, &out->computed[i], NULL))
            out->computed[i] = NULL; /* said when somebody asks for a value */
    for (size_t i = 0; i < out->values.count; i++)
        if (is_adaptive(out->values.fields[i].encoding))
            out->has_adaptive = true;
    out->row_type = (struct tree_type){
        .kind = TREE_ROWS,
        .compare = tuple_compare,
        .compare_ctx = &out->keys,
        .addresses = tuple_addresses,
        .addresses_ctx = &out->values,
    };
}

int table_schema_read(struct node_store *ns, const struct hash *h, struct arena *a,
                      struct table_schema *out, struct err *err) {
    struct chunk c;
    int rc = node_store_read(ns, h, &c, err);
    if (rc)
        return err_prefix(err, "reading a table schema");
    struct schema s;
    rc = schema_parse(&c, a, &s, err);
    if (rc)
        return rc;
    table_schema_init(out, &s, a);
    out->hash = *h;
    return BD_OK;
}

/* Writes the DSCH message and sets ts->hash. */
static int table_schema_write(struct node_store *ns, struct table_schema *ts, struct err *err) {
    struct buf b = BUF_INIT;
    int rc = schema_serialize(&ts->schema, &b, err);
    if (rc == BD_OK)
        rc = node_store_write(ns, b.data, b.size, &ts->hash, err);
    buf_release(&b);
    return rc;
}

static bool address_at(const struct fb_table *t, unsigned slot, struct hash *out) {
    *out = HASH_ZERO;
    struct fb_bytes b = fb_bytes_at(t, slot);
    if (!b.data)
        return true;
    if (b.size != HASH_SIZE)
        return false;
    memcpy(out->b, b.data, HASH_SIZE);
    return true;
}

static int message_open(struct node_store *ns, const struct hash *h, bool *bad, struct fb_table *f,
                        struct err *err) {
    struct chunk c;
    int rc = node_store_read(ns, h, &c, err);
    return rc ? rc : fb_open(c.data, c.size, "DTBL", bad, f, err);
}

int table_schema_address(struct node_store *ns, const struct hash *table, struct hash *schema,
                         struct err *err) {
    bool bad = false;
    struct fb_table f;
    int rc = message_open(ns, table, &bad, &f, err);
    if (rc)
        return rc;
    if (!address_at(&f, 0, schema) || bad || hash_is_zero(schema))
        return err_set(err, BD_CORRUPT, "a table names no schema");
    return BD_OK;
}

static void tables_maps(struct table *t) {
    size_t n = t->ts->schema.index_count;
    t->indexes = arena_zalloc(t->arena, (n + 1) * sizeof *t->indexes);
    t->index_open = arena_zalloc(t->arena, (n + 1) * sizeof *t->index_open);
}

int table_open(struct table *t, struct node_store *ns, const char *name, const struct hash *h,
               table_schema_fn schema_for, void *ctx, struct arena *a, struct err *err) {
    memset(t, 0, sizeof *t);
    t->name = arena_strdup(a, name);
    t->hash = *h;
    t->ns = ns;
    t->arena = a;
    bool bad = false;
    struct fb_table f, conflicts;
    int rc = message_open(ns, h, &bad, &f, err);
    if (rc)
        return err_prefix(err, "table %s", name);
    struct hash schema;
    struct fb_bytes rows = fb_bytes_at(&f, 1), indexes = fb_bytes_at(&f, 2);
    bool ok = address_at(&f, 0, &schema) && rows.data && indexes.data;
    t->auto_increment = fb_u64(&f, 3, 0);
    if (fb_table_at(&f, 4, &conflicts))
        for (unsigned i = 0; i < 4; i++)
            ok = address_at(&conflicts, i, &t->conflicts[i]) && ok;
    ok = address_at(&f, 5, &t->violations) && address_at(&f, 6, &t->artifacts) && ok;
    if (!ok || bad)
        return err_set(err, BD_CORRUPT, "table %s is damaged: a field is missing or has a wrong size",
                       name);
    rc = schema_for(ctx, &schema, &t->ts, err);
    if (rc)
        return err_prefix(err, "table %s", name);
    struct tree tree;
    rc = tree_open_embedded(&tree, ns, &t->ts->row_type, (struct chunk){rows.data, rows.size}, err);
    if (rc)
        return err_prefix(err, "rows of table %s", name);
    edit_map_init(&t->rows, &tree, a);
    rc = tree_open_embedded(&t->index_roots, ns, &tree_type_addresses,
                            (struct chunk){indexes.data, indexes.size}, err);
    if (rc)
        return err_prefix(err, "indexes of table %s", name);
    tables_maps(t);
    return BD_OK;
}

int table_create(struct table *t, struct node_store *ns, const char *name,
                 const struct table_schema *ts, struct arena *a, struct err *err) {
    memset(t, 0, sizeof *t);
    t->name = arena_strdup(a, name);
    t->ns = ns;
    t->arena = a;
    t->ts = ts;
    t->changed = true;
    struct tree tree;
    int rc = tree_empty(&tree, ns, &ts->row_type, err);
    if (rc)
        return rc;
    edit_map_init(&t->rows, &tree, a);
    tables_maps(t);
    rc = tree_empty(&t->index_roots, ns, &tree_type_addresses, err);
    for (size_t i = 0; rc == BD_OK && i < ts->schema.index_count; i++) {
        rc = tree_empty(&tree, ns, &ts->index_types[i], err);
        if (rc == BD_OK) {
            edit_map_init(&t->indexes[i], &tree, a);
            t->index_open[i] = true;
        }
    }
    return rc;
}

int table_index(struct table *t, size_t i, struct edit_map **out, struct err *err) {
    if (!t->index_open[i]) {
        const char *name = t->ts->schema.indexes[i].name;
        struct bytes v;
        int rc =
            tree_get(&t->index_roots, (struct bytes){(const uint8_t *)name, strlen(name)}, &v, err);
        if (rc == BD_NOT_FOUND || (rc == BD_OK && v.size != HASH_SIZE))
            return err_set(err, BD_CORRUPT, "table %s has no data for its index %s", t->name, name);
        if (rc)
            return rc;
        struct hash h;
        memcpy(h.b, v.data, HASH_SIZE);
        struct tree tree;
        rc = tree_open(&tree, t->ns, &t->ts->index_types[i], &h, err);
        if (rc)
            return err_prefix(err, "index %s of table %s", name, t->name);
        edit_map_init(&t->indexes[i], &tree, t->arena);
        t->index_open[i] = true;
    }
    *out = &t->indexes[i];
    return BD_OK;
}

bool table_is_dirty(const struct table *t) {
    if (t->changed || edit_map_dirty(&t->rows))
        return true;
    for (size_t i = 0; i < t->ts->schema.index_count; i++)
        if (t->index_open[i] && edit_map_dirty(&t->indexes[i]))
            return true;
    return false;
}

static int write_indexes(struct table *t, struct err *err) {
    const struct schema *s = &t->ts->schema;
    struct tree_edit *edits = mem_zalloc(s->index_count + 1, sizeof *edits);
    struct hash *roots = mem_zalloc(s->index_count + 1, sizeof *roots);
    size_t n = 0;
    int rc = BD_OK;
    /* schema indexes are sorted by name, as the map wants its edits */
    for (size_t i = 0; rc == BD_OK && i < s->index_count; i++) {
        if (!t->index_open[i] || !(t->changed || edit_map_dirty(&t->indexes[i])))
            continue;
        rc = edit_map_flush(&t->indexes[i], err);
        if (rc == BD_OK)
            rc = tree_write_root(&t->indexes[i].tree, &roots[n], err);
        const char *name = s->indexes[i].name;
        edits[n].key = (struct bytes){(const uint8_t *)name, strlen(name)};
        edits[n].value = (struct bytes){roots[n].b, HASH_SIZE};
        n++;
    }
    if (rc == BD_OK && n)
        rc = tree_apply(&t->index_roots, edits, n, &t->index_roots, err);
    free(edits);
    free(roots);
    return rc;
}

int table_flush(struct table *t, struct err *err) {
    if (!table_is_dirty(t))
        return BD_OK;
    int rc = edit_map_flush(&t->rows, err);
    if (rc == BD_OK)
        rc = write_indexes(t, err);
    if (rc == BD_OK && hash_is_zero(&t->ts->hash)) /* made by a schema change just now */
        rc = table_schema_write(t->ns, (struct table_schema *)t->ts, err);
    if (rc)
        return err_prefix(err, "writing table %s", t->name);
    struct flatbuf fb;
    flatbuf_init(&fb);
    flatbuf_ref schema = flatbuf_bytes(&fb, t->ts->hash.b, HASH_SIZE);
    flatbuf_ref rows = flatbuf_bytes(&fb, t->rows.tree.root.data, t->rows.tree.root.size);
    flatbuf_ref indexes = flatbuf_bytes(&fb, t->index_roots.root.data, t->index_roots.root.size);
    flatbuf_ref parts[4];
    for (unsigned i = 0; i < 4; i++)
        parts[i] = flatbuf_bytes(&fb, t->conflicts[i].b, HASH_SIZE);
    flatbuf_table_begin(&fb, 4);
    for (unsigned i = 0; i < 4; i++)
        flatbuf_add_ref(&fb, i, parts[i]);
    flatbuf_ref conflicts = flatbuf_table_end(&fb);
    flatbuf_ref violations = flatbuf_bytes(&fb, t->violations.b, HASH_SIZE);
    flatbuf_ref artifacts = flatbuf_bytes(&fb, t->artifacts.b, HASH_SIZE);
    flatbuf_table_begin(&fb, 7);
    flatbuf_add_ref(&fb, 0, schema);
    flatbuf_add_ref(&fb, 1, rows);
    flatbuf_add_ref(&fb, 2, indexes);
    flatbuf_add_u64(&fb, 3, t->auto_increment == 1 ? 0 : t->auto_increment, 0);
    flatbuf_add_ref(&fb, 4, conflicts);
    flatbuf_add_ref(&fb, 5, violations);
    flatbuf_add_ref(&fb, 6, artifacts);
    flatbuf_ref root = flatbuf_table_end(&fb);
    const uint8_t *data;
    size_t size;
    flatbuf_finish_message(&fb, root, "DTBL", &data, &size);
    rc = node_store_write(t->ns, data, size, &t->hash, err);
    flatbuf_release(&fb);
    if (rc == BD_OK)
        t->changed = false;
    return rc;
}

/* ---- rows ---- */

struct bytes table_field(const struct table_schema *ts, size_t column, struct bytes key,
                         struct bytes value) {
    struct column_place p = ts->places[column];
    switch (p.in) {
    case PLACE_KEY: return tuple_field(key, p.at);
    case PLACE_VALUE: return tuple_field(value, p.at);
    case PLACE_NONE: break;
    }
    return (struct bytes){NULL, 0};
}

const struct tuple_field *table_column_field(const struct table_schema *ts, size_t column) {
    struct column_place p = ts->places[column];
    switch (p.in) {
    case PLACE_KEY: return p.at < ts->keys.count ? &ts->keys.fields[p.at] : NULL;
    case PLACE_VALUE: return p.at < ts->values.count ? &ts->values.fields[p.at] : NULL;
    case PLACE_NONE: break;
    }
    return NULL;
}

struct computing {
    const struct table_schema *ts;
    struct bytes key, value;
    struct node_store *ns;
    struct arena *a;
    struct cell *row;
    int rc;
    struct err *err;
};

static void load_mentioned(void *ctx, const char *column) {
    struct computing *c = ctx;
    int i = schema_column(&c->ts->schema, column);
    if (i >= 0 && c->rc == BD_OK)
        c->rc = table_cell(c->ts, (size_t)i, c->key, c->value, c->ns, c->a, &c->row[i], c->err);
}

/* The value of a virtual generated column. */
static int compute(const struct table_schema *ts, size_t column, struct bytes key, struct bytes value,
                   struct node_store *ns, struct arena *a, struct cell *out, struct err *err) {
    const struct schema *s = &ts->schema;
    const struct column *c = &s->columns[column];
    *out = cell_null();
    if (!c->is_virtual)
        return BD_OK;
    if (!ts->computed[column])
        return err_set(err, BD_UNSUPPORTED,
                       "the generated column %s is computed by what this program cannot read: %s",
                       c->name, c->default_text);
    struct computing x = {
        ts, key, value, ns, a, arena_zalloc(a, (s->column_count + 1) * sizeof *x.row), BD_OK, err};
    expr_columns(ts->computed[column], load_mentioned, &x);
    if (x.rc)
        return x.rc;
    struct expr_scope scope = {.schema = s, .row = x.row, .a = a};
    struct cell raw;
    int rc = expr_eval(ts->computed[column], &scope, &raw, err);
    if (rc || cell_is_null(&raw))
        return rc;
    return cell_convert(&c->type, &raw, a, out, err);
}

int table_cell(const struct table_schema *ts, size_t column, struct bytes key, struct bytes value,
               struct node_store *ns, struct arena *a, struct cell *out, struct err *err) {
    struct column_place p = ts->places[column];
    switch (p.in) {
    case PLACE_KEY: return tuple_get_cell(&ts->keys, key, p.at, ns, a, out, err);
    case PLACE_VALUE: return tuple_get_cell(&ts->values, value, p.at, ns, a, out, err);
    case PLACE_NONE: break;
    }
    return compute(ts, column, key, value, ns, a, out, err);
}

/* Cuts a decoded value to the bytes an index prefix keeps. */
static void cut_prefix(struct cell *c, unsigned bytes) {
    if (bytes && cell_has_text(c) && c->s.size > bytes)
        c->s.size = bytes;
}

int table_index_key(const struct table_schema *ts, size_t i, struct bytes key, struct bytes value,
                    struct node_store *ns, struct arena *a, struct bytes *out, bool *null_part,
                    struct err *err) {
    const struct index *ix = &ts->schema.indexes[i];
    const struct tuple_desc *desc = &ts->indexes[i];
    size_t n = desc->count, listed = ix->key_column_count;
    struct bytes *fields = arena_alloc(a, (n + 1) * sizeof *fields);
    if (null_part)
        *null_part = false;
    for (size_t f = 0; f < n; f++) {
        if (ts->schema.keyless && f >= ix->column_count) {
            fields[f] = tuple_field(key, 0);
            continue;
        }
        if (f >= listed)
            return err_set(err, BD_CORRUPT, "index %s has no column for field %zu of its key", ix->name,
                           f);
        size_t column = ix->key_columns[f];
        struct bytes raw = table_field(ts, column, key, value);
        const struct tuple_field *field = table_column_field(ts, column);
        unsigned prefix = f < ix->prefix_count && ix->prefix_lengths ? ix->prefix_lengths[f] : 0;
        bool copied = field && (!raw.data || (field->encoding == desc->fields[f].encoding && !prefix));
        struct cell c = cell_null();
        int rc = copied ? BD_OK : table_cell(ts, column, key, value, ns, a, &c, err);
        if (rc)
            return rc;
        if (f < ix->column_count && null_part && (copied ? !raw.data : cell_is_null(&c)))
            *null_part = true;
        if (copied || cell_is_null(&c)) {
            fields[f] = copied ? raw : (struct bytes){NULL, 0};
            continue;
        }
        cut_prefix(&c, prefix);
        struct tuple_desc one = {
            .fields = &desc->fields[f], .count = 1, .target_row_size = desc->target_row_size};
        struct bytes t;
        rc = tuple_build(&one, &c, ns, a, &t, err);
        if (rc)
            return rc;
        fields[f] = tuple_field(t, 0);
    }
    *out = tuple_from_fields(fields, n, a);
    return BD_OK;
}

struct bytes table_index_row_key(const struct table_schema *ts, size_t i, struct bytes index_key,
                                 struct arena *a) {
    const struct schema *s = &ts->schema;
    const struct index *ix = &s->indexes[i];
    if (s->keyless) {
        struct bytes id = tuple_field(index_key, ts->indexes[i].count - 1);
        return tuple_from_fields(&id, 1, a);
    }
    struct bytes fields[16], *list = fields;
    if (s->pk_count > 16)
        list = arena_alloc(a, s->pk_count * sizeof *list);
    for (size_t p = 0; p < s->pk_count; p++) {
        list[p] = (struct bytes){NULL, 0};
        for (size_t f = 0; f < ix->key_column_count; f++) {
            if (ix->key_columns[f] == s->pk[p]) {
                list[p] = tuple_field(index_key, f);
                break;
            }
        }
    }
    return tuple_from_fields(list, s->pk_count, a);
}

/* ---- keyless tables ---- */

struct bytes keyless_key(struct bytes value, struct arena *a) {
    size_t skip = value.size < 8 ? value.size : 8;
    XXH128_hash_t h = XXH3_128bits(value.data + skip, value.size - skip);
    uint8_t *key = arena_alloc(a, 18);
    for (unsigned i = 0; i < 8; i++) {
        key[i] = (uint8_t)(h.low64 >> (8 * i));
        key[8 + i] = (uint8_t)(h.high64 >> (8 * i));
    }
    key[16] = 1;
    key[17] = 0;
    return (struct bytes){key, 18};
}

uint64_t keyless_cardinality(struct bytes value) {
    struct bytes f = tuple_field(value, 0);
    uint64_t n = 0;
    if (f.data && f.size == 8)
        for (unsigned i = 0; i < 8; i++)
            n |= (uint64_t)f.data[i] << (8 * i);
    return n;
}

struct bytes keyless_with_cardinality(struct bytes value, uint64_t cardinality, struct arena *a) {
    uint8_t *copy = arena_dup(a, value.data, value.size);
    for (unsigned i = 0; i < 8 && i < value.size; i++)
        copy[i] = (uint8_t)(cardinality >> (8 * i));
    return (struct bytes){copy, value.size};
}
