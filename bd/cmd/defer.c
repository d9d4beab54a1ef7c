/* bd defer and bd undefer: put issues aside, and take them up again. All of them, or none when one is
 * unknown. */
#include "bd/cmd/commands.h"
#include "bd/cmd/issue_flags.h"
#include "bd/cmd/route.h"
#include "bd/cmd/write.h"
#include "bd/ops/hydrate.h"
#include "bd/ops/resolve.h"
#include "bd/ops/update.h"
#include "bd/ui/ink.h"

#include <string.h>

struct work {
    struct bd *bd;
    bool undefer;
    int64_t until; /* ISSUE_NO_TIME: not given */
    const char *const *typed;
    size_t count;
    struct issue *issues; /* afterwards */
    bool *changed;
    size_t done;
};

static int change_one(struct work *w, struct tables_txn *x, size_t n, struct err *err) {
    struct arena *a = &w->bd->arena;
    struct issue *i = &w->issues[n];
    struct issue_changes changes = ISSUE_CHANGES_INIT;
    const char *id;
    int rc = issue_resolve(x, w->typed[n], a, &id, err);
    if (rc == BD_OK)
        rc = issue_load(x, id, a, i, err);
    if (rc != BD_OK)
        return rc;
    w->changed[n] = !w->undefer || strcmp(i->status, "deferred") == 0;
    if (!w->changed[n])
        return BD_OK;
    issue_change_text(&changes, "status", w->undefer ? "open" : "deferred");
    if (w->undefer || w->until != ISSUE_NO_TIME)
        issue_change_time(&changes, "defer_until", w->undefer ? ISSUE_NO_TIME : w->until);
    rc = issue_update_in(&w->bd->ops, x, id, &changes, a, NULL, err);
    if (rc == BD_OK)
        rc = issue_load(x, id, a, i, err);
    w->done += rc == BD_OK;
    return rc == BD_OK ? issues_hydrate(x, i, 1, HYDRATE_LABELS, a, err) : rc;
}

static int change_all(struct tables_txn *x, void *ctx, struct err *err) {
    struct work *w = ctx;
    int rc = BD_OK;
    w->done = 0;
    for (size_t n = 0; rc == BD_OK && n < w->count; n++)
        rc = change_one(w, x, n, err);
    return rc == BD_OK && !w->done ? err_set(err, BD_CANCELLED, "nothing to change") : rc;
}

static void answer(struct work *w) {
    struct bd *bd = w->bd;
    struct issue_list done = {NULL, 0, 0};
    for (size_t n = 0; n < w->count; n++) {
        const struct issue *i = &w->issues[n];
        if (!w->changed[n])
            write_complain(bd, "%s is not deferred (status: %s)", i->id, i->status);
        else if (bd->json)
            *issue_list_add(&done, &bd->arena) = *i;
        else if (w->undefer)
            fprintf(bd->out, "%s Undeferred %s (now open)\n",
                    ink_text(&bd->arena, bd->color, INK_PASS, "*"), i->id);
        else
            fprintf(bd->out, "%s Deferred %s\n", ink_text(&bd->arena, bd->color, INK_ACCENT, "*"),
                    i->id);
    }
    if (done.count)
        write_json_issues(bd, &done);
}

static int run_work(struct bd *bd, const struct cmd_call *c, bool undefer, int64_t until) {
    struct work w = {
        .bd = bd, .undefer = undefer, .until = until, .typed = cmd_args(c), .count = cmd_arg_count(c)};
    struct err err = ERR_INIT;
    w.issues = arena_zalloc(&bd->arena, w.count * sizeof *w.issues);
    w.changed = arena_zalloc(&bd->arena, w.count * sizeof *w.changed);
    route_ids(bd, w.typed, w.count);
    int rc = write_run(bd, undefer ? "undefer" : "defer", NULL, 0, change_all, &w, &err);
    if (rc != BD_OK && rc != BD_CANCELLED)
        return cmd_fail(bd, "%s", err.msg);
    answer(&w);
    return 0;
}

static int run_defer(struct bd *bd, const struct cmd_call *c) {
    int64_t until;
    int status = flag_time(bd, c, "until", false, &until);
    if (status)
        return status;
    if (until != ISSUE_NO_TIME && until < datetime_now() && !bd->json)
        warn_past_defer(bd, "until", until);
    return run_work(bd, c, false, until);
}

static int run_undefer(struct bd *bd, const struct cmd_call *c) {
    return run_work(bd, c, true, ISSUE_NO_TIME);
}

static const struct cmd_flag defer_flags[] = {
    {.name = "until",
     .kind = FLAG_STRING,
     .help = "When it comes back by itself (+1h, tomorrow, 2026-12-24)"},
    {0},
};

const struct cmd cmd_defer = {
    .name = "defer",
    .use = "defer [id...]",
    .summary = "Put issues aside for later",
    .details = "Sets the status to deferred: the issues stay in 'bd list' and leave 'bd ready' until "
               "'bd undefer', or\n"
               "until the time given.",
    .examples = "  bd defer bd-1\n  bd defer bd-1 bd-2 --until=tomorrow",
    .args_min = 1,
    .args_max = -1,
    .flags = defer_flags,
    .cls = CMD_WRITES | CMD_BRIEF,
    .run = run_defer,
};

const struct cmd cmd_undefer = {
    .name = "undefer",
    .use = "undefer [id...]",
    .summary = "Take up deferred issues again",
    .details = "Sets deferred issues back to open and forgets the time until which they were deferred.",
    .examples = "  bd undefer bd-1",
    .args_min = 1,
    .args_max = -1,
    .cls = CMD_WRITES | CMD_BRIEF,
    .run = run_undefer,
};
