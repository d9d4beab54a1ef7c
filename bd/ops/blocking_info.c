/*
 * Blocking information of a list: one scan by source, one by target, one for the statuses of the
 * others.
 */
#include "bd/ops/blocking_info.h"

#include <string.h>

struct gather {
    struct strmap place; /* id → its entry */
    struct blocking_info *entries;
    const struct issue_list *list;
    struct strmap statuses;
    struct arena *a;
};

static bool is_closed(const char *status) { return status && strcmp(status, "closed") == 0; }

static int on_target(void *ctx, const struct dependency *d, bool in_wisp_table) {
    struct gather *g = ctx;
    struct blocking_info *b = strmap_get(&g->place, d->depends_on_id);
    (void)in_wisp_table;
    if (b && strcmp(d->type, "blocks") == 0 && !is_closed(g->list->items[b - g->entries].status))
        text_list_add(&b->blocks, g->a, d->issue_id);
    return BD_OK;
}

static void note_source(struct gather *g, const struct dependency *d) {
    struct blocking_info *b = strmap_get(&g->place, d->issue_id);
    if (!b || is_closed(strmap_get(&g->statuses, d->depends_on_id)))
        return;
    if (strcmp(d->type, "parent-child") == 0)
        b->parent = d->depends_on_id;
    else if (strcmp(d->type, "blocks") == 0)
        text_list_add(&b->blocked_by, g->a, d->depends_on_id);
}

int blocking_info_load(struct tables_txn *x, const struct issue_list *l, struct arena *a,
                       struct blocking_info **out, struct err *err) {
    struct gather g = {STRMAP_INIT, NULL, l, STRMAP_INIT, a};
    struct dependency_list rows = {NULL, 0};
    struct id_set targets = ID_SET_INIT;
    const char **ids = arena_alloc(a, (l->count + 1) * sizeof *ids);
    g.entries = *out = arena_zalloc(a, (l->count + 1) * sizeof **out);
    for (size_t i = 0; i < l->count; i++) {
        ids[i] = l->items[i].id;
        strmap_put(&g.place, ids[i], &g.entries[i]);
    }
    int rc = dependency_load(x, DEPENDENCY_BY_SOURCE, ids, l->count, DEPENDENCY_BOTH, a, &rows, err);
    for (size_t i = 0; i < rows.count; i++)
        id_set_add(&targets, rows.items[i].depends_on_id);
    if (rc == BD_OK)
        rc = edges_statuses(x, &targets, a, &g.statuses, err);
    for (size_t i = 0; i < rows.count && rc == BD_OK; i++)
        note_source(&g, &rows.items[i]);
    if (rc == BD_OK)
        rc = dependency_scan(x, DEPENDENCY_BY_TARGET, ids, l->count, DEPENDENCY_BOTH, a, on_target, &g,
                             err);
    strmap_release(&g.place);
    strmap_release(&g.statuses);
    id_set_release(&targets);
    return rc;
}
