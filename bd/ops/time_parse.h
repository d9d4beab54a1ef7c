/*
 * Time expressions of the command line: "+6h", "2026-01-15", RFC 3339, "next monday at 9am", "in 3
 * days".
 */
#ifndef BD_OPS_TIME_PARSE_H
#define BD_OPS_TIME_PARSE_H

#include "base/datetime.h"
#include "base/err.h"

/*
 * Tries, in this order: compact duration ([+-]N and one of h d w m y), date (local midnight), RFC 3339,
 * local date and time, English words. `now` in micros. BD_INVALID with upstream's text.
 */
int time_parse(const char *text, int64_t now, int64_t *out, struct err *err);
/* Only "[+-]N[hdwmy]". */
bool time_parse_compact(const char *text, int64_t now, int64_t *out);

/* Calendar arithmetic in the local zone, overflow normalised as Go's AddDate does. */
int64_t time_add_date(int64_t micros, int years, int months, int days);
/* Local civil time (fields may overflow) to micros, and back. */
int64_t time_from_local(const struct civil *c);
void time_to_local(int64_t micros, struct civil *out);

#endif
