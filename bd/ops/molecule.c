/*
 * Molecules. Steps are grouped by depth: those that nothing open blocks, those that only the former
 * block, and so on; steps of one depth that do not block each other form a group.
 */
#include "bd/ops/molecule.h"

#include "bd/ops/hydrate.h"
#include "bd/ops/ready.h"
#include "bd/ops/validate.h"

#include <stdlib.h>
#include <string.h>

/* ---- loading ---- */

struct loader {
    struct tables_txn *x;
    struct arena *a;
    struct id_set seen;
    struct strmap children; /* id → struct text_list */
};

static struct text_list *children_of(struct loader *l, const char *id) {
    struct text_list *t = strmap_get(&l->children, id);
    if (!t) {
        t = arena_zalloc(l->a, sizeof *t);
        strmap_put(&l->children, id, t);
    }
    return t;
}

static int on_child(void *ctx, const struct dependency *d, bool in_wisp_table) {
    struct loader *l = ctx;
    (void)in_wisp_table;
    if (strcmp(d->type, "parent-child") == 0)
        text_list_add(children_of(l, d->depends_on_id), l->a, d->issue_id);
    return BD_OK;
}

/* Ids dotted once below a parent that have no parent row of their own. */
static int add_dotted(struct loader *l, const char *parent, struct err *err) {
    struct issue_list found = {NULL, 0, 0};
    struct id_set ids = ID_SET_INIT, parented = ID_SET_INIT;
    const struct pred *where = filter_prefix(l->a, "id", arena_printf(l->a, "%s.", parent));
    int rc = issue_scan(l->x, where, true, l->a, &found, err);
    for (size_t i = 0; i < found.count; i++)
        if (!strchr(found.items[i].id + strlen(parent) + 1, '.'))
            id_set_add(&ids, found.items[i].id);
    if (rc == BD_OK && id_set_count(&ids))
        rc = edges_parented(l->x, &ids, DEPENDENCY_BOTH, l->a, &parented, err);
    for (struct strmap_entry *e = NULL; rc == BD_OK && (e = strmap_next(&ids.map, e));)
        if (!id_set_has(&parented, e->key))
            text_list_add(children_of(l, parent), l->a, arena_strdup(l->a, e->key));
    id_set_release(&ids);
    id_set_release(&parented);
    return rc;
}

/* Fills l->children and l->seen generation by generation. */
static int find_below(struct loader *l, const char *root, struct err *err) {
    struct id_set level = ID_SET_INIT;
    int rc = BD_OK;
    id_set_add(&level, root);
    id_set_add(&l->seen, root);
    while (rc == BD_OK && id_set_count(&level)) {
        struct id_set next = ID_SET_INIT;
        rc = dependency_scan(l->x, DEPENDENCY_BY_TARGET, id_set_items(&level, l->a),
                             id_set_count(&level), DEPENDENCY_BOTH, l->a, on_child, l, err);
        for (struct strmap_entry *e = NULL; rc == BD_OK && (e = strmap_next(&level.map, e));) {
            rc = add_dotted(l, e->key, err);
            const struct text_list *kids = children_of(l, e->key);
            for (size_t i = 0; i < kids->count; i++) {
                if (!id_set_has(&l->seen, kids->items[i])) {
                    id_set_add(&l->seen, kids->items[i]);
                    id_set_add(&next, kids->items[i]);
                }
            }
        }
        id_set_release(&level);
        level = next;
    }
    id_set_release(&level);
    return rc;
}

/* Pre-order, each id once; the stack holds what is still to be visited, the next one on top. */
static const char **in_order(struct loader *l, const char *root, size_t *count) {
    size_t n = id_set_count(&l->seen), depth = 0;
    const char **order = arena_alloc(l->a, (n + 1) * sizeof *order);
    const char **stack = NULL;
    size_t capacity = 0;
    struct id_set done = ID_SET_INIT;
    *count = 0;
    MEM_GROW(stack, capacity, 1);
    stack[depth++] = root;
    while (depth) {
        const char *id = stack[--depth];
        if (id_set_has(&done, id))
            continue;
        id_set_add(&done, id);
        order[(*count)++] = arena_strdup(l->a, id);
        const struct text_list *kids = children_of(l, id);
        for (size_t i = kids->count; i-- > 0;) {
            MEM_GROW(stack, capacity, depth + 1);
            stack[depth++] = kids->items[i];
        }
    }
    id_set_release(&done);
    free(stack);
    return order;
}

