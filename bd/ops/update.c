/*
 * Changing columns. Every change of an issue goes through issue_update_in or one of the three special
 * forms (close, reopen, claim), so that timestamps, events and is_blocked are kept in one place.
 */
#include "bd/ops/update.h"

#include "bd/ops/blocked.h"
#include "bd/ops/db_config.h"
#include "bd/ops/event_json.h"
#include "bd/ops/events.h"
#include "bd/ops/hydrate.h"

#include <string.h>

static bool is_updatable(const char *column) {
    static const char *const list[] = {
        "status",
        "priority",
        "title",
        "assignee",
        "description",
        "design",
        "acceptance_criteria",
        "notes",
        "issue_type",
        "estimated_minutes",
        "external_ref",
        "spec_id",
        "started_at",
        "closed_at",
        "close_reason",
        "closed_by_session",
        "source_repo",
        "sender",
        "ephemeral",
        "wisp_type",
        "no_history",
        "pinned",
        "mol_type",
        "due_at",
        "defer_until",
        "await_id",
        "waiters",
        "metadata",
        /* set by maintenance commands */
        "compaction_level",
        "compacted_at",
        "compacted_at_commit",
        "original_size",
        "owner",
        "is_template",
        "work_type",
        "await_type",
        "timeout_ns",
        "source_system",
    };
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
        if (strcmp(list[i], column) == 0)
            return true;
    return false;
}

/* ---- writing one row ---- */

static int set_row(struct tables_txn *x, const struct issue *i, const struct issue_changes *changes,
                   struct arena *a, struct err *err) {
    const char *table = issue_families[i->is_wisp].issues;
    const char *names[ISSUE_CHANGES_MAX + 1];
    struct cell cells[ISSUE_CHANGES_MAX + 1];
    size_t n = 0;
    names[n] = "updated_at";
    cells[n++] = issue_time_cell(datetime_now());
    for (size_t c = 0; c < changes->count; c++) {
        if (!tables_has_column(x, table, changes->items[c].column)) {
            int rc =
                issue_column_lacking(table, changes->items[c].column, &changes->items[c].value, err);
            if (rc != BD_OK)
                return rc;
            continue;
        }
        names[n] = changes->items[c].column;
        cells[n++] = changes->items[c].value;
    }
    return tables_update(x, table, pred_cmp(a, PRED_EQ, "id", cell_text(i->id)), names, cells, n, NULL,
                         NULL, err);
}

static int add_event(struct ops *o, struct tables_txn *x, const struct issue *old, const char *type,
                     const struct issue_changes *changes, struct err *err) {
    struct buf before = BUF_INIT, after = BUF_INIT;
    event_json_issue(&before, old);
    event_json_changes(&after, changes);
    struct event e = {.issue_id = old->id,
                      .type = type,
                      .actor = o->actor,
                      .old_value = buf_str(&before),
                      .new_value = buf_str(&after),
                      .created_at = ISSUE_NO_TIME};
    int rc = event_add(x, old->is_wisp, &e, err);
    buf_release(&before);
    buf_release(&after);
    return rc;
}

static int load_with_labels(struct tables_txn *x, const char *id, struct arena *a, struct issue *out,
                            struct err *err) {
    int rc = issue_load(x, id, a, out, err);
    return rc == BD_OK ? issues_hydrate(x, out, 1, HYDRATE_LABELS, a, err) : rc;
}

static int check_changes(struct ops *o, struct tables_txn *x, const struct issue_changes *changes,
                         struct arena *a, struct err *err) {
    for (size_t i = 0; i < changes->count; i++)
        if (!is_updatable(changes->items[i].column))
            return err_set(err, BD_INVALID, "invalid field for update: %s", changes->items[i].column);
    const struct cell *type = issue_change_of(changes, "issue_type");
    if (type) {
        struct text_list types;
        const char *text = cell_format(type, a);
        int rc = db_config_types(o, x, a, &types, err);
        if (rc != BD_OK)
            return rc;
        if (!text || !type_is_valid(text, &types))
            return err_set(err, BD_INVALID, "invalid issue type: %s", text ? text : "");
    }
    return BD_OK;
}

int issue_update_in(struct ops *o, struct tables_txn *x, const char *id,
                    const struct issue_changes *changes, struct arena *a, struct issue *old,
                    struct err *err) {
    struct issue before;
    int rc = load_with_labels(x, id, a, &before, err);
    if (rc == BD_NOT_FOUND)
        return err_set(err, rc, "failed to get issue for update: not found: issue %s", id);
    if (rc == BD_OK)
        rc = check_changes(o, x, changes, a, err);
    if (rc != BD_OK)
        return rc;
    if (old)
        *old = before;

    struct issue_changes all = *changes;
    const char *type = "updated", *status = NULL;
    const struct cell *c = issue_change_of(changes, "status");
    if (c)
        status = cell_format(c, a);
    if (status) {
        bool closes = strcmp(status, "closed") == 0, was_closed = strcmp(before.status, "closed") == 0;
        type = closes ? "closed" : was_closed ? "reopened" : "status_changed";
        if (!issue_change_of(changes, "closed_at")) {
            if (closes)
                issue_change_time(&all, "closed_at", datetime_now());
            else if (was_closed) {
                issue_change(&all, "closed_at", cell_null());
                if (!issue_change_of(changes, "close_reason"))
                    issue_change_text(&all, "close_reason", "");
            }
        }
        if (strcmp(status, "in_progress") == 0 && before.started_at == ISSUE_NO_TIME &&
            !issue_change_of(changes, "started_at"))
            issue_change_time(&all, "started_at", datetime_now());
        if (before.pinned && strcmp(status, "pinned") != 0 && !issue_change_of(changes, "pinned"))
            issue_change(&all, "pinned", cell_bool(false));
    }
    rc = set_row(x, &before, &all, a, err);
    if (rc != BD_OK)
        return err_prefix(err, "failed to update issue");
    rc = add_event(o, x, &before, type, changes, err);
    if (rc == BD_OK && status && status_is_active(status) != status_is_active(before.status))
        rc = blocked_after_status(x, id, err);
    if (rc == BD_OK)
        ops_note(o, id, "update");
    return rc;
}

