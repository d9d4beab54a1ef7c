/* Two edits of one row: by the rules alone, and through a merge of two branches. */
#include "bd/ops/issue_rows.h"
#include "bd/ops/merge_rules.h"
#include "tests/unit/tracker_help.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct tables *tables;
static struct arena arena;

static void json_values_merge_by_key_and_as_sets(void **state) {
    (void)state;
    static const struct {
        const char *base, *ours, *theirs;
        bool theirs_newer;
        const char *merged;
    } cases[] = {
        {"{\"a\":1}", "{\"a\":2}", "{\"a\":1,\"b\":3}", false, "{\"a\":2,\"b\":3}"},
        {"{\"a\":1}", "{\"a\":2}", "{\"a\":3}", false, "{\"a\":2}"},
        {"{\"a\":1}", "{\"a\":2}", "{\"a\":3}", true, "{\"a\":3}"},
        {"{\"a\":1,\"b\":1}", "{\"a\":1}", "{\"a\":1,\"b\":1,\"c\":1}", false, "{\"a\":1,\"c\":1}"},
        {"[\"x\",\"y\"]", "[\"x\",\"z\"]", "[\"x\",\"y\",\"w\"]", true, "[\"w\",\"x\",\"z\"]"},
        {NULL, "[\"b\"]", "[\"a\"]", false, "[\"a\",\"b\"]"},
        {"{\"l\":[1]}", "{\"l\":[1,2]}", "{\"l\":[1,3]}", false, "{\"l\":[1,2,3]}"},
        {"1", "2", "3", true, "3"},
        {NULL, "not json", "{}", false, "not json"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(merge_rules_json(cases[i].base, cases[i].ours, cases[i].theirs,
                                             cases[i].theirs_newer, &arena),
                            cases[i].merged);
}

struct edit {
    const char *id, *title, *assignee, *status;
    int64_t priority, minute;
    bool gone;
};

static int put(struct tables_txn *x, void *ctx, struct err *err) {
    const struct edit *e = ctx;
    struct issue i;
    bool is_new;
    if (e->gone) {
        uint64_t n;
        return tables_delete(x, "issues", pred_cmp(&arena, PRED_EQ, "id", cell_text(e->id)), &n, err);
    }
    issue_init(&i);
    i.id = e->id;
    i.title = e->title;
    i.assignee = e->assignee;
    i.status = e->status;
    i.priority = e->priority;
    i.created_at = INT64_C(1770000000000000);
    i.updated_at = i.created_at + e->minute * INT64_C(60000000);
    if (strcmp(e->status, "closed") == 0)
        i.closed_at = i.updated_at;
    return issue_row_put(x, &i, false, &is_new, err);
}

static void commit(const struct edit *e) {
    struct edit copy = *e;
    struct err err = ERR_INIT;
    struct tables_write w = {.mode = TABLES_COMMIT, .message = "edit"};
    if (tables_write(tables, &w, put, &copy, NULL, &err) != BD_OK)
        fail_msg("%s", err.msg);
}

static void go(const char *branch) {
    struct err err = ERR_INIT;
    if (tables_checkout(tables, branch, &err) != BD_OK)
        fail_msg("%s", err.msg);
}

/* base on main; theirs on a new branch; ours on main; then the merge. */
static struct tables_merge_result merge(const char *branch, const struct edit *base,
                                        const struct edit *ours, const struct edit *theirs,
                                        enum merge_strategy strategy) {
    struct tables_merge_result r = {0};
    struct merge_judge judge = {strategy, 0};
    struct err err = ERR_INIT;
    struct tables_write w = {.mode = TABLES_COMMIT, .author = {"beads", "beads@local"}};
    if (base)
        commit(base);
    if (tables_branch_create(tables, branch, NULL, &err) != BD_OK)
        fail_msg("%s", err.msg);
    go(branch);
    commit(theirs);
    go("main");
    commit(ours);
    int rc = tables_merge_resolving(tables, branch, &w, merge_rules_resolve, &judge, &arena, &r, &err);
    if (rc != BD_OK && !r.conflicts)
        fail_msg("%s", err.msg);
    return r;
}

static struct issue load(const char *id) {
    struct tables_txn *x = NULL;
    struct issue i;
    struct err err = ERR_INIT;
    assert_int_equal(tables_read_begin(tables, &x, &err), BD_OK);
    if (issue_load(x, id, &arena, &i, &err) != BD_OK)
        fail_msg("%s", err.msg);
    tables_read_end(x);
    return i;
}

static void the_newer_cell_wins_and_others_stay(void **state) {
    (void)state;
    struct edit base = {"t-1", "a", "", "open", 2, 0, false},
                ours = {"t-1", "a", "", "open", 1, 5, false};
    struct edit theirs = {"t-1", "b", "", "open", 0, 3, false};
    struct tables_merge_result r = merge("one", &base, &ours, &theirs, MERGE_NEWEST);
    struct issue i = load("t-1");
    assert_int_equal(r.conflicts, 0);
    assert_string_equal(i.title, "b");
    assert_int_equal(i.priority, 1);
    assert_int_equal(i.updated_at, INT64_C(1770000000000000) + INT64_C(300000000));
}

static void a_completion_in_the_same_second_is_kept_whole(void **state) {
    (void)state;
    struct edit base = {"t-2", "a", "", "open", 2, 0, false},
                ours = {"t-2", "a", "", "in_progress", 2, 5, false};
    struct edit theirs = {"t-2", "a", "", "closed", 2, 5, false};
    merge("two", &base, &ours, &theirs, MERGE_NEWEST);
    struct issue i = load("t-2");
    assert_string_equal(i.status, "closed");
    assert_int_not_equal(i.closed_at, ISSUE_NO_TIME);
}

static void an_edit_beats_a_deletion(void **state) {
    (void)state;
    struct edit base = {"t-3", "a", "", "open", 2, 0, false},
                ours = {"t-3", "a", "", "open", 2, 0, true};
    struct edit theirs = {"t-3", "kept", "", "open", 2, 4, false};
    struct tables_merge_result r = merge("three", &base, &ours, &theirs, MERGE_NEWEST);
    assert_int_equal(r.conflicts, 0);
    assert_string_equal(load("t-3").title, "kept");
}

static void a_side_can_be_asked_to_win(void **state) {
    (void)state;
    struct edit base = {"t-4", "a", "", "open", 2, 0, false},
                ours = {"t-4", "o", "", "open", 2, 9, false};
    struct edit theirs = {"t-4", "t", "", "open", 2, 3, false};
    merge("four", &base, &ours, &theirs, MERGE_THEIRS);
    assert_string_equal(load("t-4").title, "t");
    base.id = ours.id = theirs.id = "t-5";
    merge("five", &base, &theirs, &ours, MERGE_OURS);
    assert_string_equal(load("t-5").title, "t");
}

static void strangers_under_one_id_stay_a_conflict(void **state) {
    (void)state;
    struct edit ours = {"t-6", "mine", "", "open", 2, 1, false},
                theirs = {"t-6", "yours", "", "open", 2, 2, false};
    struct tables_merge_result r = merge("six", NULL, &ours, &theirs, MERGE_NEWEST);
    assert_int_equal(r.conflicts, 1);
    assert_string_equal(load("t-6").title, "mine");
}

static void strategies_have_names(void **state) {
    (void)state;
    enum merge_strategy s;
    assert_true(merge_strategy_parse("theirs", &s));
    assert_int_equal(s, MERGE_THEIRS);
    assert_false(merge_strategy_parse("banana", &s));
}

static int setup(void **state) {
    if (scratch_setup(state))
        return -1;
    tables = tracker_make("t");
    return 0;
}

static int teardown(void **state) {
    tables_close(tables);
    arena_release(&arena);
    return scratch_teardown(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_values_merge_by_key_and_as_sets),
        cmocka_unit_test(strategies_have_names),
        cmocka_unit_test(the_newer_cell_wins_and_others_stay),
        cmocka_unit_test(a_completion_in_the_same_second_is_kept_whole),
        cmocka_unit_test(an_edit_beats_a_deletion),
        cmocka_unit_test(a_side_can_be_asked_to_win),
        cmocka_unit_test(strangers_under_one_id_stay_a_conflict),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
