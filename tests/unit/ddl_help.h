/* From a parsed CREATE TABLE to a schema, as plainly as possible; foreign keys are left out. */
#ifndef TESTS_UNIT_DDL_HELP_H
#define TESTS_UNIT_DDL_HELP_H

#include "store/chunk/hash.h"
#include "store/sql/ddl_parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>
#include <strings.h>

struct used_tags {
    uint64_t tags[2048];
    size_t count;
};

static inline int help_ordinal(const struct schema *s, const char *name) {
    for (size_t i = 0; i < s->column_count; i++)
        if (strcasecmp(s->columns[i].name, name) == 0)
            return (int)i;
    return -1;
}

static inline const char *help_index_name(const struct schema *s, const struct ddl_index *x,
                                          struct arena *a) {
    const char *base = x->parts[0].column, *name = base;
    if (x->name)
        return x->name;
    for (int n = 2; schema_index(s, name); n++)
        name = arena_printf(a, "%s_%d", base, n);
    return name;
}

static inline void help_build(const struct ddl *d, struct arena *a, struct used_tags *used,
                              struct schema *s) {
    uint8_t kinds[256];
    memset(s, 0, sizeof *s);
    s->comment = d->comment;
    s->collation = d->collation ? d->collation : COLLATION_UTF8MB4_0900_BIN;
    s->target_row_size = 2048;
    s->columns = arena_zalloc(a, d->column_count * sizeof *s->columns);
    for (size_t i = 0; i < d->column_count; i++) {
        const struct ddl_column *in = &d->columns[i];
        struct column *c = &s->columns[i];
        kinds[i] = (uint8_t)sql_type_tag_kind(&in->type);
        *c = (struct column){.name = in->name,
                             .type_text = in->type_text,
                             .type = in->type,
                             .default_text = in->default_text,
                             .comment = in->comment,
                             .on_update = in->on_update,
                             .encoding = sql_type_encoding(&in->type),
                             .nullable = in->nullability != DDL_NOT_NULL && !in->auto_increment,
                             .auto_increment = in->auto_increment,
                             .generated = in->generated,
                             .is_virtual = in->is_virtual};
        c->tag = column_tag(d->table, kinds, i, in->name, kinds[i], used->tags, used->count);
        used->tags[used->count++] = c->tag;
    }
    s->column_count = d->column_count;
    s->indexes = arena_zalloc(a, (d->index_count + 1) * sizeof *s->indexes);
    for (size_t i = 0; i < d->index_count; i++) {
        const struct ddl_index *in = &d->indexes[i];
        uint16_t *list = arena_alloc(a, in->part_count * sizeof *list);
        for (size_t k = 0; k < in->part_count; k++)
            list[k] = (uint16_t)help_ordinal(s, in->parts[k].column);
        if (in->primary) {
            s->pk = list;
            s->pk_count = in->part_count;
            continue;
        }
        struct index x = {.comment = in->comment,
                          .columns = list,
                          .column_count = in->part_count,
                          .unique = in->unique,
                          .spatial = in->spatial};
        x.name = help_index_name(s, in, a);
        x.prefix_lengths = arena_zalloc(a, in->part_count * sizeof *x.prefix_lengths);
        for (size_t k = 0; k < in->part_count; k++)
            if ((x.prefix_lengths[k] = (uint16_t)in->parts[k].prefix_length) != 0)
                x.prefix_count = in->part_count;
        s->indexes[s->index_count++] = x;
    }
    s->checks = arena_zalloc(a, (d->check_count + 1) * sizeof *s->checks);
    for (size_t i = 0; i < d->check_count; i++)
        s->checks[s->check_count++] = (struct check){.name = d->checks[i].name,
                                                     .expression = d->checks[i].expression,
                                                     .enforced = !d->checks[i].not_enforced};
    schema_derive(s, a);
}

/* Address of the schema's message, after checking that it reads back to the same bytes. */
static inline void help_schema_hash(const struct schema *s, struct arena *a,
                                    char text[HASH_TEXT_SIZE + 1]) {
    struct buf first = BUF_INIT, second = BUF_INIT;
    struct err e = ERR_INIT;
    struct schema back, copy;
    if (schema_serialize(s, &first, &e) != BD_OK)
        fail_msg("%s", e.msg);
    struct chunk c = {(const uint8_t *)first.data, first.size};
    if (schema_parse(&c, a, &back, &e) != BD_OK)
        fail_msg("%s", e.msg);
    schema_copy(&back, a, &copy);
    schema_derive(&copy, a);
    assert_int_equal(schema_serialize(&copy, &second, &e), BD_OK);
    assert_int_equal(first.size, second.size);
    assert_memory_equal(first.data, second.data, first.size);
    struct hash h = hash_of(first.data, first.size);
    hash_format(&h, text);
    buf_release(&first);
    buf_release(&second);
}

struct known_schema {
    const char *ddl, *hash;
};

static inline void help_check_schemas(const struct known_schema *list, size_t count) {
    struct arena a = ARENA_INIT;
    struct used_tags used = {.count = 0};
    for (size_t i = 0; i < count; i++) {
        struct ddl *d;
        size_t n;
        struct err e = ERR_INIT;
        struct schema s;
        char text[HASH_TEXT_SIZE + 1];
        if (sql_ddl_parse(list[i].ddl, strlen(list[i].ddl), &a, &d, &n, &e) != BD_OK)
            fail_msg("%s: %s", list[i].ddl, e.msg);
        assert_int_equal(n, 1);
        assert_int_equal(d->kind, DDL_CREATE_TABLE);
        help_build(d, &a, &used, &s);
        help_schema_hash(&s, &a, text);
        if (strcmp(text, list[i].hash) != 0)
            print_error("table %s\n", d->table);
        assert_string_equal(text, list[i].hash);
    }
    arena_release(&a);
}

#endif
