/*
 * A set of issue ids, in the order in which they were added.
 */
#ifndef BD_OPS_ID_SET_H
#define BD_OPS_ID_SET_H

#include "base/strmap.h"
#include "store/db/tables.h"

struct id_set {
    struct strmap map; /* keys are the ids; values mean nothing */
};
#define ID_SET_INIT                                                                                    \
    { STRMAP_INIT }
void id_set_release(struct id_set *s);
void id_set_add(struct id_set *s, const char *id); /* NULL is no id */
void id_set_add_cell(struct id_set *s, const struct cell *id);
bool id_set_has(const struct id_set *s, const char *id);
size_t id_set_count(const struct id_set *s);
/* The members in an array of the arena, borrowed from the set. */
const char **id_set_items(const struct id_set *s, struct arena *a);

/* "column IN set" (the ids are copied), or with `negated` its opposite; NULL for an empty negated set.
 */
const struct pred *id_set_pred(struct arena *a, const char *column, const struct id_set *s,
                               bool negated);

#endif
