/*
 * Opening the workspace's database and what belongs to it: is it this workspace's own, is its schema
 * one this program can write, and the commit after a command that asked for one. Opening for reading
 * never writes the database. An older schema is read and written as it is; only `bd migrate` changes
 * it.
 */
#include "bd/cmd/auto_export.h"
#include "bd/cmd/backup.h"
#include "bd/cmd/cmd.h"

#include "base/os.h"
#include "base/version.h"
#include "migrate/migrate.h"
#include "schema/schema.h"
#include "store/remote/interrupted.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

const char cmd_hint_no_workspace[] =
    "run 'bd where' to inspect the resolved workspace, or 'bd init' to create a new database";

/* A workspace of the time before Dolt is not touched unless somebody says so. */
static int old_database(struct bd *bd, const char *path) {
    return cmd_fail_hint(
        bd,
        "run 'bd migrate --to-dolt' to bring its issues in (it makes a backup first, and "
        "'--dry-run' shows what it would do)",
        "this workspace has the SQLite database of an older bd (%s), not yet migrated", path);
}

/* A database beside the one that is missing, NULL for none. */
static const char *other_database(struct bd *bd) {
    const char *found = NULL;
    DIR *d =
        bd->ws.has_metadata && bd->ws.data_dir && *bd->ws.data_dir ? opendir(bd->ws.data_dir) : NULL;
    for (struct dirent *e; d && !found && (e = readdir(d));)
        if (e->d_name[0] != '.' &&
            os_is_dir(arena_printf(&bd->arena, "%s/%s/.dolt", bd->ws.data_dir, e->d_name)))
            found = arena_strdup(&bd->arena, e->d_name);
    if (d)
        closedir(d);
    return found;
}

int cmd_fail_interrupted(struct bd *bd, const char *database_dir) {
    struct interrupted half;
    if (!interrupted_find(database_dir, &bd->arena, &half))
        return 0;
    return cmd_fail_hint(bd, "'bd doctor --fix' puts it in its place; nothing is removed by that",
                         "the database %s was being replaced when that was interrupted, so nothing "
                         "stands there now; it lies, complete, in %s%s%s",
                         half.place, half.ready, half.former ? ", and what stood there before in " : "",
                         half.former ? half.former : "");
}

static int no_database(struct bd *bd) {
    const char *old;
    if (bd->ws.database_dir && cmd_fail_interrupted(bd, bd->ws.database_dir))
        return 1;
    if (bd->ws.beads_dir && !bd->ws.database_given &&
        legacy_find(bd->ws.beads_dir, &bd->arena, &old, NULL) == BD_OK)
        return old_database(bd, old);
    if (bd->db_flag && bd->ws_error.code)
        fprintf(bd->err, "Error: no beads database found (%s)\n", bd->ws_error.msg);
    else
        fprintf(bd->err, "Error: no beads database found\n");
    const char *other = other_database(bd);
    if (other)
        fprintf(bd->err,
                "Hint: metadata.json names the database %s, which is not there, but there is %s; 'bd "
                "doctor' tells how to go on\n",
                bd->ws.database_name, other);
    else if (bd->ws.beads_dir && !bd->ws.database_given &&
             os_exists(arena_printf(&bd->arena, "%s/metadata.json", bd->ws.beads_dir)))
        fprintf(bd->err,
                "Hint: in a fresh clone, 'bd bootstrap' makes the database from what came with it\n");
    fprintf(bd->err, "Hint: %s\n      or set BEADS_DIR to point to your .beads directory\n",
            cmd_hint_no_workspace);
    return 1;
}

/*
 * Keeps .local_version at the version that was last used here; without the right to write, nothing
 * happens, nor for a database that --db names, whatever workspace it lies in.
 */
static void track_version(struct bd *bd) {
    static const char line[] = BD_VERSION "\n";
    char *data = NULL;
    size_t size = 0;
    if (!bd->ws.beads_dir || bd->ws.database_given)
        return;
    const char *path = arena_printf(&bd->arena, "%s/.local_version", bd->ws.beads_dir);
    bool same = os_read_file(path, 256, &data, &size) == 0 && size == sizeof line - 1 &&
                memcmp(data, line, size) == 0;
    free(data);
    if (!same && !bd->read_only)
        os_write_file_atomic(path, line, sizeof line - 1, 0600);
}

