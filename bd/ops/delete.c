/*
 * Rows that hang on an issue are deleted by name, not only by the foreign keys' cascade: older schemas
 * lack some of the keys, and edges between the two families of tables have none.
 */
#include "bd/ops/delete.h"

#include "base/strmap.h"
#include "bd/ops/blocked.h"
#include "bd/ops/dependency_rows.h"
#include "bd/ops/issue_rows.h"
#include "bd/ops/update.h"

#include <string.h>

/* ---- plan ---- */

static bool add_unique(struct strmap *seen, const char ***list, size_t *count, size_t *capacity,
                       struct arena *a, const char *id) {
    if (strmap_has(seen, id))
        return false;
    const char *copy = arena_strdup(a, id);
    strmap_put(seen, copy, (void *)(uintptr_t)copy);
    if (*count == *capacity) {
        size_t more = *capacity ? 2 * *capacity : 16;
        const char **grown = arena_alloc(a, more * sizeof *grown);
        if (*count)
            memcpy(grown, *list, *count * sizeof *grown);
        *list = grown;
        *capacity = more;
    }
    (*list)[(*count)++] = copy;
    return true;
}

/* All dependents of ids[from..], appended; a row of any type counts. */
static int expand(struct tables_txn *x, struct strmap *in, struct issue_deletion *out, size_t *capacity,
                  struct arena *a, struct err *err) {
    size_t from = 0;
    while (from < out->count) {
        struct dependency_list rows;
        size_t end = out->count;
        int rc = dependency_load(x, DEPENDENCY_BY_TARGET, out->ids + from, end - from, DEPENDENCY_BOTH,
                                 a, &rows, err);
        if (rc != BD_OK)
            return rc;
        for (size_t i = 0; i < rows.count; i++)
            add_unique(in, &out->ids, &out->count, capacity, a, rows.items[i].issue_id);
        if (out->count > ISSUE_DELETION_MAX)
            return err_set(
                err, BD_INVALID,
                "cascade traversal discovered over %d issues; aborting to prevent runaway deletion",
                ISSUE_DELETION_MAX);
        from = end;
    }
    return BD_OK;
}

static int count_rows(struct tables_txn *x, const char *table, const struct issue_deletion *d,
                      struct arena *a, uint64_t *total, struct err *err) {
    uint64_t n = 0;
    if (!tables_has_table(x, table))
        return BD_OK;
    struct cell *ids = arena_alloc(a, d->count * sizeof *ids);
    for (size_t i = 0; i < d->count; i++)
        ids[i] = cell_text(d->ids[i]);
    int rc = tables_count_all(x, table, pred_in(a, "issue_id", ids, d->count), &n, err);
    *total += n;
    return rc;
}

static int count_dependencies(struct tables_txn *x, const struct strmap *in, struct issue_deletion *out,
                              struct arena *a, struct err *err) {
    struct dependency_list from, to;
    struct strmap orphans = STRMAP_INIT;
    size_t capacity = 0;
    int rc =
        dependency_load(x, DEPENDENCY_BY_SOURCE, out->ids, out->count, DEPENDENCY_BOTH, a, &from, err);
    if (rc == BD_OK)
        rc = dependency_load(x, DEPENDENCY_BY_TARGET, out->ids, out->count, DEPENDENCY_BOTH, a, &to,
                             err);
    if (rc != BD_OK)
        return rc;
    out->dependencies = from.count;
    for (size_t i = 0; i < to.count; i++) {
        const struct dependency *d = &to.items[i];
        if (strmap_has(in, d->issue_id))
            continue; /* counted by its source */
        out->dependencies++;
        add_unique(&orphans, &out->orphans, &out->orphan_count, &capacity, a, d->issue_id);
    }
    for (size_t i = 0; out->orphan_count && !out->with_orphans && i < out->count; i++)
        for (size_t k = 0; k < to.count && !out->with_orphans; k++)
            if (strcmp(to.items[k].depends_on_id, out->ids[i]) == 0 &&
                !strmap_has(in, to.items[k].issue_id))
                out->with_orphans = out->ids[i];
    strmap_release(&orphans);
    return BD_OK;
}

int issue_deletion_plan(struct tables_txn *x, const char *const *ids, size_t count, bool cascade,
                        struct arena *a, struct issue_deletion *out, struct err *err) {
    struct strmap in = STRMAP_INIT;
    size_t capacity = 0;
    *out = (struct issue_deletion){0};
    for (size_t i = 0; i < count; i++)
        add_unique(&in, &out->ids, &out->count, &capacity, a, ids[i]);
    int rc = cascade ? expand(x, &in, out, &capacity, a, err) : BD_OK;
    if (rc == BD_OK)
        rc = count_dependencies(x, &in, out, a, err);
    for (int wisp = 0; rc == BD_OK && wisp < 2; wisp++) {
        rc = count_rows(x, issue_families[wisp].labels, out, a, &out->labels, err);
        if (rc == BD_OK)
            rc = count_rows(x, issue_families[wisp].events, out, a, &out->events, err);
    }
    strmap_release(&in);
    return rc;
}

/* ---- names in texts ---- */

