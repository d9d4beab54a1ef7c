/*
 * bd backup restore: the database of a backup into this workspace. The backup is read, checked chunk by
 * chunk and opened before anything here changes; a database that is here is never removed.
 */
#include "base/os.h"
#include "bd/cmd/backup.h"
#include "bd/ui/ink.h"
#include "schema/schema.h"
#include "store/db/repo_state.h"
#include "store/remote/refs.h"
#include "store/remote/restore.h"

#include <inttypes.h>
#include <string.h>

/* ---- looking at what was built ---- */

static int read_facts(struct tables *t, struct bd *bd, struct backup_restored *out, struct err *err) {
    static const char *const columns[] = {"value"};
    struct cell key = cell_text("_project_id"), value = cell_null();
    struct tables_txn *x;
    int rc = tables_read_begin(t, &x, err);
    if (rc != BD_OK)
        return rc;
    rc = tables_count_all(x, "issues", NULL, &out->issues, err);
    if (rc == BD_OK && tables_has_table(x, "metadata") &&
        tables_get(x, "metadata", &key, 1, columns, 1, &bd->arena, &value, NULL) == BD_OK &&
        cell_has_text(&value))
        out->project_id = cell_format(&value, &bd->arena);
    tables_read_end(x);
    return rc;
}

/* Does it open, is it a tracker's database, can its issues be counted? */
static int inspect(struct bd *bd, const char *dir, struct backup_restored *out, struct err *err) {
    struct tables_open open = {.dir = dir, .flags = TABLES_READ_ONLY};
    struct schema_state state;
    struct err why = ERR_INIT;
    struct tables *t;
    int rc = tables_open_embedded(&t, &open, err);
    if (rc != BD_OK)
        return rc;
    rc = schema_check(t, &state, err);
    if (rc == BD_OK && !state.is_tracker) {
        schema_explain(&state, &why);
        rc = err_set(err, BD_INVALID, "it is no issue database: %s", why.msg);
    }
    if (rc == BD_OK)
        rc = read_facts(t, bd, out, err);
    tables_close(t);
    return rc;
}

/* Remotes and backups that were registered here stay registered. */
static void keep_addresses(struct bd *bd, const char *from, const char *to) {
    for (enum repo_list list = REPO_REMOTES; list <= REPO_BACKUPS; list++) {
        struct repo_address *entries;
        size_t count;
        if (repo_state_list(from, list, &bd->arena, &entries, &count, NULL))
            continue;
        for (size_t i = 0; i < count; i++)
            repo_state_put(to, list, &entries[i], NULL);
    }
}

/* What is here and not in the backup. A database that cannot be read has nothing to compare. */
static void compare(struct bd *bd, struct remote *backup, struct backup_restored *out) {
    struct remote *ours;
    if (remote_open_dir(&ours, bd->ws.database_dir, 0, NULL) != BD_OK)
        return;
    if (remote_newer(ours, backup, &bd->arena, &out->newer, &out->newer_count, NULL) != BD_OK)
        out->newer_count = 0;
    remote_close(ours);
}

/* ---- restoring ---- */

int backup_restore(struct bd *bd, const char *source, bool replace, struct backup_restored *out,
                   struct err *err) {
    struct restore r = RESTORE_INIT;
    struct remote *backup;
    struct progress p;
    const char *dir = bd->ws.database_dir;
    bool settled;
    *out = (struct backup_restored){0};
    int rc = remote_open(&backup, source, 0, err);
    if (rc != BD_OK)
        return rc;
    progress_begin(&p, bd->err, bd->stderr_tty && !bd->quiet, "Restoring");
    struct pull_options options = backup_progress(&p);
    rc = restore_settle(dir, &settled, err);
    if (rc == BD_OK && os_exists(dir)) {
        compare(bd, backup, out);
        if (!replace)
            rc = err_set(err, BD_EXISTS, "database '%s' already exists%s", bd->ws.database_name,
                         out->newer_count ? " and holds changes that the backup does not have" : "");
    }
    if (rc == BD_OK)
        rc = restore_build(&r, backup, dir, &options, &out->stats, err);
    if (rc == BD_OK)
        rc = inspect(bd, r.built, out, err);
    if (rc == BD_OK) {
        keep_addresses(bd, dir, r.built);
        rc = restore_publish(&r, replace, &bd->arena, &out->aside, err);
    }
    restore_release(&r);
    progress_end(&p);
    remote_close(backup);
    return rc;
}

