/*
 * Schemas under construction: from what a statement says to columns, indexes, checks and keys; and
 * which index serves a foreign key. Nothing here knows of tables or transactions.
 */
#include "store/db/ddl_exec.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void ddl_schema_blank(struct schema *s, uint16_t collation) {
    memset(s, 0, sizeof *s);
    s->collation = collation ? collation : COLLATION_UTF8MB4_0900_BIN;
    s->comment = "";
    s->target_row_size = 2048;
}

struct column ddl_column(const struct ddl_column *c, uint64_t tag, uint16_t table_collation,
                         struct arena *a) {
    struct column out = {.name = arena_strdup(a, c->name),
                         .type_text = arena_strdup(a, c->type_text),
                         .type = c->type,
                         .default_text = c->default_text ? arena_strdup(a, c->default_text) : "",
                         .comment = c->comment ? arena_strdup(a, c->comment) : "",
                         .on_update = c->on_update ? arena_strdup(a, c->on_update) : "",
                         .tag = tag};
    sql_type_keep(&out.type, a);
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

/* ---- the index of a foreign key ---- */

/* The first `count` columns of the index are these, in any order. */
static bool leads_with(const struct index *ix, const uint16_t *columns, size_t count) {
    if (count > ix->column_count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!schema_lists(ix->columns, count, columns[i]))
            return false;
    return true;
}

static bool has_prefix_lengths(const struct index *ix) {
    for (size_t i = 0; i < ix->prefix_count; i++)
        if (ix->prefix_lengths && ix->prefix_lengths[i])
            return true;
    return false;
}

/* Exact length first, then the longest, then unique, then by name. */
static bool better(const struct index *a, const struct index *b, size_t count) {
    bool ea = a->column_count == count, eb = b->column_count == count;
    if (ea != eb)
        return ea;
    if (a->column_count != b->column_count)
        return a->column_count > b->column_count;
    if (a->unique != b->unique)
        return a->unique;
    return strcmp(a->name, b->name) < 0;
}

const struct index *ddl_key_index(const struct schema *s, const uint16_t *columns, size_t count,
                                  const char *except) {
    const struct index *best = NULL;
    for (size_t i = 0; i < s->index_count; i++) {
        const struct index *ix = &s->indexes[i];
        if ((except && !strcasecmp(ix->name, except)) || ix->spatial || ix->fulltext || ix->vector ||
            has_prefix_lengths(ix) || !leads_with(ix, columns, count))
            continue;
        if (!best || better(ix, best, count))
            best = ix;
    }
    return best;
}

bool ddl_schema_covers(const struct schema *s, const uint16_t *columns, size_t count) {
    if (count <= s->pk_count && !memcmp(s->pk, columns, count * sizeof *columns))
        return true;
    for (size_t i = 0; i < s->index_count; i++) {
        const struct index *ix = &s->indexes[i];
        if (!ix->spatial && !ix->fulltext && !has_prefix_lengths(ix) && count <= ix->column_count &&
            !memcmp(ix->columns, columns, count * sizeof *columns))
            return true;
    }
    return false;
}
