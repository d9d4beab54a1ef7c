/*
 * The layout of tuples, and their order.
 *
 *   value 0 | value 1 | … | u16 start of value 1 | … | u16 start of value n-1 | u16 n
 *
 * A zero-length value is SQL NULL; fields beyond n are NULL too. Nothing here trusts the bytes: a tuple
 * whose offsets contradict its size reads as NULLs.
 */
#include "store/value/tuple.h"

#include "store/prolly/blob.h"
#include "store/value/collation.h"
#include "store/value/decimal.h"
#include "store/value/tuple_private.h"

#include <string.h>

static inline size_t u16_at(const uint8_t *p) { return (size_t)p[0] | (size_t)p[1] << 8; }

size_t tuple_count(struct bytes t) { return t.size < 2 ? 0 : u16_at(t.data + t.size - 2); }

static inline struct bytes field_of(struct bytes t, size_t i) {
    static const struct bytes null = {NULL, 0};
    if (t.size < 2)
        return null;
    size_t n = u16_at(t.data + t.size - 2);
    if (i >= n || 2 * n > t.size)
        return null;
    size_t split = t.size - 2 * n;
    const uint8_t *offsets = t.data + split;
    size_t start = i > 0 ? u16_at(offsets + 2 * (i - 1)) : 0;
    size_t stop = i + 1 < n ? u16_at(offsets + 2 * i) : split;
    if (start >= stop || stop > split)
        return null;
    return (struct bytes){t.data + start, stop - start};
}

struct bytes tuple_field(struct bytes t, size_t i) {
    return field_of(t, i);
}

bool tuple_is_valid(struct bytes t) {
    if (t.size < 2 || t.size > UINT16_MAX + 2 * (size_t)TUPLE_FIELDS_MAX)
        return false;
    size_t n = tuple_count(t);
    if (n == 0)
        return t.size == 2;
    if (n > TUPLE_FIELDS_MAX || 2 * n > t.size)
        return false;
    size_t split = t.size - 2 * n, last = 0;
    if (split > UINT16_MAX)
        return false;
    for (size_t i = 0; i + 1 < n; i++) {
        size_t at = u16_at(t.data + split + 2 * i);
        if (at < last || at > split)
            return false;
        last = at;
    }
    return true;
}

struct bytes tuple_from_fields(const struct bytes *fields, size_t count, struct arena *a) {
    size_t size = 0;
    while (count > 0 && (!fields[count - 1].data || fields[count - 1].size == 0))
        count--;
    for (size_t i = 0; i < count; i++)
        size += fields[i].size;
    if (size > TUPLE_DATA_MAX || count > TUPLE_FIELDS_MAX)
        return (struct bytes){NULL, 0};
    size_t total = size + (count ? 2 * count : 2), at = 0;
    uint8_t *t = arena_alloc(a, total);
    uint8_t *offsets = t + size;
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            offsets[2 * (i - 1)] = (uint8_t)at;
            offsets[2 * (i - 1) + 1] = (uint8_t)(at >> 8);
        }
        if (fields[i].size)
            memcpy(t + at, fields[i].data, fields[i].size);
        at += fields[i].size;
    }
    t[total - 2] = (uint8_t)count;
    t[total - 1] = (uint8_t)(count >> 8);
    return (struct bytes){t, total};
}

/* --- descriptors --- */

static bool is_plain_address(enum encoding e) {
    return e == ENC_BYTES_ADDR || e == ENC_STRING_ADDR || e == ENC_JSON_ADDR || e == ENC_COMMIT_ADDR ||
           e == ENC_GEOM_ADDR;
}

static bool is_adaptive(enum encoding e) {
    return e == ENC_BYTES_ADAPTIVE || e == ENC_STRING_ADAPTIVE || e == ENC_EXTENDED_ADAPTIVE ||
           e == ENC_GEOM_ADAPTIVE || e == ENC_JSON_ADAPTIVE;
}

