/*
 * The way between cells and the bytes of tuple fields.
 *
 * Reading takes every encoding that Dolt 1.5x to 2.3 stores, including adaptive values (0x00 and the
 * content, or a varint length and the root of a blob tree). Writing keeps the encoding that the schema
 * declares. A field whose width contradicts its encoding is BD_CORRUPT.
 */
#include "store/value/tuple.h"

#include "base/datetime.h"
#include "store/prolly/blob.h"
#include "store/value/decimal.h"
#include "store/value/json.h"
#include "store/value/tuple_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t load(const uint8_t *p, size_t size) {
    uint64_t v = 0;
    for (size_t i = size; i-- > 0;)
        v = v << 8 | p[i];
    return v;
}

static void store(uint8_t *p, uint64_t v, size_t size) {
    for (size_t i = 0; i < size; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

/* --- reading --- */

/* SQLite4's variable-length integer; number of bytes it took, 0 when cut short. */
static size_t read_varint(const uint8_t *p, size_t size, uint64_t *v) {
    if (size == 0)
        return 0;
    if (p[0] <= 240) {
        *v = p[0];
        return 1;
    }
    if (p[0] <= 248) {
        if (size < 2)
            return 0;
        *v = 240 + 256 * (uint64_t)(p[0] - 241) + p[1];
        return 2;
    }
    if (p[0] == 249) {
        if (size < 3)
            return 0;
        *v = 2288 + 256 * (uint64_t)p[1] + p[2];
        return 3;
    }
    size_t n = (size_t)p[0] - 247; /* 250 → 3 bytes follow */
    if (size < n + 1)
        return 0;
    *v = 0;
    for (size_t i = 1; i <= n; i++)
        *v = *v << 8 | p[i];
    return n + 1;
}

static size_t write_varint(uint8_t *p, uint64_t v) {
    if (v <= 240) {
        p[0] = (uint8_t)v;
        return 1;
    }
    if (v <= 2287) {
        p[0] = (uint8_t)(241 + (v - 240) / 256);
        p[1] = (uint8_t)((v - 240) % 256);
        return 2;
    }
    if (v <= 67823) {
        p[0] = 249;
        p[1] = (uint8_t)((v - 2288) / 256);
        p[2] = (uint8_t)((v - 2288) % 256);
        return 3;
    }
    size_t n = 3;
    while (n < 8 && v >> (8 * n))
        n++;
    p[0] = (uint8_t)(247 + n);
    for (size_t i = 0; i < n; i++)
        p[1 + i] = (uint8_t)(v >> (8 * (n - 1 - i)));
    return n + 1;
}

static int corrupt(const struct tuple_desc *d, size_t i, struct bytes f, struct err *err) {
    const char *name = d->fields[i].name;
    return err_set(err, BD_CORRUPT,
                   "a stored value of column %s%s%s (%zu bytes) does not fit encoding %u",
                   name ? "'" : "", name ? name : "(hidden)", name ? "'" : "", f.size,
                   (unsigned)d->fields[i].encoding);
}

static struct cell text_cell(enum cell_kind kind, const void *data, size_t size) {
    struct cell c = {.kind = kind};
    c.s.data = size ? data : "";
    c.s.size = size;
    return c;
}

static int read_blob(struct node_store *ns, const uint8_t *address, enum cell_kind kind,
                     struct arena *a, struct cell *out, struct err *err) {
    struct hash h;
    struct buf b = BUF_INIT;
    memcpy(h.b, address, HASH_SIZE);
    if (!ns && !hash_is_zero(&h))
        return err_set(err, BD_INVALID, "an out-of-line value needs a node store to be read from");
    int rc = hash_is_zero(&h) ? BD_OK : blob_read(ns, &h, &b, err);
    if (rc == BD_OK) {
        if (kind == CELL_JSON && b.size)
            b.size = json_unescape_html(b.data, b.size);
        *out = text_cell(kind, arena_strndup(a, buf_str(&b), b.size), b.size);
    }
    buf_release(&b);
    return rc;
}

static int read_adaptive(const struct tuple_desc *d, size_t i, struct bytes f, enum cell_kind kind,
                         struct node_store *ns, struct arena *a, struct cell *out, struct err *err) {
    if (f.data[0] == 0) {
        if (kind == CELL_JSON && memchr(f.data + 1, '\\', f.size - 1)) {
            char *text = arena_strndup(a, (const char *)f.data + 1, f.size - 1);
            *out = text_cell(kind, text, json_unescape_html(text, f.size - 1));
            return BD_OK;
        }
        *out = text_cell(kind, f.data + 1, f.size - 1);
        return BD_OK;
    }
    uint64_t length;
    size_t n = read_varint(f.data, f.size, &length);
    if (n == 0 || f.size - n != HASH_SIZE)
        return corrupt(d, i, f, err);
    return read_blob(ns, f.data + n, kind, a, out, err);
}

static double read_float32(const uint8_t *p) {
    uint32_t u = (uint32_t)load(p, 4);
    float v;
    char text[32];
    memcpy(&v, &u, sizeof v);
    if (v != v || v - v != 0)
        return (double)v;
    /* the double that prints as the float does */
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, (double)v);
        if (strtof(text, NULL) == v)
            break;
    }
    return strtod(text, NULL);
}

