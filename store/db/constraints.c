/*
 * Foreign keys: resolving, checking children, following parents. A key's columns are named by tags; a
 * key whose parent table is gone cannot be satisfied, one whose child is gone is without effect.
 */
#include "store/db/ddl_exec.h"
#include "store/db/row_write.h"
#include "store/db/scan_access.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int column_by_tag(const struct schema *s, uint64_t tag) {
    for (size_t i = 0; i < s->column_count; i++)
        if (s->columns[i].tag == tag)
            return (int)i;
    return -1;
}

/* Ordinals of the key's columns in one of its tables. */
static int key_columns(const struct foreign_key *fk, const struct table *t, bool child,
                       uint16_t *columns, struct err *err) {
    const uint64_t *tags = child ? fk->child_tags : fk->parent_tags;
    for (size_t i = 0; i < fk->child_tag_count; i++) {
        int c = column_by_tag(&t->ts->schema, tags[i]);
        if (c < 0)
            return err_set(err, BD_CONSTRAINT,
                           "foreign key %s names a column that table %s does not have", fk->name,
                           t->name);
        columns[i] = (uint16_t)c;
    }
    return BD_OK;
}

/* ---- the map that finds rows by the key's columns ---- */

struct lookup {
    struct edit_map *map;
    const struct tuple_desc *desc;
    int index;             /* -1: rows */
    const uint16_t *order; /* columns of the map's key, in order */
};

static bool columns_lead(const uint16_t *have, size_t have_count, const uint16_t *want, size_t n) {
    if (have_count < n)
        return false;
    for (size_t i = 0; i < n; i++) {
        bool found = false;
        for (size_t j = 0; j < n && !found; j++)
            found = have[i] == want[j];
        if (!found)
            return false;
    }
    return true;
}

/* Primary key or an index that starts with these columns, in any order among themselves. */
static int find_lookup(struct table *t, const char *index_name, const uint16_t *columns, size_t n,
                       struct lookup *out, bool *found, struct err *err) {
    const struct schema *s = &t->ts->schema;
    *found = false;
    int best = -2;
    if (index_name && *index_name) {
        for (size_t i = 0; i < s->index_count; i++)
            if (!strcasecmp(s->indexes[i].name, index_name) &&
                columns_lead(s->indexes[i].columns, s->indexes[i].column_count, columns, n))
                best = (int)i;
    }
    if (best == -2 && !s->keyless && columns_lead(s->pk, s->pk_count, columns, n))
        best = -1;
    for (size_t i = 0; best == -2 && i < s->index_count; i++)
        if (!s->indexes[i].fulltext && !s->indexes[i].spatial && !s->indexes[i].prefix_count &&
            columns_lead(s->indexes[i].key_columns, s->indexes[i].key_column_count, columns, n))
            best = (int)i;
    if (best == -2)
        return BD_OK;
    *found = true;
    out->index = best;
    if (best < 0) {
        out->map = &t->rows;
        out->desc = &t->ts->keys;
        out->order = s->pk;
        return BD_OK;
    }
    out->desc = &t->ts->indexes[best];
    out->order = s->indexes[best].key_columns;
    return table_index(t, (size_t)best, &out->map, err);
}

/* The probe for rows whose `columns` equal these cells. */
static int build_lookup_probe(struct embedded_txn *x, const struct lookup *l, const uint16_t *columns,
                              const struct cell *cells, size_t n, struct bytes *probe) {
    struct tuple_field *fields = arena_alloc(&x->arena, (n + 1) * sizeof *fields);
    struct cell *ordered = arena_alloc(&x->arena, (n + 1) * sizeof *ordered);
    for (size_t i = 0; i < n; i++) {
        fields[i] = l->desc->fields[i];
        fields[i].nullable = true;
        for (size_t j = 0; j < n; j++)
            if (columns[j] == l->order[i])
                ordered[i] = cells[j];
    }
    struct tuple_desc head = {
        .fields = fields, .count = n, .target_row_size = l->desc->target_row_size};
    return tuple_build(&head, ordered, x->ns, &x->arena, probe, NULL);
}

struct found_keys {
    struct table *t;
    int index;
    struct arena *a;
    struct bytes *keys;
    size_t count, capacity;
    size_t max;
};

