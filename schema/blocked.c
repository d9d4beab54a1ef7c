/*
 * The cache columns is_blocked of issues and wisps, computed from scratch.
 *
 * A node (issue or wisp) is blocked when it is neither closed nor pinned and one of its dependencies
 * says so: a `blocks` or `conditional-blocks` target that is open; a `waits-for` target with an open
 * child (unless its gate is any-children and a child is closed); or a `parent-child` target that is
 * blocked.
 */
#include "schema/run.h"

#include "base/strmap.h"
#include "store/value/json.h"

#include <stdlib.h>
#include <string.h>

struct node {
    const char *id;
    int64_t updated_at;
    bool has_updated_at, wisp, open, closed, was_blocked, blocked;
    bool child_open, child_closed; /* among its parent-child children */
};
struct edge {
    struct node *from, *to;
    enum { EDGE_BLOCKS, EDGE_WAITS_FOR, EDGE_PARENT } kind;
    bool any_child; /* gate of a waits-for edge */
};
struct graph {
    struct schema_run *r;
    struct strmap issues, wisps; /* id → struct node */
    struct edge *edges;
    size_t edge_count, edge_capacity;
    bool wisps_now; /* which table is being read */
};

static bool text_is(const struct cell *c, const char *s) {
    return cell_has_text(c) && c->s.size == strlen(s) && !memcmp(c->s.data, s, c->s.size);
}

static int add_node(void *ctx, const struct cell *row) {
    struct graph *g = ctx;
    struct node *n = arena_zalloc(g->r->a, sizeof *n);
    n->id = cell_has_text(&row[0]) ? arena_strndup(g->r->a, row[0].s.data, row[0].s.size) : "";
    n->wisp = g->wisps_now;
    n->closed = text_is(&row[1], "closed");
    n->open = !n->closed && !text_is(&row[1], "pinned");
    n->was_blocked = row[2].kind == CELL_INT && row[2].i;
    n->has_updated_at = row[3].kind == CELL_DATETIME;
    n->updated_at = n->has_updated_at ? row[3].i : 0;
    strmap_put(g->wisps_now ? &g->wisps : &g->issues, n->id, n);
    return BD_OK;
}

static struct node *node_of(struct graph *g, bool wisp, const struct cell *id) {
    if (!cell_has_text(id))
        return NULL;
    return strmap_get_n(wisp ? &g->wisps : &g->issues, id->s.data, id->s.size);
}

/* issue_id, type, depends_on_issue_id, depends_on_wisp_id, metadata */
static int add_edge(void *ctx, const struct cell *row) {
    struct graph *g = ctx;
    struct edge e = {.from = node_of(g, g->wisps_now, &row[0])};
    e.to = node_of(g, false, &row[2]);
    if (!e.to)
        e.to = node_of(g, true, &row[3]);
    if (text_is(&row[1], "blocks") || text_is(&row[1], "conditional-blocks"))
        e.kind = EDGE_BLOCKS;
    else if (text_is(&row[1], "waits-for"))
        e.kind = EDGE_WAITS_FOR;
    else if (text_is(&row[1], "parent-child"))
        e.kind = EDGE_PARENT;
    else
        return BD_OK;
    if (!e.from || !e.to)
        return BD_OK;
    if (e.kind == EDGE_WAITS_FOR && cell_has_text(&row[4])) {
        struct buf gate = BUF_INIT;
        struct json_slice v = json_member(row[4].s.data, row[4].s.size, "gate", 4);
        if (v.data)
            json_unquote(v, &gate);
        e.any_child = !strcmp(buf_str(&gate), "any-children");
        buf_release(&gate);
    }
    if (e.kind == EDGE_PARENT) {
        e.to->child_open = e.to->child_open || e.from->open;
        e.to->child_closed = e.to->child_closed || e.from->closed;
    }
    MEM_GROW(g->edges, g->edge_capacity, g->edge_count + 1);
    g->edges[g->edge_count++] = e;
    return BD_OK;
}

static int read_nodes(struct graph *g, bool wisps) {
    static const char *const columns[] = {"id", "status", "is_blocked", "updated_at"};
    const char *table = wisps ? "wisps" : "issues";
    struct tables_query q = {.table = table, .columns = columns, .column_count = 4};
    g->wisps_now = wisps;
    return tables_has_table(g->r->x, table) ? tables_scan(g->r->x, &q, NULL, add_node, g, g->r->err)
                                            : BD_OK;
}

static int read_edges(struct graph *g, bool wisps) {
    static const char *const columns[] = {"issue_id", "type", "depends_on_issue_id",
                                          "depends_on_wisp_id", "metadata"};
    const char *table = wisps ? "wisp_dependencies" : "dependencies";
    struct tables_query q = {.table = table, .columns = columns, .column_count = 5};
    g->wisps_now = wisps;
    return tables_has_table(g->r->x, table) ? tables_scan(g->r->x, &q, NULL, add_edge, g, g->r->err)
                                            : BD_OK;
}

static void spread(struct graph *g) {
    for (size_t i = 0; i < g->edge_count; i++) {
        const struct edge *e = &g->edges[i];
        bool waits =
            e->kind == EDGE_WAITS_FOR && e->to->child_open && !(e->any_child && e->to->child_closed);
        if (e->from->open && ((e->kind == EDGE_BLOCKS && e->to->open) || waits))
            e->from->blocked = true;
    }
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < g->edge_count; i++) {
            const struct edge *e = &g->edges[i];
            if (e->kind == EDGE_PARENT && e->to->blocked && e->from->open && !e->from->blocked)
                changed = e->from->blocked = true;
        }
    }
}

/* Writes what changed; updated_at keeps its value: nobody edited the row. */
static int store(struct graph *g, const struct strmap *nodes, const char *table) {
    if (!schema_has_column(g->r, table, "is_blocked"))
        return BD_OK;
    static const char *const columns[] = {"is_blocked", "updated_at"};
    for (struct strmap_entry *e = NULL; (e = strmap_next(nodes, e));) {
        const struct node *n = e->value;
        if (n->blocked == n->was_blocked)
            continue;
        struct cell cells[] = {cell_bool(n->blocked), cell_datetime(n->updated_at)};
        uint64_t changed;
        int rc = tables_update(g->r->x, table, pred_cmp(g->r->a, PRED_EQ, "id", cell_text(n->id)),
                               columns, cells, n->has_updated_at ? 2 : 1, NULL, &changed, g->r->err);
        if (rc)
            return rc;
    }
    return BD_OK;
}

int schema_blocked_recompute(struct schema_run *r) {
    struct graph g = {.r = r};
    int rc = read_nodes(&g, false);
    if (rc == BD_OK)
        rc = read_nodes(&g, true);
    if (rc == BD_OK)
        rc = read_edges(&g, false);
    if (rc == BD_OK)
        rc = read_edges(&g, true);
    if (rc == BD_OK) {
        spread(&g);
        rc = store(&g, &g.issues, "issues");
    }
    if (rc == BD_OK)
        rc = store(&g, &g.wisps, "wisps");
    free(g.edges);
    strmap_release(&g.issues);
    strmap_release(&g.wisps);
    return rc;
}
