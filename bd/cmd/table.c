/* The table of all top-level commands. Its order does not matter: help sorts within the groups. */
#include "bd/cmd/commands.h"

const struct cmd *const cmd_table[] = {
    &cmd_blocked,
    &cmd_branch,
    &cmd_children,
    &cmd_config,
    &cmd_context,
    &cmd_count,
    &cmd_diff,
    &cmd_help_command,
    &cmd_history,
    &cmd_list_command,
    &cmd_info,
    &cmd_init,
    &cmd_init_safety,
    &cmd_ping,
    &cmd_query,
    &cmd_ready,
    &cmd_search,
    &cmd_show,
    &cmd_stale,
    &cmd_status,
    &cmd_vc,
    &cmd_version,
    &cmd_where,
    NULL,
};
