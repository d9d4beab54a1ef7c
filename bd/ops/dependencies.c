/*
 * Edges. The graph is never read as a whole to add one: the cycle check walks from the target outwards,
 * a frontier at a time, and stops at the source.
 */
#include "bd/ops/dependencies.h"

#include "base/strmap.h"
#include "bd/ops/blocked.h"
#include "bd/ops/issue_rows.h"
#include "bd/ops/validate.h"

#include <stdlib.h>
#include <string.h>

bool dependency_crosses_prefix(const char *source, const char *target) {
    size_t n = strcspn(source, "-"), m = strcspn(target, "-");
    if (!source[n] || !target[m])
        return false;
    return n != m || strncmp(source, target, n) != 0;
}

bool id_is_descendant(const char *id, const char *ancestor) {
    size_t n = strlen(ancestor);
    return strncmp(id, ancestor, n) == 0 && id[n] == '.';
}

/* ---- reachability ---- */

struct walk {
    struct strmap seen;
    const char **frontier;
    size_t count, capacity;
    struct arena a;
    const char *goal;
    bool found;
};

static int step(void *ctx, const struct dependency *d, bool in_wisp_table) {
    struct walk *w = ctx;
    (void)in_wisp_table;
    if (!dependency_type_blocks(d->type))
        return BD_OK;
    if (strcmp(d->depends_on_id, w->goal) == 0) {
        w->found = true;
        return BD_DONE;
    }
    if (strmap_has(&w->seen, d->depends_on_id))
        return BD_OK;
    const char *copy = arena_strdup(&w->a, d->depends_on_id);
    strmap_put(&w->seen, copy, w);
    MEM_GROW(w->frontier, w->capacity, w->count + 1);
    w->frontier[w->count++] = copy;
    return BD_OK;
}

int dependency_reaches(struct tables_txn *x, const char *from, const char *to, bool *reaches,
                       struct err *err) {
    struct walk w = {.goal = to};
    int rc = BD_OK;
    *reaches = strcmp(from, to) == 0;
    MEM_GROW(w.frontier, w.capacity, 1);
    w.frontier[w.count++] = from;
    strmap_put(&w.seen, from, &w);
    for (size_t done = 0; rc == BD_OK && !*reaches && done < w.count;) {
        size_t end = w.count; /* one scan for the whole frontier; it may grow `frontier` meanwhile */
        struct arena scratch = ARENA_INIT;
        const char **ids = arena_dup(&scratch, w.frontier + done, (end - done) * sizeof *ids);
        rc = dependency_scan(x, DEPENDENCY_BY_SOURCE, ids, end - done, DEPENDENCY_BOTH, &scratch, step,
                             &w, err);
        arena_release(&scratch);
        done = end;
        *reaches = w.found;
    }
    strmap_release(&w.seen);
    free(w.frontier);
    arena_release(&w.a);
    return rc == BD_DONE ? BD_OK : rc;
}

/* ---- adding ---- */

struct end {
    bool exists, is_wisp, is_epic;
};

static int read_end(struct tables_txn *x, const char *id, struct end *e, struct err *err) {
    static const char *const columns[] = {"issue_type"};
    struct arena a = ARENA_INIT;
    struct cell type;
    int rc = BD_NOT_FOUND;
    *e = (struct end){false, false, false};
    for (int wisp = 0; wisp < 2 && rc == BD_NOT_FOUND; wisp++) {
        rc = issue_get_columns(x, id, wisp, columns, 1, &a, &type, err);
        if (rc == BD_OK)
            *e = (struct end){true, wisp,
                              cell_has_text(&type) && type.s.size == 4 &&
                                  memcmp(type.s.data, "epic", 4) == 0};
    }
    arena_release(&a);
    return rc == BD_NOT_FOUND ? BD_OK : rc;
}

struct finder {
    const char *target;
    struct dependency found;
    bool has;
};

static int find_target(void *ctx, const struct dependency *d, bool in_wisp_table) {
    struct finder *f = ctx;
    (void)in_wisp_table;
    if (strcmp(d->depends_on_id, f->target) != 0)
        return BD_OK;
    f->found = *d;
    f->has = true;
    return BD_DONE;
}

/* The row source → target, if there is one (texts in `a`). */
static int find_row(struct tables_txn *x, const char *source, const char *target, bool wisp,
                    struct arena *a, struct finder *f, struct err *err) {
    *f = (struct finder){.target = target};
    int rc = dependency_scan(x, DEPENDENCY_BY_SOURCE, &source, 1,
                             wisp ? DEPENDENCY_WISP : DEPENDENCY_REGULAR, a, find_target, f, err);
    return rc == BD_DONE ? BD_OK : rc;
}

