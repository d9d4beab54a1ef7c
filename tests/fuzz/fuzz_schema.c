/*
 * Hostile table schemas: what schema_parse takes must serialise, read back and serialise to the same
 * bytes; and its descriptors, copies and types must be usable. The input is a DSCH message, or any
 * text, which is then also read as a column type.
 */
#include "store/value/schema.h"
#include "store/value/tuple.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use_schema(const struct chunk *c, struct arena *a) {
    struct err err;
    struct schema s, copy, back;
    struct tuple_desc d;
    struct buf first = BUF_INIT, second = BUF_INIT;
    if (schema_parse(c, a, &s, &err) != BD_OK)
        return;
    tuple_desc_keys(&s, a, &d);
    tuple_desc_values(&s, a, &d);
    for (size_t i = 0; i < s.index_count; i++)
        tuple_desc_index(&s, &s.indexes[i], a, &d);
    for (size_t i = 0; i < s.column_count; i++) {
        sql_type_format(&s.columns[i].type, a);
        sql_type_tag_kind(&s.columns[i].type);
        schema_column(&s, s.columns[i].name);
    }
    schema_copy(&s, a, &copy);
    if (schema_serialize(&copy, &first, &err) == BD_OK) {
        struct chunk again = {(const uint8_t *)first.data, first.size};
        if (schema_parse(&again, a, &back, &err) != BD_OK ||
            schema_serialize(&back, &second, &err) != BD_OK || first.size != second.size ||
            memcmp(first.data, second.data, first.size) != 0)
            abort();
    }
    schema_derive(&copy, a);
    buf_release(&first);
    buf_release(&second);
}

static void use_type(const uint8_t *data, size_t size, struct arena *a) {
    struct sql_type t, again;
    char *text = arena_strndup(a, (const char *)data, size);
    if (sql_type_parse(text, a, &t, NULL) != BD_OK)
        return;
    char *canonical = sql_type_format(&t, a);
    if (strchr(canonical,
               '\\')) /* Dolt stores a backslash in a member as it is, but reads it as an escape */
        return;
    if (sql_type_parse(canonical, a, &again, NULL) != BD_OK ||
        strcmp(sql_type_format(&again, a), canonical) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a = ARENA_INIT;
    struct chunk c = {data, size};
    use_schema(&c, &a);
    if (size < 4096)
        use_type(data, size, &a);
    arena_release(&a);
    return 0;
}
