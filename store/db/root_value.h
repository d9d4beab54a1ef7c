/*
 * Root values (RTVL): one state of the whole database, i.e. table names → tables, and the foreign keys
 * (Dolt: go/serial/rootvalue.fbs).
 */
#ifndef STORE_DB_ROOT_VALUE_H
#define STORE_DB_ROOT_VALUE_H

#include "store/prolly/tree.h"

#define FEATURE_VERSION 7

struct root_value {
    struct node_store *ns;
    struct hash hash; /* address it was read from or last written to */
    int64_t feature_version;
    uint16_t collation;
    struct hash foreign_keys; /* DFKC address or zero */
    struct tree tables;       /* names → DTBL addresses */
};

int root_value_read(struct root_value *rv, struct node_store *ns, const struct hash *h,
                    struct err *err);
/* The root of a database without tables, not yet written. */
int root_value_empty(struct root_value *rv, struct node_store *ns, struct err *err);
/* Puts the message into the node store and sets rv->hash. BD_TOO_NEW for a newer feature version. */
int root_value_write(struct root_value *rv, struct err *err);

/*
 * Finds a table: exactly as spelled, else without case. *name (may be NULL) gets the stored spelling in
 * the arena. BD_NOT_FOUND, with a message.
 */
int root_value_table(const struct root_value *rv, const char *table, struct arena *a, const char **name,
                     struct hash *out, struct err *err);

/* By exact name. */
bool root_value_has(const struct root_value *rv, const char *table);

struct root_value_edit {
    const char *table;
    struct hash address; /* zero removes */
};
/* Changes the table map; rv is not written. Edits in any order, each name once. */
int root_value_edit(struct root_value *rv, const struct root_value_edit *edits, size_t count,
                    struct err *err);

/* Table names in byte order. */
int root_value_names(const struct root_value *rv, struct arena *a, const char ***names, size_t *count,
                     struct err *err);

/*
 * Table names whose address differs between two roots. Zero address = no such table there.
 */
struct root_value_change {
    const char *table;
    struct hash from, to;
};
int root_value_changes(const struct root_value *from, const struct root_value *to, struct arena *a,
                       struct root_value_change **list, size_t *count, struct err *err);

#endif
