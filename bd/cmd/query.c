/*
 * bd query: issues that satisfy an expression of the query language.
 */
#include "bd/cmd/commands.h"
#include "bd/cmd/view.h"

#include "base/datetime.h"
#include "bd/ops/hydrate.h"
#include "bd/ops/query.h"
#include "bd/ops/search.h"
#include "bd/ui/issue_text.h"

static void print(struct bd *bd, const struct issue_list *l, const char *text, bool long_form) {
    struct buf out = BUF_INIT;
    if (!l->count)
        buf_addf(&out, "No issues found matching query: %s\n", text);
    else
        buf_addf(&out, long_form ? "\nFound %zu issues:\n\n" : "Found %zu issues:\n", l->count);
    for (size_t i = 0; i < l->count; i++) {
        if (long_form) {
            view_long_line(&out, &l->items[i]);
        } else {
            struct issue line = l->items[i];
            line.pinned = false; /* this form has no pin */
            issue_text_compact(&out, bd->color, &line, NULL);
            buf_add_char(&out, '\n');
        }
    }
    view_print(bd, &out);
}

/* Keeps what passes the test, at most `limit`. */
static void apply_test(struct issue_list *l, const struct query_node *test, uint64_t limit) {
    size_t kept = 0;
    for (size_t i = 0; i < l->count && (!limit || kept < limit); i++)
        if (query_matches(test, &l->items[i]))
            l->items[kept++] = l->items[i];
    l->count = kept;
}

/* With a test, rows are fetched in growing portions until enough have passed it. */
static int search(struct bd *bd, struct tables_txn *x, struct query_plan *plan, uint64_t limit,
                  struct issue_list *l, struct err *err) {
    struct arena *a = &bd->arena;
    uint64_t portion = limit;
    if (plan->test) {
        plan->filter.more = query_pred(plan->test, a);
        portion = limit ? limit * 2 + 100 : 0;
    }
    for (;;) {
        l->count = 0;
        plan->filter.limit = portion;
        int rc = search_issues(x, &plan->filter, a, l, err);
        if (rc != BD_OK)
            return rc;
        bool all = !portion || l->count < portion;
        if (plan->test)
            apply_test(l, plan->test, limit);
        if (!plan->test || all || l->count >= limit)
            break;
        portion *= 8;
    }
    if (!bd->json)
        return BD_OK;
    search_order_list(l, ORDER_PRIORITY);
    if (limit && l->count > limit)
        l->count = (size_t)limit;
    return issues_hydrate(x, l->items, l->count,
                          HYDRATE_DEPENDENCIES | HYDRATE_METADATA | HYDRATE_COUNTS, a, err);
}

static int run(struct bd *bd, const struct cmd_call *c) {
    struct query_node *node = NULL;
    struct query_plan plan;
    struct issue_list l = {NULL, 0, 0};
    struct tables_txn *x = NULL;
    struct err err = ERR_INIT;
    struct buf text = BUF_INIT;
    const char *sort = view_text(c, "sort");
    int64_t limit = cmd_int(c, "limit");
    if (!cmd_arg_count(c)) {
        fprintf(bd->err, "Error: query expression is required\n\n");
        view_help(bd, c);
        return 1;
    }
    text_add_joined(&text, cmd_args(c), cmd_arg_count(c), " ");
    const char *expression = arena_strdup(&bd->arena, buf_str(&text));
    buf_release(&text);
    if (query_parse(expression, &bd->arena, &node, &err) != BD_OK)
        return cmd_fail(bd, "parsing query: %s", err.msg);
    if (cmd_bool(c, "parse-only")) {
        buf_add_str(&text, "Parsed query: ");
        query_print(&text, node);
        buf_add_char(&text, '\n');
        view_print(bd, &text);
        return 0;
    }
    if (query_compile(node, datetime_now(), &bd->arena, &plan, &err) != BD_OK)
        return cmd_fail(bd, "evaluating query: %s", err.msg);
    if (!cmd_bool(c, "all") && !query_mentions(node, "status"))
        text_list_add(&plan.filter.exclude_statuses, &bd->arena, "closed");
    int status = view_begin(bd, &x);
    if (status)
        return status;
    int rc = search(bd, x, &plan, limit > 0 ? (uint64_t)limit : 0, &l, &err);
    tables_read_end(x);
    if (rc != BD_OK)
        return cmd_fail(bd, "%s", err.msg);
    if (sort)
        search_sort(&l, sort, cmd_bool(c, "reverse"));
    if (bd->json)
        view_json_issues_with_counts(bd, &l);
    else
        print(bd, &l, expression, cmd_bool(c, "long"));
    return 0;
}

static const struct cmd_flag flags[] = {
    {.name = "limit",
     .shorthand = 'n',
     .kind = FLAG_INT,
     .default_text = "50",
     .help = "Show at most this many, 0 = all"},
    {.name = "all", .shorthand = 'a', .kind = FLAG_BOOL, .help = "Closed issues too"},
    {.name = "long", .kind = FLAG_BOOL, .help = "Several lines per issue"},
    {.name = "sort",
     .kind = FLAG_STRING,
     .help = "Order by priority, created, updated, closed, status, id, title, type or assignee"},
    {.name = "reverse", .shorthand = 'r', .kind = FLAG_BOOL, .help = "Reverse the order of --sort"},
    {.name = "parse-only", .kind = FLAG_BOOL, .help = "Only show how the expression is understood"},
    {0},
};

const struct cmd cmd_query = {
    .name = "query",
    .use = "query [expression] [flags]",
    .summary = "Find issues with a query expression",
    .details =
        "An expression compares fields with values (= != < <= > >=) and joins comparisons with AND, "
        "OR, NOT and "
        "parentheses.\n\n"
        "Fields: status, priority, type, assignee, owner, label, title, description, notes, created, "
        "updated, started,\n"
        "closed, id, spec, pinned, ephemeral, template, parent, mol_type, has_metadata_key, "
        "metadata.KEY.\n"
        "Texts match anywhere in title, description and notes; id and spec take a * at the end, in "
        "quotes. The value\n"
        "none means not set. 7d, 24h, 2w mean that long ago; dates are written in quotes.\n\n"
        "Closed issues are left out unless --all is given or the expression compares the status.",
    .examples = "  bd query \"status=open AND priority<=1\"\n  bd query \"(type=bug OR label=urgent) "
                "AND updated>7d\"\n"
                "  bd query \"assignee=none AND created<'2026-01-15'\"",
    .group = "Working With Issues",
    .args_max = -1,
    .flags = flags,
    .run = run,
};
