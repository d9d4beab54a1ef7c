/*
 * A table under a new schema: which bytes stay as they are, which rows are written anew.
 *
 * A field's bytes stay when old and new column store values alike. If the fields of every row tuple
 * stay in place (new ones may follow, as NULL), the row map is taken over; an index is taken over when
 * its key fields stay. Everything else is rebuilt from a walk over the old rows.
 */
#include "store/db/ddl_exec.h"
#include "store/db/row_write.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct change {
    struct embedded_txn *x;
    struct table *old, *t;
    const struct table_schema *from_ts, *ts;
    const int *from;
    size_t columns;          /* visible ones of the new schema */
    bool *same;              /* per new column: field bytes can be copied */
    bool *rebuild;           /* per new index */
    bool rewritten;          /* rows were written anew */
    struct bytes key, value; /* the row at hand */
    uint64_t auto_number;    /* last number given to a new AUTO_INCREMENT column */
    struct arena scratch;
    struct err *err;
};

int *ddl_same_columns(struct embedded_txn *x, const struct schema *s, size_t extra) {
    size_t n = schema_visible_count(s);
    int *from = arena_alloc(&x->arena, (n + extra + 1) * sizeof *from);
    for (size_t i = 0; i < n; i++)
        from[i] = (int)i;
    return from;
}

bool ddl_type_widens(const struct sql_type *a, const struct sql_type *b) {
    if (a->collation != b->collation || a->is_unsigned != b->is_unsigned)
        return false;
    static const enum sql_base texts[] = {SQL_TINYTEXT, SQL_TEXT, SQL_MEDIUMTEXT, SQL_LONGTEXT};
    static const enum sql_base blobs[] = {SQL_TINYBLOB, SQL_BLOB, SQL_MEDIUMBLOB, SQL_LONGBLOB};
    for (int set = 0; set < 2; set++) {
        const enum sql_base *list = set ? blobs : texts;
        int ra = -1, rb = -1;
        for (int i = 0; i < 4; i++) {
            if (list[i] == a->base)
                ra = i;
            if (list[i] == b->base)
                rb = i;
        }
        if (ra >= 0 && rb >= 0)
            return ra <= rb;
    }
    if (a->base != b->base)
        return false;
    switch (a->base) {
    case SQL_CHAR:
    case SQL_VARCHAR:
    case SQL_VARBINARY: return a->length <= b->length;
    case SQL_TINYINT:
    case SQL_SMALLINT:
    case SQL_MEDIUMINT:
    case SQL_INT:
    case SQL_BIGINT:
    case SQL_FLOAT:
    case SQL_DOUBLE:
    case SQL_JSON:
    case SQL_DATE:
    case SQL_YEAR:
    case SQL_GEOMETRY: return true;
    default: return false;
    }
}

static bool bytes_stay(const struct change *c, size_t column) {
    if (c->from[column] < 0)
        return false;
    const struct column *a = &c->from_ts->schema.columns[c->from[column]],
                        *b = &c->ts->schema.columns[column];
    const struct tuple_field *fa = table_column_field(c->from_ts, (size_t)c->from[column]);
    const struct tuple_field *fb = table_column_field(c->ts, column);
    if (!fa || !fb || fa->encoding != fb->encoding)
        return false;
    if (!strcmp(a->type_text, b->type_text))
        return true;
    return ddl_type_widens(&a->type, &b->type);
}

/* True when row tuples need not change. */
static bool rows_stay(const struct change *c) {
    const struct schema *a = &c->from_ts->schema, *b = &c->ts->schema;
    if (a->keyless != b->keyless || a->pk_count != b->pk_count || a->value_count > b->value_count)
        return false;
    size_t skip = b->keyless ? 1 : 0;
    for (size_t i = 0; i < b->pk_count; i++)
        if (c->from[b->pk[i]] != (int)a->pk[i] || !c->same[b->pk[i]])
            return false;
    for (size_t i = skip; i < b->value_count; i++) {
        size_t column = b->values[i];
        if (i < a->value_count) {
            if (c->from[column] != (int)a->values[i] || !c->same[column])
                return false;
            if (a->columns[a->values[i]].nullable && !b->columns[column].nullable)
                return false; /* rows must be looked at */
        } else if (c->from[column] >= 0 || !b->columns[column].nullable ||
                   b->columns[column].default_text[0] || b->columns[column].generated ||
                   b->columns[column].auto_increment || b->keyless) {
            return false;
        }
    }
    return true;
}

