/* bd doctor --check-health, --deep, --server and --migration. */
#include "bd/cmd/doctor.h"

#include "base/os.h"
#include "base/version.h"
#include "bd/ops/export.h"
#include "bd/ops/ready.h"
#include "bd/ops/search.h"
#include "bd/ui/ink.h"
#include "doctor/families.h"
#include "migrate/migrate.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- for hooks ---- */

int doctor_check_health(struct bd *bd, const struct cmd_call *c) {
    struct doctor d;
    size_t n = 0;
    if (!bd->ws.beads_dir && !bd->ws.direct)
        return 0;
    doctor_open(bd, c, &d);
    const char *hints = doctor_setting(&d, "hints.doctor");
    if (!hints || strcasecmp(hints, "false") != 0) {
        doctor_run_flagged(&d, DOCTOR_HEALTH);
        n = d.count - doctor_count(&d, DOCTOR_OK);
    }
    if (n)
        fprintf(bd->err, "💡 bd doctor recommends a health check:\n");
    for (size_t i = 0; i < d.count; i++)
        if (d.results[i].status != DOCTOR_OK)
            fprintf(bd->err, "   • %s: %s\n", d.results[i].name, d.results[i].message);
    if (n)
        fprintf(bd->err, "   Run 'bd doctor' for details, or 'bd doctor --fix' to auto-repair\n"
                         "   (Suppress with: bd config set hints.doctor false)\n");
    doctor_close(bd, &d);
    return n ? 1 : 0;
}

/* ---- the whole graph, and every byte ---- */

static void write_check(struct json_writer *w, const struct doctor_result *r) {
    json_object(w);
    doctor_json_members(w, r);
    json_object_end(w);
}

int doctor_deep(struct bd *bd, const struct cmd_call *c) {
    static const char *const names[] = {"Parent Consistency",
                                        "Dependency Integrity",
                                        "Epic Completeness",
                                        "Mail Thread Integrity",
                                        "Molecule Integrity",
                                        "Deep Integrity",
                                        "Export Completeness",
                                        "Dependency Cycles",
                                        "Orphaned Dependencies",
                                        "Blocked State",
                                        NULL};
    static const char *const keys[] = {"parent_consistency", "dependency_integrity",
                                       "epic_completeness",  "mail_thread_integrity",
                                       "molecule_integrity", NULL};
    struct doctor d;
    doctor_open(bd, c, &d);
    if (!bd->json) {
        fprintf(bd->out, "Running deep validation (may be slow on large databases)...\n\n");
        fflush(bd->out);
    }
    doctor_run_named(&d, names);
    size_t issues = d.survey ? d.survey->issue_count : 0, edges = d.survey ? d.survey->edge_count : 0;
    if (bd->json) {
        struct buf out = BUF_INIT;
        struct json_writer w;
        bd_json_begin(bd, &w, &out, true);
        json_object(&w);
        for (size_t i = 0; i < d.count; i++)
            for (size_t k = 0; keys[k]; k++)
                if (strcmp(d.results[i].name, names[k]) == 0) {
                    json_key(&w, keys[k]);
                    write_check(&w, &d.results[i]);
                }
        json_key(&w, "all_checks");
        json_array(&w);
        for (size_t i = 0; i < d.count; i++)
            write_check(&w, &d.results[i]);
        json_array_end(&w);
        json_member_int(&w, "total_issues", (int64_t)issues);
        json_member_int(&w, "total_dependencies", (int64_t)edges);
        json_member_bool(&w, "overall_ok", d.overall_ok);
        json_object_end(&w);
        bd_json_end(bd, &w, &out);
    } else {
        fprintf(bd->out,
                "\nDeep Validation Results\n========================\nScanned: %zu issues, %zu "
                "dependencies\n\n",
                issues, edges);
        for (size_t i = 0; i < d.count; i++) {
            static const char *const icons[] = {"✓", "!", "✗"};
            const struct doctor_result *r = &d.results[i];
            fprintf(bd->out, "[%s] %s: %s\n", icons[r->status], r->name, r->message);
            for (const char *p = r->detail; p && *p;) {
                size_t n = strcspn(p, "\n");
                fprintf(bd->out, "    %.*s\n", (int)n, p);
                p += n + (p[n] == '\n');
            }
            if (r->fix && r->status != DOCTOR_OK)
                fprintf(bd->out, "    Fix: %s\n", r->fix);
        }
        fprintf(bd->out, d.overall_ok ? "\nAll deep validation checks passed!\n"
                                      : "\nSome checks failed. See details above.\n");
    }
    int status = d.overall_ok ? 0 : 1;
    doctor_close(bd, &d);
    return status;
}

