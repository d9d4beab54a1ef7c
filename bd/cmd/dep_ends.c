/* What every command that adds an edge does with its ends, and with what it may have closed. */
#include "bd/cmd/dep.h"

#include "bd/ops/dependencies.h"
#include "bd/ops/resolve.h"
#include "bd/ops/validate.h"
#include "bd/ui/ink.h"

int dep_resolve_ends(struct bd *bd, struct tables_txn *x, const char *from, const char *to,
                     const char **from_id, const char **to_id, struct err *err) {
    int rc = issue_resolve(x, from, &bd->arena, from_id, err);
    if (rc != BD_OK)
        return err_prefix(err, "resolving issue ID %s", from);
    *to_id = to;
    if (external_ref_is_dependency(to))
        return external_dependency_check(to, err);
    rc = issue_resolve(x, to, &bd->arena, to_id, err);
    if (rc == BD_OK)
        return rc;
    if (rc == BD_NOT_FOUND && dependency_crosses_prefix(*from_id, to)) {
        err_clear(err);
        *to_id = to;
        return BD_OK;
    }
    err_prefix(err, "resolving issue ID %s", to);
    return err_prefix(err, "resolving dependency ID %s", to);
}

#define WARN_EDGES_MAX                                                                                 \
    1000 /* beyond that, looking for cycles anywhere costs more than adding the edge */

void dep_warn_cycles(struct bd *bd) {
    struct tables_txn *x;
    struct dependency_cycle *cycles = NULL;
    size_t count = 0;
    uint64_t edges = 0;
    if (write_read_begin(bd, &x, NULL) != BD_OK)
        return;
    if (tables_count_all(x, "dependencies", NULL, &edges, NULL) == BD_OK && edges <= WARN_EDGES_MAX)
        dependency_cycles(x, &bd->arena, &cycles, &count, NULL);
    tables_read_end(x);
    if (count == 0)
        return;
    fflush(bd->out);
    fprintf(bd->err, "\n%s Warning: Dependency cycle detected!\n",
            ink_text(&bd->arena, bd->color, INK_WARN, "⚠"));
    fprintf(bd->err, "Issues on it wait for each other and never become ready.\n\nCycle path:\n");
    for (size_t i = 0; i < count; i++) {
        fprintf(bd->err, "  ");
        for (size_t k = 0; k < cycles[i].count; k++)
            fprintf(bd->err, "%s → ", cycles[i].ids[k]);
        fprintf(bd->err, "%s\n", cycles[i].ids[0]);
    }
    fprintf(bd->err, "\nRun 'bd dep cycles' for detailed analysis.\n\n");
}
