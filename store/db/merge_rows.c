/*
 * Rows of one table: their changes since the base are applied to our maps; where both sides changed a
 * row, it merges cell by cell. A row that does not merge stays ours and gets an artifact.
 */
#include "store/db/merge.h"
#include "store/db/row_write.h"
#include "store/db/scan_access.h"

#include "store/value/json.h"

#include <stdlib.h>
#include <string.h>

static bool equal(struct bytes a, struct bytes b) {
    return !a.data == !b.data && a.size == b.size && (a.size == 0 || !memcmp(a.data, b.data, a.size));
}

/* ---- one row on three sides ---- */

struct side_row {
    bool exists;
    struct bytes key, value;
    struct bytes *fields; /* one per visible column of ours, in our encodings */
    bool *has;            /* the side's table has the column */
};

struct row_merge {
    struct merge *m;
    const struct merge_sides *s;
    const struct schema *schema; /* of ours */
    size_t columns;
    struct artifacts artifacts;
    struct bytes *touched; /* keys put, to be checked afterwards */
    size_t touched_count, touched_capacity;
};

static void side_init(struct row_merge *r, struct side_row *row) {
    memset(row, 0, sizeof *row);
    row->fields = arena_zalloc(r->m->a, (r->columns + 1) * sizeof *row->fields);
    row->has = arena_zalloc(r->m->a, r->columns + 1);
}

/* Fills the fields of a row from its table. */
static int side_load(struct row_merge *r, struct table *t, const int *columns, struct side_row *row) {
    const struct table_schema *mine = r->s->ours->ts;
    for (size_t i = 0; i < r->columns; i++) {
        int c = columns ? columns[i] : (int)i;
        row->fields[i] = (struct bytes){NULL, 0};
        row->has[i] = c >= 0;
        if (c < 0 || !row->exists)
            continue;
        struct bytes raw = table_field(t->ts, (size_t)c, row->key, row->value);
        const struct tuple_field *to = table_column_field(mine, i);
        if (!to)
            continue;
        if (r->s->same_schema || t == r->s->ours || !raw.data) {
            row->fields[i] = raw;
            continue;
        }
        struct cell cell;
        int rc =
            table_cell(t->ts, (size_t)c, row->key, row->value, r->m->ns, r->m->a, &cell, r->m->err);
        if (rc)
            return rc;
        struct tuple_field field = *to;
        struct tuple_desc one = {.fields = &field, .count = 1, .target_row_size = 2048};
        struct bytes built;
        rc = tuple_build(&one, &cell, r->m->ns, r->m->a, &built, r->m->err);
        if (rc)
            return err_prefix(r->m->err, "table %s, column %s", t->name, mine->schema.columns[i].name);
        row->fields[i] = tuple_field(built, 0);
    }
    return BD_OK;
}

static int cell_of(struct row_merge *r, size_t column, struct bytes raw, struct cell *out) {
    const struct tuple_field *f = table_column_field(r->s->ours->ts, column);
    *out = cell_null();
    if (!f || !raw.data)
        return BD_OK;
    struct tuple_field field = *f;
    struct tuple_desc one = {.fields = &field, .count = 1, .target_row_size = 2048};
    struct bytes t = tuple_from_fields(&raw, 1, r->m->a);
    return tuple_get_cell(&one, t, 0, r->m->ns, r->m->a, out, r->m->err);
}

/* Equal as values of the column, whatever the bytes. */
static bool same_value(struct row_merge *r, size_t column, struct bytes a, struct bytes b) {
    if (equal(a, b))
        return true;
    if (!a.data || !b.data)
        return false;
    const struct tuple_field *f = table_column_field(r->s->ours->ts, column);
    if (!f)
        return true;
    switch (f->encoding) {
    case ENC_STRING_ADDR:
    case ENC_BYTES_ADDR: return false;
    case ENC_JSON_ADDR:
    case ENC_JSON_ADAPTIVE:
    case ENC_STRING_ADAPTIVE:
    case ENC_BYTES_ADAPTIVE: {
        struct cell x, y;
        return cell_of(r, column, a, &x) == BD_OK && cell_of(r, column, b, &y) == BD_OK &&
               cell_eq(&x, &y);
    }
    default: break;
    }
    struct tuple_field field = *f;
    struct tuple_desc one = {.fields = &field, .count = 1, .target_row_size = 2048};
    tuple_desc_seal(&one);
    return tuple_compare_prefix(&one, 1, tuple_from_fields(&a, 1, r->m->a),
                                tuple_from_fields(&b, 1, r->m->a)) == 0;
}

