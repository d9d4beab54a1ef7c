/* The short form of tests/bench/gc_day.c: 1,000 commits, and everything else smaller in proportion. */
#define GC_DAY_COMMITS 1000
#define GC_DAY_SLACK (UINT64_C(1) << 20)
#define GC_DAY_JOURNAL (UINT64_C(512) << 10)
#define GC_DAY_STEP (UINT64_C(2) << 20)
#define GC_DAY_NO_MAIN
#include "tests/bench/gc_day.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void a_store_stays_small_without_a_command_for_it(void **state) {
    char scratch[300];
    (void)state;
    assert_non_null(make_scratch(scratch));
    int rc = run_day(scratch, GC_DAY_COMMITS);
    remove_scratch(scratch);
    if (rc != BD_OK)
        fail_msg("%s", day.err.msg);
    assert_true(day.steps > 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_store_stays_small_without_a_command_for_it)};
    return cmocka_run_group_tests_name("gc_day", tests, NULL, NULL);
}
