/*
 * bd gc: what nobody needs any more goes. Old closed issues (decay), then what no reference reaches in
 * the store. History is kept whole: squashing it is bd compact and bd flatten.
 */
#include "bd/cmd/closed_job.h"
#include "bd/cmd/collect.h"
#include "bd/cmd/commands.h"
#include "bd/cmd/gc_recover.h"
#include "bd/cmd/squash.h"
#include "bd/cmd/write.h"
#include "bd/ui/ink.h"
#include "bd/ui/text.h"

#include <inttypes.h>

#define MICROS_PER_DAY (INT64_C(86400) * MICROS_PER_SECOND)

enum { PHASES = 3 };

struct work {
    struct bd *bd;
    bool dry_run;
    int64_t older_than;
    struct closed_job job;
    struct phase {
        const char *name, *detail;
        bool skipped;
    } phases[PHASES];
    size_t phase_count;
    struct db_gc_result gone;
    bool collected, failed;
    int64_t start;
};

static struct phase *add_phase(struct work *w, const char *name, const char *detail) {
    struct phase *p = &w->phases[w->phase_count++];
    *p = (struct phase){name, detail, false};
    return p;
}

/* A line of the human answer. */
static void say(struct work *w, const char *line) {
    if (!w->bd->json)
        fprintf(w->bd->out, "%s\n", line);
}

/* ---- phase 1 ---- */

/* Deletes old closed issues. An exit status. */
static int decay(struct work *w, bool force) {
    struct bd *bd = w->bd;
    struct err err = ERR_INIT;
    say(w, "Phase 1/3: Decay (delete old closed issues)");
    w->job.query =
        (struct closed_query){FILTER_ANY, datetime_now() - w->older_than * MICROS_PER_DAY, NULL};
    if (closed_job_find(&w->job, &err) != BD_OK)
        return cmd_fail(bd, "searching closed issues: %s", err.msg);
    closed_job_warn(&w->job);
    if (!w->job.found.count) {
        say(w,
            arena_printf(&bd->arena, "  No closed issues older than %" PRId64 " days", w->older_than));
        add_phase(w, "Decay", "0 issues deleted");
    } else if (w->dry_run) {
        say(w, arena_printf(&bd->arena, "  Would delete %zu closed issue(s)", w->job.found.count));
        add_phase(w, "Decay", arena_printf(&bd->arena, "%zu issues (dry-run)", w->job.found.count));
    } else if (!force) {
        return cmd_fail_hint(bd, "Use --force to confirm or --dry-run to preview.",
                             "would delete %zu closed issue(s) older than %" PRId64 " days",
                             w->job.found.count, w->older_than);
    } else {
        if (write_run(bd, "gc", NULL, 0, closed_job_delete, &w->job, &err) != BD_OK)
            return cmd_fail(bd, "deleting closed issues: %s", err.msg);
        bd->export_may_shrink = w->job.found.count > 0;
        say(w, arena_printf(&bd->arena, "  Deleted %zu issue(s)", w->job.found.count));
        add_phase(w, "Decay", arena_printf(&bd->arena, "%zu issues deleted", w->job.found.count));
    }
    say(w, "");
    return 0;
}

/* ---- phase 2 ---- */

static void look_at_history(struct work *w) {
    struct bd *bd = w->bd;
    struct err err = ERR_INIT;
    uint64_t count;
    say(w, "Phase 2/3: Compact (Dolt commit history info)");
    if (tables_log_count(bd->ops.tables, NULL, &count, &err) != BD_OK)
        cmd_warn(bd, "could not read Dolt commit log: %s", err.msg);
    if (count <= 1) {
        say(w, arena_printf(&bd->arena, "  Only %" PRIu64 " commit(s), nothing to compact\n", count));
        add_phase(w, "Compact", "nothing to compact");
    } else {
        say(w, arena_printf(&bd->arena, "  %" PRIu64 " commits in history\n", count));
        add_phase(
            w, "Compact",
            arena_printf(&bd->arena, "%" PRIu64 " commits%s", count, w->dry_run ? " (dry-run)" : ""));
    }
}

/* ---- phase 3 ---- */

static void collect(struct work *w, bool full, bool table_files) {
    struct bd *bd = w->bd;
    struct err err = ERR_INIT;
    full = full || squash_is_pending(bd); /* old generation's history that was squashed */
    struct db_gc_options o = {.full = full, .table_files = table_files, .dry_run = w->dry_run};
    say(w, "Phase 3/3: Dolt GC (reclaim disk space)");
    fflush(bd->out);
    int rc = collect_run(bd, bd->ws.database_dir, o, &w->gone, &err);
    if (rc != BD_OK) {
        cmd_warn(bd, "dolt gc failed: %s", err.msg);
        add_phase(w, "Dolt GC", "failed");
        w->failed = true;
    } else {
        w->collected = true;
        if (full && !w->dry_run)
            squash_collected(bd);
        say(w, w->dry_run ? "  Would run DOLT_GC()" : "  Done");
        const char *before = text_bytes(&bd->arena, w->gone.before.total),
                   *after = text_bytes(&bd->arena, w->gone.after.total);
        if (w->gone.nothing_to_do)
            say(w, arena_printf(&bd->arena, "  Nothing was written since the last collection (%s)",
                                before));
        else
            say(w, arena_printf(&bd->arena, w->dry_run ? "  %s would become about %s" : "  %s → %s",
                                before, after));
        add_phase(w, "Dolt GC", w->dry_run ? "dry-run" : "complete");
    }
    say(w, "");
}

