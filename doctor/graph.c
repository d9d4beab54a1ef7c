/* Checks of the edges between issues, and of what is derived from them. */
#include "doctor/families.h"

#include "bd/ops/blocked.h"
#include "bd/ops/dependency_rows.h"
#include "bd/ops/issue_rows.h"

#include <stdlib.h>
#include <string.h>

struct survey *doctor_survey(struct doctor *d, struct doctor_result *r) {
    if (doctor_no_store(d, r))
        return NULL;
    if (!d->survey && !d->survey_error.code)
        survey_take(d->x, &d->survey, &d->survey_error);
    if (d->survey)
        return d->survey;
    doctor_warn(d, r, "Unable to read the issues");
    doctor_detail(d, r, "%s", d->survey_error.msg);
    doctor_hint(d, r, "Run 'bd doctor --deep' to see what is damaged");
    return NULL;
}

/* ---- lists of examples ---- */

struct examples {
    const char *items[DOCTOR_SAMPLE];
    size_t count;
};

static void add_example(struct doctor *d, struct examples *l, const struct survey_edge *e) {
    if (l->count < DOCTOR_SAMPLE)
        l->items[l->count] = arena_printf(d->arena, "%s→%s", e->source, e->target);
    l->count++;
}

/* ---- cycles ---- */

static uint32_t node_index(const struct survey *s, const struct survey_node *n) {
    return (uint32_t)(n - s->nodes);
}

static bool takes_part(const struct survey_edge *e, bool parents) {
    return e->from && e->to && (parents ? e->kind == EDGE_PARENT : e->kind == EDGE_BLOCKS);
}

/*
 * Strongly connected components by Tarjan, without recursion. Counts those that are rings; *example is
 * one of their nodes.
 */
static size_t count_rings(const struct survey *s, bool parents, const struct survey_node **example) {
    size_t n = s->node_count, rings = 0, depth = 0, stacked = 0;
    uint32_t *first = mem_zalloc(n + 2, sizeof *first),
             *order = mem_zalloc(s->edge_count + 1, sizeof *order);
    uint32_t *index = mem_zalloc(n + 1, sizeof *index), *low = mem_zalloc(n + 1, sizeof *low);
    uint32_t *stack = mem_zalloc(n + 1, sizeof *stack), *path = mem_zalloc(n + 1, sizeof *path);
    uint32_t *cursor = mem_zalloc(n + 1, sizeof *cursor), counter = 0;
    bool *on_stack = mem_zalloc(n + 1, sizeof *on_stack);
    for (size_t i = 0; i < s->edge_count; i++)
        if (takes_part(&s->edges[i], parents))
            first[node_index(s, s->edges[i].from) + 2]++;
    for (size_t i = 2; i < n + 2; i++)
        first[i] += first[i - 1];
    for (size_t i = 0; i < s->edge_count; i++)
        if (takes_part(&s->edges[i], parents))
            order[first[node_index(s, s->edges[i].from) + 1]++] = node_index(s, s->edges[i].to);
    for (size_t root = 0; root < n; root++) {
        if (index[root])
            continue;
        path[depth++] = (uint32_t)root;
        while (depth) {
            uint32_t v = path[depth - 1];
            if (!index[v]) {
                index[v] = low[v] = ++counter;
                cursor[v] = first[v];
                stack[stacked++] = v;
                on_stack[v] = true;
            }
            if (cursor[v] < first[v + 1]) {
                uint32_t w = order[cursor[v]++];
                if (!index[w])
                    path[depth++] = w;
                else if (on_stack[w] && index[w] < low[v])
                    low[v] = index[w];
                continue;
            }
            depth--;
            if (depth && low[v] < low[path[depth - 1]])
                low[path[depth - 1]] = low[v];
            if (low[v] != index[v])
                continue;
            size_t size = 0;
            bool self = false;
            for (uint32_t w = UINT32_MAX; w != v; size++) {
                w = stack[--stacked];
                on_stack[w] = false;
            }
            for (uint32_t k = first[v]; k < first[v + 1]; k++)
                self = self || order[k] == v;
            if (size > 1 || self) {
                rings++;
                *example = &s->nodes[v];
            }
        }
    }
    free(first);
    free(order);
    free(index);
    free(low);
    free(stack);
    free(path);
    free(cursor);
    free(on_stack);
    return rings;
}

