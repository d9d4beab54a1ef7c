/*
 * Reading and writing whole rows of `issues` and `wisps`.
 */
#ifndef BD_OPS_ISSUE_ROWS_H
#define BD_OPS_ISSUE_ROWS_H

#include "bd/ops/issue.h"

/* Issues side by side; zeroed at first, items in an arena. */
struct issue_list {
    struct issue *items;
    size_t count, capacity;
};

/* Table names of one family: persistent rows, or wisps (ephemeral and no-history rows). */
struct issue_family {
    const char *issues, *labels, *dependencies, *events, *comments, *child_counters;
};
extern const struct issue_family issue_families[2]; /* [is_wisp] */

/* By exact id, `issues` first. Texts in `a`. BD_NOT_FOUND with "issue not found: ID". */
int issue_load(struct tables_txn *x, const char *id, struct arena *a, struct issue *out,
               struct err *err);
/* For a command that is about to write: wisps are there, else BD_UNSUPPORTED with the way out. */
int issue_wisps_ready(struct tables_txn *x, struct err *err);
/* Does the row exist, and where? BD_NOT_FOUND without one (err untouched). */
int issue_locate(struct tables_txn *x, const char *id, bool *is_wisp, struct err *err);
/* A few columns of one row of a known family; missing columns are NULL. BD_NOT_FOUND. */
int issue_get_columns(struct tables_txn *x, const char *id, bool is_wisp, const char *const *columns,
                      size_t count, struct arena *a, struct cell *out, struct err *err);

/* Every row of the families that matches, appended to the list in the order of the tables' keys.
 * `wisps` false: only `issues`. */
int issue_scan(struct tables_txn *x, const struct pred *where, bool wisps, struct arena *a,
               struct issue_list *out, struct err *err);
/* Rows with these ids, in the order of `ids`; missing ones are left out. */
int issue_load_many(struct tables_txn *x, const char *const *ids, size_t count, struct arena *a,
                    struct issue_list *out, struct err *err);
struct issue *issue_list_add(struct issue_list *l, struct arena *a); /* a new, initialised item */

/* Writes a new row, or refreshes the columns that an import may refresh when the id exists. *is_new
 * tells which. Columns that the schema lacks: see issue_column_lacking. */
int issue_row_put(struct tables_txn *x, const struct issue *i, bool is_wisp, bool *is_new,
                  struct err *err);
/* A value for a column that the table of an older schema lacks: BD_UNSUPPORTED, with the way out in
 * *err, unless the value says nothing or the column only repeats what others say. */
int issue_column_lacking(const char *table, const char *column, const struct cell *value,
                         struct err *err);
/* Would that refresh of a row that holds `old` change anything? */
bool issue_refresh_changes(const struct issue *old, const struct issue *i, struct arena *a);

#endif
