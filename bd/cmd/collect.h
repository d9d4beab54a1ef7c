/* A garbage collection as a command runs it. */
#ifndef BD_CMD_COLLECT_H
#define BD_CMD_COLLECT_H

#include "bd/cmd/cmd.h"
#include "store/db/gc.h"

/* db_gc with its progress told on a terminal; the progress members of o are not looked at. */
int collect_run(struct bd *bd, const char *dir, struct db_gc_options o, struct db_gc_result *out,
                struct err *err);

#endif
