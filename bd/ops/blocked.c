/*
 * is_blocked by work list: an issue is computed from its dependency rows alone; when the answer differs
 * from the stored one, it is written and the children (who inherit it) join the list. Statuses are read
 * by key, so the cost follows the number of edges around the change, not the size of the database.
 *
 * An issue r is blocked when its status is active (neither closed nor pinned) and
 *   a `blocks` or `conditional-blocks` target is active, or
 *   its parent is blocked, or
 *   a `waits-for` target has an active child, unless the gate is any-children and one child is closed.
 */
#include "bd/ops/blocked.h"

#include "base/strmap.h"
#include "bd/ops/dependency_rows.h"
#include "bd/ops/issue_rows.h"
#include "bd/ops/validate.h"

#include <stdlib.h>
#include <string.h>

static bool cache_exists(struct tables_txn *x) {
    return tables_has_column(x, "issues", "is_blocked") && tables_has_table(x, "dependencies");
}

struct state {
    bool exists, active, closed, blocked, is_wisp;
    int64_t updated_at;
};

struct worker {
    struct tables_txn *x;
    struct arena a;
    struct strmap queued; /* ids waiting */
    const char **queue;
    size_t count, capacity, next;
    struct err *err;
};

static void enqueue(struct worker *w, const char *id) {
    if (strmap_has(&w->queued, id))
        return;
    const char *copy = arena_strdup(&w->a, id);
    strmap_put(&w->queued, copy, (void *)(uintptr_t)copy);
    MEM_GROW(w->queue, w->capacity, w->count + 1);
    w->queue[w->count++] = copy;
}

static int read_state(struct worker *w, const char *id, struct state *s) {
    static const char *const columns[] = {"status", "is_blocked", "updated_at"};
    *s = (struct state){0};
    struct arena a = ARENA_INIT;
    struct cell row[3];
    int rc = BD_NOT_FOUND;
    for (int wisp = 0; wisp < 2 && rc == BD_NOT_FOUND; wisp++) {
        rc = issue_get_columns(w->x, id, wisp, columns, 3, &a, row, w->err);
        if (rc != BD_OK)
            continue;
        const char *status = cell_has_text(&row[0]) ? cell_format(&row[0], &a) : "";
        *s = (struct state){.exists = true,
                            .active = status_is_active(status),
                            .closed = strcmp(status, "closed") == 0,
                            .blocked = row[1].kind == CELL_INT && row[1].i != 0,
                            .is_wisp = wisp,
                            .updated_at = row[2].kind == CELL_DATETIME ? row[2].i : ISSUE_NO_TIME};
    }
    arena_release(&a);
    return rc == BD_NOT_FOUND ? BD_OK : rc;
}

static bool gate_is_any(const char *metadata) {
    /* normalised JSON text has no white space inside */
    return metadata && (strstr(metadata, "\"gate\":\"any-children\"") ||
                        strstr(metadata, "\"gate\": \"any-children\""));
}

static int waits(struct worker *w, const struct dependency *d, bool *blocked) {
    struct arena a = ARENA_INIT;
    struct dependency_list children;
    bool active = false, closed = false;
    int rc = dependency_load(w->x, DEPENDENCY_BY_TARGET, &d->depends_on_id, 1, DEPENDENCY_BOTH, &a,
                             &children, w->err);
    for (size_t i = 0; rc == BD_OK && i < children.count; i++) {
        struct state s;
        if (strcmp(children.items[i].type, "parent-child") != 0)
            continue;
        rc = read_state(w, children.items[i].issue_id, &s);
        active = active || (s.exists && s.active);
        closed = closed || s.closed;
    }
    if (rc == BD_OK && active && !(closed && gate_is_any(d->metadata)))
        *blocked = true;
    arena_release(&a);
    return rc;
}

static int compute(struct worker *w, const char *id, const struct state *self, bool *blocked) {
    *blocked = false;
    if (!self->active)
        return BD_OK;
    struct arena a = ARENA_INIT;
    struct dependency_list rows;
    int rc = dependency_load(w->x, DEPENDENCY_BY_SOURCE, &id, 1, DEPENDENCY_BOTH | DEPENDENCY_METADATA,
                             &a, &rows, w->err);
    for (size_t i = 0; rc == BD_OK && !*blocked && i < rows.count; i++) {
        const struct dependency *d = &rows.items[i];
        struct state s;
        if (d->target == DEP_TARGET_EXTERNAL || !dependency_type_affects_ready(d->type))
            continue;
        if (strcmp(d->type, "waits-for") == 0) {
            rc = waits(w, d, blocked);
            continue;
        }
        rc = read_state(w, d->depends_on_id, &s);
        *blocked = s.exists && (dependency_type_blocks(d->type) ? s.active : s.blocked);
    }
    arena_release(&a);
    return rc;
}

static int enqueue_children(void *ctx, const struct dependency *d, bool in_wisp_table) {
    (void)in_wisp_table;
    if (strcmp(d->type, "parent-child") == 0)
        enqueue(ctx, d->issue_id);
    return BD_OK;
}

