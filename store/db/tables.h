/*
 * `tables`: the one interface through which the tracker reaches its data.
 *
 * A connection (struct tables) stands on one database and one branch. Reads go through a snapshot,
 * writes through a transaction function that may be run more than once. Two drivers implement it: the
 * embedded engine (store/db) and a MySQL client (store/sql), so nothing here exposes trees or SQL text.
 *
 * Names of tables and columns are matched without case. Cells that come out are borrowed: they live as
 * long as the arena the call was given. Cells that go in are borrowed for the call.
 */
#ifndef STORE_DB_TABLES_H
#define STORE_DB_TABLES_H

#include "base/err.h"
#include "base/mem.h"
#include "store/chunk/hash.h"
#include "store/value/cell.h"
#include "store/value/schema.h"

struct tables;     /* a connection */
struct tables_txn; /* a snapshot being read, or a transaction being written */

/* ---- opening ---- */

enum tables_open_flags {
    TABLES_READ_ONLY = 1,
};
struct tables_open {
    const char *dir;    /* database directory (holds .dolt), or a bare chunk store */
    const char *branch; /* NULL: the head that repo_state.json names, else main */
    unsigned flags;
    /* Who writes working sets; name NULL: beads <beads@local>, as upstream's connections say. */
    const char *session_name, *session_email;
};
/* BD_NOT_FOUND, BD_CORRUPT, BD_TOO_NEW, BD_BUSY, BD_IO. A bare store opens read-only by itself. */
int tables_open_embedded(struct tables **out, const struct tables_open *o, struct err *err);
void tables_close(struct tables *t); /* NULL is fine; snapshots must have ended */
bool tables_is_read_only(const struct tables *t);
const char *tables_branch(const struct tables *t); /* borrowed until the next checkout */

/* Who a commit is by. */
struct tables_identity {
    const char *name, *email;
};

/*
 * Creates a database directory `dir` (parent exists, dir does not) with an initial commit "Initialize
 * data repository" by `author` on branch `branch`, crash-safe.
 */
int tables_create_embedded(const char *dir, const char *branch, const struct tables_identity *author,
                           struct err *err);

/* ---- predicates ---- */

enum pred_op {
    PRED_TRUE, /* every row */
    PRED_AND,
    PRED_OR,
    PRED_NOT, /* kids */
    PRED_EQ,
    PRED_NE,
    PRED_LT,
    PRED_LE,
    PRED_GT,
    PRED_GE, /* column op cell; NULL never matches */
    PRED_IN, /* column in cells */
    PRED_IS_NULL,
    PRED_IS_NOT_NULL,
    PRED_CONTAINS_FOLD, /* LOWER(column) LIKE '%cell%': substring, ASCII and simple Unicode case folded
                         */
    PRED_CONTAINS,      /* substring, bytewise */
    PRED_PREFIX,        /* column starts with cell, bytewise */
    PRED_LIKE,          /* SQL LIKE with % and _ (backslash escapes) */
    PRED_JSON_EQ,       /* column's JSON value at object key `key`, unquoted, equals the cell text */
    PRED_JSON_HAS,      /* column's JSON object has `key` (dots are part of the key) */
};
/* A condition on rows: a tree of data, which a driver evaluates itself or translates. */
struct pred {
    enum pred_op op;
    const char *column;
    const char *key;          /* PRED_JSON_* */
    const struct cell *cells; /* one, or many for PRED_IN */
    size_t cell_count;
    const struct pred *const *kids;
    size_t kid_count;
};
/* Constructors in an arena (they copy the arrays, not the texts). pred_and/_or accept NULL kids. */
const struct pred *pred_cmp(struct arena *a, enum pred_op op, const char *column, struct cell c);
const struct pred *pred_in(struct arena *a, const char *column, const struct cell *cells, size_t n);
const struct pred *pred_null(struct arena *a, const char *column, bool is_null);
const struct pred *pred_not(struct arena *a, const struct pred *kid);
const struct pred *pred_all(struct arena *a, enum pred_op and_or, const struct pred *const *kids,
                            size_t n);
const struct pred *pred_and(struct arena *a, const struct pred *x, const struct pred *y);
const struct pred *pred_or(struct arena *a, const struct pred *x, const struct pred *y);
const struct pred *pred_json(struct arena *a, enum pred_op op, const char *column, const char *key,
                             struct cell c);

