/*
 * bd history: the versions of one issue; bd diff: issues that differ between two states.
 */
#include "bd/cmd/commands.h"
#include "bd/cmd/view.h"

#include "base/datetime.h"
#include "bd/ops/history.h"
#include "bd/ui/issue_json.h"
#include "bd/ui/issue_text.h"

#include <string.h>

static void history_json(struct bd *bd, const struct history_entry *entries, size_t count) {
    struct buf out = BUF_INIT;
    struct json_writer w;
    bd_json_begin(bd, &w, &out, false);
    if (!count)
        json_null(&w);
    else
        json_array(&w);
    for (size_t i = 0; i < count; i++) {
        json_object(&w);
        json_member_str(&w, "CommitHash", history_hash(&entries[i].commit.hash, &bd->arena));
        json_member_str(&w, "Committer", entries[i].commit.author);
        json_member_time(&w, "CommitDate", entries[i].commit.time_micros);
        json_key(&w, "Issue");
        issue_json(&w, &entries[i].issue);
        json_object_end(&w);
    }
    if (count)
        json_array_end(&w);
    bd_json_end(bd, &w, &out);
}

static void history_text(struct bd *bd, const char *id, const struct history_entry *entries,
                         size_t count) {
    struct buf out = BUF_INIT;
    if (!count) {
        fprintf(bd->out, "No history found for issue %s\n", id);
        return;
    }
    buf_add_char(&out, '\n');
    ink_add(&out, bd->color, INK_ACCENT, "📜");
    buf_addf(&out, " History for %s (%zu entries)\n\n", id, count);
    for (size_t i = 0; i < count; i++) {
        const struct issue *n = &entries[i].issue;
        char time[40];
        datetime_format_sql(entries[i].commit.time_micros, 0, time, sizeof time);
        ink_add(&out, bd->color, INK_MUTED,
                arena_strndup(&bd->arena, history_hash(&entries[i].commit.hash, &bd->arena), 8));
        buf_add_char(&out, ' ');
        ink_add(&out, bd->color, INK_MUTED, time);
        buf_addf(&out, "\n  Author: %s\n  %s %s: %s [P%lld - %s]\n", entries[i].commit.author,
                 issue_status_icon(n->status), n->id, n->title, (long long)n->priority, n->status);
        buf_add_char(&out, '\n');
    }
    view_print(bd, &out);
}

static int run_history(struct bd *bd, const struct cmd_call *c) {
    struct history_entry *entries = NULL;
    struct err err = ERR_INIT;
    size_t count = 0;
    int64_t limit = cmd_int(c, "limit");
    int status = bd_open_store(bd);
    if (status)
        return status;
    if (history_of_issue(bd->ops.tables, cmd_arg(c, 0), &bd->arena, &entries, &count, &err) != BD_OK)
        return cmd_fail_json_stdout(bd, "failed to get history: %s", err.msg);
    if (limit > 0 && count > (size_t)limit)
        count = (size_t)limit;
    if (bd->json)
        history_json(bd, entries, count);
    else
        history_text(bd, cmd_arg(c, 0), entries, count);
    return 0;
}

static const struct cmd_flag history_flags[] = {
    {.name = "limit", .kind = FLAG_INT, .help = "Show at most this many entries, 0 = all"},
    {0},
};

const struct cmd cmd_history = {
    .name = "history",
    .use = "history <id>",
    .summary = "Show the versions of an issue",
    .details = "Show one entry for every commit that contains the issue, newest first.",
    .examples = "  bd history bd-a1\n  bd history bd-a1 --limit 5",
    .group = "Views & Reports",
    .args_min = 1,
    .args_max = 1,
    .flags = history_flags,
    .run = run_history,
};

/* ---- bd diff ---- */

static void diff_value(struct json_writer *w, const char *key, const struct issue *i, bool present) {
    json_key(w, key);
    if (present)
        issue_json(w, i);
    else
        json_null(w);
}

static void diff_json(struct bd *bd, const struct history_diff *list, size_t count) {
    static const char *const names[] = {"added", "modified", "removed"};
    struct buf out = BUF_INIT;
    struct json_writer w;
    bd_json_begin(bd, &w, &out, false);
    json_array(&w);
    for (size_t i = 0; i < count; i++) {
        json_object(&w);
        json_member_str(&w, "IssueID", list[i].id);
        json_member_str(&w, "DiffType", names[list[i].change]);
        diff_value(&w, "OldValue", &list[i].old_value, list[i].change != HISTORY_ADDED);
        diff_value(&w, "NewValue", &list[i].new_value, list[i].change != HISTORY_REMOVED);
        json_object_end(&w);
    }
    json_array_end(&w);
    bd_json_end(bd, &w, &out);
}

