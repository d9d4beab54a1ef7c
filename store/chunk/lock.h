/*
 * noms/LOCK: flock(2) on the whole file, the one lock that every writer of a store takes, real dolt
 * included. Existence and content of the file mean nothing.
 */
#ifndef STORE_CHUNK_LOCK_H
#define STORE_CHUNK_LOCK_H

#include "base/err.h"

#include <stdbool.h>

struct store_lock {
    char *path;
    int fd; /* -1 until first taken; kept open when released, so that cleaners of stale files see a user
             */
    bool held;
};

void store_lock_init(struct store_lock *l, const char *dir);
/* Waits at most wait_ms in the kernel's queue. BD_BUSY when it did not come to us in time. */
int store_lock_take(struct store_lock *l, unsigned wait_ms, struct err *err);
/* True while the path still names the file we hold: another program may have deleted it. */
bool store_lock_is_ours(const struct store_lock *l);
void store_lock_give(struct store_lock *l); /* no-op when not held */
void store_lock_close(struct store_lock *l);

#endif
