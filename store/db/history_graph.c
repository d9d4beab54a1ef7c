/*
 * Which old commits leave a snapshot: only those that something else stands on. In a linear history
 * that is one; a side branch that forked before the boundary and was merged after it makes one more.
 */
#include "store/db/history_graph.h"

#include <stdlib.h>
#include <string.h>

#define LOAD_RESET_EVERY 512

void history_graph_init(struct history_graph *g, struct node_store *ns) {
    memset(g, 0, sizeof *g);
    g->ns = ns;
}

void history_graph_release(struct history_graph *g) {
    arena_release(&g->arena);
    strmap_release(&g->by_hash);
    free(g->list);
    free(g->order);
    free(g->stack);
    memset(g, 0, sizeof *g);
}

uint32_t history_graph_find(const struct history_graph *g, const struct hash *h) {
    uintptr_t at = (uintptr_t)strmap_get_n(&g->by_hash, (const char *)h->b, HASH_SIZE);
    return at ? (uint32_t)(at - 1) : GRAPH_NONE;
}

/* ---- loading ---- */

/* A place for the commit; what it says is read later. *fresh: it had none. */
static uint32_t place_of(struct history_graph *g, const struct hash *h, bool *fresh) {
    uint32_t at = history_graph_find(g, h);
    *fresh = at == GRAPH_NONE;
    if (!*fresh)
        return at;
    MEM_GROW(g->list, g->capacity, g->count + 1);
    at = (uint32_t)g->count++;
    memset(&g->list[at], 0, sizeof g->list[at]);
    g->list[at].hash = *h;
    strmap_put_n(&g->by_hash, (const char *)h->b, HASH_SIZE, (void *)((uintptr_t)at + 1));
    return at;
}

static void push(struct history_graph *g, size_t *depth, uint32_t at) {
    MEM_GROW(g->stack, g->stack_capacity, *depth + 1);
    g->stack[(*depth)++] = at;
}

static int read_one(struct history_graph *g, uint32_t at, size_t *depth, struct arena *a,
                    struct err *err) {
    struct commit c;
    struct hash h = g->list[at].hash;
    int rc = commit_read(g->ns, &h, a, &c, err);
    if (rc == BD_NOT_FOUND) {
        err_clear(err);
        return err_set(
            err, BD_UNSUPPORTED,
            "the history is incomplete (a shallow clone): its old commits are not here to be squashed");
    }
    if (rc)
        return rc;
    uint32_t *parents = arena_alloc(&g->arena, (c.parent_count + 1) * sizeof *parents);
    for (size_t i = 0; i < c.parent_count; i++) {
        bool fresh;
        parents[i] = place_of(g, &c.parents[i], &fresh);
        if (fresh)
            push(g, depth, parents[i]);
    }
    struct graph_commit *n = &g->list[at];
    n->root = c.root;
    n->height = c.height;
    n->author_millis = c.author_millis;
    n->parents = parents;
    n->parent_count = (uint32_t)c.parent_count;
    return BD_OK;
}

int history_graph_load(struct history_graph *g, const struct hash *h, uint32_t *at, struct err *err) {
    struct arena a = ARENA_INIT;
    size_t depth = 0, reads = 0;
    bool fresh;
    int rc = BD_OK;
    *at = place_of(g, h, &fresh);
    if (fresh)
        push(g, &depth, *at);
    while (rc == BD_OK && depth) {
        rc = read_one(g, g->stack[--depth], &depth, &a, err);
        if (++reads % LOAD_RESET_EVERY == 0)
            arena_reset(&a);
    }
    arena_release(&a);
    /* a height that does not grow would make the order below a lie */
    for (size_t i = 0; rc == BD_OK && reads && i < g->count; i++)
        for (uint32_t k = 0; k < g->list[i].parent_count; k++)
            if (g->list[g->list[i].parents[k]].height >= g->list[i].height) {
                char name[HASH_TEXT_SIZE + 1];
                hash_format(&g->list[i].hash, name);
                return err_set(err, BD_CORRUPT,
                               "commit %s is not higher than its parent; run bd doctor", name);
            }
    return rc;
}

/* ---- walks ---- */

/* Everything reachable from `from` that this walk has not seen, appended to `order` when it is wanted.
 */
static uint64_t walk(struct history_graph *g, uint32_t from, bool live, bool list) {
    size_t depth = 0;
    uint64_t seen = 0;
    if (g->list[from].mark == g->mark)
        return 0;
    g->list[from].mark = g->mark;
    push(g, &depth, from);
    while (depth) {
        const struct graph_commit *c = &g->list[g->stack[--depth]];
        seen++;
        if (list) {
            MEM_GROW(g->order, g->order_capacity, g->order_count + 1);
            g->order[g->order_count++] = (uint32_t)(c - g->list);
        }
        const uint32_t *next = live ? c->live : c->parents;
        uint32_t n = live ? c->live_count : c->parent_count;
        for (uint32_t i = 0; i < n; i++) {
            if (g->list[next[i]].mark == g->mark)
                continue;
            g->list[next[i]].mark = g->mark;
            push(g, &depth, next[i]);
        }
    }
    return seen;
}

uint64_t history_graph_reach(struct history_graph *g, uint32_t from, bool live) {
    g->mark++;
    return walk(g, from, live, false);
}

/* qsort has no context: what is sorted carries its keys. */
struct ranked {
    uint64_t height;
    int64_t millis;
    struct hash hash;
    uint32_t at;
};

