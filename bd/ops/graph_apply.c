/*
 * Executing a plan: all issues first, so that every key has an id; then metadata references, edges,
 * parents and late assignees. A plan that would make a parent wait for its own child is refused before
 * edges are written.
 */
#include "bd/ops/graph_apply.h"

#include "base/strmap.h"
#include "bd/ops/create.h"
#include "bd/ops/dependencies.h"
#include "bd/ops/event_json.h"
#include "bd/ops/update.h"
#include "bd/ops/validate.h"

#include <stdlib.h>
#include <string.h>

/* key → first node with it */
static void index_nodes(const struct graph_plan *p, struct strmap *nodes) {
    for (size_t i = p->node_count; i-- > 0;)
        strmap_put(nodes, p->nodes[i].key, &p->nodes[i]);
}

static const char *type_of(const struct graph_edge *e) { return *e->type ? e->type : "blocks"; }

/* ---- the plan by itself ---- */

static int check_node(const struct graph_plan *p, size_t index, const struct strmap *nodes,
                      const struct text_list *types, struct err *err) {
    const struct graph_node *n = &p->nodes[index];
    if (!*n->key)
        return err_set(err, BD_INVALID, "node %zu has empty key", index);
    if (strmap_get(nodes, n->key) != n)
        return err_set(err, BD_INVALID, "duplicate node key \"%s\"", n->key);
    if (!*n->title)
        return err_set(err, BD_INVALID, "node \"%s\" has empty title", n->key);
    if (*n->type && !type_is_valid(n->type, types))
        return err_set(err, BD_INVALID, "node \"%s\": invalid type \"%s\"", n->key, n->type);
    for (size_t i = 0; i < n->metadata_ref_count; i++)
        if (!strmap_has(nodes, n->metadata_refs[i].value))
            return err_set(err, BD_INVALID,
                           "node \"%s\": metadata ref \"%s\" references unknown key \"%s\"", n->key,
                           n->metadata_refs[i].key, n->metadata_refs[i].value);
    if (*n->parent_key && !strmap_has(nodes, n->parent_key))
        return err_set(err, BD_INVALID, "node \"%s\": parent key \"%s\" not found in plan", n->key,
                       n->parent_key);
    return BD_OK;
}

static int check_edge(const struct graph_plan *p, size_t index, const struct strmap *nodes,
                      struct err *err) {
    const struct graph_edge *e = &p->edges[index];
    if (*e->from_key && !strmap_has(nodes, e->from_key))
        return err_set(err, BD_INVALID, "edge %zu: from key \"%s\" not found in plan", index,
                       e->from_key);
    if (*e->to_key && !strmap_has(nodes, e->to_key))
        return err_set(err, BD_INVALID, "edge %zu: to key \"%s\" not found in plan", index, e->to_key);
    if (!*e->from_key && !*e->from_id)
        return err_set(err, BD_INVALID, "edge %zu: must specify from_key or from_id", index);
    if (!*e->to_key && !*e->to_id)
        return err_set(err, BD_INVALID, "edge %zu: must specify to_key or to_id", index);
    if (*e->type && !dependency_type_is_valid(e->type))
        return err_set(err, BD_INVALID, "edge %zu: invalid dependency type \"%s\"", index, e->type);
    return BD_OK;
}

/* A directed graph of texts, for reachability; edges as pairs. */
struct arcs {
    struct graph_pair *items;
    size_t count, capacity;
};

static void add_arc(struct arcs *g, const char *from, const char *to) {
    MEM_GROW(g->items, g->capacity, g->count + 1);
    g->items[g->count++] = (struct graph_pair){from, to};
}

static bool is_local(const struct graph_edge *e) {
    return *e->from_key && *e->to_key && !*e->from_id && !*e->to_id;
}

