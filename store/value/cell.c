/*
 * Cells: making, comparing, printing, copying. No encoding is known here.
 */
#include "store/value/cell.h"

#include "base/datetime.h"
#include "store/value/decimal.h"
#include "store/value/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct cell cell_text_n(const char *s, size_t size) {
    if (!s)
        return cell_null();
    struct cell c = {.kind = CELL_TEXT};
    c.s.data = s;
    c.s.size = size;
    return c;
}

struct cell cell_text(const char *s) {
    return cell_text_n(s, s ? strlen(s) : 0);
}

struct cell cell_json(const char *s) {
    struct cell c = cell_text(s);
    if (c.kind == CELL_TEXT)
        c.kind = CELL_JSON;
    return c;
}

static int cmp_i64(int64_t a, int64_t b) { return a < b ? -1 : a > b; }
static int cmp_u64(uint64_t a, uint64_t b) { return a < b ? -1 : a > b; }
static int cmp_double(double a, double b) { return a < b ? -1 : a > b; }

static bool is_number(const struct cell *c) {
    return c->kind == CELL_INT || c->kind == CELL_UINT || c->kind == CELL_FLOAT ||
           c->kind == CELL_DECIMAL;
}

static double as_double(const struct cell *c) {
    switch (c->kind) {
    case CELL_INT: return (double)c->i;
    case CELL_UINT: return (double)c->u;
    case CELL_FLOAT: return c->f;
    default: break;
    }
    struct decimal d;
    if (decimal_parse(c->s.data, c->s.size, &d, NULL) != BD_OK)
        return 0;
    return decimal_to_double(&d);
}

static bool as_decimal(const struct cell *c, struct decimal *out) {
    char text[32];
    if (c->kind == CELL_DECIMAL)
        return decimal_parse(c->s.data, c->s.size, out, NULL) == BD_OK;
    int n = c->kind == CELL_INT ? snprintf(text, sizeof text, "%" PRId64, c->i)
                                : snprintf(text, sizeof text, "%" PRIu64, c->u);
    return decimal_parse(text, (size_t)n, out, NULL) == BD_OK;
}

static int cmp_numbers(const struct cell *a, const struct cell *b) {
    if (a->kind == b->kind) {
        if (a->kind == CELL_INT)
            return cmp_i64(a->i, b->i);
        if (a->kind == CELL_UINT)
            return cmp_u64(a->u, b->u);
    }
    if (a->kind == CELL_INT && b->kind == CELL_UINT)
        return a->i < 0 ? -1 : cmp_u64((uint64_t)a->i, b->u);
    if (a->kind == CELL_UINT && b->kind == CELL_INT)
        return b->i < 0 ? 1 : cmp_u64(a->u, (uint64_t)b->i);
    struct decimal x, y;
    if (a->kind != CELL_FLOAT && b->kind != CELL_FLOAT && as_decimal(a, &x) && as_decimal(b, &y))
        return decimal_cmp(&x, &y);
    return cmp_double(as_double(a), as_double(b));
}

static int cmp_text(const struct cell *a, const struct cell *b) {
    size_t n = a->s.size < b->s.size ? a->s.size : b->s.size;
    int c = n ? memcmp(a->s.data, b->s.data, n) : 0;
    if (c)
        return c < 0 ? -1 : 1;
    return cmp_u64(a->s.size, b->s.size);
}

static bool is_time(const struct cell *c) { return c->kind == CELL_DATETIME || c->kind == CELL_DATE; }

static int64_t as_micros(const struct cell *c) {
    if (c->kind == CELL_DATETIME)
        return c->i;
    if (c->i == CELL_DATE_ZERO)
        return CELL_DATETIME_ZERO;
    int64_t micros;
    if (__builtin_mul_overflow(c->i, 86400 * MICROS_PER_SECOND, &micros))
        return c->i < 0 ? INT64_MIN + 1 : INT64_MAX;
    return micros;
}

int cell_cmp(const struct cell *a, const struct cell *b) {
    if (a->kind == CELL_NULL || b->kind == CELL_NULL)
        return (b->kind == CELL_NULL) - (a->kind == CELL_NULL);
    if (is_number(a) && is_number(b))
        return cmp_numbers(a, b);
    if (cell_has_text(a) && cell_has_text(b))
        return cmp_text(a, b);
    if (is_time(a) && is_time(b))
        return cmp_i64(as_micros(a), as_micros(b));
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    return cmp_i64(a->i, b->i); /* CELL_TIME */
}

bool cell_eq(const struct cell *a, const struct cell *b) { return cell_cmp(a, b) == 0; }

static char *format_time(int64_t micros, struct arena *a) {
    uint64_t m = micros < 0 ? -(uint64_t)micros : (uint64_t)micros;
    uint64_t seconds = m / (uint64_t)MICROS_PER_SECOND, fraction = m % (uint64_t)MICROS_PER_SECOND;
    char *s = arena_printf(a, "%s%02" PRIu64 ":%02u:%02u", micros < 0 ? "-" : "", seconds / 3600,
                           (unsigned)(seconds / 60 % 60), (unsigned)(seconds % 60));
    return fraction ? arena_printf(a, "%s.%06" PRIu64, s, fraction) : s;
}

static char *format_date(int64_t days, struct arena *a) {
    /* beyond the years that a DATE can hold only for hostile cells */
    if (days == CELL_DATE_ZERO || days < INT64_C(-1000000) || days > INT64_C(30000000))
        return arena_strdup(a, "0000-00-00");
    struct civil c;
    datetime_to_civil(days * 86400 * MICROS_PER_SECOND, &c);
    return arena_printf(a, "%04d-%02d-%02d", c.year, c.month, c.day);
}

static char *format_datetime(int64_t micros, struct arena *a) {
    if (micros == CELL_DATETIME_ZERO)
        return arena_strdup(a, "0000-00-00 00:00:00");
    char text[64];
    datetime_format_sql(micros, micros % MICROS_PER_SECOND ? 6 : 0, text, sizeof text);
    return arena_strdup(a, text);
}

char *cell_format(const struct cell *c, struct arena *a) {
    switch (c->kind) {
    case CELL_NULL: return NULL;
    case CELL_INT: return arena_printf(a, "%" PRId64, c->i);
    case CELL_UINT: return arena_printf(a, "%" PRIu64, c->u);
    case CELL_FLOAT: {
        char text[JSON_NUMBER_SIZE];
        size_t n = json_format_number(c->f, text);
        return arena_strndup(a, text, n);
    }
    case CELL_TEXT:
    case CELL_BYTES:
    case CELL_JSON:
    case CELL_DECIMAL: return arena_strndup(a, c->s.data, c->s.size);
    case CELL_DATETIME: return format_datetime(c->i, a);
    case CELL_DATE: return format_date(c->i, a);
    case CELL_TIME: return format_time(c->i, a);
    }
    return NULL;
}

struct cell cell_copy(const struct cell *c, struct arena *a) {
    struct cell out = *c;
    if (cell_has_text(c))
        out.s.data = arena_strndup(a, c->s.data, c->s.size);
    return out;
}
