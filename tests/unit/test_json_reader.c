/* JSON read in place: strings, numbers, structure, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json_reader.h"

#include <stdlib.h>
#include <string.h>

static struct arena arena;

static int release(void **state) {
    (void)state;
    arena_release(&arena);
    return 0;
}

static struct json_reader reader(const char *text) {
    struct json_reader r;
    char *copy = arena_strdup(&arena, text);
    json_reader_init(&r, copy, strlen(copy), &arena);
    return r;
}

static void strings_are_decoded(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"\"\"", ""},
        {"\"plain and a little longer than eight bytes\"",
         "plain and a little longer than eight bytes"},
        {"\"a\\n\\t\\\"\\\\\\/\\b\\f\\rz\"", "a\n\t\"\\/\b\f\rz"},
        {"\"\\u00e9\\u20ac\\u003c\"", "\xc3\xa9\xe2\x82\xac<"},
        {"\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80"},
        {"\"\\ud83dx\"", "\xef\xbf\xbdx"},
        {"\"\\ude00\"", "\xef\xbf\xbd"},
        {"\"a\\u0000b\"", "a\xef\xbf\xbd"
                          "b"},
        {"\"bad \xff byte\"", "bad \xef\xbf\xbd byte"},
        {"\"cut \xe2\x82\"", "cut \xef\xbf\xbd\xef\xbf\xbd"},
        {"\"\xe2\x98\x83 stays\"", "\xe2\x98\x83 stays"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct json_reader r = reader(cases[i][0]);
        char *text;
        size_t size;
        assert_true(json_reader_string(&r, &text, &size));
        assert_string_equal(text, cases[i][1]);
        assert_int_equal(size, strlen(cases[i][1]));
        assert_true(json_reader_done(&r));
    }
}

static void wrong_texts_are_refused_where_they_go_wrong(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t offset;
    } cases[] = {{"", 0},      {"{", 1},          {"[1,", 3},      {"[1 2]", 3},      {"{\"a\" 1}", 5},
                 {"{a:1}", 1}, {"\"abc", 4},      {"\"a\nb\"", 2}, {"\"\\x\"", 3},    {"tru", 0},
                 {"nul1", 0},  {"01", 1},         {"1.", 2},       {"1e", 2},         {"-", 1},
                 {"[1,]", 3},  {"{\"a\":1,}", 7}, {"1 2", 2},      {"\"\\u12g4\"", 3}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct json_reader r = reader(cases[i].text);
        bool ok = json_reader_skip(&r) && json_reader_done(&r);
        if (ok)
            fail_msg("%s was taken", cases[i].text);
        assert_non_null(r.problem);
        if (r.problem_offset != cases[i].offset)
            fail_msg("%s: at %zu, expected %zu (%s)", cases[i].text, r.problem_offset, cases[i].offset,
                     r.problem);
    }
}

static void values_are_skipped_and_kept_raw(void **state) {
    (void)state;
    struct json_reader r = reader(" {\"a\": [1, {\"b\": []}, \"x\\\"]\"] , \"c\":{} , \"d\":-1.5e+3}");
    char *key;
    const char *raw;
    size_t size, n = 0;
    static const char *const want[] = {"[1, {\"b\": []}, \"x\\\"]\"]", "{}", "-1.5e+3"};
    assert_true(json_reader_object(&r));
    while (json_reader_member(&r, &key, &size)) {
        assert_true(json_reader_raw(&r, &raw, &size));
        assert_int_equal(size, strlen(want[n]));
        assert_memory_equal(raw, want[n], size);
        n++;
    }
    assert_int_equal(n, 3);
    assert_true(json_reader_done(&r));
}

static void numbers_must_be_whole_and_fit(void **state) {
    (void)state;
    int64_t v = 0;
    struct json_reader r = reader("[0,-1,9223372036854775807]");
    static const int64_t want[] = {0, -1, INT64_MAX};
    size_t n = 0;
    for (json_reader_array(&r); json_reader_item(&r); n++) {
        assert_true(json_reader_int(&r, &v));
        assert_int_equal(v, want[n]);
    }
    assert_int_equal(n, 3);
    static const char *const wrong[] = {"1.5", "1e3", "9223372036854775808", "99999999999999999999999",
                                        "\"1\""};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        r = reader(wrong[i]);
        assert_false(json_reader_int(&r, &v));
    }
}

static void depth_has_a_limit(void **state) {
    (void)state;
    char *text = malloc(2 * JSON_READER_DEPTH + 2);
    memset(text, '[', JSON_READER_DEPTH);
    memset(text + JSON_READER_DEPTH, ']', JSON_READER_DEPTH);
    text[2 * JSON_READER_DEPTH] = 0;
    struct json_reader r = reader(text);
    assert_true(json_reader_skip(&r));
    memset(text, '[', JSON_READER_DEPTH + 1);
    r = reader(text);
    assert_false(json_reader_skip(&r));
    free(text);
}

/* Every cut of a text must end in a refusal, never in a read behind the end. */
static void cut_texts_are_refused(void **state) {
    (void)state;
    static const char text[] =
        "{\"a\":[1,2.5e3,\"\\u00e9\\ud83d\\ude00\",true,null],\"b\":{\"c\":\"d\"}}";
    for (size_t n = 0; n + 1 < sizeof text; n++) {
        char *copy = malloc(n + 1);
        memcpy(copy, text, n);
        copy[n] = 0;
        struct json_reader r;
        json_reader_init(&r, copy, n, &arena);
        assert_false(json_reader_skip(&r) && json_reader_done(&r));
        free(copy);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_are_decoded),
        cmocka_unit_test(wrong_texts_are_refused_where_they_go_wrong),
        cmocka_unit_test(values_are_skipped_and_kept_raw),
        cmocka_unit_test(numbers_must_be_whole_and_fit),
        cmocka_unit_test(depth_has_a_limit),
        cmocka_unit_test(cut_texts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, release);
}
