/*
 * Numbers over issues. The overview is one pass that groups by status, pinned and is_blocked.
 */
#include "bd/ops/stats.h"

#include "base/datetime.h"
#include "bd/ops/blocked_list.h"
#include "bd/ops/hydrate.h"
#include "bd/ops/ready.h"
#include "bd/ops/validate.h"

#include <stdlib.h>
#include <string.h>

static bool cell_is(const struct cell *c, const char *text) {
    return cell_has_text(c) && c->s.size == strlen(text) && memcmp(c->s.data, text, c->s.size) == 0;
}

static int64_t number(const struct cell *c) {
    return c->kind == CELL_INT ? c->i : c->kind == CELL_UINT ? (int64_t)c->u : 0;
}

static void add_status(struct statistics *s, const struct cell *status, int64_t n) {
    s->total += n;
    s->open += cell_is(status, "open") ? n : 0;
    s->in_progress += cell_is(status, "in_progress") ? n : 0;
    s->closed += cell_is(status, "closed") ? n : 0;
    s->deferred += cell_is(status, "deferred") ? n : 0;
}

static int on_group(void *ctx, const struct cell *row) {
    struct statistics *s = ctx;
    int64_t n = number(&row[3]);
    add_status(s, &row[0], n);
    s->pinned += number(&row[1]) == 1 ? n : 0;
    s->blocked +=
        number(&row[2]) == 1 && !cell_is(&row[0], "closed") && !cell_is(&row[0], "pinned") ? n : 0;
    return BD_OK;
}

/* Databases of before is_blocked: the blocked issues are computed. */
static int on_group_old(void *ctx, const struct cell *row) {
    struct statistics *s = ctx;
    int64_t n = number(&row[2]);
    add_status(s, &row[0], n);
    s->pinned += number(&row[1]) == 1 ? n : 0;
    return BD_OK;
}

static int count_blocked_issues(struct tables_txn *x, struct arena *a, int64_t *count,
                                struct err *err) {
    struct id_set ids = ID_SET_INIT;
    uint64_t n = 0;
    int rc = blocked_ids(x, a, &ids, err);
    if (rc == BD_OK && id_set_count(&ids))
        rc = tables_count_all(x, "issues", id_set_pred(a, "id", &ids, false), &n, err);
    *count = (int64_t)n;
    id_set_release(&ids);
    return rc;
}

int stats_overview(struct tables_txn *x, struct statistics *out, struct err *err) {
    static const char *const columns[] = {"status", "pinned", "is_blocked"};
    struct arena a = ARENA_INIT;
    bool stored = tables_has_column(x, "issues", "is_blocked");
    *out = (struct statistics){0};
    if (!tables_has_table(x, "issues"))
        return BD_OK;
    int rc = tables_count(x, "issues", NULL, columns, stored ? 3 : 2, &a,
                          stored ? on_group : on_group_old, out, err);
    if (rc == BD_OK && !stored)
        rc = count_blocked_issues(x, &a, &out->blocked, err);
    out->ready = out->open > out->blocked ? out->open - out->blocked : 0;
    arena_release(&a);
    return rc;
}

static int on_status_count(void *ctx, const struct cell *row) {
    struct statistics *s = ctx;
    int64_t n = number(&row[1]);
    add_status(s, &row[0], n);
    s->blocked += cell_is(&row[0], "blocked") ? n : 0;
    return BD_OK;
}

int stats_assigned(struct tables_txn *x, const char *assignee, struct statistics *out,
                   struct err *err) {
    static const char *const status[] = {"status"};
    struct arena a = ARENA_INIT;
    struct ready_filter ready;
    uint64_t n = 0;
    int rc = BD_OK;
    *out = (struct statistics){0};
    for (int wisps = 0; wisps < 2 && rc == BD_OK; wisps++)
        if (tables_has_table(x, issue_families[wisps].issues))
            rc = tables_count(x, issue_families[wisps].issues, filter_text_is(&a, "assignee", assignee),
                              status, 1, &a, on_status_count, out, err);
    ready_filter_init(&ready);
    ready.status = NULL;
    ready.assignee = assignee;
    if (rc == BD_OK)
        rc = ready_count(x, &ready, 0, &a, &n, err);
    out->ready = (int64_t)n;
    arena_release(&a);
    return rc;
}

int stats_count(struct tables_txn *x, const struct issue_filter *f, struct arena *a, uint64_t *count,
                struct err *err) {
    const struct pred *where = NULL;
    bool nothing = false;
    *count = 0;
    if (!tables_has_table(x, "issues"))
        return BD_OK;
    int rc = issue_filter_pred(f, x, &issue_families[0], a, &where, &nothing, err);
    return rc != BD_OK || nothing ? rc : tables_count_all(x, "issues", where, count, err);
}

/* Counts per group name, in a map so that names that become equal are added up. */
struct tally {
    struct arena *a;
    enum stats_group by;
    struct strmap counts; /* group → int64_t */
    struct id_set ids;    /* by label: the issues that match, and those seen with a label */
    struct id_set labelled;
};

