/*
 * bd update: flags to a set of changes, applied to every issue named in one transaction. An issue that
 * cannot be changed is told and passed over; when none could be changed the transaction is dropped.
 */
#include "bd/cmd/commands.h"
#include "bd/cmd/issue_flags.h"
#include "bd/cmd/route.h"
#include "bd/cmd/write.h"
#include "bd/ops/dependencies.h"
#include "bd/ops/hydrate.h"
#include "bd/ops/labels.h"
#include "bd/ops/resolve.h"
#include "bd/ops/update.h"
#include "bd/ops/validate.h"
#include "bd/ui/text.h"

#include <stdlib.h>
#include <string.h>

struct text_flag {
    const char *const *items;
    size_t count;
};

struct target { /* one issue on the command line, and what became of it */
    const char *typed;
    const char *complaint; /* NULL: updated */
    struct issue before, after;
    struct issue_changes applied;
};

struct work {
    struct bd *bd;
    struct issue_changes changes;
    bool claim, reopen_deferred;
    const char *metadata, *append_notes, *parent; /* NULL: not given */
    struct text_flag set_metadata, unset_metadata, set_labels, add_labels, remove_labels;
    struct target *targets;
    size_t count, updated;
    bool fatal; /* the message of the transaction ends the command */
};

/* ---- flags ---- */

static int take_status(struct bd *bd, const struct cmd_call *c, struct work *w) {
    const char *status = cmd_str(c, "status");
    struct custom_statuses custom = {NULL, 0};
    struct tables_txn *x;
    if (!cmd_given(c, "status"))
        return 0;
    if (!status_is_builtin(status)) {
        if (write_read_begin(bd, &x, NULL) == BD_OK) {
            db_config_statuses(&bd->ops, x, &bd->arena, &custom, NULL);
            tables_read_end(x);
        }
        if (!status_is_valid(status, &custom))
            return cmd_fail_json_stdout(bd,
                                        "invalid status %s (built-in: open, in_progress, blocked, "
                                        "deferred, closed, pinned, hooked; or "
                                        "configure custom statuses via 'bd config set status.custom')",
                                        cmd_quote(&bd->arena, status));
    }
    issue_change_text(&w->changes, "status", status);
    if (strcmp(status, "closed") == 0) {
        const char *session = cmd_str(c, "session");
        if (!*session)
            session = getenv("CLAUDE_SESSION_ID");
        if (session && *session)
            issue_change_text(&w->changes, "closed_by_session", session);
    }
    return 0;
}

static int take_title(struct bd *bd, const struct cmd_call *c, struct work *w) {
    if (!cmd_given(c, "title"))
        return 0;
    const char *title = text_trim(&bd->arena, cmd_str(c, "title"));
    if (!*title)
        return cmd_fail_json_stdout(bd, "title cannot be empty");
    issue_change_text(&w->changes, "title", title);
    return 0;
}

static int take_texts(struct bd *bd, const struct cmd_call *c, struct work *w) {
    const char *text;
    bool given;
    int rc = flag_description(bd, c, &text, &given);
    if (rc)
        return rc;
    if (given) {
        bool from_file = cmd_given(c, "body-file") || cmd_given(c, "description-file") ||
                         cmd_bool(c, "stdin") || strcmp(cmd_str(c, "description"), "-") == 0 ||
                         strcmp(cmd_str(c, "body"), "-") == 0 ||
                         strcmp(cmd_str(c, "message"), "-") == 0;
        if (!*text && from_file && !cmd_bool(c, "allow-empty-description"))
            return cmd_fail_json_stdout(
                bd, "empty description from stdin/file requires --allow-empty-description "
                    "(or use an explicit inline empty value like --description \"\")");
        issue_change_text(&w->changes, "description", text);
    }
    if ((rc = flag_design(bd, c, &text, &given)))
        return rc;
    if (given)
        issue_change_text(&w->changes, "design", text);
    if (cmd_given(c, "notes") && cmd_given(c, "append-notes"))
        return cmd_fail_json_stdout(bd, "cannot specify both --notes and --append-notes");
    if (cmd_given(c, "notes"))
        issue_change_text(&w->changes, "notes", cmd_str(c, "notes"));
    if (cmd_given(c, "append-notes"))
        w->append_notes = cmd_str(c, "append-notes");
    if (cmd_given(c, "acceptance"))
        issue_change_text(&w->changes, "acceptance_criteria", cmd_str(c, "acceptance"));
    else if (cmd_given(c, "acceptance-criteria"))
        issue_change_text(&w->changes, "acceptance_criteria", cmd_str(c, "acceptance-criteria"));
    return 0;
}