static int found_add(void *ctx, struct bytes key, struct bytes value) {
    (void)value;
    struct found_keys *f = ctx;
    MEM_GROW(f->keys, f->capacity, f->count + 1);
    f->keys[f->count++] =
        f->index < 0 ? key : table_index_row_key(f->t->ts, (size_t)f->index, key, f->a);
    return f->max && f->count >= f->max ? BD_DONE : BD_OK;
}

struct scan_match {
    struct found_keys *found;
    struct embedded_txn *x;
    const uint16_t *columns;
    const struct cell *cells;
    size_t n;
};

static int scan_row(void *ctx, struct bytes key, struct bytes value) {
    struct scan_match *m = ctx;
    for (size_t i = 0; i < m->n; i++) {
        struct cell c;
        int rc =
            table_cell(m->found->t->ts, m->columns[i], key, value, m->x->ns, &m->x->arena, &c, NULL);
        if (rc)
            return rc;
        if (cell_is_null(&c) || cell_cmp(&c, &m->cells[i]))
            return BD_OK;
    }
    m->found->index = -1;
    return found_add(m->found, key, value);
}

/* Row keys of the rows whose columns equal the cells; at most max (0 = all). */
static int find_rows(struct embedded_txn *x, struct table *t, const char *index_name,
                     const uint16_t *columns, const struct cell *cells, size_t n, size_t max,
                     struct found_keys *out, struct err *err) {
    memset(out, 0, sizeof *out);
    out->t = t;
    out->a = &x->arena;
    out->max = max;
    struct lookup l;
    bool found;
    int rc = find_lookup(t, index_name, columns, n, &l, &found, err);
    if (rc)
        return rc;
    if (!found) {
        struct scan_match m = {out, x, columns, cells, n};
        rc = embedded_match(x, t, NULL, scan_row, &m, err);
        return rc == BD_DONE ? BD_OK : rc;
    }
    struct bytes probe;
    if (build_lookup_probe(x, &l, columns, cells, n, &probe))
        return BD_OK; /* a value that the other table cannot hold */
    out->index = l.index;
    struct access_range r = {.index = l.index, .probe = probe, .fields = n};
    rc = access_range_run(l.map, l.desc, &r, found_add, out, err);
    return rc == BD_DONE ? BD_OK : rc;
}

/* ---- resolving ---- */

static bool resolve_columns(const struct table *t, const char **names, size_t n, uint64_t *tags,
                            uint16_t *columns) {
    for (size_t i = 0; i < n; i++) {
        int c = schema_column(&t->ts->schema, names[i]);
        if (c < 0)
            return false;
        tags[i] = t->ts->schema.columns[c].tag;
        columns[i] = (uint16_t)c;
    }
    return true;
}

static int resolve_one(struct embedded_txn *x, struct foreign_key *fk, struct err *err) {
    struct table *child, *parent;
    if (embedded_table(x, fk->child_table, &child, NULL))
        return BD_OK;
    size_t n = fk->child_name_count;
    if (embedded_table(x, fk->parent_table, &parent, NULL) || n == 0 || n != fk->parent_name_count)
        return err_set(
            err, BD_CONSTRAINT,
            "foreign key %s on table %s cannot be resolved: its parent table %s does not exist",
            fk->name, fk->child_table, fk->parent_table);
    uint64_t *child_tags = arena_alloc(&x->arena, n * sizeof *child_tags);
    uint64_t *parent_tags = arena_alloc(&x->arena, n * sizeof *parent_tags);
    uint16_t *columns = arena_alloc(&x->arena, 2 * n * sizeof *columns);
    if (!resolve_columns(child, fk->child_names, n, child_tags, columns) ||
        !resolve_columns(parent, fk->parent_names, n, parent_tags, columns + n))
        return err_set(err, BD_CONSTRAINT, "foreign key %s names columns that do not exist", fk->name);
    const struct index *child_index = ddl_key_index(&child->ts->schema, columns, n, NULL);
    const struct index *parent_index = ddl_key_index(&parent->ts->schema, columns + n, n, NULL);
    fk->child_index = child_index ? child_index->name : "";
    fk->parent_index = parent_index ? parent_index->name : "";
    fk->child_tags = child_tags;
    fk->parent_tags = parent_tags;
    fk->child_tag_count = fk->parent_tag_count = n;
    x->foreign_keys_changed = true;
    return BD_OK;
}

