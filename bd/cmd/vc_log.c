/*
 * bd vc log: commits, newest first; bd vc show: one commit with its changes.
 */
#include "bd/cmd/vc.h"

#include "base/datetime.h"
#include "bd/ops/history.h"
#include "bd/ui/issue_text.h"
#include "bd/ui/pager.h"

#include <stdlib.h>
#include <string.h>

enum { PARENTS_MAX = 8 };

static void add_refs(struct bd *bd, struct buf *out, const struct vc_commit *c) {
    struct buf names = BUF_INIT;
    if (!c->ref_count)
        return;
    buf_add_char(&names, '(');
    text_add_joined(&names, c->refs, c->ref_count, ", ");
    buf_add_char(&names, ')');
    buf_add_char(out, ' ');
    ink_add(out, bd->color, INK_PASS, buf_str(&names));
    buf_release(&names);
}

static const char *first_line(struct bd *bd, const char *message) {
    return arena_strndup(&bd->arena, message, strcspn(message, "\n"));
}

/* A log entry as several lines or one, without the graph. */
static void vc_commit_text(struct bd *bd, struct buf *out, const struct vc_commit *c, bool oneline) {
    char time[40];
    if (oneline) {
        ink_add(out, bd->color, INK_WARN, arena_strndup(&bd->arena, c->hash, 8));
        add_refs(bd, out, c);
        buf_addf(out, " %s\n", first_line(bd, c->info.message));
        return;
    }
    ink_add(out, bd->color, INK_WARN, arena_printf(&bd->arena, "commit %s", c->hash));
    add_refs(bd, out, c);
    buf_add_char(out, '\n');
    if (c->info.parent_count > 1) {
        buf_add_str(out, "Merge:");
        for (size_t i = 0; i < c->info.parent_count && i < PARENTS_MAX; i++)
            buf_addf(out, " %.8s", history_hash(&c->info.parents[i], &bd->arena));
        buf_add_char(out, '\n');
    }
    datetime_format_sql(c->info.time_micros, 0, time, sizeof time);
    buf_addf(out, "Author: %s <%s>\nDate:   %s UTC\n\n", c->info.author, c->info.email, time);
    text_add_indented(out, "    ", c->info.message);
}

static void vc_commit_members(struct json_writer *w, const struct vc_commit *c) {
    struct arena a = ARENA_INIT;
    json_member_str(w, "hash", c->hash);
    json_key(w, "parents");
    json_array(w);
    for (size_t i = 0; i < c->info.parent_count && i < PARENTS_MAX; i++)
        json_str(w, history_hash(&c->info.parents[i], &a));
    json_array_end(w);
    json_member_str(w, "author", c->info.author);
    json_member_str(w, "email", c->info.email);
    json_member_time(w, "date", c->info.time_micros);
    json_member_str(w, "message", c->info.message);
    json_member_int(w, "height", (int64_t)c->info.height);
    json_key(w, "refs");
    json_array(w);
    for (size_t i = 0; i < c->ref_count; i++)
        json_str(w, c->refs[i]);
    json_array_end(w);
    arena_release(&a);
}

/* ---- the graph ---- */

/*
 * Columns hold the commits that are still to come. A commit stands in its column; its first parent
 * takes that column over, further parents open columns, and columns that wait for the same commit join.
 */
struct graph {
    struct hash columns[64];
    size_t count;
};

static size_t column_of(struct graph *g, const struct hash *h) {
    for (size_t i = 0; i < g->count; i++)
        if (hash_eq(&g->columns[i], h))
            return i;
    if (g->count == sizeof g->columns / sizeof *g->columns)
        return g->count - 1; /* too wide to draw: the last column stands for the rest */
    g->columns[g->count] = *h;
    return g->count++;
}

static void drop_column(struct graph *g, size_t at) {
    memmove(&g->columns[at], &g->columns[at + 1], (g->count - at - 1) * sizeof *g->columns);
    g->count--;
}

/* "| * |" and, behind it, the lines that fork or join: prefix of the commit's line and of its other
 * lines. */
