/*
 * The forms in which a list of issues is printed: forest, lines, blocks, JSON, templates and Graphviz.
 */
#include "bd/cmd/list.h"

#include "bd/ops/blocking_info.h"
#include "bd/ops/hydrate.h"
#include "bd/ops/tree.h"
#include "bd/ui/issue_json.h"
#include "bd/ui/issue_text.h"
#include "bd/ui/pager.h"

#include <string.h>

static const char legend[] = "Status: ○ open  ◐ in_progress  ● blocked  ✓ closed  ❄ deferred\n";

/* ---- forest ---- */

struct walk {
    struct buf *out;
    struct buf prefix;
    bool color;
};

static void print_children(struct walk *w, struct tree_node *n) {
    size_t size = w->prefix.size;
    if (n->on_path)
        return;
    n->on_path = true;
    for (size_t i = 0; i < n->child_count; i++) {
        bool last = i + 1 == n->child_count;
        buf_add(w->out, buf_str(&w->prefix), w->prefix.size);
        buf_add_str(w->out, last ? "└── " : "├── ");
        issue_text_pretty(w->out, w->color, n->children[i]->issue);
        buf_add_char(w->out, '\n');
        buf_add_str(&w->prefix, last ? "    " : "│   ");
        print_children(w, n->children[i]);
        w->prefix.size = size;
        if (w->prefix.data)
            w->prefix.data[size] = '\0';
    }
    n->on_path = false;
}

static void rule(struct buf *out) {
    for (int i = 0; i < 80; i++)
        buf_add_char(out, '-');
    buf_add_char(out, '\n');
}

void list_print_tree(struct bd *bd, struct buf *out, const struct issue_list *l,
                     const struct dependency *rows, size_t row_count) {
    struct tree tree;
    struct walk w = {out, BUF_INIT, bd->color};
    size_t open = 0, in_progress = 0;
    if (!l->count) {
        buf_add_str(out, "No issues found.\n");
        return;
    }
    tree_build(l, rows, row_count, &bd->arena, &tree);
    for (size_t i = 0; i < tree.root_count; i++) {
        issue_text_pretty(out, bd->color, tree.roots[i]->issue);
        buf_add_char(out, '\n');
        print_children(&w, tree.roots[i]);
    }
    for (size_t i = 0; i < l->count; i++) {
        open += strcmp(l->items[i].status, "open") == 0;
        in_progress += strcmp(l->items[i].status, "in_progress") == 0;
    }
    buf_add_char(out, '\n');
    rule(out);
    buf_addf(out, "Total: %zu issues (%zu open, %zu in progress)\n\n", l->count, open, in_progress);
    buf_add_str(out, legend);
    buf_release(&w.prefix);
}

/* ---- lines and blocks ---- */

static void add_line(struct bd *bd, struct buf *out, const struct list_options *o,
                     const struct issue *i, const struct blocking_info *info) {
    struct issue_dep_info deps = {
        .parent = info->parent,
        .blocked_by = info->blocked_by.items,
        .blocked_by_count = info->blocked_by.count,
        .blocks = info->blocks.items,
        .blocks_count = info->blocks.count,
    };
    if (view_agent_mode()) {
        issue_text_agent(out, i, &deps);
        buf_add_char(out, '\n');
    } else if (o->long_form) {
        issue_text_long(out, bd->color, i, o->skip_labels);
    } else {
        issue_text_compact(out, bd->color, i, &deps);
        buf_add_char(out, '\n');
    }
}

int list_print_flat(struct bd *bd, struct tables_txn *x, const struct list_options *o,
                    const struct issue_list *l) {
    struct blocking_info *info;
    struct err err = ERR_INIT;
    struct buf out = BUF_INIT;
    bool agent = view_agent_mode();
    if (blocking_info_load(x, l, &bd->arena, &info, &err) != BD_OK)
        return cmd_fail(bd, "%s", err.msg);
    if (o->long_form && !agent)
        buf_addf(&out, "\nFound %zu issues:\n\n", l->count);
    for (size_t i = 0; i < l->count; i++)
        add_line(bd, &out, o, &l->items[i], &info[i]);
    if (o->skip_labels && !bd->quiet && !agent)
        buf_add_str(&out, "\nnote: --skip-labels in effect — labels suppressed in output.\n");
    pager_print(bd->out, buf_str(&out), out.size, o->no_pager || agent);
    buf_release(&out);
    return 0;
}

/* ---- JSON ---- */

static void skip_labels_json(struct bd *bd, const struct issue_list *l) {
    struct buf out = BUF_INIT;
    struct json_writer w;
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_key(&w, "issues");
    json_array(&w);
    for (size_t i = 0; i < l->count; i++)
        issue_json_with_counts(&w, &l->items[i], ISSUE_JSON_EMPTY_LABELS);
    json_array_end(&w);
    json_key(&w, "meta");
    json_object(&w);
    json_member_bool(&w, "skip_labels", true);
    json_member_int(&w, "count", (int64_t)l->count);
    json_object_end(&w);
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
}

void list_print_json(struct bd *bd, const struct list_options *o, const struct issue_list *l) {
    if (o->skip_labels)
        skip_labels_json(bd, l);
    else
        view_json_issues_with_counts(bd, l);
}

/* ---- templates and Graphviz ---- */

