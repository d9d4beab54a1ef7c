/* Snappy blocks: what is written is read again, blocks of other writers are read, lies are refused. */
#include "base/mem.h"
#include "store/chunk/snappy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static uint64_t random_state;
static uint32_t next_random(void) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33);
}

/* In memory of exactly the sizes that are promised, so that checkers see a step beyond. */
static void check_round_trip(const uint8_t *data, size_t size) {
    uint8_t *block = malloc(snappy_room(size)), *exact;
    size_t n = snappy_encode(data, size, block), length = 0;
    assert_true(n <= snappy_room(size));
    exact = mem_dup(block, n);
    assert_true(snappy_length(exact, n, &length));
    assert_int_equal(length, size);
    uint8_t *back = malloc(size + SNAPPY_SLACK);
    assert_true(snappy_decode(exact, n, back, size));
    assert_memory_equal(back, data, size);
    free(back);
    free(exact);
    free(block);
}

static void round_trips(void **state) {
    (void)state;
    static const size_t sizes[] = {1,    2,    3,     4,     5,     15,    16,     17,     59,    60,
                                   61,   64,   65,    67,    255,   256,   257,    2047,   2048,  8191,
                                   8192, 8193, 65535, 65536, 65537, 65540, 131071, 131072, 200001};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint8_t *data = malloc(sizes[i]);
        for (unsigned alphabet = 1; alphabet <= 256; alphabet *= 4) {
            random_state = i * 7 + alphabet;
            for (size_t k = 0; k < sizes[i]; k++)
                data[k] = (uint8_t)(next_random() % alphabet);
            check_round_trip(data, sizes[i]);
        }
        for (size_t k = 0; k < sizes[i]; k++) /* periods of all lengths */
            data[k] = (uint8_t)(k % (i + 1));
        check_round_trip(data, sizes[i]);
        free(data);
    }
}

static void rows_become_small(void **state) {
    (void)state;
    struct buf rows = BUF_INIT;
    for (int i = 0; i < 100; i++)
        buf_addf(&rows, "open%cb-%06dx%c%c%c%c", 0, i * 37, 0, 5, 2, 0);
    uint8_t *block = malloc(snappy_room(rows.size));
    size_t n = snappy_encode((const uint8_t *)rows.data, rows.size, block);
    assert_true(n * 2 < rows.size);
    check_round_trip((const uint8_t *)rows.data, rows.size);
    free(block);
    buf_release(&rows);
}

/* Written by hand after the description of the format: every kind of element. */
static void elements(void **state) {
    (void)state;
    static const struct {
        const char *block;
        size_t size;
        const char *text;
    } good[] = {
        {"\x03\x08"
         "abc",
         5, "abc"},
        {"\x08\x0c"
         "abcd\x01\x04",
         8, "abcdabcd"}, /* copy of 4 from 4 back */
        {"\x0c\x08"
         "abc\x15\x03",
         7, "abcabcabcabc"}, /* overlapping: 9 from 3 back */
        {"\x06\x04"
         "ab\x0e\x02\x00",
         7, "ababab"}, /* two bytes of distance */
        {"\x06\x04"
         "ab\x0f\x02\x00\x00\x00",
         9, "ababab"}, /* four bytes of distance */
        {"\x03\xf0\x02"
         "abc",
         6, "abc"}, /* literals with a length of one, two, three and four bytes */
        {"\x03\xf4\x02\x00"
         "abc",
         7, "abc"},
        {"\x03\xf8\x02\x00\x00"
         "abc",
         8, "abc"},
        {"\x03\xfc\x02\x00\x00\x00"
         "abc",
         9, "abc"},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        uint8_t *block = mem_dup(good[i].block, good[i].size), out[64 + SNAPPY_SLACK];
        size_t length = 0;
        assert_true(snappy_length(block, good[i].size, &length));
        assert_int_equal(length, strlen(good[i].text));
        assert_true(snappy_decode(block, good[i].size, out, length));
        assert_memory_equal(out, good[i].text, length);
        for (size_t cut = 0; cut < good[i].size; cut++) {
            uint8_t *shorter = mem_dup(block, cut);
            assert_false(snappy_decode(shorter, cut, out, length));
            free(shorter);
        }
        free(block);
    }
}

static void lies(void **state) {
    (void)state;
    static const struct {
        const char *block;
        size_t size, length;
    } bad[] = {
        {"", 0, 0},
        {"\x80", 1, 0},
        {"\xff\xff\xff\xff\x7f", 5, 0}, /* more than 32 bits */
        {"\x04\x08"
         "abc",
         5, 4}, /* too little */
        {"\x02\x08"
         "abc",
         5, 2}, /* too much */
        {"\x04\x01\x01", 3, 4},
        {"\x05\x00"
         "a\x01\x00",
         5, 5}, /* distance 0 */
        {"\x05\x00"
         "a\x01\x02",
         5, 5}, /* from before the start */
        {"\x04\x00"
         "a\x01\x01",
         5, 4}, /* over the end */
        {"\x03\xfc\xff\xff\xff\xff"
         "abc",
         9, 3},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint8_t *block = mem_dup(bad[i].block, bad[i].size),
                *out = malloc(bad[i].length + SNAPPY_SLACK);
        assert_false(snappy_decode(block, bad[i].size, out, bad[i].length));
        free(out);
        free(block);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trips),
        cmocka_unit_test(rows_become_small),
        cmocka_unit_test(elements),
        cmocka_unit_test(lies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
