/*
 * bd migrate: brings the database's schema and what it says about itself up to date. The other verbs
 * (schema, sync) do one thing each.
 */
#include "bd/cmd/auto_export.h"
#include "bd/cmd/commands.h"
#include "bd/cmd/migrate.h"
#include "bd/cmd/write.h"

#include "base/version.h"
#include "bd/ops/db_config.h"
#include "bd/ui/ink.h"
#include "bd/workspace/setup.h"
#include "schema/schema.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what the database says about itself ---- */

struct facts {
    struct schema_state schema;
    const char *version, *repo_id, *clone_id, *prefix; /* "" when missing */
    const char *detected_prefix;                       /* from an issue's id; "" when there is none */
    uint64_t issues;
    struct arena *arena;
};

static const char *text_of(struct tables_txn *x, const char *table, const char *key, struct arena *a) {
    static const char *const value = "value";
    struct cell k = cell_text(key), got;
    if (!tables_has_table(x, table) || tables_get(x, table, &k, 1, &value, 1, a, &got, NULL) ||
        !cell_has_text(&got))
        return "";
    return cell_format(&got, a);
}

static int take_prefix(void *ctx, const struct cell *row) {
    struct facts *f = ctx;
    if (!cell_has_text(&row[0]))
        return BD_OK;
    char *prefix = arena_strndup(f->arena, row[0].s.data, row[0].s.size), *last = strrchr(prefix, '-');
    if (!last || last == prefix)
        return BD_OK;
    *last = 0;
    f->detected_prefix = prefix;
    return BD_DONE;
}

static int collect(struct bd *bd, struct facts *f, struct err *err) {
    static const char *const id = "id";
    struct tables_query q = {.table = "issues", .columns = &id, .column_count = 1, .limit = 20};
    struct tables_txn *x;
    *f = (struct facts){.detected_prefix = "", .arena = &bd->arena};
    int rc = schema_check(bd->ops.tables, &f->schema, err);
    if (rc == BD_OK)
        rc = tables_read_begin(bd->ops.tables, &x, err);
    if (rc)
        return rc;
    f->version = text_of(x, "local_metadata", "bd_version", &bd->arena);
    if (!*f->version)
        f->version = text_of(x, "metadata", "bd_version", &bd->arena);
    f->repo_id = text_of(x, "metadata", "repo_id", &bd->arena);
    f->clone_id = text_of(x, "metadata", "clone_id", &bd->arena);
    f->prefix = text_of(x, "config", "issue_prefix", &bd->arena);
    rc = tables_count_all(x, "issues", NULL, &f->issues, err);
    if (rc == BD_OK && !*f->prefix)
        rc = tables_scan(x, &q, &bd->arena, take_prefix, f, err);
    rc = rc == BD_DONE ? BD_OK : rc;
    tables_read_end(x);
    return rc;
}

/* ---- the schema ---- */

static int upgrade(struct bd *bd, bool dry_run, struct schema_migrated *m, struct err *err) {
    struct schema_migration options = {.dry_run = dry_run};
    return schema_migrate(bd->ops.tables, &options, m, err);
}

static int run_schema(struct bd *bd, const struct cmd_call *c) {
    struct err err = ERR_INIT;
    struct schema_migrated m;
    (void)c;
    int status = migrate_refuse_read_only(bd, "migrate schema");
    if (status)
        return status;
    if (upgrade(bd, false, &m, &err))
        return migrate_fail(bd, "schema_migration_failed",
                            arena_printf(&bd->arena, "schema migration failed: %s", err.msg));
    int applied = m.main_applied + m.ignored_applied;
    if (bd->json) {
        struct buf out = BUF_INIT;
        struct json_writer w;
        bd_json_begin(bd, &w, &out, true);
        json_object(&w);
        json_member_str(&w, "status", applied || m.backfilled ? "applied" : "current");
        json_member_int(&w, "applied", applied);
        json_member_int(&w, "latest_version", SCHEMA_MAIN_VERSION);
        json_object_end(&w);
        bd_json_end(bd, &w, &out);
    } else if (applied) {
        bd_say(bd, "%s\n",
               migrate_pass(bd, arena_printf(&bd->arena,
                                             "✓ Applied %d schema migration(s); schema now at v%d",
                                             applied, SCHEMA_MAIN_VERSION)));
    } else {
        bd_say(
            bd, "%s\n",
            migrate_pass(bd, arena_printf(&bd->arena, "✓ Schema already at v%d", SCHEMA_MAIN_VERSION)));
    }
    return 0;
}

