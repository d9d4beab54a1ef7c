/*
 * Priorities are taken one after the other. The index on priority names the members of one; the index on
 * created_at is read backwards in windows that double, and the members found there, newest first, are fetched
 * by key and tested until enough have passed. Every step reads narrow index entries; rows are fetched for
 * candidates only, and no more of them than a scan of the table would cost.
 */
#include "bd/ops/first_rows.h"

#include "base/datetime.h"
#include "base/strmap.h"

#include <stdlib.h>
#include <string.h>

enum {
    ROWS_MIN = 1500,    /* smaller tables are scanned in no time */
    FETCH_SHARE = 20,   /* of the rows at most one in so many is fetched before giving up */
    PRIORITY_LAST = 4,
    BATCH_MAX = 512,
};

struct entry {
    const char *id;
    int64_t created_at;
};
struct entries {
    struct entry *items;
    size_t count, capacity;
};

struct search {
    struct tables_txn *x;
    const char *table;
    const struct pred *where;
    struct arena *a;
    struct err *err;
    struct arena scratch;    /* of one priority */
    struct entries members;  /* ids of one priority, sorted */
    struct entries window;   /* of these, the ones of one window of time */
    struct entries accepted; /* of one batch */
    struct cell *ids;
    size_t count, limit;
    uint64_t fetched, budget;
    struct strmap only; /* ids that may match at all, when has_ids */
    bool has_ids;
};

static bool has_index(const struct schema *s, const char *column) {
    for (size_t i = 0; i < s->index_count; i++)
        if (s->indexes[i].key_column_count &&
            strcmp(s->columns[s->indexes[i].key_columns[0]].name, column) == 0)
            return true;
    return false;
}

/* Does the condition find few rows by an index of its own? Then the scan that follows is quick. */
static bool is_selective(struct search *s, const struct pred *p) {
    static const char *const columns[] = {"assignee", "issue_type", "external_ref", "spec_id"};
    uint64_t n = 0;
    if (p->op == PRED_AND) {
        for (size_t i = 0; i < p->kid_count; i++)
            if (p->kids[i] && is_selective(s, p->kids[i]))
                return true;
        return false;
    }
    if (p->op != PRED_IN && p->op != PRED_EQ && p->op != PRED_PREFIX)
        return false;
    if (strcmp(p->column, "id") == 0)
        return p->op != PRED_IN || p->cell_count < s->budget;
    for (size_t i = 0; i < sizeof columns / sizeof *columns && p->op == PRED_EQ; i++)
        if (strcmp(p->column, columns[i]) == 0)
            return tables_count_all(s->x, s->table, p, &n, NULL) == BD_OK && n < s->budget;
    return false;
}

/* Takes every `id IN (…)` out of the conditions: its ids are looked up as the members are read. */
static const struct pred *without_ids(struct search *s, const struct pred *p) {
    if (p && p->op == PRED_IN && strcmp(p->column, "id") == 0) {
        struct strmap both = STRMAP_INIT;
        for (size_t i = 0; i < p->cell_count; i++) {
            const struct cell *c = &p->cells[i];
            if (cell_has_text(c) && (!s->has_ids || strmap_get_n(&s->only, c->s.data, c->s.size)))
                strmap_put_n(&both, c->s.data, c->s.size, s);
        }
        strmap_release(&s->only);
        s->only = both;
        s->has_ids = true;
        return NULL;
    }
    if (!p || p->op != PRED_AND)
        return p;
    const struct pred *rest = NULL;
    for (size_t i = 0; i < p->kid_count; i++)
        rest = pred_and(s->a, rest, without_ids(s, p->kids[i]));
    return rest;
}

static int worth_it(struct search *s) {
    const struct schema *schema;
    uint64_t rows = 0, odd = 0;
    if (tables_txn_is_remote(s->x) ||
        tables_schema(s->x, s->table, &schema, NULL) != BD_OK || !has_index(schema, "priority") ||
        !has_index(schema, "created_at"))
        return BD_UNSUPPORTED;
    int rc = tables_count_all(s->x, s->table, NULL, &rows, s->err);
    if (rc != BD_OK || rows < ROWS_MIN)
        return rc == BD_OK ? BD_UNSUPPORTED : rc;
    s->budget = rows / FETCH_SHARE;
    if (s->where && is_selective(s, s->where))
        return BD_UNSUPPORTED;
    const struct pred *below = pred_cmp(s->a, PRED_LT, "priority", cell_int(0));
    const struct pred *above = pred_cmp(s->a, PRED_GT, "priority", cell_int(PRIORITY_LAST));
    rc = tables_count_all(s->x, s->table, below, &odd, s->err);
    if (rc == BD_OK && !odd)
        rc = tables_count_all(s->x, s->table, above, &odd, s->err);
    return rc == BD_OK && odd ? BD_UNSUPPORTED : rc;
}

static void add(struct entries *e, const char *id, int64_t created_at) {
    MEM_GROW(e->items, e->capacity, e->count + 1);
    e->items[e->count++] = (struct entry){id, created_at};
}

static int by_id(const void *a, const void *b) {
    return strcmp(((const struct entry *)a)->id, ((const struct entry *)b)->id);
}

static int newest_first(const void *a, const void *b) {
    const struct entry *x = a, *y = b;
    if (x->created_at != y->created_at)
        return x->created_at > y->created_at ? -1 : 1;
    return strcmp(x->id, y->id);
}

static int on_member(void *ctx, const struct cell *row) {
    struct search *s = ctx;
    if (s->has_ids && !strmap_get_n(&s->only, row[0].s.data, row[0].s.size))
        return BD_OK;
    add(&s->members, arena_strndup(&s->scratch, row[0].s.data, row[0].s.size), 0);
    return BD_OK;
}

