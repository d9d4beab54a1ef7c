/*
 * Marker files of history squashing: `<.beads>/compact/<kind>/<database>`, lines of key=value. They
 * outlive the command that wrote them and tell the next one, a doctor, or a town's tools what is left
 * to do. Readers ignore names that begin with `probe.` or end in `.tmp`.
 */
#ifndef BD_WORKSPACE_COMPACT_MARKER_H
#define BD_WORKSPACE_COMPACT_MARKER_H

#include "base/err.h"
#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>

enum compact_marker {
    COMPACT_QUARANTINE, /* compact-quarantine: the verification failed; nothing is squashed until it is
                           removed */
    COMPACT_PENDING_GC, /* compact-pending-gc: squashed, but the old commits' space could not be given
                           back yet */
    COMPACT_PENDING_PUSH, /* compact-pending-push: squashed, but the remote does not have it yet */
};
extern const char *const compact_marker_names[]; /* of the folders, NULL-terminated */

struct compact_note {
    const char *db, *reason;
    const char *from_head;              /* the head before, "" when unknown */
    const char *remote, *expected_head; /* COMPACT_PENDING_PUSH: of which the head is to be that */
    int64_t created_at;                 /* Unix seconds */
};

/* Writes or replaces a marker; durable. */
int compact_marker_put(const char *beads_dir, enum compact_marker kind, const struct compact_note *note,
                       struct err *err);
/* BD_NOT_FOUND without a message when there is none; texts are in the arena. */
int compact_marker_get(const char *beads_dir, enum compact_marker kind, const char *db, struct arena *a,
                       struct compact_note *out, struct err *err);
/* BD_OK when it is gone, or was never there. */
int compact_marker_remove(const char *beads_dir, enum compact_marker kind, const char *db,
                          struct err *err);
/* The path of a marker, whether there is one or not; in the arena. */
const char *compact_marker_path(const char *beads_dir, enum compact_marker kind, const char *db,
                                struct arena *a);

#endif
