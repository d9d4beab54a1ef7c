/*
 * The same with collections of all kinds between the transactions, and so with cuts at all their
 * moments: they must change nothing that can be seen.
 *
 *   crash_gc [seeds [first seed]]
 */
#define CRASH_COLLECT
#include "tests/crash/crash_tables.c"
