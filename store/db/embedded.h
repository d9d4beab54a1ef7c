/*
 * Inside the embedded driver: connections, snapshots and transactions on a chunk store. Private to
 * store/db.
 */
#ifndef STORE_DB_EMBEDDED_H
#define STORE_DB_EMBEDDED_H

#include "base/strmap.h"
#include "store/db/commit.h"
#include "store/db/foreign_keys.h"
#include "store/db/root_value.h"
#include "store/db/store_root.h"
#include "store/db/table.h"
#include "store/db/tables_driver.h"
#include "store/db/working_set.h"

struct embedded {
    struct tables base;
    char *dir, *branch;
    struct chunk_store *cs;
    struct node_store *ns; /* for reading; writers have their own */
    struct arena arena;    /* as long as the connection */
    struct strmap schemas; /* DSCH address → struct table_schema */
    char *session_name, *session_email;
    bool read_only, bare;
    bool fresh; /* opened or refreshed, and nobody has used the snapshot yet */
    /* The newest snapshot of the branch, with the tables it has open: whoever reads again while nothing
     * moved gets it too. It is dropped when the root or the branch is another. */
    struct embedded_txn *newest;
    struct hash newest_root; /* of the store */
    const char *newest_branch;
    unsigned newest_forgotten; /* chunk_store_forgotten when it was made: it borrows from chunks */
};

struct embedded_txn {
    struct tables_txn base;
    struct embedded *e;
    struct node_store *ns;
    struct arena arena;
    struct root_value root;
    struct strmap tables; /* lower-case name → struct table; NULL value is not kept */
    bool writing, foreign_key_checks;
    unsigned holders; /* of e->newest: how many have begun to read and not ended */
    bool foreign_keys_loaded, foreign_keys_changed;
    struct foreign_keys foreign_keys;
    int64_t now_utc; /* micros, whole seconds */
    const char *message;
    struct strmap written;     /* lower-case names of tables written, for TABLES_COMMIT_TABLES */
    struct strmap expressions; /* text → parsed, see defaults.c */
    struct strmap removed;     /* stored names dropped in this transaction */
    /* what the transaction started from (writing only) */
    struct hash store_root, head;
    struct tree datasets;
    struct working_set ws;
    struct hash head_root;
    struct hash
        committed; /* newest commit made while the function runs; head and head_root follow it */
};

/* By which a `struct tables` is known to be of this driver. */
extern const struct tables_driver embedded_driver;

static inline struct embedded *embedded_of(struct tables *t) { return (struct embedded *)t; }
static inline struct embedded_txn *embedded_txn_of(struct tables_txn *x) {
    return (struct embedded_txn *)x;
}

/* ---- embedded_txn.c ---- */
/* Brings the snapshot up to date unless it has just been made. */
int embedded_refresh(struct embedded *e, struct err *err);
/* table_schema_fn; ctx = struct embedded. Parsed schemas live as long as the connection. */
int embedded_schema(struct node_store *ns, struct embedded *e, const struct hash *h,
                    const struct table_schema **out, struct err *err);
/* A snapshot transaction standing on a root value. ns NULL: the connection's. */
int embedded_txn_at_root(struct embedded *e, const struct hash *root, struct embedded_txn **out,
                         struct err *err);
void embedded_txn_init(struct embedded_txn *x, struct embedded *e, struct node_store *ns);
void embedded_txn_release(struct embedded_txn *x);
/* The open table; BD_NOT_FOUND. Borrowed from x. */
int embedded_table(struct embedded_txn *x, const char *name, struct table **out, struct err *err);
/* The same, for writing: BD_READ_ONLY for a snapshot; notes the table as written. */
int embedded_table_for_write(struct embedded_txn *x, const char *name, struct table **out,
                             struct err *err);
/* Makes a table known to the transaction (CREATE TABLE, renames). */
void embedded_put_table(struct embedded_txn *x, struct table *t);
int embedded_drop_table(struct embedded_txn *x, struct table *t);
int embedded_foreign_keys(struct embedded_txn *x, struct foreign_keys **out, struct err *err);
/* Names of all tables as the transaction sees them. */
int embedded_list(struct embedded_txn *x, struct arena *a, const char ***names, size_t *count,
                  struct err *err);
