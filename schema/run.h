/*
 * Inside the schema room: one run of migrations within one transaction.
 */
#ifndef SCHEMA_RUN_H
#define SCHEMA_RUN_H

#include "schema/migrations.h"
#include "schema/schema.h"
#include "store/db/ddl.h"
#include "store/sql/ddl_parse.h"

/* Rows of a table in memory while the table changes its shape. */
struct held_rows {
    const char *table;
    const char **columns;
    size_t column_count;
    struct cell *cells; /* row after row */
    size_t row_count, row_capacity;
};

/* Dependency rows between two shapes of their table; `target` is one text whatever the shape. */
struct edge_list {
    struct held_rows rows; /* without id and target columns */
    const char **targets;
    size_t target_capacity;
    bool held;
};

struct schema_run {
    struct tables_txn *x;
    struct arena *a; /* lives as long as the run */
    struct err *err;
    bool fresh; /* nothing was there before: no rows to look after, upstream's history is made */
    struct tables_identity author;
    struct edge_list edges, wisp_edges;
    bool moved_to_wisps; /* step 35 moved issues */
};

/* ---- execute.c ---- */
/* The statements of a file, in the run's arena. */
int schema_statements(struct schema_run *r, const struct migration *m, struct ddl **list,
                      size_t *count);
/* Executes a statement; a foreign key that rows of an old database contradict is declared unresolved.
 */
int schema_execute(struct schema_run *r, enum migration_set set, int number, const struct ddl *d);
/* Runs the main set's statements about a local table again, to make it anew. */
int schema_run_again_for(struct schema_run *r, const char *table);

/* ---- run.c ---- */
/* Runs all migrations above the given versions; the counters receive how many. */
int schema_run_migrations(struct schema_run *r, int main_from, int ignored_from, int *main_applied,
                          int *ignored_applied);
/* The tables mail and channels, which upstream does not have. */
int schema_run_town(struct schema_run *r);

/* ---- steps.c ---- */
/* What a migration does beside its DDL: `before` and after the statements. */
int schema_step_before(struct schema_run *r, enum migration_set set, int number);
int schema_step_after(struct schema_run *r, enum migration_set set, int number);
/* False: the statement has nothing to do in this database. */
bool schema_step_wants(struct schema_run *r, enum migration_set set, int number, const struct ddl *d);
/* After both sets: what had to wait for the final shape of all tables. */
int schema_step_finish(struct schema_run *r, int main_from, int ignored_from);

/* ---- rows.c ---- */
bool schema_has_column(struct schema_run *r, const char *table, const char *column);
int schema_rows_hold(struct schema_run *r, const char *table, const struct pred *where,
                     struct held_rows *out);
int schema_rows_truncate(struct schema_run *r, const char *table);
/* Puts rows back; columns the table no longer has are left out. */
int schema_rows_put_back(struct schema_run *r, const struct held_rows *h, const char *table,
                         unsigned flags);
int schema_rows_column(const struct held_rows *h, const char *name); /* -1: none */
int schema_rows_insert(struct schema_run *r, const char *table, const char *const *columns,
                       const struct cell *cells, size_t count, unsigned flags, bool *inserted);
/* A uuid (version 8) that is the same wherever the same row is found: high 48 bits given or hashed. */
const char *schema_stable_uuid(struct schema_run *r, const char *table, const struct cell *cells,
                               size_t count, const int64_t *order);

/* ---- steps_uuid.c: 37 ---- */
int schema_uuid_keys(struct schema_run *r);

/* ---- steps_infra.c: 35 ---- */
int schema_infra_to_wisps(struct schema_run *r);

/* ---- steps_edges.c: 41, 43, ignored 3, 5 ---- */
int schema_edges_hold(struct schema_run *r, const char *table, struct edge_list *e);
int schema_edges_add(struct schema_run *r, const char *table, const struct pred *where,
                     struct edge_list *e);
int schema_edges_put(struct schema_run *r, const char *table, struct edge_list *e);

/* ---- blocked.c: 46, 47, ignored 7 ---- */
int schema_blocked_recompute(struct schema_run *r);

/* ---- check.c ---- */
int schema_state_read(struct tables_txn *x, struct arena *a, struct schema_state *out, struct err *err);

/* ---- backfill.c ---- */
/* Fills custom_types and custom_statuses from config where they are empty; *wrote says whether. With
 * dry_run only looks. */
int schema_backfill_custom(struct tables_txn *x, struct arena *a, bool dry_run, bool *wrote,
                           struct err *err);

#endif
