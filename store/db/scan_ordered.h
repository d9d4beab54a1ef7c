/*
 * The first rows of an order, found through secondary indexes instead of reading and sorting every row.
 */
#ifndef STORE_DB_SCAN_ORDERED_H
#define STORE_DB_SCAN_ORDERED_H

#include "store/db/scan_access.h"

/* The walk gave up because reading everything is cheaper; what fn got until then stays valid. */
#define SCAN_ORDERED_GAVE_UP 1

/*
 * Calls fn for rows in the order of q, until fn ends it (BD_DONE). Candidates are a superset of what
 * q's predicate matches: fn evaluates it. BD_UNSUPPORTED, before any call of fn, when no index helps.
 */
int scan_ordered(struct table *t, const struct tables_query *q, access_fn fn, void *ctx,
                 struct err *err);

#endif