static struct bytes larger(struct bytes a, struct bytes b) {
    size_t n = a.size < b.size ? a.size : b.size;
    int c = n ? memcmp(a.data, b.data, n) : 0;
    if (c == 0)
        c = (a.size > b.size) - (a.size < b.size);
    return c >= 0 ? a : b;
}

/* No column that both know has another value. */
static bool same_row(struct row_merge *r, const struct side_row *a, const struct side_row *b) {
    for (size_t i = 0; i < r->columns; i++)
        if (a->has[i] && b->has[i] && !same_value(r, i, a->fields[i], b->fields[i]))
            return false;
    return true;
}

/* Documents both changed: the merged one as a stored field. */
static bool merge_documents(struct row_merge *r, size_t column, struct bytes b, struct bytes o,
                            struct bytes t, struct bytes *out) {
    struct cell cb, co, ct;
    const struct tuple_field *f = table_column_field(r->s->ours->ts, column);
    if (!b.data || !o.data || !t.data || r->schema->columns[column].type.base != SQL_JSON)
        return false;
    if (cell_of(r, column, b, &cb) || cell_of(r, column, o, &co) || cell_of(r, column, t, &ct))
        return false;
    struct bytes text, x = {(const uint8_t *)cb.s.data, cb.s.size},
                       y = {(const uint8_t *)co.s.data, co.s.size},
                       z = {(const uint8_t *)ct.s.data, ct.s.size};
    if (!merge_json(x, y, z, r->m->a, &text))
        return false;
    struct buf normal = BUF_INIT;
    bool ok = json_normalize((const char *)text.data, text.size, &normal, NULL) == BD_OK;
    if (ok) {
        struct cell c = cell_text_n(arena_strndup(r->m->a, buf_str(&normal), normal.size), normal.size);
        c.kind = CELL_JSON;
        struct tuple_field field = *f;
        struct tuple_desc one = {.fields = &field, .count = 1, .target_row_size = 2048};
        struct bytes built;
        ok = tuple_build(&one, &c, r->m->ns, r->m->a, &built, NULL) == BD_OK;
        if (ok)
            *out = tuple_field(built, 0);
    }
    buf_release(&normal);
    return ok;
}

/* ---- writing ---- */

static bool has_adaptive(const struct table *t) { return t->ts->has_adaptive; }

/* Key and value tuples from fields by column. */
static int build_row(struct row_merge *r, const struct bytes *fields, struct bytes *key,
                     struct bytes *value) {
    struct table *t = r->s->ours;
    const struct schema *s = r->schema;
    struct arena *a = r->m->a;
    struct bytes *k = arena_alloc(a, (s->pk_count + 1) * sizeof *k);
    for (size_t i = 0; i < s->pk_count; i++)
        k[i] = fields[s->pk[i]];
    *key = tuple_from_fields(k, s->pk_count, a);
    if (has_adaptive(t)) {
        struct cell *cells = arena_alloc(a, (s->value_count + 1) * sizeof *cells);
        for (size_t i = 0; i < s->value_count; i++) {
            int rc = cell_of(r, s->values[i], fields[s->values[i]], &cells[i]);
            if (rc)
                return rc;
        }
        return tuple_build(&t->ts->values, cells, r->m->ns, a, value, r->m->err);
    }
    struct bytes *v = arena_alloc(a, (s->value_count + 1) * sizeof *v);
    for (size_t i = 0; i < s->value_count; i++)
        v[i] = fields[s->values[i]];
    *value = tuple_from_fields(v, s->value_count, a);
    if (!key->data || !value->data)
        return err_set(r->m->err, BD_CONSTRAINT, "a merged row of table %s is too large", t->name);
    return BD_OK;
}

