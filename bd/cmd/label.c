/* bd label: labels of issues. All issues of one command change in one transaction. */
#include "bd/cmd/commands.h"
#include "bd/cmd/write.h"
#include "bd/ops/dependency_rows.h"
#include "bd/ops/labels.h"
#include "bd/ops/resolve.h"
#include "bd/ui/ink.h"
#include "bd/ui/text.h"

#include <stdlib.h>
#include <string.h>

enum action { ADD, REMOVE, PROPAGATE };
static const char *const statuses[] = {"added", "removed", "propagated"};

struct work {
    struct bd *bd;
    enum action action;
    const char *label;
    const char *const *typed; /* issues, or the parent */
    size_t typed_count;
    const char **ids;
    size_t count;
    struct buf complaints;
};

/* Labels `provides:…` belong to `bd ship`. */
static int check_label(struct bd *bd, const char *label) {
    if (!*label)
        return cmd_fail_json_stdout(bd, "label cannot be empty");
    if (strncmp(label, "provides:", 9) == 0)
        return cmd_fail_json_stdout(
            bd,
            "'provides:' labels are reserved for cross-project capabilities. Hint: use 'bd "
            "ship %s' instead",
            label + 9);
    return 0;
}

static int change_all(struct work *w, struct tables_txn *x, struct err *err) {
    for (size_t i = 0; i < w->count; i++) {
        bool is_wisp;
        int rc = issue_locate(x, w->ids[i], &is_wisp, err);
        if (rc == BD_OK)
            rc = w->action == REMOVE
                     ? label_remove_in(&w->bd->ops, x, w->ids[i], is_wisp, w->label, err)
                     : label_add_in(&w->bd->ops, x, w->ids[i], is_wisp, w->label, err);
        if (rc != BD_OK)
            return err_prefix(err, "%s label '%s' on %s", statuses[w->action], w->label, w->ids[i]);
    }
    return BD_OK;
}

static int change_typed(struct tables_txn *x, void *ctx, struct err *err) {
    struct work *w = ctx;
    w->count = 0;
    buf_clear(&w->complaints);
    for (size_t i = 0; i < w->typed_count; i++) {
        int rc = issue_resolve(x, w->typed[i], &w->bd->arena, &w->ids[w->count], err);
        if (rc == BD_OK)
            w->count++;
        else if (rc != BD_NOT_FOUND && rc != BD_INVALID)
            return rc;
        else
            buf_addf(&w->complaints, "Error resolving %s: %s\n", w->typed[i], err->msg);
        err_clear(err);
    }
    tables_set_message(x, arena_printf(&w->bd->arena, "bd: label %s '%s' on %zu issue(s)",
                                       statuses[w->action], w->label, w->count));
    return w->count ? change_all(w, x, err) : err_set(err, BD_CANCELLED, "no issue to change");
}

static void answer(struct work *w) {
    struct bd *bd = w->bd;
    if (bd->json) {
        struct json_writer j;
        struct buf out = BUF_INIT;
        bd_json_begin(bd, &j, &out, false);
        json_array(&j);
        for (size_t i = 0; i < w->count; i++) { /* printed from a map there: keys sorted */
            json_object(&j);
            json_member_str(&j, "issue_id", w->ids[i]);
            json_member_str(&j, "label", w->label);
            json_member_str(&j, "status", statuses[w->action]);
            json_object_end(&j);
        }
        json_array_end(&j);
        bd_json_end(bd, &j, &out);
        return;
    }
    for (size_t i = 0; i < w->count; i++)
        write_success(bd, "%s label '%s' %s %s",
                      w->action == ADD      ? "Added"
                      : w->action == REMOVE ? "Removed"
                                            : "Propagated",
                      w->label, w->action == REMOVE ? "from" : "to", w->ids[i]);
}

static int run_change(struct bd *bd, const struct cmd_call *c, enum action action) {
    size_t n = cmd_arg_count(c) - 1;
    struct work w = {
        .bd = bd, .action = action, .label = cmd_arg(c, n), .typed = cmd_args(c), .typed_count = n};
    struct err err = ERR_INIT;
    if (action == ADD) {
        w.label = text_trim(&bd->arena, w.label);
        int rc = check_label(bd, w.label);
        if (rc)
            return rc;
    }
    w.ids = arena_alloc(&bd->arena, n * sizeof *w.ids);
    int code = write_run(bd, NULL, "bd: label", OPS_TRANSACTION, change_typed, &w, &err);
    fputs(buf_str(&w.complaints), bd->err);
    buf_release(&w.complaints);
    if (code != BD_OK && code != BD_CANCELLED)
        return cmd_fail_json_stdout(bd, "label %s: %s", statuses[action], err.msg);
    answer(&w);
    return 0;
}

static int run_add(struct bd *bd, const struct cmd_call *c) { return run_change(bd, c, ADD); }
static int run_remove(struct bd *bd, const struct cmd_call *c) { return run_change(bd, c, REMOVE); }

/* ---- propagate ---- */

