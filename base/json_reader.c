/* One pass over the text; the write position of a decoded string never passes its read position. */
#include "base/json_reader.h"

#include "base/utf8.h"

#include <string.h>

void json_reader_init(struct json_reader *r, char *text, size_t size, struct arena *a) {
    *r = (struct json_reader){.start = text, .at = text, .end = text + size, .arena = a};
}

bool json_reader_fail(struct json_reader *r, const char *problem) {
    if (!r->problem) {
        r->problem = problem;
        r->problem_offset = (size_t)(r->at - r->start);
    }
    return false;
}

static void skip_space(struct json_reader *r) {
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\t' || *r->at == '\r'))
        r->at++;
}

/* What Go says of a text that ends too early, and of a wrong character. */
static bool unexpected(struct json_reader *r) {
    return json_reader_fail(r, r->at >= r->end ? "unexpected end of JSON input" : "invalid character");
}

enum json_kind json_reader_peek(struct json_reader *r) {
    if (r->problem)
        return JSON_NONE;
    skip_space(r);
    if (r->at >= r->end)
        return JSON_NONE;
    switch (*r->at) {
    case '{': return JSON_OBJECT;
    case '[': return JSON_ARRAY;
    case '"': return JSON_STRING;
    case 't': return JSON_TRUE;
    case 'f': return JSON_FALSE;
    case 'n': return JSON_NULL;
    default: return *r->at == '-' || (*r->at >= '0' && *r->at <= '9') ? JSON_NUMBER : JSON_NONE;
    }
}

static bool open_container(struct json_reader *r, enum json_kind kind) {
    if (json_reader_peek(r) != kind)
        return unexpected(r);
    r->at++;
    r->first = true;
    return true;
}

bool json_reader_object(struct json_reader *r) { return open_container(r, JSON_OBJECT); }
bool json_reader_array(struct json_reader *r) { return open_container(r, JSON_ARRAY); }

/* At the next item of a container: true, or false behind its closing bracket. */
static bool next_item(struct json_reader *r, char close) {
    if (r->problem)
        return false;
    skip_space(r);
    if (r->at < r->end && *r->at == close) {
        r->at++;
        r->first = false;
        return false;
    }
    if (!r->first) {
        if (r->at >= r->end || *r->at != ',')
            return unexpected(r);
        r->at++;
        skip_space(r);
    }
    r->first = false;
    return true;
}

bool json_reader_item(struct json_reader *r) { return next_item(r, ']'); }

bool json_reader_member(struct json_reader *r, char **key, size_t *size) {
    if (!next_item(r, '}') || !json_reader_string(r, key, size))
        return false;
    skip_space(r);
    if (r->at >= r->end || *r->at != ':')
        return unexpected(r);
    r->at++;
    return true;
}

/* ---- strings ---- */

static int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 32);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four digits behind \u, or -1. */
static int hex4(const char *p, const char *end) {
    int v = 0;
    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int d = hex_digit(p[i]);
        if (d < 0)
            return -1;
        v = v << 4 | d;
    }
    return v;
}

static char *put_utf8(char *out, unsigned c) {
    if (c < 0x80) {
        *out++ = (char)c;
    } else if (c < 0x800) {
        *out++ = (char)(0xC0 | c >> 6);
        *out++ = (char)(0x80 | (c & 63));
    } else if (c < 0x10000) {
        *out++ = (char)(0xE0 | c >> 12);
        *out++ = (char)(0x80 | (c >> 6 & 63));
        *out++ = (char)(0x80 | (c & 63));
    } else {
        *out++ = (char)(0xF0 | c >> 18);
        *out++ = (char)(0x80 | (c >> 12 & 63));
        *out++ = (char)(0x80 | (c >> 6 & 63));
        *out++ = (char)(0x80 | (c & 63));
    }
    return out;
}

#define REPLACEMENT 0xFFFDu

