/*
 * Three-way merge of root values (Dolt: go/libraries/doltcore/merge): tables, rows, cells, JSON
 * documents, foreign keys; what does not merge becomes artifacts of the table, as Dolt records them.
 *
 * merge.c: roots and the driver's entry; merge_rows.c: rows of one table; merge_artifacts.c: conflicts;
 * merge_json.c: documents; merge_schema.c: columns, indexes, checks; merge_keys.c: foreign keys and
 * what the merge violates.
 */
#ifndef STORE_DB_MERGE_H
#define STORE_DB_MERGE_H

#include "store/db/embedded.h"

struct merge_table_report {
    const char *table;
    uint64_t data_conflicts, violations;
    const char *schema_conflict; /* NULL: none */
};

struct merge {
    /* given */
    struct embedded *e;
    struct node_store *ns;
    struct hash base_commit, their_commit;
    tables_resolve_fn resolve; /* may be NULL */
    void *resolve_ctx;
    struct arena *a;
    struct err *err;
    /* the three states; `ours` becomes the result */
    struct embedded_txn ours, theirs, base;
    /* told */
    struct merge_table_report *reports;
    size_t report_count, report_capacity;
    uint64_t conflicts, violations, schema_conflicts;
};

/* Merges; *root is the merged root (with artifacts where there are conflicts), written to m->ns. */
int merge_roots(struct merge *m, const struct hash *base, const struct hash *ours,
                const struct hash *theirs, struct hash *root);
void merge_release(struct merge *m);

/* ---- merge_artifacts.c ---- */

/* What is told of a table; begun when it is asked for. */
struct merge_table_report *merge_report_for(struct merge *m, const char *table);

enum artifact_type {
    ARTIFACT_CONFLICT = 1,
    ARTIFACT_FOREIGN_KEY = 2,
    ARTIFACT_UNIQUE = 3,
    ARTIFACT_CHECK = 4,
    ARTIFACT_NOT_NULL = 5,
};

/* Artifacts of one table while it is merged. */
struct artifacts {
    struct table *t;
    struct edit_map map;
    struct tuple_desc desc;
    struct tree_type type;
    bool open;
};
/* Notes one; the first opens the table's artifacts. `info` is JSON. */
int artifacts_add(struct merge *m, struct artifacts *f, struct bytes key, enum artifact_type type,
                  const char *info, struct bytes value);
/* Writes what was noted. */
int artifacts_flush(struct merge *m, struct artifacts *f);

/* ---- merge_rows.c ---- */

/*
 * Applies their changes to our table. Columns of their and the base table are found by columns[i]: the
 * ordinal there of our visible column i, -1 = it does not have it. Rows are compared by cells when
 * schemas differ.
 */
struct merge_dropped {
    int ours, theirs, base; /* ordinals of a column that one side dropped; -1: there it is gone */
};
struct merge_null {
    struct bytes key,
        value; /* a row of ours that the merged schema's NOT NULL refuses; already removed */
    const char *info;
};
struct merge_sides {
    struct table *ours, *theirs, *base; /* base may be NULL */
    struct table *ours_before;          /* before it got the merged schema; NULL: as ours */
    const struct merge_dropped *dropped;
    size_t dropped_count;
    const struct merge_null *nulls;
    size_t null_count;
    const int *their_columns, *base_columns;
    const bool *ours_added; /* columns that our table got in this merge; NULL: none */
    bool same_schema;       /* all three alike: stored bytes may be compared and copied */
};
int merge_rows(struct merge *m, const struct merge_sides *s);

/* ---- merge_json.c ---- */
/* Merges three normalised documents; false: they conflict. The result is in the arena. */
bool merge_json(struct bytes base, struct bytes ours, struct bytes theirs, struct arena *a,
                struct bytes *out);

/* ---- merge_keys.c ---- */
/* Keys of three roots into ours. */
int merge_foreign_keys(struct merge *m);
/* Rows of the merged state without parents become artifacts. */
int merge_check_keys(struct merge *m);

/* ---- merge_schema.c ---- */
/*
 * Brings our table to the merged schema and fills *s. *conflict tells why the schemas do not merge (the
 * table is left as ours).
 */
int merge_schemas(struct merge *m, struct table *ours, struct table *theirs, struct table *base,
                  struct merge_sides *s, const char **conflict);

#endif
