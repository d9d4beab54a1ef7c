/*
 * The automatic collection: a small step of it after a command that wrote, when one is due
 * (store/db/gc.h). gc.auto: false in config.yaml (or BD_GC_AUTO) switches it off.
 */
#ifndef BD_CMD_AUTO_COLLECT_H
#define BD_CMD_AUTO_COLLECT_H

#include "bd/cmd/context.h"

/* When everything else is done: what was printed goes out first, and the store is closed. */
void auto_collect(struct bd *bd);

#endif
