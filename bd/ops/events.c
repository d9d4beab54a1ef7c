/*
 * Event rows. Their ids grow with time, so that the order of ids is the order of writing even within
 * one second, and rows of one batch lie side by side in the tree.
 */
#include "bd/ops/events.h"

#include "bd/ops/issue_rows.h"
#include "bd/ops/uuid.h"

#include <stdlib.h>
#include <string.h>

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

struct loader {
    struct arena *a;
    struct event *items;
    size_t count, capacity;
};

static const char *text(const struct cell *c, struct arena *a) {
    return cell_is_null(c) ? NULL : cell_format(c, a);
}

static int load_row(void *ctx, const struct cell *row) {
    struct loader *l = ctx;
    if (l->count == l->capacity) {
        l->capacity = l->capacity ? l->capacity * 2 : 16;
        struct event *grown = arena_alloc(l->a, l->capacity * sizeof *grown);
        if (l->count)
            memcpy(grown, l->items, l->count * sizeof *grown);
        l->items = grown;
    }
    l->items[l->count++] = (struct event){
        .id = text(&row[0], l->a),
        .issue_id = text(&row[1], l->a),
        .type = text(&row[2], l->a),
        .actor = text(&row[3], l->a),
        .old_value = text(&row[4], l->a),
        .new_value = text(&row[5], l->a),
        .comment = text(&row[6], l->a),
        .created_at = row[7].kind == CELL_DATETIME ? row[7].i : ISSUE_NO_TIME,
    };
    return BD_OK;
}

static int by_time(const void *x, const void *y) {
    const struct event *e = x, *f = y;
    if (e->created_at != f->created_at)
        return e->created_at < f->created_at ? -1 : 1;
    return strcmp(e->id ? e->id : "", f->id ? f->id : "");
}

int event_load(struct tables_txn *x, const char *issue_id, bool is_wisp, struct arena *a,
               struct event **out, size_t *count, struct err *err) {
    static const char *const columns[] = {"id",        "issue_id",  "event_type", "actor",
                                          "old_value", "new_value", "comment",    "created_at"};
    struct tables_query q = {.table = issue_families[is_wisp].events,
                             .columns = columns,
                             .column_count = 8,
                             .where = pred_cmp(a, PRED_EQ, "issue_id", cell_text(issue_id))};
    struct loader l = {.a = a};
    int rc = tables_has_table(x, q.table) ? tables_scan(x, &q, NULL, load_row, &l, err) : BD_OK;
    if (l.count)
        qsort(l.items, l.count, sizeof *l.items, by_time);
    *out = l.items;
    *count = l.count;
    return rc;
}
