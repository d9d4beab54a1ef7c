/*
 * What an export holds and in which order; and what an existing export file holds, so that nobody
 * overwrites more than he has.
 */
#ifndef BD_OPS_EXPORT_H
#define BD_OPS_EXPORT_H

#include "base/strmap.h"
#include "bd/ops/db_config.h"
#include "bd/ops/issue_rows.h"

struct export_options {
    bool all;           /* wisps, templates and infrastructure too */
    bool include_infra; /* infrastructure too */
    bool scrub;         /* without issues whose title looks like a test */
};

/*
 * Hands out every issue in search order (priority, newest first, id) with labels, comments,
 * dependencies (oldest first) and counts. The issue is valid during the call; memory stays bounded
 * however many there are. BD_DONE stops.
 */
typedef int (*export_issue_fn)(void *ctx, const struct issue *i);
int export_issues(const struct ops *o, struct tables_txn *x, const struct export_options *options,
                  export_issue_fn fn, void *ctx, struct err *err);
/* How many there are. */
int export_count(const struct ops *o, struct tables_txn *x, const struct export_options *options,
                 size_t *count, struct err *err);

struct export_memory {
    const char *key, *value;
};
/* Sorted by key, in `a`. */
int export_memories(struct tables_txn *x, struct arena *a, struct export_memory **list, size_t *count,
                    struct err *err);

/* "test something", "tmp-1", "debug x" … */
bool export_title_is_test(const char *title);

/* ---- an existing file ---- */

struct export_file {
    struct strmap ids;                  /* of its issue records, tombstones left out */
    size_t memories, filtered, unknown; /* records that an automatic export does not write */
    size_t bad_line;                    /* first line that is no record, 0 = none */
    struct err bad;                     /* what is wrong with it */
};
/* A missing file is an empty one. `infra`: types that automatic exports leave out. BD_IO. */
int export_file_read(const char *path, const struct text_list *infra, struct export_file *out,
                     struct err *err);
void export_file_release(struct export_file *f);
/* Ids of the file that neither table has. In `a`, sorted. */
int export_file_missing(const struct export_file *f, struct tables_txn *x, struct arena *a,
                        const char ***ids, size_t *count, struct err *err);

#endif
