/*
 * Writing the DSCH message. The order in which strings, vectors and tables are created is part of the
 * format (the message's hash is the schema's identity). Dolt:
 * go/libraries/doltcore/schema/encoding/serialization.go.
 */
#include "store/value/schema.h"

#include "store/prolly/flatbuf.h"

#include <stdlib.h>
#include <string.h>

#define ROW_SIZE_DEFAULT 2048

static flatbuf_ref text(struct flatbuf *fb, const char *s) {
    return flatbuf_string(fb, s ? s : "", s ? strlen(s) : 0);
}

static bool is_adaptive(enum encoding e) {
    return e == ENC_STRING_ADAPTIVE || e == ENC_BYTES_ADAPTIVE || e == ENC_GEOM_ADAPTIVE ||
           e == ENC_JSON_ADAPTIVE;
}

static flatbuf_ref write_hidden(struct flatbuf *fb, const struct column *c) {
    flatbuf_ref name = text(fb, c->name);
    flatbuf_table_begin(fb, 17);
    flatbuf_add_ref(fb, 0, name);
    flatbuf_add_u16(fb, 4, (uint16_t)-1, 0);
    flatbuf_add_u64(fb, 5, c->tag, 0);
    flatbuf_add_u8(fb, 6, (uint8_t)c->encoding, 0);
    flatbuf_add_u8(fb, 11, 1, 0);
    flatbuf_add_u8(fb, 10, 1, 0);
    return flatbuf_table_end(fb);
}

static flatbuf_ref write_column(struct flatbuf *fb, const struct column *c, size_t ordinal) {
    flatbuf_ref comment = text(fb, c->comment), dflt = text(fb, c->default_text);
    flatbuf_ref on_update = text(fb, c->on_update); /* made even when empty and then unused */
    flatbuf_ref type = text(fb, c->type_text), name = text(fb, c->name);
    flatbuf_table_begin(fb, 17);
    flatbuf_add_ref(fb, 0, name);
    flatbuf_add_ref(fb, 1, type);
    flatbuf_add_ref(fb, 2, dflt);
    flatbuf_add_ref(fb, 3, comment);
    flatbuf_add_u16(fb, 4, (uint16_t)ordinal, 0);
    flatbuf_add_u64(fb, 5, c->tag, 0);
    flatbuf_add_u8(fb, 6, (uint8_t)c->encoding, 0);
    flatbuf_add_u8(fb, 7, c->primary_key, 0);
    flatbuf_add_u8(fb, 9, c->auto_increment, 0);
    flatbuf_add_u8(fb, 8, c->nullable, 0);
    flatbuf_add_u8(fb, 11, c->generated, 0);
    flatbuf_add_u8(fb, 12, c->is_virtual, 0);
    if (c->on_update && *c->on_update)
        flatbuf_add_ref(fb, 13, on_update);
    if (c->uses_adaptive || is_adaptive(c->encoding)) {
        flatbuf_add_u8(fb, 14, 1, 0);
        flatbuf_add_u8(fb, 16, c->adaptive_breaking, 0);
    }
    flatbuf_add_u8(fb, 10, c->hidden, 0);
    flatbuf_add_u8(fb, 15, c->hidden_system, 0);
    return flatbuf_table_end(fb);
}

static flatbuf_ref write_columns(struct flatbuf *fb, const struct schema *s) {
    size_t visible = schema_visible_count(s);
    flatbuf_ref *refs = mem_alloc((s->column_count + 1) * sizeof *refs);
    if (s->keyless) { /* cardinality first, then the row id */
        refs[visible + 1] = write_hidden(fb, &s->columns[visible + 1]);
        refs[visible] = write_hidden(fb, &s->columns[visible]);
    }
    for (size_t i = visible; i-- > 0;)
        refs[i] = write_column(fb, &s->columns[i], i);
    flatbuf_ref v = flatbuf_refs(fb, refs, s->column_count);
    free(refs);
    return v;
}

static flatbuf_ref write_clustered(struct flatbuf *fb, const struct schema *s) {
    size_t visible = schema_visible_count(s), n = 0;
    uint16_t *values = mem_alloc((s->column_count + 1) * sizeof *values), row_id = (uint16_t)visible;
    flatbuf_ref key = s->keyless ? flatbuf_u16s(fb, &row_id, 1) : flatbuf_u16s(fb, s->pk, s->pk_count);
    if (s->keyless)
        values[n++] = (uint16_t)(visible + 1);
    for (size_t i = 0; i < visible; i++)
        if (!s->columns[i].primary_key)
            values[n++] = (uint16_t)i;
    flatbuf_ref value = flatbuf_u16s(fb, values, n);
    free(values);
    flatbuf_table_begin(fb, 15);
    flatbuf_add_ref(fb, 2, key);
    flatbuf_add_ref(fb, 3, key);
    flatbuf_add_ref(fb, 4, value);
    flatbuf_add_u8(fb, 5, 1, 0);
    flatbuf_add_u8(fb, 6, 1, 0);
    return flatbuf_table_end(fb);
}

