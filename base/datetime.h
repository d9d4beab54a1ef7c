/*
 * Civil time without locale: microseconds since 1970-01-01T00:00:00Z, RFC 3339, SQL text.
 */
#ifndef BASE_DATETIME_H
#define BASE_DATETIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MICROS_PER_SECOND INT64_C(1000000)

/* A moment of the Gregorian calendar, of whatever zone the caller means. month and day from 1. */
struct civil {
    int year, month, day, hour, minute, second, micros;
};
/* Days since 1970-01-01; any month number, and any day, is carried over. */
int64_t datetime_days_from_civil(int year, int month, int day);
/* Between microseconds since the epoch and the calendar of UTC. */
void datetime_to_civil(int64_t micros, struct civil *out);
int64_t datetime_from_civil(const struct civil *c);

/* The clock. Tests may fix it with datetime_set_clock (NULL restores). */
int64_t datetime_now(void);
void datetime_set_clock(int64_t (*clock)(void));
/* Offset of the machine's local zone at this instant, in seconds east of UTC. */
int datetime_local_offset(int64_t micros);

/* "2026-01-02T03:04:05Z", with ".123456" (trailing zeros cut) when there are micros. Needs 40 bytes. */
void datetime_format_rfc3339(int64_t micros, char *out, size_t size);
/* The same in local zone: "…+02:00" ("Z" when UTC). */
void datetime_format_rfc3339_local(int64_t micros, char *out, size_t size);
/* "2026-01-02 03:04:05" and ".123456" when `fraction` digits > 0. */
void datetime_format_sql(int64_t micros, int fraction, char *out, size_t size);
/* RFC 3339 with zone, up to nanoseconds (cut to micros). False when not of that form. */
bool datetime_parse_rfc3339(const char *text, size_t size, int64_t *micros);
/* "YYYY-MM-DD[ T]HH:MM:SS[.ffffff]" or a date alone. */
bool datetime_parse_sql(const char *text, size_t size, int64_t *micros);

#endif