static int check_new(struct tables_txn *x, const struct dependency *d, const struct end *source,
                     const struct end *target, unsigned flags, struct err *err) {
    if (strcmp(d->issue_id, d->depends_on_id) == 0)
        return err_set(err, BD_INVALID, "cannot add self-dependency: %s cannot depend on itself",
                       d->issue_id);
    if (strcmp(d->type, "blocks") == 0 && target->exists && source->is_epic != target->is_epic)
        return err_set(err, BD_INVALID,
                       source->is_epic ? "epics can only block other epics, not tasks"
                                       : "tasks can only block other tasks, not epics");
    if (dependency_type_blocks(d->type) && !(flags & DEPENDENCY_NO_CYCLE_CHECK)) {
        bool cycle;
        int rc = dependency_reaches(x, d->depends_on_id, d->issue_id, &cycle, err);
        if (rc != BD_OK)
            return rc;
        if (cycle)
            return err_set(err, BD_CONFLICT, "adding dependency would create a cycle");
    }
    return BD_OK;
}

int dependency_add_in(struct ops *o, struct tables_txn *x, const struct dependency *d, unsigned flags,
                      struct err *err) {
    struct end source, target = {false, false, false};
    bool outside = external_ref_is_dependency(d->depends_on_id);
    int rc = read_end(x, d->issue_id, &source, err);
    if (rc == BD_OK && !source.exists)
        return err_set(err, BD_NOT_FOUND, "issue %s not found", d->issue_id);
    if (rc == BD_OK && !outside) {
        rc = read_end(x, d->depends_on_id, &target, err);
        if (rc == BD_OK && !target.exists) {
            outside = dependency_crosses_prefix(d->issue_id, d->depends_on_id);
            if (!outside)
                return err_set(err, BD_NOT_FOUND, "issue %s not found", d->depends_on_id);
        }
    }
    if (rc == BD_OK)
        rc = check_new(x, d, &source, &target, flags, err);
    if (rc != BD_OK)
        return rc;

    struct arena a = ARENA_INIT;
    struct finder f;
    rc = find_row(x, d->issue_id, d->depends_on_id, source.is_wisp, &a, &f, err);
    if (rc == BD_OK && f.has && strcmp(f.found.type, d->type) != 0) {
        rc = err_set(
            err, BD_CONFLICT,
            "dependency %s -> %s already exists with type \"%s\" (requested \"%s\"); remove it first "
            "with 'bd dep remove' then re-add",
            d->issue_id, d->depends_on_id, f.found.type, d->type);
    } else if (rc == BD_OK && f.has) {
        rc = dependency_row_set_metadata(x, d, source.is_wisp,
                                         d->metadata && *d->metadata ? d->metadata : "{}", err);
    } else if (rc == BD_OK) {
        struct dependency row = *d;
        row.target = outside          ? DEP_TARGET_EXTERNAL
                     : target.is_wisp ? DEP_TARGET_WISP
                                      : DEP_TARGET_ISSUE;
        if (!row.created_by)
            row.created_by = o->actor;
        rc = dependency_row_insert(x, &row, source.is_wisp, err);
        if (rc != BD_OK)
            err_prefix(err, "failed to add dependency");
        else
            rc = blocked_after_dependency(x, d->issue_id, d->depends_on_id, d->type, err);
    }
    if (rc == BD_OK)
        ops_note(o, d->issue_id, "update");
    arena_release(&a);
    return rc;
}

int dependency_remove_in(struct ops *o, struct tables_txn *x, const char *source, const char *target,
                         bool *removed, struct err *err) {
    struct arena a = ARENA_INIT;
    struct finder f = {.target = target};
    bool wisp = false;
    if (removed)
        *removed = false;
    int rc = issue_locate(x, source, &wisp, err);
    if (rc == BD_OK || rc == BD_NOT_FOUND)
        rc = find_row(x, source, target, wisp, &a, &f, err);
    if (rc == BD_OK && f.has) {
        uint64_t deleted;
        rc = dependency_row_delete(x, source, target, wisp, &deleted, err);
        if (rc == BD_OK)
            rc = blocked_after_dependency(x, source, target, f.found.type, err);
        if (rc == BD_OK && removed)
            *removed = true;
        if (rc == BD_OK)
            ops_note(o, source, "update");
    }
    arena_release(&a);
    return rc;
}

static int find_parent(void *ctx, const struct dependency *d, bool in_wisp_table) {
    const char **parent = ctx;
    (void)in_wisp_table;
    if (strcmp(d->type, "parent-child") == 0 && (!*parent || strcmp(d->depends_on_id, *parent) < 0))
        *parent = d->depends_on_id;
    return BD_OK;
}

int dependency_parent(struct tables_txn *x, const char *id, struct arena *a, const char **parent,
                      struct err *err) {
    *parent = NULL;
    return dependency_scan(x, DEPENDENCY_BY_SOURCE, &id, 1, DEPENDENCY_BOTH, a, find_parent, parent,
                           err);
}

