/*
 * What the writing commands share: reading a snapshot, one transaction with the policy's commit,
 * resolving ids, feedback lines.
 */
#ifndef BD_CMD_WRITE_H
#define BD_CMD_WRITE_H

#include "bd/cmd/cmd.h"
#include "bd/ops/issue_rows.h"

/* A snapshot of the newest state. */
int write_read_begin(struct bd *bd, struct tables_txn **x, struct err *err);
/*
 * One transaction through ops_write, with the issue hooks attached. `command` (NULL: message as given)
 * makes the auto-commit message of that command. Flags: enum ops_write_flags.
 */
int write_run(struct bd *bd, const char *command, const char *message, unsigned flags,
              tables_write_fn fn, void *ctx, struct err *err);

/* The same and loads the issue with its labels. */
int write_resolve_issue(struct bd *bd, const char *typed, struct issue *out, struct err *err);
/* The issue by exact id with its labels, newest state. */
int write_load(struct bd *bd, const char *id, struct issue *out, struct err *err);

/* "ID — TITLE" / "ID (TITLE)" as output.title-length wants it, in the arena. */
const char *write_feedback(struct bd *bd, const char *id, const char *title);
const char *write_feedback_paren(struct bd *bd, const char *id, const char *title);
/* Title of an issue for feedback, "" when unknown. */
const char *write_title(struct bd *bd, const char *id);

/* "✓ ", styled, then the text and a line feed, on stdout; not with --json. */
void write_success(struct bd *bd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A line on stderr as it is. */
void write_complain(struct bd *bd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* JSON answers */
void write_json_issues(struct bd *bd, const struct issue_list *l); /* an array of plain issues */
void write_json_issue(struct bd *bd, const struct issue *i);       /* one object */

/* Why an issue cannot be changed (a template), or NULL; in the arena. */
const char *write_refusal(struct bd *bd, const struct issue *i);

/* .beads/interactions.jsonl: one field_change entry when the values differ. Failures are silent. */
void write_audit(struct bd *bd, const char *issue_id, const char *field, const char *old_value,
                 const char *new_value, const char *reason);

#endif
