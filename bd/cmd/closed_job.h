/* Closed issues that prune, purge and the decay of gc look for and delete. */
#ifndef BD_CMD_CLOSED_JOB_H
#define BD_CMD_CLOSED_JOB_H

#include "bd/cmd/cmd.h"
#include "bd/ops/closed_deletion.h"

struct closed_job {
    struct bd *bd;
    struct closed_query query;
    struct closed_found found;
};

/* Fills `found` from the newest state. */
int closed_job_find(struct closed_job *j, struct err *err);
/* The same in a transaction, and deletes them; a function for write_run. ctx = struct closed_job. */
int closed_job_delete(struct tables_txn *x, void *ctx, struct err *err);
/* Tells which the second look left out. */
void closed_job_warn(const struct closed_job *j);

#endif
