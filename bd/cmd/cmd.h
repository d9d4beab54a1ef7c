/*
 * Commands as data. A command is one constant struct: names, argument rule, flags, help, and a run
 * function. The dispatcher, the help texts, completion and checks know only this table.
 *
 * Flag syntax is that of upstream (pflag): --x v, --x=v, -x v, -xv, bundled booleans, `--` ends flags,
 * flags and arguments may be mixed. Error texts too.
 */
#ifndef BD_CMD_CMD_H
#define BD_CMD_CMD_H

#include "bd/cmd/context.h"

enum cmd_flag_kind {
    FLAG_BOOL,
    FLAG_INT,
    FLAG_FLOAT,
    FLAG_DURATION, /* Go duration text, checked */
    FLAG_STRING,
    FLAG_STRINGS, /* StringSlice: each occurrence split as CSV, accumulates */
    FLAG_ARRAY,   /* StringArray: each occurrence one value */
};
struct cmd_flag {
    const char *name;
    char shorthand; /* 0 = none */
    enum cmd_flag_kind kind;
    const char *default_text; /* NULL = zero value of the kind */
    const char *help;
    const char *value_name; /* shown in help, NULL = by kind */
    bool hidden, required;
    const char *no_value;   /* value when given without one ("NoOptDefVal"), NULL = must have one */
    const char *deprecated; /* message, NULL = not deprecated */
    bool persistent;        /* taken by the command's children too */
};

enum cmd_class {
    CMD_NO_STORE = 1,       /* runs without opening a database */
    CMD_OPTIONAL_STORE = 2, /* opens one if there is one */
    CMD_READ_ONLY = 4,      /* in upstream's read-only set: no auto-import, no identity check */
    CMD_WRITES = 8,         /* refused under --readonly before run is called (with `readonly_label`) */
    CMD_HIDDEN = 16,
    CMD_RAW_ARGS = 32, /* no flag parsing: everything is an argument */
    CMD_NO_USAGE = 64, /* cmd_fail_usage prints the error alone */
    CMD_BRIEF = 128,   /* changes one issue or a few: the memory for that is fetched at once */
};

struct cmd_call; /* parsed command line */

struct cmd {
    const char *name;
    const char *const *aliases;        /* NULL-terminated, or NULL */
    const char *use;                   /* "show [id…]" behind the program name in usage */
    const char *summary;               /* one line */
    const char *details;               /* long help, NULL = summary */
    const char *examples;              /* NULL or indented lines */
    const char *group;                 /* "Working With Issues" …, NULL = additional */
    int args_min, args_max;            /* args_max -1 = any number */
    const struct cmd_flag *flags;      /* ends with name == NULL; may be NULL */
    const struct cmd *const *children; /* NULL-terminated, or NULL */
    unsigned cls;                      /* enum cmd_class */
    const char *readonly_label;        /* NULL = name */
    const char *no_store_flag;         /* a boolean flag with which it opens no store; NULL: none */
    const char *const *exclusive; /* flag groups "a b c" of which one may be given; NULL-terminated */
    /* Exit status: 0, or what cmd_fail… returned. NULL: group command, prints its help. */
    int (*run)(struct bd *bd, const struct cmd_call *call);
};

/* --- what a run function may ask --- */
size_t cmd_arg_count(const struct cmd_call *c);
const char *cmd_arg(const struct cmd_call *c, size_t i);
const char *const *cmd_args(const struct cmd_call *c);
bool cmd_given(const struct cmd_call *c,
               const char *flag); /* on the command line, even with the default */
bool cmd_bool(const struct cmd_call *c, const char *flag);
int64_t cmd_int(const struct cmd_call *c, const char *flag);
int64_t cmd_duration(const struct cmd_call *c, const char *flag); /* nanoseconds */
double cmd_float(const struct cmd_call *c, const char *flag);
const char *cmd_str(const struct cmd_call *c, const char *flag); /* never NULL */
const char *const *cmd_list(const struct cmd_call *c, const char *flag, size_t *count);
const struct cmd *cmd_of(const struct cmd_call *c);
const char *cmd_path(const struct cmd_call *c);      /* "bd dep add" */
const char *cmd_called_as(const struct cmd_call *c); /* the name or alias that was typed */

/* The text as Go's %q prints it, in the arena. */
char *cmd_quote(struct arena *a, const char *s);

/* --- failing (they print as fail.c says and return the exit status 1) --- */
/* stderr text, or with --json an object on stderr */
int cmd_fail(struct bd *bd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The hint where a command finds no workspace. */
extern const char cmd_hint_no_workspace[];
int cmd_fail_hint(struct bd *bd, const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Where a restore or a roll-back was killed between two renames, nothing stands in the database's place:
 * says so, where it lies and what to do. 0 when that is not so. */
int cmd_fail_interrupted(struct bd *bd, const char *database_dir);
/* stderr text, or with --json an object on stdout ("fatal respecting JSON") */
int cmd_fail_json_stdout(struct bd *bd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int cmd_fail_hint_json_stdout(struct bd *bd, const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* error + usage block, as upstream's error-returning commands */
int cmd_fail_usage(struct bd *bd, const struct cmd_call *c, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* object {code, error} on stderr with --json, else stderr text */
void cmd_warn(struct bd *bd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The table of all top-level commands (bd/cmd/table.c), NULL-terminated, in help order. */
extern const struct cmd *const cmd_table[];

extern const struct cmd cmd_root;

/* Parses and runs; the whole program behind main. Returns the exit status. */
int cmd_main(int argc, char **argv);

#endif
