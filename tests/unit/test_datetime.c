/* Civil time: calendar arithmetic, printing and parsing. */
#include "base/datetime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

static void calendar_agrees_with_gmtime(void **state) {
    (void)state;
    /* Every 11 hours 13 minutes 7 seconds over years 1600 to 2400, sampled. */
    for (int64_t s = -INT64_C(11676096000); s < INT64_C(13569465600);
         s += 11 * 3600 + 13 * 60 + 7 + 86400 * 29) {
        struct civil c;
        datetime_to_civil(s * MICROS_PER_SECOND + 1, &c);
        struct tm tm;
        time_t t = (time_t)s;
        gmtime_r(&t, &tm);
        assert_int_equal(c.year, tm.tm_year + 1900);
        assert_int_equal(c.month, tm.tm_mon + 1);
        assert_int_equal(c.day, tm.tm_mday);
        assert_int_equal(c.hour, tm.tm_hour);
        assert_int_equal(c.minute, tm.tm_min);
        assert_int_equal(c.second, tm.tm_sec);
        assert_int_equal(c.micros, 1);
        assert_true(datetime_from_civil(&c) == s * MICROS_PER_SECOND + 1);
    }
    assert_true(datetime_days_from_civil(1970, 1, 1) == 0);
    assert_true(datetime_days_from_civil(2000, 3, 1) == 11017);
}

static void times_before_the_epoch_round_down(void **state) {
    (void)state;
    struct civil c;
    datetime_to_civil(-1, &c);
    assert_int_equal(c.year, 1969);
    assert_int_equal(c.second, 59);
    assert_int_equal(c.micros, 999999);
}

static void printing(void **state) {
    (void)state;
    int64_t t = INT64_C(1767323045) * MICROS_PER_SECOND; /* 2026-01-02T03:04:05Z */
    char text[40];
    datetime_format_rfc3339(t, text, sizeof text);
    assert_string_equal(text, "2026-01-02T03:04:05Z");
    datetime_format_rfc3339(t + 123450, text, sizeof text);
    assert_string_equal(text, "2026-01-02T03:04:05.12345Z");
    datetime_format_sql(t + 123456, 6, text, sizeof text);
    assert_string_equal(text, "2026-01-02 03:04:05.123456");
    datetime_format_sql(t + 123456, 3, text, sizeof text);
    assert_string_equal(text, "2026-01-02 03:04:05.123");
    datetime_format_sql(t + 123456, 0, text, sizeof text);
    assert_string_equal(text, "2026-01-02 03:04:05");
    char tiny[5];
    datetime_format_rfc3339(t + 1, tiny, sizeof tiny);
    assert_string_equal(tiny, "2026");
}

static void local_zone(void **state) {
    (void)state;
    int64_t t = INT64_C(1767323045) * MICROS_PER_SECOND;
    char text[40];
    setenv("TZ", "XST-05:30", 1);
    tzset();
    datetime_format_rfc3339_local(t, text, sizeof text);
    assert_string_equal(text, "2026-01-02T08:34:05+05:30");
    assert_int_equal(datetime_local_offset(t), 19800);
    setenv("TZ", "YST+03:00", 1);
    tzset();
    datetime_format_rfc3339_local(t, text, sizeof text);
    assert_string_equal(text, "2026-01-02T00:04:05-03:00");
    setenv("TZ", "UTC", 1);
    tzset();
    datetime_format_rfc3339_local(t, text, sizeof text);
    assert_string_equal(text, "2026-01-02T03:04:05Z");
}

static bool rfc(const char *text, int64_t *out) {
    return datetime_parse_rfc3339(text, strlen(text), out);
}
static bool sql(const char *text, int64_t *out) { return datetime_parse_sql(text, strlen(text), out); }

static void parsing_rfc3339(void **state) {
    (void)state;
    int64_t base = INT64_C(1767323045) * MICROS_PER_SECOND, t = 0;
    assert_true(rfc("2026-01-02T03:04:05Z", &t) && t == base);
    assert_true(rfc("2026-01-02T03:04:05.5Z", &t) && t == base + 500000);
    assert_true(rfc("2026-01-02T03:04:05.123456789Z", &t) && t == base + 123456);
    assert_true(rfc("2026-01-02T05:04:05+02:00", &t) && t == base);
    assert_true(rfc("2026-01-01T21:34:05-05:30", &t) && t == base);
    static const char *const bad[] = {"",
                                      "2026-01-02",
                                      "2026-01-02T03:04:05",
                                      "2026-01-02 03:04:05Z",
                                      "2026-02-29T03:04:05Z",
                                      "2026-13-01T03:04:05Z",
                                      "2026-00-01T03:04:05Z",
                                      "2026-01-02T24:04:05Z",
                                      "2026-01-02T03:60:05Z",
                                      "2026-01-02T03:04:60Z",
                                      "2026-01-02T03:04:05.Z",
                                      "2026-01-02T03:04:05Zx",
                                      "2026-01-02T03:04:05+2:00",
                                      "2026-01-02T03:04:05+24:00"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(rfc(bad[i], &t));
    assert_true(rfc("2024-02-29T00:00:00Z", &t));
    assert_false(rfc("1900-02-29T00:00:00Z", &t));
}

static void parsing_sql(void **state) {
    (void)state;
    int64_t base = INT64_C(1767323045) * MICROS_PER_SECOND, t = 0;
    assert_true(sql("2026-01-02 03:04:05", &t) && t == base);
    assert_true(sql("2026-01-02T03:04:05.000001", &t) && t == base + 1);
    assert_true(sql("2026-01-02", &t) && t == base - (3 * 3600 + 4 * 60 + 5) * MICROS_PER_SECOND);
    assert_false(sql("2026-01-02 ", &t));
    assert_false(sql("2026-01-02 03:04", &t));
    assert_false(sql("2026-01-02 03:04:05Z", &t));
    assert_false(datetime_parse_sql("2026-01-02", 9, &t));
}

static int64_t fixed_clock(void) { return 42; }

static void the_clock_can_be_fixed(void **state) {
    (void)state;
    datetime_set_clock(fixed_clock);
    assert_true(datetime_now() == 42);
    datetime_set_clock(NULL);
    assert_true(datetime_now() > INT64_C(1600000000) * MICROS_PER_SECOND);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calendar_agrees_with_gmtime),
        cmocka_unit_test(times_before_the_epoch_round_down),
        cmocka_unit_test(printing),
        cmocka_unit_test(local_zone),
        cmocka_unit_test(parsing_rfc3339),
        cmocka_unit_test(parsing_sql),
        cmocka_unit_test(the_clock_can_be_fixed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
