/*
 * bd dep list, tree, cycles: looking at edges. A tree shows every issue once, where a depth-first walk
 * meets it first; relates-to rows are no part of it.
 */
#include "bd/cmd/dep.h"

#include "base/strmap.h"
#include "bd/cmd/route.h"
#include "bd/ops/dependencies.h"
#include "bd/ops/related.h"
#include "bd/ops/hydrate.h"
#include "bd/ops/resolve.h"
#include "bd/ops/validate.h"
#include "bd/ui/ink.h"
#include "bd/ui/issue_json.h"

#include <string.h>
#include <strings.h>

/* ---- dep list ---- */

struct list_work {
    struct bd *bd;
    struct tables_txn *x;
    const char *type; /* "" = any */
    bool up;
    const char **ids;
    size_t count;
};

static bool wanted(const struct list_work *w, const char *type) {
    return !*w->type || strcmp(w->type, type) == 0;
}

/* One unknown id ends the command; of several the unknown ones are passed over. */
static int resolve_all(struct list_work *w, const struct cmd_call *c) {
    size_t n = cmd_arg_count(c);
    w->ids = arena_alloc(&w->bd->arena, n * sizeof *w->ids);
    for (size_t i = 0; i < n; i++) {
        struct err err = ERR_INIT;
        if (issue_resolve(w->x, cmd_arg(c, i), &w->bd->arena, &w->ids[w->count], &err) == BD_OK)
            w->count++;
        else if (n == 1)
            return cmd_fail_json_stdout(w->bd, "resolving %s: %s", cmd_arg(c, i), err.msg);
        else
            write_complain(w->bd, "warning: resolving %s: %s (skipped)", cmd_arg(c, i), err.msg);
    }
    return 0;
}

static int rows_json(struct list_work *w, const struct dependency_list *rows) {
    struct json_writer j;
    struct buf out = BUF_INIT;
    bd_json_begin(w->bd, &j, &out, false);
    json_array(&j);
    for (size_t i = 0; i < w->count; i++)
        for (size_t k = 0; k < rows->count; k++)
            if (strcmp(rows->items[k].issue_id, w->ids[i]) == 0 && wanted(w, rows->items[k].type))
                issue_json_dependency(&j, &rows->items[k]);
    json_array_end(&j);
    bd_json_end(w->bd, &j, &out);
    return 0;
}

static int list_rows(struct list_work *w) {
    struct dependency_list rows;
    struct err err = ERR_INIT;
    struct bd *bd = w->bd;
    if (dependency_load(w->x, DEPENDENCY_BY_SOURCE, w->ids, w->count,
                        DEPENDENCY_BOTH | DEPENDENCY_METADATA, &bd->arena, &rows, &err) != BD_OK)
        return cmd_fail_json_stdout(bd, "%s", err.msg);
    if (bd->json)
        return rows_json(w, &rows);
    for (size_t i = 0; i < w->count; i++) {
        bool any = false;
        for (size_t k = 0; k < rows.count; k++) {
            if (strcmp(rows.items[k].issue_id, w->ids[i]) != 0)
                continue;
            if (!any)
                fprintf(bd->out, "\n%s %s depends on:\n\n",
                        ink_text(&bd->arena, bd->color, INK_ACCENT, "📋"), w->ids[i]);
            any = true;
            if (wanted(w, rows.items[k].type))
                fprintf(bd->out, "  %s via %s\n", rows.items[k].depends_on_id, rows.items[k].type);
        }
        if (!any)
            fprintf(bd->out, "\n%s has no dependencies\n", w->ids[i]);
    }
    fputc('\n', bd->out);
    return 0;
}

static const char *styled_id(struct bd *bd, const struct issue *i) {
    return ink_text(&bd->arena, bd->color, ink_of_status(i->status), i->id);
}

