/*
 * Sorting by the starts of keys: most orders are decided by a few bytes that need no look at the key.
 */
#include "store/db/bulk_sort.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/*
 * A key with the start of its fields as bytes that compare as the fields do. Most orders are decided
 * there. Where the starts hold all of both keys' leading fields and are equal, the keys stand in the
 * order they came in (`place`): they come in primary-key order, and the primary key is what is left to
 * compare.
 */
struct sort_item {
    uint64_t start[3];
    uint32_t place;
    bool whole; /* start says all of the leading fields */
};

#define START_BYTES 24

/* Room for one field more than is looked at, so that whole words can be stored. */
struct start {
    uint8_t bytes[START_BYTES + 16];
    size_t at;
    bool torn;
};

static void put_number(struct start *s, const uint8_t *bytes, size_t size, bool is_signed) {
    uint64_t v = 0;
    memcpy(&v, bytes, size);
    v <<= 8 * (8 - size); /* its highest byte is now the highest of the word */
    if (is_signed)
        v ^= UINT64_C(1) << 63;
    v = __builtin_bswap64(v);
    memcpy(s->bytes + s->at, &v, 8);
    s->at += size;
}

/* Appends a field; false when bytes cannot say its order. */
static bool put_field(struct start *s, const struct tuple_field *f, struct bytes v) {
    s->bytes[s->at++] = v.data != NULL;
    if (!v.data)
        return true;
    switch (f->encoding) {
    case ENC_INT8:
    case ENC_INT16:
    case ENC_INT32:
    case ENC_INT64:
    case ENC_DATETIME:
    case ENC_UINT8:
    case ENC_UINT16:
    case ENC_UINT32:
    case ENC_UINT64:
        if (v.size > 8)
            return false;
        put_number(s, v.data, v.size,
                   f->encoding == ENC_INT8 || f->encoding == ENC_INT16 || f->encoding == ENC_INT32 ||
                       f->encoding == ENC_INT64 || f->encoding == ENC_DATETIME);
        return true;
    case ENC_STRING: { /* its last byte is 0; one inside would end it too early */
        size_t room = START_BYTES + 1 - s->at, n = v.size < room ? v.size : room;
        s->torn = s->torn || (n && memchr(v.data, 0, n < v.size ? n : v.size - 1));
        memcpy(s->bytes + s->at, v.data, n);
        s->at += v.size; /* may lead beyond the end: then there is more than is looked at */
        return true;
    }
    default: return false;
    }
}

/* False for a text with a NUL inside: no start can say where it belongs. */
static bool make_start(const struct tuple_desc *desc, size_t leading, struct bytes key,
                       struct sort_item *out) {
    struct start s;
    size_t f = 0;
    bool bytewise = true;
    memset(&s, 0, sizeof s);
    for (; f < leading && bytewise && s.at < START_BYTES; f++)
        bytewise = (desc->fields[f].encoding != ENC_STRING || desc->bytewise > f) &&
                   put_field(&s, &desc->fields[f], tuple_field(key, f));
    out->whole = bytewise && f == leading && s.at <= START_BYTES;
    for (size_t i = 0; i < 3; i++) {
        uint64_t v;
        memcpy(&v, s.bytes + 8 * i, 8);
        out->start[i] = __builtin_bswap64(v);
    }
    return !s.torn;
}

struct sorter {
    const struct bytes *keys;
    const struct tree_type *type;
    bool stable; /* equal leading fields: the order of coming is right */
};

static bool goes_before(const struct sorter *s, const struct sort_item *a, const struct sort_item *b) {
    for (size_t i = 0; i < 3; i++)
        if (a->start[i] != b->start[i])
            return a->start[i] < b->start[i];
    if (s->stable && a->whole && b->whole)
        return a->place < b->place;
    return s->type->compare(s->type->compare_ctx, s->keys[a->place], s->keys[b->place]) < 0;
}

/* Merge sort over the runs that are there already; stable. Returns where the result is: `from` or `to`.
 */