static void dot_nodes(struct buf *out, const struct issue_list *l) {
    for (size_t i = 0; i < l->count; i++) {
        const struct issue *n = &l->items[i];
        bool closed = strcmp(n->status, "closed") == 0;
        const char *fill = closed                                  ? "lightgray"
                           : strcmp(n->status, "in_progress") == 0 ? "lightyellow"
                           : strcmp(n->status, "blocked") == 0     ? "lightcoral"
                                                                   : "white";
        struct buf label = BUF_INIT;
        buf_addf(&label, "%s\n[%s P%lld]\n%s\n(%s)", n->id, n->issue_type, (long long)n->priority,
                 n->title, n->status);
        buf_add_str(out, "  ");
        text_add_quoted(out, n->id);
        buf_add_str(out, " [label=");
        text_add_quoted(out, buf_str(&label));
        buf_addf(out, ", style=\"rounded,filled\", fillcolor=\"%s\", fontcolor=\"%s\"];\n", fill,
                 closed ? "dimgray" : "black");
        buf_release(&label);
    }
}

static void dot_edge(struct buf *out, const struct issue *i, const struct dependency *d) {
    static const struct {
        const char *type, *color, *style;
    } looks[] = {
        {"blocks", "red", "bold"},
        {"parent-child", "blue", "solid"},
        {"discovered-from", "green", "dashed"},
        {"related", "gray", "dashed"},
    };
    const char *color = "black", *style = "solid";
    for (size_t k = 0; k < sizeof looks / sizeof *looks; k++) {
        if (strcmp(d->type, looks[k].type) == 0) {
            color = looks[k].color;
            style = looks[k].style;
        }
    }
    buf_add_str(out, "  ");
    text_add_quoted(out, i->id);
    buf_add_str(out, " -> ");
    text_add_quoted(out, d->depends_on_id);
    buf_add_str(out, " [label=");
    text_add_quoted(out, d->type);
    buf_addf(out, ", color=%s, style=%s];\n", color, style);
}

/* The fields that a template may name; anything else prints "<no value>". */
static void template_field(struct buf *out, const char *name, size_t size, const struct issue *i,
                           const struct dependency *d) {
    const struct {
        const char *name, *value;
    } fields[] = {
        {".IssueID", i->id},
        {".DependsOnID", d->depends_on_id},
        {".Type", d->type},
        {".Issue.ID", i->id},
        {".Issue.Title", i->title},
        {".Issue.Description", i->description},
        {".Issue.Status", i->status},
        {".Issue.IssueType", i->issue_type},
        {".Issue.Assignee", i->assignee},
        {".Issue.Owner", i->owner},
        {".Dependency.IssueID", d->issue_id},
        {".Dependency.DependsOnID", d->depends_on_id},
        {".Dependency.Type", d->type},
        {".Dependency.CreatedBy", d->created_by},
    };
    if (size == 15 && memcmp(name, ".Issue.Priority", size) == 0) {
        buf_addf(out, "%lld", (long long)i->priority);
        return;
    }
    for (size_t k = 0; k < sizeof fields / sizeof *fields; k++) {
        if (strlen(fields[k].name) == size && memcmp(fields[k].name, name, size) == 0) {
            buf_add_str(out, fields[k].value ? fields[k].value : "");
            return;
        }
    }
    buf_add_str(out, "<no value>");
}

/* Checks the template (i NULL) or fills it in. */
static int run_template(struct buf *out, const char *format, const struct issue *i,
                        const struct dependency *d, struct err *err) {
    for (const char *p = format; *p;) {
        const char *open = strstr(p, "{{"), *close = open ? strstr(open, "}}") : NULL;
        if (open && !close)
            return err_set(err, BD_INVALID,
                           "invalid format template: template: format:1: unclosed action");
        size_t text = open ? (size_t)(open - p) : strlen(p);
        if (i)
            buf_add(out, p, text);
        if (!open)
            break;
        const char *name = open + 2 + strspn(open + 2, " \t-");
        size_t size = strcspn(name, " \t-}");
        if (*name != '.')
            return err_set(err, BD_UNSUPPORTED,
                           "invalid format template: only fields such as {{.IssueID}} are understood, "
                           "not {{%.*s}}",
                           (int)(close - open - 2), open + 2);
        if (i)
            template_field(out, name, size, i, d);
        p = close + 2;
    }
    if (i)
        buf_add_char(out, '\n');
    return BD_OK;
}

int list_print_format(struct bd *bd, struct tables_txn *x, const struct list_options *o,
                      struct issue_list *l) {
    bool dot = strcmp(o->format, "dot") == 0;
    const char *format = strcmp(o->format, "digraph") == 0 ? "{{.IssueID}} {{.DependsOnID}}"
                         : dot                             ? ""
                                                           : o->format;
    struct err err = ERR_INIT;
    struct buf out = BUF_INIT;
    struct id_set shown = ID_SET_INIT;
    int rc = run_template(&out, format, NULL, NULL, &err);
    if (rc == BD_OK)
        rc = issues_hydrate(x, l->items, l->count, HYDRATE_DEPENDENCIES, &bd->arena, &err);
    if (dot) {
        buf_add_str(&out,
                    "digraph dependencies {\n  rankdir=TB;\n  node [shape=box, style=rounded];\n\n");
        dot_nodes(&out, l);
        buf_add_char(&out, '\n');
    }
    for (size_t i = 0; i < l->count; i++)
        id_set_add(&shown, l->items[i].id);
    for (size_t i = 0; i < l->count && rc == BD_OK; i++) {
        for (size_t k = 0; k < l->items[i].dependency_row_count; k++) {
            const struct dependency *d = &l->items[i].dependencies[k];
            if (!id_set_has(&shown, d->depends_on_id))
                continue;
            if (dot)
                dot_edge(&out, &l->items[i], d);
            else
                rc = run_template(&out, format, &l->items[i], d, &err);
        }
    }
    if (dot)
        buf_add_str(&out, "}\n");
    id_set_release(&shown);
    if (rc != BD_OK) {
        buf_release(&out);
        return cmd_fail(bd, "%s", err.msg);
    }
    view_print(bd, &out);
    return 0;
}
