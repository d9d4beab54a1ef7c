/*
 * Ready work as one predicate per table family. The stored column is_blocked decides; databases of
 * before that column get the set of blocked ids computed.
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
    } names[] = {{"", ORDER_HYBRID},
                 {"hybrid", ORDER_HYBRID},
                 {"priority", ORDER_PRIORITY},
                 {"oldest", ORDER_OLDEST}};
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
    text_list_add(&out->statuses, a, set(f->status) ? f->status : "open");
    if (!set(f->status))
        text_list_add(&out->statuses, a, "in_progress");
    if (set(f->issue_type)) {
        out->issue_type = f->issue_type;
    } else {
        for (size_t i = 0; i < sizeof internal_types / sizeof *internal_types; i++)
            text_list_add(&out->exclude_types, a, internal_types[i]);
        for (size_t i = 0; i < f->exclude_types.count; i++)
            text_list_add(&out->exclude_types, a, f->exclude_types.items[i]);
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

/* Is any issue the child of another one? */
static int has_children(struct tables_txn *x, struct arena *a, bool *any, struct err *err) {
    const struct pred *child = pred_cmp(a, PRED_EQ, "type", cell_text("parent-child"));
    int rc = BD_OK;
    *any = false;
    for (int t = 0; t < 2 && rc == BD_OK && !*any; t++)
        if (tables_has_table(x, issue_families[t].dependencies))
            rc = tables_any(x, issue_families[t].dependencies, "type", child, any, err);
    return rc;
}