static int read_date(const uint8_t *p, struct cell *out) {
    uint32_t v = (uint32_t)load(p, 4);
    int month = (int)(v >> 8 & 255), day = (int)(v & 255);
    if (v == 0)
        *out = (struct cell){.kind = CELL_DATE, .i = CELL_DATE_ZERO};
    else if (month > 12 || day > 31)
        return BD_CORRUPT;
    else
        *out = (struct cell){
            .kind = CELL_DATE,
            .i = datetime_days_from_civil((int)(v >> 16), month ? month : 1, day ? day : 1)};
    return BD_OK;
}

int tuple_get_cell(const struct tuple_desc *d, struct bytes t, size_t i, struct node_store *ns,
                   struct arena *a, struct cell *out, struct err *err) {
    struct bytes f = tuple_field(t, i);
    if (!f.data || i >= d->count) {
        *out = cell_null();
        return BD_OK;
    }
    enum encoding e = d->fields[i].encoding;
    size_t fixed = tuple_fixed_size(e);
    if (fixed && f.size != fixed)
        return corrupt(d, i, f, err);
    unsigned shift = fixed && fixed <= 8 ? (unsigned)(64 - 8 * fixed) : 0;
    switch (e) {
    case ENC_NULL: *out = cell_null(); return BD_OK;
    case ENC_INT8:
    case ENC_INT16:
    case ENC_INT32:
    case ENC_INT64: *out = cell_int((int64_t)(load(f.data, fixed) << shift) >> shift); return BD_OK;
    case ENC_UINT8:
    case ENC_UINT16:
    case ENC_UINT32:
    case ENC_UINT64:
    case ENC_BIT64:
    case ENC_ENUM:
    case ENC_SET: *out = (struct cell){.kind = CELL_UINT, .u = load(f.data, fixed)}; return BD_OK;
    case ENC_FLOAT32: *out = cell_float(read_float32(f.data)); return BD_OK;
    case ENC_FLOAT64: {
        uint64_t u = load(f.data, 8);
        double v;
        memcpy(&v, &u, sizeof v);
        *out = cell_float(v);
        return BD_OK;
    }
    case ENC_YEAR: *out = cell_int(f.data[0] == 255 ? 0 : 1901 + (int64_t)f.data[0]); return BD_OK;
    case ENC_DATE: return read_date(f.data, out) == BD_OK ? BD_OK : corrupt(d, i, f, err);
    case ENC_TIME: *out = (struct cell){.kind = CELL_TIME, .i = (int64_t)load(f.data, 8)}; return BD_OK;
    case ENC_DATETIME: *out = cell_datetime((int64_t)load(f.data, 8)); return BD_OK;
    case ENC_HASH128:
    case ENC_CELL:
    case ENC_COMMIT_ADDR:
    case ENC_EXTENDED_ADDR:
    case ENC_EXTENDED: *out = text_cell(CELL_BYTES, f.data, f.size); return BD_OK;
    case ENC_STRING: *out = text_cell(CELL_TEXT, f.data, f.size - 1); return BD_OK;
    case ENC_BYTES:
    case ENC_GEOMETRY: *out = text_cell(CELL_BYTES, f.data, f.size - 1); return BD_OK;
    case ENC_JSON: *out = text_cell(CELL_JSON, f.data, f.size - 1); return BD_OK;
    case ENC_DECIMAL: {
        struct decimal v;
        if (decimal_read(f.data, f.size, &v) != BD_OK)
            return corrupt(d, i, f, err);
        struct buf b = BUF_INIT;
        decimal_format(&v, &b);
        *out = text_cell(CELL_DECIMAL, arena_strndup(a, buf_str(&b), b.size), b.size);
        buf_release(&b);
        return BD_OK;
    }
    case ENC_STRING_ADDR: return read_blob(ns, f.data, CELL_TEXT, a, out, err);
    case ENC_BYTES_ADDR:
    case ENC_GEOM_ADDR: return read_blob(ns, f.data, CELL_BYTES, a, out, err);
    case ENC_JSON_ADDR: return read_blob(ns, f.data, CELL_JSON, a, out, err);
    case ENC_STRING_ADAPTIVE: return read_adaptive(d, i, f, CELL_TEXT, ns, a, out, err);
    case ENC_BYTES_ADAPTIVE:
    case ENC_GEOM_ADAPTIVE:
    case ENC_EXTENDED_ADAPTIVE: return read_adaptive(d, i, f, CELL_BYTES, ns, a, out, err);
    case ENC_JSON_ADAPTIVE: return read_adaptive(d, i, f, CELL_JSON, ns, a, out, err);
    }
    return err_set(err, BD_UNSUPPORTED, "stored values of encoding %u are unknown to this program",
                   (unsigned)e);
}

