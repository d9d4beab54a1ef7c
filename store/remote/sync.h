/*
 * Exchanging branches with a remote: push moves one branch of the remote, fetch brings branches and
 * tags into the database as refs/remotes/<name>/….
 *
 * What always holds: a branch of the remote moves by compare-and-set, forward only unless forced, and
 * only after everything the new commit refers to is there; here, too, a ref is set only after its
 * chunks are durable. Whatever ends early can be run again.
 */
#ifndef STORE_REMOTE_SYNC_H
#define STORE_REMOTE_SYNC_H

#include "store/remote/pull.h"

struct sync_place {
    const char *database_dir; /* holds .dolt */
    const char *name;         /* of the remote, in refs/remotes/<name>/… */
};

struct push_result {
    bool up_to_date; /* the remote has the branch at this commit: nothing was sent */
    bool created;    /* the remote had no such branch */
    struct hash before, after;
    struct pull_stats stats; /* of the last attempt */
};
/*
 * BD_CONFLICT: the remote's branch has commits that ours has not (nothing was changed; a message
 * starting with "no common ancestor" for histories that share nothing); BD_NOT_FOUND: no such branch
 * here.
 */
int sync_push(const struct sync_place *place, struct remote *r, const char *branch, bool force,
              const struct pull_options *options, struct push_result *out, struct err *err);

/*
 * A forced push that replaces exactly one commit: BD_CONFLICT, and nothing changed, when the remote's
 * branch is elsewhere.
 */
int sync_push_lease(const struct sync_place *place, struct remote *r, const char *branch,
                    const struct hash *expected, const struct pull_options *options,
                    struct push_result *out, struct err *err);

struct fetch_result {
    size_t branches, moved; /* looked at; set to another commit */
    size_t tags;            /* new here */
    struct pull_stats stats;
};
/* branch NULL: all. BD_NOT_FOUND: the remote has no such branch, or none at all. */
int sync_fetch(const struct sync_place *place, struct remote *r, const char *branch,
               const struct pull_options *options, struct fetch_result *out, struct err *err);

#endif
