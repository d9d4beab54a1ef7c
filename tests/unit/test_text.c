/* Widths, cutting, wrapping and quoting of text. */
#include "bd/ui/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct arena arena;

static int release(void **state) {
    (void)state;
    arena_release(&arena);
    return 0;
}

static void width_counts_columns_not_bytes(void **state) {
    (void)state;
    assert_int_equal(text_width("abc"), 3);
    assert_int_equal(text_width("größe"), 5);
    assert_int_equal(text_width("日本"), 4);
    assert_int_equal(text_width("e\u0301"), 1);
    assert_int_equal(text_width("📌 x"), 4);
    assert_int_equal(text_width("\033[1mab\033[m"), 2);
    assert_int_equal(text_length("日本"), 2);
    assert_int_equal(text_length("\xff\xfe"), 2);
}

static void truncate_keeps_whole_characters(void **state) {
    (void)state;
    assert_string_equal(text_truncate(&arena, "short", 5), "short");
    assert_string_equal(text_truncate(&arena, "shorter", 5), "shor…");
    assert_string_equal(text_truncate(&arena, "ÄÖÜß", 3), "ÄÖ…");
    assert_string_equal(text_truncate_bytes(&arena, "abcdefgh", 6), "abc...");
}

static void quoting_is_that_of_go(void **state) {
    (void)state;
    struct buf b = BUF_INIT;
    text_add_quoted(&b, "a\"b\\c\n\x01ü\xff");
    assert_string_equal(buf_str(&b), "\"a\\\"b\\\\c\\n\\x01ü\\xff\"");
    buf_release(&b);
}

static void durations_are_those_of_go(void **state) {
    (void)state;
    static const struct {
        int64_t ns;
        const char *text;
    } cases[] = {
        {0, "0s"},
        {INT64_C(5400000000000), "1h30m0s"},
        {INT64_C(90000000000), "1m30s"},
        {INT64_C(1500000000), "1.5s"},
        {INT64_C(2500000), "2.5ms"},
        {INT64_C(-3600000000000), "-1h0m0s"},
        {999, "999ns"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b = BUF_INIT;
        text_add_duration(&b, cases[i].ns);
        assert_string_equal(buf_str(&b), cases[i].text);
        buf_release(&b);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(width_counts_columns_not_bytes),
        cmocka_unit_test(truncate_keeps_whole_characters),
        cmocka_unit_test(quoting_is_that_of_go),
        cmocka_unit_test(durations_are_those_of_go),
    };
    return cmocka_run_group_tests(tests, NULL, release);
}
