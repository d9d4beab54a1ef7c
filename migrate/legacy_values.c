/*
 * SQLite values as cells. SQLite keeps any kind of value in any column, so the target column decides;
 * what cannot be kept as it is comes out as near as possible, and the caller is told.
 */
#include "migrate/legacy.h"

#include "base/datetime.h"
#include "base/utf8.h"
#include "store/value/json.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- times ---- */

static bool zone(const char *s, const char *end, int64_t *offset) {
    int h, m, n = 0;
    char text[8];
    *offset = 0;
    if (s == end || *s == 'Z' || *s == 'z')
        return end - s <= 1;
    if ((*s != '+' && *s != '-') || end - s < 3)
        return false;
    snprintf(text, sizeof text, "%.*s", (int)(end - s < 7 ? end - s : 7), s);
    if (sscanf(text + 1, "%2d:%2d%n", &h, &m, &n) != 2 &&
        sscanf(text + 1, "%2d%2d%n", &h, &m, &n) != 2) {
        m = 0;
        if (sscanf(text + 1, "%2d%n", &h, &n) != 1)
            return false;
    }
    if (h < 0 || h > 18 || m < 0 || m > 59)
        return false;
    *offset = (h * 3600 + m * 60) * (*s == '-' ? -1 : 1);
    s += 1 + n;
    return s == end || *s == ' '; /* Go adds the name of the zone */
}

bool legacy_time(const char *text, size_t size, int64_t *micros) {
    const char *end = text + size, *s = text;
    while (s < end && *s == ' ')
        s++;
    while (s < end && end[-1] == ' ')
        end--;
    if (end - s < 10)
        return false;
    if (end - s == 10)
        return datetime_parse_sql(s, 10, micros);
    if ((s[10] != 'T' && s[10] != 't' && s[10] != ' ') || end - s < 16)
        return false;
    char whole[20];
    memcpy(whole, s, 10);
    whole[10] = ' ';
    memcpy(whole + 11, s + 11, 5);
    memcpy(whole + 16, ":00", 4);
    s += 16;
    if (s < end && *s == ':') {
        if (end - s < 3)
            return false;
        memcpy(whole + 16, s, 3);
        s += 3;
    }
    int64_t fraction = 0, unit = MICROS_PER_SECOND / 10, offset;
    if (s < end && (*s == '.' || *s == ',')) {
        for (s++; s < end && *s >= '0' && *s <= '9'; s++, unit /= 10)
            fraction += (*s - '0') * unit;
    }
    if (s < end && *s == ' ')
        s++;
    if (!datetime_parse_sql(whole, 19, micros) || !zone(s, end, &offset))
        return false;
    *micros += fraction - offset * MICROS_PER_SECOND;
    return true;
}

/*
 * A number that stands for a time: since 1970 in seconds, or in milli-, micro- or nanoseconds, told by
 * its size; or the days of SQLite's julianday().
 */
static bool number_time(double v, int64_t exact, int64_t *micros) {
    static const double day_1970 = 2440587.5;
    if (v > day_1970 && v < 2500000 && v != (double)exact)
        *micros = (int64_t)((v - day_1970) * 86400 + 0.0005) * MICROS_PER_SECOND;
    else if (v <= 0 || v >= 9.2e18)
        return false;
    else if (v < 1e11)
        *micros = exact * MICROS_PER_SECOND;
    else if (v < 1e14)
        *micros = exact * 1000;
    else
        *micros = v < 1e17 ? exact : exact / 1000;
    return *micros < INT64_C(253402300800) * MICROS_PER_SECOND;
}