/* ---- inspect ---- */

static void inspect_json(struct bd *bd, const struct facts *f, const char *const *warnings,
                         size_t count) {
    struct buf out = BUF_INIT;
    struct json_writer w;
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_key(&w, "registered_migrations");
    json_null(&w);
    json_key(&w, "current_state");
    json_object(&w);
    json_member_str(&w, "schema_version", *f->version ? f->version : "unknown");
    json_member_int(&w, "database_schema", f->schema.main_version);
    json_member_int(&w, "program_schema", SCHEMA_MAIN_VERSION);
    json_member_bool(&w, "needs_migration", f->schema.needs_migration);
    json_member_int(&w, "issue_count", (int64_t)f->issues);
    json_key(&w, "config");
    json_object(&w);
    json_member_str_opt(&w, "issue_prefix", f->prefix);
    json_object_end(&w);
    json_key(&w, "missing_config");
    json_array(&w);
    if (f->issues && !*f->prefix)
        json_str(&w, "issue_prefix");
    json_array_end(&w);
    json_member_bool(&w, "db_exists", true);
    json_object_end(&w);
    json_key(&w, "warnings");
    json_array(&w);
    for (size_t i = 0; i < count; i++)
        json_str(&w, warnings[i]);
    json_array_end(&w);
    json_key(&w, "invariants_to_check");
    json_array(&w);
    json_array_end(&w);
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
}

static int inspect(struct bd *bd, const struct facts *f) {
    const char *warnings[3];
    size_t count = 0;
    if (f->issues && !*f->prefix)
        warnings[count++] = arena_printf(
            &bd->arena,
            "issue_prefix is not set: commands that make ids need it (ids here start with: %s)",
            f->detected_prefix);
    if (strcmp(f->version, BD_VERSION))
        warnings[count++] =
            arena_printf(&bd->arena, "schema version mismatch (current: %s, expected: %s)",
                         *f->version ? f->version : "unknown", BD_VERSION);
    struct err why = ERR_INIT;
    if (schema_explain(&f->schema, &why))
        warnings[count++] = arena_strdup(&bd->arena, why.msg);
    if (bd->json) {
        inspect_json(bd, f, warnings, count);
        return 0;
    }
    fprintf(bd->out, "\nMigration Inspection\n====================\nSchema Version: %s\n",
            *f->version ? f->version : "unknown");
    fprintf(bd->out, "Issue Count: %" PRIu64 "\nRegistered Migrations: 0\n", f->issues);
    if (f->schema.needs_migration)
        fprintf(bd->out, "Database Schema: v%d of v%d\n", f->schema.main_version, SCHEMA_MAIN_VERSION);
    if (count)
        fprintf(bd->out, "\nWarnings:\n");
    for (size_t i = 0; i < count; i++)
        fprintf(bd->out, "  ⚠ %s\n", warnings[i]);
    if (f->issues && !*f->prefix)
        fprintf(bd->out, "\nMissing Config:\n  - issue_prefix\n");
    fprintf(bd->out, "\n");
    return 0;
}

/* ---- the plain command ---- */

struct update {
    const char *version, *repo_id, *clone_id, *prefix; /* NULL: left as it is */
};

