/*
 * Three-way merge of table schemas (Dolt: go/libraries/doltcore/merge): columns by tag, else by name;
 * indexes by the tags of their columns; checks by name. What only one side changed is taken. Our
 * columns keep their order, new ones of theirs follow.
 */
#include "store/db/merge.h"

#include "store/db/ddl_exec.h"
#include "store/db/row_write.h"
#include "store/db/scan_access.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct schema_merge {
    struct merge *m;
    const struct schema *o, *t, *b;
    struct schema *out;
    int *from;         /* per merged column: ours, or DDL_NEW_COLUMN */
    int *their, *base; /* per merged column: ordinals there or -1 */
    const char *conflict;
    struct merge_dropped *dropped;
    size_t dropped_count;
};

static bool same_text(const char *a, const char *b) { return !strcmp(a ? a : "", b ? b : ""); }

static bool same_column(const struct column *a, const struct column *b) {
    return !strcmp(a->name, b->name) && !strcmp(a->type_text, b->type_text) &&
           same_text(a->default_text, b->default_text) && same_text(a->comment, b->comment) &&
           same_text(a->on_update, b->on_update) && a->encoding == b->encoding &&
           a->primary_key == b->primary_key && a->nullable == b->nullable &&
           a->auto_increment == b->auto_increment && a->generated == b->generated &&
           a->is_virtual == b->is_virtual;
}

static int find_column(const struct schema *s, const struct column *c) {
    size_t n = schema_visible_count(s);
    for (size_t i = 0; i < n; i++)
        if (s->columns[i].tag == c->tag)
            return (int)i;
    for (size_t i = 0; i < n; i++)
        if (!strcasecmp(s->columns[i].name, c->name))
            return (int)i;
    return -1;
}

/* A changed type of one side that the other side's rows fit into as they are. */
static bool compatible(const struct column *from, const struct column *to) {
    if (!strcmp(from->type_text, to->type_text))
        return true;
    return from->encoding == to->encoding && from->type.base == to->type.base &&
           from->type.collation == to->type.collation && from->type.length <= to->type.length &&
           (to->type.base == SQL_VARCHAR || to->type.base == SQL_CHAR ||
            to->type.base == SQL_VARBINARY);
}

static void fail(struct schema_merge *x, const char *fmt, const char *name) {
    if (!x->conflict)
        x->conflict = arena_printf(x->m->a, fmt, name);
}

static void add(struct schema_merge *x, const struct column *c, int o, int t, int b) {
    size_t n = x->out->column_count++;
    x->out->columns[n] = *c;
    x->from[n] = o;
    x->their[n] = t;
    x->base[n] = b;
}

static void drop(struct schema_merge *x, int o, int t, int b) {
    x->dropped[x->dropped_count++] = (struct merge_dropped){o, t, b};
}

static void merge_columns(struct schema_merge *x) {
    size_t on = schema_visible_count(x->o), tn = schema_visible_count(x->t);
    for (size_t i = 0; i < on; i++) {
        const struct column *o = &x->o->columns[i];
        int ti = find_column(x->t, o), bi = x->b ? find_column(x->b, o) : -1;
        const struct column *t = ti < 0 ? NULL : &x->t->columns[ti],
                            *b = bi < 0 ? NULL : &x->b->columns[bi];
        if (b && !t) {
            if (same_column(o, b))
                drop(x, (int)i, -1, bi);
            else
                fail(x, "column %s was altered on our side and deleted on theirs", o->name);
            continue;
        }
        const struct column *take = o;
        if (t && !same_column(o, t)) {
            if (b && same_column(o, b)) {
                take = t;
                if (!compatible(o, t))
                    fail(x, "incompatible column types for column '%s'", o->name);
            } else if (b && same_column(t, b)) {
                if (!compatible(t, o))
                    fail(x, "incompatible column types for column '%s'", o->name);
            } else {
                fail(x, "different column definitions for column %s", o->name);
            }
        }
        if (!t && !b && !o->nullable && !*o->default_text && !o->generated)
            fail(x, "column %s is new on one side, NOT NULL, and has no default", o->name);
        add(x, take, (int)i, ti, bi);
        x->out->columns[x->out->column_count - 1].tag = o->tag;
    }
    for (size_t i = 0; i < tn; i++) {
        const struct column *t = &x->t->columns[i];
        if (find_column(x->o, t) >= 0)
            continue;
        int bi = x->b ? find_column(x->b, t) : -1;
        if (bi >= 0) {
            if (same_column(t, &x->b->columns[bi]))
                drop(x, -1, (int)i, bi);
            else
                fail(x, "column %s was deleted on our side and altered on theirs", t->name);
            continue;
        }
        if (!t->nullable && !*t->default_text && !t->generated)
            fail(x, "column %s is new on one side, NOT NULL, and has no default", t->name);
        add(x, t, DDL_NEW_COLUMN, (int)i, -1);
    }
}

