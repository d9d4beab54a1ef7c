/*
 * Inside the check of a database: what its parts share. Private to store/db/fsck*.c.
 *
 * Everything is known by entry: the number of a chunk's first copy in the scan. Work that touches each
 * chunk or each leaf runs on all processors, each task with a reader and findings of its own; the
 * findings are joined in the order of the tasks, so a report does not depend on timing.
 */
#ifndef STORE_DB_FSCK_CHECK_H
#define STORE_DB_FSCK_CHECK_H

#include "base/strmap.h"
#include "store/chunk/fsck_scan.h"
#include "store/db/fsck.h"
#include "store/db/table.h"
#include "store/prolly/message.h"
#include "store/prolly/node.h"

#include <stdatomic.h>

/* Kinds beyond enum message_kind. */
enum { CHECK_KIND_UNREAD = 0xfe, CHECK_KIND_DAMAGED = 0xff };

/* What a node looks like to its parent and to its neighbours. */
struct node_facts {
    uint64_t last_key; /* hash of the last item's key */
    uint64_t count;    /* leaf items below */
    uint8_t kind, level;
    struct node_edge {       /* for each level from the leaves up to this node's */
        uint32_t head, tail; /* bytes of the first item; of the last node of the level */
        bool ends;           /* the last node of the level ends at a boundary */
    } edge[];
};

/* What the leaves of a tree add up to, for one way of reading them (see fsck_rows.c). */
struct fold {
    struct fold *next;
    uint64_t reading;         /* which schema, which index */
    struct bytes first, last; /* keys of the first and last item */
    uint64_t count;
    enum { FOLD_OPEN, FOLD_DONE, FOLD_FAILED } state;
    bool ordered;
    uint64_t sums[]; /* rows: one per index; an index: one */
};

struct check_dangling {
    uint32_t from;
    struct hash to;
};

struct db_check {
    const struct fsck_options *o;
    struct fsck_report *r;
    struct scan *scan;
    struct scan_reader *reader; /* of the calling thread */
    struct node_store *ns;      /* over it */
    struct arena arena;
    size_t count; /* entries */
    uint8_t *kind;
    uint32_t *size; /* uncompressed */
    bool *reached;
    uint32_t **refs; /* [0] = number, then entries; NULL: none */
    struct node_facts **facts;
    struct fold **folds;
    struct check_dangling *dangling;
    size_t dangling_count, dangling_capacity;
    const char **table_names; /* of tables: by entry */
    bool *current;            /* tables that a working set or head has now: by entry */
    uint32_t root;            /* entry of the store root, SCAN_NONE */
    struct strmap schemas;    /* DSCH address → struct check_schema */
    struct check_schema **schema_list;
    size_t schema_count, schema_capacity;
    struct check_value *values; /* out-of-line values to look at */
    size_t value_count, value_capacity;
    atomic_uchar *value_noted;  /* by entry: encodings, as bits */
    struct strmap names;        /* of tables, each once */
    struct strmap combinations; /* of schemas and foreign keys that were looked at */
    uint64_t *heights;          /* of commits: by entry */
    bool partial_history;       /* a shallow clone */
    size_t skipped;             /* checks that stopped at missing chunks */
};

/* A schema and its number; NULL ts: unreadable. */
struct check_schema {
    const struct table_schema *ts;
    uint64_t number;
    const char *name; /* of a table that has it */
    bool *indexable;  /* per index: its content follows from the rows alone */
};

struct check_value {
    struct hash address;
    uint8_t encoding;
    bool sized;
    uint64_t length;
    const char *name; /* "issues.description" */
};

/* The resources of one task on one thread. */
struct check_task {
    struct db_check *c;
    struct scan_reader *reader;
    struct node_store *ns;
    struct arena arena; /* goes over to the check's arena */
    struct fsck_report report;
    struct check_dangling *dangling;
    size_t dangling_count, dangling_capacity;
    struct check_value *values;
    size_t value_count, value_capacity;
};
/*
 * Runs fn over [0, count) in slices of `slice`, on all processors, telling progress of `phase`. fn gets
 * a task and a slice. BD_CANCELLED.
 */
typedef void (*check_slice_fn)(struct check_task *t, size_t from, size_t to, void *ctx);
int check_parallel(struct db_check *c, const char *phase, size_t count, size_t slice, check_slice_fn fn,
                   void *ctx, struct err *err);

