/*
 * Inside the migrate room: an old file being read. Its rows come out as rows of the present tables, the
 * same ones in every pass over the file; ids that the old tables counted become UUIDs made from the
 * rows.
 */
#ifndef MIGRATE_LEGACY_H
#define MIGRATE_LEGACY_H

#include "base/strmap.h"
#include "migrate/sqlite_file.h"
#include "store/db/tables.h"

enum legacy_target {
    LEGACY_ISSUES,
    LEGACY_WISPS,
    LEGACY_LABELS,
    LEGACY_WISP_LABELS,
    LEGACY_DEPENDENCIES,
    LEGACY_WISP_DEPENDENCIES,
    LEGACY_COMMENTS,
    LEGACY_WISP_COMMENTS,
    LEGACY_EVENTS,
    LEGACY_WISP_EVENTS,
    LEGACY_CHILD_COUNTERS,
    LEGACY_WISP_CHILD_COUNTERS,
    LEGACY_ISSUE_SNAPSHOTS,
    LEGACY_COMPACTION_SNAPSHOTS,
    LEGACY_REPO_MTIMES,
    LEGACY_ISSUE_COUNTER,
    LEGACY_CONFIG,
    LEGACY_METADATA,
    LEGACY_TARGETS
};
extern const char *const legacy_target_names[LEGACY_TARGETS];

enum legacy_kind { LEGACY_ISSUE, LEGACY_WISP, LEGACY_TOMBSTONE };

struct legacy_node {
    const char *id;
    int64_t row; /* its rowid */
    enum legacy_kind kind;
    bool active, closed, blocked;
    bool child_open, child_closed; /* among its parent-child children */
};

/* Something that did not simply move into a column of the same name. */
enum legacy_trouble {
    LEGACY_FINE,
    LEGACY_SHORTENED,
    LEGACY_BAD_TEXT, /* not UTF-8 */
    LEGACY_BAD_TIME,
    LEGACY_BAD_NUMBER, /* or out of range */
    LEGACY_BAD_JSON,
    LEGACY_NO_COLUMN, /* the present table has none for it */
    LEGACY_ORPHAN,    /* belongs to an issue that does not exist */
    LEGACY_DELETED,   /* belongs to a tombstone */
    LEGACY_DUPLICATE, /* another edge between the same two */
    LEGACY_SAME_KEY,
    LEGACY_STATE, /* rows about JSONL export */
    LEGACY_NO_TABLE
};
struct legacy_note {
    const char *table, *column; /* column NULL: whole rows */
    enum legacy_trouble what;
    uint64_t count;
};

/* Two or more edges between one pair; the present schema has room for one. */
struct legacy_pair {
    const char *type; /* of the one that stays */
    struct buf also;  /* JSON strings of the other types, comma between them */
    bool seen;        /* in this pass */
};

struct legacy {
    sqlite3 *db;
    const char *path;
    struct arena *a;          /* lives as long as this */
    struct strmap nodes;      /* id → struct legacy_node */
    struct strmap pairs;      /* "issue\0target" → struct legacy_pair */
    struct strmap frozen;     /* ids with snapshots, which no wisp can have */
    struct strmap odd_labels; /* id → struct buf: its odd labels, JSON texts, comma between them */
    uint64_t kinds[3];        /* how many of each enum legacy_kind */
    uint64_t columns;         /* of `issues` */
    bool has_rowids;          /* … can be asked for by their rowid */
    bool beads_rust;
    const char *edges_sql; /* one row per edge, wherever the old schema keeps it; NULL: nowhere */
    struct legacy_note *notes;
    size_t note_count, note_capacity;
    bool taking_notes; /* the first pass does */
    void (*progress)(void *ctx, const char *what, uint64_t done, uint64_t total);
    void *progress_ctx;
    const char *progress_what;
};

/* Opens the file, checks it, and reads what decides where rows go. BD_INVALID: no tracker's file. */
int legacy_open(struct legacy *l, const char *path, struct arena *a, struct err *err);
void legacy_close(struct legacy *l);

bool legacy_has_table(struct legacy *l, const char *table);
bool legacy_has_column(struct legacy *l, const char *table, const char *column);
/* False of tables WITHOUT ROWID. */
bool legacy_has_rowid(struct legacy *l, const char *table);
/* A whole number from a query; 0 when it has no row. */
int legacy_number(struct legacy *l, const char *sql, uint64_t *out, struct err *err);
/* Value of a key in `config` or `metadata`, "" when there is none. */
const char *legacy_value(struct legacy *l, const char *table, const char *key);

/*
 * Every row of the file, table by table, issues by id. Cells are in the order of the schema's columns
 * and valid until the next call. The schemas must live as long as the cursor.
 */
struct legacy_cursor;
struct legacy_cursor *legacy_cursor_new(struct legacy *l,
                                        const struct schema *const schemas[LEGACY_TARGETS]);
/* BD_DONE after the last row. */
int legacy_cursor_next(struct legacy_cursor *c, enum legacy_target *t, const struct cell **cells,
                       struct err *err);
void legacy_cursor_free(struct legacy_cursor *c); /* NULL is fine */

void legacy_note_add(struct legacy *l, const char *table, const char *column, enum legacy_trouble what,
                     uint64_t count);
/* The notes as sentences, in the arena. */
const char **legacy_note_texts(const struct legacy *l, struct arena *a, size_t *count);

/* ---- nodes (legacy_nodes.c) ---- */
int legacy_read_nodes(struct legacy *l, struct err *err);
/* For a row whose first columns are issue and target: NULL when it is the only edge between them. */
struct legacy_pair *legacy_pair_of(const struct legacy *l, sqlite3_stmt *row);
struct legacy_node *legacy_node_of(const struct legacy *l, const void *id, size_t size);

/* ---- labels (legacy_labels.c) ---- */
/* Finds the labels that column `c` cannot hold as they are (odd_labels). */
int legacy_labels_read(struct legacy *l, const struct column *c, struct err *err);
void legacy_labels_forget(struct legacy *l);
/* Is the label in column `at` of a row one of them? To be asked before anything else of the column. */
bool legacy_label_is_odd(sqlite3_stmt *row, int at, const struct column *c, struct arena *a);
/* What stands for such a label, which `cell` was made of. */
struct cell legacy_label(sqlite3_stmt *row, int at, const struct column *c, const struct cell *cell,
                         struct arena *a);

/* ---- values (legacy_values.c) ---- */
/*
 * The value in column `at` of a row as a cell for column `c`; a value that does not fit is made to and
 * *trouble says so. Texts live in `a`.
 */
struct cell legacy_cell(sqlite3_stmt *row, int at, const struct column *c, struct arena *a,
                        enum legacy_trouble *trouble);
/* What a column gets that the old table does not have. */
struct cell legacy_default(const struct column *c);
/* The value as JSON, whatever it is. */
void legacy_add_json(struct buf *out, sqlite3_stmt *row, int at);
/* Times as the old programs wrote them: RFC 3339, SQL text with or without zone (none: UTC), Go's
 * String(). */
bool legacy_time(const char *text, size_t size, int64_t *micros);

#endif
