/*
 * Independent pieces of one large job on all processors. Worth its threads from about a millisecond of
 * work.
 */
#ifndef BASE_PARALLEL_H
#define BASE_PARALLEL_H

#include <stddef.h>

#define PARALLEL_WIDTH_MAX 8u
/* Threads that parallel_run uses at most (processors this process may use, 1 to PARALLEL_WIDTH_MAX). */
unsigned parallel_width(void);

/*
 * Calls fn(ctx, 0) … fn(ctx, count - 1), each once, in any order and possibly at the same time; returns
 * when all are done. Threads that cannot be started are done without.
 */
void parallel_run(size_t count, void (*fn)(void *ctx, size_t i), void *ctx);

#endif
