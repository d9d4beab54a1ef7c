/*
 * The commits behind some branch heads as a graph in memory, and which of them a rewrite of history
 * keeps. Private to store/db.
 *
 * Commits never change, so the graph only grows: when another process published first, the next attempt
 * loads what is new and goes on.
 */
#ifndef STORE_DB_HISTORY_GRAPH_H
#define STORE_DB_HISTORY_GRAPH_H

#include "base/strmap.h"
#include "store/db/commit.h"

#define GRAPH_NONE UINT32_MAX

/* A commit; others are named by their places in the list. */
struct graph_commit {
    struct hash hash, root;
    uint64_t height;
    int64_t author_millis;
    uint32_t *parents;
    uint32_t parent_count;
    uint32_t mark;   /* of the last walk that came here */
    bool classified; /* keep is decided */
    bool keep;
    bool edge; /* old, but something that stays needs it: its snapshot stays */
    /* What it becomes (rewrite.c): nothing (mapped zero), itself, or another commit on the live
     * parents. */
    struct hash mapped;
    uint32_t *live;
    uint32_t live_count;
    bool snapshot; /* it stands for old commits, else for itself */
};

struct history_graph {
    struct node_store *ns;
    struct arena arena;
    struct graph_commit *list;
    size_t count, capacity;
    struct strmap by_hash; /* address → place + 1 */
    uint32_t mark;
    uint32_t *order; /* reachable commits, parents before children */
    size_t order_count, order_capacity;
    uint32_t *stack; /* of walks */
    size_t stack_capacity;
};

void history_graph_init(struct history_graph *g, struct node_store *ns);
void history_graph_release(struct history_graph *g);

/* The place of a commit; it and its ancestors are loaded. BD_UNSUPPORTED when a shallow clone left one
 * out. */
int history_graph_load(struct history_graph *g, const struct hash *h, uint32_t *at, struct err *err);
/* GRAPH_NONE when it is not loaded. */
uint32_t history_graph_find(const struct history_graph *g, const struct hash *h);

/* Makes `order` of everything that can be reached from the heads. */
void history_graph_sort(struct history_graph *g, const uint32_t *heads, size_t count);
/* The parentless commit at the end of the line of first parents. */
uint32_t history_graph_first(const struct history_graph *g, uint32_t head);
/* Commits that can be reached from one, itself included; live: over the live parents. */
uint64_t history_graph_reach(struct history_graph *g, uint32_t from, bool live);

/*
 * Decides `keep` for the commits in `order` that are not classified yet: `fresh` says what those are
 * that came after the first attempt (they stay), else since (milliseconds) decides. What follows a kept
 * commit is kept; not what follows `first`, which stays in any case.
 */
void history_graph_classify(struct history_graph *g, uint32_t first, int64_t since_millis, bool fresh);

/*
 * Sets `edge` and the live parents of all commits in `order` that stay: the old commits that kept ones
 * stand on, the heads, those of `also`, and `first`. A snapshot's live parents are the nearest edges
 * behind it.
 */
void history_graph_connect(struct history_graph *g, uint32_t first, const uint32_t *heads,
                           size_t head_count, const uint32_t *also, size_t also_count);

#endif
