/* Appending to .beads/interactions.jsonl (bd-core §16.4). */
#ifndef BD_CMD_AUDIT_LOG_H
#define BD_CMD_AUDIT_LOG_H

#include "bd/cmd/context.h"

/* "int-" and 32 hex digits */
const char *audit_new_id(struct arena *a);
/* Opens an entry with id, kind and created_at; the caller adds the other members in order. */
void audit_entry_begin(struct json_writer *w, struct buf *line, const char *id, const char *kind);
/* Closes and appends it; releases the buffer. */
int audit_entry_end(struct bd *bd, struct json_writer *w, struct buf *line, struct err *err);

#endif
