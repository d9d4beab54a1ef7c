/* Decimals: text, stored bytes, order. */
#include "store/value/decimal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

static struct decimal parse(const char *s) {
    struct decimal d;
    struct err e = ERR_INIT;
    assert_int_equal(decimal_parse(s, strlen(s), &d, &e), BD_OK);
    return d;
}
static void expect_text(const struct decimal *d, const char *want) {
    struct buf b = BUF_INIT;
    decimal_format(d, &b);
    assert_string_equal(buf_str(&b), want);
    buf_release(&b);
}

static void text_goes_in_and_out(void **state) {
    (void)state;
    static const char *const pairs[][2] = {
        {"0", "0"},
        {"-0", "0"},
        {"1.50", "1.50"},
        {"-12.5", "-12.5"},
        {" 7 ", "7"},
        {"0.001", "0.001"},
        {".5", "0.5"},
        {"5.", "5"},
        {"1e3", "1000"},
        {"12e-4", "0.0012"},
        {"+3", "3"},
        {"-0.00", "0.00"},
        {"1.5E+2", "150"},
        {"123456789012345678901234567890123456789012345678901234567890.12345",
         "123456789012345678901234567890123456789012345678901234567890.12345"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct decimal d = parse(pairs[i][0]);
        expect_text(&d, pairs[i][1]);
    }
    static const char *const bad[] = {"", "-", ".", "1e", "abc", "1.2.3", "1 2", "0x1", "1e+", "--1"};
    struct decimal d;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(decimal_parse(bad[i], strlen(bad[i]), &d, NULL), BD_INVALID);
    char many[200];
    memset(many, '9', sizeof many);
    assert_int_equal(decimal_parse(many, sizeof many, &d, NULL), BD_INVALID);
    assert_int_equal(decimal_parse("1e2000000000", 12, &d, NULL), BD_INVALID);
}

static void rescaling_rounds_half_away_from_zero(void **state) {
    (void)state;
    static const struct {
        const char *in;
        unsigned scale;
        const char *want;
    } cases[] = {{"1.5", 2, "1.50"},        {"1.005", 2, "1.01"},
                 {"-1.005", 2, "-1.01"},    {"1.004999", 2, "1.00"},
                 {"0.5", 0, "1"},           {"-0.4", 0, "0"},
                 {"999.995", 2, "1000.00"}, {"0.0001", 2, "0.00"},
                 {"12e2", 1, "1200.0"},     {"0.00000000000000000001", 2, "0.00"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct decimal d = parse(cases[i].in);
        assert_int_equal(decimal_rescale(&d, cases[i].scale, NULL), BD_OK);
        expect_text(&d, cases[i].want);
    }
}

static void order_ignores_how_the_value_is_written(void **state) {
    (void)state;
    static const char *const ascending[] = {"-1e20",  "-100",  "-99.99", "-0.01", "0",
                                            "0.0009", "0.001", "1",      "1.5",   "10",
                                            "99.999", "100",   "1e30"};
    size_t n = sizeof ascending / sizeof *ascending;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++) {
            struct decimal a = parse(ascending[i]), b = parse(ascending[k]);
            int c = decimal_cmp(&a, &b);
            assert_int_equal(c < 0 ? -1 : c > 0, i < k ? -1 : i > k);
        }
    struct decimal a = parse("1.50"), b = parse("15e-1"), zero = parse("0.000"), z = parse("-0");
    assert_int_equal(decimal_cmp(&a, &b), 0);
    assert_int_equal(decimal_cmp(&zero, &z), 0);
}

static void stored_form(void **state) {
    (void)state;
    struct decimal d = parse("1.50"), back;
    uint8_t bytes[64];
    static const uint8_t want[] = {0xfe, 0xff, 0xff, 0xff, 1, 0, 0, 0, 0, 0, 0, 0, 150};
    assert_int_equal(decimal_stored_size(&d), sizeof want);
    decimal_write(&d, bytes);
    assert_memory_equal(bytes, want, sizeof want);
    d = parse("0.00");
    static const uint8_t zero[] = {0xfe, 0xff, 0xff, 0xff, 0};
    assert_int_equal(decimal_stored_size(&d), sizeof zero);
    decimal_write(&d, bytes);
    assert_memory_equal(bytes, zero, sizeof zero);

    static const char *const values[] = {
        "-1", "18446744073709551615", "18446744073709551616",
        "-99999999999999999999999999999999999.999999999999999999999999999999"};
    for (size_t i = 0; i < 4; i++) {
        d = parse(values[i]);
        decimal_write(&d, bytes);
        assert_int_equal(decimal_read(bytes, decimal_stored_size(&d), &back), BD_OK);
        expect_text(&back, values[i]);
    }
}

static void damaged_bytes_are_refused(void **state) {
    (void)state;
    struct decimal d;
    uint8_t bytes[100] = {0, 0, 0, 0x7f, 1};
    assert_int_equal(decimal_read(bytes, 13, &d), BD_CORRUPT); /* absurd exponent */
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(decimal_read(bytes, 3, &d), BD_CORRUPT);
    assert_int_equal(decimal_read(bytes, 4, &d), BD_CORRUPT);
    memset(bytes + 5, 0xff, 90);
    assert_int_equal(decimal_read(bytes, 95, &d), BD_CORRUPT); /* too many digits */
    static const uint8_t nan[] = {0, 0xc0, 0, 0};
    assert_int_equal(decimal_read(nan, 4, &d), BD_OK);
    expect_text(&d, "NaN");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_goes_in_and_out),
        cmocka_unit_test(rescaling_rounds_half_away_from_zero),
        cmocka_unit_test(order_ignores_how_the_value_is_written),
        cmocka_unit_test(stored_form),
        cmocka_unit_test(damaged_bytes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
