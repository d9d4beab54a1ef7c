/*
 * The command line as upstream's libraries (cobra, pflag) read it: which command is meant, which flags
 * and arguments it got, and the texts of what can be wrong with them.
 */
#ifndef BD_CMD_PARSE_H
#define BD_CMD_PARSE_H

#include "bd/cmd/cmd.h"

#define CMD_DEPTH_MAX 6

struct cmd_value {
    const struct cmd_flag *flag;
    bool given;
    int64_t i; /* bool, int, duration in nanoseconds */
    double f;
    const char *s; /* text as given */
    const char **list;
    size_t list_count, list_capacity;
};

struct cmd_call {
    struct arena *arena;
    const struct cmd *chain[CMD_DEPTH_MAX]; /* root first */
    size_t depth;
    const char *path;      /* "bd dep add" */
    const char *called_as; /* the word that named the command: its name or an alias */
    struct cmd_value *values;
    size_t value_count;
    const char **args;
    size_t arg_count;
    bool help; /* -h or --help */
};

/* Flags every command takes; ends with name == NULL. */
extern const struct cmd_flag cmd_global_flags[];

/*
 * Finds the command and reads flags and arguments; argv[0] is skipped. BD_INVALID with the library's
 * text. out->chain is then valid up to the command that was meant, so that its usage can be printed.
 */
int cmd_parse(struct arena *a, const struct cmd *root, int argc, char **argv, struct cmd_call *out,
              struct err *err);
/* The checks that come after the flags were read. BD_INVALID with the library's text. */
int cmd_check_args(const struct cmd_call *c, struct err *err);
int cmd_check_flags(const struct cmd_call *c, struct err *err);

/* Go's duration text ("1h30m", "-1.5s") in nanoseconds. BD_INVALID with Go's text. */
int cmd_parse_duration(const char *text, int64_t *nanos, struct err *err);

/* Names of commands near to a mistyped one, in the arena; the count is returned. */
size_t cmd_suggest(struct arena *a, const struct cmd *parent, const char *typed, const char ***names);

/* Children of a command sorted by name, without hidden ones; NULL-terminated, in the arena. */
const struct cmd *const *cmd_sorted_children(struct arena *a, const struct cmd *c);

/* Usage block (what follows an error) and help (details and usage). */
void cmd_usage(struct buf *out, const struct cmd_call *c);
void cmd_help(struct buf *out, const struct cmd_call *c);

#endif
