/* What the commands around damaged databases share. */
#ifndef BD_CMD_FSCK_H
#define BD_CMD_FSCK_H

#include "bd/cmd/cmd.h"
#include "bd/ui/progress.h"
#include "store/db/repair.h"

/* The database directory that a command is about: an argument, --db, or the workspace's. NULL: none. */
const char *fsck_directory(struct bd *bd, const char *argument);

void fsck_print_steps(struct bd *bd, const struct repair_result *r);
void fsck_json_steps(struct json_writer *w, const struct repair_result *r);

#endif
