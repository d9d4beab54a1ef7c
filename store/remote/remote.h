/*
 * A remote: immutable files of chunks, named by content, and one root that moves by compare-and-set.
 * Every kind of remote (a folder, HTTP, git, an object store) is a table of the same few calls, and
 * whatever transfers chunks (pull.h) knows only these.
 *
 * What always holds: a file is listed only when it and all its companions are complete and durable, so
 * a chunk that a remote has implies everything it refers to; the root moves only to a chunk that is
 * there.
 */
#ifndef STORE_REMOTE_REMOTE_H
#define STORE_REMOTE_REMOTE_H

#include "base/err.h"
#include "base/mem.h"
#include "store/chunk/chunk_store.h"
#include "store/chunk/manifest.h"

struct remote;

/* Bytes of one chunk as the remote gave them: the receiver checks the hash. BD_OK goes on, else the
 * call ends. */
typedef int (*remote_chunk_fn)(void *ctx, const struct hash *h, const uint8_t *data, size_t size,
                               struct err *err);

/* The calls a kind of remote answers. */
struct remote_driver {
    const char *scheme;

    /* Looks at the newest state. A remote that holds nothing has a zero root. */
    int (*root)(struct remote *r, struct hash *root, struct err *err);

    /* present[i]: the remote has h[i] (as of the last call of root). At most REMOTE_BATCH at a time. */
    int (*has_many)(struct remote *r, const struct hash *h, size_t count, bool *present,
                    struct err *err);

    /* Hands each chunk to fn once, in any order. BD_NOT_FOUND when one is missing. At most
     * REMOTE_BATCH. */
    int (*get_many)(struct remote *r, const struct hash *h, size_t count, remote_chunk_fn fn, void *ctx,
                    struct err *err);

    /* The files that make up the remote (as of the last call of root), in the arena. */
    int (*list_files)(struct remote *r, struct arena *a, struct manifest_spec **files, size_t *count,
                      struct err *err);

    /* A local directory where files to be uploaded are built; borrowed from r. */
    const char *(*staging)(struct remote *r);

    /* Uploads a complete, synced file of the staging directory. Nobody sees it yet. */
    int (*put_file)(struct remote *r, const struct manifest_spec *file, struct err *err);

    /* Lists uploaded files, all at once. Durable when it returns. */
    int (*add_files)(struct remote *r, const struct manifest_spec *files, size_t count,
                     struct err *err);

    /* Moves the root. BD_ROOT_MOVED when it is not `expected` (any more). Durable when it returns. */
    int (*commit_root)(struct remote *r, const struct hash *expected, const struct hash *root,
                       struct err *err);

    void (*close)(struct remote *r);
};

struct remote {
    const struct remote_driver *driver;
};

#define REMOTE_BATCH 4096

enum remote_flags {
    REMOTE_WRITE = 1,  /* files will be added and the root moved */
    REMOTE_CREATE = 2, /* what does not exist is made */
};

/*
 * By URL. BD_UNSUPPORTED for kinds that are not built (the message names what works); BD_NOT_FOUND
 * nothing there; BD_INVALID not usable as a remote (a live database, to be written to).
 */
int remote_open(struct remote **out, const char *url, unsigned flags, struct err *err);
/* The same for a database that exists: what is worth keeping for the next time is kept below its .dolt.
 */
int remote_open_for(struct remote **out, const char *url, unsigned flags, const char *database_dir,
                    struct err *err);
void remote_close(struct remote *r); /* NULL is fine */

/* A folder: a bare store, or for reading a database (its own folder, or the noms below it). */
int remote_open_dir(struct remote **out, const char *dir, unsigned flags, struct err *err);
/* A store that is open already, to read from or to pull into; borrowed. */
struct remote *remote_of_store(struct chunk_store *cs, const char *dir);

/* A git repository (git+…). database_dir: where to keep what was copied; NULL: nothing is kept. */
int remote_open_git(struct remote **out, const char *url, unsigned flags, const char *database_dir,
                    struct err *err);

/* ---- URLs ---- */

enum remote_kind { REMOTE_FILE, REMOTE_HTTP, REMOTE_GIT, REMOTE_SSH, REMOTE_OBJECTS, REMOTE_UNKNOWN };
/* By the scheme of the normal form of the address. */
enum remote_kind remote_kind_of(const char *url);
/* "a git repository"; NULL for an unknown scheme. */
const char *remote_kind_name(const char *url);
/* The address as Dolt keeps it: a git repository (…/x.git) becomes git+…; all else stays. In the arena.
 */
const char *remote_normal_url(const char *url, struct arena *a);
/* The address for people: without a password. In the arena. */
const char *remote_shown_url(const char *url, struct arena *a);
/* Path of a file:// URL, in the arena; NULL for every other kind. */
const char *remote_file_path(const char *url, struct arena *a);

#endif
