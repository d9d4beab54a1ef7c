/*
 * bd doctor: looks at the installation, says what is wrong and what to do next, and mends what it can
 * prove wrong when asked to. Without --fix nothing is written.
 */
#include "bd/cmd/doctor.h"

#include "bd/cmd/commands.h"

#include "base/os.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* bd doctor PATH examines the workspace that belongs to that directory. */
static int choose_path(struct bd *bd, const struct cmd_call *c) {
    const char *path = cmd_arg_count(c) ? cmd_arg(c, 0) : NULL;
    if (!path)
        return 0;
    if (!os_is_dir(path))
        return cmd_fail(bd, "no such directory: %s", path);
    struct workspace_request rq = {.start_dir = workspace_real_path(path, &bd->arena)};
    err_clear(&bd->ws_error);
    workspace_find(&rq, &bd->arena, &bd->ws, &bd->ws_error);
    config_release(&bd->config);
    config_init(&bd->config, &bd->arena, bd->ws.beads_dir);
    fputs(bd->ws.warnings ? bd->ws.warnings : "", bd->err);
    return 0;
}

/* One line on the terminal, from a second on. */
struct meter {
    struct bd *bd;
    int64_t start, last;
};

static bool show_progress(void *ctx, const char *what, uint64_t done, uint64_t total) {
    struct meter *m = ctx;
    int64_t now = datetime_now();
    if (now - m->start < MICROS_PER_SECOND || now - m->last < MICROS_PER_SECOND / 5)
        return true;
    m->last = now;
    if (total)
        fprintf(m->bd->err, "\r%s: %" PRIu64 " of %" PRIu64 "\033[K\r", what, done, total);
    else
        fprintf(m->bd->err, "\r%s: %" PRIu64 "\033[K\r", what, done);
    fflush(m->bd->err);
    return true;
}

void doctor_open(struct bd *bd, const struct cmd_call *c, struct doctor *d) {
    struct err err = ERR_INIT;
    const char *path = cmd_arg_count(c) ? cmd_arg(c, 0) : NULL;
    enum auto_commit policy = AUTO_COMMIT_ON;
    bool quiet_store = bd->ws.beads_dir || bd->ws.direct;
    struct meter *meter = arena_zalloc(&bd->arena, sizeof *meter);
    *meter = (struct meter){bd, datetime_now(), 0};
    bool server = bd->ws.mode && strcmp(bd->ws.mode, "server") == 0;
    int rc = quiet_store && (bd->ws.has_database || server || bd->ws.direct)
                 ? bd_try_open_store(bd, &err)
                 : BD_OK;
    bd_auto_commit(bd, &policy, NULL);
    *d = (struct doctor){
        .arena = &bd->arena,
        .options = {.deep = cmd_bool(c, "deep"),
                    .fix_child_parent = cmd_bool(c, "fix-child-parent"),
                    .orchestrator = cmd_bool(c, "orchestrator"),
                    .duplicates_threshold = cmd_int(c, "orchestrator-duplicates-threshold"),
                    .actor = bd_actor(bd),
                    .commit_mode = policy == AUTO_COMMIT_ON ? TABLES_COMMIT : TABLES_WORKING,
                    .progress = bd->stderr_tty ? show_progress : NULL,
                    .progress_ctx = meter},
        .path = bd->ws.project_dir && *bd->ws.project_dir
                    ? bd->ws.project_dir
                    : workspace_real_path(path ? path : ".", &bd->arena),
        .ws = &bd->ws,
        .config = &bd->config,
        .tables = rc == BD_OK ? bd->ops.tables : NULL,
        .open_error = rc == BD_OK ? (struct err)ERR_INIT : err,
    };
    if (bd->ws.beads_dir && os_exists(arena_printf(&bd->arena, "%s/routes.jsonl", bd->ws.beads_dir)))
        d->options.orchestrator = true;
    doctor_begin(d);
}

void doctor_close(struct bd *bd, struct doctor *d) {
    doctor_end(d);
    if (bd->ops.tables)
        tables_close(bd->ops.tables);
    bd->ops.tables = NULL;
}

void doctor_reopen(struct bd *bd, const struct cmd_call *c, struct doctor *d) {
    doctor_close(bd, d);
    if (!cmd_arg_count(c) || choose_path(bd, c)) {
        struct workspace_request rq = {.db_flag = bd->db_flag, .beads_dir = bd->ws.beads_dir};
        struct workspace again;
        if (workspace_find(&rq, &bd->arena, &again, NULL) == BD_OK)
            bd->ws = again;
        config_release(&bd->config);
        config_init(&bd->config, &bd->arena, bd->ws.beads_dir);
    }
    doctor_open(bd, c, d);
}

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
    int status = choose_path(bd, c);
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
