/*
 * The compact JSON that events keep: an issue as it was, and the fields an update set.
 */
#ifndef BD_OPS_EVENT_JSON_H
#define BD_OPS_EVENT_JSON_H

#include "bd/ops/issue_changes.h"

/* A JSON string literal as Go prints it: < > & and U+2028/2029 escaped, invalid UTF-8 replaced. */
void event_json_string(struct buf *out, const char *text);
/* One line, members in upstream's order, empty ones left out. */
void event_json_issue(struct buf *out, const struct issue *i);
/* An object of the changed columns, keys sorted. */
void event_json_changes(struct buf *out, const struct issue_changes *changes);

#endif
