/*
 * Rows of `dependencies` and `wisp_dependencies`, whatever shape the database gives them.
 *
 * Two shapes exist. The present one has a row id and the target in exactly one of depends_on_issue_id,
 * depends_on_wisp_id and depends_on_external. Older databases have one column depends_on_id and the key
 * (issue_id, depends_on_id). Only this file knows the difference.
 */
#ifndef BD_OPS_DEPENDENCY_ROWS_H
#define BD_OPS_DEPENDENCY_ROWS_H

#include "bd/ops/issue.h"

enum dependency_end { DEPENDENCY_BY_SOURCE, DEPENDENCY_BY_TARGET };
enum dependency_flags {
    DEPENDENCY_REGULAR = 1, /* rows of `dependencies` */
    DEPENDENCY_WISP = 2,    /* rows of `wisp_dependencies` */
    DEPENDENCY_BOTH = 3,
    DEPENDENCY_METADATA = 4, /* fill metadata and thread_id too (they cost a look-up per row) */
};
/* d lives in the arena of the scan. BD_DONE stops. */
typedef int (*dependency_fn)(void *ctx, const struct dependency *d, bool in_wisp_table);

/*
 * All rows whose source (or target) is one of `ids`; ids NULL: every row. Many ids are answered by one
 * scan of the table, few by the index.
 */
int dependency_scan(struct tables_txn *x, enum dependency_end end, const char *const *ids,
                    size_t id_count, unsigned flags, struct arena *a, dependency_fn fn, void *ctx,
                    struct err *err);

/* The same collected in an array. */
struct dependency_list {
    struct dependency *items;
    size_t count;
};
int dependency_load(struct tables_txn *x, enum dependency_end end, const char *const *ids,
                    size_t id_count, unsigned flags, struct arena *a, struct dependency_list *out,
                    struct err *err);

/*
 * The target of every row of this type that points to one of a few ids, as often as it is pointed to.
 * An index alone answers that, so it costs much less than the rows.
 */
typedef void (*dependency_target_fn)(void *ctx, const char *id, size_t size);
int dependency_targets(struct tables_txn *x, const char *type, const char *const *ids, size_t id_count,
                       struct arena *a, dependency_target_fn fn, void *ctx, struct err *err);

/* Writes d (target kind already decided) into the table of its source. d->id may be NULL: one is made.
 * created_at ISSUE_NO_TIME: the transaction's now. BD_CONSTRAINT when the pair exists. */
int dependency_row_insert(struct tables_txn *x, const struct dependency *d, bool source_is_wisp,
                          struct err *err);
/* Removes every row source → target; *deleted counts them. */
int dependency_row_delete(struct tables_txn *x, const char *source, const char *target,
                          bool source_is_wisp, uint64_t *deleted, struct err *err);
/* Removes the rows of a table that point to a target or come from a source, in `flags`' tables. */
int dependency_rows_delete(struct tables_txn *x, enum dependency_end end, const char *id,
                           unsigned flags, uint64_t *deleted, struct err *err);
int dependency_row_set_metadata(struct tables_txn *x, const struct dependency *d, bool source_is_wisp,
                                const char *metadata, struct err *err);

#endif
