/*
 * The surroundings of one issue: two index scans for the edges, one for the issues at their other ends.
 */
#include "bd/ops/related.h"

#include "bd/ops/edges.h"
#include "bd/ops/hydrate.h"

#include <stdlib.h>
#include <string.h>

static int compare_rows(const void *a, const void *b) {
    const struct dependency *x = a, *y = b;
    if (x->created_at != y->created_at)
        return x->created_at < y->created_at ? -1 : 1;
    return strcmp(x->id ? x->id : "", y->id ? y->id : "");
}

static int links(struct tables_txn *x, const char *id, bool dependents, struct arena *a,
                 struct issue_link **out, size_t *count, struct err *err) {
    struct id_set others = ID_SET_INIT;
    struct strmap by_id = STRMAP_INIT;
    struct dependency_list rows;
    struct issue_list issues = {NULL, 0, 0};
    *out = NULL;
    *count = 0;
    int rc = dependency_load(x, dependents ? DEPENDENCY_BY_TARGET : DEPENDENCY_BY_SOURCE, &id, 1,
                             DEPENDENCY_BOTH | DEPENDENCY_METADATA, a, &rows, err);
    if (rows.count > 1)
        qsort(rows.items, rows.count, sizeof *rows.items, compare_rows);
    for (size_t i = 0; i < rows.count; i++)
        id_set_add(&others, dependents ? rows.items[i].issue_id : rows.items[i].depends_on_id);
    if (rc == BD_OK)
        rc = issue_load_many(x, id_set_items(&others, a), id_set_count(&others), a, &issues, err);
    if (rc == BD_OK)
        rc = issues_hydrate(x, issues.items, issues.count, HYDRATE_LABELS, a, err);
    for (size_t i = 0; i < issues.count; i++)
        strmap_put(&by_id, issues.items[i].id, &issues.items[i]);
    *out = arena_alloc(a, (rows.count + 1) * sizeof **out);
    for (size_t i = 0; i < rows.count && rc == BD_OK; i++) {
        const struct dependency *d = &rows.items[i];
        const struct issue *other = strmap_get(&by_id, dependents ? d->issue_id : d->depends_on_id);
        if (other)
            (*out)[(*count)++] = (struct issue_link){*other, d->type, *d};
    }
    id_set_release(&others);
    strmap_release(&by_id);
    return rc;
}

int related_dependencies(struct tables_txn *x, const char *id, struct arena *a, struct issue_link **out,
                         size_t *count, struct err *err) {
    return links(x, id, false, a, out, count, err);
}

int related_dependents(struct tables_txn *x, const char *id, struct arena *a, struct issue_link **out,
                       size_t *count, struct err *err) {
    return links(x, id, true, a, out, count, err);
}

int related_comments(struct tables_txn *x, const char *id, struct arena *a, struct comment **comments,
                     size_t *count, struct err *err) {
    struct issue both[2];
    for (int wisp = 0; wisp < 2; wisp++) {
        issue_init(&both[wisp]);
        both[wisp].id = id;
        both[wisp].is_wisp = wisp;
    }
    int rc = issues_hydrate(x, &both[0], 1, HYDRATE_COMMENTS, a, err);
    if (rc == BD_OK && !both[0].comment_row_count)
        rc = issues_hydrate(x, &both[1], 1, HYDRATE_COMMENTS, a, err);
    const struct issue *i = &both[both[0].comment_row_count ? 0 : 1];
    *comments = i->comments;
    *count = i->comment_row_count;
    return rc;
}

static int count_row(void *ctx, const struct dependency *d, bool in_wisp_table) {
    (void)d;
    (void)in_wisp_table;
    ++*(int64_t *)ctx;
    return BD_OK;
}

int related_count(struct tables_txn *x, const char *id, struct related_counts *out, struct err *err) {
    struct arena a = ARENA_INIT;
    *out = (struct related_counts){0, 0, 0};
    int rc = dependency_scan(x, DEPENDENCY_BY_SOURCE, &id, 1, DEPENDENCY_BOTH, &a, count_row,
                             &out->dependencies, err);
    if (rc == BD_OK)
        rc = dependency_scan(x, DEPENDENCY_BY_TARGET, &id, 1, DEPENDENCY_BOTH, &a, count_row,
                             &out->dependents, err);
    for (int wisp = 0; wisp < 2 && rc == BD_OK; wisp++) {
        uint64_t n = 0;
        const char *table = issue_families[wisp].comments;
        if (!tables_has_table(x, table))
            continue;
        rc = tables_count_all(x, table, pred_cmp(&a, PRED_EQ, "issue_id", cell_text(id)), &n, err);
        out->comments += (int64_t)n;
    }
    arena_release(&a);
    return rc;
}