static struct sort_item *merge_runs(const struct sorter *s, struct sort_item *from,
                                    struct sort_item *to, size_t n) {
    size_t *runs = NULL, count = 0, capacity = 0;
    for (size_t i = 0; i < n;) {
        MEM_GROW(runs, capacity, count + 2);
        runs[count++] = i++;
        while (i < n && !goes_before(s, &from[i], &from[i - 1]))
            i++;
    }
    while (count > 1) {
        size_t made = 0;
        runs[count] = n;
        for (size_t r = 0; r < count; r += 2) {
            size_t start = runs[r], mid = runs[r + 1], end = runs[r + 2 < count ? r + 2 : count];
            size_t i = start, j = mid, at = start;
            while (i < mid && j < end)
                to[at++] = goes_before(s, &from[j], &from[i]) ? from[j++] : from[i++];
            while (i < mid)
                to[at++] = from[i++];
            while (j < end)
                to[at++] = from[j++];
            runs[made++] = start;
        }
        count = made;
        struct sort_item *t = from;
        from = to;
        to = t;
    }
    free(runs);
    return from;
}

static unsigned start_byte(const struct sort_item *i, size_t at) {
    return (unsigned)(i->start[at / 8] >> (56 - 8 * (at % 8))) & 255;
}

/* Order by the starts alone, byte by byte from the last; stable. Bytes that are the same in all items
 * cost nothing. */
static void sort_starts(const struct sort_item *items, uint32_t *order, uint32_t *spare, size_t n) {
    uint32_t(*counts)[256] = mem_zalloc(START_BYTES, sizeof *counts);
    uint32_t *from = order, *to = spare;
    for (size_t i = 0; i < n; i++) {
        from[i] = (uint32_t)i;
        for (size_t at = 0; at < START_BYTES; at++)
            counts[at][start_byte(&items[i], at)]++;
    }
    for (size_t at = START_BYTES; at-- > 0;) {
        uint32_t *count = counts[at], sum = 0;
        if (count[start_byte(&items[0], at)] == n)
            continue;
        for (size_t v = 0; v < 256; v++) {
            uint32_t c = count[v];
            count[v] = sum;
            sum += c;
        }
        for (size_t i = 0; i < n; i++)
            to[count[start_byte(&items[from[i]], at)]++] = from[i];
        uint32_t *t = from;
        from = to;
        to = t;
    }
    if (from != order)
        memcpy(order, from, n * sizeof *order);
    free(counts);
}

/* Puts groups of equal starts, whose order the starts do not tell, into order. */
static void sort_ties(const struct sorter *s, const struct sort_item *items, uint32_t *order,
                      size_t n) {
    struct sort_item *space = NULL;
    size_t capacity = 0;
    for (size_t i = 0, end; i < n; i = end) {
        const struct sort_item *first = &items[order[i]];
        bool told = s->stable && first->whole;
        for (end = i + 1;
             end < n && !memcmp(first->start, items[order[end]].start, sizeof first->start); end++)
            told = told && items[order[end]].whole;
        if (told || end - i < 2)
            continue;
        MEM_GROW(space, capacity, 2 * (end - i));
        for (size_t k = i; k < end; k++)
            space[k - i] = items[order[k]];
        const struct sort_item *sorted = merge_runs(s, space, space + (end - i), end - i);
        for (size_t k = i; k < end; k++)
            order[k] = sorted[k - i].place;
    }
    free(space);
}

uint32_t *bulk_sort(const struct bytes *keys, size_t n, const struct tree_type *type,
                    const struct tuple_desc *desc, size_t leading, bool stable) {
    struct sorter s = {keys, type, stable};
    uint32_t *order = mem_alloc((n + 1) * sizeof *order);
    struct sort_item *items = mem_alloc((n + 1) * sizeof *items);
    uint32_t *spare = mem_alloc((n + 1) * sizeof *spare);
    bool safe = true;
    for (size_t i = 0; i < n; i++) {
        safe = make_start(desc, leading, keys[i], &items[i]) && safe;
        items[i].place = (uint32_t)i;
    }
    for (size_t i = 0; i < n && !safe; i++)
        items[i] = (struct sort_item){.place = (uint32_t)i};
    if (n)
        sort_starts(items, order, spare, n);
    free(spare);
    sort_ties(&s, items, order, n);
    free(items);
    return order;
}