static int store(struct worker *w, const char *id, const struct state *s, bool blocked) {
    static const char *const columns[] = {"is_blocked", "updated_at"};
    struct arena a = ARENA_INIT;
    /* updated_at is named so that its ON UPDATE clause stays quiet */
    struct cell cells[] = {cell_bool(blocked), issue_time_cell(s->updated_at)};
    int rc = tables_update(w->x, issue_families[s->is_wisp].issues,
                           pred_cmp(&a, PRED_EQ, "id", cell_text(id)), columns, cells, 2, NULL, NULL,
                           w->err);
    if (rc == BD_OK)
        rc = dependency_scan(w->x, DEPENDENCY_BY_TARGET, &id, 1, DEPENDENCY_BOTH, &a, enqueue_children,
                             w, w->err);
    arena_release(&a);
    return rc;
}

static int run(struct worker *w) {
    int rc = BD_OK;
    while (rc == BD_OK && w->next < w->count) {
        const char *id = w->queue[w->next++];
        struct state s;
        bool blocked;
        strmap_remove(&w->queued, id);
        rc = read_state(w, id, &s);
        if (rc != BD_OK || !s.exists)
            continue;
        rc = compute(w, id, &s, &blocked);
        if (rc == BD_OK && blocked != s.blocked)
            rc = store(w, id, &s, blocked);
    }
    return rc;
}

static void worker_release(struct worker *w) {
    strmap_release(&w->queued);
    free(w->queue);
    arena_release(&w->a);
}

int blocked_recompute(struct tables_txn *x, const char *const *ids, size_t count, struct err *err) {
    if (!cache_exists(x))
        return BD_OK;
    struct worker w = {.x = x, .err = err};
    for (size_t i = 0; i < count; i++)
        enqueue(&w, ids[i]);
    int rc = run(&w);
    worker_release(&w);
    return rc;
}

static int enqueue_waiters(void *ctx, const struct dependency *d, bool in_wisp_table) {
    (void)in_wisp_table;
    if (strcmp(d->type, "waits-for") == 0)
        enqueue(ctx, d->issue_id);
    return BD_OK;
}

static int enqueue_blocked_by(void *ctx, const struct dependency *d, bool in_wisp_table) {
    (void)in_wisp_table;
    if (dependency_type_affects_ready(d->type))
        enqueue(ctx, d->issue_id);
    return BD_OK;
}

/* The waiters on the parents of id: one of "the children" changed for them. */
static int enqueue_waiters_on_parents(struct worker *w, const char *id) {
    struct arena a = ARENA_INIT;
    struct dependency_list rows;
    int rc = dependency_load(w->x, DEPENDENCY_BY_SOURCE, &id, 1, DEPENDENCY_BOTH, &a, &rows, w->err);
    for (size_t i = 0; rc == BD_OK && i < rows.count; i++)
        if (strcmp(rows.items[i].type, "parent-child") == 0)
            rc = dependency_scan(w->x, DEPENDENCY_BY_TARGET, &rows.items[i].depends_on_id, 1,
                                 DEPENDENCY_BOTH, &a, enqueue_waiters, w, w->err);
    arena_release(&a);
    return rc;
}

static int enqueue_around(struct worker *w, const char *id) {
    struct arena a = ARENA_INIT;
    int rc = dependency_scan(w->x, DEPENDENCY_BY_TARGET, &id, 1, DEPENDENCY_BOTH, &a,
                             enqueue_blocked_by, w, w->err);
    arena_release(&a);
    return rc == BD_OK ? enqueue_waiters_on_parents(w, id) : rc;
}

int blocked_after_status(struct tables_txn *x, const char *id, struct err *err) {
    if (!cache_exists(x))
        return BD_OK;
    struct worker w = {.x = x, .err = err};
    enqueue(&w, id);
    int rc = enqueue_around(&w, id);
    if (rc == BD_OK)
        rc = run(&w);
    worker_release(&w);
    return rc;
}

int blocked_after_dependency(struct tables_txn *x, const char *source, const char *target,
                             const char *type, struct err *err) {
    if (!dependency_type_affects_ready(type) || !cache_exists(x))
        return BD_OK;
    struct worker w = {.x = x, .err = err};
    int rc = BD_OK;
    enqueue(&w, source);
    if (strcmp(type, "parent-child") == 0) {
        struct arena a = ARENA_INIT;
        rc = dependency_scan(x, DEPENDENCY_BY_TARGET, &target, 1, DEPENDENCY_BOTH, &a, enqueue_waiters,
                             &w, err);
        arena_release(&a);
    }
    if (rc == BD_OK)
        rc = run(&w);
    worker_release(&w);
    return rc;
}

int blocked_dependents(struct tables_txn *x, const char *const *ids, size_t count, struct arena *a,
                       const char ***out, size_t *out_count, struct err *err) {
    *out = NULL;
    *out_count = 0;
    if (!cache_exists(x))
        return BD_OK;
    struct worker w = {.x = x, .err = err};
    int rc = BD_OK;
    for (size_t i = 0; rc == BD_OK && i < count; i++)
        rc = enqueue_around(&w, ids[i]);
    if (rc == BD_OK && w.count) {
        *out = arena_alloc(a, w.count * sizeof **out);
        for (size_t i = 0; i < w.count; i++)
            (*out)[i] = arena_strdup(a, w.queue[i]);
        *out_count = w.count;
    }
    worker_release(&w);
    return rc;
}
