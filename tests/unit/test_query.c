/* The query language: parsing, printing, the filter it becomes and the test that remains. */
#include "bd/ops/query.h"

#include "base/datetime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct arena arena;

static int teardown(void **state) {
    (void)state;
    arena_release(&arena);
    return 0;
}

static void expect_print(const char *text, const char *printed) {
    struct query_node *n = NULL;
    struct err err = ERR_INIT;
    struct buf b = BUF_INIT;
    if (query_parse(text, &arena, &n, &err) != BD_OK)
        fail_msg("%s: %s", text, err.msg);
    query_print(&b, n);
    assert_string_equal(buf_str(&b), printed);
    buf_release(&b);
}

static void expect_error(const char *text, const char *message) {
    struct query_node *n = NULL;
    struct query_plan plan;
    struct err err = ERR_INIT;
    int rc = query_parse(text, &arena, &n, &err);
    if (rc == BD_OK)
        rc = query_compile(n, 0, &arena, &plan, &err);
    assert_int_equal(rc, BD_INVALID);
    assert_string_equal(err.msg, message);
}

static struct query_plan compile(const char *text, int64_t now) {
    struct query_node *n = NULL;
    struct query_plan plan;
    struct err err = ERR_INIT;
    if (query_parse(text, &arena, &n, &err) != BD_OK ||
        query_compile(n, now, &arena, &plan, &err) != BD_OK)
        fail_msg("%s: %s", text, err.msg);
    return plan;
}

static void precedence_and_keywords(void **state) {
    (void)state;
    expect_print("status=open and Priority>1 OR type=bug",
                 "((status=open AND priority>1) OR type=bug)");
    expect_print("a=1 OR b=2 AND NOT NOT c!=3", "(a=1 OR (b=2 AND NOT NOT c!=3))");
    expect_print("(a=1 OR b=2) AND c<=7d", "((a=1 OR b=2) AND c<=7d)");
    expect_print("title=\"two words\\t\\\\n\" ", "title=two words\t\\n");
    expect_print("id=bd-a1.2:x", "id=bd-a1.2:x");
    expect_print("owner=größe", "owner=größe");
}

static void errors_tell_the_position(void **state) {
    (void)state;
    expect_error("  ", "empty query");
    expect_error("status", "expected comparison operator at position 6, got EOF");
    expect_error("=open", "expected field name at position 0, got =");
    expect_error("status=", "expected value at position 7, got EOF");
    expect_error("(status=open", "expected ')' at position 12, got EOF");
    expect_error("status=open type=bug",
                 "unexpected token \"type\" at position 12 (expected end of query)");
    expect_error("!status=open",
                 "unexpected character '!' at position 0 (did you mean '!=' or 'NOT'?)");
    expect_error("status=@x", "unexpected character '@' at position 7");
    expect_error("title=\"open", "unterminated string starting at position 6");
    expect_error("priority=-x", "expected digit at position 10");
    expect_error("created>2025-01-15",
                 "unexpected token \"-01\" at position 12 (expected end of query)");
}

static void meaning_is_checked(void **state) {
    (void)state;
    expect_error("colour=red", "unknown field: colour");
    expect_error("status=nonsense", "invalid status: nonsense");
    expect_error("priority=7", "priority must be between 0 and 4");
    expect_error("priority<0", "priority < 0 matches nothing");
    expect_error("priority!=1", "priority != requires predicate filtering");
    expect_error("assignee!=bob", "assignee only supports = operator");
    expect_error("owner=x", "owner filtering requires predicate mode");
    expect_error("pinned=maybe", "invalid boolean value for pinned: maybe");
    expect_error("parent=x OR title=y", "unknown field: parent");
}

static void nesting_has_a_limit(void **state) {
    (void)state;
    char deep[2000];
    struct query_node *n = NULL;
    struct err err = ERR_INIT;
    memset(deep, '(', sizeof deep - 1);
    deep[sizeof deep - 1] = 0;
    assert_int_equal(query_parse(deep, &arena, &n, &err), BD_INVALID);
}

