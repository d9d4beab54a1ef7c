/* The JSON writer prints what Go's encoding/json prints. */
#include "bd/ui/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static struct buf out;
static struct json_writer w;

static void begin(unsigned flags) {
    buf_clear(&out);
    json_begin(&w, &out, flags);
}

static void expect(const char *text) {
    json_end(&w);
    assert_string_equal(buf_str(&out), text);
}

static void nested_values_are_indented(void **state) {
    (void)state;
    begin(0);
    json_object(&w);
    json_member_str(&w, "b", "x");
    json_key(&w, "a");
    json_array(&w);
    json_int(&w, -1);
    json_object(&w);
    json_object_end(&w);
    json_array(&w);
    json_array_end(&w);
    json_array_end(&w);
    json_member_str_opt(&w, "none", "");
    json_object_end(&w);
    expect("{\n  \"b\": \"x\",\n  \"a\": [\n    -1,\n    {},\n    []\n  ]\n}");
}

static void keys_are_sorted_at_every_level(void **state) {
    (void)state;
    begin(JSON_SORT_KEYS | JSON_COMPACT);
    json_object(&w);
    for (char c = 'z'; c >= 'a'; c--) {
        json_key(&w, (char[]){c, 0});
        json_object(&w);
        json_member_int(&w, "2", 2);
        json_member_int(&w, "1", 1);
        json_object_end(&w);
    }
    json_object_end(&w);
    json_end(&w);
    const char *s = buf_str(&out);
    assert_int_equal(strncmp(s, "{\"a\":{\"1\":1,\"2\":2},\"b\":{", 24), 0);
    const char *end = "\"z\":{\"1\":1,\"2\":2}}";
    assert_string_equal(s + out.size - strlen(end), end);
    assert_int_equal(out.size, 1 + 26 * 18);
}

static void schema_version_joins_the_outermost_object_only(void **state) {
    (void)state;
    begin(JSON_SORT_KEYS | JSON_VERSIONED | JSON_COMPACT);
    json_object(&w);
    json_key(&w, "z");
    json_object(&w);
    json_object_end(&w);
    json_member_int(&w, "schema_version", 7);
    json_object_end(&w);
    expect("{\"schema_version\":1,\"z\":{}}");
}

static void strings_are_escaped_like_go(void **state) {
    (void)state;
    begin(0);
    static const char text[] =
        "a\"\\\n\r\t\b\f\x01<>&\xe2\x80\xa8\xe2\x80\xa9 \xc3\xa9 \xff\xed\xa0\x80 \xf0\x9f\x98\x80 \0.";
    json_str_n(&w, text, sizeof text - 1);
    expect("\"a\\\"\\\\\\n\\r\\t\\b\\f\\u0001\\u003c\\u003e\\u0026\\u2028\\u2029 \xc3\xa9 "
           "\\ufffd\\ufffd\\ufffd\\ufffd "
           "\xf0\x9f\x98\x80 \\u0000.\"");
    begin(JSON_NO_HTML);
    json_str(&w, "<&>\x7f");
    expect("\"<&>\x7f\"");
    begin(0);
    json_str(&w, NULL);
    expect("null");
}

/* Strings are scanned eight bytes at a time: no byte may get lost or changed at any offset. */
static void every_byte_is_escaped_alike_at_every_offset(void **state) {
    (void)state;
    for (unsigned html = 0; html < 2; html++)
        for (unsigned byte = 0; byte < 256; byte++) {
            char c = (char)byte, text[20], alone[16], expected[64];
            begin(html ? 0 : JSON_NO_HTML);
            json_str_n(&w, &c, 1);
            json_end(&w);
            snprintf(alone, sizeof alone, "%.*s", (int)out.size - 2, out.data + 1);
            for (size_t at = 0; at < 19; at++) {
                memset(text, 'a', sizeof text);
                text[at] = c;
                begin(html ? 0 : JSON_NO_HTML);
                json_str_n(&w, text, 19);
                snprintf(expected, sizeof expected, "\"%.*s%s%.*s\"", (int)at, "aaaaaaaaaaaaaaaaaaa",
                         alone, (int)(18 - at), "aaaaaaaaaaaaaaaaaaa");
                expect(expected);
            }
        }
}

