/* What the files of a repair share. Private to store/db/repair*.c. */
#ifndef STORE_DB_REPAIR_STEPS_H
#define STORE_DB_REPAIR_STEPS_H

#include "store/db/fsck_check.h"
#include "store/db/repair.h"

struct repair {
    const char *dir; /* as given */
    struct check_place place;
    const struct repair_options *o;
    struct repair_result *r;
    const char *why_not; /* why a salvaged journal is not enough */
};

void repair_step_add(struct repair *x, enum fsck_repair action, bool done, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Copies a file (from an offset on) to the directory of originals, synced; once per name. No file:
 * fine. */
int repair_set_aside(struct repair *x, const char *path, uint64_t from, const char *name,
                     struct err *err);

/* Directories in which missing files and chunks may lie, one to a line. */
void repair_search_places(struct repair *x, struct buf *list);

/* Chunks that are wanted: missing ones, or damaged ones. */
struct repair_missing {
    struct repair *x;
    bool damaged;               /* they are there, but damaged */
    struct address_map numbers; /* of the wanted */
    struct hash *wanted;
    struct chunk_write *found; /* parallel; data NULL: not found, else malloc'd */
    size_t count, capacity, made, taken;
    bool closures, trees; /* where the gaps are */
};

/* ---- repair_made.c ---- */
/* Those that are not found yet. */
size_t repair_open_count(const struct repair_missing *m);
/* Makes those again whose content follows from other chunks: closures from the commits, indexes from
 * the rows, the empty state. */
void repair_make_chunks(struct repair_missing *m, struct db_check *c);

/* ---- repair_chunks.c ---- */
/* Brings missing chunks back into the store, or into `journal`, a file that is to replace the journal.
 */
int repair_fill_gaps(struct repair *x, const char *journal, struct err *err);
/* Writes table files and archives anew whose damaged chunks have intact copies somewhere. The caller
 * has noms/LOCK. *changed: at least one. */
int repair_replace_damaged(struct repair *x, bool *changed, struct err *err);

/* ---- repair_refs.c ---- */
/* The branch that repo_state.json should name; NULL when there is none. */
int repair_pick_branch(struct repair *x, const char **branch, struct err *err);
/* Moves damaged branches to their newest whole commits; an unreadable root to the newest readable one.
 */
int repair_reset_branches(struct repair *x, struct err *err);
/* Says which branches are whole and what a reset would keep. */
void repair_tell_branches(struct repair *x);

/* ---- repair_indexes.c ---- */
int repair_open_table(struct table *t, struct node_store *ns, const struct hash *h,
                      const struct table_schema *ts, struct arena *a, struct err *err);
/* Puts the tree that the rows give in the place of index i. */
int repair_make_index(struct table *t, size_t i, struct err *err);
/* Makes the indexes anew that the findings name, in every branch that has them now. */
int repair_rebuild_indexes(struct repair *x, const struct fsck_report *found, struct err *err);

#endif
