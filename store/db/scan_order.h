/*
 * The first rows of an order without reading the table: groups of the first order column come from its
 * index, and inside a large group the second column's index is walked (format-values §6.3 says what an
 * entry holds).
 */
#ifndef STORE_DB_SCAN_ORDER_H
#define STORE_DB_SCAN_ORDER_H

#include "store/db/scan_access.h"

struct order_walk {
    struct table *t;
    size_t first;          /* index that starts with the first order column */
    bool first_descending;
    int second;            /* index that starts with the second one; -1: none */
    bool second_descending;
    bool then_key;         /* after the first column the order is that of the row key */
    uint64_t budget;       /* rows that may be fetched before it gives up */
    access_fn fn;          /* takes a row; filters it */
    bool (*full)(void *ctx); /* enough rows were taken: later ones in the order cannot matter */
    void *ctx;
};
/* *complete is false when the budget was too small: what was taken so far is to be forgotten. */
int order_walk(const struct order_walk *w, struct arena *a, bool *complete, struct err *err);

/* An index whose entries are sorted by this column first; -1 when there is none. */
int order_index(const struct table_schema *ts, int column);

#endif
