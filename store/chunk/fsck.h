/*
 * Checking a store without believing any of it: the findings, and the half of the check that knows
 * files and chunks but not what the chunks mean (store/db/fsck.h is the whole check and the one to
 * call).
 *
 * Nothing is written, no lock is taken; a damaged store that chunk_store_open refuses can be checked.
 */
#ifndef STORE_CHUNK_FSCK_H
#define STORE_CHUNK_FSCK_H

#include "base/err.h"
#include "base/mem.h"
#include "store/chunk/hash.h"

#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>

enum fsck_severity {
    FSCK_NOTE,    /* historic, unusual or wasteful; every program reads it */
    FSCK_WARNING, /* nothing committed is lost, but the store should be mended */
    FSCK_ERROR,   /* data is damaged or missing, or other programs refuse the store */
};

/* What is wrong. fsck_code_name gives the stable word for scripts ("journal-tail"). */
enum fsck_code {
    FSCK_MANIFEST_MISSING,
    FSCK_MANIFEST_DAMAGED,
    FSCK_MANIFEST_STALE, /* lock is not the hash of root and files; old version */
    FSCK_FILE_MISSING,   /* the manifest names it */
    FSCK_FILE_DAMAGED,   /* a table file or archive whose structure does not hold */
    FSCK_FILE_UNLISTED,  /* there, but the manifest does not name it */
    FSCK_FILE_TEMPORARY, /* left over by a writer that died */
    FSCK_JOURNAL_MISSING,
    FSCK_JOURNAL_TAIL, /* bytes behind the last valid record that no commit needs */
    FSCK_JOURNAL_LOSS, /* committed data behind a damaged place */
    FSCK_JOURNAL_NO_ROOT,
    FSCK_JOURNAL_DAMAGED, /* a record nobody understands, or the file cannot be read */
    FSCK_JOURNAL_DUPLICATE,
    FSCK_JOURNAL_UNLISTED,
    FSCK_JOURNAL_INDEX, /* an index (Dolt's or ours) that does not match */
    FSCK_GHOSTS_DAMAGED,
    FSCK_OLDGEN, /* the old generation contradicts the rules for it */
    FSCK_ROOT_MISSING,
    FSCK_STORE_EMPTY,
    FSCK_CHUNK_DAMAGED,    /* checksum, compression or hash */
    FSCK_CHUNK_DANGLING,   /* referenced, but in no file */
    FSCK_MESSAGE_DAMAGED,  /* the hash is right, the content no message */
    FSCK_MESSAGE_ENCODING, /* readable, but not the bytes Dolt would write */
    FSCK_UNREACHABLE,
    FSCK_TREE_SHAPE, /* boundaries, levels, counts, last keys */
    FSCK_TREE_ORDER,
    FSCK_TREE_ADDRESSES, /* the list of out-of-line values of a leaf */
    FSCK_REF_DAMAGED,    /* a branch, tag, working set, stash of the wrong kind or name */
    FSCK_REF_ODD,        /* working set without branch, merge in progress … */
    FSCK_REPO_STATE,     /* repo_state.json missing, unreadable, or naming no branch */
    FSCK_COMMIT_DAMAGED, /* height, parents */
    FSCK_CLOSURE_WRONG,
    FSCK_ROOT_VALUE,
    FSCK_SCHEMA,
    FSCK_ROW,         /* a row that its schema does not allow */
    FSCK_INDEX_WRONG, /* a secondary index that does not match the rows */
    FSCK_ARTIFACTS,
    FSCK_FOREIGN_KEY,      /* a definition that fits no tables */
    FSCK_FOREIGN_KEY_ROWS, /* rows without a parent (possible with the checks switched off) */
    FSCK_VALUE_DAMAGED,    /* a long text, JSON document or binary value */
    FSCK_SKIPPED,          /* could not be checked because of another finding */
    FSCK_CODES
};
const char *fsck_code_name(enum fsck_code code);
const char *fsck_severity_name(enum fsck_severity severity);

/* What would mend it (store/db/repair.h). */
enum fsck_repair {
    REPAIR_NONE,          /* nothing here: restore a backup, or re-clone */
    REPAIR_NOT_NEEDED,    /* harmless, or the next write or collection removes it */
    REPAIR_TAIL,          /* cut off what no commit needs */
    REPAIR_MANIFEST,      /* write it anew from the files and the journal */
    REPAIR_JOURNAL_INDEX, /* remove the index; it is made again */
    REPAIR_FILES,      /* bring a missing file or chunk back from where it lies, or an intact copy of a
                          damaged one */
    REPAIR_REVIVE,     /* cut the journal before the damage; later commits are lost */
    REPAIR_INDEXES,    /* make secondary indexes anew from the rows (working set) */
    REPAIR_REPO_STATE, /* write repo_state.json anew */
    REPAIR_RESET,      /* move a branch back to its newest whole commit */
    REPAIR_SALVAGE,    /* make a new journal of the sound records, if nothing reachable is lost */
    REPAIR_ACTIONS
};
const char *fsck_repair_name(enum fsck_repair repair);

/* Texts live in the report's arena. */
struct fsck_finding {
    enum fsck_severity severity;
    enum fsck_code code;
    enum fsck_repair repair;
    struct hash address; /* chunk or object; zero: none */
    const char *table;   /* "issues", "issues.idx_status"; NULL: none */
    const char *file;    /* path relative to the store directory ("oldgen/…"); NULL: none */
    const char *message; /* complete for a person */
};

struct fsck_report {
    struct arena arena;
    struct fsck_finding *findings;
    size_t count, capacity;
    size_t errors, warnings, notes; /* counted even when not listed */
    size_t per_code[FSCK_CODES], listed[FSCK_CODES];
    size_t per_code_max; /* findings of one code that are listed; 0 = 25 */
    struct fsck_summary {
        uint64_t files, chunks, bytes; /* bytes uncompressed; deep only, as all that follows */
        uint64_t reachable, unreachable, unreachable_bytes;
        uint64_t refs, commits, roots, tables, rows, values;
        struct hash root;
    } summary;
};
void fsck_report_init(struct fsck_report *r);
void fsck_report_release(struct fsck_report *r);

/* Adds a finding; equal texts of one code once. address, table, file may be NULL. */
void fsck_add(struct fsck_report *r, enum fsck_severity severity, enum fsck_code code,
              enum fsck_repair repair, const struct hash *address, const char *table, const char *file,
              const char *fmt, ...) __attribute__((format(printf, 8, 9)));

enum fsck_level {
    FSCK_QUICK, /* manifest, files, root, journal tail, heads and working sets readable: ~20 ms when
                   clean */
    FSCK_DEEP,  /* everything */
};
struct fsck_progress {
    const char *phase; /* "chunks", "references", "rows" … */
    uint64_t done, total;
};
struct fsck_options {
    enum fsck_level level;
    /* Called now and then from the calling thread (NULL: none); false cancels (BD_CANCELLED). */
    bool (*progress)(void *ctx, const struct fsck_progress *p);
    void *progress_ctx;
    const char *journal; /* deep: this file in place of the journal (a repair tries its result) */
};

/*
 * The directory's files: manifest, tables, archives, journal, indexes, ghosts. `dir` is a noms
 * directory or a bare store. BD_OK: looked at (findings tell); BD_NOT_FOUND: neither manifest nor
 * journal there.
 */
int chunk_fsck_files(const char *dir, const struct fsck_options *o, struct fsck_report *r,
                     struct err *err);

#endif
