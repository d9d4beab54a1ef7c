/*
 * Progress of long work: one line on standard error, from one second on, and only on a terminal. It is
 * taken away when the work is done.
 */
#ifndef BD_UI_PROGRESS_H
#define BD_UI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct progress {
    FILE *out; /* NULL: silent */
    const char *what;
    int64_t started, last; /* micros */
    bool shown;
};

/* `visible`: out is a terminal and nobody asked for quiet. `what`: "Copying chunks". Borrowed. */
void progress_begin(struct progress *p, FILE *out, bool visible, const char *what);
/* total 0: unknown. Cheap enough to be called for every item. */
void progress_at(struct progress *p, uint64_t done, uint64_t total);
/* The next step of the same work; the line goes on. */
void progress_step(struct progress *p, const char *what);
/* Takes the line away until there is more to tell. */
void progress_pause(struct progress *p);
/* Takes it away for good. */
void progress_end(struct progress *p);

#endif
