/* Opening the workspace's database, and what belongs to it before and after a command. */
#include "bd/cmd/cmd.h"

#include "base/version.h"

#include <stdlib.h>
#include <string.h>

static int no_database(struct bd *bd) {
    fprintf(bd->err,
            "Error: no beads database found\n"
            "Hint: run 'bd where' to inspect the resolved workspace, or 'bd init' to create a new database\n"
            "      or set BEADS_DIR to point to your .beads directory\n");
    return 1;
}

int bd_open_store(struct bd *bd) {
    if (bd->ops.tables)
        return 0;
    if (!bd->ws.beads_dir && !bd->ws.direct)
        return no_database(bd);
    return cmd_fail(bd, "%s: opening databases is not built into this bd yet", bd->ws.database_dir);
}

int bd_after_command(struct bd *bd, const char *command) {
    (void)command;
    return bd->did_write ? cmd_fail(bd, "commits are not built into this bd yet") : 0;
}

void bd_close(struct bd *bd) {
    config_release(&bd->config);
    arena_release(&bd->arena);
}
