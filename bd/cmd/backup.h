/* What the files of `bd backup` share, and what bootstrap takes from them. */
#ifndef BD_CMD_BACKUP_H
#define BD_CMD_BACKUP_H

#include "bd/cmd/cmd.h"
#include "bd/ui/progress.h"
#include "store/remote/pull.h"

#define BACKUP_NAME "default"

/* A folder's path, or a URL, as the URL of a backup; in the arena. */
const char *backup_url(struct bd *bd, const char *typed);
/* <beads>/backup, or backup/ in the git repository that backup.git-repo names; in the arena. */
const char *backup_default_dir(struct bd *bd);

/* Registers it in both. */
int backup_register(struct bd *bd, const char *url, struct err *err);

/* Options of the puller that show progress. */
struct pull_options backup_progress(struct progress *p);

/*
 * Takes the lock under which databases are made in the workspace's data directory (embeddeddolt/.lock).
 * *fd is to be closed. 0 or an exit status (reported).
 */
int backup_lock(struct bd *bd, int *fd);

struct backup_restored {
    const char *aside;  /* where the database that was there is now, NULL when there was none */
    const char **newer; /* what it had that the backup has not */
    size_t newer_count;
    uint64_t issues;
    const char *project_id; /* of the restored database, NULL when it has none */
    struct pull_stats stats;
};
/*
 * Puts the database that `source` (a URL) holds into the workspace: looks at it first, replaces nothing
 * unless `replace`. BD_EXISTS when there is a database. Under backup_lock.
 */
int backup_restore(struct bd *bd, const char *source, bool replace, struct backup_restored *out,
                   struct err *err);

/* Makes metadata.json name the project that the database now is; NULL: unknown, nothing changes. */
void backup_adopt_project(struct bd *bd, const char *project_id);

/* Automatic backup after a command, where backup.enabled is true: into backup_default_dir, at most once
 * in backup.interval. Problems are warnings. */
void backup_auto(struct bd *bd);

extern const struct cmd cmd_backup_restore, cmd_backup_export_git, cmd_backup_fetch_git;

#endif
