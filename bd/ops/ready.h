/*
 * Ready work: open issues that nothing active blocks.
 */
#ifndef BD_OPS_READY_H
#define BD_OPS_READY_H

#include "bd/ops/search.h"

struct ready_filter {
    const char *status;     /* NULL: open and in_progress */
    const char *issue_type; /* NULL or "": any but the internal types and exclude_types */
    struct text_list exclude_types, labels, exclude_labels;
    int64_t priority; /* ISSUE_NO_INT = any */
    const char *assignee;
    bool unassigned;      /* wins over assignee */
    const char *parent;   /* all descendants */
    const char *molecule; /* direct children */
    bool include_deferred, include_ephemeral;
    const char *has_metadata_key;
    const struct filter_pair *metadata;
    size_t metadata_count;
    enum search_order order;
    uint64_t limit; /* 0 = all */
};
void ready_filter_init(struct ready_filter *f);
/* "priority", "oldest", "hybrid" and "" (hybrid); false for anything else */
bool ready_order_parse(const char *text, enum search_order *out);

/* Ready issues in the wanted order, with labels. */
int ready_list(struct tables_txn *x, const struct ready_filter *f, struct arena *a,
               struct issue_list *out, struct err *err);
/* How many there are without a limit; counting stops above `most` (0 = never). */
int ready_count(struct tables_txn *x, const struct ready_filter *f, uint64_t most, struct arena *a,
                uint64_t *count, struct err *err);

#endif