static int put_row(struct row_merge *r, const struct side_row *old, struct bytes key,
                   struct bytes value) {
    struct table *t = r->s->ours;
    for (size_t i = 0; i < r->schema->index_count; i++) {
        struct edit_map *map;
        struct bytes before = {NULL, 0}, after;
        int rc = table_index(t, i, &map, r->m->err);
        if (rc == BD_OK && old->exists)
            rc = table_index_key(t->ts, i, old->key, old->value, r->m->ns, r->m->a, &before, NULL,
                                 r->m->err);
        if (rc == BD_OK)
            rc = table_index_key(t->ts, i, key, value, r->m->ns, r->m->a, &after, NULL, r->m->err);
        if (rc)
            return rc;
        if (equal(before, after))
            continue;
        if (before.data)
            edit_map_remove(map, before);
        edit_map_put(map, after, tuple_empty);
    }
    if (old->exists && !equal(old->key, key))
        edit_map_remove(&t->rows, old->key);
    edit_map_put(&t->rows, key, value);
    MEM_GROW(r->touched, r->touched_capacity, r->touched_count + 1);
    r->touched[r->touched_count++] = key;
    return BD_OK;
}

static int remove_row(struct row_merge *r, const struct side_row *old) {
    edit_map_remove(&r->s->ours->rows, old->key);
    return row_index_entries(r->s->ours, old->key, old->value, false, r->m->err);
}

/* ---- conflicts ---- */

static int cells_of_row(struct row_merge *r, const struct side_row *row, struct cell **out) {
    *out = NULL;
    if (!row->exists)
        return BD_OK;
    *out = arena_zalloc(r->m->a, (r->schema->column_count + 1) * sizeof **out);
    for (size_t i = 0; i < r->columns; i++) {
        int rc = cell_of(r, i, row->fields[i], &(*out)[i]);
        if (rc)
            return rc;
    }
    return BD_OK;
}

/* Asks the judge; *decided when the row was settled. */
static int ask(struct row_merge *r, const struct side_row *b, const struct side_row *o,
               const struct side_row *t, const struct bytes *merged, const bool *clash, bool *decided) {
    struct merge *m = r->m;
    *decided = false;
    if (!m->resolve)
        return BD_OK;
    struct cell *cb, *co, *ct;
    int rc = cells_of_row(r, b, &cb);
    if (rc == BD_OK)
        rc = cells_of_row(r, o, &co);
    if (rc == BD_OK)
        rc = cells_of_row(r, t, &ct);
    if (rc)
        return rc;
    struct cell *result = arena_zalloc(m->a, (r->schema->column_count + 1) * sizeof *result);
    for (size_t i = 0; i < r->columns; i++) {
        rc = cell_of(r, i, merged[i], &result[i]);
        if (rc)
            return rc;
    }
    struct tables_conflict c = {r->s->ours->name, r->schema, cb, co, ct, clash};
    bool removed = false;
    rc = m->resolve(m->resolve_ctx, &c, result, &removed, m->a);
    if (rc == BD_CONFLICT)
        return BD_OK;
    if (rc)
        return rc;
    *decided = true;
    if (removed)
        return o->exists ? remove_row(r, o) : BD_OK;
    struct bytes *fields = arena_zalloc(m->a, (r->columns + 1) * sizeof *fields);
    for (size_t i = 0; i < r->columns; i++) {
        const struct tuple_field *f = table_column_field(r->s->ours->ts, i);
        if (!f)
            continue;
        struct tuple_field field = *f;
        struct tuple_desc one = {.fields = &field, .count = 1, .target_row_size = 2048};
        struct bytes built;
        rc = tuple_build(&one, &result[i], m->ns, m->a, &built, m->err);
        if (rc)
            return err_prefix(m->err, "the decided value of %s.%s", r->s->ours->name,
                              r->schema->columns[i].name);
        fields[i] = tuple_field(built, 0);
    }
    struct bytes key, value;
    rc = build_row(r, fields, &key, &value);
    return rc ? rc : put_row(r, o, key, value);
}

static int conflict(struct row_merge *r, const struct side_row *b, const struct side_row *o,
                    const struct side_row *t, const struct bytes *merged, const bool *clash) {
    bool decided;
    int rc = ask(r, b, o, t, merged, clash, &decided);
    if (rc || decided)
        return rc;
    return artifacts_add(r->m, &r->artifacts,
                         o->exists   ? o->key
                         : t->exists ? t->key
                                     : b->key,
                         ARTIFACT_CONFLICT, NULL, (struct bytes){NULL, 0});
}

