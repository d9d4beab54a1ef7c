/*
 * Inside the execution of schema changes: pieces shared by ddl_exec.c (statements), ddl_alter.c
 * (actions of ALTER TABLE), ddl_change.c (a table under a new schema), ddl_keys.c (foreign keys),
 * ddl_system.c (Dolt's own tables), ddl_schema.c (parts of a schema), ddl_tags.c (tags).
 */
#ifndef STORE_DB_DDL_EXEC_H
#define STORE_DB_DDL_EXEC_H

#include "store/db/ddl.h"
#include "store/db/embedded.h"

/* ---- ddl_schema.c ---- */
/* An empty schema; collation 0: Dolt's default. */
void ddl_schema_blank(struct schema *s, uint16_t collation);
/* Column as stored; the tag is given. */
struct column ddl_column(const struct ddl_column *c, uint64_t tag, uint16_t table_collation,
                         struct arena *a);
/* Adds an index to s (not derived yet); *name receives its name. Columns are looked up in s. */
int ddl_schema_add_index(struct schema *s, const struct ddl_index *ix, bool system_defined,
                         struct arena *a, const char **name, struct err *err);
int ddl_schema_add_check(struct schema *s, const char *table, const struct ddl_check *c,
                         struct arena *a, struct err *err);
int ddl_schema_set_key(struct schema *s, const struct ddl_index_part *parts, size_t count,
                       struct arena *a, struct err *err);
/* At most one AUTO_INCREMENT column, and it leads a key. */
int ddl_check_auto_increment(const struct schema *s, struct err *err);
/* The index a foreign key on these columns uses; NULL = primary key or none. */
const struct index *ddl_key_index(const struct schema *s, const uint16_t *columns, size_t count,
                                  const char *except);
/* The primary key or a secondary index starts with exactly these columns in this order. */
bool ddl_schema_covers(const struct schema *s, const uint16_t *columns, size_t count);

/* ---- ddl_tags.c ---- */
/* A column that needs a tag. */
struct ddl_tag_request {
    const char *name;
    unsigned kind;
    uint64_t tag; /* result */
};
/*
 * Tags for columns that a statement makes. existing: the table as it is, NULL for a new one. use_head:
 * tags of HEAD's tables are taken too (false for a plain ADD COLUMN).
 */
int ddl_tags(struct embedded_txn *x, const char *table, const struct schema *existing, bool use_head,
             struct ddl_tag_request *list, size_t count, struct err *err);

/* ---- ddl_change.c ---- */
/* from[i] of a column that the old schema does not have */
#define DDL_NEW_COLUMN (-1)
/*
 * Gives the table a new schema (derived, in the transaction's arena). from[i] is the old ordinal of the
 * new schema's visible column i. Rows are rewritten only if their bytes must change; an index whose key
 * columns did not change keeps its data; new unique indexes are checked.
 */
int ddl_change_table(struct embedded_txn *x, struct table *t, struct schema *s, const int *from,
                     struct table **out, struct err *err);
/* Every value of type a, encoded alike, is a value of type b. */
bool ddl_type_widens(const struct sql_type *a, const struct sql_type *b);
/* The identity mapping for a schema whose columns stay, with `extra` room at the end. */
int *ddl_same_columns(struct embedded_txn *x, const struct schema *s, size_t extra);

/* ---- ddl_keys.c ---- */
int ddl_add_foreign_key(struct embedded_txn *x, struct table **t, const struct ddl_foreign_key *fk,
                        struct err *err);
/* BD_NOT_FOUND (without if_exists) when table declares no such key. */
int ddl_drop_foreign_key(struct embedded_txn *x, const char *table, const char *name, bool *dropped,
                         struct err *err);
/* After an index went away or was replaced: keys that named it get another. to NULL: look for one. */
int ddl_keys_index_gone(struct embedded_txn *x, const struct schema *s, const char *table,
                        const char *index, const char *to, struct err *err);
/* BD_CONSTRAINT when a key of the table, or one that refers to it, uses the column. */
int ddl_keys_check_column(struct embedded_txn *x, const char *table, const struct column *c,
                          const char *verb, struct err *err);
int ddl_keys_rename_column(struct embedded_txn *x, const char *table, uint64_t tag, const char *from,
                           const char *to, struct err *err);
int ddl_keys_rename_table(struct embedded_txn *x, const char *from, const char *to, struct err *err);
/* Removes the keys a dropped table declared; BD_CONSTRAINT when others refer to it and checks are on.
 */
int ddl_keys_drop_table(struct embedded_txn *x, const char *table, struct err *err);

/* ---- ddl_system.c ---- */
/* Makes a new, empty table with this schema (not derived yet) known to the transaction. */
int ddl_publish_table(struct embedded_txn *x, const char *name, struct schema *s,
                      uint64_t auto_increment, struct table **out, struct err *err);
/* Creates a table that Dolt makes on first use (dolt_ignore, dolt_schemas, …); BD_NOT_FOUND for others.
 */
int ddl_system_table(struct embedded_txn *x, const char *name, struct table **out, struct err *err);

/* ---- ddl_alter.c ---- */
int ddl_alter(struct embedded_txn *x, const struct ddl *d, struct err *err);

#endif
