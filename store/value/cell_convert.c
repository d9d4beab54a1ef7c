/*
 * Conversion of a cell to a column's type, as MySQL's strict mode does it: what fits is changed to the
 * type's own kind and precision, what does not is refused. The messages begin as MySQL's do;
 * tuple_build adds the column.
 */
#include "store/value/tuple.h"

#include "base/datetime.h"
#include "base/utf8.h"
#include "store/value/collation.h"
#include "store/value/decimal.h"
#include "store/value/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN 64 /* bytes of a refused value in a message */

static int refuse_value(struct err *err, const char *what, const struct cell *in, struct arena *a) {
    const char *text = cell_format(in, a);
    return err_set(err, BD_CONSTRAINT, "Incorrect %s value: '%.*s'", what, SHOWN, text ? text : "NULL");
}

static int out_of_range(struct err *err) { return err_set(err, BD_CONSTRAINT, "Out of range value"); }

/* --- numbers --- */

/* A whole number, rounded half away from zero; *negative with magnitude in *u. */
static int to_whole(const struct cell *in, struct arena *a, bool *negative, uint64_t *u,
                    struct err *err) {
    struct decimal d;
    const char *text = NULL;
    switch (in->kind) {
    case CELL_INT:
        *negative = in->i < 0;
        *u = *negative ? -(uint64_t)in->i : (uint64_t)in->i;
        return BD_OK;
    case CELL_UINT:
        *negative = false;
        *u = in->u;
        return BD_OK;
    case CELL_FLOAT: {
        double v = round(in->f);
        *negative = v < 0;
        v = fabs(v);
        if (!(v < 18446744073709551616.0))
            return out_of_range(err);
        *u = (uint64_t)v;
        return BD_OK;
    }
    case CELL_DATETIME:
        *negative = in->i < 0;
        *u = (uint64_t)((*negative ? -in->i : in->i) / MICROS_PER_SECOND);
        return BD_OK;
    case CELL_BYTES:
        if (in->s.size > 8)
            return out_of_range(err);
        *negative = false;
        *u = 0;
        for (size_t i = 0; i < in->s.size; i++)
            *u = *u << 8 | (uint8_t)in->s.data[i];
        return BD_OK;
    case CELL_JSON:
        if (in->s.size == 4 && memcmp(in->s.data, "true", 4) == 0) {
            *negative = false;
            *u = 1;
            return BD_OK;
        }
        if (in->s.size == 5 && memcmp(in->s.data, "false", 5) == 0) {
            *negative = false;
            *u = 0;
            return BD_OK;
        }
        break;
    case CELL_TEXT:
    case CELL_DECIMAL: break;
    default: return refuse_value(err, "integer", in, a);
    }
    if (decimal_parse(in->s.data, in->s.size, &d, NULL) != BD_OK)
        return refuse_value(err, "integer", in, a);
    if (decimal_rescale(&d, 0, NULL) != BD_OK)
        return out_of_range(err);
    struct buf b = BUF_INIT;
    decimal_format(&d, &b);
    text = buf_str(&b);
    *negative = text[0] == '-';
    size_t digits = strlen(text + *negative);
    char *end;
    unsigned long long v = strtoull(text + *negative, &end, 10);
    bool fits = digits < 20 || (digits == 20 && strcmp(text + *negative, "18446744073709551615") <= 0);
    *u = v;
    buf_release(&b);
    return fits ? BD_OK : out_of_range(err);
}

static int to_integer(const struct sql_type *t, unsigned bits, const struct cell *in, struct arena *a,
                      struct cell *out, struct err *err) {
    bool negative;
    uint64_t u;
    int rc = to_whole(in, a, &negative, &u, err);
    if (rc != BD_OK)
        return rc;
    if (t->is_unsigned) {
        if ((negative && u != 0) || (bits < 64 && u >> bits))
            return out_of_range(err);
        *out = (struct cell){.kind = CELL_UINT, .u = u};
        return BD_OK;
    }
    uint64_t limit = UINT64_C(1) << (bits - 1);
    if (u > limit || (u == limit && !negative))
        return out_of_range(err);
    *out = cell_int(negative ? (int64_t)-u : (int64_t)u);
    return BD_OK;
}

