/* bd reap: closes and deletes what gathers where many agents work (bd/ops/reap.h). */
#include "bd/cmd/commands.h"
#include "bd/cmd/parse.h"
#include "bd/cmd/write.h"
#include "bd/ops/reap.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define MANY_WISPS 500

struct work {
    struct bd *bd;
    struct reap_cutoffs cutoffs;
    struct reap_plan plan;
};

/* "24h", "7d", "2w", "1h30m"; "off". 0 or an exit status. */
static int take_age(struct bd *bd, const struct cmd_call *c, const char *flag, int64_t *cutoff) {
    const char *text = cmd_str(c, flag);
    size_t n = strlen(text);
    int64_t nanos = 0;
    struct err err = ERR_INIT;
    *cutoff = ISSUE_NO_TIME;
    if (strcmp(text, "off") == 0)
        return 0;
    char unit = n ? text[n - 1] : '\0';
    if ((unit == 'd' || unit == 'w') && strspn(text, "0123456789") == n - 1 && n > 1 && n < 7)
        nanos = strtoll(text, NULL, 10) * (unit == 'w' ? 7 : 1) * 86400 * INT64_C(1000000000);
    else if (cmd_parse_duration(text, &nanos, &err))
        return cmd_fail(bd, "invalid --%s value %s (24h, 7d, 2w, or off)", flag,
                        cmd_quote(&bd->arena, text));
    if (nanos <= 0)
        return cmd_fail(bd, "--%s must be positive, or off", flag);
    *cutoff = datetime_now() - nanos / 1000;
    return 0;
}

static int find(struct tables_txn *x, struct work *w, struct err *err) {
    return reap_find(x, &w->cutoffs, &w->bd->arena, &w->plan, err);
}

static int apply(struct tables_txn *x, void *ctx, struct err *err) {
    struct work *w = ctx;
    int rc = find(x, w, err);
    return rc == BD_OK ? reap_in(&w->bd->ops, x, &w->plan, err) : rc;
}

static size_t total(const struct reap_plan *p) {
    return p->wisps_to_close.count + p->wisps_to_delete.count + p->mail_to_delete.count +
           p->issues_to_close.count;
}

/* ---- answers ---- */

static void anomaly(struct json_writer *j, const char *type, const char *message, uint64_t count) {
    json_object(j);
    json_member_str(j, "type", type);
    json_member_str(j, "message", message);
    json_member_int(j, "count", (int64_t)count);
    json_object_end(j);
}

static const char *many(struct work *w) {
    return w->plan.open_wisps <= MANY_WISPS
               ? NULL
               : arena_printf(&w->bd->arena, "%llu wisps stay open; something leaves them behind",
                              (unsigned long long)w->plan.open_wisps);
}

static const char *dangling(struct work *w) {
    return !w->plan.dangling
               ? NULL
               : arena_printf(&w->bd->arena, "%llu wisps have a parent that does not exist",
                              (unsigned long long)w->plan.dangling);
}

static void answer_json(struct work *w, bool dry_run) {
    const struct reap_plan *p = &w->plan;
    struct buf out = BUF_INIT;
    struct json_writer j;
    bd_json_begin(w->bd, &j, &out, true);
    json_object(&j);
    json_member_str(&j, "database", w->bd->ws.database_name);
    json_member_bool_opt(&j, "dry_run", dry_run);
    json_member_int(&j, "reaped", (int64_t)p->wisps_to_close.count);
    json_member_int(&j, "wisps_purged", (int64_t)p->wisps_to_delete.count);
    json_member_int(&j, "mail_purged", (int64_t)p->mail_to_delete.count);
    json_member_int(&j, "closed", (int64_t)p->issues_to_close.count);
    json_member_int(&j, "open_remain", (int64_t)p->open_wisps);
    if (many(w) || dangling(w)) {
        json_key(&j, "anomalies");
        json_array(&j);
        if (dangling(w))
            anomaly(&j, "dangling_parent_ref", dangling(w), p->dangling);
        if (many(w))
            anomaly(&j, "many_open_wisps", many(w), p->open_wisps);
        json_array_end(&j);
    }
    json_object_end(&j);
    bd_json_end(w->bd, &j, &out);
}

static void say_part(struct work *w, const struct text_list *l, const char *what) {
    enum { SHOWN_MAX = 5 };
    if (!l->count)
        return;
    bd_say(w->bd, "  %s: %zu (", what, l->count);
    for (size_t i = 0; i < l->count && i < SHOWN_MAX; i++)
        bd_say(w->bd, "%s%s", i ? ", " : "", l->items[i]);
    bd_say(w->bd, "%s)\n", l->count > SHOWN_MAX ? ", …" : "");
}

