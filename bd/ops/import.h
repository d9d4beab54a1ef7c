/*
 * Putting an export file into the database: all of it or nothing, in one transaction.
 *
 * What always holds: everything is checked before the first row is written; an issue never goes back in
 * updated_at; an existing issue loses no label, comment or dependency; a record of an existing id stays
 * in the family (issues or wisps) where the id lives.
 */
#ifndef BD_OPS_IMPORT_H
#define BD_OPS_IMPORT_H

#include "bd/ops/import_data.h"
#include "bd/ops/ops.h"

struct import_options {
    const char
        *source; /* what the commit message calls the file; NULL: no commit of its own (auto-import) */
    const char *message; /* the whole commit message; NULL: "bd import: N issues from <source>" */
    const char *actor;   /* NULL: the one of ops */
    /*
     * Where the records can be read again: `forget` is called when they are not needed any more (it
     * releases the data), `reload` when the transaction has to run anew. Both or neither.
     */
    void (*forget)(void *ctx);
    int (*reload)(void *ctx, struct err *err);
    void *reload_ctx;
    import_progress_fn progress; /* NULL: none; may be called from any thread, by one at a time */
    void *progress_ctx;
    bool dedup;         /* leave out records whose title an open issue has */
    bool keep_existing; /* existing ids are left untouched */
    bool only_if_empty; /* do nothing when there is an issue or wisp */
};
/* A type and how many issues came with it. */
struct import_type {
    const char *name;
    size_t count;
};
struct import_result {
    size_t imported, stale, duplicates, memories;
    size_t settings, events; /* of a backup set, that were not here */
    size_t lost_events;      /* … of issues that are not here */
    bool not_empty;          /* only_if_empty, and it was not */
    const char **ids;        /* of the imported issues, in file order */
    size_t id_count;
    const char **stale_ids; /* the database has them newer */
    size_t stale_count;
    const char **skipped_dependencies; /* "a -> b: why" */
    size_t skipped_count;
    struct import_type *unknown_types; /* taken as they are although nothing here knows them */
    size_t unknown_type_count;
};
/*
 * Everything in the result lives in `a`. BD_INVALID `validation failed for issue X: …`, and what the
 * store returns; then nothing has changed.
 */
int import_run(struct ops *o, struct import_data *d, const struct import_options *options,
               struct arena *a, struct import_result *out, struct err *err);
/* How many issues an import with `dedup` would leave out. */
int import_count_duplicates(struct tables_txn *x, const struct import_data *d, size_t *count,
                            struct err *err);

#endif
