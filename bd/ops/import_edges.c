/*
 * The dependencies of an import. One that cannot be put in is left out and reported; it never stops the
 * rest.
 */
#include "bd/ops/import_graph.h"
#include "bd/ops/import_plan.h"
#include "bd/ops/validate.h"

#include <stdlib.h>
#include <string.h>

struct weave {
    struct plan *p;
    struct strmap pairs; /* "source NUL target" of every edge there is or will be */
    struct buf key;
    size_t skipped_capacity;
    struct strmap skipped; /* texts that were reported */
};

static void skip(struct weave *w, const struct dependency *d, const char *why) {
    struct import_result *out = w->p->out;
    struct buf b = BUF_INIT;
    buf_addf(&b, "%s -> %s: %s", d->issue_id, d->depends_on_id, why);
    if (!strmap_has(&w->skipped, buf_str(&b))) {
        strmap_put(&w->skipped, buf_str(&b), w);
        if (out->skipped_count == w->skipped_capacity) {
            w->skipped_capacity = w->skipped_capacity ? w->skipped_capacity * 2 : 16;
            const char **grown = arena_alloc(w->p->a, w->skipped_capacity * sizeof *grown);
            if (out->skipped_count)
                memcpy(grown, out->skipped_dependencies, out->skipped_count * sizeof *grown);
            out->skipped_dependencies = grown;
        }
        out->skipped_dependencies[out->skipped_count++] = arena_strdup(w->p->a, buf_str(&b));
    }
    buf_release(&b);
}

/* False when the pair was known. */
static bool take_pair(struct weave *w, const char *source, const char *target) {
    buf_clear(&w->key);
    buf_add(&w->key, source, strlen(source) + 1);
    buf_add_str(&w->key, target);
    if (strmap_get_n(&w->pairs, w->key.data, w->key.size))
        return false;
    strmap_put_n(&w->pairs, w->key.data, w->key.size, w);
    return true;
}

static bool will_exist(const struct known *k) { return k && (k->exists || k->incoming); }

/* `owner` (with its known): the issue in whose record the dependency stands, or NULL. */
static void offer(struct weave *w, const struct import_issue *owner, struct known *k,
                  const struct dependency *from) {
    struct plan *p = w->p;
    struct plan_edge e = {.row = *from, .source = k};
    struct dependency *d = &e.row;
    if (!d->issue_id || !*d->issue_id)
        d->issue_id = owner ? owner->id : "";
    else if (!owner || strcmp(d->issue_id, owner->id) != 0)
        e.source = plan_known(p, d->issue_id);
    if (!d->type || !*d->type)
        d->type = "blocks";
    bool external = external_ref_is_dependency(d->depends_on_id);
    if (!external)
        e.target = plan_known(p, d->depends_on_id);
    if (!will_exist(e.source)) {
        skip(w, d, "source not found");
        return;
    }
    if (!external && !will_exist(e.target)) {
        skip(w, d, "target not found");
        return;
    }
    if (strcmp(d->issue_id, d->depends_on_id) == 0) {
        skip(w, d,
             arena_printf(&p->work, "cannot add self-dependency: %s cannot depend on itself",
                          d->issue_id));
        return;
    }
    if (!take_pair(w, d->issue_id, d->depends_on_id))
        return;
    d->target = external ? DEP_TARGET_EXTERNAL : e.target->is_wisp ? DEP_TARGET_WISP : DEP_TARGET_ISSUE;
    if (!d->created_by || !*d->created_by)
        d->created_by = p->actor;
    p->edges[p->edge_count++] = e;
}

/* ---- edges that are there ---- */

static int note_pair(void *ctx, const struct dependency *d, bool in_wisp_table) {
    (void)in_wisp_table;
    take_pair(ctx, d->issue_id, d->depends_on_id);
    return BD_OK;
}

static int load_pairs(struct weave *w) {
    struct plan *p = w->p;
    if (p->whole) {
        struct dependency_list rows;
        int rc = dependency_load(p->x, DEPENDENCY_BY_SOURCE, NULL, 0,
                                 DEPENDENCY_BOTH | DEPENDENCY_METADATA, &p->work, &rows, p->err);
        p->old_edges = arena_alloc(&p->work, (rows.count + 1) * sizeof *p->old_edges);
        for (size_t i = 0; rc == BD_OK && i < rows.count; i++) {
            const struct dependency *d = &rows.items[i];
            take_pair(w, d->issue_id, d->depends_on_id);
            p->old_edges[p->old_count++] = (struct plan_edge){
                *d, plan_known(p, d->issue_id),
                d->target == DEP_TARGET_EXTERNAL ? NULL : plan_known(p, d->depends_on_id)};
        }
        return rc;
    }
    size_t n = 0;
    const char **ids = arena_alloc(&p->work, (p->known.live + 1) * sizeof *ids);
    for (struct strmap_entry *e = NULL; (e = strmap_next(&p->known, e));)
        if (((const struct known *)e->value)->exists)
            ids[n++] = e->key;
    return dependency_scan(p->x, DEPENDENCY_BY_SOURCE, ids, n, DEPENDENCY_BOTH, &p->work, note_pair, w,
                           p->err);
}

struct reach {
    struct graph *graph;
    struct strmap seen, next;
};

static int add_old_edge(void *ctx, const struct dependency *d, bool in_wisp_table) {
    struct reach *r = ctx;
    (void)in_wisp_table;
    if (!dependency_type_blocks(d->type))
        return BD_OK;
    graph_add(r->graph, graph_node(r->graph, d->issue_id), graph_node(r->graph, d->depends_on_id),
              true);
    if (!strmap_has(&r->seen, d->depends_on_id)) {
        strmap_put(&r->seen, d->depends_on_id, r);
        strmap_put(&r->next, d->depends_on_id, r);
    }
    return BD_OK;
}