/* ---- indexes and checks ---- */

static bool same_tags(const struct schema *sa, const struct index *a, const struct schema *sb,
                      const struct index *b) {
    if (a->column_count != b->column_count)
        return false;
    for (size_t i = 0; i < a->column_count; i++)
        if (sa->columns[a->columns[i]].tag != sb->columns[b->columns[i]].tag)
            return false;
    return true;
}

static const struct index *find_index(const struct schema *in, const struct schema *s,
                                      const struct index *ix) {
    for (size_t i = 0; in && i < in->index_count; i++)
        if (same_tags(in, &in->indexes[i], s, ix))
            return &in->indexes[i];
    return NULL;
}

static bool same_index(const struct index *a, const struct index *b) {
    if (strcmp(a->name, b->name) || !same_text(a->comment, b->comment) || a->unique != b->unique ||
        a->system_defined != b->system_defined || a->spatial != b->spatial ||
        a->fulltext != b->fulltext || a->vector != b->vector || a->prefix_count != b->prefix_count ||
        !same_text(a->predicate, b->predicate))
        return false;
    return a->prefix_count == 0 ||
           !memcmp(a->prefix_lengths, b->prefix_lengths, a->prefix_count * sizeof *a->prefix_lengths);
}

/* The index with the merged schema's ordinals; false when one of its columns is gone. */
static bool put_index(struct schema_merge *x, const struct schema *s, const struct index *ix) {
    struct index copy = *ix;
    copy.columns = arena_alloc(x->m->a, (ix->column_count + 1) * sizeof *copy.columns);
    for (size_t i = 0; i < ix->column_count; i++) {
        int at = -1;
        for (size_t c = 0; c < x->out->column_count; c++)
            if (x->out->columns[c].tag == s->columns[ix->columns[i]].tag)
                at = (int)c;
        if (at < 0)
            return false;
        copy.columns[i] = (uint16_t)at;
    }
    for (size_t i = 0; i < x->out->index_count; i++)
        if (!strcasecmp(x->out->indexes[i].name, ix->name))
            fail(x, "two different indexes are named %s", ix->name);
    x->out->indexes[x->out->index_count++] = copy;
    return true;
}

static void merge_indexes(struct schema_merge *x) {
    for (size_t i = 0; i < x->o->index_count; i++) {
        const struct index *o = &x->o->indexes[i];
        const struct index *t = find_index(x->t, x->o, o), *b = find_index(x->b, x->o, o);
        if (b && !t) {
            if (same_index(o, b))
                continue; /* dropped by them */
            fail(x, "index %s was altered on our side and dropped on theirs", o->name);
        }
        if (t && !same_index(o, t)) {
            if (b && same_index(o, b)) {
                put_index(x, x->t, t);
                continue;
            }
            if (!b || !same_index(t, b))
                fail(x, "index %s was defined differently on both sides", o->name);
        }
        put_index(x, x->o, o);
    }
    for (size_t i = 0; i < x->t->index_count; i++) {
        const struct index *t = &x->t->indexes[i];
        if (find_index(x->o, x->t, t))
            continue;
        const struct index *b = find_index(x->b, x->t, t);
        if (b) {
            if (!same_index(t, b))
                fail(x, "index %s was dropped on our side and altered on theirs", t->name);
            continue;
        }
        put_index(x, x->t, t);
    }
}

