/*
 * The same with squashing of the history and collections between the transactions: no state that was
 * acknowledged is lost, and what remains of the history is in order.
 *
 *   crash_squash [seeds [first seed]]
 */
#define CRASH_SQUASH
#define CRASH_COLLECT
#include "tests/crash/crash_tables.c"