static int take_values(struct bd *bd, const struct cmd_call *c, struct work *w) {
    struct err err = ERR_INIT;
    int64_t priority;
    if (cmd_given(c, "priority")) {
        if (priority_check(cmd_str(c, "priority"), &priority, &err) != BD_OK)
            return cmd_fail_json_stdout(bd, "%s", err.msg);
        issue_change(&w->changes, "priority", cell_int(priority));
    }
    if (cmd_given(c, "assignee"))
        issue_change_text(&w->changes, "assignee", cmd_str(c, "assignee"));
    if (cmd_given(c, "external-ref"))
        issue_change_text(&w->changes, "external_ref",
                          *cmd_str(c, "external-ref") ? cmd_str(c, "external-ref") : NULL);
    if (cmd_given(c, "spec-id"))
        issue_change_text(&w->changes, "spec_id", cmd_str(c, "spec-id"));
    if (cmd_given(c, "estimate")) {
        if (cmd_int(c, "estimate") < 0)
            return cmd_fail_json_stdout(bd, "estimate must be a non-negative number of minutes");
        issue_change(&w->changes, "estimated_minutes", cell_int(cmd_int(c, "estimate")));
    }
    if (cmd_given(c, "type"))
        issue_change_text(&w->changes, "issue_type", type_normalize(cmd_str(c, "type")));
    if (cmd_given(c, "await-id"))
        issue_change_text(&w->changes, "await_id", cmd_str(c, "await-id"));
    return 0;
}

static int take_times(struct bd *bd, const struct cmd_call *c, struct work *w) {
    int64_t t;
    int rc;
    bool has_status = issue_change_of(&w->changes, "status") != NULL;
    if (cmd_given(c, "due")) {
        if ((rc = flag_time(bd, c, "due", true, &t)))
            return rc;
        issue_change_time(&w->changes, "due_at", t);
    }
    if (!cmd_given(c, "defer"))
        return 0;
    if ((rc = flag_time(bd, c, "defer", true, &t)))
        return rc;
    issue_change_time(&w->changes, "defer_until", t);
    if (t == ISSUE_NO_TIME) {
        w->reopen_deferred = !has_status;
    } else if (t < datetime_now()) {
        if (!bd->json)
            warn_past_defer(bd, "defer", t);
    } else if (!has_status) {
        issue_change_text(&w->changes, "status", "deferred");
    }
    return 0;
}

static int take_kinds(struct bd *bd, const struct cmd_call *c, struct work *w) {
    bool ephemeral = cmd_given(c, "ephemeral"), persistent = cmd_given(c, "persistent");
    bool no_history = cmd_given(c, "no-history"), history = cmd_given(c, "history");
    if (ephemeral && persistent)
        return cmd_fail_json_stdout(bd, "cannot specify both --ephemeral and --persistent flags");
    if (no_history && ephemeral)
        return cmd_fail_json_stdout(bd, "cannot specify both --no-history and --ephemeral flags");
    if (no_history && history)
        return cmd_fail_json_stdout(bd, "cannot specify both --no-history and --history flags");
    if (ephemeral || persistent)
        issue_change(&w->changes, "ephemeral", cell_bool(ephemeral));
    if (no_history || history)
        issue_change(&w->changes, "no_history", cell_bool(no_history));
    return 0;
}

static struct text_flag take_list(const struct cmd_call *c, const char *flag) {
    struct text_flag f;
    f.items = cmd_list(c, flag, &f.count);
    return f;
}

static int take_metadata(struct bd *bd, const struct cmd_call *c, struct work *w) {
    int rc = flag_metadata(bd, c, true, &w->metadata);
    w->set_metadata = take_list(c, "set-metadata");
    w->unset_metadata = take_list(c, "unset-metadata");
    if (!rc && w->metadata && (w->set_metadata.count || w->unset_metadata.count))
        return cmd_fail_json_stdout(
            bd, "cannot combine --metadata with --set-metadata or --unset-metadata");
    return rc;
}

