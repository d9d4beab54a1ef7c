/* Finding and deleting closed issues for prune, purge and gc. */
#include "bd/cmd/closed_job.h"

#include "bd/cmd/write.h"

int closed_job_find(struct closed_job *j, struct err *err) {
    struct tables_txn *x;
    int rc = write_read_begin(j->bd, &x, err);
    if (rc != BD_OK)
        return rc;
    rc = closed_find(x, &j->query, &j->bd->arena, &j->found, err);
    tables_read_end(x);
    return rc;
}

int closed_job_delete(struct tables_txn *x, void *ctx, struct err *err) {
    struct closed_job *j = ctx;
    int rc = closed_find(x, &j->query, &j->bd->arena, &j->found, err);
    return rc == BD_OK && j->found.count ? closed_delete_in(x, &j->found, err) : rc;
}

void closed_job_warn(const struct closed_job *j) {
    const char *warning = closed_skip_warning(&j->found, &j->bd->arena);
    if (warning)
        cmd_warn(j->bd, "%s", warning);
}
