/*
 * The parts of `bd ready` in files of their own.
 */
#ifndef BD_CMD_READY_H
#define BD_CMD_READY_H

#include "bd/cmd/view.h"

int ready_explain(struct bd *bd, struct tables_txn *x);

#endif