/* --- writing --- */

/* One field on its way into a tuple; adaptive fields start inline and may be moved out. All behind
 * `adaptive` counts for those alone. */
struct draft {
    struct bytes field; /* what will be stored; data NULL = NULL or still to be made */
    bool adaptive, outside;
    struct bytes content; /* the raw content */
    int64_t inline_size, saving;
};

static struct bytes new_field(struct arena *a, size_t size) {
    return (struct bytes){arena_alloc(a, size), size};
}

static uint8_t *bytes_of(struct bytes b) { return (uint8_t *)(uintptr_t)b.data; }

static int mismatch(const struct tuple_field *f, const struct cell *c, struct err *err) {
    return err_set(err, BD_INVALID, "a cell of kind %d cannot be stored with encoding %u", (int)c->kind,
                   (unsigned)f->encoding);
}

static int write_number(const struct tuple_field *f, const struct cell *c, struct arena *a,
                        struct bytes *out, struct err *err) {
    size_t size = tuple_fixed_size(f->encoding);
    uint64_t v;
    switch (c->kind) {
    case CELL_INT:
    case CELL_DATETIME:
    case CELL_TIME: v = (uint64_t)c->i; break;
    case CELL_UINT: v = c->u; break;
    case CELL_FLOAT:
        if (f->encoding == ENC_FLOAT32) {
            float narrow = (float)c->f;
            uint32_t u;
            memcpy(&u, &narrow, sizeof u);
            v = u;
        } else {
            memcpy(&v, &c->f, sizeof v);
        }
        break;
    default: return mismatch(f, c, err);
    }
    *out = new_field(a, size);
    store(bytes_of(*out), v, size);
    return BD_OK;
}

static int write_date(const struct tuple_field *f, const struct cell *c, struct arena *a,
                      struct bytes *out, struct err *err) {
    uint32_t v = 0;
    if (c->kind != CELL_DATE)
        return mismatch(f, c, err);
    if (c->i != CELL_DATE_ZERO) {
        struct civil day;
        datetime_to_civil(c->i * 86400 * MICROS_PER_SECOND, &day);
        v = (uint32_t)day.year << 16 | (uint32_t)day.month << 8 | (uint32_t)day.day;
    }
    *out = new_field(a, 4);
    store(bytes_of(*out), v, 4);
    return BD_OK;
}

static int write_fixed_bytes(const struct tuple_field *f, const struct cell *c, struct arena *a,
                             struct bytes *out, struct err *err) {
    size_t size = tuple_fixed_size(f->encoding);
    if (!cell_has_text(c) || c->s.size != size)
        return mismatch(f, c, err);
    *out = (struct bytes){arena_dup(a, c->s.data, size), size};
    return BD_OK;
}

static int write_terminated(const struct cell *c, struct arena *a, struct bytes *out, struct err *err) {
    if (c->s.size >= TUPLE_DATA_MAX)
        return err_set(err, BD_CONSTRAINT, "Row size too large: %zu bytes in one value, at most %d",
                       c->s.size, TUPLE_DATA_MAX);
    *out = new_field(a, c->s.size + 1);
    if (c->s.size)
        memcpy(bytes_of(*out), c->s.data, c->s.size);
    bytes_of(*out)[c->s.size] = 0;
    return BD_OK;
}

