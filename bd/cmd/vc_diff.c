/*
 * bd vc diff: what changed, cell by cell.
 */
#include "bd/cmd/vc.h"

#include "bd/ops/resolve.h"
#include "bd/ui/issue_text.h"
#include "bd/ui/line_diff.h"
#include "bd/ui/pager.h"

#include <string.h>

/* ---- JSON ---- */

static void side(struct json_writer *w, const struct vc_row *r, const char *key, bool after,
                 bool present) {
    json_key(w, key);
    if (!present) {
        json_null(w);
        return;
    }
    json_object(w);
    for (size_t i = 0; i < r->cell_count; i++) {
        const struct vc_cell *c = &r->cells[i];
        const char *text = after ? c->to : c->from;
        if (c->is_key)
            continue;
        json_key(w, c->column);
        if (text && c->is_json)
            json_raw(w, text, strlen(text));
        else
            json_str(w, text);
    }
    json_object_end(w);
}

void vc_diff_json(struct json_writer *w, const struct vc_diff *d) {
    static const char *const names[] = {"added", "removed", "modified"};
    json_array(w);
    for (size_t i = 0; i < d->count; i++) {
        const struct vc_row *r = &d->rows[i];
        json_object(w);
        json_member_str(w, "table", r->table);
        json_member_str(w, "change", names[r->change]);
        json_key(w, "key");
        json_object(w);
        for (size_t k = 0; k < r->cell_count; k++)
            if (r->cells[k].is_key)
                json_member_str(w, r->cells[k].column,
                                r->cells[k].to ? r->cells[k].to : r->cells[k].from);
        json_object_end(w);
        side(w, r, "from", false, r->change != VC_ADDED);
        side(w, r, "to", true, r->change != VC_REMOVED);
        json_object_end(w);
    }
    json_array_end(w);
}

/* ---- numbers ---- */

void vc_diff_stat(struct bd *bd, struct buf *out, const struct vc_diff *d, const char *indent) {
    for (size_t i = 0; i < d->count; i++) {
        size_t counts[3] = {0, 0, 0};
        bool first = true;
        for (size_t k = 0; k < d->count; k++) {
            if (strcmp(d->rows[k].table, d->rows[i].table) != 0)
                continue;
            first = first && k >= i;
            counts[d->rows[k].change]++;
        }
        if (!first)
            continue;
        buf_addf(out, "%s%-20s ", indent, d->rows[i].table);
        ink_add(out, bd->color, INK_PASS, arena_printf(&bd->arena, "+%zu", counts[VC_ADDED]));
        buf_add_char(out, ' ');
        ink_add(out, bd->color, INK_WARN, arena_printf(&bd->arena, "~%zu", counts[VC_MODIFIED]));
        buf_add_char(out, ' ');
        ink_add(out, bd->color, INK_FAIL, arena_printf(&bd->arena, "-%zu", counts[VC_REMOVED]));
        buf_add_char(out, '\n');
    }
}

/* ---- text ---- */

static const char *const signs[] = {"+", "-", "~"};
static enum ink ink_of(const struct vc_row *r) {
    return r->change == VC_ADDED ? INK_PASS : r->change == VC_REMOVED ? INK_FAIL : INK_WARN;
}

static bool is_long(const char *text) { return text && (strchr(text, '\n') || strlen(text) > 60); }

/* In a whole row, what every row says anyway. */
static bool is_noise(const struct vc_row *r, const struct vc_cell *c) {
    const char *text = c->to ? c->to : c->from;
    if (strcmp(c->column, "content_hash") == 0)
        return true;
    return r->change != VC_MODIFIED && (strcmp(text, "0") == 0 || strcmp(text, "{}") == 0) &&
           strcmp(c->column, "priority") != 0;
}

static void add_cell(struct bd *bd, struct buf *out, const struct vc_row *r, const struct vc_cell *c) {
    const char *from = c->from ? c->from : "", *to = c->to ? c->to : "";
    buf_addf(out, "    %s:", c->column);
    if (r->change == VC_MODIFIED && (is_long(from) || is_long(to))) {
        buf_add_char(out, '\n');
        line_diff_add(out, "      ", bd->color, from, to, 2);
        return;
    }
    if (r->change == VC_MODIFIED) {
        buf_add_char(out, ' ');
        ink_add(out, bd->color, INK_FAIL, *from ? from : "(none)");
        buf_add_str(out, " → ");
        ink_add(out, bd->color, INK_PASS, *to ? to : "(none)");
        buf_add_char(out, '\n');
        return;
    }
    const char *text = r->change == VC_ADDED ? to : from;
    if (strchr(text, '\n')) {
        buf_add_char(out, '\n');
        text_add_indented(out, "      ", text);
    } else {
        buf_addf(out, " %s\n", text);
    }
}

/* Rows of side tables in one line where there is a short way to say them. */
static const char *short_form(struct bd *bd, const struct vc_row *r) {
    bool after = r->change != VC_REMOVED;
    if (r->change == VC_MODIFIED)
        return NULL;
    if (strstr(r->table, "labels"))
        return arena_printf(&bd->arena, "label %s", vc_row_text(r, "label", after));
    if (strstr(r->table, "dependencies")) {
        static const char *const targets[] = {"depends_on_issue_id", "depends_on_wisp_id",
                                              "depends_on_external", "depends_on_id"};
        const char *target = "";
        for (size_t i = 0; i < 4 && !*target; i++)
            target = vc_row_text(r, targets[i], after);
        return arena_printf(&bd->arena, "depends on %s (%s)", target, vc_row_text(r, "type", after));
    }
    if (strstr(r->table, "comments"))
        return arena_printf(&bd->arena, "comment by %s: %s", vc_row_text(r, "author", after),
                            vc_row_text(r, "text", after));
    if (strcmp(r->table, "events") == 0 || strcmp(r->table, "wisp_events") == 0)
        return arena_printf(&bd->arena, "event %s by %s", vc_row_text(r, "event_type", after),
                            vc_row_text(r, "actor", after));
    return NULL;
}

