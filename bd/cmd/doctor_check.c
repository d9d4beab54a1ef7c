/* bd doctor --check: one subject in detail. */
#include "bd/cmd/doctor.h"

#include "base/os.h"
#include "bd/cmd/write.h"
#include "bd/ops/delete.h"
#include "bd/ops/export.h"
#include "bd/ops/search.h"
#include "bd/ops/stats.h"
#include "bd/ops/validate.h"
#include "bd/ui/ink.h"
#include "bd/ui/issue_json.h"
#include "bd/workspace/process.h"
#include "doctor/artifacts.h"
#include "doctor/pollution.h"
#include "doctor/room.h"

#include <stdlib.h>
#include <string.h>

static bool confirmed(struct bd *bd, const struct cmd_call *c, const char *question) {
    if (cmd_bool(c, "yes"))
        return true;
    int answer = doctor_ask(bd, question);
    if (answer == 'y')
        return true;
    if (!answer)
        fprintf(bd->err, "Nobody to ask: nothing was changed. Use --yes\n");
    else
        fprintf(bd->out, "Canceled.\n");
    return false;
}

/* ---- artifacts ---- */

static int clean_artifacts(struct bd *bd, const struct cmd_call *c, struct artifact *list, size_t count,
                           const char **aside, size_t *moved) {
    struct doctor d;
    struct err err = ERR_INIT;
    int status = 0;
    *moved = 0;
    doctor_open(bd, c, &d);
    struct doctor_repair rp = {.d = &d};
    for (size_t i = 0; i < count && !status; i++) {
        if (!list[i].safe)
            continue;
        if (doctor_move_aside(&rp, list[i].path, &err))
            status = cmd_fail(bd, "during cleanup: %s", err.msg);
        else
            ++*moved;
    }
    *aside = rp.aside;
    doctor_repair_release(&rp);
    doctor_close(bd, &d);
    return status;
}

static void artifacts_json(struct bd *bd, const struct artifact *list, size_t count,
                           const char *aside) {
    static const char *const totals[] = {"sqlite_artifacts", "cruft_beads_dirs", "redirect_issues"};
    struct buf out = BUF_INIT;
    struct json_writer w;
    size_t per_kind[3] = {0}, safe = 0;
    for (size_t i = 0; i < count; i++) {
        per_kind[list[i].kind]++;
        safe += list[i].safe;
    }
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_member_int(&w, "total_count", (int64_t)count);
    if (count) {
        json_member_int(&w, "safe_delete_count", (int64_t)safe);
        for (size_t k = 0; k < 3; k++)
            json_member_int(&w, totals[k], (int64_t)per_kind[k]);
        json_key(&w, "findings");
        json_array(&w);
        for (size_t i = 0; i < count; i++) {
            json_object(&w);
            json_member_str(&w, "path", list[i].path);
            json_member_str(&w, "type", artifact_kind_names[list[i].kind]);
            json_member_str(&w, "description", list[i].description);
            json_member_bool(&w, "safe_delete", list[i].safe);
            json_object_end(&w);
        }
        json_array_end(&w);
    }
    json_member_str_opt(&w, "set_aside", aside);
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
}

static void artifacts_print(struct bd *bd, const struct artifact *list, size_t count, size_t safe) {
    static const char *const headings[] = {"SQLite Artifacts", "Cruft .beads Directories",
                                           "Redirect Issues"};
    fprintf(bd->out, "Found %zu classic artifact(s) (%zu safe to delete):\n\n", count, safe);
    for (int k = 0; k < 3; k++) {
        size_t n = 0;
        for (size_t i = 0; i < count; i++)
            n += (int)list[i].kind == k;
        if (!n)
            continue;
        fprintf(bd->out, "%s (%zu):\n", headings[k], n);
        for (size_t i = 0; i < count; i++)
            if ((int)list[i].kind == k)
                fprintf(bd->out, "  %s%s\n    %s\n", list[i].path, list[i].safe ? " [safe]" : "",
                        doctor_ink(bd, INK_MUTED, list[i].description));
        fputc('\n', bd->out);
    }
}