static int by_priority(const void *x, const void *y) {
    const struct issue *i = x, *k = y;
    if (i->priority != k->priority)
        return i->priority < k->priority ? -1 : 1;
    if (i->created_at != k->created_at)
        return i->created_at > k->created_at ? -1 : 1;
    return strcmp(i->id, k->id);
}

struct children {
    struct arena *a;
    const char **ids;
    size_t count, capacity;
};

static void add_id(struct children *c, const char *id) {
    for (size_t i = 0; i < c->count; i++)
        if (strcmp(c->ids[i], id) == 0)
            return;
    MEM_GROW(c->ids, c->capacity, c->count + 1);
    c->ids[c->count++] = id;
}

static int add_child(void *ctx, const struct dependency *d, bool in_wisp_table) {
    (void)in_wisp_table;
    if (strcmp(d->type, "parent-child") == 0)
        add_id(ctx, d->issue_id);
    return BD_OK;
}

static int add_dotted(void *ctx, const struct cell *row) {
    struct children *c = ctx;
    if (cell_has_text(&row[0]))
        add_id(c, arena_strndup(c->a, row[0].s.data, row[0].s.size));
    return BD_OK;
}

static int has_parent_row(void *ctx, const struct dependency *d, bool in_wisp_table) {
    bool *has = ctx;
    (void)in_wisp_table;
    *has = *has || strcmp(d->type, "parent-child") == 0;
    return BD_OK;
}

/* Children: rows that say so, and dotted ids below the parent that have no parent row at all. */
static int find_children(struct work *w, struct tables_txn *x, const char *parent,
                         struct issue_list *out, struct err *err) {
    static const char *const columns[] = {"id"};
    struct arena *a = &w->bd->arena;
    struct children rows = {.a = a}, dotted = {.a = a};
    int rc =
        dependency_scan(x, DEPENDENCY_BY_TARGET, &parent, 1, DEPENDENCY_BOTH, a, add_child, &rows, err);
    for (int wisp = 0; rc == BD_OK && wisp < 2; wisp++) {
        struct tables_query q = {
            .table = issue_families[wisp].issues,
            .columns = columns,
            .column_count = 1,
            .where = pred_cmp(a, PRED_PREFIX, "id", cell_text(arena_printf(a, "%s.", parent)))};
        if (tables_has_table(x, q.table))
            rc = tables_scan(x, &q, NULL, add_dotted, &dotted, err);
    }
    for (size_t i = 0; rc == BD_OK && i < dotted.count; i++) {
        bool has = false;
        rc = dependency_scan(x, DEPENDENCY_BY_SOURCE, &dotted.ids[i], 1, DEPENDENCY_BOTH, a,
                             has_parent_row, &has, err);
        if (!has)
            add_id(&rows, dotted.ids[i]);
    }
    if (rc == BD_OK)
        rc = issue_load_many(x, rows.ids, rows.count, a, out, err);
    if (rc == BD_OK && out->count)
        qsort(out->items, out->count, sizeof *out->items, by_priority);
    free(rows.ids);
    free(dotted.ids);
    return rc;
}

static int propagate_in(struct tables_txn *x, void *ctx, struct err *err) {
    struct work *w = ctx;
    struct issue_list children = {NULL, 0, 0};
    const char *parent;
    w->count = 0;
    int rc = issue_resolve(x, w->typed[0], &w->bd->arena, &parent, err);
    if (rc != BD_OK)
        return err_prefix(err, "resolving parent %s", w->typed[0]);
    w->ids = arena_dup(&w->bd->arena, &parent, sizeof parent);
    rc = find_children(w, x, parent, &children, err);
    if (rc == BD_OK && children.count == 0)
        return err_set(err, BD_CANCELLED, "No children found for %s", parent);
    const char **ids = arena_alloc(&w->bd->arena, (children.count + 1) * sizeof *ids);
    for (size_t i = 0; i < children.count; i++)
        ids[i] = children.items[i].id;
    w->ids = ids;
    w->count = children.count;
    tables_set_message(x,
                       arena_printf(&w->bd->arena, "bd: propagate label '%s' from %s to %zu children",
                                    w->label, parent, w->count));
    return rc == BD_OK ? change_all(w, x, err) : rc;
}

static int run_propagate(struct bd *bd, const struct cmd_call *c) {
    struct work w = {.bd = bd,
                     .action = PROPAGATE,
                     .typed = cmd_args(c),
                     .label = text_trim(&bd->arena, cmd_arg(c, 1))};
    struct err err = ERR_INIT;
    int rc = check_label(bd, w.label);
    if (rc)
        return rc;
    int code = write_run(bd, NULL, "bd: propagate label", OPS_TRANSACTION, propagate_in, &w, &err);
    if (code == BD_CANCELLED && !bd->json) {
        fprintf(bd->out, "%s\n", err.msg);
        return 0;
    }
    if (code != BD_OK && code != BD_CANCELLED)
        return cmd_fail_json_stdout(bd, "%s", err.msg);
    answer(&w);
    return 0;
}

/* ---- list, list-all ---- */