static void add_row(struct bd *bd, struct buf *out, const struct vc_row *r) {
    bool own = strcmp(r->table, "issues") == 0 || strcmp(r->table, "wisps") == 0;
    const char *text = short_form(bd, r);
    if (text) {
        buf_add_str(out, "    ");
        ink_add(out, bd->color, ink_of(r), arena_printf(&bd->arena, "%s %s", signs[r->change], text));
        buf_add_char(out, '\n');
        return;
    }
    if (!own) {
        struct buf name = BUF_INIT;
        buf_addf(&name, "%s %s", signs[r->change], r->table);
        for (size_t i = 0; i < r->cell_count; i++)
            if (r->cells[i].is_key)
                buf_addf(&name, " %s", r->cells[i].to ? r->cells[i].to : r->cells[i].from);
        buf_add_str(out, r->issue_id ? "    " : "  ");
        ink_add(out, bd->color, ink_of(r), buf_str(&name));
        buf_add_char(out, '\n');
        buf_release(&name);
    }
    for (size_t i = 0; i < r->cell_count; i++)
        if (!r->cells[i].is_key && !is_noise(r, &r->cells[i]))
            add_cell(bd, out, r, &r->cells[i]);
}

static void add_heading(struct bd *bd, struct buf *out, const struct vc_row *r) {
    bool own = strcmp(r->table, "issues") == 0 || strcmp(r->table, "wisps") == 0;
    const char *sign = own ? signs[r->change] : "~";
    ink_add(out, bd->color, own ? ink_of(r) : INK_WARN, sign);
    buf_add_char(out, ' ');
    ink_add(out, bd->color, INK_ACCENT, r->issue_id);
    if (own && r->change != VC_MODIFIED)
        buf_addf(out, " %s", vc_row_text(r, "title", r->change == VC_ADDED));
    buf_add_char(out, '\n');
}

void vc_diff_text(struct bd *bd, struct buf *out, const struct vc_diff *d) {
    const char *last = NULL;
    bool other = false;
    for (size_t i = 0; i < d->count; i++) {
        const struct vc_row *r = &d->rows[i];
        if (r->issue_id && (!last || strcmp(last, r->issue_id) != 0)) {
            if (last)
                buf_add_char(out, '\n');
            add_heading(bd, out, r);
            last = r->issue_id;
        }
        if (!r->issue_id && !other) {
            if (last)
                buf_add_char(out, '\n');
            buf_add_str(out, "Other tables:\n");
            other = true;
        }
        add_row(bd, out, r);
    }
}

static int run(struct bd *bd, const struct cmd_call *c) {
    const char *from = cmd_arg_count(c) > 0 ? cmd_arg(c, 0) : NULL,
               *to = cmd_arg_count(c) > 1 ? cmd_arg(c, 1) : NULL;
    const char *issue = view_text(c, "issue");
    struct vc_diff d;
    struct err err = ERR_INIT;
    struct buf out = BUF_INIT;
    int status = bd_open_store(bd);
    if (status)
        return status;
    if (vc_diff_load(bd->ops.tables, from, to, view_text(c, "table"), issue, &bd->arena, &d, &err) !=
        BD_OK)
        return cmd_fail_json_stdout(bd, "%s", err.msg);
    if (bd->json) {
        struct json_writer w;
        bd_json_begin(bd, &w, &out, false);
        vc_diff_json(&w, &d);
        bd_json_end(bd, &w, &out);
        return 0;
    }
    if (!d.count)
        buf_addf(&out, "No changes between %s and %s\n", from ? from : "HEAD", to ? to : "WORKING");
    else if (cmd_bool(c, "stat"))
        vc_diff_stat(bd, &out, &d, "");
    else
        vc_diff_text(bd, &out, &d);
    pager_print(bd->out, buf_str(&out), out.size, cmd_bool(c, "no-pager"));
    buf_release(&out);
    return 0;
}

static const struct cmd_flag flags[] = {
    {.name = "table", .kind = FLAG_STRING, .help = "Only this table"},
    {.name = "issue",
     .kind = FLAG_STRING,
     .help = "Only this issue with its labels, dependencies and comments"},
    {.name = "stat",
     .kind = FLAG_BOOL,
     .help = "Only how many rows were added, changed and removed per table"},
    {.name = "no-pager", .kind = FLAG_BOOL, .help = "Never use a pager"},
    {0},
};

const struct cmd cmd_vc_diff = {
    .name = "diff",
    .use = "diff [from-ref [to-ref]]",
    .summary = "Show what changed, cell by cell",
    .details = "Show the differences between two states: HEAD and what is not committed yet (no ref), "
               "a ref and what is "
               "not committed yet (one ref), or two refs. A ref is a branch, a tag, a commit hash, "
               "HEAD~2, HEAD^ or "
               "WORKING.",
    .examples = "  bd vc diff\n  bd vc diff HEAD~3 HEAD\n  bd vc diff main feature --issue bd-a1\n  bd "
                "vc diff HEAD~1 --stat",
    .args_max = 2,
    .flags = flags,
    .run = run,
};
