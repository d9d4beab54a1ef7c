/* bd gc --recover: the recovery of a database that grew too large or is damaged. */
#ifndef BD_CMD_GC_RECOVER_H
#define BD_CMD_GC_RECOVER_H

#include "bd/cmd/cmd.h"

/* The whole command, by its flags dry-run, yes, full, archive-level; needs no open store. An exit
 * status. */
int gc_recover(struct bd *bd, const struct cmd_call *c);

#endif
