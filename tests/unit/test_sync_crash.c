/* The short form of tests/crash/crash_sync.c. */
#define CRASH_SHORT 12
#include "tests/crash/crash_sync.c"
