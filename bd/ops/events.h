/* The history rows of issues: tables events and wisp_events. */
#ifndef BD_OPS_EVENTS_H
#define BD_OPS_EVENTS_H

#include "bd/ops/ops.h"

/* A row to be added. */
struct event {
    const char *issue_id;
    const char *type; /* created, updated, status_changed, commented, closed, label_added, … */
    const char *actor;
    const char *old_value, *new_value, *comment; /* NULL = NULL */
    int64_t created_at;                          /* ISSUE_NO_TIME = now */
};
/* In the family's table of events; nothing where an old schema has none. */
int event_add(struct tables_txn *x, bool is_wisp, const struct event *e, struct err *err);

/* Does the id column of this table want a text id (else the database numbers its rows)? */
bool table_has_uuid_ids(struct tables_txn *x, const char *table);

#endif
