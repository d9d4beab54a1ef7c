/*
 * Dependency rows on their way from one target column (depends_on_id) to three: issue, wisp, external.
 *
 * A target that starts with `external:` is external; else it is a wisp's or an issue's id, in this
 * order; an id that neither table knows is kept as external.
 */
#include "schema/run.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const target_columns[] = {"depends_on_id", "depends_on_issue_id",
                                             "depends_on_wisp_id", "depends_on_external"};

int schema_edges_add(struct schema_run *r, const char *table, const struct pred *where,
                     struct edge_list *e) {
    struct held_rows h;
    int rc = schema_rows_hold(r, table, where, &h);
    if (rc)
        return rc;
    static const char *const kept[] = {"issue_id",   "type",     "created_at",
                                       "created_by", "metadata", "thread_id"};
    size_t n = sizeof kept / sizeof *kept;
    struct held_rows *to = &e->rows;
    if (!e->held) {
        memset(to, 0, sizeof *to);
        to->columns = arena_dup(r->a, kept, sizeof kept);
        to->column_count = n;
        e->held = true;
    }
    size_t total = to->row_count + h.row_count;
    if (total > to->row_capacity) {
        struct cell *cells = arena_alloc(r->a, 2 * total * n * sizeof *cells);
        const char **targets = arena_alloc(r->a, 2 * total * sizeof *targets);
        if (to->row_count) {
            memcpy(cells, to->cells, to->row_count * n * sizeof *cells);
            memcpy(targets, e->targets, to->row_count * sizeof *targets);
        }
        to->cells = cells;
        e->targets = targets;
        to->row_capacity = e->target_capacity = 2 * total;
    }
    for (size_t k = 0; k < h.row_count; k++) {
        const struct cell *row = h.cells + k * h.column_count;
        const char *target = NULL;
        for (size_t t = 0; !target && t < sizeof target_columns / sizeof *target_columns; t++) {
            int at = schema_rows_column(&h, target_columns[t]);
            if (at >= 0 && cell_has_text(&row[at]))
                target = arena_strndup(r->a, row[at].s.data, row[at].s.size);
        }
        for (size_t i = 0; i < n; i++) {
            int at = schema_rows_column(&h, kept[i]);
            to->cells[to->row_count * n + i] = at >= 0 ? row[at] : cell_null();
        }
        e->targets[to->row_count++] = target ? target : "";
    }
    return BD_OK;
}

int schema_edges_hold(struct schema_run *r, const char *table, struct edge_list *e) {
    int rc = schema_edges_add(r, table, NULL, e);
    return rc ? rc : schema_rows_truncate(r, table);
}

static int exists(struct schema_run *r, const char *table, const char *id, bool *found) {
    *found = false;
    if (!tables_has_table(r->x, table))
        return BD_OK;
    static const char *const column = "id";
    struct cell key = cell_text(id), got;
    int rc = tables_get(r->x, table, &key, 1, &column, 1, r->a, &got, r->err);
    *found = rc == BD_OK;
    return rc == BD_NOT_FOUND ? BD_OK : rc;
}

int schema_edges_put(struct schema_run *r, const char *table, struct edge_list *e) {
    size_t n = e->rows.column_count;
    const char *columns[12] = {"id"};
    struct cell row[12];
    const struct schema *s;
    int rc = e->held ? tables_schema(r->x, table, &s, r->err) : BD_OK;
    if (rc)
        return rc;
    for (size_t k = 0; e->held && k < e->rows.row_count; k++) {
        const struct cell *from = e->rows.cells + k * n;
        const char *target = e->targets[k];
        struct cell identity[2] = {from[0], cell_text(target)};
        size_t count = 0;
        row[count++] = cell_text(schema_stable_uuid(r, table, identity, 2, NULL));
        for (size_t i = 0; i < n; i++) {
            int at = schema_column(s, e->rows.columns[i]);
            bool missing = cell_is_null(&from[i]) && at >= 0 && !s->columns[at].nullable;
            if (at < 0 || (missing && s->columns[at].default_text[0]))
                continue; /* its default */
            columns[count] = e->rows.columns[i];
            row[count++] = missing ? cell_text("") : from[i];
        }
        bool wisp = false, issue = false;
        if (strncmp(target, "external:", 9)) {
            rc = exists(r, "wisps", target, &wisp);
            if (rc == BD_OK && !wisp)
                rc = exists(r, "issues", target, &issue);
        }
        if (rc)
            return rc;
        columns[count] = wisp    ? "depends_on_wisp_id"
                         : issue ? "depends_on_issue_id"
                                 : "depends_on_external";
        row[count++] = cell_text(target);
        rc = schema_rows_insert(r, table, columns, row, count, TABLES_INSERT_IGNORE, NULL);
        if (rc)
            return rc;
    }
    memset(e, 0, sizeof *e);
    return BD_OK;
}
