/*
 * A plan of issues and the dependencies between them, named by keys, made real in one transaction.
 */
#ifndef BD_OPS_GRAPH_APPLY_H
#define BD_OPS_GRAPH_APPLY_H

#include "bd/ops/db_config.h"

struct graph_pair {
    const char *key, *value;
};
struct graph_node {
    const char *key, *title, *type, *description, *assignee; /* "" = not given */
    bool assign_after_create;
    int64_t priority;
    const char **labels;
    size_t label_count;
    struct graph_pair *metadata, *metadata_refs;
    size_t metadata_count, metadata_ref_count;
    const char *parent_key, *parent_id;
    const char *id; /* result */
};
struct graph_edge {
    const char *from_key, *from_id, *to_key, *to_id, *type; /* "" = not given */
};
struct graph_plan {
    const char *commit_message; /* "" = not given */
    struct graph_node *nodes;
    size_t node_count;
    struct graph_edge *edges;
    size_t edge_count;
    const char **warnings; /* unknown fields and hints, ready lines */
    size_t warning_count, warning_capacity;
};

/* BD_INVALID when the text is no such plan. Everything lives in `a`. */
int graph_plan_parse(const char *json, struct arena *a, struct graph_plan *out, struct err *err);
/* The rules of a plan by itself. BD_INVALID with upstream's texts. */
int graph_plan_check(const struct graph_plan *p, const struct text_list *custom_types, struct err *err);
/* Inside a transaction; sets the id of every node. May be run again. */
int graph_apply_in(struct ops *o, struct tables_txn *x, struct graph_plan *p, bool ephemeral,
                   bool no_history, struct arena *a, struct err *err);

#endif
