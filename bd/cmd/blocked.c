/*
 * bd blocked: issues that wait for others, and for whom.
 */
#include "bd/cmd/commands.h"
#include "bd/cmd/view.h"

#include "bd/ops/blocked_list.h"
#include "bd/ui/issue_json.h"
#include "bd/ui/issue_text.h"

static void each_json(void *ctx, struct json_writer *w, size_t i) {
    const struct blocked_issue *b = &((const struct blocked_issue *)ctx)[i];
    issue_json_blocked(w, &b->issue, b->blocked_by, b->blocked_by_count);
}

static int run(struct bd *bd, const struct cmd_call *c) {
    struct tables_txn *x = NULL;
    struct err err = ERR_INIT;
    struct blocked_issue *list = NULL;
    struct buf out = BUF_INIT;
    size_t count = 0;
    int status = view_begin(bd, &x);
    if (status)
        return status;
    int rc = blocked_list(x, view_text(c, "parent"), &bd->arena, &list, &count, &err);
    tables_read_end(x);
    if (rc != BD_OK)
        return cmd_fail_json_stdout(bd, "%s", err.msg);
    if (bd->json) {
        view_json_array(bd, count, each_json, list);
        return 0;
    }
    buf_add_char(&out, '\n');
    ink_add(&out, bd->color, count ? INK_FAIL : INK_PASS, count ? "🚫" : "✨");
    if (count)
        buf_addf(&out, " Blocked issues (%zu):\n\n", count);
    else
        buf_add_str(&out, " No blocked issues\n\n");
    for (size_t i = 0; i < count; i++) {
        buf_add_char(&out, '[');
        issue_text_priority(&out, bd->color, list[i].issue.priority);
        buf_addf(&out, "] %s: %s\n  Blocked by %zu open dependencies: ", list[i].issue.id,
                 list[i].issue.title, list[i].blocked_by_count);
        text_add_list(&out, list[i].blocked_by, list[i].blocked_by_count);
        buf_add_str(&out, "\n\n");
    }
    view_print(bd, &out);
    return 0;
}

static const struct cmd_flag flags[] = {
    {.name = "parent", .kind = FLAG_STRING, .help = "Only children of this issue"},
    {0},
};

const struct cmd cmd_blocked = {
    .name = "blocked",
    .use = "blocked [flags]",
    .summary = "Show blocked issues and what blocks them",
    .args_max = -1,
    .flags = flags,
    .cls = CMD_READ_ONLY,
    .run = run,
};
