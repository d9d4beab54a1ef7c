/*
 * Rows of the dependency tables in both shapes. Every read goes through `columns_*` below, every write
 * through `set_target`; everything else of the program sees struct dependency only.
 */
#include "bd/ops/dependency_rows.h"

#include "base/strmap.h"
#include "bd/ops/uuid.h"

#include <string.h>

#define INDEX_LOOKUP_MAX 400 /* more ids than this: one scan of the table is cheaper */

static const char *const tables[] = {"dependencies", "wisp_dependencies"};
static const char *const target_columns[] = {"depends_on_issue_id", "depends_on_wisp_id",
                                             "depends_on_external"};

static bool is_old_shape(struct tables_txn *x, const char *table) {
    return !tables_has_column(x, table, target_columns[0]);
}

enum {
    COL_SOURCE,
    COL_TYPE,
    COL_CREATED,
    COL_BY,
    COL_ISSUE,
    COL_WISP,
    COL_EXTERNAL,
    COL_OLD,
    COL_ID,
    COL_METADATA,
    COL_THREAD,
    COL_COUNT
};
static const char *const columns[] = {
    "issue_id",
    "type",
    "created_at",
    "created_by",
    "depends_on_issue_id",
    "depends_on_wisp_id",
    "depends_on_external",
    "depends_on_id",
    "id",
    "metadata",
    "thread_id",
};

struct reader {
    struct arena *a;
    dependency_fn fn;
    void *ctx;
    bool wisp, full, by_target;
    const struct strmap *wanted; /* NULL: every row */
};

static const char *text_of(const struct cell *c, struct arena *a) {
    return cell_has_text(c) ? arena_strndup(a, c->s.data, c->s.size) : NULL;
}

static enum dependency_target guess_target(const struct cell *c) {
    if (c->s.size >= 9 && memcmp(c->s.data, "external:", 9) == 0)
        return DEP_TARGET_EXTERNAL;
    return DEP_TARGET_ISSUE;
}

static int read_row(void *ctx, const struct cell *row) {
    struct reader *r = ctx;
    const struct cell *target = &row[COL_OLD];
    enum dependency_target kind = DEP_TARGET_ISSUE;
    for (int i = 0; i < 3; i++)
        if (cell_has_text(&row[COL_ISSUE + i])) {
            target = &row[COL_ISSUE + i];
            kind = (enum dependency_target)i;
        }
    if (!cell_has_text(target) || !cell_has_text(&row[COL_SOURCE]))
        return BD_OK;
    if (target == &row[COL_OLD])
        kind = guess_target(target);
    if (r->wanted) {
        const struct cell *key = r->by_target ? target : &row[COL_SOURCE];
        if (!strmap_get_n(r->wanted, key->s.data, key->s.size))
            return BD_OK;
    }
    struct dependency d = {
        .id = text_of(&row[COL_ID], r->a),
        .issue_id = text_of(&row[COL_SOURCE], r->a),
        .depends_on_id = text_of(target, r->a),
        .target = kind,
        .type = text_of(&row[COL_TYPE], r->a),
        .created_at = row[COL_CREATED].kind == CELL_DATETIME ? row[COL_CREATED].i : ISSUE_NO_TIME,
        .created_by = text_of(&row[COL_BY], r->a),
    };
    if (!d.type)
        d.type = "blocks";
    if (!d.created_by)
        d.created_by = "";
    if (r->full) {
        d.metadata = text_of(&row[COL_METADATA], r->a);
        d.thread_id = text_of(&row[COL_THREAD], r->a);
    }
    return r->fn(r->ctx, &d, r->wisp);
}

static int scan_where(struct tables_txn *x, const char *table, const struct pred *where,
                      struct reader *r, struct err *err) {
    struct tables_query q = {
        .table = table,
        .columns = columns,
        .column_count = r->full ? COL_COUNT : COL_METADATA,
        .where = where,
    };
    return tables_scan(x, &q, NULL, read_row, r, err);
}

