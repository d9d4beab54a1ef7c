/* Issues as JSON: the order of the members and which are left out. */
#include "base/datetime.h"
#include "bd/ui/issue_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int64_t day(int d) { return datetime_from_civil(&(struct civil){2026, 2, d, 8, 0, 0, 0}); }

static struct issue small(void) {
    struct issue i;
    issue_init(&i);
    i.id = "t-1";
    i.title = "A <b>";
    i.priority = 0;
    i.created_at = day(1);
    i.updated_at = day(2);
    return i;
}

static void expect(void (*write)(struct json_writer *w, const void *what), const void *what,
                   const char *text) {
    struct buf b = BUF_INIT;
    struct json_writer w;
    json_begin(&w, &b, JSON_COMPACT);
    write(&w, what);
    json_end(&w);
    assert_string_equal(buf_str(&b), text);
    buf_release(&b);
}

static void issue(struct json_writer *w, const void *what) { issue_json(w, what); }
static void counts(struct json_writer *w, const void *what) { issue_json_with_counts(w, what, 0); }
static void details(struct json_writer *w, const void *what) { issue_json_details(w, what); }
static void dependency(struct json_writer *w, const void *what) { issue_json_dependency(w, what); }
static void link_shallow(struct json_writer *w, const void *what) { issue_json_link_shallow(w, what); }

static void unset_fields_are_left_out(void **state) {
    (void)state;
    struct issue i = small();
    expect(issue, &i,
           "{\"id\":\"t-1\",\"title\":\"A "
           "\\u003cb\\u003e\",\"status\":\"open\",\"priority\":0,\"issue_type\":\"task\","
           "\"created_at\":\"2026-02-01T08:00:00Z\",\"updated_at\":\"2026-02-02T08:00:00Z\"}");
}

static void set_fields_come_in_order(void **state) {
    (void)state;
    static const char *labels[] = {"a", "b"};
    struct dependency d = {
        .issue_id = "t-1", .depends_on_id = "t-2", .type = "blocks", .created_at = day(3)};
    struct issue i = small();
    i.description = "d";
    i.estimated_minutes = 0;
    i.closed_at = day(4);
    i.external_ref = "";
    i.metadata = "{\"k\":[1,\"x\"]}";
    i.labels = labels;
    i.label_count = 2;
    i.dependencies = &d;
    i.dependency_row_count = 1;
    i.pinned = true;
    i.waiters = "[\"w\"]";
    i.timeout_ns = 5;
    i.payload = "p";
    i.dependency_count = 1;
    i.parent = "t-9";
    expect(counts, &i,
           "{\"id\":\"t-1\",\"title\":\"A "
           "\\u003cb\\u003e\",\"description\":\"d\",\"status\":\"open\",\"priority\":0,"
           "\"issue_type\":\"task\",\"estimated_minutes\":0,\"created_at\":\"2026-02-01T08:00:00Z\","
           "\"updated_at\":\"2026-02-02T08:00:00Z\",\"closed_at\":\"2026-02-04T08:00:00Z\",\"external_"
           "ref\":\"\","
           "\"metadata\":{\"k\":[1,\"x\"]},\"labels\":[\"a\",\"b\"],\"dependencies\":[{\"issue_id\":"
           "\"t-1\","
           "\"depends_on_id\":\"t-2\",\"type\":\"blocks\",\"created_at\":\"2026-02-03T08:00:00Z\"}],"
           "\"pinned\":true,"
           "\"timeout\":5,\"waiters\":[\"w\"],\"payload\":\"p\",\"dependency_count\":1,\"dependent_"
           "count\":0,"
           "\"comment_count\":0,\"parent\":\"t-9\"}");
}

static void details_tell_counts_always_and_lists_when_asked(void **state) {
    (void)state;
    struct issue i = small();
    struct issue_link up = {small(), "parent-child", {0}};
    struct issue_details d = {
        .issue = &i, .dependents = &up, .dependent_count = 1, .counts = {0, 1, 0}};
    i.issue_type = "epic";
    up.issue.status = "closed";
    expect(details, &d,
           "{\"id\":\"t-1\",\"title\":\"A "
           "\\u003cb\\u003e\",\"status\":\"open\",\"priority\":0,\"issue_type\":\"epic\","
           "\"created_at\":\"2026-02-01T08:00:00Z\",\"updated_at\":\"2026-02-02T08:00:00Z\","
           "\"dependent_count\":1,"
           "\"dependency_count\":0,\"comment_count\":0}");
    d.with_dependents = true;
    expect(
        details, &d,
        "{\"id\":\"t-1\",\"title\":\"A "
        "\\u003cb\\u003e\",\"status\":\"open\",\"priority\":0,\"issue_type\":\"epic\","
        "\"created_at\":\"2026-02-01T08:00:00Z\",\"updated_at\":\"2026-02-02T08:00:00Z\","
        "\"dependents\":[{\"id\":\"t-1\","
        "\"title\":\"A \\u003cb\\u003e\",\"status\":\"closed\",\"priority\":0,\"issue_type\":\"task\","
        "\"created_at\":\"0001-01-01T00:00:00Z\",\"updated_at\":\"0001-01-01T00:00:00Z\","
        "\"dependency_type\":\"parent-child\"}],\"dependent_count\":1,\"dependency_count\":0,\"comment_"
        "count\":0,"
        "\"epic_total_children\":1,\"epic_closed_children\":1,\"epic_closeable\":true}");
    expect(link_shallow, &up,
           "{\"id\":\"t-1\",\"title\":\"A "
           "\\u003cb\\u003e\",\"status\":\"closed\",\"priority\":0,\"issue_type\":\"task\","
           "\"created_at\":\"0001-01-01T00:00:00Z\",\"updated_at\":\"0001-01-01T00:00:00Z\","
           "\"dependency_type\":\"parent-child\"}");
}

static void dependency_metadata_is_text_with_spaces(void **state) {
    (void)state;
    struct dependency d = {.issue_id = "a",
                           .depends_on_id = "b",
                           .type = "waits-for",
                           .created_at = day(3),
                           .created_by = "me",
                           .metadata = "{\"gate\":\"x,y:z\",\"n\":[1,2]}"};
    expect(dependency, &d,
           "{\"issue_id\":\"a\",\"depends_on_id\":\"b\",\"type\":\"waits-for\",\"created_at\":\"2026-"
           "02-03T08:00:00Z\","
           "\"created_by\":\"me\",\"metadata\":\"{\\\"gate\\\": \\\"x,y:z\\\", \\\"n\\\": [1, 2]}\"}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unset_fields_are_left_out),
        cmocka_unit_test(set_fields_come_in_order),
        cmocka_unit_test(details_tell_counts_always_and_lists_when_asked),
        cmocka_unit_test(dependency_metadata_is_text_with_spaces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
