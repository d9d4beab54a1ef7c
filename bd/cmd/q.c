/* bd q: the quickest way to note something down; prints the id and nothing else. */
#include "bd/cmd/commands.h"
#include "bd/cmd/write.h"
#include "bd/ops/create.h"
#include "bd/ops/validate.h"
#include "bd/ui/text.h"

struct work {
    struct bd *bd;
    struct create_request request;
};

static int create_in(struct tables_txn *x, void *ctx, struct err *err) {
    struct work *w = ctx;
    return create_request_in(&w->bd->ops, x, &w->request, &w->bd->arena, err);
}

static int run(struct bd *bd, const struct cmd_call *c) {
    struct work w = {.bd = bd};
    struct issue *i = &w.request.issue;
    struct err err = ERR_INIT;
    struct buf title = BUF_INIT;
    issue_init(i);
    text_add_joined(&title, cmd_args(c), cmd_arg_count(c), " ");
    i->title = arena_strdup(&bd->arena, buf_str(&title));
    buf_release(&title);
    if (priority_check(cmd_str(c, "priority"), &i->priority, &err) != BD_OK)
        return cmd_fail(bd, "%s", err.msg);
    i->issue_type = type_normalize_create(cmd_str(c, "type"));
    const char *const *labels = cmd_list(c, "labels", &i->label_count);
    i->labels = arena_dup(&bd->arena, labels, i->label_count * sizeof *labels);
    if (write_run(bd, "q", NULL, 0, create_in, &w, &err) != BD_OK)
        return cmd_fail(bd, "%s", err.msg);
    fprintf(bd->out, "%s\n", i->id);
    return 0;
}

static const struct cmd_flag flags[] = {
    {.name = "priority",
     .shorthand = 'p',
     .kind = FLAG_STRING,
     .default_text = "2",
     .help = "Priority (0-4 or P0-P4)"},
    {.name = "type",
     .shorthand = 't',
     .kind = FLAG_STRING,
     .default_text = "task",
     .help = "Issue type"},
    {.name = "labels", .shorthand = 'l', .kind = FLAG_STRINGS, .help = "Labels"},
    {0},
};

const struct cmd cmd_q = {
    .name = "q",
    .use = "q [title]",
    .summary = "Quick capture: create an issue, print only its id",
    .group = "Working With Issues",
    .args_min = 1,
    .args_max = -1,
    .flags = flags,
    .cls = CMD_WRITES | CMD_BRIEF,
    .readonly_label = "create",
    .run = run,
};
