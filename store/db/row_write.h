/*
 * Changing one row with everything that hangs on it: secondary indexes, uniqueness, checks, foreign
 * keys.
 */
#ifndef STORE_DB_ROW_WRITE_H
#define STORE_DB_ROW_WRITE_H

#include "store/db/embedded.h"

/* Cascades deeper than this are refused, as in MySQL. */
#define CASCADE_DEPTH_MAX 255

/*
 * Sets the columns with set[i] to cells[i]. *changed says whether stored bytes changed. ON UPDATE
 * columns that are not set follow. The row is named by its stored key and value.
 */
int row_update(struct embedded_txn *x, struct table *t, struct bytes key, struct bytes value,
               const struct cell *cells, const bool *set, unsigned depth, bool *changed,
               struct err *err);

/* Deletes the row and what cascades from it; `depth` counts cascades. */
int row_delete(struct embedded_txn *x, struct table *t, struct bytes key, struct bytes value,
               unsigned depth, struct err *err);

/* A new row as bytes in `a`, long values in `ns`: defaults and generated columns filled in (`cells` is
 * changed), NOT NULL and checks looked at. Keyless tables get no key. */
int row_encode(struct embedded_txn *x, struct table *t, struct cell *cells, const bool *given,
               struct node_store *ns, struct arena *a, struct bytes *key, struct bytes *value,
               struct err *err);
/* The refusal of a key (index -1: primary) that is taken. */
int row_duplicate(struct embedded_txn *x, struct table *t, int index, struct bytes tuple,
                  struct err *err);
/* Does a row with the same values stand in unique index i? */
int row_unique_taken(struct table *t, size_t i, struct bytes index_key, bool *taken, struct err *err);

/* Puts the entries of a row into all indexes (or takes them out), without any check. */
int row_index_entries(struct table *t, struct bytes key, struct bytes value, bool add, struct err *err);

/* ---- constraints.c ---- */

/* Resolves keys that were stored unresolved, as the first statement that touches them does. */
int fk_resolve_pending(struct embedded_txn *x, struct table *t, bool as_parent, struct err *err);
/* The row's foreign keys have parents. changed (may be NULL): only keys over these columns. */
int fk_check_row(struct embedded_txn *x, struct table *t, struct bytes key, struct bytes value,
                 const bool *changed, struct err *err);
/* Children of a row that is gone: cascade, set to NULL, or refuse. */
int fk_parent_deleted(struct embedded_txn *x, struct table *t, struct bytes key, struct bytes value,
                      unsigned depth, struct err *err);
int fk_parent_updated(struct embedded_txn *x, struct table *t, struct bytes old_key,
                      struct bytes old_value, struct bytes key, struct bytes value, unsigned depth,
                      struct err *err);
/* All rows of the child have parents (ADD FOREIGN KEY). */
int fk_check_table(struct embedded_txn *x, struct table *child, const struct foreign_key *fk,
                   struct err *err);

/* For merges: the row's key is NULL somewhere or has a parent. */
int fk_has_parent(struct embedded_txn *x, const struct foreign_key *fk, struct table *child,
                  struct table *parent, struct bytes key, struct bytes value, bool *ok,
                  struct err *err);
/*
 * Keys of the children of a row that `old_parent` had, unless `parent` still has one with the same
 * referenced values. *keys is malloc'd.
 */
int fk_orphans(struct embedded_txn *x, const struct foreign_key *fk, struct table *child,
               struct table *parent, struct table *old_parent, struct bytes key, struct bytes value,
               struct bytes **keys, size_t *count, struct err *err);

/* Enforced checks over the row; set (may be NULL): only those that mention these columns. */
int checks_run(struct embedded_txn *x, struct table *t, const struct cell *cells, const bool *set,
               struct err *err);
/* One check on one row (cells by column); NULL holds. */
int check_holds(struct embedded_txn *x, const struct schema *s, const struct check *c,
                const struct cell *row, bool *holds, struct err *err);

/* ---- defaults.c ---- */
int default_value(struct embedded_txn *x, const char *text, struct cell *out, struct err *err);
/* The same where the text may name other columns of the row (set so far). */
int default_in_row(struct embedded_txn *x, const struct schema *s, const char *text,
                   const struct cell *row, struct cell *out, struct err *err);
int generated_value(struct embedded_txn *x, const struct schema *s, size_t column,
                    const struct cell *row, struct cell *out, struct err *err);

#endif
