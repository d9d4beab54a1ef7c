/* The table of all top-level commands. Its order does not matter: help sorts within the groups. */
#include "bd/cmd/commands.h"

const struct cmd *const cmd_table[] = {
    &cmd_help_command,
    &cmd_version,
    NULL,
};
