/*
 * Mending a database without ever dropping reachable data.
 *
 * Before the first change the files that will change are copied to <db>/.dolt/repair-<stamp>/ and
 * synced. Each repair is safe against a power cut at any instant: afterwards the store is as before, or
 * repaired. Only two repairs give up data, both only when asked for by name: REPAIR_REVIVE (Dolt's
 * --revive-journal-with-data-loss) and REPAIR_RESET (a branch goes back to its newest whole commit).
 */
#ifndef STORE_DB_REPAIR_H
#define STORE_DB_REPAIR_H

#include "store/db/fsck.h"

#define REPAIR_BIT(action) (1u << (action))
/* Everything that loses nothing. */
#define REPAIR_SAFE                                                                                    \
    (REPAIR_BIT(REPAIR_TAIL) | REPAIR_BIT(REPAIR_MANIFEST) | REPAIR_BIT(REPAIR_JOURNAL_INDEX) |        \
     REPAIR_BIT(REPAIR_FILES) | REPAIR_BIT(REPAIR_INDEXES) | REPAIR_BIT(REPAIR_REPO_STATE) |           \
     REPAIR_BIT(REPAIR_SALVAGE))

struct repair_options {
    unsigned actions;          /* REPAIR_BITs; what the findings do not call for is left out */
    bool dry_run;              /* only say what would be done */
    const char *branch;        /* REPAIR_RESET: this branch ("main"); NULL: every damaged one */
    const char *const *search; /* REPAIR_FILES: more directories to look for missing files in */
    size_t search_count;
    const char *author, *email; /* of commits that REPAIR_INDEXES makes; NULL: root <root@%> */
    unsigned lock_wait_ms;      /* 0 = 1 s */
    bool (*progress)(void *ctx, const struct fsck_progress *p);
    void *progress_ctx;
};

struct repair_step {
    enum fsck_repair action;
    bool done;           /* false: would be (dry run), or could not be: message says why */
    const char *message; /* what was done, and what it cost; complete for a person */
};
/* Texts live in the arena. */
struct repair_result {
    struct arena arena;
    const char *aside; /* directory with the originals; NULL when nothing was changed */
    struct repair_step *steps;
    size_t count, capacity;
    bool lost_data; /* a revive or reset gave up something; the steps say what */
};
void repair_result_release(struct repair_result *r);

/*
 * Checks, mends what `actions` allows, and leaves it to the caller to check again. Needs noms/LOCK.
 * BD_OK also when there was nothing to do (count 0). BD_BUSY: a process holds the store; BD_NO_SPACE:
 * not enough for the copies; BD_NOT_FOUND; BD_IO. After an error the steps tell how far it came.
 */
int db_repair(const char *dir, const struct repair_options *o, struct repair_result *r,
              struct err *err);

/*
 * Dolt's --revive-journal-with-data-loss: copies the journal aside (…_save_<date>_<second of day>),
 * cuts it at the last good record. BD_INVALID "no data loss detected in chunk journal file; no recovery
 * performed". *saved (arena) is the copy.
 */
int db_revive_journal(const char *dir, struct arena *a, const char **saved, uint64_t *cut_bytes,
                      struct err *err);

#endif
