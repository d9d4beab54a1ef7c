/* One-line and block renderings of issues without colour, and what colour adds. */
#include "base/datetime.h"
#include "bd/ui/issue_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct issue sample(void) {
    struct issue i = {
        .id = "t-a1", .title = "Fix login", .status = "open", .issue_type = "bug", .priority = 1};
    i.estimated_minutes = ISSUE_NO_INT;
    i.created_at = i.updated_at = datetime_from_civil(&(struct civil){2026, 2, 3, 8, 0, 0, 0});
    i.started_at = i.closed_at = i.due_at = i.defer_until = i.compacted_at = ISSUE_NO_TIME;
    return i;
}

static void expect(struct buf *b, const char *text) {
    assert_string_equal(buf_str(b), text);
    buf_release(b);
}

static void pretty_line_shows_badge_only_while_active(void **state) {
    (void)state;
    struct issue i = sample();
    struct buf b = BUF_INIT;
    issue_text_pretty(&b, false, &i);
    expect(&b, "○ t-a1 ● P1 [bug] Fix login");
    i.status = "closed";
    issue_text_pretty(&b, false, &i);
    expect(&b, "✓ t-a1 ● P1 bug Fix login");
    i.status = "in_progress";
    i.issue_type = "task";
    issue_text_pretty(&b, false, &i);
    expect(&b, "◐ t-a1 ● P1 Fix login");
}

static void compact_line_tells_blockers(void **state) {
    (void)state;
    struct issue i = sample();
    const char *labels[] = {"a", "b"}, *blockers[] = {"t-x", "t-y"}, *blocks[] = {"t-z"};
    struct issue_dep_info deps = {"t-p", blockers, 2, blocks, 1};
    struct buf b = BUF_INIT;
    i.labels = labels;
    i.label_count = 2;
    i.assignee = "bob";
    issue_text_compact(&b, false, &i, &deps);
    expect(
        &b,
        "● t-a1 [● P1] [bug] @bob [a b] - Fix login (parent: t-p, blocked by: t-x, t-y, blocks: t-z)");
    issue_text_compact(&b, false, &i, NULL);
    expect(&b, "○ t-a1 [● P1] [bug] @bob [a b] - Fix login");
    i.status = "closed";
    i.pinned = true;
    i.assignee = "";
    i.label_count = 0;
    issue_text_compact(&b, false, &i, NULL);
    expect(&b, "✓ 📌 t-a1 [P1] [bug] - Fix login");
}

static void header_and_summary_are_those_of_show(void **state) {
    (void)state;
    struct issue i = sample();
    struct buf b = BUF_INIT;
    i.created_by = "alice";
    i.external_ref = "gh-17";
    i.due_at = i.created_at;
    issue_text_header(&b, false, &i);
    expect(&b, "○ t-a1 [BUG] · Fix login   [● P1 · OPEN]");
    issue_text_summary(&b, false, &i);
    expect(&b, "Owner: alice · Type: bug\nCreated: 2026-02-03 · Updated: 2026-02-03 · Due: 2026-02-03\n"
               "External: gh-17\n");
}

static void metadata_is_sorted_and_unquoted(void **state) {
    (void)state;
    struct issue i = sample();
    struct buf b = BUF_INIT;
    i.metadata = "{\"team\": \"core\", \"points\": 5, \"nested\": {\"k\": [1, true]}}";
    issue_text_custom_metadata(&b, false, &i);
    expect(&b, "METADATA\n  nested: {\"k\":[1,true]}\n  points: 5\n  team: core\n");
    i.metadata = "{}";
    issue_text_custom_metadata(&b, false, &i);
    expect(&b, "");
    i.metadata = "[1]";
    issue_text_custom_metadata(&b, false, &i);
    expect(&b, "METADATA\n  [1]\n");
}

static void extras_print_only_what_is_set(void **state) {
    (void)state;
    struct issue i = sample();
    struct buf b = BUF_INIT;
    issue_text_extras(&b, false, &i, false);
    expect(&b, "");
    i.estimated_minutes = 30;
    i.await_type = "human";
    i.timeout_ns = INT64_C(3600000000000);
    i.waiters = "[\"a\",\"b\"]";
    issue_text_extras(&b, false, &i, false);
    expect(&b, "\nEXTENDED DETAILS\n  Estimated: 30 minutes\n"
               "\nGATE\n  Await type: human\n  Timeout: 1h0m0s\n  Waiters: a, b\n");
}

static void add_without_colour(struct buf *out, const char *s) {
    for (const char *escape; (escape = strstr(s, "\033[")); s = strchr(escape, 'm') + 1)
        buf_add(out, s, (size_t)(escape - s));
    buf_add_str(out, s);
}

static void colour_wraps_the_same_text(void **state) {
    (void)state;
    struct issue i = sample();
    struct buf plain = BUF_INIT, styled = BUF_INIT, cleaned = BUF_INIT;
    issue_text_pretty(&plain, false, &i);
    issue_text_pretty(&styled, true, &i);
    assert_non_null(strstr(buf_str(&styled), "\033["));
    add_without_colour(&cleaned, buf_str(&styled));
    assert_string_equal(buf_str(&cleaned), buf_str(&plain));
    buf_release(&plain);
    buf_release(&styled);
    buf_release(&cleaned);
}

static void feedback_cuts_titles(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    assert_string_equal(issue_text_feedback(&a, "t-1", "Title", 255), "t-1 — Title");
    assert_string_equal(issue_text_feedback(&a, "t-1", "Title", 3), "t-1 — Ti…");
    assert_string_equal(issue_text_feedback(&a, "t-1", "Title", 0), "t-1");
    assert_string_equal(issue_text_feedback_paren(&a, "t-1", "", 255), "t-1");
    assert_string_equal(issue_text_feedback_paren(&a, "t-1", "Title", 255), "t-1 (Title)");
    arena_release(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pretty_line_shows_badge_only_while_active),
        cmocka_unit_test(compact_line_tells_blockers),
        cmocka_unit_test(header_and_summary_are_those_of_show),
        cmocka_unit_test(metadata_is_sorted_and_unquoted),
        cmocka_unit_test(extras_print_only_what_is_set),
        cmocka_unit_test(colour_wraps_the_same_text),
        cmocka_unit_test(feedback_cuts_titles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