/* ---- servers ---- */

int doctor_server(struct bd *bd, const struct cmd_call *c) {
    struct doctor d;
    doctor_open(bd, c, &d);
    doctor_run_flagged(&d, DOCTOR_SERVER);
    if (bd->json) {
        struct buf out = BUF_INIT;
        struct json_writer w;
        bd_json_begin(bd, &w, &out, true);
        json_object(&w);
        json_key(&w, "checks");
        doctor_json_checks(&w, &d);
        json_member_bool(&w, "overall_ok", d.overall_ok);
        json_object_end(&w);
        bd_json_end(bd, &w, &out);
    } else {
        fprintf(bd->out, "Dolt Server Mode Health Check\n\n");
        doctor_print_list(bd, &d);
        fprintf(bd->out, "\n%s %zu passed  %s %zu warnings  %s %zu failed\n",
                doctor_icon(bd, DOCTOR_OK), doctor_count(&d, DOCTOR_OK),
                doctor_icon(bd, DOCTOR_WARNING), doctor_count(&d, DOCTOR_WARNING),
                doctor_icon(bd, DOCTOR_ERROR), doctor_count(&d, DOCTOR_ERROR));
    }
    int status = d.overall_ok ? 0 : 1;
    doctor_close(bd, &d);
    return status;
}

/* ---- migrations ---- */

struct texts {
    const char *items[16];
    size_t count;
};

struct validation {
    const char *phase, *backend, *name, *message, *detail, *fix;
    enum doctor_status status;
    bool ready, jsonl_valid, healthy, locked, schema_valid;
    size_t jsonl_count, malformed, sqlite_count, dolt_count;
    struct texts missing, errors, warnings;
};

static void add(struct texts *t, const char *text) {
    if (t->count < 16)
        t->items[t->count++] = text;
}

static const char *joined(struct bd *bd, const struct texts *t) {
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < t->count; i++)
        buf_addf(&b, "%s%s", i ? "\n" : "", t->items[i]);
    const char *s = b.size ? arena_strdup(&bd->arena, b.data) : NULL;
    buf_release(&b);
    return s;
}

static void read_jsonl(struct bd *bd, struct doctor *d, struct validation *v) {
    static const char *const names[] = {"issues.jsonl", "beads.jsonl"};
    struct export_file f = {0};
    struct err err = ERR_INIT;
    const char *path = NULL, **ids;
    size_t n = 0;
    for (size_t i = 0; i < 2 && !path; i++)
        if (os_exists(arena_printf(&bd->arena, "%s/%s", bd->ws.beads_dir, names[i])))
            path = arena_printf(&bd->arena, "%s/%s", bd->ws.beads_dir, names[i]);
    if (!path)
        return;
    if (export_file_read(path, &(struct text_list){NULL, 0}, &f, &err)) {
        v->jsonl_valid = false;
        add(&v->warnings, arena_printf(&bd->arena, "Could not validate JSONL: %s", err.msg));
        return;
    }
    v->jsonl_count = f.ids.live;
    if (f.bad_line) {
        v->malformed = 1;
        v->jsonl_valid = false;
        add(&v->warnings,
            arena_printf(&bd->arena, "%s: line %zu is no record: %s", path, f.bad_line, f.bad.msg));
    }
    if (d->x && export_file_missing(&f, d->x, &bd->arena, &ids, &n, &err) == BD_OK) {
        for (size_t i = 0; i < n; i++)
            add(&v->missing, ids[i]);
        if (n)
            add(&v->warnings,
                arena_printf(&bd->arena,
                             "%zu issue(s) of %s are not in the database (deleted since, or "
                             "never imported)",
                             n, path));
    }
    export_file_release(&f);
}

/* The file of the SQLite era: what it holds, and after a migration, what of it is not in the database.
 */