static void add(struct tally *t, const char *group, int64_t n) {
    int64_t *count = strmap_get(&t->counts, group);
    if (!count) {
        count = arena_zalloc(t->a, sizeof *count);
        strmap_put(&t->counts, group, count);
    }
    *count += n;
}

static int on_column_group(void *ctx, const struct cell *row) {
    struct tally *t = ctx;
    const char *name = cell_is_null(&row[0]) ? "" : cell_format(&row[0], t->a);
    if (t->by == GROUP_PRIORITY)
        name = arena_printf(t->a, "P%s", name);
    if (t->by == GROUP_ASSIGNEE && !*name)
        name = "(unassigned)";
    add(t, name, number(&row[1]));
    return BD_OK;
}

static int on_matching_id(void *ctx, const struct cell *row) {
    id_set_add_cell(&((struct tally *)ctx)->ids, &row[0]);
    return BD_OK;
}

static int on_label(void *ctx, const struct cell *row) {
    struct tally *t = ctx;
    if (!strmap_get_n(&t->ids.map, row[0].s.data, row[0].s.size))
        return BD_OK;
    id_set_add_cell(&t->labelled, &row[0]);
    add(t, cell_format(&row[1], t->a), 1);
    return BD_OK;
}

static int count_labels(struct tables_txn *x, const struct pred *where, struct tally *t,
                        struct err *err) {
    static const char *const id[] = {"id"}, *const label[] = {"issue_id", "label"};
    struct tables_query issues = {.table = "issues", .columns = id, .column_count = 1, .where = where};
    struct tables_query labels = {.table = "labels", .columns = label, .column_count = 2};
    int rc = tables_scan(x, &issues, NULL, on_matching_id, t, err);
    if (rc == BD_OK)
        rc = tables_scan(x, &labels, NULL, on_label, t, err);
    size_t bare = id_set_count(&t->ids) - id_set_count(&t->labelled);
    if (bare)
        add(t, "(no labels)", (int64_t)bare);
    return rc;
}

static int compare_groups(const void *a, const void *b) {
    return strcmp(((const struct group_count *)a)->group, ((const struct group_count *)b)->group);
}

int stats_count_by(struct tables_txn *x, const struct issue_filter *f, enum stats_group by,
                   struct arena *a, struct group_count **groups, size_t *count, struct err *err) {
    static const char *const columns[] = {"status", "priority", "issue_type", "assignee"};
    struct tally t = {a, by, STRMAP_INIT, ID_SET_INIT, ID_SET_INIT};
    const struct pred *where = NULL;
    bool nothing = false;
    int rc = issue_filter_pred(f, x, &issue_families[0], a, &where, &nothing, err);
    if (rc == BD_OK && !nothing && tables_has_table(x, "issues"))
        rc = by == GROUP_LABEL
                 ? count_labels(x, where, &t, err)
                 : tables_count(x, "issues", where, &columns[by], 1, a, on_column_group, &t, err);
    *groups = arena_alloc(a, (t.counts.live + 1) * sizeof **groups);
    *count = 0;
    for (struct strmap_entry *e = NULL; (e = strmap_next(&t.counts, e));)
        (*groups)[(*count)++] = (struct group_count){arena_strdup(a, e->key), *(int64_t *)e->value};
    if (*count > 1)
        qsort(*groups, *count, sizeof **groups, compare_groups);
    strmap_release(&t.counts);
    id_set_release(&t.ids);
    id_set_release(&t.labelled);
    return rc;
}

struct stale_ids {
    struct arena *a;
    struct text_list ids;
};

static int on_stale(void *ctx, const struct cell *row) {
    struct stale_ids *s = ctx;
    text_list_add(&s->ids, s->a, cell_format(&row[0], s->a));
    return BD_OK;
}

int stats_stale(struct tables_txn *x, int64_t days, const char *status, uint64_t limit, struct arena *a,
                struct issue_list *out, struct err *err) {
    static const char *const column[] = {"id"};
    static const struct tables_order order[] = {{"updated_at", false}, {"id", false}};
    struct text_list statuses = {NULL, 0};
    struct stale_ids stale = {a, {NULL, 0}};
    int64_t cutoff = datetime_now() - days * 86400 * MICROS_PER_SECOND;
    text_list_add(&statuses, a, status && *status ? status : "open");
    if (!status || !*status)
        text_list_add(&statuses, a, "in_progress");
    const struct pred *where = pred_and(a, filter_text_in(a, "status", &statuses, false),
                                        pred_cmp(a, PRED_LT, "updated_at", cell_datetime(cutoff)));
    struct tables_query q = {
        .table = "issues",
        .columns = column,
        .column_count = 1,
        .where = pred_and(a, where, filter_bool(a, "ephemeral", false)),
        .order = order,
        .order_count = 2,
        .limit = limit,
    };
    int rc = tables_scan(x, &q, NULL, on_stale, &stale, err);
    if (rc == BD_OK)
        rc = issue_load_many(x, stale.ids.items, stale.ids.count, a, out, err);
    return rc == BD_OK ? issues_hydrate(x, out->items, out->count, HYDRATE_LABELS, a, err) : rc;
}
