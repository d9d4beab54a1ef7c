/*
 * The first few rows of a large table in the usual order (priority, newest first, id) without reading it.
 */
#ifndef BD_OPS_FIRST_ROWS_H
#define BD_OPS_FIRST_ROWS_H

#include "store/db/tables.h"

/*
 * Ids of the first `limit` rows of issues or wisps that match, as cells in the arena. BD_UNSUPPORTED (err
 * untouched) when the indexes would not pay: small tables, remote connections, conditions that select by id, or
 * conditions that turn out to accept too few rows; the caller then scans.
 */
int first_rows(struct tables_txn *x, const char *table, const struct pred *where, uint64_t limit,
               struct arena *a, struct cell **ids, size_t *count, struct err *err);

#endif
