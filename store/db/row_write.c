/*
 * Rows into maps. The order of work on a row is fixed: build the bytes, refuse what may not be, change
 * the row map, change the indexes, follow the foreign keys; a refusal leaves half-done edits behind,
 * and the transaction that gets the error throws them away.
 */
#include "store/db/row_write.h"
#include "store/db/scan_access.h"

#include <stdlib.h>
#include <string.h>

/* ---- bytes ---- */

static int too_large(const struct table *t, struct err *err) {
    return err_set(err, BD_CONSTRAINT, "a row of table %s is too large", t->name);
}

static int build_key(struct table *t, const struct cell *cells, struct node_store *ns, struct arena *a,
                     struct bytes *key, struct err *err) {
    const struct schema *s = &t->ts->schema;
    struct cell fixed[8], *list = s->pk_count > 8 ? arena_alloc(a, s->pk_count * sizeof *list) : fixed;
    for (size_t i = 0; i < s->pk_count; i++)
        list[i] = cells[s->pk[i]];
    return tuple_build(&t->ts->keys, list, ns, a, key, err);
}

static int build_value(struct table *t, const struct cell *cells, struct node_store *ns,
                       struct arena *a, struct bytes *value, struct err *err) {
    const struct schema *s = &t->ts->schema;
    struct cell *list = arena_alloc(a, (s->value_count + 1) * sizeof *list);
    for (size_t i = 0; i < s->value_count; i++)
        list[i] = cells[s->values[i]];
    if (s->keyless && s->value_count)
        list[0] = (struct cell){.kind = CELL_UINT, .u = 1};
    return tuple_build(&t->ts->values, list, ns, a, value, err);
}

/* One stored field of one column. */
static int build_field(struct embedded_txn *x, const struct tuple_field *f, const struct cell *c,
                       struct bytes *raw, struct err *err) {
    struct tuple_field copy = *f;
    struct tuple_desc one = {.fields = &copy, .count = 1, .target_row_size = 2048};
    struct bytes t;
    int rc = tuple_build(&one, c, x->ns, &x->arena, &t, err);
    if (rc == BD_OK)
        *raw = tuple_field(t, 0);
    return rc;
}

static bool bytes_equal(struct bytes a, struct bytes b) {
    return a.size == b.size && (a.size == 0 || !memcmp(a.data, b.data, a.size)) && !a.data == !b.data;
}

/* ---- uniqueness ---- */

static void describe_fields(const struct tuple_desc *desc, size_t n, struct bytes tuple,
                            struct node_store *ns, struct arena *a, struct buf *out) {
    buf_add_char(out, '[');
    for (size_t i = 0; i < n; i++) {
        struct cell c;
        if (i)
            buf_add_char(out, ',');
        if (tuple_get_cell(desc, tuple, i, ns, a, &c, NULL) == BD_OK) {
            const char *text = cell_format(&c, a);
            buf_add_str(out, text ? text : "NULL");
        }
    }
    buf_add_char(out, ']');
}

static int duplicate(struct embedded_txn *x, struct table *t, const char *what,
                     const struct tuple_desc *desc, size_t n, struct bytes tuple, struct err *err) {
    struct buf b = BUF_INIT;
    describe_fields(desc, n, tuple, x->ns, &x->arena, &b);
    int rc = err_set(err, BD_CONSTRAINT, "%s: %s (table %s)", what, buf_str(&b), t->name);
    buf_release(&b);
    return rc;
}

int row_duplicate(struct embedded_txn *x, struct table *t, int index, struct bytes tuple,
                  struct err *err) {
    if (index < 0)
        return duplicate(x, t, "duplicate primary key given", &t->ts->keys, t->ts->keys.count, tuple,
                         err);
    return duplicate(x, t, "duplicate unique key given", &t->ts->indexes[index],
                     t->ts->schema.indexes[index].column_count, tuple, err);
}

struct first_entry {
    struct bytes key;
    bool found;
    const struct bytes *except; /* row key that does not count */
    const struct table_schema *ts;
    size_t index;
    struct arena *a;
};