static void add_changes(struct bd *bd, struct buf *out, const struct history_diff *d) {
    const struct issue *o = &d->old_value, *n = &d->new_value;
    struct buf b = BUF_INIT;
    if (strcmp(o->title, n->title) != 0)
        buf_add_str(&b, ", title");
    if (strcmp(o->status, n->status) != 0)
        buf_addf(&b, ", status: %s -> %s", o->status, n->status);
    if (o->priority != n->priority)
        buf_addf(&b, ", priority: P%lld -> P%lld", (long long)o->priority, (long long)n->priority);
    if (strcmp(o->description ? o->description : "", n->description ? n->description : "") != 0)
        buf_add_str(&b, ", description");
    if (b.size) {
        buf_add_str(out, " (");
        ink_add(out, bd->color, INK_MUTED, buf_str(&b) + 2);
        buf_add_char(out, ')');
    }
    buf_release(&b);
}

static void diff_section(struct bd *bd, struct buf *out, const struct history_diff *list, size_t count,
                         enum history_change change) {
    static const char *const signs[] = {"+", "~", "-"}, *const names[] = {"Added", "Modified",
                                                                          "Removed"};
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        n += list[i].change == change;
    if (!n)
        return;
    ink_add(out, bd->color, INK_ACCENT, signs[change]);
    buf_addf(out, " %s (%zu):\n", names[change], n);
    for (size_t i = 0; i < count; i++) {
        if (list[i].change != change)
            continue;
        buf_addf(out, "  %s ", signs[change]);
        ink_add(out, bd->color,
                change == HISTORY_ADDED      ? INK_PLAIN
                : change == HISTORY_MODIFIED ? INK_IN_PROGRESS
                                             : INK_MUTED,
                list[i].id);
        if (change == HISTORY_MODIFIED) {
            add_changes(bd, out, &list[i]);
        } else {
            buf_add_str(out, ": ");
            ink_add(out, bd->color, change == HISTORY_ADDED ? INK_PLAIN : INK_MUTED,
                    change == HISTORY_ADDED ? list[i].new_value.title : list[i].old_value.title);
        }
        buf_add_char(out, '\n');
    }
    buf_add_char(out, '\n');
}

static int check_refs(const char *from, const char *to, struct err *err) {
    if (history_check_ref(from, err) != BD_OK)
        return err_prefix(err, "invalid fromRef");
    if (history_check_ref(to, err) != BD_OK)
        return err_prefix(err, "invalid toRef");
    return BD_OK;
}

/* A ref that does not exist is told in the words of the reference engine. */
static int load_diff(struct bd *bd, const char *from, const char *to, struct history_diff **list,
                     size_t *count, struct err *err) {
    const char *refs[] = {from, to};
    struct hash commit;
    int rc = check_refs(from, to, err);
    for (int i = 0; i < 2 && rc == BD_OK; i++) {
        bool state = strcmp(refs[i], "WORKING") == 0 || strcmp(refs[i], "STAGED") == 0;
        if (!state && tables_resolve(bd->ops.tables, refs[i], &commit, err) == BD_NOT_FOUND)
            rc = err_set(err, BD_NOT_FOUND, "failed to get diff: Error 1105: branch not found: %s",
                         refs[i]);
    }
    return rc == BD_OK ? history_diff(bd->ops.tables, from, to, &bd->arena, list, count, err) : rc;
}

static int run_diff(struct bd *bd, const struct cmd_call *c) {
    const char *from = cmd_arg(c, 0), *to = cmd_arg(c, 1);
    struct history_diff *list = NULL;
    struct err err = ERR_INIT;
    struct buf out = BUF_INIT;
    size_t count = 0;
    int status = bd_open_store(bd);
    if (status)
        return status;
    if (load_diff(bd, from, to, &list, &count, &err) != BD_OK)
        return cmd_fail_json_stdout(bd, "failed to get diff: %s", err.msg);
    if (!count) {
        fprintf(bd->out, "No changes between %s and %s\n", from, to);
        return 0;
    }
    if (bd->json) {
        diff_json(bd, list, count);
        return 0;
    }
    buf_add_char(&out, '\n');
    ink_add(&out, bd->color, INK_ACCENT, "📊");
    buf_add_str(&out, " Changes from ");
    ink_add(&out, bd->color, INK_MUTED, from);
    buf_add_str(&out, " to ");
    ink_add(&out, bd->color, INK_MUTED, to);
    buf_addf(&out, " (%zu issues affected)\n\n", count);
    diff_section(bd, &out, list, count, HISTORY_ADDED);
    diff_section(bd, &out, list, count, HISTORY_MODIFIED);
    diff_section(bd, &out, list, count, HISTORY_REMOVED);
    view_print(bd, &out);
    return 0;
}

const struct cmd cmd_diff = {
    .name = "diff",
    .use = "diff <from-ref> <to-ref>",
    .summary = "Show issues that differ between two commits or branches",
    .details = "Show which issues were added, modified or removed between two commits or branches. For "
               "every cell of "
               "every table, and for refs such as HEAD~1, see bd vc diff.",
    .examples = "  bd diff main feature\n  bd diff 0123456789abcdef0123456789abcdef HEAD",
    .group = "Views & Reports",
    .args_min = 2,
    .args_max = 2,
    .run = run_diff,
};
