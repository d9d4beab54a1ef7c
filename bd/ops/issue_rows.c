/*
 * Whole rows of `issues` and `wisps`. An id lives in at most one of the two tables; readers ask
 * `issues` first. The wisp tables may be missing (they are not part of a clone).
 */
#include "bd/ops/issue_rows.h"

#include "base/strmap.h"
#include "store/value/json.h"

#include <string.h>

#define INDEX_LOOKUP_MAX 400

const struct issue_family issue_families[2] = {
    {"issues", "labels", "dependencies", "events", "comments", "child_counters"},
    {"wisps", "wisp_labels", "wisp_dependencies", "wisp_events", "wisp_comments",
     "wisp_child_counters"},
};

int issue_get_columns(struct tables_txn *x, const char *id, bool is_wisp, const char *const *columns,
                      size_t count, struct arena *a, struct cell *out, struct err *err) {
    struct cell key = cell_text(id);
    if (!tables_has_table(x, issue_families[is_wisp].issues))
        return BD_NOT_FOUND;
    int rc = tables_get(x, issue_families[is_wisp].issues, &key, 1, columns, count, a, out, err);
    if (rc == BD_NOT_FOUND)
        err_clear(err);
    return rc;
}

int issue_load(struct tables_txn *x, const char *id, struct arena *a, struct issue *out,
               struct err *err) {
    struct cell row[ISSUE_COLUMN_COUNT];
    for (int wisp = 0; wisp < 2; wisp++) {
        int rc = issue_get_columns(x, id, wisp, issue_columns, issue_column_count, a, row, err);
        if (rc == BD_NOT_FOUND)
            continue;
        if (rc == BD_OK) {
            issue_from_row(out, row, a);
            out->is_wisp = wisp;
        }
        return rc;
    }
    return err_set(err, BD_NOT_FOUND, "issue not found: %s", id);
}

int issue_locate(struct tables_txn *x, const char *id, bool *is_wisp, struct err *err) {
    static const char *const columns[] = {"id"};
    struct arena a = ARENA_INIT;
    struct cell cell;
    int rc = BD_NOT_FOUND;
    for (int wisp = 0; wisp < 2 && rc == BD_NOT_FOUND; wisp++) {
        rc = issue_get_columns(x, id, wisp, columns, 1, &a, &cell, err);
        if (rc == BD_OK && is_wisp)
            *is_wisp = wisp;
    }
    arena_release(&a);
    return rc;
}

struct issue *issue_list_add(struct issue_list *l, struct arena *a) {
    if (l->count == l->capacity) {
        size_t capacity = l->capacity ? l->capacity * 2 : 16;
        struct issue *grown = arena_alloc(a, capacity * sizeof *grown);
        if (l->count)
            memcpy(grown, l->items, l->count * sizeof *grown);
        l->items = grown;
        l->capacity = capacity;
    }
    struct issue *i = &l->items[l->count++];
    issue_init(i);
    return i;
}

struct reader {
    struct issue_list *list;
    struct arena *a;
    bool wisp;
    const struct strmap *wanted;
};

static int read_row(void *ctx, const struct cell *row) {
    struct reader *r = ctx;
    if (r->wanted &&
        (!cell_has_text(&row[0]) || !strmap_get_n(r->wanted, row[0].s.data, row[0].s.size)))
        return BD_OK;
    struct issue *i = issue_list_add(r->list, r->a);
    issue_from_row(i, row, r->a);
    i->is_wisp = r->wisp;
    return BD_OK;
}

static int scan_family(struct tables_txn *x, const struct pred *where, struct reader *r,
                       struct err *err) {
    struct tables_query q = {.table = issue_families[r->wisp].issues,
                             .columns = issue_columns,
                             .column_count = issue_column_count,
                             .where = where};
    return tables_has_table(x, q.table) ? tables_scan(x, &q, NULL, read_row, r, err) : BD_OK;
}

int issue_scan(struct tables_txn *x, const struct pred *where, bool wisps, struct arena *a,
               struct issue_list *out, struct err *err) {
    struct reader r = {.list = out, .a = a};
    int rc = scan_family(x, where, &r, err);
    r.wisp = true;
    return rc == BD_OK && wisps ? scan_family(x, where, &r, err) : rc;
}

int issue_load_many(struct tables_txn *x, const char *const *ids, size_t count, struct arena *a,
                    struct issue_list *out, struct err *err) {
    *out = (struct issue_list){NULL, 0, 0};
    struct issue_list found = {NULL, 0, 0};
    struct strmap wanted = STRMAP_INIT;
    struct reader r = {.list = &found, .a = a};
    const struct pred *where = NULL;
    if (count > INDEX_LOOKUP_MAX) {
        for (size_t i = 0; i < count; i++)
            strmap_put(&wanted, ids[i], &wanted);
        r.wanted = &wanted;
    } else {
        struct cell *keys = arena_alloc(a, (count + 1) * sizeof *keys);
        for (size_t i = 0; i < count; i++)
            keys[i] = cell_text(ids[i]);
        where = pred_in(a, "id", keys, count);
    }
    int rc = BD_OK;
    for (int wisp = 0; wisp < 2 && rc == BD_OK && count; wisp++) {
        r.wisp = wisp;
        rc = scan_family(x, where, &r, err);
    }
    strmap_release(&wanted);
    struct strmap by_id = STRMAP_INIT;
    for (size_t i = found.count; i-- > 0;) /* the first of two wins: `issues` */
        strmap_put(&by_id, found.items[i].id, &found.items[i]);
    for (size_t i = 0; rc == BD_OK && i < count; i++) {
        const struct issue *hit = strmap_get(&by_id, ids[i]);
        if (hit)
            *issue_list_add(out, a) = *hit;
    }
    strmap_release(&by_id);
    return rc;
}

