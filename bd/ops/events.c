/*
 * Event rows. Their ids grow with time, so that the order of ids is the order of writing even within
 * one second, and rows of one batch lie side by side in the tree.
 */
#include "bd/ops/events.h"

#include "bd/ops/issue_rows.h"
#include "bd/ops/uuid.h"

bool table_has_uuid_ids(struct tables_txn *x, const char *table) {
    const struct schema *s;
    if (tables_schema(x, table, &s, NULL) != BD_OK)
        return false;
    int c = schema_column(s, "id");
    return c >= 0 && !s->columns[c].auto_increment && s->columns[c].type.base != SQL_BIGINT;
}

int event_add(struct tables_txn *x, bool is_wisp, const struct event *e, struct err *err) {
    const char *table = issue_families[is_wisp].events;
    const char *names[8];
    struct cell cells[8];
    char uuid[UUID_TEXT_SIZE];
    size_t n = 0;
    if (!tables_has_table(x, table))
        return BD_OK;
    int64_t now = datetime_now();
#define ADD(name, cell) (names[n] = (name), cells[n++] = (cell))
    if (table_has_uuid_ids(x, table)) {
        uuid_v7(now, uuid);
        ADD("id", cell_text(uuid));
    }
    ADD("issue_id", cell_text(e->issue_id));
    ADD("event_type", cell_text(e->type));
    ADD("actor", cell_text(e->actor ? e->actor : ""));
    if (e->old_value)
        ADD("old_value", cell_text(e->old_value));
    if (e->new_value)
        ADD("new_value", cell_text(e->new_value));
    if (e->comment)
        ADD("comment", cell_text(e->comment));
    ADD("created_at", issue_time_cell(e->created_at == ISSUE_NO_TIME ? now : e->created_at));
#undef ADD
    return tables_insert(x, table, names, cells, n, 0, NULL, err);
}
