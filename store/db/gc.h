/*
 * Garbage collection of a database: what the roots reach is written anew, compactly, the rest goes.
 *
 * Everything that a branch or a remote branch reaches is "old" and goes into the old generation
 * (noms/oldgen), the rest (working sets, tags, the store root) into the new one, as Dolt does. The
 * sweep runs on a snapshot without any lock; only the difference to the newest root and the publishing
 * take noms/LOCK. Content, addresses and root stay what they were. A crash at any instant leaves the
 * old state, the new one, or the old one with files beside it that the next collection sweeps away.
 *
 * One collection at a time: its lock is oldgen/LOCK. Readers that opened their files before go on; a
 * transaction that built on a chunk which is gone now is run again by its writer.
 */
#ifndef STORE_DB_GC_H
#define STORE_DB_GC_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the files of a database take, in bytes. */
struct db_gc_sizes {
    uint64_t journal;
    uint64_t young; /* table files and archives of noms */
    uint64_t old;   /* those of noms/oldgen */
    uint64_t loose; /* files that no manifest names: left over, swept away by a collection */
    uint64_t total; /* all of these */
    size_t young_files, old_files, loose_files;
};

/* `dir` is the folder that holds `.dolt`. Looks at names and sizes only (well under a millisecond). */
int db_gc_sizes(const char *dir, struct db_gc_sizes *out, struct err *err);

enum db_gc_phase {
    DB_GC_WALK,    /* finding what is reachable; total is unknown (0) */
    DB_GC_WRITE,   /* writing it; done and total in chunks */
    DB_GC_PUBLISH, /* under the lock */
};

struct db_gc_options {
    bool full;         /* both generations are written anew, else the old one only grows */
    bool table_files;  /* archive level 0: table files instead of archives */
    bool dry_run;      /* find out what would be left, change nothing */
    bool no_wait;      /* BD_BUSY at once when another collection runs; else it is waited for (10 s) */
    bool ignore_space; /* do not ask for free space of twice the store's size */
    /* NULL: none. Called a few times a second; not BD_OK ends the collection, which changes nothing. */
    int (*progress)(void *ctx, enum db_gc_phase phase, uint64_t done, uint64_t total);
    void *progress_ctx;
};

struct db_gc_result {
    bool nothing_to_do; /* nothing was written since the last collection: nothing was done */
    struct db_gc_sizes before, after; /* dry run: after.total is the expectation, the rest is 0 */
    uint64_t kept_chunks;             /* reachable ones that were written (or would be) */
    uint64_t old_chunks;              /* of these, into the old generation */
};

/*
 * BD_BUSY another collection runs, or noms/LOCK could not be had; BD_NO_SPACE; BD_CORRUPT a chunk that
 * is needed is missing or damaged; BD_READ_ONLY a bare store; BD_CANCELLED. After any failure the
 * database is what it was.
 */
int db_gc(const char *dir, const struct db_gc_options *o, struct db_gc_result *out, struct err *err);

/*
 * What a collection would gain, without walking over anything: a guess from the sizes of the files and
 * the time-honoured ratios, for a doctor that has 50 ms. db_gc with dry_run tells it exactly.
 */
struct db_gc_estimate {
    struct db_gc_sizes sizes;
    bool worthwhile;      /* something was written since the last collection */
    uint64_t total_after; /* about */
};
int db_gc_estimate(const char *dir, struct db_gc_estimate *out, struct err *err);

/* --- automatic collection: a small piece of the work, done by the command that finds it due --- */

struct db_gc_step_options {
    uint64_t journal_bytes; /* due when the journal is longer (0: 16 MB) */
    uint64_t step_bytes;    /* how much one step reads at most, about, uncompressed (0: 48 MB) */
};

/*
 * True when a step is due: the journal is long, longer than the young files, and the last step was not
 * just now. Costs a stat or two.
 */
bool db_gc_step_due(const char *dir, const struct db_gc_step_options *o);

/*
 * Does one step: moves the oldest history from the journal to the old generation, and drops the journal
 * once all of it has moved; or, when enough archives of one size have come together, joins these, and
 * leaves the journal to the next step. Does nothing (BD_OK) while somebody else collects, or writes for
 * long, or the disk is nearly full.
 */
int db_gc_step(const char *dir, const struct db_gc_step_options *o, struct err *err);

#endif