static int take_flags(struct bd *bd, const struct cmd_call *c, struct work *w) {
    int rc;
    if ((rc = take_status(bd, c, w)) || (rc = take_values(bd, c, w)) || (rc = take_title(bd, c, w)) ||
        (rc = take_texts(bd, c, w)) || (rc = take_times(bd, c, w)) || (rc = take_kinds(bd, c, w)) ||
        (rc = take_metadata(bd, c, w)))
        return rc;
    w->set_labels = take_list(c, "set-labels");
    w->add_labels = take_list(c, "add-label");
    w->remove_labels = take_list(c, "remove-label");
    w->parent = cmd_given(c, "parent") ? cmd_str(c, "parent") : NULL;
    w->claim = cmd_bool(c, "claim");
    return 0;
}

static bool has_work(const struct cmd_call *c, const struct work *w) {
    return w->changes.count || w->claim || w->reopen_deferred || w->metadata || w->append_notes ||
           w->parent || w->set_metadata.count || w->unset_metadata.count ||
           cmd_given(c, "set-labels") || cmd_given(c, "add-label") || cmd_given(c, "remove-label");
}

/* ---- the transaction ---- */

/* What ends the work on one issue but not the command. */
static bool is_soft(int rc) {
    return rc == BD_NOT_FOUND || rc == BD_INVALID || rc == BD_CONFLICT || rc == BD_CONSTRAINT;
}

static int fatal(struct work *w, int rc) {
    w->fatal = true;
    return rc;
}

static int own_changes(struct work *w, struct target *t, struct issue_changes *out, struct err *err) {
    struct arena *a = &w->bd->arena;
    const char *text;
    int rc = BD_OK;
    *out = w->changes;
    if (w->reopen_deferred && strcmp(t->before.status, "deferred") == 0)
        issue_change_text(out, "status", "open");
    if (w->metadata) {
        text = w->metadata;
        if (t->before.metadata &&
            (rc = metadata_merge(t->before.metadata, text, a, &text, err)) != BD_OK) {
            err_prefix(err, "metadata merge failed for %s", t->typed);
            return fatal(w, rc);
        }
        issue_change(out, "metadata", cell_json(text));
    }
    if (w->set_metadata.count || w->unset_metadata.count) {
        rc = metadata_edit(t->before.metadata, w->set_metadata.items, w->set_metadata.count,
                           w->unset_metadata.items, w->unset_metadata.count, a, &text, err);
        if (rc != BD_OK) {
            err_prefix(err, "metadata edit failed for %s", t->typed);
            return fatal(w, rc);
        }
        issue_change(out, "metadata", cell_json(text));
    }
    if (w->append_notes)
        issue_change_text(
            out, "notes",
            arena_printf(a, "%s%s%s", t->before.notes, *t->before.notes ? "\n" : "", w->append_notes));
    return BD_OK;
}

static int change_labels(struct work *w, struct tables_txn *x, const struct issue *i, struct err *err) {
    struct ops *o = &w->bd->ops;
    int rc = BD_OK;
    if (w->set_labels.count) {
        const char **labels;
        size_t count;
        rc = label_list(x, i->id, i->is_wisp, &w->bd->arena, &labels, &count, err);
        for (size_t k = 0; rc == BD_OK && k < count; k++)
            rc = label_remove_in(o, x, i->id, i->is_wisp, labels[k], err);
        for (size_t k = 0; rc == BD_OK && k < w->set_labels.count; k++)
            rc = label_add_in(o, x, i->id, i->is_wisp, w->set_labels.items[k], err);
    }
    for (size_t k = 0; rc == BD_OK && k < w->add_labels.count; k++)
        rc = label_add_in(o, x, i->id, i->is_wisp, w->add_labels.items[k], err);
    for (size_t k = 0; rc == BD_OK && k < w->remove_labels.count; k++)
        rc = label_remove_in(o, x, i->id, i->is_wisp, w->remove_labels.items[k], err);
    return rc;
}

