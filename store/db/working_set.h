/*
 * Working sets (WRST): what a branch holds beyond its head commit (Dolt: go/serial/workingset.fbs).
 */
#ifndef STORE_DB_WORKING_SET_H
#define STORE_DB_WORKING_SET_H

#include "store/prolly/tree.h"

struct merge_state {
    bool active;
    struct hash pre_working_root, from_commit, pre_merge_head; /* the last may be zero */
    const char *from_spec;
    const char **unmergable;
    size_t unmergable_count;
    bool is_cherry_pick, is_revert;
    const char **pending;
    size_t pending_count;
};

struct rebase_state {
    bool active;
    struct hash pre_working_root, onto_commit;
    const char *branch;
    uint8_t empty_handling, becomes_empty_handling;
    float last_step;
    bool started, skip_verification;
};

struct working_set {
    struct hash hash;            /* zero: the branch has none yet */
    struct hash working, staged; /* staged zero: as working */
    struct merge_state merge;
    struct rebase_state rebase;
    const char *name, *email, *description; /* who wrote it last; NULL: unknown */
    uint64_t timestamp;                     /* seconds when SQL wrote it */
};

/* Texts go to the arena. */
int working_set_read(struct node_store *ns, const struct hash *h, struct arena *a,
                     struct working_set *out, struct err *err);
int working_set_write(struct node_store *ns, struct working_set *ws, struct err *err);
/* A working set without changes, as SQL leaves it behind: working and staged are the commit's root. */
int working_set_write_clean(struct node_store *ns, const struct hash *commit, struct hash *out,
                            struct err *err);

#endif