static int metadata_value(struct tables_txn *x, const char *key, struct arena *a, const char **value) {
    static const char *const columns[] = {"value"};
    struct cell k = cell_text(key), v = cell_null();
    *value = NULL;
    if (!tables_has_table(x, "metadata") || tables_get(x, "metadata", &k, 1, columns, 1, a, &v, NULL))
        return BD_NOT_FOUND;
    *value = cell_format(&v, a);
    return BD_OK;
}

/* A workspace and a database that name different projects must not be written through each other. */
static int check_identity(struct bd *bd, struct err *err) {
    const char *skip = getenv("BEADS_SKIP_IDENTITY_CHECK"), *id = NULL;
    struct tables_txn *x;
    if (!bd->ws.project_id || !*bd->ws.project_id || (skip && strcmp(skip, "1") == 0))
        return BD_OK;
    int rc = tables_read_again(bd->ops.tables, &x, err);
    if (rc)
        return rc;
    metadata_value(x, "_project_id", &bd->arena, &id);
    tables_read_end(x);
    if (!id || !*id || strcmp(id, bd->ws.project_id) == 0)
        return BD_OK;
    return err_set(
        err, BD_INVALID,
        "workspace identity mismatch detected\n\n"
        "  metadata.json project_id: %s\n"
        "  database _project_id:     %s\n\n"
        "The settings in %s and the database belong to different projects, so nothing is written.\n"
        "Look at: BEADS_DIR and --db (do they point into another project?); a metadata.json or a "
        "database\n"
        "copied from elsewhere. 'bd where' shows what is in use. BEADS_SKIP_IDENTITY_CHECK=1 skips "
        "this check.",
        bd->ws.project_id, id, bd->ws.beads_dir);
}

static int open_tables(struct bd *bd, unsigned flags, struct err *err) {
    struct tables_open open = {.dir = bd->ws.database_dir, .flags = flags};
    int rc = tables_open_embedded(&bd->ops.tables, &open, err);
    if (rc)
        bd->ops.tables = NULL;
    return rc;
}

/* A fresh clone lacks the tables that every clone keeps for itself: the first command that writes makes
 * them. */
static int make_local_tables(struct bd *bd, struct err *err) {
    struct schema_migration options = {.dry_run = false};
    struct schema_migrated done;
    return schema_migrate(bd->ops.tables, &options, &done, err);
}

/*
 * An older schema is read and written as it is. A newer one is read; commands that write are refused.
 * What is no tracker's database at all still has a history to look at.
 */
static int check_schema(struct bd *bd, struct err *err) {
    struct schema_state state;
    struct err why = ERR_INIT;
    const char *skew = getenv("BD_IGNORE_SCHEMA_SKEW");
    int rc = schema_check_use(bd->ops.tables, bd->command_writes, &state, err);
    if (rc)
        return rc;
    rc = schema_explain(&state, &why);
    if (!state.is_tracker && bd->command_writes)
        return err_set(err, rc ? rc : BD_INVALID, "%s: %s", bd->ws.database_dir, why.msg);
    if (!state.is_tracker) {
        cmd_warn(bd, "%s: %s", bd->ws.database_dir, why.msg);
        return BD_OK;
    }
    if (state.local_only && !state.ignored_version && bd->command_writes &&
        !tables_is_read_only(bd->ops.tables))
        return make_local_tables(bd, err);
    if (!state.too_new || (skew && strcmp(skew, "1") == 0))
        return BD_OK;
    bd->schema_too_new = true;
    if (bd->command_writes)
        return err_set(err, BD_TOO_NEW, "%s", why.msg);
    tables_close(bd->ops.tables);
    return open_tables(bd, TABLES_READ_ONLY, err);
}

static const char *yaml_value(void *ctx, const char *key) {
    struct config *c = ctx;
    return config_source_of(c, key) == CONFIG_UNSET ? NULL : config_get(c, key);
}

