/*
 * The roll-back of a recovery puts the copy in the place of what is there, which is kept: at once where
 * names can be exchanged, else in two steps, and a kill between them is finished later.
 */
#include "store/db/recover.h"
#include "store/remote/interrupted.h"
#include "tests/unit/fsck_help.h"

#include <errno.h>
#include <sys/wait.h>

static bool stop_at_collection(void *ctx, enum recover_step step, uint64_t done, uint64_t total) {
    (void)ctx;
    (void)done;
    (void)total;
    return step != RECOVER_COLLECT;
}

/* A recovery that is stopped when the copy has been made, and so rolls back. */
static void roll_back(const char *dir) {
    struct err err = ERR_INIT;
    struct recover_options o = {.progress = stop_at_collection, .ignore_space = true};
    struct recover_result r;
    assert_int_equal(db_recover(dir, &o, &r, &err), BD_CANCELLED);
    assert_true(r.rolled_back);
    assert_non_null(r.failed);
    assert_true(os_is_dir(r.failed) && os_is_dir(r.backup));
    recover_result_release(&r);
}

static int no_exchange(const char *one, const char *other) {
    (void)one;
    (void)other;
    errno = EINVAL;
    return -1;
}

static void the_copy_comes_back(void **state) {
    (void)state;
    for (int can = 0; can < 2; can++) {
        char dir[512];
        struct interrupted found;
        struct arena a = ARENA_INIT;
        struct os_ops ops = os_system_ops;
        make_database(dir);
        if (!can)
            ops.exchange = no_exchange;
        os_set_ops(&ops);
        roll_back(dir);
        os_set_ops(NULL);
        expect_rows(dir);
        assert_false(interrupted_find(dir, &a, &found));
        arena_release(&a);
    }
}

static int die_before_the_last(const char *from, const char *to) {
    size_t n = strlen(to);
    if (n > 6 && strcmp(to + n - 6, "/.dolt") == 0)
        _exit(77);
    return os_system_ops.rename(from, to);
}

static void a_kill_between_its_two_steps_is_finished(void **state) {
    (void)state;
    char dir[512];
    struct interrupted found;
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    bool done;
    int status;
    make_database(dir);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct os_ops ops = os_system_ops;
        ops.exchange = no_exchange;
        ops.rename = die_before_the_last;
        os_set_ops(&ops);
        roll_back(dir);
        _exit(1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 77);
    assert_true(interrupted_find(dir, &a, &found));
    assert_false(os_exists(found.place));
    assert_true(found.former && os_is_dir(found.former));
    check(interrupted_finish(dir, &done, &err), &err);
    assert_true(done);
    expect_rows(dir);
    assert_true(os_is_dir(found.former));
    arena_release(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_copy_comes_back),
        cmocka_unit_test(a_kill_between_its_two_steps_is_finished),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
