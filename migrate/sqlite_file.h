/*
 * Opening an SQLite file of unknown origin so that nothing of it can change: reads go through
 * base/os.h, writes do not exist, the -wal is read as it is and its index is kept in memory, a rollback
 * journal stands before the file (sqlite_journal.h), no lock is taken.
 */
#ifndef MIGRATE_SQLITE_FILE_H
#define MIGRATE_SQLITE_FILE_H

#include "base/err.h"

#include <sqlite3.h>
#include <stdbool.h>

/* BD_IO, BD_CORRUPT (no SQLite file, or damaged: the pages and records were all looked at). */
int sqlite_file_open(const char *path, sqlite3 **out, struct err *err);
void sqlite_file_close(sqlite3 *db); /* NULL is fine */
/* The code and message of the last failure on db. */
int sqlite_file_error(sqlite3 *db, const char *path, struct err *err);
/* A statement to step through; text is constant or built from names that were quoted. */
int sqlite_file_prepare(sqlite3 *db, const char *path, const char *sql, sqlite3_stmt **out,
                        struct err *err);

#endif
