/*
 * bd flatten --push: the remote gets the squashed branch instead of the old one, but only if nobody
 * pushed to it in between.
 */
#ifndef BD_CMD_SQUASH_PUSH_H
#define BD_CMD_SQUASH_PUSH_H

#include "bd/cmd/cmd.h"
#include "store/chunk/hash.h"

struct squash_push {
    const char *remote, *url, *branch;
    struct hash expected; /* where the remote's branch is to be when the squashed one replaces it */
};
/*
 * Before squashing: chooses the remote, finishes what an earlier run left, and pushes what the remote
 * lacks, so that it and this database agree. 0 or an exit status (reported).
 */
int squash_push_prepare(struct bd *bd, const struct cmd_call *c, struct squash_push *out);
/* Afterwards. When it fails, a marker keeps what is to be done; the same command again does it. */
int squash_push_finish(struct bd *bd, const struct squash_push *p);

#endif
