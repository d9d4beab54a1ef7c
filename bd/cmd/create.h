/* The batch forms of bd create. Both return the exit status. */
#ifndef BD_CMD_CREATE_H
#define BD_CMD_CREATE_H

#include "bd/cmd/cmd.h"

int create_from_markdown(struct bd *bd, const char *path);
int create_from_graph(struct bd *bd, const char *path, bool dry_run, bool ephemeral, bool no_history);

#endif
