/*
 * A database whose replacement was interrupted between two renames, where the file system cannot
 * exchange names at once: nothing stands in its place then, and both the one that was to come and the
 * one that stood there lie beside it under other names. Nothing is removed here.
 */
#ifndef STORE_REMOTE_INTERRUPTED_H
#define STORE_REMOTE_INTERRUPTED_H

#include "base/err.h"
#include "base/mem.h"

#include <stdbool.h>

/* What stands beside a database `t` while it is replaced: .replaced-TIME-t/t and, in between,
 * .replaced-TIME-t/t.old */
#define INTERRUPTED_REPLACED ".replaced-"
#define INTERRUPTED_OLD ".old"

/* Paths in the arena. */
struct interrupted {
    const char *place;  /* where nothing stands: the database, or its .dolt */
    const char *ready;  /* what is to stand there, complete: the one that was to come, if it is whole */
    const char *former; /* what stood there; NULL when that is what is ready */
    const char *lock;   /* directory whose LOCK a running replacement holds */
};

/* Looks only. `dir` is the database's folder; false: there is none, or something stands in the place.
 */
bool interrupted_find(const char *dir, struct arena *a, struct interrupted *out);

/* The same for any database of a folder of databases. */
bool interrupted_find_in(const char *databases, struct arena *a, struct interrupted *out);

/*
 * Puts what is ready in its place, under the lock. BD_OK also when there is nothing to be done (*done
 * is false); BD_BUSY: the replacement is still under way.
 */
int interrupted_finish(const char *dir, bool *done, struct err *err);

#endif
