/*
 * Row differences of all tables between two states, put in order for people: what belongs to one issue
 * stands together.
 */
#ifndef BD_OPS_VC_DIFF_H
#define BD_OPS_VC_DIFF_H

#include "store/db/tables.h"

struct vc_cell {
    const char *column;
    const char *from, *to; /* texts; NULL = NULL or no row */
    bool is_key, is_json;
};
struct vc_row {
    const char *table;
    const char *issue_id; /* the issue the row belongs to, or NULL */
    enum { VC_ADDED, VC_REMOVED, VC_MODIFIED } change;
    struct vc_cell *cells; /* keys, then for modified rows what changed, else what is set */
    size_t cell_count;
};
struct vc_diff {
    struct vc_row *rows; /* by issue, rows of no issue last; then table, then the engine's order */
    size_t count;
};
/* from NULL = HEAD, to NULL = WORKING; table and issue_id NULL = any. */
int vc_diff_load(struct tables *t, const char *from, const char *to, const char *table,
                 const char *issue_id, struct arena *a, struct vc_diff *out, struct err *err);
/* Text of a cell by column name ("" when unset); `after` chooses the side. */
const char *vc_row_text(const struct vc_row *r, const char *column, bool after);

struct vc_commit {
    struct tables_commit_info info;
    const char *hash;  /* text */
    const char **refs; /* names of branches and tags that point here */
    size_t ref_count;
};
struct vc_log_filter {
    const char *ref;      /* NULL = HEAD */
    const char *author;   /* part of the name or e-mail, in any case; NULL = any */
    int64_t since;        /* micros; INT64_MIN = any */
    const char *issue_id; /* only commits that changed this issue */
    uint64_t limit;       /* 0 = all */
};
/* The commits that pass, newest first; in `a`. */
int vc_log_load(struct tables *t, const struct vc_log_filter *f, struct arena *a,
                struct vc_commit **out, size_t *count, struct err *err);

#endif
