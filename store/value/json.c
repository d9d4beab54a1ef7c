/*
 * Normalised JSON.
 *
 * One pass over the text writes the normalised form straight to the output. An object's members are
 * written in the order found; only if that is not the sorted order (or a key repeats) the object's
 * piece of the output is re-arranged when its brace closes. Keys and member positions of the objects
 * that are open live on two stacks, so memory is bounded by the text's size and depth by
 * JSON_DEPTH_MAX.
 */
#include "store/value/json.h"

#include "base/json_reader.h"
#include "base/utf8.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct member {
    size_t key, key_size; /* in parser.keys: decoded key */
    size_t start, end;    /* in the output: `"key":value` */
    size_t order;
};

struct parser {
    const char *p, *end;
    struct buf *out;
    struct buf keys;
    struct member *members;
    size_t member_count, member_capacity;
    unsigned depth;
    bool keep_numbers;
    const char *fault;
};

static bool fail(struct parser *j, const char *what) {
    if (!j->fault)
        j->fault = what;
    return false;
}

static void skip_space(struct parser *j) {
    while (j->p < j->end && (*j->p == ' ' || *j->p == '\n' || *j->p == '\t' || *j->p == '\r'))
        j->p++;
}

/* --- strings --- */

static int hex_value(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static bool read_hex4(const char *p, const char *end, uint32_t *out) {
    if (end - p < 4)
        return false;
    uint32_t v = 0;
    for (int i = 0; i < 4; i++) {
        int d = hex_value(p[i]);
        if (d < 0)
            return false;
        v = v << 4 | (uint32_t)d;
    }
    *out = v;
    return true;
}

static void add_rune(struct buf *out, uint32_t c) {
    char b[4];
    size_t n;
    if (c < 0x80) {
        b[0] = (char)c;
        n = 1;
    } else if (c < 0x800) {
        b[0] = (char)(0xC0 | c >> 6);
        b[1] = (char)(0x80 | (c & 0x3F));
        n = 2;
    } else if (c < 0x10000) {
        b[0] = (char)(0xE0 | c >> 12);
        b[1] = (char)(0x80 | (c >> 6 & 0x3F));
        b[2] = (char)(0x80 | (c & 0x3F));
        n = 3;
    } else {
        b[0] = (char)(0xF0 | c >> 18);
        b[1] = (char)(0x80 | (c >> 12 & 0x3F));
        b[2] = (char)(0x80 | (c >> 6 & 0x3F));
        b[3] = (char)(0x80 | (c & 0x3F));
        n = 4;
    }
    buf_add(out, b, n);
}

/*
 * Decodes the string whose opening quote is at *at: the text between the quotes, with escapes resolved
 * and whatever is no UTF-8 replaced by U+FFFD. Leaves *at behind the closing quote.
 */
static const char *decode_string(const char **at, const char *end, struct buf *out) {
    const char *p = *at + 1;
    for (;;) {
        const char *run = p;
        while (p < end && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80 && *p != '"' &&
               *p != '\\')
            p++;
        if (p > run)
            buf_add(out, run, (size_t)(p - run));
        if (p >= end)
            return "Missing a closing quotation mark in string.";
        unsigned char c = (unsigned char)*p;
        if (c == '"') {
            *at = p + 1;
            return NULL;
        }
        if (c < 0x20)
            return "Invalid encoding in string.";
        if (c >= 0x80) {
            size_t n = utf8_length(p, (size_t)(end - p));
            if (n)
                buf_add(out, p, n);
            else
                add_rune(out, 0xFFFD);
            p += n ? n : 1;
            continue;
        }
        if (++p >= end)
            return "Missing a closing quotation mark in string.";
        static const char plain[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
        const char *known = *p ? strchr(plain, *p) : NULL;
        if (known) {
            buf_add_char(out, means[known - plain]);
            p++;
            continue;
        }
        uint32_t unit, low;
        if (*p != 'u' || !read_hex4(p + 1, end, &unit))
            return "Invalid escape character in string.";
        p += 5;
        if (unit >= 0xD800 && unit < 0xDC00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u' &&
            read_hex4(p + 2, end, &low) && low >= 0xDC00 && low < 0xE000) {
            unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
            p += 6;
        } else if (unit >= 0xD800 && unit < 0xE000) {
            unit = 0xFFFD;
        }
        add_rune(out, unit);
    }
}

void json_add_string(struct buf *out, const char *text, size_t size) {
    const char *p = text, *end = text + size;
    buf_reserve(out, size + 2);
    buf_add_char(out, '"');
    while (p < end) {
        const char *run = p;
        while (p < end && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80 && *p != '"' &&
               *p != '\\')
            p++;
        if (p > run)
            buf_add(out, run, (size_t)(p - run));
        if (p >= end)
            break;
        unsigned char c = (unsigned char)*p;
        if (c >= 0x80) {
            size_t n = utf8_length(p, (size_t)(end - p));
            if (!n) {
                buf_add_str(out, "\\ufffd");
                p++;
                continue;
            }
            if (n == 3 && c == 0xE2 && (unsigned char)p[1] == 0x80 &&
                ((unsigned char)p[2] & 0xFE) == 0xA8)
                buf_add_str(out, (unsigned char)p[2] == 0xA8 ? "\\u2028" : "\\u2029");
            else
                buf_add(out, p, n);
            p += n;
            continue;
        }
        switch (c) {
        case '"': buf_add_str(out, "\\\""); break;
        case '\\': buf_add_str(out, "\\\\"); break;
        case '\b': buf_add_str(out, "\\b"); break;
        case '\f': buf_add_str(out, "\\f"); break;
        case '\n': buf_add_str(out, "\\n"); break;
        case '\r': buf_add_str(out, "\\r"); break;
        case '\t': buf_add_str(out, "\\t"); break;
        default: buf_addf(out, "\\u%04x", c);
        }
        p++;
    }
    buf_add_char(out, '"');
}

/* --- numbers --- */

/* Digits (no point) and decimal exponent of the shortest text that gives v back; v > 0 and finite. */
static size_t shortest_digits(double v, char digits[20], int *exponent) {
    char text[40];
    int first = v < 2.3e-308 ? 0 : 14; /* subnormal numbers may need fewer digits than 15 say */
    for (int precision = first;; precision++) {
        snprintf(text, sizeof text, "%.*e", precision, v);
        bool same = strtod(text, NULL) == v;
        if (!same && precision == 15) {
            /* below a power of two the interval is lopsided: the next candidate up may be inside */
            char *mark = strchr(text, 'e');
            for (char *d = mark - 1; d >= text; d--) {
                if (*d == '.')
                    continue;
                if (*d != '9') {
                    ++*d;
                    break;
                }
                *d = '0';
            }
            same = strtod(text, NULL) == v;
        }
        if (same || precision == 16)
            break;
    }
    char *mark = strchr(text, 'e');
    *exponent = atoi(mark + 1);
    size_t n = 0;
    for (char *d = text; d < mark; d++)
        if (*d != '.')
            digits[n++] = *d;
    while (n > 1 && digits[n - 1] == '0')
        n--;
    return n;
}

size_t json_format_number(double v, char out[JSON_NUMBER_SIZE]) {
    char *o = out;
    if (isnan(v) || isinf(v)) {
        strcpy(out, "0");
        return 1;
    }
    if (signbit(v))
        *o++ = '-';
    v = fabs(v);
    if (v == 0) {
        *o++ = '0';
        *o = '\0';
        return (size_t)(o - out);
    }
    char digits[20];
    int exponent;
    size_t n = shortest_digits(v, digits, &exponent);
    if (v < 1e-6 || v >= 1e21) {
        *o++ = digits[0];
        if (n > 1) {
            *o++ = '.';
            memcpy(o, digits + 1, n - 1);
            o += n - 1;
        }
        /* Go pads exponents to two digits and its JSON encoder takes one padding away again: e-09 → e-9
         */
        o += sprintf(o, exponent < 0 ? "e-%d" : "e+%02d", abs(exponent));
    } else if (exponent < 0) {
        *o++ = '0';
        *o++ = '.';
        for (int i = -1; i > exponent; i--)
            *o++ = '0';
        memcpy(o, digits, n);
        o += n;
    } else {
        for (size_t i = 0; i < n || i <= (size_t)exponent; i++) {
            if (i == (size_t)exponent + 1)
                *o++ = '.';
            *o++ = i < n ? digits[i] : '0';
        }
    }
    *o = '\0';
    return (size_t)(o - out);
}

static bool number(struct parser *j) {
    const char *start = j->p;
    bool integer;
    if (!json_scan_number(&j->p, j->end, &integer))
        return fail(j, "Invalid value.");
    size_t size = (size_t)(j->p - start);
    /* a short integer is exact in a double, and printed the same */
    if ((integer && size <= 15) || j->keep_numbers) {
        buf_add(j->out, start, size);
        return true;
    }
    char small[64], *copy = size < sizeof small ? small : mem_alloc(size + 1);
    memcpy(copy, start, size);
    copy[size] = '\0';
    double v = strtod(copy, NULL);
    if (copy != small)
        free(copy);
    if (isinf(v))
        return fail(j, "Number too big to be stored in double.");
    char text[JSON_NUMBER_SIZE];
    size_t n = json_format_number(v, text);
    buf_add(j->out, text, n);
    return true;
}

/* --- values --- */

static bool value(struct parser *j);

static bool literal(struct parser *j, const char *word, size_t size) {
    if ((size_t)(j->end - j->p) < size || memcmp(j->p, word, size) != 0)
        return fail(j, "Invalid value.");
    buf_add(j->out, word, size);
    j->p += size;
    return true;
}

static bool string(struct parser *j) {
    size_t mark = j->keys.size;
    const char *fault = decode_string(&j->p, j->end, &j->keys);
    if (fault)
        return fail(j, fault);
    json_add_string(j->out, j->keys.size > mark ? j->keys.data + mark : "", j->keys.size - mark);
    j->keys.size = mark;
    return true;
}

static bool array(struct parser *j) {
    j->p++;
    buf_add_char(j->out, '[');
    skip_space(j);
    if (j->p < j->end && *j->p == ']') {
        j->p++;
        buf_add_char(j->out, ']');
        return true;
    }
    for (;;) {
        if (!value(j))
            return false;
        skip_space(j);
        if (j->p < j->end && *j->p == ',') {
            j->p++;
            buf_add_char(j->out, ',');
        } else if (j->p < j->end && *j->p == ']') {
            j->p++;
            buf_add_char(j->out, ']');
            return true;
        } else {
            return fail(j, "Missing a comma or ']' after an array element.");
        }
    }
}

static int cmp_keys(const char *keys, const struct member *a, const struct member *b) {
    size_t n = a->key_size < b->key_size ? a->key_size : b->key_size;
    int c = n ? memcmp(keys + a->key, keys + b->key, n) : 0;
    if (c)
        return c;
    return a->key_size < b->key_size ? -1 : a->key_size > b->key_size;
}

static int cmp_members(const void *x, const void *y, void *keys) {
    const struct member *a = x, *b = y;
    int c = cmp_keys(keys, a, b);
    return c ? c : a->order < b->order ? -1 : 1;
}

/* Puts the members from `first` on into sorted order; of equal keys the last stays. */
static void arrange(struct parser *j, size_t first) {
    struct member *m = j->members + first;
    size_t count = j->member_count - first;
    bool sorted = true;
    for (size_t i = 1; i < count && sorted; i++)
        sorted = cmp_keys(j->keys.data, &m[i - 1], &m[i]) < 0;
    if (sorted)
        return;
    size_t start = m[0].start, size = m[count - 1].end - start;
    char *copy = mem_dup(j->out->data + start, size);
    qsort_r(m, count, sizeof *m, cmp_members, j->keys.data);
    j->out->size = start;
    for (size_t i = 0; i < count; i++) {
        if (i + 1 < count && cmp_keys(j->keys.data, &m[i], &m[i + 1]) == 0)
            continue;
        if (j->out->size > start)
            buf_add_char(j->out, ',');
        buf_add(j->out, copy + (m[i].start - start), m[i].end - m[i].start);
    }
    free(copy);
}

static bool object(struct parser *j) {
    size_t first = j->member_count, keys = j->keys.size;
    j->p++;
    buf_add_char(j->out, '{');
    skip_space(j);
    if (j->p < j->end && *j->p == '}') {
        j->p++;
        buf_add_char(j->out, '}');
        return true;
    }
    for (;;) {
        skip_space(j);
        if (j->p >= j->end || *j->p != '"')
            return fail(j, "Missing a name for object member.");
        size_t key = j->keys.size, start = j->out->size;
        const char *fault = decode_string(&j->p, j->end, &j->keys);
        if (fault)
            return fail(j, fault);
        size_t key_size = j->keys.size - key;
        json_add_string(j->out, key_size ? j->keys.data + key : "", key_size);
        skip_space(j);
        if (j->p >= j->end || *j->p != ':')
            return fail(j, "Missing a colon after a name of object member.");
        j->p++;
        buf_add_char(j->out, ':');
        MEM_GROW(j->members, j->member_capacity, j->member_count + 1);
        size_t mine = j->member_count++;
        j->members[mine] =
            (struct member){.key = key, .key_size = key_size, .start = start, .order = mine};
        if (!value(j))
            return false;
        j->members[mine].end = j->out->size;
        skip_space(j);
        if (j->p < j->end && *j->p == ',') {
            j->p++;
            buf_add_char(j->out, ',');
        } else if (j->p < j->end && *j->p == '}') {
            j->p++;
            break;
        } else {
            return fail(j, "Missing a comma or '}' after an object member.");
        }
    }
    arrange(j, first);
    buf_add_char(j->out, '}');
    j->member_count = first;
    j->keys.size = keys;
    return true;
}

static bool value(struct parser *j) {
    skip_space(j);
    if (j->p >= j->end)
        return fail(j, "The document is empty or ends too early.");
    if (*j->p == '{' || *j->p == '[') {
        if (j->depth >= JSON_DEPTH_MAX)
            return fail(j, "The document is nested too deeply.");
        j->depth++;
        bool ok = *j->p == '{' ? object(j) : array(j);
        j->depth--;
        return ok;
    }
    switch (*j->p) {
    case '"': return string(j);
    case 't': return literal(j, "true", 4);
    case 'f': return literal(j, "false", 5);
    case 'n': return literal(j, "null", 4);
    default: return number(j);
    }
}

static int normalize(const char *text, size_t size, bool keep_numbers, struct buf *out,
                     struct err *err) {
    struct parser j = {.p = text, .end = text + size, .out = out, .keep_numbers = keep_numbers};
    size_t mark = out->size;
    bool ok = value(&j);
    if (ok) {
        skip_space(&j);
        if (j.p < j.end)
            ok = fail(&j, "The document root must not be followed by other values.");
    }
    size_t at = (size_t)(j.p - text);
    buf_release(&j.keys);
    free(j.members);
    if (ok)
        return BD_OK;
    out->size = mark;
    if (out->data)
        out->data[mark] = '\0';
    return err_set(err, BD_INVALID, "Invalid JSON text: \"%s\" at position %zu in value.", j.fault, at);
}

int json_normalize(const char *text, size_t size, struct buf *out, struct err *err) {
    return normalize(text, size, false, out, err);
}

int json_renormalize(const char *text, size_t size, struct buf *out, struct err *err) {
    return normalize(text, size, true, out, err);
}

/* --- questions --- */

/* Leaves *at behind one value, without recursion; false when the text ends or is broken. */
static bool skip_value(const char **at, const char *end) {
    const char *p = *at;
    size_t depth = 0;
    do {
        while (p < end &&
               (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r' || *p == ',' || *p == ':'))
            p++;
        if (p >= end)
            return false;
        if (*p == '"') {
            for (p++; p < end && *p != '"'; p++)
                if (*p == '\\')
                    p++;
            if (p >= end)
                return false;
            p++;
        } else if (*p == '{' || *p == '[') {
            depth++;
            p++;
        } else if (*p == '}' || *p == ']') {
            if (depth == 0)
                return false;
            depth--;
            p++;
        } else {
            p++;
            while (p < end && *p && !strchr(" \n\t\r,:{}[]\"", *p))
                p++;
        }
    } while (depth > 0);
    *at = p;
    return true;
}

static void skip_blank(const char **p, const char *end) {
    while (*p < end && (**p == ' ' || **p == '\n' || **p == '\t' || **p == '\r'))
        ++*p;
}

struct json_slice json_member(const char *text, size_t size, const char *key, size_t key_size) {
    struct json_slice found = {NULL, 0};
    const char *p = text, *end = text + size;
    skip_blank(&p, end);
    if (p >= end || *p != '{')
        return found;
    p++;
    struct buf name = BUF_INIT;
    for (;;) {
        skip_blank(&p, end);
        if (p >= end || *p != '"')
            break;
        buf_clear(&name);
        if (decode_string(&p, end, &name))
            break;
        skip_blank(&p, end);
        if (p >= end || *p != ':')
            break;
        p++;
        skip_blank(&p, end);
        const char *start = p;
        if (!skip_value(&p, end))
            break;
        if (name.size == key_size && (key_size == 0 || memcmp(name.data, key, key_size) == 0))
            found = (struct json_slice){start, (size_t)(p - start)};
        skip_blank(&p, end);
        if (p >= end || *p != ',')
            break;
        p++;
    }
    buf_release(&name);
    return found;
}

struct json_slice json_element(const char *text, size_t size, size_t i) {
    const char *p = text, *end = text + size;
    skip_blank(&p, end);
    if (p >= end || *p != '[')
        return (struct json_slice){NULL, 0};
    p++;
    for (;; i--) {
        skip_blank(&p, end);
        const char *start = p;
        if (p >= end || *p == ']' || !skip_value(&p, end))
            return (struct json_slice){NULL, 0};
        if (i == 0)
            return (struct json_slice){start, (size_t)(p - start)};
        skip_blank(&p, end);
        if (p >= end || *p != ',')
            return (struct json_slice){NULL, 0};
        p++;
    }
}

void json_unquote(struct json_slice v, struct buf *out) {
    if (!v.data)
        return;
    if (v.size >= 2 && v.data[0] == '"') {
        const char *p = v.data;
        size_t mark = out->size;
        if (!decode_string(&p, v.data + v.size, out))
            return;
        out->size = mark;
    }
    buf_add(out, v.data, v.size);
}

size_t json_unescape_html(char *text, size_t size) {
    size_t w = 0;
    const char *first = memchr(text, '\\', size);
    if (!first)
        return size;
    for (size_t r = 0; r < size;) {
        if (text[r] != '\\') {
            text[w++] = text[r++];
            continue;
        }
        char plain = 0;
        if (size - r >= 6 && text[r + 1] == 'u' && text[r + 2] == '0' && text[r + 3] == '0') {
            if (text[r + 4] == '3' && text[r + 5] == 'c')
                plain = '<';
            else if (text[r + 4] == '3' && text[r + 5] == 'e')
                plain = '>';
            else if (text[r + 4] == '2' && text[r + 5] == '6')
                plain = '&';
        }
        if (plain) {
            text[w++] = plain;
            r += 6;
        } else {
            text[w++] = text[r++];
            if (r < size)
                text[w++] = text[r++];
        }
    }
    return w;
}