static int to_float(const struct sql_type *t, const struct cell *in, struct arena *a, struct cell *out,
                    struct err *err) {
    double v;
    switch (in->kind) {
    case CELL_INT: v = (double)in->i; break;
    case CELL_UINT: v = (double)in->u; break;
    case CELL_FLOAT: v = in->f; break;
    case CELL_TEXT:
    case CELL_DECIMAL:
    case CELL_JSON: {
        struct decimal d;
        if (decimal_parse(in->s.data, in->s.size, &d, NULL) == BD_OK) {
            v = decimal_to_double(&d);
            break;
        }
        char *end, *text = arena_strndup(a, in->s.data, in->s.size);
        v = strtod(text, &end);
        if (end == text || *end || isnan(v))
            return refuse_value(err, t->base == SQL_FLOAT ? "float" : "double", in, a);
        break;
    }
    default: return refuse_value(err, t->base == SQL_FLOAT ? "float" : "double", in, a);
    }
    if (isnan(v) || isinf(v) || (t->base == SQL_FLOAT && isinf((float)v)))
        return out_of_range(err);
    *out = cell_float(v);
    return BD_OK;
}

static int to_decimal(const struct sql_type *t, const struct cell *in, struct arena *a,
                      struct cell *out, struct err *err) {
    struct decimal d;
    char *text;
    switch (in->kind) {
    case CELL_INT:
    case CELL_UINT:
    case CELL_FLOAT: text = cell_format(in, a); break;
    case CELL_TEXT:
    case CELL_DECIMAL:
    case CELL_JSON: text = arena_strndup(a, in->s.data, in->s.size); break;
    default: return refuse_value(err, "decimal", in, a);
    }
    if (decimal_parse(text, strlen(text), &d, NULL) != BD_OK)
        return refuse_value(err, "decimal", in, a);
    if (decimal_rescale(&d, t->scale, NULL) != BD_OK ||
        (!decimal_is_zero(&d) && decimal_digits(&d) > t->length))
        return out_of_range(err);
    struct buf b = BUF_INIT;
    decimal_format(&d, &b);
    *out = cell_text_n(arena_strndup(a, buf_str(&b), b.size), b.size);
    out->kind = CELL_DECIMAL;
    buf_release(&b);
    return BD_OK;
}

/* --- times --- */

static int64_t floor_div(int64_t v, int64_t by) { return v / by - (v % by < 0); }

static bool is_zero_number(const struct cell *c) {
    return (c->kind == CELL_INT && c->i == 0) || (c->kind == CELL_UINT && c->u == 0) ||
           (c->kind == CELL_FLOAT && c->f == 0);
}

static bool is_zero_date_text(const struct cell *c) {
    bool digit = false;
    for (size_t i = 0; i < c->s.size; i++) {
        char x = c->s.data[i];
        if (x == '0')
            digit = true;
        else if (x != '-' && x != ':' && x != ' ' && x != '.' && x != 'T')
            return false;
    }
    return digit && c->s.size >= 8;
}

/* "20060102150405" or "20060102" */
static bool parse_digits(const char *s, size_t n, int64_t *micros) {
    if (n != 14 && n != 8)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (s[i] < '0' || s[i] > '9')
            return false;
    }
    char text[20];
    snprintf(text, sizeof text, "%.4s-%.2s-%.2s %.2s:%.2s:%.2s", s, s + 4, s + 6,
             n == 14 ? s + 8 : "00", n == 14 ? s + 10 : "00", n == 14 ? s + 12 : "00");
    return datetime_parse_sql(text, strlen(text), micros);
}

