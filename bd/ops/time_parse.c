/*
 * Time expressions. The absolute layers come first, so that no date is mistaken for words.
 *
 * English is read by a list of rules, each a regular expression that may match anywhere in the text.
 * Every rule gives at most one match; matches that follow each other within five bytes form one
 * expression, the rest of the text is ignored; the rules of the expression are then applied in the
 * order of the list. A rule adds to a duration or sets fields of the civil time; duration first, then
 * fields, give the result.
 */
#include "bd/ops/time_parse.h"

#include <ctype.h>
#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define HOUR_MICROS (INT64_C(3600) * MICROS_PER_SECOND)
#define DAY_MICROS (24 * HOUR_MICROS)
#define EXPRESSION_MAX 256 /* longer texts are no time expressions */
#define AMOUNT_MAX 1000000

/* ---- local civil time ---- */

int64_t time_from_local(const struct civil *c) {
    struct tm tm = {.tm_year = c->year - 1900,
                    .tm_mon = c->month - 1,
                    .tm_mday = c->day,
                    .tm_hour = c->hour,
                    .tm_min = c->minute,
                    .tm_sec = c->second,
                    .tm_isdst = -1};
    return (int64_t)mktime(&tm) * MICROS_PER_SECOND + c->micros;
}

void time_to_local(int64_t micros, struct civil *out) {
    datetime_to_civil(micros + datetime_local_offset(micros) * MICROS_PER_SECOND, out);
}

int64_t time_add_date(int64_t micros, int years, int months, int days) {
    struct civil c;
    time_to_local(micros, &c);
    c.year += years;
    c.month += months;
    c.day += days;
    return time_from_local(&c);
}

/* ---- absolute and compact forms ---- */

static bool days_fit(int year, int month, int day) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (month < 1 || month > 12 || day < 1)
        return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day <= days[month - 1] + (month == 2 && leap);
}

static bool digits_at(const char *s, size_t n, int *out) {
    int value = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isdigit((unsigned char)s[i]))
            return false;
        value = value * 10 + (s[i] - '0');
    }
    *out = value;
    return true;
}

/* "2006-01-02", or with 'T' or ' ' and "15:04:05" behind it. */
static bool parse_local(const char *s, int64_t *out) {
    struct civil c = {0};
    size_t n = strlen(s);
    if ((n != 10 && n != 19) || s[4] != '-' || s[7] != '-' || !digits_at(s, 4, &c.year) ||
        !digits_at(s + 5, 2, &c.month) || !digits_at(s + 8, 2, &c.day) ||
        !days_fit(c.year, c.month, c.day))
        return false;
    if (n == 19 && ((s[10] != 'T' && s[10] != ' ') || s[13] != ':' || s[16] != ':' ||
                    !digits_at(s + 11, 2, &c.hour) || !digits_at(s + 14, 2, &c.minute) ||
                    !digits_at(s + 17, 2, &c.second) || c.hour > 23 || c.minute > 59 || c.second > 59))
        return false;
    *out = time_from_local(&c);
    return true;
}

/* Only the absolute layers: RFC 3339, date, local date and time. */
static bool time_parse_absolute(const char *text, int64_t *out) {
    return parse_local(text, out) || datetime_parse_rfc3339(text, strlen(text), out);
}

bool time_parse_compact(const char *text, int64_t now, int64_t *out) {
    const char *s = text;
    bool minus = *s == '-';
    if (*s == '-' || *s == '+')
        s++;
    size_t n = strspn(s, "0123456789");
    if (n == 0 || n > 7 || !s[n] || s[n + 1])
        return false;
    int amount = atoi(s);
    if (minus)
        amount = -amount;
    if (s[n] == 'h')
        *out = now + amount * HOUR_MICROS;
    else if (s[n] == 'd')
        *out = time_add_date(now, 0, 0, amount);
    else if (s[n] == 'w' && abs(amount) <= AMOUNT_MAX)
        *out = time_add_date(now, 0, 0, amount * 7);
    else if (s[n] == 'm')
        *out = time_add_date(now, 0, amount, 0);
    else if (s[n] == 'y')
        *out = time_add_date(now, amount, 0, 0);
    else
        return false;
    return true;
}

/* ---- words ---- */

#define WORD_END "([^a-zA-Z0-9_]|$)"
#define WORD_START "(^|[^a-zA-Z0-9_])"
#define SP "[ \t]*"
#define WEEKDAYS                                                                                       \
    "(sunday|sun|monday|mon|tuesday|tue|wednesday|wed|thursday|thur|thu|friday|fri|saturday|sat)"
#define NUMBER                                                                                         \
    "(one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|[0-9]+|an?(" SP "few)?|half(" SP  \
    "an?)?)"
