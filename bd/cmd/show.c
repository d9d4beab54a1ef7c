/*
 * bd show: one or several issues in full, and the other questions that its flags ask of an issue.
 */
#include "bd/cmd/show.h"

#include "bd/cmd/commands.h"
#include "bd/cmd/route.h"
#include "bd/cmd/watch.h"
#include "bd/ops/history.h"
#include "bd/ops/hydrate.h"
#include "bd/ops/resolve.h"
#include "bd/ops/search.h"
#include "bd/ui/issue_json.h"
#include "bd/ui/issue_text.h"

#include <string.h>
#include <time.h>

/* First match of a status assigned to the actor, else the issue touched last. */
static const char *current_issue(struct bd *bd, struct tables_txn *x) {
    static const char *const statuses[] = {"in_progress", "hooked"};
    const char *actor = bd_actor(bd);
    for (size_t i = 0; i < 2 && actor && *actor; i++) {
        struct issue_filter f;
        struct issue_list l = {NULL, 0, 0};
        issue_filter_init(&f);
        text_list_add(&f.statuses, &bd->arena, statuses[i]);
        f.assignee = actor;
        f.limit = 1;
        f.skip_labels = true;
        if (search_issues(x, &f, &bd->arena, &l, NULL) == BD_OK && l.count)
            return l.items[0].id;
    }
    return bd_last_touched(bd);
}

static int details_json(struct bd *bd, struct tables_txn *x, const struct show_options *o,
                        const struct issue *i, struct json_writer *w) {
    struct err err = ERR_INIT;
    struct issue_details d = {
        .issue = i, .with_dependents = o->include_dependents, .with_comments = o->include_comments};
    struct issue_link *down = NULL, *up = NULL;
    struct comment *comments = NULL;
    int rc = related_dependencies(x, i->id, &bd->arena, &down, &d.dependency_count, &err);
    if (rc == BD_OK && o->include_dependents)
        rc = related_dependents(x, i->id, &bd->arena, &up, &d.dependent_count, &err);
    if (rc == BD_OK && o->include_comments)
        rc = related_comments(x, i->id, &bd->arena, &comments, &d.comment_count, &err);
    if (rc == BD_OK)
        rc = related_count(x, i->id, &d.counts, &err);
    if (rc != BD_OK)
        return cmd_fail(bd, "%s", err.msg);
    d.dependencies = down;
    d.dependents = up;
    d.comments = comments;
    issue_json_details(w, &d);
    return 0;
}

static int show_json(struct bd *bd, struct tables_txn *x, const struct show_options *o) {
    struct buf out = BUF_INIT;
    struct json_writer w;
    size_t found = 0;
    int status = 0;
    bd_json_begin(bd, &w, &out, false);
    json_array(&w);
    for (size_t i = 0; i < o->id_count && !status; i++) {
        struct issue issue;
        if (!show_resolve(bd, x, o->ids[i], "fetching", &issue))
            continue;
        found++;
        status = details_json(bd, x, o, &issue, &w);
    }
    json_array_end(&w);
    if (status || !found) {
        json_end(&w);
        buf_release(&out);
        return status ? status : cmd_fail_json_stdout(bd, "no issues found matching the provided IDs");
    }
    bd_json_end(bd, &w, &out);
    return 0;
}

static int show_texts(struct bd *bd, struct tables_txn *x, const struct show_options *o,
                      struct buf *out) {
    size_t found = 0;
    for (size_t i = 0; i < o->id_count; i++) {
        struct issue issue;
        if (!show_resolve(bd, x, o->ids[i], "fetching", &issue))
            continue;
        found++;
        if (o->short_form) {
            issue_text_pretty(out, bd->color, &issue);
            buf_add_char(out, '\n');
            continue;
        }
        if (i > 0) {
            struct buf rule = BUF_INIT;
            for (int k = 0; k < 60; k++)
                buf_add_str(&rule, "─");
            buf_add_char(out, '\n');
            ink_add(out, bd->color, INK_MUTED, buf_str(&rule));
            buf_add_str(out, "\n\n");
            buf_release(&rule);
        }
        int status = show_issue_text(bd, x, o, &issue, out);
        if (status)
            return status;
    }
    return found ? 0 : 1;
}

static int show_all(struct bd *bd, struct tables_txn *x, const struct show_options *o) {
    struct buf out = BUF_INIT;
    if (bd->json && !o->short_form)
        return show_json(bd, x, o);
    int status = show_texts(bd, x, o, &out);
    view_print(bd, &out);
    /* --short has no JSON form: the lines come, then the complaint that there is nothing to print */
    if (bd->json)
        return cmd_fail_json_stdout(bd, "no issues found matching the provided IDs");
    return status;
}

