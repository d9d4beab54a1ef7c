/*
 * Rewriting history: old commits become one snapshot, the commits after them stand on it.
 *
 * What holds: every branch that is rewritten has the same content before and after (its head keeps the
 * root value, its working set is not touched); commits that stay keep root value, message, author and
 * time, only their parents change; the first commit of the database stays as it is, so that all clones
 * still share it. Refs that are not rewritten still name the old commits, and keep them alive. All is
 * published in one root update; a commit that another process makes meanwhile is put on top.
 *
 * The chunks of the old commits stay in the store until a garbage collection.
 */
#ifndef STORE_DB_REWRITE_H
#define STORE_DB_REWRITE_H

#include "store/db/tables.h"

struct history_rewrite {
    /*
     * A commit stays when its author time (microseconds) is keep_since or later, when it is among the
     * keep_newest newest of the connection's branch (in the order of the log) or of another branch and
     * not in the former, or when it comes after one that stays.
     */
    int64_t keep_since; /* INT64_MAX: time keeps none */
    uint64_t keep_newest;
    /* Of the old commits on the line of first parents, so many of each day (UTC) leave a snapshot, the
     * newest. */
    uint64_t keep_per_day;
    bool all_branches; /* every branch; else that of the connection */
    /* Message of the snapshot: `message`, or, with message_tail, message + number of old commits +
     * tail. */
    const char *message, *message_tail;
    struct tables_identity author; /* name NULL: root <root@%> */
};

struct history_summary {
    uint64_t commits; /* of the connection's branch, before */
    uint64_t old;     /* those of them that do not stay, the first commit included */
    uint64_t gone;  /* by how many its log gets shorter; with all_branches and this 0, others may still
                       change */
    bool changed;   /* something is to be rewritten, or was */
    uint64_t heads; /* branches that get (got) a new head */
    struct hash first,
        boundary; /* the oldest commit, the old one that the log shows first (zero: none is old) */
    struct hash old_head, head; /* head: as old_head in a plan */
    /* Refs that keep old commits alive: `refs/tags/v1` …, sorted, in the arena. */
    const char **holders;
    size_t holder_count;
};

/* What history_rewrite would do now; writes nothing. Holders are listed as after the rewrite. */
int history_plan(struct tables *t, const struct history_rewrite *r, struct arena *a,
                 struct history_summary *out, struct err *err);

/*
 * Does it. Before publishing, every rewritten head is compared with the old one table by table:
 * BD_CORRUPT means that they differ and nothing was published. BD_CONFLICT: a merge or rebase is
 * unfinished. BD_UNSUPPORTED: a shallow clone. With nothing to rewrite it is BD_OK and !out->changed.
 */
int history_rewrite(struct tables *t, const struct history_rewrite *r, struct arena *a,
                    struct history_summary *out, struct err *err);

/*
 * Compares two root values: the same tables, and in each the same number of rows and the same value
 * hash. BD_CORRUPT names the first that differs.
 */
struct node_store;
int history_compare_roots(struct node_store *ns, const struct hash *before, const struct hash *after,
                          struct err *err);

#endif
