/* Any bytes as DDL statements: a list of statements or an error with a message. */
#include "store/sql/ddl_parse.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct ddl *list;
    size_t count;
    char *text = mem_dup(data, size);
    int rc = sql_ddl_parse(text, size, &a, &list, &count, &err);
    if (rc != BD_OK && (err.code != rc || !err.msg[0] || list))
        abort();
    for (size_t i = 0; rc == BD_OK && i < count; i++)
        for (size_t k = 0; k < list[i].column_count; k++)
            if (!list[i].columns[k].name || !list[i].columns[k].type_text ||
                !list[i].columns[k].default_text)
                abort();
    free(text);
    arena_release(&a);
    return 0;
}
