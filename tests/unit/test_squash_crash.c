/* The short form of tests/crash/crash_squash.c. */
#define CRASH_SHORT 15
#include "tests/crash/crash_squash.c"
