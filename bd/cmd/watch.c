/* Reading again and again: each look is a snapshot of its own, so writers are not disturbed. */
#include "bd/cmd/watch.h"

#include "bd/cmd/view.h"

#include <signal.h>
#include <string.h>
#include <time.h>

static volatile sig_atomic_t stopped;

static void on_signal(int signal_number) {
    (void)signal_number;
    stopped = 1;
}

int watch_run(struct bd *bd, const struct watch *w) {
    struct sigaction action = {.sa_handler = on_signal};
    struct buf last = BUF_INIT;
    int status = 0;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    while (!stopped && !status) {
        struct tables_txn *x = NULL;
        struct buf out = BUF_INIT;
        status = view_begin(bd, &x);
        if (!status)
            status = w->render(bd, x, w->ctx, &out);
        tables_read_end(x);
        if (!status && (!last.data || strcmp(buf_str(&last), buf_str(&out)) != 0)) {
            w->print(bd, w->ctx, &out);
            fflush(bd->out);
            fprintf(bd->err, "\nWatching for changes... (Press Ctrl+C to exit)\n");
        }
        buf_release(&last);
        last = out;
        if (!status && !stopped)
            nanosleep(&(struct timespec){2, 0}, NULL);
    }
    buf_release(&last);
    if (!status)
        fprintf(bd->err, "\nStopped watching.\n");
    return status;
}
