/* Cells: comparison across kinds, printing as SELECT does, copies. */
#include "store/value/cell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

static struct cell decimal(const char *s) {
    struct cell c = cell_text(s);
    c.kind = CELL_DECIMAL;
    return c;
}
static struct cell uint_cell(uint64_t u) { return (struct cell){.kind = CELL_UINT, .u = u}; }

static void numbers_compare_across_kinds(void **state) {
    (void)state;
    struct cell ascending[] = {cell_null(),
                               cell_float(-1e300),
                               cell_int(INT64_MIN),
                               cell_int(-1),
                               decimal("-0.5"),
                               cell_int(0),
                               decimal("0.25"),
                               cell_float(0.5),
                               uint_cell(1),
                               decimal("1.5"),
                               cell_int(INT64_MAX),
                               uint_cell(UINT64_MAX),
                               decimal("18446744073709551616")};
    size_t n = sizeof ascending / sizeof *ascending;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++) {
            int c = cell_cmp(&ascending[i], &ascending[k]);
            assert_int_equal(c < 0 ? -1 : c > 0, i < k ? -1 : i > k);
        }
    struct cell a = cell_int(7), b = uint_cell(7), d = decimal("7.00");
    assert_true(cell_eq(&a, &b) && cell_eq(&b, &d));
}

static void text_compares_bytewise(void **state) {
    (void)state;
    struct cell a = cell_text("B"), b = cell_text("a"), c = cell_text_n("a\0b", 3),
                empty = cell_text("");
    assert_true(cell_cmp(&a, &b) < 0 && cell_cmp(&b, &c) < 0 && cell_cmp(&empty, &a) < 0);
    struct cell none = cell_text(NULL), json = cell_json(NULL);
    assert_true(cell_is_null(&none) && cell_is_null(&json));
}

static void instants_compare_with_dates(void **state) {
    (void)state;
    struct cell day = {.kind = CELL_DATE, .i = 1}, noon = cell_datetime(INT64_C(129600000000));
    struct cell zero = {.kind = CELL_DATE, .i = CELL_DATE_ZERO},
                midnight = cell_datetime(INT64_C(86400000000));
    assert_true(cell_cmp(&day, &noon) < 0);
    assert_true(cell_eq(&day, &midnight));
    assert_true(cell_cmp(&zero, &day) < 0);
    struct cell zero_time = cell_datetime(CELL_DATETIME_ZERO);
    assert_true(cell_eq(&zero, &zero_time));
}

static void cells_print_as_select_does(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    struct cell json = cell_json("{\"a\":1}"), bytes = cell_text_n("\0x", 2);
    bytes.kind = CELL_BYTES;
    struct {
        struct cell c;
        const char *want;
    } cases[] = {
        {cell_int(INT64_MIN), "-9223372036854775808"},
        {uint_cell(UINT64_MAX), "18446744073709551615"},
        {cell_float(0.1), "0.1"},
        {cell_float(1e21), "1e+21"},
        {cell_float(-2), "-2"},
        {decimal("1.50"), "1.50"},
        {json, "{\"a\":1}"},
        {cell_bool(true), "1"},
        {cell_datetime(0), "1970-01-01 00:00:00"},
        {cell_datetime(1500000), "1970-01-01 00:00:01.500000"},
        {cell_datetime(-1), "1969-12-31 23:59:59.999999"},
        {cell_datetime(CELL_DATETIME_ZERO), "0000-00-00 00:00:00"},
        {{.kind = CELL_DATE, .i = 19000}, "2022-01-08"},
        {{.kind = CELL_DATE, .i = CELL_DATE_ZERO}, "0000-00-00"},
        {{.kind = CELL_TIME, .i = INT64_C(-45296500000)}, "-12:34:56.500000"},
        {{.kind = CELL_TIME, .i = INT64_C(3020399000000)}, "838:59:59"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(cell_format(&cases[i].c, &a), cases[i].want);
    struct cell null = cell_null();
    assert_null(cell_format(&null, &a));
    assert_memory_equal(cell_format(&bytes, &a), "\0x\0", 3);
    arena_release(&a);
}

static void a_copy_outlives_its_source(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    char text[] = "before";
    struct cell c = cell_text(text), copy = cell_copy(&c, &a);
    memcpy(text, "after!", 6);
    struct cell want = cell_text("before");
    assert_true(cell_eq(&copy, &want));
    assert_int_equal(copy.kind, CELL_TEXT);
    arena_release(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_compare_across_kinds), cmocka_unit_test(text_compares_bytewise),
        cmocka_unit_test(instants_compare_with_dates),  cmocka_unit_test(cells_print_as_select_does),
        cmocka_unit_test(a_copy_outlives_its_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
