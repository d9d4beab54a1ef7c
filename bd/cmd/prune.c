/* bd prune and bd purge: closed issues go for good; prune the ordinary ones, purge the ephemeral ones.
 */
#include "bd/cmd/closed_job.h"
#include "bd/cmd/commands.h"
#include "bd/cmd/write.h"
#include "bd/ui/ink.h"

#include <string.h>

#define MICROS_PER_DAY (INT64_C(86400) * MICROS_PER_SECOND)

struct scope {
    const char *name, *done, *done_key, *planned_key, *noun;
    enum filter_flag ephemeral;
    bool needs_filter;
};
static const struct scope scope_prune = {
    "prune", "Pruned", "pruned_count", "prune_count", "closed bead", FILTER_NO, true};
static const struct scope scope_purge = {
    "purge", "Purged", "purged_count", "purge_count", "closed ephemeral bead", FILTER_YES, false};

struct work {
    struct bd *bd;
    const struct scope *scope;
    const char *older_than, *pattern; /* as typed, "" when not given */
    struct closed_job job;
};

static void answer_nothing(struct work *w) {
    struct bd *bd = w->bd;
    const char *message = arena_printf(&bd->arena, "No %ss to %s", w->scope->noun, w->scope->name);
    if (!bd->json) {
        fputs(message, bd->out);
        if (*w->older_than)
            fprintf(bd->out, " (older than %s)", w->older_than);
        if (*w->pattern)
            fprintf(bd->out, " (matching %s)", cmd_quote(&bd->arena, w->pattern));
        fputc('\n', bd->out);
        return;
    }
    struct json_writer j;
    struct buf out = BUF_INIT;
    bd_json_begin(bd, &j, &out, true);
    json_object(&j);
    json_member_int(&j, w->scope->done_key, 0);
    json_member_str(&j, "message", message);
    json_object_end(&j);
    bd_json_end(bd, &j, &out);
}

static void answer_json(struct work *w, bool dry_run) {
    struct json_writer j;
    struct buf out = BUF_INIT;
    bd_json_begin(w->bd, &j, &out, true);
    json_object(&j);
    if (dry_run)
        json_member_bool(&j, "dry_run", true);
    json_member_int(&j, dry_run ? w->scope->planned_key : w->scope->done_key,
                    (int64_t)w->job.found.count);
    json_member_int(&j, "dependencies", (int64_t)w->job.found.dependencies);
    json_member_int(&j, "labels", (int64_t)w->job.found.labels);
    json_member_int(&j, "events", (int64_t)w->job.found.events);
    if (w->job.found.pinned)
        json_member_int(&j, "pinned_skipped", (int64_t)w->job.found.pinned);
    json_object_end(&j);
    bd_json_end(w->bd, &j, &out);
}

static void answer(struct work *w, bool dry_run) {
    struct bd *bd = w->bd;
    const struct closed_found *f = &w->job.found;
    if (bd->json) {
        answer_json(w, dry_run);
        return;
    }
    if (dry_run)
        fprintf(bd->out, "Would %s %zu %s(s)\n", w->scope->name, f->count, w->scope->noun);
    else
        write_success(bd, "%s %zu %s(s)", w->scope->done, f->count, w->scope->noun);
    const char *gone = dry_run ? ":" : " removed:";
    fprintf(bd->out, "  Dependencies%s %llu\n", gone, (unsigned long long)f->dependencies);
    fprintf(bd->out, "  Labels%s       %llu\n", gone, (unsigned long long)f->labels);
    fprintf(bd->out, "  Events%s       %llu\n", gone, (unsigned long long)f->events);
    if (f->pinned)
        fprintf(bd->out, "  Pinned (skipped): %s%llu\n", dry_run ? "" : "    ",
                (unsigned long long)f->pinned);
    if (dry_run)
        fputs("\n(Dry-run mode — no changes made)\n", bd->out);
}

/* Without --force: what is there, and how to go on. */
static int refuse(struct work *w) {
    struct bd *bd = w->bd;
    struct buf command = BUF_INIT;
    fprintf(bd->out, "Found %zu %s(s) to %s\n", w->job.found.count, w->scope->noun, w->scope->name);
    if (w->job.found.pinned)
        fprintf(bd->out, "Skipping %llu pinned bead(s)\n", (unsigned long long)w->job.found.pinned);
    buf_addf(&command, "bd %s --force", w->scope->name);
    if (*w->older_than)
        buf_addf(&command, " --older-than %s", w->older_than);
    if (*w->pattern)
        buf_addf(&command, " --pattern %s", w->pattern);
    const char *hint = arena_printf(&bd->arena, "Use --force to confirm or --dry-run to preview.\n  %s",
                                    buf_str(&command));
    buf_release(&command);
    return cmd_fail_hint(bd, hint, "would %s %zu bead(s)", w->scope->name, w->job.found.count);
}