#define UNIT "(seconds?|min(ute)?s?|hours?|days?|weeks?|months?|years?)"
#define MERIDIEM "(a\\.m\\.|p\\.m\\.|a\\.|p\\.|am?|pm?)"
#define MONTHS                                                                                         \
    "(january|jan\\.?|february|feb\\.?|march|mar\\.?|april|apr\\.?|may|june|jun\\.?|july|jul\\.?|"     \
    "august|aug\\.?|september|sept?\\.?|october|oct\\.?|november|nov\\.?|december|dec\\.?)"
#define ORDINAL                                                                                        \
    "([0-9]{1,2}(st|nd|rd|th)|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|"       \
    "eleventh|twelfth|thirteenth|fourteenth|fifteenth|sixteenth|seventeenth|eighteenth|nineteenth|"    \
    "twentieth|twenty[ -](first|second|third|fourth|fifth|sixth|seventh|eighth|ninth)|thirtieth|"      \
    "thirty[ -]first)"

#define UNSET INT32_MIN
struct moment { /* what the rules collect */
    int64_t now;
    struct civil local; /* of now */
    int weekday;        /* of now, 0 = Sunday */
    int64_t duration;
    int year, month, day, hour, minute, second;
};

#define CAPTURES 16
struct match {
    const char *text;
    regmatch_t at[CAPTURES];
    int left, right;
};
static bool has(const struct match *m, int i) {
    return m->at[i].rm_so >= 0 && m->at[i].rm_eo > m->at[i].rm_so;
}
static void capture(const struct match *m, int i, char *out, size_t size) {
    size_t n = has(m, i) ? (size_t)(m->at[i].rm_eo - m->at[i].rm_so) : 0;
    if (n >= size)
        n = size - 1;
    if (n)
        memcpy(out, m->text + m->at[i].rm_so, n);
    out[n] = '\0';
}
static char letter(const struct match *m, int i) {
    return (char)(has(m, i) ? tolower((unsigned char)m->text[m->at[i].rm_so]) : 0);
}

static int list_index(const char *word, size_t n, const char *const *list) {
    for (int i = 0; list[i]; i++)
        if (strncasecmp(word, list[i], n) == 0)
            return i;
    return -1;
}

static bool apply_weekday(const struct match *m, struct moment *t) {
    static const char *const days[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};
    char day[16];
    capture(m, 5, day, sizeof day);
    int forward =
        (list_index(day, 3, days) - t->weekday + 7) % 7; /* days until the next such day, or 0 */
    char which = has(m, 4) ? letter(m, 4) : has(m, 7) ? letter(m, 7) : 'n';
    if (which == 'p' || which == 'l')
        t->duration = -(forward ? 7 - forward : 7) * DAY_MICROS;
    else if (which == 'n')
        t->duration = (forward ? forward : 7) * DAY_MICROS;
    else /* this: within the week that starts on Sunday */
        t->duration = (list_index(day, 3, days) - t->weekday) * DAY_MICROS;
    return true;
}

static bool apply_casual_date(const struct match *m, struct moment *t) {
    char word[32];
    capture(m, 2, word, sizeof word);
    if (strncasecmp(word, "tonight", 7) == 0) {
        t->hour = 23;
        t->minute = 0;
    } else if (strncasecmp(word, "tom", 3) == 0 || strncasecmp(word, "tmr", 3) == 0) {
        t->duration += DAY_MICROS;
    } else if (strncasecmp(word, "yes", 3) == 0) {
        t->duration -= DAY_MICROS;
    } else if (strncasecmp(word, "last", 4) == 0) {
        t->hour = 23;
        t->duration -= DAY_MICROS;
    }
    return true;
}

static bool apply_casual_time(const struct match *m, struct moment *t) {
    char c = letter(m, 4);
    t->hour = c == 'm' ? 8 : c == 'a' ? 15 : c == 'e' ? 18 : 12;
    t->minute = 0;
    return true;
}

static bool set_hour(const struct match *m, int hour, char meridiem, struct moment *t) {
    (void)m;
    if (meridiem) {
        if (hour > 12)
            return false;
        if (meridiem == 'p' && hour < 12)
            hour += 12;
    }
    t->hour = hour;
    return true;
}

static bool apply_hour(const struct match *m, struct moment *t) {
    if (!set_hour(m, atoi(m->text + m->at[2].rm_so), letter(m, 3), t))
        return false;
    t->minute = t->second = 0;
    return true;
}

static bool apply_hour_minute(const struct match *m, struct moment *t) {
    t->minute = atoi(m->text + m->at[3].rm_so);
    if (!set_hour(m, atoi(m->text + m->at[2].rm_so), letter(m, 5), t))
        return false;
    t->second = 0;
    return true;
}

static const char *const number_words[] = {"zero",  "one",   "two",  "three", "four",   "five",   "six",
                                           "seven", "eight", "nine", "ten",   "eleven", "twelve", NULL};