static int put(struct tables_txn *x, const char *table, const char *key, const char *value,
               struct err *err) {
    static const char *const columns[] = {"key", "value"};
    struct cell row[] = {cell_text(key), cell_text(value)};
    bool inserted;
    return value ? tables_insert(x, table, columns, row, 2, TABLES_INSERT_REPLACE, &inserted, err)
                 : BD_OK;
}

static int apply(struct tables_txn *x, void *ctx, struct err *err) {
    const struct update *u = ctx;
    int rc = put(x, "local_metadata", "bd_version", u->version, err);
    if (rc == BD_OK)
        rc = put(x, "metadata", "repo_id", u->repo_id, err);
    if (rc == BD_OK)
        rc = put(x, "metadata", "clone_id", u->clone_id, err);
    if (rc == BD_OK)
        rc = put(x, "config", "issue_prefix", u->prefix, err);
    return rc;
}

static void say_update(struct bd *bd, const struct facts *f, const struct update *u,
                       const struct schema_migrated *m) {
    int applied = m->main_applied + m->ignored_applied;
    if (applied)
        bd_say(bd, "%s\n",
               migrate_pass(bd, arena_printf(&bd->arena,
                                             "✓ Applied %d schema migration(s); schema now at v%d",
                                             applied, SCHEMA_MAIN_VERSION)));
    if (u->version) {
        bd_say(bd, "Updating Dolt schema version: %s → %s\n", f->version, BD_VERSION);
        if (u->prefix)
            bd_say(bd, "%s\n",
                   migrate_pass(
                       bd, arena_printf(&bd->arena, "✓ Detected and set issue prefix: %s", u->prefix)));
        bd_say(bd, "%s\n", migrate_pass(bd, "✓ Version updated"));
    }
    if (u->repo_id)
        bd_say(bd, "%s\n",
               migrate_pass(bd, arena_printf(&bd->arena, "✓ Set repo_id: %.8s", u->repo_id)));
    if (u->clone_id)
        bd_say(bd, "%s\n",
               migrate_pass(bd, arena_printf(&bd->arena, "✓ Set clone_id: %.8s", u->clone_id)));
    bd_say(bd, "\nDolt database: %s (version %s)\n",
           bd->ws.database_name ? bd->ws.database_name : bd->ws.database_dir, BD_VERSION);
}

static void json_update(struct bd *bd, const struct update *u, const struct schema_migrated *m) {
    struct buf out = BUF_INIT;
    struct json_writer w;
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_member_str(&w, "status", "success");
    json_member_str(&w, "current_database", bd->ws.database_name ? bd->ws.database_name : "");
    json_member_str(&w, "backend", "dolt");
    json_member_str(&w, "version", BD_VERSION);
    json_member_bool(&w, "version_updated", u->version != NULL);
    json_member_bool(&w, "repo_id_set", u->repo_id != NULL);
    json_member_bool(&w, "clone_id_set", u->clone_id != NULL);
    json_member_int(&w, "schema_migrations_applied", m->main_applied + m->ignored_applied);
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
}

static void dry_run(struct bd *bd, const struct facts *f, const struct update *u,
                    const struct schema_migrated *m) {
    int pending = m->main_applied + m->ignored_applied;
    if (bd->json) {
        struct buf out = BUF_INIT;
        struct json_writer w;
        bd_json_begin(bd, &w, &out, true);
        json_object(&w);
        json_member_bool(&w, "dry_run", true);
        json_member_bool(&w, "needs_version_update", u->version != NULL);
        json_member_bool(&w, "needs_repo_id", !*f->repo_id);
        json_member_bool(&w, "needs_clone_id", !*f->clone_id);
        json_member_int(&w, "pending_schema_migrations", pending);
        if (u->version) {
            json_member_str(&w, "current_version", f->version);
            json_member_str(&w, "target_version", BD_VERSION);
        }
        json_object_end(&w);
        bd_json_end(bd, &w, &out);
        return;
    }
    bd_say(bd, "Dry run mode - no changes will be made\n");
    if (pending)
        bd_say(bd, "Would apply %d schema migration(s): v%d → v%d\n", pending, f->schema.main_version,
               SCHEMA_MAIN_VERSION);
    if (u->version)
        bd_say(bd, "Would update Dolt version: %s → %s\n", f->version, BD_VERSION);
    if (!*f->repo_id)
        bd_say(bd, "Would set repo_id\n");
    if (!*f->clone_id)
        bd_say(bd, "Would set clone_id\n");
}

