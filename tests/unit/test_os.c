/* The file layer: whole-file helpers, short transfers, error codes. */
#include "base/os.h"
#include "tests/unit/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *in_dir(const char *name) {
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", scratch, name);
    return path;
}

static void atomic_write_replaces_whole_content(void **state) {
    (void)state;
    char *data;
    size_t size;
    assert_int_equal(os_write_file_atomic(in_dir("f"), "first version", 13, 0644), 0);
    assert_int_equal(os_write_file_atomic(in_dir("f"), "2nd", 3, 0644), 0);
    assert_int_equal(os_read_file(in_dir("f"), 100, &data, &size), 0);
    assert_int_equal(size, 3);
    assert_string_equal(data, "2nd");
    free(data);
    char command[300];
    snprintf(command, sizeof command, "test $(ls -A '%s' | wc -l) = 1", scratch);
    assert_int_equal(system(command), 0); /* no temporary file is left */
    assert_int_equal(os_write_file_atomic(in_dir("none/f"), "x", 1, 0644), -1);
    assert_int_equal(errno, ENOENT);
}

static void read_file_refuses_more_than_the_limit(void **state) {
    (void)state;
    char *data;
    size_t size;
    assert_int_equal(os_write_file_atomic(in_dir("g"), "0123456789", 10, 0600), 0);
    assert_int_equal(os_read_file(in_dir("g"), 9, &data, &size), -1);
    assert_int_equal(errno, EFBIG);
    assert_int_equal(os_read_file(in_dir("g"), 10, &data, &size), 0);
    assert_int_equal(size, 10);
    free(data);
    assert_int_equal(os_read_file(scratch, 10, &data, &size), -1);
    assert_int_equal(errno, EISDIR);
}

static ssize_t short_pread(int fd, void *buf, size_t size, off_t offset) {
    return pread(fd, buf, size > 3 ? 3 : size, offset);
}
static ssize_t short_pwrite(int fd, const void *buf, size_t size, off_t offset) {
    static int calls;
    if (++calls % 3 == 0) {
        errno = EINTR;
        return -1;
    }
    return pwrite(fd, buf, size > 2 ? 2 : size, offset);
}

static void short_transfers_are_completed(void **state) {
    (void)state;
    struct os_ops table = os_system_ops;
    table.pread = short_pread;
    table.pwrite = short_pwrite;
    os_set_ops(&table);
    int fd = os_open(in_dir("h"), O_CREAT | O_RDWR, 0600);
    assert_true(fd >= 0);
    char back[11] = "";
    int wrote = os_pwrite_all(fd, "hello world", 11, 0);
    int got = os_pread_all(fd, back, 11, 0);
    int beyond = os_pread_all(fd, back, 11, 1);
    int number = errno;
    os_set_ops(NULL);
    assert_int_equal(wrote, 0);
    assert_int_equal(got, 0);
    assert_int_equal(beyond, -1);
    assert_int_equal(number, EIO);
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    os_close(fd);
}

static void mkdir_p_makes_all_parents(void **state) {
    (void)state;
    assert_int_equal(os_mkdir_p(in_dir("a/b/c"), 0755), 0);
    assert_true(os_is_dir(in_dir("a/b/c")));
    assert_int_equal(os_mkdir_p(in_dir("a/b/c"), 0755), 0);
    assert_int_equal(os_write_file_atomic(in_dir("a/file"), "", 0, 0600), 0);
    assert_true(os_exists(in_dir("a/file")));
    assert_false(os_is_dir(in_dir("a/file")));
    assert_int_equal(os_mkdir_p(in_dir("a/file"), 0755), -1);
    assert_int_equal(os_mkdir_p(in_dir("a/file/x"), 0755), -1);
    assert_int_equal(os_fsync_dir(in_dir("a")), 0);
    assert_int_equal(os_fsync_dir(in_dir("zz")), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(atomic_write_replaces_whole_content),
        cmocka_unit_test(read_file_refuses_more_than_the_limit),
        cmocka_unit_test(short_transfers_are_completed),
        cmocka_unit_test(mkdir_p_makes_all_parents),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