static int write_out_of_line(const struct tuple_field *f, const struct cell *c, struct node_store *ns,
                             struct arena *a, struct bytes *out, struct err *err) {
    struct hash h = HASH_ZERO;
    if (!ns && c->s.size)
        return err_set(err, BD_INVALID, "an out-of-line value needs a node store to be written to");
    int rc = BD_OK;
    if (f->encoding == ENC_JSON_ADDR)
        rc = blob_write_json(ns, c->s.data, c->s.size, &h, err);
    else if (c->s.size)
        rc = blob_write(ns, c->s.data, c->s.size, &h, err);
    if (rc == BD_OK)
        *out = (struct bytes){arena_dup(a, h.b, HASH_SIZE), HASH_SIZE};
    return rc;
}

static int write_decimal(const struct tuple_field *f, const struct cell *c, struct arena *a,
                         struct bytes *out, struct err *err) {
    struct decimal v;
    if (!cell_has_text(c) || decimal_parse(c->s.data, c->s.size, &v, NULL) != BD_OK)
        return mismatch(f, c, err);
    *out = new_field(a, decimal_stored_size(&v));
    decimal_write(&v, bytes_of(*out));
    return BD_OK;
}

static int write_field(const struct tuple_field *f, const struct cell *c, struct node_store *ns,
                       struct arena *a, struct draft *d, struct err *err) {
    struct bytes *out = &d->field;
    switch (f->encoding) {
    case ENC_INT8:
    case ENC_UINT8:
    case ENC_INT16:
    case ENC_UINT16:
    case ENC_INT32:
    case ENC_UINT32:
    case ENC_INT64:
    case ENC_UINT64:
    case ENC_FLOAT32:
    case ENC_FLOAT64:
    case ENC_BIT64:
    case ENC_TIME:
    case ENC_DATETIME:
    case ENC_ENUM:
    case ENC_SET: return write_number(f, c, a, out, err);
    case ENC_YEAR: {
        if (c->kind != CELL_INT || (c->i != 0 && (c->i < 1901 || c->i > 2155)))
            return mismatch(f, c, err);
        *out = new_field(a, 1);
        bytes_of(*out)[0] = c->i == 0 ? 255 : (uint8_t)(c->i - 1901);
        return BD_OK;
    }
    case ENC_DATE: return write_date(f, c, a, out, err);
    case ENC_HASH128:
    case ENC_CELL:
    case ENC_COMMIT_ADDR: return write_fixed_bytes(f, c, a, out, err);
    case ENC_DECIMAL: return write_decimal(f, c, a, out, err);
    default: break;
    }
    if (!cell_has_text(c))
        return mismatch(f, c, err);
    switch (f->encoding) {
    case ENC_STRING:
    case ENC_BYTES:
    case ENC_JSON:
    case ENC_GEOMETRY: return write_terminated(c, a, out, err);
    case ENC_STRING_ADDR:
    case ENC_BYTES_ADDR:
    case ENC_JSON_ADDR:
    case ENC_GEOM_ADDR: return write_out_of_line(f, c, ns, a, out, err);
    case ENC_STRING_ADAPTIVE:
    case ENC_BYTES_ADAPTIVE:
    case ENC_GEOM_ADAPTIVE:
    case ENC_JSON_ADAPTIVE:
        d->adaptive = true;
        d->content = (struct bytes){(const uint8_t *)c->s.data, c->s.size};
        return BD_OK;
    default:
        return err_set(err, BD_UNSUPPORTED, "values of encoding %u cannot be written",
                       (unsigned)f->encoding);
    }
}

/*
 * Which adaptive values go out of line, by Dolt's rule: every value longer than the target; then, while
 * the row counted with all adaptive values inline exceeds it, those that save most. (Values that went
 * out because of their own length take part in the second step as well, as their saving counts.)
 */