static int current(struct bd *bd, const struct facts *f) {
    if (!bd->json) {
        bd_say(bd, "Dolt database version: %s\n", f->version);
        bd_say(bd, "%s\n", migrate_pass(bd, "✓ Version matches"));
        bd_say(bd, "%s\n", migrate_pass(bd, "✓ All metadata fields present"));
        return 0;
    }
    struct buf out = BUF_INIT;
    struct json_writer w;
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_member_str(&w, "status", "current");
    json_member_str(&w, "message", "Dolt database already at version " BD_VERSION);
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
    return 0;
}

static const char *work_dir(struct bd *bd) { return bd->ws.project_dir ? bd->ws.project_dir : "."; }

static int update_repo_id(struct bd *bd, const struct facts *f, bool dry, bool yes) {
    struct err err = ERR_INIT;
    struct buf out = BUF_INIT;
    struct json_writer w;
    const char *id = setup_repo_id(work_dir(bd), &bd->arena);
    if (!id)
        return migrate_fail(bd, "compute_failed",
                            "failed to compute repository ID: this is no git repository");
    const char *old = strlen(f->repo_id) >= 8 ? arena_strndup(&bd->arena, f->repo_id, 8) : "none";
    const char *now = arena_strndup(&bd->arena, id, 8);
    if (dry && !bd->json) {
        bd_say(bd,
               "Dry run mode - no changes will be made\nWould update repository ID:\n  Old: %s\n  New: "
               "%s\n",
               old, now);
        return 0;
    }
    if (!dry && *f->repo_id && strcmp(f->repo_id, id) && !yes && !bd->json) {
        char answer[16] = "";
        fprintf(bd->out,
                "WARNING: Changing repository ID can break sync if other clones exist.\n\n"
                "Current repo ID: %s\nNew repo ID:     %s\n\nContinue? [y/N] ",
                old, now);
        fflush(bd->out);
        if (!fgets(answer, sizeof answer, stdin) ||
            (strcasecmp(answer, "y\n") && strcasecmp(answer, "yes\n"))) {
            bd_say(bd, "Canceled\n");
            return 0;
        }
    }
    struct update u = {.repo_id = id};
    if (!dry && write_run(bd, "migrate", NULL, 0, apply, &u, &err))
        return migrate_fail(bd, "update_failed",
                            arena_printf(&bd->arena, "failed to update repo_id: %s", err.msg));
    if (!bd->json) {
        bd_say(bd, "%s\n\n  Old: %s\n  New: %s\n", migrate_pass(bd, "✓ Repository ID updated"), old,
               now);
        return 0;
    }
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    if (dry)
        json_member_bool(&w, "dry_run", true);
    else
        json_member_str(&w, "status", "success");
    json_member_str(&w, "old_repo_id", old);
    json_member_str(&w, "new_repo_id", now);
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
    return 0;
}