static bool index_stays(const struct change *c, size_t i) {
    const struct index *b = &c->ts->schema.indexes[i];
    const struct index *a = schema_index(&c->from_ts->schema, b->name);
    if (!a || strcmp(a->name, b->name) || c->from_ts->schema.keyless || c->ts->schema.keyless)
        return false;
    if (a->column_count != b->column_count || a->key_column_count != b->key_column_count ||
        a->prefix_count != b->prefix_count || (b->unique && !a->unique))
        return false;
    for (size_t k = 0; k < b->key_column_count; k++)
        if (c->from[b->key_columns[k]] != (int)a->key_columns[k] || !c->same[b->key_columns[k]])
            return false;
    for (size_t k = 0; k < b->prefix_count; k++)
        if ((a->prefix_lengths ? a->prefix_lengths[k] : 0) !=
            (b->prefix_lengths ? b->prefix_lengths[k] : 0))
            return false;
    return true;
}

/* ---- values of new columns ---- */

/* A stored generated column sees the columns that the row had before. */
static int generated(struct change *c, size_t column, struct cell *out) {
    const struct schema *s = &c->ts->schema;
    struct cell *row = arena_zalloc(&c->scratch, (s->column_count + 1) * sizeof *row);
    for (size_t i = 0; i < c->columns; i++) {
        if (c->from[i] < 0)
            continue;
        int rc = table_cell(c->from_ts, (size_t)c->from[i], c->key, c->value, c->x->ns, &c->scratch,
                            &row[i], c->err);
        if (rc)
            return rc;
    }
    return generated_value(c->x, s, column, row, out, c->err);
}

static int new_value(struct change *c, size_t column, struct cell *out) {
    const struct column *col = &c->ts->schema.columns[column];
    if (col->generated)
        return generated(c, column, out);
    if (col->auto_increment) {
        *out = cell_int((int64_t)++c->auto_number);
        return BD_OK;
    }
    if (col->default_text[0])
        return default_value(c->x, col->default_text, out, c->err);
    *out = cell_null();
    if (col->nullable)
        return BD_OK;
    switch (col->type.base) { /* the implicit default of a NOT NULL column */
    case SQL_CHAR:
    case SQL_VARCHAR:
    case SQL_BINARY:
    case SQL_VARBINARY:
    case SQL_TINYTEXT:
    case SQL_TEXT:
    case SQL_MEDIUMTEXT:
    case SQL_LONGTEXT:
    case SQL_TINYBLOB:
    case SQL_BLOB:
    case SQL_MEDIUMBLOB:
    case SQL_LONGBLOB: *out = cell_text(""); return BD_OK;
    case SQL_JSON: *out = cell_json("null"); return BD_OK;
    case SQL_DATE:
    case SQL_DATETIME:
    case SQL_TIMESTAMP: *out = cell_text("0000-00-00 00:00:00"); return BD_OK;
    case SQL_ENUM: *out = cell_int(1); return BD_OK;
    case SQL_GEOMETRY:
    case SQL_UNKNOWN:
        return err_set(c->err, BD_INVALID, "column %s is NOT NULL and needs a default", col->name);
    default: *out = cell_int(0); return BD_OK;
    }
}

static int field_of(struct change *c, size_t column, struct bytes key, struct bytes value,
                    struct bytes *out) {
    const struct column *col = &c->ts->schema.columns[column];
    int from = c->from[column];
    struct arena *a = &c->x->arena;
    *out = (struct bytes){NULL, 0};
    if (from >= 0 && c->same[column]) {
        *out = table_field(c->from_ts, (size_t)from, key, value);
    } else {
        struct cell v;
        int rc = from >= 0 ? table_cell(c->from_ts, (size_t)from, key, value, c->x->ns, &c->scratch, &v,
                                        c->err)
                           : new_value(c, column, &v);
        if (rc)
            return rc;
        if (!cell_is_null(&v)) {
            struct tuple_desc one = {.fields = (struct tuple_field *)table_column_field(c->ts, column),
                                     .count = 1,
                                     .target_row_size = c->ts->schema.target_row_size};
            struct bytes tuple;
            tuple_desc_seal(&one);
            rc = tuple_build(&one, &v, c->x->ns, a, &tuple, c->err);
            if (rc)
                return err_prefix(c->err, "column %s of table %s", col->name, c->t->name);
            *out = tuple_field(tuple, 0);
        }
    }
    if (!out->data && !col->nullable)
        return err_set(c->err, BD_CONSTRAINT,
                       "column %s of table %s cannot be NULL, but a row has no value", col->name,
                       c->t->name);
    return BD_OK;
}