static int run_scope(struct bd *bd, const struct cmd_call *c, const struct scope *scope) {
    struct work w = {.bd = bd,
                     .job = {.bd = bd},
                     .scope = scope,
                     .older_than = cmd_str(c, "older-than"),
                     .pattern = cmd_str(c, "pattern")};
    bool dry_run = cmd_bool(c, "dry-run"), really = cmd_bool(c, "force") && !dry_run;
    struct err err = ERR_INIT;
    int64_t days;
    w.job.query = (struct closed_query){scope->ephemeral, ISSUE_NO_TIME, *w.pattern ? w.pattern : NULL};
    if (scope->needs_filter && !*w.older_than && !*w.pattern)
        return cmd_fail_hint(bd,
                             "Protects against accidental bulk deletion. Use `--pattern '*'` to\n"
                             "  include all closed beads in this scope, or `--older-than 1d`\n"
                             "  / `--pattern '<glob>'` to narrow the deletion.",
                             "bd %s requires --older-than or --pattern", scope->name);
    if (*w.older_than) {
        if (closed_parse_age(w.older_than, &days, &err) != BD_OK)
            return cmd_fail(bd, "invalid --older-than value %s: %s",
                            cmd_quote(&bd->arena, w.older_than), err.msg);
        w.job.query.closed_before = datetime_now() - days * MICROS_PER_DAY;
    }
    int rc = really ? write_run(bd, scope->name, NULL, 0, closed_job_delete, &w.job, &err)
                    : closed_job_find(&w.job, &err);
    if (rc != BD_OK)
        return cmd_fail(bd, "%s failed: %s", scope->name, err.msg);
    closed_job_warn(&w.job);
    if (!w.job.found.count)
        answer_nothing(&w);
    else if (!really && !dry_run)
        return refuse(&w);
    else
        answer(&w, dry_run);
    bd->export_may_shrink = really && w.job.found.count > 0;
    return 0;
}

static int run_prune(struct bd *bd, const struct cmd_call *c) { return run_scope(bd, c, &scope_prune); }
static int run_purge(struct bd *bd, const struct cmd_call *c) { return run_scope(bd, c, &scope_purge); }

static const struct cmd_flag flags[] = {
    {.name = "force",
     .shorthand = 'f',
     .kind = FLAG_BOOL,
     .help = "Delete; without it, only tell what would go"},
    {.name = "dry-run", .kind = FLAG_BOOL, .help = "Count what would go, even with --force"},
    {.name = "older-than",
     .kind = FLAG_STRING,
     .help = "Only what was closed that long ago: 30, 30d, 2w, 48h"},
    {.name = "pattern", .kind = FLAG_STRING, .help = "Only ids that match (* ? [a-z])"},
    {0},
};

const struct cmd cmd_prune = {
    .name = "prune",
    .use = "prune",
    .summary = "Delete old closed issues",
    .details = "Deletes closed issues with their labels, dependencies, comments and events. Open, "
               "pinned and ephemeral\n"
               "issues are left alone (bd purge deletes closed ephemeral ones). --older-than or "
               "--pattern is required.\n\n"
               "The history still has what was deleted (bd history, bd restore); bd flatten lets go of "
               "that as well.",
    .examples = "  bd prune --older-than 30d --dry-run\n  bd prune --older-than 30d --force\n"
                "  bd prune --pattern 'web-tmp-*' --force",
    .group = "Maintenance",
    .args_max = -1,
    .flags = flags,
    .cls = CMD_WRITES,
    .run = run_prune,
};

const struct cmd cmd_purge = {
    .name = "purge",
    .use = "purge",
    .summary = "Delete closed ephemeral issues",
    .details = "Deletes closed ephemeral issues (wisps, passing molecules) with everything that hangs "
               "on them. Pinned\n"
               "ones are left alone. bd prune deletes ordinary closed issues.",
    .examples = "  bd purge --dry-run\n  bd purge --older-than 7d --force\n  bd purge --pattern "
                "'*-wisp-*' --force",
    .group = "Maintenance",
    .args_max = -1,
    .flags = flags,
    .cls = CMD_WRITES,
    .run = run_purge,
};
