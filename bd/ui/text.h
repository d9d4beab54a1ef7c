/*
 * Plain text on a terminal: columns, cutting, wrapping, indenting.
 * Texts are UTF-8; an invalid byte counts as one character of one column.
 */
#ifndef BD_UI_TEXT_H
#define BD_UI_TEXT_H

#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>

/* Decodes one character; *size is set to the bytes it takes (1 for an invalid byte, result U+FFFD). */
uint32_t text_decode(const char *s, size_t available, size_t *size);
/* Number of characters (code points), and number of terminal columns. */
size_t text_length(const char *s);
size_t text_width(const char *s);

/* At most `max` characters: the text itself, or its first max-1 characters and "…". In the arena. */
const char *text_truncate(struct arena *a, const char *s, size_t max);
/* At most `max` bytes: a longer text is cut and "..." appended within the limit. In the arena. */
const char *text_truncate_bytes(struct arena *a, const char *s, size_t max);
/* Without the white space at both ends. In the arena (or s itself). */
const char *text_trim(struct arena *a, const char *s);
/* Upper-case by simple ASCII rules. In the arena. */
const char *text_upper(struct arena *a, const char *s);
/* Padded with spaces to `width` columns (never cut). In the arena. */
const char *text_pad(struct arena *a, const char *s, size_t width);

/* Appends every line of s behind `indent`, each with a line feed. */
void text_add_indented(struct buf *out, const char *indent, const char *s);
/* "[a b c]" as Go prints a slice of strings. */
void text_add_list(struct buf *out, const char *const *items, size_t count);
/* Joins items with a separator. */
void text_add_joined(struct buf *out, const char *const *items, size_t count, const char *separator);
/* s as Go's %q prints it. */
void text_add_quoted(struct buf *out, const char *s);
/* A duration in nanoseconds as Go prints it: "1h30m0s". */
void text_add_duration(struct buf *out, int64_t nanoseconds);
/* A size as "512 B", "1.5 KB" (of 1024), in the arena. */
const char *text_bytes(struct arena *a, uint64_t bytes);

/* Columns and lines of the terminal on fd; false when it is none. */
bool text_terminal_size(int fd, size_t *columns, size_t *lines);

#endif
