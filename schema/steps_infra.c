/*
 * Migration 35: issues of the types agent, rig, role and message become wisps, with all that hangs on
 * them.
 *
 * An issue stays where it is when a wisp of its id exists, or when snapshots refer to it: a wisp has no
 * place for those.
 */
#include "schema/run.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int count_where(struct schema_run *r, const char *table, const char *column, struct cell id,
                       uint64_t *count) {
    *count = 0;
    if (!tables_has_table(r->x, table))
        return BD_OK;
    return tables_count_all(r->x, table, pred_cmp(r->a, PRED_EQ, column, id), count, r->err);
}

static int may_move(struct schema_run *r, struct cell id, bool *may) {
    static const struct {
        const char *table, *column;
    } holds[] = {
        {"wisps", "id"}, {"issue_snapshots", "issue_id"}, {"compaction_snapshots", "issue_id"}};
    *may = true;
    for (size_t i = 0; i < sizeof holds / sizeof *holds; i++) {
        uint64_t n;
        int rc = count_where(r, holds[i].table, holds[i].column, id, &n);
        if (rc)
            return rc;
        *may = *may && n == 0;
    }
    return BD_OK;
}

static int delete_where(struct schema_run *r, const char *table, const struct pred *where) {
    uint64_t deleted;
    return tables_delete(r->x, table, where, &deleted, r->err);
}

/* Rows about one issue go from a table to its wisp counterpart. */
static int move_details(struct schema_run *r, const char *from, const char *to, struct cell id) {
    const struct pred *where = pred_cmp(r->a, PRED_EQ, "issue_id", id);
    struct held_rows h;
    int rc = schema_rows_hold(r, from, where, &h);
    if (rc || !h.row_count)
        return rc;
    if (!tables_has_table(r->x, to))
        return err_set(r->err, BD_NOT_FOUND, "table %s is missing: rows of %s cannot be moved there",
                       to, from);
    rc = schema_rows_put_back(r, &h, to, TABLES_INSERT_IGNORE);
    return rc ? rc : delete_where(r, from, where);
}

static int move_issue(struct schema_run *r, const struct held_rows *issues, const struct cell *row) {
    struct cell id = row[schema_rows_column(issues, "id")];
    struct cell *copy = arena_dup(r->a, row, issues->column_count * sizeof *row);
    struct held_rows one = *issues;
    one.cells = copy;
    one.row_count = 1;
    int at = schema_rows_column(issues, "ephemeral");
    if (at >= 0)
        copy[at] = cell_int(1);
    int rc = schema_rows_put_back(r, &one, "wisps", 0);
    if (rc == BD_OK)
        rc = move_details(r, "labels", "wisp_labels", id);
    if (rc == BD_OK)
        rc = move_details(r, "events", "wisp_events", id);
    if (rc == BD_OK)
        rc = move_details(r, "comments", "wisp_comments", id);
    const struct pred *own = pred_cmp(r->a, PRED_EQ, "issue_id", id);
    if (rc == BD_OK)
        rc = schema_edges_add(r, "dependencies", own, &r->wisp_edges);
    if (rc == BD_OK)
        rc = delete_where(r, "dependencies", own);
    if (rc == BD_OK && schema_has_column(r, "wisp_dependencies", "depends_on_issue_id")) {
        const char *const columns[] = {"depends_on_wisp_id", "depends_on_issue_id"};
        struct cell cells[] = {id, cell_null()};
        uint64_t changed;
        rc =
            tables_update(r->x, "wisp_dependencies", pred_cmp(r->a, PRED_EQ, "depends_on_issue_id", id),
                          columns, cells, 2, NULL, &changed, r->err);
    }
    if (rc == BD_OK)
        rc = delete_where(r, "issues", pred_cmp(r->a, PRED_EQ, "id", id));
    r->moved_to_wisps = true;
    return rc;
}

int schema_infra_to_wisps(struct schema_run *r) {
    if (r->fresh || !tables_has_table(r->x, "wisps"))
        return BD_OK;
    struct cell types[] = {cell_text("agent"), cell_text("rig"), cell_text("role"),
                           cell_text("message")};
    struct held_rows issues;
    int rc = schema_uuid_keys(r); /* ids of events and comments must be texts before they move */
    if (rc == BD_OK)
        rc = schema_rows_hold(r, "issues", pred_in(r->a, "issue_type", types, 4), &issues);
    if (rc || !issues.row_count)
        return rc;
    int id = schema_rows_column(&issues, "id");
    for (size_t k = 0; rc == BD_OK && k < issues.row_count; k++) {
        const struct cell *row = issues.cells + k * issues.column_count;
        bool may;
        rc = may_move(r, row[id], &may);
        if (rc == BD_OK && may)
            rc = move_issue(r, &issues, row);
    }
    return rc;
}
