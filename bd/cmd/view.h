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
struct text_list view_labels(struct bd *bd, const struct cmd_call *c, const char *flag);
/* Labels that the configuration gives to the current directory (directory.labels). */
struct text_list view_directory_labels(struct bd *bd);
/* Types of a list flag, aliases expanded. */
void view_types(struct bd *bd, const struct cmd_call *c, const char *flag, struct text_list *out);

/* These return 0, or the exit status after an error was told. */
int view_time(struct bd *bd, const struct cmd_call *c, const char *flag, int64_t *out);
int view_priority(struct bd *bd, const struct cmd_call *c, const char *flag, int64_t *out);
/* --metadata-field k=v … and --has-metadata-key; `on_stdout`: errors as JSON on stdout */
int view_metadata(struct bd *bd, const struct cmd_call *c, bool on_stdout,
                  const struct filter_pair **pairs, size_t *count, const char **has_key);

/* The flags by which list, count and search narrow down issues; entries of a command's flag table. */
#define VIEW_FILTER_FLAGS                                                                              \
    {.name = "assignee",                                                                               \
     .shorthand = 'a',                                                                                 \
     .kind = FLAG_STRING,                                                                              \
     .help = "Only issues assigned to this person"},                                                   \
        {.name = "label",                                                                              \
         .shorthand = 'l',                                                                             \
         .kind = FLAG_STRINGS,                                                                         \
         .help = "Only issues with all of these labels"},                                              \
        {.name = "label-any",                                                                          \
         .kind = FLAG_STRINGS,                                                                         \
         .help = "Only issues with at least one of these labels"},                                     \
        VIEW_FLAG("desc-contains", "Only descriptions that contain this text"),                        \
        VIEW_FLAG("notes-contains", "Only notes that contain this text"),                              \
        VIEW_FLAG("created-after", "Only issues created after this time"),                             \
        VIEW_FLAG("created-before", "Only issues created before this time"),                           \
        VIEW_FLAG("updated-after", "Only issues updated after this time"),                             \
        VIEW_FLAG("updated-before", "Only issues updated before this time"),                           \
        VIEW_FLAG("closed-after", "Only issues closed after this time"),                               \
        VIEW_FLAG("closed-before", "Only issues closed before this time"),                             \
        {.name = "empty-description", .kind = FLAG_BOOL, .help = "Only issues without description"},   \
        {.name = "no-assignee", .kind = FLAG_BOOL, .help = "Only issues assigned to nobody"}, {        \
        .name = "no-labels", .kind = FLAG_BOOL, .help = "Only issues without labels"                   \
    }
/* Those of list and count only. */
#define VIEW_TITLE_FLAGS                                                                               \
    VIEW_FLAG("title", "Only titles that contain this text, in any case"),                             \
        VIEW_FLAG("title-contains", "Only titles that contain this text, in any case"),                \
        VIEW_FLAG("id", "Only these ids, joined by commas")
/* Those of list and search only. */
#define VIEW_METADATA_FLAGS                                                                            \
    {.name = "metadata-field",                                                                         \
     .kind = FLAG_ARRAY,                                                                               \
     .help = "Only issues with this metadata (key=value)"},                                            \
        VIEW_FLAG("has-metadata-key", "Only issues with this metadata key")
#define VIEW_FLAG(flag, text)                                                                          \
    { .name = flag, .kind = FLAG_STRING, .help = text }

/* What those flags ask for, and --type as it was typed; flags that the command lacks ask for nothing.
 */
void view_filter(struct bd *bd, const struct cmd_call *c, struct issue_filter *f);
/* --created-…, --updated-…, --closed-…, --defer-… and --due-…, as far as the command has them. */
int view_filter_times(struct bd *bd, const struct cmd_call *c, struct issue_filter *f);

/* The command's help on stdout. */
void view_help(struct bd *bd, const struct cmd_call *c);
/* The block of several lines that search and query print with --long. */
void view_long_line(struct buf *out, const struct issue *i);
bool view_agent_mode(void);
/* NULL when the flag is not given or empty */
const char *view_text(const struct cmd_call *c, const char *flag);

#endif
