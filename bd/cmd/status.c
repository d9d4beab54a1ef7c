/*
 * bd status: the overview in numbers; bd stale: issues that nobody touched for long.
 */
#include "bd/cmd/commands.h"
#include "bd/cmd/view.h"

#include "base/datetime.h"
#include "bd/ops/stats.h"
#include "bd/ui/issue_text.h"

#include <string.h>

static void status_json(struct bd *bd, const struct statistics *s) {
    const struct {
        const char *key;
        int64_t value;
    } numbers[] = {
        {"total_issues", s->total},
        {"open_issues", s->open},
        {"in_progress_issues", s->in_progress},
        {"closed_issues", s->closed},
        {"blocked_issues", s->blocked},
        {"deferred_issues", s->deferred},
        {"ready_issues", s->ready},
        {"pinned_issues", s->pinned},
        {"epics_eligible_for_closure", 0},
        {"average_lead_time_hours", 0},
    };
    struct buf out = BUF_INIT;
    struct json_writer w;
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_key(&w, "summary");
    json_object(&w);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        json_member_int(&w, numbers[i].key, numbers[i].value);
    json_object_end(&w);
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
}

static void status_text(struct bd *bd, const struct statistics *s) {
    const struct {
        const char *label;
        int64_t value;
        enum ink ink;
    } lines[] = {
        {"  Total Issues:           ", s->total, INK_PLAIN},
        {"  Open:                   ", s->open, INK_PASS},
        {"  In Progress:            ", s->in_progress, INK_WARN},
        {"  Blocked:                ", s->blocked, INK_FAIL},
        {"  Closed:                 ", s->closed, INK_PLAIN},
        {"  Ready to Work:          ", s->ready, INK_PASS},
    };
    struct buf out = BUF_INIT;
    buf_add_char(&out, '\n');
    ink_add(&out, bd->color, INK_ACCENT, "📊");
    buf_add_str(&out, " Issue Database Status\n\nSummary:\n");
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        buf_add_str(&out, lines[i].label);
        ink_add(&out, bd->color, lines[i].ink,
                arena_printf(&bd->arena, "%lld", (long long)lines[i].value));
        buf_add_char(&out, '\n');
    }
    if (s->pinned > 0)
        buf_addf(&out, "\nExtended:\n  Pinned:                 %lld\n", (long long)s->pinned);
    buf_add_str(&out, "\nFor more details, use 'bd list' to see individual issues.\n\n");
    view_print(bd, &out);
}

static int run_status(struct bd *bd, const struct cmd_call *c) {
    struct tables_txn *x = NULL;
    struct statistics s;
    struct err err = ERR_INIT;
    int status = view_begin(bd, &x);
    if (status)
        return status;
    int rc = cmd_bool(c, "assigned") ? stats_assigned(x, bd_actor(bd), &s, &err)
                                     : stats_overview(x, &s, &err);
    tables_read_end(x);
    if (rc != BD_OK)
        return cmd_fail_json_stdout(bd, "%s", err.msg);
    if (bd->json)
        status_json(bd, &s);
    else
        status_text(bd, &s);
    return 0;
}

static const struct cmd_flag status_flags[] = {
    {.name = "all", .kind = FLAG_BOOL, .help = "All issues (what is shown anyway)"},
    {.name = "assigned", .kind = FLAG_BOOL, .help = "Only issues assigned to you"},
    {.name = "no-activity", .kind = FLAG_BOOL, .help = "Accepted for compatibility, without effect"},
    {0},
};
static const char *const status_aliases[] = {"stats", NULL};

const struct cmd cmd_status = {
    .name = "status",
    .aliases = status_aliases,
    .use = "status [flags]",
    .summary = "Show how many issues are open, blocked, ready …",
    .group = "Views & Reports",
    .args_max = -1,
    .flags = status_flags,
    .run = run_status,
};

/* ---- bd stale ---- */

static void stale_text(struct bd *bd, const struct issue_list *l, int64_t days) {
    struct buf out = BUF_INIT;
    int64_t now = datetime_now(), day = INT64_C(86400) * MICROS_PER_SECOND;
    buf_add_char(&out, '\n');
    ink_add(&out, bd->color, l->count ? INK_WARN : INK_PASS, l->count ? "⏰" : "✨");
    if (l->count)
        buf_addf(&out, " Stale issues (%zu not updated in %lld+ days):\n\n", l->count, (long long)days);
    else
        buf_add_str(&out, " No stale issues found (all active)\n\n");
    for (size_t i = 0; i < l->count; i++) {
        const struct issue *n = &l->items[i];
        buf_addf(&out, "%zu. [", i + 1);
        issue_text_priority(&out, bd->color, n->priority);
        buf_addf(&out, "] %s: %s\n   Status: ", n->id, n->title);
        ink_add(&out, bd->color, ink_of_status(n->status), n->status);
        buf_addf(&out, ", Last updated: %lld days ago\n", (long long)((now - n->updated_at) / day));
        if (n->assignee && *n->assignee)
            buf_addf(&out, "   Assignee: %s\n", n->assignee);
        buf_add_char(&out, '\n');
    }
    view_print(bd, &out);
}

static int run_stale(struct bd *bd, const struct cmd_call *c) {
    static const char *const valid[] = {"open", "in_progress", "blocked", "deferred"};
    const char *wanted = view_text(c, "status");
    int64_t days = cmd_int(c, "days"), limit = cmd_int(c, "limit");
    struct issue_list l = {NULL, 0, 0};
    struct tables_txn *x = NULL;
    struct err err = ERR_INIT;
    bool known = !wanted;
    if (days < 1)
        return cmd_fail(bd, "--days must be at least 1");
    for (size_t i = 0; i < sizeof valid / sizeof *valid && !known; i++)
        known = strcmp(wanted, valid[i]) == 0;
    if (!known)
        return cmd_fail(bd, "invalid status '%s'. Valid values: open, in_progress, blocked, deferred",
                        wanted);
    int status = view_begin(bd, &x);
    if (status)
        return status;
    int rc = stats_stale(x, days, wanted, limit > 0 ? (uint64_t)limit : 0, &bd->arena, &l, &err);
    tables_read_end(x);
    if (rc != BD_OK)
        return cmd_fail(bd, "%s", err.msg);
    if (bd->json)
        view_json_issues(bd, &l);
    else
        stale_text(bd, &l, days);
    return 0;
}

static const struct cmd_flag stale_flags[] = {
    {.name = "days",
     .shorthand = 'd',
     .kind = FLAG_INT,
     .default_text = "30",
     .help = "Not updated for this many days"},
    {.name = "status",
     .shorthand = 's',
     .kind = FLAG_STRING,
     .help = "Only this status (open, in_progress, blocked, deferred)"},
    {.name = "limit",
     .shorthand = 'n',
     .kind = FLAG_INT,
     .default_text = "50",
     .help = "Show at most this many"},
    {0},
};

const struct cmd cmd_stale = {
    .name = "stale",
    .use = "stale [flags]",
    .summary = "Show issues not updated for long",
    .details = "Show open and started issues that nobody has updated for some time: forgotten, "
               "abandoned or out of date.",
    .group = "Views & Reports",
    .args_max = -1,
    .flags = stale_flags,
    .run = run_stale,
};
