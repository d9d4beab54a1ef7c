/*
 * Private to store/prolly: the steps that cursors, the mutator and the differ share.
 */
#ifndef STORE_PROLLY_CURSOR_H
#define STORE_PROLLY_CURSOR_H

#include "store/prolly/node.h"

/* Parses the root into its level, index 0; the levels below are not read. */
int tree_path_root(struct tree_cursor *c, const struct tree *t, struct err *err);
/* Reads the node of `level` that the level above points at; index 0. */
int tree_path_fetch(struct tree_cursor *c, unsigned level, struct err *err);
/* Next item of `level`, over the ends of nodes; index == count on every exhausted level at the end. */
int tree_path_advance(struct tree_cursor *c, unsigned level, struct err *err);
/* tree_cursor_seek that also says whether the item found has the key itself. */
int tree_path_seek(struct tree_cursor *c, const struct tree *t, struct bytes key, bool *equal,
                   struct err *err);

#endif