static void graph_step(struct graph *g, const struct tables_commit_info *c, struct buf *node,
                       struct buf *rest, struct buf *edges) {
    size_t at = column_of(g, &c->hash);
    size_t width = g->count;
    for (size_t i = 0; i < width; i++)
        buf_add_str(node, i == at ? "* " : "| ");
    /* other columns waiting for this very commit end here */
    for (size_t i = at + 1; i < g->count;) {
        if (hash_eq(&g->columns[i], &c->hash))
            drop_column(g, i);
        else
            i++;
    }
    if (!c->parent_count) {
        drop_column(g, at);
    } else {
        g->columns[at] = c->parents[0];
        for (size_t p = 1; p < c->parent_count && p < PARENTS_MAX; p++)
            (void)column_of(g, &c->parents[p]);
    }
    if (g->count > width) {
        for (size_t i = 0; i <= at; i++)
            buf_add_str(edges, "| ");
        buf_clear(edges);
        for (size_t i = 0; i < width; i++)
            buf_add_str(edges, i == at ? "|\\" : i > at ? " \\" : "| ");
        for (size_t i = width + 1; i < g->count; i++)
            buf_add_str(edges, " \\");
    }
    /* two columns that wait for the same commit become one */
    for (size_t i = 0; i < g->count; i++) {
        for (size_t k = i + 1; k < g->count; k++) {
            if (!hash_eq(&g->columns[i], &g->columns[k]))
                continue;
            buf_clear(edges);
            for (size_t n = 0; n < g->count; n++)
                buf_add_str(edges, n < k ? "| " : "/ ");
            drop_column(g, k);
            k--;
        }
    }
    for (size_t i = 0; i < g->count; i++)
        buf_add_str(rest, "| ");
}

static void add_with_graph(struct buf *out, const struct buf *text, struct graph *g,
                           const struct tables_commit_info *c) {
    struct buf node = BUF_INIT, rest = BUF_INIT, edges = BUF_INIT;
    bool first = true;
    graph_step(g, c, &node, &rest, &edges);
    for (const char *p = buf_str(text); *p;) {
        size_t n = strcspn(p, "\n");
        buf_addf(out, "%s%.*s\n", first ? buf_str(&node) : buf_str(&rest), (int)n, p);
        if (first && edges.size)
            buf_addf(out, "%s\n", buf_str(&edges));
        first = false;
        p += n + (p[n] == '\n');
    }
    buf_release(&node);
    buf_release(&rest);
    buf_release(&edges);
}

/* ---- log ---- */

static const char *parent_ref(struct bd *bd, const struct vc_commit *c) {
    return c->info.parent_count ? history_hash(&c->info.parents[0], &bd->arena) : NULL;
}

static int add_stat(struct bd *bd, struct buf *out, const struct vc_commit *c, struct err *err) {
    struct vc_diff d;
    const char *parent = parent_ref(bd, c);
    if (!parent)
        return BD_OK; /* the first commit has nothing to be compared with */
    int rc = vc_diff_load(bd->ops.tables, parent, c->hash, NULL, NULL, &bd->arena, &d, err);
    if (rc == BD_OK)
        vc_diff_stat(bd, out, &d, " ");
    return rc;
}

static int log_text(struct bd *bd, const struct cmd_call *c, const struct vc_commit *list, size_t count,
                    struct buf *out, struct err *err) {
    struct graph g = {.count = 0};
    bool oneline = cmd_bool(c, "oneline"), graph = cmd_bool(c, "graph");
    for (size_t i = 0; i < count; i++) {
        struct buf entry = BUF_INIT;
        int rc = BD_OK;
        vc_commit_text(bd, &entry, &list[i], oneline);
        if (cmd_bool(c, "stat"))
            rc = add_stat(bd, &entry, &list[i], err);
        if (!oneline && i + 1 < count)
            buf_add_char(&entry, '\n');
        if (graph)
            add_with_graph(out, &entry, &g, &list[i].info);
        else
            buf_add(out, buf_str(&entry), entry.size);
        buf_release(&entry);
        if (rc != BD_OK)
            return rc;
    }
    return BD_OK;
}

static int log_json(struct bd *bd, const struct vc_commit *list, size_t count) {
    struct buf out = BUF_INIT;
    struct json_writer w;
    bd_json_begin(bd, &w, &out, false);
    json_array(&w);
    for (size_t i = 0; i < count; i++) {
        json_object(&w);
        vc_commit_members(&w, &list[i]);
        json_object_end(&w);
    }
    json_array_end(&w);
    bd_json_end(bd, &w, &out);
    return 0;
}

static int run_log(struct bd *bd, const struct cmd_call *c) {
    struct vc_log_filter f = {.since = INT64_MIN};
    struct vc_commit *list = NULL;
    struct err err = ERR_INIT;
    struct buf out = BUF_INIT;
    size_t count = 0;
    int64_t limit = cmd_int(c, "limit");
    int status = view_time(bd, c, "since", &f.since);
    if (!status)
        status = bd_open_store(bd);
    if (status)
        return status;
    f.ref = cmd_arg_count(c) ? cmd_arg(c, 0) : NULL;
    f.author = view_text(c, "author");
    f.issue_id = view_text(c, "issue");
    f.limit = limit > 0 ? (uint64_t)limit : 0;
    int rc = vc_log_load(bd->ops.tables, &f, &bd->arena, &list, &count, &err);
    if (rc == BD_OK && bd->json)
        return log_json(bd, list, count);
    if (rc == BD_OK)
        rc = log_text(bd, c, list, count, &out, &err);
    if (rc != BD_OK)
        return cmd_fail_json_stdout(bd, "%s", err.msg);
    pager_print(bd->out, buf_str(&out), out.size, cmd_bool(c, "no-pager"));
    buf_release(&out);
    return 0;
}