static int load_labels(struct bd *bd, const char *typed, const char **id, const char ***labels,
                       size_t *count, struct err *err) {
    struct tables_txn *x;
    bool is_wisp;
    int rc = write_read_begin(bd, &x, err);
    if (rc != BD_OK)
        return rc;
    rc = issue_resolve(x, typed, &bd->arena, id, err);
    if (rc != BD_OK)
        err_prefix(err, "resolving %s", typed);
    if (rc == BD_OK)
        rc = issue_locate(x, *id, &is_wisp, err);
    if (rc == BD_OK)
        rc = label_list(x, *id, is_wisp, &bd->arena, labels, count, err);
    tables_read_end(x);
    return rc;
}

static int run_list(struct bd *bd, const struct cmd_call *c) {
    struct err err = ERR_INIT;
    const char *id, **labels;
    size_t n;
    if (load_labels(bd, cmd_arg(c, 0), &id, &labels, &n, &err) != BD_OK)
        return cmd_fail_json_stdout(bd, "%s", err.msg);
    if (bd->json) {
        struct json_writer j;
        struct buf out = BUF_INIT;
        bd_json_begin(bd, &j, &out, false);
        json_array(&j);
        for (size_t i = 0; i < n; i++)
            json_str(&j, labels[i]);
        json_array_end(&j);
        bd_json_end(bd, &j, &out);
        return 0;
    }
    if (n == 0) {
        fprintf(bd->out, "\n%s has no labels\n", id);
        return 0;
    }
    fprintf(bd->out, "\n%s Labels for %s:\n", ink_text(&bd->arena, bd->color, INK_ACCENT, "🏷"), id);
    for (size_t i = 0; i < n; i++)
        fprintf(bd->out, "  - %s\n", labels[i]);
    fputc('\n', bd->out);
    return 0;
}

static int run_list_all(struct bd *bd, const struct cmd_call *c) {
    struct err err = ERR_INIT;
    struct tables_txn *x;
    struct label_count *counts = NULL;
    size_t n = 0, width = 0;
    (void)c;
    int rc = write_read_begin(bd, &x, &err);
    if (rc == BD_OK) {
        rc = label_counts(x, &bd->arena, &counts, &n, &err);
        tables_read_end(x);
    }
    if (rc != BD_OK)
        return cmd_fail_json_stdout(bd, "%s", err.msg);
    if (bd->json) {
        struct json_writer j;
        struct buf out = BUF_INIT;
        bd_json_begin(bd, &j, &out, false);
        json_array(&j);
        for (size_t i = 0; i < n; i++) {
            json_object(&j);
            json_member_str(&j, "label", counts[i].label);
            json_member_int(&j, "count", (int64_t)counts[i].count);
            json_object_end(&j);
        }
        json_array_end(&j);
        bd_json_end(bd, &j, &out);
        return 0;
    }
    if (n == 0) {
        fprintf(bd->out, "\nNo labels found in database\n");
        return 0;
    }
    fprintf(bd->out, "\n%s All labels (%zu unique):\n",
            ink_text(&bd->arena, bd->color, INK_ACCENT, "🏷"), n);
    for (size_t i = 0; i < n; i++)
        width = strlen(counts[i].label) > width ? strlen(counts[i].label) : width;
    for (size_t i = 0; i < n; i++)
        fprintf(bd->out, "  %s%*s  (%llu issues)\n", counts[i].label,
                (int)(width - strlen(counts[i].label)), "", (unsigned long long)counts[i].count);
    fputc('\n', bd->out);
    return 0;
}

static const struct cmd cmd_label_add = {
    .name = "add",
    .use = "add [issue-id...] [label]",
    .summary = "Add a label to one or more issues",
    .args_min = 2,
    .args_max = -1,
    .cls = CMD_WRITES | CMD_BRIEF,
    .readonly_label = "label add",
    .run = run_add,
};
static const struct cmd cmd_label_remove = {
    .name = "remove",
    .use = "remove [issue-id...] [label]",
    .summary = "Remove a label from one or more issues",
    .args_min = 2,
    .args_max = -1,
    .cls = CMD_WRITES | CMD_BRIEF,
    .readonly_label = "label remove",
    .run = run_remove,
};
static const struct cmd cmd_label_list = {
    .name = "list",
    .use = "list [issue-id]",
    .summary = "List the labels of an issue",
    .args_min = 1,
    .args_max = 1,
    .run = run_list,
};
static const struct cmd cmd_label_list_all = {
    .name = "list-all",
    .use = "list-all",
    .summary = "List all labels in use",
    .args_max = -1,
    .run = run_list_all,
};
static const struct cmd cmd_label_propagate = {
    .name = "propagate",
    .use = "propagate [parent-id] [label]",
    .summary = "Add a label to all children of an issue",
    .args_min = 2,
    .args_max = 2,
    .cls = CMD_WRITES | CMD_BRIEF,
    .readonly_label = "label propagate",
    .run = run_propagate,
};
static const struct cmd *const children[] = {&cmd_label_add,      &cmd_label_remove,    &cmd_label_list,
                                             &cmd_label_list_all, &cmd_label_propagate, NULL};

const struct cmd cmd_label = {
    .name = "label",
    .use = "label",
    .summary = "Manage labels",
    .group = "Working With Issues",
    .args_max = -1,
    .children = children,
};
