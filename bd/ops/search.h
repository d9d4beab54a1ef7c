/*
 * Lists of issues by filter, in the order of priority, newest first, id.
 */
#ifndef BD_OPS_SEARCH_H
#define BD_OPS_SEARCH_H

#include "bd/ops/filter.h"

/*
 * Matching issues of both families (f->ephemeral FILTER_YES: of the wisps alone when there are any),
 * the issues first, then the wisps, each at most f->limit; with labels unless skipped. BD_INVALID when
 * an id is in both families.
 */
int search_issues(struct tables_txn *x, const struct issue_filter *f, struct arena *a,
                  struct issue_list *out, struct err *err);
/* With counts, dependency rows and parent; merged into one order and cut to f->limit. */
int search_issues_with_counts(struct tables_txn *x, const struct issue_filter *f, struct arena *a,
                              struct issue_list *out, struct err *err);

/* How `search_table` orders. */
enum search_order { ORDER_PRIORITY, ORDER_OLDEST, ORDER_HYBRID };
int search_compare(enum search_order order, int64_t recent_since, const struct issue *a,
                   const struct issue *b);
void search_order_list(struct issue_list *l, enum search_order order);
/*
 * Rows of one family that match; ordered and limited. No labels. With a limit, `lead` (or NULL) says
 * what the first ones are chosen by before ORDER_PRIORITY; the rows still come in the order asked for.
 */
int search_table(struct tables_txn *x, const struct issue_family *family, const struct pred *where,
                 enum search_order order, const struct tables_order *lead, uint64_t limit,
                 struct arena *a, struct issue_list *out, struct err *err);
/* BD_INVALID when an id of the list comes twice. */
int search_check_twins(const struct issue_list *l, struct err *err);

/* Sorts by a field of --sort (priority, created, updated, closed, status, id, title, type, assignee);
 * equal ones keep their order. False when there is no such field. */
bool search_sort(struct issue_list *l, const char *field, bool reverse);
/* The same order as a filter's `lead`; false for fields that only search_sort can order by. */
bool search_sort_lead(const char *field, bool reverse, struct tables_order *out);
extern const char search_sort_fields[]; /* "priority, created, …" */

#endif
