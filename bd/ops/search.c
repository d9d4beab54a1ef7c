/*
 * Searching. With a limit the wanted ids are found first on three narrow columns and only their rows
 * are then loaded; without one the rows are loaded in one scan and sorted here.
 */
#include "bd/ops/search.h"

#include "base/datetime.h"
#include "bd/ops/hydrate.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct load {
    struct arena *arena;
    struct issue_list *out;
    bool wisps;
};

static int on_issue(void *ctx, const struct cell *row) {
    struct load *l = ctx;
    struct issue *i = issue_list_add(l->out, l->arena);
    issue_from_row(i, row, l->arena);
    i->is_wisp = l->wisps;
    return BD_OK;
}

static int on_key(void *ctx, const struct cell *row) {
    struct load *l = ctx;
    struct issue *i = issue_list_add(l->out, l->arena);
    i->id = cell_format(&row[0], l->arena);
    i->priority = row[1].i;
    i->created_at = row[2].i;
    return BD_OK;
}

static int by_time(const struct issue *a, const struct issue *b) {
    if (a->created_at != b->created_at)
        return a->created_at < b->created_at ? -1 : 1;
    return strcmp(a->id, b->id);
}

int search_compare(enum search_order order, int64_t recent_since, const struct issue *a,
                   const struct issue *b) {
    if (order == ORDER_OLDEST)
        return by_time(a, b);
    if (order == ORDER_HYBRID) {
        bool recent_a = a->created_at >= recent_since, recent_b = b->created_at >= recent_since;
        if (recent_a != recent_b)
            return recent_a ? -1 : 1;
        if (!recent_a || a->priority == b->priority)
            return by_time(a, b);
        return a->priority < b->priority ? -1 : 1;
    }
    if (a->priority != b->priority)
        return a->priority < b->priority ? -1 : 1;
    if (a->created_at != b->created_at)
        return a->created_at > b->created_at ? -1 : 1;
    return strcmp(a->id, b->id);
}

struct sort_rule {
    enum search_order order;
    int64_t recent_since;
};

struct placed {
    const struct issue *issue;
    size_t place;
};

static int compare_rule(const void *a, const void *b, void *ctx) {
    const struct sort_rule *r = ctx;
    return search_compare(r->order, r->recent_since, ((const struct placed *)a)->issue,
                          ((const struct placed *)b)->issue);
}

/* Puts items into the order of `places` by following the rings of the permutation: each is moved once.
 */
static void permute(struct issue *items, struct placed *places, size_t count) {
    for (size_t start = 0; start < count; start++) {
        if (places[start].place == start)
            continue;
        struct issue first = items[start];
        size_t at = start;
        while (places[at].place != start) {
            size_t from = places[at].place;
            items[at] = items[from];
            places[at].place = at;
            at = from;
        }
        items[at] = first;
        places[at].place = at;
    }
}

static void sort_items(struct issue *items, size_t count,
                       int (*compare)(const void *a, const void *b, void *ctx), void *ctx) {
    struct placed *places = mem_zalloc(count + 1, sizeof *places);
    for (size_t i = 0; i < count; i++)
        places[i] = (struct placed){&items[i], i};
    qsort_r(places, count, sizeof *places, compare, ctx);
    permute(items, places, count);
    free(places);
}

static void order_from(struct issue_list *l, size_t start, enum search_order order) {
    struct sort_rule r = {order, datetime_now() - INT64_C(48) * 3600 * MICROS_PER_SECOND};
    if (l->count > start + 1)
        sort_items(l->items + start, l->count - start, compare_rule, &r);
}

void search_order_list(struct issue_list *l, enum search_order order) { order_from(l, 0, order); }

#define MANY_ROWS 10000
/* What may stay in memory of what a search among many has read. */
#define READ_BYTES_MAX ((size_t)8 << 20)

/* The first `limit` rows in order by a scan of narrow columns, as cells. */
static int scan_first(struct tables_txn *x, const char *table, const struct pred *where,
                      enum search_order order, const struct tables_order *lead, uint64_t limit,
                      struct arena *a, struct cell **ids, size_t *count, struct err *err) {
    static const char *const columns[] = {"id", "priority", "created_at"};
    static const struct tables_order by_priority[] = {
        {"priority", false}, {"created_at", true}, {"id", false}};
    static const struct tables_order by_age[] = {{"created_at", false}, {"id", false}};
    struct issue_list keys = {NULL, 0, 0};
    struct load l = {a, &keys, false};
    struct tables_query q = {.table = table, .columns = columns, .column_count = 3, .where = where};
    if (order != ORDER_HYBRID) {
        q.order = order == ORDER_OLDEST ? by_age : by_priority;
        q.order_count = order == ORDER_OLDEST ? 2 : 3;
        q.limit = limit;
    }
    struct tables_order led[4];
    if (lead) { /* behind one of priority and created_at the same column says nothing more */
        size_t n = 0;
        led[n++] = *lead;
        for (size_t i = 0; i < 3; i++)
            if (strcmp(by_priority[i].column, lead->column) != 0)
                led[n++] = by_priority[i];
        q.order = led;
        q.order_count = n;
    }
    int rc = tables_scan(x, &q, NULL, on_key, &l, err);
    if (order == ORDER_HYBRID)
        search_order_list(&keys, order);
    *count = keys.count < limit ? keys.count : (size_t)limit;
    *ids = arena_alloc(a, (*count + 1) * sizeof **ids);
    for (size_t i = 0; i < *count; i++)
        (*ids)[i] = cell_text(keys.items[i].id);
    return rc;
}

