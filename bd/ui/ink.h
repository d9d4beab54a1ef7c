/*
 * Colour. Text is styled only through these names; with colour off every function returns the text as
 * it came, so that output without a terminal is byte for byte the plain text.
 */
#ifndef BD_UI_INK_H
#define BD_UI_INK_H

#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>

enum ink {
    INK_PLAIN,
    INK_BOLD,
    INK_PASS,
    INK_WARN,
    INK_FAIL,
    INK_MUTED,
    INK_ACCENT,
    INK_HEADING, /* bold accent */
    INK_COMMAND,
    INK_IN_PROGRESS,
    INK_BLOCKED,
    INK_CLOSED,
    INK_PINNED,
    INK_HOOKED,
    INK_P0,
    INK_P1,
    INK_P2,
    INK_BUG,
    INK_EPIC,
};

/* The decision of BD_GIT_HOOK, NO_COLOR, CLICOLOR, CLICOLOR_FORCE, else whether stdout is a terminal.
 */
bool ink_wanted(bool stdout_is_tty);

/* Appends `text` in that ink. Multi-line text is styled line by line. */
void ink_add(struct buf *out, bool color, enum ink ink, const char *text);
/* The same as a text in the arena (the text itself when colour is off). */
const char *ink_text(struct arena *a, bool color, enum ink ink, const char *text);

/* The inks of a status, a priority and a type. */
enum ink ink_of_status(const char *status);
enum ink ink_of_priority(int64_t priority);
enum ink ink_of_type(const char *issue_type);

#endif
