/* bd reopen: back to open, whatever the status was. */
#include "bd/cmd/commands.h"
#include "bd/cmd/route.h"
#include "bd/cmd/write.h"
#include "bd/ops/hydrate.h"
#include "bd/ops/resolve.h"
#include "bd/ops/update.h"
#include "bd/ui/ink.h"

#include <string.h>

struct target {
    const char *typed, *complaint;
    bool failed; /* a complaint that is an error */
    struct issue after;
};

struct work {
    struct bd *bd;
    const char *reason;
    struct target *targets;
    size_t count, done;
};

static int reopen_one(struct work *w, struct tables_txn *x, struct target *t, struct err *err) {
    struct arena *a = &w->bd->arena;
    const char *id;
    struct issue before;
    int rc = issue_resolve(x, t->typed, a, &id, err);
    if (rc == BD_NOT_FOUND || rc == BD_INVALID) {
        t->complaint = arena_printf(a, "Error resolving %s: %s", t->typed, err->msg);
        t->failed = true;
        err_clear(err);
        return BD_OK;
    }
    if (rc == BD_OK)
        rc = issue_load(x, id, a, &before, err);
    if (rc != BD_OK)
        return rc;
    if (strcmp(before.status, "open") == 0) {
        t->complaint = arena_printf(a, "%s is already open", id);
        return BD_OK;
    }
    rc = issue_reopen_in(&w->bd->ops, x, id, w->reason, a, err);
    if (rc == BD_OK)
        rc = issue_load(x, id, a, &t->after, err);
    if (rc == BD_OK)
        rc = issues_hydrate(x, &t->after, 1, HYDRATE_LABELS, a, err);
    w->done += rc == BD_OK;
    return rc;
}

static int reopen_all(struct tables_txn *x, void *ctx, struct err *err) {
    struct work *w = ctx;
    w->done = 0;
    for (size_t i = 0; i < w->count; i++) {
        w->targets[i] = (struct target){.typed = w->targets[i].typed};
        int rc = reopen_one(w, x, &w->targets[i], err);
        if (rc != BD_OK)
            return err_prefix(err, "reopening %s", w->targets[i].typed);
    }
    return w->done ? BD_OK : err_set(err, BD_CANCELLED, "nothing to reopen");
}

static int run(struct bd *bd, const struct cmd_call *c) {
    struct work w = {.bd = bd, .reason = cmd_str(c, "reason"), .count = cmd_arg_count(c)};
    struct err err = ERR_INIT;
    struct issue_list done = {NULL, 0, 0};
    int status = 0;
    w.targets = arena_zalloc(&bd->arena, w.count * sizeof *w.targets);
    for (size_t i = 0; i < w.count; i++)
        w.targets[i].typed = cmd_arg(c, i);
    route_ids(bd, cmd_args(c), w.count);
    int code = write_run(bd, "reopen", NULL, 0, reopen_all, &w, &err);
    if (code != BD_OK && code != BD_CANCELLED)
        return cmd_fail(bd, "%s", err.msg);
    for (size_t i = 0; i < w.count; i++) {
        const struct target *t = &w.targets[i];
        if (t->complaint) {
            write_complain(bd, "%s", t->complaint);
            status = t->failed ? 1 : status;
            continue;
        }
        *issue_list_add(&done, &bd->arena) = t->after;
        if (!bd->json)
            fprintf(bd->out, "%s Reopened %s%s%s\n", ink_text(&bd->arena, bd->color, INK_ACCENT, "↻"),
                    t->after.id, *w.reason ? ": " : "", w.reason);
    }
    if (bd->json && done.count)
        write_json_issues(bd, &done);
    return status;
}

static const struct cmd_flag flags[] = {
    {.name = "reason", .shorthand = 'r', .kind = FLAG_STRING, .help = "Why"},
    {0},
};

const struct cmd cmd_reopen = {
    .name = "reopen",
    .use = "reopen [id...]",
    .summary = "Reopen one or more closed issues",
    .details = "Sets the status back to open and clears what closing and deferring had set.",
    .group = "Working With Issues",
    .args_min = 1,
    .args_max = -1,
    .flags = flags,
    .cls = CMD_WRITES | CMD_BRIEF,
    .run = run,
};