static int check_artifacts(struct bd *bd, const struct cmd_call *c) {
    struct artifact *list;
    size_t count, safe = 0, moved = 0;
    const char *aside = NULL, *root = bd->ws.project_dir && *bd->ws.project_dir
                                          ? bd->ws.project_dir
                                          : workspace_real_path(".", &bd->arena);
    bool clean = cmd_bool(c, "clean");
    artifacts_find(root, &bd->arena, &list, &count);
    for (size_t i = 0; i < count; i++)
        safe += list[i].safe;
    if (!count && !bd->json) {
        fprintf(bd->out, "No classic artifacts detected.\n");
        return 0;
    }
    if (!bd->json)
        artifacts_print(bd, list, count, safe);
    if (!bd->json && !clean) {
        fprintf(
            bd->out,
            "Run 'bd doctor --check=artifacts --clean' to set those aside that are safe to delete.\n");
        return 0;
    }
    if (clean && !safe && !bd->json) {
        fprintf(bd->out, "No artifacts are safe to auto-delete. Manual review required.\n");
        return 0;
    }
    if (clean && safe) {
        if (!bd->json &&
            !confirmed(bd, c, arena_printf(&bd->arena, "Set %zu artifact(s) aside? [y/N] ", safe)))
            return cmd_bool(c, "yes") ? 0 : 1;
        int status = clean_artifacts(bd, c, list, count, &aside, &moved);
        if (status)
            return status;
        if (!bd->json)
            fprintf(bd->out, "%s %zu set aside in %s\n", doctor_icon(bd, DOCTOR_OK), moved, aside);
        artifacts_find(root, &bd->arena, &list, &count);
    }
    if (bd->json)
        artifacts_json(bd, list, count, aside);
    return 0;
}

/* ---- pollution ---- */

struct deletion {
    struct bd *bd;
    const struct pollution *list;
    size_t count;
    struct strmap wanted;
    struct buf lines;
};

static int keep_line(void *ctx, const struct issue *i) {
    struct deletion *w = ctx;
    if (!strmap_has(&w->wanted, i->id))
        return BD_OK;
    struct json_writer j;
    json_begin(&j, &w->lines, JSON_COMPACT);
    json_object(&j);
    json_member_str(&j, "_type", "issue");
    issue_json_members(&j, i, 0);
    json_object_end(&j);
    json_end(&j);
    buf_add_char(&w->lines, '\n');
    return BD_OK;
}

static int delete_them(struct tables_txn *x, void *ctx, struct err *err) {
    struct deletion *w = ctx;
    struct issue_deletion plan;
    uint64_t marked;
    const char **ids = arena_alloc(&w->bd->arena, (w->count + 1) * sizeof *ids);
    for (size_t i = 0; i < w->count; i++)
        ids[i] = w->list[i].id;
    int rc = issue_deletion_plan(x, ids, w->count, false, &w->bd->arena, &plan, err);
    return rc == BD_OK ? issue_delete_in(&w->bd->ops, x, &plan, &marked, err) : rc;
}

/* The issues go to a file that bd import reads before they go from the database. */
static int delete_polluted(struct bd *bd, const struct pollution *list, size_t count) {
    struct deletion w = {.bd = bd, .list = list, .count = count};
    struct export_options all = {.all = true};
    struct tables_txn *x;
    struct err err = ERR_INIT;
    for (size_t i = 0; i < count; i++)
        strmap_put(&w.wanted, list[i].id, &w);
    int rc = tables_read_begin(bd->ops.tables, &x, &err);
    if (rc == BD_OK) {
        rc = export_issues(&bd->ops, x, &all, keep_line, &w, &err);
        tables_read_end(x);
    }
    const char *path = arena_printf(&bd->arena, "%s/pollution-backup.jsonl", bd->ws.beads_dir);
    for (int n = 2; rc == BD_OK && os_exists(path); n++)
        path = arena_printf(&bd->arena, "%s/pollution-backup-%d.jsonl", bd->ws.beads_dir, n);
    if (rc == BD_OK && os_write_file_atomic(path, buf_str(&w.lines), w.lines.size, 0600))
        rc = err_errno(&err, "cannot write %s", path);
    if (rc == BD_OK && !bd->json)
        fprintf(bd->out, "Backed up %zu issues to %s\n\nDeleting %zu issues...\n", count, path, count);
    bd->command_writes = true;
    if (rc == BD_OK)
        rc = write_run(bd, "doctor", NULL, 0, delete_them, &w, &err);
    strmap_release(&w.wanted);
    buf_release(&w.lines);
    if (rc)
        return cmd_fail(bd, "nothing was deleted: %s", err.msg);
    bd->export_may_shrink = true;
    if (!bd->json)
        fprintf(
            bd->out,
            "%s Deleted %zu test issues\n\nCleanup complete. To bring them back, run: bd import %s\n",
            doctor_icon(bd, DOCTOR_OK), count, path);
    return 0;
}

