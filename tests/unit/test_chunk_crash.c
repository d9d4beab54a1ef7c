/* The short form of tests/crash/crash_chunk_store.c. */
#define CRASH_SHORT 40
#include "tests/crash/crash_chunk_store.c"