int fk_resolve_pending(struct embedded_txn *x, struct table *t, bool as_parent, struct err *err) {
    struct foreign_keys *fks;
    int rc = embedded_foreign_keys(x, &fks, err);
    for (size_t i = 0; rc == BD_OK && i < fks->count; i++) {
        struct foreign_key *fk = &fks->keys[i];
        if (foreign_key_resolved(fk))
            continue;
        if (!strcasecmp(as_parent ? fk->parent_table : fk->child_table, t->name))
            rc = resolve_one(x, fk, err);
    }
    return rc;
}

/* ---- children ---- */

static int describe(const char *start, const struct foreign_key *fk, const struct cell *cells,
                    struct arena *a, struct err *err) {
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < fk->child_tag_count; i++) {
        const char *text = cell_format(&cells[i], a);
        buf_addf(&b, "%s%s", i ? "," : "", text ? text : "NULL");
    }
    int rc = err_set(
        err, BD_CONSTRAINT,
        "%s - Foreign key violation on fk: `%s`, table: `%s`, referenced table: `%s`, key: `[%s]`",
        start, fk->name, fk->child_table, fk->parent_table, buf_str(&b));
    buf_release(&b);
    return rc;
}

/* Cells of the key's columns; *any_null: the key does not apply. */
static int key_cells(struct embedded_txn *x, struct table *t, const uint16_t *columns, size_t n,
                     struct bytes key, struct bytes value, struct cell *cells, bool *any_null,
                     struct err *err) {
    *any_null = false;
    for (size_t i = 0; i < n; i++) {
        int rc = table_cell(t->ts, columns[i], key, value, x->ns, &x->arena, &cells[i], err);
        if (rc)
            return rc;
        if (cell_is_null(&cells[i]))
            *any_null = true;
    }
    return BD_OK;
}

static int check_parent(struct embedded_txn *x, const struct foreign_key *fk, struct table *child,
                        const uint16_t *columns, const struct cell *cells, bool self, struct err *err) {
    struct table *parent;
    size_t n = fk->child_tag_count;
    static const char refused[] = "cannot add or update a child row";
    int rc = embedded_table(x, fk->parent_table, &parent, err);
    if (rc == BD_NOT_FOUND)
        return describe(refused, fk, cells, &x->arena, err);
    uint16_t parent_columns[32];
    if (n > 32)
        return err_set(err, BD_UNSUPPORTED, "foreign key %s has %zu columns", fk->name, n);
    if (rc == BD_OK)
        rc = key_columns(fk, parent, false, parent_columns, err);
    if (rc)
        return rc;
    if (self && parent == child && !memcmp(columns, parent_columns, n * sizeof *columns))
        return BD_OK; /* the row is its own parent */
    struct found_keys found;
    rc = find_rows(x, parent, fk->parent_index, parent_columns, cells, n, 1, &found, err);
    bool exists = found.count > 0;
    free(found.keys);
    if (rc == BD_OK && !exists)
        rc = describe(refused, fk, cells, &x->arena, err);
    return rc;
}

int fk_check_row(struct embedded_txn *x, struct table *t, struct bytes key, struct bytes value,
                 const bool *changed, struct err *err) {
    struct foreign_keys *fks;
    int rc = embedded_foreign_keys(x, &fks, err);
    for (size_t i = 0; rc == BD_OK && i < fks->count; i++) {
        const struct foreign_key *fk = &fks->keys[i];
        size_t n = fk->child_tag_count;
        if (!foreign_key_resolved(fk) || n > 32 || strcasecmp(fk->child_table, t->name))
            continue;
        uint16_t columns[32];
        rc = key_columns(fk, t, true, columns, err);
        bool touched = !changed, any_null;
        for (size_t c = 0; rc == BD_OK && changed && c < n; c++)
            touched = touched || changed[columns[c]];
        if (rc || !touched)
            continue;
        struct cell cells[32];
        rc = key_cells(x, t, columns, n, key, value, cells, &any_null, err);
        if (rc == BD_OK && !any_null) {
            bool self = !strcasecmp(fk->parent_table, t->name);
            if (self) { /* the row may be its own parent: compare its own parent columns */
                uint16_t parent_columns[32];
                struct cell own[32];
                bool ignored;
                rc = key_columns(fk, t, false, parent_columns, err);
                if (rc == BD_OK)
                    rc = key_cells(x, t, parent_columns, n, key, value, own, &ignored, err);
                bool same = rc == BD_OK;
                for (size_t c = 0; same && c < n; c++)
                    same = cell_eq(&own[c], &cells[c]);
                if (same)
                    continue;
            }
            if (rc == BD_OK)
                rc = check_parent(x, fk, t, columns, cells, false, err);
        }
    }
    return rc;
}

