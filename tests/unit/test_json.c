/* JSON as Dolt stores it: normalised text, equality, look-ups. */
#include "store/value/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <float.h>
#include <stdlib.h>
#include <string.h>

static void expect_n(const char *in, size_t size, const char *want) {
    struct buf b = BUF_INIT;
    struct err e = ERR_INIT;
    int rc = json_normalize(in, size, &b, &e);
    if (rc != BD_OK)
        print_error("%s: %s\n", in, e.msg);
    assert_int_equal(rc, BD_OK);
    assert_string_equal(buf_str(&b), want);
    /* stable, and numbers survive the second way too */
    struct buf again = BUF_INIT;
    assert_int_equal(json_normalize(b.data, b.size, &again, &e), BD_OK);
    assert_string_equal(buf_str(&again), want);
    buf_clear(&again);
    assert_int_equal(json_renormalize(b.data, b.size, &again, &e), BD_OK);
    assert_string_equal(buf_str(&again), want);
    buf_release(&again);
    buf_release(&b);
}
static void expect(const char *in, const char *want) { expect_n(in, strlen(in), want); }

static void refuse_n(const char *in, size_t size) {
    struct buf b = BUF_INIT;
    struct err e = ERR_INIT;
    buf_add_str(&b, "kept");
    assert_int_equal(json_normalize(in, size, &b, &e), BD_INVALID);
    assert_string_equal(buf_str(&b), "kept");
    assert_non_null(strstr(e.msg, "Invalid JSON text"));
    buf_release(&b);
}
static void refuse(const char *in) { refuse_n(in, strlen(in)); }

static void white_space_goes_and_keys_are_sorted(void **state) {
    (void)state;
    expect(" { \"b\" : [ 1 , true,\tfalse , null ] ,\n \"a\" : { } }\r\n",
           "{\"a\":{},\"b\":[1,true,false,null]}");
    expect("{\"aa\":1,\"a\":2,\"B\":3,\"\":4}", "{\"\":4,\"B\":3,\"a\":2,\"aa\":1}");
    expect("{\"z\":{\"b\":1,\"a\":{\"d\":1,\"c\":2}},\"y\":[{\"q\":1,\"p\":2}]}",
           "{\"y\":[{\"p\":2,\"q\":1}],\"z\":{\"a\":{\"c\":2,\"d\":1},\"b\":1}}");
    expect("\"x\"", "\"x\"");
    expect("[]", "[]");
}

static void of_equal_keys_the_last_wins(void **state) {
    (void)state;
    expect("{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":3,\"b\":2}");
    expect("{\"\\u0061\":1,\"a\":{\"x\":1},\"a\":[2]}", "{\"a\":[2]}");
    expect("{\"a\":1,\"a\":2}", "{\"a\":2}");
}

static void numbers_print_as_in_go(void **state) {
    (void)state;
    expect("[1e21,1e20,1e-6,1e-7,123456789012345678,-0,1.0,5e-324,0.1,1.7976931348623157e308,1e100,1e-"
           "100]",
           "[1e+21,100000000000000000000,0.000001,1e-7,123456789012345680,-0,1,5e-324,0.1,"
           "1.7976931348623157e+308,1e+100,1e-100]");
    expect("[-12.50,0.000123456,1E3,9007199254740993,2.2250738585072014e-308,1.5e-9,4.35]",
           "[-12.5,0.000123456,1000,9007199254740992,2.2250738585072014e-308,1.5e-9,4.35]");
    expect("[9007199254740993,1152921504606846976,2251799813685248.5]",
           "[9007199254740992,1152921504606847000,2251799813685248.5]");
    refuse("1e999");
    refuse("01");
    refuse("1.");
    refuse(".5");
    refuse("-");
    refuse("1e");
    refuse("+1");
    refuse("NaN");
}

static void every_double_reads_back(void **state) {
    (void)state;
    unsigned seed = 20261;
    char text[JSON_NUMBER_SIZE];
    for (int i = 0; i < 100000; i++) {
        uint64_t u = 0;
        for (int k = 0; k < 5; k++)
            u = u << 15 ^ (uint64_t)(rand_r(&seed) & 0x7fff);
        double v;
        memcpy(&v, &u, sizeof v);
        if (v != v || v - v != 0)
            continue;
        size_t n = json_format_number(v, text);
        assert_true(n < JSON_NUMBER_SIZE && strlen(text) == n);
        if (strtod(text, NULL) != v)
            print_error("seed 20261, %a printed as %s\n", v, text);
        assert_true(strtod(text, NULL) == v);
    }
}

