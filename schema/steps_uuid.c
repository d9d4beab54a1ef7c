/*
 * Migration 37: tables that counted their rows with AUTO_INCREMENT get uuid keys.
 *
 * The new id is made from the row (its old number in front, so order stays): two clones that upgrade
 * separately come to the same ids, and a later merge finds no doubles.
 */
#include "schema/run.h"

#include <stdlib.h>
#include <strings.h>

static const char *const counted[] = {
    "events", "comments", "issue_snapshots", "compaction_snapshots", "wisp_events", "wisp_comments"};

static bool schema_uuid_wanted(struct schema_run *r, const char *table) {
    const struct schema *s;
    if (!tables_has_table(r->x, table) || tables_schema(r->x, table, &s, NULL))
        return false;
    int id = schema_column(s, "id");
    return id >= 0 && s->columns[id].type.base == SQL_BIGINT;
}

static int convert(struct schema_run *r, const char *table, const struct ddl *d) {
    struct held_rows h;
    int rc = schema_rows_hold(r, table, NULL, &h);
    if (rc == BD_OK)
        rc = schema_rows_truncate(r, table);
    if (rc == BD_OK)
        rc = tables_ddl(r->x, d, r->err);
    if (rc)
        return rc;
    int id = schema_rows_column(&h, "id");
    for (size_t k = 0; id >= 0 && k < h.row_count; k++) {
        struct cell *row = h.cells + k * h.column_count;
        int64_t number = row[id].kind == CELL_INT ? row[id].i : 0;
        row[id] = cell_text(schema_stable_uuid(r, table, row, h.column_count, &number));
    }
    return schema_rows_put_back(r, &h, table, 0);
}

int schema_uuid_keys(struct schema_run *r) {
    if (r->fresh)
        return BD_OK;
    const struct migration *m = schema_migration_find(MIGRATION_MAIN, 37);
    struct ddl *list;
    size_t count;
    int rc = sql_ddl_parse(m->sql, m->sql_size, r->a, &list, &count, r->err);
    for (size_t i = 0; rc == BD_OK && i < count; i++)
        for (size_t t = 0; rc == BD_OK && t < sizeof counted / sizeof *counted; t++)
            if (!strcasecmp(list[i].table, counted[t]) && schema_uuid_wanted(r, counted[t]))
                rc = convert(r, counted[t], &list[i]);
    return rc;
}
