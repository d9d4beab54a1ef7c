/* The history rows of issues: tables events and wisp_events. */
#ifndef BD_OPS_EVENTS_H
#define BD_OPS_EVENTS_H

#include "bd/ops/ops.h"

struct event {
    const char *id; /* set when loaded */
    const char *issue_id;
    const char
        *type; /* created, updated, status_changed, commented, closed, reopened, label_added, … */
    const char *actor;
    const char *old_value, *new_value, *comment; /* NULL = NULL */
    int64_t created_at;                          /* when added: ISSUE_NO_TIME = now */
};
int event_add(struct tables_txn *x, bool is_wisp, const struct event *e, struct err *err);
/* All events of an issue, oldest first. */
int event_load(struct tables_txn *x, const char *issue_id, bool is_wisp, struct arena *a,
               struct event **out, size_t *count, struct err *err);

/* Does the id column of this table want a text id (else the database numbers its rows)? */
bool table_has_uuid_ids(struct tables_txn *x, const char *table);

#endif
