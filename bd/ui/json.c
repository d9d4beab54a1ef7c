/*
 * The JSON writer. Members go straight into the output buffer, separated as they are begun. With sorted
 * keys an object remembers where each member lies and puts them in order when it is closed, so its
 * bytes are moved once per level and nothing else is kept.
 */
#include "bd/ui/json.h"

#include "base/datetime.h"
#include "base/json_reader.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DRAIN_AT ((size_t)1 << 20)
#define RAW_DEPTH_MAX 512

struct json_member {
    size_t key, key_size; /* in the level's keys */
    size_t begin, end;    /* in the output; `begin` is behind the comma */
};

struct json_level {
    bool array;
    size_t count;
    size_t begin;                /* output offset behind the opening bracket */
    struct json_member *members; /* with sorted keys */
    size_t member_capacity;
    struct buf keys;
};

/* 0: printed as it is; 1: needs an escape or a look; 2: HTML character */
static const uint8_t byte_class[256] =
    {
        1, 1, 1,         1,          1,         1,         1,         1,         1, 1, 1, 1, 1, 1, 1,
        1, 1, 1,         1,          1,         1,         1,         1,         1, 1, 1, 1, 1, 1, 1,
        1, 1, ['"'] = 1, ['\\'] = 1, ['<'] = 2, ['>'] = 2, ['&'] = 2, [128] = 1, 1, 1, 1, 1, 1, 1, 1,
        1, 1, 1,         1,          1,         1,         1,         1,         1, 1, 1, 1, 1, 1, 1,
        1, 1, 1,         1,          1,         1,         1,         1,         1, 1, 1, 1, 1, 1, 1,
        1, 1, 1,         1,          1,         1,         1,         1,         1, 1, 1, 1, 1, 1, 1,
        1, 1, 1,         1,          1,         1,         1,         1,         1, 1, 1, 1, 1, 1, 1,
        1, 1, 1,         1,          1,         1,         1,         1,         1, 1, 1, 1, 1, 1, 1,
        1, 1, 1,         1,          1,         1,         1,         1,         1, 1, 1, 1, 1, 1, 1,
        1, 1, 1,         1,          1,         1,         1,         1,         1, 1, 1, 1, 1, 1, 1,
        1, 1, 1,         1,          1,         1,         1,         1,         1, 1, 1, 1, 1, 1, 1,
};

void json_begin(struct json_writer *w, struct buf *out, unsigned flags) {
    memset(w, 0, sizeof *w);
    w->out = out;
    w->flags = flags;
}

void json_end(struct json_writer *w) {
    for (size_t i = 0; i < w->level_capacity; i++) {
        free(w->levels[i].members);
        buf_release(&w->levels[i].keys);
    }
    free(w->levels);
    w->levels = NULL;
    w->level_capacity = 0;
    w->depth = 0;
}

static void new_line(struct json_writer *w, size_t depth) {
    if (w->flags & JSON_COMPACT)
        return;
    buf_reserve(w->out, 2 * depth + 1);
    w->out->data[w->out->size] = '\n';
    memset(w->out->data + w->out->size + 1, ' ', 2 * depth);
    w->out->size += 2 * depth + 1;
    w->out->data[w->out->size] = 0;
}

static struct json_level *top(struct json_writer *w) {
    return w->depth ? &w->levels[w->depth - 1] : NULL;
}

/* Puts what separates a value from what stands before it. */
static void before_value(struct json_writer *w) {
    if (w->after_key) {
        w->after_key = false;
        return;
    }
    struct json_level *l = top(w);
    if (!l)
        return;
    if (l->count++)
        buf_add_char(w->out, ',');
    new_line(w, w->depth);
}

static void close_member(struct json_writer *w) {
    struct json_level *l = top(w);
    if (l && !l->array && (w->flags & JSON_SORT_KEYS) && l->count)
        l->members[l->count - 1].end = w->out->size;
}

static void after_value(struct json_writer *w) {
    close_member(w);
    if (w->drain && w->depth == 1 && w->out->size >= DRAIN_AT && !(w->flags & JSON_SORT_KEYS) &&
        w->levels[0].array)
        w->drain(w->drain_ctx, w->out);
}