/* Fields without leading zeros: "2026-1-2 3:4:5.5", "2026-01-02 03:04". */
static bool parse_loose(const char *s, size_t n, int64_t *micros) {
    int field[6] = {0};
    size_t i = 0;
    unsigned count = 0;
    for (; count < 6 && i < n; count++) {
        size_t digits = 0;
        while (i < n && s[i] >= '0' && s[i] <= '9' && digits < (count == 0 ? 4u : 2u)) {
            field[count] = field[count] * 10 + (s[i++] - '0');
            digits++;
        }
        if (digits == 0 || (count == 0 && digits != 4))
            return false;
        if (i == n) {
            count++;
            break;
        }
        char want = count < 2 ? '-' : ':';
        if (count == 2 ? s[i] != ' ' && s[i] != 'T' && s[i] != ':' : count < 5 && s[i] != want)
            return false;
        if (count == 5)
            continue;
        i++;
    }
    if (count != 3 && count != 5 && count != 6)
        return false;
    int64_t fraction = 0;
    if (i < n) {
        if (count != 6 || s[i++] != '.')
            return false;
        int64_t unit = MICROS_PER_SECOND / 10;
        for (; i < n; i++, unit /= 10) {
            if (s[i] < '0' || s[i] > '9')
                return false;
            fraction += unit * (s[i] - '0');
        }
    }
    char text[24];
    snprintf(text, sizeof text, "%04d-%02d-%02d %02d:%02d:%02d", field[0], field[1], field[2], field[3],
             field[4], field[5]);
    if (!datetime_parse_sql(text, strlen(text), micros))
        return false;
    *micros += fraction;
    return true;
}

static bool parse_time_text(const char *s, size_t n, int64_t *micros) {
    while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\n'))
        n--;
    while (n > 0 && *s == ' ') {
        s++;
        n--;
    }
    return datetime_parse_sql(s, n, micros) || datetime_parse_rfc3339(s, n, micros) ||
           parse_digits(s, n, micros) || parse_loose(s, n, micros);
}

static int to_datetime(const struct sql_type *t, const struct cell *in, struct arena *a,
                       struct cell *out, struct err *err) {
    static const int64_t unit[7] = {1000000, 100000, 10000, 1000, 100, 10, 1};
    const char *what = t->base == SQL_DATE ? "date" : "datetime";
    int64_t v;
    switch (in->kind) {
    case CELL_DATETIME: v = in->i; break;
    case CELL_DATE:
        v = in->i == CELL_DATE_ZERO ? CELL_DATETIME_ZERO : 0;
        if (v == 0 && __builtin_mul_overflow(in->i, 86400 * MICROS_PER_SECOND, &v))
            return refuse_value(err, what, in, a);
        break;
    case CELL_TEXT:
    case CELL_BYTES:
        if (is_zero_date_text(in))
            v = CELL_DATETIME_ZERO;
        else if (!parse_time_text(in->s.data, in->s.size, &v))
            return refuse_value(err, what, in, a);
        break;
    default:
        if (!is_zero_number(in))
            return refuse_value(err, what, in, a);
        v = CELL_DATETIME_ZERO;
    }
    if (t->base == SQL_DATE) {
        if (v == CELL_DATETIME_ZERO) {
            *out = (struct cell){.kind = CELL_DATE, .i = CELL_DATE_ZERO};
            return BD_OK;
        }
        int64_t days = floor_div(v, 86400 * MICROS_PER_SECOND);
        if (days < datetime_days_from_civil(0, 1, 1) || days > datetime_days_from_civil(9999, 12, 31))
            return refuse_value(err, what, in, a);
        *out = (struct cell){.kind = CELL_DATE, .i = days};
        return BD_OK;
    }
    if (v != CELL_DATETIME_ZERO) {
        int64_t by = unit[t->length > 6 ? 6 : t->length];
        if (v > INT64_MAX - by)
            return refuse_value(err, what, in, a);
        v = floor_div(v + by / 2, by) * by;
        int64_t low = datetime_days_from_civil(0, 1, 1) * 86400 * MICROS_PER_SECOND;
        int64_t high = datetime_days_from_civil(10000, 1, 1) * 86400 * MICROS_PER_SECOND;
        if (t->base == SQL_TIMESTAMP) {
            low = MICROS_PER_SECOND;
            high = INT64_C(2147483648) * MICROS_PER_SECOND;
        }
        if (v < low || v >= high)
            return refuse_value(err, what, in, a);
    }
    *out = cell_datetime(v);
    return BD_OK;
}

