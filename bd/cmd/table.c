/* The table of all top-level commands. Its order does not matter: help sorts within the groups. */
#include "bd/cmd/commands.h"

const struct cmd *const cmd_table[] = {
    &cmd_config,
    &cmd_context,
    &cmd_help_command,
    &cmd_ping,
    &cmd_version,
    &cmd_where,
    NULL,
};