static int take_first(void *ctx, struct bytes key, struct bytes value) {
    (void)value;
    struct first_entry *f = ctx;
    struct bytes row = table_index_row_key(f->ts, f->index, key, f->a);
    if (f->except && bytes_equal(row, *f->except))
        return BD_OK;
    f->key = row;
    f->found = true;
    return BD_DONE;
}

/* Finds a row with the same values in unique index i; `except` is the row being changed. */
static int unique_clash(struct table *t, size_t i, struct bytes index_key, const struct bytes *except,
                        struct bytes *row_key, bool *found, struct err *err) {
    struct edit_map *m;
    int rc = table_index(t, i, &m, err);
    if (rc)
        return rc;
    struct first_entry f = {.except = except, .ts = t->ts, .index = i, .a = t->arena};
    struct access_range r = {
        .index = (int)i, .probe = index_key, .fields = t->ts->schema.indexes[i].column_count};
    rc = access_range_run(m, &t->ts->indexes[i], &r, take_first, &f, err);
    *found = f.found;
    *row_key = f.key;
    return rc == BD_DONE ? BD_OK : rc;
}

int row_unique_taken(struct table *t, size_t i, struct bytes index_key, bool *taken, struct err *err) {
    struct bytes row_key;
    return unique_clash(t, i, index_key, NULL, &row_key, taken, err);
}

/* ---- index entries ---- */

int row_index_entries(struct table *t, struct bytes key, struct bytes value, bool add,
                      struct err *err) {
    for (size_t i = 0; i < t->ts->schema.index_count; i++) {
        const struct index *ix = &t->ts->schema.indexes[i];
        if (ix->fulltext || ix->spatial || ix->vector || ix->predicate)
            return err_set(
                err, BD_UNSUPPORTED,
                "table %s cannot be written: its index %s is of a kind this program does not keep",
                t->name, ix->name);
        struct edit_map *m;
        struct bytes entry;
        int rc = table_index(t, i, &m, err);
        if (rc == BD_OK)
            rc = table_index_key(t->ts, i, key, value, t->ns, t->arena, &entry, NULL, err);
        if (rc)
            return rc;
        if (!entry.data)
            return err_set(err, BD_CONSTRAINT, "an entry of index %s is too large", ix->name);
        if (add)
            edit_map_put(m, entry, tuple_empty);
        else
            edit_map_remove(m, entry);
    }
    return BD_OK;
}

/* ---- insert ---- */

static int fill_defaults(struct embedded_txn *x, struct table *t, struct cell *cells, const bool *given,
                         struct err *err) {
    const struct schema *s = &t->ts->schema;
    for (size_t i = 0; i < s->column_count; i++) {
        const struct column *c = &s->columns[i];
        if (given[i] || c->hidden || c->generated)
            continue;
        cells[i] = cell_null();
        if (c->default_text && *c->default_text) {
            int rc = default_in_row(x, s, c->default_text, cells, &cells[i], err);
            if (rc)
                return err_prefix(err, "default of column %s.%s", t->name, c->name);
        } else if (!c->nullable && !c->auto_increment) {
            return err_set(err, BD_CONSTRAINT, "Field '%s' doesn't have a default value (table %s)",
                           c->name, t->name);
        }
    }
    return BD_OK;
}

static void next_auto_increment(struct table *t, struct cell *cells) {
    const struct schema *s = &t->ts->schema;
    for (size_t i = 0; i < s->column_count; i++) {
        if (!s->columns[i].auto_increment)
            continue;
        uint64_t next = t->auto_increment ? t->auto_increment : 1, v = 0;
        if (cells[i].kind == CELL_INT && cells[i].i > 0)
            v = (uint64_t)cells[i].i;
        else if (cells[i].kind == CELL_UINT)
            v = cells[i].u;
        if (v == 0) {
            v = next;
            cells[i] = cell_int((int64_t)v);
        }
        if (v >= next) {
            t->auto_increment = v + 1;
            t->changed = true;
        }
    }
}

static int fill_generated(struct embedded_txn *x, struct table *t, struct cell *cells,
                          struct err *err) {
    const struct schema *s = &t->ts->schema;
    for (size_t i = 0; i < s->column_count; i++) {
        if (!s->columns[i].generated || s->columns[i].hidden)
            continue;
        int rc = generated_value(x, s, i, cells, &cells[i], err);
        if (rc)
            return err_prefix(err, "generated column %s.%s", t->name, s->columns[i].name);
    }
    return BD_OK;
}

