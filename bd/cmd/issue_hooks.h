/* Scripts that are told about changes: .beads/hooks/on_create, on_update, on_close. */
#ifndef BD_CMD_ISSUE_HOOKS_H
#define BD_CMD_ISSUE_HOOKS_H

#include "bd/cmd/context.h"

/* Sets ops.changed when there is a script to call and hooks are not switched off. Costs three stat
 * calls. */
void issue_hooks_attach(struct bd *bd);

#endif
