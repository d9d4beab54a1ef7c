/* Labels, comments, events and counters of issues that do not exist. */
#include "doctor/families.h"

#include <string.h>

static const struct {
    const char *table, *column;
} places[] = {
    {"labels", "issue_id"},          {"comments", "issue_id"},
    {"events", "issue_id"},          {"child_counters", "parent_id"},
    {"issue_snapshots", "issue_id"}, {"compaction_snapshots", "issue_id"},
    {"wisp_labels", "issue_id"},     {"wisp_comments", "issue_id"},
    {"wisp_events", "issue_id"},     {"wisp_child_counters", "parent_id"},
};
enum { PLACE_COUNT = sizeof places / sizeof *places };

/* Owners of the rows of one table that are no issue and no wisp. */
struct search {
    const struct survey *s;
    struct strmap lost; /* id → itself */
    uint64_t rows;
    char last[64]; /* an id that is there; rows of one issue mostly come together */
    size_t last_size;
};

static int look(void *ctx, const struct cell *row) {
    struct search *f = ctx;
    if (!cell_has_text(&row[0]))
        return BD_OK;
    const char *id = row[0].s.data;
    size_t size = row[0].s.size;
    if (size && size == f->last_size && memcmp(id, f->last, size) == 0)
        return BD_OK;
    if (strmap_get_n(&f->s->ids, id, size)) {
        f->last_size = size <= sizeof f->last ? size : 0;
        memcpy(f->last, id, f->last_size);
        return BD_OK;
    }
    f->rows++;
    strmap_put_n(&f->lost, id, size, f);
    return BD_OK;
}

static int search(struct tables_txn *x, size_t place, struct search *f, struct err *err) {
    const char *column = places[place].column;
    struct tables_query q = {
        .table = places[place].table, .columns = &column, .column_count = 1, .any_order = true};
    if (!tables_has_table(x, q.table) || !tables_has_column(x, q.table, column))
        return BD_OK;
    return tables_scan(x, &q, NULL, look, f, err);
}

void orphan_rows(struct doctor *d, struct doctor_result *r) {
    const struct survey *s = doctor_survey(d, r);
    const char *examples[PLACE_COUNT];
    struct err err = ERR_INIT;
    uint64_t rows = 0;
    size_t tables = 0;
    int rc = BD_OK;
    if (!s)
        return;
    for (size_t i = 0; rc == BD_OK && i < PLACE_COUNT; i++) {
        struct search f = {.s = s};
        rc = search(d->x, i, &f, &err);
        struct strmap_entry *first = strmap_next(&f.lost, NULL);
        if (first)
            examples[tables++] = arena_printf(d->arena, "%s of %s", places[i].table, first->key);
        rows += f.rows;
        strmap_release(&f.lost);
    }
    if (rc != BD_OK) {
        doctor_warn(d, r, "Unable to read the rows of issues");
        doctor_detail(d, r, "%s", err.msg);
    } else if (!rows) {
        doctor_ok(d, r, "Every row belongs to an issue");
    } else {
        doctor_warn(d, r, "%llu row(s) of issues that do not exist", (unsigned long long)rows);
        doctor_detail(d, r, "%s", doctor_sample(d, examples, tables));
        doctor_offer(d, r, "remove them (the rows are copied first)");
    }
}

/* ---- the fix ---- */

struct keeping {
    struct doctor_repair *rp;
    const char *table;
    const char **columns;
    size_t count;
};

static int keep(void *ctx, const struct cell *row) {
    const struct keeping *k = ctx;
    doctor_row_aside(k->rp, k->table, k->columns, row, k->count);
    return BD_OK;
}

static int remove_rows(struct tables_txn *x, struct doctor_repair *rp, size_t place, const char *id,
                       struct err *err) {
    const char *table = places[place].table;
    struct arena a = ARENA_INIT;
    const struct schema *schema;
    uint64_t deleted = 0;
    const struct pred *where = pred_cmp(&a, PRED_EQ, places[place].column, cell_text(id));
    int rc = tables_schema(x, table, &schema, err);
    if (rc == BD_OK) {
        struct keeping k = {rp, table, arena_alloc(&a, schema->column_count * sizeof(char *)),
                            schema->column_count};
        for (size_t i = 0; i < k.count; i++)
            k.columns[i] = schema->columns[i].name;
        struct tables_query q = {
            .table = table, .columns = k.columns, .column_count = k.count, .where = where};
        rc = tables_scan(x, &q, &a, keep, &k, err);
    }
    if (rc == BD_OK)
        rc = tables_delete(x, table, where, &deleted, err);
    arena_release(&a);
    if (rc == BD_OK && deleted)
        doctor_did(rp, "Removed %llu row(s) of %s from %s", (unsigned long long)deleted, id, table);
    return rc;
}

int orphan_rows_fix(struct doctor *d, struct tables_txn *x, struct doctor_repair *rp, struct err *err) {
    struct survey *s;
    int rc = survey_take(x, &s, err);
    (void)d;
    if (rc)
        return rc;
    for (size_t i = 0; rc == BD_OK && i < PLACE_COUNT; i++) {
        struct search f = {.s = s};
        rc = search(x, i, &f, err);
        for (struct strmap_entry *e = NULL; rc == BD_OK && (e = strmap_next(&f.lost, e));)
            rc = remove_rows(x, rp, i, e->key, err);
        strmap_release(&f.lost);
    }
    survey_free(s);
    return rc;
}