static struct cell time_cell(sqlite3_stmt *row, int at, enum legacy_trouble *trouble) {
    int64_t micros = 0;
    bool good = false;
    if (sqlite3_column_type(row, at) == SQLITE_TEXT) {
        const char *s = (const char *)sqlite3_column_text(row, at);
        size_t n = (size_t)sqlite3_column_bytes(row, at);
        if (n == 0)
            return cell_null();
        good = legacy_time(s, n, &micros);
    } else if (sqlite3_column_type(row, at) != SQLITE_BLOB) {
        good = number_time(sqlite3_column_double(row, at), sqlite3_column_int64(row, at), &micros);
    }
    if (!good) {
        *trouble = LEGACY_BAD_TIME;
        return cell_null();
    }
    int64_t second = micros / MICROS_PER_SECOND - (micros % MICROS_PER_SECOND < 0);
    return cell_datetime(second * MICROS_PER_SECOND);
}

/* ---- texts ---- */

struct limit {
    size_t bytes, characters;
};

static struct limit limit_of(const struct column *c) {
    switch (c->type.base) {
    case SQL_CHAR:
    case SQL_VARCHAR: return (struct limit){SIZE_MAX, c->type.length};
    case SQL_TINYTEXT:
    case SQL_TINYBLOB: return (struct limit){255, SIZE_MAX};
    case SQL_TEXT:
    case SQL_BLOB: return (struct limit){65535, SIZE_MAX};
    default: return (struct limit){SIZE_MAX, SIZE_MAX};
    }
}

static struct cell text_cell(const char *text, size_t size, const struct column *c, struct arena *a,
                             enum legacy_trouble *trouble) {
    struct limit most = limit_of(c);
    size_t at = 0, characters = 0;
    bool bad = false;
    while (at < size && characters < most.characters) {
        size_t n = utf8_length((const unsigned char *)text + at, size - at);
        if (at + (n ? n : 1) > most.bytes)
            break;
        bad = bad || !n;
        at += n ? n : 1;
        characters++;
    }
    if (at < size)
        *trouble = LEGACY_SHORTENED;
    if (!bad)
        return cell_text_n(text, at);
    *trouble = LEGACY_BAD_TEXT;
    struct buf out = BUF_INIT;
    for (size_t i = 0; i < at;) {
        size_t n = utf8_length((const unsigned char *)text + i, size - i);
        if (out.size + (n ? n : 3) > most.bytes)
            break;
        if (n)
            buf_add(&out, text + i, n);
        else
            buf_add_str(&out, "\xef\xbf\xbd");
        i += n ? n : 1;
    }
    struct cell r = cell_text_n(arena_strndup(a, buf_str(&out), out.size), out.size);
    buf_release(&out);
    return r;
}

/* ---- numbers ---- */

static struct cell number_cell(sqlite3_stmt *row, int at, const struct column *c,
                               enum legacy_trouble *trouble) {
    int64_t least = INT64_MIN, most = INT64_MAX;
    if (c->type.base == SQL_INT) {
        least = INT32_MIN;
        most = INT32_MAX;
    } else if (c->type.base == SQL_TINYINT) {
        least = INT8_MIN;
        most = INT8_MAX;
    }
    int64_t v = 0;
    bool good = true;
    const char *s;
    char *rest;
    switch (sqlite3_column_type(row, at)) {
    case SQLITE_INTEGER: v = sqlite3_column_int64(row, at); break;
    case SQLITE_FLOAT:
        v = sqlite3_column_int64(row, at);
        good = (double)v == sqlite3_column_double(row, at);
        break;
    default:
        s = (const char *)sqlite3_column_text(row, at);
        if (s && strcasecmp(s, "true") == 0)
            v = 1;
        else if (s && strcasecmp(s, "false") != 0 && *s) {
            v = strtoll(s, &rest, 10);
            good = !*rest;
        } else if (s && !*s)
            return cell_null();
    }
    if (!good || v < least || v > most) {
        *trouble = LEGACY_BAD_NUMBER;
        return cell_null();
    }
    return cell_int(v);
}

/* ---- JSON ---- */

