/*
 * What happens to the JSONL file beside the database without being asked for: it is written after
 * commands where export.auto is on, and read into a database that is empty.
 *
 * Neither ever destroys: an export that would take something out of the file which the database never
 * had is refused, and nothing is read into a database that holds an issue.
 */
#ifndef BD_CMD_AUTO_EXPORT_H
#define BD_CMD_AUTO_EXPORT_H

#include "bd/cmd/context.h"

/*
 * After a successful command with an open store. Problems are warnings; only a failing `git add` gives
 * an exit status. `may_shrink`: the command was asked to delete issues (prune, purge), so the file may
 * lose them.
 */
int auto_export(struct bd *bd, bool may_shrink);

/*
 * After the store was opened for a command that may write: reads import.path into an empty database,
 * once for each version of the file (.auto-import-issues.jsonl says which was looked at).
 */
void auto_import(struct bd *bd);
/* For a command that only reads: says on stderr when there is such a file. Nothing changes. */
void auto_import_hint(struct bd *bd);
/* After such a command: a file beside a database that the command left empty counts as looked at, so
 * that what was deleted does not come back. */
void auto_import_settle(struct bd *bd);

/* `git add` of the file, unless it lies outside of the working tree whose hook this runs in. An exit
 * status; `silent`: without a word. Afterwards this process knows nothing of the hook's repository. */
int auto_export_stage(struct bd *bd, const char *path, bool silent);
/* Says on stderr that `what` does not replace a Dolt remote, unless there is one. */
void auto_export_warn_without_remote(struct bd *bd, const char *what);

#endif