int issue_close_in(struct ops *o, struct tables_txn *x, const char *id, const char *reason,
                   const char *session, struct err *err) {
    static const char *const columns[] = {"status", "pinned"};
    struct arena a = ARENA_INIT;
    struct cell row[2];
    struct issue i;
    int rc = BD_NOT_FOUND;
    issue_init(&i);
    i.id = id;
    for (int wisp = 0; wisp < 2 && rc == BD_NOT_FOUND; wisp++) {
        rc = issue_get_columns(x, id, wisp, columns, 2, &a, row, err);
        i.is_wisp = wisp;
    }
    if (rc == BD_NOT_FOUND)
        err_set(err, rc, "issue not found: %s", id);
    if (rc == BD_OK) {
        struct issue_changes changes = ISSUE_CHANGES_INIT;
        issue_change_text(&changes, "status", "closed");
        issue_change_time(&changes, "closed_at", datetime_now());
        issue_change_text(&changes, "close_reason", reason);
        issue_change_text(&changes, "closed_by_session", session ? session : "");
        rc = set_row(x, &i, &changes, &a, err);
    }
    if (rc == BD_OK) {
        struct event e = {.issue_id = id,
                          .type = "closed",
                          .actor = o->actor,
                          .old_value = "",
                          .new_value = reason,
                          .created_at = ISSUE_NO_TIME};
        rc = event_add(x, i.is_wisp, &e, err);
    }
    if (rc == BD_OK)
        rc = blocked_after_status(x, id, err);
    if (rc == BD_OK)
        ops_note(o, id, "close");
    arena_release(&a);
    return rc;
}

int issue_reopen_in(struct ops *o, struct tables_txn *x, const char *id, const char *reason,
                    struct arena *a, struct err *err) {
    struct issue_changes changes = ISSUE_CHANGES_INIT;
    struct issue old;
    issue_change_text(&changes, "status", "open");
    issue_change(&changes, "defer_until", cell_null());
    int rc = issue_update_in(o, x, id, &changes, a, &old, err);
    if (rc == BD_OK && reason && *reason) {
        struct event e = {.issue_id = id,
                          .type = "commented",
                          .actor = o->actor,
                          .comment = reason,
                          .created_at = ISSUE_NO_TIME};
        rc = event_add(x, old.is_wisp, &e, err);
    }
    return rc;
}

int issue_claim_in(struct ops *o, struct tables_txn *x, const char *id, struct arena *a,
                   struct issue *old, struct err *err) {
    struct issue before;
    int rc = load_with_labels(x, id, a, &before, err);
    if (rc != BD_OK)
        return rc;
    if (old)
        *old = before;
    const char *table = issue_families[before.is_wisp].issues;
    const char *names[4] = {"assignee", "status", "updated_at", "started_at"};
    int64_t now = datetime_now();
    struct cell cells[4] = {cell_text(o->actor), cell_text("in_progress"), issue_time_cell(now),
                            issue_time_cell(now)};
    bool sets_start = before.started_at == ISSUE_NO_TIME && tables_has_column(x, table, "started_at");
    const struct pred *kids[3] = {
        pred_cmp(a, PRED_EQ, "id", cell_text(id)), pred_cmp(a, PRED_EQ, "status", cell_text("open")),
        pred_or(a, pred_null(a, "assignee", true),
                pred_or(a, pred_cmp(a, PRED_EQ, "assignee", cell_text("")),
                        pred_cmp(a, PRED_EQ, "assignee", cell_text(o->actor))))};
    uint64_t matched = 0;
    rc = tables_update(x, table, pred_all(a, PRED_AND, kids, 3), names, cells, sets_start ? 4 : 3,
                       &matched, NULL, err);
    if (rc != BD_OK)
        return err_prefix(err, "failed to claim issue");
    if (matched == 0) {
        bool own = strcmp(before.assignee, o->actor) == 0;
        if (own && strcmp(before.status, "in_progress") == 0)
            return BD_OK;
        if (*before.assignee && !own)
            return err_set(err, BD_CONFLICT, "issue already claimed by %s", before.assignee);
        return err_set(err, BD_CONFLICT, "issue not claimable: status %s", before.status);
    }
    struct issue_changes changes = ISSUE_CHANGES_INIT;
    issue_change_text(&changes, "assignee", o->actor);
    issue_change_text(&changes, "status", "in_progress");
    return add_event(o, x, &before, "claimed", &changes, err);
}