/* A failing step leaves its message in *err and what it belongs to in *step ("resolving" …). */
static int update_one(struct work *w, struct tables_txn *x, struct target *t, const char **step,
                      struct err *err) {
    struct bd *bd = w->bd;
    const char *id;
    *step = "Error resolving %s";
    int rc = issue_resolve(x, t->typed, &bd->arena, &id, err);
    if (rc == BD_OK)
        rc = issue_load(x, id, &bd->arena, &t->before, err);
    if (rc != BD_OK)
        return rc;
    *step = NULL;
    const char *refusal = write_refusal(bd, &t->before);
    if (refusal)
        return err_set(err, BD_INVALID, "%s", refusal);
    if (w->parent && *w->parent) { /* before anything is written */
        *step = "Error getting parent";
        if ((rc = issue_locate(x, w->parent, NULL, err)) == BD_NOT_FOUND)
            err_set(err, rc, "parent issue %s not found", w->parent);
        if (rc != BD_OK)
            return rc;
    }
    *step = "Error claiming %s";
    if (w->claim && (rc = issue_claim_in(&bd->ops, x, id, &bd->arena, NULL, err)) != BD_OK)
        return rc;
    *step = "Error updating %s";
    if ((rc = own_changes(w, t, &t->applied, err)) != BD_OK)
        return rc;
    if (t->applied.count &&
        (rc = issue_update_in(&bd->ops, x, id, &t->applied, &bd->arena, NULL, err)) != BD_OK)
        return rc;
    *step = "Error updating labels for %s";
    if ((rc = change_labels(w, x, &t->before, err)) != BD_OK)
        return rc;
    *step = "Error adding parent dependency";
    if (w->parent && (rc = dependency_set_parent_in(&bd->ops, x, id, w->parent, err)) != BD_OK)
        return rc;
    rc = issue_load(x, id, &bd->arena, &t->after, err);
    return rc == BD_OK ? issues_hydrate(x, &t->after, 1, HYDRATE_LABELS, &bd->arena, err) : rc;
}

static int update_all(struct tables_txn *x, void *ctx, struct err *err) {
    struct work *w = ctx;
    w->updated = 0;
    w->fatal = false;
    for (size_t i = 0; i < w->count; i++) {
        struct target *t = &w->targets[i];
        const char *step;
        *t = (struct target){.typed = t->typed};
        int rc = update_one(w, x, t, &step, err);
        if (rc != BD_OK && (w->fatal || !is_soft(rc)))
            return rc;
        if (rc == BD_OK) {
            w->updated++;
            continue;
        }
        const char *what =
            step && strstr(step, "%s")
                ? arena_printf(&w->bd->arena, "%.*s %s: ", (int)strlen(step) - 3, step, t->typed)
            : step ? arena_printf(&w->bd->arena, "%s: ", step)
                   : "";
        if (step && strcmp(step, "Error getting parent") == 0)
            what = "Error: ";
        t->complaint = arena_printf(&w->bd->arena, "%s%s", what, err->msg);
        err_clear(err);
    }
    return w->updated ? BD_OK : err_set(err, BD_CANCELLED, "no issue was updated");
}

/* ---- after it ---- */

static void audit_change(struct bd *bd, const struct target *t, const char *column, const char *old) {
    const struct cell *c = issue_change_of(&t->applied, column);
    if (c)
        write_audit(bd, t->before.id, column, old, cell_is_null(c) ? "" : cell_format(c, &bd->arena),
                    NULL);
}

static void audit(struct bd *bd, const struct target *t) {
    audit_change(bd, t, "status", t->before.status);
    audit_change(bd, t, "assignee", t->before.assignee);
    audit_change(bd, t, "priority", arena_printf(&bd->arena, "%lld", (long long)t->before.priority));
}

static int report(struct bd *bd, const struct work *w) {
    struct issue_list done = {NULL, 0, 0};
    const char *first = NULL;
    for (size_t i = 0; i < w->count; i++) {
        const struct target *t = &w->targets[i];
        if (t->complaint) {
            write_complain(bd, "%s", t->complaint);
            continue;
        }
        if (w->updated == 0)
            continue; /* rolled back with the rest */
        first = first ? first : t->before.id;
        audit(bd, t);
        *issue_list_add(&done, &bd->arena) = t->after;
        write_success(bd, "Updated issue: %s", write_feedback(bd, t->after.id, t->after.title));
    }
    bd_touch(bd, first);
    if (bd->json && done.count)
        write_json_issues(bd, &done);
    return first ? 0 : 1;
}