/* ---- --as-of ---- */

/* The columns of an old state that are shown. */
static struct issue as_of_view(const struct issue *i) {
    struct issue v;
    issue_init(&v);
    v.id = i->id;
    v.title = i->title;
    v.description = i->description;
    v.status = i->status;
    v.priority = i->priority;
    v.issue_type = i->issue_type;
    v.assignee = i->assignee;
    v.owner = i->owner;
    v.created_by = i->created_by;
    v.estimated_minutes = i->estimated_minutes;
    v.created_at = i->created_at;
    v.updated_at = i->updated_at;
    v.closed_at = i->closed_at;
    return v;
}

static void as_of_text(struct bd *bd, struct buf *out, const struct issue *i, const char *ref,
                       bool first) {
    if (!first) {
        buf_add_char(out, '\n');
        ink_add(out, bd->color, INK_MUTED,
                "------------------------------------------------------------");
        buf_add_char(out, '\n');
    }
    buf_add_char(out, '\n');
    issue_text_header(out, bd->color, i);
    buf_add_str(out, " (as of ");
    ink_add(out, bd->color, INK_MUTED, ref);
    buf_add_str(out, ")\n");
    issue_text_summary(out, bd->color, i);
    if (i->description && *i->description) {
        buf_add_char(out, '\n');
        ink_add(out, bd->color, INK_BOLD, "DESCRIPTION");
        buf_addf(out, "\n%s\n", i->description);
    }
    buf_add_char(out, '\n');
}

static int show_as_of(struct bd *bd, const struct show_options *o, const char *ref) {
    struct tables_txn *x = NULL;
    struct err err = ERR_INIT;
    struct issue_list found = {NULL, 0, 0};
    struct buf out = BUF_INIT;
    int rc = history_check_ref(ref, &err);
    if (rc != BD_OK)
        err_prefix(&err, "invalid ref");
    else if ((rc = tables_read_begin_at(bd->ops.tables, ref, &x, &err)) != BD_OK)
        err_prefix(&err, "get issue as of %s", ref);
    for (size_t i = 0; i < o->id_count; i++) {
        struct issue issue;
        struct err missing = ERR_INIT;
        if (rc != BD_OK || issue_load(x, o->ids[i], &bd->arena, &issue, &missing) != BD_OK) {
            if (rc == BD_OK)
                err_set(&missing, BD_NOT_FOUND, "not found: issue %s as of %s", o->ids[i], ref);
            fprintf(bd->err, "Error fetching %s as of %s: %s\n", o->ids[i], ref,
                    rc == BD_OK ? missing.msg : err.msg);
            continue;
        }
        struct issue view = as_of_view(&issue);
        if (o->short_form) {
            issue_text_pretty(&out, bd->color, &view);
            buf_add_char(&out, '\n');
        } else if (bd->json) {
            *issue_list_add(&found, &bd->arena) = view;
        } else {
            as_of_text(bd, &out, &view, ref, i == 0);
        }
    }
    view_print(bd, &out);
    if (found.count)
        view_json_issues(bd, &found);
    tables_read_end(x);
    return 0;
}

/* ---- --watch ---- */

static int watch_texts(struct bd *bd, struct tables_txn *x, void *ctx, struct buf *out) {
    return show_texts(bd, x, ctx, out);
}

static void watch_print(struct bd *bd, void *ctx, const struct buf *text) {
    (void)ctx;
    fwrite(buf_str(text), 1, text->size, bd->out);
}

static int watch(struct bd *bd, struct show_options *o) {
    return watch_run(bd, &(struct watch){watch_texts, watch_print, o});
}

/* ---- the command ---- */

/* --thread follows the first id; when that is no issue the ordinary answer tells so. */
static int dispatch(struct bd *bd, struct tables_txn *x, const struct cmd_call *c,
                    const struct show_options *o) {
    if (cmd_bool(c, "thread")) {
        const char *id = NULL;
        if (issue_resolve(x, o->ids[0], &bd->arena, &id, NULL) == BD_OK)
            return show_thread(bd, x, id);
    }
    if (cmd_bool(c, "refs"))
        return show_refs(bd, x, o);
    if (cmd_bool(c, "children"))
        return show_children(bd, x, o);
    int status = show_all(bd, x, o);
    if (!status)
        bd_touch(bd, o->ids[0]);
    return status;
}