static void read_sqlite(struct bd *bd, const struct doctor *d, struct validation *v, const char *path,
                        bool post) {
    struct legacy_summary s;
    struct legacy_difference x;
    struct err err = ERR_INIT;
    if (legacy_summarize(path, &bd->arena, &s, &err)) {
        v->ready = v->ready && post;
        v->healthy = v->healthy && post;
        add(post ? &v->warnings : &v->errors, arena_strdup(&bd->arena, err.msg));
        return;
    }
    v->sqlite_count = (size_t)(s.issues + s.wisps);
    if (post && d->x && legacy_compare(path, bd->ws.database_dir, &bd->arena, &x, NULL) == BD_OK &&
        x.missing)
        add(&v->warnings,
            arena_printf(&bd->arena,
                         "%llu issue(s) of %s are not in the database (%s …): deleted since, or "
                         "made by an older bd after the migration",
                         (unsigned long long)x.missing, path, x.samples[0]));
}

static void validate(struct bd *bd, struct doctor *d, struct validation *v) {
    bool post = strcmp(v->phase, "post-migration") == 0;
    const char *old = NULL;
    bool sqlite = bd->ws.beads_dir && legacy_find(bd->ws.beads_dir, &bd->arena, &old, NULL) == BD_OK;
    v->name = post ? "Migration Completion" : "Migration Readiness";
    v->ready = v->jsonl_valid = v->healthy = v->schema_valid = true;
    v->backend = bd->ws.has_database || d->x ? "dolt" : sqlite ? "sqlite" : "jsonl-only";
    if (!bd->ws.beads_dir) {
        v->ready = v->healthy = false;
        v->message = "No active beads workspace found";
        v->fix = "Run 'bd where' to inspect the resolved workspace, or 'bd init' to create a beads "
                 "installation";
        v->status = DOCTOR_ERROR;
        add(&v->errors, v->message);
        return;
    }
    read_jsonl(bd, d, v);
    if (sqlite)
        read_sqlite(bd, d, v, old, post);
    if (d->x) {
        uint64_t n = 0, wisps = 0;
        struct doctor_result r = {0};
        if (tables_count_all(d->x, "issues", NULL, &n, NULL) == BD_OK)
            v->dolt_count = (size_t)n;
        if (tables_has_table(d->x, "wisps") &&
            tables_count_all(d->x, "wisps", NULL, &wisps, NULL) == BD_OK)
            v->dolt_count += (size_t)wisps;
        r.check = doctor_find("Dolt Status");
        r.check->run(d, &r);
        v->locked = r.status != DOCTOR_OK;
        if (v->locked)
            add(&v->warnings, arena_printf(&bd->arena, "Dolt has uncommitted changes: %s",
                                           r.detail ? r.detail : r.message));
    }
    if (!post && strcmp(v->backend, "dolt") == 0) {
        v->status = DOCTOR_OK;
        v->message = "Already using Dolt backend";
        return;
    }
    if (!post && strcmp(v->backend, "jsonl-only") == 0 && !v->jsonl_count) {
        v->ready = false;
        add(&v->errors, "No JSONL file and no SQLite database found");
        v->fix = "Run 'bd where': there is nothing here to migrate";
    }
    if (post && !d->x) {
        v->ready = v->healthy = false;
        add(&v->errors, d->open_error.code
                            ? arena_printf(&bd->arena, "Failed to open Dolt: %s", d->open_error.msg)
                            : "There is no Dolt database");
        v->fix = "Run 'bd migrate --to-dolt --dry-run' to see what a migration would do";
    }
    if (v->errors.count) {
        v->status = DOCTOR_ERROR;
        v->message = arena_printf(
            &bd->arena, post ? "Migration incomplete: %zu error(s)" : "Not ready: %zu error(s)",
            v->errors.count);
        v->detail = joined(bd, &v->errors);
        return;
    }
    v->status = v->warnings.count ? DOCTOR_WARNING : DOCTOR_OK;
    size_t n = post ? v->dolt_count : sqlite ? v->sqlite_count : v->jsonl_count;
    v->message = arena_printf(&bd->arena, "%s%s (%zu issues%s)", post ? "Complete" : "Ready",
                              v->warnings.count ? " with warnings" : "", n, post ? " in Dolt" : "");
    v->detail = joined(bd, &v->warnings);
    if (!post)
        v->fix = sqlite ? "Run 'bd migrate --to-dolt' to start migration"
                        : "Run 'bd bootstrap' to make the database";
}

static void write_texts(struct json_writer *w, const char *key, const struct texts *t) {
    json_key(w, key);
    json_array(w);
    for (size_t i = 0; i < t->count; i++)
        json_str(w, t->items[i]);
    json_array_end(w);
}

