/* The migration files as statements, and the execution of one of them. */
#include "schema/run.h"

#include <strings.h>

const struct migration *schema_migration_find(enum migration_set set, int number) {
    for (size_t i = 0; i < schema_migration_count; i++)
        if (schema_migration_files[i].set == set && schema_migration_files[i].number == number)
            return &schema_migration_files[i];
    return NULL;
}

int schema_statements(struct schema_run *r, const struct migration *m, struct ddl **list,
                      size_t *count) {
    int rc = sql_ddl_parse(m->sql, m->sql_size, r->a, list, count, r->err);
    return rc ? err_prefix(r->err, "migration %04d %s", m->number, m->name) : BD_OK;
}

static bool declares_keys(const struct ddl *d) {
    if (d->foreign_key_count)
        return true;
    for (size_t i = 0; i < d->action_count; i++)
        if (d->actions[i].kind == DDL_ADD_FOREIGN_KEY)
            return true;
    return false;
}

int schema_execute(struct schema_run *r, enum migration_set set, int number, const struct ddl *d) {
    if (!declares_keys(d))
        return tables_ddl(r->x, d, r->err);
    /* fk_counter_parent is left unresolved, as upstream leaves it */
    bool checked = !(set == MIGRATION_IGNORED && number == 2);
    tables_set_foreign_key_checks(r->x, checked);
    int rc = tables_ddl(r->x, d, r->err);
    if (rc == BD_CONSTRAINT && checked && !r->fresh) {
        err_clear(r->err);
        tables_set_foreign_key_checks(r->x, false);
        rc = tables_ddl(r->x, d, r->err);
    }
    tables_set_foreign_key_checks(r->x, r->fresh);
    return rc;
}

int schema_run_again_for(struct schema_run *r, const char *table) {
    int rc = BD_OK;
    for (size_t i = 0; rc == BD_OK && i < schema_migration_count; i++) {
        const struct migration *m = &schema_migration_files[i];
        struct ddl *list;
        size_t count;
        if (m->set != MIGRATION_MAIN || m->number == 37)
            continue;
        rc = schema_statements(r, m, &list, &count);
        for (size_t k = 0; rc == BD_OK && k < count; k++)
            if ((list[k].kind == DDL_CREATE_TABLE || list[k].kind == DDL_ALTER_TABLE) &&
                !strcasecmp(list[k].table, table))
                rc = schema_execute(r, m->set, m->number, &list[k]);
    }
    return rc;
}
