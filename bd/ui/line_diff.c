/*
 * Line differences: common head and tail are cut off, a longest common subsequence is computed for the
 * rest; when that would be too large the rest is shown as replaced as a whole.
 */
#include "bd/ui/line_diff.h"

#include "bd/ui/ink.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { TABLE_CELLS_MAX = 4000000 };

struct line {
    const char *text;
    size_t size;
};
struct lines {
    struct line *items;
    size_t count, capacity;
};
struct change {
    char sign; /* ' ', '-', '+' */
    const struct line *line;
};
struct changes {
    struct change *items;
    size_t count, capacity;
};

static void split(struct lines *l, const char *text) {
    for (const char *p = text ? text : ""; *p;) {
        size_t n = strcspn(p, "\n");
        MEM_GROW(l->items, l->capacity, l->count + 1);
        l->items[l->count++] = (struct line){p, n};
        p += n + (p[n] == '\n');
    }
}

static bool same(const struct line *a, const struct line *b) {
    return a->size == b->size && memcmp(a->text, b->text, a->size) == 0;
}

static void push(struct changes *c, char sign, const struct line *line) {
    MEM_GROW(c->items, c->capacity, c->count + 1);
    c->items[c->count++] = (struct change){sign, line};
}

/* length[i][j]: longest common subsequence of a[i…] and b[j…] */
static void middle(struct changes *out, const struct line *a, size_t n, const struct line *b,
                   size_t m) {
    size_t i = 0, j = 0;
    uint32_t *length = NULL;
    if (n && m && n < TABLE_CELLS_MAX / m) {
        length = mem_zalloc((n + 1) * (m + 1), sizeof *length);
        for (size_t x = n; x-- > 0;) {
            for (size_t y = m; y-- > 0;) {
                uint32_t down = length[(x + 1) * (m + 1) + y], right = length[x * (m + 1) + y + 1];
                length[x * (m + 1) + y] = same(&a[x], &b[y]) ? length[(x + 1) * (m + 1) + y + 1] + 1
                                          : down > right     ? down
                                                             : right;
            }
        }
        while (i < n && j < m) {
            if (same(&a[i], &b[j])) {
                push(out, ' ', &a[i]);
                i++, j++;
            } else if (length[(i + 1) * (m + 1) + j] >= length[i * (m + 1) + j + 1]) {
                push(out, '-', &a[i++]);
            } else {
                push(out, '+', &b[j++]);
            }
        }
        free(length);
    }
    while (i < n)
        push(out, '-', &a[i++]);
    while (j < m)
        push(out, '+', &b[j++]);
}

static bool near_change(const struct changes *c, size_t at, size_t context) {
    size_t from = at > context ? at - context : 0;
    for (size_t i = from; i < c->count && i <= at + context; i++)
        if (c->items[i].sign != ' ')
            return true;
    return false;
}

static void print(struct buf *out, const char *indent, bool color, const struct changes *c,
                  size_t context) {
    bool gap = false;
    for (size_t i = 0; i < c->count; i++) {
        const struct change *x = &c->items[i];
        struct buf line = BUF_INIT;
        if (!near_change(c, i, context)) {
            if (!gap)
                buf_addf(out, "%s  …\n", indent);
            gap = true;
            continue;
        }
        gap = false;
        buf_addf(&line, "%c %.*s", x->sign, (int)x->line->size, x->line->text);
        buf_add_str(out, indent);
        ink_add(out, color,
                x->sign == '-'   ? INK_FAIL
                : x->sign == '+' ? INK_PASS
                                 : INK_PLAIN,
                buf_str(&line));
        buf_add_char(out, '\n');
        buf_release(&line);
    }
}

void line_diff_add(struct buf *out, const char *indent, bool color, const char *from, const char *to,
                   size_t context) {
    struct lines a = {NULL, 0, 0}, b = {NULL, 0, 0};
    struct changes c = {NULL, 0, 0};
    size_t head = 0, tail = 0;
    split(&a, from);
    split(&b, to);
    while (head < a.count && head < b.count && same(&a.items[head], &b.items[head]))
        push(&c, ' ', &a.items[head++]);
    while (tail < a.count - head && tail < b.count - head &&
           same(&a.items[a.count - 1 - tail], &b.items[b.count - 1 - tail]))
        tail++;
    middle(&c, a.items ? a.items + head : NULL, a.count - head - tail, b.items ? b.items + head : NULL,
           b.count - head - tail);
    for (size_t i = a.count - tail; i < a.count; i++)
        push(&c, ' ', &a.items[i]);
    print(out, indent, color, &c, context);
    free(a.items);
    free(b.items);
    free(c.items);
}