static int check_not_null(struct table *t, const struct cell *cells, const bool *set, struct err *err) {
    const struct schema *s = &t->ts->schema;
    for (size_t i = 0; i < s->column_count; i++) {
        const struct column *c = &s->columns[i];
        if ((set && !set[i]) || c->hidden || c->is_virtual)
            continue;
        if ((!c->nullable || c->primary_key) && cell_is_null(&cells[i]))
            return err_set(
                err, BD_CONSTRAINT,
                "column name '%s' is non-nullable but attempted to set a value of null (table %s)",
                c->name, t->name);
    }
    return BD_OK;
}

static int insert_keyless(struct embedded_txn *x, struct table *t, struct bytes value, bool *inserted,
                          struct err *err) {
    struct bytes key = keyless_key(value, &x->arena), old;
    int rc = edit_map_get(&t->rows, key, &old, err);
    if (rc == BD_OK) {
        edit_map_put(&t->rows, key,
                     keyless_with_cardinality(old, keyless_cardinality(old) + 1, &x->arena));
    } else if (rc == BD_NOT_FOUND) {
        edit_map_put(&t->rows, key, value);
        rc = row_index_entries(t, key, value, true, err);
    } else {
        return rc;
    }
    *inserted = true;
    return rc == BD_NOT_FOUND ? BD_OK : rc;
}

/* An insert that found its key taken. */
static int insert_clash(struct embedded_txn *x, struct table *t, struct bytes key, struct bytes value,
                        const struct cell *cells, const bool *given, unsigned flags, struct err *err) {
    if (flags & TABLES_INSERT_REPLACE) {
        bool changed;
        return row_update(x, t, key, value, cells, given, 0, &changed, err);
    }
    return BD_OK; /* TABLES_INSERT_IGNORE */
}

int row_encode(struct embedded_txn *x, struct table *t, struct cell *cells, const bool *given,
               struct node_store *ns, struct arena *a, struct bytes *key, struct bytes *value,
               struct err *err) {
    const struct schema *s = &t->ts->schema;
    *key = (struct bytes){NULL, 0};
    int rc = fill_defaults(x, t, cells, given, err);
    if (rc)
        return rc;
    next_auto_increment(t, cells);
    rc = fill_generated(x, t, cells, err);
    if (rc == BD_OK)
        rc = check_not_null(t, cells, NULL, err);
    if (rc == BD_OK)
        rc = build_value(t, cells, ns, a, value, err);
    if (rc == BD_OK && !s->keyless)
        rc = build_key(t, cells, ns, a, key, err);
    if (rc == BD_OK && s->check_count)
        rc = checks_run(x, t, cells, NULL, err);
    if (rc == BD_OK && (!value->data || (!s->keyless && !key->data)))
        rc = too_large(t, err);
    return rc;
}

/*
 * Inserts a row given by cells (one per column of the schema); given[i] says which the caller named.
 * flags: enum tables_insert_flags.
 */
static int row_insert(struct embedded_txn *x, struct table *t, struct cell *cells, const bool *given,
                      unsigned flags, bool *inserted, struct err *err) {
    const struct schema *s = &t->ts->schema;
    *inserted = false;
    struct bytes key, value;
    int rc = row_encode(x, t, cells, given, x->ns, &x->arena, &key, &value, err);
    if (rc)
        return rc;
    if (s->keyless)
        return insert_keyless(x, t, value, inserted, err);
    struct bytes old;
    rc = edit_map_get(&t->rows, key, &old, err);
    if (rc == BD_OK) {
        if (flags)
            return insert_clash(x, t, key, old, cells, given, flags, err);
        return row_duplicate(x, t, -1, key, err);
    }
    if (rc != BD_NOT_FOUND)
        return rc;
    for (size_t i = 0; i < s->index_count; i++) {
        if (!s->indexes[i].unique)
            continue;
        struct bytes entry, row_key;
        bool null_part, found;
        rc = table_index_key(t->ts, i, key, value, x->ns, &x->arena, &entry, &null_part, err);
        if (rc)
            return rc;
        if (null_part)
            continue;
        rc = unique_clash(t, i, entry, NULL, &row_key, &found, err);
        if (rc)
            return rc;
        if (!found)
            continue;
        if (!flags)
            return row_duplicate(x, t, (int)i, entry, err);
        rc = edit_map_get(&t->rows, row_key, &old, err);
        return rc ? rc : insert_clash(x, t, row_key, old, cells, given, flags, err);
    }
    if (x->foreign_key_checks) {
        rc = fk_check_row(x, t, key, value, NULL, err);
        if (rc)
            return rc;
    }
    edit_map_put(&t->rows, key, value);
    rc = row_index_entries(t, key, value, true, err);
    *inserted = rc == BD_OK;
    return rc;
}

