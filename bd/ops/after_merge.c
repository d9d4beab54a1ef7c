/* The issues in question are found by comparing with the state before the merge. */
#include "bd/ops/after_merge.h"

#include "base/strmap.h"
#include "bd/ops/blocked.h"

#include <stdlib.h>
#include <string.h>

struct touched {
    struct arena a;
    struct strmap seen;
    const char **ids;
    size_t count, capacity;
};

static void touch(struct touched *t, const struct schema *s, const struct cell *row,
                  const char *column) {
    int at = s && row ? schema_column(s, column) : -1;
    if (at < 0 || cell_is_null(&row[at]))
        return;
    const char *id = cell_format(&row[at], &t->a);
    if (!*id || strmap_get(&t->seen, id))
        return;
    strmap_put(&t->seen, id, t);
    MEM_GROW(t->ids, t->capacity, t->count + 1);
    t->ids[t->count++] = id;
}

static int note(void *ctx, const struct tables_diff_row *d) {
    const char *column = strcmp(d->table, "issues") == 0 ? "id" : "issue_id";
    touch(ctx, d->from_schema, d->from, column);
    touch(ctx, d->to_schema, d->to, column);
    return BD_OK;
}

static int recompute(struct tables_txn *x, void *ctx, struct err *err) {
    struct touched *t = ctx;
    const char **more;
    size_t count;
    int rc = blocked_dependents(x, t->ids, t->count, &t->a, &more, &count, err);
    if (rc == BD_OK)
        rc = blocked_recompute(x, t->ids, t->count, err);
    return rc == BD_OK && count ? blocked_recompute(x, more, count, err) : rc;
}

int after_merge(struct tables *t, const char *from, struct err *err) {
    static const char *const tables[] = {"issues", "dependencies"};
    struct touched touched = {.a = ARENA_INIT, .seen = STRMAP_INIT};
    struct arena scratch = ARENA_INIT;
    int rc = BD_OK;
    for (size_t i = 0; i < 2 && rc == BD_OK; i++)
        rc = tables_diff(t, from, "HEAD", tables[i], &scratch, note, &touched, err);
    struct tables_write w = {.mode = TABLES_COMMIT_TABLES,
                             .message = "bd: recompute what is blocked after a merge",
                             .author = {"beads", "beads@local"}};
    if (rc == BD_OK && touched.count)
        rc = tables_write(t, &w, recompute, &touched, NULL, err);
    strmap_release(&touched.seen);
    free(touched.ids);
    arena_release(&touched.a);
    arena_release(&scratch);
    return rc;
}