/* The escape at *p (behind the backslash); false when it is none. */
static bool read_escape(struct json_reader *r, char **p, const char *end, char **out) {
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (*p >= end)
        return false;
    char c = *(*p)++;
    const char *simple = c ? strchr(from, c) : NULL;
    if (simple) {
        *(*out)++ = to[simple - from];
        return true;
    }
    int v = c == 'u' ? hex4(*p, end) : -1;
    if (v < 0)
        return false;
    *p += 4;
    unsigned code = (unsigned)v;
    if (code >= 0xD800 && code < 0xDC00 && end - *p >= 6 && (*p)[0] == '\\' && (*p)[1] == 'u') {
        int low = hex4(*p + 2, end);
        if (low >= 0xDC00 && low < 0xE000) {
            *p += 6;
            code = 0x10000 + ((code - 0xD800) << 10) + ((unsigned)low - 0xDC00);
        }
    }
    if (code == 0 || (code >= 0xD800 && code < 0xE000)) {
        code = REPLACEMENT;
        r->replaced = true;
    }
    *out = put_utf8(*out, code);
    return true;
}

static size_t count_bad_utf8(const char *p, size_t size) {
    size_t bad = 0;
    for (size_t i = 0; i < size;) {
        size_t n = utf8_length(p + i, size - i);
        bad += n == 0;
        i += n ? n : 1;
    }
    return bad;
}

/* The string grows by two bytes for each byte that is no UTF-8. */
static char *repair(struct json_reader *r, const char *p, size_t *size, size_t bad) {
    char *copy = arena_alloc(r->arena, *size + 2 * bad + 1), *out = copy;
    for (size_t i = 0; i < *size;) {
        size_t n = utf8_length(p + i, *size - i);
        if (n) {
            memcpy(out, p + i, n);
            out += n;
        } else {
            out = put_utf8(out, REPLACEMENT);
        }
        i += n ? n : 1;
    }
    *out = 0;
    *size = (size_t)(out - copy);
    return copy;
}

/* First byte at or behind p that ends a run of plain ASCII text: quote, backslash, control or high bit.
 */
static char *plain_end(char *p, const char *end, bool *high) {
    while (end - p >= 8) {
        uint64_t v;
        memcpy(&v, p, 8);
        const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
        uint64_t quote = v ^ (ones * '"'), back = v ^ (ones * '\\');
        uint64_t stop = ((v - ones * 32) & ~v) | ((quote - ones) & ~quote) | ((back - ones) & ~back);
        if (v & tops)
            *high = true;
        if (stop & tops)
            break;
        p += 8;
    }
    while (p < end && *p != '"' && *p != '\\' && (unsigned char)*p >= 32) {
        if (*p & 0x80)
            *high = true;
        p++;
    }
    return p;
}

bool json_reader_string(struct json_reader *r, char **text, size_t *size) {
    bool high = false;
    if (json_reader_peek(r) != JSON_STRING)
        return unexpected(r);
    char *start = r->at + 1, *p = start, *out = start;
    for (;;) {
        char *stop = plain_end(p, r->end, &high);
        if (out != p)
            memmove(out, p, (size_t)(stop - p));
        out += stop - p;
        p = stop;
        if (p >= r->end || *p == '"')
            break;
        r->at = p;
        if (*p != '\\')
            return json_reader_fail(r, "invalid control character in string literal");
        p++;
        if (!read_escape(r, &p, r->end, &out))
            return json_reader_fail(r, p >= r->end ? "unexpected end of JSON input"
                                                   : "invalid escape in string literal");
    }
    r->at = p;
    if (p >= r->end)
        return unexpected(r);
    r->at = p + 1;
    *out = 0;
    *text = start;
    *size = (size_t)(out - start);
    size_t bad = high ? count_bad_utf8(start, *size) : 0;
    if (bad) {
        *text = repair(r, start, size, bad);
        r->replaced = true;
    }
    return true;
}

/* ---- other values ---- */

static bool literal(struct json_reader *r, const char *word) {
    size_t n = strlen(word), left = (size_t)(r->end - r->at);
    if (left < n || memcmp(r->at, word, n) != 0)
        return json_reader_fail(r, left < n && memcmp(r->at, word, left) == 0
                                       ? "unexpected end of JSON input"
                                       : "invalid character");
    r->at += n;
    return true;
}

static bool skip_digits(const char **at, const char *end) {
    const char *first = *at;
    while (*at < end && **at >= '0' && **at <= '9')
        ++*at;
    return *at > first;
}

