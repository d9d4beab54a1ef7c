/*
 * Text and JSON questions of predicates: substring, folded substring, LIKE, the value at an object key.
 */
#include "store/db/scan_pred.h"

#include <string.h>

bool text_contains(const char *text, size_t size, const char *needle, size_t needle_size) {
    return needle_size == 0 || (size >= needle_size && memmem(text, size, needle, needle_size));
}

/* ---- folding ---- */

static uint32_t fold_code_point(uint32_t c) {
    if (c < 0x80)
        return c >= 'A' && c <= 'Z' ? c + 32 : c;
    if (c >= 0xC0 && c <= 0xDE && c != 0xD7)
        return c + 32;
    if ((c >= 0x100 && c <= 0x137) || (c >= 0x14A && c <= 0x177) || (c >= 0x1E00 && c <= 0x1EFF) ||
        (c >= 0x460 && c <= 0x481) || (c >= 0x48A && c <= 0x4BF) || (c >= 0x4D0 && c <= 0x52F))
        return c == 0x130 ? 'i' : c | 1;
    if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E) || (c >= 0x4C1 && c <= 0x4CE))
        return (c & 1) ? c + 1 : c;
    if (c == 0x178)
        return 0xFF;
    if (c >= 0x391 && c <= 0x3AB && c != 0x3A2)
        return c + 32;
    if (c == 0x386)
        return 0x3AC;
    if (c >= 0x388 && c <= 0x38A)
        return c + 37;
    if (c == 0x38C)
        return 0x3CC;
    if (c == 0x38E || c == 0x38F)
        return c + 63;
    if (c >= 0x400 && c <= 0x40F)
        return c + 80;
    if (c >= 0x410 && c <= 0x42F)
        return c + 32;
    if (c >= 0x531 && c <= 0x556)
        return c + 48;
    if (c >= 0xFF21 && c <= 0xFF3A)
        return c + 32;
    return c;
}

/* One code point; a byte that starts none stands for itself with *size 1. */
static uint32_t decode(const char *s, size_t left, size_t *size) {
    const unsigned char *p = (const unsigned char *)s;
    *size = 1;
    if (p[0] < 0xC2 || left < 2)
        return p[0];
    if (p[0] < 0xE0) {
        *size = 2;
        return (uint32_t)(p[0] & 0x1F) << 6 | (p[1] & 0x3F);
    }
    if (p[0] < 0xF0 && left >= 3) {
        *size = 3;
        return (uint32_t)(p[0] & 0x0F) << 12 | (uint32_t)(p[1] & 0x3F) << 6 | (p[2] & 0x3F);
    }
    if (p[0] < 0xF5 && left >= 4) {
        *size = 4;
        return (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3F) << 12 |
               (uint32_t)(p[2] & 0x3F) << 6 | (p[3] & 0x3F);
    }
    return p[0];
}

static size_t encode(uint32_t c, char *out) {
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    out[0] = (char)(0xE0 | c >> 12);
    out[1] = (char)(0x80 | (c >> 6 & 0x3F));
    out[2] = (char)(0x80 | (c & 0x3F));
    return 3;
}

static bool is_ascii(const char *s, size_t n) {
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)s[i] >= 0x80)
            return false;
    return true;
}

static char lower_ascii(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }

void text_fold(const char *text, size_t size, struct arena *a, const char **out, size_t *out_size) {
    char *copy = arena_alloc(a, size + size / 2 + 4);
    size_t n = 0;
    for (size_t i = 0; i < size;) {
        size_t used;
        uint32_t c = decode(text + i, size - i, &used);
        uint32_t f = used == 1 && c >= 0x80 ? c : fold_code_point(c);
        if (used == 1 && c >= 0x80)
            copy[n++] = text[i];
        else if (f == c || used == 4) {
            memcpy(copy + n, text + i, used);
            n += used;
        } else
            n += encode(f, copy + n);
        i += used;
    }
    copy[n] = 0;
    *out = copy;
    *out_size = n;
}

bool text_contains_folded(const char *text, size_t size, const char *folded, size_t folded_size,
                          struct arena *scratch) {
    if (folded_size == 0)
        return true;
    if (is_ascii(folded, folded_size)) {
        if (size < folded_size)
            return false;
        char first = folded[0];
        char upper = first >= 'a' && first <= 'z' ? (char)(first - 32) : first;
        const char *stop = text + (size - folded_size);
        for (const char *p = text; p <= stop; p++) {
            if (*p != first && *p != upper)
                continue;
            size_t i = 1;
            while (i < folded_size && lower_ascii(p[i]) == folded[i])
                i++;
            if (i == folded_size)
                return true;
        }
        return false;
    }
    const char *f;
    size_t n;
    text_fold(text, size, scratch, &f, &n);
    return text_contains(f, n, folded, folded_size);
}

/* ---- LIKE ---- */

static size_t char_size(const char *s, size_t left) {
    size_t n;
    decode(s, left, &n);
    return n;
}

