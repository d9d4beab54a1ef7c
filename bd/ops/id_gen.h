/*
 * New issue ids: hash ids with a length that grows with the database, counters, children.
 */
#ifndef BD_OPS_ID_GEN_H
#define BD_OPS_ID_GEN_H

#include "bd/ops/ops.h"

/* `prefix-` and `length` base-36 digits of SHA-256(title|description|creator|nanoseconds|nonce). */
const char *id_hash(const char *prefix, const char *title, const char *description, const char *creator,
                    int64_t unix_nanos, int length, int nonce, struct arena *a);

/* How long hash ids get: the shortest length at which a collision is unlikely enough. */
struct id_limits {
    double max_collision_probability;
    int min_length, max_length;
};
#define ID_LIMITS_DEFAULT                                                                              \
    { 0.25, 3, 8 }
/* Shortest length whose birthday collision probability among `count` ids stays within the limit. */
int id_length_for(uint64_t count, const struct id_limits *limits);

/* What id_generate found out about the ids in use, so that a batch counts them once. Zeroed at first.
 */
struct id_census {
    bool counted, is_wisp;
    const char *prefix;
    struct id_limits limits;
    uint64_t count;
};
/* A free id for the issue (its title, description, created_at are used), counter mode included. */
int id_generate(struct tables_txn *x, bool is_wisp, const char *prefix, const struct issue *i,
                const char *actor, struct id_census *census, struct arena *a, const char **id,
                struct err *err);
/* parent.N, and raises the parent's counter. The parent must exist. */
int id_next_child(struct tables_txn *x, const char *parent, bool parent_is_wisp, struct arena *a,
                  const char **id, struct err *err);
/* Raises the parent's counter to at least the N of a dotted id; nothing for other ids or without a
 * parent. */
int id_reconcile_child(struct tables_txn *x, const char *id, struct err *err);
/* "bd-a.3" → parent "bd-a", 3. False when the id has no number behind its last dot. */
bool id_split_child(const char *id, struct arena *a, const char **parent, int64_t *number);

/* Explicit ids: `invalid ID format …` and `prefix mismatch: …`. */
int id_check_format(const char *id, struct err *err);
int id_check_prefix(const char *id, const char *prefix, const char *allowed, struct err *err);

#endif
