/* The short form of tests/crash/crash_repair.c. */
#define CRASH_SHORT 60
#include "tests/crash/crash_repair.c"
