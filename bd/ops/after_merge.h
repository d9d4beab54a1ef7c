/*
 * What a merge of two histories leaves to be done: cached columns that neither side could know.
 */
#ifndef BD_OPS_AFTER_MERGE_H
#define BD_OPS_AFTER_MERGE_H

#include "bd/ops/ops.h"

/*
 * Makes is_blocked true again for the issues that changed since `from` (a commit's hash) and for those
 * that depend on them. Commits only when something was wrong.
 */
int after_merge(struct tables *t, const char *from, struct err *err);

#endif
