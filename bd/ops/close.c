/*
 * Questions that closing asks. All of them read the transaction they are given, so that several issues
 * closed in one transaction see each other.
 */
#include "bd/ops/close.h"

#include "bd/ops/dependency_rows.h"
#include "bd/ops/validate.h"

#include <stdlib.h>
#include <string.h>

static int status_of(struct tables_txn *x, const char *id, struct arena *a, const char **status,
                     struct err *err) {
    static const char *const columns[] = {"status"};
    struct cell cell;
    *status = NULL;
    for (int wisp = 0; wisp < 2; wisp++) {
        int rc = issue_get_columns(x, id, wisp, columns, 1, a, &cell, err);
        if (rc == BD_OK)
            *status = cell_format(&cell, a);
        if (rc != BD_NOT_FOUND)
            return rc;
    }
    return BD_OK;
}

int close_open_children(struct tables_txn *x, const char *id, uint64_t *count, struct err *err) {
    struct arena a = ARENA_INIT;
    struct dependency_list rows;
    *count = 0;
    int rc = dependency_load(x, DEPENDENCY_BY_TARGET, &id, 1, DEPENDENCY_BOTH, &a, &rows, err);
    for (size_t i = 0; rc == BD_OK && i < rows.count; i++) {
        const char *status;
        if (strcmp(rows.items[i].type, "parent-child") != 0)
            continue;
        rc = status_of(x, rows.items[i].issue_id, &a, &status, err);
        *count += status && strcmp(status, "closed") != 0;
    }
    arena_release(&a);
    return rc;
}

int close_blockers(struct tables_txn *x, const struct issue *i, struct arena *a, const char ***blockers,
                   size_t *count, struct err *err) {
    struct dependency_list rows;
    *blockers = NULL;
    *count = 0;
    bool cached = tables_has_column(x, issue_families[i->is_wisp].issues, "is_blocked");
    if (cached && !i->is_blocked)
        return BD_OK;
    int rc = dependency_load(x, DEPENDENCY_BY_SOURCE, &i->id, 1, DEPENDENCY_BOTH, a, &rows, err);
    *blockers = arena_alloc(a, (rows.count + 1) * sizeof **blockers);
    for (size_t k = 0; rc == BD_OK && k < rows.count; k++) {
        const struct dependency *d = &rows.items[k];
        bool waits = strcmp(d->type, "waits-for") == 0;
        const char *status;
        if (!dependency_type_blocks(d->type) && !(waits && cached))
            continue;
        rc = status_of(x, d->depends_on_id, a, &status, err);
        if (rc != BD_OK || !status || !status_is_active(status))
            continue;
        (*blockers)[(*count)++] = strcmp(d->type, "blocks") == 0
                                      ? d->depends_on_id
                                      : arena_printf(a, "%s (%s)", d->depends_on_id, d->type);
    }
    return rc;
}

static bool still_blocked(struct tables_txn *x, const char *id, const char *but, struct arena *a,
                          int *rc, struct err *err) {
    struct dependency_list rows;
    *rc = dependency_load(x, DEPENDENCY_BY_SOURCE, &id, 1, DEPENDENCY_BOTH, a, &rows, err);
    for (size_t k = 0; *rc == BD_OK && k < rows.count; k++) {
        const char *status;
        if (strcmp(rows.items[k].type, "blocks") != 0 || strcmp(rows.items[k].depends_on_id, but) == 0)
            continue;
        *rc = status_of(x, rows.items[k].depends_on_id, a, &status, err);
        if (status && status_is_active(status))
            return true;
    }
    return false;
}

static int by_text(const void *x, const void *y) {
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

int close_unblocked(struct tables_txn *x, const char *id, struct arena *a, struct issue_list *out,
                    struct err *err) {
    struct dependency_list rows;
    *out = (struct issue_list){NULL, 0, 0};
    int rc = dependency_load(x, DEPENDENCY_BY_TARGET, &id, 1, DEPENDENCY_BOTH, a, &rows, err);
    const char **ids = arena_alloc(a, (rows.count + 1) * sizeof *ids);
    size_t n = 0;
    for (size_t k = 0; rc == BD_OK && k < rows.count; k++)
        if (strcmp(rows.items[k].type, "blocks") == 0)
            ids[n++] = rows.items[k].issue_id;
    if (n)
        qsort(ids, n, sizeof *ids, by_text);
    for (size_t k = 0; rc == BD_OK && k < n; k++) {
        struct issue i;
        if (k && strcmp(ids[k], ids[k - 1]) == 0)
            continue;
        rc = issue_load(x, ids[k], a, &i, err);
        if (rc == BD_NOT_FOUND) {
            err_clear(err);
            rc = BD_OK;
            continue;
        }
        if (rc == BD_OK && status_is_active(i.status) && !still_blocked(x, ids[k], id, a, &rc, err) &&
            rc == BD_OK)
            *issue_list_add(out, a) = i;
    }
    return rc;
}

/* ---- gates ---- */

static const char *duration(int64_t seconds, struct arena *a) {
    if (seconds >= 3600)
        return arena_printf(a, "%lldh%lldm%llds", (long long)(seconds / 3600),
                            (long long)(seconds / 60 % 60), (long long)(seconds % 60));
    if (seconds >= 60)
        return arena_printf(a, "%lldm%llds", (long long)(seconds / 60), (long long)(seconds % 60));
    return arena_printf(a, "%llds", (long long)seconds);
}

const char *close_gate_refusal(const struct issue *i, struct arena *a, const char **warning) {
    *warning = NULL;
    if (strcmp(i->issue_type, "gate") != 0)
        return NULL;
    if (strcmp(i->await_type, "bead") == 0)
        return arena_printf(
            a,
            "gate condition not satisfied: cross-rig bead gate \"%s\" cannot be checked (multi-rig "
            "routing removed) (use --force to override)",
            i->await_id);
    if (strcmp(i->await_type, "timer") == 0) {
        if (i->timeout_ns == 0) {
            *warning = "no timeout set";
            return NULL;
        }
        int64_t remaining = i->created_at + i->timeout_ns / 1000 - datetime_now();
        if (remaining < 0)
            return NULL;
        return arena_printf(a, "gate condition not satisfied: expires in %s (use --force to override)",
                            duration((remaining + MICROS_PER_SECOND / 2) / MICROS_PER_SECOND, a));
    }
    if (strncmp(i->await_type, "gh:run", 6) == 0 || strncmp(i->await_type, "gh:pr", 5) == 0)
        *warning = "GitHub gates are evaluated by 'bd gate check'";
    return NULL;
}