static int list_issues(struct list_work *w) {
    struct bd *bd = w->bd;
    struct err err = ERR_INIT;
    struct json_writer j;
    struct buf out = BUF_INIT;
    size_t shown = 0;
    if (bd->json) {
        bd_json_begin(bd, &j, &out, false);
        json_array(&j);
    }
    for (size_t i = 0; i < w->count; i++) {
        struct issue_link *links;
        size_t n;
        int rc = w->up ? related_dependents(w->x, w->ids[i], &bd->arena, &links, &n, &err)
                       : related_dependencies(w->x, w->ids[i], &bd->arena, &links, &n, &err);
        if (rc != BD_OK)
            return cmd_fail_json_stdout(bd, "%s", err.msg);
        for (size_t k = 0; k < n; k++) {
            const struct issue *issue = &links[k].issue;
            if (!wanted(w, links[k].type))
                continue;
            shown++;
            if (bd->json)
                issue_json_link(&j, &links[k]);
            else
                fprintf(bd->out, "  %s: %s [P%lld] (%s) via %s\n", styled_id(bd, issue), issue->title,
                        (long long)issue->priority, issue->status, links[k].type);
        }
    }
    if (bd->json) {
        json_array_end(&j);
        bd_json_end(bd, &j, &out);
    } else if (shown) {
        fputc('\n', bd->out);
    } else if (w->count != 1) {
        fprintf(bd->out, "\nNo dependencies found\n");
    } else if (w->up) {
        fprintf(bd->out, "\nNo issues depend on %s\n", w->ids[0]);
    } else {
        fprintf(bd->out, "\n%s has no dependencies\n", w->ids[0]);
    }
    return 0;
}

static int list_in(struct list_work *w, const struct cmd_call *c) {
    int rc = resolve_all(w, c);
    if (rc)
        return rc;
    if (w->count == 0) {
        if (w->bd->json)
            return rows_json(w, &(struct dependency_list){NULL, 0});
        write_complain(w->bd, "no resolvable issues in batch");
        return 0;
    }
    return w->count > 1 && !w->up ? list_rows(w) : list_issues(w);
}

static int run_list(struct bd *bd, const struct cmd_call *c) {
    struct list_work w = {
        .bd = bd, .type = cmd_str(c, "type"), .up = strcmp(cmd_str(c, "direction"), "up") == 0};
    struct err err = ERR_INIT;
    route_ids(bd, cmd_args(c), cmd_arg_count(c));
    if (write_read_begin(bd, &w.x, &err) != BD_OK)
        return cmd_fail_json_stdout(bd, "%s", err.msg);
    int rc = list_in(&w, c);
    tables_read_end(w.x);
    return rc;
}

static const struct cmd_flag list_flags[] = {
    {.name = "direction",
     .kind = FLAG_STRING,
     .default_text = "down",
     .help = "down: what it depends on; up: what depends on it"},
    {.name = "type", .shorthand = 't', .kind = FLAG_STRING, .help = "Only dependencies of this type"},
    {0},
};

const struct cmd cmd_dep_list = {
    .name = "list",
    .use = "list [issue-id...]",
    .summary = "List dependencies or dependents",
    .details = "Lists what one issue depends on, or what depends on it. Of several issues it lists the "
               "dependency "
               "records.",
    .args_min = 1,
    .args_max = -1,
    .flags = list_flags,
    .run = run_list,
};

/* ---- dep tree ---- */

struct tree_node {
    struct issue issue;
    int64_t depth;
    const char *parent, *edge; /* "" at the root */
    bool dropped;
};

struct tree {
    struct bd *bd;
    struct tables_txn *x;
    struct strmap seen;
    struct tree_node *nodes;
    size_t count, capacity;
    int64_t max_depth;
    bool up;
};

static int grow(struct tree *t, const struct issue *i, int64_t depth, const char *parent,
                const char *edge, struct err *err) {
    if (depth >= t->max_depth || strmap_has(&t->seen, i->id))
        return BD_OK;
    strmap_put(&t->seen, i->id, t);
    if (t->count == t->capacity) {
        t->capacity = t->capacity ? t->capacity * 2 : 32;
        struct tree_node *grown = arena_alloc(&t->bd->arena, t->capacity * sizeof *grown);
        if (t->count)
            memcpy(grown, t->nodes, t->count * sizeof *grown);
        t->nodes = grown;
    }
    t->nodes[t->count++] =
        (struct tree_node){.issue = *i, .depth = depth, .parent = parent, .edge = edge};
    struct issue_link *links;
    size_t n;
    int rc = t->up ? related_dependents(t->x, i->id, &t->bd->arena, &links, &n, err)
                   : related_dependencies(t->x, i->id, &t->bd->arena, &links, &n, err);
    for (size_t k = 0; rc == BD_OK && k < n; k++)
        if (strcmp(links[k].type, "relates-to") != 0)
            rc = grow(t, &links[k].issue, depth + 1, i->id, links[k].type, err);
    return rc;
}

