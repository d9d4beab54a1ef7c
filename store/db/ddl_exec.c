/*
 * Execution of schema-changing statements: CREATE and DROP TABLE, views, TRUNCATE; the tables that Dolt
 * makes by itself. ALTER TABLE is in ddl_alter.c.
 *
 * A statement is not atomic by itself: after an error the transaction must be rolled back.
 */
#include "store/db/ddl_exec.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TAG_SYSTEM (UINT64_C(1) << 51)

/* ---- parts of a schema ---- */

struct column ddl_column(const struct ddl_column *c, uint64_t tag, uint16_t table_collation,
                         struct arena *a) {
    struct column out = {.name = arena_strdup(a, c->name),
                         .type_text = arena_strdup(a, c->type_text),
                         .type = c->type,
                         .default_text = c->default_text ? arena_strdup(a, c->default_text) : "",
                         .comment = c->comment ? arena_strdup(a, c->comment) : "",
                         .on_update = c->on_update ? arena_strdup(a, c->on_update) : "",
                         .tag = tag};
    if (!c->collation_given && sql_type_is_text(&c->type) && table_collation &&
        table_collation != c->type.collation) {
        out.type.collation = table_collation;
        out.type_text = sql_type_format(&out.type, a);
    }
    out.encoding = sql_type_encoding(&out.type);
    out.primary_key = c->primary_key;
    out.nullable = c->nullability != DDL_NOT_NULL && !c->primary_key;
    out.auto_increment = c->auto_increment;
    out.generated = c->generated;
    out.is_virtual = c->is_virtual;
    return out;
}

static bool index_name_taken(const struct schema *s, const char *name) {
    return schema_index(s, name) != NULL;
}

int ddl_schema_add_index(struct schema *s, const struct ddl_index *ix, bool system_defined,
                         struct arena *a, const char **name, struct err *err) {
    struct index out = {.comment = ix->comment ? arena_strdup(a, ix->comment) : "",
                        .unique = ix->unique,
                        .spatial = ix->spatial,
                        .system_defined = system_defined};
    if (ix->fulltext)
        return err_set(err, BD_UNSUPPORTED, "full-text indexes are not built yet");
    if (ix->spatial)
        return err_set(err, BD_UNSUPPORTED, "spatial indexes are not built yet");
    if (ix->part_count == 0)
        return err_set(err, BD_INVALID, "an index needs at least one column");
    out.columns = arena_alloc(a, ix->part_count * sizeof *out.columns);
    out.prefix_lengths = arena_zalloc(a, ix->part_count * sizeof *out.prefix_lengths);
    out.column_count = ix->part_count;
    bool prefixed = false;
    for (size_t i = 0; i < ix->part_count; i++) {
        int at = schema_column(s, ix->parts[i].column);
        if (at < 0)
            return err_set(err, BD_NOT_FOUND, "key column '%s' doesn't exist in table",
                           ix->parts[i].column);
        for (size_t k = 0; k < i; k++)
            if (out.columns[k] == at)
                return err_set(err, BD_INVALID, "duplicate column name '%s' in an index",
                               ix->parts[i].column);
        out.columns[i] = (uint16_t)at;
        out.prefix_lengths[i] = (uint16_t)ix->parts[i].prefix_length;
        prefixed = prefixed || ix->parts[i].prefix_length;
        enum encoding e = s->columns[at].encoding;
        if (!ix->parts[i].prefix_length &&
            (e == ENC_JSON_ADDR || e == ENC_BYTES_ADDR || e == ENC_STRING_ADDR))
            return err_set(err, BD_INVALID,
                           "BLOB/TEXT column '%s' used in key specification without a key length",
                           s->columns[at].name);
    }
    if (prefixed)
        out.prefix_count = ix->part_count;
    else
        out.prefix_lengths = NULL;
    const char *wanted = ix->name ? ix->name : s->columns[out.columns[0]].name;
    out.name = arena_strdup(a, wanted);
    for (unsigned n = 2; !ix->name && index_name_taken(s, out.name); n++)
        out.name = arena_printf(a, "%s_%u", wanted, n);
    if (index_name_taken(s, out.name))
        return err_set(err, BD_EXISTS, "duplicate key name '%s'", out.name);
    struct index *list = arena_alloc(a, (s->index_count + 1) * sizeof *list);
    if (s->index_count)
        memcpy(list, s->indexes, s->index_count * sizeof *list);
    list[s->index_count++] = out;
    s->indexes = list;
    if (name)
        *name = out.name;
    return BD_OK;
}