/* ---- update ---- */

/* The row's cells, all of them. */
static int load_row(struct embedded_txn *x, struct table *t, struct bytes key, struct bytes value,
                    struct cell *cells, struct err *err) {
    for (size_t i = 0; i < t->ts->schema.column_count; i++) {
        int rc = table_cell(t->ts, i, key, value, x->ns, &x->arena, &cells[i], err);
        if (rc)
            return rc;
    }
    return BD_OK;
}

/* New bytes of the set columns next to the old bytes of the others. */
static int splice(struct embedded_txn *x, struct table *t, struct bytes key, struct bytes value,
                  const struct cell *cells, const bool *set, struct bytes *new_key,
                  struct bytes *new_value, bool *changed_columns, struct err *err) {
    const struct table_schema *ts = t->ts;
    const struct schema *s = &ts->schema;
    size_t nk = ts->keys.count, nv = ts->values.count;
    struct bytes *fields = arena_alloc(&x->arena, (nk + nv + 1) * sizeof *fields);
    for (size_t i = 0; i < nk; i++)
        fields[i] = tuple_field(key, i);
    for (size_t i = 0; i < nv; i++)
        fields[nk + i] = tuple_field(value, i);
    bool key_changed = false, value_changed = false;
    for (size_t i = 0; i < s->column_count; i++) {
        if (!set[i] || ts->places[i].in == PLACE_NONE)
            continue;
        bool in_key = ts->places[i].in == PLACE_KEY;
        struct bytes *f = &fields[in_key ? ts->places[i].at : nk + ts->places[i].at];
        struct bytes raw;
        int rc = build_field(x, table_column_field(ts, i), &cells[i], &raw, err);
        if (rc)
            return rc;
        if (bytes_equal(raw, *f))
            continue;
        *f = raw;
        changed_columns[i] = true;
        if (in_key)
            key_changed = true;
        else
            value_changed = true;
    }
    *new_key = key_changed ? tuple_from_fields(fields, nk, &x->arena) : key;
    *new_value = value_changed ? tuple_from_fields(fields + nk, nv, &x->arena) : value;
    return BD_OK;
}

/* Tables with adaptive columns: placement depends on the whole row. */
static int rebuild(struct embedded_txn *x, struct table *t, struct bytes key, struct bytes value,
                   const struct cell *cells, const bool *set, struct bytes *new_key,
                   struct bytes *new_value, bool *changed_columns, struct err *err) {
    const struct schema *s = &t->ts->schema;
    struct cell *row = arena_alloc(&x->arena, (s->column_count + 1) * sizeof *row);
    int rc = load_row(x, t, key, value, row, err);
    bool any = false;
    for (size_t i = 0; rc == BD_OK && i < s->column_count; i++) {
        if (!set[i])
            continue;
        struct cell stored;
        rc = cell_convert(&s->columns[i].type, &cells[i], &x->arena, &stored, err);
        if (rc)
            return err_prefix(err, "column %s.%s", t->name, s->columns[i].name);
        if (stored.kind == row[i].kind && cell_eq(&stored, &row[i]))
            continue;
        row[i] = stored;
        changed_columns[i] = any = true;
    }
    *new_key = key;
    *new_value = value;
    if (rc || !any)
        return rc;
    rc = build_value(t, row, x->ns, &x->arena, new_value, err);
    return rc ? rc : build_key(t, row, x->ns, &x->arena, new_key, err);
}

