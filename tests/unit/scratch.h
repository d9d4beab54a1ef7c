/* A folder for what a test program writes, below $TMPDIR, and where the shared files are. */
#ifndef TESTS_UNIT_SCRATCH_H
#define TESTS_UNIT_SCRATCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static char scratch[256];

/* Set-up of a group, or of one test: makes the folder. */
static inline int scratch_setup(void **state) {
    (void)state;
    const char *base = getenv("TMPDIR");
    snprintf(scratch, sizeof scratch, "%s/bd-test-XXXXXX", base && *base ? base : "/tmp");
    return mkdtemp(scratch) ? 0 : -1;
}

/* Removes it with all that is in it. */
static inline int scratch_teardown(void **state) {
    (void)state;
    char command[300];
    snprintf(command, sizeof command, "rm -rf '%s'", scratch);
    return system(command);
}

/* The files handed down with the project; they may be absent. */
static inline const char *shared_folder(void) {
    const char *given = getenv("BD_SHARED");
    return given ? given : "../shared";
}

#endif