static const struct cmd_flag log_flags[] = {
    {.name = "limit",
     .shorthand = 'n',
     .kind = FLAG_INT,
     .default_text = "20",
     .help = "Show at most this many commits, 0 = all"},
    {.name = "oneline", .kind = FLAG_BOOL, .help = "One line per commit"},
    {.name = "stat", .kind = FLAG_BOOL, .help = "With the number of changed rows per table"},
    {.name = "graph", .kind = FLAG_BOOL, .help = "Draw how the commits hang together"},
    {.name = "author",
     .kind = FLAG_STRING,
     .help = "Only commits whose author's name or e-mail contains this text"},
    {.name = "since",
     .kind = FLAG_STRING,
     .help = "Only commits after this time (2026-01-15, -3d, yesterday …)"},
    {.name = "issue", .kind = FLAG_STRING, .help = "Only commits that changed this issue"},
    {.name = "no-pager", .kind = FLAG_BOOL, .help = "Never use a pager"},
    {0},
};

const struct cmd cmd_vc_log = {
    .name = "log",
    .use = "log [ref]",
    .summary = "Show the commits, newest first",
    .examples = "  bd vc log --oneline -n 50\n  bd vc log --issue bd-a1 --stat\n  bd vc log feature "
                "--graph --since yesterday",
    .args_max = 1,
    .flags = log_flags,
    .run = run_log,
};

/* ---- show ---- */

static int run_show(struct bd *bd, const struct cmd_call *c) {
    struct vc_log_filter f = {
        .since = INT64_MIN, .limit = 1, .ref = cmd_arg_count(c) ? cmd_arg(c, 0) : NULL};
    struct vc_commit *list = NULL;
    struct vc_diff d = {NULL, 0};
    struct err err = ERR_INIT;
    struct buf out = BUF_INIT;
    size_t count = 0;
    int status = bd_open_store(bd);
    if (status)
        return status;
    int rc = vc_log_load(bd->ops.tables, &f, &bd->arena, &list, &count, &err);
    if (rc == BD_OK && !count)
        rc = err_set(&err, BD_NOT_FOUND, "there is no commit %s", f.ref ? f.ref : "HEAD");
    if (rc == BD_OK && list[0].info.parent_count)
        rc = vc_diff_load(bd->ops.tables, parent_ref(bd, &list[0]), list[0].hash, view_text(c, "table"),
                          view_text(c, "issue"), &bd->arena, &d, &err);
    if (rc != BD_OK)
        return cmd_fail_json_stdout(bd, "%s", err.msg);
    if (bd->json) {
        struct json_writer w;
        bd_json_begin(bd, &w, &out, true);
        json_object(&w);
        vc_commit_members(&w, &list[0]);
        json_key(&w, "diff");
        vc_diff_json(&w, &d);
        json_object_end(&w);
        bd_json_end(bd, &w, &out);
        return 0;
    }
    vc_commit_text(bd, &out, &list[0], false);
    if (d.count)
        buf_add_char(&out, '\n');
    if (cmd_bool(c, "stat"))
        vc_diff_stat(bd, &out, &d, " ");
    else
        vc_diff_text(bd, &out, &d);
    pager_print(bd->out, buf_str(&out), out.size, cmd_bool(c, "no-pager"));
    buf_release(&out);
    return 0;
}

static const struct cmd_flag show_flags[] = {
    {.name = "table", .kind = FLAG_STRING, .help = "Only this table"},
    {.name = "issue", .kind = FLAG_STRING, .help = "Only this issue with what belongs to it"},
    {.name = "stat", .kind = FLAG_BOOL, .help = "Only the number of changed rows per table"},
    {.name = "no-pager", .kind = FLAG_BOOL, .help = "Never use a pager"},
    {0},
};

const struct cmd cmd_vc_show = {
    .name = "show",
    .use = "show [ref]",
    .summary = "Show a commit and what it changed",
    .details = "Show one commit (HEAD unless named) and its differences from its first parent.",
    .args_max = 1,
    .flags = show_flags,
    .run = run_show,
};
