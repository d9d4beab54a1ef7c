/*
 * bd count: how many issues match, in total or by group.
 */
#include "bd/cmd/commands.h"
#include "bd/cmd/view.h"

#include "bd/ops/stats.h"
#include "bd/ui/text.h"

#include <string.h>

static int take_flags(struct bd *bd, const struct cmd_call *c, struct issue_filter *f) {
    const char *state = view_text(c, "status");
    if (state && strcmp(state, "all") != 0)
        text_list_add(&f->statuses, &bd->arena, state);
    view_filter(bd, c, f);
    if (cmd_given(c, "priority"))
        f->priority = cmd_int(c, "priority");
    if (cmd_given(c, "priority-min"))
        f->priority_min = cmd_int(c, "priority-min");
    if (cmd_given(c, "priority-max"))
        f->priority_max = cmd_int(c, "priority-max");
    return view_filter_times(bd, c, f);
}

static void print_total(struct bd *bd, uint64_t total) {
    struct buf out = BUF_INIT;
    struct json_writer w;
    if (!bd->json) {
        fprintf(bd->out, "%llu\n", (unsigned long long)total);
        return;
    }
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_member_int(&w, "count", (int64_t)total);
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
}

static void print_groups(struct bd *bd, uint64_t total, const struct group_count *groups,
                         size_t count) {
    struct buf out = BUF_INIT;
    struct json_writer w;
    if (!bd->json) {
        fprintf(bd->out, "Total: %llu\n\n", (unsigned long long)total);
        for (size_t i = 0; i < count; i++)
            fprintf(bd->out, "%s: %lld\n", groups[i].group, (long long)groups[i].count);
        return;
    }
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_member_int(&w, "total", (int64_t)total);
    json_key(&w, "groups");
    json_array(&w);
    for (size_t i = 0; i < count; i++) {
        json_object(&w);
        json_member_str(&w, "group", groups[i].group);
        json_member_int(&w, "count", groups[i].count);
        json_object_end(&w);
    }
    json_array_end(&w);
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
}

static int run(struct bd *bd, const struct cmd_call *c) {
    static const struct {
        const char *flag;
        enum stats_group group;
    } by[] = {{"by-status", GROUP_STATUS},
              {"by-priority", GROUP_PRIORITY},
              {"by-type", GROUP_TYPE},
              {"by-assignee", GROUP_ASSIGNEE},
              {"by-label", GROUP_LABEL}};
    struct issue_filter f;
    struct tables_txn *x = NULL;
    struct err err = ERR_INIT;
    struct group_count *groups = NULL;
    size_t group_count = 0, wanted = 0;
    enum stats_group group = GROUP_STATUS;
    uint64_t total = 0;
    for (size_t i = 0; i < sizeof by / sizeof *by; i++) {
        if (cmd_bool(c, by[i].flag)) {
            group = by[i].group;
            wanted++;
        }
    }
    if (wanted > 1)
        return cmd_fail(bd, "only one --by-* flag can be specified");
    issue_filter_init(&f);
    int status = take_flags(bd, c, &f);
    if (!status)
        status = view_begin(bd, &x);
    if (status)
        return status;
    int rc = stats_count(x, &f, &bd->arena, &total, &err);
    if (rc == BD_OK && wanted)
        rc = stats_count_by(x, &f, group, &bd->arena, &groups, &group_count, &err);
    tables_read_end(x);
    if (rc != BD_OK)
        return cmd_fail(bd, "%s", err.msg);
    if (wanted)
        print_groups(bd, total, groups, group_count);
    else
        print_total(bd, total);
    return 0;
}

static const struct cmd_flag flags[] = {
    VIEW_FILTER_FLAGS,
    VIEW_TITLE_FLAGS,
    {.name = "status", .shorthand = 's', .kind = FLAG_STRING, .help = "Only this status"},
    {.name = "priority",
     .shorthand = 'p',
     .kind = FLAG_INT,
     .help = "Only this priority (0 = highest, 4 = lowest)"},
    {.name = "type", .shorthand = 't', .kind = FLAG_STRING, .help = "Only this type"},
    {.name = "priority-min", .kind = FLAG_INT, .help = "Only this priority number or a higher one"},
    {.name = "priority-max", .kind = FLAG_INT, .help = "Only this priority number or a lower one"},
    {.name = "by-status", .kind = FLAG_BOOL, .help = "Count per status"},
    {.name = "by-priority", .kind = FLAG_BOOL, .help = "Count per priority"},
    {.name = "by-type", .kind = FLAG_BOOL, .help = "Count per type"},
    {.name = "by-assignee", .kind = FLAG_BOOL, .help = "Count per assignee"},
    {.name = "by-label", .kind = FLAG_BOOL, .help = "Count per label"},
    {0},
};

const struct cmd cmd_count = {
    .name = "count",
    .use = "count [flags]",
    .summary = "Count issues",
    .details = "Count the issues that match, closed ones included; with a --by flag, per group.",
    .examples = "  bd count\n  bd count --status open\n  bd count --assignee alice --by-status",
    .group = "Views & Reports",
    .args_max = -1,
    .flags = flags,
    .cls = CMD_READ_ONLY,
    .run = run,
};
