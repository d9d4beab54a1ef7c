/* Comments on issues. Reading them: hydrate.h or related.h. */
#ifndef BD_OPS_COMMENTS_H
#define BD_OPS_COMMENTS_H

#include "bd/ops/ops.h"

/*
 * Inside a transaction: adds a comment by exact issue id. c->id NULL makes an id, c->created_at
 * ISSUE_NO_TIME means now; the finished comment (texts in `a`) replaces *c. BD_NOT_FOUND `issue X not
 * found`.
 */
int comment_add_in(struct ops *o, struct tables_txn *x, struct comment *c, struct arena *a,
                   struct err *err);
/* The same unless an equal one (author, time, text) exists. */
int comment_import_in(struct ops *o, struct tables_txn *x, struct comment *c, bool is_wisp,
                      struct arena *a, struct err *err);

#endif