static int scan_table(struct tables_txn *x, const char *table, enum dependency_end end,
                      const char *const *ids, size_t id_count, struct reader *r, struct err *err) {
    if (!ids || r->wanted)
        return scan_where(x, table, NULL, r, err);
    struct cell *keys = arena_alloc(r->a, (id_count + 1) * sizeof *keys);
    for (size_t i = 0; i < id_count; i++)
        keys[i] = cell_text(ids[i]);
    if (end == DEPENDENCY_BY_SOURCE)
        return scan_where(x, table, pred_in(r->a, "issue_id", keys, id_count), r, err);
    if (is_old_shape(x, table))
        return scan_where(x, table, pred_in(r->a, "depends_on_id", keys, id_count), r, err);
    int rc = BD_OK;
    for (int i = 0; i < 3 && rc == BD_OK; i++) /* one index each */
        rc = scan_where(x, table, pred_in(r->a, target_columns[i], keys, id_count), r, err);
    return rc;
}

int dependency_scan(struct tables_txn *x, enum dependency_end end, const char *const *ids,
                    size_t id_count, unsigned flags, struct arena *a, dependency_fn fn, void *ctx,
                    struct err *err) {
    if (ids && id_count == 0)
        return BD_OK;
    struct strmap wanted = STRMAP_INIT;
    struct reader r = {.a = a,
                       .fn = fn,
                       .ctx = ctx,
                       .full = (flags & DEPENDENCY_METADATA) != 0,
                       .by_target = end == DEPENDENCY_BY_TARGET};
    if (ids && id_count > INDEX_LOOKUP_MAX) {
        for (size_t i = 0; i < id_count; i++)
            strmap_put(&wanted, ids[i], &wanted);
        r.wanted = &wanted;
    }
    int rc = BD_OK;
    for (int t = 0; t < 2 && rc == BD_OK; t++) {
        if (!(flags & (t ? DEPENDENCY_WISP : DEPENDENCY_REGULAR)) || !tables_has_table(x, tables[t]))
            continue;
        r.wisp = t == 1;
        rc = scan_table(x, tables[t], end, ids, id_count, &r, err);
    }
    strmap_release(&wanted);
    return rc;
}

struct target_reader {
    dependency_target_fn fn;
    void *ctx;
};

static int read_target(void *ctx, const struct cell *row) {
    const struct target_reader *r = ctx;
    if (cell_has_text(&row[0]))
        r->fn(r->ctx, row[0].s.data, row[0].s.size);
    return BD_OK;
}

int dependency_targets(struct tables_txn *x, const char *type, const char *const *ids, size_t id_count,
                       struct arena *a, dependency_target_fn fn, void *ctx, struct err *err) {
    static const char *const old_column[] = {"depends_on_id"};
    struct target_reader r = {fn, ctx};
    struct cell *keys = arena_alloc(a, (id_count + 1) * sizeof *keys);
    for (size_t i = 0; i < id_count; i++)
        keys[i] = cell_text(ids[i]);
    const struct pred *of_type = pred_cmp(a, PRED_EQ, "type", cell_text(type));
    int rc = BD_OK;
    for (int t = 0; t < 2; t++) {
        if (!tables_has_table(x, tables[t]))
            continue;
        bool old = is_old_shape(x, tables[t]);
        const char *const *targets = old ? old_column : target_columns;
        for (int i = 0; i < (old ? 1 : 3) && rc == BD_OK; i++) {
            struct tables_query q = {
                .table = tables[t],
                .columns = &targets[i],
                .column_count = 1,
                .where = pred_and(a, of_type, pred_in(a, targets[i], keys, id_count)),
                .any_order = true,
            };
            /* most target columns are empty */
            bool any;
            rc = tables_any(x, q.table, targets[i],
                            pred_and(a, of_type, pred_cmp(a, PRED_GE, targets[i], cell_text(""))), &any,
                            err);
            if (rc == BD_OK && any)
                rc = tables_scan(x, &q, NULL, read_target, &r, err);
        }
    }
    return rc;
}

struct collector {
    struct dependency_list *list;
    size_t capacity;
    struct arena *a;
};

static int collect(void *ctx, const struct dependency *d, bool in_wisp_table) {
    struct collector *c = ctx;
    (void)in_wisp_table;
    if (c->list->count == c->capacity) {
        c->capacity = c->capacity ? c->capacity * 2 : 8;
        struct dependency *grown = arena_alloc(c->a, c->capacity * sizeof *grown);
        if (c->list->count)
            memcpy(grown, c->list->items, c->list->count * sizeof *grown);
        c->list->items = grown;
    }
    c->list->items[c->list->count++] = *d;
    return BD_OK;
}

