/*
 * Configuration from YAML files, environment and defaults. Keys are dotted and lower case. Keys kept in
 * the database are not here.
 */
#ifndef BD_WORKSPACE_CONFIG_H
#define BD_WORKSPACE_CONFIG_H

#include "base/err.h"
#include "base/mem.h"
#include "base/strmap.h"

#include <stdbool.h>
#include <stdint.h>

/* Where a value comes from; a later one wins. */
enum config_source { CONFIG_UNSET, CONFIG_DEFAULT, CONFIG_FILE, CONFIG_ENVIRONMENT };

struct config {
    struct arena *arena;
    struct strmap values; /* key → private value */
    bool loaded;
    const char *beads_dir; /* NULL when there is no workspace */
    const char *warning;
};

void config_init(struct config *c, struct arena *a,
                 const char *beads_dir); /* files are read on the first question */
void config_release(struct config *c);
/* Every key that has a value from a file or the environment or a default, sorted; in the arena,
 * NULL-terminated. */
const char *const *config_keys(struct config *c);
/* Name of the environment variable that overrides a key ("BD_EXPORT_AUTO"); in the arena. */
const char *config_variable(struct config *c, const char *key);
/* NULL when unset and without default. Lists come as comma-joined text. */
const char *config_get(struct config *c, const char *key);
/* Where the value in force comes from. */
enum config_source config_source_of(struct config *c, const char *key);
bool config_bool(struct config *c, const char *key);
int64_t config_int(struct config *c, const char *key, int64_t fallback);
/* Warning about unreadable or malformed files, or NULL. */
const char *config_warning(struct config *c);

/* ---- the file ---- */

/* Does this key live in config.yaml (true) or in the database? */
bool config_key_is_yaml(const char *key);
/*
 * Sets key in `<beads_dir>/config.yaml`: every line of that key, commented out or not, becomes `key:
 * value`; without one a line is appended. All else in the file stays. BD_NOT_FOUND when there is no
 * such file.
 */
int config_file_set(const char *beads_dir, const char *key, const char *value, struct err *err);
/* Comments the key's lines out. */
int config_file_unset(const char *beads_dir, const char *key, struct err *err);
/* Nested or flat value of a key in one config file only; in the arena, NULL when unset. */
const char *config_read_file(const char *path, const char *key, struct arena *a);

/* `NAME=value` lines of a .env file put into the environment where the variable is not set already.
 * With `selection_only` only BEADS_DIR, BEADS_DB and BD_DB. True when something was set. */
bool config_load_env_file(const char *path, bool selection_only);

#endif
