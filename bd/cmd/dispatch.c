/*
 * From argv to a run function and back: parse, help, global flags, guards, opening the store, running,
 * and the steps after a successful command. Standard output is written in large pieces; when that
 * fails, the exit status says so.
 */
#include "bd/cmd/auto_collect.h"
#include "bd/cmd/auto_export.h"
#include "bd/cmd/commands.h"
#include "bd/cmd/parse.h"
#include "bd/cmd/retention.h"

#include "base/crypto.h"
#include "base/datetime.h"
#include "base/version.h"
#include "bd/ui/ink.h"
#include "bd/ui/terminal.h"
#include "bd/ui/text.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STDOUT_BUFFER ((size_t)1 << 16)

static int run_root(struct bd *bd, const struct cmd_call *call) {
    if (cmd_bool(call, "version")) {
        fprintf(bd->out, "bd version %s (%s)\n", BD_VERSION, BD_BUILD);
        return 0;
    }
    struct buf text = BUF_INIT;
    cmd_help(&text, call);
    fwrite(buf_str(&text), 1, text.size, bd->out);
    buf_release(&text);
    return 0;
}

const struct cmd cmd_root = {
    .name = "bd",
    .use = "bd [flags]",
    .summary = "Issue tracker for coding agents",
    .details = "bd keeps issues, their dependencies and their whole history in a versioned database "
               "beside your code.",
    .args_max = -1,
    .flags =
        (const struct cmd_flag[]){
            {.name = "version", .shorthand = 'V', .kind = FLAG_BOOL, .help = "Print the version"},
            {0},
        },
    .children = cmd_table,
    .cls = CMD_NO_STORE,
    .run = run_root,
};

/* ---- before the command ---- */

static void unknown_command(struct bd *bd, const struct cmd_call *c) {
    const char **near;
    const char *typed = cmd_arg(c, 0);
    size_t n = cmd_suggest(&bd->arena, c->chain[0], typed, &near);
    fprintf(bd->err, "Error: unknown command %s for \"%s\"\n", cmd_quote(&bd->arena, typed), c->path);
    if (n)
        fprintf(bd->err, "\nDid you mean this?\n");
    for (size_t i = 0; i < n; i++)
        fprintf(bd->err, "\t%s\n", near[i]);
    fprintf(bd->err, "%sRun '%s --help' for usage.\n", n ? "\n" : "", c->path);
}

static const char *given(const struct cmd_call *c, const char *flag) {
    return cmd_given(c, flag) ? cmd_str(c, flag) : NULL;
}

/* A global flag, even where the command has one of its own with that name. */
static bool global_bool(const struct cmd_call *c, const char *flag) {
    for (size_t i = 0; i < c->value_count; i++) {
        const struct cmd_flag *f = c->values[i].flag;
        bool global = f >= cmd_global_flags && strcmp(f->name, flag) == 0;
        for (const struct cmd_flag *g = cmd_global_flags; global && g->name; g++)
            if (g == f)
                return c->values[i].i != 0;
    }
    return false;
}

static void take_flags(struct bd *bd, const struct cmd_call *c) {
    bd->db_flag = given(c, "db");
    bd->actor_flag = given(c, "actor");
    bd->directory_flag = given(c, "directory");
    bd->auto_commit_flag = given(c, "dolt-auto-commit");
    bd->quiet = cmd_bool(c, "quiet");
    bd->verbose = cmd_bool(c, "verbose");
    bd->sandbox = cmd_bool(c, "sandbox");
    bd->global = global_bool(c, "global");
    bd->json = global_bool(c, "json");
    if (cmd_bool(c, "ignore-schema-skew"))
        setenv("BD_IGNORE_SCHEMA_SKEW", "1", 1);
}

/* What flags, environment and files say together. The workspace is known by now. */
static void take_settings(struct bd *bd, const struct cmd_call *c) {
    bool alias = cmd_given(c, "format") && strcasecmp(cmd_str(c, "format"), "json") == 0;
    bool own_format = false;
    for (const struct cmd_flag *f = cmd_of(c)->flags; f && f->name; f++)
        own_format = own_format || strcmp(f->name, "format") == 0;
    if (alias && !own_format)
        bd->json = true;
    if (!cmd_given(c, "json") && !(cmd_given(c, "format") && !own_format))
        bd->json = config_bool(&bd->config, "json");
    bd->read_only =
        cmd_given(c, "readonly") ? global_bool(c, "readonly") : config_bool(&bd->config, "readonly");
}

static bool is_config_of(const struct cmd_call *c, const char *key) {
    return c->depth > 2 && strcmp(c->chain[1]->name, "config") == 0 && c->arg_count &&
           strncmp(c->args[0], key, strlen(key)) == 0;
}

static int prepare(struct bd *bd, const struct cmd_call *c) {
    static const char *const removed[] = {"BD_BACKEND", "BD_DATABASE_BACKEND"};
    struct err err = ERR_INIT;
    take_flags(bd, c);
    for (size_t i = 0; i < sizeof removed / sizeof *removed; i++) {
        const char *v = getenv(removed[i]);
        if (v && *v)
            return cmd_fail(
                bd,
                "%s env var is not supported and has been removed to prevent data fragmentation.\n"
                "The storage backend is set in .beads/metadata.json. To change it, use: bd migrate "
                "dolt",
                removed[i]);
    }
    int rc = bd_find_workspace(bd);
    if (rc)
        return rc;
    take_settings(bd, c);
    const char *warning = config_warning(&bd->config);
    if (warning)
        cmd_warn(bd, "%s", warning);
    enum auto_commit policy;
    if (bd_auto_commit(bd, &policy, &err) && !is_config_of(c, "dolt.auto-commit")) {
        if (bd->auto_commit_flag || strcmp(cmd_of(c)->name, "doctor") != 0)
            return cmd_fail(bd, "%s", err.msg);
        bd->auto_commit_flag = "on"; /* the doctor names wrong settings; it cannot stumble over one */
    }
    return 0;
}