void graph_cycles(struct doctor *d, struct doctor_result *r) {
    const struct survey *s = doctor_survey(d, r);
    const struct survey_node *blocking = NULL, *parents = NULL;
    if (!s)
        return;
    size_t n = count_rings(s, false, &blocking), m = count_rings(s, true, &parents);
    if (!n && !m) {
        doctor_ok(d, r, "No circular dependencies detected");
        return;
    }
    doctor_bad(d, r, "Found %zu circular dependency cycle(s)", n + m);
    doctor_detail(d, r, "First cycle involves: %s%s", n ? blocking->id : parents->id,
                  n ? "" : " (parents and children)");
    doctor_hint(
        d, r, "%s",
        n ? "Run 'bd dep cycles' to see the cycles, then 'bd dep remove' on the edge that is wrong"
          : "Run 'bd dep list' on it, then 'bd dep remove' on the edge that is wrong");
}

/* ---- ends that do not exist ---- */

static size_t prefix_size(const char *id) {
    size_t end = strcspn(id, "."), n = 0;
    for (size_t i = 0; i < end; i++)
        if (id[i] == '-')
            n = i;
    return n;
}

/*
 * Wrong beyond doubt: the target is no issue, no wisp, nothing external, and its id has a prefix that
 * issues of this database have. A wisp lives in one clone only, and other prefixes belong to other
 * projects.
 */
static bool is_orphan(const struct survey_edge *e, const struct strmap *prefixes) {
    if (e->external || (e->to && e->from))
        return false;
    if (!e->from)
        return true; /* rows cannot leave an issue that is not there */
    return !(e->wisp_target && !e->in_wisp_table) &&
           strmap_get_n(prefixes, e->target, prefix_size(e->target));
}

static void collect_prefixes(const struct survey *s, struct strmap *out) {
    const char *last = "";
    size_t last_size = 0;
    for (size_t i = 0; i < s->node_count; i++) {
        size_t n = prefix_size(s->nodes[i].id);
        if (n == last_size && memcmp(last, s->nodes[i].id, n) == 0)
            continue;
        last = s->nodes[i].id;
        last_size = n;
        strmap_put_n(out, last, n, (void *)(uintptr_t)s);
    }
}

void graph_orphans(struct doctor *d, struct doctor_result *r) {
    const struct survey *s = doctor_survey(d, r);
    struct strmap prefixes = STRMAP_INIT;
    struct examples l = {.count = 0};
    size_t elsewhere = 0;
    if (!s)
        return;
    collect_prefixes(s, &prefixes);
    for (size_t i = 0; i < s->edge_count; i++) {
        if (is_orphan(&s->edges[i], &prefixes))
            add_example(d, &l, &s->edges[i]);
        else
            elsewhere += !s->edges[i].to && !s->edges[i].external;
    }
    strmap_release(&prefixes);
    if (!l.count && elsewhere)
        doctor_ok(d, r,
                  "No orphaned dependencies (%zu lead to other projects or to wisps of other clones)",
                  elsewhere);
    else if (!l.count)
        doctor_ok(d, r, "No orphaned dependencies");
    if (!l.count)
        return;
    doctor_warn(d, r, "%zu orphaned dependency reference(s)", l.count);
    doctor_detail(d, r, "%s", doctor_sample(d, l.items, l.count));
    doctor_offer(d, r, "remove them (the rows are copied first)");
}

/* Keeps the rows of one edge, with all their columns. */
struct keeping {
    struct doctor_repair *rp;
    const struct survey_edge *e;
    const char **columns;
    size_t count;
};

static int keep_row(void *ctx, const struct cell *row) {
    static const char *const targets[] = {"depends_on_issue_id", "depends_on_wisp_id",
                                          "depends_on_external", "depends_on_id"};
    const struct keeping *k = ctx;
    struct cell target = cell_text(k->e->target);
    for (size_t i = 0; i < k->count; i++)
        for (size_t t = 0; t < 4; t++)
            if (strcmp(k->columns[i], targets[t]) == 0 && cell_eq(&row[i], &target)) {
                doctor_row_aside(k->rp, k->e->in_wisp_table ? "wisp_dependencies" : "dependencies",
                                 k->columns, row, k->count);
                return BD_OK;
            }
    return BD_OK;
}

