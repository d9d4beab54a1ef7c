/*
 * Blocked issues. An issue is blocked while it is active itself and has an active blocks or
 * conditional-blocks target, a blocked parent, or waits for a spawner whose children are not done.
 */
#include "bd/ops/blocked_list.h"

#include "bd/ops/filter.h"
#include "bd/ops/hydrate.h"
#include "bd/ops/search.h"
#include "bd/ops/validate.h"

#include <stdlib.h>
#include <string.h>

static bool active(const struct strmap *statuses, const char *id) {
    const char *status = strmap_get(statuses, id);
    return status && status_is_active(status);
}

/* Children of each spawner: how many are active, how many closed. */
struct brood {
    int64_t active, closed;
};

static bool waiting(const struct dependency *d, const struct brood *b) {
    bool any = d->metadata && strstr(d->metadata, "\"any-children\"");
    return b && b->active > 0 && !(any && b->closed > 0);
}

static void count_broods(const struct dependency_list *rows, const struct strmap *statuses,
                         struct strmap *broods, struct arena *a) {
    for (size_t i = 0; i < rows->count; i++) {
        const struct dependency *d = &rows->items[i];
        const char *status = strmap_get(statuses, d->issue_id);
        if (strcmp(d->type, "parent-child") != 0 || !status)
            continue;
        struct brood *b = strmap_get(broods, d->depends_on_id);
        if (!b) {
            b = arena_zalloc(a, sizeof *b);
            strmap_put(broods, d->depends_on_id, b);
        }
        b->active += status_is_active(status);
        b->closed += strcmp(status, "closed") == 0;
    }
}

static void decide(const struct dependency_list *rows, const struct strmap *statuses,
                   const struct strmap *broods, struct id_set *out) {
    for (size_t i = 0; i < rows->count; i++) {
        const struct dependency *d = &rows->items[i];
        bool blocks = dependency_type_blocks(d->type) && active(statuses, d->depends_on_id);
        bool waits =
            strcmp(d->type, "waits-for") == 0 && waiting(d, strmap_get(broods, d->depends_on_id));
        if ((blocks || waits) && active(statuses, d->issue_id))
            id_set_add(out, d->issue_id);
    }
    for (bool changed = true; changed;) { /* children of blocked parents, generation by generation */
        changed = false;
        for (size_t i = 0; i < rows->count; i++) {
            const struct dependency *d = &rows->items[i];
            if (strcmp(d->type, "parent-child") != 0 || !id_set_has(out, d->depends_on_id) ||
                id_set_has(out, d->issue_id) || !active(statuses, d->issue_id))
                continue;
            id_set_add(out, d->issue_id);
            changed = true;
        }
    }
}

/* The definition itself, from statuses and dependency rows. */
static int blocked_ids_compute(struct tables_txn *x, struct arena *a, struct id_set *out,
                               struct err *err) {
    struct dependency_list rows;
    struct id_set ids = ID_SET_INIT;
    struct strmap statuses = STRMAP_INIT, broods = STRMAP_INIT;
    int rc = dependency_load(x, DEPENDENCY_BY_SOURCE, NULL, 0, DEPENDENCY_BOTH | DEPENDENCY_METADATA, a,
                             &rows, err);
    for (size_t i = 0; i < rows.count; i++) {
        id_set_add(&ids, rows.items[i].issue_id);
        id_set_add(&ids, rows.items[i].depends_on_id);
    }
    if (rc == BD_OK)
        rc = edges_statuses(x, &ids, a, &statuses, err);
    if (rc == BD_OK) {
        count_broods(&rows, &statuses, &broods, a);
        decide(&rows, &statuses, &broods, out);
    }
    id_set_release(&ids);
    strmap_release(&statuses);
    strmap_release(&broods);
    return rc;
}

static int add_id(void *ctx, const struct cell *row) {
    id_set_add_cell(ctx, &row[0]);
    return BD_OK;
}

int blocked_ids(struct tables_txn *x, struct arena *a, struct id_set *out, struct err *err) {
    static const char *const tables[] = {"issues", "wisps"}, *const column[] = {"id"};
    static const char *over[] = {"closed", "pinned"};
    const struct text_list done = {over, 2};
    if (!tables_has_column(x, "issues", "is_blocked"))
        return blocked_ids_compute(x, a, out, err);
    int rc = BD_OK;
    for (int t = 0; t < 2 && rc == BD_OK; t++) {
        struct tables_query q = {
            .table = tables[t],
            .columns = column,
            .column_count = 1,
            .where = pred_and(a, pred_cmp(a, PRED_EQ, "is_blocked", cell_int(1)),
                              filter_text_in(a, "status", &done, true)),
            .any_order = true,
        };
        if (tables_has_table(x, tables[t]))
            rc = tables_scan(x, &q, NULL, add_id, out, err);
    }
    return rc;
}