static int copy_row(struct change *c, struct bytes key, struct bytes value) {
    const struct schema *s = &c->ts->schema;
    struct arena *a = &c->x->arena;
    struct bytes *keys = arena_alloc(&c->scratch, (s->pk_count + 1) * sizeof *keys);
    struct bytes *values = arena_alloc(&c->scratch, (s->value_count + 1) * sizeof *values);
    uint8_t once[8] = {1};
    uint64_t copies = c->from_ts->schema.keyless ? keyless_cardinality(value) : 1;
    for (uint64_t n = 0; n < copies; n++) {
        int rc = BD_OK;
        size_t v = 0;
        for (size_t i = 0; rc == BD_OK && i < s->pk_count; i++)
            rc = field_of(c, s->pk[i], key, value, &keys[i]);
        if (s->keyless)
            values[v++] = (struct bytes){once, sizeof once};
        for (; rc == BD_OK && v < s->value_count; v++)
            rc = field_of(c, s->values[v], key, value, &values[v]);
        if (rc)
            return rc;
        struct bytes new_value_bytes = tuple_from_fields(values, s->value_count, a), seen;
        struct bytes new_key =
            s->keyless ? keyless_key(new_value_bytes, a) : tuple_from_fields(keys, s->pk_count, a);
        if (!new_value_bytes.data || !new_key.data)
            return err_set(c->err, BD_CONSTRAINT, "a row of table %s is too large for the new columns",
                           c->t->name);
        rc = edit_map_get(&c->t->rows, new_key, &seen, c->err);
        if (rc == BD_OK && !s->keyless)
            return err_set(c->err, BD_CONSTRAINT, "duplicate primary key in table %s", c->t->name);
        if (rc == BD_OK)
            new_value_bytes = keyless_with_cardinality(seen, keyless_cardinality(seen) + 1, a);
        else if (rc != BD_NOT_FOUND)
            return rc;
        edit_map_put(&c->t->rows, new_key, new_value_bytes);
    }
    return BD_OK;
}

static int rewrite_rows(struct change *c) {
    struct map_cursor cursor;
    int rc = map_cursor_first(&cursor, &c->old->rows, c->err);
    if (rc)
        return rc;
    while (rc == BD_OK && cursor.valid) {
        c->key = cursor.key;
        c->value = cursor.value;
        rc = copy_row(c, cursor.key, cursor.value);
        arena_reset(&c->scratch);
        if (rc == BD_OK)
            rc = map_cursor_next(&cursor, c->err);
    }
    map_cursor_release(&cursor);
    return rc;
}

/* ---- indexes ---- */

static int check_unique(struct change *c, size_t i) {
    const struct tuple_desc *desc = &c->ts->indexes[i];
    size_t n = c->ts->schema.indexes[i].column_count;
    struct map_cursor cursor;
    int rc = map_cursor_first(&cursor, &c->t->indexes[i], c->err);
    if (rc)
        return rc;
    struct bytes last = {NULL, 0};
    while (rc == BD_OK && cursor.valid) {
        bool null_part = false;
        for (size_t f = 0; f < n && !null_part; f++)
            null_part = !tuple_field(cursor.key, f).data;
        if (!null_part && last.data && tuple_compare_prefix(desc, n, last, cursor.key) == 0)
            rc = err_set(c->err, BD_CONSTRAINT, "duplicate entries in table %s for the unique key %s",
                         c->t->name, c->ts->schema.indexes[i].name);
        if (!null_part)
            last = cursor.key;
        if (rc == BD_OK)
            rc = map_cursor_next(&cursor, c->err);
    }
    map_cursor_release(&cursor);
    return rc;
}

