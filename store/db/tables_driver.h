/*
 * What a driver of the `tables` interface provides. struct tables and struct tables_txn are the first
 * members of the driver's own structures; a struct tables_bulk begins with a pointer to its driver.
 */
#ifndef STORE_DB_TABLES_DRIVER_H
#define STORE_DB_TABLES_DRIVER_H

#include "store/db/tables.h"

struct tables_driver {
    void (*close)(struct tables *t);
    bool (*is_read_only)(const struct tables *t);
    const char *(*branch)(const struct tables *t);

    int (*read_begin)(struct tables *t, const char *ref, struct tables_txn **out, struct err *err);
    int (*read_again)(struct tables *t, struct tables_txn **out, struct err *err);
    void (*read_end)(struct tables_txn *x);
    void (*read_in_portions)(struct tables_txn *x);
    void (*end_portion)(struct tables_txn *x, size_t keep_bytes);
    int (*schema)(struct tables_txn *x, const char *table, const struct schema **out, struct err *err);
    int (*list)(struct tables_txn *x, struct arena *a, const char ***names, size_t *count,
                struct err *err);
    int (*get)(struct tables_txn *x, const char *table, const struct cell *key, size_t key_count,
               const char *const *columns, size_t column_count, struct arena *a, struct cell *out,
               struct err *err);
    int (*scan)(struct tables_txn *x, const struct tables_query *q, struct arena *a, tables_row_fn fn,
                void *ctx, struct err *err);
    int (*count)(struct tables_txn *x, const char *table, const struct pred *where,
                 const char *const *group, size_t group_count, struct arena *a, tables_row_fn fn,
                 void *ctx, struct err *err);

    int (*write)(struct tables *t, const struct tables_write *w, tables_write_fn fn, void *ctx,
                 struct hash *commit, struct err *err);
    void (*set_message)(struct tables_txn *x, const char *message);
    int (*commit_now)(struct tables_txn *x, const struct tables_write *w, struct hash *commit,
                      struct err *err);
    void (*set_foreign_key_checks)(struct tables_txn *x, bool on);
    int (*insert)(struct tables_txn *x, const char *table, const char *const *columns,
                  const struct cell *cells, size_t count, unsigned flags, bool *inserted,
                  struct err *err);
    int (*bulk_begin)(struct tables_txn *x, const char *table, const char *const *columns, size_t count,
                      unsigned flags, struct tables_bulk **out, struct err *err);
    int (*bulk_add)(struct tables_bulk *b, const struct cell *cells, struct err *err);
    int (*bulk_end)(struct tables_bulk *b, uint64_t *inserted, struct err *err);
    void (*bulk_drop)(struct tables_bulk *b);
    int (*update)(struct tables_txn *x, const char *table, const struct pred *where,
                  const char *const *columns, const struct cell *cells, size_t count, uint64_t *matched,
                  uint64_t *changed, struct err *err);
    int (*remove)(struct tables_txn *x, const char *table, const struct pred *where, uint64_t *deleted,
                  struct err *err);
    int (*ddl)(struct tables_txn *x, const struct ddl *statement, struct err *err);

    int (*log)(struct tables *t, const char *ref, struct arena *a,
               int (*fn)(void *ctx, const struct tables_commit_info *c), void *ctx, struct err *err);
    int (*log_count)(struct tables *t, const char *ref, uint64_t *count, struct err *err);
    int (*resolve)(struct tables *t, const char *ref, struct hash *commit, struct err *err);
    int (*refs)(struct tables *t, struct arena *a, struct tables_ref **refs, size_t *count,
                struct err *err);
    int (*diff)(struct tables *t, const char *from, const char *to, const char *table, struct arena *a,
                int (*fn)(void *ctx, const struct tables_diff_row *d), void *ctx, struct err *err);
    int (*status)(struct tables *t, struct arena *a, struct tables_status **list, size_t *count,
                  struct err *err);
    int (*row_history)(struct tables *t, const char *table, const struct cell *key, size_t key_count,
                       struct arena *a,
                       int (*fn)(void *ctx, const struct tables_commit_info *c, const struct schema *s,
                                 const struct cell *row),
                       void *ctx, struct err *err);

    int (*branch_create)(struct tables *t, const char *name, const char *from_ref, struct err *err);
    int (*branch_delete)(struct tables *t, const char *name, bool force, struct err *err);
    int (*checkout)(struct tables *t, const char *branch, struct err *err);
    int (*merge)(struct tables *t, const char *branch, const struct tables_write *w,
                 tables_resolve_fn resolve, void *ctx, struct arena *a, struct tables_merge_result *out,
                 struct err *err);
};

struct tables {
    const struct tables_driver *driver;
};
struct tables_txn {
    const struct tables_driver *driver;
};

#endif
