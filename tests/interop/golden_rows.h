/*
 * The rows of the golden trees: everything follows from a seed, the number of a row and its version
 * (data/golden/index.md of the shared files, section 1). A program that includes this checks the
 * generator alone by the SHA-256 sums given there.
 */
#ifndef TESTS_INTEROP_GOLDEN_ROWS_H
#define TESTS_INTEROP_GOLDEN_ROWS_H

#include "base/datetime.h"
#include "base/mem.h"
#include "store/value/cell.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define GOLDEN_COLUMNS_MAX 16

struct golden {
    uint64_t seed;
    struct arena *a; /* texts of the cells */
};

static inline uint64_t golden_r(const struct golden *g, uint64_t i, uint64_t c, uint64_t v) {
    uint64_t z = g->seed + (i + 1) * UINT64_C(0x9E3779B97F4A7C15) +
                 (c + 1) * UINT64_C(0xD1B54A32D192ED03) + v * UINT64_C(0x8CB92BA72F3D8DD7);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

static inline char *golden_text(const struct golden *g, uint64_t i, uint64_t c, uint64_t v,
                                uint64_t n) {
    char *s = arena_alloc(g->a, n + 1);
    for (uint64_t j = 0; j < n; j++)
        s[j] = "abcdefghijklmnopqrstuvwxyz234567"[golden_r(g, i, c + 64 * (1 + j / 12), v) >>
                                                      5 * (j % 12) &
                                                  31];
    s[n] = '\0';
    return s;
}

static inline char *golden_upper(const struct golden *g, uint64_t i, uint64_t c, uint64_t v, char *s) {
    uint64_t r = golden_r(g, i, c, v);
    for (unsigned j = 0; s[j] && j < 64; j++) {
        if (r >> j & 1 && s[j] >= 'a' && s[j] <= 'z')
            s[j] = (char)(s[j] - 'a' + 'A');
    }
    return s;
}

static inline struct cell golden_bytes(const char *s) {
    struct cell c = {.kind = CELL_BYTES};
    c.s.data = s;
    c.s.size = strlen(s);
    return c;
}

static inline struct cell golden_of_kind(enum cell_kind kind, int64_t v) {
    return (struct cell){.kind = kind, .i = v};
}

#define R_(c) golden_r(g, i, (c), v)
#define T_(c, n) golden_text(g, i, (c), v, (n))

static inline size_t golden_beads(const struct golden *g, uint64_t i, uint64_t v, struct cell *row) {
    static const char *const status[] = {"open", "in_progress", "blocked", "closed", "deferred"};
    static const char *const type[] = {"task", "bug", "feature", "epic", "chore"};
    const int64_t second = 1000000, start = 1704067200;
    uint64_t length = R_(2) % 3 == 0 ? 0 : R_(4) % 500 == 0 ? 9000 + R_(3) % 8000 : R_(3) % 300;
    row[0] = cell_text(arena_printf(g->a, "bd-%s.%" PRIu64, golden_text(g, i, 0, 0, 5), i));
    row[1] = cell_text(T_(1, 5 + R_(1) % 60));
    row[2] = cell_text(T_(2, length));
    row[3] = cell_text(T_(5, R_(5) % 40));
    row[4] = R_(6) % 4 ? cell_null() : cell_text(T_(6, R_(7) % 100));
    row[5] = cell_text(status[R_(8) % 5]);
    row[6] = cell_int((int64_t)(R_(9) % 5));
    row[7] = cell_text(type[R_(10) % 5]);
    row[8] =
        R_(11) % 2 == 0 ? cell_null() : cell_text(arena_printf(g->a, "agent-%d", (int)(R_(12) % 20)));
    row[9] = cell_datetime((start + (int64_t)(R_(13) % 63072000)) * second);
    row[10] = R_(14) % 5 == 0 ? cell_null()
                              : cell_datetime((start + (int64_t)(R_(15) % 63072000)) * second +
                                              (int64_t)(R_(16) % 1000000));
    row[11] = R_(17) % 4 == 0 ? cell_null()
                              : cell_json(arena_printf(g->a, "{\"k\":%d,\"s\":\"%s\"}",
                                                       (int)(R_(18) % 1000), T_(18, R_(19) % 20)));
    row[12] = R_(20) % 6 ? cell_null() : golden_bytes(T_(20, R_(21) % 64));
    row[13] = R_(22) % 3 ? cell_null() : cell_float((double)(R_(23) % 100000) / 8);
    row[14] = cell_int((int64_t)(R_(24) % 2));
    return 15;
}

static inline size_t golden_mixed(const struct golden *g, uint64_t i, uint64_t v, struct cell *row) {
    static const char *const colours[] = {"red", "green", "blue"};
    int64_t n = (int64_t)(i / 997 * 1125 + i % 7);
    row[0] = golden_of_kind(CELL_DATE, datetime_days_from_civil(2000, 1, 1) + (int64_t)(i % 997));
    row[1] = cell_text(arena_printf(g->a, "%" PRId64 ".%03d", n / 1000, (int)(n % 1000)));
    row[1].kind = CELL_DECIMAL;
    row[2] = cell_text(colours[golden_r(g, i, 1, 0) % 3]);
    row[3] = R_(2) % 7 == 0 ? cell_null() : golden_of_kind(CELL_UINT, (int64_t)(R_(3) % 16));
    row[4] = cell_float((double)((int64_t)(R_(4) % 65536) - 32768) / 16);
    row[5] = cell_datetime((int64_t)(R_(6) % 4000000000) * 1000000 + (int64_t)(R_(7) % 1000000));
    row[6] = golden_of_kind(CELL_TIME, (int64_t)(R_(5) % 6000000000000) - 3000000000000);
    row[7] = cell_int((int64_t)(1901 + R_(8) % 255));
    row[8] = golden_of_kind(CELL_UINT, (int64_t)(R_(9) % 512));
    row[9] = cell_text(arena_printf(g->a, "%s%06d", T_(10, 6), (int)i));
    row[10] = R_(11) % 11 == 0 ? cell_null() : cell_text(T_(11, R_(12) % 40));
    return 11;
}

/* Row i in version v; returns the number of columns, 0 for an unknown rule. */
static inline size_t golden_row(const struct golden *g, const char *rule, uint64_t i, uint64_t v,
                                struct cell *row) {
    if (strcmp(rule, "ints") == 0) {
        row[0] = cell_int((int64_t)(3 * i + 1));
        row[1] = R_(1) % 8 == 0 ? cell_null()
                                : cell_int((int64_t)(R_(2) % (UINT64_C(1) << 32)) - (INT64_C(1) << 31));
        row[2] = cell_int((int64_t)(R_(3) % (UINT64_C(1) << 63) - (UINT64_C(1) << 62)));
        row[3] = cell_int((int64_t)(R_(4) % 65536));
        return 4;
    }
    if (strcmp(rule, "words") == 0) {
        row[0] = cell_text(arena_printf(g->a, "%s-%" PRIu64, golden_text(g, i, 0, 0, 8), i));
        row[1] = R_(1) % 16 == 0 ? cell_null() : cell_text(T_(2, R_(3) % 100));
        return 2;
    }
    if (strcmp(rule, "pairs") == 0) {
        row[0] = cell_text(arena_printf(g->a, "bd-%s", golden_text(g, i / 4, 0, 0, 6)));
        row[1] = cell_text(arena_printf(g->a, "l%d%s", (int)(i % 4),
                                        golden_text(g, i, 1, 0, golden_r(g, i, 2, 0) % 12)));
        return 2;
    }
    if (strcmp(rule, "bag") == 0) {
        uint64_t k = i / 3;
        row[0] = cell_int((int64_t)(golden_r(g, k, 0, 0) % 1000));
        row[1] = golden_r(g, k, 3, 0) % 9 == 0
                     ? cell_null()
                     : cell_text(golden_text(g, k, 1, 0, golden_r(g, k, 2, 0) % 12));
        return 2;
    }
    if (strcmp(rule, "fat") == 0) {
        row[0] = cell_int((int64_t)i);
        for (uint64_t n = 0; n < 3; n++) {
            uint64_t c = 1 + 3 * n;
            uint64_t length = R_(c) % 4 == 0 ? R_(c + 1) % 16001 : R_(c + 1) % 50;
            row[1 + n] = R_(c + 2) % 10 == 0 ? cell_null() : golden_bytes(T_(c, length));
        }
        return 4;
    }
    if (strcmp(rule, "ci") == 0) {
        row[0] = cell_text(arena_printf(g->a, "%s%c%" PRIu64,
                                        golden_upper(g, i, 1, 0, golden_text(g, i, 0, 0, 8)),
                                        "-_. "[golden_r(g, i, 2, 0) % 4], i));
        row[1] = R_(3) % 9 == 0 ? cell_null() : cell_text(golden_upper(g, i, 4, v, T_(4, R_(5) % 8)));
        return 2;
    }
    if (strcmp(rule, "beads") == 0)
        return golden_beads(g, i, v, row);
    return strcmp(rule, "mixed") == 0 ? golden_mixed(g, i, v, row) : 0;
}

#undef R_
#undef T_

#endif
