/*
 * Waiting for a lock with a time limit: flock has none, and polling starves under hundreds of writers.
 * So a helper thread waits in the kernel, whose queue is fair; when the time is over the helper
 * inherits the descriptor and closes it whenever the lock arrives.
 */
#include "store/chunk/lock.h"

#include "base/mem.h"
#include "base/os.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>

void store_lock_init(struct store_lock *l, const char *dir) {
    struct buf path = BUF_INIT;
    buf_addf(&path, "%s/LOCK", dir);
    *l = (struct store_lock){buf_detach(&path), -1, false};
}

struct waiter {
    pthread_mutex_t mutex;
    pthread_cond_t done_changed;
    int fd;
    bool done, abandoned;
    int error; /* errno of flock, 0 = granted */
};

static void waiter_free(struct waiter *w) {
    pthread_cond_destroy(&w->done_changed);
    pthread_mutex_destroy(&w->mutex);
    free(w);
}

static void *wait_in_kernel(void *arg) {
    struct waiter *w = arg;
    int error = os_flock(w->fd, LOCK_EX) < 0 ? errno : 0;
    pthread_mutex_lock(&w->mutex);
    w->done = true;
    w->error = error;
    bool abandoned = w->abandoned;
    pthread_cond_signal(&w->done_changed);
    pthread_mutex_unlock(&w->mutex);
    if (abandoned) {
        os_close(w->fd);
        waiter_free(w);
    }
    return NULL;
}

static struct timespec deadline_after(unsigned ms) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

static int64_t ms_until(const struct timespec *deadline) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return ((int64_t)deadline->tv_sec - now.tv_sec) * 1000 +
           (deadline->tv_nsec - now.tv_nsec) / 1000000;
}

/* Blocks until granted or the deadline. On timeout *fd belongs to the helper and becomes -1. */
static int flock_until(int *fd, const struct timespec *deadline) {
    struct waiter *w = mem_zalloc(1, sizeof *w);
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&w->done_changed, &clock);
    pthread_condattr_destroy(&clock);
    pthread_mutex_init(&w->mutex, NULL);
    w->fd = *fd;
    pthread_t thread;
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 64 << 10);
    pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
    int rc = pthread_create(&thread, &small, wait_in_kernel, w);
    pthread_attr_destroy(&small);
    if (rc != 0) {
        waiter_free(w);
        errno = rc;
        return -1;
    }
    pthread_mutex_lock(&w->mutex);
    while (!w->done && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&w->done_changed, &w->mutex, deadline);
    bool done = w->done;
    int error = w->error;
    w->abandoned = !done;
    pthread_mutex_unlock(&w->mutex);
    if (!done) {
        *fd = -1;
        errno = EWOULDBLOCK;
        return -1;
    }
    waiter_free(w);
    errno = error;
    return error ? -1 : 0;
}

bool store_lock_is_ours(const struct store_lock *l) {
    struct stat ours, named;
    return l->held && os_fstat(l->fd, &ours) == 0 && os_stat(l->path, &named) == 0 &&
           ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

int store_lock_take(struct store_lock *l, unsigned wait_ms, struct err *err) {
    struct timespec deadline = deadline_after(wait_ms);
    while (!l->held) {
        if (l->fd < 0) {
            l->fd = os_open(l->path, O_CREAT | O_RDWR, 0600);
            if (l->fd < 0)
                return err_errno(err, "cannot open %s", l->path);
        }
        int got = os_flock(l->fd, LOCK_EX | LOCK_NB);
        if (got < 0 && errno == EWOULDBLOCK && ms_until(&deadline) > 0)
            got = flock_until(&l->fd, &deadline);
        if (got < 0 && errno == EWOULDBLOCK)
            return err_set(err, BD_BUSY,
                           "%s is held by another process (waited %u ms): the database is locked by "
                           "another dolt process or a long write; try again",
                           l->path, wait_ms);
        if (got < 0)
            return err_errno(err, "cannot lock %s", l->path);
        l->held = true;
        if (!store_lock_is_ours(l)) { /* deleted while we waited: what we hold excludes nobody */
            l->held = false;
            os_close(l->fd);
            l->fd = -1;
        }
    }
    return BD_OK;
}

void store_lock_give(struct store_lock *l) {
    if (!l->held)
        return;
    l->held = false;
    if (os_flock(l->fd, LOCK_UN) < 0) {
        os_close(l->fd);
        l->fd = -1;
    }
}

void store_lock_close(struct store_lock *l) {
    if (l->fd >= 0)
        os_close(l->fd);
    free(l->path);
    *l = (struct store_lock){NULL, -1, false};
}
