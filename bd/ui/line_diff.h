/*
 * The difference of two texts, line by line.
 */
#ifndef BD_UI_LINE_DIFF_H
#define BD_UI_LINE_DIFF_H

#include "base/mem.h"

#include <stdbool.h>

/*
 * Appends one line per changed line, "- old" and "+ new" behind `indent`, with up to `context`
 * unchanged lines
 * ("  same") around them and "  …" where more were left out.
 */
void line_diff_add(struct buf *out, const char *indent, bool color, const char *from, const char *to,
                   size_t context);

#endif
