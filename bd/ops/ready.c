/*
 * Ready work as one predicate per table family. The stored column is_blocked decides; databases of before
 * that column get the set of blocked ids computed.
 */
#include "bd/ops/ready.h"

#include "base/datetime.h"
#include "bd/ops/blocked_list.h"
#include "bd/ops/hydrate.h"

#include <string.h>

/* Types that are no work of their own. */
static const char *const internal_types[] = {"merge-request", "gate", "molecule", "message",
                                             "agent",         "role", "rig"};

static bool set(const char *s) { return s && *s; }

void ready_filter_init(struct ready_filter *f) {
    memset(f, 0, sizeof *f);
    f->status = "open";
    f->priority = ISSUE_NO_INT;
    f->order = ORDER_PRIORITY;
}

bool ready_order_parse(const char *text, enum search_order *out) {
    static const struct {
        const char *name;
        enum search_order order;
    } names[] = {{"", ORDER_HYBRID}, {"hybrid", ORDER_HYBRID}, {"priority", ORDER_PRIORITY}, {"oldest", ORDER_OLDEST}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(text, names[i].name) == 0) {
            *out = names[i].order;
            return true;
        }
    }
    return false;
}

/* The conditions that a list of issues can have too. */
static void common_filter(const struct ready_filter *f, struct arena *a, struct issue_filter *out) {
    issue_filter_init(out);
    filter_texts_add(&out->statuses, a, set(f->status) ? f->status : "open");
    if (!set(f->status))
        filter_texts_add(&out->statuses, a, "in_progress");
    if (set(f->issue_type)) {
        out->issue_type = f->issue_type;
    } else {
        for (size_t i = 0; i < sizeof internal_types / sizeof *internal_types; i++)
            filter_texts_add(&out->exclude_types, a, internal_types[i]);
        for (size_t i = 0; i < f->exclude_types.count; i++)
            filter_texts_add(&out->exclude_types, a, f->exclude_types.items[i]);
    }
    out->pinned = FILTER_NO;
    out->ephemeral = f->include_ephemeral ? FILTER_ANY : FILTER_NO;
    out->priority = f->priority;
    out->no_assignee = f->unassigned;
    out->assignee = f->unassigned || !set(f->assignee) ? NULL : f->assignee;
    out->labels = f->labels;
    out->exclude_labels = f->exclude_labels;
    out->parent = f->molecule;
    out->has_metadata_key = f->has_metadata_key;
    out->metadata = f->metadata;
    out->metadata_count = f->metadata_count;
}

static int add_id(void *ctx, const struct cell *row) {
    id_set_add_cell(ctx, &row[0]);
    return BD_OK;
}

/* Children of issues and wisps that are deferred into the future. */
static int children_of_deferred(struct tables_txn *x, int64_t now, struct arena *a, struct id_set *out,
                                struct err *err) {
    static const char *const tables[] = {"issues", "wisps"}, *const column[] = {"id"};
    struct id_set deferred = ID_SET_INIT;
    int rc = BD_OK;
    for (int t = 0; t < 2 && rc == BD_OK; t++) {
        struct tables_query q = {
            .table = tables[t],
            .columns = column,
            .column_count = 1,
            .where = pred_cmp(a, PRED_GT, "defer_until", cell_datetime(now)),
        };
        if (tables_has_table(x, tables[t]))
            rc = tables_scan(x, &q, NULL, add_id, &deferred, err);
    }
    if (rc == BD_OK && id_set_count(&deferred))
        rc = edges_children(x, &deferred, DEPENDENCY_BOTH, a, out, err);
    id_set_release(&deferred);
    return rc;
}

static int not_blocked(struct tables_txn *x, const struct issue_family *family, struct arena *a,
                       const struct pred **out, struct err *err) {
    if (tables_has_column(x, family->issues, "is_blocked")) {
        *out = pred_cmp(a, PRED_EQ, "is_blocked", cell_int(0));
        return BD_OK;
    }
    struct id_set blocked = ID_SET_INIT;
    int rc = blocked_ids(x, a, &blocked, err);
    *out = id_set_pred(a, "id", &blocked, true);
    id_set_release(&blocked);
    return rc;
}