int bd_try_open_store(struct bd *bd, struct err *err) {
    struct workspace *w = &bd->ws;
    enum auto_commit policy = AUTO_COMMIT_ON;
    if (bd->ops.tables)
        return BD_OK;
    if (!w->beads_dir && !w->direct)
        return err_set(err, BD_NOT_FOUND, "no beads database found");
    if (strcmp(w->mode, "server") == 0)
        return err_set(err, BD_UNSUPPORTED,
                       "%s uses a Dolt server (dolt_mode \"server\"), which this bd cannot talk to yet",
                       w->beads_dir);
    if (!w->has_database)
        return err_set(err, BD_NOT_FOUND, "no beads database found");
    int rc = bd_auto_commit(bd, &policy, err);
    if (rc)
        return rc;
    rc = open_tables(bd, bd->read_only ? TABLES_READ_ONLY : 0, err);
    if (rc)
        return rc;
    bd->ops.commit_mode = policy == AUTO_COMMIT_ON ? TABLES_COMMIT : TABLES_WORKING;
    bd->ops.config_get = yaml_value;
    bd->ops.config_ctx = &bd->config;
    bd_actor(bd);
    if (bd->store_read_only)
        bd->ops.owner = bd->ops.owner ? bd->ops.owner : "";
    else
        bd_owner(bd);
    rc = check_schema(bd, err);
    if (!rc && !bd->store_read_only && !bd->global)
        rc = check_identity(bd, err);
    if (rc && bd->ops.tables) {
        tables_close(bd->ops.tables);
        bd->ops.tables = NULL;
    }
    return rc;
}

int bd_open_store(struct bd *bd) {
    struct err err = ERR_INIT;
    struct workspace *w = &bd->ws;
    if (bd->ops.tables)
        return 0;
    if (bd->global)
        return cmd_fail(bd, "--global requires shared-server mode (set BEADS_DOLT_SHARED_SERVER=1 or "
                            "dolt.shared-server: true in config.yaml)");
    bool server = strcmp(w->mode, "server") == 0;
    if ((!w->beads_dir && !w->direct) || (!w->has_database && !server))
        return no_database(bd);
    if (w->metadata_broken && bd->command_writes && !w->database_given)
        return cmd_fail(bd,
                        "%s/metadata.json is damaged, so it is not sure which database this workspace "
                        "has; nothing is "
                        "written. Restore the file (git has it), then run the command again.",
                        w->beads_dir);
    if (w->beads_dir && !w->has_metadata && !w->metadata_broken && !w->database_given)
        fprintf(bd->err, "warning: no beads configuration found in %s; using database \"%s\"\n",
                w->beads_dir, w->database_name);
    int rc = bd_try_open_store(bd, &err);
    if (rc == BD_UNSUPPORTED || rc == BD_TOO_NEW)
        return cmd_fail(bd, "%s", err.msg);
    if (rc && strncmp(err.msg, "workspace identity", 18) == 0)
        return cmd_fail(bd, "%s", err.msg);
    if (rc)
        return cmd_fail(bd, "failed to open database: %s", err.msg);
    track_version(bd);
    if (bd->schema_too_new)
        cmd_warn(bd, "%s has a newer schema than this bd knows; it is only read", w->database_dir);
    return 0;
}

static int no_changes(struct tables_txn *x, void *ctx, struct err *err) {
    (void)x, (void)ctx, (void)err;
    return BD_OK;
}

static int commit_changes(struct bd *bd, const char *command) {
    struct err err = ERR_INIT;
    if (!bd->did_write || !bd->ops.tables || bd->ops.commit_mode != TABLES_COMMIT)
        return 0;
    struct tables_write w = {.mode = TABLES_COMMIT,
                             .message = bd_auto_commit_message(bd, command, NULL, 0)};
    if (tables_write(bd->ops.tables, &w, no_changes, NULL, NULL, &err))
        return cmd_fail(bd, "the change is saved but was not committed: %s", err.msg);
    return 0;
}

int bd_after_command(struct bd *bd, const char *command) {
    int rc = commit_changes(bd, command);
    if (rc)
        return rc;
    if (bd->command_writes)
        auto_import_settle(bd);
    backup_auto(bd);
    return auto_export(bd, bd->export_may_shrink);
}

void bd_close(struct bd *bd) {
    if (bd->ops.tables)
        tables_close(bd->ops.tables);
    bd->ops.tables = NULL;
    config_release(&bd->config);
    arena_release(&bd->arena);
}
