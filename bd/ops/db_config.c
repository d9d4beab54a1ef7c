/*
 * Settings kept in the database. The tables custom_statuses and custom_types mirror the keys
 * status.custom and types.custom; a mirror without rows (or an older schema without the table) means
 * "ask the key".
 */
#include "bd/ops/db_config.h"

#include "base/json_value.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define CUSTOM_STATUS_MAX 50

/* A JSON array of texts, or a comma list. */
static void list_parse(const char *text, struct arena *a, struct text_list *out) {
    const struct json_value *json = text && text[strspn(text, " \t\r\n")] == '['
                                        ? json_value_parse(text, strlen(text), a, NULL)
                                        : NULL;
    if (!json) {
        text_list_split(text, a, out);
        return;
    }
    *out = (struct text_list){NULL, 0};
    JSON_EACH(item, json) {
        if (item->text)
            text_list_add(out, a, item->text);
    }
}

static const char *yaml_value(const struct ops *o, const char *key) {
    const char *value = o && o->config_get ? o->config_get(o->config_ctx, key) : NULL;
    return value && *value ? value : NULL;
}

int db_config_get(struct tables_txn *x, const char *key, struct arena *a, const char **value,
                  struct err *err) {
    static const char *const columns[] = {"value"};
    struct cell k = cell_text(key), v;
    *value = NULL;
    int rc = tables_get(x, "config", &k, 1, columns, 1, a, &v, err);
    if (rc == BD_NOT_FOUND) {
        err_clear(err);
        return BD_OK;
    }
    if (rc == BD_OK && cell_has_text(&v))
        *value = arena_strndup(a, v.s.data, v.s.size);
    return rc;
}

static int sync_statuses(struct tables_txn *x, const char *value, struct err *err) {
    static const char *const columns[] = {"name", "category"};
    if (!tables_has_table(x, "custom_statuses"))
        return BD_OK;
    struct arena a = ARENA_INIT;
    struct custom_statuses parsed;
    int rc = custom_statuses_parse(value, &a, &parsed, err);
    if (rc != BD_OK)
        err_prefix(err, "invalid status.custom value");
    else
        rc = tables_delete(x, "custom_statuses", NULL, NULL, err);
    for (size_t i = 0; rc == BD_OK && i < parsed.count; i++) {
        struct cell row[] = {cell_text(parsed.items[i].name), cell_text(parsed.items[i].category)};
        rc = tables_insert(x, "custom_statuses", columns, row, 2, 0, NULL, err);
    }
    arena_release(&a);
    return rc;
}

static int sync_types(struct tables_txn *x, const char *value, struct err *err) {
    static const char *const columns[] = {"name"};
    if (!tables_has_table(x, "custom_types"))
        return BD_OK;
    struct arena a = ARENA_INIT;
    struct text_list types;
    list_parse(value, &a, &types);
    int rc = tables_delete(x, "custom_types", NULL, NULL, err);
    for (size_t i = 0; rc == BD_OK && i < types.count; i++) {
        struct cell row = cell_text(types.items[i]);
        rc = tables_insert(x, "custom_types", columns, &row, 1, TABLES_INSERT_IGNORE, NULL, err);
    }
    arena_release(&a);
    return rc;
}

static int sync_mirror(struct tables_txn *x, const char *key, const char *value, struct err *err) {
    if (strcmp(key, "status.custom") == 0)
        return sync_statuses(x, value, err);
    if (strcmp(key, "types.custom") == 0)
        return sync_types(x, value, err);
    return BD_OK;
}

int db_config_set(struct tables_txn *x, const char *key, const char *value, struct err *err) {
    static const char *const columns[] = {"key", "value"};
    struct cell row[] = {cell_text(key), cell_text(value)};
    int rc = tables_insert(x, "config", columns, row, 2, TABLES_INSERT_REPLACE, NULL, err);
    return rc == BD_OK ? sync_mirror(x, key, value, err) : rc;
}