static int encode_update(struct embedded_txn *x, struct table *t, struct bytes key, struct bytes value,
                         const struct cell *cells, const bool *set, struct bytes *new_key,
                         struct bytes *new_value, bool *changed_columns, struct err *err) {
    int rc = (t->ts->has_adaptive ? rebuild : splice)(x, t, key, value, cells, set, new_key, new_value,
                                                      changed_columns, err);
    if (rc == BD_OK && (!new_key->data || !new_value->data))
        return too_large(t, err);
    return rc;
}

static bool index_touched(const struct schema *s, const struct index *ix, const bool *changed,
                          bool key_changed) {
    if (key_changed)
        return true;
    for (size_t i = 0; i < ix->column_count; i++)
        if (changed[ix->columns[i]] || s->columns[ix->columns[i]].is_virtual)
            return true;
    return false;
}

static int update_indexes(struct embedded_txn *x, struct table *t, struct bytes key, struct bytes value,
                          struct bytes new_key, struct bytes new_value, const bool *changed,
                          bool key_changed, struct err *err) {
    const struct schema *s = &t->ts->schema;
    for (size_t i = 0; i < s->index_count; i++) {
        const struct index *ix = &s->indexes[i];
        if (!index_touched(s, ix, changed, key_changed))
            continue;
        if (ix->fulltext || ix->spatial || ix->vector || ix->predicate)
            return err_set(
                err, BD_UNSUPPORTED,
                "table %s cannot be written: its index %s is of a kind this program does not keep",
                t->name, ix->name);
        struct edit_map *m;
        struct bytes before, after, row_key;
        bool null_part, found;
        int rc = table_index(t, i, &m, err);
        if (rc == BD_OK)
            rc = table_index_key(t->ts, i, key, value, x->ns, &x->arena, &before, NULL, err);
        if (rc == BD_OK)
            rc = table_index_key(t->ts, i, new_key, new_value, x->ns, &x->arena, &after, &null_part,
                                 err);
        if (rc)
            return rc;
        if (!after.data)
            return err_set(err, BD_CONSTRAINT, "an entry of index %s is too large", ix->name);
        if (bytes_equal(before, after))
            continue;
        if (ix->unique && !null_part) {
            rc = unique_clash(t, i, after, &key, &row_key, &found, err);
            if (rc)
                return rc;
            if (found)
                return duplicate(x, t, "duplicate unique key given", &t->ts->indexes[i],
                                 ix->column_count, after, err);
        }
        edit_map_remove(m, before);
        edit_map_put(m, after, tuple_empty);
    }
    return BD_OK;
}

static int update_keyless(struct embedded_txn *x, struct table *t, struct bytes key, struct bytes value,
                          struct bytes new_value, struct err *err) {
    int rc = row_delete(x, t, key, value, 0, err);
    bool inserted;
    new_value = keyless_with_cardinality(new_value, 1, &x->arena);
    return rc ? rc : insert_keyless(x, t, new_value, &inserted, err);
}

