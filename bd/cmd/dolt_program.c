/*
 * The program under the name `dolt`: what runbooks call on the folder of a database. Here: gc, fsck and
 * version; the folder is the current one, as for dolt.
 */
#include "bd/cmd/collect.h"
#include "bd/cmd/commands.h"

#include "base/os.h"
#include "base/version.h"

static int run_gc(struct bd *bd, const struct cmd_call *c) {
    struct db_gc_options o = {.full = cmd_bool(c, "full")};
    struct db_gc_result r;
    struct err err = ERR_INIT;
    int64_t level = cmd_int(c, "archive-level");
    if (level < 0 || level > 1)
        return cmd_fail(bd, "--archive-level is 0 (table files) or 1 (archives)");
    o.table_files = level == 0;
    int rc = collect_run(bd, ".", o, &r, &err);
    return rc == BD_OK ? 0 : cmd_fail(bd, "%s", err.msg);
}

static const struct cmd gc = {
    .name = "gc",
    .use = "gc [--full]",
    .summary = "Drop what no branch, tag or working set reaches, and pack the rest",
    .args_max = 0,
    .flags =
        (const struct cmd_flag[]){
            {.name = "full",
             .shorthand = 'f',
             .kind = FLAG_BOOL,
             .help = "Pack the old generation anew too"},
            {.name = "archive-level",
             .kind = FLAG_INT,
             .default_text = "1",
             .help = "1 = archives, 0 = table files"},
            {0},
        },
    .cls = CMD_NO_STORE,
    .run = run_gc,
};

static int run_version(struct bd *bd, const struct cmd_call *c) {
    (void)c;
    fprintf(bd->out, "dolt version of bd %s (%s)\n", BD_VERSION, BD_BUILD);
    return 0;
}

static const struct cmd version = {
    .name = "version",
    .use = "version",
    .summary = "Print the version",
    .args_max = 0,
    .cls = CMD_NO_STORE,
    .run = run_version,
};

int dolt_program_prepare(struct bd *bd, const struct cmd_call *c) {
    if (cmd_of(c) == &version)
        return 0;
    if (!os_is_dir(".dolt")) {
        fprintf(bd->err, "The current directory is not a valid dolt repository.\n"
                         "Change to the folder that holds .dolt.\n");
        return 2;
    }
    bd->db_flag = ".";
    return 0;
}

static const struct cmd *const children[] = {&cmd_fsck, &gc, &version, NULL};

const struct cmd cmd_dolt_program = {
    .name = "dolt",
    .use = "dolt [command]",
    .summary = "Look after the database in this folder",
    .details =
        "bd answers to the name dolt for the commands that keep a database in order. Run them in the "
        "folder that holds .dolt.",
    .children = children,
    .cls = CMD_NO_STORE,
};
