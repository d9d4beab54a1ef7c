/*
 * Comments. Ids grow with time, so that two comments of one second keep their order.
 */
#include "bd/ops/comments.h"

#include "bd/ops/events.h"
#include "bd/ops/hydrate.h"
#include "bd/ops/uuid.h"

#include <string.h>

static int insert(struct tables_txn *x, struct comment *c, bool is_wisp, struct arena *a,
                  struct err *err) {
    const char *table = issue_families[is_wisp].comments;
    const char *names[5];
    struct cell cells[5];
    size_t n = 0;
    if (c->created_at == ISSUE_NO_TIME)
        c->created_at = datetime_now();
    if (table_has_uuid_ids(x, table)) {
        if (!c->id || !*c->id) {
            char *id = arena_alloc(a, UUID_TEXT_SIZE);
            uuid_v7(datetime_now(), id);
            c->id = id;
        }
        names[n] = "id";
        cells[n++] = cell_text(c->id);
    }
    names[n] = "issue_id";
    cells[n++] = cell_text(c->issue_id);
    names[n] = "author";
    cells[n++] = cell_text(c->author);
    names[n] = "text";
    cells[n++] = cell_text(c->text);
    names[n] = "created_at";
    cells[n++] = issue_time_cell(c->created_at);
    return tables_insert(x, table, names, cells, n, 0, NULL, err);
}

int comment_add_in(struct ops *o, struct tables_txn *x, struct comment *c, struct arena *a,
                   struct err *err) {
    bool is_wisp;
    int rc = issue_locate(x, c->issue_id, &is_wisp, err);
    if (rc == BD_NOT_FOUND)
        return err_set(err, rc, "issue %s not found", c->issue_id);
    if (rc == BD_OK)
        rc = insert(x, c, is_wisp, a, err);
    if (rc == BD_OK)
        ops_note(o, c->issue_id, "update");
    return rc;
}

int comment_import_in(struct ops *o, struct tables_txn *x, struct comment *c, bool is_wisp,
                      struct arena *a, struct err *err) {
    struct issue i;
    (void)o;
    issue_init(&i);
    i.id = c->issue_id;
    i.is_wisp = is_wisp;
    int rc = issues_hydrate(x, &i, 1, HYDRATE_COMMENTS, a, err);
    if (c->created_at == ISSUE_NO_TIME)
        c->created_at = datetime_now();
    for (size_t k = 0; rc == BD_OK && k < i.comment_row_count; k++) {
        const struct comment *e = &i.comments[k];
        if (issue_whole_second(e->created_at) == issue_whole_second(c->created_at) &&
            strcmp(e->author, c->author) == 0 && strcmp(e->text, c->text) == 0)
            return BD_OK;
    }
    return rc == BD_OK ? insert(x, c, is_wisp, a, err) : rc;
}
