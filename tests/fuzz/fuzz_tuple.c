/*
 * Hostile tuples of a table that has a column of every encoding. The input is two tuples parted by its
 * first two bytes (length of the first). Whatever reads must compare, be printed, and be encoded again.
 */
#include "store/value/tuple.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
    const char *type;
    enum encoding encoding;
} columns[] = {
    {"varchar(300)", ENC_STRING},
    {"varchar(300) collate utf8mb4_0900_ai_ci", ENC_STRING},
    {"tinyint", ENC_INT8},
    {"bigint unsigned", ENC_UINT64},
    {"float", ENC_FLOAT32},
    {"double", ENC_FLOAT64},
    {"decimal(65,30)", ENC_DECIMAL},
    {"date", ENC_DATE},
    {"datetime(6)", ENC_DATETIME},
    {"time", ENC_TIME},
    {"year", ENC_YEAR},
    {"enum('a','b')", ENC_ENUM},
    {"set('a','b')", ENC_SET},
    {"bit(64)", ENC_UINT64},
    {"text", ENC_STRING_ADDR},
    {"json", ENC_JSON_ADDR},
    {"longtext", ENC_STRING_ADAPTIVE},
    {"json", ENC_JSON_ADAPTIVE},
    {"blob", ENC_BYTES_ADAPTIVE},
    {"varbinary(300)", ENC_BYTES},
    {"geometry", ENC_GEOMETRY},
    {"geometry", ENC_GEOM_ADAPTIVE},
    {"json", ENC_JSON},
    {"int", ENC_INT32},
    {"int unsigned", ENC_UINT32},
    {"smallint", ENC_INT16},
};
#define COUNT (sizeof columns / sizeof *columns)

static int sign(int v) { return (v > 0) - (v < 0); }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a = ARENA_INIT;
    struct err err;
    struct node_store *ns = node_store_new(NULL);
    struct tuple_field fields[COUNT];
    struct sql_type types[COUNT];
    struct tuple_desc d = {.fields = fields, .count = COUNT, .target_row_size = 64, .ns = ns};
    for (size_t i = 0; i < COUNT; i++) {
        if (sql_type_parse(columns[i].type, &a, &types[i], &err) != BD_OK)
            abort();
        fields[i] = (struct tuple_field){.encoding = columns[i].encoding,
                                         .nullable = true,
                                         .collation = types[i].collation,
                                         .type = &types[i],
                                         .name = "c"};
    }
    tuple_desc_seal(&d);
    size_t cut = size < 2 ? 0 : (size_t)data[0] | (size_t)data[1] << 8;
    size_t rest = size < 2 ? 0 : size - 2;
    if (cut > rest)
        cut = rest;
    uint8_t *first = mem_dup(data + (size < 2 ? 0 : 2), cut);
    uint8_t *second = mem_dup(data + (size < 2 ? 0 : 2) + cut, rest - cut);
    struct bytes x = {first, cut}, y = {second, rest - cut}, built, again;
    if (sign(tuple_compare(&d, x, y)) != -sign(tuple_compare(&d, y, x)) || tuple_compare(&d, x, x) != 0)
        abort();
    uint16_t offsets[COUNT];
    size_t n = tuple_addresses(&d, x, offsets, COUNT);
    for (size_t i = 0; i < n; i++)
        if (offsets[i] + (size_t)HASH_SIZE > x.size)
            abort();
    struct cell cells[COUNT], back[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        if (tuple_get_cell(&d, x, i, ns, &a, &cells[i], &err) != BD_OK)
            cells[i] = cell_null();
        cell_format(&cells[i], &a);
    }
    if (tuple_build(&d, cells, ns, &a, &built, &err) == BD_OK) {
        if (!tuple_is_valid(built))
            abort();
        for (size_t i = 0; i < COUNT; i++)
            if (tuple_get_cell(&d, built, i, ns, &a, &back[i], &err) != BD_OK)
                abort();
        if (tuple_build(&d, back, ns, &a, &again, &err) != BD_OK || built.size != again.size ||
            memcmp(built.data, again.data, built.size) != 0)
            abort();
    }
    free(first);
    free(second);
    node_store_free(ns);
    arena_release(&a);
    return 0;
}