/* Descendants by parent-child rows, or by dotted id where the row has no parent of its own. */
static int below(struct tables_txn *x, const struct issue_family *family, const char *parent, struct arena *a,
                 const struct pred **out, struct err *err) {
    struct id_set ids = ID_SET_INIT;
    const struct pred *children = NULL;
    int rc = edges_descendants(x, parent, a, &ids, err);
    if (rc == BD_OK)
        rc = filter_children_of(x, family, parent, a, &children, err);
    *out = pred_or(a, id_set_pred(a, "id", &ids, false), children);
    id_set_release(&ids);
    return rc;
}

/* The whole predicate of one family. */
static int ready_pred(struct tables_txn *x, const struct ready_filter *f, const struct issue_family *family,
                      const struct id_set *deferred, int64_t now, struct arena *a, const struct pred **out,
                      bool *nothing, struct err *err) {
    struct issue_filter common;
    const struct pred *free = NULL, *under = NULL, *rest = NULL;
    common_filter(f, a, &common);
    int rc = not_blocked(x, family, a, &free, err);
    if (rc == BD_OK && set(f->parent))
        rc = below(x, family, f->parent, a, &under, err);
    if (rc != BD_OK)
        return rc;
    common.more = pred_and(a, free, under);
    if (!f->include_deferred) {
        const struct pred *due = pred_or(a, pred_null(a, "defer_until", true),
                                         pred_cmp(a, PRED_LE, "defer_until", cell_datetime(now)));
        common.more = pred_and(a, common.more, due);
        common.more = pred_and(a, common.more, id_set_pred(a, "id", deferred, true));
    }
    rc = issue_filter_pred(&common, x, family, a, &rest, nothing, err);
    *out = rest;
    return rc;
}

/* Runs fn on each family's predicate. */
struct ready_run {
    struct tables_txn *x;
    struct arena *a;
    struct err *err;
    const struct ready_filter *f;
    struct issue_list *out;
    uint64_t count;
};

static int collect(struct ready_run *r, const struct issue_family *family, const struct pred *where) {
    return search_table(r->x, family, where, r->f->order, r->f->limit, r->a, r->out, r->err);
}

static int tally(struct ready_run *r, const struct issue_family *family, const struct pred *where) {
    uint64_t n = 0;
    int rc = tables_count_all(r->x, family->issues, where, &n, r->err);
    r->count += n;
    return rc;
}

static int each_family(struct ready_run *r,
                       int (*fn)(struct ready_run *, const struct issue_family *, const struct pred *)) {
    struct id_set deferred = ID_SET_INIT;
    int64_t now = datetime_now();
    now -= now % MICROS_PER_SECOND;
    int rc = r->f->include_deferred ? BD_OK : children_of_deferred(r->x, now, r->a, &deferred, r->err);
    for (int t = 0; t < 2 && rc == BD_OK; t++) {
        const struct pred *where = NULL;
        bool nothing = false;
        if (!tables_has_table(r->x, issue_families[t].issues))
            continue;
        rc = ready_pred(r->x, r->f, &issue_families[t], &deferred, now, r->a, &where, &nothing, r->err);
        if (rc == BD_OK && !nothing)
            rc = fn(r, &issue_families[t], where);
    }
    id_set_release(&deferred);
    return rc;
}

int ready_list(struct tables_txn *x, const struct ready_filter *f, struct arena *a, struct issue_list *out,
               struct err *err) {
    struct ready_run r = {x, a, err, f, out, 0};
    int rc = each_family(&r, collect);
    if (rc == BD_OK)
        rc = search_check_twins(out, err);
    if (rc != BD_OK)
        return rc;
    search_order_list(out, f->order);
    if (f->limit && out->count > f->limit)
        out->count = (size_t)f->limit;
    return issues_hydrate(x, out->items, out->count, HYDRATE_LABELS, a, err);
}

int ready_count(struct tables_txn *x, const struct ready_filter *f, struct arena *a, uint64_t *count,
                struct err *err) {
    struct ready_run r = {x, a, err, f, NULL, 0};
    int rc = each_family(&r, tally);
    *count = r.count;
    return rc;
}
