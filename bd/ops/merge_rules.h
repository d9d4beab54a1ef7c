/*
 * How two edits of the same row become one: per cell the newer row wins, sets unite, counters take
 * the larger value, JSON objects merge key by key.
 *
 * The rules are symmetric but for `ours` and `theirs`: two sides that merge each other get equal rows.
 */
#ifndef BD_OPS_MERGE_RULES_H
#define BD_OPS_MERGE_RULES_H

#include "store/db/tables.h"

enum merge_strategy { MERGE_NEWEST, MERGE_OURS, MERGE_THEIRS };
/* "newest", "ours", "theirs"; false for anything else */
bool merge_strategy_parse(const char *text, enum merge_strategy *out);

struct merge_judge {
    enum merge_strategy strategy;
    uint64_t resolved; /* rows decided so far */
};
/*
 * A tables_resolve_fn with a struct merge_judge as context. BD_CONFLICT only for MERGE_NEWEST, where
 * two different issues were created under one id: they cannot become one row.
 */
int merge_rules_resolve(void *judge, const struct tables_conflict *c, struct cell *merged,
                        bool *removed, struct arena *a);

/* JSON values three-way: objects key by key, arrays as sets, else the newer one. NULL base = none. Text
 * in the arena. */
const char *merge_rules_json(const char *base, const char *ours, const char *theirs, bool theirs_newer,
                             struct arena *a);

#endif
