/* bd dolt push, fetch and pull, children of bd dolt. */
#ifndef BD_CMD_DOLT_SYNC_H
#define BD_CMD_DOLT_SYNC_H

#include "bd/cmd/cmd.h"

extern const struct cmd cmd_dolt_push, cmd_dolt_fetch, cmd_dolt_pull;

/*
 * Registers a remote in the database, in the form in which Dolt uses the address, and, for `origin`, in
 * config.yaml as it was given, but for a password: that file is shared.
 */
int dolt_remote_register(struct bd *bd, const char *name, const char *url, struct err *err);

#endif