static int by_text(const void *x, const void *y) {
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static int by_arc(const void *x, const void *y) {
    return strcmp(((const struct graph_pair *)x)->key, ((const struct graph_pair *)y)->key);
}

/* First arc whose source is `key`; the arcs are sorted by source. */
static size_t first_arc(const struct arcs *g, const char *key) {
    size_t low = 0, high = g->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(g->items[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Depth-first with an explicit stack; returns the node at which a cycle closes, NULL without one. */
static const char *find_cycle(const struct graph_plan *p, const struct arcs *g, struct arena *a) {
    struct frame {
        const char *key;
        size_t next;
    } *stack = arena_alloc(a, (p->node_count + 1) * sizeof *stack);
    const char **keys = arena_alloc(a, (p->node_count + 1) * sizeof *keys), *found = NULL;
    static const char on_path[] = "path", done[] = "done";
    struct strmap state = STRMAP_INIT;
    for (size_t i = 0; i < p->node_count; i++)
        keys[i] = p->nodes[i].key;
    qsort(keys, p->node_count, sizeof *keys, by_text);
    for (size_t i = 0; i < p->node_count && !found; i++) {
        size_t depth = 0;
        if (strmap_has(&state, keys[i]))
            continue;
        stack[depth++] = (struct frame){keys[i], first_arc(g, keys[i])};
        strmap_put(&state, keys[i], (void *)(uintptr_t)on_path);
        while (depth && !found) {
            struct frame *top = &stack[depth - 1];
            if (top->next == g->count || strcmp(g->items[top->next].key, top->key) != 0) {
                strmap_put(&state, top->key, (void *)(uintptr_t)done);
                depth--;
                continue;
            }
            const char *to = g->items[top->next++].value, *s = strmap_get(&state, to);
            if (s == on_path) {
                found = to;
            } else if (!s) {
                strmap_put(&state, to, (void *)(uintptr_t)on_path);
                stack[depth++] = (struct frame){to, first_arc(g, to)};
            }
        }
    }
    strmap_release(&state);
    return found;
}

static int check_cycles(const struct graph_plan *p, struct err *err) {
    struct arcs g = {NULL, 0, 0};
    struct arena a = ARENA_INIT;
    for (size_t i = 0; i < p->node_count; i++)
        if (*p->nodes[i].parent_key)
            add_arc(&g, p->nodes[i].key, p->nodes[i].parent_key);
    for (size_t i = 0; i < p->edge_count; i++)
        if (is_local(&p->edges[i]) && dependency_type_blocks(type_of(&p->edges[i])))
            add_arc(&g, p->edges[i].from_key, p->edges[i].to_key);
    if (g.count)
        qsort(g.items, g.count, sizeof *g.items, by_arc);
    const char *at = find_cycle(p, &g, &a);
    int rc = at ? err_set(err, BD_INVALID,
                          "graph contains a blocking dependency cycle involving node \"%s\"", at)
                : BD_OK;
    free(g.items);
    arena_release(&a);
    return rc;
}

int graph_plan_check(const struct graph_plan *p, const struct text_list *custom_types,
                     struct err *err) {
    struct strmap nodes = STRMAP_INIT;
    int rc = p->node_count ? BD_OK : err_set(err, BD_INVALID, "plan has no nodes");
    index_nodes(p, &nodes);
    for (size_t i = 0; rc == BD_OK && i < p->node_count; i++)
        rc = check_node(p, i, &nodes, custom_types, err);
    for (size_t i = 0; rc == BD_OK && i < p->edge_count; i++)
        rc = check_edge(p, i, &nodes, err);
    strmap_release(&nodes);
    return rc == BD_OK ? check_cycles(p, err) : rc;
}

/* ---- making it real ---- */

struct apply {
    struct ops *o;
    struct tables_txn *x;
    struct graph_plan *p;
    struct arena *a;
    struct err *err;
    struct strmap ids;     /* key → id */
    struct strmap parents; /* child id → id of the parent the plan gives it */
};

static const char *end_of(struct apply *g, const char *key, const char *id) {
    return *id ? id : *key ? strmap_get(&g->ids, key) : NULL;
}
static const char *parent_of(struct apply *g, const struct graph_node *n) {
    if (*n->parent_key)
        return strmap_get(&g->ids, n->parent_key);
    return *n->parent_id ? n->parent_id : NULL;
}

static const char *pairs_json(struct apply *g, const struct graph_pair *pairs, size_t count) {
    struct buf b = BUF_INIT;
    buf_add_char(&b, '{');
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_add_char(&b, ',');
        event_json_string(&b, pairs[i].key);
        buf_add_char(&b, ':');
        event_json_string(&b, pairs[i].value);
    }
    buf_add_char(&b, '}');
    const char *text = arena_strdup(g->a, buf_str(&b));
    buf_release(&b);
    return text;
}

static int create_nodes(struct apply *g, bool ephemeral, bool no_history) {
    size_t n = g->p->node_count;
    struct issue *issues = arena_alloc(g->a, n * sizeof *issues);
    struct issue **list = arena_alloc(g->a, n * sizeof *list);
    for (size_t i = 0; i < n; i++) {
        const struct graph_node *node = &g->p->nodes[i];
        issue_init(&issues[i]);
        list[i] = &issues[i];
        issues[i].title = node->title;
        issues[i].issue_type = *node->type ? node->type : "task";
        issues[i].priority = node->priority;
        issues[i].description = node->description;
        issues[i].labels = node->labels;
        issues[i].label_count = node->label_count;
        issues[i].ephemeral = ephemeral;
        issues[i].no_history = no_history;
        if (!node->assign_after_create)
            issues[i].assignee = node->assignee;
        if (node->metadata_count)
            issues[i].metadata = pairs_json(g, node->metadata, node->metadata_count);
    }
    int rc = issues_create_in(g->o, g->x, list, n, NULL, g->a, g->err);
    if (rc != BD_OK)
        return err_prefix(g->err, "batch create");
    for (size_t i = 0; i < n; i++) {
        g->p->nodes[i].id = issues[i].id;
        strmap_put(&g->ids, g->p->nodes[i].key, (void *)(uintptr_t)issues[i].id);
    }
    return BD_OK;
}

static int set_references(struct apply *g, const struct graph_node *n) {
    if (n->metadata_ref_count == 0)
        return BD_OK;
    struct graph_pair *refs = arena_dup(g->a, n->metadata_refs, n->metadata_ref_count * sizeof *refs);
    for (size_t i = 0; i < n->metadata_ref_count; i++)
        refs[i].value = strmap_get(&g->ids, refs[i].value);
    const char *merged;
    struct issue_changes changes = ISSUE_CHANGES_INIT;
    int rc = metadata_merge(n->metadata_count ? pairs_json(g, n->metadata, n->metadata_count) : NULL,
                            pairs_json(g, refs, n->metadata_ref_count), g->a, &merged, g->err);
    if (rc == BD_OK) {
        issue_change(&changes, "metadata", cell_json(merged));
        rc = issue_update_in(g->o, g->x, n->id, &changes, g->a, NULL, g->err);
    }
    return rc == BD_OK ? rc : err_prefix(g->err, "node \"%s\": updating metadata refs", n->key);
}

static bool is_parent_pair(struct apply *g, const char *child, const char *parent) {
    const char *p = strmap_get(&g->parents, child);
    return p && strcmp(p, parent) == 0;
}

static int add_stored_arc(void *ctx, const struct dependency *d, bool in_wisp_table) {
    (void)in_wisp_table;
    if (dependency_type_affects_ready(d->type))
        add_arc(ctx, d->issue_id, d->depends_on_id);
    return BD_OK;
}

/* Follows planned and stored edges from one id to another. */
static int has_path(struct apply *g, const struct arcs *planned, const char *from, const char *to,
                    bool *found) {
    struct strmap seen = STRMAP_INIT;
    struct arcs queue = {NULL, 0, 0};
    int rc = BD_OK;
    add_arc(&queue, "", from);
    *found = false;
    for (size_t i = 0; rc == BD_OK && !*found && i < queue.count; i++) {
        const char *id = queue.items[i].value;
        *found = strcmp(id, to) == 0;
        if (*found || strmap_put(&seen, id, g))
            continue;
        for (size_t k = first_arc(planned, id);
             k < planned->count && strcmp(planned->items[k].key, id) == 0; k++)
            add_arc(&queue, id, planned->items[k].value);
        rc = dependency_scan(g->x, DEPENDENCY_BY_SOURCE, &id, 1, DEPENDENCY_BOTH, g->a, add_stored_arc,
                             &queue, g->err);
    }
    strmap_release(&seen);
    free(queue.items);
    return rc;
}

static int check_parent_paths(struct apply *g) {
    struct arcs planned = {NULL, 0, 0};
    int rc = BD_OK;
    for (size_t i = 0; i < g->p->node_count; i++) {
        const char *parent = parent_of(g, &g->p->nodes[i]);
        if (parent)
            add_arc(&planned, g->p->nodes[i].id, parent);
    }
    for (size_t i = 0; i < g->p->edge_count; i++) {
        const struct graph_edge *e = &g->p->edges[i];
        const char *from = end_of(g, e->from_key, e->from_id), *to = end_of(g, e->to_key, e->to_id);
        if (!dependency_type_affects_ready(type_of(e)) ||
            (dependency_type_blocks(type_of(e)) && is_parent_pair(g, to, from)))
            continue;
        add_arc(&planned, from, to);
    }
    if (planned.count)
        qsort(planned.items, planned.count, sizeof *planned.items, by_arc);
    for (size_t i = 0; rc == BD_OK && i < g->p->node_count; i++) {
        const struct graph_node *n = &g->p->nodes[i];
        const char *parent = parent_of(g, n);
        bool found = false;
        if (parent)
            rc = has_path(g, &planned, parent, n->id, &found);
        if (rc == BD_OK && found)
            rc = err_set(g->err, BD_INVALID,
                         "node \"%s\": planned blocking dependencies create a path from parent \"%s\" "
                         "to child \"%s\"",
                         n->key, parent, n->id);
    }
    free(planned.items);
    return rc;
}

static int add_edge(struct apply *g, size_t index) {
    const struct graph_edge *e = &g->p->edges[index];
    struct dependency d = {.issue_id = end_of(g, e->from_key, e->from_id),
                           .type = type_of(e),
                           .depends_on_id = end_of(g, e->to_key, e->to_id),
                           .created_at = ISSUE_NO_TIME};
    if (is_parent_pair(g, d.issue_id, d.depends_on_id)) {
        if (strcmp(d.type, "parent-child") == 0)
            return BD_OK; /* comes with the parents */
        return err_set(
            g->err, BD_INVALID,
            "edge %zu %s->%s duplicates a parent-child relationship with dependency type \"%s\"", index,
            d.issue_id, d.depends_on_id, d.type);
    }
    if (is_parent_pair(g, d.depends_on_id, d.issue_id) && dependency_type_blocks(d.type))
        return err_set(g->err, BD_INVALID,
                       "edge %zu %s->%s creates a blocking reverse of a parent-child relationship",
                       index, d.issue_id, d.depends_on_id);
    int rc = dependency_add_in(g->o, g->x, &d, 0, g->err);
    return rc == BD_OK ? rc : err_prefix(g->err, "adding edge %s->%s", d.issue_id, d.depends_on_id);
}

static int add_parent(struct apply *g, const struct graph_node *n) {
    struct dependency d = {.issue_id = n->id,
                           .depends_on_id = parent_of(g, n),
                           .type = "parent-child",
                           .created_at = ISSUE_NO_TIME};
    if (!d.depends_on_id)
        return BD_OK;
    int rc = dependency_add_in(g->o, g->x, &d, 0, g->err);
    return rc == BD_OK ? rc : err_prefix(g->err, "node \"%s\": adding parent-child dep", n->key);
}

static int assign_late(struct apply *g, const struct graph_node *n) {
    struct issue_changes changes = ISSUE_CHANGES_INIT;
    if (!n->assign_after_create || !*n->assignee)
        return BD_OK;
    issue_change_text(&changes, "assignee", n->assignee);
    int rc = issue_update_in(g->o, g->x, n->id, &changes, g->a, NULL, g->err);
    return rc == BD_OK ? rc : err_prefix(g->err, "node \"%s\": setting assignee", n->key);
}

int graph_apply_in(struct ops *o, struct tables_txn *x, struct graph_plan *p, bool ephemeral,
                   bool no_history, struct arena *a, struct err *err) {
    struct apply g = {.o = o, .x = x, .p = p, .a = a, .err = err};
    int rc = create_nodes(&g, ephemeral, no_history);
    for (size_t i = 0; rc == BD_OK && i < p->node_count; i++) {
        const char *parent = parent_of(&g, &p->nodes[i]);
        if (parent)
            strmap_put(&g.parents, p->nodes[i].id, (void *)(uintptr_t)parent);
        rc = set_references(&g, &p->nodes[i]);
    }
    if (rc == BD_OK)
        rc = check_parent_paths(&g);
    for (size_t i = 0; rc == BD_OK && i < p->edge_count; i++)
        rc = add_edge(&g, i);
    for (size_t i = 0; rc == BD_OK && i < p->node_count; i++)
        rc = add_parent(&g, &p->nodes[i]);
    for (size_t i = 0; rc == BD_OK && i < p->node_count; i++)
        rc = assign_late(&g, &p->nodes[i]);
    strmap_release(&g.ids);
    strmap_release(&g.parents);
    return rc;
}