/* ---- reading ---- */

/* Newest state of the branch: its working set (uncommitted changes included). */
int tables_read_begin(struct tables *t, struct tables_txn **out, struct err *err);
/* The same for what belongs to the last reading: its snapshot once more, without a look at the files
 * (a new one if there is none, or if this connection wrote since). */
int tables_read_again(struct tables *t, struct tables_txn **out, struct err *err);
/* A past state: branch, tag, commit hash, HEAD~n, HEAD^, or "WORKING"/"STAGED". */
int tables_read_begin_at(struct tables *t, const char *ref, struct tables_txn **out, struct err *err);
void tables_read_end(struct tables_txn *x);
/*
 * For reading more than shall be in memory at once: from here on, what was read may be forgotten with
 * each tables_end_portion, and is when it takes more than keep_bytes. Cells read since the last one,
 * and whatever borrows from them, are invalid then; what was read before tables_read_in_portions stays.
 */
void tables_read_in_portions(struct tables_txn *x);
void tables_end_portion(struct tables_txn *x, size_t keep_bytes);

bool tables_has_table(struct tables_txn *x, const char *table);
/* Borrowed from x. BD_NOT_FOUND. */
int tables_schema(struct tables_txn *x, const char *table, const struct schema **out, struct err *err);
/* Sorted names of all tables, in the arena. */
int tables_list(struct tables_txn *x, struct arena *a, const char ***names, size_t *count,
                struct err *err);
bool tables_has_column(struct tables_txn *x, const char *table, const char *column);

/* Point lookup by full primary key. columns NULL = all in schema order. BD_NOT_FOUND. */
int tables_get(struct tables_txn *x, const char *table, const struct cell *key, size_t key_count,
               const char *const *columns, size_t column_count, struct arena *a, struct cell *out,
               struct err *err);

/* One column of an order; NULL sorts first when ascending. */
struct tables_order {
    const char *column;
    bool descending;
};
struct tables_query {
    const char *table;
    const char *const
        *columns; /* NULL = all in schema order. A column the table lacks reads as NULL. */
    size_t column_count;
    const struct pred *where;         /* NULL = every row */
    const struct tables_order *order; /* empty: primary-key order */
    size_t order_count;
    uint64_t limit, offset; /* limit 0 = all */
    bool any_order;         /* with no order: rows may come in any, so that an index alone may answer */
};
/* Row callback: BD_OK goes on, BD_DONE stops without error, anything else stops and is returned.
 * The cells are valid during the call, or as long as `a` where the query was given an arena. */
typedef int (*tables_row_fn)(void *ctx, const struct cell *row);
/* Calls fn for every row of the query. */
int tables_scan(struct tables_txn *x, const struct tables_query *q, struct arena *a, tables_row_fn fn,
                void *ctx, struct err *err);
/* Is there a row that matches? `column` is one that an index on the condition holds too: then a lookup.
 */
int tables_any(struct tables_txn *x, const char *table, const char *column, const struct pred *where,
               bool *any, struct err *err);
/* Number of rows per distinct value of the group columns (0 group columns: one total). The row holds
 * the group cells followed by the count (CELL_INT). */
int tables_count(struct tables_txn *x, const char *table, const struct pred *where,
                 const char *const *group, size_t group_count, struct arena *a, tables_row_fn fn,
                 void *ctx, struct err *err);
/* The common case of one total. */
int tables_count_all(struct tables_txn *x, const char *table, const struct pred *where, uint64_t *count,
                     struct err *err);

/* ---- writing ---- */

enum tables_commit_mode {
    TABLES_COMMIT, /* working set and a Dolt commit of every dirty tracked table, in one root update
                      (`-Am`); with nothing changed against HEAD no commit is made */
    TABLES_COMMIT_TABLES, /* the same, staging only the tables this transaction wrote */
    TABLES_WORKING,       /* working set only (auto-commit off, batch) */
};
struct tables_write {
    enum tables_commit_mode mode;
    const char *message;           /* TABLES_COMMIT*: may be set by the function through */
                                   /* tables_set_message before it returns */
    struct tables_identity author; /* name NULL: root <root@%> */
    int64_t author_time_micros;    /* 0 = now */
};
/*
 * Runs fn in a transaction. If another process published first, the effects are dropped and fn runs
 * again on the new state (the second and later runs under the store's lock, so it ends). fn must depend
 * on x alone and be free of side effects that a re-run would double. fn returning anything but BD_OK
 * rolls back and is returned. commit (may be NULL) receives the new commit, zero when none was made.
 */
