/*
 * Civil time from and to microseconds since the epoch: proleptic Gregorian calendar, no leap seconds,
 * no locale. Only datetime_local_offset asks the machine for its zone.
 */
#include "base/datetime.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define MICROS_PER_DAY (INT64_C(86400) * MICROS_PER_SECOND)

static int64_t floor_div(int64_t a, int64_t b) {
    int64_t q = a / b;
    return q - (a % b < 0);
}

/* Years are counted from March, so that the leap day is the last of a year, in eras of 400 years. */
int64_t datetime_days_from_civil(int year, int month, int day) {
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = floor_div(y, 400);
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (int64_t)(month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

void datetime_to_civil(int64_t micros, struct civil *out) {
    int64_t days = floor_div(micros, MICROS_PER_DAY);
    int64_t rest =
        micros % MICROS_PER_DAY; /* days * MICROS_PER_DAY may overflow at the lowest values */
    if (rest < 0)
        rest += MICROS_PER_DAY;
    int64_t z = days + 719468;
    int64_t era = floor_div(z, 146097);
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    out->day = (int)(doy - (153 * mp + 2) / 5 + 1);
    out->month = (int)(mp < 10 ? mp + 3 : mp - 9);
    out->year = (int)(yoe + era * 400 + (out->month <= 2));
    int64_t seconds = rest / MICROS_PER_SECOND;
    out->micros = (int)(rest % MICROS_PER_SECOND);
    out->hour = (int)(seconds / 3600);
    out->minute = (int)(seconds / 60 % 60);
    out->second = (int)(seconds % 60);
}

int64_t datetime_from_civil(const struct civil *c) {
    int64_t seconds = datetime_days_from_civil(c->year, c->month, c->day) * 86400 +
                      (int64_t)c->hour * 3600 + (int64_t)c->minute * 60 + c->second;
    return seconds * MICROS_PER_SECOND + c->micros;
}

static int64_t system_clock(void) {
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * MICROS_PER_SECOND + ts.tv_nsec / 1000;
}

static int64_t (*clock_in_force)(void) = system_clock;

int64_t datetime_now(void) { return clock_in_force(); }

void datetime_set_clock(int64_t (*clock)(void)) { clock_in_force = clock ? clock : system_clock; }

int datetime_local_offset(int64_t micros) {
    time_t seconds = (time_t)floor_div(micros, MICROS_PER_SECOND);
    struct tm tm;
    if (!localtime_r(&seconds, &tm))
        return 0;
    return (int)tm.tm_gmtoff;
}

/* Date, separator, time and an optional fraction with trailing zeros cut. Returns the length. */
/* Digits of a number below 10^count; returns what follows. */
static char *put_digits(char *p, int value, int count) {
    for (int i = count; i-- > 0; value /= 10)
        p[i] = (char)('0' + value % 10);
    return p + count;
}

static int format_rfc3339_body(const struct civil *c, char *out, size_t size) {
    if (c->year < 0 || c->year > 9999 || size < 32)
        return snprintf(out, size, "%04d-%02d-%02dT%02d:%02d:%02d", c->year, c->month, c->day, c->hour,
                        c->minute, c->second);
    char *p = put_digits(out, c->year, 4);
    *p++ = '-';
    p = put_digits(p, c->month, 2);
    *p++ = '-';
    p = put_digits(p, c->day, 2);
    *p++ = 'T';
    p = put_digits(p, c->hour, 2);
    *p++ = ':';
    p = put_digits(p, c->minute, 2);
    *p++ = ':';
    p = put_digits(p, c->second, 2);
    if (c->micros) {
        *p++ = '.';
        p = put_digits(p, c->micros, 6);
        while (p[-1] == '0')
            p--;
    }
    *p = '\0';
    return (int)(p - out);
}

void datetime_format_rfc3339(int64_t micros, char *out, size_t size) {
    struct civil c;
    datetime_to_civil(micros, &c);
    int n = format_rfc3339_body(&c, out, size);
    if (n >= 0 && (size_t)n < size)
        snprintf(out + n, size - (size_t)n, "Z");
}

void datetime_format_rfc3339_local(int64_t micros, char *out, size_t size) {
    int offset = datetime_local_offset(micros);
    struct civil c;
    datetime_to_civil(micros + offset * MICROS_PER_SECOND, &c);
    int n = format_rfc3339_body(&c, out, size);
    if (n < 0 || (size_t)n >= size)
        return;
    int minutes = (offset < 0 ? -offset : offset) / 60;
    if (minutes == 0)
        snprintf(out + n, size - (size_t)n, "Z");
    else
        snprintf(out + n, size - (size_t)n, "%c%02d:%02d", offset < 0 ? '-' : '+', minutes / 60,
                 minutes % 60);
}

void datetime_format_sql(int64_t micros, int fraction, char *out, size_t size) {
    struct civil c;
    datetime_to_civil(micros, &c);
    int n = snprintf(out, size, "%04d-%02d-%02d %02d:%02d:%02d", c.year, c.month, c.day, c.hour,
                     c.minute, c.second);
    if (fraction <= 0 || n < 0 || (size_t)n >= size)
        return;
    if (fraction > 6)
        fraction = 6;
    int value = c.micros;
    for (int i = fraction; i < 6; i++)
        value /= 10;
    snprintf(out + n, size - (size_t)n, ".%0*d", fraction, value);
}

/* A cursor over the text of a date; every reader advances only on success. */
struct text {
    const char *at, *end;
};

static bool read_digits(struct text *t, int count, int *value) {
    if (t->end - t->at < count)
        return false;
    int v = 0;
    for (int i = 0; i < count; i++) {
        char c = t->at[i];
        if (c < '0' || c > '9')
            return false;
        v = v * 10 + (c - '0');
    }
    t->at += count;
    *value = v;
    return true;
}

static bool read_char(struct text *t, char c) {
    if (t->at == t->end || *t->at != c)
        return false;
    t->at++;
    return true;
}

static int days_in_month(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

static bool read_date(struct text *t, struct civil *c) {
    return read_digits(t, 4, &c->year) && read_char(t, '-') && read_digits(t, 2, &c->month) &&
           read_char(t, '-') && read_digits(t, 2, &c->day) && c->month >= 1 && c->month <= 12 &&
           c->day >= 1 && c->day <= days_in_month(c->year, c->month);
}

/* HH:MM:SS and an optional fraction of one to nine digits, of which six are kept. */
static bool read_time(struct text *t, struct civil *c) {
    if (!read_digits(t, 2, &c->hour) || !read_char(t, ':') || !read_digits(t, 2, &c->minute) ||
        !read_char(t, ':') || !read_digits(t, 2, &c->second) || c->hour > 23 || c->minute > 59 ||
        c->second > 59)
        return false;
    c->micros = 0;
    if (!read_char(t, '.'))
        return true;
    int digits = 0, digit;
    while (read_digits(t, 1, &digit)) {
        if (++digits > 9)
            return false;
        if (digits <= 6)
            c->micros = c->micros * 10 + digit;
    }
    if (digits == 0)
        return false;
    for (; digits < 6; digits++)
        c->micros *= 10;
    return true;
}

bool datetime_parse_rfc3339(const char *text, size_t size, int64_t *micros) {
    struct text t = {text, text + size};
    struct civil c = {0};
    if (!read_date(&t, &c) || !read_char(&t, 'T') || !read_time(&t, &c))
        return false;
    int64_t offset = 0;
    if (!read_char(&t, 'Z')) {
        int sign = read_char(&t, '+') ? 1 : read_char(&t, '-') ? -1 : 0;
        int hours, minutes;
        if (sign == 0 || !read_digits(&t, 2, &hours) || !read_char(&t, ':') ||
            !read_digits(&t, 2, &minutes) || hours > 23 || minutes > 59)
            return false;
        offset = (int64_t)sign * (hours * 3600 + minutes * 60);
    }
    if (t.at != t.end)
        return false;
    *micros = datetime_from_civil(&c) - offset * MICROS_PER_SECOND;
    return true;
}

bool datetime_parse_sql(const char *text, size_t size, int64_t *micros) {
    struct text t = {text, text + size};
    struct civil c = {0};
    if (!read_date(&t, &c))
        return false;
    if (t.at != t.end) {
        if (!read_char(&t, ' ') && !read_char(&t, 'T'))
            return false;
        if (!read_time(&t, &c) || t.at != t.end)
            return false;
    }
    *micros = datetime_from_civil(&c);
    return true;
}
