/*
 * The parts of `bd ready` in files of their own.
 */
#ifndef BD_CMD_READY_H
#define BD_CMD_READY_H

#include "bd/cmd/view.h"

int ready_explain(struct bd *bd, struct tables_txn *x);
/* --mol ID and --gated (ready_molecule.c) */
int ready_molecule(struct bd *bd, struct tables_txn *x, const char *typed);
int ready_gated(struct bd *bd, struct tables_txn *x);

#endif