/* Both sides have the row and differ. */
static int merge_cells(struct row_merge *r, const struct side_row *b, const struct side_row *o,
                       const struct side_row *t) {
    struct bytes *merged = arena_zalloc(r->m->a, (r->columns + 1) * sizeof *merged);
    bool *clash = arena_zalloc(r->m->a, r->columns + 1);
    bool any = false;
    for (size_t i = 0; i < r->columns; i++) {
        struct bytes vo = o->fields[i], vt = t->fields[i], vb = b->fields[i];
        const struct column *c = &r->schema->columns[i];
        bool base_knows = b->exists && b->has[i];
        merged[i] = vo;
        if (c->is_virtual || c->primary_key || !t->has[i])
            continue;
        if (same_value(r, i, vo, vt)) {
            if (vo.data && vt.data)
                merged[i] = larger(vo, vt);
        } else if (base_knows && same_value(r, i, vb, vo)) {
            merged[i] = vt;
        } else if (base_knows && same_value(r, i, vb, vt)) {
            merged[i] = vo;
        } else if (b->exists && !b->has[i] && !o->has[i]) {
            merged[i] = vt; /* a column that only they have */
        } else if (c->generated) {
            merged[i] = vo; /* computed again below */
        } else if (!base_knows || !merge_documents(r, i, vb, vo, vt, &merged[i])) {
            clash[i] = any = true;
        }
    }
    if (any)
        return conflict(r, b, o, t, merged, clash);
    for (size_t i = 0; i < r->columns; i++) {
        const struct column *c = &r->schema->columns[i];
        if (!c->generated || c->is_virtual || c->hidden)
            continue;
        struct cell *row = arena_zalloc(r->m->a, (r->schema->column_count + 1) * sizeof *row), out;
        for (size_t k = 0; k < r->columns; k++) {
            int rc = cell_of(r, k, merged[k], &row[k]);
            if (rc)
                return rc;
        }
        struct tuple_field field = *table_column_field(r->s->ours->ts, i);
        struct tuple_desc one = {.fields = &field, .count = 1, .target_row_size = 2048};
        struct bytes built;
        int rc = generated_value(&r->m->ours, r->schema, i, row, &out, r->m->err);
        if (rc == BD_OK)
            rc = tuple_build(&one, &out, r->m->ns, r->m->a, &built, r->m->err);
        if (rc)
            return rc;
        merged[i] = tuple_field(built, 0);
    }
    struct bytes key, value;
    int rc = build_row(r, merged, &key, &value);
    if (rc)
        return rc;
    if (equal(key, o->key) && equal(value, o->value))
        return BD_OK;
    return put_row(r, o, key, value);
}

/* A column that one side dropped and the other wrote to in this row. */
static int dropped_clash(struct row_merge *r, const struct side_row *b, const struct side_row *o,
                         const struct side_row *t, bool *clash) {
    const struct merge_sides *s = r->s;
    *clash = false;
    if (!b->exists || !s->base)
        return BD_OK;
    for (size_t i = 0; i < s->dropped_count && !*clash; i++) {
        const struct merge_dropped *d = &s->dropped[i];
        struct bytes before = table_field(s->base->ts, (size_t)d->base, b->key, b->value), now;
        if (d->theirs >= 0) {
            if (!t->exists)
                continue;
            now = table_field(s->theirs->ts, (size_t)d->theirs, t->key, t->value);
        } else {
            struct bytes old;
            if (!o->exists || !s->ours_before)
                continue;
            int rc = edit_map_get(&s->ours_before->rows, o->key, &old, r->m->err);
            if (rc == BD_NOT_FOUND)
                continue;
            if (rc)
                return rc;
            now = table_field(s->ours_before->ts, (size_t)d->ours, o->key, old);
        }
        *clash = !equal(before, now);
    }
    return BD_OK;
}

/* ---- one difference of theirs ---- */

