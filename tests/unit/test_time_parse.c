/* Time expressions, as upstream takes them; the zone is UTC unless a test says otherwise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bd/ops/time_parse.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HOURS(n) ((int64_t)(n)*3600 * MICROS_PER_SECOND)
#define DAYS(n) HOURS(24 * (n))

static int64_t at(const char *text) {
    int64_t t = 0;
    assert_true(datetime_parse_rfc3339(text, strlen(text), &t));
    return t;
}

static int64_t now_wednesday(void) { return at("2016-01-06T00:00:00Z"); }

static void set_zone(const char *tz) {
    setenv("TZ", tz, 1);
    tzset();
}

static void check(const char *text, int64_t expected) {
    int64_t t = 0;
    struct err err = ERR_INIT;
    if (time_parse(text, now_wednesday(), &t, &err) != BD_OK)
        fail_msg("%s: %s", text, err.msg);
    if (t != expected) {
        char got[64], want[64];
        datetime_format_rfc3339(t, got, sizeof got);
        datetime_format_rfc3339(expected, want, sizeof want);
        fail_msg("%s: %s, expected %s", text, got, want);
    }
}

static void compact_durations(void **state) {
    (void)state;
    set_zone("UTC");
    check("+6h", now_wednesday() + HOURS(6));
    check("6h", now_wednesday() + HOURS(6));
    check("-1d", now_wednesday() - DAYS(1));
    check("+2w", now_wednesday() + DAYS(14));
    check("3m", at("2016-04-06T00:00:00Z"));
    check("1y", at("2017-01-06T00:00:00Z"));
}

static void month_overflow_is_normalised(void **state) {
    (void)state;
    set_zone("UTC");
    assert_int_equal(time_add_date(at("2025-01-31T10:00:00Z"), 0, 1, 0), at("2025-03-03T10:00:00Z"));
}

static void absolute_forms(void **state) {
    (void)state;
    set_zone("UTC");
    check("2025-01-15", at("2025-01-15T00:00:00Z"));
    check("2025-01-15T10:11:12Z", at("2025-01-15T10:11:12Z"));
    check("2025-01-15T10:11:12.5+02:00", at("2025-01-15T08:11:12.5Z"));
    check("2025-01-15T10:11:12", at("2025-01-15T10:11:12Z"));
    check("2025-01-15 10:11:12", at("2025-01-15T10:11:12Z"));
}

static void dates_are_local(void **state) {
    (void)state;
    set_zone("CET-1");
    check("2025-01-15", at("2025-01-14T23:00:00Z"));
    set_zone("UTC");
}

static void words(void **state) {
    (void)state;
    set_zone("UTC");
    int64_t now = now_wednesday();
    check("now", now);
    check("tomorrow", now + DAYS(1));
    check("yesterday", now - DAYS(1));
    check("tonight", now + HOURS(23));
    check("tomorrow this afternoon", now + HOURS(24 + 15));
    check("tomorrow at 9am", now + HOURS(24 + 9));
    check("at Friday afternoon", now + HOURS(2 * 24 + 15));
    check("in next tuesday at 14:00", now + HOURS(6 * 24 + 14));
    check("in next wednesday at 2:25 p.m.", now + HOURS(7 * 24 + 14) + 25 * 60 * MICROS_PER_SECOND);
    check("at 11 am past tuesday", now - HOURS(13));
    check("tonight at 11:10 pm", now + HOURS(23) + 10 * 60 * MICROS_PER_SECOND);
    check("next monday", now + DAYS(5));
    check("last monday", now - DAYS(2));
    check("this friday", now + DAYS(2));
}

static void amounts(void **state) {
    (void)state;
    set_zone("UTC");
    int64_t now = now_wednesday();
    check("within half an hour", now + HOURS(1) / 2);
    check("in 5 minutes", now + HOURS(1) / 12);
    check("in five days.", now + DAYS(5));
    check("within two weeks", now + DAYS(14));
    check("within a month", now + DAYS(31));
    check("within a few months", now + DAYS(91));
    check("within one year", now + DAYS(366));
    check("3 days ago", now - DAYS(3));
    check("half a day ago", now - HOURS(12));
    check("in 12 months", now + DAYS(366));
}

static void months_and_slashes(void **state) {
    (void)state;
    set_zone("UTC");
    int64_t now = now_wednesday();
    check("third of march", now + HOURS(1368));
    check("march 3rd", now + HOURS(1368));
    check("1 sept.", now + HOURS(5736));
    check("october 21st", now + HOURS(6936));
    check("twentieth of december", now + HOURS(8376));
    check("jan. 4", now - HOURS(48));
    check("february", now + HOURS(744));
    check("25/12", at("2016-12-25T00:00:00Z"));
    check("5/1", at("2017-01-05T00:00:00Z"));
    check("11/3/2015", at("2015-03-11T00:00:00Z"));
}

static void nonsense_is_refused(void **state) {
    (void)state;
    static const char *const texts[] = {"",    "garbage", "not-a-date", "2025-13-01",
                                        "+6x", "h",       "31/2/2020"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        int64_t t;
        struct err err = ERR_INIT;
        if (time_parse(texts[i], now_wednesday(), &t, &err) != BD_INVALID)
            fail_msg("accepted: %s", texts[i]);
        assert_non_null(strstr(err.msg, "cannot parse time expression"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compact_durations),
        cmocka_unit_test(month_overflow_is_normalised),
        cmocka_unit_test(absolute_forms),
        cmocka_unit_test(dates_are_local),
        cmocka_unit_test(words),
        cmocka_unit_test(amounts),
        cmocka_unit_test(months_and_slashes),
        cmocka_unit_test(nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