static void pollution_json(struct bd *bd, const struct pollution *list, size_t count, bool deleted) {
    struct buf out = BUF_INIT;
    struct json_writer w;
    size_t high = 0;
    for (size_t i = 0; i < count; i++)
        high += list[i].score >= 0.9 - 1e-9;
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_member_int(&w, "polluted_count", (int64_t)count);
    if (count) {
        json_member_int(&w, "high_confidence", (int64_t)high);
        json_member_int(&w, "medium_confidence", (int64_t)(count - high));
    }
    json_member_bool_opt(&w, "deleted", deleted);
    json_key(&w, "issues");
    json_array(&w);
    for (size_t i = 0; i < count; i++) {
        json_object(&w);
        json_member_str(&w, "id", list[i].id);
        json_member_str(&w, "title", list[i].title);
        json_key(&w, "score");
        json_float(&w, list[i].score);
        json_key(&w, "reasons");
        json_array(&w);
        for (size_t k = 0; k < list[i].reason_count; k++)
            json_str(&w, list[i].reasons[k]);
        json_array_end(&w);
        if (list[i].created_at != INT64_MIN)
            json_member_time(&w, "created_at", list[i].created_at);
        json_object_end(&w);
    }
    json_array_end(&w);
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
}

static void pollution_print(struct bd *bd, const struct pollution *list, size_t count) {
    static const char *const headings[] = {"High Confidence (score ≥ 0.9):",
                                           "Medium Confidence (score 0.7-0.9):"};
    fprintf(bd->out, "Found %zu potential test issues:\n\n", count);
    for (int medium = 0; medium < 2; medium++) {
        size_t n = 0;
        for (size_t i = 0; i < count; i++) {
            if ((list[i].score < 0.9 - 1e-9) != (bool)medium)
                continue;
            if (!n++)
                fprintf(bd->out, "%s\n", headings[medium]);
            fprintf(bd->out, "  %s: %s (score: %.2f)\n", list[i].id,
                    cmd_quote(&bd->arena, list[i].title), list[i].score);
            for (size_t k = 0; k < list[i].reason_count; k++)
                fprintf(bd->out, "    - %s\n", list[i].reasons[k]);
        }
        if (n)
            fprintf(bd->out, "  (Total: %zu issues)\n\n", n);
    }
}

static int check_pollution(struct bd *bd, const struct cmd_call *c) {
    struct pollution *list;
    size_t count = 0;
    struct tables_txn *x;
    struct err err = ERR_INIT;
    bool clean = cmd_bool(c, "clean");
    int status = bd_open_store(bd);
    if (status)
        return status;
    int rc = tables_read_begin(bd->ops.tables, &x, &err);
    if (rc == BD_OK) {
        rc = pollution_find(x, &bd->arena, &list, &count, &err);
        tables_read_end(x);
    }
    if (rc)
        return cmd_fail(bd, "fetching issues: %s", err.msg);
    if (bd->json) {
        bool ask_again = clean && count && !cmd_bool(c, "yes");
        if (ask_again)
            return cmd_fail(bd, "--clean with --json needs --yes");
        if (clean && count && (status = delete_polluted(bd, list, count)))
            return status;
        pollution_json(bd, list, count, clean && count);
        return 0;
    }
    if (!count) {
        fprintf(bd->out, "No test pollution detected!\n");
        return 0;
    }
    pollution_print(bd, list, count);
    if (!clean) {
        fprintf(
            bd->out,
            "Run 'bd doctor --check=pollution --clean' to delete these issues (with confirmation).\n");
        return 0;
    }
    if (!confirmed(bd, c, arena_printf(&bd->arena, "\nDelete %zu test issues? [y/N] ", count)))
        return 1;
    return delete_polluted(bd, list, count);
}

/* ---- conventions ---- */

struct convention {
    const char *name, *message, *fix;
    bool warn;
};