static int run(struct bd *bd, const struct cmd_call *c) {
    struct err err = ERR_INIT;
    struct facts f;
    struct schema_migrated m;
    bool dry = cmd_bool(c, "dry-run"), look = cmd_bool(c, "inspect");
    if (cmd_bool(c, "to-dolt"))
        return migrate_run_sqlite(bd, c);
    if (cmd_bool(c, "cleanup"))
        return cmd_fail(bd, "--cleanup belongs to 'bd migrate --to-dolt'");
    int status = dry || look ? 0 : migrate_refuse_read_only(bd, "migrate");
    if (status || (status = bd_open_store(bd)))
        return status;
    auto_import_hint(bd);
    if (collect(bd, &f, &err))
        return migrate_fail(bd, "read_failed", err.msg);
    if (look && !cmd_bool(c, "update-repo-id"))
        return inspect(bd, &f);
    if (upgrade(bd, dry, &m, &err))
        return migrate_fail(bd, "schema_migration_failed",
                            arena_printf(&bd->arena, "schema migration failed: %s", err.msg));
    if (cmd_bool(c, "update-repo-id"))
        return update_repo_id(bd, &f, dry, cmd_bool(c, "yes"));
    struct update u = {NULL, NULL, NULL, NULL};
    if (strcmp(f.version, BD_VERSION)) {
        u.version = BD_VERSION;
        u.prefix = !*f.prefix && *f.detected_prefix ? f.detected_prefix : NULL;
    }
    bool nothing = !u.version && *f.repo_id && *f.clone_id && !m.main_applied && !m.ignored_applied &&
                   !m.backfilled;
    if (nothing)
        return current(bd, &f);
    if (dry) {
        dry_run(bd, &f, &u, &m);
        return 0;
    }
    u.repo_id = *f.repo_id ? NULL : setup_repo_id(work_dir(bd), &bd->arena);
    u.clone_id = *f.clone_id ? NULL : setup_clone_id(work_dir(bd), &bd->arena);
    if (!*f.repo_id && !u.repo_id)
        cmd_warn(bd, "repo_id and clone_id are not set: this is no git repository");
    if ((u.version || u.repo_id || u.clone_id) && write_run(bd, "migrate", NULL, 0, apply, &u, &err))
        return migrate_fail(bd, "version_update_failed",
                            arena_printf(&bd->arena, "failed to update version: %s", err.msg));
    if (bd->json)
        json_update(bd, &u, &m);
    else
        say_update(bd, &f, &u, &m);
    return 0;
}

/* ---- sync ---- */

static int set_branch(struct tables_txn *x, void *ctx, struct err *err) {
    return db_config_set(x, "sync.branch", ctx, err);
}

static void sync_json(struct bd *bd, bool dry, bool changed, const char *before, const char *branch) {
    struct buf out = BUF_INIT;
    struct json_writer w;
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_member_str(&w, "branch", branch);
    if (dry) {
        json_member_bool(&w, "dry_run", true);
        json_member_bool(&w, "changed", changed);
    } else {
        json_member_str(&w, "status", changed ? "success" : "noop");
        json_member_str(&w, "message",
                        changed ? "Enabled separate branch workflow"
                                : "sync.branch already set to this value");
    }
    if (dry || changed)
        json_member_str(&w, "previous", before);
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
}

