/*
 * The puller: brings everything that a set of addresses refers to from one remote into another.
 *
 * It walks from the targets and stops at every chunk the sink has, so only what is missing travels.
 * Every chunk is checked against its address before it is written. Files are complete and synced before
 * they are listed, and listed all at once; a transfer that ends early changes nothing that anybody
 * sees, and the files it completed spare the next one from asking for their chunks again.
 */
#ifndef STORE_REMOTE_PULL_H
#define STORE_REMOTE_PULL_H

#include "store/remote/remote.h"

struct pull_stats {
    uint64_t chunks, bytes; /* brought over; uncompressed bytes */
    uint64_t reused;        /* of these, from files of an interrupted transfer */
    uint64_t files, file_bytes;
    uint64_t waiting; /* addresses known and not looked at */
};
struct pull_options {
    uint64_t file_bytes; /* when a file is full; 0: 256 MiB */
    /* Called now and then, and for each complete file. Anything but BD_OK ends the transfer with that
     * code. */
    int (*progress)(void *ctx, const struct pull_stats *s);
    void *ctx;
};

/* options and stats may be NULL. The sink's root stays. */
int pull_chunks(struct remote *source, struct remote *sink, const struct hash *targets, size_t count,
                const struct pull_options *options, struct pull_stats *stats, struct err *err);

/*
 * Makes sink a copy of source's newest state: everything reachable from its root, then the root itself,
 * whatever the sink's root was. *root (may be NULL) is what it is now. BD_NOT_FOUND: the source is
 * empty.
 */
int pull_root(struct remote *source, struct remote *sink, const struct pull_options *options,
              struct pull_stats *stats, struct hash *root, struct err *err);

#endif