static int build(struct tree *t, const char *root, bool up, struct err *err) {
    struct issue i;
    strmap_release(&t->seen);
    t->seen = (struct strmap)STRMAP_INIT;
    t->up = up;
    int rc = issue_load(t->x, root, &t->bd->arena, &i, err);
    if (rc == BD_OK)
        rc = issues_hydrate(t->x, &i, 1, HYDRATE_LABELS, &t->bd->arena, err);
    return rc == BD_OK ? grow(t, &i, 0, "", "", err) : rc;
}

/* Keeps matching nodes and the way from the root to them. */
static void keep_status(struct tree *t, const char *status) {
    struct strmap keep = STRMAP_INIT, parents = STRMAP_INIT;
    for (size_t i = 0; i < t->count; i++)
        if (*t->nodes[i].parent)
            strmap_put(&parents, t->nodes[i].issue.id, (void *)(uintptr_t)t->nodes[i].parent);
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(t->nodes[i].issue.status, status) == 0)
            for (const char *id = t->nodes[i].issue.id; id && !strmap_has(&keep, id);
                 id = strmap_get(&parents, id))
                strmap_put(&keep, id, t);
    size_t n = 0;
    for (size_t i = 0; i < t->count; i++)
        if (strmap_has(&keep, t->nodes[i].issue.id))
            t->nodes[n++] = t->nodes[i];
    t->count = n;
    strmap_release(&keep);
    strmap_release(&parents);
}

static const char *box_of(const char *status) {
    static const char *const boxes[][2] = {
        {"open", "☐"}, {"in_progress", "◧"}, {"blocked", "⚠"}, {"deferred", "❄"}, {"closed", "☑"}};
    for (size_t i = 0; i < sizeof boxes / sizeof boxes[0]; i++)
        if (strcmp(status, boxes[i][0]) == 0)
            return boxes[i][1];
    return "?";
}

static void print_mermaid(const struct tree *t, const char *root) {
    FILE *out = t->bd->out;
    fprintf(out, "flowchart TD\n");
    if (t->count == 0) {
        fprintf(out, "  %s[\"No dependencies\"]\n", root);
        return;
    }
    struct strmap seen = STRMAP_INIT;
    for (size_t i = 0; i < t->count; i++) {
        const struct issue *n = &t->nodes[i].issue;
        if (strmap_put(&seen, n->id, (void *)(uintptr_t)t))
            continue;
        fprintf(out, "  %s[\"%s %s: ", n->id, box_of(n->status), n->id);
        for (const char *s = n->title; *s; s++) {
            if (*s == '\\' || *s == '"')
                fputc('\\', out);
            fputc(*s, out);
        }
        fprintf(out, "\"]\n");
    }
    fputc('\n', out);
    for (size_t i = 0; i < t->count; i++)
        if (*t->nodes[i].parent)
            fprintf(out, "  %s --> %s\n", t->nodes[i].parent, t->nodes[i].issue.id);
    strmap_release(&seen);
}

static bool root_is_blocked(const struct tree *t, const struct tree_node *root) {
    for (size_t i = 0; i < t->count; i++) {
        const struct tree_node *n = &t->nodes[i];
        bool open = strcmp(n->issue.status, "open") == 0 || strcmp(n->issue.status, "in_progress") == 0;
        if (open && strcmp(n->parent, root->issue.id) == 0 &&
            (dependency_type_blocks(n->edge) || strcmp(n->edge, "waits-for") == 0))
            return true;
    }
    return false;
}

static void print_node(const struct tree *t, const struct tree_node *n, const char *prefix) {
    struct bd *bd = t->bd;
    fprintf(bd->out, "%s%s: %s [P%lld] (%s)", prefix, styled_id(bd, &n->issue), n->issue.title,
            (long long)n->issue.priority, n->issue.status);
    if (n->depth > 0)
        fprintf(bd->out, " %s",
                ink_text(&bd->arena, bd->color, INK_MUTED, arena_printf(&bd->arena, "[%s]", n->edge)));
    else if (strcmp(n->issue.status, "open") == 0)
        fprintf(bd->out, " %s",
                root_is_blocked(t, n) ? ink_text(&bd->arena, bd->color, INK_FAIL, "[BLOCKED]")
                                      : ink_text(&bd->arena, bd->color, INK_PASS, "[READY]"));
    fputc('\n', bd->out);
}

