/*
 * A JSON text as a tree of values, for small texts of which several parts are wanted in any order
 * (settings, plans, metadata). Whoever reads a text once, front to back, uses base/json_reader.
 *
 * Numbers are kept as they are written, so that an integer beyond 2^53 loses nothing.
 */
#ifndef BASE_JSON_VALUE_H
#define BASE_JSON_VALUE_H

#include "base/err.h"
#include "base/json_reader.h"

struct json_value {
    enum json_kind kind;
    const char *key;  /* of a member of an object, decoded; else NULL */
    const char *text; /* of a string, decoded; else NULL */
    const char *raw;  /* the value as it stands in the text that was read (borrowed, not terminated) */
    size_t raw_size;
    size_t count; /* items or members */
    struct json_value *child, *next;
};

/*
 * The whole text is one value, or the answer is NULL and err (may be NULL) says why, as Go would. The
 * values live in the arena and point into `text`, which must live as long.
 */
struct json_value *json_value_parse(const char *text, size_t size, struct arena *a, struct err *err);

/* All of these take NULL for "no value" and answer with nothing. */
bool json_value_is(const struct json_value *v, enum json_kind kind);
/* Member of an object; the last one of equal keys. */
const struct json_value *json_value_get(const struct json_value *object, const char *key);
/* The text of a string; NULL for anything else. */
const char *json_value_get_text(const struct json_value *object, const char *key);
/* A number without fraction and exponent that fits. */
bool json_value_int(const struct json_value *v, int64_t *out);
double json_value_double(const struct json_value *v); /* 0 for what is no number */
/* Equal content: members in any order, numbers by value. Both NULL are equal. */
bool json_value_equal(const struct json_value *x, const struct json_value *y);

/* The whole text is one well-formed value. Nothing is allocated. */
bool json_text_is_value(const char *text, size_t size);

#define JSON_EACH(v, container)                                                                        \
    for (const struct json_value *v = (container) ? (container)->child : NULL; v; v = v->next)

#endif
