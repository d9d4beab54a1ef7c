/* The clock is looked at on every call, the terminal written to ten times a second at most. */
#include "bd/ui/progress.h"

#include "base/datetime.h"

#include <inttypes.h>

#define FIRST (1 * MICROS_PER_SECOND)
#define EVERY (MICROS_PER_SECOND / 10)

void progress_begin(struct progress *p, FILE *out, bool visible, const char *what) {
    *p = (struct progress){.out = visible ? out : NULL, .what = what};
    if (visible)
        p->started = p->last = datetime_now();
}

void progress_at(struct progress *p, uint64_t done, uint64_t total) {
    if (!p->out)
        return;
    int64_t now = datetime_now();
    if (now - p->started < FIRST || (p->shown && now - p->last < EVERY))
        return;
    p->last = now;
    p->shown = true;
    if (total)
        fprintf(p->out, "\r\033[K%s: %" PRIu64 " of %" PRIu64 " (%u %%)", p->what, done, total,
                (unsigned)(done * 100 / total));
    else if (done)
        fprintf(p->out, "\r\033[K%s: %" PRIu64, p->what, done);
    else
        fprintf(p->out, "\r\033[K%s …", p->what);
    fflush(p->out);
}

void progress_step(struct progress *p, const char *what) {
    p->what = what;
    progress_at(p, 0, 0);
}

void progress_pause(struct progress *p) {
    if (p->out && p->shown)
        fputs("\r\033[K", p->out);
    p->shown = false;
}

void progress_end(struct progress *p) {
    progress_pause(p);
    p->out = NULL;
}
