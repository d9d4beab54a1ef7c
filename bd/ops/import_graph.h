/*
 * Which of many new edges would close a cycle, told for all of them at once: edges outside the strongly
 * connected parts of the whole graph cannot; those inside are tried one after the other.
 */
#ifndef BD_OPS_IMPORT_GRAPH_H
#define BD_OPS_IMPORT_GRAPH_H

#include "base/strmap.h"

#include <stdbool.h>
#include <stddef.h>

struct graph_edge {
    size_t from, to;
    bool fixed;   /* there before: never refused */
    bool refused; /* result */
};
struct graph {
    struct strmap nodes; /* id → number + 1 */
    size_t node_count;
    struct graph_edge *edges;
    size_t edge_count, capacity;
};
#define GRAPH_INIT                                                                                     \
    { STRMAP_INIT, 0, NULL, 0, 0 }
void graph_release(struct graph *g);
/* The number of an id; whoever has numbers of his own sets node_count instead. */
size_t graph_node(struct graph *g, const char *id);
/* Index of the new edge. */
size_t graph_add(struct graph *g, size_t from, size_t to, bool fixed);
/* Sets `refused` of every new edge that would close a cycle with the fixed edges and the new ones
 * before it. */
void graph_refuse_cycles(struct graph *g);

#endif