static int apply_keyless(struct row_merge *r, const struct side_row *b, const struct side_row *o,
                         const struct side_row *t) {
    uint64_t nb = b->exists ? keyless_cardinality(b->value) : 0;
    uint64_t no = o->exists ? keyless_cardinality(o->value) : 0;
    uint64_t nt = t->exists ? keyless_cardinality(t->value) : 0;
    if (no == nb) {
        if (nt == 0)
            return o->exists ? remove_row(r, o) : BD_OK;
        return put_row(r, o, t->key, t->value);
    }
    return artifacts_add(r->m, &r->artifacts,
                         o->exists   ? o->key
                         : t->exists ? t->key
                                     : b->key,
                         ARTIFACT_CONFLICT, NULL, (struct bytes){NULL, 0});
}

static int apply_change(struct row_merge *r, const struct bytes *b_key, const struct bytes *b_value,
                        const struct bytes *t_key, const struct bytes *t_value) {
    struct side_row b, o, t;
    struct merge *m = r->m;
    side_init(r, &b);
    side_init(r, &o);
    side_init(r, &t);
    b.exists = b_value != NULL;
    t.exists = t_value != NULL;
    if (b.exists) {
        b.key = *b_key;
        b.value = *b_value;
    }
    if (t.exists) {
        t.key = *t_key;
        t.value = *t_value;
    }
    /* the key as our table stores it */
    struct map_cursor c;
    struct bytes probe = t.exists ? t.key : b.key;
    int rc = map_cursor_seek(&c, &r->s->ours->rows, probe, m->err);
    if (rc == BD_OK && c.valid && tuple_compare(&r->s->ours->ts->keys, c.key, probe) == 0) {
        o.exists = true;
        o.key = c.key;
        o.value = c.value;
    }
    map_cursor_release(&c);
    if (rc)
        return rc;
    if (r->schema->keyless)
        return apply_keyless(r, &b, &o, &t);
    if (r->s->same_schema) { /* the common cases need no decoding */
        bool ours_same =
            b.exists == o.exists && (!b.exists || (equal(b.value, o.value) && equal(b.key, o.key)));
        if (ours_same && t.exists)
            return put_row(r, &o, t.key, t.value);
        if (ours_same)
            return o.exists ? remove_row(r, &o) : BD_OK;
        if (o.exists == t.exists && (!o.exists || (equal(o.value, t.value) && equal(o.key, t.key))))
            return BD_OK;
    }
    rc = side_load(r, r->s->base ? r->s->base : r->s->theirs, r->s->base_columns, &b);
    if (rc == BD_OK)
        rc = side_load(r, r->s->theirs, r->s->their_columns, &t);
    if (rc == BD_OK)
        rc = side_load(r, r->s->ours, NULL, &o);
    if (rc)
        return rc;
    for (size_t i = 0; i < r->columns;
         i++) /* columns our side took from them just now hold no decision of ours */
        if (r->s->ours_added && r->s->ours_added[i])
            o.has[i] = false;
    if (!o.exists && !t.exists)
        return BD_OK;
    bool clash;
    rc = dropped_clash(r, &b, &o, &t, &clash);
    if (rc)
        return rc;
    if (clash)
        return conflict(r, &b, &o, &t, o.exists ? o.fields : t.fields,
                        arena_zalloc(m->a, r->columns + 1));
    if (o.exists && t.exists) {
        if (b.exists && same_row(r, &b, &t) && r->s->same_schema)
            return BD_OK;
        return merge_cells(r, &b, &o, &t);
    }
    if (!b.exists) { /* theirs is new */
        struct bytes key, value;
        for (size_t i = 0; i < r->columns; i++) {
            const struct column *col = &r->schema->columns[i];
            const struct tuple_field *f = table_column_field(r->s->ours->ts, i);
            if (t.has[i] || !f || !col->default_text || !*col->default_text)
                continue;
            struct cell cell;
            struct tuple_field field = *f;
            struct tuple_desc one = {.fields = &field, .count = 1, .target_row_size = 2048};
            struct bytes built;
            rc = default_value(&m->ours, col->default_text, &cell, m->err);
            if (rc == BD_OK)
                rc = tuple_build(&one, &cell, m->ns, m->a, &built, m->err);
            if (rc)
                return rc;
            t.fields[i] = tuple_field(built, 0);
        }
        rc = build_row(r, t.fields, &key, &value);
        return rc ? rc : put_row(r, &o, key, value);
    }
    if (!t.exists) /* they deleted it */
        return same_row(r, &b, &o)
                   ? remove_row(r, &o)
                   : conflict(r, &b, &o, &t, o.fields, arena_zalloc(m->a, r->columns + 1));
    /* we deleted it */
    return same_row(r, &b, &t) ? BD_OK
                               : conflict(r, &b, &o, &t, t.fields, arena_zalloc(m->a, r->columns + 1));
}