static struct convention lint(struct bd *bd, struct tables_txn *x) {
    static const char *const open[] = {"open"};
    struct issue_filter f;
    struct issue_list list = {0};
    struct err err = ERR_INIT;
    size_t bad = 0;
    issue_filter_init(&f);
    f.statuses = (struct text_list){(const char **)(uintptr_t)open, 1};
    f.skip_labels = true;
    if (search_issues(x, &f, &bd->arena, &list, &err))
        return (struct convention){"conventions.lint",
                                   arena_printf(&bd->arena, "error reading issues: %s", err.msg), NULL,
                                   true};
    for (size_t i = 0; i < list.count; i++) {
        const struct required_section *missing;
        const struct issue *issue = &list.items[i];
        bad += type_missing_sections(issue->issue_type, issue->description ? issue->description : "",
                                     issue->acceptance_criteria ? issue->acceptance_criteria : "",
                                     &bd->arena, &missing) > 0;
    }
    if (!bad)
        return (struct convention){
            "conventions.lint",
            arena_printf(&bd->arena, "all %zu open issues pass template checks", list.count), NULL,
            false};
    return (struct convention){"conventions.lint",
                               arena_printf(&bd->arena,
                                            "%zu of %zu open issues missing recommended sections", bad,
                                            list.count),
                               "bd lint", true};
}

static struct convention stale(struct bd *bd, struct tables_txn *x) {
    struct issue_list list = {0};
    struct err err = ERR_INIT;
    if (stats_stale(x, 14, "", 100, &bd->arena, &list, &err))
        return (struct convention){"conventions.stale",
                                   arena_printf(&bd->arena, "error checking stale issues: %s", err.msg),
                                   NULL, true};
    if (!list.count)
        return (struct convention){"conventions.stale", "no issues inactive for 14+ days", NULL, false};
    return (struct convention){"conventions.stale",
                               arena_printf(&bd->arena, "%zu issues inactive for 14+ days", list.count),
                               "bd stale", true};
}

/* Open issues that a commit names as "(prefix-id)". */
static struct convention orphans(struct bd *bd, struct tables_txn *x) {
    static const char *const open[] = {"open", "in_progress"};
    struct issue_filter f;
    struct issue_list list = {0};
    struct strmap ids = STRMAP_INIT, named = STRMAP_INIT;
    char *log =
        process_git(bd->ws.project_dir, (const char *const[]){"log", "--oneline", "--all", NULL});
    issue_filter_init(&f);
    f.statuses = (struct text_list){(const char **)(uintptr_t)open, 2};
    f.skip_labels = true;
    if (!log || search_issues(x, &f, &bd->arena, &list, NULL)) {
        free(log);
        return (struct convention){"conventions.orphans", "orphan check skipped (no git history)", NULL,
                                   false};
    }
    for (size_t i = 0; i < list.count; i++)
        strmap_put(&ids, list.items[i].id, &ids);
    for (const char *p = log; (p = strchr(p, '('));) {
        size_t n = strcspn(++p, "()\n");
        if (p[n] == ')' && strmap_get_n(&ids, p, n))
            strmap_put_n(&named, p, n, &ids);
    }
    size_t n = named.live;
    strmap_release(&ids);
    strmap_release(&named);
    free(log);
    if (!n)
        return (struct convention){"conventions.orphans", "no orphaned issues found", NULL, false};
    return (struct convention){
        "conventions.orphans",
        arena_printf(&bd->arena, "%zu issues referenced in commits but still open", n), "bd orphans",
        true};
}

static void conventions_json(struct bd *bd, const struct convention *list, size_t n, size_t warned) {
    struct buf out = BUF_INIT;
    struct json_writer w;
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_member_str(&w, "path", bd->ws.project_dir ? bd->ws.project_dir : "");
    json_key(&w, "checks");
    json_array(&w);
    for (size_t i = 0; i < n; i++) {
        json_object(&w);
        json_member_str(&w, "name", list[i].name);
        json_member_str(&w, "status", list[i].warn ? "warning" : "ok");
        json_member_str(&w, "message", list[i].message);
        json_member_str_opt(&w, "fix", list[i].fix);
        json_member_str(&w, "category", "Conventions");
        json_object_end(&w);
    }
    json_array_end(&w);
    json_member_bool(&w, "overall_ok", !warned);
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
}

