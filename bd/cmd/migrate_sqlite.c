/*
 * bd migrate --to-dolt: from the SQLite file of an older version to a Dolt database. What is done and
 * in which order: migrate/migrate.h. Here: questions, progress and reports.
 */
#include "bd/cmd/migrate.h"

#include "base/os.h"
#include "bd/ui/progress.h"
#include "bd/workspace/setup.h"
#include "migrate/migrate.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static const char *plural(uint64_t n) { return n == 1 ? "" : "s"; }

static void show_progress(void *ctx, const char *what, uint64_t done, uint64_t total) {
    struct progress *p = ctx;
    if (p->what != what)
        progress_step(p, what);
    progress_at(p, done, total);
}

/* ---- reports ---- */

static int fail(struct bd *bd, int rc, const struct err *err) {
    const char *code = rc == BD_NOT_FOUND  ? "no_sqlite_database"
                       : rc == BD_CORRUPT  ? "extraction_failed"
                       : rc == BD_INVALID  ? "invalid_source"
                       : rc == BD_BUSY     ? "database_busy"
                       : rc == BD_EXISTS   ? "dolt_exists"
                       : rc == BD_NO_SPACE ? "no_space"
                                           : "migration_failed";
    return migrate_fail(bd, code, err->msg);
}

static int noop(struct bd *bd, const char *message, const char *note) {
    if (!bd->json) {
        bd_say(bd, "%s\nNo migration needed\n",
               migrate_pass(bd, arena_printf(&bd->arena, "✓ %s", message)));
        if (note)
            cmd_warn(bd, "%s", note);
        return 0;
    }
    struct buf out = BUF_INIT;
    struct json_writer w;
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_member_str(&w, "status", "noop");
    json_member_str(&w, "message", message);
    if (note)
        json_member_str(&w, "note", note);
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
    return 0;
}

static void say_plan(struct bd *bd, const struct legacy_summary *s) {
    bd_say(bd, "SQLite to Dolt Migration\n========================\n\nSource: %s\n", s->path);
    bd_say(bd, "Issues to migrate: %" PRIu64 "\n", s->issues + s->wisps);
    if (s->wisps)
        bd_say(bd, "  of which wisps: %" PRIu64 "\n", s->wisps);
    if (s->tombstones)
        bd_say(bd, "Tombstones of deleted issues (stay in the backup): %" PRIu64 "\n", s->tombstones);
    bd_say(bd, "Labels: %" PRIu64 ", dependencies: %" PRIu64 ", comments: %" PRIu64 "\n", s->labels,
           s->dependencies, s->comments);
    bd_say(bd, "Events to migrate: %" PRIu64 "\nConfig keys: %" PRIu64 "\n", s->events, s->config);
    if (*s->prefix)
        bd_say(bd, "Issue prefix: %s\n", s->prefix);
    bd_say(bd, "\n");
}

static int dry_run(struct bd *bd, const struct legacy_summary *s) {
    const char *target = arena_printf(&bd->arena, "%s/embeddeddolt", bd->ws.beads_dir);
    if (!bd->json) {
        say_plan(bd, s);
        bd_say(bd,
               "Dry run mode - no changes will be made\nWould perform:\n"
               "  1. Create a backup of %s\n"
               "  2. Create a database in %s\n"
               "  3. Import %" PRIu64 " issues and all that belongs to them, and compare every row\n"
               "  4. Update metadata.json\n",
               base_name(s->path), target, s->issues + s->wisps);
        return 0;
    }
    struct buf out = BUF_INIT;
    struct json_writer w;
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_member_bool(&w, "dry_run", true);
    json_member_str(&w, "source", s->path);
    json_member_str(&w, "target", target);
    json_member_int(&w, "issue_count", (int64_t)(s->issues + s->wisps));
    json_member_int(&w, "wisp_count", (int64_t)s->wisps);
    json_member_int(&w, "tombstone_count", (int64_t)s->tombstones);
    json_member_int(&w, "label_count", (int64_t)s->labels);
    json_member_int(&w, "dependency_count", (int64_t)s->dependencies);
    json_member_int(&w, "comment_count", (int64_t)s->comments);
    json_member_int(&w, "event_count", (int64_t)s->events);
    json_member_int(&w, "config_keys", (int64_t)s->config);
    json_member_str(&w, "prefix", s->prefix);
    json_member_str(&w, "source_version", s->bd_version);
    json_member_bool(&w, "would_backup", true);
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
    return 0;
}

