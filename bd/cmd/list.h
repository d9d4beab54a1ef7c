/*
 * `bd list` as other commands call it.
 */
#ifndef BD_CMD_LIST_H
#define BD_CMD_LIST_H

#include "bd/cmd/view.h"
#include "bd/ops/search.h"

struct list_options {
    struct issue_filter filter;
    bool ready, include_infra, infra_type;
    bool json, tree, long_form, skip_labels, no_pager, watch, reverse;
    const char *format, *sort; /* NULL = none */
    int64_t limit;             /* shown at most; 0 or less = all */
};

/* --- printing (list_output.c) --- */
void list_print_tree(struct bd *bd, struct buf *out, const struct issue_list *l,
                     const struct dependency *rows, size_t row_count);
int list_print_flat(struct bd *bd, struct tables_txn *x, const struct list_options *o,
                    const struct issue_list *l);
int list_print_format(struct bd *bd, struct tables_txn *x, const struct list_options *o,
                      struct issue_list *l);
void list_print_json(struct bd *bd, const struct list_options *o, const struct issue_list *l);

#endif