/* ---- what the merged rows violate ---- */

static void json_string(struct buf *out, const char *s) {
    buf_add_char(out, '"');
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            buf_addf(out, "\\%c", c);
        else if (c == '<' || c == '>' || c == '&' || c < 0x20)
            buf_addf(out, "\\u%04x", c);
        else
            buf_add_char(out, (char)c);
    }
    buf_add_char(out, '"');
}

struct twin {
    struct row_merge *r;
    size_t index;
    struct bytes self;
    bool found;
    const char *info;
};

static int note_twin(void *ctx, struct bytes entry, struct bytes unused) {
    (void)unused;
    struct twin *w = ctx;
    struct row_merge *r = w->r;
    struct table *t = r->s->ours;
    struct bytes key = table_index_row_key(t->ts, w->index, entry, r->m->a), value;
    if (!tuple_compare(&t->ts->keys, key, w->self))
        return BD_OK;
    w->found = true;
    int rc = edit_map_get(&t->rows, key, &value, r->m->err);
    return rc ? rc : artifacts_add(r->m, &r->artifacts, key, ARTIFACT_UNIQUE, w->info, value);
}

static int check_unique(struct row_merge *r, size_t i, struct bytes key, struct bytes value) {
    struct table *t = r->s->ours;
    const struct index *ix = &r->schema->indexes[i];
    struct edit_map *map;
    struct bytes entry;
    bool null_part;
    int rc = table_index(t, i, &map, r->m->err);
    if (rc == BD_OK)
        rc = table_index_key(t->ts, i, key, value, r->m->ns, r->m->a, &entry, &null_part, r->m->err);
    if (rc || null_part)
        return rc;
    struct buf info = BUF_INIT;
    buf_add_str(&info, "{\"Columns\":[");
    for (size_t c = 0; c < ix->column_count; c++) {
        if (c)
            buf_add_char(&info, ',');
        json_string(&info, r->schema->columns[ix->columns[c]].name);
    }
    buf_add_str(&info, "],\"Name\":");
    json_string(&info, ix->name);
    buf_add_char(&info, '}');
    struct twin w = {r, i, key, false, buf_str(&info)};
    struct access_range range = {.index = (int)i, .probe = entry, .fields = ix->column_count};
    rc = access_range_run(map, &t->ts->indexes[i], &range, note_twin, &w, r->m->err);
    if (rc == BD_OK && w.found)
        rc = artifacts_add(r->m, &r->artifacts, key, ARTIFACT_UNIQUE, w.info, value);
    buf_release(&info);
    return rc;
}

static int check_checks(struct row_merge *r, struct bytes key, struct bytes value) {
    struct table *t = r->s->ours;
    struct cell *row = arena_zalloc(r->m->a, (r->schema->column_count + 1) * sizeof *row);
    for (size_t i = 0; i < r->schema->column_count; i++) {
        int rc = table_cell(t->ts, i, key, value, r->m->ns, r->m->a, &row[i], r->m->err);
        if (rc)
            return rc;
    }
    for (size_t i = 0; i < r->schema->check_count; i++) {
        const struct check *c = &r->schema->checks[i];
        bool ok;
        if (!c->enforced)
            continue;
        int rc = check_holds(&r->m->ours, r->schema, c, row, &ok, r->m->err);
        if (rc)
            return rc;
        if (ok)
            continue;
        struct buf info = BUF_INIT;
        buf_add_str(&info, "{\"Name\":");
        json_string(&info, c->name);
        buf_add_str(&info, ",\"Expression\":");
        json_string(&info, c->expression);
        buf_add_char(&info, '}');
        rc = artifacts_add(r->m, &r->artifacts, key, ARTIFACT_CHECK, buf_str(&info), value);
        buf_release(&info);
        if (rc)
            return rc;
    }
    return BD_OK;
}

