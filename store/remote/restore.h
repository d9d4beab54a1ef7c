/*
 * A database made from a remote: built beside its place, looked at there, then put into it.
 *
 * What always holds: until restore_publish nothing that exists is touched, and a crash leaves only
 * folders with names of our own. Publishing exchanges the new database with what stood in the place, in
 * one step where the file system can, under the lock of the old one, so that no writer's change is lost
 * in between; what stood there is never removed.
 *
 * The caller sees to it that one process at a time makes databases in the folder.
 */
#ifndef STORE_REMOTE_RESTORE_H
#define STORE_REMOTE_RESTORE_H

#include "store/remote/pull.h"

struct restore {
    char *dir;    /* where the database shall be */
    char *parent; /* of dir */
    char *name;   /* last part of dir */
    char *outer;  /* <parent>/.tmp-restore-…, holds the new one */
    char *built;  /* the new one (outer/name): holds .dolt */
    bool published;
};
#define RESTORE_INIT                                                                                   \
    { NULL, NULL, NULL, NULL, NULL, false }

/*
 * A whole copy of the remote's state (all branches, tags, working sets) for `dir`, whose parent exists.
 * Every chunk is checked; complete and durable when it returns.
 */
int restore_build(struct restore *r, struct remote *source, const char *dir,
                  const struct pull_options *options, struct pull_stats *stats, struct err *err);

/*
 * A clone: one branch (NULL: main, master, or the first) with a working set, every branch of the remote
 * as refs/remotes/<remote_name>/…, all tags; `url` is registered under that name. BD_NOT_FOUND when the
 * remote has no branch.
 */
int restore_clone(struct restore *r, struct remote *source, const char *dir, const char *url,
                  const char *remote_name, const char *branch, const struct pull_options *options,
                  struct pull_stats *stats, struct err *err);

/*
 * Puts it in place. What is there is kept: *aside (in the arena) is where, NULL when nothing was. It is
 * BD_EXISTS when something is there and `replace` is not set.
 */
int restore_publish(struct restore *r, bool replace, struct arena *a, const char **aside,
                    struct err *err);
/* Removes what was built and not published. */
void restore_release(struct restore *r);

/*
 * Finishes what a crash interrupted: puts a complete replacement in a place that is empty because of
 * it (*done), and removes databases that were never complete.
 */
int restore_settle(const char *dir, bool *done, struct err *err);

#endif