static int load_rows(struct tables_txn *x, const char *const *ids, size_t count, struct arena *a,
                     const struct id_set *members, struct dependency_list *out, struct err *err) {
    int rc = dependency_load(x, DEPENDENCY_BY_SOURCE, ids, count, DEPENDENCY_BOTH | DEPENDENCY_METADATA,
                             a, out, err);
    size_t kept = 0;
    for (size_t i = 0; i < out->count && rc == BD_OK; i++)
        if (id_set_has(members, out->items[i].depends_on_id))
            out->items[kept++] = out->items[i];
    out->count = kept;
    return rc;
}

/* ---- analysis ---- */

static bool is_closed(const struct molecule_step *s) { return strcmp(s->issue->status, "closed") == 0; }

static int compare_texts(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void sort_texts(struct text_list *t) {
    if (t->count > 1)
        qsort(t->items, t->count, sizeof *t->items, compare_texts);
}

static bool has_text(const struct text_list *t, const char *text) {
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(t->items[i], text) == 0)
            return true;
    return false;
}

static void add_block(struct molecule_step *blocked, struct molecule_step *blocker, struct arena *a) {
    if (!blocked || !blocker)
        return;
    if (!is_closed(blocker) && !has_text(&blocked->blocked_by, blocker->issue->id))
        text_list_add(&blocked->blocked_by, a, blocker->issue->id);
    if (!has_text(&blocker->blocks, blocked->issue->id))
        text_list_add(&blocker->blocks, a, blocked->issue->id);
}

/* A waits-for row stands for one block by every open child of its target. */
static void add_waits(struct molecule *m, const struct dependency *wait, const struct strmap *by_id,
                      struct arena *a) {
    bool any = wait->metadata && strstr(wait->metadata, "\"any-children\"");
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < m->rows.count; i++) {
            const struct dependency *d = &m->rows.items[i];
            struct molecule_step *child = strmap_get(by_id, d->issue_id);
            if (strcmp(d->type, "parent-child") != 0 ||
                strcmp(d->depends_on_id, wait->depends_on_id) != 0 || !child)
                continue;
            if (pass == 0 && any && is_closed(child))
                return;
            if (pass == 1 && !is_closed(child))
                add_block(strmap_get(by_id, wait->issue_id), child, a);
        }
    }
}

/* Longest chain of open blockers; a ring counts as not blocked where it closes. */
static int64_t depth_of(struct molecule_step *s, const struct strmap *by_id, int nesting) {
    if (s->depth != -1)
        return s->depth < 0 ? 0 : s->depth;
    int64_t deepest = -1;
    s->depth = -2;
    for (size_t i = 0; i < s->blocked_by.count && nesting < 1000; i++) {
        int64_t d = depth_of(strmap_get(by_id, s->blocked_by.items[i]), by_id, nesting + 1);
        deepest = d > deepest ? d : deepest;
    }
    return s->depth = deepest + 1;
}

static bool independent(const struct molecule_step *x, const struct molecule_step *y) {
    return !has_text(&x->blocks, y->issue->id) && !has_text(&y->blocks, x->issue->id);
}

static size_t find_root(size_t *parents, size_t i) {
    while (parents[i] != i)
        i = parents[i] = parents[parents[i]];
    return i;
}

/* Steps of one depth that are independent of each other, directly or through a third, share a group. */
static void form_groups(struct molecule *m, struct arena *a) {
    size_t n = m->issues.count;
    size_t *parents = mem_zalloc(n + 1, sizeof *parents);
    for (size_t i = 0; i < n; i++)
        parents[i] = i;
    for (size_t i = 0; i < n; i++)
        for (size_t k = i + 1; k < n; k++)
            if (m->steps[i].depth == m->steps[k].depth && independent(&m->steps[i], &m->steps[k]))
                parents[find_root(parents, i)] = find_root(parents, k);
    for (int64_t depth = 0; depth <= (int64_t)n; depth++) {
        for (size_t i = 0; i < n; i++) {
            size_t members = 0;
            if (m->steps[i].depth != depth || *m->steps[i].group)
                continue;
            for (size_t k = i; k < n; k++)
                members += find_root(parents, k) == find_root(parents, i);
            if (members < 2)
                continue;
            const char *name = arena_printf(a, "group-%zu", ++m->group_count);
            for (size_t k = i; k < n; k++)
                if (find_root(parents, k) == find_root(parents, i))
                    m->steps[k].group = name;
        }
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < n && *m->steps[i].group; k++)
            if (k != i && strcmp(m->steps[k].group, m->steps[i].group) == 0)
                text_list_add(&m->steps[i].can_parallel, a, m->steps[k].issue->id);
        sort_texts(&m->steps[i].can_parallel);
    }
    free(parents);
}