#define TIME_LIMIT ((INT64_C(838) * 3600 + 59 * 60 + 59) * MICROS_PER_SECOND)

static int to_time(const struct cell *in, struct arena *a, struct cell *out, struct err *err) {
    int64_t v = 0;
    if (in->kind == CELL_TIME) {
        v = in->i;
    } else if (in->kind == CELL_DATETIME) {
        v = in->i - floor_div(in->i, 86400 * MICROS_PER_SECOND) * 86400 * MICROS_PER_SECOND;
    } else {
        char *text = cell_format(in, a), *s = text;
        bool negative = *s == '-';
        s += negative;
        int64_t part[3] = {0};
        int parts = 0;
        char *end = s;
        while (parts < 3) {
            if (*end < '0' || *end > '9')
                return refuse_value(err, "time", in, a);
            part[parts++] = strtol(end, &end, 10);
            if (*end != ':')
                break;
            end++;
        }
        if (parts == 1) { /* HHMMSS as a number */
            int64_t n = part[0];
            part[0] = n / 10000;
            part[1] = n / 100 % 100;
            part[2] = n % 100;
        }
        int64_t fraction = 0, unit = MICROS_PER_SECOND / 10;
        if (*end == '.')
            for (end++; *end >= '0' && *end <= '9'; end++, unit /= 10)
                fraction += unit * (*end - '0');
        if (*end || part[0] > 100000 || part[1] > 59 || part[2] > 59)
            return refuse_value(err, "time", in, a);
        v = ((part[0] * 60 + part[1]) * 60 + part[2]) * MICROS_PER_SECOND + fraction;
        if (negative)
            v = -v;
    }
    if (v > TIME_LIMIT)
        v = TIME_LIMIT;
    if (v < -TIME_LIMIT)
        v = -TIME_LIMIT;
    *out = (struct cell){.kind = CELL_TIME, .i = v};
    return BD_OK;
}

static int to_year(const struct cell *in, struct arena *a, struct cell *out, struct err *err) {
    bool negative;
    uint64_t u;
    int rc = to_whole(in, a, &negative, &u, err);
    if (rc != BD_OK)
        return rc;
    bool text = in->kind == CELL_TEXT;
    if (text && u == 0 && in->s.size != 4)
        u = 2000;
    else if (u >= 1 && u <= 69)
        u += 2000;
    else if (u >= 70 && u <= 99)
        u += 1900;
    if (negative || (u != 0 && (u < 1901 || u > 2155)))
        return out_of_range(err);
    *out = cell_int((int64_t)u);
    return BD_OK;
}

/* --- text --- */

/* Number of characters; false when the bytes are no UTF-8. */
static bool count_characters(const char *text, size_t size, size_t *count) {
    const uint8_t *s = (const uint8_t *)text, *end = s + size;
    size_t n = 0;
    while (s < end) {
        for (uint64_t eight; end - s >= 8; s += 8, n += 8) {
            memcpy(&eight, s, 8);
            if (eight & UINT64_C(0x8080808080808080))
                break;
        }
        if (s == end)
            break;
        size_t length = utf8_length(s, (size_t)(end - s));
        if (!length)
            return false;
        s += length;
        n++;
    }
    *count = n;
    return true;
}

static void as_text(const struct cell *in, struct arena *a, const char **data, size_t *size) {
    if (cell_has_text(in)) {
        *data = in->s.data ? in->s.data : "";
        *size = in->s.size;
    } else {
        *data = cell_format(in, a);
        *size = strlen(*data);
    }
}