static const struct entry *member(const struct search *s, const struct cell *id) {
    size_t low = 0, high = s->members.count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int c = strncmp(s->members.items[mid].id, id->s.data, id->s.size);
        if (!c)
            c = s->members.items[mid].id[id->s.size] != '\0';
        if (!c)
            return &s->members.items[mid];
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

static int on_window(void *ctx, const struct cell *row) {
    struct search *s = ctx;
    const struct entry *e = member(s, &row[0]);
    if (e)
        add(&s->window, e->id, row[1].i);
    return BD_OK;
}

static int on_accepted(void *ctx, const struct cell *row) {
    struct search *s = ctx;
    add(&s->accepted, arena_strndup(&s->scratch, row[0].s.data, row[0].s.size), 0);
    return BD_OK;
}

/* Tests the next `n` rows of the window, from `at`, and keeps those that pass in their order. */
static int test_batch(struct search *s, size_t at, size_t n) {
    static const char *const column[] = {"id"};
    struct cell *cells = arena_alloc(&s->scratch, n * sizeof *cells);
    s->fetched += n;
    s->accepted.count = 0;
    for (size_t i = 0; i < n; i++)
        cells[i] = cell_text(s->window.items[at + i].id);
    struct tables_query q = {
        .table = s->table,
        .columns = column,
        .column_count = 1,
        .where = pred_and(&s->scratch, pred_in(&s->scratch, "id", cells, n), s->where),
    };
    int rc = tables_scan(s->x, &q, NULL, on_accepted, s, s->err);
    if (s->accepted.count > 1)
        qsort(s->accepted.items, s->accepted.count, sizeof *s->accepted.items, by_id);
    for (size_t i = 0; i < n && rc == BD_OK && s->count < s->limit; i++) {
        const struct entry *e = &s->window.items[at + i];
        if (s->accepted.count &&
            bsearch(e, s->accepted.items, s->accepted.count, sizeof *s->accepted.items, by_id))
            s->ids[s->count++] = cell_text(arena_strdup(s->a, e->id));
    }
    return rc;
}

static int test_window(struct search *s) {
    int rc = BD_OK;
    if (s->window.count > 1)
        qsort(s->window.items, s->window.count, sizeof *s->window.items, newest_first);
    for (size_t at = 0; at < s->window.count && rc == BD_OK && s->count < s->limit;) {
        size_t n = (s->limit - s->count) * 2, left = s->window.count - at;
        n = n > BATCH_MAX ? BATCH_MAX : n;
        n = n > left ? left : n;
        if (s->fetched + n > s->budget)
            return BD_UNSUPPORTED;
        rc = test_batch(s, at, n);
        at += n;
    }
    return rc;
}

/* Members created in (after, until]; INT64_MIN and INT64_MAX leave a side open. */
static int load_window(struct search *s, int64_t after, int64_t until) {
    static const char *const columns[] = {"id", "created_at"};
    const struct pred *where = NULL;
    s->window.count = 0;
    if (after != INT64_MIN)
        where = pred_cmp(&s->scratch, PRED_GT, "created_at", cell_datetime(after));
    if (until != INT64_MAX)
        where = pred_and(&s->scratch, where, pred_cmp(&s->scratch, PRED_LE, "created_at", cell_datetime(until)));
    struct tables_query q = {
        .table = s->table, .columns = columns, .column_count = 2, .where = where, .any_order = true};
    return tables_scan(s->x, &q, NULL, on_window, s, s->err);
}

static int search_priority(struct search *s, int64_t priority) {
    static const char *const column[] = {"id"};
    struct tables_query q = {
        .table = s->table,
        .columns = column,
        .column_count = 1,
        .where = pred_cmp(&s->scratch, PRED_EQ, "priority", cell_int(priority)),
        .any_order = true,
    };
    s->members.count = 0;
    int rc = tables_scan(s->x, &q, NULL, on_member, s, s->err);
    if (s->members.count > 1)
        qsort(s->members.items, s->members.count, sizeof *s->members.items, by_id);
    const int64_t hour = INT64_C(3600) * MICROS_PER_SECOND;
    int64_t until = INT64_MAX, now = datetime_now();
    size_t seen = 0;
    for (int step = 0; rc == BD_OK && s->count < s->limit && seen < s->members.count; step++) {
        int64_t after = step < 16 ? now - hour * (INT64_C(1) << step) : INT64_MIN;
        rc = load_window(s, after, until);
        seen += s->window.count;
        if (rc == BD_OK)
            rc = test_window(s);
        if (after == INT64_MIN)
            break;
        until = after;
    }
    arena_release(&s->scratch);
    return rc;
}

int first_rows(struct tables_txn *x, const char *table, const struct pred *where, uint64_t limit,
               struct arena *a, struct cell **ids, size_t *count, struct err *err) {
    struct search s = {.x = x, .table = table, .where = where, .a = a, .err = err};
    if (limit > 10000)
        return BD_UNSUPPORTED;
    s.limit = (size_t)limit;
    int rc = worth_it(&s);
    if (rc == BD_OK) {
        s.ids = arena_alloc(a, (s.limit + 1) * sizeof *s.ids);
        s.where = without_ids(&s, where);
    }
    for (int64_t priority = 0; rc == BD_OK && priority <= PRIORITY_LAST && s.count < s.limit; priority++)
        rc = search_priority(&s, priority);
    *ids = s.ids;
    *count = s.count;
    arena_release(&s.scratch);
    strmap_release(&s.only);
    free(s.members.items);
    free(s.window.items);
    free(s.accepted.items);
    return rc;
}