/* Every old edge that can be reached from the targets of the new ones, level by level. */
static int load_reachable(struct plan *p, struct graph *g) {
    struct reach r = {g, STRMAP_INIT, STRMAP_INIT};
    int rc = BD_OK;
    for (size_t i = 0; i < p->edge_count; i++) {
        const struct dependency *d = &p->edges[i].row;
        if (dependency_type_blocks(d->type) && !strmap_has(&r.seen, d->depends_on_id)) {
            strmap_put(&r.seen, d->depends_on_id, &r);
            strmap_put(&r.next, d->depends_on_id, &r);
        }
    }
    while (rc == BD_OK && r.next.live) {
        size_t n = 0;
        const char **ids = arena_alloc(&p->work, r.next.live * sizeof *ids);
        for (struct strmap_entry *e = NULL; (e = strmap_next(&r.next, e));)
            ids[n++] = arena_strdup(&p->work, e->key);
        strmap_release(&r.next);
        rc = dependency_scan(p->x, DEPENDENCY_BY_SOURCE, ids, n, DEPENDENCY_BOTH, &p->work,
                             add_old_edge, &r, p->err);
    }
    strmap_release(&r.seen);
    strmap_release(&r.next);
    return rc;
}

static bool can_close_cycle(const struct plan_edge *e) {
    return e->source && e->target && dependency_type_blocks(e->row.type);
}

static int drop_cycles(struct weave *w) {
    struct plan *p = w->p;
    struct graph g = GRAPH_INIT;
    int rc = p->whole ? BD_OK : load_reachable(p, &g);
    for (size_t i = 0; i < p->old_count; i++)
        if (can_close_cycle(&p->old_edges[i]))
            graph_add(&g, p->old_edges[i].source->number, p->old_edges[i].target->number, true);
    size_t *edge = arena_alloc(&p->work, (p->edge_count + 1) * sizeof *edge);
    for (size_t i = 0; i < p->edge_count; i++) {
        const struct plan_edge *e = &p->edges[i];
        edge[i] = SIZE_MAX;
        if (!can_close_cycle(e))
            continue;
        if (p->whole)
            edge[i] = graph_add(&g, e->source->number, e->target->number, false);
        else
            edge[i] =
                graph_add(&g, graph_node(&g, e->source->id), graph_node(&g, e->target->id), false);
    }
    if (p->whole)
        g.node_count = p->known.live;
    graph_refuse_cycles(&g);
    size_t n = 0;
    for (size_t i = 0; i < p->edge_count; i++) {
        if (edge[i] != SIZE_MAX && g.edges[edge[i]].refused)
            skip(w, &p->edges[i].row, "adding dependency would create a cycle");
        else
            p->edges[n++] = p->edges[i];
    }
    p->edge_count = n;
    graph_release(&g);
    return rc;
}

/* ---- who will be blocked (the definition: blocked.c) ---- */

struct edge_walk {
    const struct plan *p;
    size_t next;
};

static const struct plan_edge *next_edge(struct edge_walk *w) {
    size_t i = w->next++;
    if (i < w->p->old_count)
        return &w->p->old_edges[i];
    i -= w->p->old_count;
    return i < w->p->edge_count ? &w->p->edges[i] : NULL;
}

static bool waits(const struct plan_edge *e) {
    const char *m = e->row.metadata;
    bool any = m && strstr(m, "\"any-children\"");
    return e->target->open_children > 0 && !(any && e->target->closed_children > 0);
}

void plan_blocked(struct plan *p) {
    struct edge_walk w = {p, 0};
    struct plan_edge **inherited =
        arena_alloc(&p->work, (p->old_count + p->edge_count + 1) * sizeof *inherited);
    size_t n = 0;
    for (const struct plan_edge *e; (e = next_edge(&w));)
        if (e->source && e->target && strcmp(e->row.type, "parent-child") == 0) {
            e->target->open_children += e->source->active;
            e->target->closed_children += e->source->closed;
            inherited[n++] = (struct plan_edge *)(uintptr_t)e;
        }
    w.next = 0;
    for (const struct plan_edge *e; (e = next_edge(&w));)
        if (e->source && e->target && e->source->active &&
            (dependency_type_blocks(e->row.type) ? e->target->active
                                                 : strcmp(e->row.type, "waits-for") == 0 && waits(e)))
            e->source->will_block = true;
    for (bool changed = true; changed;) { /* children of blocked parents, generation by generation */
        changed = false;
        for (size_t i = 0; i < n; i++) {
            const struct plan_edge *e = inherited[i];
            if (e->target->will_block && e->source->active && !e->source->will_block)
                changed = e->source->will_block = true;
        }
    }
}

int plan_edges(struct plan *p) {
    struct weave w = {.p = p};
    int rc = load_pairs(&w);
    p->edges = arena_alloc(&p->work, (p->data->dependency_count + 1) * sizeof *p->edges);
    for (size_t i = 0; rc == BD_OK && i < p->count; i++)
        for (size_t k = 0; k < p->issues[i]->dependency_row_count; k++)
            offer(&w, p->issues[i], p->knowns[i], &p->issues[i]->dependencies[k]);
    for (size_t i = 0; rc == BD_OK && i < p->data->row_count; i++)
        offer(&w, NULL, NULL, &p->data->rows[i]);
    if (rc == BD_OK)
        rc = drop_cycles(&w);
    strmap_release(&w.pairs);
    strmap_release(&w.skipped);
    buf_release(&w.key);
    return rc;
}