/* Copies the row(s) of an edge aside and deletes them. */
static int delete_edge(struct tables_txn *x, struct doctor_repair *rp, const struct survey_edge *e,
                       struct err *err) {
    const char *table = e->in_wisp_table ? "wisp_dependencies" : "dependencies";
    struct arena a = ARENA_INIT;
    const struct schema *schema;
    uint64_t deleted = 0;
    int rc = tables_schema(x, table, &schema, err);
    if (rc == BD_OK) {
        struct keeping k = {rp, e, arena_alloc(&a, schema->column_count * sizeof(char *)),
                            schema->column_count};
        for (size_t i = 0; i < k.count; i++)
            k.columns[i] = schema->columns[i].name;
        struct tables_query q = {.table = table,
                                 .columns = k.columns,
                                 .column_count = k.count,
                                 .where = pred_cmp(&a, PRED_EQ, "issue_id", cell_text(e->source))};
        rc = tables_scan(x, &q, &a, keep_row, &k, err);
    }
    if (rc == BD_OK)
        rc = dependency_row_delete(x, e->source, e->target, e->in_wisp_table, &deleted, err);
    arena_release(&a);
    if (rc == BD_OK && deleted)
        doctor_did(rp, "Removed %s→%s (%s)", e->source, e->target, e->type);
    return rc;
}

int graph_orphans_fix(struct doctor *d, struct tables_txn *x, struct doctor_repair *rp,
                      struct err *err) {
    struct survey *s;
    struct strmap prefixes = STRMAP_INIT;
    int rc = survey_take(x, &s, err);
    (void)d;
    if (rc)
        return rc;
    collect_prefixes(s, &prefixes);
    for (size_t i = 0; rc == BD_OK && i < s->edge_count; i++)
        if (is_orphan(&s->edges[i], &prefixes))
            rc = delete_edge(x, rp, &s->edges[i], err);
    strmap_release(&prefixes);
    survey_free(s);
    return rc;
}

/* ---- a child that waits for its parent ---- */

static bool waits_for_parent(const struct survey_edge *e) {
    size_t size;
    int64_t number;
    return (e->kind == EDGE_BLOCKS || e->kind == EDGE_WAITS_FOR) &&
           survey_child_id(e->source, &size, &number) &&
           strncmp(e->source, e->target, strlen(e->target)) == 0 && e->source[strlen(e->target)] == '.';
}

void graph_child_parent(struct doctor *d, struct doctor_result *r) {
    const struct survey *s = doctor_survey(d, r);
    struct examples l = {.count = 0};
    if (!s)
        return;
    for (size_t i = 0; i < s->edge_count; i++)
        if (waits_for_parent(&s->edges[i]))
            add_example(d, &l, &s->edges[i]);
    if (!l.count) {
        doctor_ok(d, r, "No child→parent dependencies");
        return;
    }
    doctor_warn(d, r, "%zu child→parent dependency detected (may cause deadlock)", l.count);
    doctor_detail(d, r, "%s", doctor_sample(d, l.items, l.count));
    doctor_hint(d, r, "Run 'bd doctor --fix --fix-child-parent' to remove (if unintentional)");
    r->fixable = d->options.fix_child_parent;
}

int graph_child_parent_fix(struct doctor *d, struct tables_txn *x, struct doctor_repair *rp,
                           struct err *err) {
    struct survey *s;
    int rc = survey_take(x, &s, err);
    (void)d;
    if (rc)
        return rc;
    for (size_t i = 0; rc == BD_OK && i < s->edge_count; i++) {
        const struct survey_edge *e = &s->edges[i];
        if (!waits_for_parent(e))
            continue;
        rc = delete_edge(x, rp, e, err);
        if (rc == BD_OK)
            rc = blocked_recompute(x, &e->source, 1, err);
    }
    survey_free(s);
    return rc;
}

/* ---- is_blocked ---- */

void graph_blocked(struct doctor *d, struct doctor_result *r) {
    const struct survey *s = doctor_survey(d, r);
    const char *examples[DOCTOR_SAMPLE];
    size_t n = 0;
    if (!s)
        return;
    if (!s->has_blocked_column) {
        doctor_ok(d, r, "N/A (this schema derives it)");
        return;
    }
    for (size_t i = 0; i < s->node_count; i++) {
        if (s->nodes[i].blocked == s->nodes[i].stored_blocked)
            continue;
        if (n < DOCTOR_SAMPLE)
            examples[n] = arena_printf(d->arena, "%s (%s)", s->nodes[i].id,
                                       s->nodes[i].blocked ? "is blocked, counts as ready"
                                                           : "is free, counts as blocked");
        n++;
    }
    if (!n) {
        doctor_ok(d, r, "Agrees with the dependencies");
        return;
    }
    doctor_warn(d, r, "%zu issue(s) whose blocked mark contradicts their dependencies", n);
    doctor_detail(d, r, "%s", doctor_sample(d, examples, n));
    doctor_offer(d, r, "compute the marks anew");
}

