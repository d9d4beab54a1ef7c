/*
 * Which tables go into a commit: everything that differs between the staged and the working root but
 * ignored new tables.
 */
#ifndef STORE_DB_STAGE_H
#define STORE_DB_STAGE_H

#include "store/db/embedded.h"

/* A row of dolt_ignore: table names with * and ?. */
struct ignore_pattern {
    const char *pattern;
    bool ignored;
};
struct ignore_rules {
    struct ignore_pattern *list;
    size_t count;
};
/* The patterns of dolt_ignore as the transaction sees them; none when there is no such table. */
int ignore_rules_read(struct embedded_txn *x, struct arena *a, struct ignore_rules *out,
                      struct err *err);
/* BD_CONFLICT when patterns contradict each other. */
int ignore_rules_match(const struct ignore_rules *r, const char *table, bool *ignored, struct err *err);

/*
 * Adds the tables that are the same in both roots but for the foreign keys they declare (a resolved key
 * equals its unresolved form).
 */
int foreign_key_changes(struct embedded_txn *x, const struct root_value *from,
                        const struct root_value *to, struct strmap *tables, struct err *err);

/*
 * The working root's tables (and their foreign keys) put into the staged root. only: stage none but
 * these names (NULL: all). Ignored new tables stay out unless with_ignored. staged is changed in
 * memory; the caller writes it.
 */
int stage_tables(struct embedded_txn *x, const struct root_value *head, struct root_value *staged,
                 const struct root_value *working, const struct strmap *only, bool with_ignored,
                 struct err *err);

#endif
