/*
 * Recovering a database that has grown too large or is damaged, by the runbook: nobody else may hold
 * it, twice its size must be free, a verified copy is made first, then repair (what loses nothing),
 * collection, and a full check. If anything goes wrong the copy is put back.
 */
#ifndef STORE_DB_RECOVER_H
#define STORE_DB_RECOVER_H

#include "store/db/gc.h"
#include "store/db/repair.h"

enum recover_step {
    RECOVER_EXCLUDE, /* no other process holds it */
    RECOVER_SPACE,
    RECOVER_COPY, /* to .dolt.bak-<stamp>, verified */
    RECOVER_REPAIR,
    RECOVER_COLLECT,
    RECOVER_CHECK,
    RECOVER_ROLL_BACK,
    RECOVER_STEPS
};

struct recover_options {
    bool table_files; /* archive level 0 */
    bool full;        /* collect both generations */
    bool dry_run;     /* look, and say what would be done */
    bool ignore_space;
    /* Called when a step begins (done = total = 0) and while it goes on; false cancels before the
     * collection. */
    bool (*progress)(void *ctx, enum recover_step step, uint64_t done, uint64_t total);
    void *progress_ctx;
};

struct recover_result {
    struct arena arena; /* of the texts */
    const char *backup; /* the copy; kept in any case */
    const char *failed; /* what was rolled back was moved here; NULL: not rolled back */
    uint64_t bytes_before, bytes_after, bytes_free;
    unsigned percent; /* reclaimed */
    struct repair_result repair;
    bool repaired, collected, nothing_to_do, rolled_back;
    enum recover_step reached;
};
void recover_result_release(struct recover_result *r);

/*
 * `dir` holds .dolt. BD_BUSY somebody holds noms/LOCK, or a server runs; BD_NO_SPACE; BD_CORRUPT damage
 * that cannot be mended without loss (nothing was changed), or the check afterwards failed (rolled
 * back); BD_CANCELLED. *out is filled as far as it came, also after an error.
 */
int db_recover(const char *dir, const struct recover_options *o, struct recover_result *out,
               struct err *err);

/* Process id of the server that serves the database, or 0: from sql-server.info there or above. */
long db_server_pid(const char *dir);

#endif