int ddl_schema_add_check(struct schema *s, const char *table, const struct ddl_check *c,
                         struct arena *a, struct err *err) {
    struct check out = {.expression = arena_strdup(a, c->expression), .enforced = !c->not_enforced};
    if (c->name) {
        out.name = arena_strdup(a, c->name);
    } else {
        struct hash h = hash_of(c->expression, strlen(c->expression));
        char text[HASH_TEXT_SIZE + 1];
        hash_format(&h, text);
        out.name = arena_printf(a, "%s_chk_%.8s", table, text);
    }
    for (size_t i = 0; i < s->check_count; i++)
        if (!strcasecmp(s->checks[i].name, out.name))
            return err_set(err, BD_EXISTS, "duplicate check constraint name '%s'", out.name);
    struct check *list = arena_alloc(a, (s->check_count + 1) * sizeof *list);
    if (s->check_count)
        memcpy(list, s->checks, s->check_count * sizeof *list);
    list[s->check_count++] = out;
    s->checks = list;
    return BD_OK;
}

int ddl_schema_set_key(struct schema *s, const struct ddl_index_part *parts, size_t count,
                       struct arena *a, struct err *err) {
    s->pk = arena_alloc(a, (count + 1) * sizeof *s->pk);
    s->pk_count = 0;
    for (size_t i = 0; i < count; i++) {
        int at = schema_column(s, parts[i].column);
        if (at < 0)
            return err_set(err, BD_NOT_FOUND, "key column '%s' doesn't exist in table",
                           parts[i].column);
        for (size_t k = 0; k < i; k++)
            if (s->pk[k] == at)
                return err_set(err, BD_INVALID, "duplicate column name '%s' in the primary key",
                               parts[i].column);
        s->pk[s->pk_count++] = (uint16_t)at;
        s->columns[at].primary_key = true;
        s->columns[at].nullable = false;
    }
    return BD_OK;
}

int ddl_check_auto_increment(const struct schema *s, struct err *err) {
    size_t columns = 0, leading = 0;
    for (size_t i = 0; i < s->column_count; i++) {
        if (!s->columns[i].auto_increment)
            continue;
        columns++;
        bool leads = s->pk_count && s->pk[0] == i;
        for (size_t k = 0; k < s->index_count; k++)
            leads = leads || s->indexes[k].columns[0] == i;
        leading += leads;
    }
    if (columns <= 1 && columns == leading)
        return BD_OK;
    return err_set(err, BD_INVALID,
                   "there can be only one auto_increment column and it must be defined as a key");
}

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

static int publish_new(struct embedded_txn *x, const char *name, struct schema *s,
                       uint64_t auto_increment, struct table **out, struct err *err) {
    schema_derive(s, &x->arena);
    struct table_schema *ts = arena_zalloc(&x->arena, sizeof *ts);
    table_schema_init(ts, s, &x->arena);
    struct table *t = arena_zalloc(&x->arena, sizeof *t);
    int rc = table_create(t, x->ns, name, ts, &x->arena, err);
    if (rc)
        return err_prefix(err, "creating table %s", name);
    t->auto_increment = auto_increment;
    embedded_put_table(x, t);
    *out = t;
    return BD_OK;
}

static void schema_blank(struct schema *s, uint16_t collation) {
    memset(s, 0, sizeof *s);
    s->collation = collation ? collation : COLLATION_UTF8MB4_0900_BIN;
    s->comment = "";
    s->target_row_size = 2048;
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
    return rc ? rc : publish_new(x, d->table, s, 0, &t, err);
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
    schema_blank(s, d->collation ? d->collation : x->root.collation);
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
        rc = publish_new(x, d->table, s, d->auto_increment, &t, err);
    for (size_t i = 0; rc == BD_OK && i < d->foreign_key_count; i++)
        rc = ddl_add_foreign_key(x, &t, &d->foreign_keys[i], err);
    return rc;
}