struct table_check {
    struct embedded_txn *x;
    const struct foreign_key *fk;
    struct table *child;
    uint16_t columns[32];
    struct err *err;
};

static int check_table_row(void *ctx, struct bytes key, struct bytes value) {
    struct table_check *c = ctx;
    struct cell cells[32];
    bool any_null;
    int rc = key_cells(c->x, c->child, c->columns, c->fk->child_tag_count, key, value, cells, &any_null,
                       c->err);
    if (rc || any_null)
        return rc;
    return check_parent(c->x, c->fk, c->child, c->columns, cells, false, c->err);
}

int fk_check_table(struct embedded_txn *x, struct table *child, const struct foreign_key *fk,
                   struct err *err) {
    struct table_check c = {.x = x, .fk = fk, .child = child, .err = err};
    if (fk->child_tag_count > 32)
        return err_set(err, BD_UNSUPPORTED, "foreign key %s has %zu columns", fk->name,
                       fk->child_tag_count);
    int rc = key_columns(fk, child, true, c.columns, err);
    return rc ? rc : embedded_match(x, child, NULL, check_table_row, &c, err);
}

/* ---- parents ---- */

static int set_children(struct embedded_txn *x, struct table *child, const struct found_keys *rows,
                        const uint16_t *columns, const struct cell *cells, size_t n, unsigned depth,
                        struct err *err) {
    size_t total = child->ts->schema.column_count;
    struct cell *row = arena_zalloc(&x->arena, (total + 1) * sizeof *row);
    bool *set = arena_zalloc(&x->arena, total + 1);
    for (size_t i = 0; i < n; i++) {
        row[columns[i]] = cells ? cells[i] : cell_null();
        set[columns[i]] = true;
    }
    int rc = BD_OK;
    for (size_t i = 0; rc == BD_OK && i < rows->count; i++) {
        struct bytes value;
        bool changed;
        rc = edit_map_get(&child->rows, rows->keys[i], &value, err);
        if (rc == BD_NOT_FOUND) {
            rc = BD_OK;
            continue;
        }
        if (rc == BD_OK)
            rc = row_update(x, child, rows->keys[i], value, row, set, depth + 1, &changed, err);
    }
    return rc;
}

/* What a key demands of the children of a row; new_cells NULL: the parent row is gone. */
static int follow_key(struct embedded_txn *x, const struct foreign_key *fk,
                      const struct cell *old_cells, const struct cell *new_cells, unsigned depth,
                      struct err *err) {
    struct table *child;
    int rc = embedded_table(x, fk->child_table, &child, err);
    if (rc == BD_NOT_FOUND)
        return BD_OK;
    uint16_t columns[32];
    size_t n = fk->child_tag_count;
    if (rc == BD_OK)
        rc = key_columns(fk, child, true, columns, err);
    if (rc)
        return rc;
    enum fk_action action = (enum fk_action)(new_cells ? fk->on_update : fk->on_delete);
    struct found_keys rows;
    bool only_one = action != FK_CASCADE && action != FK_SET_NULL;
    rc = find_rows(x, child, fk->child_index, columns, old_cells, n, only_one ? 1 : 0, &rows, err);
    if (rc == BD_OK && rows.count) {
        if (depth >= CASCADE_DEPTH_MAX)
            rc = err_set(err, BD_CONSTRAINT, "foreign keys cascade more than %d levels deep",
                         CASCADE_DEPTH_MAX);
        else if (only_one)
            rc = describe("cannot delete or update a parent row", fk, old_cells, &x->arena, err);
        else
            rc = embedded_table_for_write(x, child->name, &child, err);
        if (rc == BD_OK) /* its own children may hang on keys that nothing has touched yet */
            rc = fk_resolve_pending(x, child, true, err);
        if (rc == BD_OK && action == FK_SET_NULL)
            rc = set_children(x, child, &rows, columns, NULL, n, depth, err);
        else if (rc == BD_OK && new_cells)
            rc = set_children(x, child, &rows, columns, new_cells, n, depth, err);
        else
            for (size_t i = 0; rc == BD_OK && i < rows.count; i++) {
                struct bytes value;
                rc = edit_map_get(&child->rows, rows.keys[i], &value, err);
                if (rc == BD_NOT_FOUND)
                    rc = BD_OK;
                else if (rc == BD_OK)
                    rc = row_delete(x, child, rows.keys[i], value, depth + 1, err);
            }
    }
    free(rows.keys);
    return rc;
}

