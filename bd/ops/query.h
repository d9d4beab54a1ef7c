/*
 * The query language of `bd query`: comparisons joined by AND, OR and NOT.
 *
 * A query turns into a filter that the tables evaluate and, where that is not enough, a test that is
 * run on each issue the filter lets through.
 */
#ifndef BD_OPS_QUERY_H
#define BD_OPS_QUERY_H

#include "bd/ops/filter.h"

/* A parsed query: comparisons, and what joins them. */
enum query_op { QUERY_EQ, QUERY_NE, QUERY_LT, QUERY_LE, QUERY_GT, QUERY_GE };
enum query_kind { QUERY_COMPARE, QUERY_AND, QUERY_OR, QUERY_NOT };

struct query_node {
    enum query_kind kind;
    struct query_node *left, *right; /* NOT uses left */
    const char *field, *value;
    enum query_op op;
    bool is_duration; /* the value was written as a duration ("7d") */
    int64_t time;     /* filled by query_compile for time fields, micros */
};

/* BD_INVALID with the position in the message. */
int query_parse(const char *text, struct arena *a, struct query_node **out, struct err *err);
/* "(a=b AND NOT c>1)" */
void query_print(struct buf *out, const struct query_node *n);
bool query_mentions(const struct query_node *n, const char *field);

struct query_plan {
    struct issue_filter filter;
    const struct query_node *test; /* NULL: the filter says it all */
};
/* `now` in micros: what relative times refer to. BD_INVALID. */
int query_compile(struct query_node *n, int64_t now, struct arena *a, struct query_plan *out,
                  struct err *err);
/* A condition that every issue passing the test satisfies, for the tables to evaluate; NULL = any row
 * may. */
const struct pred *query_pred(const struct query_node *n, struct arena *a);
/* Does the issue (with labels) pass the test? */
bool query_matches(const struct query_node *n, const struct issue *i);

#endif