/* A NULL where none may be: the row goes, a record of it stays. */
static int check_nulls(struct row_merge *r, struct bytes key, struct bytes value, bool *gone) {
    *gone = false;
    struct buf info = BUF_INIT;
    for (size_t i = 0; i < r->columns; i++) {
        const struct column *c = &r->schema->columns[i];
        if (c->nullable || c->is_virtual || c->hidden ||
            table_field(r->s->ours->ts, i, key, value).data)
            continue;
        buf_add_str(&info, info.size ? "," : "{\"Columns\":[");
        json_string(&info, c->name);
    }
    int rc = BD_OK;
    if (info.size) {
        buf_add_str(&info, "]}");
        struct side_row row = {.exists = true, .key = key, .value = value};
        rc = artifacts_add(r->m, &r->artifacts, key, ARTIFACT_NOT_NULL, buf_str(&info), value);
        if (rc == BD_OK)
            rc = remove_row(r, &row);
        *gone = true;
    }
    buf_release(&info);
    return rc;
}

static int check_row(struct row_merge *r, struct bytes key, struct bytes value) {
    bool gone;
    int rc = check_nulls(r, key, value, &gone);
    if (rc || gone)
        return rc;
    for (size_t i = 0; rc == BD_OK && i < r->schema->index_count; i++)
        if (r->schema->indexes[i].unique)
            rc = check_unique(r, i, key, value);
    if (rc == BD_OK && r->schema->check_count)
        rc = check_checks(r, key, value);
    return rc;
}

static int check_every_row(void *ctx, struct bytes key, struct bytes value) {
    return check_row(ctx, key, value);
}

static int check_rows(struct row_merge *r) {
    if (r->schema->keyless)
        return BD_OK;
    if (!r->s->same_schema) {
        static const struct access_range all = {.index = -1};
        return access_range_run(&r->s->ours->rows, &r->s->ours->ts->keys, &all, check_every_row, r,
                                r->m->err);
    }
    for (size_t i = 0; i < r->touched_count; i++) {
        struct bytes value;
        int rc = edit_map_get(&r->s->ours->rows, r->touched[i], &value, r->m->err);
        if (rc == BD_OK)
            rc = check_row(r, r->touched[i], value);
        if (rc != BD_OK && rc != BD_NOT_FOUND)
            return rc;
    }
    return BD_OK;
}

int merge_rows(struct merge *m, const struct merge_sides *s) {
    struct row_merge r = {.m = m, .s = s, .schema = &s->ours->ts->schema};
    r.columns = schema_visible_count(r.schema);
    r.artifacts.t = s->ours;
    struct tree empty;
    const struct tree *base = s->base ? &s->base->rows.tree : &empty;
    int rc = s->base ? BD_OK : tree_empty(&empty, m->ns, &s->theirs->ts->row_type, m->err);
    struct tree_differ d;
    bool all = s->base && !hash_eq(&s->base->ts->hash, &s->theirs->ts->hash);
    if (rc == BD_OK)
        rc = tree_differ_init(&d, base, &s->theirs->rows.tree, all, m->err);
    struct tree_diff i;
    while (rc == BD_OK && (rc = tree_differ_next(&d, &i, m->err)) == BD_OK) {
        const struct bytes *their_key = i.change == TREE_MODIFIED ? &i.to_key : &i.key;
        rc = apply_change(&r, &i.key, i.change == TREE_ADDED ? NULL : &i.from, their_key,
                          i.change == TREE_REMOVED ? NULL : &i.to);
    }
    if (rc == BD_DONE)
        rc = BD_OK;
    for (size_t n = 0; rc == BD_OK && n < s->null_count; n++)
        rc = artifacts_add(m, &r.artifacts, s->nulls[n].key, ARTIFACT_NOT_NULL, s->nulls[n].info,
                           s->nulls[n].value);
    if (rc == BD_OK)
        rc = check_rows(&r);
    if (rc == BD_OK)
        rc = artifacts_flush(m, &r.artifacts);
    if (rc == BD_OK && s->theirs->auto_increment > s->ours->auto_increment) {
        s->ours->auto_increment = s->theirs->auto_increment;
        s->ours->changed = true;
    }
    free(r.touched);
    return rc ? err_prefix(m->err, "merging table %s", s->ours->name) : BD_OK;
}
