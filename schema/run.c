/*
 * Runs migrations: the DDL of the files, the steps beside them, the record of what has run.
 *
 * On an old database statements are taken with tolerance: a local table that is not there is passed
 * over (the ignored set makes it), CREATE TABLE of a table that is there adds the columns and indexes
 * it lacks, and a foreign key that rows contradict is declared unresolved rather than refused.
 */
#include "schema/run.h"

#include <string.h>
#include <strings.h>

static int set_latest(enum migration_set set) {
    return set == MIGRATION_MAIN ? SCHEMA_MAIN_VERSION : SCHEMA_IGNORED_VERSION;
}

static const char *set_cursor(enum migration_set set) {
    return set == MIGRATION_MAIN ? "schema_migrations" : "ignored_schema_migrations";
}

/* ---- statements ---- */

/* Tables whose old shape is no incomplete new one: their steps know what to do. */
static bool keeps_its_shape(struct schema_run *r, const char *table) {
    return !strcasecmp(table, "schema_migrations") || !strcasecmp(table, "ignored_schema_migrations") ||
           (!strcasecmp(table, "wisp_dependencies") && schema_has_column(r, table, "depends_on_id")) ||
           (!strcasecmp(table, "dependencies") && !schema_has_column(r, table, "depends_on_id"));
}

/* Columns and indexes that the statement names and the table lacks. */
static int complete_table(struct schema_run *r, const struct ddl *d) {
    const struct schema *s;
    int rc = BD_OK;
    for (size_t i = 0; rc == BD_OK && i < d->column_count; i++) {
        if (tables_has_column(r->x, d->table, d->columns[i].name))
            continue;
        struct ddl_action add = {.kind = DDL_ADD_COLUMN, .column = &d->columns[i]};
        struct ddl alter = {
            .kind = DDL_ALTER_TABLE, .table = d->table, .actions = &add, .action_count = 1};
        rc = tables_ddl(r->x, &alter, r->err);
    }
    for (size_t i = 0; rc == BD_OK && i < d->index_count; i++) {
        const struct ddl_index *ix = &d->indexes[i];
        rc = tables_schema(r->x, d->table, &s, r->err);
        if (rc || ix->primary || !ix->name || schema_index(s, ix->name))
            continue;
        struct ddl_action add = {.kind = DDL_ADD_INDEX, .index = ix};
        struct ddl alter = {
            .kind = DDL_ALTER_TABLE, .table = d->table, .actions = &add, .action_count = 1};
        rc = tables_ddl(r->x, &alter, r->err);
    }
    return rc;
}

static int run_statement(struct schema_run *r, enum migration_set set, int number,
                         const struct ddl *d) {
    if (!schema_step_wants(r, set, number, d))
        return BD_OK;
    if (!r->fresh && d->kind == DDL_CREATE_TABLE && tables_has_table(r->x, d->table))
        return keeps_its_shape(r, d->table) ? BD_OK : complete_table(r, d);
    if (!r->fresh && d->kind == DDL_ALTER_TABLE && !tables_has_table(r->x, d->table))
        return BD_OK;
    return schema_execute(r, set, number, d);
}

/* Executes the DDL of a file, statement by statement. */
static int run_file(struct schema_run *r, const struct migration *m) {
    struct ddl *list;
    size_t count;
    int rc = schema_statements(r, m, &list, &count);
    for (size_t i = 0; rc == BD_OK && i < count; i++) {
        rc = run_statement(r, m->set, m->number, &list[i]);
        if (rc)
            err_prefix(r->err, "migration %04d %s", m->number, m->name);
    }
    return rc;
}

/* ---- sets ---- */

static int record(struct schema_run *r, enum migration_set set, int number) {
    static const char *const columns[] = {"version"};
    struct cell version = cell_int(number);
    return schema_rows_insert(r, set_cursor(set), columns, &version, 1, TABLES_INSERT_IGNORE, NULL);
}

static int run_set(struct schema_run *r, enum migration_set set, int from, int *applied) {
    *applied = 0;
    int rc = run_file(r, schema_migration_find(set, 0));
    for (int n = from + 1; rc == BD_OK && n <= set_latest(set); n++) {
        const struct migration *m = schema_migration_find(set, n);
        rc = schema_step_before(r, set, n);
        if (rc == BD_OK && m)
            rc = run_file(r, m);
        if (rc == BD_OK)
            rc = schema_step_after(r, set, n);
        if (rc == BD_OK)
            rc = record(r, set, n);
        (*applied)++;
    }
    return rc;
}

static int ignore_cursor(struct schema_run *r) {
    static const char *const columns[] = {"pattern", "ignored"};
    struct cell row[] = {cell_text("ignored_schema_migrations"), cell_int(1)};
    return schema_rows_insert(r, "dolt_ignore", columns, row, 2, TABLES_INSERT_REPLACE, NULL);
}

int schema_run_migrations(struct schema_run *r, int main_from, int ignored_from, int *main_applied,
                          int *ignored_applied) {
    *main_applied = *ignored_applied = 0;
    int rc = BD_OK;
    tables_set_foreign_key_checks(r->x, r->fresh);
    if (main_from < SCHEMA_MAIN_VERSION)
        rc = run_set(r, MIGRATION_MAIN, main_from, main_applied);
    if (rc == BD_OK)
        rc = ignore_cursor(r);
    if (rc == BD_OK && ignored_from < SCHEMA_IGNORED_VERSION)
        rc = run_set(r, MIGRATION_IGNORED, ignored_from, ignored_applied);
    if (rc == BD_OK)
        rc = schema_step_finish(r, main_from, ignored_from);
    tables_set_foreign_key_checks(r->x, true);
    return rc;
}

int schema_run_town(struct schema_run *r) {
    int rc = BD_OK;
    for (size_t i = 0; rc == BD_OK && i < schema_migration_count; i++)
        if (schema_migration_files[i].set == MIGRATION_TOWN)
            rc = run_file(r, &schema_migration_files[i]);
    return rc;
}
