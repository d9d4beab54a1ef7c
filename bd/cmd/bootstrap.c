/*
 * bd bootstrap: from what a fresh clone brings along to a working tracker. It looks in a fixed order
 * for something to start from, says what it will do, and does it: a database appears complete, with all
 * that the source holds, or not at all. A database that exists is never touched.
 */
#include "base/os.h"
#include "bd/cmd/backup.h"
#include "bd/cmd/bootstrap.h"
#include "bd/cmd/commands.h"
#include "bd/cmd/init.h"
#include "bd/workspace/setup.h"
#include "store/remote/restore.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the plan, for people and programs ---- */

static const char *const actions[] = {"none", "sync", "restore", "jsonl-import", "init"};

static void plan_json(struct bd *bd, const struct bootstrap_plan *p) {
    struct buf out = BUF_INIT;
    struct json_writer w;
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_member_str(&w, "action", actions[p->action]);
    json_member_str(&w, "reason", p->reason);
    json_member_str(&w, "beads_dir", p->beads_dir);
    json_member_str(&w, "database", p->database);
    json_member_str_opt(&w, "sync_remote", p->remote ? remote_shown_url(p->remote, &bd->arena) : NULL);
    json_member_str_opt(&w, "backup_dir", p->backup_dir);
    json_member_str_opt(&w, "jsonl_file", p->jsonl_file);
    json_member_bool(&w, "has_existing", p->has_existing);
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
}

static void plan_text(struct bd *bd, const struct bootstrap_plan *p) {
    switch (p->action) {
    case BOOTSTRAP_NONE:
        if (p->has_existing)
            fprintf(bd->out, "✓ Database already exists: %s\n  Nothing to do.\n", p->beads_dir);
        else
            fprintf(bd->out, "%s\n", p->reason);
        break;
    case BOOTSTRAP_SYNC:
        fprintf(bd->out, "Bootstrap plan: clone from remote\n  Remote: %s\n  Database: %s\n",
                remote_shown_url(p->remote, &bd->arena), p->database);
        break;
    case BOOTSTRAP_RESTORE:
        fprintf(bd->out, "Bootstrap plan: restore from backup\n  Backup dir: %s\n", p->backup_dir);
        break;
    case BOOTSTRAP_IMPORT:
        fprintf(bd->out,
                "Bootstrap plan: import from git-tracked JSONL\n  JSONL file: %s\n  Database: %s\n",
                p->jsonl_file, p->database);
        break;
    case BOOTSTRAP_INIT:
        fprintf(bd->out, "Bootstrap plan: create fresh database\n  Database: %s\n", p->database);
        break;
    }
    fflush(bd->out);
}

/* ---- doing it ---- */

static bool interactive(const struct cmd_call *call) {
    const char *v = getenv("BD_NON_INTERACTIVE"), *ci = getenv("CI");
    if (cmd_bool(call, "yes") || cmd_bool(call, "non-interactive") ||
        (v && (strcmp(v, "1") == 0 || strcmp(v, "true") == 0)) ||
        (ci && (strcmp(ci, "1") == 0 || strcmp(ci, "true") == 0)))
        return false;
    return isatty(STDIN_FILENO) != 0;
}

static bool confirmed(struct bd *bd, const struct cmd_call *call) {
    char answer[64] = "";
    if (!interactive(call))
        return true;
    fprintf(bd->err, "Proceed? [Y/n] ");
    fflush(bd->err);
    if (!fgets(answer, sizeof answer, stdin))
        return false;
    answer[strcspn(answer, "\r\n")] = '\0';
    return !*answer || strcasecmp(answer, "y") == 0 || strcasecmp(answer, "yes") == 0;
}