static void say(struct work *w, bool done) {
    const struct reap_plan *p = &w->plan;
    if (!total(p)) {
        bd_say(w->bd, "Nothing to reap\n");
    } else {
        bd_say(w->bd, "%s\n", done ? "Reaped:" : "Would reap:");
        say_part(w, &p->wisps_to_close, "open wisps closed");
        say_part(w, &p->wisps_to_delete, "closed wisps deleted");
        say_part(w, &p->mail_to_delete, "closed mail deleted");
        say_part(w, &p->issues_to_close, "stale issues closed");
    }
    if (many(w))
        cmd_warn(w->bd, "%s", many(w));
    if (dangling(w))
        cmd_warn(w->bd, "%s", dangling(w));
}

/* ---- the command ---- */

static int run(struct bd *bd, const struct cmd_call *c) {
    struct work w = {.bd = bd};
    struct err err = ERR_INIT;
    struct tables_txn *x;
    bool dry_run = cmd_bool(c, "dry-run"), force = cmd_bool(c, "force") && !dry_run;
    int status = take_age(bd, c, "max-age", &w.cutoffs.created);
    if (!status)
        status = take_age(bd, c, "purge-age", &w.cutoffs.purge);
    if (!status)
        status = take_age(bd, c, "mail-age", &w.cutoffs.mail);
    if (!status)
        status = take_age(bd, c, "stale-age", &w.cutoffs.stale);
    if (status)
        return status;
    int rc = write_read_begin(bd, &x, &err);
    if (rc == BD_OK) {
        rc = find(x, &w, &err);
        tables_read_end(x);
    }
    bool wanted = rc == BD_OK && total(&w.plan);
    if (wanted && !force && !dry_run) {
        if (!bd->json)
            say(&w, false);
        return cmd_fail_hint(bd, "Use --force to confirm or --dry-run to preview.",
                             "would close %zu and delete %zu issue(s)",
                             w.plan.wisps_to_close.count + w.plan.issues_to_close.count,
                             w.plan.wisps_to_delete.count + w.plan.mail_to_delete.count);
    }
    if (wanted && force)
        rc = write_run(bd, NULL,
                       arena_printf(&bd->arena, "reaper: close %zu, delete %zu",
                                    w.plan.wisps_to_close.count + w.plan.issues_to_close.count,
                                    w.plan.wisps_to_delete.count + w.plan.mail_to_delete.count),
                       0, apply, &w, &err);
    if (rc != BD_OK)
        return cmd_fail(bd, "reap failed: %s", err.msg);
    bd->export_may_shrink = force && w.plan.mail_to_delete.count > 0;
    if (bd->json)
        answer_json(&w, dry_run);
    else
        say(&w, force);
    return 0;
}

const struct cmd cmd_reap = {
    .name = "reap",
    .use = "reap",
    .summary = "Close and delete what agents leave behind",
    .details =
        "Closes wisps that are open for longer than --max-age (not agents, and none below an open "
        "parent), deletes wisps\n"
        "closed for longer than --purge-age and mail (label gt:message) closed for longer than "
        "--mail-age, and closes\n"
        "issues that nobody has changed for --stale-age: open or in progress, priority 2 or lower, "
        "no epics, not put\n"
        "off, without dependencies on or from open issues, and without the labels "
        "gt:standing-orders, gt:keep, gt:role,\n"
        "gt:rig. Pinned issues stay. All of it is one transaction; the history has the deleted "
        "issues, but not wisps.\n"
        "An age is 24h, 7d, 2w, or off.",
    .examples = "  bd reap --dry-run\n  bd reap --force --stale-age off",
    .group = "Maintenance",
    .args_max = 0,
    .flags =
        (const struct cmd_flag[]){
            {.name = "max-age",
             .kind = FLAG_STRING,
             .default_text = "24h",
             .help = "Close wisps that are open for longer"},
            {.name = "purge-age",
             .kind = FLAG_STRING,
             .default_text = "168h",
             .help = "Delete wisps that are closed for longer"},
            {.name = "mail-age",
             .kind = FLAG_STRING,
             .default_text = "168h",
             .help = "Delete mail that is closed for longer"},
            {.name = "stale-age",
             .kind = FLAG_STRING,
             .default_text = "720h",
             .help = "Close issues that nobody has changed for longer"},
            {.name = "dry-run", .kind = FLAG_BOOL, .help = "Only tell what would go"},
            {.name = "force", .shorthand = 'f', .kind = FLAG_BOOL, .help = "Do it"},
            {0},
        },
    .cls = CMD_WRITES,
    .run = run,
};
