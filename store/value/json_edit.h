/*
 * Building and changing trees of JSON values (base/json_value), and printing them.
 */
#ifndef STORE_VALUE_JSON_EDIT_H
#define STORE_VALUE_JSON_EDIT_H

#include "base/json_value.h"

/* Empty ones, in the arena, to be filled. */
struct json_value *json_value_object(struct arena *a);
struct json_value *json_value_array(struct arena *a);
struct json_value *json_value_string(struct arena *a, const char *text, size_t size);

/* Puts a copy of v behind the container's items; what v contains is shared. Gives the copy. */
struct json_value *json_value_append(struct json_value *container, const char *key,
                                     const struct json_value *v, struct arena *a);
/* Removes every member of that name; true when there was one. */
bool json_value_remove(struct json_value *object, const char *key);
/* The member that is an object, made when it is missing or something else. */
struct json_value *json_value_object_at(struct json_value *object, const char *key, struct arena *a);

/* Appends the value as text without white space. Scalars stand as they were read. */
void json_value_print(struct buf *out, const struct json_value *v);
/* The same over several lines, two spaces for each level, as Go's encoder indents. */
void json_value_print_indented(struct buf *out, const struct json_value *v);

#endif
