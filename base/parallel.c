/*
 * The pieces are taken in turn by as many threads as there are processors, the caller among them: with
 * no thread to be had the caller does it all.
 */
#include "base/parallel.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

unsigned parallel_width(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set))
        return 1;
    int n = CPU_COUNT(&set);
    return n < 1 ? 1 : n > (int)PARALLEL_WIDTH_MAX ? PARALLEL_WIDTH_MAX : (unsigned)n;
}

struct run {
    atomic_size_t next;
    size_t count;
    void (*fn)(void *ctx, size_t i);
    void *ctx;
};

static void *work(void *arg) {
    struct run *r = arg;
    for (size_t i; (i = atomic_fetch_add(&r->next, 1)) < r->count;)
        r->fn(r->ctx, i);
    return NULL;
}

void parallel_run(size_t count, void (*fn)(void *ctx, size_t i), void *ctx) {
    struct run r = {.count = count, .fn = fn, .ctx = ctx};
    pthread_t threads[PARALLEL_WIDTH_MAX];
    unsigned started = 0, width = count > 1 ? parallel_width() : 1;
    atomic_init(&r.next, 0);
    while (started + 1 < width && started + 1 < count &&
           pthread_create(&threads[started], NULL, work, &r) == 0)
        started++;
    work(&r);
    while (started)
        pthread_join(threads[--started], NULL);
}
