/*
 * Changing datasets beside the transactions of tables_write.c: branches, and what merge publishes.
 */
#ifndef STORE_DB_BRANCHES_H
#define STORE_DB_BRANCHES_H

#include "store/db/embedded.h"

/* One attempt: reads `datasets`, puts its chunks into ns and fills edits (at most 4). */
struct ref_change {
    struct node_store *ns;
    struct tree datasets;
    struct arena arena;
    struct store_root_edit edits[4];
    size_t edit_count; /* 0: nothing to publish */
};
typedef int (*ref_change_fn)(struct ref_change *c, void *ctx, struct err *err);
/* Runs fn and publishes its edits; again, under the lock, when somebody else was faster. */
int embedded_change_refs(struct embedded *e, ref_change_fn fn, void *ctx, struct err *err);

#endif
