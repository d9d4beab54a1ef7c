/* What the files of `bd hooks` share. */
#ifndef BD_CMD_HOOKS_H
#define BD_CMD_HOOKS_H

#include "bd/cmd/cmd.h"

/* bd hooks run <hook> [arguments of git] */
int hooks_run_hook(struct bd *bd, const struct cmd_call *c);

#endif
