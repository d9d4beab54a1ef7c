/* Every command, one per file bd/cmd/<name>.c. A new command gets a line here and one in table.c. */
#ifndef BD_CMD_COMMANDS_H
#define BD_CMD_COMMANDS_H

#include "bd/cmd/cmd.h"

extern const struct cmd cmd_admin;
extern const struct cmd cmd_assign;
extern const struct cmd cmd_backup;
extern const struct cmd cmd_blocked;
extern const struct cmd cmd_bootstrap;
extern const struct cmd cmd_branch;
extern const struct cmd cmd_children;
extern const struct cmd cmd_close;
extern const struct cmd cmd_codex_hook;
extern const struct cmd cmd_comment;
extern const struct cmd cmd_comments;
extern const struct cmd cmd_compact;
extern const struct cmd cmd_config;
extern const struct cmd cmd_context;
extern const struct cmd cmd_count;
extern const struct cmd cmd_create;
extern const struct cmd cmd_defer;
extern const struct cmd cmd_delete;
extern const struct cmd cmd_dep;
extern const struct cmd cmd_diff;
extern const struct cmd cmd_doctor;
extern const struct cmd cmd_dolt;
extern const struct cmd cmd_export;
extern const struct cmd cmd_flatten;
extern const struct cmd cmd_forget;
extern const struct cmd cmd_fsck;
extern const struct cmd cmd_gc;
extern const struct cmd cmd_help_command;
extern const struct cmd cmd_history;
extern const struct cmd cmd_hooks;
extern const struct cmd cmd_import;
extern const struct cmd cmd_info;
extern const struct cmd cmd_init;
extern const struct cmd cmd_init_safety;
extern const struct cmd cmd_kv;
extern const struct cmd cmd_label;
extern const struct cmd cmd_link;
extern const struct cmd cmd_list_command;
extern const struct cmd cmd_memories;
extern const struct cmd cmd_migrate;
extern const struct cmd cmd_migrate_issues_old;
extern const struct cmd cmd_note;
extern const struct cmd cmd_onboard;
extern const struct cmd cmd_ping;
extern const struct cmd cmd_prime;
extern const struct cmd cmd_preflight;
extern const struct cmd cmd_priority;
extern const struct cmd cmd_prune;
extern const struct cmd cmd_purge;
extern const struct cmd cmd_q;
extern const struct cmd cmd_query;
extern const struct cmd cmd_quickstart;
extern const struct cmd cmd_ready;
extern const struct cmd cmd_reap;
extern const struct cmd cmd_recall;
extern const struct cmd cmd_remember;
extern const struct cmd cmd_rename_prefix;
extern const struct cmd cmd_reopen;
extern const struct cmd cmd_restore;
extern const struct cmd cmd_search;
extern const struct cmd cmd_setup;
extern const struct cmd cmd_show;
extern const struct cmd cmd_stale;
extern const struct cmd cmd_status;
extern const struct cmd cmd_statuses;
extern const struct cmd cmd_tag;
extern const struct cmd cmd_types;
extern const struct cmd cmd_undefer;
extern const struct cmd cmd_update;
extern const struct cmd cmd_vc;
extern const struct cmd cmd_version;
extern const struct cmd cmd_where;

/* The commands under the name `dolt`, and what goes before each: 0, or an exit status. */
extern const struct cmd cmd_dolt_program;
int dolt_program_prepare(struct bd *bd, const struct cmd_call *c);

#endif
