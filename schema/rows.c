/*
 * Rows taken out of a table and put back after its shape has changed.
 */
#include "schema/run.h"

#include "store/chunk/hash.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool schema_has_column(struct schema_run *r, const char *table, const char *column) {
    return tables_has_table(r->x, table) && tables_has_column(r->x, table, column);
}

int schema_rows_column(const struct held_rows *h, const char *name) {
    for (size_t i = 0; i < h->column_count; i++)
        if (!strcasecmp(h->columns[i], name))
            return (int)i;
    return -1;
}

struct hold_ctx {
    struct schema_run *r;
    struct held_rows *h;
};

static int hold_row(void *ctx, const struct cell *row) {
    struct hold_ctx *c = ctx;
    struct held_rows *h = c->h;
    if (h->row_count == h->row_capacity) {
        size_t capacity = h->row_capacity ? 2 * h->row_capacity : 64;
        struct cell *cells = arena_alloc(c->r->a, capacity * h->column_count * sizeof *cells);
        if (h->row_count)
            memcpy(cells, h->cells, h->row_count * h->column_count * sizeof *cells);
        h->cells = cells;
        h->row_capacity = capacity;
    }
    struct cell *to = h->cells + h->row_count++ * h->column_count;
    for (size_t i = 0; i < h->column_count; i++)
        to[i] = cell_copy(&row[i], c->r->a);
    return BD_OK;
}

int schema_rows_hold(struct schema_run *r, const char *table, const struct pred *where,
                     struct held_rows *out) {
    const struct schema *s;
    memset(out, 0, sizeof *out);
    out->table = arena_strdup(r->a, table);
    int rc = tables_schema(r->x, table, &s, r->err);
    if (rc)
        return rc;
    size_t n = schema_visible_count(s);
    out->columns = arena_alloc(r->a, (n + 1) * sizeof *out->columns);
    for (size_t i = 0; i < n; i++)
        if (!s->columns[i].generated)
            out->columns[out->column_count++] = arena_strdup(r->a, s->columns[i].name);
    struct tables_query q = {
        .table = table, .columns = out->columns, .column_count = out->column_count, .where = where};
    struct hold_ctx ctx = {r, out};
    return tables_scan(r->x, &q, NULL, hold_row, &ctx, r->err);
}

int schema_rows_truncate(struct schema_run *r, const char *table) {
    struct ddl d = {.kind = DDL_TRUNCATE, .table = table};
    return tables_ddl(r->x, &d, r->err);
}

int schema_rows_insert(struct schema_run *r, const char *table, const char *const *columns,
                       const struct cell *cells, size_t count, unsigned flags, bool *inserted) {
    bool ignored;
    int rc = tables_insert(r->x, table, columns, cells, count, flags, inserted ? inserted : &ignored,
                           r->err);
    return rc ? err_prefix(r->err, "table %s", table) : BD_OK;
}

int schema_rows_put_back(struct schema_run *r, const struct held_rows *h, const char *table,
                         unsigned flags) {
    const char **columns = arena_alloc(r->a, (h->column_count + 1) * sizeof *columns);
    size_t *at = arena_alloc(r->a, (h->column_count + 1) * sizeof *at);
    struct cell *row = arena_alloc(r->a, (h->column_count + 1) * sizeof *row);
    size_t n = 0;
    for (size_t i = 0; i < h->column_count; i++) {
        if (!tables_has_column(r->x, table, h->columns[i]))
            continue;
        columns[n] = h->columns[i];
        at[n++] = i;
    }
    for (size_t k = 0; k < h->row_count; k++) {
        for (size_t i = 0; i < n; i++)
            row[i] = h->cells[k * h->column_count + at[i]];
        int rc = schema_rows_insert(r, table, columns, row, n, flags, NULL);
        if (rc)
            return rc;
    }
    return BD_OK;
}

const char *schema_stable_uuid(struct schema_run *r, const char *table, const struct cell *cells,
                               size_t count, const int64_t *order) {
    struct buf b = BUF_INIT;
    buf_add_str(&b, table);
    for (size_t i = 0; i < count; i++) {
        const char *text = cell_format(&cells[i], r->a);
        buf_addf(&b, "\n%zu:", text ? strlen(text) : 0);
        buf_add_str(&b, text ? text : "");
    }
    struct hash h = hash_of(b.data, b.size);
    buf_release(&b);
    if (order)
        for (unsigned i = 0; i < 6; i++)
            h.b[i] = (uint8_t)((uint64_t)*order >> (40 - 8 * i));
    h.b[6] = (uint8_t)((h.b[6] & 0x0F) | 0x80);
    h.b[8] = (uint8_t)((h.b[8] & 0x3F) | 0x80);
    char *out = arena_alloc(r->a, 37), *p = out;
    static const char hex[] = "0123456789abcdef";
    for (unsigned i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *p++ = '-';
        *p++ = hex[h.b[i] >> 4];
        *p++ = hex[h.b[i] & 15];
    }
    *p = 0;
    return out;
}