/* N units into the future (sign 1) or the past (-1). Months keep the year unless they run over it. */
static bool apply_amount(const struct match *m, int number_at, int unit_at, int sign,
                         struct moment *t) {
    char number[32], unit[16];
    capture(m, number_at, number, sizeof number);
    capture(m, unit_at, unit, sizeof unit);
    bool half = strncasecmp(number, "half", 4) == 0;
    int amount = 0, word = list_index(number, sizeof number, number_words);
    size_t length = strlen(number);
    if (length > 2 && strcasecmp(number + length - 3, "few") == 0)
        amount = 3;
    else if (word > 0)
        amount = word;
    else if (*number == 'a' || *number == 'A')
        amount = 1;
    else if (!half && (length > 7 || (amount = atoi(number)) > AMOUNT_MAX))
        return false;
    int64_t size;
    switch (tolower((unsigned char)unit[0])) {
    case 's': size = MICROS_PER_SECOND; break;
    case 'h': size = HOUR_MICROS; break;
    case 'd': size = DAY_MICROS; break;
    case 'w': size = 7 * DAY_MICROS; break;
    case 'y':
        if (half)
            t->month = t->local.month + sign * 6;
        else
            t->year = t->local.year + sign * amount;
        return true;
    default:
        if (strncasecmp(unit, "mo", 2) != 0) {
            size = 60 * MICROS_PER_SECOND;
            break;
        }
        if (half)
            t->duration = sign * 14 * DAY_MICROS;
        else
            t->month = t->local.month + sign * amount;
        return true;
    }
    t->duration = half ? sign * size / 2 : sign * amount * size;
    return true;
}

static bool apply_deadline(const struct match *m, struct moment *t) {
    return apply_amount(m, 3, 6, 1, t);
}
static bool apply_from_now(const struct match *m, struct moment *t) {
    return apply_amount(m, 2, 5, 1, t);
}
static bool apply_ago(const struct match *m, struct moment *t) { return apply_amount(m, 2, 5, -1, t); }

static int ordinal_value(const char *word) {
    static const char *const ordinals[] = {
        "zeroth",     "first",      "second",     "third",     "fourth",    "fifth",
        "sixth",      "seventh",    "eighth",     "ninth",     "tenth",     "eleventh",
        "twelfth",    "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth",
        "eighteenth", "nineteenth", "twentieth",  NULL,
    };
    if (isdigit((unsigned char)*word))
        return atoi(word);
    if (strncasecmp(word, "twenty", 6) == 0)
        return 20 + list_index(word + 7, 32, ordinals);
    if (strcasecmp(word, "thirtieth") == 0)
        return 30;
    if (strncasecmp(word, "thirty", 6) == 0)
        return 31;
    return list_index(word, 32, ordinals);
}

static bool apply_month(const struct match *m, struct moment *t) {
    static const char *const months[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul",
                                         "aug", "sep", "oct", "nov", "dec", NULL};
    char word[32];
    capture(m, 8, word, sizeof word);
    t->month = list_index(word, 3, months) + 1;
    for (int side = 0; side < 2;
         side++) { /* a number before and one behind the month: the latter wins */
        int at = side ? 10 : 3;
        if (!has(m, at))
            continue;
        capture(m, at, word, sizeof word);
        char *of = strstr(word, " of");
        if (of)
            *of = '\0';
        int day = ordinal_value(word);
        if (day < 1 || day > 127)
            return false;
        t->day = day;
    }
    return true;
}

static bool apply_slashes(const struct match *m, struct moment *t) {
    int day = atoi(m->text + m->at[2].rm_so), month = atoi(m->text + m->at[3].rm_so);
    int year = has(m, 5) ? atoi(m->text + m->at[5].rm_so) : t->local.year;
    if (!has(m, 5) && (month < t->local.month || (month == t->local.month && day < t->local.day)))
        year++; /* the next such day */
    if (!days_fit(year, month, day))
        return false;
    t->year = year;
    t->month = month;
    t->day = day;
    return true;
}

