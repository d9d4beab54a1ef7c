/*
 * Plain text: UTF-8 decoding, widths and the small transformations that the printers share.
 */
#include "bd/ui/text.h"

#include <ctype.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

uint32_t text_decode(const char *s, size_t available, size_t *size) {
    const unsigned char *p = (const unsigned char *)s;
    *size = 1;
    if (p[0] < 0x80)
        return p[0];
    size_t need = p[0] >= 0xf0 && p[0] < 0xf5 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc2 ? 2 : 0;
    if (!need || p[0] >= 0xf5 || need > available)
        return 0xfffd;
    uint32_t c = p[0] & (0xffu >> (need + 1));
    for (size_t i = 1; i < need; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0xfffd;
        c = c << 6 | (p[i] & 0x3fu);
    }
    if ((need == 3 && (c < 0x800 || (c >= 0xd800 && c < 0xe000))) ||
        (need == 4 && (c < 0x10000 || c > 0x10ffff)))
        return 0xfffd;
    *size = need;
    return c;
}

struct range {
    uint32_t first, last;
};
/* Combining marks, joiners and variation selectors: no column of their own. */
static const struct range zero_width[] = {
    {0x300, 0x36f},   {0x483, 0x489},   {0x591, 0x5bd},   {0x610, 0x61a},   {0x64b, 0x65f},
    {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x200b, 0x200f}, {0x202a, 0x202e}, {0x2060, 0x2064},
    {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}, {0xe0100, 0xe01ef},
};
/* East Asian wide and emoji presentation. */
static const struct range double_width[] = {
    {0x1100, 0x115f},   {0x231a, 0x231b},   {0x23e9, 0x23ec},   {0x2614, 0x2615},   {0x2648, 0x2653},
    {0x26a1, 0x26a1},   {0x2705, 0x2705},   {0x2728, 0x2728},   {0x274c, 0x274c},   {0x2753, 0x2755},
    {0x2b1b, 0x2b1c},   {0x2b50, 0x2b50},   {0x2e80, 0x303e},   {0x3041, 0x33ff},   {0x3400, 0x4dbf},
    {0x4e00, 0x9fff},   {0xa000, 0xa4cf},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe4f},
    {0xff00, 0xff60},   {0xffe0, 0xffe6},   {0x1f004, 0x1f004}, {0x1f18e, 0x1f19a}, {0x1f200, 0x1f265},
    {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f7e0, 0x1f7eb}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
};

static bool in_ranges(const struct range *r, size_t n, uint32_t c) {
    for (size_t i = 0; i < n; i++)
        if (c >= r[i].first && c <= r[i].last)
            return true;
    return false;
}

static size_t char_width(uint32_t c) {
    if (c < 0x20 || c == 0x7f)
        return 0;
    if (c < 0x300)
        return 1;
    if (in_ranges(zero_width, sizeof zero_width / sizeof *zero_width, c))
        return 0;
    return in_ranges(double_width, sizeof double_width / sizeof *double_width, c) ? 2 : 1;
}

size_t text_length(const char *s) {
    size_t left = s ? strlen(s) : 0, n = 0;
    for (size_t size; left; s += size, left -= size, n++)
        (void)text_decode(s, left, &size);
    return n;
}

/* Bytes of an escape sequence at s (ESC already seen there), 0 when it is none. */
static size_t escape_size(const char *s, size_t left) {
    if (left < 2)
        return left;
    if (s[1] == '[') {
        size_t i = 2;
        while (i < left && s[i] >= 0x20 && s[i] <= 0x3f)
            i++;
        if (i < left && s[i] >= 0x40 && s[i] <= 0x7e)
            i++;
        return i;
    }
    if (s[1] == ']') {
        for (size_t i = 2; i < left; i++) {
            if (s[i] == '\a')
                return i + 1;
            if (s[i] == '\033' && i + 1 < left && s[i + 1] == '\\')
                return i + 2;
        }
        return left;
    }
    return 2;
}

size_t text_width(const char *s) {
    size_t left = s ? strlen(s) : 0, n = 0;
    for (size_t size; left; s += size, left -= size) {
        if (*s == '\033') {
            size = escape_size(s, left);
            continue;
        }
        n += char_width(text_decode(s, left, &size));
    }
    return n;
}

const char *text_truncate(struct arena *a, const char *s, size_t max) {
    if (!s)
        return "";
    if (strlen(s) <= max || text_length(s) <= max)
        return s;
    size_t left = strlen(s), kept = 0;
    for (size_t i = 1, size; i < max; i++, kept += size)
        (void)text_decode(s + kept, left - kept, &size);
    return arena_printf(a, "%.*s…", (int)kept, s);
}

const char *text_truncate_bytes(struct arena *a, const char *s, size_t max) {
    if (!s)
        return "";
    if (strlen(s) <= max)
        return s;
    return max <= 3 ? arena_strndup(a, s, max) : arena_printf(a, "%.*s...", (int)(max - 3), s);
}

