/* The statements that make the tables of a test. */
#ifndef TESTS_RUN_DDL_H
#define TESTS_RUN_DDL_H

#include "store/db/tables.h"
#include "store/sql/ddl_parse.h"

#include <string.h>

/* Runs one or more statements that change the schema, in a transaction that is under way. */
static inline int run_ddl(struct tables_txn *x, const char *statements, struct err *err) {
    struct arena a = ARENA_INIT;
    struct ddl *list;
    size_t count;
    int rc = sql_ddl_parse(statements, strlen(statements), &a, &list, &count, err);
    for (size_t i = 0; rc == BD_OK && i < count; i++)
        rc = tables_ddl(x, &list[i], err);
    arena_release(&a);
    return rc;
}

#endif