/* The workspace as init makes it, with what it lacks of settings; files that are there stay. */
static int make_directory(struct init_job *j, bool settings) {
    struct err err = ERR_INIT;
    bool tightened;
    if (setup_directory(j->beads_dir, &tightened, &err))
        return cmd_fail(j->bd, "%s", err.msg);
    if (tightened && !j->bd->quiet)
        fprintf(j->bd->err, "Fixed .beads permissions to 0700\n");
    if (!settings && os_exists(arena_printf(&j->bd->arena, "%s/config.yaml", j->beads_dir)) &&
        !os_exists(arena_printf(&j->bd->arena, "%s/metadata.json", j->beads_dir)))
        return 0; /* a workspace by its config.yaml: the database has the usual name */
    if (setup_gitignore(j->beads_dir, &err) || setup_config(j->beads_dir, &err))
        cmd_warn(j->bd, "%s", err.msg);
    return init_write_metadata(j);
}

static const char *last_part(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static const char *prefix_of(struct bd *bd, const struct bootstrap_plan *p, const struct init_job *j) {
    const char *prefix = j->import ? init_import_prefix(j) : NULL;
    if (!prefix)
        prefix = config_get(&bd->config, "issue-prefix");
    if (prefix && *prefix)
        return prefix;
    if (strcmp(p->database, "beads") != 0)
        return p->database;
    char *name = arena_strdup(&bd->arena, last_part(p->project_dir));
    for (char *c = name; *c; c++)
        *c = *c == '.' || *c == ' ' ? '_' : *c;
    return name + strspn(name, "_-");
}

/* A new database, empty or with an export in it. */
static int create(struct bd *bd, const struct cmd_call *call, const struct bootstrap_plan *p,
                  const char *source) {
    struct init_job j = {.bd = bd,
                         .call = call,
                         .quiet = true,
                         .cwd = p->project_dir,
                         .beads_dir = p->beads_dir,
                         .database = p->database,
                         .database_dir = p->database_dir,
                         .lock_fd = -1,
                         .message = source ? "bd bootstrap: init" : "bd bootstrap"};
    struct metadata m;
    int status = source ? init_import_from(&j, source, "bootstrap") : 0;
    j.prefix = prefix_of(bd, p, &j);
    j.repo_id = setup_repo_id(j.cwd, &bd->arena);
    j.clone_id = setup_clone_id(j.cwd, &bd->arena);
    if (metadata_load(p->beads_dir, &bd->arena, &m, NULL) == BD_OK && *m.project_id)
        j.project_id = m.project_id;
    j.import_message =
        source ? arena_printf(&bd->arena, "bd bootstrap: import from %s", last_part(source)) : NULL;
    if (status == 0)
        status = make_directory(&j, false);
    if (status == 0)
        status = init_database(&j);
    if (status == 0 && source)
        init_import_report(&j, bd->err, "");
    else if (status == 0)
        fprintf(bd->err, "Created fresh database with prefix %s\n", cmd_quote(&bd->arena, j.prefix));
    init_import_free(j.import);
    return status;
}

/* A failed start with what else the workspace has to start from. */
static int fail_beside(struct bd *bd, const struct bootstrap_plan *p, bool backup,
                       const char *message) {
    struct arena *a = &bd->arena;
    struct stat st;
    const char *export = arena_printf(a, "%s/issues.jsonl", p->beads_dir);
    if (backup && os_exists(arena_printf(a, "%s/backup/manifest", p->beads_dir)))
        return cmd_fail_hint(
            bd, arena_printf(a, "'bd backup restore' takes the backup in %s/backup", p->beads_dir),
            "%s", message);
    if (os_stat(export, &st) == 0 && st.st_size > 0)
        return cmd_fail_hint(
            bd,
            arena_printf(a,
                         "'bd init --from-jsonl%s' starts from %s instead, without the "
                         "history",
                         backup ? " --remote \"\"" : "", export),
            "%s", message);
    return cmd_fail(bd, "%s", message);
}

static int restore(struct bd *bd, const struct cmd_call *call, const struct bootstrap_plan *p) {
    struct backup_restored done;
    struct err err = ERR_INIT;
    if (!p->dolt_backup) {
        int status = create(bd, call, p, p->backup_dir);
        if (status == 0 && p->jsonl_file)
            fprintf(bd->err, "%s is there too; 'bd import' adds what it has beyond the backup\n",
                    p->jsonl_file);
        return status;
    }
    if (backup_restore(bd, arena_printf(&bd->arena, "file://%s", p->backup_dir), false, &done, &err))
        return fail_beside(
            bd, p, false,
            arena_printf(&bd->arena, "Bootstrap failed: restore from backup: %s. Nothing was created",
                         err.msg));
    struct init_job j = {.bd = bd, .call = call, .beads_dir = p->beads_dir, .database = p->database};
    j.project_id = done.project_id;
    int status = make_directory(&j, true);
    backup_adopt_project(bd, done.project_id);
    if (status == 0)
        fprintf(bd->err, "Restored from backup: %" PRIu64 " issues\n", done.issues);
    return status;
}

static int sync_remote(struct bd *bd, const struct cmd_call *call, const struct bootstrap_plan *p) {
    struct restore r = RESTORE_INIT;
    struct remote *source;
    struct progress progress;
    struct err err = ERR_INIT;
    const char *aside;
    int rc = remote_open(&source, p->remote, 0, &err);
    if (rc == BD_OK) {
        progress_begin(&progress, bd->err, bd->stderr_tty && !bd->quiet, "Cloning");
        struct pull_options options = backup_progress(&progress);
        rc =
            restore_clone(&r, source, p->database_dir, p->remote, "origin", NULL, &options, NULL, &err);
        if (rc == BD_OK)
            rc = restore_publish(&r, false, &bd->arena, &aside, &err);
        restore_release(&r);
        progress_end(&progress);
        remote_close(source);
    }
    if (rc == BD_UNSUPPORTED)
        return cmd_fail_hint(
            bd,
            "'bd init --remote \"\"' or a JSONL export ('bd init --from-jsonl') starts without the "
            "remote",
            "Bootstrap failed: %s; cloning from there comes with a later version. Nothing was created",
            err.msg);
    if (rc != BD_OK)
        return fail_beside(
            bd, p, true,
            arena_printf(&bd->arena,
                         "Bootstrap failed: failed to clone remote %s: %s. Nothing was created",
                         cmd_quote(&bd->arena, remote_shown_url(p->remote, &bd->arena)), err.msg));
    struct init_job j = {.bd = bd,
                         .call = call,
                         .beads_dir = p->beads_dir,
                         .database = p->database,
                         .database_dir = p->database_dir};
    init_adopt_identity(&j);
    const char *project_id = j.project_id;
    int status = make_directory(&j, true);
    if (status)
        return status;
    backup_adopt_project(bd, project_id);
    if (config_file_set(p->beads_dir, "sync.remote", remote_shown_url(p->remote, &bd->arena), &err))
        cmd_warn(bd, "sync.remote could not be noted in config.yaml: %s", err.msg);
    fprintf(bd->err, "Synced database from %s\n", remote_shown_url(p->remote, &bd->arena));
    return 0;
}

static int execute(struct bd *bd, const struct cmd_call *call, const struct bootstrap_plan *p) {
    switch (p->action) {
    case BOOTSTRAP_SYNC: return sync_remote(bd, call, p);
    case BOOTSTRAP_RESTORE: return restore(bd, call, p);
    case BOOTSTRAP_IMPORT: return create(bd, call, p, p->jsonl_file);
    case BOOTSTRAP_INIT: return create(bd, call, p, NULL);
    case BOOTSTRAP_NONE: break;
    }
    return 0;
}

/* Under the lock: does the plan still hold? Whoever was here first may have made the database. */
static int execute_locked(struct bd *bd, const struct cmd_call *call, struct bootstrap_plan *p) {
    struct err err = ERR_INIT;
    bool settled;
    int lock;
    const char *lock_path = arena_printf(&bd->arena, "%s/embeddeddolt/.lock", p->beads_dir);
    bool ours = !os_exists(lock_path), had_beads = os_is_dir(p->beads_dir),
         had_data = os_is_dir(p->data_dir);
    bd->ws.beads_dir = p->beads_dir;
    bd->ws.project_dir = p->project_dir;
    bd->ws.database_name = p->database;
    bd->ws.database_dir = p->database_dir;
    int status = backup_lock(bd, &lock);
    if (status)
        return status;
    if (restore_settle(p->database_dir, &settled, &err))
        status = cmd_fail(bd, "Bootstrap failed: %s", err.msg);
    else if (settled)
        fprintf(bd->err, "Put the database in its place that an interrupted restore had completed\n");
    else if (bootstrap_has_database(bd, p->beads_dir))
        fprintf(bd->err, "Another process made the database meanwhile; nothing was done\n");
    else
        status = execute(bd, call, p);
    if (ours)
        os_unlink(lock_path);
    os_close(lock);
    if (status && !had_data)
        os_rmdir(p->data_dir); /* only when nothing is in it */
    if (status && !had_beads)
        os_rmdir(p->beads_dir);
    return status;
}

static int no_workspace(struct bd *bd) {
    struct buf out = BUF_INIT;
    struct json_writer w;
    if (!bd->json) {
        fprintf(
            bd->err,
            "No active beads workspace found.\nHint: %s\nBootstrap is for existing projects that need "
            "database setup.\n",
            cmd_hint_no_workspace);
        return 1;
    }
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_member_str(&w, "action", "none");
    json_member_str(&w, "reason", "no active beads workspace found");
    json_member_str(&w, "suggestion", cmd_hint_no_workspace);
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
    return 1;
}

static int run(struct bd *bd, const struct cmd_call *call) {
    struct bootstrap_plan plan;
    if (!bootstrap_find(bd, &plan))
        return no_workspace(bd);
    if (cmd_fail_interrupted(bd, plan.database_dir))
        return 1;
    bootstrap_detect(bd, &plan);
    if (bd->json)
        plan_json(bd, &plan);
    else
        plan_text(bd, &plan);
    if (plan.action == BOOTSTRAP_NONE)
        return plan.has_existing ? 0 : 1;
    if (cmd_bool(call, "dry-run"))
        return 0;
    if (bd->read_only)
        return cmd_fail(bd, "operation 'bootstrap' is not allowed in read-only mode");
    if (!confirmed(bd, call)) {
        fprintf(bd->err, "Aborted.\n");
        return 0;
    }
    return execute_locked(bd, call, &plan);
}

const struct cmd cmd_bootstrap = {
    .name = "bootstrap",
    .use = "bootstrap",
    .summary = "Set up the database of a fresh clone, from whatever there is",
    .group = "Setup & Configuration",
    .details =
        "Makes a working tracker of a clone that has no database yet. It starts from the first of "
        "these that "
        "exists:\n"
        "  the remote that sync.remote names, or the database that git's origin keeps\n"
        "  a backup in .beads/backup (of 'bd backup', or the .jsonl files of older versions)\n"
        "  the export .beads/issues.jsonl (or what import.path names)\n"
        "and makes an empty database otherwise. A database that exists is never touched, replaced or "
        "merged into.\n\n"
        "The database appears complete or not at all; run the command again after an interruption.",
    .examples = "  bd bootstrap\n  bd bootstrap --dry-run\n  bd bootstrap --yes --json",
    .args_max = -1,
    .flags =
        (const struct cmd_flag[]){
            {.name = "dry-run", .kind = FLAG_BOOL, .help = "Show the plan, change nothing"},
            {.name = "yes", .shorthand = 'y', .kind = FLAG_BOOL, .help = "Do not ask"},
            {.name = "non-interactive", .kind = FLAG_BOOL, .help = "Do not ask"},
            {0},
        },
    .cls = CMD_NO_STORE,
    .run = run,
};