int dependency_set_parent_in(struct ops *o, struct tables_txn *x, const char *id, const char *parent,
                             struct err *err) {
    struct arena a = ARENA_INIT;
    const char *old;
    int rc = dependency_parent(x, id, &a, &old, err);
    if (rc == BD_OK && old)
        rc = dependency_remove_in(o, x, id, old, NULL, err);
    if (rc == BD_OK && parent && *parent) {
        struct dependency d = {.issue_id = id,
                               .depends_on_id = parent,
                               .type = "parent-child",
                               .created_at = ISSUE_NO_TIME};
        rc = dependency_add_in(o, x, &d, 0, err);
    }
    arena_release(&a);
    return rc;
}

/* ---- all cycles ---- */

struct node {
    const char *id;
    struct node **next; /* targets */
    size_t count, capacity;
    int state; /* 0 new, 1 on the path, 2 done */
};

struct graph {
    struct strmap nodes;
    struct arena *a;
};

static struct node *node_of(struct graph *g, const char *id) {
    struct node *n = strmap_get(&g->nodes, id);
    if (!n) {
        n = arena_zalloc(g->a, sizeof *n);
        n->id = id;
        strmap_put(&g->nodes, id, n);
    }
    return n;
}

static int add_edge(void *ctx, const struct dependency *d, bool in_wisp_table) {
    struct graph *g = ctx;
    (void)in_wisp_table;
    if (!dependency_type_blocks(d->type))
        return BD_OK;
    struct node *from = node_of(g, d->issue_id), *to = node_of(g, d->depends_on_id);
    MEM_GROW(from->next, from->capacity, from->count + 1);
    from->next[from->count++] = to;
    return BD_OK;
}

struct frame {
    struct node *node;
    size_t next;
};

struct cycles {
    struct dependency_cycle *items;
    size_t count, capacity;
};

static void report(struct cycles *c, const struct frame *path, size_t depth, const struct node *start,
                   struct arena *a) {
    size_t from = depth;
    while (from > 0 && path[from - 1].node != start)
        from--;
    from = from ? from - 1 : 0;
    MEM_GROW(c->items, c->capacity, c->count + 1);
    struct dependency_cycle *cycle = &c->items[c->count++];
    cycle->count = depth - from;
    cycle->ids = arena_alloc(a, cycle->count * sizeof *cycle->ids);
    for (size_t i = 0; i < cycle->count; i++)
        cycle->ids[i] = path[from + i].node->id;
}

/* Depth-first without recursion: a long chain must not exhaust the stack. */
static void visit(struct node *root, struct cycles *c, struct frame **path, size_t *capacity,
                  struct arena *a) {
    size_t depth = 0;
    MEM_GROW(*path, *capacity, 1);
    (*path)[depth++] = (struct frame){root, 0};
    root->state = 1;
    while (depth) {
        struct frame *top = &(*path)[depth - 1];
        if (top->next == top->node->count) {
            top->node->state = 2;
            depth--;
            continue;
        }
        struct node *to = top->node->next[top->next++];
        if (to->state == 1) {
            report(c, *path, depth, to, a);
        } else if (to->state == 0) {
            to->state = 1;
            MEM_GROW(*path, *capacity, depth + 1);
            (*path)[depth++] = (struct frame){to, 0};
        }
    }
}

static int by_id(const void *x, const void *y) {
    const struct node *const *n = x, *const *m = y;
    return strcmp((*n)->id, (*m)->id);
}

int dependency_cycles(struct tables_txn *x, struct arena *a, struct dependency_cycle **out,
                      size_t *count, struct err *err) {
    struct graph g = {.a = a};
    struct cycles c = {NULL, 0, 0};
    struct frame *path = NULL;
    size_t capacity = 0;
    int rc = dependency_scan(x, DEPENDENCY_BY_SOURCE, NULL, 0, DEPENDENCY_BOTH, a, add_edge, &g, err);
    size_t n = 0;
    struct node **order = arena_alloc(a, (g.nodes.live + 1) * sizeof *order);
    for (struct strmap_entry *e = NULL; (e = strmap_next(&g.nodes, e));)
        order[n++] = e->value;
    if (n)
        qsort(order, n, sizeof *order, by_id);
    for (size_t i = 0; rc == BD_OK && i < n; i++) /* in the order of ids, so that answers do not vary */
        if (order[i]->state == 0)
            visit(order[i], &c, &path, &capacity, a);
    for (size_t i = 0; i < n; i++)
        free(order[i]->next);
    free(path);
    *out = c.count ? arena_dup(a, c.items, c.count * sizeof *c.items) : NULL;
    *count = c.count;
    free(c.items);
    strmap_release(&g.nodes);
    return rc;
}
