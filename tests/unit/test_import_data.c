/* Exports as lists of records of which most is read again when it is needed. */
#include "bd/ops/import_data.h"

#include "base/os.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct import_data data;
static struct arena memory;
static struct err err;

static int begin(void **state) {
    (void)state;
    data = (struct import_data)IMPORT_DATA_INIT;
    memory = (struct arena)ARENA_INIT;
    err = (struct err)ERR_INIT;
    return 0;
}

static int end(void **state) {
    (void)state;
    import_data_release(&data);
    arena_release(&memory);
    return 0;
}

static void take(const char *text) {
    if (import_data_parse(&data, text, strlen(text), &memory, &err) != BD_OK ||
        import_data_finish(&data, &memory, &err) != BD_OK)
        fail_msg("%s", err.msg);
}

static struct issue load(size_t n) {
    const struct import_issue *list = &data.issues[n];
    struct issue i;
    if (import_data_load(&data, &list, 1, &i, &memory, &err) != BD_OK)
        fail_msg("%s", err.msg);
    return i;
}

static void an_issue_is_read_again_from_its_line(void **state) {
    (void)state;
    take("\xEF\xBB\xBF{\"id\":\"t-1\",\"title\":\"one\",\"description\":\"a\\nb\"}\r\n"
         "\n"
         "{\"id\":\"t-2\",\"title\":\"two\",\"labels\":[\"x\"],\"dependencies\":[{\"issue_id\":\"t-2\","
         "\"depends_on_id\":\"t-1\",\"type\":\"blocks\"}]}");
    assert_int_equal(data.count, 2);
    assert_int_equal(data.dependency_count, 1);
    assert_string_equal(data.issues[1].dependencies[0].depends_on_id, "t-1");
    assert_string_equal(load(0).description, "a\nb");
    assert_string_equal(load(1).labels[0], "x");
    assert_string_equal(load(1).title, "two");
}

static void records_of_one_id_become_one_whole_issue(void **state) {
    (void)state;
    take("{\"id\":\"t-1\",\"title\":\"one\",\"labels\":[\"x\"],\"owner\":\"zoe\"}\n"
         "{\"id\":\"t-2\",\"title\":\"two\"}\n"
         "{\"id\":\"t-1\",\"title\":\"uno\",\"labels\":[\"y\"],\"status\":\"closed\"}\n"
         "{\"issue_id\":\"t-2\",\"label\":\"late\"}\n");
    assert_int_equal(data.count, 2);
    struct issue one = load(0), two = load(1);
    assert_string_equal(one.title, "uno");
    assert_string_equal(one.owner, "zoe");
    assert_int_equal(one.label_count, 2);
    assert_string_equal(data.issues[0].status, "closed");
    assert_string_equal(two.labels[0], "late");
}

static void issues_without_an_id_are_held_whole(void **state) {
    (void)state;
    take("{\"title\":\"none\",\"description\":\"d\"}\n{\"title\":\"none either\"}\n");
    assert_int_equal(data.count, 2);
    assert_string_equal(data.issues[0].whole->description, "d");
    assert_string_equal(load(1).title, "none either");
}

static void lines_may_be_longer_than_what_is_read_at_once(void **state) {
    (void)state;
    enum { LONG = 3 << 20 };
    struct buf b = BUF_INIT;
    for (int i = 0; i < 3; i++) {
        buf_addf(&b, "{\"id\":\"t-%d\",\"title\":\"t\",\"description\":\"", i);
        for (int k = 0; k < LONG / (i + 1); k++)
            buf_add_char(&b, (char)('a' + (k + i) % 26));
        buf_add_str(&b, "\"}\n");
    }
    take(buf_str(&b));
    assert_int_equal(data.count, 3);
    for (size_t i = 0; i < 3; i++) {
        struct issue one = load(i);
        assert_int_equal(strlen(one.description), LONG / (i + 1));
        assert_int_equal(one.description[1], 'b' + (int)i);
    }
    buf_release(&b);
}

static void a_line_that_cannot_be_read_is_named(void **state) {
    (void)state;
    static const char text[] = "{\"id\":\"t-1\",\"title\":\"one\"}\n\n{\"id\":\"t-2\",\"title\":\n";
    assert_int_equal(import_data_parse(&data, text, strlen(text), &memory, &err), BD_INVALID);
    assert_non_null(strstr(err.msg, "failed to parse JSONL line 3"));
}

static void a_file_that_changes_meanwhile_is_noticed(void **state) {
    (void)state;
    char path[300];
    const char *base = getenv("TMPDIR");
    static const char before[] =
        "{\"id\":\"t-1\",\"title\":\"one\"}\n{\"id\":\"t-2\",\"title\":\"two\"}\n";
    struct import_text text;
    struct issue i;
    snprintf(path, sizeof path, "%s/bd-test-import-XXXXXX", base ? base : "/tmp");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, before, strlen(before)), strlen(before));
    assert_int_equal(import_text_open(&text, path, &err), BD_OK);
    assert_int_equal(import_data_add(&data, &text, &memory, &err), BD_OK);
    assert_string_equal(load(1).title, "two");
    assert_int_equal(pwrite(fd, "T", 1, (off_t)strlen(before) - 6), 1); /* the t of "two" */
    const struct import_issue *first = &data.issues[0], *second = &data.issues[1];
    assert_int_equal(import_data_load(&data, &first, 1, &i, &memory, &err), BD_OK);
    assert_int_equal(import_data_load(&data, &second, 1, &i, &memory, &err), BD_CONFLICT);
    assert_int_equal(ftruncate(fd, 10), 0);
    assert_int_equal(import_data_load(&data, &second, 1, &i, &memory, &err), BD_CONFLICT);
    assert_non_null(strstr(err.msg, "changed while it was imported"));
    close(fd);
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_issue_is_read_again_from_its_line, begin, end),
        cmocka_unit_test_setup_teardown(records_of_one_id_become_one_whole_issue, begin, end),
        cmocka_unit_test_setup_teardown(issues_without_an_id_are_held_whole, begin, end),
        cmocka_unit_test_setup_teardown(lines_may_be_longer_than_what_is_read_at_once, begin, end),
        cmocka_unit_test_setup_teardown(a_line_that_cannot_be_read_is_named, begin, end),
        cmocka_unit_test_setup_teardown(a_file_that_changes_meanwhile_is_noticed, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