/* Narrows *where to the first `limit` rows; BD_DONE when there are none. */
static int narrow(struct tables_txn *x, const char *table, const struct pred **where,
                  enum search_order order, const struct tables_order *lead, uint64_t limit,
                  struct arena *a, struct err *err) {
    struct cell *ids = NULL;
    size_t n = 0;
    int rc = scan_first(x, table, *where, order, lead, limit, a, &ids, &n, err);
    *where = n ? pred_in(a, "id", ids, n) : NULL;
    return rc == BD_OK && !n ? BD_DONE : rc;
}

/* Room for every row of the table, so that the list is not copied while it grows (memory that is not
 * used stays untouched). */
static int reserve(struct tables_txn *x, const char *table, struct arena *a, struct issue_list *l,
                   struct err *err) {
    uint64_t rows = 0;
    int rc = tables_count_all(x, table, NULL, &rows, err);
    if (rc != BD_OK || l->count + rows <= l->capacity)
        return rc;
    struct issue *grown = arena_alloc(a, (l->count + (size_t)rows) * sizeof *grown);
    if (l->count)
        memcpy(grown, l->items, l->count * sizeof *grown);
    l->items = grown;
    l->capacity = l->count + (size_t)rows;
    return BD_OK;
}

int search_table(struct tables_txn *x, const struct issue_family *family, const struct pred *where,
                 enum search_order order, const struct tables_order *lead, uint64_t limit,
                 struct arena *a, struct issue_list *out, struct err *err) {
    struct load l = {a, out, family == &issue_families[1]};
    size_t start = out->count;
    if (!tables_has_table(x, family->issues))
        return BD_OK;
    int rc = limit ? narrow(x, family->issues, &where, order, lead, limit, a, err)
                   : reserve(x, family->issues, a, out, err);
    if (rc != BD_OK)
        return rc == BD_DONE ? BD_OK : rc;
    struct tables_query q = {.table = family->issues,
                             .columns = issue_columns,
                             .column_count = issue_column_count,
                             .where = where};
    rc = tables_scan(x, &q, NULL, on_issue, &l, err);
    order_from(out, start, order);
    return rc;
}

int search_check_twins(const struct issue_list *l, struct err *err) {
    struct id_set seen = ID_SET_INIT;
    int rc = BD_OK;
    for (size_t i = 0; i < l->count && rc == BD_OK; i++) {
        if (id_set_has(&seen, l->items[i].id))
            rc = err_set(err, BD_INVALID, "id \"%s\" exists in both issues and wisps", l->items[i].id);
        id_set_add(&seen, l->items[i].id);
    }
    id_set_release(&seen);
    return rc;
}

static int search_family(struct tables_txn *x, const struct issue_filter *f,
                         const struct issue_family *family, struct arena *a, struct issue_list *out,
                         struct err *err) {
    const struct pred *where = NULL;
    bool nothing = false;
    if (!tables_has_table(x, family->issues))
        return BD_OK;
    int rc = issue_filter_pred(f, x, family, a, &where, &nothing, err);
    if (rc != BD_OK || nothing)
        return rc;
    return search_table(x, family, where, ORDER_PRIORITY, f->lead, f->limit, a, out, err);
}

/* Both families; `alone` says that ephemeral rows are looked for in the wisps only. */
static int search_both(struct tables_txn *x, const struct issue_filter *f, bool alone, struct arena *a,
                       struct issue_list *out, struct err *err) {
    int rc;
    if (f->ephemeral == FILTER_YES) {
        rc = search_family(x, f, &issue_families[1], a, out, err);
        if (rc != BD_OK || out->count || alone)
            return rc;
        return search_family(x, f, &issue_families[0], a, out, err);
    }
    rc = search_family(x, f, &issue_families[0], a, out, err);
    size_t permanent = out->count;
    if (rc == BD_OK && !f->skip_wisps)
        rc = search_family(x, f, &issue_families[1], a, out, err);
    return rc == BD_OK && out->count > permanent ? search_check_twins(out, err) : rc;
}

/* Searches of everything in large databases are not to keep what they read beside the copies that they
 * return. */
