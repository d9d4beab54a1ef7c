/*
 * Execution of schema-changing statements: CREATE and DROP TABLE, views, TRUNCATE. ALTER TABLE is in
 * ddl_alter.c.
 *
 * A statement is not atomic by itself: after an error the transaction must be rolled back.
 */
#include "store/db/ddl_exec.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- CREATE TABLE ---- */

static int check_new_name(struct embedded_txn *x, const char *name, struct err *err) {
    struct table *t;
    int rc = embedded_table(x, name, &t, NULL);
    if (rc == BD_OK)
        return err_set(err, BD_EXISTS, "table with name %s already exists", name);
    if (rc != BD_NOT_FOUND)
        return embedded_table(x, name, &t, err);
    return BD_OK;
}

static int create_like(struct embedded_txn *x, const struct ddl *d, struct err *err) {
    struct table *other, *t;
    int rc = embedded_table(x, d->like, &other, err);
    if (rc)
        return rc;
    struct schema *s = arena_zalloc(&x->arena, sizeof *s);
    schema_copy(&other->ts->schema, &x->arena, s);
    size_t n = schema_visible_count(s);
    struct ddl_tag_request *tags = arena_zalloc(&x->arena, (n + 1) * sizeof *tags);
    for (size_t i = 0; i < n; i++)
        tags[i] =
            (struct ddl_tag_request){s->columns[i].name, sql_type_tag_kind(&s->columns[i].type), 0};
    rc = ddl_tags(x, d->table, NULL, true, tags, n, err);
    for (size_t i = 0; i < n; i++)
        s->columns[i].tag = tags[i].tag;
    return rc ? rc : ddl_publish_table(x, d->table, s, 0, &t, err);
}

static int create_table(struct embedded_txn *x, const struct ddl *d, struct err *err) {
    if (d->temporary)
        return err_set(err, BD_UNSUPPORTED, "temporary tables are not built yet");
    int rc = check_new_name(x, d->table, err);
    if (rc == BD_EXISTS && d->if_not_exists) {
        err_clear(err);
        return BD_OK;
    }
    if (rc)
        return rc;
    if (d->like)
        return create_like(x, d, err);
    struct arena *a = &x->arena;
    struct schema *s = arena_zalloc(a, sizeof *s);
    ddl_schema_blank(s, d->collation ? d->collation : x->root.collation);
    s->comment = d->comment ? arena_strdup(a, d->comment) : "";
    struct ddl_tag_request *tags = arena_zalloc(a, (d->column_count + 1) * sizeof *tags);
    for (size_t i = 0; i < d->column_count; i++)
        tags[i] =
            (struct ddl_tag_request){d->columns[i].name, sql_type_tag_kind(&d->columns[i].type), 0};
    rc = ddl_tags(x, d->table, NULL, true, tags, d->column_count, err);
    if (rc)
        return rc;
    s->columns = arena_zalloc(a, (d->column_count + 1) * sizeof *s->columns);
    for (size_t i = 0; i < d->column_count; i++) {
        if (schema_column(s, d->columns[i].name) >= 0)
            return err_set(err, BD_EXISTS, "column \"%s\" is named twice in table %s",
                           d->columns[i].name, d->table);
        s->columns[i] = ddl_column(&d->columns[i], tags[i].tag, s->collation, a);
        s->column_count = i + 1;
    }
    for (size_t i = 0; rc == BD_OK && i < d->index_count; i++) {
        const struct ddl_index *ix = &d->indexes[i];
        if (!ix->primary)
            continue;
        if (s->pk_count)
            return err_set(err, BD_INVALID, "table %s has more than one primary key", d->table);
        rc = ddl_schema_set_key(s, ix->parts, ix->part_count, a, err);
    }
    for (size_t i = 0; rc == BD_OK && i < d->index_count; i++)
        if (!d->indexes[i].primary)
            rc = ddl_schema_add_index(s, &d->indexes[i], false, a, NULL, err);
    for (size_t i = 0; rc == BD_OK && i < d->check_count; i++)
        rc = ddl_schema_add_check(s, d->table, &d->checks[i], a, err);
    struct table *t;
    if (rc == BD_OK)
        rc = ddl_check_auto_increment(s, err);
    if (rc == BD_OK)
        rc = ddl_publish_table(x, d->table, s, d->auto_increment, &t, err);
    for (size_t i = 0; rc == BD_OK && i < d->foreign_key_count; i++)
        rc = ddl_add_foreign_key(x, &t, &d->foreign_keys[i], err);
    return rc;
}

/* ---- views ---- */

#define SCHEMAS_SQL_MODE "NO_ENGINE_SUBSTITUTION,ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES"