static int by_rank(const void *x, const void *y) {
    const struct ranked *a = x, *b = y;
    if (a->height != b->height)
        return a->height < b->height ? -1 : 1;
    if (a->millis != b->millis)
        return a->millis < b->millis ? -1 : 1;
    return hash_cmp(&a->hash, &b->hash);
}

void history_graph_sort(struct history_graph *g, const uint32_t *heads, size_t count) {
    g->order_count = 0;
    g->mark++;
    for (size_t i = 0; i < count; i++)
        walk(g, heads[i], false, true);
    struct ranked *list = mem_zalloc(g->order_count + 1, sizeof *list);
    for (size_t i = 0; i < g->order_count; i++) {
        const struct graph_commit *c = &g->list[g->order[i]];
        list[i] = (struct ranked){c->height, c->author_millis, c->hash, g->order[i]};
    }
    qsort(list, g->order_count, sizeof *list, by_rank);
    for (size_t i = 0; i < g->order_count; i++)
        g->order[i] = list[i].at;
    free(list);
}

uint32_t history_graph_first(const struct history_graph *g, uint32_t head) {
    while (g->list[head].parent_count)
        head = g->list[head].parents[0];
    return head;
}

/* ---- what stays ---- */

void history_graph_classify(struct history_graph *g, uint32_t first, int64_t since_millis, bool fresh) {
    for (size_t i = 0; i < g->order_count; i++) {
        struct graph_commit *c = &g->list[g->order[i]];
        if (c->classified)
            continue;
        c->classified = true;
        c->keep = c->keep || fresh || c->author_millis >= since_millis;
        for (uint32_t k = 0; k < c->parent_count && !c->keep; k++)
            c->keep = c->parents[k] != first && g->list[c->parents[k]].keep;
    }
}

/* The edges that can be reached without passing through another one, in order of the lines of first
 * parents. */
static size_t nearest_edges(struct history_graph *g, uint32_t from, uint32_t **out, size_t *capacity) {
    size_t depth = 0, n = 0;
    g->mark++;
    push(g, &depth, from);
    while (depth) {
        uint32_t at = g->stack[--depth];
        const struct graph_commit *c = &g->list[at];
        if (at != from) {
            if (c->mark == g->mark)
                continue;
            g->list[at].mark = g->mark;
            if (c->edge) {
                MEM_GROW(*out, *capacity, n + 1);
                (*out)[n++] = at;
                continue;
            }
        }
        for (uint32_t i = c->parent_count; i-- > 0;)
            push(g, &depth, c->parents[i]);
    }
    return n;
}

/* Leaves out the edges that lie behind another one of the list. */
static size_t drop_behind(struct history_graph *g, uint32_t *list, size_t n) {
    uint64_t lowest = UINT64_MAX;
    size_t depth = 0, kept = 0;
    g->mark++;
    for (size_t k = 0; k < n; k++) {
        const struct graph_commit *c = &g->list[list[k]];
        lowest = c->height < lowest ? c->height : lowest;
        for (uint32_t i = 0; i < c->live_count; i++)
            push(g, &depth, c->live[i]);
    }
    while (depth) {
        struct graph_commit *c = &g->list[g->stack[--depth]];
        if (c->mark == g->mark || c->height < lowest)
            continue;
        c->mark = g->mark;
        for (uint32_t i = 0; i < c->live_count; i++)
            push(g, &depth, c->live[i]);
    }
    for (size_t k = 0; k < n; k++)
        if (g->list[list[k]].mark != g->mark)
            list[kept++] = list[k];
    return kept;
}

/* Live parents of one snapshot: the nearest edges behind it. */
static void connect_edge(struct history_graph *g, uint32_t at, uint32_t **found, size_t *capacity) {
    size_t n = nearest_edges(g, at, found, capacity);
    if (n > 1)
        n = drop_behind(g, *found, n);
    if (n > COMMIT_PARENTS_MAX)
        n = COMMIT_PARENTS_MAX;
    struct graph_commit *c = &g->list[at];
    size_t size = n * sizeof **found;
    c->snapshot = n != c->parent_count || (n && memcmp(*found, c->parents, size) != 0);
    c->live = arena_alloc(&g->arena, size + 1);
    c->live_count = (uint32_t)n;
    if (n)
        memcpy(c->live, *found, size);
}

static void set_edge(struct history_graph *g, uint32_t at) {
    if (!g->list[at].keep)
        g->list[at].edge = true;
}

void history_graph_connect(struct history_graph *g, uint32_t first, const uint32_t *heads,
                           size_t head_count, const uint32_t *also, size_t also_count) {
    uint32_t *found = NULL;
    size_t capacity = 0;
    for (size_t i = 0; i < g->order_count; i++)
        g->list[g->order[i]].edge = false;
    g->list[first].edge = true; /* even when it is young */
    for (size_t i = 0; i < head_count; i++)
        set_edge(g, heads[i]);
    for (size_t i = 0; i < also_count; i++)
        set_edge(g, also[i]);
    for (size_t i = 0; i < g->order_count; i++) {
        struct graph_commit *c = &g->list[g->order[i]];
        if (!c->keep)
            continue;
        c->snapshot = false;
        c->live = c->parents;
        c->live_count = c->parent_count;
        for (uint32_t k = 0; k < c->parent_count; k++)
            set_edge(g, c->parents[k]);
    }
    for (size_t i = 0; i < g->order_count; i++) /* parents first */
        if (g->list[g->order[i]].edge)
            connect_edge(g, g->order[i], &found, &capacity);
    free(found);
}