static int place_adaptive(struct draft *drafts, size_t count, int64_t target, struct node_store *ns,
                          struct arena *a, struct err *err) {
    int64_t total = 0;
    for (size_t i = 0; i < count; i++) {
        struct draft *d = &drafts[i];
        uint8_t scratch[9];
        if (!d->adaptive) {
            total += (int64_t)d->field.size;
            continue;
        }
        d->inline_size = (int64_t)d->content.size + 1;
        d->outside = d->inline_size > target;
        /* Dolt sizes an inline candidate by its header byte (a varint of 0), one that is out by its own
         */
        int64_t reference =
            HASH_SIZE + (d->outside ? (int64_t)write_varint(scratch, d->content.size) : 1);
        d->saving = d->inline_size - reference;
        total += d->inline_size;
    }
    if (total > target) {
        for (size_t i = 0; i < count; i++)
            drafts[i].outside = false;
        while (total > target) {
            struct draft *best = NULL;
            for (size_t i = 0; i < count; i++)
                if (drafts[i].adaptive && !drafts[i].outside && drafts[i].saving > 0 &&
                    (!best || drafts[i].saving > best->saving))
                    best = &drafts[i];
            if (!best)
                break;
            best->outside = true;
            total -= best->saving;
        }
    }
    for (size_t i = 0; i < count; i++) {
        struct draft *d = &drafts[i];
        if (!d->adaptive)
            continue;
        if (!d->outside) {
            if (d->content.size >= TUPLE_DATA_MAX)
                return err_set(err, BD_CONSTRAINT, "Row size too large");
            d->field = new_field(a, d->content.size + 1);
            bytes_of(d->field)[0] = 0;
            if (d->content.size)
                memcpy(bytes_of(d->field) + 1, d->content.data, d->content.size);
            continue;
        }
        struct hash h;
        if (!ns)
            return err_set(err, BD_INVALID, "an out-of-line value needs a node store to be written to");
        int rc = blob_write(ns, d->content.data, d->content.size, &h, err);
        if (rc != BD_OK)
            return rc;
        d->field = new_field(a, 9 + HASH_SIZE);
        size_t n = write_varint(bytes_of(d->field), d->content.size);
        memcpy(bytes_of(d->field) + n, h.b, HASH_SIZE);
        d->field.size = n + HASH_SIZE;
    }
    return BD_OK;
}

#define DRAFTS_ON_STACK 64

static int build(const struct tuple_desc *desc, const struct cell *cells, struct node_store *ns,
                 struct arena *a, struct draft *drafts, struct bytes *fields, struct bytes *out,
                 struct err *err) {
    bool any_adaptive = false;
    for (size_t i = 0; i < desc->count; i++) {
        const struct tuple_field *f = &desc->fields[i];
        struct cell c = cells[i];
        int rc = BD_OK;
        drafts[i].field = (struct bytes){NULL, 0};
        drafts[i].adaptive = false;
        if (f->type && c.kind != CELL_NULL)
            rc = cell_convert(f->type, &cells[i], a, &c, err);
        if (rc == BD_OK && c.kind != CELL_NULL)
            rc = write_field(f, &c, ns, a, &drafts[i], err);
        if (rc != BD_OK) {
            if (err && rc == BD_CONSTRAINT && f->name) {
                char message[ERR_MESSAGE_MAX];
                snprintf(message, sizeof message, "%s", err->msg);
                return err_set(err, rc, "%.800s for column '%s' at row 1", message, f->name);
            }
            return rc;
        }
        if (c.kind == CELL_NULL && !f->nullable)
            return err_set(err, BD_CONSTRAINT, "Column '%s' cannot be null",
                           f->name ? f->name : "(hidden)");
        any_adaptive = any_adaptive || drafts[i].adaptive;
    }
    if (any_adaptive) {
        int rc = place_adaptive(drafts, desc->count,
                                desc->target_row_size ? desc->target_row_size : 2048, ns, a, err);
        if (rc != BD_OK)
            return rc;
    }
    for (size_t i = 0; i < desc->count; i++)
        fields[i] = drafts[i].field;
    *out = tuple_from_fields(fields, desc->count, a);
    if (!out->data)
        return err_set(err, BD_CONSTRAINT, "Row size too large. The maximum row size is %d bytes",
                       TUPLE_DATA_MAX);
    return BD_OK;
}

int tuple_build(const struct tuple_desc *desc, const struct cell *cells, struct node_store *ns,
                struct arena *a, struct bytes *out, struct err *err) {
    struct draft draft_space[DRAFTS_ON_STACK], *drafts = draft_space;
    struct bytes field_space[DRAFTS_ON_STACK], *fields = field_space;
    if (desc->count > DRAFTS_ON_STACK) {
        drafts = mem_alloc(desc->count * sizeof *drafts);
        fields = mem_alloc(desc->count * sizeof *fields);
    }
    int rc = build(desc, cells, ns, a, drafts, fields, out, err);
    if (drafts != draft_space) {
        free(drafts);
        free(fields);
    }
    return rc;
}
