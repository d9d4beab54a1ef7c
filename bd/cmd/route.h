/*
 * Other projects: `create --repo`, the routing of new issues by role, and ids whose prefix belongs to
 * another workspace (.beads/routes.jsonl).
 */
#ifndef BD_CMD_ROUTE_H
#define BD_CMD_ROUTE_H

#include "bd/cmd/cmd.h"

/*
 * Where a new issue goes: --repo when given, else what role and configuration say. When that is another
 * project its database takes the place of ours in bd->ops (and is made when the project has none,
 * except for a preview). Returns 0, or the exit status after the error was told.
 */
int route_create(struct bd *bd, const char *repo_flag, bool repo_given, bool preview,
                 bool preview_reads);

/*
 * For list and ready: who creates issues in another project (routing.mode) reads them there, too. Stays
 * here when that project has no database yet.
 */
void route_read(struct bd *bd);

/* When none of the ids is known here and the first is known elsewhere, that database takes the place of
 * ours. */
void route_ids(struct bd *bd, const char *const *ids, size_t count);

#endif
