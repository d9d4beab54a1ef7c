/* Ids: hashes, lengths, children, prefixes; the content hash. Expected values are upstream's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bd/ops/content_hash.h"
#include "bd/ops/id_gen.h"
#include "bd/ops/resolve.h"

#include <string.h>

static struct arena arena;

static int release(void **state) {
    (void)state;
    arena_release(&arena);
    return 0;
}

static void hash_ids_match_the_vector(void **state) {
    (void)state;
    static const char *const expected[] = {"bd-vju",    "bd-8d8e",    "bd-bi3tk",
                                           "bd-8bi3tk", "bd-r5sr6bm", "bd-8r5sr6bm"};
    int64_t t = 0;
    const char *text = "2024-01-02T03:04:05.006Z";
    assert_true(datetime_parse_rfc3339(text, strlen(text), &t));
    for (int length = 3; length <= 8; length++)
        assert_string_equal(
            id_hash("bd", "Fix login", "Details", "jira-import", t * 1000, length, 0, &arena),
            expected[length - 3]);
}

static void length_grows_at_upstreams_thresholds(void **state) {
    (void)state;
    static const struct {
        uint64_t count;
        int length;
    } cases[] = {{0, 3},    {163, 3},   {164, 4},   {983, 4},    {984, 5},    {5898, 5},
                 {5899, 6}, {35389, 6}, {35390, 7}, {212339, 7}, {212340, 8}, {100000000, 8}};
    struct id_limits limits = ID_LIMITS_DEFAULT;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(id_length_for(cases[i].count, &limits), cases[i].length);
}

static void children_split_at_the_last_dot(void **state) {
    (void)state;
    const char *parent;
    int64_t number;
    assert_true(id_split_child("bd-a.1.12", &arena, &parent, &number));
    assert_string_equal(parent, "bd-a.1");
    assert_int_equal(number, 12);
    assert_false(id_split_child("bd-a", &arena, &parent, &number));
    assert_false(id_split_child("bd-a.x", &arena, &parent, &number));
}

static void prefixes_are_guessed_from_the_look(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"beads-vscode-1", "beads-vscode"},
        {"web-app-a3f8e9", "web-app"},
        {"my-cool-app-123", "my-cool-app"},
        {"bd-a3f", "bd"},
        {"vc-baseline-test", "vc"},
        {"bd-multi-part-id", "bd"},
        {"bd-a3f8.1.2", "bd"},
        {"nodash", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(id_prefix_guess(cases[i][0], &arena), cases[i][1]);
    const char *known_items[] = {"me", "me-py-toolkit"};
    struct text_list known = {known_items, 2};
    assert_string_equal(id_prefix("me-py-toolkit-abcd", &known, &arena), "me-py-toolkit");
}

static void explicit_ids_are_checked(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    assert_int_equal(id_check_format("nodash", &err), BD_INVALID);
    assert_non_null(strstr(err.msg, "invalid ID format 'nodash'"));
    assert_int_equal(id_check_format("bd-1", &err), BD_OK);
    assert_int_equal(id_check_prefix("bd-1", "bd-", NULL, &err), BD_OK);
    assert_int_equal(id_check_prefix("xx-1", "bd", NULL, &err), BD_INVALID);
    assert_string_equal(
        err.msg,
        "prefix mismatch: database uses 'bd-' but ID 'xx-1' doesn't match (use --force to override)");
    assert_int_equal(id_check_prefix("xx-1", "bd", "hq, xx-", &err), BD_OK);
    assert_int_equal(id_check_prefix("bdx-1", "bd", "hq", &err), BD_INVALID);
}

static void ids_order_naturally(void **state) {
    (void)state;
    assert_true(issue_id_compare("bd-E.4", "bd-E.10") < 0);
    assert_true(issue_id_compare("bd-9", "bd-10") < 0);
    assert_true(issue_id_compare("bd-a", "bd-a.1") < 0);
    assert_true(issue_id_compare("bd-b", "bd-a.1") > 0);
    assert_int_equal(issue_id_compare("bd-a.1", "bd-a.1"), 0);
}

static void content_hash_covers_the_fields_in_order(void **state) {
    (void)state;
    struct issue i;
    issue_init(&i);
    i.title = "Fix login";
    i.description = "Details";
    i.owner = "me@example.com";
    i.created_by = "me";
    i.external_ref = "gh-9";
    i.metadata = "{\"a\":1}";
    i.waiters = "[\"w1\",\"w2\"]";
    assert_string_equal(issue_content_hash(&i, &arena),
                        "4b646181d17c8691c6469f234f37186d24a632842b162868dce538fa7d323d1a");
    const char *before = issue_content_hash(&i, &arena);
    i.pinned = true;
    assert_string_not_equal(before, issue_content_hash(&i, &arena));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hash_ids_match_the_vector),
        cmocka_unit_test(length_grows_at_upstreams_thresholds),
        cmocka_unit_test(children_split_at_the_last_dot),
        cmocka_unit_test(prefixes_are_guessed_from_the_look),
        cmocka_unit_test(explicit_ids_are_checked),
        cmocka_unit_test(ids_order_naturally),
        cmocka_unit_test(content_hash_covers_the_fields_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, release);
}
