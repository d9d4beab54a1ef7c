/* Filters, orders and ready work on a real database, against rows filtered by hand. */
#include "bd/ops/dependency_rows.h"
#include "bd/ops/query.h"
#include "bd/ops/ready.h"
#include "bd/ops/search.h"
#include "bd/ops/stats.h"
#include "tests/unit/tracker_help.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROWS = 2500 };

static struct tables *tables;
static struct arena arena;

static const char *const statuses[] = {"open", "open", "open", "closed", "in_progress", "deferred"};
static const char *const types[] = {"task", "bug", "epic", "gate"};
static const char *const people[] = {"alice", "bob", "", "carol"};
static const char *const labels[] = {"a", "b", "c"};

static uint32_t random_state = 12345;
static unsigned roll(unsigned n) {
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % n;
}

static int put_label(struct tables_txn *x, const char *id, const char *label, struct err *err) {
    static const char *const columns[] = {"issue_id", "label"};
    struct cell cells[] = {cell_text(id), cell_text(label)};
    return tables_insert(x, "labels", columns, cells, 2, 0, NULL, err);
}

static int fill(struct tables_txn *x, void *ctx, struct err *err) {
    (void)ctx;
    random_state = 12345;
    int rc = BD_OK;
    for (int n = 0; n < ROWS && rc == BD_OK; n++) {
        struct issue i;
        char id[16], title[40], other[16];
        bool is_new;
        issue_init(&i);
        snprintf(id, sizeof id, "t-%04d", n);
        snprintf(title, sizeof title, "Issue %d %s", n, roll(9) == 0 ? "Needle" : "hay");
        i.id = id;
        i.title = title;
        i.status = statuses[roll(6)];
        i.issue_type = types[roll(4)];
        i.assignee = people[roll(4)];
        i.priority = roll(5);
        i.pinned = roll(40) == 0;
        i.is_blocked = roll(5) == 0;
        i.created_at = INT64_C(1770000000000000) + (int64_t)roll(500) * INT64_C(3600000000);
        i.updated_at = i.created_at;
        if (strcmp(i.status, "closed") == 0)
            i.closed_at = i.created_at;
        rc = issue_row_put(x, &i, false, &is_new, err);
        for (unsigned l = 0; l < 3 && rc == BD_OK; l++)
            if (roll(4) == 0)
                rc = put_label(x, id, labels[l], err);
        snprintf(other, sizeof other, "t-%04d", n ? (int)roll((unsigned)n) : 0);
        struct dependency d = {.issue_id = id,
                               .depends_on_id = other,
                               .type = "parent-child",
                               .created_by = "t",
                               .created_at = i.created_at,
                               .target = DEP_TARGET_ISSUE};
        if (rc == BD_OK && n && roll(10) == 0)
            rc = dependency_row_insert(x, &d, false, err);
    }
    return rc;
}

static int setup(void **state) {
    struct err err = ERR_INIT;
    if (scratch_setup(state))
        return -1;
    tables = tracker_make("t");
    struct tables_write w = {.mode = TABLES_WORKING};
    if (tables_write(tables, &w, fill, NULL, NULL, &err) != BD_OK)
        fail_msg("%s", err.msg);
    return 0;
}

static int teardown(void **state) {
    tables_close(tables);
    arena_release(&arena);
    return scratch_teardown(state);
}

/* All rows, for comparing by hand. */
static struct issue_list everything(struct tables_txn *x) {
    struct issue_list l = {NULL, 0, 0};
    struct issue_filter f;
    struct err err = ERR_INIT;
    issue_filter_init(&f);
    assert_int_equal(search_issues(x, &f, &arena, &l, &err), BD_OK);
    return l;
}

static struct tables_txn *begin(void) {
    struct tables_txn *x = NULL;
    struct err err = ERR_INIT;
    if (tables_read_begin(tables, &x, &err) != BD_OK)
        fail_msg("%s", err.msg);
    return x;
}

static void an_unlimited_search_is_in_order(void **state) {
    (void)state;
    struct tables_txn *x = begin();
    struct issue_list l = everything(x);
    assert_int_equal(l.count, ROWS);
    for (size_t i = 1; i < l.count; i++)
        assert_true(search_compare(ORDER_PRIORITY, 0, &l.items[i - 1], &l.items[i]) < 0);
    tables_read_end(x);
}

static bool has_label(const struct issue *i, const char *label) {
    for (size_t k = 0; k < i->label_count; k++)
        if (strcmp(i->labels[k], label) == 0)
            return true;
    return false;
}

/* Filters by number, and the same conditions by hand. */
static void set_filter(int n, struct issue_filter *f) {
    issue_filter_init(f);
    if (n & 1)
        text_list_add(&f->exclude_statuses, &arena, "closed");
    if (n & 2)
        text_list_add(&f->labels, &arena, "b");
    if (n & 4)
        f->assignee = "bob";
    if (n & 8)
        f->pinned = FILTER_NO;
    if (n & 16)
        f->title_contains = "needle";
    if (n & 32)
        text_list_add(&f->exclude_labels, &arena, "a");
    if (n & 64)
        f->priority_min = 3;
}