const char *text_trim(struct arena *a, const char *s) {
    if (!s)
        return "";
    while (isspace((unsigned char)*s))
        s++;
    size_t n = strlen(s), end = n;
    while (end && isspace((unsigned char)s[end - 1]))
        end--;
    return end == n ? s : arena_strndup(a, s, end);
}

const char *text_upper(struct arena *a, const char *s) {
    char *out = arena_strdup(a, s ? s : "");
    for (char *p = out; *p; p++)
        *p = (char)(*p >= 'a' && *p <= 'z' ? *p - 32 : *p);
    return out;
}

const char *text_pad(struct arena *a, const char *s, size_t width) {
    size_t w = text_width(s);
    return w >= width ? s : arena_printf(a, "%s%*s", s, (int)(width - w), "");
}

void text_add_indented(struct buf *out, const char *indent, const char *s) {
    for (const char *p = s ? s : "";;) {
        size_t n = strcspn(p, "\n");
        buf_add_str(out, indent);
        buf_add(out, p, n);
        buf_add_char(out, '\n');
        if (!p[n])
            return;
        p += n + 1;
    }
}

void text_add_joined(struct buf *out, const char *const *items, size_t count, const char *separator) {
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_add_str(out, separator);
        buf_add_str(out, items[i]);
    }
}

void text_add_list(struct buf *out, const char *const *items, size_t count) {
    buf_add_char(out, '[');
    text_add_joined(out, items, count, " ");
    buf_add_char(out, ']');
}

void text_add_quoted(struct buf *out, const char *s) {
    static const char escapes[] = "\a\b\f\n\r\t\v", names[] = "abfnrtv";
    size_t left = s ? strlen(s) : 0;
    buf_add_char(out, '"');
    for (size_t size; left; s += size, left -= size) {
        uint32_t c = text_decode(s, left, &size);
        const char *escape = c < 0x20 && c ? strchr(escapes, (int)c) : NULL;
        if (c == '"' || c == '\\')
            buf_addf(out, "\\%c", (char)c);
        else if (escape)
            buf_addf(out, "\\%c", names[escape - escapes]);
        else if (c < 0x20 || c == 0x7f || (c == 0xfffd && size == 1))
            buf_addf(out, "\\x%02x", (unsigned)(unsigned char)*s);
        else if (c >= 0x80 && c < 0xa0)
            buf_addf(out, "\\u%04x", c);
        else
            buf_add(out, s, size);
    }
    buf_add_char(out, '"');
}

/* `value` units of 1/scale with the fraction's trailing zeros cut. */
static void add_fraction(struct buf *out, uint64_t value, uint64_t scale, const char *unit) {
    uint64_t rest = value % scale;
    buf_addf(out, "%llu", (unsigned long long)(value / scale));
    if (rest) {
        buf_add_char(out, '.');
        for (; rest; rest = rest * 10 % scale)
            buf_addf(out, "%llu", (unsigned long long)(rest * 10 / scale));
    }
    buf_add_str(out, unit);
}

void text_add_duration(struct buf *out, int64_t nanoseconds) {
    uint64_t n = nanoseconds < 0 ? 0 - (uint64_t)nanoseconds : (uint64_t)nanoseconds;
    if (nanoseconds < 0)
        buf_add_char(out, '-');
    if (n == 0) {
        buf_add_str(out, "0s");
    } else if (n < UINT64_C(1000)) {
        add_fraction(out, n, 1, "ns");
    } else if (n < UINT64_C(1000000)) {
        add_fraction(out, n, 1000, "µs");
    } else if (n < UINT64_C(1000000000)) {
        add_fraction(out, n, 1000000, "ms");
    } else {
        uint64_t seconds = n / UINT64_C(1000000000);
        if (seconds >= 3600)
            buf_addf(out, "%lluh", (unsigned long long)(seconds / 3600));
        if (seconds >= 60)
            buf_addf(out, "%llum", (unsigned long long)(seconds / 60 % 60));
        add_fraction(out, n % UINT64_C(60000000000), UINT64_C(1000000000), "s");
    }
}

bool text_terminal_size(int fd, size_t *columns, size_t *lines) {
    struct winsize size;
    if (!isatty(fd) || ioctl(fd, TIOCGWINSZ, &size) != 0 || !size.ws_col)
        return false;
    *columns = size.ws_col;
    *lines = size.ws_row;
    return true;
}

const char *text_bytes(struct arena *a, uint64_t bytes) {
    static const char units[] = "KMGTPE";
    double value = (double)bytes / 1024;
    size_t unit = 0;
    if (bytes < 1024)
        return arena_printf(a, "%u B", (unsigned)bytes);
    for (; value >= 1024 && unit + 2 < sizeof units; unit++)
        value /= 1024;
    return arena_printf(a, "%.1f %cB", value, units[unit]);
}
