/*
 * What migrations do to rows: seeds as constant tables, moves as functions, by number.
 */
#include "schema/run.h"

#include <string.h>
#include <strings.h>

/* ---- seeds ---- */

static const struct schema_pair default_config[] = {
    {"compaction_enabled", "false"},   {"compact_tier1_days", "30"},
    {"compact_tier1_dep_levels", "2"}, {"compact_tier2_days", "90"},
    {"compact_tier2_dep_levels", "5"}, {"compact_tier2_commits", "100"},
    {"compact_batch_size", "50"},      {"compact_parallel_workers", "5"},
    {"auto_compact_enabled", "false"},
};
static const struct {
    int number;
    const char *pattern;
} ignore_patterns[] = {{19, "wisps"}, {19, "wisp_%"}, {28, "local_metadata"}, {28, "repo_mtimes"}};
/* Upstream made these tables nonlocal in 40, each with a commit, and gave it up in 41. */
static const char *const nonlocal_tables[] = {"wisps", "wisp_*", "repo_mtimes", "local_metadata"};

static int seed_config(struct schema_run *r) {
    static const char *const columns[] = {"key", "value"};
    for (size_t i = 0; i < sizeof default_config / sizeof *default_config; i++) {
        struct cell row[] = {cell_text(default_config[i].key), cell_text(default_config[i].value)};
        int rc = schema_rows_insert(r, "config", columns, row, 2, TABLES_INSERT_IGNORE, NULL);
        if (rc)
            return rc;
    }
    return BD_OK;
}

static int ignore_table(struct schema_run *r, const char *pattern) {
    static const char *const columns[] = {"pattern", "ignored"};
    struct cell row[] = {cell_text(pattern), cell_int(1)};
    return schema_rows_insert(r, "dolt_ignore", columns, row, 2, TABLES_INSERT_REPLACE, NULL);
}

static int seed_ignore(struct schema_run *r, int number) {
    int rc = BD_OK;
    for (size_t i = 0; rc == BD_OK && i < sizeof ignore_patterns / sizeof *ignore_patterns; i++)
        if (ignore_patterns[i].number == number)
            rc = ignore_table(r, ignore_patterns[i].pattern);
    return rc;
}

static int commit_now(struct schema_run *r, const char *message) {
    struct tables_write w = {.mode = TABLES_COMMIT, .message = message, .author = r->author};
    return tables_commit_now(r->x, &w, NULL, r->err);
}

static int make_nonlocal(struct schema_run *r) {
    static const char *const columns[] = {"table_name", "target_ref", "options"};
    int rc = BD_OK;
    for (size_t i = 0; rc == BD_OK && i < sizeof nonlocal_tables / sizeof *nonlocal_tables; i++) {
        const char *t = nonlocal_tables[i];
        struct cell row[] = {cell_text(t), cell_text("main"), cell_text("immediate")};
        rc = schema_rows_insert(r, "dolt_nonlocal_tables", columns, row, 3, TABLES_INSERT_IGNORE, NULL);
        if (rc == BD_OK && r->fresh)
            rc = commit_now(r, arena_printf(r->a, "create nonlocal table %s", t));
    }
    return rc;
}

static int make_local_again(struct schema_run *r) {
    uint64_t deleted;
    int rc = tables_has_table(r->x, "dolt_nonlocal_tables")
                 ? tables_delete(r->x, "dolt_nonlocal_tables", NULL, &deleted, r->err)
                 : BD_OK;
    return rc == BD_OK && r->fresh ? commit_now(r, "disable nonlocal tables for fk migrations") : rc;
}

/* ---- moves ---- */

static int delete_rows(struct schema_run *r, const char *table, const struct pred *where) {
    uint64_t deleted;
    return tables_delete(r->x, table, where, &deleted, r->err);
}

/* 30: what tells about one clone leaves the committed tables. */
static int move_local_keys(struct schema_run *r) {
    if (r->fresh)
        return BD_OK;
    struct cell versions[] = {cell_text("bd_version"), cell_text("bd_version_max")};
    const struct pred *tips = pred_cmp(r->a, PRED_PREFIX, "key", cell_text("tip_"));
    const struct {
        const char *table;
        const struct pred *where;
    } moves[] = {
        {"metadata", pred_or(r->a, tips, pred_in(r->a, "key", versions, 2))},
        {"config", pred_cmp(r->a, PRED_LIKE, "key", cell_text("%.last\\_sync"))},
    };
    for (size_t i = 0; i < 2; i++) {
        struct held_rows h;
        int rc = schema_rows_hold(r, moves[i].table, moves[i].where, &h);
        if (rc == BD_OK)
            rc = schema_rows_put_back(r, &h, "local_metadata", TABLES_INSERT_IGNORE);
        if (rc == BD_OK && h.row_count)
            rc = delete_rows(r, moves[i].table, moves[i].where);
        if (rc)
            return rc;
    }
    return BD_OK;
}

