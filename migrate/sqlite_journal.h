/*
 * A transaction that SQLite did not finish in the time before the -wal: its rollback journal
 * (`<file>-journal`) holds the pages as they were. Here they are read instead of those in the file, so
 * that the file reads as SQLite would leave it after rolling back, and nothing is written.
 */
#ifndef MIGRATE_SQLITE_JOURNAL_H
#define MIGRATE_SQLITE_JOURNAL_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sqlite_journal;

/*
 * *out is NULL when there is nothing to roll back: no journal, or a finished one. BD_UNSUPPORTED for a
 * journal that is part of a transaction over several files.
 */
int sqlite_journal_open(const char *database, struct sqlite_journal **out, struct err *err);
void sqlite_journal_close(struct sqlite_journal *j); /* NULL is fine */
/* Size of the file before the transaction. */
int64_t sqlite_journal_file_size(const struct sqlite_journal *j);
/*
 * Where the bytes at `offset` of the file are: *size is cut to what lies in one page. True: in the
 * journal, read into out (or -1 in *size when that fails); false: in the file.
 */
bool sqlite_journal_read(const struct sqlite_journal *j, void *out, int64_t offset, int64_t *size);

#endif
