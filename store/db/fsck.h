/*
 * The whole check of a database: files and chunks (store/chunk/fsck.h), then what the chunks mean:
 * references, commits and closures, trees, rows, indexes, values.
 */
#ifndef STORE_DB_FSCK_H
#define STORE_DB_FSCK_H

#include "store/chunk/fsck.h"

/*
 * Checks a database directory (holds .dolt), a .dolt or noms directory, or a bare store. Takes no lock
 * and writes nothing; a store that others write to is checked as of the start. The report must be
 * initialised.
 * BD_OK: checked, the findings tell what is wrong (clean: report->errors == 0). BD_NOT_FOUND: no
 * database there. BD_CANCELLED by the progress callback; BD_IO.
 */
int db_fsck(const char *dir, const struct fsck_options *o, struct fsck_report *r, struct err *err);

/* Which states of a damaged database can be read completely. */
struct fsck_ref {
    const char *name;         /* "refs/heads/main"; in the arena */
    struct hash head;         /* commit it names; zero when that cannot be told */
    bool head_whole;          /* everything below it is there and readable */
    bool working_whole;       /* the same for the working set; true when there is none */
    struct hash newest_whole; /* newest commit on its first-parent line that is whole; zero: none */
    uint64_t commits_lost;    /* commits on that line before it */
};
int db_fsck_refs(const char *dir, const struct fsck_options *o, struct arena *a, struct fsck_ref **refs,
                 size_t *count, struct err *err);

#endif
