/*
 * JSON as Dolt stores it: normalised text (Dolt: go/store/prolly/tree/json_*.go), and small questions
 * on it that need no tree of objects in memory.
 */
#ifndef STORE_VALUE_JSON_H
#define STORE_VALUE_JSON_H

#include "base/err.h"
#include "base/mem.h"

#include <stdbool.h>
#include <stddef.h>

#define JSON_DEPTH_MAX 10000

/*
 * Normalises any JSON text: keys sorted, no white space, numbers and escapes as Go prints them. Appends
 * to out, which is left as it was on failure. BD_INVALID with MySQL's wording.
 */
int json_normalize(const char *text, size_t size, struct buf *out, struct err *err);

/* The same for text that was normalised before: numbers stay as they are written, because a stored
 * integer beyond 2^53 must not lose digits on its way through. */
int json_renormalize(const char *text, size_t size, struct buf *out, struct err *err);

/* Appends text as a quoted JSON string. */
void json_add_string(struct buf *out, const char *text, size_t size);

#define JSON_NUMBER_SIZE 40
/* Shortest text that reads back as the same double, as Go's JSON encoder prints it. Returns the length;
 * infinities and NaN print as 0. */
size_t json_format_number(double v, char out[JSON_NUMBER_SIZE]);

/* A piece of a JSON text, borrowed. data NULL = absent. */
struct json_slice {
    const char *data;
    size_t size;
};
/* Value of a key of the top-level object of any JSON text (last duplicate wins); absent when the text
 * is no object or has no such key. The key is plain text: a dot is part of it. */
struct json_slice json_member(const char *text, size_t size, const char *key, size_t key_size);
/* Element i of a top-level array. */
struct json_slice json_element(const char *text, size_t size, size_t i);
/* Appends the decoded text of a JSON string, or the JSON text itself for any other value
 * (JSON_UNQUOTE). */
void json_unquote(struct json_slice value, struct buf *out);

/* Turns the escapes \u003c \u003e \u0026 that old writers left into plain characters, in place; returns
 * the new size. */
size_t json_unescape_html(char *text, size_t size);

#endif