static void open_level(struct json_writer *w, bool array) {
    before_value(w);
    if (w->depth == w->level_capacity) {
        size_t old = w->level_capacity;
        MEM_GROW(w->levels, w->level_capacity, w->depth + 1);
        memset(w->levels + old, 0, (w->level_capacity - old) * sizeof *w->levels);
    }
    buf_add_char(w->out, array ? '[' : '{');
    struct json_level *l = &w->levels[w->depth++];
    l->array = array;
    l->count = 0;
    l->begin = w->out->size;
    buf_clear(&l->keys);
}

static int compare_members(const struct json_level *l, const struct json_member *a,
                           const struct json_member *b) {
    size_t n = a->key_size < b->key_size ? a->key_size : b->key_size;
    int c = n ? memcmp(l->keys.data + a->key, l->keys.data + b->key, n) : 0;
    return c ? c : (a->key_size > b->key_size) - (a->key_size < b->key_size);
}

/* Insertion by halves of a merge: stable, so that of equal keys the last one can be told. */
static void sort_members(const struct json_level *l, struct json_member *m, struct json_member *tmp,
                         size_t n) {
    if (n < 8) {
        for (size_t i = 1; i < n; i++) {
            struct json_member x = m[i];
            size_t j = i;
            for (; j && compare_members(l, &m[j - 1], &x) > 0; j--)
                m[j] = m[j - 1];
            m[j] = x;
        }
        return;
    }
    size_t half = n / 2;
    sort_members(l, m, tmp, half);
    sort_members(l, m + half, tmp, n - half);
    memcpy(tmp, m, half * sizeof *m);
    for (size_t i = 0, j = half, k = 0; i < half; k++)
        m[k] = j < n && compare_members(l, &tmp[i], &m[j]) > 0 ? m[j++] : tmp[i++];
}

static void order_members(struct json_writer *w, struct json_level *l) {
    size_t n = l->count, i = 1;
    while (i < n && compare_members(l, &l->members[i - 1], &l->members[i]) < 0)
        i++;
    if (i >= n)
        return;
    struct json_member *tmp = mem_alloc(n * sizeof *tmp);
    sort_members(l, l->members, tmp, n);
    free(tmp);
    size_t size = w->out->size - l->begin;
    char *old = mem_dup(w->out->data + l->begin, size);
    w->out->size = l->begin;
    for (i = 0; i < n; i++) {
        const struct json_member *m = &l->members[i];
        if (i + 1 < n && compare_members(l, m, m + 1) == 0)
            continue;
        if (w->out->size > l->begin)
            buf_add_char(w->out, ',');
        buf_add(w->out, old + (m->begin - l->begin), m->end - m->begin);
    }
    free(old);
}

static void close_level(struct json_writer *w, bool array) {
    struct json_level *l = top(w);
    if (!l || l->array != array)
        return;
    if (!array && w->depth == 1 && (w->flags & JSON_VERSIONED)) {
        json_member_int(w, "schema_version", 1);
        l = top(w);
    }
    if (!array && (w->flags & JSON_SORT_KEYS))
        order_members(w, l);
    w->depth--;
    if (l->count)
        new_line(w, w->depth);
    buf_add_char(w->out, array ? ']' : '}');
    after_value(w);
}

void json_object(struct json_writer *w) { open_level(w, false); }
void json_object_end(struct json_writer *w) { close_level(w, false); }
void json_array(struct json_writer *w) { open_level(w, true); }
void json_array_end(struct json_writer *w) { close_level(w, true); }

