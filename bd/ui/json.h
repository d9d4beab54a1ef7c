/*
 * A streaming JSON writer that prints what Go's encoding/json prints: two-space indent or compact, HTML
 * characters escaped, U+2028/2029 escaped, invalid UTF-8 as U+FFFD (escaped, but not with sorted keys);
 * `[]` and `{}` when empty.
 *
 * Upstream prints top-level objects through a map, so all their keys (nested ones too) come out sorted,
 * with "schema_version": 1 added; arrays keep the order in which members are written. bd_json_begin and
 * bd_json_end (bd/cmd/context.h) do that for a whole answer.
 */
#ifndef BD_UI_JSON_H
#define BD_UI_JSON_H

#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>

enum json_flags {
    JSON_COMPACT = 1,   /* no white space */
    JSON_SORT_KEYS = 2, /* every object's members in byte order of their keys */
    JSON_NO_HTML = 4,   /* leave < > & alone */
    JSON_VERSIONED = 8, /* "schema_version": 1 joins the members of the outermost object */
};

struct json_level;
/* The state of one text being written; all but `drain` is private. */
struct json_writer {
    struct buf *out;
    unsigned flags;
    unsigned depth;
    bool after_key;
    struct json_level *levels; /* private */
    size_t level_capacity;
    /* May be set after json_begin: takes what is complete of a long outermost array, so that memory
     * stays small. Not used with JSON_SORT_KEYS. It must leave *out empty. */
    void (*drain)(void *ctx, struct buf *out);
    void *drain_ctx;
};
void json_begin(struct json_writer *w, struct buf *out, unsigned flags);
void json_end(struct json_writer *w); /* releases the writer, not the buffer */

/* Values. In an object json_key comes before each. */
void json_object(struct json_writer *w);
void json_object_end(struct json_writer *w);
void json_array(struct json_writer *w);
void json_array_end(struct json_writer *w);
void json_key(struct json_writer *w, const char *key);
void json_str(struct json_writer *w, const char *s); /* NULL prints null */
void json_str_n(struct json_writer *w, const char *s, size_t size);
void json_int(struct json_writer *w, int64_t v);
void json_float(struct json_writer *w, double v); /* as Go prints float64 */
void json_bool(struct json_writer *w, bool v);
void json_null(struct json_writer *w);
/*
 * JSON text, re-indented to fit. With JSON_SORT_KEYS it is also read and printed anew: keys sorted, the
 * last of equal keys kept, numbers as float64, strings in their shortest escapes. Text that is not JSON
 * is printed as a string.
 */
void json_raw(struct json_writer *w, const char *text, size_t size);
/* Is this one JSON value and nothing else? */
bool json_is_valid(const char *text, size_t size);
/* key and value at once; the _opt forms leave the member out when the value is NULL, "", false or 0 */
void json_member_str(struct json_writer *w, const char *key, const char *s);
void json_member_str_opt(struct json_writer *w, const char *key, const char *s);
void json_member_int(struct json_writer *w, const char *key, int64_t v);
void json_member_int_opt(struct json_writer *w, const char *key, int64_t v);
void json_member_bool(struct json_writer *w, const char *key, bool v);
void json_member_bool_opt(struct json_writer *w, const char *key, bool v);
/* micros since the epoch as RFC 3339 with Z */
void json_member_time(struct json_writer *w, const char *key, int64_t micros);

#endif
