/*
 * One block: raw literals, then the sequences, whose codes are written backwards as the format wants it
 * (the decoder reads the bits from their end).
 */
#include "store/chunk/zstd_frame.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define CODES_MAX 53
#define TABLE_LOG_MAX 6

/* Probabilities that the format defines; -1 is "less than one". */
static const int8_t literal_norm[36] = {4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1,  1,  2,  2,
                                        2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1};
static const int8_t match_norm[53] = {1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1,  1,  1,  1,  1,  1,  1, 1,
                                      1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,  1,  1,  1,  1,  1,  1, 1,
                                      1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1};
static const int8_t offset_norm[29] = {1, 1, 1, 1, 1, 1, 2, 2, 2, 1,  1,  1,  1,  1, 1,
                                       1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1};

static const uint8_t literal_bits[36] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  0,  0,  0,  0,  1,  1,
                                         1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
static const uint8_t match_bits[53] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  0,  0,  0,  0,  0,  0, 0,
                                       0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  0,  0,  0,  1,  1,  1, 1,
                                       2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

/* --- finite state entropy, the encoding side --- */

struct fse_table {
    unsigned log;
    uint16_t states[1 << TABLE_LOG_MAX];
    struct {
        int32_t find;
        uint32_t bits;
    } symbols[CODES_MAX];
};

static unsigned high_bit(uint32_t v) { return 31u - (unsigned)__builtin_clz(v); }

static uint32_t states_of(int8_t norm) { return norm < 0 ? 1 : (uint32_t)norm; }

static void build_table(struct fse_table *t, const int8_t *norm, unsigned count, unsigned log) {
    const uint32_t size = 1u << log, mask = size - 1, step = (size >> 1) + (size >> 3) + 3;
    uint8_t spread[1 << TABLE_LOG_MAX];
    uint32_t start[CODES_MAX + 1] = {0}, high = size - 1, position = 0;
    for (unsigned s = 0; s < count; s++) {
        start[s + 1] = start[s] + states_of(norm[s]);
        if (norm[s] == -1)
            spread[high--] = (uint8_t)s;
    }
    for (unsigned s = 0; s < count; s++)
        for (int i = 0; i < norm[s]; i++) {
            spread[position] = (uint8_t)s;
            do
                position = (position + step) & mask;
            while (position > high);
        }
    uint32_t next[CODES_MAX];
    memcpy(next, start, sizeof next);
    for (uint32_t u = 0; u < size; u++)
        t->states[next[spread[u]]++] = (uint16_t)(size + u);
    t->log = log;
    for (unsigned s = 0; s < count; s++) {
        uint32_t n = (norm[s] == -1 ? 1 : (uint32_t)norm[s]);
        uint32_t bits = n == 1 ? log : log - high_bit(n - 1);
        t->symbols[s].bits = (bits << 16) - (n << bits);
        t->symbols[s].find = (int32_t)start[s] - (int32_t)n;
    }
}

static struct fse_table literal_table, match_table, offset_table;

static void build_tables(void) {
    build_table(&literal_table, literal_norm, 36, 6);
    build_table(&match_table, match_norm, 53, 6);
    build_table(&offset_table, offset_norm, 29, 5);
}

/* --- bits, lowest first --- */

struct bits {
    uint64_t held;
    unsigned count;
    struct buf *out;
};

static void bits_put(struct bits *b, uint32_t value, unsigned count) {
    b->held |= (uint64_t)(value & ((UINT64_C(1) << count) - 1)) << b->count;
    b->count += count;
    while (b->count >= 8) {
        b->out->data[b->out->size++] = (char)(b->held & 0xff);
        b->held >>= 8;
        b->count -= 8;
    }
}

static uint32_t fse_first(const struct fse_table *t, unsigned symbol) {
    uint32_t bits = (t->symbols[symbol].bits + (1u << 15)) >> 16;
    uint32_t value = (bits << 16) - t->symbols[symbol].bits;
    return t->states[(int32_t)(value >> bits) + t->symbols[symbol].find];
}

static uint32_t fse_next(const struct fse_table *t, unsigned symbol, uint32_t state, struct bits *b) {
    uint32_t bits = (state + t->symbols[symbol].bits) >> 16;
    bits_put(b, state, bits);
    return t->states[(int32_t)(state >> bits) + t->symbols[symbol].find];
}

/* --- codes of lengths and offsets --- */

struct coded {
    uint8_t literal_code, match_code, offset_code;
    uint32_t literals, match, offset; /* what the extra bits say, in the low bits */
};

static unsigned literal_code(uint32_t n) {
    static const uint8_t codes[64] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                      16, 16, 17, 17, 18, 18, 19, 19, 20, 20, 20, 20, 21, 21, 21, 21,
                                      22, 22, 22, 22, 22, 22, 22, 22, 23, 23, 23, 23, 23, 23, 23, 23,
                                      24, 24, 24, 24, 24, 24, 24, 24, 24, 24, 24, 24, 24, 24, 24, 24};
    return n < 64 ? codes[n] : high_bit(n) + 19;
}