static int check_conventions(struct bd *bd, const struct cmd_call *c) {
    struct tables_txn *x;
    struct err err = ERR_INIT;
    size_t warned = 0;
    (void)c;
    int status = bd_open_store(bd);
    if (status)
        return status;
    if (tables_read_begin(bd->ops.tables, &x, &err))
        return cmd_fail(bd, "%s", err.msg);
    struct convention list[] = {lint(bd, x), stale(bd, x), orphans(bd, x)};
    tables_read_end(x);
    for (size_t i = 0; i < 3; i++)
        warned += list[i].warn;
    if (bd->json) {
        conventions_json(bd, list, 3, warned);
        return 0;
    }
    fprintf(bd->out, "\n%s\n", doctor_ink(bd, INK_HEADING, "CONVENTIONS"));
    for (size_t i = 0; i < 3; i++) {
        fprintf(bd->out, "  %s  %s %s\n", doctor_icon(bd, list[i].warn ? DOCTOR_WARNING : DOCTOR_OK),
                list[i].name, doctor_ink(bd, INK_MUTED, list[i].message));
        if (list[i].fix)
            fprintf(bd->out, "     %s\n",
                    doctor_ink(bd, INK_MUTED, arena_printf(&bd->arena, "Fix: %s", list[i].fix)));
    }
    fprintf(bd->out, "\n%s %zu passed  %s %zu warnings\n", doctor_icon(bd, DOCTOR_OK), 3 - warned,
            doctor_icon(bd, DOCTOR_WARNING), warned);
    if (!warned)
        fprintf(bd->out, "\n%s\n", doctor_ink(bd, INK_PASS, "✓ All convention checks passed"));
    return 0;
}

/* ---- validate ---- */

static int check_validate(struct bd *bd, const struct cmd_call *c) {
    static const char *const names[] = {"Duplicate Issues", "Orphaned Dependencies", "Test Pollution",
                                        "Git Conflicts", NULL};
    struct doctor d;
    struct doctor_repair repair = {0};
    bool fixed = false, fixable = false;
    int status = 0;
    doctor_open(bd, c, &d);
    doctor_run_named(&d, names);
    if (cmd_bool(c, "fix")) {
        status = doctor_fix(bd, c, &d, &repair, &fixed);
        if (fixed) {
            doctor_reopen(bd, c, &d);
            doctor_run_named(&d, names);
        }
    }
    size_t ok = doctor_count(&d, DOCTOR_OK), warned = doctor_count(&d, DOCTOR_WARNING),
           bad = doctor_count(&d, DOCTOR_ERROR);
    for (size_t i = 0; i < d.count; i++)
        fixable = fixable || d.results[i].fixable;
    if (bd->json) {
        struct buf out = BUF_INIT;
        struct json_writer w;
        bd_json_begin(bd, &w, &out, true);
        json_object(&w);
        json_member_str(&w, "path", d.path);
        json_key(&w, "checks");
        doctor_json_checks(&w, &d);
        json_member_bool(&w, "overall_ok", ok == d.count);
        json_object_end(&w);
        bd_json_end(bd, &w, &out);
    } else {
        fprintf(bd->out, "\n%s\n", doctor_ink(bd, INK_HEADING, "DATA INTEGRITY"));
        doctor_print_list(bd, &d);
        fprintf(bd->out, "\n%s %zu passed  %s %zu warnings  %s %zu failed\n",
                doctor_icon(bd, DOCTOR_OK), ok, doctor_icon(bd, DOCTOR_WARNING), warned,
                doctor_icon(bd, DOCTOR_ERROR), bad);
        if (fixable && !cmd_bool(c, "fix"))
            fprintf(bd->out, "\n%s\n",
                    doctor_ink(
                        bd, INK_MUTED,
                        "Tip: Use 'bd doctor --check=validate --fix' to auto-repair fixable issues"));
        if (ok == d.count)
            fprintf(bd->out, "\n%s\n", doctor_ink(bd, INK_PASS, "✓ All data-integrity checks passed"));
    }
    if (ok != d.count)
        status = 1;
    doctor_repair_release(&repair);
    doctor_close(bd, &d);
    return status;
}

int doctor_focused(struct bd *bd, const struct cmd_call *c, const char *name) {
    static const struct {
        const char *name;
        int (*run)(struct bd *bd, const struct cmd_call *c);
    } checks[] = {{"artifacts", check_artifacts},
                  {"conventions", check_conventions},
                  {"pollution", check_pollution},
                  {"validate", check_validate}};
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        if (strcmp(name, checks[i].name) == 0)
            return checks[i].run(bd, c);
    return cmd_fail_hint(bd, "Available checks: artifacts, conventions, pollution, validate",
                         "unknown check %s", cmd_quote(&bd->arena, name));
}