int row_update(struct embedded_txn *x, struct table *t, struct bytes key, struct bytes value,
               const struct cell *cells, const bool *set, unsigned depth, bool *changed,
               struct err *err) {
    const struct schema *s = &t->ts->schema;
    size_t n = s->column_count;
    *changed = false;
    bool *changed_columns = arena_zalloc(&x->arena, n + 1);
    struct bytes new_key, new_value;
    int rc = check_not_null(t, cells, set, err);
    if (rc == BD_OK)
        rc = encode_update(x, t, key, value, cells, set, &new_key, &new_value, changed_columns, err);
    if (rc)
        return rc;
    if (bytes_equal(new_key, key) && bytes_equal(new_value, value))
        return BD_OK;
    *changed = true;
    /* what follows from the change: ON UPDATE columns, generated columns */
    struct cell *follow = NULL;
    bool *follow_set = NULL;
    bool any_generated = false;
    for (size_t i = 0; i < n; i++) {
        const struct column *c = &s->columns[i];
        bool on_update = c->on_update && *c->on_update && !set[i];
        bool generated = c->generated && !c->hidden && !c->is_virtual;
        if (!on_update && !generated)
            continue;
        if (!follow) {
            follow = arena_zalloc(&x->arena, (n + 1) * sizeof *follow);
            follow_set = arena_zalloc(&x->arena, n + 1);
        }
        if (on_update) {
            rc = default_value(x, c->on_update, &follow[i], err);
            follow_set[i] = true;
        } else {
            any_generated = true;
        }
        if (rc)
            return rc;
    }
    if (follow) {
        struct bytes k = new_key, v = new_value;
        rc = encode_update(x, t, k, v, follow, follow_set, &new_key, &new_value, changed_columns, err);
        if (rc)
            return rc;
    }
    if (any_generated || s->check_count) {
        struct cell *row = arena_alloc(&x->arena, (n + 1) * sizeof *row);
        rc = load_row(x, t, new_key, new_value, row, err);
        if (rc == BD_OK && any_generated) {
            rc = fill_generated(x, t, row, err);
            for (size_t i = 0; i < n; i++)
                follow_set[i] =
                    s->columns[i].generated && !s->columns[i].hidden && !s->columns[i].is_virtual;
            struct bytes k = new_key, v = new_value;
            if (rc == BD_OK)
                rc = encode_update(x, t, k, v, row, follow_set, &new_key, &new_value, changed_columns,
                                   err);
        }
        if (rc == BD_OK && s->check_count)
            rc = checks_run(x, t, row, changed_columns, err);
        if (rc)
            return rc;
    }
    if (s->keyless)
        return update_keyless(x, t, key, value, new_value, err);
    bool key_changed = !bytes_equal(new_key, key);
    if (x->foreign_key_checks) {
        rc = fk_check_row(x, t, new_key, new_value, changed_columns, err);
        if (rc)
            return rc;
    }
    if (key_changed && tuple_compare(&t->ts->keys, new_key, key) != 0) {
        struct bytes taken;
        rc = edit_map_get(&t->rows, new_key, &taken, err);
        if (rc == BD_OK)
            return duplicate(x, t, "duplicate primary key given", &t->ts->keys, t->ts->keys.count,
                             new_key, err);
        if (rc != BD_NOT_FOUND)
            return rc;
    }
    rc = update_indexes(x, t, key, value, new_key, new_value, changed_columns, key_changed, err);
    if (rc)
        return rc;
    if (key_changed)
        edit_map_remove(&t->rows, key);
    edit_map_put(&t->rows, new_key, new_value);
    if (x->foreign_key_checks)
        rc = fk_parent_updated(x, t, key, value, new_key, new_value, depth, err);
    return rc;
}

/* ---- delete ---- */

int row_delete(struct embedded_txn *x, struct table *t, struct bytes key, struct bytes value,
               unsigned depth, struct err *err) {
    if (t->ts->schema.keyless) {
        struct bytes now;
        int rc = edit_map_get(&t->rows, key, &now, err);
        if (rc)
            return rc;
        uint64_t n = keyless_cardinality(now);
        if (n > 1) {
            edit_map_put(&t->rows, key, keyless_with_cardinality(now, n - 1, &x->arena));
            return BD_OK;
        }
        edit_map_remove(&t->rows, key);
        return row_index_entries(t, key, value, false, err);
    }
    edit_map_remove(&t->rows, key);
    int rc = row_index_entries(t, key, value, false, err);
    if (rc == BD_OK && x->foreign_key_checks)
        rc = fk_parent_deleted(x, t, key, value, depth, err);
    return rc;
}

/* ---- the interface ---- */

static int bind_given(struct embedded_txn *x, struct table *t, const char *const *columns,
                      const struct cell *values, size_t count, struct cell **cells, bool **given,
                      struct err *err) {
    const struct schema *s = &t->ts->schema;
    *cells = arena_zalloc(&x->arena, (s->column_count + 1) * sizeof **cells);
    *given = arena_zalloc(&x->arena, s->column_count + 1);
    for (size_t i = 0; i < count; i++) {
        int c = schema_column(s, columns[i]);
        if (c < 0)
            return err_set(err, BD_INVALID, "table %s has no column %s", t->name, columns[i]);
        if (s->columns[c].generated)
            return err_set(err, BD_INVALID, "column %s.%s is generated and takes no value", t->name,
                           columns[i]);
        (*cells)[c] = values[i];
        (*given)[c] = true;
    }
    return BD_OK;
}

