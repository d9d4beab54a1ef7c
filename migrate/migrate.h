/*
 * Bringing the workspace of an SQLite-era tracker into the versioned database.
 *
 * What always holds: no byte of the old files changes, nor are they deleted. The new database is built
 * under another name, compared row by row with the old one, and appears by one rename; metadata.json is
 * written last. A kill or a power cut at any moment leaves the old workspace as it was, or the finished
 * new one, and running again completes it.
 */
#ifndef MIGRATE_MIGRATE_H
#define MIGRATE_MIGRATE_H

#include "base/err.h"
#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>

/* ---- the old file ---- */

/*
 * The SQLite file of a workspace: what metadata.json names, beads.db, issues.db, else the only *.db
 * that is no backup. BD_NOT_FOUND when there is none (err untouched), BD_INVALID when there are
 * several.
 */
int legacy_find(const char *beads_dir, struct arena *a, const char **path, struct err *err);

/* What an old file holds, as far as a look at it tells. */
struct legacy_summary {
    const char *path;
    uint64_t bytes, wal_bytes;
    const char *problem; /* not NULL: damaged or no tracker's file; the rest is then empty */
    const char *prefix, *bd_version; /* "" when the file does not say */
    bool beads_rust;
    uint64_t columns;                   /* of its table issues */
    uint64_t issues, wisps, tombstones; /* what rows of `issues` would become; tombstones stay behind */
    uint64_t labels, dependencies, comments, events, config; /* rows */
};
/* Looks at the file without changing anything, not even its -wal and -shm. BD_IO, BD_CORRUPT (with
 * `problem` set), BD_INVALID. */
int legacy_summarize(const char *path, struct arena *a, struct legacy_summary *out, struct err *err);

/*
 * How an old file and a present database compare: issues (and wisps) of the file that the database
 * lacks, and those that changed in the file after they did in the database. For `bd doctor` and for a
 * migration that finds a database.
 */
struct legacy_difference {
    uint64_t old_issues, new_issues, missing, newer;
    const char *samples[5]; /* ids, missing ones first */
    size_t sample_count;
    bool migrated; /* the database says that it came out of an SQLite file */
};
int legacy_compare(const char *path, const char *database_dir, struct arena *a,
                   struct legacy_difference *out, struct err *err);

/* ---- the migration ---- */

struct migrate_request {
    const char *beads_dir;
    const char *existing; /* directory of the database that the workspace has, NULL: none */
    const char *database; /* name of the new database; NULL: metadata.json's, else from the prefix */
    const char *repo_id, *clone_id; /* where the old file does not say; NULL: leave them out */
    const char *author, *email;     /* of the commits; NULL: root <root@%> */
    uint64_t batch_bytes;           /* of one transaction, 0: what suits; tests take less */
    /* Called now and then; total 0: not known. */
    void (*progress)(void *ctx, const char *what, uint64_t done, uint64_t total);
    void *progress_ctx;
};

enum migrate_state {
    MIGRATE_DONE,      /* the database was made now */
    MIGRATE_COMPLETED, /* it was there, complete, from a run that was interrupted */
    MIGRATE_CURRENT,   /* nothing to do: the workspace uses it already */
};
struct migrate_table {
    const char *name;
    uint64_t rows; /* written, and compared with the source */
};
struct migrate_result {
    enum migrate_state state;
    const char *source, *backup; /* backup NULL: none was needed */
    const char *database, *database_dir;
    const char *set_aside; /* an empty database that was in the way, or NULL */
    uint64_t issues, wisps, tombstones;
    struct migrate_table *tables; /* in the order of writing, empty ones left out */
    size_t table_count;
    const char **notes; /* whatever did not go to a column of its own: one sentence each */
    size_t note_count;
};
/*
 * BD_NOT_FOUND (no file), BD_CORRUPT (damaged: nothing was changed), BD_BUSY (another program has the
 * file open, or another migration runs), BD_EXISTS (there is a database that holds other data),
 * BD_NO_SPACE and BD_IO. Texts in `a`.
 */
int migrate_to_dolt(const struct migrate_request *rq, struct arena *a, struct migrate_result *out,
                    struct err *err);

/*
 * Moves the old file, its -wal, -shm and -journal into a new directory .beads/legacy-sqlite-<stamp>
 * (*dir, NULL when there was nothing). The backup stays where it is.
 */
int migrate_set_aside(const char *beads_dir, const char *source, struct arena *a, const char **dir,
                      size_t *files, struct err *err);

#endif
