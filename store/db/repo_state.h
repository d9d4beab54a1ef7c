/*
 * <db>/.dolt/repo_state.json: the current branch of the command line, remotes, backups, upstream
 * branches (format-chunkstore §1.3).
 */
#ifndef STORE_DB_REPO_STATE_H
#define STORE_DB_REPO_STATE_H

#include "base/err.h"
#include "base/mem.h"

/* Branch named by `head` (without refs/heads/), in the arena. BD_NOT_FOUND when there is no file. */
int repo_state_branch(const char *db_dir, struct arena *a, const char **branch, struct err *err);
/* A fresh file naming the branch. */
int repo_state_create(const char *db_dir, const char *branch, struct err *err);

#endif