typedef int (*tables_write_fn)(struct tables_txn *x, void *ctx, struct err *err);
int tables_write(struct tables *t, const struct tables_write *w, tables_write_fn fn, void *ctx,
                 struct hash *commit, struct err *err);
void tables_set_message(struct tables_txn *x, const char *message); /* copied */
/*
 * Makes a commit of what the running transaction has done so far (w: mode, message, author, time);
 * later changes go on top of it. All commits of a transaction are published together, in one root
 * update. commit (may be NULL) is zero when nothing differed from HEAD.
 */
int tables_commit_now(struct tables_txn *x, const struct tables_write *w, struct hash *commit,
                      struct err *err);
/* Foreign keys are checked (and cascade) unless switched off; holds until the transaction ends or is
 * re-run. */
void tables_set_foreign_key_checks(struct tables_txn *x, bool on);

enum tables_insert_flags {
    TABLES_INSERT_IGNORE = 1, /* an existing key is left alone; *inserted says so */
    TABLES_INSERT_REPLACE =
        2, /* an existing row is replaced (ON DUPLICATE KEY UPDATE all columns given) */
};
/* Inserts one row; columns not named get their default (an error if NOT NULL without one).
 * BD_CONSTRAINT for duplicate key, foreign key, check, NOT NULL, value out of range. */
int tables_insert(struct tables_txn *x, const char *table, const char *const *columns,
                  const struct cell *cells, size_t count, unsigned flags, bool *inserted,
                  struct err *err);
/*
 * Inserts many rows of one table: names are bound once and each index is changed once. The rows are
 * there from tables_bulk_end on (not before), by the same rules as tables_insert; flags 0 or
 * TABLES_INSERT_IGNORE (rows whose primary key exists are left out). Other changes of the table in
 * between come first. After a failed tables_bulk_add call tables_bulk_drop; tables_bulk_end frees b in
 * any case. tables_bulk_add for different tables may run on different threads at the same time; all
 * else belongs to one thread.
 */
struct tables_bulk;
int tables_bulk_begin(struct tables_txn *x, const char *table, const char *const *columns, size_t count,
                      unsigned flags, struct tables_bulk **out, struct err *err);
int tables_bulk_add(struct tables_bulk *b, const struct cell *cells, struct err *err);
int tables_bulk_end(struct tables_bulk *b, uint64_t *inserted,
                    struct err *err);         /* inserted may be NULL */
void tables_bulk_drop(struct tables_bulk *b); /* NULL is fine */
/*
 * Sets columns of all rows that match. ON UPDATE columns not named are set to now for rows that really
 * change. *changed counts rows whose stored bytes changed, *matched (may be NULL) rows that matched.
 * Changing a primary key cascades as the foreign keys say.
 */
int tables_update(struct tables_txn *x, const char *table, const struct pred *where,
                  const char *const *columns, const struct cell *cells, size_t count, uint64_t *matched,
                  uint64_t *changed, struct err *err);
/* Deletes all rows that match, cascading. */
int tables_delete(struct tables_txn *x, const char *table, const struct pred *where, uint64_t *deleted,
                  struct err *err);

/* ---- schema changes (the statements are parsed by store/sql/ddl.h) ---- */
struct ddl;
/* Executes one statement in the transaction, which keeps nothing of it. After an error the transaction
 * must be rolled back. */
int tables_ddl(struct tables_txn *x, const struct ddl *statement, struct err *err);

/* ---- history ---- */

/* A commit as logs show it; texts in the arena of the call. */
struct tables_commit_info {
    struct hash hash;
    struct hash parents[8];
    size_t parent_count;
    const char *author, *email, *message;
    int64_t time_micros; /* author time */
    uint64_t height;
};
/* Walks from ref (NULL = HEAD) newest first (reverse topological). BD_DONE stops.
 */
int tables_log(struct tables *t, const char *ref, struct arena *a,
               int (*fn)(void *ctx, const struct tables_commit_info *c), void *ctx, struct err *err);