/* Which of these issues have a parent that is deferred into the future? */
static int children_of_deferred(struct tables_txn *x, const struct issue_list *l, int64_t now,
                                struct arena *a, struct id_set *out, struct err *err) {
    static const char *const column[] = {"id"};
    struct id_set parents = ID_SET_INIT, deferred = ID_SET_INIT;
    struct dependency_list rows;
    const char **ids = arena_alloc(a, (l->count + 1) * sizeof *ids);
    bool any;
    int rc = has_children(x, a, &any, err);
    if (rc != BD_OK || !any)
        return rc;
    for (size_t i = 0; i < l->count; i++)
        ids[i] = l->items[i].id;
    rc = dependency_load(x, DEPENDENCY_BY_SOURCE, ids, l->count, DEPENDENCY_BOTH, a, &rows, err);
    for (size_t i = 0; i < rows.count && rc == BD_OK; i++)
        if (strcmp(rows.items[i].type, "parent-child") == 0)
            id_set_add(&parents, rows.items[i].depends_on_id);
    for (int t = 0; t < 2 && rc == BD_OK && id_set_count(&parents); t++) {
        struct tables_query q = {
            .table = issue_families[t].issues,
            .columns = column,
            .column_count = 1,
            .where = pred_and(a, id_set_pred(a, "id", &parents, false),
                              pred_cmp(a, PRED_GT, "defer_until", cell_datetime(now))),
        };
        if (tables_has_table(x, q.table))
            rc = tables_scan(x, &q, NULL, add_id, &deferred, err);
    }
    for (size_t i = 0; i < rows.count && rc == BD_OK; i++)
        if (strcmp(rows.items[i].type, "parent-child") == 0 &&
            id_set_has(&deferred, rows.items[i].depends_on_id))
            id_set_add(out, rows.items[i].issue_id);
    id_set_release(&parents);
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
static int below(struct tables_txn *x, const struct issue_family *family, const char *parent,
                 struct arena *a, const struct pred **out, struct err *err) {
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
static int ready_pred(struct tables_txn *x, const struct ready_filter *f,
                      const struct issue_family *family, const struct id_set *excluded, int64_t now,
                      struct arena *a, const struct pred **out, bool *nothing, struct err *err) {
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
        common.more = pred_and(a, common.more, id_set_pred(a, "id", excluded, true));
    }
    rc = issue_filter_pred(&common, x, family, a, &rest, nothing, err);
    *out = rest;
    return rc;
}

/* The state of one question. */
struct ready_run {
    struct tables_txn *x;
    struct arena *a;
    struct err *err;
    const struct ready_filter *f;
    struct id_set excluded; /* children of deferred parents found so far */
    int64_t now;
    uint64_t limit;
};

/* Ready issues of both families but for the excluded ones, each family in order and at most `limit`. */
static int collect(struct ready_run *r, struct issue_list *out) {
    int rc = BD_OK;
    out->count = 0;
    for (int t = 0; t < 2 && rc == BD_OK; t++) {
        const struct issue_family *family = &issue_families[t];
        const struct pred *where = NULL;
        bool nothing = false;
        if (!tables_has_table(r->x, family->issues))
            continue;
        rc = ready_pred(r->x, r->f, family, &r->excluded, r->now, r->a, &where, &nothing, r->err);
        if (rc == BD_OK && !nothing)
            rc = search_table(r->x, family, where, r->f->order, NULL, r->limit, r->a, out, r->err);
    }
    return rc;
}

static void drop_excluded(const struct ready_run *r, struct issue_list *l) {
    size_t kept = 0;
    for (size_t i = 0; i < l->count; i++)
        if (!id_set_has(&r->excluded, l->items[i].id))
            l->items[kept++] = l->items[i];
    l->count = kept;
}

/*
 * Few issues have deferred parents, so they are looked for among the answer only; when some are found
 * and the answer was cut by the limit, it is asked for again without them.
 */
static int collect_ready(struct ready_run *r, struct issue_list *out) {
    for (;;) {
        size_t known = id_set_count(&r->excluded);
        int rc = collect(r, out);
        if (rc == BD_OK && !r->f->include_deferred)
            rc = children_of_deferred(r->x, out, r->now, r->a, &r->excluded, r->err);
        if (rc != BD_OK)
            return rc;
        bool more = id_set_count(&r->excluded) > known;
        if (more && r->limit && out->count >= r->limit)
            continue;
        drop_excluded(r, out);
        return BD_OK;
    }
}

static struct ready_run run_of(struct tables_txn *x, const struct ready_filter *f, uint64_t limit,
                               struct arena *a, struct err *err) {
    int64_t now = datetime_now();
    return (struct ready_run){x, a, err, f, ID_SET_INIT, now - now % MICROS_PER_SECOND, limit};
}

int ready_list(struct tables_txn *x, const struct ready_filter *f, struct arena *a,
               struct issue_list *out, struct err *err) {
    struct ready_run r = run_of(x, f, f->limit, a, err);
    int rc = collect_ready(&r, out);
    id_set_release(&r.excluded);
    if (rc == BD_OK)
        rc = search_check_twins(out, err);
    if (rc != BD_OK)
        return rc;
    search_order_list(out, f->order);
    if (f->limit && out->count > f->limit)
        out->count = (size_t)f->limit;
    return issues_hydrate(x, out->items, out->count, HYDRATE_LABELS, a, err);
}

struct key_rows {
    struct issue_list list;
    struct arena *a;
};

static int on_key(void *ctx, const struct cell *row) {
    struct key_rows *k = ctx;
    issue_list_add(&k->list, k->a)->id = cell_format(&row[0], k->a);
    return BD_OK;
}

int ready_count(struct tables_txn *x, const struct ready_filter *f, uint64_t most, struct arena *a,
                uint64_t *count, struct err *err) {
    static const char *const column[] = {"id"};
    struct ready_run r = run_of(x, f, 0, a, err);
    struct key_rows keys = {{NULL, 0, 0}, a};
    int rc = BD_OK;
    for (int t = 0; t < 2 && rc == BD_OK && !(most && keys.list.count > most); t++) {
        struct tables_query q = {
            .table = issue_families[t].issues, .columns = column, .column_count = 1};
        bool nothing = false;
        if (!tables_has_table(x, q.table))
            continue;
        rc = ready_pred(x, f, &issue_families[t], &r.excluded, r.now, a, &q.where, &nothing, err);
        q.limit = most ? most + 1 : 0;
        if (rc == BD_OK && !nothing)
            rc = tables_scan(x, &q, NULL, on_key, &keys, err);
    }
    if (rc == BD_OK && !f->include_deferred && !(most && keys.list.count > most))
        rc = children_of_deferred(x, &keys.list, r.now, a, &r.excluded, err);
    *count = keys.list.count - id_set_count(&r.excluded);
    id_set_release(&r.excluded);
    return rc;
}
