/*
 * Reading the DSCH message (Dolt: go/serial/schema.fbs). Bytes are hostile: ordinals, counts and texts
 * are checked, so that whoever walks a parsed schema needs no checks of its own.
 */
#include "store/value/schema.h"

#include "store/prolly/flatbuf.h"

#include <string.h>

#define COLUMNS_MAX 4096
#define INDEXES_MAX 1024

struct reader {
    struct fb_table root;
    bool bad;
    struct arena *a;
    struct schema *s;
    struct err *err;
};

static int corrupt(struct reader *r, const char *what) {
    return err_set(r->err, BD_CORRUPT, "a table schema is damaged: %s", what);
}

static int too_new(struct reader *r, const char *what) {
    return err_set(
        r->err, BD_TOO_NEW,
        "a table schema's %s has parts that this program does not know: it was written by a newer "
        "version of Dolt; upgrade this program",
        what);
}

static const char *text(struct reader *r, const struct fb_table *t, unsigned slot) {
    struct fb_bytes b = fb_bytes_at(t, slot);
    return b.data ? arena_strndup(r->a, (const char *)b.data, b.size) : "";
}

/* A vector of column ordinals below `limit`. */
static bool ordinals(struct reader *r, const struct fb_table *t, unsigned slot, size_t limit,
                     uint16_t **out, size_t *count) {
    struct fb_vector v = fb_vector_at(t, slot, 2);
    *out = NULL;
    *count = v.data ? v.count : 0;
    if (*count > COLUMNS_MAX)
        return false;
    *out = arena_alloc(r->a, (*count + 1) * sizeof **out);
    for (size_t i = 0; i < *count; i++) {
        (*out)[i] = fb_vector_u16(&v, i);
        if ((*out)[i] >= limit)
            return false;
    }
    return true;
}

static int read_column(struct reader *r, const struct fb_table *t, struct column *c) {
    if (t->slots > 17)
        return too_new(r, "column");
    c->name = text(r, t, 0);
    c->type_text = text(r, t, 1);
    c->default_text = text(r, t, 2);
    c->comment = text(r, t, 3);
    c->display_order = (int16_t)fb_u16(t, 4, 0);
    c->tag = fb_u64(t, 5, 0);
    c->encoding = (enum encoding)fb_u8(t, 6, 0);
    c->primary_key = fb_u8(t, 7, 0);
    c->nullable = fb_u8(t, 8, 0);
    c->auto_increment = fb_u8(t, 9, 0);
    c->hidden = fb_u8(t, 10, 0);
    c->generated = fb_u8(t, 11, 0);
    c->is_virtual = fb_u8(t, 12, 0);
    c->on_update = text(r, t, 13);
    c->uses_adaptive = fb_u8(t, 14, 0);
    c->hidden_system = fb_u8(t, 15, 0);
    c->adaptive_breaking = fb_u8(t, 16, 0);
    if (!*c->name)
        return corrupt(r, "a column has no name");
    return BD_OK;
}

static bool is_keyless(const struct column *columns, size_t count) {
    if (count < 2)
        return false;
    const struct column *id = &columns[count - 2], *cardinality = &columns[count - 1];
    return id->generated && id->hidden && strcmp(id->name, "keyless_hash_id") == 0 &&
           cardinality->generated && cardinality->hidden &&
           strcmp(cardinality->name, "keyless_cardinality") == 0;
}

/* The type of an earlier column with the same text (few types recur in a table), or NULL. */
static const struct sql_type *type_seen(const struct schema *s, size_t before) {
    const char *wanted = s->columns[before].type_text;
    size_t oldest = before > 12 ? before - 12 : 0;
    for (size_t i = before; i-- > oldest;)
        if (strcmp(s->columns[i].type_text, wanted) == 0)
            return &s->columns[i].type;
    return NULL;
}

static int read_columns(struct reader *r) {
    struct schema *s = r->s;
    struct fb_vector v = fb_vector_at(&r->root, 0, 4);
    if (!v.data || v.count == 0 || v.count > COLUMNS_MAX)
        return corrupt(r, "it has no columns, or too many");
    s->column_count = v.count;
    s->columns = arena_zalloc(r->a, v.count * sizeof *s->columns);
    for (size_t i = 0; i < v.count; i++) {
        struct fb_table t;
        if (!fb_vector_table(&r->root, &v, i, &t))
            return corrupt(r, "a column is missing");
        int rc = read_column(r, &t, &s->columns[i]);
        if (rc != BD_OK)
            return rc;
    }
    s->keyless = is_keyless(s->columns, s->column_count);
    for (size_t i = 0; i < s->column_count; i++) {
        struct column *c = &s->columns[i];
        if (i >= schema_visible_count(s)) {
            c->type.base = SQL_UNKNOWN;
            continue;
        }
        const struct sql_type *seen = type_seen(s, i);
        if (seen) {
            c->type = *seen;
        } else if (sql_type_parse(c->type_text, r->a, &c->type, NULL) != BD_OK) {
            /* a type of a newer version, or of Doltgres: kept as text, values read as bytes */
            const char **keep = arena_alloc(r->a, sizeof *keep);
            *keep = c->type_text;
            c->type = (struct sql_type){.base = SQL_UNKNOWN, .members = keep, .member_count = 1};
        }
    }
    return BD_OK;
}