static uint64_t byte_limit(enum sql_base b) {
    switch (b) {
    case SQL_TINYTEXT:
    case SQL_TINYBLOB: return 255;
    case SQL_TEXT:
    case SQL_BLOB: return 65535;
    case SQL_MEDIUMTEXT:
    case SQL_MEDIUMBLOB: return 16777215;
    default: return UINT32_MAX;
    }
}

static int to_text(const struct sql_type *t, const struct cell *in, struct arena *a, struct cell *out,
                   struct err *err) {
    const char *data;
    size_t size, characters;
    as_text(in, a, &data, &size);
    characters = size;
    if (in->kind != CELL_BYTES && cell_has_text(in) && !count_characters(data, size, &characters)) {
        size_t at = 0;
        while (at < size && (unsigned char)data[at] < 0x80)
            at++;
        return err_set(err, BD_CONSTRAINT, "Incorrect string value: not UTF-8 from byte %zu on", at);
    }
    bool by_character = t->base == SQL_CHAR || t->base == SQL_VARCHAR;
    uint64_t limit = by_character ? t->length : byte_limit(t->base);
    if ((by_character ? characters : size) > limit)
        return err_set(err, BD_CONSTRAINT, "Data too long (%zu %s, at most %" PRIu64 ")",
                       by_character ? characters : size, by_character ? "characters" : "bytes", limit);
    *out = cell_text_n(data, size);
    return BD_OK;
}

static int to_bytes(const struct sql_type *t, const struct cell *in, struct arena *a, struct cell *out,
                    struct err *err) {
    const char *data;
    size_t size;
    as_text(in, a, &data, &size);
    bool declared = t->base == SQL_BINARY || t->base == SQL_VARBINARY;
    uint64_t limit = declared ? t->length : byte_limit(t->base);
    if (size > limit)
        return err_set(err, BD_CONSTRAINT, "Data too long (%zu bytes, at most %" PRIu64 ")", size,
                       limit);
    if (t->base == SQL_BINARY && size < t->length) {
        char *padded = arena_zalloc(a, t->length);
        memcpy(padded, data, size);
        data = padded;
        size = t->length;
    }
    *out = cell_text_n(data, size);
    out->kind = CELL_BYTES;
    return BD_OK;
}

static int to_json(const struct cell *in, struct arena *a, struct cell *out, struct err *err) {
    struct buf b = BUF_INIT;
    const char *data;
    size_t size;
    int rc = BD_OK;
    as_text(in, a, &data, &size);
    switch (in->kind) {
    case CELL_JSON: rc = json_renormalize(data, size, &b, err); break;
    case CELL_TEXT:
    case CELL_BYTES: rc = json_normalize(data, size, &b, err); break;
    case CELL_INT:
    case CELL_UINT:
    case CELL_FLOAT:
    case CELL_DECIMAL: buf_add(&b, data, size); break;
    default: json_add_string(&b, data, size); break;
    }
    if (rc == BD_OK) {
        if (b.size == size && memcmp(b.data, data, size) == 0)
            *out = cell_text_n(data, size);
        else
            *out = cell_text_n(arena_strndup(a, buf_str(&b), b.size), b.size);
        out->kind = CELL_JSON;
    } else if (err && err->code) {
        err->code = BD_CONSTRAINT;
    }
    buf_release(&b);
    return rc == BD_OK ? BD_OK : BD_CONSTRAINT;
}

static bool member_is(const struct sql_type *t, size_t i, const char *text, size_t size) {
    return collation_cmp(t->collation, t->members[i], strlen(t->members[i]), text, size) == 0;
}

static int to_enum(const struct sql_type *t, const struct cell *in, struct arena *a, struct cell *out,
                   struct err *err) {
    if (in->kind == CELL_TEXT || in->kind == CELL_BYTES)
        for (size_t i = 0; i < t->member_count; i++)
            if (member_is(t, i, in->s.data, in->s.size)) {
                *out = (struct cell){.kind = CELL_UINT, .u = i + 1};
                return BD_OK;
            }
    bool negative;
    uint64_t u;
    if (in->kind == CELL_BYTES || to_whole(in, a, &negative, &u, NULL) != BD_OK || negative || u == 0 ||
        u > t->member_count)
        return err_set(err, BD_CONSTRAINT, "Data truncated");
    *out = (struct cell){.kind = CELL_UINT, .u = u};
    return BD_OK;
}

