/*
 * A molecule as a list of steps: everything below its root over parent-child rows, and dotted ids that
 * no such row puts elsewhere.
 */
#include "bd/ops/close.h"

#include "base/strmap.h"
#include "bd/ops/dependencies.h"
#include "bd/ops/hydrate.h"

#include <stdlib.h>
#include <string.h>

#define CHAIN_MAX 50

int molecule_root_of(struct tables_txn *x, const char *id, struct arena *a, const char **root,
                     struct err *err) {
    const char *top = id;
    int rc = BD_OK;
    *root = NULL;
    for (int depth = 0; rc == BD_OK && depth < CHAIN_MAX; depth++) {
        const char *parent;
        rc = dependency_parent(x, top, a, &parent, err);
        if (rc != BD_OK || !parent)
            break;
        top = parent;
    }
    struct issue i;
    if (rc == BD_OK)
        rc = issue_load(x, top, a, &i, err);
    if (rc == BD_NOT_FOUND) {
        err_clear(err);
        return BD_OK;
    }
    if (rc == BD_OK)
        rc = issues_hydrate(x, &i, 1, HYDRATE_LABELS, a, err);
    if (rc == BD_OK && (strcmp(i.issue_type, "epic") == 0 || strcmp(i.issue_type, "molecule") == 0 ||
                        issue_has_label(&i, "template")))
        *root = top;
    return rc;
}

bool molecule_closes_itself(const struct issue *root) {
    return strcmp(root->issue_type, "molecule") == 0 || root->ephemeral ||
           (strcmp(root->issue_type, "epic") == 0 && issue_has_label(root, "template"));
}

struct gather {
    struct arena *a;
    struct strmap seen;
    const char **ids;
    size_t count, capacity;
};

static void add(struct gather *g, const char *id) {
    if (strmap_has(&g->seen, id))
        return;
    const char *copy = arena_strdup(g->a, id);
    strmap_put(&g->seen, copy, g);
    MEM_GROW(g->ids, g->capacity, g->count + 1);
    g->ids[g->count++] = copy;
}

static int add_child(void *ctx, const struct dependency *d, bool in_wisp_table) {
    (void)in_wisp_table;
    if (strcmp(d->type, "parent-child") == 0)
        add(ctx, d->issue_id);
    return BD_OK;
}

struct dotted {
    struct arena *a;
    const char **ids;
    size_t count, capacity, prefix;
};

static int add_dotted(void *ctx, const struct cell *row) {
    struct dotted *d = ctx;
    if (!cell_has_text(&row[0]) || memchr(row[0].s.data + d->prefix, '.', row[0].s.size - d->prefix))
        return BD_OK;
    MEM_GROW(d->ids, d->capacity, d->count + 1);
    d->ids[d->count++] = arena_strndup(d->a, row[0].s.data, row[0].s.size);
    return BD_OK;
}

/* Direct children by id ("parent.N") that have no parent row to somebody else. */
static int add_dotted_children(struct tables_txn *x, struct gather *g, const char *parent,
                               struct err *err) {
    static const char *const columns[] = {"id"};
    const char *start = arena_printf(g->a, "%s.", parent);
    struct dotted d = {.a = g->a, .prefix = strlen(start)};
    int rc = BD_OK;
    for (int wisp = 0; rc == BD_OK && wisp < 2; wisp++) {
        struct tables_query q = {.table = issue_families[wisp].issues,
                                 .columns = columns,
                                 .column_count = 1,
                                 .where = pred_cmp(g->a, PRED_PREFIX, "id", cell_text(start))};
        if (tables_has_table(x, q.table))
            rc = tables_scan(x, &q, NULL, add_dotted, &d, err);
    }
    for (size_t i = 0; rc == BD_OK && i < d.count; i++) {
        const char *other;
        if (strmap_has(&g->seen, d.ids[i]))
            continue;
        rc = dependency_parent(x, d.ids[i], g->a, &other, err);
        if (rc == BD_OK && (!other || strcmp(other, parent) == 0))
            add(g, d.ids[i]);
    }
    free(d.ids);
    return rc;
}

static const struct issue *step_issue(const struct strmap *by_id, const char *id) {
    return strmap_get(by_id, id);
}

static bool is_open(const struct issue *i) { return i && strcmp(i->status, "closed") != 0; }

