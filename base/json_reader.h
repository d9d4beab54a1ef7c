/*
 * Reading JSON text in place, value by value, without building objects.
 *
 * The text must be writable and NUL-terminated behind its end: strings are decoded where they stand.
 * The rules are those of Go's encoding/json: invalid UTF-8 and lone surrogates become U+FFFD, the last
 * of equal keys is up to the caller. After the first failure every call fails and the reader says what
 * was wrong and where.
 */
#ifndef BASE_JSON_READER_H
#define BASE_JSON_READER_H

#include "base/mem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_READER_DEPTH 1000

struct json_reader {
    char *start, *at, *end;
    struct arena *arena;   /* for the rare string that grows */
    const char *problem;   /* NULL while all is well; constant text */
    size_t problem_offset; /* byte in the text */
    bool replaced;         /* a U+FFFD stands for something that no text can hold */
    bool first;            /* the container that was just opened has given no item yet */
};

enum json_kind {
    JSON_NONE,
    JSON_OBJECT,
    JSON_ARRAY,
    JSON_STRING,
    JSON_NUMBER,
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL
};

void json_reader_init(struct json_reader *r, char *text, size_t size, struct arena *a);
/* Kind of the value that comes next; JSON_NONE at the end or where no value can start. */
enum json_kind json_reader_peek(struct json_reader *r);

/*
 * `if (json_reader_object(r)) while (json_reader_member(r, &key, &size)) …read one value…`, and the
 * same for arrays with json_reader_item. The loops end at the closing bracket or at a failure.
 */
bool json_reader_object(struct json_reader *r);
bool json_reader_member(struct json_reader *r, char **key, size_t *size);
bool json_reader_array(struct json_reader *r);
bool json_reader_item(struct json_reader *r);

/* NUL-terminated; U+0000 inside becomes U+FFFD. */
bool json_reader_string(struct json_reader *r, char **text, size_t *size);
/* A number without fraction and exponent that fits. */
bool json_reader_int(struct json_reader *r, int64_t *value);
/* Any value as it stands in the text, checked. Not terminated. */
bool json_reader_raw(struct json_reader *r, const char **text, size_t *size);
bool json_reader_skip(struct json_reader *r);
/* Nothing but white space is left. */
bool json_reader_done(struct json_reader *r);
/* Makes the reader fail at the place it has reached. Always false. */
bool json_reader_fail(struct json_reader *r, const char *problem);

/*
 * Steps over a number by JSON's grammar; false, with *at where it goes wrong, when there is none.
 * *integer: it has neither a fraction nor an exponent.
 */
bool json_scan_number(const char **at, const char *end, bool *integer);

#endif
