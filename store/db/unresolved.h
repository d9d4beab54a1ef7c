/* What a merge left for somebody to decide. */
#ifndef STORE_DB_UNRESOLVED_H
#define STORE_DB_UNRESOLVED_H

#include "store/db/tables.h"

/* Tables of this state with conflicts or constraint violations recorded; in the arena, sorted. Embedded
 * driver. */
int db_unresolved_tables(struct tables_txn *x, struct arena *a, const char ***names, size_t *count,
                         struct err *err);

#endif
