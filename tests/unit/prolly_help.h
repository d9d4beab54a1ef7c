/*
 * What the tests of store/prolly share: hex, tuples of fixed-width integers, a small generator.
 */
#ifndef TESTS_UNIT_PROLLY_HELP_H
#define TESTS_UNIT_PROLLY_HELP_H

#include "store/prolly/blob.h"
#include "store/prolly/flatbuf.h"
#include "store/prolly/message.h"
#include "store/prolly/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CHECK(call)                                                                                    \
    do {                                                                                               \
        int check_rc_ = (call);                                                                        \
        if (check_rc_ != BD_OK)                                                                        \
            fail_msg("%s gave %s: %s", #call, err_name(check_rc_), help_err.msg);                      \
    } while (0)

static struct err help_err;

static inline void put_le(uint8_t *p, uint64_t v, unsigned n) {
    for (unsigned i = 0; i < n; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static inline size_t from_hex(const char *hex, uint8_t *out) {
    size_t n = strlen(hex) / 2;
    for (size_t i = 0; i < n; i++) {
        unsigned v = 0;
        sscanf(hex + 2 * i, "%2x", &v);
        out[i] = (uint8_t)v;
    }
    return n;
}

static inline void assert_hash_text(struct hash h, const char *text) {
    char got[HASH_TEXT_SIZE + 1];
    hash_format(&h, got);
    assert_string_equal(got, text);
}

static inline struct hash parse_hash(const char *text) {
    struct hash h = HASH_ZERO;
    assert_true(hash_parse(text, strlen(text), &h));
    return h;
}

/* Keys are one or two little-endian 32-bit fields. */
static inline int compare_ints(const void *ctx, struct bytes a, struct bytes b) {
    (void)ctx;
    for (size_t i = 0; i + 4 < a.size && i + 4 < b.size; i += 4) {
        uint32_t x, y;
        memcpy(&x, a.data + i, 4);
        memcpy(&y, b.data + i, 4);
        if (x != y)
            return (int32_t)x < (int32_t)y ? -1 : 1;
        if (a.size == 6)
            break;
    }
    return 0;
}

static const struct tree_type int_rows = {.kind = TREE_ROWS, .compare = compare_ints};
static const uint8_t empty_tuple[2] = {0, 0};

/* A tuple of one 32-bit field; 6 bytes. */
static inline struct bytes int_tuple(uint8_t out[6], uint32_t v) {
    put_le(out, v, 4);
    put_le(out + 4, 1, 2);
    return (struct bytes){out, 6};
}

static inline uint64_t splitmix(uint64_t *state) {
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

#endif
