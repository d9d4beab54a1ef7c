/* bd priority, assign and tag: one value of one issue, shorter than bd update. */
#include "bd/cmd/commands.h"
#include "bd/cmd/route.h"
#include "bd/cmd/write.h"
#include "bd/ops/hydrate.h"
#include "bd/ops/labels.h"
#include "bd/ops/resolve.h"
#include "bd/ops/update.h"
#include "bd/ops/validate.h"
#include "bd/ui/text.h"

struct work {
    struct bd *bd;
    const char *typed;
    struct issue_changes changes;
    const char *label;  /* NULL: none to add */
    struct issue issue; /* afterwards */
};

static int change(struct tables_txn *x, void *ctx, struct err *err) {
    struct work *w = ctx;
    struct arena *a = &w->bd->arena;
    struct issue *i = &w->issue;
    const char *id;
    int rc = issue_resolve(x, w->typed, a, &id, err);
    if (rc == BD_OK)
        rc = issue_load(x, id, a, i, err);
    if (rc != BD_OK)
        return err_prefix(err, "resolving %s", w->typed);
    const char *refusal = write_refusal(w->bd, i);
    if (refusal)
        return err_set(err, BD_INVALID, "%s", refusal);
    if (w->label)
        rc = label_add_in(&w->bd->ops, x, id, i->is_wisp, w->label, err);
    else
        rc = issue_update_in(&w->bd->ops, x, id, &w->changes, a, NULL, err);
    if (rc != BD_OK)
        return err_prefix(err, w->label ? "adding label to %s" : "updating %s", w->typed);
    rc = issue_load(x, id, a, i, err);
    return rc == BD_OK ? issues_hydrate(x, i, 1, HYDRATE_LABELS, a, err) : rc;
}

/* Changes, and answers with --json. *named is what feedback calls the issue. Exit status. */
static int run_change(struct work *w, const struct cmd_call *c, const char **named) {
    struct bd *bd = w->bd;
    struct err err = ERR_INIT;
    w->typed = cmd_arg(c, 0);
    route_ids(bd, &w->typed, 1);
    if (write_run(bd, cmd_of(c)->name, NULL, 0, change, w, &err) != BD_OK)
        return cmd_fail_json_stdout(bd, "%s", err.msg);
    bd_touch(bd, w->issue.id);
    if (bd->json)
        write_json_issue(bd, &w->issue);
    *named = write_feedback(bd, w->issue.id, w->issue.title);
    return 0;
}

static int run_priority(struct bd *bd, const struct cmd_call *c) {
    struct work w = {.bd = bd};
    struct err err = ERR_INIT;
    const char *named;
    int64_t priority;
    if (priority_check(cmd_arg(c, 1), &priority, &err) != BD_OK)
        return cmd_fail_json_stdout(bd, "%s", err.msg);
    issue_change(&w.changes, "priority", cell_int(priority));
    int status = run_change(&w, c, &named);
    if (!status)
        write_success(bd, "Set priority of %s to P%d", named, (int)priority);
    return status;
}

static int run_assign(struct bd *bd, const struct cmd_call *c) {
    struct work w = {.bd = bd};
    const char *named, *to = cmd_arg(c, 1);
    issue_change_text(&w.changes, "assignee", to);
    int status = run_change(&w, c, &named);
    if (status)
        return status;
    if (*to)
        write_success(bd, "Assigned %s to %s", named, to);
    else
        write_success(bd, "Unassigned %s", named);
    return 0;
}

static int run_tag(struct bd *bd, const struct cmd_call *c) {
    struct work w = {.bd = bd, .label = text_trim(&bd->arena, cmd_arg(c, 1))};
    const char *named;
    if (!*w.label)
        return cmd_fail_json_stdout(bd, "label cannot be empty");
    int status = run_change(&w, c, &named);
    if (!status)
        write_success(bd, "Added label %s to %s", cmd_quote(&bd->arena, w.label), named);
    return status;
}

const struct cmd cmd_priority = {
    .name = "priority",
    .use = "priority <id> <n>",
    .summary = "Set the priority of an issue",
    .details =
        "The same as 'bd update <id> --priority <n>': 0 critical, 1 high, 2 medium, 3 low, 4 backlog.",
    .examples = "  bd priority bd-1 0",
    .group = "Working With Issues",
    .args_min = 2,
    .args_max = 2,
    .cls = CMD_WRITES | CMD_BRIEF,
    .run = run_priority,
};

const struct cmd cmd_assign = {
    .name = "assign",
    .use = "assign <id> <name>",
    .summary = "Assign an issue to someone",
    .details = "The same as 'bd update <id> --assignee <name>'; an empty name assigns it to nobody.",
    .examples = "  bd assign bd-1 alice\n  bd assign bd-1 \"\"",
    .group = "Working With Issues",
    .args_min = 2,
    .args_max = 2,
    .cls = CMD_WRITES | CMD_BRIEF,
    .run = run_assign,
};

const struct cmd cmd_tag = {
    .name = "tag",
    .use = "tag <id> <label>",
    .summary = "Add a label to an issue",
    .details = "The same as 'bd update <id> --add-label <label>'.",
    .examples = "  bd tag bd-1 needs-review",
    .group = "Working With Issues",
    .args_min = 2,
    .args_max = 2,
    .cls = CMD_WRITES | CMD_BRIEF,
    .run = run_tag,
};
