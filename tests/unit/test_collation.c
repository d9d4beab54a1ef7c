/* Orders of texts by collation, and their names. */
#include "store/value/collation.h"

#include "store/value/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static int cmp(uint16_t id, const char *a, const char *b) {
    int c = collation_cmp(id, a, strlen(a), b, strlen(b));
    int d = collation_cmp(id, b, strlen(b), a, strlen(a));
    assert_int_equal(c, -d);
    return c;
}

static void names_and_numbers(void **state) {
    (void)state;
    char set[16];
    assert_string_equal(collation_name(309), "utf8mb4_0900_bin");
    assert_string_equal(collation_name(255), "utf8mb4_0900_ai_ci");
    assert_string_equal(collation_name(63), "binary");
    assert_null(collation_name(17));
    assert_null(collation_name(60000));
    assert_int_equal(collation_by_name("UTF8MB4_General_CI", 18), 45);
    assert_int_equal(collation_by_name("utf8_general_ci", 15), 33);
    assert_int_equal(collation_by_name("nonsense", 8), 0);
    assert_int_equal(collation_of_charset("latin1", 6, false), 8);
    assert_int_equal(collation_of_charset("utf8mb4", 7, false), 255);
    assert_int_equal(collation_of_charset("utf8", 4, true), 83);
    assert_string_equal(collation_charset(8, set), "latin1");
    assert_string_equal(collation_charset(63, set), "binary");
}

static void bin_is_the_order_of_bytes(void **state) {
    (void)state;
    assert_true(cmp(309, "A", "a") < 0);
    assert_true(cmp(309, "Z", "a") < 0);
    assert_true(cmp(309, "a", "ab") < 0);
    assert_true(cmp(309, "\xc3\xa9", "z") > 0);
    assert_int_equal(cmp(309, "", ""), 0);
    assert_true(collation_is_bytewise(309) && collation_is_bytewise(63) && collation_is_bytewise(46));
    assert_false(collation_is_bytewise(255));
}

static void ai_ci_ignores_case_and_accents(void **state) {
    (void)state;
    assert_int_equal(cmp(255, "View", "vIEW"), 0);
    assert_int_equal(cmp(255, "caf\xc3\xa9", "CAFE"), 0);
    assert_int_equal(cmp(255, "\xc3\x84", "a"), 0);
    assert_true(cmp(255, "abc", "ABD") < 0);
    assert_true(cmp(255, "a_b", "a-b") < 0);
    assert_true(cmp(255, "a_", "a0") < 0);
    assert_true(cmp(255, "a9", "aa") < 0);
    assert_true(cmp(255, "blocked_issues", "ready_issues") < 0);
    assert_true(cmp(255, "z", "\xce\xb1") < 0);         /* Greek behind Latin */
    assert_true(cmp(255, "\xf0\x9f\x98\x80", "a") < 0); /* emoji before letters */
    assert_true(cmp(255, "\xe4\xb8\x80", "z") > 0);     /* CJK behind */
    assert_true(cmp(255, "a", "ab") < 0);
    assert_true(cmp(45, "b", "A") > 0);
    assert_true(cmp(278, "a", "A") < 0); /* as_cs tells them apart */
}

static void order_is_antisymmetric_on_any_bytes(void **state) {
    (void)state;
    unsigned seed = 77;
    uint16_t ids[] = {309, 255, 45, 278, 305};
    for (int round = 0; round < 20000; round++) {
        char s[3][6];
        size_t n[3];
        for (int k = 0; k < 3; k++) {
            n[k] = (size_t)(rand_r(&seed) % 6);
            for (size_t i = 0; i < n[k]; i++)
                s[k][i] = (char)(rand_r(&seed) % 3 ? 0x80 | rand_r(&seed)
                                                   : "aA_\xc3\xa9\xe2"[rand_r(&seed) % 6]);
        }
        for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
            int ab = collation_cmp(ids[i], s[0], n[0], s[1], n[1]);
            int ba = collation_cmp(ids[i], s[1], n[1], s[0], n[0]);
            assert_int_equal(ab, -ba);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_numbers),
        cmocka_unit_test(bin_is_the_order_of_bytes),
        cmocka_unit_test(ai_ci_ignores_case_and_accents),
        cmocka_unit_test(order_is_antisymmetric_on_any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
