/* Column definitions; used by ddl_parse.c alone. */
#ifndef STORE_SQL_DDL_COLUMN_H
#define STORE_SQL_DDL_COLUMN_H

#include "store/db/ddl.h"
#include "store/sql/parse.h"

/* What one column definition brings besides the column itself. */
struct column_extras {
    struct ddl_check *checks;
    size_t check_count, check_capacity;
    struct ddl_foreign_key *foreign_keys;
    size_t foreign_key_count, foreign_key_capacity;
};

/* `name type attributes`, up to a comma, a parenthesis, FIRST, AFTER or the end. The arrays in extras
 * are malloc'd and grown; the caller frees them. */
void ddl_parse_column(struct parser *p, struct ddl_column *out, struct column_extras *extras);
/* CHECK was read: (expr) [[NOT] ENFORCED] */
struct ddl_check ddl_parse_check(struct parser *p, const char *name);
/* REFERENCES was read: parent (columns) [MATCH x] [ON DELETE x] [ON UPDATE x] */
void ddl_parse_references(struct parser *p, struct ddl_foreign_key *fk);
/* (a, b, c) */
const char *const *ddl_parse_names(struct parser *p, size_t *count);
/* What follows DEFAULT, as stored for a column of this type (SQL_UNKNOWN: unconverted). */
const char *ddl_parse_default(struct parser *p, const struct sql_type *type);
/* Behind CHARACTER SET or COLLATE; 0 when not one of them. */
uint16_t ddl_parse_collation(struct parser *p);

#endif