static int run_sync(struct bd *bd, const struct cmd_call *c) {
    struct err err = ERR_INIT;
    struct tables_txn *x;
    bool dry = cmd_bool(c, "dry-run");
    const char *given = cmd_arg(c, 0), *before;
    int status = dry ? 0 : migrate_refuse_read_only(bd, "migrate sync");
    if (status)
        return status;
    while (isspace((unsigned char)*given))
        given++;
    size_t n = strlen(given);
    while (n && isspace((unsigned char)given[n - 1]))
        n--;
    char *branch = arena_strndup(&bd->arena, given, n);
    if (!*branch || strpbrk(branch, " \t\n"))
        return bd->json ? migrate_fail(bd, "invalid_branch",
                                       "Branch name cannot be empty or contain whitespace")
                        : cmd_fail_hint(bd, "branch name cannot be empty or contain whitespace",
                                        "invalid branch name '%s'", cmd_arg(c, 0));
    if (tables_read_begin(bd->ops.tables, &x, &err))
        return migrate_fail(bd, "read_failed", err.msg);
    before = text_of(x, "config", "sync.branch", &bd->arena);
    tables_read_end(x);
    bool changed = strcmp(before, branch) != 0;
    if (changed && !dry && write_run(bd, "migrate", NULL, 0, set_branch, branch, &err))
        return migrate_fail(bd, "config_update_failed",
                            arena_printf(&bd->arena, "failed to set sync.branch: %s", err.msg));
    if (bd->json) {
        sync_json(bd, dry, changed, before, branch);
    } else if (dry) {
        bd_say(bd, "Dry run mode - no changes will be made\n");
        if (changed)
            bd_say(bd, "Would set sync.branch: '%s' → '%s'\n", before, branch);
        else
            bd_say(bd, "sync.branch already set to '%s'\n", branch);
    } else if (!changed) {
        bd_say(bd, "%s\nNo changes needed\n",
               migrate_pass(bd, arena_printf(&bd->arena, "✓ sync.branch already set to '%s'", branch)));
    } else {
        bd_say(bd,
               "%s\n\nSet sync.branch to '%s'\n\nIt takes effect at once; existing issues and history "
               "stay as they are.\n",
               migrate_pass(bd, "✓ Enabled separate branch workflow"), branch);
    }
    return 0;
}

static const struct cmd_flag sync_flags[] = {
    {.name = "dry-run", .kind = FLAG_BOOL, .help = "Say what would be done, change nothing"},
    {0},
};
static const struct cmd cmd_migrate_schema = {
    .name = "schema",
    .use = "schema",
    .summary = "Apply pending schema migrations (nothing happens when there are none)",
    .run = run_schema,
};
static const struct cmd cmd_migrate_sync = {
    .name = "sync",
    .use = "sync <branch> [flags]",
    .summary = "Set the branch that issue data is kept on (sync.branch)",
    .args_min = 1,
    .args_max = 1,
    .flags = sync_flags,
    .run = run_sync,
};
static const struct cmd *const verbs[] = {&cmd_migrate_hooks, &cmd_migrate_issues, &cmd_migrate_schema,
                                          &cmd_migrate_sync, NULL};
static const struct cmd_flag flags[] = {
    {.name = "cleanup",
     .kind = FLAG_BOOL,
     .help = "After --to-dolt: move the old SQLite files into a directory of their own"},
    {.name = "dry-run", .kind = FLAG_BOOL, .help = "Say what would be done, change nothing"},
    {.name = "inspect", .kind = FLAG_BOOL, .help = "Show the state of the database, change nothing"},
    {.name = "to-dolt",
     .kind = FLAG_BOOL,
     .help = "Bring in the SQLite database of an older version (a backup is made first)"},
    {.name = "update-repo-id",
     .kind = FLAG_BOOL,
     .help = "Compute the repository id anew (after the git remote changed)"},
    {.name = "yes", .kind = FLAG_BOOL, .help = "Answer questions with yes"},
    {0},
};
const struct cmd cmd_migrate = {
    .name = "migrate",
    .use = "migrate [flags]",
    .summary = "Bring the database up to date",
    .details =
        "Upgrades the schema of an older database in one transaction, without losing rows, and "
        "sets what the\n"
        "database says about itself: version, repository id, clone id. Nothing is changed by "
        "reading commands,\n"
        "by --inspect, or by --dry-run.\n\n"
        "--to-dolt moves a workspace of the SQLite era (.beads/beads.db): it makes a backup, builds "
        "the new database\n"
        "aside, compares every row, and only then puts it in place. The old file is not changed. "
        "Interrupted at any\n"
        "moment, it is completed by running it again.",
    .examples = "  bd migrate --inspect\n  bd migrate --dry-run\n  bd migrate\n"
                "  bd migrate --to-dolt --dry-run\n  bd migrate --to-dolt --cleanup",
    .group = "Maintenance",
    .flags = flags,
    .children = verbs,
    .cls = CMD_NO_STORE,
    .run = run,
};
