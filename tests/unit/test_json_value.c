/* Small JSON texts as trees: what is kept, what is found, what is equal, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/value/json_edit.h"

#include <stdio.h>
#include <string.h>

static struct arena arena;

static int release(void **state) {
    (void)state;
    arena_release(&arena);
    return 0;
}

static struct json_value *parse(const char *text) {
    return json_value_parse(text, strlen(text), &arena, NULL);
}

static void members_are_found_in_any_order(void **state) {
    (void)state;
    const struct json_value *v =
        parse(" {\"b\": [1, \"two\", null], \"a\\u0062\": \"x\\ny\", \"b\": {\"c\": true}} ");
    assert_non_null(v);
    assert_int_equal(v->count, 3);
    assert_string_equal(json_value_get_text(v, "ab"), "x\ny");
    assert_true(json_value_is(json_value_get(v, "b"), JSON_OBJECT)); /* the last of equal keys */
    assert_true(json_value_is(json_value_get(json_value_get(v, "b"), "c"), JSON_TRUE));
    assert_int_equal(v->child->count, 3);
    assert_string_equal(v->child->child->next->text, "two");
    assert_null(json_value_get(v, "c"));
    assert_null(json_value_get_text(v, "b"));
    assert_null(json_value_get(NULL, "b"));
}

static void values_keep_their_text(void **state) {
    (void)state;
    const struct json_value *v = parse("[9007199254740993, 1.50, {\"k\" : [1]}]");
    int64_t number;
    assert_true(json_value_int(v->child, &number));
    assert_true(number == INT64_C(9007199254740993));
    assert_false(json_value_int(v->child->next, &number));
    assert_true(json_value_double(v->child->next) == 1.5);
    assert_memory_equal(v->child->next->raw, "1.50", v->child->next->raw_size);
    assert_int_equal(v->child->next->next->raw_size, strlen("{\"k\" : [1]}"));
}

static void equal_content_is_equal(void **state) {
    (void)state;
    static const struct {
        const char *x, *y;
        bool equal;
    } cases[] = {
        {"{\"a\":1,\"b\":[2,3]}", "{ \"b\" : [2, 3.0], \"a\" : 1e0 }", true},
        {"[1,2]", "[2,1]", false},
        {"[1]", "[1,2]", false},
        {"{\"a\":null}", "{}", false},
        {"{}", "{\"a\":null}", false},
        {"9007199254740993", "9007199254740992", false},
        {"\"A\"", "\"a\"", false},
        {"true", "false", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(json_value_equal(parse(cases[i].x), parse(cases[i].y)), cases[i].equal);
}

static void broken_text_is_refused(void **state) {
    (void)state;
    static const char *const cases[] = {"", "{", "{\"a\"}", "[1,]", "{} x", "nul", "01", "\"\n\""};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_null(parse(cases[i]));
        assert_false(json_text_is_value(cases[i], strlen(cases[i])));
    }
    struct err err = ERR_INIT;
    assert_null(json_value_parse("{\"a\": ", 6, &arena, &err));
    assert_string_equal(err.msg, "unexpected end of JSON input");
    const char *good = " [1, {\"a\": \"\\u00e9\"}] ";
    assert_true(json_text_is_value(good, strlen(good)));
    char deep[3000];
    memset(deep, '[', sizeof deep);
    assert_null(json_value_parse(deep, sizeof deep, &arena, &err));
    assert_non_null(strstr(err.msg, "depth"));
}

static void edited_values_are_printed(void **state) {
    (void)state;
    struct json_value *v = parse("{\"a\": 1.50, \"b\": \"x\", \"a\": [true, {}]}");
    struct buf out = BUF_INIT;
    json_value_append(json_value_object_at(v, "c", &arena), "d\"", json_value_string(&arena, "q\n", 2),
                      &arena);
    json_value_object_at(v, "b", &arena); /* takes the place of the string */
    json_value_print(&out, v);
    assert_string_equal(buf_str(&out),
                        "{\"a\":1.50,\"a\":[true,{}],\"c\":{\"d\\\"\":\"q\\n\"},\"b\":{}}");
    assert_true(json_value_remove(v, "a"));
    assert_false(json_value_remove(v, "a"));
    buf_clear(&out);
    json_value_print_indented(&out, v);
    assert_string_equal(buf_str(&out), "{\n  \"c\": {\n    \"d\\\"\": \"q\\n\"\n  },\n  \"b\": {}\n}");
    buf_release(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(members_are_found_in_any_order, release),
        cmocka_unit_test_teardown(values_keep_their_text, release),
        cmocka_unit_test_teardown(equal_content_is_equal, release),
        cmocka_unit_test_teardown(broken_text_is_refused, release),
        cmocka_unit_test_teardown(edited_values_are_printed, release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
