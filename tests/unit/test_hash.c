/* Chunk addresses: digest, text form, order. Values from upstream's tests. */
#include "store/chunk/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static void check_text(const struct hash *h, const char *expected) {
    char text[HASH_TEXT_SIZE + 1];
    hash_format(h, text);
    assert_string_equal(text, expected);
    struct hash back;
    assert_true(hash_parse(text, strlen(text), &back));
    assert_true(hash_eq(h, &back));
}

static void digests_are_sha512_prefixes(void **state) {
    (void)state;
    static const struct {
        const char *data, *text;
    } cases[] = {
        {"abc", "rmnjb8cjc5tblj21ed4qs821649eduie"},
        {"hello2", "h8fh8lbvbq671mj9eo8u4cbofkhmv6kp"},
        {"goodbye2", "jrpfiftacigg7652bcub9boig5uhggsj"},
        {"badbye2", "1tnlcsftqomno196hop8vjrr3032qhsk"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hash h = hash_of(cases[i].data, strlen(cases[i].data));
        check_text(&h, cases[i].text);
    }
    struct hash abc = hash_of("abc", 3);
    static const uint8_t bytes[HASH_SIZE] = {0xdd, 0xaf, 0x35, 0xa1, 0x93, 0x61, 0x7a,
                                             0xba, 0xcc, 0x41, 0x73, 0x49, 0xae, 0x20,
                                             0x41, 0x31, 0x12, 0xe6, 0xfa, 0x4e};
    assert_memory_equal(abc.b, bytes, HASH_SIZE);
}

static void text_counts_in_base32(void **state) {
    (void)state;
    static const struct {
        uint8_t last;
        const char *tail;
    } cases[] = {{0, "00"}, {1, "01"}, {31, "0v"}, {32, "10"}, {63, "1v"}, {64, "20"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hash h = HASH_ZERO;
        h.b[19] = cases[i].last;
        char expected[HASH_TEXT_SIZE + 1];
        snprintf(expected, sizeof expected, "%030d%s", 0, cases[i].tail);
        check_text(&h, expected);
    }
    struct hash journal;
    memset(journal.b, 0xff, HASH_SIZE);
    check_text(&journal, "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv");
}

static void bad_texts_are_refused(void **state) {
    (void)state;
    struct hash h = hash_of("abc", 3), before = h;
    assert_false(hash_parse("rmnjb8cjc5tblj21ed4qs821649eduiw", 32, &h));
    assert_false(hash_parse("RMNJB8CJC5TBLJ21ED4QS821649EDUIE", 32, &h));
    assert_false(hash_parse("rmnjb8cjc5tblj21ed4qs821649edui", 31, &h));
    assert_false(hash_parse("rmnjb8cjc5tblj21ed4qs821649eduiee", 33, &h));
    assert_false(hash_parse("", 0, &h));
    assert_true(hash_eq(&h, &before));
}

static void zero_means_none(void **state) {
    (void)state;
    struct hash h = HASH_ZERO;
    assert_true(hash_is_zero(&h));
    h.b[19] = 1;
    assert_false(hash_is_zero(&h));
    struct hash zero = HASH_ZERO;
    assert_true(hash_cmp(&zero, &h) < 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_are_sha512_prefixes),
        cmocka_unit_test(text_counts_in_base32),
        cmocka_unit_test(bad_texts_are_refused),
        cmocka_unit_test(zero_means_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
