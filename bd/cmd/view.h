/*
 * What the viewing commands share: a snapshot, filters from flags, buffers to stdout.
 */
#ifndef BD_CMD_VIEW_H
#define BD_CMD_VIEW_H

#include "bd/cmd/cmd.h"
#include "bd/ops/filter.h"
#include "bd/ops/issue_rows.h"

/* Opens a snapshot of the newest state; 0, or an exit status after the error was told. */
int view_begin(struct bd *bd, struct tables_txn **x);

/* Prints the buffer on stdout and releases it. */
void view_print(struct bd *bd, struct buf *b);
/* One JSON array: `each` is called with the writer for items 0 … count-1. */
void view_json_array(struct bd *bd, size_t count,
                     void (*each)(void *ctx, struct json_writer *w, size_t i), void *ctx);
/* The list as an array of IssueWithCounts, or of plain issues. */
void view_json_issues_with_counts(struct bd *bd, const struct issue_list *l);
void view_json_issues(struct bd *bd, const struct issue_list *l);

/* Values of a list flag: trimmed, without empty ones and repetitions. */
struct filter_texts view_labels(struct bd *bd, const struct cmd_call *c, const char *flag);
/* Labels that the configuration gives to the current directory (directory.labels). */
struct filter_texts view_directory_labels(struct bd *bd);
/* Types of a list flag, aliases expanded. */
void view_types(struct bd *bd, const struct cmd_call *c, const char *flag, struct filter_texts *out);

/* These return 0, or the exit status after an error was told. */
int view_time(struct bd *bd, const struct cmd_call *c, const char *flag, int64_t *out);
/* --NAME-after and --NAME-before */
int view_time_range(struct bd *bd, const struct cmd_call *c, const char *name, struct filter_time *out);
int view_priority(struct bd *bd, const struct cmd_call *c, const char *flag, int64_t *out);
/* --metadata-field k=v … and --has-metadata-key; `on_stdout`: errors as JSON on stdout */
int view_metadata(struct bd *bd, const struct cmd_call *c, bool on_stdout,
                  const struct filter_pair **pairs, size_t *count, const char **has_key);

/* Non-empty parts of a comma list of ids (NULL = none). */
void view_split_ids(struct bd *bd, const char *text, struct filter_texts *out);
/* The command's help on stdout. */
void view_help(struct bd *bd, const struct cmd_call *c);
/* The block of several lines that search and query print with --long. */
void view_long_line(struct buf *out, const struct issue *i);
bool view_agent_mode(void);
/* NULL when the flag is not given or empty */
const char *view_text(const struct cmd_call *c, const char *flag);

#endif