bool json_scan_number(const char **at, const char *end, bool *integer) {
    *integer = true;
    if (*at < end && **at == '-')
        ++*at;
    if (*at < end && **at == '0')
        ++*at;
    else if (!skip_digits(at, end))
        return false;
    if (*at < end && **at == '.') {
        *integer = false;
        ++*at;
        if (!skip_digits(at, end))
            return false;
    }
    if (*at < end && (**at == 'e' || **at == 'E')) {
        *integer = false;
        ++*at;
        if (*at < end && (**at == '+' || **at == '-'))
            ++*at;
        return skip_digits(at, end);
    }
    return true;
}

static bool number(struct json_reader *r) {
    const char *at = r->at;
    bool integer, good = json_scan_number(&at, r->end, &integer);
    r->at += at - r->at;
    return good || unexpected(r);
}

/* A string that stays as it is. */
static bool skip_string(struct json_reader *r) {
    bool high = false;
    r->at++;
    for (;;) {
        r->at = plain_end(r->at, r->end, &high);
        if (r->at >= r->end)
            return unexpected(r);
        if (*r->at == '"')
            break;
        if (*r->at != '\\')
            return json_reader_fail(r, "invalid control character in string literal");
        char scratch[8], *out = scratch;
        r->at++;
        bool replaced = r->replaced; /* nothing is, the text stays as it is */
        bool good = read_escape(r, &r->at, r->end, &out);
        r->replaced = replaced;
        if (!good)
            return json_reader_fail(r, r->at >= r->end ? "unexpected end of JSON input"
                                                       : "invalid escape in string literal");
    }
    r->at++;
    return true;
}

static bool skip_scalar(struct json_reader *r, enum json_kind kind) {
    switch (kind) {
    case JSON_STRING: return skip_string(r);
    case JSON_NUMBER: return number(r);
    case JSON_TRUE: return literal(r, "true");
    case JSON_FALSE: return literal(r, "false");
    case JSON_NULL: return literal(r, "null");
    default: return unexpected(r);
    }
}

/* Without recursion: a bit per open container says whether it is an object. */
bool json_reader_skip(struct json_reader *r) {
    char open[JSON_READER_DEPTH];
    size_t depth = 0;
    do {
        enum json_kind kind = json_reader_peek(r);
        if (kind == JSON_OBJECT || kind == JSON_ARRAY) {
            if (depth == JSON_READER_DEPTH)
                return json_reader_fail(r, "exceeded max depth");
            open[depth++] = kind == JSON_OBJECT ? '}' : ']';
            r->at++;
            r->first = true;
        } else if (!skip_scalar(r, kind)) {
            return false;
        }
        while (depth && !next_item(r, open[depth - 1])) {
            if (r->problem)
                return false;
            depth--;
        }
        if (depth && open[depth - 1] == '}') {
            if (json_reader_peek(r) != JSON_STRING)
                return unexpected(r);
            if (!skip_string(r))
                return false;
            skip_space(r);
            if (r->at >= r->end || *r->at != ':')
                return unexpected(r);
            r->at++;
        }
    } while (depth);
    return true;
}

bool json_reader_raw(struct json_reader *r, const char **text, size_t *size) {
    if (json_reader_peek(r) == JSON_NONE)
        return unexpected(r);
    *text = r->at;
    if (!json_reader_skip(r))
        return false;
    *size = (size_t)(r->at - *text);
    return true;
}

bool json_reader_int(struct json_reader *r, int64_t *value) {
    if (json_reader_peek(r) != JSON_NUMBER)
        return json_reader_fail(r, "a number is expected");
    char *start = r->at;
    bool negative = *start == '-';
    if (!number(r))
        return false;
    uint64_t v = 0;
    for (char *p = start + negative; p < r->at; p++) {
        if (*p < '0' || *p > '9' || v > (UINT64_MAX - 9) / 10) {
            r->at = start;
            return json_reader_fail(r, "a whole number is expected");
        }
        v = v * 10 + (uint64_t)(*p - '0');
    }
    if (v > (uint64_t)INT64_MAX) {
        r->at = start;
        return json_reader_fail(r, "the number is too large");
    }
    *value = negative ? -(int64_t)v : (int64_t)v;
    return true;
}

bool json_reader_done(struct json_reader *r) {
    if (r->problem)
        return false;
    skip_space(r);
    return r->at == r->end || json_reader_fail(r, "invalid character after top-level value");
}
