/*
 * Git hooks that older versions installed, on their way to the present form: a section between two
 * markers, with everything else of the file left to its owner. The old installers kept what they found
 * as NAME.old or NAME.backup; that text comes back, and the copy is renamed to NAME.old.migrated.
 */
#ifndef MIGRATE_HOOKS_H
#define MIGRATE_HOOKS_H

#include "bd/workspace/git_hooks.h"

#define HOOK_COUNT GIT_HOOK_COUNT

enum hook_source {
    HOOK_KEEP,       /* nothing to do */
    HOOK_FRESH,      /* a new file with the section alone */
    HOOK_FROM_FILE,  /* the file as it is, with the section */
    HOOK_FROM_OLD,   /* NAME.old with the section */
    HOOK_FROM_BACKUP /* NAME.backup with the section */
};
struct hook_plan {
    const char *name, *path;
    bool exists, legacy, has_old, has_backup, needs_migration;
    const char *marker_state; /* "none", "valid", "broken" */
    const char *state;        /* as upstream names it: "legacy_with_old_sidecar" … */
    const char *advice;       /* "" = none */
    const char *read_error;   /* "" = none */
    const char *blocked;      /* why it cannot be done by itself, "" = it can */
    enum hook_source source;
};
struct hooks_plan {
    const char *path, *repo_root, *hooks_dir; /* the last two NULL outside git */
    struct hook_plan hooks[HOOK_COUNT];
    size_t count; /* 0 outside git */
    size_t needs_migration, broken, blocked, writes, retires;
};
/* Looks, changes nothing. `path` is absolute. */
int hooks_plan(const char *path, struct arena *a, struct hooks_plan *out, struct err *err);

struct hooks_result {
    const char *written[HOOK_COUNT], *retired[2 * HOOK_COUNT], *skipped[2 * HOOK_COUNT];
    size_t written_count, retired_count, skipped_count;
};
/*
 * Writes every hook, then renames the copies. Nothing is written unless everything can be; BD_CONFLICT
 * when a hook is blocked, or a .migrated file of other content is in the way.
 */
int hooks_migrate(const struct hooks_plan *p, struct arena *a, struct hooks_result *out,
                  struct err *err);

#endif
