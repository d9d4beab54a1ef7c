/*
 * The files of a new workspace, and the identities of repository and clone.
 */
#ifndef BD_WORKSPACE_SETUP_H
#define BD_WORKSPACE_SETUP_H

#include "base/err.h"
#include "base/mem.h"

#include <stdbool.h>
#include <sys/types.h>

/*
 * Creates the .beads directory (0700) or tightens an existing one; *tightened says so. Switches
 * copy-on-write off where the file system is btrfs.
 */
int setup_directory(const char *beads_dir, bool *tightened, struct err *err);

/* Each writes its file unless it is there (.gitignore: unless it has every pattern needed). */
int setup_gitignore(const char *beads_dir, struct err *err);
/* What .beads/.gitignore must name; NULL-terminated. */
extern const char *const setup_gitignore_patterns[];
int setup_config(const char *beads_dir, struct err *err);
int setup_readme(const char *beads_dir, struct err *err);
int setup_interactions(const char *beads_dir, struct err *err);

/* Appends what is missing of a list of lines to a file, under a heading. *changed (may be NULL) says
 * whether. */
int setup_append_lines(const char *path, const char *heading, const char *const *lines, mode_t mode,
                       bool *changed, struct err *err);
/* The project's own .gitignore: no database files. */
int setup_project_gitignore(const char *project_dir, struct err *err);

/*
 * repo_id: 32 hex digits of the origin's canonical URL, or of the repository's path when there is no
 * origin. clone_id: 16 hex digits of host name and path. NULL outside a git repository.
 */
const char *setup_repo_id(const char *directory, struct arena *a);
const char *setup_clone_id(const char *directory, struct arena *a);

/* A git URL as Dolt takes it: git+https://…, git+ssh://…; others stay. In the arena. */
const char *setup_dolt_url(const char *git_url, struct arena *a);

#endif