static bool by_hand(int n, const struct issue *i) {
    return !((n & 1) && strcmp(i->status, "closed") == 0) && !((n & 2) && !has_label(i, "b")) &&
           !((n & 4) && strcmp(i->assignee ? i->assignee : "", "bob") != 0) &&
           !((n & 8) && i->pinned) && !((n & 16) && !strstr(i->title, "Needle")) &&
           !((n & 32) && has_label(i, "a")) && !((n & 64) && i->priority < 3);
}

static void every_filter_finds_what_it_says(void **state) {
    (void)state;
    static const uint64_t limits[] = {0, 1, 20, 300};
    struct tables_txn *x = begin();
    struct issue_list all = everything(x);
    for (int n = 0; n < 128; n++) {
        for (size_t k = 0; k < sizeof limits / sizeof *limits; k++) {
            struct issue_filter f;
            struct issue_list l = {NULL, 0, 0};
            struct err err = ERR_INIT;
            size_t at = 0;
            set_filter(n, &f);
            f.limit = limits[k];
            if (search_issues(x, &f, &arena, &l, &err) != BD_OK)
                fail_msg("filter %d: %s", n, err.msg);
            for (size_t i = 0; i < all.count && !(f.limit && at == f.limit); i++) {
                if (!by_hand(n, &all.items[i]))
                    continue;
                if (at >= l.count || strcmp(l.items[at].id, all.items[i].id) != 0)
                    fail_msg("filter %d limit %d: row %zu should be %s", n, (int)limits[k], at,
                             all.items[i].id);
                at++;
            }
            assert_int_equal(l.count, at);
        }
    }
    tables_read_end(x);
}

static void ready_is_open_unpinned_unblocked_work(void **state) {
    (void)state;
    struct tables_txn *x = begin();
    struct issue_list all = everything(x), l = {NULL, 0, 0};
    struct ready_filter f;
    struct err err = ERR_INIT;
    uint64_t total = 0;
    size_t at = 0;
    ready_filter_init(&f);
    assert_int_equal(ready_list(x, &f, &arena, &l, &err), BD_OK);
    for (size_t i = 0; i < all.count; i++) {
        const struct issue *n = &all.items[i];
        if (strcmp(n->status, "open") != 0 || n->pinned || n->is_blocked ||
            strcmp(n->issue_type, "gate") == 0)
            continue;
        assert_string_equal(l.items[at].id, n->id);
        at++;
    }
    assert_int_equal(l.count, at);
    assert_int_equal(ready_count(x, &f, 0, &arena, &total, &err), BD_OK);
    assert_int_equal(total, at);
    assert_int_equal(ready_count(x, &f, 10, &arena, &total, &err), BD_OK);
    assert_true(total > 10);
    tables_read_end(x);
}

static int defer_parent(struct tables_txn *x, void *ctx, struct err *err) {
    static const char *const columns[] = {"defer_until", "is_blocked"};
    struct cell cells[] = {cell_datetime(INT64_C(4102444800000000)), cell_int(0)};
    return tables_update(x, "issues", pred_cmp(&arena, PRED_EQ, "id", cell_text(ctx)), columns, cells,
                         2, NULL, NULL, err);
}

/* Deferring the parent of the first ready issue hides both, even from a list that is cut short. */
static void children_of_deferred_parents_are_not_ready(void **state) {
    (void)state;
    struct tables_txn *x = begin();
    struct issue_list before = {NULL, 0, 0}, after = {NULL, 0, 0};
    struct ready_filter f;
    struct err err = ERR_INIT;
    const char *child = NULL;
    char *parent = NULL;
    ready_filter_init(&f);
    assert_int_equal(ready_list(x, &f, &arena, &before, &err), BD_OK);
    for (size_t i = 0; i < before.count && !parent; i++) {
        struct dependency_list rows;
        child = before.items[i].id;
        assert_int_equal(
            dependency_load(x, DEPENDENCY_BY_SOURCE, &child, 1, DEPENDENCY_BOTH, &arena, &rows, &err),
            BD_OK);
        parent = rows.count ? arena_strdup(&arena, rows.items[0].depends_on_id) : NULL;
    }
    tables_read_end(x);
    assert_non_null(parent);
    struct tables_write w = {.mode = TABLES_WORKING};
    assert_int_equal(tables_write(tables, &w, defer_parent, parent, NULL, &err), BD_OK);
    x = begin();
    f.limit = before.count > 100 ? 100 : before.count;
    assert_int_equal(ready_list(x, &f, &arena, &after, &err), BD_OK);
    assert_int_equal(after.count, f.limit);
    for (size_t i = 0; i < after.count; i++) {
        assert_string_not_equal(after.items[i].id, child);
        assert_string_not_equal(after.items[i].id, parent);
    }
    f.include_deferred = true;
    f.limit = 0;
    after.count = 0;
    assert_int_equal(ready_list(x, &f, &arena, &after, &err), BD_OK);
    assert_int_equal(after.count, before.count);
    tables_read_end(x);
}

