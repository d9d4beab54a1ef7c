/* The short form of tests/crash/crash_doctor.c. */
#define CRASH_SHORT 25
#include "tests/crash/crash_doctor.c"