static void floats_are_printed_like_go(void **state) {
    (void)state;
    static const struct {
        double v;
        const char *text;
    } cases[] = {
        {0, "0"},        {0.1, "0.1"},           {1.0 / 3, "0.3333333333333333"},
        {-2.5, "-2.5"},  {100, "100"},           {1e20, "100000000000000000000"},
        {1e21, "1e+21"}, {1.5e300, "1.5e+300"},  {1e-6, "0.000001"},
        {1e-7, "1e-7"},  {1.25e-12, "1.25e-12"}, {123456789012345680.0, "123456789012345680"},
        {0.85, "0.85"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        begin(0);
        json_float(&w, cases[i].v);
        expect(cases[i].text);
    }
}

static void integers_reach_both_ends(void **state) {
    (void)state;
    begin(JSON_COMPACT);
    json_array(&w);
    json_int(&w, INT64_MIN);
    json_int(&w, INT64_MAX);
    json_int(&w, 0);
    json_array_end(&w);
    expect("[-9223372036854775808,9223372036854775807,0]");
}

static void raw_text_is_indented_again(void **state) {
    (void)state;
    const char *raw = " {\"b\": [1,2.50,\"<\\u00e9\"] ,\n\"a\":{}, \"a\":null}";
    begin(0);
    json_object(&w);
    json_key(&w, "m");
    json_raw(&w, raw, strlen(raw));
    json_object_end(&w);
    expect("{\n  \"m\": {\n    \"b\": [\n      1,\n      2.50,\n      \"\\u003c\\u00e9\"\n    ],\n    "
           "\"a\": {},\n"
           "    \"a\": null\n  }\n}");
    begin(JSON_SORT_KEYS | JSON_COMPACT);
    json_raw(&w, raw, strlen(raw));
    expect("{\"a\":null,\"b\":[1,2.5,\"\\u003c\xc3\xa9\"]}");
}

static void text_that_is_not_json_becomes_a_string(void **state) {
    (void)state;
    static const char *const bad[] = {"",    "{",   "[1,]",    "{\"a\" 1}", "01", "1.",
                                      "tru", "\"a", "\"\\x\"", "[1] 2",     "nul"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(json_is_valid(bad[i], strlen(bad[i])));
    begin(0);
    json_raw(&w, "{x", 2);
    expect("\"{x\"");
    char deep[4000];
    memset(deep, '[', sizeof deep);
    assert_false(json_is_valid(deep, sizeof deep));
}

static void count_drains(void *ctx, struct buf *b) {
    *(size_t *)ctx += b->size;
    buf_clear(b);
}

static void long_arrays_are_drained(void **state) {
    (void)state;
    size_t drained = 0;
    begin(0);
    w.drain = count_drains;
    w.drain_ctx = &drained;
    json_array(&w);
    for (int i = 0; i < 200000; i++) {
        json_object(&w);
        json_member_int(&w, "n", 1);
        json_object_end(&w);
    }
    json_array_end(&w);
    json_end(&w);
    assert_true(drained > 1000000);
    /* every element: line feed, two spaces, "{", member line, closing line, and a comma but for the
     * last */
    assert_int_equal(drained + out.size, 1 + 200000 * (3 + 1 + 11 + 4 + 1) - 1 + 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nested_values_are_indented),
        cmocka_unit_test(keys_are_sorted_at_every_level),
        cmocka_unit_test(schema_version_joins_the_outermost_object_only),
        cmocka_unit_test(strings_are_escaped_like_go),
        cmocka_unit_test(every_byte_is_escaped_alike_at_every_offset),
        cmocka_unit_test(floats_are_printed_like_go),
        cmocka_unit_test(integers_reach_both_ends),
        cmocka_unit_test(raw_text_is_indented_again),
        cmocka_unit_test(text_that_is_not_json_becomes_a_string),
        cmocka_unit_test(long_arrays_are_drained),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    buf_release(&out);
    return failed;
}