static bool is_word(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

/* Where the id stands as a word at or after `from`, or NULL. */
static const char *find_word(const char *text, const char *from, const char *id) {
    size_t n = strlen(id);
    for (const char *p = from; n && (p = strstr(p, id)); p++)
        if ((p == text || !is_word(p[-1])) && !is_word(p[n]) && !(p[n] == '.' && is_word(p[n + 1])) &&
            !(p - text >= 9 && memcmp(p - 9, "[deleted:", 9) == 0))
            return p;
    return NULL;
}

bool issue_text_names(const char *text, const char *id) { return text && find_word(text, text, id); }

/* The text with every such word as `[deleted:ID]`, in `a`. */
static const char *issue_text_mark_deleted(const char *text, const char *id, struct arena *a) {
    struct buf b = BUF_INIT;
    const char *at = text;
    for (const char *p; (p = find_word(text, at, id)); at = p + strlen(id)) {
        buf_add(&b, at, (size_t)(p - at));
        buf_addf(&b, "[deleted:%s]", id);
    }
    buf_add_str(&b, at);
    char *out = arena_strdup(a, buf_str(&b));
    buf_release(&b);
    return out;
}

/* ---- deletion ---- */

static int mark_neighbour(struct ops *o, struct tables_txn *x, const char *id,
                          const struct issue_deletion *d, struct arena *a, uint64_t *marked,
                          struct err *err) {
    struct issue i;
    struct issue_changes changes = ISSUE_CHANGES_INIT;
    int rc = issue_load(x, id, a, &i, err);
    if (rc == BD_NOT_FOUND) {
        err_clear(err); /* an edge to something outside the database */
        return BD_OK;
    }
    if (rc != BD_OK)
        return rc;
    const char *texts[] = {i.description, i.notes, i.design, i.acceptance_criteria};
    static const char *const columns[] = {"description", "notes", "design", "acceptance_criteria"};
    bool changed[4] = {false};
    for (size_t n = 0; n < d->count; n++) {
        bool named = false;
        for (size_t t = 0; t < 4; t++)
            if (issue_text_names(texts[t], d->ids[n])) {
                texts[t] = issue_text_mark_deleted(texts[t], d->ids[n], a);
                changed[t] = named = true;
            }
        *marked += named;
    }
    for (size_t t = 0; t < 4; t++)
        if (changed[t])
            issue_change_text(&changes, columns[t], texts[t]);
    return changes.count ? issue_update_in(o, x, id, &changes, a, NULL, err) : BD_OK;
}

static int mark_neighbours(struct ops *o, struct tables_txn *x, const struct issue_deletion *d,
                           struct arena *a, uint64_t *marked, struct err *err) {
    struct strmap seen = STRMAP_INIT;
    const char **neighbours = NULL;
    size_t count = 0, capacity = 0;
    struct dependency_list from, to;
    for (size_t i = 0; i < d->count; i++)
        strmap_put(&seen, d->ids[i], NULL);
    int rc = dependency_load(x, DEPENDENCY_BY_SOURCE, d->ids, d->count, DEPENDENCY_BOTH, a, &from, err);
    if (rc == BD_OK)
        rc = dependency_load(x, DEPENDENCY_BY_TARGET, d->ids, d->count, DEPENDENCY_BOTH, a, &to, err);
    for (size_t i = 0; rc == BD_OK && i < from.count; i++)
        add_unique(&seen, &neighbours, &count, &capacity, a, from.items[i].depends_on_id);
    for (size_t i = 0; rc == BD_OK && i < to.count; i++)
        add_unique(&seen, &neighbours, &count, &capacity, a, to.items[i].issue_id);
    for (size_t i = 0; rc == BD_OK && i < count; i++)
        rc = mark_neighbour(o, x, neighbours[i], d, a, marked, err);
    strmap_release(&seen);
    return rc;
}

static int delete_where(struct tables_txn *x, const char *table, const char *column, const char *id,
                        struct arena *a, struct err *err) {
    if (!tables_has_table(x, table) || !tables_has_column(x, table, column))
        return BD_OK;
    uint64_t deleted;
    return tables_delete(x, table, pred_cmp(a, PRED_EQ, column, cell_text(id)), &deleted, err);
}

static int delete_one(struct tables_txn *x, const char *id, struct arena *a, struct err *err) {
    bool wisp;
    uint64_t deleted;
    int rc = issue_locate(x, id, &wisp, err);
    if (rc == BD_NOT_FOUND)
        return err_set(err, BD_NOT_FOUND, "issue not found: %s", id);
    const struct issue_family *f = &issue_families[wisp];
    if (rc == BD_OK)
        rc = dependency_rows_delete(x, DEPENDENCY_BY_SOURCE, id, DEPENDENCY_BOTH, &deleted, err);
    if (rc == BD_OK)
        rc = dependency_rows_delete(x, DEPENDENCY_BY_TARGET, id, DEPENDENCY_BOTH, &deleted, err);
    const struct {
        const char *table, *column;
    } rows[] = {{f->labels, "issue_id"},
                {f->comments, "issue_id"},
                {f->events, "issue_id"},
                {f->child_counters, "parent_id"},
                {f->issues, "id"}};
    for (size_t i = 0; rc == BD_OK && i < sizeof rows / sizeof *rows; i++)
        rc = delete_where(x, rows[i].table, rows[i].column, id, a, err);
    return rc;
}

int issue_delete_rows_in(struct tables_txn *x, const char *const *ids, size_t count, struct err *err) {
    struct arena a = ARENA_INIT, row = ARENA_INIT;
    const char **affected;
    size_t affected_count;
    int rc = blocked_dependents(x, ids, count, &a, &affected, &affected_count, err);
    for (size_t i = 0; rc == BD_OK && i < count; i++) {
        rc = delete_one(x, ids[i], &row, err);
        arena_reset(&row);
    }
    if (rc == BD_OK)
        rc = blocked_recompute(x, affected, affected_count, err);
    arena_release(&row);
    arena_release(&a);
    return rc;
}

int issue_delete_in(struct ops *o, struct tables_txn *x, const struct issue_deletion *d,
                    uint64_t *marked, struct err *err) {
    struct arena a = ARENA_INIT;
    *marked = 0;
    int rc = mark_neighbours(o, x, d, &a, marked, err);
    arena_release(&a);
    return rc == BD_OK ? issue_delete_rows_in(x, d->ids, d->count, err) : rc;
}
