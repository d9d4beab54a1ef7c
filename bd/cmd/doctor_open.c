/* An examination from its workspace to its end: every form of bd doctor begins and closes here. */
#include "bd/cmd/doctor.h"

#include "base/os.h"
#include "bd/ui/progress.h"

#include <string.h>

int doctor_choose_path(struct bd *bd, const struct cmd_call *c) {
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

/* What is done has its line taken away, since answers may follow. */
static bool show_progress(void *ctx, const char *what, uint64_t done, uint64_t total) {
    struct progress *p = ctx;
    p->what = what;
    if (done < total)
        progress_at(p, done, total);
    else
        progress_pause(p);
    return true;
}

void doctor_open(struct bd *bd, const struct cmd_call *c, struct doctor *d) {
    struct err err = ERR_INIT;
    const char *path = cmd_arg_count(c) ? cmd_arg(c, 0) : NULL;
    enum auto_commit policy = AUTO_COMMIT_ON;
    bool quiet_store = bd->ws.beads_dir || bd->ws.direct;
    struct progress *progress = arena_zalloc(&bd->arena, sizeof *progress);
    progress_begin(progress, bd->err, bd->stderr_tty, "");
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
                    .progress_ctx = progress},
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
    if (!cmd_arg_count(c) || doctor_choose_path(bd, c)) {
        struct workspace_request rq = {.db_flag = bd->db_flag, .beads_dir = bd->ws.beads_dir};
        struct workspace again;
        if (workspace_find(&rq, &bd->arena, &again, NULL) == BD_OK)
            bd->ws = again;
        config_release(&bd->config);
        config_init(&bd->config, &bd->arena, bd->ws.beads_dir);
    }
    doctor_open(bd, c, d);
}