/* `first` and `last` are the captures whose bounds give the place of the match in the text. */
static const struct rule {
    const char *pattern;
    bool (*apply)(const struct match *m, struct moment *t);
    int first, last;
} rules[] = {
    {WORD_START "(on" SP ")?((this|last|past|next)" SP ")?" WEEKDAYS "(" SP "(this|last|past|next)" SP
                "week)?" WORD_END,
     apply_weekday, 0, 0},
    {WORD_START "(now|today|tonight|last" SP "night|tomorrow|tmr|yesterday)" SP WORD_END,
     apply_casual_date, 2, 2},
    {WORD_START "((this)?" SP "(morning|afternoon|evening|noon))", apply_casual_time, 2, 2},
    {WORD_START "([0-9]{1,2})" SP MERIDIEM WORD_END, apply_hour, 2, 3},
    {WORD_START "([0-1]?[0-9]|2[0-3])[:-]([0-5][0-9])(" SP MERIDIEM ")?" WORD_END, apply_hour_minute, 2,
     4},
    {WORD_START "(within|in)" SP NUMBER SP UNIT SP WORD_END, apply_deadline, 2, 6},
    {WORD_START NUMBER SP UNIT SP "(from" SP "now)" WORD_END, apply_from_now, 2, 7},
    {WORD_START NUMBER SP UNIT SP "(ago)" SP WORD_END, apply_ago, 2, 7},
    {WORD_START "((" ORDINAL "( +of)?|[0-9]+)" SP ")?" MONTHS "(" SP "(" ORDINAL "|[0-9]+))?" WORD_END,
     apply_month, 0, 0},
    {WORD_START "(0?[1-9]|1[0-9]|2[0-9]|3[01])[/\\](0?[1-9]|1[0-2])([/\\]([12][0-9]{3}))?" WORD_END,
     apply_slashes, 2, 4},
};
#define RULE_COUNT (sizeof rules / sizeof rules[0])

static bool find(const struct rule *r, const char *text, struct match *m) {
    regex_t re;
    m->text = text;
    if (regcomp(&re, r->pattern, REG_EXTENDED | REG_ICASE) != 0)
        return false;
    bool found = regexec(&re, text, CAPTURES, m->at, 0) == 0;
    regfree(&re);
    if (!found)
        return false;
    if (r->first) {
        m->left = m->at[r->first].rm_so;
        m->right = m->at[r->last].rm_eo;
        for (int i = r->last; m->right < 0; i--) /* an optional last part that is missing */
            m->right = m->at[i - 1].rm_eo;
    } else { /* without the boundary characters */
        m->left = m->at[1].rm_eo;
        m->right = m->at[0].rm_eo;
        while (m->right > m->left && !isalnum((unsigned char)text[m->right - 1]) &&
               text[m->right - 1] != '.')
            m->right--;
    }
    return true;
}

static bool parse_words(const char *text, int64_t now, int64_t *out) {
    struct match matches[RULE_COUNT];
    bool found[RULE_COUNT], used[RULE_COUNT] = {false};
    for (size_t i = 0; i < RULE_COUNT; i++)
        found[i] = find(&rules[i], text, &matches[i]);
    for (int end = -1;;) { /* the cluster, from left to right */
        size_t best = RULE_COUNT;
        for (size_t i = 0; i < RULE_COUNT; i++)
            if (found[i] && !used[i] && (best == RULE_COUNT || matches[i].left < matches[best].left))
                best = i;
        if (best == RULE_COUNT || (end >= 0 && matches[best].left > end + 5))
            break;
        used[best] = true;
        end = matches[best].right;
    }

    struct moment t = {.now = now,
                       .year = UNSET,
                       .month = UNSET,
                       .day = UNSET,
                       .hour = UNSET,
                       .minute = UNSET,
                       .second = UNSET};
    time_to_local(now, &t.local);
    int64_t days = datetime_days_from_civil(t.local.year, t.local.month, t.local.day);
    t.weekday = (int)(((days + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
    bool applied = false;
    for (size_t i = 0; i < RULE_COUNT; i++)
        if (used[i] && rules[i].apply(&matches[i], &t))
            applied = true;
    if (!applied)
        return false;

    struct civil c;
    time_to_local(now + t.duration, &c);
    if (t.year != UNSET)
        c.year = t.year;
    if (t.month != UNSET)
        c.month = t.month;
    if (t.day != UNSET)
        c.day = t.day;
    if (t.hour != UNSET)
        c.hour = t.hour;
    if (t.minute != UNSET)
        c.minute = t.minute;
    if (t.second != UNSET)
        c.second = t.second;
    *out = time_from_local(&c);
    return true;
}

/* Starts like a date: if it is none of the absolute forms it is a mistake, not words with an hour in
 * it. */
static bool looks_like_date(const char *s) {
    int ignored;
    return strlen(s) >= 10 && digits_at(s, 4, &ignored) && s[4] == '-' &&
           digits_at(s + 5, 2, &ignored) && s[7] == '-' && digits_at(s + 8, 2, &ignored);
}

int time_parse(const char *text, int64_t now, int64_t *out, struct err *err) {
    if (strlen(text) < EXPRESSION_MAX &&
        (time_parse_compact(text, now, out) || time_parse_absolute(text, out) ||
         (!looks_like_date(text) && parse_words(text, now, out))))
        return BD_OK;
    return err_set(err, BD_INVALID,
                   "cannot parse time expression: \"%.*s\" (examples: +6h, tomorrow, 2025-01-15)",
                   EXPRESSION_MAX, text);
}
