/* From what was typed to an issue, for all that bd show can be asked. */
#include "bd/cmd/show.h"

#include "bd/ops/hydrate.h"
#include "bd/ops/resolve.h"

bool show_resolve(struct bd *bd, struct tables_txn *x, const char *typed, const char *doing,
                  struct issue *out) {
    struct err err = ERR_INIT;
    const char *id = NULL;
    int rc = issue_resolve(x, typed, &bd->arena, &id, &err);
    if (rc == BD_OK)
        rc = issue_load(x, id, &bd->arena, out, &err);
    if (rc == BD_OK)
        rc = issues_hydrate(x, out, 1, HYDRATE_LABELS, &bd->arena, &err);
    if (rc != BD_OK) {
        fflush(bd->out);
        fprintf(bd->err, "Error %s %s: %s\n", doing, typed, err.msg);
    }
    return rc == BD_OK;
}
