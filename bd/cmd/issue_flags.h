/*
 * Flags that create and update share, and texts that come from files or standard input.
 */
#ifndef BD_CMD_ISSUE_FLAGS_H
#define BD_CMD_ISSUE_FLAGS_H

#include "bd/cmd/cmd.h"

/* Items of a flag table; the default of --priority differs. */
#define ISSUE_FLAGS(default_priority)                                                                  \
    {.name = "assignee", .shorthand = 'a', .kind = FLAG_STRING, .help = "Who works on it"},            \
        {.name = "description",                                                                        \
         .shorthand = 'd',                                                                             \
         .kind = FLAG_STRING,                                                                          \
         .help = "Description (- reads standard input)"},                                              \
        {.name = "body", .kind = FLAG_STRING, .help = "Same as --description", .hidden = true},        \
        {.name = "message",                                                                            \
         .shorthand = 'm',                                                                             \
         .kind = FLAG_STRING,                                                                          \
         .help = "Same as --description",                                                              \
         .hidden = true},                                                                              \
        {.name = "body-file",                                                                          \
         .kind = FLAG_STRING,                                                                          \
         .help = "Read the description from a file (- for standard input)"},                           \
        {.name = "description-file",                                                                   \
         .kind = FLAG_STRING,                                                                          \
         .help = "Same as --body-file",                                                                \
         .hidden = true},                                                                              \
        {.name = "stdin", .kind = FLAG_BOOL, .help = "Read the description from standard input"},      \
        {.name = "design", .kind = FLAG_STRING, .help = "Design notes"},                               \
        {.name = "design-file",                                                                        \
         .kind = FLAG_STRING,                                                                          \
         .help = "Read the design from a file (- for standard input)"},                                \
        {.name = "acceptance", .kind = FLAG_STRING, .help = "Acceptance criteria"},                    \
        {.name = "notes", .kind = FLAG_STRING, .help = "Additional notes"},                            \
        {.name = "append-notes", .kind = FLAG_STRING, .help = "Text to add below the existing notes"}, \
        {.name = "external-ref",                                                                       \
         .kind = FLAG_STRING,                                                                          \
         .help = "Reference elsewhere, such as gh-9 or a URL"},                                        \
    {                                                                                                  \
        .name = "priority", .shorthand = 'p', .kind = FLAG_STRING, .default_text = default_priority,   \
        .help = "Priority, 0 (highest) to 4, or P0 to P4"                                              \
    }

extern const char *const issue_flags_exclusive[]; /* for struct cmd .exclusive */

/* Whole content of a file, "-" is standard input; in the arena. */
int text_from(struct bd *bd, const char *path, const char **out, struct err *err);

/* These return 0, or the exit status after the error was told. *given says whether any flag was. */
int flag_description(struct bd *bd, const struct cmd_call *c, const char **out, bool *given);
int flag_design(struct bd *bd, const struct cmd_call *c, const char **out, bool *given);
/* --metadata JSON or @file, checked; `on_stdout`: errors as JSON on stdout */
int flag_metadata(struct bd *bd, const struct cmd_call *c, bool on_stdout, const char **out);
/* --due / --defer; empty text gives ISSUE_NO_TIME. Tells `invalid --FLAG format …`. */
int flag_time(struct bd *bd, const struct cmd_call *c, const char *flag, bool on_stdout, int64_t *out);
/* Warns on stderr that the time given with --FLAG is over. */
void warn_past_defer(struct bd *bd, const char *flag, int64_t micros);

#endif