static bool is_bytewise(const struct tuple_field *f) {
    switch (f->encoding) {
    case ENC_BYTES:
    case ENC_GEOMETRY:
    case ENC_HASH128:
    case ENC_CELL:
    case ENC_BYTES_ADDR:
    case ENC_STRING_ADDR:
    case ENC_JSON_ADDR:
    case ENC_COMMIT_ADDR:
    case ENC_GEOM_ADDR:
    case ENC_UINT8:
    case ENC_JSON: return true;
    case ENC_STRING: return collation_is_bytewise(f->collation);
    default: return false;
    }
}

void tuple_desc_seal(struct tuple_desc *d) {
    d->bytewise = 0;
    while (d->bytewise < d->count && is_bytewise(&d->fields[d->bytewise]))
        d->bytewise++;
    d->has_addresses = false;
    for (size_t i = 0; i < d->count; i++)
        if (is_plain_address(d->fields[i].encoding) || is_adaptive(d->fields[i].encoding))
            d->has_addresses = true;
}

static void desc_init(struct tuple_desc *out, const struct schema *s, size_t count, struct arena *a) {
    *out = (struct tuple_desc){.fields = arena_zalloc(a, (count ? count : 1) * sizeof *out->fields),
                               .count = count,
                               .target_row_size = s->target_row_size};
}

static struct tuple_field field_for(const struct column *c, enum encoding encoding, bool nullable) {
    return (struct tuple_field){.encoding = encoding,
                                .nullable = nullable,
                                .collation = c->type.collation ? c->type.collation
                                                               : (uint16_t)COLLATION_UTF8MB4_0900_BIN,
                                .type = &c->type,
                                .name = c->name};
}

static const struct tuple_field keyless_id = {.encoding = ENC_HASH128};

void tuple_desc_keys(const struct schema *s, struct arena *a, struct tuple_desc *out) {
    if (s->keyless) {
        desc_init(out, s, 1, a);
        out->fields[0] = keyless_id;
    } else {
        desc_init(out, s, s->pk_count, a);
        for (size_t i = 0; i < s->pk_count; i++) {
            const struct column *c = &s->columns[s->pk[i]];
            out->fields[i] = field_for(c, sql_type_key_encoding(&c->type, c->encoding), false);
        }
    }
    tuple_desc_seal(out);
}

void tuple_desc_values(const struct schema *s, struct arena *a, struct tuple_desc *out) {
    desc_init(out, s, s->value_count, a);
    for (size_t i = 0; i < s->value_count; i++) {
        const struct column *c = &s->columns[s->values[i]];
        if (s->values[i] >= schema_visible_count(s)) /* a keyless table's cardinality */
            out->fields[i] = (struct tuple_field){.encoding = c->encoding};
        else
            out->fields[i] = field_for(c, c->encoding, c->nullable);
    }
    tuple_desc_seal(out);
}

void tuple_desc_index(const struct schema *s, const struct index *ix, struct arena *a,
                      struct tuple_desc *out) {
    desc_init(out, s, ix->key_column_count + (s->keyless ? 1 : 0), a);
    for (size_t i = 0; i < ix->key_column_count; i++) {
        const struct column *c = &s->columns[ix->key_columns[i]];
        /* a whole TEXT or BLOB in a unique index is kept and compared by its content's address */
        bool by_content = ix->unique && !(i < ix->prefix_count && ix->prefix_lengths[i]);
        enum encoding e = by_content ? c->encoding : sql_type_key_encoding(&c->type, c->encoding);
        out->fields[i] = field_for(c, e, true);
    }
    if (s->keyless)
        out->fields[ix->key_column_count] = keyless_id;
    tuple_desc_seal(out);
}

size_t tuple_addresses(const void *desc, struct bytes t, uint16_t *offsets, size_t max) {
    const struct tuple_desc *d = desc;
    static const uint8_t zero[HASH_SIZE];
    size_t n = 0;
    if (!d->has_addresses)
        return 0;
    for (size_t i = d->count; i-- > 0;) {
        if (!is_adaptive(d->fields[i].encoding))
            continue;
        struct bytes f = field_of(t, i);
        if (!f.data || f.data[0] == 0 || f.size <= HASH_SIZE)
            continue;
        if (n < max)
            offsets[n] = (uint16_t)((size_t)(f.data - t.data) + f.size - HASH_SIZE);
        n++;
    }
    for (size_t i = d->count; i-- > 0;) {
        if (!is_plain_address(d->fields[i].encoding))
            continue;
        struct bytes f = field_of(t, i);
        if (f.size != HASH_SIZE || memcmp(f.data, zero, HASH_SIZE) == 0)
            continue;
        if (n < max)
            offsets[n] = (uint16_t)(f.data - t.data);
        n++;
    }
    return n < max ? n : max;
}

