/* bd dep relate / unrelate: the loose two-way link, stored as one relates-to row in each direction. */
#include "bd/cmd/dep.h"

#include "bd/ops/dependencies.h"
#include "bd/ops/resolve.h"

#include <string.h>

struct work {
    struct bd *bd;
    const char *typed[2], *ids[2];
    bool remove;
};

static int change(struct tables_txn *x, void *ctx, struct err *err) {
    struct work *w = ctx;
    for (int i = 0; i < 2; i++) {
        int rc = issue_resolve(x, w->typed[i], &w->bd->arena, &w->ids[i], err);
        if (rc != BD_OK)
            return err_prefix(err, "failed to resolve %s", w->typed[i]);
    }
    if (strcmp(w->ids[0], w->ids[1]) == 0)
        return err_set(err, BD_INVALID, "cannot relate an issue to itself");
    for (int i = 0; i < 2; i++) {
        struct dependency d = {.issue_id = w->ids[i],
                               .depends_on_id = w->ids[1 - i],
                               .type = "relates-to",
                               .created_at = ISSUE_NO_TIME};
        int rc = w->remove
                     ? dependency_remove_in(&w->bd->ops, x, d.issue_id, d.depends_on_id, NULL, err)
                     : dependency_add_in(&w->bd->ops, x, &d, 0, err);
        if (rc != BD_OK)
            return err_prefix(err, "failed to %s relates-to %s -> %s", w->remove ? "remove" : "add",
                              d.issue_id, d.depends_on_id);
    }
    return BD_OK;
}

static int run_either(struct bd *bd, const struct cmd_call *c, bool remove) {
    struct work w = {.bd = bd, .typed = {cmd_arg(c, 0), cmd_arg(c, 1)}, .remove = remove};
    struct err err = ERR_INIT;
    if (write_run(bd, remove ? "unrelate" : "relate", NULL, 0, change, &w, &err) != BD_OK)
        return cmd_fail_usage(bd, c, "%s", err.msg);
    if (bd->json) { /* this answer carries no schema_version */
        struct json_writer j;
        struct buf out = BUF_INIT;
        json_begin(&j, &out, JSON_SORT_KEYS);
        json_object(&j);
        json_member_str(&j, "id1", w.ids[0]);
        json_member_str(&j, "id2", w.ids[1]);
        json_member_bool(&j, remove ? "unrelated" : "related", true);
        json_object_end(&j);
        json_end(&j);
        fprintf(bd->out, "%s\n", buf_str(&out));
        buf_release(&out);
    }
    write_success(bd, "%s %s ↔ %s", remove ? "Unlinked" : "Linked", w.ids[0], w.ids[1]);
    return 0;
}

static int run_relate(struct bd *bd, const struct cmd_call *c) { return run_either(bd, c, false); }
static int run_unrelate(struct bd *bd, const struct cmd_call *c) { return run_either(bd, c, true); }

const struct cmd cmd_dep_relate = {
    .name = "relate",
    .use = "relate <id1> <id2>",
    .summary = "Link two issues that have to do with each other",
    .details = "A two-way link that blocks nothing.",
    .args_min = 2,
    .args_max = 2,
    .cls = CMD_WRITES | CMD_BRIEF,
    .readonly_label = "relate",
    .run = run_relate,
};

const struct cmd cmd_dep_unrelate = {
    .name = "unrelate",
    .use = "unrelate <id1> <id2>",
    .summary = "Remove the link between two issues",
    .args_min = 2,
    .args_max = 2,
    .cls = CMD_WRITES | CMD_BRIEF,
    .readonly_label = "unrelate",
    .run = run_unrelate,
};