int db_config_unset(struct tables_txn *x, const char *key, bool *existed, struct err *err) {
    struct arena a = ARENA_INIT;
    uint64_t deleted = 0;
    int rc = tables_delete(x, "config", pred_cmp(&a, PRED_EQ, "key", cell_text(key)), &deleted, err);
    arena_release(&a);
    if (existed)
        *existed = deleted > 0;
    return rc == BD_OK ? sync_mirror(x, key, "", err) : rc;
}

int db_config_change(struct tables_txn *x, void *ctx, struct err *err) {
    const struct db_config_change *c = ctx;
    bool existed;
    return c->value ? db_config_set(x, c->key, c->value, err)
                    : db_config_unset(x, c->key, &existed, err);
}

static const char *trim_dash(const char *text, struct arena *a) {
    size_t n = strlen(text);
    return n && text[n - 1] == '-' ? arena_strndup(a, text, n - 1) : text;
}

int db_config_prefix(struct tables_txn *x, struct arena *a, const char **prefix, struct err *err) {
    int rc = db_config_get(x, "issue_prefix", a, prefix, err);
    if (rc != BD_OK)
        return rc;
    if (!*prefix || !**prefix)
        return err_set(
            err, BD_INVALID,
            "database not initialized: issue_prefix config is missing (run 'bd init --prefix "
            "<prefix>' for a new project, or 'bd bootstrap' to clone an existing remote; if "
            "using config.yaml, use key 'issue-prefix', not 'issue_prefix')");
    *prefix = trim_dash(*prefix, a);
    return BD_OK;
}

int db_config_known_prefixes(struct tables_txn *x, struct arena *a, struct text_list *out,
                             struct err *err) {
    const char *own, *allowed;
    int rc = db_config_get(x, "issue_prefix", a, &own, err);
    if (rc == BD_OK)
        rc = db_config_get(x, "allowed_prefixes", a, &allowed, err);
    if (rc != BD_OK)
        return rc;
    struct text_list more;
    text_list_split(allowed, a, &more);
    *out = (struct text_list){NULL, 0};
    if (own && *own)
        text_list_add(out, a, trim_dash(own, a));
    for (size_t i = 0; i < more.count; i++) {
        const char *p = trim_dash(more.items[i], a);
        if (*p && !text_list_has(out, p))
            text_list_add(out, a, p);
    }
    return BD_OK;
}

struct collect {
    struct arena *a;
    struct text_list names, categories;
};

static int collect_row(void *ctx, const struct cell *row) {
    struct collect *c = ctx;
    if (!cell_has_text(&row[0]))
        return BD_OK;
    text_list_add(&c->names, c->a, arena_strndup(c->a, row[0].s.data, row[0].s.size));
    text_list_add(&c->categories, c->a,
                  cell_has_text(&row[1]) ? arena_strndup(c->a, row[1].s.data, row[1].s.size)
                                         : "unspecified");
    return BD_OK;
}

static int collect_table(struct tables_txn *x, const char *table, struct collect *c, struct err *err) {
    static const char *const columns[] = {"name", "category"};
    if (!tables_has_table(x, table))
        return BD_OK;
    struct tables_query q = {.table = table, .columns = columns, .column_count = 2};
    return tables_scan(x, &q, c->a, collect_row, c, err);
}

static bool name_is_valid(const char *name) {
    if (*name < 'a' || *name > 'z')
        return false;
    return name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-")] == '\0';
}