static int run(struct bd *bd, const struct cmd_call *c) {
    struct work w = {.bd = bd};
    struct err err = ERR_INIT;
    const char *last = NULL;
    if (cmd_arg_count(c) == 0 && !(last = bd_last_touched(bd)))
        return cmd_fail_json_stdout(bd, "no issue ID provided and no last touched issue");
    int rc = take_flags(bd, c, &w);
    if (rc)
        return rc;
    if (!has_work(c, &w)) {
        fprintf(bd->out, "No updates specified\n");
        return 0;
    }
    w.count = last ? 1 : cmd_arg_count(c);
    w.targets = arena_zalloc(&bd->arena, w.count * sizeof *w.targets);
    for (size_t i = 0; i < w.count; i++)
        w.targets[i].typed = last ? last : cmd_arg(c, i);
    route_ids(bd, last ? &last : cmd_args(c), w.count);
    int code = write_run(bd, "update", NULL, 0, update_all, &w, &err);
    if (code != BD_OK && code != BD_CANCELLED)
        return cmd_fail_json_stdout(bd, "%s", err.msg);
    return report(bd, &w);
}

static const struct cmd_flag flags[] = {
    {.name = "status", .shorthand = 's', .kind = FLAG_STRING, .help = "New status"},
    {.name = "title", .kind = FLAG_STRING, .help = "New title"},
    {.name = "type", .shorthand = 't', .kind = FLAG_STRING, .help = "New type"},
    ISSUE_FLAGS(""),
    {.name = "allow-empty-description",
     .kind = FLAG_BOOL,
     .help = "Accept an empty description from a file"},
    {.name = "spec-id", .kind = FLAG_STRING, .help = "Specification document it belongs to"},
    {.name = "acceptance-criteria",
     .kind = FLAG_STRING,
     .help = "Same as --acceptance",
     .hidden = true},
    {.name = "estimate", .shorthand = 'e', .kind = FLAG_INT, .help = "Estimate in minutes"},
    {.name = "add-label", .kind = FLAG_STRINGS, .help = "Add labels"},
    {.name = "remove-label", .kind = FLAG_STRINGS, .help = "Remove labels"},
    {.name = "set-labels", .kind = FLAG_STRINGS, .help = "Replace all labels"},
    {.name = "parent", .kind = FLAG_STRING, .help = "New parent (full id), or \"\" for none"},
    {.name = "claim",
     .kind = FLAG_BOOL,
     .help = "Take it: assignee you, status in_progress, all or nothing"},
    {.name = "session", .kind = FLAG_STRING, .help = "Session that closes it (with --status closed)"},
    {.name = "due",
     .kind = FLAG_STRING,
     .help = "Due (\"\" clears): +6h, +1d, tomorrow, next monday, 2025-01-15"},
    {.name = "defer", .kind = FLAG_STRING, .help = "Keep out of ready work until then (\"\" clears)"},
    {.name = "await-id", .kind = FLAG_STRING, .help = "What a gate waits for"},
    {.name = "ephemeral", .kind = FLAG_BOOL, .help = "Mark as ephemeral"},
    {.name = "persistent", .kind = FLAG_BOOL, .help = "Mark as not ephemeral"},
    {.name = "no-history", .kind = FLAG_BOOL, .help = "Mark as kept outside the versioned history"},
    {.name = "history", .kind = FLAG_BOOL, .help = "Clear the no-history mark"},
    {.name = "metadata", .kind = FLAG_STRING, .help = "Merge custom metadata: JSON object, or @FILE"},
    {.name = "set-metadata", .kind = FLAG_ARRAY, .help = "Set one metadata key: key=value"},
    {.name = "unset-metadata", .kind = FLAG_ARRAY, .help = "Remove one metadata key"},
    {0},
};

const struct cmd cmd_update = {
    .name = "update",
    .use = "update [id...]",
    .summary = "Update one or more issues",
    .details = "Updates the issues named, or the one touched last when none is named.",
    .group = "Working With Issues",
    .args_max = -1,
    .flags = flags,
    .cls = CMD_WRITES | CMD_BRIEF,
    .exclusive = issue_flags_exclusive,
    .run = run,
};
