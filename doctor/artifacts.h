/* Files of old releases below a project: SQLite databases, .beads directories that should only
 * redirect. */
#ifndef DOCTOR_ARTIFACTS_H
#define DOCTOR_ARTIFACTS_H

#include "base/mem.h"

#include <stdbool.h>

enum artifact_kind { ARTIFACT_SQLITE, ARTIFACT_CRUFT, ARTIFACT_REDIRECT };
struct artifact {
    enum artifact_kind kind;
    const char *path, *description;
    bool safe; /* --clean sets it aside */
};
extern const char *const artifact_kind_names[]; /* "sqlite", "cruft-beads", "redirect" */

/* Walks the tree below `root` (not into .git, node_modules, vendor, __pycache__, nor over links). In
 * the arena. */
void artifacts_find(const char *root, struct arena *a, struct artifact **list, size_t *count);

#endif
