/*
 * <db>/.dolt/repo_state.json: the current branch of the command line, remotes, backups, upstream
 * branches (Dolt: go/libraries/doltcore/env/repo_state.go).
 */
#ifndef STORE_DB_REPO_STATE_H
#define STORE_DB_REPO_STATE_H

#include "base/err.h"
#include "base/mem.h"

/* Branch named by `head` (without refs/heads/), in the arena. BD_NOT_FOUND when there is no file. */
int repo_state_branch(const char *db_dir, struct arena *a, const char **branch, struct err *err);
/* A fresh file naming the branch. */
int repo_state_create(const char *db_dir, const char *branch, struct err *err);

/* ---- named addresses: remotes and backups ---- */

/* Which of the two lists of the file. */
enum repo_list { REPO_REMOTES, REPO_BACKUPS };
struct repo_address {
    const char *name, *url;
};
/* In the order of the file, in the arena. No file: none. */
int repo_state_list(const char *db_dir, enum repo_list list, struct arena *a, struct repo_address **out,
                    size_t *count, struct err *err);
/*
 * Adds an entry, in place of one of the same name. BD_INVALID for a name Dolt would not take;
 * BD_CONFLICT "address conflict with a remote: 'name' -> url" where a backup would share its URL with
 * another entry. The file is replaced whole and durably; members not known here are kept.
 */
int repo_state_put(const char *db_dir, enum repo_list list, const struct repo_address *entry,
                   struct err *err);
/* BD_NOT_FOUND. */
int repo_state_remove(const char *db_dir, enum repo_list list, const char *name, struct err *err);
/* The branch of the same name on `remote` becomes upstream of a local branch. */
int repo_state_set_upstream(const char *db_dir, const char *branch, const char *remote,
                            struct err *err);

#endif