static void report_json(struct bd *bd, const struct migrate_result *r, const char *moved) {
    struct buf out = BUF_INIT;
    struct json_writer w;
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_member_str(&w, "status", "success");
    json_member_str(&w, "backend", "dolt");
    json_member_int(&w, "issues_imported", (int64_t)(r->issues + r->wisps));
    json_member_int(&w, "issues_skipped", (int64_t)r->tombstones);
    json_member_int(&w, "wisps", (int64_t)r->wisps);
    json_member_str(&w, "source", r->source);
    if (r->backup)
        json_member_str(&w, "backup_path", r->backup);
    json_member_str(&w, "dolt_path", r->database_dir);
    if (r->set_aside)
        json_member_str(&w, "set_aside", r->set_aside);
    if (moved)
        json_member_str(&w, "cleanup_path", moved);
    json_key(&w, "rows");
    json_object(&w);
    for (size_t i = 0; i < r->table_count; i++)
        json_member_int(&w, r->tables[i].name, (int64_t)r->tables[i].rows);
    json_object_end(&w);
    json_key(&w, "notes");
    json_array(&w);
    for (size_t i = 0; i < r->note_count; i++)
        json_str(&w, r->notes[i]);
    json_array_end(&w);
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
}

static void report(struct bd *bd, const struct migrate_result *r, const char *moved) {
    if (bd->json) {
        report_json(bd, r, moved);
        return;
    }
    struct arena *a = &bd->arena;
    if (r->backup)
        bd_say(bd, "%s\n",
               migrate_pass(bd, arena_printf(a, "✓ Created backup: %s", base_name(r->backup))));
    if (r->set_aside)
        bd_say(bd, "%s\n",
               migrate_pass(bd, arena_printf(a, "✓ Moved an empty database aside: %s", r->set_aside)));
    if (r->state == MIGRATE_DONE) {
        bd_say(bd, "%s\n",
               migrate_pass(bd, arena_printf(a, "✓ Imported %" PRIu64 " issue%s (%" PRIu64 " skipped)",
                                             r->issues + r->wisps, plural(r->issues + r->wisps),
                                             r->tombstones)));
        for (size_t i = 0; i < r->table_count; i++)
            bd_say(bd, "  %-22s %" PRIu64 "\n", r->tables[i].name, r->tables[i].rows);
        bd_say(bd, "%s\n", migrate_pass(bd, "✓ Compared every row with the old database"));
    } else {
        bd_say(bd, "%s\n",
               migrate_pass(bd, "✓ The database was there, complete, from a run that was interrupted"));
    }
    bd_say(bd, "%s\n", migrate_pass(bd, "✓ Updated metadata.json to use Dolt backend"));
    for (size_t i = 0; i < r->note_count; i++)
        bd_say(bd, "  note: %s\n", r->notes[i]);
    if (moved)
        bd_say(bd, "%s\n", migrate_pass(bd, arena_printf(a, "✓ Moved the old files to %s", moved)));
    bd_say(bd, "\n%s\n\nDatabase: %s\n", migrate_pass(bd, "✓ Migration complete!"), r->database_dir);
    if (r->backup)
        bd_say(bd, "Backup: %s\n", r->backup);
    bd_say(bd, "\nNext: 'bd list' to look at the result.%s\n",
           moved ? "" : " 'bd migrate --to-dolt --cleanup' moves the old files aside.");
}

static bool confirmed(struct bd *bd) {
    char answer[16] = "";
    fprintf(bd->out,
            "This makes a backup and a new database; the old file stays as it is.\n\nContinue? [y/N] ");
    fflush(bd->out);
    return fgets(answer, sizeof answer, stdin) && (*answer == 'y' || *answer == 'Y');
}

/* ---- the command ---- */

static const char *clean_up(struct bd *bd, const char *source, struct err *err) {
    const char *dir;
    size_t files;
    return migrate_set_aside(bd->ws.beads_dir, source, &bd->arena, &dir, &files, err) ? NULL : dir;
}