/* ---- tables made on first use ---- */

struct system_column {
    const char *name, *type;
    bool key, required;
    uint64_t fixed_tag; /* 0: generated */
};
static const struct system_table {
    const char *name;
    struct system_column columns[6];
} system_tables[] = {
    {"dolt_ignore", {{"pattern", "text", true, true, 0}, {"ignored", "tinyint(1)", false, true, 0}}},
    {"dolt_nonlocal_tables",
     {{"table_name", "varchar(65535)", true, true, 0},
      {"target_ref", "varchar(65535)", false, false, 0},
      {"ref_table", "varchar(65535)", false, false, 0},
      {"options", "varchar(65535)", false, false, 0}}},
    {"dolt_schemas",
     {{"type", "varchar(64) COLLATE utf8mb4_0900_ai_ci", true, true, TAG_SYSTEM + 4008},
      {"name", "varchar(64) COLLATE utf8mb4_0900_ai_ci", true, true, TAG_SYSTEM + 4009},
      {"fragment", "longtext", false, false, TAG_SYSTEM + 4010},
      {"extra", "json", false, false, TAG_SYSTEM + 4011},
      {"sql_mode", "varchar(256) COLLATE utf8mb4_0900_ai_ci", false, false, TAG_SYSTEM + 4012}}},
    {"dolt_procedures",
     {{"name", "varchar(1023)", true, true, TAG_SYSTEM + 6000},
      {"create_stmt", "varchar(8191)", false, false, TAG_SYSTEM + 6001},
      {"created_at", "datetime(6)", false, false, TAG_SYSTEM + 6002},
      {"modified_at", "datetime(6)", false, false, TAG_SYSTEM + 6003},
      {"sql_mode", "varchar(1023)", false, false, TAG_SYSTEM + 6004}}},
    {"dolt_docs",
     {{"doc_name", "varchar(1023)", true, true, 0}, {"doc_text", "longtext", false, false, 0}}},
};

int ddl_system_table(struct embedded_txn *x, const char *name, struct table **out, struct err *err) {
    const struct system_table *st = NULL;
    for (size_t i = 0; i < sizeof system_tables / sizeof *system_tables; i++)
        if (!strcasecmp(system_tables[i].name, name))
            st = &system_tables[i];
    if (!st)
        return err_set(err, BD_NOT_FOUND, "table not found: %s", name);
    struct arena *a = &x->arena;
    struct schema *s = arena_zalloc(a, sizeof *s);
    schema_blank(s, COLLATION_UTF8MB4_0900_BIN);
    size_t n = 0;
    while (n < 6 && st->columns[n].name)
        n++;
    s->columns = arena_zalloc(a, n * sizeof *s->columns);
    s->pk = arena_zalloc(a, n * sizeof *s->pk);
    struct ddl_tag_request tags[6];
    for (size_t i = 0; i < n; i++) {
        const struct system_column *sc = &st->columns[i];
        struct column *c = &s->columns[i];
        *c = (struct column){.name = sc->name,
                             .type_text = sc->type,
                             .default_text = "",
                             .comment = "",
                             .on_update = "",
                             .primary_key = sc->key,
                             .nullable = !sc->required,
                             .tag = sc->fixed_tag};
        int rc = sql_type_parse(sc->type, a, &c->type, err);
        if (rc)
            return rc;
        c->encoding = sql_type_encoding(&c->type);
        tags[i] = (struct ddl_tag_request){sc->name, sql_type_tag_kind(&c->type), 0};
        if (sc->key)
            s->pk[s->pk_count++] = (uint16_t)i;
    }
    s->column_count = n;
    if (!st->columns[0].fixed_tag) {
        int rc = ddl_tags(x, st->name, NULL, true, tags, n, err);
        if (rc)
            return rc;
        for (size_t i = 0; i < n; i++)
            s->columns[i].tag = tags[i].tag;
    }
    return publish_new(x, st->name, s, 0, out, err);
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