static const struct check *find_check(const struct schema *s, const char *name) {
    for (size_t i = 0; s && i < s->check_count; i++)
        if (!strcasecmp(s->checks[i].name, name))
            return &s->checks[i];
    return NULL;
}

static bool same_check(const struct check *a, const struct check *b) {
    return !strcmp(a->expression, b->expression) && a->enforced == b->enforced;
}

static void merge_checks(struct schema_merge *x) {
    struct check *list =
        arena_zalloc(x->m->a, (x->o->check_count + x->t->check_count + 1) * sizeof *list);
    size_t n = 0;
    for (size_t i = 0; i < x->o->check_count; i++) {
        const struct check *o = &x->o->checks[i], *t = find_check(x->t, o->name),
                           *b = find_check(x->b, o->name);
        if (b && !t) {
            if (same_check(o, b))
                continue;
            fail(x, "check %s was altered on our side and dropped on theirs", o->name);
        }
        if (t && !same_check(o, t) && b && same_check(o, b))
            o = t;
        else if (t && !same_check(o, t) && (!b || !same_check(t, b)))
            fail(x, "check %s was defined differently on both sides", o->name);
        list[n++] = *o;
    }
    for (size_t i = 0; i < x->t->check_count; i++) {
        const struct check *t = &x->t->checks[i], *b = find_check(x->b, t->name);
        if (find_check(x->o, t->name))
            continue;
        if (b && !same_check(t, b))
            fail(x, "check %s was dropped on our side and altered on theirs", t->name);
        if (!b)
            list[n++] = *t;
    }
    x->out->checks = list;
    x->out->check_count = n;
}

/* ---- rows that a new NOT NULL refuses ---- */

struct null_rows {
    struct schema_merge *x;
    struct table *t;
    struct merge_null *list;
    size_t count, capacity;
};

static int note_null(void *ctx, struct bytes key, struct bytes value) {
    struct null_rows *n = ctx;
    struct buf info = BUF_INIT;
    for (size_t c = 0; c < n->x->out->column_count; c++) {
        int from = n->x->from[c];
        if (from < 0 || n->x->out->columns[c].nullable || !n->x->o->columns[from].nullable ||
            table_field(n->t->ts, (size_t)from, key, value).data)
            continue;
        buf_addf(&info, "%s\"%s\"", info.size ? "," : "{\"Columns\":[", n->x->out->columns[c].name);
    }
    if (info.size) {
        buf_add_str(&info, "]}");
        MEM_GROW(n->list, n->capacity, n->count + 1);
        n->list[n->count++] =
            (struct merge_null){key, value, arena_strndup(n->x->m->a, info.data, info.size)};
    }
    buf_release(&info);
    return BD_OK;
}

/* Takes them out of our table before it gets the merged schema. */
static int remove_null_rows(struct schema_merge *x, struct table *t, struct merge_sides *s) {
    bool tightened = false;
    for (size_t c = 0; c < x->out->column_count; c++)
        tightened = tightened || (x->from[c] >= 0 && !x->out->columns[c].nullable &&
                                  x->o->columns[x->from[c]].nullable);
    if (!tightened || x->o->keyless)
        return BD_OK;
    static const struct access_range all = {.index = -1};
    struct null_rows n = {.x = x, .t = t};
    int rc = access_range_run(&t->rows, &t->ts->keys, &all, note_null, &n, x->m->err);
    for (size_t i = 0; rc == BD_OK && i < n.count; i++) {
        edit_map_remove(&t->rows, n.list[i].key);
        rc = row_index_entries(t, n.list[i].key, n.list[i].value, false, x->m->err);
    }
    s->nulls = arena_dup(x->m->a, n.list, n.count * sizeof *n.list);
    s->null_count = n.count;
    free(n.list);
    return rc;
}