static struct cell json_value(sqlite3_stmt *row, int at, struct arena *a,
                              enum legacy_trouble *trouble) {
    const char *s = (const char *)sqlite3_column_text(row, at);
    size_t n = (size_t)sqlite3_column_bytes(row, at);
    struct buf out = BUF_INIT;
    if (!s || !n)
        return cell_json("{}");
    struct cell r = cell_json("{}");
    /* What is no JSON, or a number beyond all that a reader takes, fails the first; the second keeps
     * the digits. */
    bool good = json_normalize(s, n, &out, NULL) == BD_OK;
    buf_clear(&out);
    if (good && json_renormalize(s, n, &out, NULL) == BD_OK) {
        r = cell_json(arena_strndup(a, buf_str(&out), out.size));
        r.s.size = out.size;
    } else {
        *trouble = LEGACY_BAD_JSON;
    }
    buf_release(&out);
    return r;
}

void legacy_add_json(struct buf *out, sqlite3_stmt *row, int at) {
    static const char digits[] = "0123456789abcdef";
    char number[JSON_NUMBER_SIZE];
    const unsigned char *bytes;
    int n;
    switch (sqlite3_column_type(row, at)) {
    case SQLITE_INTEGER: buf_addf(out, "%" PRId64, (int64_t)sqlite3_column_int64(row, at)); return;
    case SQLITE_FLOAT:
        json_format_number(sqlite3_column_double(row, at), number);
        buf_add_str(out, number);
        return;
    case SQLITE_NULL: buf_add_str(out, "null"); return;
    default: bytes = sqlite3_column_blob(row, at); n = sqlite3_column_bytes(row, at);
    }
    bool good = sqlite3_column_type(row, at) == SQLITE_TEXT;
    for (int i = 0; good && i < n;) {
        size_t part = utf8_length(bytes + i, (size_t)(n - i));
        good = part > 0;
        i += (int)part;
    }
    if (good) {
        json_add_string(out, (const char *)bytes, (size_t)n);
        return;
    }
    buf_add_str(out, "\"hex:");
    for (int i = 0; i < n; i++) {
        buf_add_char(out, digits[bytes[i] >> 4]);
        buf_add_char(out, digits[bytes[i] & 15]);
    }
    buf_add_char(out, '"');
}

/* ---- any column ---- */

struct cell legacy_default(const struct column *c) {
    const char *text = c->default_text;
    if (c->type.base == SQL_JSON)
        return cell_json("{}");
    if (text && *text == '\'') { /* a plain literal: none of ours has an escape */
        size_t n = strlen(text);
        return cell_text_n(text + 1, n >= 2 ? n - 2 : 0);
    }
    if (text && *text >= '0' && *text <= '9')
        return cell_int(strtoll(text, NULL, 10));
    if (c->nullable)
        return cell_null();
    if (sql_type_is_text(&c->type))
        return cell_text("");
    return c->type.base == SQL_DATETIME ? cell_datetime(0) : cell_int(0);
}

struct cell legacy_cell(sqlite3_stmt *row, int at, const struct column *c, struct arena *a,
                        enum legacy_trouble *trouble) {
    struct cell r = c->type.base == SQL_JSON ? cell_json("{}") : cell_null();
    if (sqlite3_column_type(row, at) != SQLITE_NULL)
        switch (c->type.base) {
        case SQL_DATETIME: r = time_cell(row, at, trouble); break;
        case SQL_TINYINT:
        case SQL_INT:
        case SQL_BIGINT: r = number_cell(row, at, c, trouble); break;
        case SQL_JSON: return json_value(row, at, a, trouble);
        case SQL_BLOB:
        case SQL_LONGBLOB:
            r = cell_text_n(sqlite3_column_blob(row, at), (size_t)sqlite3_column_bytes(row, at));
            r.kind = CELL_BYTES;
            if (r.s.size > limit_of(c).bytes) {
                r.s.size = limit_of(c).bytes;
                *trouble = LEGACY_SHORTENED;
            }
            if (!r.s.data)
                r.s.data = "";
            break;
        default: {
            const char *s = (const char *)sqlite3_column_text(row, at);
            r = text_cell(s ? s : "", (size_t)sqlite3_column_bytes(row, at), c, a, trouble);
        }
        }
    if (cell_is_null(&r) && !c->nullable)
        r = legacy_default(c);
    return r;
}