int custom_statuses_parse(const char *text, struct arena *a, struct custom_statuses *out,
                          struct err *err) {
    struct text_list parts;
    text_list_split(text, a, &parts);
    out->items = arena_zalloc(a, (parts.count + 1) * sizeof *out->items);
    out->count = 0;
    for (size_t i = 0; i < parts.count; i++) {
        struct custom_status s = {parts.items[i], "unspecified"};
        const char *colon = strchr(s.name, ':');
        if (colon) {
            if (!colon[1])
                return err_set(err, BD_INVALID,
                               "invalid custom status \"%s\": trailing colon with empty category",
                               s.name);
            s.name = arena_strndup(a, s.name, (size_t)(colon - s.name));
            s.category = colon + 1;
            if (strcmp(s.category, "active") != 0 && strcmp(s.category, "wip") != 0 &&
                strcmp(s.category, "done") != 0 && strcmp(s.category, "frozen") != 0)
                return err_set(err, BD_INVALID,
                               "invalid category \"%s\" for status \"%s\": must be one of active, wip, "
                               "done, frozen",
                               s.category, s.name);
        }
        if (!name_is_valid(s.name))
            return err_set(err, BD_INVALID,
                           "invalid status name \"%s\": must match [a-z][a-z0-9_-]* (lowercase, "
                           "letter-first, no spaces)",
                           s.name);
        if (status_is_builtin(s.name))
            return err_set(err, BD_INVALID, "custom status \"%s\" collides with built-in status",
                           s.name);
        for (size_t k = 0; k < out->count; k++)
            if (strcmp(out->items[k].name, s.name) == 0)
                return err_set(err, BD_INVALID, "duplicate custom status name \"%s\"", s.name);
        out->items[out->count++] = s;
    }
    if (out->count > CUSTOM_STATUS_MAX)
        return err_set(err, BD_INVALID, "too many custom statuses (%zu): maximum is %d", out->count,
                       CUSTOM_STATUS_MAX);
    return BD_OK;
}

/* A setting that does not parse still names statuses: entries count as plain names. */
static void statuses_parse_leniently(const char *text, struct arena *a, struct custom_statuses *out) {
    if (custom_statuses_parse(text, a, out, NULL) == BD_OK)
        return;
    struct text_list parts;
    text_list_split(text, a, &parts);
    out->items = arena_zalloc(a, (parts.count + 1) * sizeof *out->items);
    out->count = parts.count;
    for (size_t i = 0; i < parts.count; i++)
        out->items[i] = (struct custom_status){parts.items[i], "unspecified"};
}

int db_config_statuses(const struct ops *o, struct tables_txn *x, struct arena *a,
                       struct custom_statuses *out, struct err *err) {
    *out = (struct custom_statuses){NULL, 0};
    struct collect c = {.a = a};
    int rc = collect_table(x, "custom_statuses", &c, err);
    if (rc != BD_OK)
        return rc;
    if (c.names.count) {
        out->items = arena_alloc(a, c.names.count * sizeof *out->items);
        out->count = c.names.count;
        for (size_t i = 0; i < out->count; i++)
            out->items[i] = (struct custom_status){c.names.items[i], c.categories.items[i]};
        return BD_OK;
    }
    const char *value;
    rc = db_config_get(x, "status.custom", a, &value, err);
    if (rc != BD_OK)
        return rc;
    if (!value || !*value)
        value = yaml_value(o, "status.custom");
    if (value)
        statuses_parse_leniently(value, a, out);
    return BD_OK;
}

int db_config_types(const struct ops *o, struct tables_txn *x, struct arena *a, struct text_list *out,
                    struct err *err) {
    struct collect c = {.a = a};
    int rc = collect_table(x, "custom_types", &c, err);
    if (rc != BD_OK)
        return rc;
    *out = c.names;
    if (!out->count) {
        const char *value;
        rc = db_config_get(x, "types.custom", a, &value, err);
        if (rc != BD_OK)
            return rc;
        list_parse(value, a, out);
    }
    struct text_list yaml;
    list_parse(yaml_value(o, "types.custom"), a, &yaml);
    for (size_t i = 0; i < yaml.count; i++)
        if (!text_list_has(out, yaml.items[i]))
            text_list_add(out, a, yaml.items[i]);
    return BD_OK;
}

int db_config_infra_types(const struct ops *o, struct tables_txn *x, struct arena *a,
                          struct text_list *out, struct err *err) {
    const char *value;
    int rc = db_config_get(x, "types.infra", a, &value, err);
    if (rc != BD_OK)
        return rc;
    text_list_split(value, a, out);
    if (!out->count)
        list_parse(yaml_value(o, "types.infra"), a, out);
    if (!out->count)
        text_list_split("agent,rig,role,message", a, out);
    return BD_OK;
}