static void escapes(void **state) {
    (void)state;
    expect(
        "\"\\u2028 \\u2029 \\b\\f\\n\\r\\t\\u0001\\u001f<>& \\/ \\\" \\\\ \\u00e9 \\ud83d\\ude00\"",
        "\"\\u2028 \\u2029 \\b\\f\\n\\r\\t\\u0001\\u001f<>& / \\\" \\\\ \xc3\xa9 \xf0\x9f\x98\x80\"");
    expect("\"\\ud800 \\udc00 \\ud800\\u0041\"", "\"\xef\xbf\xbd \xef\xbf\xbd \xef\xbf\xbd"
                                                 "A\"");
    expect("\"a\xff"
           "b\xe2\x82 \xed\xa0\x80\"",
           "\"a\xef\xbf\xbd"
           "b\xef\xbf\xbd\xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    expect("\"\x7f\"", "\"\x7f\"");
    refuse("\"a\nb\"");
    refuse("\"\\x\"");
    refuse("\"\\u12g4\"");
    refuse("\"abc");
    refuse("\"abc\\");
    refuse_n("\"a\0b\"", 5);
}

static void broken_documents_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"",      " ",       "{",        "}",          "[",        "[1,]",
                                      "[1 2]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}",    "tru",
                                      "nul",   "1 2",     "[1]]",     "'a'",        "{\"a\" 1}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refuse(bad[i]);
}

static void depth_is_bounded(void **state) {
    (void)state;
    struct buf b = BUF_INIT;
    for (int i = 0; i < JSON_DEPTH_MAX; i++)
        buf_add_char(&b, '[');
    for (int i = 0; i < JSON_DEPTH_MAX; i++)
        buf_add_char(&b, ']');
    expect_n(b.data, b.size, buf_str(&b));
    buf_clear(&b);
    for (int i = 0; i <= JSON_DEPTH_MAX; i++)
        buf_add_str(&b, "{\"a\":");
    refuse_n(b.data, b.size);
    buf_release(&b);
}

static void assert_slice(struct json_slice s, const char *want) {
    if (!want) {
        assert_null(s.data);
        return;
    }
    assert_non_null(s.data);
    assert_int_equal(s.size, strlen(want));
    assert_memory_equal(s.data, want, s.size);
}

static void members_are_found_without_a_tree(void **state) {
    (void)state;
    const char *t =
        " {\"a\" : {\"b\":[1,{\"x\":\"}]\"}]}, \"a.b\":\"q\\\"r\", \"c\":null,\"d\" : 1.5 , \"a\":7}";
    assert_slice(json_member(t, strlen(t), "a", 1), "7");
    assert_slice(json_member(t, strlen(t), "a.b", 3), "\"q\\\"r\"");
    assert_slice(json_member(t, strlen(t), "c", 1), "null");
    assert_slice(json_member(t, strlen(t), "d", 1), "1.5");
    assert_slice(json_member(t, strlen(t), "b", 1), NULL);
    assert_slice(json_member("[1]", 3, "b", 1), NULL);
    assert_int_equal(json_member("{\"a\":\0\0\0", 8, "a", 1).size, 1); /* ends, in spite of the NULs */
    const char *list = "[ 1, [2,3] ,\"x\"]";
    assert_slice(json_element(list, strlen(list), 0), "1");
    assert_slice(json_element(list, strlen(list), 1), "[2,3]");
    assert_slice(json_element(list, strlen(list), 2), "\"x\"");
    assert_slice(json_element(list, strlen(list), 3), NULL);
    struct buf b = BUF_INIT;
    json_unquote(json_member(t, strlen(t), "a.b", 3), &b);
    assert_string_equal(buf_str(&b), "q\"r");
    buf_clear(&b);
    json_unquote(json_member(t, strlen(t), "d", 1), &b);
    assert_string_equal(buf_str(&b), "1.5");
    buf_release(&b);
}

static void old_html_escapes_become_plain(void **state) {
    (void)state;
    char text[] = "\"a\\u003cb\\u003e\\u0026\\\\u003c\\u00e9\\n\"";
    size_t n = json_unescape_html(text, strlen(text));
    assert_int_equal(n, strlen("\"a<b>&\\\\u003c\\u00e9\\n\""));
    assert_memory_equal(text, "\"a<b>&\\\\u003c\\u00e9\\n\"", n);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(white_space_goes_and_keys_are_sorted),
        cmocka_unit_test(of_equal_keys_the_last_wins),
        cmocka_unit_test(numbers_print_as_in_go),
        cmocka_unit_test(every_double_reads_back),
        cmocka_unit_test(escapes),
        cmocka_unit_test(broken_documents_are_refused),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(members_are_found_without_a_tree),
        cmocka_unit_test(old_html_escapes_become_plain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
