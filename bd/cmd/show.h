/*
 * The pieces of `bd show`, one file each.
 */
#ifndef BD_CMD_SHOW_H
#define BD_CMD_SHOW_H

#include "bd/cmd/view.h"
#include "bd/ops/related.h"

struct show_options {
    const char **ids;
    size_t id_count;
    bool short_form, long_form, local_time, include_dependents, include_comments;
};

/* Typed id → issue with labels; false after the error was told on stderr as "Error <doing> ID: …". */
bool show_resolve(struct bd *bd, struct tables_txn *x, const char *typed, const char *doing,
                  struct issue *out);
/* One issue with everything around it (show_text.c); exit status. */
int show_issue_text(struct bd *bd, struct tables_txn *x, const struct show_options *o,
                    const struct issue *i, struct buf *out);
int show_refs(struct bd *bd, struct tables_txn *x, const struct show_options *o);
int show_children(struct bd *bd, struct tables_txn *x, const struct show_options *o);
int show_thread(struct bd *bd, struct tables_txn *x, const char *id);

#endif
