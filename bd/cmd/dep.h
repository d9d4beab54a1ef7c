/* What the files of the dep family share. */
#ifndef BD_CMD_DEP_H
#define BD_CMD_DEP_H

#include "bd/cmd/write.h"

/* Resolves the source and the target of an edge in a transaction: the target may be `external:…`, or an
 * id of another prefix that nobody knows here. Messages as `dep add` gives them. */
int dep_resolve_ends(struct bd *bd, struct tables_txn *x, const char *from, const char *to,
                     const char **from_id, const char **to_id, struct err *err);
/* Warns on stderr when the graph has cycles. */
void dep_warn_cycles(struct bd *bd);

/* One edge in one transaction: resolve, check, add, warn about cycles; then the caller prints. Exit
 * status. */
struct dep_edge {
    const char *from, *to, *type; /* as typed */
    const char *from_id, *to_id;  /* resolved */
    const char *command;          /* for the commit message: "dep add", "link" */
    bool no_cycle_check;
};
int dep_add_edge(struct bd *bd, struct dep_edge *e);
/* {status, issue_id, depends_on_id, type?} */
void dep_json_edge(struct bd *bd, const char *status, const char *from, const char *to,
                   const char *type);

int dep_add_bulk(struct bd *bd, const char *path, const char *default_type, bool no_cycle_check);

extern const struct cmd cmd_dep_list, cmd_dep_tree, cmd_dep_cycles, cmd_dep_relate, cmd_dep_unrelate;

#endif
