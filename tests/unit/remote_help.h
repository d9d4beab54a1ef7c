/* Databases with one table `config`, below the scratch folder: for tests of what goes from one to
 * another. */
#ifndef TESTS_UNIT_REMOTE_HELP_H
#define TESTS_UNIT_REMOTE_HELP_H

#include "tests/run_ddl.h"
#include "tests/unit/db_help.h"

static struct err err;

/* One of eight places that are used in turn. */
static inline const char *path_of(const char *name) {
    static char path[8][400];
    static int next;
    char *p = path[next++ % 8];
    snprintf(p, sizeof path[0], "%s/%s", scratch, name);
    return p;
}

static inline int create_config(struct tables_txn *x, void *ctx, struct err *e) {
    (void)ctx;
    return run_ddl(x, "create table config (`key` varchar(255) primary key, value text)", e);
}

static inline const char *make_table(const char *name) {
    const char *dir = path_of(name);
    static const struct tables_identity author = {"t", "t@example.com"};
    check(tables_create_embedded(dir, "main", &author, &err), &err);
    struct tables *t = open_db(dir);
    struct tables_write w = {.mode = TABLES_COMMIT, .message = "table"};
    check(tables_write(t, &w, create_config, NULL, NULL, &err), &err);
    tables_close(t);
    return dir;
}

static inline uint64_t rows_of(const char *dir) {
    struct tables *t = open_db(dir);
    struct tables_txn *x = begin_read(t);
    uint64_t n = count_of(x, "config", NULL);
    tables_read_end(x);
    tables_close(t);
    return n;
}

#endif