/* Size of the well-formed UTF-8 sequence at s, 0 when there is none. */
static size_t utf8_size(const uint8_t *s, size_t left) {
    if (s[0] < 0x80)
        return 1;
    if (s[0] < 0xC2 || s[0] > 0xF4)
        return 0;
    size_t n = s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
    if (left < n)
        return 0;
    uint8_t low = 0x80, high = 0xBF;
    if (s[0] == 0xE0)
        low = 0xA0;
    else if (s[0] == 0xED)
        high = 0x9F;
    else if (s[0] == 0xF0)
        low = 0x90;
    else if (s[0] == 0xF4)
        high = 0x8F;
    if (s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    return n;
}

static void put_escape(struct buf *out, unsigned code) {
    static const char hex[] = "0123456789abcdef";
    char t[6] = {'\\',          'u', hex[code >> 12 & 15], hex[code >> 8 & 15], hex[code >> 4 & 15],
                 hex[code & 15]};
    buf_add(out, t, sizeof t);
}

/* Bytes at the beginning of s that are printed as they are. */
static size_t plain_prefix(const uint8_t *s, size_t size, bool html) {
    const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
    size_t i = 0;
    for (; size - i >= 8; i += 8) {
        uint64_t v, quote, slash, less, more, amp;
        memcpy(&v, s + i, 8);
        quote = v ^ ones * '"';
        slash = v ^ ones * '\\';
        less = v ^ ones * '<';
        more = v ^ ones * '>';
        amp = v ^ ones * '&';
        /* a byte below 0x20, above 0x7F, or zero in one of the differences sets its high bit */
        uint64_t hit = (v - ones * 0x20) | v | (quote - ones) | (slash - ones);
        if (html)
            hit |= (less - ones) | (more - ones) | (amp - ones);
        if (hit & high)
            break;
    }
    while (i < size && (byte_class[s[i]] == 0 || (byte_class[s[i]] == 2 && !html)))
        i++;
    return i;
}

/* The rest of a string from its first special byte on, with the closing quote. */
static void put_escapes(struct json_writer *w, const char *text, size_t size) {
    struct buf *out = w->out;
    const uint8_t *s = (const uint8_t *)text;
    bool html = !(w->flags & JSON_NO_HTML);
    size_t done = 0, i = 0;
    while (i < size) {
        size_t n = 1;
        if (s[i] >= 0x80) {
            n = utf8_size(s + i, size - i);
            bool separator = n == 3 && s[i] == 0xE2 && s[i + 1] == 0x80 && (s[i + 2] | 1) == 0xA9;
            if (!n || separator) {
                buf_add(out, text + done, i - done);
                if (!n && (w->flags & JSON_SORT_KEYS))
                    buf_add(out, "\xEF\xBF\xBD",
                            3); /* upstream reads such an answer back before it prints it */
                else
                    put_escape(out, n ? 0x2000u | (s[i + 2] & 0x3Fu) : 0xFFFD);
                n = n ? n : 1;
                done = i + n;
            }
        } else {
            buf_add(out, text + done, i - done);
            switch (s[i]) {
            case '"': buf_add(out, "\\\"", 2); break;
            case '\\': buf_add(out, "\\\\", 2); break;
            case '\n': buf_add(out, "\\n", 2); break;
            case '\r': buf_add(out, "\\r", 2); break;
            case '\t': buf_add(out, "\\t", 2); break;
            case '\b': buf_add(out, "\\b", 2); break;
            case '\f': buf_add(out, "\\f", 2); break;
            default: put_escape(out, s[i]);
            }
            done = i + 1;
        }
        i += n;
        i += plain_prefix(s + i, size - i, html);
    }
    buf_add(out, text + done, size - done);
    buf_add_char(out, '"');
}

static void put_string(struct json_writer *w, const char *text, size_t size) {
    size_t plain = plain_prefix((const uint8_t *)text, size, !(w->flags & JSON_NO_HTML));
    buf_reserve(w->out, size + 2);
    char *p = w->out->data + w->out->size;
    *p++ = '"';
    memcpy(p, text, plain);
    w->out->size += plain + 1;
    if (plain < size) {
        put_escapes(w, text + plain, size - plain);
        return;
    }
    p[plain] = '"';
    p[plain + 1] = 0;
    w->out->size++;
}

/* What stands before a member's key. False outside an object. */
static bool begin_key(struct json_writer *w, const char *key, size_t size) {
    struct json_level *l = top(w);
    if (!l || l->array)
        return false;
    size_t indent = w->flags & JSON_COMPACT ? 0 : 2 * (size_t)w->depth;
    buf_reserve(w->out, indent + 2);
    char *p = w->out->data + w->out->size;
    if (l->count++)
        *p++ = ',';
    if (w->flags & JSON_SORT_KEYS) {
        size_t begin = (size_t)(p - w->out->data);
        MEM_GROW(l->members, l->member_capacity, l->count);
        l->members[l->count - 1] = (struct json_member){l->keys.size, size, begin, begin};
        buf_add(&l->keys, key, size);
    }
    if (indent) {
        *p++ = '\n';
        memset(p, ' ', indent);
        p += indent;
    }
    w->out->size = (size_t)(p - w->out->data);
    return true;
}

static void end_key(struct json_writer *w) {
    if (w->flags & JSON_COMPACT)
        buf_add_char(w->out, ':');
    else
        buf_add(w->out, ": ", 2);
    w->after_key = true;
}

static void put_key(struct json_writer *w, const char *key, size_t size) {
    if (!begin_key(w, key, size))
        return;
    put_string(w, key, size);
    end_key(w);
}

void json_key(struct json_writer *w, const char *key) { put_key(w, key, strlen(key)); }

static void put_token(struct json_writer *w, const char *text, size_t size) {
    before_value(w);
    buf_add(w->out, text, size);
    after_value(w);
}

void json_str_n(struct json_writer *w, const char *s, size_t size) {
    before_value(w);
    put_string(w, s, size);
    after_value(w);
}

void json_str(struct json_writer *w, const char *s) {
    if (s)
        json_str_n(w, s, strlen(s));
    else
        json_null(w);
}

void json_int(struct json_writer *w, int64_t v) {
    char t[24], *end = t + sizeof t, *p = end;
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    do
        *--p = (char)('0' + u % 10);
    while (u /= 10);
    if (v < 0)
        *--p = '-';
    put_token(w, p, (size_t)(end - p));
}

/* Go: the shortest digits that read back equal; exponent form below 1e-6 and from 1e21 on. */
static size_t format_float(double v, char out[64]) {
    char t[40];
    int precision = 0;
    for (; precision < 17; precision++) {
        snprintf(t, sizeof t, "%.*e", precision, v);
        if (strtod(t, NULL) == v)
            break;
    }
    char *e = strchr(t, 'e');
    int exponent = atoi(e + 1);
    if (v == 0)
        return (size_t)snprintf(out, 64, signbit(v) ? "-0" : "0");
    if (exponent >= -6 && exponent < 21) {
        int decimals = precision - exponent;
        if (decimals >= 0)
            return (size_t)snprintf(out, 64, "%.*f", decimals, v);
        /* digits, then zeros: %f would print what the double really is */
        char digits[40];
        size_t n = 0;
        for (const char *p = t; p < e; p++)
            if (*p >= '0' && *p <= '9')
                digits[n++] = *p;
        size_t k = 0;
        if (v < 0)
            out[k++] = '-';
        memcpy(out + k, digits, n);
        k += n;
        for (int i = 0; i < exponent - precision; i++)
            out[k++] = '0';
        out[k] = 0;
        return k;
    }
    *e = 0;
    return (size_t)snprintf(out, 64, "%se%+d", t, exponent);
}

void json_float(struct json_writer *w, double v) {
    if (!isfinite(v)) {
        json_null(w);
        return;
    }
    char t[64];
    put_token(w, t, format_float(v, t));
}

void json_bool(struct json_writer *w, bool v) {
    v ? put_token(w, "true", 4) : put_token(w, "false", 5);
}
void json_null(struct json_writer *w) { put_token(w, "null", 4); }

/* ---- raw JSON text ---- */

struct raw {
    const char *p, *end;
};

static void raw_space(struct raw *r) {
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r'))
        r->p++;
}

static int hex_digit(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static bool raw_hex4(const char *p, const char *end, unsigned *code) {
    *code = 0;
    for (int i = 0; i < 4; i++) {
        int d = p + i < end ? hex_digit(p[i]) : -1;
        if (d < 0)
            return false;
        *code = *code << 4 | (unsigned)d;
    }
    return true;
}

/* Stands on the opening quote; leaves the string's text between quotes in *from, *to. */
static bool raw_string(struct raw *r, const char **from, const char **to) {
    *from = ++r->p;
    for (; r->p < r->end; r->p++) {
        unsigned code;
        if (*r->p == '"') {
            *to = r->p++;
            return true;
        }
        if ((unsigned char)*r->p < 0x20)
            return false;
        if (*r->p == '\\') {
            if (++r->p == r->end)
                return false;
            if (*r->p == 'u') {
                if (!raw_hex4(r->p + 1, r->end, &code))
                    return false;
                r->p += 4;
            } else if (!memchr("\"\\/bfnrt", *r->p, 8)) {
                return false;
            }
        }
    }
    return false;
}

static void put_utf8(struct buf *b, unsigned c) {
    char t[4];
    size_t n = 0;
    if (c < 0x80) {
        t[n++] = (char)c;
    } else if (c < 0x800) {
        t[n++] = (char)(0xC0 | c >> 6);
        t[n++] = (char)(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        t[n++] = (char)(0xE0 | c >> 12);
        t[n++] = (char)(0x80 | (c >> 6 & 0x3F));
        t[n++] = (char)(0x80 | (c & 0x3F));
    } else {
        t[n++] = (char)(0xF0 | c >> 18);
        t[n++] = (char)(0x80 | (c >> 12 & 0x3F));
        t[n++] = (char)(0x80 | (c >> 6 & 0x3F));
        t[n++] = (char)(0x80 | (c & 0x3F));
    }
    buf_add(b, t, n);
}

static void add_utf8(struct buf *out, const char *s, size_t size) {
    size_t done = 0;
    for (size_t i = 0; i < size;) {
        size_t n = utf8_size((const uint8_t *)s + i, size - i);
        if (!n) {
            buf_add(out, s + done, i - done);
            put_utf8(out, 0xFFFD);
            done = i + 1;
        }
        i += n ? n : 1;
    }
    buf_add(out, s + done, size - done);
}

static void raw_decode(const char *p, const char *to, struct buf *out) {
    while (p < to) {
        if (*p != '\\') {
            const char *q = memchr(p, '\\', (size_t)(to - p));
            q = q ? q : to;
            add_utf8(out, p, (size_t)(q - p));
            p = q;
            continue;
        }
        char c = p[1];
        p += 2;
        unsigned code, low;
        switch (c) {
        case 'b': buf_add_char(out, '\b'); break;
        case 'f': buf_add_char(out, '\f'); break;
        case 'n': buf_add_char(out, '\n'); break;
        case 'r': buf_add_char(out, '\r'); break;
        case 't': buf_add_char(out, '\t'); break;
        case 'u':
            if (!raw_hex4(p, to, &code))
                return;
            p += 4;
            if (code >= 0xD800 && code < 0xDC00 && to - p >= 6 && p[0] == '\\' && p[1] == 'u' &&
                raw_hex4(p + 2, to, &low) && low >= 0xDC00 && low < 0xE000) {
                code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
                p += 6;
            } else if (code >= 0xD800 && code < 0xE000) {
                code = 0xFFFD;
            }
            put_utf8(out, code);
            break;
        default: buf_add_char(out, c);
        }
    }
}

/* Copies a string's escaped text, escaping what the writer would escape itself. */
static void put_escaped(struct json_writer *w, const char *p, const char *to) {
    buf_add_char(w->out, '"');
    for (const char *done = p;; p++) {
        const uint8_t *s = (const uint8_t *)p;
        bool html = p < to && byte_class[*s] == 2 && !(w->flags & JSON_NO_HTML);
        bool separator = to - p >= 3 && s[0] == 0xE2 && s[1] == 0x80 && (s[2] | 1) == 0xA9;
        if (p < to && !html && !separator)
            continue;
        buf_add(w->out, done, (size_t)(p - done));
        if (p == to)
            break;
        put_escape(w->out, html ? *s : 0x2000u | (s[2] & 0x3Fu));
        if (separator)
            p += 2;
        done = p + 1;
    }
    buf_add_char(w->out, '"');
}

static bool raw_word(struct raw *r, const char *word) {
    size_t n = strlen(word);
    if ((size_t)(r->end - r->p) < n || memcmp(r->p, word, n) != 0)
        return false;
    r->p += n;
    return true;
}

/* Reads one value; prints it through w when w is not NULL, else only checks it. */
static bool raw_value(struct raw *r, struct json_writer *w, struct buf *tmp, unsigned depth) {
    bool again = w && (w->flags & JSON_SORT_KEYS);
    const char *from, *to;
    raw_space(r);
    if (r->p == r->end || depth > RAW_DEPTH_MAX)
        return false;
    bool array = *r->p == '[';
    if (array || *r->p == '{') {
        char closing = array ? ']' : '}';
        r->p++;
        if (w)
            open_level(w, array);
        raw_space(r);
        bool empty = r->p < r->end && *r->p == closing;
        while (!empty) {
            raw_space(r);
            if (!array) {
                if (r->p == r->end || *r->p != '"' || !raw_string(r, &from, &to))
                    return false;
                if (w && again) {
                    buf_clear(tmp);
                    raw_decode(from, to, tmp);
                    put_key(w, buf_str(tmp), tmp->size);
                } else if (w && begin_key(w, from, (size_t)(to - from))) {
                    put_escaped(w, from, to);
                    end_key(w);
                }
                raw_space(r);
                if (r->p == r->end || *r->p++ != ':')
                    return false;
            }
            if (!raw_value(r, w, tmp, depth + 1))
                return false;
            raw_space(r);
            if (r->p == r->end || (*r->p != ',' && *r->p != closing))
                return false;
            if (*r->p == closing)
                break;
            r->p++;
        }
        r->p++;
        if (w)
            close_level(w, array);
        return true;
    }
    if (*r->p == '"') {
        if (!raw_string(r, &from, &to))
            return false;
        if (w && again) {
            buf_clear(tmp);
            raw_decode(from, to, tmp);
            json_str_n(w, buf_str(tmp), tmp->size);
        } else if (w) {
            before_value(w);
            put_escaped(w, from, to);
            after_value(w);
        }
        return true;
    }
    const char *word = *r->p == 't' ? "true" : *r->p == 'f' ? "false" : *r->p == 'n' ? "null" : NULL;
    if (word) {
        if (!raw_word(r, word))
            return false;
        if (w)
            put_token(w, word, strlen(word));
        return true;
    }
    bool integer;
    from = r->p;
    if (!json_scan_number(&r->p, r->end, &integer))
        return false;
    if (w && again && !(integer && r->p - from <= 15)) {
        buf_clear(tmp);
        buf_add(tmp, from, (size_t)(r->p - from));
        json_float(w, strtod(tmp->data, NULL));
    } else if (w) {
        put_token(w, from, (size_t)(r->p - from));
    }
    return true;
}

bool json_is_valid(const char *text, size_t size) {
    struct raw r = {text, text + size};
    if (!raw_value(&r, NULL, NULL, 0))
        return false;
    raw_space(&r);
    return r.p == r.end;
}

void json_raw(struct json_writer *w, const char *text, size_t size) {
    if (!json_is_valid(text, size)) {
        json_str_n(w, text, size);
        return;
    }
    struct raw r = {text, text + size};
    struct buf tmp = BUF_INIT;
    raw_value(&r, w, &tmp, 0);
    buf_release(&tmp);
}

/* ---- members ---- */

void json_member_str(struct json_writer *w, const char *key, const char *s) {
    json_key(w, key);
    json_str(w, s);
}

void json_member_str_opt(struct json_writer *w, const char *key, const char *s) {
    if (s && *s)
        json_member_str(w, key, s);
}

void json_member_int(struct json_writer *w, const char *key, int64_t v) {
    json_key(w, key);
    json_int(w, v);
}

void json_member_int_opt(struct json_writer *w, const char *key, int64_t v) {
    if (v)
        json_member_int(w, key, v);
}

void json_member_bool(struct json_writer *w, const char *key, bool v) {
    json_key(w, key);
    json_bool(w, v);
}

void json_member_bool_opt(struct json_writer *w, const char *key, bool v) {
    if (v)
        json_member_bool(w, key, v);
}

void json_member_time(struct json_writer *w, const char *key, int64_t micros) {
    char t[40];
    datetime_format_rfc3339(micros, t, sizeof t);
    json_member_str(w, key, t);
}