/* Root of a state named by the user (WORKING, STAGED, HEAD, branch, …). */
int embedded_resolve_root(struct embedded *e, struct node_store *ns, const char *ref, struct hash *root,
                          struct err *err);

/* ---- ref_parse.c ---- */
int ref_resolve(struct node_store *ns, const struct tree *datasets, const char *head_branch,
                const char *ref, struct hash *commit, struct err *err);

/* ---- scan.c ---- */
/* A row that matched a predicate; bytes are borrowed from nodes or the transaction. */
typedef int (*row_fn)(void *ctx, struct bytes key, struct bytes value);
int embedded_match(struct embedded_txn *x, struct table *t, const struct pred *where, row_fn fn,
                   void *ctx, struct err *err);
int embedded_get(struct tables_txn *x, const char *table, const struct cell *key, size_t key_count,
                 const char *const *columns, size_t column_count, struct arena *a, struct cell *out,
                 struct err *err);
int embedded_scan(struct tables_txn *x, const struct tables_query *q, struct arena *a, tables_row_fn fn,
                  void *ctx, struct err *err);
int embedded_count(struct tables_txn *x, const char *table, const struct pred *where,
                   const char *const *group, size_t group_count, struct arena *a, tables_row_fn fn,
                   void *ctx, struct err *err);

/* ---- tables_write.c and below ---- */
/* Chunks of a transaction beyond twice this are written in slices of it before the root moves. Tests
 * lower it. */
extern size_t embedded_ahead_bytes;
int embedded_write(struct tables *t, const struct tables_write *w, tables_write_fn fn, void *ctx,
                   struct hash *commit, struct err *err);
int embedded_commit_now(struct tables_txn *x, const struct tables_write *w, struct hash *commit,
                        struct err *err);
int embedded_insert(struct tables_txn *x, const char *table, const char *const *columns,
                    const struct cell *cells, size_t count, unsigned flags, bool *inserted,
                    struct err *err);
int embedded_bulk_begin(struct tables_txn *x, const char *table, const char *const *columns,
                        size_t count, unsigned flags, struct tables_bulk **out, struct err *err);
int embedded_bulk_add(struct tables_bulk *b, const struct cell *cells, struct err *err);
int embedded_bulk_end(struct tables_bulk *b, uint64_t *inserted, struct err *err);
void embedded_bulk_drop(struct tables_bulk *b);
int embedded_update(struct tables_txn *x, const char *table, const struct pred *where,
                    const char *const *columns, const struct cell *cells, size_t count,
                    uint64_t *matched, uint64_t *changed, struct err *err);
int embedded_delete(struct tables_txn *x, const char *table, const struct pred *where,
                    uint64_t *deleted, struct err *err);
int embedded_ddl(struct tables_txn *x, const struct ddl *statement, struct err *err);

/* ---- history ---- */
int embedded_log_count(struct tables *t, const char *ref, uint64_t *count, struct err *err);
int embedded_log(struct tables *t, const char *ref, struct arena *a,
                 int (*fn)(void *ctx, const struct tables_commit_info *c), void *ctx, struct err *err);
int embedded_diff(struct tables *t, const char *from, const char *to, const char *table,
                  struct arena *a, int (*fn)(void *ctx, const struct tables_diff_row *d), void *ctx,
                  struct err *err);
int embedded_status(struct tables *t, struct arena *a, struct tables_status **list, size_t *count,
                    struct err *err);
int embedded_row_history(struct tables *t, const char *table, const struct cell *key, size_t key_count,
                         struct arena *a,
                         int (*fn)(void *ctx, const struct tables_commit_info *c,
                                   const struct schema *s, const struct cell *row),
                         void *ctx, struct err *err);
int embedded_branch_create(struct tables *t, const char *name, const char *from_ref, struct err *err);
int embedded_branch_delete(struct tables *t, const char *name, bool force, struct err *err);
int embedded_checkout(struct tables *t, const char *branch, struct err *err);
int embedded_merge(struct tables *t, const char *branch, const struct tables_write *w,
                   tables_resolve_fn resolve, void *ctx, struct arena *a,
                   struct tables_merge_result *out, struct err *err);
/* Puts everything the transaction changed into x->root and writes it. */
int embedded_flush(struct embedded_txn *x, struct err *err);

#endif