/* Children of a node are those that name it as parent; `stem` is what stands before their connectors.
 */
static void print_children(struct tree *t, const struct tree_node *n, const char *stem) {
    struct tree_node *last = NULL;
    for (size_t i = 0; i < t->count; i++)
        if (t->nodes[i].depth > 0 && strcmp(t->nodes[i].parent, n->issue.id) == 0)
            last = &t->nodes[i];
    for (size_t i = 0; last && i < t->count; i++) {
        struct tree_node *k = &t->nodes[i];
        if (k->depth == 0 || strcmp(k->parent, n->issue.id) != 0 || k->dropped)
            continue;
        k->dropped = true; /* printed once */
        struct arena *a = &t->bd->arena;
        print_node(t, k, arena_printf(a, "%s%s", stem, k == last ? "└── " : "├── "));
        print_children(t, k, arena_printf(a, "%s%s", stem, k == last ? "    " : "│   "));
    }
}

static void print_tree(struct tree *t, const char *root, const char *direction) {
    FILE *out = t->bd->out;
    bool up = strcmp(direction, "up") == 0, both = strcmp(direction, "both") == 0;
    if (t->count == 0) {
        fprintf(out, "\n%s has no %s\n", root,
                up     ? "dependents"
                : both ? "dependencies or dependents"
                       : "dependencies");
        return;
    }
    fprintf(out, "\n%s %s for %s:\n\n", ink_text(&t->bd->arena, t->bd->color, INK_ACCENT, "🌲"),
            up     ? "Dependent tree"
            : both ? "Full dependency graph"
                   : "Dependency tree",
            root);
    struct tree_node *top = &t->nodes[0];
    for (size_t i = 0; i < t->count; i++)
        if (t->nodes[i].depth == 0)
            top = &t->nodes[i];
    print_node(t, top, "");
    print_children(t, top, "    ");
    fputc('\n', out);
}

static void tree_json(const struct tree *t) {
    struct json_writer j;
    struct buf out = BUF_INIT;
    bd_json_begin(t->bd, &j, &out, false);
    json_array(&j);
    for (size_t i = 0; i < t->count; i++)
        issue_json_tree_node(&j, &t->nodes[i].issue, t->nodes[i].depth, t->nodes[i].parent,
                             t->nodes[i].edge, false);
    json_array_end(&j);
    bd_json_end(t->bd, &j, &out);
}

static int tree_in(struct tree *t, const struct cmd_call *c) {
    struct bd *bd = t->bd;
    struct err err = ERR_INIT;
    const char *root, *direction = cmd_str(c, "direction"), *format = cmd_str(c, "format");
    if (strcasecmp(format, "json") == 0)
        bd->json = true;
    int rc = issue_resolve(t->x, cmd_arg(c, 0), &bd->arena, &root, &err);
    if (rc != BD_OK)
        return cmd_fail_json_stdout(bd, "resolving issue ID %s: %s", cmd_arg(c, 0), err.msg);
    if (!*direction)
        direction = cmd_bool(c, "reverse") ? "up" : "down";
    bool down = strcmp(direction, "down") == 0, up = strcmp(direction, "up") == 0,
         both = strcmp(direction, "both") == 0;
    if (!down && !up && !both)
        return cmd_fail_json_stdout(bd, "--direction must be 'down', 'up', or 'both'");
    if ((t->max_depth = cmd_int(c, "max-depth")) < 1)
        return cmd_fail_json_stdout(bd, "--max-depth must be >= 1");
    if (up || both)
        rc = build(t, root, true, &err);
    if (rc == BD_OK && both && t->count) /* the root comes with the other half */
        memmove(t->nodes, t->nodes + 1, --t->count * sizeof *t->nodes);
    if (rc == BD_OK && (down || both))
        rc = build(t, root, false, &err);
    if (rc != BD_OK)
        return cmd_fail_json_stdout(bd, "%s", err.msg);
    if (*cmd_str(c, "status"))
        keep_status(t, cmd_str(c, "status"));
    if (strcmp(format, "mermaid") == 0)
        print_mermaid(t, cmd_arg(c, 0));
    else if (bd->json)
        tree_json(t);
    else
        print_tree(t, root, direction);
    return 0;
}

