/*
 * The old files of a workspace as files: locking them against other programs, and the backup that the
 * migration reads from.
 */
#ifndef MIGRATE_SOURCE_H
#define MIGRATE_SOURCE_H

#include "base/err.h"
#include "base/mem.h"

/*
 * Keeps other programs from writing the file until source_unlock: takes the lock that SQLite takes
 * before it writes. BD_BUSY when somebody has the file open. *fd is -1 where the file system has no
 * such locks.
 */
int source_lock(const char *path, int *fd, struct err *err);
void source_unlock(int fd);

/*
 * `<name>.backup-pre-dolt-YYYYMMDD-HHMMSS[-N].db` beside the file, with its -wal or -journal; durable.
 * A backup of the same bytes that is there already (from a run that was interrupted) is taken instead.
 */
int source_backup(const char *path, struct arena *a, const char **backup, struct err *err);

/* YYYYMMDD-HHMMSS of now, local time. */
const char *source_stamp(struct arena *a);
/* Directory part of a path, in the arena. */
const char *source_directory(const char *path, struct arena *a);

#endif
