/*
 * Schema-changing statements as data: what sql_ddl_parse (store/sql/ddl_parse.h) produces and
 * tables_ddl executes. Everything lives in the arena given to the parser; names are as written (not
 * case-folded, backquotes removed). CREATE INDEX, DROP INDEX and RENAME TABLE come out as ALTER TABLE
 * with one action, so an executor has few cases.
 */
#ifndef STORE_DB_DDL_H
#define STORE_DB_DDL_H

#include "store/value/schema.h"

enum ddl_kind {
    DDL_CREATE_TABLE, /* table, columns, indexes, foreign_keys, checks, … */
    DDL_ALTER_TABLE,  /* table, actions in order */
    DDL_DROP_TABLE,   /* names */
    DDL_CREATE_VIEW,  /* table = view name, text = the whole statement as Dolt stores it */
    DDL_DROP_VIEW,    /* names */
    DDL_TRUNCATE,     /* table */
};

enum ddl_nullability { DDL_NULL_UNSAID, DDL_NULL, DDL_NOT_NULL };

struct ddl_check {
    const char *name;       /* NULL: the executor makes `<table>_chk_<8 characters>` */
    const char *expression; /* Dolt's stored form, as it goes into struct check */
    bool not_enforced;
};

struct ddl_column {
    const char *name;
    struct sql_type type;
    const char *type_text; /* sql_type_format(&type) */
    bool collation_given;  /* false: the column takes the table's collation (CREATE TABLE: resolved here
                              already; ALTER: set type.collation and format type_text again if the
                              table's is not COLLATION_UTF8MB4_0900_BIN and the type is a text type) */
    enum ddl_nullability nullability; /* primary-key columns are NOT NULL whatever this says */
    const char *default_text; /* as stored: `'open'`, `2`, `CURRENT_TIMESTAMP`, `(json_object())`,
                                 `NULL` for DEFAULT NULL; "" = none. For a generated column the
                                 expression, in parentheses */
    bool has_default;         /* a DEFAULT clause was written, DEFAULT NULL included */
    const char *on_update;    /* "CURRENT_TIMESTAMP", "CURRENT_TIMESTAMP(6)" or "" */
    const char *comment;      /* "" = none */
    bool auto_increment, primary_key, unique, generated, is_virtual;
};

struct ddl_index_part {
    const char *column;
    unsigned prefix_length; /* characters as declared; 0 = whole column */
    bool descending;        /* parsed, never stored */
};
struct ddl_index {
    const char *name; /* NULL = automatic (first column's name, then _2, …) */
    const struct ddl_index_part *parts;
    size_t part_count;
    bool primary, unique, spatial, fulltext;
    const char *comment; /* "" = none */
};

/* Values of the stored foreign-key actions (DFKC slots 7 and 8). */
enum ddl_fk_action {
    DDL_FK_DEFAULT = 0,
    DDL_FK_CASCADE = 1,
    DDL_FK_NO_ACTION = 2,
    DDL_FK_RESTRICT = 3,
    DDL_FK_SET_NULL = 4,
    DDL_FK_SET_DEFAULT = 5,
};
struct ddl_foreign_key {
    const char *name;       /* NULL = automatic `<table>_ibfk_<n>` */
    const char *index_name; /* FOREIGN KEY idx (…), NULL = none */
    const char *const *columns;
    const char *parent_table;
    const char *const *parent_columns;
    size_t column_count, parent_column_count;
    enum ddl_fk_action on_update, on_delete;
};

enum ddl_action_kind {
    DDL_ADD_COLUMN,      /* column, first/after; if_not_exists */
    DDL_DROP_COLUMN,     /* name; if_exists */
    DDL_MODIFY_COLUMN,   /* name (the old one; CHANGE may differ from column->name), column, first/after
                          */
    DDL_RENAME_COLUMN,   /* name → new_name */
    DDL_SET_DEFAULT,     /* name, column->default_text (ALTER COLUMN c SET DEFAULT …) */
    DDL_DROP_DEFAULT,    /* name */
    DDL_ADD_INDEX,       /* index; if_not_exists */
    DDL_DROP_INDEX,      /* name; if_exists */
    DDL_RENAME_INDEX,    /* name → new_name */
    DDL_ADD_PRIMARY_KEY, /* index */
    DDL_DROP_PRIMARY_KEY,
    DDL_ADD_FOREIGN_KEY,    /* foreign_key */
    DDL_DROP_FOREIGN_KEY,   /* name */
    DDL_ADD_CHECK,          /* check */
    DDL_DROP_CHECK,         /* name */
    DDL_DROP_CONSTRAINT,    /* name: a foreign key, a check or a unique key, whichever has it */
    DDL_RENAME_TABLE,       /* new_name */
    DDL_SET_AUTO_INCREMENT, /* auto_increment */
    DDL_SET_COLLATION,      /* collation (default of later columns) */
    DDL_SET_COMMENT,        /* new_name holds the table comment */
};
struct ddl_action {
    enum ddl_action_kind kind;
    const char *name, *new_name;
    const struct ddl_column *column;
    bool first;        /* FIRST */
    const char *after; /* AFTER column; NULL = at the end (ADD) or in place (MODIFY) */
    const struct ddl_index *index;
    const struct ddl_foreign_key *foreign_key;
    const struct ddl_check *check;
    uint64_t auto_increment;
    uint16_t collation;
    bool if_exists, if_not_exists;
};

struct ddl {
    enum ddl_kind kind;
    const char *database; /* `db`.`table` as written, else NULL */
    const char *table;
    bool if_exists, if_not_exists, or_replace;

    /* CREATE TABLE. Column-level PRIMARY KEY and UNIQUE, and every KEY clause, are in `indexes` in the
     * order written (primary key included, primary = true); the column flags repeat them. */
    const struct ddl_column *columns;
    size_t column_count;
    const struct ddl_index *indexes;
    size_t index_count;
    const struct ddl_foreign_key *foreign_keys;
    size_t foreign_key_count;
    const struct ddl_check *checks;
    size_t check_count;
    uint16_t collation;      /* 0 = the database's */
    uint64_t auto_increment; /* 0 = not given */
    const char *comment;     /* "" = none */
    const char *like;        /* CREATE TABLE t LIKE other, else NULL */
    bool temporary;

    /* ALTER TABLE */
    const struct ddl_action *actions;
    size_t action_count;

    /* DROP TABLE, DROP VIEW */
    const char *const *names;
    size_t name_count;

    /* CREATE VIEW */
    const char *text;        /* CREATE … without the final semicolon: dolt_schemas.fragment */
    const char *select_text; /* what follows AS */
};

#endif
