/*
 * Schemas in memory: look-ups, copies, derived members.
 */
#include "store/value/schema.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

size_t schema_visible_count(const struct schema *s) {
    size_t n = s->column_count;
    return s->keyless && n >= 2 ? n - 2 : n;
}

int schema_column(const struct schema *s, const char *name) {
    size_t n = schema_visible_count(s);
    unsigned first = (unsigned char)name[0] | 0x20u; /* most names differ in their first letter */
    for (size_t i = 0; i < n; i++)
        if (((unsigned char)s->columns[i].name[0] | 0x20u) == first &&
            strcasecmp(s->columns[i].name, name) == 0)
            return (int)i;
    return -1;
}

const struct index *schema_index(const struct schema *s, const char *name) {
    for (size_t i = 0; i < s->index_count; i++)
        if (strcasecmp(s->indexes[i].name, name) == 0)
            return &s->indexes[i];
    return NULL;
}

static void *dup_array(struct arena *a, const void *items, size_t count, size_t size) {
    return count ? arena_dup(a, items, count * size) : NULL;
}

void sql_type_keep(struct sql_type *t, struct arena *a) {
    if (!t->member_count)
        return;
    const char **members = arena_alloc(a, t->member_count * sizeof *members);
    for (size_t m = 0; m < t->member_count; m++)
        members[m] = arena_strdup(a, t->members[m]);
    t->members = members;
}

void schema_copy(const struct schema *s, struct arena *a, struct schema *out) {
    *out = *s;
    out->columns = dup_array(a, s->columns, s->column_count, sizeof *s->columns);
    for (size_t i = 0; i < out->column_count; i++) {
        struct column *c = &out->columns[i];
        c->name = arena_strdup(a, c->name);
        c->type_text = arena_strdup(a, c->type_text);
        c->default_text = arena_strdup(a, c->default_text);
        c->comment = arena_strdup(a, c->comment);
        c->on_update = arena_strdup(a, c->on_update);
        sql_type_keep(&c->type, a);
    }
    out->pk = dup_array(a, s->pk, s->pk_count, sizeof *s->pk);
    out->values = dup_array(a, s->values, s->value_count, sizeof *s->values);
    out->indexes = dup_array(a, s->indexes, s->index_count, sizeof *s->indexes);
    for (size_t i = 0; i < out->index_count; i++) {
        struct index *x = &out->indexes[i];
        x->name = arena_strdup(a, x->name);
        x->comment = arena_strdup(a, x->comment);
        x->predicate = arena_strdup(a, x->predicate);
        x->columns = dup_array(a, x->columns, x->column_count, sizeof *x->columns);
        x->key_columns = dup_array(a, x->key_columns, x->key_column_count, sizeof *x->key_columns);
        x->prefix_lengths = dup_array(a, x->prefix_lengths, x->prefix_count, sizeof *x->prefix_lengths);
    }
    out->checks = dup_array(a, s->checks, s->check_count, sizeof *s->checks);
    for (size_t i = 0; i < out->check_count; i++) {
        out->checks[i].name = arena_strdup(a, out->checks[i].name);
        out->checks[i].expression = arena_strdup(a, out->checks[i].expression);
    }
    out->comment = arena_strdup(a, s->comment);
}

static int by_name(const void *x, const void *y) {
    const struct index *a = x, *b = y;
    return strcmp(a->name, b->name);
}

bool schema_lists(const uint16_t *ordinals, size_t count, size_t ordinal) {
    for (size_t i = 0; i < count; i++)
        if (ordinals[i] == ordinal)
            return true;
    return false;
}

#define TAG_RESERVED (UINT64_C(1) << 51)

static struct column hidden_column(const char *name, uint64_t tag, enum encoding encoding) {
    return (struct column){.name = name,
                           .type_text = "",
                           .default_text = "",
                           .comment = "",
                           .on_update = "",
                           .type = {.base = SQL_UNKNOWN},
                           .display_order = -1,
                           .tag = tag,
                           .encoding = encoding,
                           .hidden = true,
                           .generated = true};
}

void schema_derive(struct schema *s, struct arena *a) {
    size_t visible = s->column_count;
    while (visible > 0 && s->columns[visible - 1].hidden && s->columns[visible - 1].display_order < 0)
        visible--;
    s->keyless = s->pk_count == 0;
    struct column *columns = arena_alloc(a, (visible + 2) * sizeof *columns);
    if (visible)
        memcpy(columns, s->columns, visible * sizeof *columns);
    for (size_t i = 0; i < visible; i++) {
        columns[i].display_order = (int16_t)i;
        columns[i].primary_key = schema_lists(s->pk, s->pk_count, i);
        if (columns[i].primary_key)
            columns[i].nullable = false;
    }
    s->columns = columns;
    s->column_count = visible;
    s->values = arena_alloc(a, (visible + 1) * sizeof *s->values);
    s->value_count = 0;
    if (s->keyless) {
        columns[visible] = hidden_column("keyless_hash_id", TAG_RESERVED + 5000, ENC_HASH128);
        columns[visible + 1] = hidden_column("keyless_cardinality", TAG_RESERVED + 5001, ENC_UINT64);
        s->column_count += 2;
        s->values[s->value_count++] = (uint16_t)(visible + 1);
    }
    for (size_t i = 0; i < visible; i++)
        if (!columns[i].primary_key && !columns[i].is_virtual)
            s->values[s->value_count++] = (uint16_t)i;
    for (size_t i = 0; i < s->index_count; i++) {
        struct index *x = &s->indexes[i];
        x->key_columns = arena_alloc(a, (x->column_count + s->pk_count + 1) * sizeof *x->key_columns);
        x->key_column_count = x->column_count;
        if (x->column_count)
            memcpy(x->key_columns, x->columns, x->column_count * sizeof *x->columns);
        for (size_t k = 0; k < s->pk_count; k++)
            if (!schema_lists(x->columns, x->column_count, s->pk[k]))
                x->key_columns[x->key_column_count++] = s->pk[k];
    }
    if (s->index_count > 1)
        qsort(s->indexes, s->index_count, sizeof *s->indexes, by_name);
}