/* Counters of parents that are wisps go to the table of the clone. */
static int move_wisp_counters(struct schema_run *r) {
    if (r->fresh || !tables_has_table(r->x, "wisps") || !tables_has_table(r->x, "child_counters") ||
        !tables_has_table(r->x, "wisp_child_counters"))
        return BD_OK;
    struct held_rows h;
    int rc = schema_rows_hold(r, "child_counters", NULL, &h);
    int parent = schema_rows_column(&h, "parent_id");
    for (size_t k = 0; rc == BD_OK && parent >= 0 && k < h.row_count; k++) {
        struct held_rows one = h;
        one.cells = h.cells + k * h.column_count;
        one.row_count = 1;
        uint64_t wisps;
        rc = tables_count_all(r->x, "wisps", pred_cmp(r->a, PRED_EQ, "id", one.cells[parent]), &wisps,
                              r->err);
        if (rc || !wisps)
            continue;
        rc = schema_rows_put_back(r, &one, "wisp_child_counters", TABLES_INSERT_IGNORE);
        if (rc == BD_OK)
            rc = delete_rows(r, "child_counters",
                             pred_cmp(r->a, PRED_EQ, "parent_id", one.cells[parent]));
    }
    return rc;
}

/* ignored 1: local tables that are not there, as after a clone. */
static int make_local_tables(struct schema_run *r) {
    static const char *const tables[] = {"wisps",         "wisp_labels",   "wisp_dependencies",
                                         "wisp_events",   "wisp_comments", "repo_mtimes",
                                         "local_metadata"};
    int rc = BD_OK;
    for (size_t i = 0; rc == BD_OK && i < sizeof tables / sizeof *tables; i++)
        if (!tables_has_table(r->x, tables[i]))
            rc = schema_run_again_for(r, tables[i]);
    return rc;
}

/* ignored 3 and 5: an old wisp_dependencies is emptied, made anew, and filled when all is in place. */
static int remake_wisp_edges(struct schema_run *r) {
    if (!schema_has_column(r, "wisp_dependencies", "depends_on_id"))
        return BD_OK;
    int rc = schema_edges_add(r, "wisp_dependencies", NULL, &r->wisp_edges);
    static const char *const names[] = {"wisp_dependencies"};
    struct ddl drop = {.kind = DDL_DROP_TABLE, .names = names, .name_count = 1};
    if (rc == BD_OK)
        rc = tables_ddl(r->x, &drop, r->err);
    return rc ? rc : schema_run_again_for(r, "wisp_dependencies");
}

/* ---- by number ---- */

int schema_step_before(struct schema_run *r, enum migration_set set, int number) {
    if (set == MIGRATION_IGNORED && number == 3)
        return remake_wisp_edges(r);
    if (set != MIGRATION_MAIN || r->fresh)
        return set == MIGRATION_MAIN && number == 41 ? make_local_again(r) : BD_OK;
    switch (number) {
    case 37: return schema_uuid_keys(r);
    case 41: {
        int rc = make_local_again(r);
        if (rc == BD_OK && !schema_has_column(r, "dependencies", "depends_on_wisp_id"))
            rc = schema_edges_hold(r, "dependencies", &r->edges);
        return rc;
    }
    case 43:
        if (schema_has_column(r, "dependencies", "depends_on_id") && !r->edges.held)
            return schema_edges_hold(r, "dependencies", &r->edges);
        return BD_OK;
    default: return BD_OK;
    }
}

int schema_step_after(struct schema_run *r, enum migration_set set, int number) {
    if (set == MIGRATION_IGNORED)
        return number == 1 ? make_local_tables(r) : BD_OK;
    if (set != MIGRATION_MAIN)
        return BD_OK;
    switch (number) {
    case 16: return seed_config(r);
    case 19:
    case 28: return seed_ignore(r, number);
    case 30: return move_local_keys(r);
    case 35: return schema_infra_to_wisps(r);
    case 36:
        return r->fresh ? BD_OK
                        : delete_rows(r, "metadata",
                                      pred_cmp(r->a, PRED_PREFIX, "key", cell_text("dolt_auto_push_")));
    case 40: return make_nonlocal(r);
    case 43: return schema_edges_put(r, "dependencies", &r->edges);
    default: return BD_OK;
    }
}

int schema_step_finish(struct schema_run *r, int main_from, int ignored_from) {
    if (r->fresh)
        return BD_OK;
    int rc = schema_edges_put(r, "wisp_dependencies", &r->wisp_edges);
    if (rc == BD_OK && (ignored_from < 2 || r->moved_to_wisps))
        rc = move_wisp_counters(r);
    if (rc == BD_OK && (main_from < 47 || ignored_from < 7))
        rc = schema_blocked_recompute(r);
    return rc;
}

/* ---- statements that have nothing to do ---- */

/* A column goes only when no row says anything in it. */
static bool column_is_bare(struct schema_run *r, const char *table, const char *column) {
    if (!schema_has_column(r, table, column))
        return true;
    uint64_t n = 1;
    const struct pred *where =
        pred_and(r->a, pred_null(r->a, column, false), pred_cmp(r->a, PRED_NE, column, cell_int(0)));
    return tables_count_all(r->x, table, where, &n, NULL) == BD_OK && n == 0;
}

bool schema_step_wants(struct schema_run *r, enum migration_set set, int number, const struct ddl *d) {
    if (set == MIGRATION_IGNORED)
        return number != 2 || !strcasecmp(d->table, "child_counters") ||
               !tables_has_table(r->x, "wisp_child_counters");
    switch (number) {
    case 37: return false; /* steps_uuid.c runs what is needed */
    case 38: return column_is_bare(r, d->table, d->actions[0].name);
    case 43: return r->fresh || r->edges.held || !schema_has_column(r, "dependencies", "id");
    default: return true;
    }
}