static int run(struct bd *bd, const struct cmd_call *c) {
    struct show_options o = {
        .short_form = cmd_bool(c, "short"),
        .long_form = cmd_bool(c, "long"),
        .local_time = cmd_bool(c, "local-time"),
        .include_dependents = cmd_bool(c, "include-dependents"),
        .include_comments = cmd_bool(c, "include-comments"),
    };
    struct tables_txn *x = NULL;
    size_t extra;
    const char *const *more = cmd_list(c, "id", &extra);
    o.ids = arena_alloc(&bd->arena, (cmd_arg_count(c) + extra + 1) * sizeof *o.ids);
    for (size_t i = 0; i < cmd_arg_count(c); i++)
        o.ids[o.id_count++] = cmd_arg(c, i);
    for (size_t i = 0; i < extra; i++)
        o.ids[o.id_count++] = more[i];
    bool current = cmd_bool(c, "current");
    if (current && o.id_count)
        return cmd_fail_json_stdout(bd, "--current cannot be combined with explicit issue IDs");
    if (!current && !o.id_count)
        return cmd_fail_json_stdout(
            bd, "at least one issue ID is required (use positional args, --id flag, or --current)");
    int status = view_begin(bd, &x);
    if (status)
        return status;
    const char *first;
    if (!current && issue_resolve(x, o.ids[0], &bd->arena, &first, NULL) == BD_NOT_FOUND) {
        tables_read_end(x);
        route_ids(bd, o.ids, o.id_count);
        if ((status = view_begin(bd, &x)))
            return status;
    }
    if (current) {
        o.ids[0] = current_issue(bd, x);
        o.id_count = 1;
        if (!o.ids[0] || !*o.ids[0]) {
            tables_read_end(x);
            return cmd_fail_json_stdout(
                bd, "no current issue found (no in-progress, hooked, or recently touched issues)");
        }
    }
    if (view_text(c, "as-of"))
        status = show_as_of(bd, &o, cmd_str(c, "as-of"));
    else if (cmd_bool(c, "watch") && o.id_count != 1)
        status = cmd_fail_json_stdout(bd, "watch mode requires exactly one issue ID");
    else if (cmd_bool(c, "watch"))
        status = watch(bd, &o);
    else
        status = dispatch(bd, x, c, &o);
    tables_read_end(x);
    return status;
}

static const struct cmd_flag flags[] = {
    {.name = "short", .kind = FLAG_BOOL, .help = "One line per issue"},
    {.name = "long", .kind = FLAG_BOOL, .help = "Every field that is set"},
    {.name = "refs", .kind = FLAG_BOOL, .help = "Issues that point to this one, by kind"},
    {.name = "children", .kind = FLAG_BOOL, .help = "Only the children"},
    {.name = "thread", .kind = FLAG_BOOL, .help = "The whole conversation that a message belongs to"},
    {.name = "as-of", .kind = FLAG_STRING, .help = "The issue as it was at a commit or on a branch"},
    {.name = "id", .kind = FLAG_ARRAY, .help = "An id that looks like a flag (may be repeated)"},
    {.name = "local-time", .kind = FLAG_BOOL, .help = "Times of day in the local zone instead of UTC"},
    {.name = "watch",
     .shorthand = 'w',
     .kind = FLAG_BOOL,
     .help = "Print again whenever the issue changes"},
    {.name = "current",
     .kind = FLAG_BOOL,
     .help = "Your issue in progress, else the hooked one, else the last touched"},
    {.name = "include-dependents",
     .kind = FLAG_BOOL,
     .help = "With --json: list the issues that depend on it"},
    {.name = "include-comments", .kind = FLAG_BOOL, .help = "With --json: list the comments"},
    {0},
};
static const char *const aliases[] = {"view", NULL};

const struct cmd cmd_show = {
    .name = "show",
    .aliases = aliases,
    .use = "show [id...] [flags]",
    .summary = "Show issues in full",
    .details = "Show issues with their texts, labels, dependencies in both directions and comments. An "
               "id may be given "
               "without its prefix, or by any part of it that is not ambiguous.",
    .examples = "  bd show bd-a1\n  bd show a1 b2 --short\n  bd show bd-a1 --as-of main\n  bd show "
                "--current --json",
    .group = "Working With Issues",
    .args_max = -1,
    .flags = flags,
    .cls = CMD_READ_ONLY,
    .run = run,
};
