/*
 * What can be known of a git repository by looking at its files, without running git.
 */
#ifndef BD_WORKSPACE_GIT_H
#define BD_WORKSPACE_GIT_H

#include "base/mem.h"

#include <stdbool.h>

struct git_repo {
    const char *root;       /* top of the working tree, without symbolic links */
    const char *git_dir;    /* …/.git or …/.git/worktrees/NAME */
    const char *common_dir; /* …/.git of the main repository */
    bool linked;            /* a linked worktree */
};

/* Looks for .git from `start` (an absolute path) upwards. */
bool git_find(const char *start, struct arena *a, struct git_repo *out);

/*
 * Value of a git setting as `git config KEY` in `directory` prints it, NULL when unset; in the arena.
 * The files are read directly; git is asked only where they use what is not understood here (includes,
 * settings from the environment).
 */
const char *git_setting(const char *directory, const char *key, struct arena *a);

#endif