static int follow_keys(struct embedded_txn *x, struct table *t, struct bytes old_key,
                       struct bytes old_value, const struct bytes *key, const struct bytes *value,
                       unsigned depth, struct err *err) {
    struct foreign_keys *fks;
    int rc = embedded_foreign_keys(x, &fks, err);
    for (size_t i = 0; rc == BD_OK && i < fks->count; i++) {
        const struct foreign_key *fk = &fks->keys[i];
        size_t n = fk->parent_tag_count;
        if (!foreign_key_resolved(fk) || n > 32 || strcasecmp(fk->parent_table, t->name))
            continue;
        uint16_t columns[32];
        struct cell before[32], after[32];
        bool any_null, ignored, same = key != NULL;
        rc = key_columns(fk, t, false, columns, err);
        if (rc == BD_OK)
            rc = key_cells(x, t, columns, n, old_key, old_value, before, &any_null, err);
        if (rc == BD_OK && key)
            rc = key_cells(x, t, columns, n, *key, *value, after, &ignored, err);
        if (rc || any_null)
            continue;
        for (size_t c = 0; same && c < n; c++)
            same = cell_eq(&before[c], &after[c]);
        if (!same)
            rc = follow_key(x, fk, before, key ? after : NULL, depth, err);
    }
    return rc;
}

int fk_parent_deleted(struct embedded_txn *x, struct table *t, struct bytes key, struct bytes value,
                      unsigned depth, struct err *err) {
    return follow_keys(x, t, key, value, NULL, NULL, depth, err);
}

int fk_parent_updated(struct embedded_txn *x, struct table *t, struct bytes old_key,
                      struct bytes old_value, struct bytes key, struct bytes value, unsigned depth,
                      struct err *err) {
    return follow_keys(x, t, old_key, old_value, &key, &value, depth, err);
}

/* ---- for merges ---- */

int fk_has_parent(struct embedded_txn *x, const struct foreign_key *fk, struct table *child,
                  struct table *parent, struct bytes key, struct bytes value, bool *ok,
                  struct err *err) {
    uint16_t columns[32], parent_columns[32];
    struct cell cells[32];
    size_t n = fk->child_tag_count;
    bool any_null;
    *ok = true;
    if (n > 32)
        return err_set(err, BD_UNSUPPORTED, "foreign key %s has %zu columns", fk->name, n);
    int rc = key_columns(fk, child, true, columns, err);
    if (rc == BD_OK)
        rc = key_columns(fk, parent, false, parent_columns, err);
    if (rc == BD_OK)
        rc = key_cells(x, child, columns, n, key, value, cells, &any_null, err);
    if (rc || any_null)
        return rc;
    struct found_keys found;
    rc = find_rows(x, parent, fk->parent_index, parent_columns, cells, n, 1, &found, err);
    *ok = found.count > 0;
    free(found.keys);
    return rc;
}

int fk_orphans(struct embedded_txn *x, const struct foreign_key *fk, struct table *child,
               struct table *parent, struct table *old_parent, struct bytes key, struct bytes value,
               struct bytes **keys, size_t *count, struct err *err) {
    uint16_t old_columns[32], columns[32], child_columns[32];
    struct cell cells[32];
    size_t n = fk->child_tag_count;
    bool any_null;
    *keys = NULL;
    *count = 0;
    if (n > 32)
        return err_set(err, BD_UNSUPPORTED, "foreign key %s has %zu columns", fk->name, n);
    if (key_columns(fk, old_parent, false, old_columns, NULL))
        return BD_OK; /* the key is younger than that state */
    int rc = key_columns(fk, parent, false, columns, err);
    if (rc == BD_OK)
        rc = key_columns(fk, child, true, child_columns, err);
    if (rc == BD_OK)
        rc = key_cells(x, old_parent, old_columns, n, key, value, cells, &any_null, err);
    if (rc || any_null)
        return rc;
    struct found_keys found;
    rc = find_rows(x, parent, fk->parent_index, columns, cells, n, 1, &found, err);
    bool still = found.count > 0;
    free(found.keys);
    if (rc || still)
        return rc;
    rc = find_rows(x, child, fk->child_index, child_columns, cells, n, 0, &found, err);
    *keys = found.keys;
    *count = found.count;
    return rc;
}