static void analyse(struct molecule *m, struct arena *a) {
    struct strmap by_id = STRMAP_INIT;
    m->steps = arena_zalloc(a, (m->issues.count + 1) * sizeof *m->steps);
    for (size_t i = 0; i < m->issues.count; i++) {
        m->steps[i].issue = &m->issues.items[i];
        m->steps[i].group = "";
        m->steps[i].depth = -1;
        strmap_put(&by_id, m->issues.items[i].id, &m->steps[i]);
    }
    for (size_t i = 0; i < m->rows.count; i++) {
        const struct dependency *d = &m->rows.items[i];
        if (dependency_type_blocks(d->type))
            add_block(strmap_get(&by_id, d->issue_id), strmap_get(&by_id, d->depends_on_id), a);
        else if (strcmp(d->type, "waits-for") == 0)
            add_waits(m, d, &by_id, a);
    }
    for (size_t i = 0; i < m->issues.count; i++) {
        struct molecule_step *s = &m->steps[i];
        const char *status = s->issue->status;
        s->ready =
            (strcmp(status, "open") == 0 || strcmp(status, "in_progress") == 0) && !s->blocked_by.count;
        m->ready_count += s->ready;
        depth_of(s, &by_id, 0);
        sort_texts(&s->blocked_by);
        sort_texts(&s->blocks);
    }
    form_groups(m, a);
    strmap_release(&by_id);
}

int molecule_load(struct tables_txn *x, const char *id, struct arena *a, struct molecule *out,
                  struct err *err) {
    struct loader l = {x, a, ID_SET_INIT, STRMAP_INIT};
    struct issue root;
    size_t count = 0;
    memset(out, 0, sizeof *out);
    int rc = issue_load(x, id, a, &root, err);
    if (rc == BD_OK)
        rc = find_below(&l, root.id, err);
    const char **order = rc == BD_OK ? in_order(&l, root.id, &count) : NULL;
    if (rc == BD_OK)
        rc = issue_load_many(x, order, count, a, &out->issues, err);
    if (rc == BD_OK)
        rc = issues_hydrate(x, out->issues.items, out->issues.count, HYDRATE_LABELS, a, err);
    if (rc == BD_OK)
        rc = load_rows(x, order, count, a, &l.seen, &out->rows, err);
    if (rc == BD_OK)
        analyse(out, a);
    id_set_release(&l.seen);
    strmap_release(&l.children);
    return rc;
}

/* ---- roots and gates ---- */

static int parent_of(struct tables_txn *x, const char *id, struct arena *a, const char **parent,
                     struct err *err) {
    struct dependency_list rows;
    int rc = dependency_load(x, DEPENDENCY_BY_SOURCE, &id, 1, DEPENDENCY_BOTH, a, &rows, err);
    *parent = NULL;
    for (size_t i = 0; i < rows.count && rc == BD_OK && !*parent; i++)
        if (strcmp(rows.items[i].type, "parent-child") == 0)
            *parent = rows.items[i].depends_on_id;
    return rc;
}

/* Poured molecules, epics, and whatever carries the label of templates. */
static int is_molecule(struct tables_txn *x, struct issue *i, struct arena *a, bool *yes,
                       struct err *err) {
    *yes = strcmp(i->issue_type, "epic") == 0 || strcmp(i->issue_type, "molecule") == 0;
    int rc = *yes ? BD_OK : issues_hydrate(x, i, 1, HYDRATE_LABELS, a, err);
    for (size_t k = 0; k < i->label_count && rc == BD_OK && !*yes; k++)
        *yes = strcmp(i->labels[k], "template") == 0;
    return rc;
}

/* For each id the root above it (parent-child rows upward) when that is an epic, a molecule or
 * labelled template: map id → id. */
