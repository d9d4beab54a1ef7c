/*
 * Deleting closed issues in bulk (prune, purge, the decay of gc): which ones may go, and what goes with
 * them.
 *
 * Whatever the search found is looked at once more: an issue goes only if it is closed, not pinned, has
 * a time of closing, and that lies before the limit.
 */
#ifndef BD_OPS_CLOSED_DELETION_H
#define BD_OPS_CLOSED_DELETION_H

#include "bd/ops/delete.h"
#include "bd/ops/filter.h"

struct closed_query {
    enum filter_flag ephemeral;
    int64_t closed_before; /* micros, exclusive; ISSUE_NO_TIME: whenever */
    const char *pattern;   /* ids: * ? [a-z]; NULL: all */
};

struct closed_found {
    const char **ids; /* sorted as a list of issues is */
    size_t count;
    size_t wisps;                                  /* how many of them are wisps */
    uint64_t pinned;                               /* left out */
    uint64_t not_closed, without_time, too_recent; /* left out by the second look */
    /* Rows that go along; as upstream, those of wisps are not counted. */
    uint64_t dependencies, labels, events;
};

/* Finds them in a snapshot or transaction; everything is in the arena. */
int closed_find(struct tables_txn *x, const struct closed_query *q, struct arena *a,
                struct closed_found *out, struct err *err);
/* Deletes what closed_find found in the same transaction. */
int closed_delete_in(struct tables_txn *x, const struct closed_found *found, struct err *err);

/*
 * "30", "30d", "2w", "36h" in days (an hour's part of a day counts as none, but at least one day).
 * BD_INVALID with upstream's words.
 */
int closed_parse_age(const char *text, int64_t *days, struct err *err);
/* "skipped N deletion candidate(s) …" in the arena; NULL when the second look left out none. */
const char *closed_skip_warning(const struct closed_found *found, struct arena *a);

#endif
