/* --watch: an answer that is printed anew whenever it looks different. */
#ifndef BD_CMD_WATCH_H
#define BD_CMD_WATCH_H

#include "bd/cmd/cmd.h"

struct watch {
    /* Appends the answer for a snapshot; 0, or an exit status after the error was told. */
    int (*render)(struct bd *bd, struct tables_txn *x, void *ctx, struct buf *out);
    void (*print)(struct bd *bd, void *ctx, const struct buf *out);
    void *ctx;
};

/* Looks every two seconds until SIGINT or SIGTERM. The exit status. */
int watch_run(struct bd *bd, const struct watch *w);

#endif
