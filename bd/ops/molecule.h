/*
 * A molecule: an issue with everything below it, which of its steps are ready and which can run side by
 * side.
 */
#ifndef BD_OPS_MOLECULE_H
#define BD_OPS_MOLECULE_H

#include "bd/ops/edges.h"
#include "bd/ops/filter.h"
#include "bd/ops/issue_rows.h"

struct molecule_step {
    const struct issue *issue;
    bool ready;                    /* open or in progress, nothing in the molecule blocks it */
    const char *group;             /* "group-1" …, "" when it runs alone */
    struct text_list blocked_by;   /* open steps, sorted */
    struct text_list blocks;       /* sorted */
    struct text_list can_parallel; /* the others of its group, sorted */
    int64_t depth;                 /* 0: nothing open blocks it */
};
struct molecule {
    struct issue_list issues;    /* the root first, each issue before what is below it; with labels */
    struct dependency_list rows; /* between issues of the molecule */
    struct molecule_step *steps; /* one per issue */
    size_t ready_count, group_count;
};
/* BD_NOT_FOUND when there is no such issue. */
int molecule_load(struct tables_txn *x, const char *id, struct arena *a, struct molecule *out,
                  struct err *err);

/* Molecules that a closed gate lets go on and that nobody has hooked, by id. */
struct gated_molecule {
    struct issue molecule, gate, step;
};
int molecules_gated(struct tables_txn *x, struct arena *a, struct gated_molecule **out, size_t *count,
                    struct err *err);

#endif