/* ---- writing ---- */

/* Columns that an insert of an existing id refreshes. */
static bool is_refreshed(const char *column) {
    static const char *const list[] = {
        "content_hash", "title",     "description",  "design",      "acceptance_criteria", "notes",
        "status",       "priority",  "issue_type",   "assignee",    "estimated_minutes",   "updated_at",
        "started_at",   "closed_at", "external_ref", "source_repo", "close_reason",        "metadata",
    };
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
        if (strcmp(list[i], column) == 0)
            return true;
    return false;
}

static bool same_json(const struct cell *x, const struct cell *y) {
    struct buf a = BUF_INIT, b = BUF_INIT;
    bool same = json_normalize(x->s.data, x->s.size, &a, NULL) == BD_OK &&
                json_normalize(y->s.data, y->s.size, &b, NULL) == BD_OK && a.size == b.size &&
                memcmp(a.data, b.data, a.size) == 0;
    buf_release(&a);
    buf_release(&b);
    return same;
}

bool issue_refresh_changes(const struct issue *old, const struct issue *i, struct arena *a) {
    struct cell x[ISSUE_COLUMN_COUNT], y[ISSUE_COLUMN_COUNT];
    issue_to_row(old, x, a);
    issue_to_row(i, y, a);
    for (size_t c = 0; c < issue_column_count; c++)
        if (is_refreshed(issue_columns[c]) && !cell_eq(&x[c], &y[c]) &&
            !(x[c].kind == CELL_JSON && y[c].kind == CELL_JSON && same_json(&x[c], &y[c])))
            return true;
    return false;
}

static bool says_nothing(const struct cell *c) {
    if (c->kind == CELL_NULL || (c->kind == CELL_INT && c->i == 0))
        return true;
    return cell_has_text(c) && (c->s.size == 0 || (c->s.size == 2 && memcmp(c->s.data, "{}", 2) == 0));
}

int issue_column_lacking(const char *table, const char *column, const struct cell *value,
                         struct err *err) {
    static const char *const derived[] = {"content_hash", "started_at", "is_blocked", "ephemeral"};
    for (size_t i = 0; i < sizeof derived / sizeof *derived; i++)
        if (strcmp(column, derived[i]) == 0)
            return BD_OK;
    if (says_nothing(value))
        return BD_OK;
    return err_set(
        err, BD_UNSUPPORTED,
        "this database is of an older schema, whose table %s has no column %s; 'bd migrate' adds it",
        table, column);
}

int issue_wisps_ready(struct tables_txn *x, struct err *err) {
    if (tables_has_table(x, issue_families[1].issues))
        return BD_OK;
    return err_set(
        err, BD_UNSUPPORTED,
        "this database is of an older schema, without the table wisps; 'bd migrate' makes it");
}

int issue_row_put(struct tables_txn *x, const struct issue *i, bool is_wisp, bool *is_new,
                  struct err *err) {
    static const char *const id_column[] = {"id"};
    const char *table = issue_families[is_wisp].issues;
    struct arena a = ARENA_INIT;
    const struct schema *schema;
    struct cell row[ISSUE_COLUMN_COUNT], cells[ISSUE_COLUMN_COUNT], key = cell_text(i->id), ignored;
    const char *names[ISSUE_COLUMN_COUNT];
    size_t n = 0;
    int rc = is_wisp ? issue_wisps_ready(x, err) : BD_OK;
    if (rc == BD_OK)
        rc = tables_schema(x, table, &schema, err);
    if (rc != BD_OK)
        goto out;
    rc = tables_get(x, table, &key, 1, id_column, 1, &a, &ignored, err);
    if (rc != BD_OK && rc != BD_NOT_FOUND)
        goto out;
    *is_new = rc == BD_NOT_FOUND;
    err_clear(err);
    issue_to_row(i, row, &a);
    for (size_t c = 0; c < issue_column_count; c++) {
        if (!*is_new && !is_refreshed(issue_columns[c]))
            continue;
        if (schema_column(schema, issue_columns[c]) >= 0) {
            names[n] = issue_columns[c];
            cells[n++] = row[c];
        } else if ((rc = issue_column_lacking(table, issue_columns[c], &row[c], err)) != BD_OK) {
            goto out;
        }
    }
    if (*is_new)
        rc = tables_insert(x, table, names, cells, n, 0, NULL, err);
    else
        rc =
            tables_update(x, table, pred_cmp(&a, PRED_EQ, "id", key), names, cells, n, NULL, NULL, err);
out:
    arena_release(&a);
    return rc;
}