/* ---- the answer ---- */

static void answer_json(struct work *w, int64_t elapsed) {
    struct json_writer j;
    struct buf out = BUF_INIT;
    bd_json_begin(w->bd, &j, &out, true);
    json_object(&j);
    json_member_bool(&j, "dry_run", w->dry_run);
    json_member_int(&j, "elapsed_ms", elapsed / 1000);
    if (w->collected && w->bd->verbose) {
        json_member_int(&j, "bytes_before", (int64_t)w->gone.before.total);
        json_member_int(&j, "bytes_after", (int64_t)w->gone.after.total);
    }
    json_key(&j, "phases");
    json_array(&j);
    for (size_t i = 0; i < w->phase_count; i++) {
        json_object(&j);
        json_member_str(&j, "name", w->phases[i].name);
        json_member_bool(&j, "skipped", w->phases[i].skipped);
        if (w->phases[i].detail)
            json_member_str(&j, "detail", w->phases[i].detail);
        json_object_end(&j);
    }
    json_array_end(&j);
    json_object_end(&j);
    bd_json_end(w->bd, &j, &out);
}

static void answer(struct work *w) {
    struct bd *bd = w->bd;
    int64_t elapsed = datetime_now() - w->start;
    struct buf took = BUF_INIT;
    if (bd->json) {
        answer_json(w, elapsed);
        return;
    }
    text_add_duration(&took, (elapsed + 500) / 1000 * 1000000);
    fprintf(bd->out, "%s (%s)\n",
            w->dry_run  ? "DRY RUN complete"
            : w->failed ? "GC failed"
                        : "✓ GC complete",
            buf_str(&took));
    for (size_t i = 0; i < w->phase_count; i++)
        fprintf(bd->out, "  %s: %s\n", w->phases[i].name,
                w->phases[i].skipped ? "skipped" : w->phases[i].detail);
    buf_release(&took);
}

static int run(struct bd *bd, const struct cmd_call *c) {
    if (cmd_bool(c, "recover"))
        return gc_recover(bd, c);
    int64_t level = cmd_int(c, "archive-level");
    struct work w = {.job = {.bd = bd},
                     .bd = bd,
                     .dry_run = cmd_bool(c, "dry-run"),
                     .older_than = cmd_int(c, "older-than")};
    w.start = datetime_now();
    if (w.older_than < 0)
        return cmd_fail(bd, "--older-than must be non-negative");
    if (level != 0 && level != 1)
        return cmd_fail(bd, "--archive-level must be 0 (table files) or 1 (archives)");
    if (cmd_bool(c, "skip-decay")) {
        add_phase(&w, "Decay", NULL)->skipped = true;
    } else {
        int status = decay(&w, cmd_bool(c, "force"));
        if (status)
            return status;
    }
    look_at_history(&w);
    if (cmd_bool(c, "skip-dolt"))
        add_phase(&w, "Dolt GC", NULL)->skipped = true;
    else
        collect(&w, cmd_bool(c, "full"), level == 0);
    answer(&w);
    return w.failed;
}

static const struct cmd_flag flags[] = {
    {.name = "dry-run",
     .kind = FLAG_BOOL,
     .help = "Only tell what would be done and what it would give"},
    {.name = "force",
     .shorthand = 'f',
     .kind = FLAG_BOOL,
     .help = "Delete old closed issues; without it, nothing is done when there are any"},
    {.name = "older-than",
     .kind = FLAG_INT,
     .default_text = "90",
     .help = "Delete issues closed more than so many days ago"},
    {.name = "skip-decay", .kind = FLAG_BOOL, .help = "Delete no issues"},
    {.name = "skip-dolt", .kind = FLAG_BOOL, .help = "Do not collect the store"},
    {.name = "full",
     .kind = FLAG_BOOL,
     .help = "Write all history anew, also what earlier collections wrote"},
    {.name = "archive-level",
     .kind = FLAG_INT,
     .default_text = "1",
     .help = "0: table files, 1: archives (smaller)"},
    {.name = "recover",
     .kind = FLAG_BOOL,
     .help = "Recover a database that grew too large or is damaged: copy, mend, collect, check"},
    {.name = "yes", .shorthand = 'y', .kind = FLAG_BOOL, .help = "With --recover: do not ask"},
    {0},
};

const struct cmd cmd_gc = {
    .name = "gc",
    .use = "gc",
    .summary = "Delete old closed issues and give back disk space",
    .details =
        "Three phases: deletes issues that were closed long ago (never pinned ones), tells how long "
        "the history\n"
        "is, and rewrites the store without what no branch, tag or working set reaches. The history "
        "stays whole:\n"
        "bd compact and bd flatten shorten it.\n\n"
        "The store is also collected bit by bit by the commands that write (config key gc.auto: false "
        "switches\n"
        "that off), so that this command is rarely needed. After a flatten, --full gives back most.\n\n"
        "With --recover the database is copied first (.dolt.bak-<time>, twice its size must be free), "
        "checked and\n"
        "mended, collected and checked again; if anything fails, the copy is put back. Nothing else "
        "may use the\n"
        "database meanwhile.",
    .examples = "  bd gc --dry-run\n  bd gc --skip-decay\n  bd gc --older-than 30 --force\n  bd gc "
                "--skip-decay --full\n  bd gc --recover --dry-run",
    .group = "Maintenance",
    .args_max = 0,
    .flags = flags,
    .cls = CMD_WRITES,
    .no_store_flag = "recover",
    .run = run,
};