int dependency_load(struct tables_txn *x, enum dependency_end end, const char *const *ids,
                    size_t id_count, unsigned flags, struct arena *a, struct dependency_list *out,
                    struct err *err) {
    *out = (struct dependency_list){NULL, 0};
    struct collector c = {out, 0, a};
    return dependency_scan(x, end, ids, id_count, flags, a, collect, &c, err);
}

/* ---- writing ---- */

static const char *target_column(struct tables_txn *x, const char *table, enum dependency_target kind) {
    return is_old_shape(x, table) ? "depends_on_id" : target_columns[kind];
}

int dependency_row_insert(struct tables_txn *x, const struct dependency *d, bool source_is_wisp,
                          struct err *err) {
    const char *table = tables[source_is_wisp];
    const char *names[8];
    struct cell cells[8];
    char uuid[UUID_TEXT_SIZE];
    size_t n = 0;
#define ADD(name, cell) (names[n] = (name), cells[n++] = (cell))
    if (!is_old_shape(x, table)) {
        if (!d->id)
            uuid_v7(datetime_now(), uuid);
        ADD("id", cell_text(d->id ? d->id : uuid));
    }
    ADD("issue_id", cell_text(d->issue_id));
    ADD(target_column(x, table, d->target), cell_text(d->depends_on_id));
    ADD("type", cell_text(d->type));
    ADD("created_at", issue_time_cell(d->created_at == ISSUE_NO_TIME ? datetime_now() : d->created_at));
    ADD("created_by", cell_text(d->created_by ? d->created_by : ""));
    ADD("metadata", cell_json(d->metadata && *d->metadata ? d->metadata : "{}"));
    ADD("thread_id", cell_text(d->thread_id ? d->thread_id : ""));
#undef ADD
    return tables_insert(x, table, names, cells, n, 0, NULL, err);
}

static const struct pred *pair(struct tables_txn *x, const char *table, const char *source,
                               const char *target, struct arena *a) {
    const struct pred *by_target;
    struct cell t = cell_text(target);
    if (is_old_shape(x, table)) {
        by_target = pred_cmp(a, PRED_EQ, "depends_on_id", t);
    } else {
        const struct pred *kids[3];
        for (int i = 0; i < 3; i++)
            kids[i] = pred_cmp(a, PRED_EQ, target_columns[i], t);
        by_target = pred_all(a, PRED_OR, kids, 3);
    }
    return source ? pred_and(a, pred_cmp(a, PRED_EQ, "issue_id", cell_text(source)), by_target)
                  : by_target;
}

int dependency_row_delete(struct tables_txn *x, const char *source, const char *target,
                          bool source_is_wisp, uint64_t *deleted, struct err *err) {
    const char *table = tables[source_is_wisp];
    *deleted = 0;
    if (!tables_has_table(x, table))
        return BD_OK;
    struct arena a = ARENA_INIT;
    int rc = tables_delete(x, table, pair(x, table, source, target, &a), deleted, err);
    arena_release(&a);
    return rc;
}

int dependency_rows_delete(struct tables_txn *x, enum dependency_end end, const char *id,
                           unsigned flags, uint64_t *deleted, struct err *err) {
    struct arena a = ARENA_INIT;
    int rc = BD_OK;
    *deleted = 0;
    for (int t = 0; t < 2 && rc == BD_OK; t++) {
        if (!(flags & (t ? DEPENDENCY_WISP : DEPENDENCY_REGULAR)) || !tables_has_table(x, tables[t]))
            continue;
        const struct pred *where = end == DEPENDENCY_BY_SOURCE
                                       ? pred_cmp(&a, PRED_EQ, "issue_id", cell_text(id))
                                       : pair(x, tables[t], NULL, id, &a);
        uint64_t n = 0;
        rc = tables_delete(x, tables[t], where, &n, err);
        *deleted += n;
    }
    arena_release(&a);
    return rc;
}

int dependency_row_set_metadata(struct tables_txn *x, const struct dependency *d, bool source_is_wisp,
                                const char *metadata, struct err *err) {
    static const char *const names[] = {"metadata"};
    const char *table = tables[source_is_wisp];
    struct arena a = ARENA_INIT;
    struct cell cell = cell_json(metadata);
    int rc = tables_update(x, table, pair(x, table, d->issue_id, d->depends_on_id, &a), names, &cell, 1,
                           NULL, NULL, err);
    arena_release(&a);
    return rc;
}