static int to_set(const struct sql_type *t, const struct cell *in, struct arena *a, struct cell *out,
                  struct err *err) {
    uint64_t bits = 0;
    if (in->kind == CELL_TEXT) {
        const char *p = in->s.data, *end = p + in->s.size;
        while (p < end) {
            const char *comma = memchr(p, ',', (size_t)(end - p)), *stop = comma ? comma : end;
            size_t i = 0;
            while (i < t->member_count && !member_is(t, i, p, (size_t)(stop - p)))
                i++;
            if (i == t->member_count || i > 63)
                return err_set(err, BD_CONSTRAINT, "Data truncated");
            bits |= UINT64_C(1) << i;
            p = comma ? comma + 1 : end;
        }
    } else {
        bool negative;
        int rc = to_whole(in, a, &negative, &bits, err);
        if (rc != BD_OK)
            return rc;
        if (negative || (t->member_count < 64 && bits >> t->member_count))
            return err_set(err, BD_CONSTRAINT, "Data truncated");
    }
    *out = (struct cell){.kind = CELL_UINT, .u = bits};
    return BD_OK;
}

static int to_bit(const struct sql_type *t, const struct cell *in, struct arena *a, struct cell *out,
                  struct err *err) {
    struct cell raw = *in;
    if (raw.kind == CELL_TEXT)
        raw.kind = CELL_BYTES;
    bool negative;
    uint64_t u;
    int rc = to_whole(&raw, a, &negative, &u, err);
    if (rc != BD_OK)
        return rc;
    if (negative || (t->length < 64 && u >> t->length))
        return out_of_range(err);
    *out = (struct cell){.kind = CELL_UINT, .u = u};
    return BD_OK;
}

int cell_convert(const struct sql_type *t, const struct cell *in, struct arena *a, struct cell *out,
                 struct err *err) {
    if (in->kind == CELL_NULL) {
        *out = *in;
        return BD_OK;
    }
    switch (t->base) {
    case SQL_TINYINT: return to_integer(t, 8, in, a, out, err);
    case SQL_SMALLINT: return to_integer(t, 16, in, a, out, err);
    case SQL_MEDIUMINT: return to_integer(t, 24, in, a, out, err);
    case SQL_INT: return to_integer(t, 32, in, a, out, err);
    case SQL_BIGINT: return to_integer(t, 64, in, a, out, err);
    case SQL_FLOAT:
    case SQL_DOUBLE: return to_float(t, in, a, out, err);
    case SQL_DECIMAL: return to_decimal(t, in, a, out, err);
    case SQL_CHAR:
    case SQL_VARCHAR:
    case SQL_TINYTEXT:
    case SQL_TEXT:
    case SQL_MEDIUMTEXT:
    case SQL_LONGTEXT: return to_text(t, in, a, out, err);
    case SQL_BINARY:
    case SQL_VARBINARY:
    case SQL_TINYBLOB:
    case SQL_BLOB:
    case SQL_MEDIUMBLOB:
    case SQL_LONGBLOB:
    case SQL_GEOMETRY:
    case SQL_UNKNOWN: return to_bytes(t, in, a, out, err);
    case SQL_JSON: return to_json(in, a, out, err);
    case SQL_DATE:
    case SQL_DATETIME:
    case SQL_TIMESTAMP: return to_datetime(t, in, a, out, err);
    case SQL_TIME: return to_time(in, a, out, err);
    case SQL_YEAR: return to_year(in, a, out, err);
    case SQL_ENUM: return to_enum(t, in, a, out, err);
    case SQL_SET: return to_set(t, in, a, out, err);
    case SQL_BIT: return to_bit(t, in, a, out, err);
    }
    return err_set(err, BD_UNSUPPORTED, "a column of this type cannot be written yet");
}