#define CHECK_CACHE_MAX ((size_t)48 << 20)
/* Between two objects: drops what was read so far when it is much. Nothing read may be in use. */
void check_breathe(struct db_check *c);
/* The message at an address, if it is of the kind. Adds to `skipped` and returns false when it is not
 * there (told elsewhere); a finding when it is something else. */
bool check_read(struct db_check *c, const struct hash *h, enum message_kind want, const char *what,
                struct chunk *out);
bool is_kind(const struct db_check *c, uint32_t entry, enum message_kind kind);

/* ---- fsck_open.c ---- */
/* The address as text, which is also returned. */
const char *check_name(const struct hash *h, char text[HASH_TEXT_SIZE + 1]);
/* The tree that nodes of this kind belong to; false for messages that are no nodes. */
bool tree_kind_of(enum message_kind m, enum tree_kind *out);
/* Directories of a database: noms (or the bare store), and the .dolt it lies in (NULL: none). */
struct check_place {
    char *noms, *dot;
};
void check_place_find(struct check_place *p, const char *dir);
void check_place_release(struct check_place *p);
/* Scans the files and prepares the arrays. BD_NOT_FOUND, BD_IO. */
int check_open(struct db_check *c, const char *noms, const struct fsck_options *o,
               struct fsck_report *r, struct err *err);
void check_close(struct db_check *c);
/* ---- fsck.c ---- */
/* Sets c->root after check_chunks; a finding when there is none to be read. */
void check_find_root(struct db_check *c);
/* ---- fsck_quick.c ---- */
int check_quick(const struct check_place *p, const struct fsck_options *o, struct fsck_report *r,
                struct err *err);
/* repo_state.json; `has_branch` tells whether a ref exists (NULL: the refs cannot be read). */
void check_repo_state(const struct check_place *p, bool (*has_branch)(void *ctx, const char *ref),
                      void *ctx, struct fsck_report *r);

/* ---- fsck_chunks.c ---- */
int check_chunks(struct db_check *c, struct err *err);     /* every chunk by itself */
int check_references(struct db_check *c, struct err *err); /* what is reachable, what dangles */
/* After it: nothing that is reached is damaged or missing, so that what was not reached is not needed.
 */
bool check_sees_all(const struct db_check *c);

/* ---- fsck_encode.c ---- */
/* Do the fields of a message give back its bytes? The chunk is in ns under h. */
bool check_encoding(enum message_kind kind, const struct chunk *c, const struct hash *h,
                    struct node_store *ns, struct arena *a);

/* ---- fsck_trees.c ---- */
/* Address maps and closures: their keys need no schema. */
bool keys_ascend(enum tree_kind kind, const struct tree_node *n);
/* Of the items of a leaf. */
struct node_facts *leaf_facts(enum tree_kind kind, const struct tree_node *n, struct arena *a,
                              bool *early_end);
/* Boundaries, levels, counts and last keys of a whole tree. `embedded`: the root's bytes when it is no
 * chunk of its own. */
void check_tree_shape(struct db_check *c, enum tree_kind kind, struct chunk root, const struct hash *h,
                      const char *name);

/* ---- fsck_rows.c ---- */
/* A table message, taken apart; chunks are borrowed from it. */
struct table_parts {
    struct hash schema, artifacts;
    struct chunk rows, indexes;
    bool old_fields; /* conflicts or violations of the old format */
};
bool table_take_apart(const struct chunk *bytes, struct table_parts *out);
int check_tables(struct db_check *c,
                 struct err *err); /* schemas, rows, indexes, artifacts of all tables */
struct check_schema *check_schema_of(struct db_check *c, const struct hash *h, const char *table);

/* ---- fsck_schema.c ---- */
void check_schema_rules(struct db_check *c, const struct check_schema *s, const struct hash *h);
/* Why the bytes are no value of this encoding, or NULL. */
const char *check_field(enum encoding e, struct bytes raw);

/* ---- fsck_history.c ---- */
int check_datasets(struct db_check *c, struct err *err);
int check_commits(struct db_check *c, struct err *err);

/* ---- fsck_roots.c ---- */
int check_name_tables(struct db_check *c,
                      struct err *err); /* which tables are called what, and current */
int check_root_values(struct db_check *c, struct err *err); /* table maps, tags, foreign keys */

/* ---- fsck_heads.c ---- */
int check_heads(struct db_check *c, struct err *err); /* rows without parents in the newest states */

/* ---- fsck_values.c ---- */
int check_values(struct db_check *c, struct err *err);
void check_note_value(struct check_task *t, const struct hash *h, uint8_t encoding, bool sized,
                      uint64_t length, const char *table, const char *column);

#endif
