/* The short form of tests/crash/crash_gc.c. */
#define CRASH_SHORT 20
#include "tests/crash/crash_gc.c"
