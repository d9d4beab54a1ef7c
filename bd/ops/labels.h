/* Labels of issues. Every addition and removal leaves an event. */
#ifndef BD_OPS_LABELS_H
#define BD_OPS_LABELS_H

#include "bd/ops/ops.h"

/* Inside a transaction. An existing label is left alone (with an event, as upstream). */
int label_add_in(struct ops *o, struct tables_txn *x, const char *id, bool is_wisp, const char *label,
                 struct err *err);
int label_remove_in(struct ops *o, struct tables_txn *x, const char *id, bool is_wisp,
                    const char *label, struct err *err);
/* Sorted labels of one issue. */
int label_list(struct tables_txn *x, const char *id, bool is_wisp, struct arena *a,
               const char ***labels, size_t *count, struct err *err);
/* Sorted labels in use, with the number of their issues; wisps included. */
struct label_count {
    const char *label;
    uint64_t count;
};
int label_counts(struct tables_txn *x, struct arena *a, struct label_count **out, size_t *count,
                 struct err *err);

#endif