/* ---- the program ---- */

#define BRIEF_MEMORY ((size_t)400 << 10) /* what the change of one issue among 10,000 takes */

/* Memory, mappings and locks go with the process, faster than one by one; those who count them insist.
 */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define CLOSES_AT_END true
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(CLOSES_AT_END)
#define CLOSES_AT_END true
#endif
#ifndef CLOSES_AT_END
#define CLOSES_AT_END false
#endif

static int run(struct bd *bd, const struct cmd_call *c) {
    const struct cmd *cmd = cmd_of(c);
    struct err err = ERR_INIT;
    bool opens = !(cmd->cls & CMD_NO_STORE) && !(cmd->no_store_flag && cmd_bool(c, cmd->no_store_flag));
    if (cmd_check_args(c, &err))
        return cmd_fail_usage(bd, c, "%s", err.msg);
    int rc = 0;
    if (c->chain[0] == &cmd_dolt_program)
        rc = dolt_program_prepare(bd, c);
    else if (cmd != &cmd_root)
        rc = prepare(bd, c);
    if (rc)
        return rc;
    if (cmd_check_flags(c, &err))
        return cmd_fail_usage(bd, c, "%s", err.msg);
    if ((cmd->cls & CMD_WRITES) && bd->read_only)
        return cmd_fail(bd, "operation '%s' is not allowed in read-only mode",
                        cmd->readonly_label ? cmd->readonly_label : cmd->name);
    for (size_t i = 0; i < c->value_count; i++)
        if (c->values[i].given && c->values[i].flag->deprecated)
            fprintf(bd->err, "Flag --%s has been deprecated, %s\n", c->values[i].flag->name,
                    c->values[i].flag->deprecated);
    bd->command_writes = (cmd->cls & CMD_WRITES) != 0;
    if (cmd->cls & CMD_BRIEF)
        mem_expect(BRIEF_MEMORY);
    if (bd->command_writes)
        crypto_start();
    bd->store_read_only = (cmd->cls & CMD_READ_ONLY) != 0;
    if (opens && !((cmd->cls & CMD_OPTIONAL_STORE) && !bd->ws.beads_dir && !bd->ws.direct)) {
        if ((rc = bd_open_store(bd)))
            return rc;
        if (bd->command_writes && cmd != &cmd_import)
            auto_import(bd);
        else if (!bd->command_writes)
            auto_import_hint(bd);
    }
    rc = cmd->run(bd, c);
    return rc ? rc : bd_after_command(bd, cmd->name);
}

static int run_parsed(struct bd *bd, const struct cmd *root, int argc, char **argv) {
    struct cmd_call call;
    struct err err = ERR_INIT;
    struct buf text = BUF_INIT;
    int code = cmd_parse(&bd->arena, root, argc, argv, &call, &err);
    const struct cmd *cmd = cmd_of(&call);
    if (code)
        return cmd_fail_usage(bd, &call, "%s", err.msg);
    if (cmd == root && call.arg_count) {
        unknown_command(bd, &call);
        return 1;
    }
    if (call.help || !cmd->run) {
        cmd_help(&text, &call);
        fwrite(buf_str(&text), 1, text.size, bd->out);
        buf_release(&text);
        return 0;
    }
    int64_t start = cmd_bool(&call, "profile") ? datetime_now() : 0;
    int rc = run(bd, &call);
    if (start)
        fprintf(bd->err, "%s: %" PRId64 " us\n", call.path, datetime_now() - start);
    return rc;
}

int cmd_main(int argc, char **argv) {
    const char *name = argc > 0 && argv[0] ? argv[0] : "bd";
    const char *slash = strrchr(name, '/');
    name = slash ? slash + 1 : name;
    if (strcmp(name, "gt") == 0) {
        fputs("Error: this bd does not answer to the name 'gt' yet; call it as 'bd'\n", stderr);
        return 1;
    }
    signal(SIGPIPE, SIG_IGN);
    struct bd bd;
    memset(&bd, 0, sizeof bd);
    bd.out = stdout;
    bd.err = stderr;
    bd.stdout_tty = isatty(STDOUT_FILENO) != 0;
    if (bd.stdout_tty && (bd.out = terminal_stream(STDOUT_FILENO)) == NULL)
        bd.out = stdout;
    bd.stderr_tty = isatty(STDERR_FILENO) != 0;
    bd.color = ink_wanted(bd.stdout_tty);
    if (!bd.stdout_tty)
        setvbuf(stdout, NULL, _IOFBF, STDOUT_BUFFER);
    int rc = run_parsed(&bd, strcmp(name, "dolt") == 0 ? &cmd_dolt_program : &cmd_root, argc, argv);
    if (rc == 0) {
        auto_retention(&bd);
        auto_collect(&bd);
    }
    if (CLOSES_AT_END)
        bd_close(&bd);
    if (fflush(bd.out) || ferror(bd.out))
        rc = rc ? rc : 1;
    if (bd.out != stdout)
        fclose(bd.out);
    return rc;
}