/* Is a waits-for edge to `spawner` still holding, judged by the steps alone? */
static bool gate_holds(const struct dependency_list *rows, const struct strmap *by_id,
                       const struct dependency *wait) {
    bool any = wait->metadata && strstr(wait->metadata, "any-children");
    bool open = false, closed = false;
    for (size_t i = 0; i < rows->count; i++) {
        const struct dependency *d = &rows->items[i];
        if (strcmp(d->type, "parent-child") != 0 || strcmp(d->depends_on_id, wait->depends_on_id) != 0)
            continue;
        const struct issue *child = step_issue(by_id, d->issue_id);
        open = open || is_open(child);
        closed = closed || (child && !is_open(child));
    }
    return open && !(any && closed);
}

struct order {
    size_t blockers, place;
    struct molecule_step step;
};

static int by_blockers(const void *x, const void *y) {
    const struct order *o = x, *p = y;
    if (o->blockers != p->blockers)
        return o->blockers < p->blockers ? -1 : 1;
    return o->place < p->place ? -1 : 1;
}

static void judge(struct order *o, const struct dependency_list *rows, const struct strmap *by_id,
                  const char *root) {
    const struct issue *i = o->step.issue;
    bool held = false;
    for (size_t k = 0; k < rows->count; k++) {
        const struct dependency *d = &rows->items[k];
        if (strcmp(d->issue_id, i->id) != 0)
            continue;
        bool blocks = strcmp(d->type, "blocks") == 0;
        const struct issue *target = step_issue(by_id, d->depends_on_id);
        o->blockers += blocks && target && strcmp(d->depends_on_id, root) != 0;
        if (blocks || strcmp(d->type, "conditional-blocks") == 0)
            held = held || is_open(target);
        else if (strcmp(d->type, "waits-for") == 0 && target)
            held = held || gate_holds(rows, by_id, d);
    }
    if (strcmp(i->status, "closed") == 0)
        o->step.status = "done";
    else if (strcmp(i->status, "in_progress") == 0)
        o->step.status = "current";
    else if (strcmp(i->status, "blocked") == 0)
        o->step.status = "blocked";
    else
        o->step.status = !held && strcmp(i->status, "open") == 0 ? "ready" : "pending";
}

int molecule_progress_load(struct tables_txn *x, const char *root, struct arena *a,
                           struct molecule_progress *out, struct err *err) {
    memset(out, 0, sizeof *out);
    struct gather g = {.a = a};
    struct strmap by_id = STRMAP_INIT;
    struct dependency_list rows = {NULL, 0};
    add(&g, root);
    int rc = issue_load(x, root, a, &out->root, err);
    if (rc == BD_OK)
        rc = issues_hydrate(x, &out->root, 1, HYDRATE_LABELS, a, err);
    for (size_t i = 0; rc == BD_OK && i < g.count; i++) {
        const char *id = g.ids[i];
        rc = dependency_scan(x, DEPENDENCY_BY_TARGET, &id, 1, DEPENDENCY_BOTH, a, add_child, &g, err);
        if (rc == BD_OK)
            rc = add_dotted_children(x, &g, id, err);
    }
    if (rc == BD_OK)
        rc = issue_load_many(x, g.ids + 1, g.count - 1, a, &out->issues, err);
    if (rc == BD_OK)
        rc = dependency_load(x, DEPENDENCY_BY_SOURCE, g.ids, g.count,
                             DEPENDENCY_BOTH | DEPENDENCY_METADATA, a, &rows, err);
    out->count = out->issues.count;
    struct order *order = arena_zalloc(a, (out->count + 1) * sizeof *order);
    strmap_put(&by_id, root, &out->root);
    for (size_t i = 0; i < out->count; i++)
        strmap_put(&by_id, out->issues.items[i].id, &out->issues.items[i]);
    for (size_t i = 0; rc == BD_OK && i < out->count; i++) {
        order[i] = (struct order){.place = i, .step = {.issue = &out->issues.items[i]}};
        judge(&order[i], &rows, &by_id, root);
        out->completed += strcmp(order[i].step.status, "done") == 0;
    }
    if (out->count)
        qsort(order, out->count, sizeof *order, by_blockers);
    out->steps = arena_alloc(a, (out->count + 1) * sizeof *out->steps);
    for (size_t i = 0; i < out->count; i++)
        out->steps[i] = order[i].step;
    strmap_release(&by_id);
    free(g.ids);
    strmap_release(&g.seen);
    return rc;
}