static void counts_agree_with_rows(void **state) {
    (void)state;
    struct tables_txn *x = begin();
    struct issue_list all = everything(x);
    struct statistics s;
    struct err err = ERR_INIT;
    struct issue_filter f;
    struct group_count *groups;
    size_t group_count;
    int64_t open = 0, blocked = 0, labelled = 0, sum = 0;
    for (size_t i = 0; i < all.count; i++) {
        open += strcmp(all.items[i].status, "open") == 0;
        blocked += all.items[i].is_blocked && strcmp(all.items[i].status, "closed") != 0;
        labelled += has_label(&all.items[i], "c");
    }
    assert_int_equal(stats_overview(x, &s, &err), BD_OK);
    assert_int_equal(s.total, ROWS);
    assert_int_equal(s.open, open);
    assert_int_equal(s.blocked, blocked);
    issue_filter_init(&f);
    assert_int_equal(stats_count_by(x, &f, GROUP_PRIORITY, &arena, &groups, &group_count, &err), BD_OK);
    assert_int_equal(group_count, 5);
    assert_string_equal(groups[0].group, "P0");
    for (size_t i = 0; i < group_count; i++)
        sum += groups[i].count;
    assert_int_equal(sum, ROWS);
    assert_int_equal(stats_count_by(x, &f, GROUP_LABEL, &arena, &groups, &group_count, &err), BD_OK);
    assert_string_equal(groups[0].group, "(no labels)");
    assert_string_equal(groups[3].group, "c");
    assert_int_equal(groups[3].count, labelled);
    tables_read_end(x);
}

/* What the tables let through holds everything the test accepts, for expressions of all kinds. */
static void queries_lose_nothing_to_the_tables(void **state) {
    (void)state;
    static const char *const texts[] = {
        "status=open OR priority<1",
        "NOT (status=open AND priority>=2)",
        "assignee=BOB OR title=needle",
        "NOT assignee=bob AND (type=bug OR type=epic)",
        "NOT (closed>1d OR pinned=true)",
        "label=a OR NOT label=b",
        "id='t-00*' OR NOT title=hay",
        "(assignee=none OR created>900d) AND priority!=3",
        "NOT NOT status=closed OR description=none",
    };
    struct tables_txn *x = begin();
    struct issue_list all = everything(x);
    for (size_t n = 0; n < sizeof texts / sizeof *texts; n++) {
        struct query_node *node = NULL;
        struct query_plan plan;
        struct issue_list l = {NULL, 0, 0};
        struct issue_filter f;
        struct err err = ERR_INIT;
        size_t at = 0;
        const char *text = texts[n];
        if (query_parse(text, &arena, &node, &err) != BD_OK ||
            query_compile(node, datetime_now(), &arena, &plan, &err) != BD_OK)
            fail_msg("%s: %s", text, err.msg);
        assert_non_null(plan.test);
        issue_filter_init(&f);
        f.more = query_pred(plan.test, &arena);
        assert_int_equal(search_issues(x, &f, &arena, &l, &err), BD_OK);
        for (size_t i = 0; i < all.count; i++) {
            if (!query_matches(plan.test, &all.items[i]))
                continue;
            while (at < l.count && strcmp(l.items[at].id, all.items[i].id) != 0)
                at++;
            if (at == l.count)
                fail_msg("%s lost %s", text, all.items[i].id);
        }
    }
    tables_read_end(x);
}

static void sorting_keeps_the_order_of_equals(void **state) {
    (void)state;
    struct tables_txn *x = begin();
    struct issue_list l = everything(x);
    assert_true(search_sort(&l, "type", true));
    for (size_t i = 1; i < l.count; i++) {
        int c = strcmp(l.items[i - 1].issue_type, l.items[i].issue_type);
        assert_true(c >= 0);
        if (!c)
            assert_true(search_compare(ORDER_PRIORITY, 0, &l.items[i - 1], &l.items[i]) < 0);
    }
    assert_false(search_sort(&l, "colour", false));
    tables_read_end(x);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unlimited_search_is_in_order),
        cmocka_unit_test(every_filter_finds_what_it_says),
        cmocka_unit_test(ready_is_open_unpinned_unblocked_work),
        cmocka_unit_test(children_of_deferred_parents_are_not_ready),
        cmocka_unit_test(counts_agree_with_rows),
        cmocka_unit_test(queries_lose_nothing_to_the_tables),
        cmocka_unit_test(sorting_keeps_the_order_of_equals),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
