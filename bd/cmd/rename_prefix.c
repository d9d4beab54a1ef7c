/* bd rename-prefix: another prefix for the ids of all issues, and of the issues to come. */
#include "bd/cmd/commands.h"
#include "bd/cmd/write.h"
#include "bd/ops/db_config.h"
#include "bd/ops/id_rename.h"
#include "bd/ui/ink.h"

#include <string.h>

struct work {
    struct bd *bd;
    const char *prefix;
    bool repair;
    struct prefix_plan plan;
};

static int check_prefix(struct bd *bd, const char *prefix) {
    if (!*prefix)
        return cmd_fail(bd, "prefix cannot be empty");
    size_t good = strspn(prefix, "abcdefghijklmnopqrstuvwxyz0123456789-");
    if (prefix[good] || *prefix < 'a' || *prefix > 'z')
        return cmd_fail(bd,
                        "prefix must start with a lowercase letter and contain only lowercase letters, "
                        "numbers, and hyphens: %s",
                        prefix);
    return 0;
}

static bool several(const struct work *w) { return w->plan.prefix_count > 1; }

static int make_plan(struct tables_txn *x, struct work *w, struct err *err) {
    return prefix_plan(x, w->prefix, w->bd->ops.actor, w->repair, &w->bd->arena, &w->plan, err);
}

static int apply(struct tables_txn *x, void *ctx, struct err *err) {
    struct work *w = ctx;
    int rc = make_plan(x, w, err);
    if (rc == BD_OK && several(w) && !w->repair)
        return err_set(err, BD_CONFLICT, "issues with another prefix were made meanwhile; try again");
    if (rc == BD_OK)
        rc = issues_rename_in(&w->bd->ops, x, w->plan.renames, w->plan.rename_count, err);
    return rc == BD_OK ? db_config_set(x, "issue_prefix", w->prefix, err) : rc;
}

/* ---- answers ---- */

static void answer_json(struct work *w, bool dry_run) {
    struct buf out = BUF_INIT;
    struct json_writer j;
    const struct prefix_plan *p = &w->plan;
    bd_json_begin(w->bd, &j, &out, false);
    json_object(&j);
    if (dry_run)
        json_member_bool(&j, "dry_run", true);
    if (several(w)) {
        json_member_int(&j, "issues_repaired", (int64_t)p->rename_count);
        json_member_int(&j, "issues_unchanged", (int64_t)(p->issue_count - p->rename_count));
        json_member_int(&j, "prefixes_found", (int64_t)p->prefix_count);
        json_member_str(&j, "target_prefix", w->prefix);
    } else {
        json_member_int(&j, "issues_count", (int64_t)p->issue_count);
        json_member_str(&j, "new_prefix", w->prefix);
        json_member_str(&j, "old_prefix", p->old_prefix);
    }
    if (dry_run) {
        json_key(&j, "renames");
        json_object(&j);
        for (size_t i = 0; i < p->rename_count; i++)
            json_member_str(&j, p->renames[i].from, p->renames[i].to);
        json_object_end(&j);
    }
    json_object_end(&j);
    bd_json_end(w->bd, &j, &out);
}

static void say_renames(struct work *w, size_t most, const char *word) {
    const struct prefix_plan *p = &w->plan;
    for (size_t i = 0; i < p->rename_count && i < most; i++)
        bd_say(w->bd, "  %s%s -> %s\n", word, p->renames[i].from, p->renames[i].to);
    if (p->rename_count > most)
        bd_say(w->bd, "... and %zu more%s\n", p->rename_count - most, several(w) ? "" : " issues");
}

static void say_plan(struct work *w) {
    const struct prefix_plan *p = &w->plan;
    if (several(w)) {
        bd_say(w->bd, "DRY RUN: Would repair %zu issues with incorrect prefixes\n\n", p->rename_count);
        bd_say(w->bd, "Issues with correct prefix (%s): %zu\n", w->prefix,
               p->issue_count - p->rename_count);
        bd_say(w->bd, "Issues to repair: %zu\n\nPlanned renames (showing first 10):\n",
               p->rename_count);
        say_renames(w, 10, "");
        return;
    }
    bd_say(w->bd, "DRY RUN: Would rename %zu issues from prefix '%s' to '%s'\n\nSample changes:\n",
           p->issue_count, p->old_prefix, w->prefix);
    say_renames(w, 5, "");
}