/* How many commits that walk would meet; not a walk, for a commit knows its ancestors. */
int tables_log_count(struct tables *t, const char *ref, uint64_t *count, struct err *err);
/* The commit that a branch, tag, hash, HEAD~n or HEAD^ names. BD_NOT_FOUND. */
int tables_resolve(struct tables *t, const char *ref, struct hash *commit, struct err *err);

struct tables_ref {
    const char *name; /* branch or tag name without refs/heads/ */
    enum { TABLES_REF_BRANCH, TABLES_REF_TAG, TABLES_REF_REMOTE } kind;
    struct hash commit;
};
/* All branches, tags and remote branches, in the order of their full names; in `a`. */
int tables_refs(struct tables *t, struct arena *a, struct tables_ref **refs, size_t *count,
                struct err *err);

/* One row that differs; valid during the call it is handed to. */
struct tables_diff_row {
    const char *table;
    enum { TABLES_DIFF_ADDED, TABLES_DIFF_REMOVED, TABLES_DIFF_MODIFIED } change;
    const struct schema *from_schema, *to_schema; /* NULL where the table does not exist */
    const struct cell *from, *to; /* cells in that schema's column order; NULL = no row */
};
/* Row differences between two states (NULL from = HEAD, NULL to = WORKING); table NULL = all tables. */
int tables_diff(struct tables *t, const char *from, const char *to, const char *table, struct arena *a,
                int (*fn)(void *ctx, const struct tables_diff_row *d), void *ctx, struct err *err);

/* Tables whose content or schema differs between HEAD and WORKING, as `dolt status` lists them. */
struct tables_status {
    const char *table;
    enum { TABLES_STATUS_NEW, TABLES_STATUS_MODIFIED, TABLES_STATUS_DELETED } change;
    bool staged, ignored;
};
int tables_status(struct tables *t, struct arena *a, struct tables_status **list, size_t *count,
                  struct err *err);

/* Versions of one row, newest commit first, only commits that changed it (row NULL: it was deleted). */
int tables_row_history(struct tables *t, const char *table, const struct cell *key, size_t key_count,
                       struct arena *a,
                       int (*fn)(void *ctx, const struct tables_commit_info *c, const struct schema *s,
                                 const struct cell *row),
                       void *ctx, struct err *err);

/* ---- branches ---- */
/* from_ref NULL: HEAD. BD_EXISTS; BD_INVALID for a name that no branch may have. */
int tables_branch_create(struct tables *t, const char *name, const char *from_ref, struct err *err);
/* BD_INVALID for the branch in use; BD_CONFLICT, without `force`, when it has uncommitted changes. */
int tables_branch_delete(struct tables *t, const char *name, bool force, struct err *err);
/* Makes later reads and writes of this connection go to that branch. */
int tables_checkout(struct tables *t, const char *branch, struct err *err);

struct tables_merge_result {
    struct hash commit; /* zero when nothing was to be done */
    bool fast_forward, up_to_date;
    uint64_t conflicts; /* > 0: nothing was merged */
    const char *const *conflict_tables;
    size_t conflict_table_count;
};
/* Merges a branch into the current one, as one commit by w. Conflicts leave everything as it was. */
int tables_merge(struct tables *t, const char *branch, const struct tables_write *w, struct arena *a,
                 struct tables_merge_result *out, struct err *err);

/* A row that both sides changed and that does not merge by cells. */
struct tables_conflict {
    const char *table;
    const struct schema *schema;             /* of the merged table */
    const struct cell *base, *ours, *theirs; /* by its columns; NULL: no such row there */
    const bool *clashing;                    /* columns both sides changed differently */
};
/*
 * Decides a conflict: BD_OK with `merged` filled (it starts as our cells where neither side clashes
 * merged already) or *removed set; BD_CONFLICT leaves it a conflict; anything else ends the merge.
 */
typedef int (*tables_resolve_fn)(void *ctx, const struct tables_conflict *c, struct cell *merged,
                                 bool *removed, struct arena *a);
/* tables_merge with a judge for row conflicts. */
int tables_merge_resolving(struct tables *t, const char *branch, const struct tables_write *w,
                           tables_resolve_fn resolve, void *ctx, struct arena *a,
                           struct tables_merge_result *out, struct err *err);

#endif