bool text_like(const char *text, size_t size, const char *pattern, size_t pattern_size) {
    size_t t = 0, p = 0, star = SIZE_MAX, mark = 0;
    while (t < size) {
        if (p < pattern_size && pattern[p] == '%') {
            star = ++p;
            mark = t;
            continue;
        }
        if (p < pattern_size && pattern[p] == '_') {
            t += char_size(text + t, size - t);
            p++;
            continue;
        }
        size_t q = p < pattern_size && pattern[p] == '\\' && p + 1 < pattern_size ? p + 1 : p;
        if (q < pattern_size && pattern[q] == text[t]) {
            p = q + 1;
            t++;
            continue;
        }
        if (star == SIZE_MAX)
            return false;
        mark += char_size(text + mark, size - mark);
        t = mark;
        p = star;
    }
    while (p < pattern_size && pattern[p] == '%')
        p++;
    return p == pattern_size;
}

/* ---- JSON ---- */

struct json_scan {
    const char *p, *end;
};

static void skip_space(struct json_scan *s) {
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
        s->p++;
}

/* At a quote: moves behind the closing one; *from, *to enclose the raw content. */
static bool scan_string(struct json_scan *s, const char **from, const char **to) {
    *from = ++s->p;
    while (s->p < s->end && *s->p != '"')
        s->p += *s->p == '\\' ? 2 : 1;
    if (s->p >= s->end)
        return false;
    *to = s->p++;
    return true;
}

static bool scan_value(struct json_scan *s, const char **from, const char **to) {
    skip_space(s);
    *from = s->p;
    if (s->p >= s->end)
        return false;
    if (*s->p == '"') {
        const char *x, *y;
        if (!scan_string(s, &x, &y))
            return false;
    } else if (*s->p == '{' || *s->p == '[') {
        int depth = 0;
        while (s->p < s->end) {
            char c = *s->p;
            if (c == '"') {
                const char *x, *y;
                if (!scan_string(s, &x, &y))
                    return false;
                continue;
            }
            s->p++;
            if (c == '{' || c == '[')
                depth++;
            else if ((c == '}' || c == ']') && --depth == 0)
                break;
        }
        if (depth)
            return false;
    } else {
        while (s->p < s->end && !strchr(",}] \t\r\n", *s->p))
            s->p++;
    }
    *to = s->p;
    return true;
}

static int hex4(const char *p) {
    int v = 0;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        int d = c >= '0' && c <= '9'                 ? c - '0'
                : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                     : -1;
        if (d < 0)
            return -1;
        v = v * 16 + d;
    }
    return v;
}

static size_t unescape(const char *from, const char *to, char *out) {
    size_t n = 0;
    for (const char *p = from; p < to;) {
        if (*p != '\\' || p + 1 >= to) {
            out[n++] = *p++;
            continue;
        }
        char c = p[1];
        p += 2;
        switch (c) {
        case 'n': out[n++] = '\n'; break;
        case 't': out[n++] = '\t'; break;
        case 'r': out[n++] = '\r'; break;
        case 'b': out[n++] = '\b'; break;
        case 'f': out[n++] = '\f'; break;
        case 'u': {
            int v = to - p >= 4 ? hex4(p) : -1;
            if (v < 0) {
                out[n++] = 'u';
                break;
            }
            p += 4;
            int low = v >= 0xD800 && v < 0xDC00 && to - p >= 6 && p[0] == '\\' && p[1] == 'u'
                          ? hex4(p + 2)
                          : -1;
            if (low >= 0xDC00 && low < 0xE000) {
                p += 6;
                uint32_t full = 0x10000u + ((uint32_t)(v - 0xD800) << 10) + (uint32_t)(low - 0xDC00);
                out[n++] = (char)(0xF0 | full >> 18);
                out[n++] = (char)(0x80 | (full >> 12 & 0x3F));
                out[n++] = (char)(0x80 | (full >> 6 & 0x3F));
                out[n++] = (char)(0x80 | (full & 0x3F));
            } else {
                n += encode((uint32_t)v, out + n);
            }
            break;
        }
        default: out[n++] = c; break;
        }
    }
    return n;
}

bool json_object_value(const char *json, size_t size, const char *key, struct arena *a,
                       const char **out, size_t *out_size) {
    struct json_scan s = {json, json + size};
    size_t key_size = strlen(key);
    skip_space(&s);
    if (s.p >= s.end || *s.p++ != '{')
        return false;
    for (;;) {
        skip_space(&s);
        if (s.p >= s.end || *s.p != '"')
            return false;
        const char *k0, *k1, *v0, *v1;
        if (!scan_string(&s, &k0, &k1))
            return false;
        skip_space(&s);
        if (s.p >= s.end || *s.p++ != ':' || !scan_value(&s, &v0, &v1))
            return false;
        bool same;
        if (memchr(k0, '\\', (size_t)(k1 - k0))) {
            char *text = arena_alloc(a, (size_t)(k1 - k0) + 8);
            size_t n = unescape(k0, k1, text);
            same = n == key_size && !memcmp(text, key, n);
        } else {
            same = (size_t)(k1 - k0) == key_size && !memcmp(k0, key, key_size);
        }
        if (same) {
            if (*v0 == '"') {
                char *text = arena_alloc(a, (size_t)(v1 - v0) + 8);
                *out_size = unescape(v0 + 1, v1 - 1, text);
                *out = text;
            } else {
                *out = v0;
                *out_size = (size_t)(v1 - v0);
            }
            return true;
        }
        skip_space(&s);
        if (s.p >= s.end || *s.p++ != ',')
            return false;
    }
}
