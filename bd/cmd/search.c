/*
 * bd search: issues whose title (or id) contains a text.
 */
#include "bd/cmd/commands.h"
#include "bd/cmd/view.h"

#include "bd/ops/hydrate.h"
#include "bd/ops/search.h"
#include "bd/ui/issue_text.h"

#include <string.h>

static int take_flags(struct bd *bd, const struct cmd_call *c, struct issue_filter *f) {
    const char *state = view_text(c, "status");
    int64_t limit = cmd_int(c, "limit");
    f->limit = limit > 0 ? (uint64_t)limit : 0;
    if (state && strcmp(state, "all") != 0)
        text_list_add(&f->statuses, &bd->arena, state);
    else if (!state)
        text_list_add(&f->exclude_statuses, &bd->arena, "closed");
    view_filter(bd, c, f);
    f->external_contains = view_text(c, "external-contains");
    int status = view_filter_times(bd, c, f);
    if (!status)
        status = view_priority(bd, c, "priority-min", &f->priority_min);
    if (!status)
        status = view_priority(bd, c, "priority-max", &f->priority_max);
    if (!status)
        status = view_metadata(bd, c, false, &f->metadata, &f->metadata_count, &f->has_metadata_key);
    return status;
}

static void print(struct bd *bd, const struct issue_list *l, const char *query, bool long_form) {
    struct buf out = BUF_INIT;
    if (!l->count)
        buf_addf(&out, "No issues found matching '%s'\n", query);
    else
        buf_addf(&out,
                 long_form ? "\nFound %zu issues matching '%s':\n\n"
                           : "Found %zu issues matching '%s':\n",
                 l->count, query);
    for (size_t i = 0; i < l->count; i++) {
        if (long_form) {
            view_long_line(&out, &l->items[i]);
        } else {
            issue_text_search_line(&out, bd->color, &l->items[i]);
            buf_add_char(&out, '\n');
        }
    }
    view_print(bd, &out);
}

static const char *joined_args(struct bd *bd, const struct cmd_call *c) {
    struct buf b = BUF_INIT;
    text_add_joined(&b, cmd_args(c), cmd_arg_count(c), " ");
    const char *text = arena_strdup(&bd->arena, buf_str(&b));
    buf_release(&b);
    return text;
}

static int run(struct bd *bd, const struct cmd_call *c) {
    struct issue_filter f;
    struct issue_list l = {NULL, 0, 0};
    struct tables_txn *x = NULL;
    struct err err = ERR_INIT;
    const char *sort = view_text(c, "sort");
    issue_filter_init(&f);
    f.query = cmd_arg_count(c) ? joined_args(bd, c) : cmd_str(c, "query");
    if (!*f.query) {
        view_help(bd, c);
        return cmd_fail(bd, "search query is required");
    }
    int status = take_flags(bd, c, &f);
    if (!status)
        status = view_begin(bd, &x);
    if (status)
        return status;
    int rc = search_issues(x, &f, &bd->arena, &l, &err);
    if (rc == BD_OK && bd->json)
        rc = issues_hydrate(x, l.items, l.count, HYDRATE_BLOCK_COUNTS | HYDRATE_COMMENT_COUNT,
                            &bd->arena, &err);
    tables_read_end(x);
    if (rc != BD_OK)
        return cmd_fail(bd, "%s", err.msg);
    if (sort)
        search_sort(&l, sort, cmd_bool(c, "reverse"));
    for (size_t i = 0; i < l.count; i++)
        l.items[i].parent = NULL; /* search tells no parents */
    if (bd->json)
        view_json_issues_with_counts(bd, &l);
    else
        print(bd, &l, f.query, cmd_bool(c, "long"));
    return 0;
}

static const struct cmd_flag flags[] = {
    VIEW_FILTER_FLAGS,
    VIEW_METADATA_FLAGS,
    {.name = "query", .kind = FLAG_STRING, .help = "The text, instead of arguments"},
    {.name = "status",
     .shorthand = 's',
     .kind = FLAG_STRING,
     .help = "Only this status; all = closed issues too"},
    {.name = "type", .shorthand = 't', .kind = FLAG_STRING, .help = "Only this type"},
    {.name = "limit",
     .shorthand = 'n',
     .kind = FLAG_INT,
     .default_text = "50",
     .help = "Show at most this many, 0 = all"},
    {.name = "long", .kind = FLAG_BOOL, .help = "Several lines per issue"},
    {.name = "sort",
     .kind = FLAG_STRING,
     .help = "Order by priority, created, updated, closed, status, id, title, type or assignee"},
    {.name = "reverse", .shorthand = 'r', .kind = FLAG_BOOL, .help = "Reverse the order of --sort"},
    {.name = "priority-min", .kind = FLAG_STRING, .help = "Only this priority number or a higher one"},
    {.name = "priority-max", .kind = FLAG_STRING, .help = "Only this priority number or a lower one"},
    {.name = "external-contains",
     .kind = FLAG_STRING,
     .help = "Only external references that contain this text"},
    {0},
};

const struct cmd cmd_search = {
    .name = "search",
    .use = "search [query] [flags]",
    .summary = "Search issues by text",
    .details = "Search titles and ids, in any case. A text that looks like an id also finds external "
               "references. Closed "
               "issues are left out unless --status all is given.",
    .examples =
        "  bd search \"login\"\n  bd search bd-a1\n  bd search cache --status all --sort updated",
    .group = "Working With Issues",
    .args_max = -1,
    .flags = flags,
    .cls = CMD_READ_ONLY,
    .run = run,
};