int graph_blocked_fix(struct doctor *d, struct tables_txn *x, struct doctor_repair *rp,
                      struct err *err) {
    /* updated_at is named so that its ON UPDATE clause stays quiet */
    static const char *const columns[] = {"is_blocked", "updated_at"};
    struct survey *s;
    size_t n = 0;
    int rc = survey_take(x, &s, err);
    (void)d;
    if (rc)
        return rc;
    for (size_t i = 0; rc == BD_OK && s->has_blocked_column && i < s->node_count; i++) {
        const struct survey_node *node = &s->nodes[i];
        if (node->blocked == node->stored_blocked)
            continue;
        struct arena a = ARENA_INIT;
        struct cell cells[] = {cell_bool(node->blocked), issue_time_cell(node->updated_at)};
        rc = tables_update(x, issue_families[node->wisp].issues,
                           pred_cmp(&a, PRED_EQ, "id", cell_text(node->id)), columns, cells, 2, NULL,
                           NULL, err);
        arena_release(&a);
        n++;
    }
    if (rc == BD_OK && n)
        doctor_did(rp, "Computed the blocked mark of %zu issue(s)", n);
    survey_free(s);
    return rc;
}

/* ---- child counters ---- */

struct counters {
    struct strmap last; /* parent → number */
};

static int take_counter(void *ctx, const struct cell *row) {
    struct counters *c = ctx;
    if (cell_has_text(&row[0]) && row[1].kind == CELL_INT && row[1].i > 0)
        strmap_put_n(&c->last, row[0].s.data, row[0].s.size, (void *)(intptr_t)row[1].i);
    return BD_OK;
}

static int read_counters(struct tables_txn *x, struct counters *c, struct err *err) {
    static const char *const columns[] = {"parent_id", "last_child"};
    int rc = BD_OK;
    for (int wisp = 0; wisp < 2 && rc == BD_OK; wisp++) {
        struct tables_query q = {
            .table = issue_families[wisp].child_counters, .columns = columns, .column_count = 2};
        if (tables_has_table(x, q.table))
            rc = tables_scan(x, &q, NULL, take_counter, c, err);
    }
    return rc;
}

static bool counter_is_low(const struct counters *c, const struct survey_node *n) {
    return n->highest_child > (int64_t)(intptr_t)strmap_get(&c->last, n->id);
}

void graph_counters(struct doctor *d, struct doctor_result *r) {
    const struct survey *s = doctor_survey(d, r);
    struct counters c = {STRMAP_INIT};
    const char *examples[DOCTOR_SAMPLE];
    size_t n = 0;
    if (!s)
        return;
    if (!tables_has_table(d->x, "child_counters")) {
        doctor_ok(d, r, "N/A (this schema has none)");
        return;
    }
    struct err err = ERR_INIT;
    if (read_counters(d->x, &c, &err)) {
        doctor_warn(d, r, "Unable to read the counters");
        doctor_detail(d, r, "%s", err.msg);
        return;
    }
    for (size_t i = 0; i < s->node_count; i++) {
        if (!counter_is_low(&c, &s->nodes[i]))
            continue;
        if (n < DOCTOR_SAMPLE)
            examples[n] = s->nodes[i].id;
        n++;
    }
    strmap_release(&c.last);
    if (!n) {
        doctor_ok(d, r, "No number can be given twice");
        return;
    }
    doctor_warn(d, r, "%zu parent(s) whose counter lags behind their children", n);
    doctor_detail(d, r, "%s: the number of a deleted child could be given again",
                  doctor_sample(d, examples, n));
    doctor_offer(d, r, "raise the counters");
}

int graph_counters_fix(struct doctor *d, struct tables_txn *x, struct doctor_repair *rp,
                       struct err *err) {
    static const char *const columns[] = {"parent_id", "last_child"};
    struct counters c = {STRMAP_INIT};
    struct survey *s;
    size_t n = 0;
    (void)d;
    int rc = survey_take(x, &s, err);
    if (rc)
        return rc;
    rc = read_counters(x, &c, err);
    for (size_t i = 0; rc == BD_OK && i < s->node_count; i++) {
        const struct survey_node *node = &s->nodes[i];
        const char *table = issue_families[node->wisp].child_counters;
        if (!counter_is_low(&c, node) || !tables_has_table(x, table))
            continue;
        struct cell cells[] = {cell_text(node->id), cell_int(node->highest_child)};
        rc = tables_insert(x, table, columns, cells, 2, TABLES_INSERT_REPLACE, NULL, err);
        n++;
    }
    if (rc == BD_OK && n)
        doctor_did(rp, "Raised %zu counter(s)", n);
    strmap_release(&c.last);
    survey_free(s);
    return rc;
}
