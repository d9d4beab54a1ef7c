/* The short form of tests/crash/crash_tables.c. */
#define CRASH_SHORT 30
#include "tests/crash/crash_tables.c"
