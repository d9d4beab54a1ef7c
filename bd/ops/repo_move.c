/* One scan of the issues, one of the dependencies; the closure is a walk over both in memory. */
#include "bd/ops/repo_move.h"

#include "base/strmap.h"
#include "bd/ops/dependency_rows.h"
#include "bd/ops/hydrate.h"
#include "bd/ops/update.h"

#include <stdlib.h>
#include <string.h>

struct node {
    const char *id;
    bool in_from, exists, chosen;
    size_t *out, *in; /* numbers of edges */
    size_t out_count, out_capacity, in_count, in_capacity;
};
struct edge {
    struct node *from, *to;
};
struct search {
    struct arena *a;
    struct strmap nodes;
    struct edge *edges;
    size_t count, capacity;
};

static struct node *node_of(struct search *s, const char *id) {
    struct node *n = strmap_get(&s->nodes, id);
    if (!n) {
        n = arena_zalloc(s->a, sizeof *n);
        n->id = arena_strdup(s->a, id);
        strmap_put(&s->nodes, id, n);
    }
    return n;
}

static int add_edge(void *ctx, const struct dependency *d, bool in_wisp_table) {
    struct search *s = ctx;
    (void)in_wisp_table;
    struct edge e = {node_of(s, d->issue_id), node_of(s, d->depends_on_id)};
    MEM_GROW(s->edges, s->capacity, s->count + 1);
    MEM_GROW(e.from->out, e.from->out_capacity, e.from->out_count + 1);
    MEM_GROW(e.to->in, e.to->in_capacity, e.to->in_count + 1);
    e.from->out[e.from->out_count++] = s->count;
    e.to->in[e.to->in_count++] = s->count;
    s->edges[s->count++] = e;
    return BD_OK;
}

static void release(struct search *s) {
    for (struct strmap_entry *e = NULL; (e = strmap_next(&s->nodes, e));) {
        struct node *n = e->value;
        free(n->out);
        free(n->in);
    }
    strmap_release(&s->nodes);
    free(s->edges);
}

static bool has_labels(const struct issue *i, const struct text_list *labels) {
    for (size_t k = 0; k < labels->count; k++)
        if (!issue_has_label(i, labels->items[k]))
            return false;
    return true;
}

static bool matches(const struct issue *i, const struct repo_move *m) {
    return strcmp(i->source_repo, m->from) == 0 && (!m->status || strcmp(i->status, m->status) == 0) &&
           (!m->type || strcmp(i->issue_type, m->type) == 0) &&
           (m->priority < 0 || i->priority == m->priority) &&
           (!m->ids.count || text_list_has(&m->ids, i->id)) && has_labels(i, &m->labels);
}

static int compare_ids(const void *x, const void *y) {
    return issue_id_compare(*(const char *const *)x, *(const char *const *)y);
}

/* Everything within reach of what is chosen, by the include mode. */
static void expand(struct search *s, const struct repo_move *m, const char **queue, size_t count) {
    size_t size = count, capacity = 0;
    struct node **list = NULL;
    MEM_GROW(list, capacity, size + 1);
    for (size_t i = 0; i < count; i++)
        list[i] = node_of(s, queue[i]);
    for (size_t at = 0; at < size; at++) {
        struct node *n = list[at];
        for (int up = 0; up < 2; up++) {
            if (m->include == (up ? REPO_MOVE_DOWNSTREAM : REPO_MOVE_UPSTREAM))
                continue;
            const size_t *edges = up ? n->out : n->in;
            size_t edge_count = up ? n->out_count : n->in_count;
            for (size_t k = 0; k < edge_count; k++) {
                struct node *other = up ? s->edges[edges[k]].to : s->edges[edges[k]].from;
                if (other->chosen || !other->exists || (m->within_from && !other->in_from))
                    continue;
                other->chosen = true;
                MEM_GROW(list, capacity, size + 1);
                list[size++] = other;
            }
        }
    }
    free(list);
}

static void collect(struct search *s, const struct repo_move *m, struct repo_move_plan *out) {
    out->ids = arena_alloc(s->a, (s->nodes.live + 1) * sizeof *out->ids);
    out->orphans = arena_alloc(s->a, (s->nodes.live + 1) * sizeof *out->orphans);
    for (struct strmap_entry *e = NULL; (e = strmap_next(&s->nodes, e));) {
        const struct node *n = e->value;
        if (n->chosen)
            out->ids[out->count++] = n->id;
        else if (!n->exists && strncmp(n->id, "external:", 9) != 0)
            out->orphans[out->orphan_count++] = n->id;
    }
    qsort(out->ids, out->count, sizeof *out->ids, compare_ids);
    qsort(out->orphans, out->orphan_count, sizeof *out->orphans, compare_ids);
    for (size_t i = 0; m->include != REPO_MOVE_NONE && i < s->count; i++) {
        out->outgoing += s->edges[i].from->chosen && !s->edges[i].to->chosen;
        out->incoming += !s->edges[i].from->chosen && s->edges[i].to->chosen;
    }
}

int repo_move_plan(struct tables_txn *x, const struct repo_move *m, struct arena *a,
                   struct repo_move_plan *out, struct err *err) {
    struct search s = {.a = a};
    struct issue_list all = {NULL, 0, 0};
    *out = (struct repo_move_plan){.from_is_empty = true, .to_is_empty = true};
    int rc = issue_scan(x, NULL, tables_has_table(x, "wisps"), a, &all, err);
    if (rc == BD_OK && m->labels.count)
        rc = issues_hydrate(x, all.items, all.count, HYDRATE_LABELS, a, err);
    if (rc == BD_OK)
        rc = dependency_scan(x, DEPENDENCY_BY_SOURCE, NULL, 0, DEPENDENCY_BOTH, a, add_edge, &s, err);
    const char **chosen = arena_alloc(a, (all.count + 1) * sizeof *chosen);
    for (size_t i = 0; rc == BD_OK && i < all.count; i++) {
        struct node *n = node_of(&s, all.items[i].id);
        n->exists = true;
        n->in_from = strcmp(all.items[i].source_repo, m->from) == 0;
        out->from_is_empty = out->from_is_empty && !n->in_from;
        out->to_is_empty = out->to_is_empty && strcmp(all.items[i].source_repo, m->to) != 0;
        if (!n->chosen && matches(&all.items[i], m)) {
            n->chosen = true;
            chosen[out->selected++] = n->id;
        }
    }
    if (rc == BD_OK && m->include != REPO_MOVE_NONE)
        expand(&s, m, chosen, out->selected);
    if (rc == BD_OK)
        collect(&s, m, out);
    release(&s);
    return rc;
}

int repo_move_apply(struct ops *o, struct tables_txn *x, const struct repo_move_plan *p, const char *to,
                    struct err *err) {
    struct arena a = ARENA_INIT;
    int rc = BD_OK;
    for (size_t i = 0; rc == BD_OK && i < p->count; i++) {
        struct issue_changes changes = ISSUE_CHANGES_INIT;
        issue_change_text(&changes, "source_repo", to);
        arena_reset(&a);
        rc = issue_update_in(o, x, p->ids[i], &changes, &a, NULL, err);
        if (rc)
            err_prefix(err, "failed to update issue %s", p->ids[i]);
    }
    arena_release(&a);
    return rc;
}