static void simple_queries_need_no_test(void **state) {
    (void)state;
    struct query_plan p = compile("status=open AND NOT type=epic AND priority<2 AND label=a", 0);
    assert_null(p.test);
    assert_int_equal(p.filter.statuses.count, 1);
    assert_string_equal(p.filter.statuses.items[0], "open");
    assert_string_equal(p.filter.exclude_types.items[0], "epic");
    assert_int_equal(p.filter.priority_max, 1);
    assert_string_equal(p.filter.labels.items[0], "a");
    p = compile("label=a OR label=b OR label=c", 0);
    assert_null(p.test);
    assert_int_equal(p.filter.labels_any.count, 3);
    p = compile("id='bd-*' AND assignee=none", 0);
    assert_string_equal(p.filter.id_prefix, "bd-");
    assert_true(p.filter.no_assignee);
}

static void durations_mean_that_long_ago(void **state) {
    (void)state;
    int64_t now = datetime_from_civil(&(struct civil){2026, 3, 10, 12, 0, 0, 0});
    struct query_plan p = compile("updated>24h", now);
    assert_true(p.filter.updated.after == now - INT64_C(86400) * MICROS_PER_SECOND);
    assert_true(p.filter.updated.before == ISSUE_NO_TIME);
}

static struct issue sample(void) {
    static const char *labels[] = {"Backend"};
    struct issue i = {
        .id = "t-1", .title = "Fix Login", .status = "open", .issue_type = "bug", .priority = 1};
    i.assignee = "Alice";
    i.owner = "";
    i.metadata = "{\"team\": \"core\", \"points\": 5}";
    i.created_at = datetime_from_civil(&(struct civil){2026, 3, 9, 12, 0, 0, 0});
    i.updated_at = i.created_at;
    i.closed_at = i.started_at = ISSUE_NO_TIME;
    i.labels = labels;
    i.label_count = 1;
    return i;
}

static bool matches(const char *text) {
    int64_t now = datetime_from_civil(&(struct civil){2026, 3, 10, 12, 0, 0, 0});
    struct query_plan p = compile(text, now);
    struct issue i = sample();
    assert_non_null(p.test);
    return query_matches(p.test, &i);
}

static void tests_decide_what_filters_cannot(void **state) {
    (void)state;
    assert_true(matches("status=closed OR assignee=alice"));
    assert_false(matches("status=closed OR assignee!=ALICE"));
    assert_true(matches("NOT (status=closed AND priority=1)"));
    assert_true(matches("label=backend OR title=nothing"));
    assert_false(matches("label=none OR title=nothing"));
    assert_true(matches("priority!=2 OR status=closed"));
    assert_true(matches("title=LOGIN OR status=closed"));
    assert_true(matches("id='t-*' AND (status=open OR status=closed)"));
    assert_true(matches("created>2d OR status=closed"));
    assert_false(matches("created>2h OR status=closed"));
    assert_false(matches("closed>2d OR started<1h"));
    assert_true(matches("metadata.team=core OR status=closed"));
    assert_true(matches("metadata.points=5 OR status=closed"));
    assert_false(matches("metadata.points=6 OR has_metadata_key=missing"));
    assert_true(matches("owner=none OR NOT owner=x"));
}

static void texts_that_look_like_ids(void **state) {
    (void)state;
    assert_true(filter_looks_like_id("bd-a1"));
    assert_true(filter_looks_like_id("bd-a1.2"));
    assert_false(filter_looks_like_id("bd-"));
    assert_false(filter_looks_like_id("-bd"));
    assert_false(filter_looks_like_id("two words-x"));
    assert_false(filter_looks_like_id("plain"));
    assert_false(filter_looks_like_id("a_b-c"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(precedence_and_keywords),
        cmocka_unit_test(errors_tell_the_position),
        cmocka_unit_test(meaning_is_checked),
        cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(simple_queries_need_no_test),
        cmocka_unit_test(durations_mean_that_long_ago),
        cmocka_unit_test(tests_decide_what_filters_cannot),
        cmocka_unit_test(texts_that_look_like_ids),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