static int build_indexes(struct change *c) {
    const struct schema *s = &c->ts->schema;
    bool any = false;
    int rc = BD_OK;
    for (size_t i = 0; rc == BD_OK && i < s->index_count; i++) {
        if (!c->rebuild[i])
            continue;
        any = true;
        struct tree empty;
        rc = tree_empty(&empty, c->x->ns, &c->ts->index_types[i], c->err);
        edit_map_init(&c->t->indexes[i], &empty, &c->x->arena);
        c->t->index_open[i] = true;
    }
    if (rc || !any)
        return rc;
    struct map_cursor cursor;
    rc = map_cursor_first(&cursor, &c->t->rows, c->err);
    if (rc)
        return rc;
    while (rc == BD_OK && cursor.valid) {
        for (size_t i = 0; rc == BD_OK && i < s->index_count; i++) {
            struct bytes entry;
            if (!c->rebuild[i])
                continue;
            rc = table_index_key(c->ts, i, cursor.key, cursor.value, c->x->ns, &c->x->arena, &entry,
                                 NULL, c->err);
            if (rc == BD_OK)
                edit_map_put(&c->t->indexes[i], entry, tuple_empty);
        }
        if (rc == BD_OK)
            rc = map_cursor_next(&cursor, c->err);
    }
    map_cursor_release(&cursor);
    for (size_t i = 0; rc == BD_OK && i < s->index_count; i++)
        if (c->rebuild[i] && s->indexes[i].unique)
            rc = check_unique(c, i);
    return rc;
}

/* What the old table has open goes on in the new one; the rest is found in the index map by its name.
 */
static void take_over_index(struct change *c, size_t i) {
    const struct schema *a = &c->from_ts->schema;
    size_t k = (size_t)(schema_index(a, c->ts->schema.indexes[i].name) - a->indexes);
    if (!c->old->index_open[k])
        return;
    c->t->indexes[i] = c->old->indexes[k];
    c->t->indexes[i].tree.type = c->ts->index_types[i];
    c->t->index_open[i] = true;
}

/* Takes names of indexes that are gone or built anew out of the index map. */
static int drop_old_roots(struct change *c) {
    const struct schema *a = &c->from_ts->schema;
    int rc = BD_OK;
    for (size_t i = 0; rc == BD_OK && i < a->index_count; i++) {
        const struct index *b = schema_index(&c->ts->schema, a->indexes[i].name);
        if (!b || strcmp(b->name, a->indexes[i].name))
            rc = address_map_set(&c->t->index_roots, a->indexes[i].name, NULL, &c->t->index_roots,
                                 c->err);
    }
    return rc;
}

int ddl_change_table(struct embedded_txn *x, struct table *t, struct schema *s, const int *from,
                     struct table **out, struct err *err) {
    struct table_schema *ts = arena_zalloc(&x->arena, sizeof *ts);
    table_schema_init(ts, s, &x->arena);
    struct change c = {.x = x, .old = t, .from_ts = t->ts, .ts = ts, .from = from, .err = err};
    c.columns = schema_visible_count(s);
    c.same = arena_zalloc(&x->arena, c.columns + 1);
    c.rebuild = arena_zalloc(&x->arena, s->index_count + 1);
    c.scratch = (struct arena)ARENA_INIT;
    for (size_t i = 0; i < c.columns; i++)
        c.same[i] = bytes_stay(&c, i);

    struct table *n = arena_zalloc(&x->arena, sizeof *n);
    int rc = table_create(n, x->ns, t->name, ts, &x->arena, err);
    if (rc)
        return rc;
    n->index_roots = t->index_roots;
    n->auto_increment = t->auto_increment;
    memcpy(n->conflicts, t->conflicts, sizeof n->conflicts);
    n->violations = t->violations;
    n->artifacts = t->artifacts;
    n->hash = t->hash;
    c.t = n;
    for (size_t i = 0; i < s->index_count; i++) {
        c.rebuild[i] = !index_stays(&c, i);
        n->index_open[i] = false;
        if (!c.rebuild[i])
            take_over_index(&c, i);
    }
    if (rows_stay(&c)) {
        n->rows = t->rows; /* with the edits that are not in the tree yet */
        n->rows.tree.type = ts->row_type;
    } else {
        c.rewritten = true;
        rc = rewrite_rows(&c);
        if (rc == BD_OK)
            rc = edit_map_flush(&n->rows, err);
    }
    if (rc == BD_OK)
        rc = build_indexes(&c);
    if (rc == BD_OK)
        rc = drop_old_roots(&c);
    arena_release(&c.scratch);
    if (rc)
        return err_prefix(err, "changing table %s", t->name);
    bool counts = false;
    for (size_t i = 0; i < c.columns; i++)
        counts = counts || s->columns[i].auto_increment;
    if (c.rewritten && !counts)
        n->auto_increment = 0; /* a table that keeps its rows keeps its counter too, as in Dolt */
    else if (c.auto_number && c.auto_number >= n->auto_increment)
        n->auto_increment = c.auto_number + 1;
    embedded_put_table(x, n);
    *out = n;
    return BD_OK;
}