static int search(struct tables_txn *x, const struct issue_filter *f, bool alone, struct arena *a,
                  struct issue_list *out, struct err *err) {
    const char *table = issue_families[0].issues;
    uint64_t rows = 0;
    bool all = !f->limit && tables_has_table(x, table);
    int rc = all ? tables_count_all(x, table, NULL, &rows, err) : BD_OK;
    if (rc != BD_OK)
        return rc;
    if (rows >= MANY_ROWS)
        tables_read_in_portions(x);
    rc = search_both(x, f, alone, a, out, err);
    if (rows >= MANY_ROWS)
        tables_end_portion(x, READ_BYTES_MAX);
    return rc;
}

int search_issues(struct tables_txn *x, const struct issue_filter *f, struct arena *a,
                  struct issue_list *out, struct err *err) {
    int rc = search(x, f, false, a, out, err);
    if (rc == BD_OK && !f->skip_labels)
        rc = issues_hydrate(x, out->items, out->count, HYDRATE_LABELS, a, err);
    return rc;
}

int search_issues_with_counts(struct tables_txn *x, const struct issue_filter *f, struct arena *a,
                              struct issue_list *out, struct err *err) {
    int rc = search(x, f, true, a, out, err);
    if (rc != BD_OK)
        return rc;
    search_order_list(out, ORDER_PRIORITY);
    if (f->limit && !f->lead && out->count > f->limit)
        out->count = (size_t)f->limit;
    unsigned what = HYDRATE_DEPENDENCIES | HYDRATE_METADATA | HYDRATE_COUNTS;
    return issues_hydrate(x, out->items, out->count, f->skip_labels ? what : what | HYDRATE_LABELS, a,
                          err);
}

/* --- --sort --- */

const char search_sort_fields[] =
    "priority, created, updated, closed, status, id, title, type, assignee";

static int newest_first(int64_t a, int64_t b) { return a == b ? 0 : a > b ? -1 : 1; }
static int texts(const char *a, const char *b) { return strcmp(a ? a : "", b ? b : ""); }

static int cmp_priority(const struct issue *a, const struct issue *b) {
    return (a->priority > b->priority) - (a->priority < b->priority);
}
static int cmp_created(const struct issue *a, const struct issue *b) {
    return newest_first(a->created_at, b->created_at);
}
static int cmp_updated(const struct issue *a, const struct issue *b) {
    return newest_first(a->updated_at, b->updated_at);
}
/* ISSUE_NO_TIME is the smallest time, so issues never closed come last. */
static int cmp_closed(const struct issue *a, const struct issue *b) {
    return newest_first(a->closed_at, b->closed_at);
}
static int cmp_status(const struct issue *a, const struct issue *b) {
    return texts(a->status, b->status);
}
static int cmp_id(const struct issue *a, const struct issue *b) {
    return issue_id_compare(a->id, b->id);
}
static int cmp_title(const struct issue *a, const struct issue *b) {
    return strcasecmp(a->title, b->title);
}
static int cmp_type(const struct issue *a, const struct issue *b) {
    return texts(a->issue_type, b->issue_type);
}
static int cmp_assignee(const struct issue *a, const struct issue *b) {
    return texts(a->assignee, b->assignee);
}

static const struct {
    const char *field;
    int (*compare)(const struct issue *a, const struct issue *b);
    struct tables_order order; /* the same by a column; none where the database compares otherwise */
} sorts[] = {
    {"priority", cmp_priority, {"priority", false}},
    {"created", cmp_created, {"created_at", true}},
    {"updated", cmp_updated, {"updated_at", true}},
    {"closed", cmp_closed, {"closed_at", true}},
    {"status", cmp_status, {"status", false}},
    {"id", cmp_id, {NULL, false}},
    {"title", cmp_title, {NULL, false}},
    {"type", cmp_type, {"issue_type", false}},
    {"assignee", cmp_assignee, {NULL, false}},
};

bool search_sort_lead(const char *field, bool reverse, struct tables_order *out) {
    for (size_t i = 0; i < sizeof sorts / sizeof *sorts; i++)
        if (strcmp(sorts[i].field, field) == 0 && sorts[i].order.column) {
            *out = (struct tables_order){sorts[i].order.column, sorts[i].order.descending != reverse};
            return true;
        }
    return false;
}

struct field_sort {
    int (*compare)(const struct issue *a, const struct issue *b);
    int sign;
};

static int compare_placed(const void *a, const void *b, void *ctx) {
    const struct field_sort *s = ctx;
    const struct placed *x = a, *y = b;
    int c = s->sign * s->compare(x->issue, y->issue);
    return c ? c : (x->place > y->place) - (x->place < y->place);
}

bool search_sort(struct issue_list *l, const char *field, bool reverse) {
    struct field_sort s = {NULL, reverse ? -1 : 1};
    for (size_t i = 0; i < sizeof sorts / sizeof *sorts; i++)
        if (strcmp(sorts[i].field, field) == 0)
            s.compare = sorts[i].compare;
    if (s.compare)
        sort_items(l->items, l->count, compare_placed, &s);
    return s.compare != NULL;
}
