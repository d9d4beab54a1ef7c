/* bd export: issues (and memories) as JSON lines. */
#include "bd/cmd/commands.h"
#include "bd/cmd/export_lines.h"

#include <string.h>

static int run(struct bd *bd, const struct cmd_call *call) {
    const char *path = cmd_str(call, "output");
    struct export_options options = {.all = cmd_bool(call, "all"),
                                     .include_infra = cmd_bool(call, "include-infra"),
                                     .scrub = cmd_bool(call, "scrub")};
    bool memories =
        (options.all || cmd_bool(call, "include-memories")) && !cmd_bool(call, "no-memories");
    struct export_counts counts;
    struct err err = ERR_INIT;
    if (export_lines(bd, *path ? path : NULL, &options, memories, &counts, &err))
        return cmd_fail_usage(bd, call, "%s", err.msg);
    if (!*path)
        return 0;
    if (counts.memories)
        fprintf(bd->err, "Exported %zu issues and %zu memories to %s\n", counts.issues, counts.memories,
                path);
    else
        fprintf(bd->err, "Exported %zu issues to %s\n", counts.issues, path);
    return 0;
}

const struct cmd cmd_export = {
    .name = "export",
    .use = "export [flags]",
    .summary = "Export issues as JSON lines",
    .group = "Sync & Data",
    .details = "Writes one JSON object per line: every issue with its labels, dependencies and "
               "comments. 'bd import' reads the\n"
               "same lines back. Without flags the regular issues are written; infrastructure (agents, "
               "rigs, roles, messages),\n"
               "templates, wisps and memories only when asked for.\n\n"
               "A file given with -o appears complete or not at all. An export is no backup: history, "
               "branches and settings\n"
               "are not in it ('bd backup' keeps those).",
    .examples = "  bd export\n  bd export -o issues.jsonl\n  bd export --all -o everything.jsonl",
    .args_max = -1,
    .flags =
        (const struct cmd_flag[]){
            {.name = "output",
             .shorthand = 'o',
             .kind = FLAG_STRING,
             .help = "Write to this file (default: standard output)"},
            {.name = "all",
             .kind = FLAG_BOOL,
             .help = "Everything: infrastructure, templates, wisps, memories"},
            {.name = "include-infra",
             .kind = FLAG_BOOL,
             .help = "Infrastructure too (agents, rigs, roles, messages)"},
            {.name = "scrub",
             .kind = FLAG_BOOL,
             .help = "Leave out issues whose title looks like a test"},
            {.name = "include-memories", .kind = FLAG_BOOL, .help = "Memories too"},
            {.name = "no-memories",
             .kind = FLAG_BOOL,
             .help = "No memories (the default)",
             .hidden = true},
            {0},
        },
    .cls = CMD_READ_ONLY,
    .run = run,
};
