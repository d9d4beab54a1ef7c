/* Every command, one per file bd/cmd/<name>.c. A new command gets a line here and one in table.c. */
#ifndef BD_CMD_COMMANDS_H
#define BD_CMD_COMMANDS_H

#include "bd/cmd/cmd.h"

extern const struct cmd cmd_config;
extern const struct cmd cmd_context;
extern const struct cmd cmd_help_command;
extern const struct cmd cmd_ping;
extern const struct cmd cmd_version;
extern const struct cmd cmd_where;

#endif
