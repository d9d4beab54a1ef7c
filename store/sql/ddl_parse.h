/*
 * Parser for schema-changing statements in MySQL's dialect.
 */
#ifndef STORE_SQL_DDL_PARSE_H
#define STORE_SQL_DDL_PARSE_H

#include "base/err.h"
#include "base/mem.h"
#include "store/db/ddl.h"

/*
 * Parses one or several statements separated by ';' (empty ones and comments are skipped). *out is an
 * array of *count statements in the arena. BD_INVALID with line and text near the fault; BD_UNSUPPORTED
 * for a statement that is valid SQL but no DDL this parser knows.
 */
int sql_ddl_parse(const char *text, size_t size, struct arena *a, struct ddl **out, size_t *count,
                  struct err *err);

#endif