static int read_clustered(struct reader *r) {
    struct schema *s = r->s;
    struct fb_table t;
    uint16_t *list;
    size_t count;
    if (!fb_table_at(&r->root, 1, &t))
        return corrupt(r, "it has no primary index");
    if (t.slots > 15)
        return too_new(r, "primary index");
    if (!ordinals(r, &t, 2, s->column_count, &list, &count))
        return corrupt(r, "the primary key names a column that does not exist");
    if (s->keyless) {
        s->pk = list;
        s->pk_count = 0;
    } else {
        if (count == 0)
            return corrupt(r, "the primary key is empty");
        s->pk = list;
        s->pk_count = count;
    }
    if (!ordinals(r, &t, 4, s->column_count, &list, &count))
        return corrupt(r, "the primary index names a column that does not exist");
    s->values = arena_alloc(r->a, (count + 1) * sizeof *s->values);
    for (size_t i = 0; i < count; i++)
        if (!s->columns[list[i]].is_virtual)
            s->values[s->value_count++] = list[i];
    return BD_OK;
}

static int read_index(struct reader *r, const struct fb_table *t, struct index *x) {
    struct schema *s = r->s;
    if (t->slots > 15)
        return too_new(r, "index");
    x->name = text(r, t, 0);
    x->comment = text(r, t, 1);
    x->unique = fb_u8(t, 6, 0);
    x->system_defined = fb_u8(t, 7, 0);
    x->spatial = fb_u8(t, 9, 0);
    x->fulltext = fb_u8(t, 10, 0);
    x->vector = fb_u8(t, 12, 0);
    x->predicate = fb_has(t, 14) ? text(r, t, 14) : NULL;
    if (!ordinals(r, t, 2, s->column_count, &x->columns, &x->column_count) ||
        !ordinals(r, t, 3, s->column_count, &x->key_columns, &x->key_column_count) ||
        !ordinals(r, t, 8, UINT16_MAX + (size_t)1, &x->prefix_lengths, &x->prefix_count))
        return corrupt(r, "an index names a column that does not exist");
    if (!*x->name || x->column_count == 0 || x->column_count > x->key_column_count)
        return corrupt(r, "an index has no name or no columns");
    return BD_OK;
}

static int read_indexes(struct reader *r) {
    struct schema *s = r->s;
    struct fb_vector v = fb_vector_at(&r->root, 2, 4);
    if (v.data && v.count > INDEXES_MAX)
        return corrupt(r, "it has too many indexes");
    s->index_count = v.data ? v.count : 0;
    s->indexes = arena_zalloc(r->a, (s->index_count + 1) * sizeof *s->indexes);
    for (size_t i = 0; i < s->index_count; i++) {
        struct fb_table t;
        if (!fb_vector_table(&r->root, &v, i, &t))
            return corrupt(r, "an index is missing");
        int rc = read_index(r, &t, &s->indexes[i]);
        if (rc != BD_OK)
            return rc;
    }
    return BD_OK;
}

static int read_checks(struct reader *r) {
    struct schema *s = r->s;
    struct fb_vector v = fb_vector_at(&r->root, 3, 4);
    if (v.data && v.count > INDEXES_MAX)
        return corrupt(r, "it has too many checks");
    s->check_count = v.data ? v.count : 0;
    s->checks = arena_zalloc(r->a, (s->check_count + 1) * sizeof *s->checks);
    for (size_t i = 0; i < s->check_count; i++) {
        struct fb_table t;
        if (!fb_vector_table(&r->root, &v, i, &t))
            return corrupt(r, "a check is missing");
        if (t.slots > 4)
            return too_new(r, "check");
        s->checks[i] = (struct check){.name = text(r, &t, 0),
                                      .expression = text(r, &t, 1),
                                      .enforced = fb_u8(&t, 2, 0),
                                      .not_valid = fb_u8(&t, 3, 0)};
    }
    return BD_OK;
}

int schema_parse(const struct chunk *message, struct arena *a, struct schema *out, struct err *err) {
    struct reader r = {.a = a, .s = out, .err = err};
    memset(out, 0, sizeof *out);
    int rc = fb_open(message->data, message->size, "DSCH", &r.bad, &r.root, err);
    if (rc != BD_OK)
        return rc;
    if (r.root.slots > 8)
        return too_new(&r, "root");
    rc = read_columns(&r);
    if (rc == BD_OK)
        rc = read_clustered(&r);
    if (rc == BD_OK)
        rc = read_indexes(&r);
    if (rc == BD_OK)
        rc = read_checks(&r);
    if (rc != BD_OK)
        return rc;
    out->collation = fb_u16(&r.root, 4, 0);
    if (out->collation == 0)
        out->collation = COLLATION_UTF8MB4_0900_BIN;
    out->comment = text(&r, &r.root, 6);
    out->target_row_size = fb_u16(&r.root, 7, 2048);
    if (r.bad)
        return corrupt(&r, "an offset points outside of it");
    return BD_OK;
}