static flatbuf_ref write_index(struct flatbuf *fb, const struct index *x) {
    flatbuf_ref name = text(fb, x->name), comment = text(fb, x->comment);
    flatbuf_ref predicate = x->predicate ? text(fb, x->predicate) : 0;
    flatbuf_ref columns = flatbuf_u16s(fb, x->columns, x->column_count);
    flatbuf_ref keys = flatbuf_u16s(fb, x->key_columns, x->key_column_count);
    flatbuf_ref prefixes = flatbuf_u16s(fb, x->prefix_lengths, x->prefix_count);
    flatbuf_table_begin(fb, 15);
    flatbuf_add_ref(fb, 0, name);
    flatbuf_add_ref(fb, 1, comment);
    flatbuf_add_ref(fb, 2, columns);
    flatbuf_add_ref(fb, 3, keys);
    flatbuf_add_u8(fb, 6, x->unique, 0);
    flatbuf_add_u8(fb, 7, x->system_defined, 0);
    flatbuf_add_ref(fb, 8, prefixes);
    flatbuf_add_u8(fb, 9, x->spatial, 0);
    if (predicate)
        flatbuf_add_ref(fb, 14, predicate);
    return flatbuf_table_end(fb);
}

static flatbuf_ref write_indexes(struct flatbuf *fb, const struct schema *s) {
    flatbuf_ref *refs = mem_alloc((s->index_count + 1) * sizeof *refs);
    for (size_t i = s->index_count; i-- > 0;)
        refs[i] = write_index(fb, &s->indexes[i]);
    flatbuf_ref v = flatbuf_refs(fb, refs, s->index_count);
    free(refs);
    return v;
}

static flatbuf_ref write_checks(struct flatbuf *fb, const struct schema *s) {
    flatbuf_ref *refs = mem_alloc((s->check_count + 1) * sizeof *refs);
    for (size_t i = s->check_count; i-- > 0;) {
        flatbuf_ref expression = text(fb, s->checks[i].expression), name = text(fb, s->checks[i].name);
        flatbuf_table_begin(fb, 4);
        flatbuf_add_u8(fb, 2, s->checks[i].enforced, 0);
        flatbuf_add_ref(fb, 1, expression);
        flatbuf_add_ref(fb, 0, name);
        flatbuf_add_u8(fb, 3, s->checks[i].not_valid, 0);
        refs[i] = flatbuf_table_end(fb);
    }
    flatbuf_ref v = flatbuf_refs(fb, refs, s->check_count);
    free(refs);
    return v;
}

static int refuse_special(const struct schema *s, struct err *err) {
    for (size_t i = 0; i < s->index_count; i++)
        if (s->indexes[i].fulltext || s->indexes[i].vector)
            return err_set(
                err, BD_UNSUPPORTED,
                "index '%s' is a %s index: tables with one cannot be changed by this program",
                s->indexes[i].name, s->indexes[i].fulltext ? "full-text" : "vector");
    return BD_OK;
}

int schema_serialize(const struct schema *s, struct buf *out, struct err *err) {
    int rc = refuse_special(s, err);
    if (rc != BD_OK)
        return rc;
    if (s->keyless && (s->column_count < 2 || !s->columns[s->column_count - 1].hidden))
        return err_set(err, BD_INVALID, "a table without a primary key lacks its hidden columns");
    struct flatbuf fb;
    flatbuf_init(&fb);
    flatbuf_ref columns = write_columns(&fb, s);
    flatbuf_ref rows = write_clustered(&fb, s);
    flatbuf_ref indexes = write_indexes(&fb, s);
    flatbuf_ref checks = write_checks(&fb, s);
    flatbuf_ref comment = text(&fb, s->comment); /* made even when empty and then unused */
    bool has_comment = s->comment && *s->comment;
    bool has_row_size = s->target_row_size != ROW_SIZE_DEFAULT && s->target_row_size != 0;
    bool newer = has_comment || has_row_size;
    for (size_t i = 0; i < s->column_count; i++)
        newer = newer || (s->columns[i].on_update && *s->columns[i].on_update);

    flatbuf_table_begin(&fb, 8);
    flatbuf_add_ref(&fb, 1, rows);
    flatbuf_add_ref(&fb, 0, columns);
    flatbuf_add_ref(&fb, 2, indexes);
    flatbuf_add_ref(&fb, 3, checks);
    flatbuf_add_u16(&fb, 4, s->collation ? s->collation : COLLATION_UTF8MB4_0900_BIN, 0);
    if (has_comment)
        flatbuf_add_ref(&fb, 6, comment);
    if (has_row_size)
        flatbuf_add_u16(&fb, 7, s->target_row_size, ROW_SIZE_DEFAULT);
    if (newer)
        flatbuf_add_u8(&fb, 5, 1, 0);
    flatbuf_ref root = flatbuf_table_end(&fb);
    const uint8_t *data;
    size_t size;
    flatbuf_finish_message(&fb, root, "DSCH", &data, &size);
    if (size > (1u << 24))
        rc = err_set(err, BD_INVALID, "the table's definition is larger than 16 MB");
    else
        buf_add(out, data, size);
    flatbuf_release(&fb);
    return rc;
}