static int run_tree(struct bd *bd, const struct cmd_call *c) {
    struct tree t = {.bd = bd};
    struct err err = ERR_INIT;
    route_ids(bd, cmd_args(c), 1);
    if (write_read_begin(bd, &t.x, &err) != BD_OK)
        return cmd_fail_json_stdout(bd, "%s", err.msg);
    int rc = tree_in(&t, c);
    tables_read_end(t.x);
    strmap_release(&t.seen);
    return rc;
}

static const struct cmd_flag tree_flags[] = {
    {.name = "show-all-paths",
     .kind = FLAG_BOOL,
     .help = "Accepted for compatibility; every issue appears once"},
    {.name = "max-depth",
     .shorthand = 'd',
     .kind = FLAG_INT,
     .default_text = "50",
     .help = "Levels to show"},
    {.name = "reverse", .kind = FLAG_BOOL, .help = "Same as --direction=up"},
    {.name = "direction",
     .kind = FLAG_STRING,
     .help = "down (what it depends on), up (what depends on it), both"},
    {.name = "status",
     .kind = FLAG_STRING,
     .help = "Only issues with this status, and the way to them"},
    {.name = "format", .kind = FLAG_STRING, .help = "mermaid, or json"},
    {0},
};

const struct cmd cmd_dep_tree = {
    .name = "tree",
    .use = "tree [issue-id]",
    .summary = "Show the tree of dependencies",
    .args_min = 1,
    .args_max = 1,
    .flags = tree_flags,
    .run = run_tree,
};

/* ---- dep cycles ---- */

static void cycles_json(struct bd *bd, const struct issue_list *cycles, size_t count) {
    struct json_writer j;
    struct buf out = BUF_INIT;
    bd_json_begin(bd, &j, &out, false);
    json_array(&j);
    for (size_t i = 0; i < count; i++) {
        json_array(&j);
        for (size_t k = 0; k < cycles[i].count; k++)
            issue_json(&j, &cycles[i].items[k]);
        json_array_end(&j);
    }
    json_array_end(&j);
    bd_json_end(bd, &j, &out);
}

static int run_cycles(struct bd *bd, const struct cmd_call *c) {
    struct tables_txn *x;
    struct err err = ERR_INIT;
    struct dependency_cycle *found = NULL;
    struct issue_list *cycles = NULL;
    size_t count = 0;
    (void)c;
    int rc = write_read_begin(bd, &x, &err);
    if (rc != BD_OK)
        return cmd_fail_json_stdout(bd, "%s", err.msg);
    rc = dependency_cycles(x, &bd->arena, &found, &count, &err);
    cycles = arena_zalloc(&bd->arena, (count + 1) * sizeof *cycles);
    for (size_t i = 0; rc == BD_OK && i < count; i++) {
        rc = issue_load_many(x, found[i].ids, found[i].count, &bd->arena, &cycles[i], &err);
        if (rc == BD_OK)
            rc = issues_hydrate(x, cycles[i].items, cycles[i].count, HYDRATE_LABELS, &bd->arena, &err);
    }
    tables_read_end(x);
    if (rc != BD_OK)
        return cmd_fail_json_stdout(bd, "%s", err.msg);
    if (bd->json) {
        cycles_json(bd, cycles, count);
        return 0;
    }
    if (count == 0) {
        fprintf(bd->out, "\n%s No dependency cycles detected\n\n",
                ink_text(&bd->arena, bd->color, INK_PASS, "✓"));
        return 0;
    }
    fprintf(bd->out, "\n%s Found %zu dependency cycles:\n\n",
            ink_text(&bd->arena, bd->color, INK_FAIL, "⚠"), count);
    for (size_t i = 0; i < count; i++) {
        fprintf(bd->out, "%zu. Cycle involving:\n", i + 1);
        for (size_t k = 0; k < cycles[i].count; k++)
            fprintf(bd->out, "   - %s: %s\n", cycles[i].items[k].id, cycles[i].items[k].title);
        fputc('\n', bd->out);
    }
    return 0;
}

const struct cmd cmd_dep_cycles = {
    .name = "cycles",
    .use = "cycles",
    .summary = "Look for cycles of dependencies",
    .args_max = -1,
    .run = run_cycles,
};