void backup_adopt_project(struct bd *bd, const char *project_id) {
    struct err err = ERR_INIT;
    struct metadata m;
    int rc = metadata_load(bd->ws.beads_dir, &bd->arena, &m, &err);
    if (!project_id || (rc != BD_OK && rc != BD_NOT_FOUND) ||
        (rc == BD_OK && strcmp(m.project_id, project_id) == 0))
        return;
    if (rc == BD_NOT_FOUND) {
        m.database = m.backend = "dolt";
        m.dolt_mode = "embedded";
        m.dolt_database = bd->ws.database_name;
    }
    m.project_id = project_id;
    if (metadata_save(bd->ws.beads_dir, &m, &err))
        cmd_warn(bd, "the project id of metadata.json could not be set: %s", err.msg);
}

static void report(struct bd *bd, const struct backup_restored *done, const char *url) {
    struct buf out = BUF_INIT;
    struct json_writer w;
    if (done->newer_count && !bd->quiet) {
        cmd_warn(bd, "the database that was replaced held changes that the backup does not have:");
        for (size_t i = 0; i < done->newer_count; i++)
            fprintf(bd->err, "  %s\n", done->newer[i]);
    }
    if (bd->json) {
        bd_json_begin(bd, &w, &out, true);
        json_object(&w);
        json_member_bool(&w, "restored", true);
        json_member_str(&w, "source", url);
        json_member_int(&w, "issues", (int64_t)done->issues);
        json_member_str_opt(&w, "previous_database", done->aside);
        json_object_end(&w);
        bd_json_end(bd, &w, &out);
        return;
    }
    fprintf(bd->out, "%s Restore complete\n", ink_text(&bd->arena, bd->color, INK_PASS, "✓"));
    bd_say(bd, "  Issues: %" PRIu64 "\n", done->issues);
    if (done->aside)
        bd_say(bd, "  The database that was here is kept: %s\n", done->aside);
}

static int run(struct bd *bd, const struct cmd_call *call) {
    struct backup_restored done;
    struct err err = ERR_INIT;
    int lock;
    if (!bd->ws.beads_dir)
        return cmd_fail_hint(
            bd, "run 'bd where' to see which workspace is in use; 'bd bootstrap' sets one up",
            "database is not initialized: there is no .beads directory here");
    if (strcmp(bd->ws.mode, "server") == 0)
        return cmd_fail(bd, "%s uses a Dolt server; a backup is restored by that server",
                        bd->ws.beads_dir);
    const char *dir = cmd_arg_count(call) ? cmd_arg(call, 0) : backup_default_dir(bd);
    const char *url = backup_url(bd, dir), *path = remote_file_path(url, &bd->arena);
    if (path && !os_exists(path) && cmd_arg_count(call))
        return cmd_fail_usage(
            bd, call,
            "backup directory not found: %s\nIt may be on a disk that is not mounted; 'bd backup "
            "status' shows the place in use",
            path);
    int status = backup_lock(bd, &lock);
    if (status)
        return status;
    int rc = backup_restore(bd, url, cmd_bool(call, "force"), &done, &err);
    if (rc == BD_OK) {
        backup_adopt_project(bd, done.project_id);
        if (backup_register(bd, url, &err))
            cmd_warn(bd, "restored, but the backup could not be registered: %s", err.msg);
        report(bd, &done, url);
    }
    os_close(lock);
    if (rc == BD_EXISTS)
        return cmd_fail_usage(
            bd, call, "restore from backup %s: %s. Nothing was changed. See 'bd backup restore --help'",
            url, err.msg);
    if (rc != BD_OK)
        return cmd_fail_usage(bd, call, "restore from backup %s: %s. Nothing was changed", url,
                              err.msg);
    return 0;
}

const struct cmd cmd_backup_restore = {
    .name = "restore",
    .use = "restore [path]",
    .summary = "Put the database of a backup into this workspace",
    .details =
        "Reads a backup made by 'bd backup sync' or by Dolt (without a path: .beads/backup), checks "
        "every "
        "piece of it, and\n"
        "puts it into this workspace. Where a database exists already this is refused; with --force "
        "the "
        "backup takes its\n"
        "place, and what was there is kept beside it, in a place that is told. A backup that is "
        "damaged, incomplete or\n"
        "no issue database changes nothing.",
    .examples = "  bd backup restore /mnt/usb/beads-backup",
    .args_max = 1,
    .flags =
        (const struct cmd_flag[]){
            {.name = "force",
             .kind = FLAG_BOOL,
             .help = "Replace the database that is here (it is kept aside)"},
            {0},
        },
    .cls = CMD_NO_STORE | CMD_WRITES,
    .readonly_label = "backup restore",
    .run = run,
};
