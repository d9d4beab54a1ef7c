/* The short form of tests/crash/crash_tables.c. */
#define CRASH_NO_MAIN
#include "tests/crash/crash_tables.c"

#include <setjmp.h>
#include <cmocka.h>

static void no_acknowledged_transaction_is_lost(void **state) {
    (void)state;
    const char *base = getenv("TMPDIR");
    char scratch[200], root[250];
    snprintf(scratch, sizeof scratch, "%s/bd-test-tables-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(scratch));
    snprintf(root, sizeof root, "%s/disk", scratch);
    for (uint64_t seed = 1; seed <= 30; seed++)
        if (!crash_seed(root, seed))
            fail_msg("%s", run.problem);
    power_run_shell("rm -rf '%s'", scratch);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_acknowledged_transaction_is_lost)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
