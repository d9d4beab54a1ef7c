/* The short form of tests/crash/crash_migrate.c. */
#define CRASH_SHORT 25
#include "tests/crash/crash_migrate.c"