static void add_note(struct bd *bd, struct migrate_result *r, const char *note) {
    const char **list = arena_alloc(&bd->arena, (r->note_count + 1) * sizeof *list);
    for (size_t i = 0; i < r->note_count; i++)
        list[i] = r->notes[i];
    if (note)
        list[r->note_count++] = note;
    r->notes = list;
}

static int migrate(struct bd *bd, const struct cmd_call *c) {
    struct err err = ERR_INIT;
    struct migrate_result r;
    const char *project = bd->ws.project_dir ? bd->ws.project_dir : ".", *moved = NULL;
    struct progress p;
    progress_begin(&p, bd->err, bd->stderr_tty && !bd->quiet, "Reading");
    struct migrate_request rq = {.beads_dir = bd->ws.beads_dir,
                                 .existing = bd->ws.has_database ? bd->ws.database_dir : NULL,
                                 .repo_id = setup_repo_id(project, &bd->arena),
                                 .clone_id = setup_clone_id(project, &bd->arena),
                                 .progress = show_progress,
                                 .progress_ctx = &p};
    int rc = migrate_to_dolt(&rq, &bd->arena, &r, &err);
    progress_end(&p);
    if (rc)
        return fail(bd, rc, &err);
    if (cmd_bool(c, "cleanup") && !(moved = clean_up(bd, r.source, &err)))
        return migrate_fail(bd, "cleanup_failed", err.msg);
    if (r.state != MIGRATE_CURRENT) {
        add_note(bd, &r, migrate_jsonl_note(bd, r.database_dir));
        report(bd, &r, moved);
        return 0;
    }
    const char *message =
        moved ? arena_printf(&bd->arena, "Already using Dolt backend; moved the old files to %s", moved)
              : "Already using Dolt backend";
    return noop(bd, message, r.note_count ? r.notes[0] : NULL);
}

/*
 * A server elsewhere, or one whose data lie here. A metadata.json that names a local server whose data
 * this clone never had is no reason to leave the only issues there are where they are.
 */
static bool has_server(struct bd *bd) {
    struct metadata m;
    if (strcmp(bd->ws.mode, "server") != 0)
        return false;
    if (bd->ws.has_database || metadata_load(bd->ws.beads_dir, &bd->arena, &m, NULL))
        return true;
    bool local = !*m.dolt_server_host || strcmp(m.dolt_server_host, "127.0.0.1") == 0 ||
                 strcmp(m.dolt_server_host, "localhost") == 0;
    return !local || m.dolt_server_port || *m.dolt_server_socket || *m.dolt_data_dir ||
           getenv("BEADS_DOLT_SERVER_HOST") || os_is_dir(bd->ws.data_dir);
}

int migrate_run_sqlite(struct bd *bd, const struct cmd_call *c) {
    struct err err = ERR_INIT;
    struct legacy_summary s;
    const char *source;
    bool dry = cmd_bool(c, "dry-run");
    int status = dry ? 0 : migrate_refuse_read_only(bd, "migrate");
    if (status)
        return status;
    if (!bd->ws.beads_dir)
        return migrate_fail(
            bd, "no_beads_directory",
            "No .beads directory found; run this in the project whose issues are to be moved");
    if (has_server(bd))
        return noop(bd, "Already using Dolt backend (a Dolt server)", NULL);
    int rc = legacy_find(bd->ws.beads_dir, &bd->arena, &source, &err);
    if (rc == BD_NOT_FOUND && bd->ws.has_database)
        return noop(bd, "Already using Dolt backend", NULL);
    if (rc == BD_NOT_FOUND)
        err_set(&err, rc, "No SQLite database found to migrate in %s", bd->ws.beads_dir);
    if (rc)
        return fail(bd, rc, &err);
    bool asks = !cmd_bool(c, "yes") && !bd->json && isatty(STDIN_FILENO) && !bd->ws.has_database;
    if (dry || asks) {
        if ((rc = legacy_summarize(source, &bd->arena, &s, &err)))
            return fail(bd, rc, &err);
        if (dry)
            return dry_run(bd, &s);
        say_plan(bd, &s);
        if (!confirmed(bd)) {
            bd_say(bd, "Migration canceled\n");
            return 0;
        }
    }
    return migrate(bd, c);
}
