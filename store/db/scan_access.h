/*
 * How to get at the rows a predicate may match: all of them, ranges of the row map, or row keys found
 * in secondary indexes. Always a superset: the predicate itself is still evaluated on every row.
 */
#ifndef STORE_DB_SCAN_ACCESS_H
#define STORE_DB_SCAN_ACCESS_H

#include "store/db/scan_pred.h"

struct access_range {
    int index;          /* -1: the row map */
    struct bytes probe; /* the first `fields` fields equal these */
    size_t fields;
    struct bytes low, high; /* bounds on fields + 1 fields, inclusive; data NULL = open */
};

struct access {
    enum {
        ACCESS_ALL,   /* the whole row map */
        ACCESS_ROWS,  /* disjoint ascending ranges of the row map */
        ACCESS_KEYS,  /* row keys from secondary indexes (or overlapping ranges) */
        ACCESS_INDEX, /* entries of one covering index */
    } kind;
    struct access_range *ranges;
    size_t range_count;
    int index;         /* ACCESS_INDEX */
    uint64_t estimate; /* rows or entries to be looked at */
};

/* index_only[i] (may be NULL): index i holds every column that is needed, in whole. */
int access_plan(struct table *t, const struct pred *where, const bool *index_only, struct arena *a,
                struct access *out, struct err *err);

typedef int (*access_fn)(void *ctx, struct bytes key, struct bytes value);
/* Calls fn for every candidate: in row-key order for all kinds but ACCESS_INDEX, where it gets entries.
 */
int access_run(struct table *t, const struct access *access, struct arena *a, access_fn fn, void *ctx,
               struct err *err);

/* Iterates one range of a map; used for foreign keys and uniqueness too. */
int access_range_run(const struct edit_map *m, const struct tuple_desc *desc,
                     const struct access_range *range, access_fn fn, void *ctx, struct err *err);

#endif