static bool same_primary_key(const struct schema *a, const struct schema *b) {
    if (a->pk_count != b->pk_count || a->keyless != b->keyless)
        return false;
    for (size_t i = 0; i < a->pk_count; i++) {
        const struct column *x = &a->columns[a->pk[i]], *y = &b->columns[b->pk[i]];
        if (x->tag != y->tag && strcasecmp(x->name, y->name))
            return false;
        if (x->encoding != y->encoding)
            return false;
    }
    return true;
}

int merge_schemas(struct merge *m, struct table *ours, struct table *theirs, struct table *base,
                  struct merge_sides *s, const char **conflict) {
    s->same_schema = hash_eq(&ours->ts->hash, &theirs->ts->hash) &&
                     (!base || hash_eq(&base->ts->hash, &ours->ts->hash));
    if (s->same_schema)
        return BD_OK;
    const struct schema *o = &ours->ts->schema, *t = &theirs->ts->schema,
                        *b = base ? &base->ts->schema : NULL;
    if (!same_primary_key(o, t) || (b && (!same_primary_key(o, b) || !same_primary_key(t, b))))
        return err_set(m->err, BD_CONFLICT, "table %s cannot be merged: its primary key differs",
                       ours->name);
    size_t room = o->column_count + t->column_count + 1;
    struct schema out = *o;
    struct schema_merge x = {.m = m, .o = o, .t = t, .b = b, .out = &out};
    out.columns = arena_zalloc(m->a, room * sizeof *out.columns);
    out.column_count = 0;
    out.indexes = arena_zalloc(m->a, (o->index_count + t->index_count + 1) * sizeof *out.indexes);
    out.index_count = 0;
    x.from = arena_alloc(m->a, room * sizeof *x.from);
    x.their = arena_alloc(m->a, room * sizeof *x.their);
    x.base = arena_alloc(m->a, room * sizeof *x.base);
    x.dropped = arena_alloc(m->a, room * sizeof *x.dropped);
    merge_columns(&x);
    merge_indexes(&x);
    merge_checks(&x);
    if (o->collation != t->collation) {
        if (b && o->collation == b->collation)
            out.collation = t->collation;
        else if (!b || t->collation != b->collation)
            fail(&x, "both sides changed the collation of table %s", ours->name);
    }
    if (b && same_text(o->comment, b->comment))
        out.comment = t->comment;
    if (x.conflict) {
        *conflict = x.conflict;
        return BD_OK;
    }
    /* the key's columns stay where they are named; ordinals may have moved */
    uint16_t *pk = arena_alloc(m->a, (o->pk_count + 1) * sizeof *pk);
    for (size_t i = 0; i < o->pk_count; i++)
        for (size_t c = 0; c < out.column_count; c++)
            if (x.from[c] == (int)o->pk[i])
                pk[i] = (uint16_t)c;
    out.pk = pk;
    schema_derive(&out, &m->ours.arena);
    bool *added = arena_zalloc(m->a, out.column_count + 1);
    for (size_t c = 0; c < schema_visible_count(&out); c++)
        added[c] = x.from[c] == DDL_NEW_COLUMN;
    struct table *changed = ours;
    struct buf before = BUF_INIT, after = BUF_INIT;
    int rc = schema_serialize(o, &before, m->err);
    if (rc == BD_OK)
        rc = schema_serialize(&out, &after, m->err);
    bool same =
        rc == BD_OK && before.size == after.size && !memcmp(before.data, after.data, before.size);
    buf_release(&before);
    buf_release(&after);
    if (rc == BD_OK && !same)
        rc = remove_null_rows(&x, ours, s);
    if (rc == BD_OK && !same)
        rc = ddl_change_table(&m->ours, ours, &out, x.from, &changed, m->err);
    s->ours = changed;
    s->ours_before = ours;
    s->their_columns = x.their;
    s->base_columns = x.base;
    s->ours_added = added;
    s->dropped = x.dropped;
    s->dropped_count = x.dropped_count;
    return rc;
}
