/* What the files of `bd migrate` share. */
#ifndef BD_CMD_MIGRATE_H
#define BD_CMD_MIGRATE_H

#include "bd/cmd/cmd.h"

/* {"error": code, "message": …} on stdout with --json, else the message on stderr. Exit status 1. */
int migrate_fail(struct bd *bd, const char *code, const char *message);
/* 0, or an exit status after the refusal was reported. */
int migrate_refuse_read_only(struct bd *bd, const char *label);
const char *migrate_pass(struct bd *bd, const char *text);

/* --to-dolt and --cleanup: the SQLite file of an older version. */
int migrate_run_sqlite(struct bd *bd, const struct cmd_call *c);
/* What the JSONL file beside the new database says beyond it, in one sentence, or NULL. */
const char *migrate_jsonl_note(struct bd *bd, const char *database_dir);

extern const struct cmd cmd_migrate_hooks, cmd_migrate_issues;

#endif
