/*
 * What reaches a terminal. Titles and texts come from anybody, and a terminal obeys the bytes it is
 * shown: they could write over other lines, change the window's title or fill the clipboard. So on a
 * terminal only text and colours get through; into files and pipes everything goes as it is.
 */
#ifndef BD_UI_TERMINAL_H
#define BD_UI_TERMINAL_H

#include "base/mem.h"

#include <stdbool.h>
#include <stdio.h>

#define TERMINAL_SEQUENCE_MAX 64u

struct terminal_filter {
    enum { TERMINAL_TEXT, TERMINAL_ESCAPE, TERMINAL_CONTROL, TERMINAL_STRING, TERMINAL_LEAD } state;
    char sequence[TERMINAL_SEQUENCE_MAX]; /* a control sequence so far */
    size_t length;
    bool ending; /* in a string: an escape came, which may end it */
};
#define TERMINAL_FILTER_INIT                                                                           \
    { TERMINAL_TEXT, "", 0, false }

/* Appends what may be shown of the bytes; a sequence may go on in the next ones. */
void terminal_filter_add(struct terminal_filter *f, const char *bytes, size_t size, struct buf *out);

/*
 * A stream, buffered by lines, whose output goes filtered to the descriptor, which stays the caller's.
 * NULL where the system has no such streams.
 */
FILE *terminal_stream(int fd);

#endif
