/*
 * The migration files, compiled in (tools/embed_sql.awk), in order of set and number.
 */
#ifndef SCHEMA_MIGRATIONS_H
#define SCHEMA_MIGRATIONS_H

#include <stddef.h>

enum migration_set {
    MIGRATION_MAIN,    /* what is committed */
    MIGRATION_IGNORED, /* what lives in one clone's working set */
    MIGRATION_TOWN,    /* our own additions */
};
struct migration {
    enum migration_set set;
    int number; /* 0: the table that counts the set's versions */
    const char *name;
    const char *sql; /* DDL; rows are moved by the steps of schema/steps.c */
    size_t sql_size;
};

extern const struct migration schema_migration_files[];
extern const size_t schema_migration_count;

/* NULL: this number has no file (it may have a step). */
const struct migration *schema_migration_find(enum migration_set set, int number);

#endif
