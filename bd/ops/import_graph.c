/*
 * Strongly connected parts by one walk without recursion (graphs are as deep as files are long), then a
 * search for each new edge inside of one.
 */
#include "bd/ops/import_graph.h"

#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>

void graph_release(struct graph *g) {
    strmap_release(&g->nodes);
    free(g->edges);
    *g = (struct graph)GRAPH_INIT;
}

size_t graph_node(struct graph *g, const char *id) {
    uintptr_t n = (uintptr_t)strmap_get(&g->nodes, id);
    if (!n) {
        n = ++g->node_count;
        strmap_put(&g->nodes, id, (void *)n);
    }
    return (size_t)n - 1;
}

size_t graph_add(struct graph *g, size_t from, size_t to, bool fixed) {
    MEM_GROW(g->edges, g->capacity, g->edge_count + 1);
    g->edges[g->edge_count] = (struct graph_edge){from, to, fixed, false};
    return g->edge_count++;
}

/* Targets of each node side by side: those of n are list[start[n]] … list[start[n + 1] - 1]. */
struct adjacency {
    size_t *start, *list;
};

static void adjacency_make(const struct graph *g, struct adjacency *out) {
    out->start = mem_zalloc(g->node_count + 2, sizeof *out->start);
    out->list = mem_zalloc(g->edge_count + 1, sizeof *out->list);
    for (size_t e = 0; e < g->edge_count; e++)
        out->start[g->edges[e].from + 2]++;
    for (size_t n = 2; n < g->node_count + 2; n++)
        out->start[n] += out->start[n - 1];
    for (size_t e = 0; e < g->edge_count; e++)
        out->list[out->start[g->edges[e].from + 1]++] = g->edges[e].to;
}

static void adjacency_release(struct adjacency *a) {
    free(a->start);
    free(a->list);
}

/* Tarjan's algorithm with a stack of its own; part[n] names the strongly connected part of n. */
static void find_parts(const struct graph *g, const struct adjacency *a, size_t *part) {
    size_t nodes = g->node_count, counter = 0, open = 0, depth = 0;
    size_t *index = mem_zalloc(nodes + 1, sizeof *index), *low = mem_zalloc(nodes + 1, sizeof *low);
    size_t *next = mem_zalloc(nodes + 1, sizeof *next), *path = mem_zalloc(nodes + 1, sizeof *path);
    size_t *stack = mem_zalloc(nodes + 1, sizeof *stack);
    bool *on_stack = mem_zalloc(nodes + 1, sizeof *on_stack);
    for (size_t root = 0; root < nodes; root++) {
        if (index[root])
            continue;
        path[depth++] = root;
        while (depth) {
            size_t n = path[depth - 1];
            if (!index[n]) {
                index[n] = low[n] = ++counter;
                next[n] = a->start[n];
                stack[open++] = n;
                on_stack[n] = true;
            }
            if (next[n] < a->start[n + 1]) {
                size_t t = a->list[next[n]++];
                if (!index[t])
                    path[depth++] = t;
                else if (on_stack[t] && index[t] < low[n])
                    low[n] = index[t];
                continue;
            }
            if (low[n] == index[n]) {
                size_t m;
                do {
                    m = stack[--open];
                    on_stack[m] = false;
                    part[m] = n;
                } while (m != n);
            }
            if (--depth && low[n] < low[path[depth - 1]])
                low[path[depth - 1]] = low[n];
        }
    }
    free(index);
    free(low);
    free(next);
    free(path);
    free(stack);
    free(on_stack);
}

/* Does a way over edges with `accepted` lead from `from` to `to`? Everything on it lies in their part.
 */
static bool reaches(const struct graph *g, const bool *accepted, const size_t *const *out,
                    const size_t *out_count, size_t from, size_t to, size_t *stack, size_t *seen,
                    size_t mark) {
    size_t depth = 0;
    stack[depth++] = from;
    seen[from] = mark;
    while (depth) {
        size_t n = stack[--depth];
        if (n == to)
            return true;
        for (size_t k = 0; k < out_count[n]; k++) {
            const struct graph_edge *e = &g->edges[out[n][k]];
            if (accepted[out[n][k]] && seen[e->to] != mark) {
                seen[e->to] = mark;
                stack[depth++] = e->to;
            }
        }
    }
    return false;
}

/* The edges inside strongly connected parts, in order. */
static void try_edges(struct graph *g, const size_t *part) {
    bool *accepted = mem_zalloc(g->edge_count + 1, sizeof *accepted);
    size_t *out_count = mem_zalloc(g->node_count + 1, sizeof *out_count);
    size_t **out = mem_zalloc(g->node_count + 1, sizeof *out);
    size_t *lists = mem_zalloc(g->edge_count + 1, sizeof *lists), used = 0;
    size_t *stack = mem_zalloc(g->node_count + 1, sizeof *stack);
    size_t *seen = mem_zalloc(g->node_count + 1, sizeof *seen);
    for (size_t e = 0; e < g->edge_count; e++)
        if (part[g->edges[e].from] == part[g->edges[e].to])
            out_count[g->edges[e].from]++;
    for (size_t n = 0; n < g->node_count; n++) {
        out[n] = lists + used;
        used += out_count[n];
        out_count[n] = 0;
    }
    for (size_t e = 0; e < g->edge_count; e++) {
        const struct graph_edge *d = &g->edges[e];
        if (part[d->from] == part[d->to]) {
            out[d->from][out_count[d->from]++] = e;
            accepted[e] = d->fixed;
        }
    }
    size_t mark = 0;
    for (size_t e = 0; e < g->edge_count; e++) {
        struct graph_edge *d = &g->edges[e];
        if (d->fixed || part[d->from] != part[d->to])
            continue;
        d->refused = reaches(g, accepted, (const size_t *const *)out, out_count, d->to, d->from, stack,
                             seen, ++mark);
        accepted[e] = !d->refused;
    }
    free(accepted);
    free(out_count);
    free(out);
    free(lists);
    free(stack);
    free(seen);
}

void graph_refuse_cycles(struct graph *g) {
    size_t *part = mem_zalloc(g->node_count + 1, sizeof *part);
    struct adjacency a;
    bool any = false;
    adjacency_make(g, &a);
    find_parts(g, &a, part);
    for (size_t e = 0; e < g->edge_count && !any; e++)
        any = !g->edges[e].fixed && part[g->edges[e].from] == part[g->edges[e].to];
    if (any)
        try_edges(g, part);
    adjacency_release(&a);
    free(part);
}
