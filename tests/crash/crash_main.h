/*
 * What the programs of tests/crash share: how one life of a disk ends (an error, a kill, the power),
 * the sentence that says what went wrong, and a main that goes through seeds.
 *
 * A program defines `static bool crash_seed(const char *root, uint64_t seed)`: one disk, below `root`,
 * from its first to its last life; false after crash_problem(). It ends with
 * CRASH_MAIN(number of seeds). Its short form in tests/unit defines CRASH_SHORT as a smaller
 * number and includes the program.
 */
#ifndef TESTS_CRASH_MAIN_H
#define TESTS_CRASH_MAIN_H

#include "tests/crash/power_cut.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>

#ifdef CRASH_SHORT
#include <cmocka.h>
#endif

static char crash_problem_text[2000];
static uint64_t crash_seed_now;

/* Keeps the sentence for main; always false. */
static bool crash_problem(const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    int n = snprintf(crash_problem_text, sizeof crash_problem_text,
                     "seed %llu: ", (unsigned long long)crash_seed_now);
    vsnprintf(crash_problem_text + n, sizeof crash_problem_text - (size_t)n, format, ap);
    va_end(ap);
    return false;
}

/* A disk with nothing on it, whose luck is decided by `seed`. */
static inline void crash_empty_disk(const char *root, uint64_t seed) {
    power_run_shell("rm -rf '%s' && mkdir '%s'", root);
    power_start(root, seed);
}

/*
 * Chooses how the coming life ends, within about `operations` operations or one of the first `syncs`
 * syncs (or one of the first two). True: by a power cut.
 */
static bool crash_arm(uint64_t operations, uint64_t syncs) {
    static const int errors[] = {ENOSPC, EIO, EDQUOT};
    uint64_t kind = power_random(4); /* 0: an error, 1: a kill, else: the power */
    long moment = power.operations + 1 + (long)power_random(operations);
    if (kind == 0) {
        power.fail_at = moment;
        power.fail_errno = errors[power_random(3)];
    } else if (power_random(2)) {
        power.stop_at = moment;
    } else {
        power.stop_sync = 1 + (long)power_random(power_random(2) ? 2 : syncs);
    }
    return kind >= 2;
}

/* The life is over: the power comes back, or the machine just goes on. */
static void crash_next_life(bool cut) {
    if (cut) {
        power_cycle();
        return;
    }
    power.stopped = power.failed = false;
    power.stop_at = power.fail_at = power.stop_sync = 0;
}

/*
 * The lives of a disk, in each of which processes run sessions until it ends, or have run six. What
 * `check` then finds must be as it should; `after_cut`: only what is durable is there.
 */
static inline bool crash_lives(int lives, void (*session)(void), bool (*check)(bool after_cut)) {
    bool ok = true;
    for (int life = 0; life < lives && ok; life++) {
        bool cut = crash_arm(70, 14);
        for (int s = 0; s < 6 && !power.stopped && !crash_problem_text[0]; s++)
            session();
        crash_next_life(cut);
        ok = !crash_problem_text[0] && check(cut);
    }
    return ok;
}

/* `seeds` disks from number `first` on, below a scratch folder; how many failed, at most five. */
static int crash_disks(uint64_t first, uint64_t seeds, bool (*seed)(const char *root, uint64_t seed)) {
    const char *base = getenv("TMPDIR");
    char scratch[200], root[250];
    int failures = 0;
    snprintf(scratch, sizeof scratch, "%s/bd-crash-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(scratch))
        return 1;
    snprintf(root, sizeof root, "%s/disk", scratch);
    for (uint64_t s = first; s < first + seeds && failures < 5; s++) {
        crash_seed_now = s;
        crash_problem_text[0] = 0;
        if (!seed(root, s)) {
            fprintf(stderr, "%s\n", crash_problem_text);
            failures++;
        }
        power_forget();
        os_set_ops(NULL);
    }
    power_run_shell("rm -rf '%s'", scratch);
    return failures;
}

#ifdef CRASH_SHORT
#define CRASH_MAIN(seeds)                                                                              \
    static void nothing_acknowledged_is_lost(void **state) {                                           \
        (void)state;                                                                                   \
        assert_int_equal(crash_disks(1, CRASH_SHORT, crash_seed), 0);                                  \
    }                                                                                                  \
    int main(void) {                                                                                   \
        const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_acknowledged_is_lost)};            \
        return cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL);                               \
    }
#else
/* NAME [seeds [first seed]] */
#define CRASH_MAIN(seeds)                                                                              \
    int main(int argc, char **argv) {                                                                  \
        uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : seeds;                                   \
        int failures = crash_disks(argc > 2 ? strtoull(argv[2], NULL, 10) : 1, n, crash_seed);         \
        printf("%llu disks, %d failures\n", (unsigned long long)n, failures);                          \
        return failures > 0;                                                                           \
    }
#endif

#endif