static unsigned match_code(uint32_t n) { /* n: length less 3 */
    if (n < 32)
        return n;
    if (n < 40)
        return 32 + (n - 32) / 2;
    if (n < 48)
        return 36 + (n - 40) / 4;
    if (n < 64)
        return 38 + (n - 48) / 8;
    if (n < 96)
        return 40 + (n - 64) / 16;
    return n < 128 ? 42 : high_bit(n) + 36;
}

/* Offsets equal to one of the last three have the short values 1 to 3 (shifted without literals). */
static uint32_t offset_value(uint32_t last[3], const struct zstd_sequence *s) {
    unsigned shift = s->literals == 0;
    uint32_t known[4] = {last[0], last[1], last[2], last[0] - 1};
    for (unsigned i = shift; i < 3 + shift; i++) {
        if (known[i] != s->offset)
            continue;
        if (i > 0) {
            last[2] = i == 1 ? last[2] : last[1];
            last[1] = last[0];
            last[0] = s->offset;
        }
        return i - shift + 1;
    }
    last[2] = last[1];
    last[1] = last[0];
    last[0] = s->offset;
    return s->offset + 3;
}

static void put_extra(struct bits *b, const struct coded *c) {
    bits_put(b, c->literals, literal_bits[c->literal_code]);
    bits_put(b, c->match, match_bits[c->match_code]);
    bits_put(b, c->offset, c->offset_code);
}

static void append_le(struct buf *out, uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; i++)
        out->data[out->size++] = (char)(value >> (8 * i) & 0xff);
}

static void append_literals(struct buf *out, const uint8_t *literals, size_t size) {
    if (size < 32)
        append_le(out, size << 3, 1);
    else if (size < 4096)
        append_le(out, size << 4 | 1 << 2, 2);
    else
        append_le(out, size << 4 | 3 << 2, 3);
    buf_add(out, literals, size);
}

static void append_codes(struct buf *out, const struct coded *codes, size_t count, bool no_literals) {
    struct bits b = {0, 0, out};
    const struct coded *last = &codes[count - 1];
    uint32_t match = fse_first(&match_table, last->match_code);
    uint32_t offset = fse_first(&offset_table, last->offset_code);
    uint32_t literal = no_literals ? 0 : fse_first(&literal_table, last->literal_code);
    put_extra(&b, last);
    for (size_t i = count - 1; i-- > 0;) {
        const struct coded *c = &codes[i];
        offset = fse_next(&offset_table, c->offset_code, offset, &b);
        match = fse_next(&match_table, c->match_code, match, &b);
        if (!no_literals)
            literal = fse_next(&literal_table, c->literal_code, literal, &b);
        put_extra(&b, c);
    }
    bits_put(&b, match, match_table.log);
    bits_put(&b, offset, offset_table.log);
    if (!no_literals)
        bits_put(&b, literal, literal_table.log);
    bits_put(&b, 1, 1);
    if (b.count)
        bits_put(&b, 0, 8 - b.count);
}

bool zstd_frame_append(struct buf *out, const struct zstd_sequence *sequences, size_t count,
                       const uint8_t *literals, size_t literal_size, size_t content_size) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, build_tables);
    buf_reserve(out, 32 + literal_size + count * 13);

    size_t start = out->size;
    append_le(out, 0xfd2fb528, 4);
    /* Single segment, the content's size in one, two or four bytes; no checksum, no dictionary id. */
    if (content_size < 256) {
        append_le(out, 0x20, 1);
        append_le(out, content_size, 1);
    } else if (content_size < 65536 + 256) {
        append_le(out, 0x60, 1);
        append_le(out, content_size - 256, 2);
    } else {
        append_le(out, 0xa0, 1);
        append_le(out, content_size, 4);
    }
    size_t header = out->size;
    append_le(out, 0, 3);
    append_literals(out, literals, literal_size);
    buf_reserve(out, 16 + count * 13);

    if (count < 128) {
        append_le(out, count, 1);
    } else if (count < 0x7f00) {
        append_le(out, (count >> 8) + 128, 1);
        append_le(out, count & 0xff, 1);
    } else {
        append_le(out, 255, 1);
        append_le(out, count - 0x7f00, 2);
    }
    struct coded few[64], *codes = count <= 64 ? few : mem_zalloc(count, sizeof *codes);
    uint32_t last[3] = {1, 4, 8};
    bool no_literals = true;
    for (size_t i = 0; i < count; i++) {
        const struct zstd_sequence *s = &sequences[i];
        uint32_t value = offset_value(last, s), match = s->match - ZSTD_FRAME_MATCH_MIN;
        no_literals = no_literals && s->literals == 0;
        codes[i] = (struct coded){(uint8_t)literal_code(s->literals),
                                  (uint8_t)match_code(match),
                                  (uint8_t)high_bit(value),
                                  s->literals,
                                  match,
                                  value};
    }
    /* From four sequences on it pays to say once that none of them has literals. */
    no_literals = no_literals && count > 3;
    append_le(out, no_literals ? 1 << 6 : 0, 1);
    if (no_literals)
        append_le(out, 0, 1);
    append_codes(out, codes, count, no_literals);
    if (codes != few)
        free(codes);

    size_t block = out->size - header - 3, size = out->size;
    out->size = header;
    append_le(out, 1 | 2 << 1 | block << 3, 3);
    out->size = block > content_size ? start : size;
    return block <= content_size;
}