static void add_blocker(struct blocked_issue *b, const char *id, struct arena *a) {
    struct text_list t = {b->blocked_by, b->blocked_by_count};
    text_list_add(&t, a, id);
    b->blocked_by = t.items;
    b->blocked_by_count = t.count;
}

/* Fills blocked_by of all entries. */
static int name_blockers(struct tables_txn *x, const struct id_set *ids, struct strmap *by_id,
                         struct arena *a, struct err *err) {
    struct dependency_list rows;
    struct id_set targets = ID_SET_INIT;
    struct strmap statuses = STRMAP_INIT;
    int rc = dependency_load(x, DEPENDENCY_BY_SOURCE, id_set_items(ids, a), id_set_count(ids),
                             DEPENDENCY_BOTH, a, &rows, err);
    for (size_t i = 0; i < rows.count; i++)
        id_set_add(&targets, rows.items[i].depends_on_id);
    if (rc == BD_OK)
        rc = edges_statuses(x, &targets, a, &statuses, err);
    for (int parents = 0; parents < 2 && rc == BD_OK; parents++) {
        for (size_t i = 0; i < rows.count; i++) {
            const struct dependency *d = &rows.items[i];
            struct blocked_issue *b = strmap_get(by_id, d->issue_id);
            bool is_parent = strcmp(d->type, "parent-child") == 0;
            if (!b || is_parent != (parents == 1) || !dependency_type_affects_ready(d->type))
                continue;
            if (parents ? !b->blocked_by_count : active(&statuses, d->depends_on_id))
                add_blocker(b, d->depends_on_id, a);
        }
    }
    id_set_release(&targets);
    strmap_release(&statuses);
    return rc;
}

static int compare_blocked(const void *a, const void *b) {
    const struct blocked_issue *x = a, *y = b;
    return search_compare(ORDER_PRIORITY, 0, &x->issue, &y->issue);
}

/* Drops the entries that are no children of the parent, and those without a blocker to name. */
static int keep_shown(struct tables_txn *x, const char *parent, struct blocked_issue *list,
                      size_t *count, struct arena *a, struct err *err) {
    struct id_set self = ID_SET_INIT, children = ID_SET_INIT;
    size_t kept = 0, prefix = parent ? strlen(parent) : 0;
    id_set_add(&self, parent);
    int rc = parent ? edges_children(x, &self, DEPENDENCY_BOTH, a, &children, err) : BD_OK;
    for (size_t i = 0; i < *count; i++) {
        const char *id = list[i].issue.id;
        bool below = !parent || id_set_has(&children, id) ||
                     (strncmp(id, parent, prefix) == 0 && id[prefix] == '.');
        if (below && list[i].blocked_by_count)
            list[kept++] = list[i];
    }
    *count = kept;
    id_set_release(&self);
    id_set_release(&children);
    return rc;
}

int blocked_list(struct tables_txn *x, const char *parent, struct arena *a, struct blocked_issue **list,
                 size_t *count, struct err *err) {
    struct id_set ids = ID_SET_INIT;
    struct issue_list issues = {NULL, 0, 0};
    struct strmap by_id = STRMAP_INIT;
    int rc = blocked_ids(x, a, &ids, err);
    if (rc == BD_OK)
        rc = issue_load_many(x, id_set_items(&ids, a), id_set_count(&ids), a, &issues, err);
    if (rc == BD_OK)
        rc = issues_hydrate(x, issues.items, issues.count, HYDRATE_LABELS, a, err);
    *list = arena_zalloc(a, (issues.count + 1) * sizeof **list);
    *count = issues.count;
    for (size_t i = 0; i < issues.count; i++) {
        (*list)[i].issue = issues.items[i];
        strmap_put(&by_id, issues.items[i].id, &(*list)[i]);
    }
    if (rc == BD_OK)
        rc = name_blockers(x, &ids, &by_id, a, err);
    if (rc == BD_OK)
        rc = keep_shown(x, parent && *parent ? parent : NULL, *list, count, a, err);
    if (*count > 1)
        qsort(*list, *count, sizeof **list, compare_blocked);
    id_set_release(&ids);
    strmap_release(&by_id);
    return rc;
}