/* --- order --- */

static inline int cmp_bytes(struct bytes a, struct bytes b) {
    size_t n = a.size < b.size ? a.size : b.size;
    int c = n ? memcmp(a.data, b.data, n) : 0; /* NULL has size 0 and sorts first */
    if (c)
        return c;
    return a.size < b.size ? -1 : a.size > b.size;
}

static uint64_t load(const uint8_t *p, size_t size) {
    uint64_t v = 0;
    for (size_t i = size; i-- > 0;)
        v = v << 8 | p[i];
    return v;
}

static int64_t load_signed(const uint8_t *p, size_t size) {
    unsigned shift = (unsigned)(64 - 8 * size);
    return (int64_t)(load(p, size) << shift) >> shift;
}

size_t tuple_fixed_size(enum encoding e) {
    switch (e) {
    case ENC_INT8:
    case ENC_UINT8:
    case ENC_YEAR: return 1;
    case ENC_INT16:
    case ENC_UINT16:
    case ENC_ENUM: return 2;
    case ENC_INT32:
    case ENC_UINT32:
    case ENC_FLOAT32:
    case ENC_DATE: return 4;
    case ENC_INT64:
    case ENC_UINT64:
    case ENC_FLOAT64:
    case ENC_BIT64:
    case ENC_TIME:
    case ENC_DATETIME:
    case ENC_SET: return 8;
    case ENC_HASH128: return 16;
    case ENC_CELL: return 17;
    case ENC_BYTES_ADDR:
    case ENC_COMMIT_ADDR:
    case ENC_STRING_ADDR:
    case ENC_JSON_ADDR:
    case ENC_GEOM_ADDR:
    case ENC_EXTENDED_ADDR: return HASH_SIZE;
    default: return 0;
    }
}

static int cmp_doubles(double a, double b) { return a < b ? -1 : a > b; }

static double load_double(struct bytes f) {
    if (f.size == 4) {
        uint32_t u = (uint32_t)load(f.data, 4);
        float v;
        memcpy(&v, &u, sizeof v);
        return (double)v;
    }
    uint64_t u = load(f.data, 8);
    double v;
    memcpy(&v, &u, sizeof v);
    return v;
}

/* Content of an adaptive field; false when it is out of line and cannot be read. */
static bool adaptive_content(const struct tuple_desc *d, struct bytes f, struct buf *store,
                             struct bytes *out) {
    if (f.data[0] == 0) {
        *out = (struct bytes){f.data + 1, f.size - 1};
        return true;
    }
    if (!d->ns || f.size <= HASH_SIZE)
        return false;
    struct hash h;
    memcpy(h.b, f.data + f.size - HASH_SIZE, HASH_SIZE);
    if (blob_read(d->ns, &h, store, NULL) != BD_OK)
        return false;
    *out = (struct bytes){(const uint8_t *)buf_str(store), store->size};
    return true;
}

static int cmp_adaptive(const struct tuple_desc *d, struct bytes a, struct bytes b) {
    struct buf store_a = BUF_INIT, store_b = BUF_INIT;
    struct bytes x, y;
    int c;
    if (a.size == b.size && memcmp(a.data, b.data, a.size) == 0)
        return 0;
    if (adaptive_content(d, a, &store_a, &x) && adaptive_content(d, b, &store_b, &y))
        c = cmp_bytes(x, y);
    else
        c = cmp_bytes(a, b);
    buf_release(&store_a);
    buf_release(&store_b);
    return c;
}

