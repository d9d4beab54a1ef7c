/*
 * bd doctor: looks at the installation, says what is wrong and what to do next, and mends what it can
 * prove wrong when asked to. Without --fix nothing is written.
 */
#include "bd/cmd/doctor.h"

#include "bd/cmd/commands.h"

#include "base/os.h"

#include <stdlib.h>
#include <string.h>

/* The root of a town has rules of its own, which its own doctor knows. */
static bool is_town(struct bd *bd) {
    return bd->ws.project_dir &&
           os_exists(arena_printf(&bd->arena, "%s/.beads/routes.jsonl", bd->ws.project_dir)) &&
           os_exists(arena_printf(&bd->arena, "%s/mayor/town.json", bd->ws.project_dir));
}

static int examine(struct bd *bd, const struct cmd_call *c) {
    struct doctor d;
    struct doctor_repair repair = {0};
    const char *file = cmd_str(c, "output");
    bool fixed = false;
    int status = 0;
    doctor_open(bd, c, &d);
    doctor_run(&d);
    if (cmd_bool(c, "dry-run")) {
        doctor_preview(bd, &d);
    } else if (cmd_bool(c, "fix")) {
        status = doctor_fix(bd, c, &d, &repair, &fixed);
        if (fixed) {
            doctor_reopen(bd, c, &d);
            doctor_run(&d);
        }
    }
    if (*file)
        status = doctor_write_file(bd, &d, file) ? 1 : status;
    if (cmd_bool(c, "agent"))
        doctor_print_agent(bd, &d);
    else if (bd->json)
        doctor_print_json(bd, &d, fixed ? &repair : NULL);
    else if (!*file)
        doctor_print(bd, &d, bd->verbose || cmd_bool(c, "verbose"));
    if (!d.overall_ok)
        status = 1;
    doctor_repair_release(&repair);
    doctor_close(bd, &d);
    return status;
}

static int run(struct bd *bd, const struct cmd_call *c) {
    const char *check = cmd_str(c, "check"), *phase = cmd_str(c, "migration");
    bool writes = cmd_bool(c, "fix") || cmd_bool(c, "clean");
    if (writes && bd->read_only)
        return cmd_fail(bd, "operation 'doctor --%s' is not allowed in read-only mode",
                        cmd_bool(c, "fix") ? "fix" : "clean");
    int status = doctor_choose_path(bd, c);
    if (status)
        return status;
    if (cmd_bool(c, "fix") && is_town(bd))
        return cmd_fail_hint(
            bd, "Run the orchestrator's doctor there, or 'bd doctor --fix' inside one of its projects",
            "refusing to run 'bd doctor --fix' at orchestrator workspace root");
    if (cmd_bool(c, "perf"))
        return doctor_perf(bd, c);
    if (cmd_bool(c, "check-health"))
        return doctor_check_health(bd, c);
    if (*check)
        return doctor_focused(bd, c, check);
    if (cmd_bool(c, "deep") && !cmd_bool(c, "fix") && !cmd_bool(c, "dry-run") &&
        !cmd_bool(c, "agent") && !*cmd_str(c, "output"))
        return doctor_deep(bd, c);
    if (cmd_bool(c, "server"))
        return doctor_server(bd, c);
    if (*phase)
        return doctor_migration(bd, c, phase);
    return examine(bd, c);
}

static const struct cmd_flag flags[] = {
    {.name = "fix", .kind = FLAG_BOOL, .help = "Mend what can be proved wrong (asks first)"},
    {.name = "yes", .shorthand = 'y', .kind = FLAG_BOOL, .help = "Do not ask"},
    {.name = "interactive", .shorthand = 'i', .kind = FLAG_BOOL, .help = "Ask about each fix"},
    {.name = "dry-run", .kind = FLAG_BOOL, .help = "Show what --fix would do"},
    {.name = "fix-child-parent",
     .kind = FLAG_BOOL,
     .help = "With --fix: also remove dependencies of a child on its parent"},
    {.name = "verbose", .shorthand = 'v', .kind = FLAG_BOOL, .help = "Show the checks that pass, too"},
    {.name = "deep", .kind = FLAG_BOOL, .help = "Read everything: each chunk, row and edge"},
    {.name = "check",
     .kind = FLAG_STRING,
     .help = "One subject in detail: artifacts, conventions, pollution or validate",
     .value_name = "name"},
    {.name = "clean",
     .kind = FLAG_BOOL,
     .help = "With --check=artifacts or pollution: take away what was found"},
    {.name = "check-health",
     .kind = FLAG_BOOL,
     .help = "A quick look for hooks: silent when all is well"},
    {.name = "agent", .kind = FLAG_BOOL, .help = "Explain each finding for a coding agent"},
    {.name = "output",
     .shorthand = 'o',
     .kind = FLAG_STRING,
     .help = "Write the result to a JSON file",
     .value_name = "file"},
    {.name = "perf", .kind = FLAG_BOOL, .help = "Measure some operations"},
    {.name = "migration",
     .kind = FLAG_STRING,
     .help = "Is the workspace ready for a migration (pre), or was it complete (post)?",
     .value_name = "pre|post"},
    {.name = "server", .kind = FLAG_BOOL, .help = "Only what concerns a Dolt server"},
    {.name = "orchestrator",
     .kind = FLAG_BOOL,
     .help = "Several workspaces under one roof: tolerate more duplicates"},
    {.name = "orchestrator-duplicates-threshold",
     .kind = FLAG_INT,
     .default_text = "1000",
     .help = "Duplicates tolerated there"},
    {0},
};

const struct cmd cmd_doctor = {
    .name = "doctor",
    .use = "doctor [path]",
    .summary = "Check the installation, and mend it (start here)",
    .details =
        "Looks at the workspace, its database, its files in git and what belongs to them, and says\n"
        "what is wrong and what to do next. Without --fix nothing is written.\n\n"
        "--fix mends what can be proved wrong. It shows the list and asks; -y does not ask, -i asks\n"
        "about each. What a fix replaces or removes is first copied to .beads/backup/doctor-<time>/,\n"
        "and changes of rows are one commit. Running it again changes nothing.\n\n"
        "A warning is silenced with: bd config set doctor.suppress.<name-of-the-check> true. Errors\n"
        "always show. The limits of dolt-noms-size are doctor.noms-warn and doctor.noms-error (2GiB,\n"
        "20GiB).\n\n"
        "The exit status is 1 when there is an error, or a warning that means wrong results.",
    .examples = "  bd doctor\n"
                "  bd doctor --fix\n"
                "  bd doctor --deep\n"
                "  bd doctor --check=pollution\n"
                "  bd doctor --json",
    .group = "Maintenance",
    .args_max = 1,
    .flags = flags,
    .cls = CMD_NO_STORE | CMD_READ_ONLY,
    .run = run,
};