static void say_done(struct work *w) {
    const struct prefix_plan *p = &w->plan;
    size_t unchanged = p->issue_count - p->rename_count;
    if (!several(w)) {
        bd_say(w->bd, "Renaming %zu issues from prefix '%s' to '%s'...\n", p->issue_count,
               p->old_prefix, w->prefix);
        write_success(w->bd, "Successfully renamed prefix from %s to %s", p->old_prefix, w->prefix);
        return;
    }
    bd_say(w->bd, "Repairing database with multiple prefixes...\n");
    bd_say(w->bd, "  Issues with correct prefix (%s): %zu\n", w->prefix, unchanged);
    bd_say(w->bd, "  Issues to repair: %zu\n\n", p->rename_count);
    say_renames(w, p->rename_count, "Renamed ");
    bd_say(w->bd, "\n");
    write_success(w->bd, "Successfully consolidated %zu prefixes into %s", p->prefix_count, w->prefix);
    bd_say(w->bd, "  %zu issues repaired, %zu issues unchanged\n", p->rename_count, unchanged);
}

/* ---- the command ---- */

static int refuse_several(struct work *w) {
    return cmd_fail_hint(
        w->bd, arena_printf(&w->bd->arena, "Example: bd rename-prefix %s --repair", w->prefix),
        "cannot rename with multiple prefixes. Use --repair to consolidate.");
}

static int run(struct bd *bd, const struct cmd_call *c) {
    struct work w = {.bd = bd, .repair = cmd_bool(c, "repair")};
    struct err err = ERR_INIT;
    struct tables_txn *x;
    bool dry_run = cmd_bool(c, "dry-run");
    size_t n = strlen(cmd_arg(c, 0));
    while (n && cmd_arg(c, 0)[n - 1] == '-')
        n--;
    w.prefix = arena_strndup(&bd->arena, cmd_arg(c, 0), n);
    int status = check_prefix(bd, w.prefix);
    if (status)
        return status;
    int rc = write_read_begin(bd, &x, &err);
    if (rc == BD_OK) {
        rc = make_plan(x, &w, &err);
        tables_read_end(x);
    }
    if (rc != BD_OK)
        return cmd_fail(bd, "failed to list issues: %s", err.msg);
    if (several(&w)) {
        if (!bd->json) {
            write_complain(bd, "✗ Multiple prefixes detected in database:");
            for (size_t i = 0; i < w.plan.prefix_count; i++)
                write_complain(bd, "  - %s: %zu issues", w.plan.prefixes[i].prefix,
                               w.plan.prefixes[i].count);
            fputc('\n', bd->err);
        }
        if (!w.repair)
            return refuse_several(&w);
    } else if (w.plan.prefix_count == 1 && strcmp(w.plan.old_prefix, w.prefix) == 0 &&
               !w.plan.rename_count) {
        return cmd_fail(bd, "new prefix is the same as current prefix: %s", w.prefix);
    }
    if (!dry_run && write_run(bd, "rename-prefix", NULL, 0, apply, &w, &err) != BD_OK)
        return cmd_fail(bd, "failed to rename prefix: %s. Nothing was changed", err.msg);
    if (bd->json)
        answer_json(&w, dry_run);
    else if (!w.plan.issue_count)
        bd_say(bd, "No issues to rename. Updating prefix to %s\n", w.prefix);
    else if (dry_run)
        say_plan(&w);
    else
        say_done(&w);
    return 0;
}

const struct cmd cmd_rename_prefix = {
    .name = "rename-prefix",
    .use = "rename-prefix <new-prefix>",
    .summary = "Give the ids of all issues another prefix",
    .details =
        "Every issue and wisp keeps what stands behind its prefix; dependencies, comments, labels "
        "and history go with\n"
        "it, and its id is replaced in the titles and texts of all issues. New issues get the new "
        "prefix. All of it is\n"
        "one transaction.\n\n"
        "Ids of several prefixes (after an import) are refused: --repair gives those with another "
        "prefix new ids.\n"
        "Names of branches, commits and files outside the database are not touched.",
    .examples =
        "  bd rename-prefix kw\n  bd rename-prefix kw --dry-run\n  bd rename-prefix kw --repair",
    .group = "Maintenance",
    .args_min = 1,
    .args_max = 1,
    .flags =
        (const struct cmd_flag[]){
            {.name = "dry-run", .kind = FLAG_BOOL, .help = "Show what would be renamed"},
            {.name = "repair",
             .kind = FLAG_BOOL,
             .help = "Give issues of other prefixes new ids with this one"},
            {0},
        },
    .cls = CMD_WRITES,
    .run = run,
};