static int cmp_field(const struct tuple_desc *d, const struct tuple_field *f, struct bytes a,
                     struct bytes b) {
    if (!a.data || !b.data)
        return (a.data != NULL) - (b.data != NULL);
    size_t fixed = tuple_fixed_size(f->encoding);
    if (fixed && (a.size != fixed || b.size != fixed))
        return cmp_bytes(a, b); /* contradicts the schema: any total order will do */
    switch (f->encoding) {
    case ENC_INT8:
    case ENC_INT16:
    case ENC_INT32:
    case ENC_INT64:
    case ENC_TIME:
    case ENC_DATETIME: {
        int64_t x = load_signed(a.data, fixed), y = load_signed(b.data, fixed);
        return x < y ? -1 : x > y;
    }
    case ENC_UINT8:
    case ENC_UINT16:
    case ENC_UINT32:
    case ENC_UINT64:
    case ENC_BIT64:
    case ENC_ENUM:
    case ENC_SET:
    case ENC_DATE: {
        uint64_t x = load(a.data, fixed), y = load(b.data, fixed);
        return x < y ? -1 : x > y;
    }
    case ENC_YEAR: { /* 255 is year 0 */
        uint8_t x = (uint8_t)(a.data[0] + 1), y = (uint8_t)(b.data[0] + 1);
        return x < y ? -1 : x > y;
    }
    case ENC_FLOAT32:
    case ENC_FLOAT64: return cmp_doubles(load_double(a), load_double(b));
    case ENC_DECIMAL: {
        struct decimal x, y;
        if (decimal_read(a.data, a.size, &x) != BD_OK || decimal_read(b.data, b.size, &y) != BD_OK)
            return cmp_bytes(a, b);
        return decimal_cmp(&x, &y);
    }
    case ENC_STRING: return collation_cmp(f->collation, a.data, a.size - 1, b.data, b.size - 1);
    case ENC_STRING_ADAPTIVE:
    case ENC_BYTES_ADAPTIVE:
    case ENC_GEOM_ADAPTIVE:
    case ENC_JSON_ADAPTIVE:
    case ENC_EXTENDED_ADAPTIVE: return cmp_adaptive(d, a, b);
    default: return cmp_bytes(a, b);
    }
}

/* A tuple whose count and offsets were looked at once, for many fields. */
struct view {
    const uint8_t *data, *offsets;
    size_t count, split;
};

static inline struct view view_of(struct bytes t) {
    size_t n = t.size < 2 ? 0 : u16_at(t.data + t.size - 2);
    if (n == 0 || 2 * n > t.size)
        return (struct view){NULL, NULL, 0, 0};
    return (struct view){t.data, t.data + t.size - 2 * n, n, t.size - 2 * n};
}

static inline struct bytes view_field(const struct view *v, size_t i) {
    if (i >= v->count)
        return (struct bytes){NULL, 0};
    size_t start = i > 0 ? u16_at(v->offsets + 2 * (i - 1)) : 0;
    size_t stop = i + 1 < v->count ? u16_at(v->offsets + 2 * i) : v->split;
    if (start >= stop || stop > v->split)
        return (struct bytes){NULL, 0};
    return (struct bytes){v->data + start, stop - start};
}

static inline int compare(const struct tuple_desc *d, size_t n, struct bytes a, struct bytes b) {
    struct view x = view_of(a), y = view_of(b);
    size_t i = 0, fast = d->bytewise < n ? d->bytewise : n;
    for (; i < fast; i++) {
        int c = cmp_bytes(view_field(&x, i), view_field(&y, i));
        if (c)
            return c < 0 ? -1 : 1;
    }
    if (n > d->count)
        n = d->count;
    for (; i < n; i++) {
        int c = cmp_field(d, &d->fields[i], view_field(&x, i), view_field(&y, i));
        if (c)
            return c < 0 ? -1 : 1;
    }
    return 0;
}

int tuple_compare_prefix(const struct tuple_desc *d, size_t n, struct bytes a, struct bytes b) {
    return compare(d, n, a, b);
}

int tuple_compare(const void *desc, struct bytes a, struct bytes b) {
    const struct tuple_desc *d = desc;
    return compare(d, d->count, a, b);
}