static int molecule_roots(struct tables_txn *x, const char *const *ids, size_t count, struct arena *a,
                          struct strmap *out, struct err *err) {
    enum { DEPTH_MAX = 50 };
    int rc = BD_OK;
    for (size_t i = 0; i < count && rc == BD_OK; i++) {
        const char *at = ids[i], *parent = NULL;
        struct issue root;
        for (int depth = 0; depth < DEPTH_MAX && rc == BD_OK; depth++) {
            rc = parent_of(x, at, a, &parent, err);
            if (!parent)
                break;
            at = parent;
        }
        bool yes = false;
        if (rc == BD_OK && issue_load(x, at, a, &root, NULL) == BD_OK)
            rc = is_molecule(x, &root, a, &yes, err);
        if (yes)
            strmap_put(out, ids[i], arena_strdup(a, root.id));
    }
    return rc;
}

static int search_type_status(struct tables_txn *x, const char *type, const char *status,
                              struct arena *a, struct issue_list *out, struct err *err) {
    struct issue_filter f;
    issue_filter_init(&f);
    f.issue_type = type;
    text_list_add(&f.statuses, a, status);
    return search_issues(x, &f, a, out, err);
}

/* Everything hooked, and the molecules it belongs to. */
static int hooked_ids(struct tables_txn *x, struct arena *a, struct id_set *out, struct err *err) {
    struct issue_list hooked = {NULL, 0, 0};
    struct strmap roots = STRMAP_INIT;
    int rc = search_type_status(x, NULL, "hooked", a, &hooked, err);
    for (size_t i = 0; i < hooked.count && rc == BD_OK; i++) {
        id_set_add(out, hooked.items[i].id);
        rc = molecule_roots(x, &hooked.items[i].id, 1, a, &roots, err);
        id_set_add(out, strmap_get(&roots, hooked.items[i].id));
    }
    strmap_release(&roots);
    return rc;
}

struct gated_walk {
    struct tables_txn *x;
    struct arena *a;
    struct err *err;
    struct strmap ready; /* id → struct issue */
    struct id_set taken; /* hooked, or found already */
    struct gated_molecule *items;
    size_t count, capacity;
};

static int add_gate(struct gated_walk *w, const struct issue *gate) {
    struct dependency_list rows;
    struct strmap roots = STRMAP_INIT;
    int rc =
        dependency_load(w->x, DEPENDENCY_BY_TARGET, &gate->id, 1, DEPENDENCY_BOTH, w->a, &rows, w->err);
    for (size_t i = 0; i < rows.count && rc == BD_OK; i++) {
        const struct issue *step = strmap_get(&w->ready, rows.items[i].issue_id);
        struct issue molecule;
        if (!step)
            continue;
        rc = molecule_roots(w->x, &step->id, 1, w->a, &roots, w->err);
        const char *root = strmap_get(&roots, step->id);
        if (!root || id_set_has(&w->taken, root) ||
            issue_load(w->x, root, w->a, &molecule, NULL) != BD_OK)
            continue;
        id_set_add(&w->taken, root);
        MEM_GROW(w->items, w->capacity, w->count + 1);
        w->items[w->count++] = (struct gated_molecule){molecule, *gate, *step};
    }
    strmap_release(&roots);
    return rc;
}

static int compare_gated(const void *a, const void *b) {
    return strcmp(((const struct gated_molecule *)a)->molecule.id,
                  ((const struct gated_molecule *)b)->molecule.id);
}

int molecules_gated(struct tables_txn *x, struct arena *a, struct gated_molecule **out, size_t *count,
                    struct err *err) {
    struct gated_walk w = {x, a, err, STRMAP_INIT, ID_SET_INIT, NULL, 0, 0};
    struct issue_list gates = {NULL, 0, 0}, ready = {NULL, 0, 0};
    struct ready_filter f;
    ready_filter_init(&f);
    f.status = NULL;
    int rc = search_type_status(x, "gate", "closed", a, &gates, err);
    if (rc == BD_OK && gates.count)
        rc = ready_list(x, &f, a, &ready, err);
    for (size_t i = 0; i < ready.count; i++)
        strmap_put(&w.ready, ready.items[i].id, &ready.items[i]);
    if (rc == BD_OK && gates.count)
        rc = hooked_ids(x, a, &w.taken, err);
    for (size_t i = 0; i < gates.count && rc == BD_OK; i++)
        rc = add_gate(&w, &gates.items[i]);
    if (w.count > 1)
        qsort(w.items, w.count, sizeof *w.items, compare_gated);
    *out = w.count ? arena_dup(a, w.items, w.count * sizeof *w.items) : NULL;
    *count = w.count;
    strmap_release(&w.ready);
    id_set_release(&w.taken);
    free(w.items);
    return rc;
}
