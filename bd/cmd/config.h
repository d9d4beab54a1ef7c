/* What the files of the command `bd config` share. */
#ifndef BD_CMD_CONFIG_H
#define BD_CMD_CONFIG_H

#include "bd/cmd/cmd.h"

extern const struct cmd cmd_config_show;
extern const struct cmd cmd_config_validate;
extern const struct cmd cmd_config_drift;
extern const struct cmd cmd_config_apply;

struct config_row {
    const char *key, *value;
};
/* Every row of the database's config table, sorted by key, in the arena. */
int config_rows(struct bd *bd, struct config_row **rows, size_t *count, struct err *err);

/* Setting of git in the current directory, NULL when unset. */
const char *config_git(struct bd *bd, const char *key);

#endif