static void migration_json(struct bd *bd, const struct doctor *d, const struct validation *v) {
    struct buf out = BUF_INIT;
    struct json_writer w;
    char stamp[40];
    datetime_format_rfc3339(d->now - d->now % MICROS_PER_SECOND, stamp, sizeof stamp);
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_key(&w, "check");
    write_check(&w, &(struct doctor_result){.name = v->name,
                                            .category = "Maintenance",
                                            .status = v->status,
                                            .message = v->message,
                                            .detail = v->detail,
                                            .fix = v->fix});
    json_key(&w, "validation");
    json_object(&w);
    json_member_str(&w, "phase", v->phase);
    json_member_bool(&w, "ready", v->ready);
    json_member_str(&w, "backend", v->backend);
    json_member_int(&w, "jsonl_count", (int64_t)v->jsonl_count);
    json_member_int(&w, "sqlite_count", (int64_t)v->sqlite_count);
    json_member_int(&w, "dolt_count", (int64_t)v->dolt_count);
    write_texts(&w, "missing_in_db", &v->missing);
    write_texts(&w, "missing_in_jsonl", &(struct texts){.count = 0});
    write_texts(&w, "errors", &v->errors);
    write_texts(&w, "warnings", &v->warnings);
    json_member_bool(&w, "jsonl_valid", v->jsonl_valid);
    json_member_int(&w, "jsonl_malformed", (int64_t)v->malformed);
    json_member_bool(&w, "dolt_healthy", v->healthy);
    json_member_bool(&w, "dolt_locked", v->locked);
    json_member_bool(&w, "schema_valid", v->schema_valid);
    json_member_str(&w, "recommended_fix", v->fix ? v->fix : "");
    json_object_end(&w);
    json_member_str(&w, "cli_version", BD_VERSION);
    json_member_str(&w, "timestamp", stamp);
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
}

static void migration_print(struct bd *bd, const struct validation *v, const char *phase) {
    fprintf(bd->out, "\nbd doctor --migration=%s v%s\n\n%s  %s: %s\n", phase, BD_VERSION,
            doctor_icon(bd, v->status), v->name, v->message);
    fprintf(bd->out, "\n%s\n  Backend:     %s\n  JSONL Count: %zu\n",
            doctor_ink(bd, INK_HEADING, "VALIDATION DETAILS"), v->backend, v->jsonl_count);
    if (v->dolt_count)
        fprintf(bd->out, "  Dolt Count:  %zu\n", v->dolt_count);
    fprintf(bd->out, "  JSONL Valid: %s\n", v->jsonl_valid ? "true" : "false");
    const struct texts *lists[] = {&v->warnings, &v->errors};
    static const char *const headings[] = {"WARNINGS", "ERRORS"};
    for (size_t k = 0; k < 2; k++) {
        if (lists[k]->count)
            fprintf(bd->out, "\n%s\n", doctor_ink(bd, INK_HEADING, headings[k]));
        for (size_t i = 0; i < lists[k]->count; i++)
            fprintf(bd->out, "  %s  %s\n", doctor_icon(bd, k ? DOCTOR_ERROR : DOCTOR_WARNING),
                    lists[k]->items[i]);
    }
    if (v->fix)
        fprintf(bd->out, "\n%s  %s\n", doctor_ink(bd, INK_MUTED, "Fix:"), v->fix);
    fprintf(bd->out, "\n%s\n",
            v->ready ? doctor_ink(bd, INK_PASS, "✓ Migration validation passed")
                     : doctor_ink(bd, INK_FAIL, "✗ Migration validation failed"));
}

int doctor_migration(struct bd *bd, const struct cmd_call *c, const char *phase) {
    struct doctor d;
    struct validation v = {0};
    if (strcmp(phase, "pre") != 0 && strcmp(phase, "post") != 0)
        return cmd_fail(bd, "invalid migration phase %s (use 'pre' or 'post')",
                        cmd_quote(&bd->arena, phase));
    v.phase = strcmp(phase, "pre") == 0 ? "pre-migration" : "post-migration";
    doctor_open(bd, c, &d);
    validate(bd, &d, &v);
    if (bd->json)
        migration_json(bd, &d, &v);
    else
        migration_print(bd, &v, phase);
    doctor_close(bd, &d);
    return v.ready ? 0 : 1;
}
