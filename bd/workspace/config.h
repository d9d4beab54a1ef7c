/*
 * Configuration from YAML files, environment and defaults (bd-core §2.4, bd-system §1.3). Keys are dotted and
 * lower case. Keys kept in the database are not here.
 */
#ifndef BD_WORKSPACE_CONFIG_H
#define BD_WORKSPACE_CONFIG_H

#include "base/err.h"
#include "base/mem.h"
#include "base/strmap.h"

#include <stdbool.h>
#include <stdint.h>

enum config_source { CONFIG_UNSET, CONFIG_DEFAULT, CONFIG_FILE, CONFIG_ENVIRONMENT };

struct config {
    struct arena *arena;
    struct strmap values; /* key → private value */
    bool loaded;
    const char *beads_dir; /* NULL when there is no workspace */
    const char *warning;
};

void config_init(struct config *c, struct arena *a, const char *beads_dir); /* files are read on the first question */
void config_release(struct config *c);
/* NULL when unset and without default. Lists come as comma-joined text. */
const char *config_get(struct config *c, const char *key);
enum config_source config_source_of(struct config *c, const char *key);
bool config_bool(struct config *c, const char *key);
int64_t config_int(struct config *c, const char *key, int64_t fallback);
/* Warning about unreadable or malformed files, or NULL. */
const char *config_warning(struct config *c);

#endif
