/* bd dolt remote, a child of bd dolt. */
#ifndef BD_CMD_DOLT_REMOTE_H
#define BD_CMD_DOLT_REMOTE_H

#include "bd/cmd/cmd.h"

extern const struct cmd cmd_dolt_remote;

#endif
