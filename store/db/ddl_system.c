/* The tables that Dolt makes by itself, when they are first written. */
#include "store/db/ddl_exec.h"

#include <string.h>
#include <strings.h>

#define TAG_SYSTEM (UINT64_C(1) << 51)

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

int ddl_publish_table(struct embedded_txn *x, const char *name, struct schema *s,
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

int ddl_system_table(struct embedded_txn *x, const char *name, struct table **out, struct err *err) {
    const struct system_table *st = NULL;
    for (size_t i = 0; i < sizeof system_tables / sizeof *system_tables; i++)
        if (!strcasecmp(system_tables[i].name, name))
            st = &system_tables[i];
    if (!st)
        return err_set(err, BD_NOT_FOUND, "table not found: %s", name);
    struct arena *a = &x->arena;
    struct schema *s = arena_zalloc(a, sizeof *s);
    ddl_schema_blank(s, COLLATION_UTF8MB4_0900_BIN);
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
    return ddl_publish_table(x, st->name, s, 0, out, err);
}