int embedded_insert(struct tables_txn *tx, const char *table, const char *const *columns,
                    const struct cell *cells, size_t count, unsigned flags, bool *inserted,
                    struct err *err) {
    struct embedded_txn *x = embedded_txn_of(tx);
    struct table *t;
    bool done = false, *given;
    struct cell *row;
    int rc = embedded_table_for_write(x, table, &t, err);
    if (rc == BD_OK && x->foreign_key_checks) {
        rc = fk_resolve_pending(x, t, false, err);
        if (rc == BD_OK && (flags & TABLES_INSERT_REPLACE))
            rc = fk_resolve_pending(x, t, true, err);
    }
    if (rc == BD_OK)
        rc = bind_given(x, t, columns, cells, count, &row, &given, err);
    if (rc == BD_OK)
        rc = row_insert(x, t, row, given, flags, &done, err);
    if (inserted)
        *inserted = done;
    return rc;
}

struct matched_rows {
    struct bytes *keys, *values;
    size_t count, capacity, value_capacity;
};

static int collect_row(void *ctx, struct bytes key, struct bytes value) {
    struct matched_rows *m = ctx;
    MEM_GROW(m->keys, m->capacity, m->count + 1);
    MEM_GROW(m->values, m->value_capacity, m->count + 1);
    m->keys[m->count] = key;
    m->values[m->count++] = value;
    return BD_OK;
}

int embedded_update(struct tables_txn *tx, const char *table, const struct pred *where,
                    const char *const *columns, const struct cell *cells, size_t count,
                    uint64_t *matched, uint64_t *changed, struct err *err) {
    struct embedded_txn *x = embedded_txn_of(tx);
    struct table *t;
    struct cell *row;
    bool *set;
    struct matched_rows m = {NULL, NULL, 0, 0, 0};
    uint64_t n = 0;
    int rc = embedded_table_for_write(x, table, &t, err);
    if (rc == BD_OK && x->foreign_key_checks) {
        rc = fk_resolve_pending(x, t, false, err);
        if (rc == BD_OK)
            rc = fk_resolve_pending(x, t, true, err);
    }
    if (rc == BD_OK)
        rc = bind_given(x, t, columns, cells, count, &row, &set, err);
    if (rc == BD_OK)
        rc = embedded_match(x, t, where, collect_row, &m, err);
    for (size_t i = 0; rc == BD_OK && i < m.count; i++) {
        struct bytes value;
        bool one = false;
        /* an earlier row's cascade may have changed this one */
        rc = edit_map_get(&t->rows, m.keys[i], &value, err);
        if (rc == BD_NOT_FOUND) {
            rc = BD_OK;
            continue;
        }
        if (rc == BD_OK)
            rc = row_update(x, t, m.keys[i], value, row, set, 0, &one, err);
        n += one;
    }
    if (matched)
        *matched = m.count;
    if (changed)
        *changed = n;
    free(m.keys);
    free(m.values);
    return rc;
}

int embedded_delete(struct tables_txn *tx, const char *table, const struct pred *where,
                    uint64_t *deleted, struct err *err) {
    struct embedded_txn *x = embedded_txn_of(tx);
    struct table *t;
    struct matched_rows m = {NULL, NULL, 0, 0, 0};
    uint64_t n = 0;
    int rc = embedded_table_for_write(x, table, &t, err);
    if (rc == BD_OK && x->foreign_key_checks)
        rc = fk_resolve_pending(x, t, true, err);
    if (rc == BD_OK)
        rc = embedded_match(x, t, where, collect_row, &m, err);
    for (size_t i = 0; rc == BD_OK && i < m.count; i++) {
        struct bytes value;
        rc = edit_map_get(&t->rows, m.keys[i], &value, err);
        if (rc == BD_NOT_FOUND) {
            rc = BD_OK;
            continue;
        }
        if (rc == BD_OK)
            rc = row_delete(x, t, m.keys[i], value, 0, err);
        n++;
    }
    if (deleted)
        *deleted = n;
    free(m.keys);
    free(m.values);
    return rc;
}