static int view_exists(struct embedded_txn *x, const char *name, bool *exists, struct err *err) {
    *exists = false;
    struct cell key[2] = {cell_text("view"), cell_text(name)}, got;
    static const char *const column = "name";
    struct table *t;
    int rc = embedded_table(x, "dolt_schemas", &t, NULL);
    if (rc == BD_OK)
        rc = embedded_get(&x->base, "dolt_schemas", key, 2, &column, 1, &x->arena, &got, err);
    if (rc == BD_NOT_FOUND) {
        err_clear(err);
        return BD_OK;
    }
    *exists = rc == BD_OK;
    return rc;
}

static int create_view(struct embedded_txn *x, const struct ddl *d, struct err *err) {
    int rc = check_new_name(x, d->table, err);
    bool exists = false;
    if (rc == BD_OK)
        rc = view_exists(x, d->table, &exists, err);
    if (rc)
        return rc;
    if (exists && !d->or_replace)
        return err_set(err, BD_EXISTS, "view %s already exists", d->table);
    static const char *const columns[] = {"type", "name", "fragment", "extra", "sql_mode"};
    struct cell row[] = {cell_text("view"), cell_text(d->table), cell_text(d->text),
                         cell_json("{\"CreatedAt\":0}"), cell_text(SCHEMAS_SQL_MODE)};
    return embedded_insert(&x->base, "dolt_schemas", columns, row, 5, TABLES_INSERT_REPLACE, NULL, err);
}

static int drop_views(struct embedded_txn *x, const struct ddl *d, struct err *err) {
    for (size_t i = 0; i < d->name_count; i++) {
        bool exists;
        int rc = view_exists(x, d->names[i], &exists, err);
        if (rc == BD_OK && !exists && !d->if_exists)
            rc = err_set(err, BD_NOT_FOUND, "view %s does not exist", d->names[i]);
        if (rc)
            return rc;
        if (!exists)
            continue;
        const struct pred *where =
            pred_and(&x->arena, pred_cmp(&x->arena, PRED_EQ, "type", cell_text("view")),
                     pred_cmp(&x->arena, PRED_EQ, "name", cell_text(d->names[i])));
        uint64_t deleted;
        rc = embedded_delete(&x->base, "dolt_schemas", where, &deleted, err);
        if (rc)
            return rc;
    }
    return BD_OK;
}

/* ---- DROP TABLE, TRUNCATE ---- */

static int drop_tables(struct embedded_txn *x, const struct ddl *d, struct err *err) {
    for (size_t i = 0; i < d->name_count; i++) {
        struct table *t;
        int rc = embedded_table_for_write(x, d->names[i], &t, err);
        if (rc == BD_NOT_FOUND && d->if_exists) {
            err_clear(err);
            continue;
        }
        if (rc == BD_OK)
            rc = ddl_keys_drop_table(x, t->name, err);
        if (rc == BD_OK)
            rc = embedded_drop_table(x, t);
        if (rc)
            return rc;
    }
    return BD_OK;
}

static int truncate_table(struct embedded_txn *x, const struct ddl *d, struct err *err) {
    struct table *t;
    struct foreign_keys *all;
    int rc = embedded_table_for_write(x, d->table, &t, err);
    if (rc == BD_OK)
        rc = embedded_foreign_keys(x, &all, err);
    for (size_t i = 0; rc == BD_OK && x->foreign_key_checks && i < all->count; i++)
        if (!strcasecmp(all->keys[i].parent_table, t->name) &&
            strcasecmp(all->keys[i].child_table, t->name))
            rc = err_set(err, BD_CONSTRAINT, "cannot truncate table %s: foreign key `%s` refers to it",
                         t->name, all->keys[i].name);
    struct table *n = arena_zalloc(&x->arena, sizeof *n);
    if (rc == BD_OK)
        rc = table_create(n, x->ns, t->name, t->ts, &x->arena, err);
    if (rc == BD_OK)
        embedded_put_table(x, n);
    return rc;
}

int embedded_ddl(struct tables_txn *txn, const struct ddl *d, struct err *err) {
    struct embedded_txn *x = embedded_txn_of(txn);
    if (!x->writing)
        return err_set(err, BD_READ_ONLY, "the schema cannot be changed in a snapshot for reading");
    switch (d->kind) {
    case DDL_CREATE_TABLE: return create_table(x, d, err);
    case DDL_ALTER_TABLE: return ddl_alter(x, d, err);
    case DDL_DROP_TABLE: return drop_tables(x, d, err);
    case DDL_CREATE_VIEW: return create_view(x, d, err);
    case DDL_DROP_VIEW: return drop_views(x, d, err);
    case DDL_TRUNCATE: return truncate_table(x, d, err);
    }
    return err_set(err, BD_UNSUPPORTED, "unknown schema change %d", (int)d->kind);
}
