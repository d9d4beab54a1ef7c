/* From an address to the driver that reaches it. */
#include "store/remote/remote.h"

static int open_url(struct remote **out, const char *url, const char *shown, unsigned flags,
                    const char *database_dir, struct err *err) {
    enum remote_kind kind = remote_kind_of(url);
    if (kind == REMOTE_UNKNOWN)
        return err_set(err, BD_INVALID, "%s is not the URL of a remote: its scheme is unknown", shown);
    if (kind == REMOTE_GIT)
        return remote_open_git(out, url, flags, database_dir, err);
    if (kind != REMOTE_FILE)
        return err_set(err, BD_UNSUPPORTED,
                       "%s is %s; this bd reaches only folders (file:///path) and git repositories "
                       "(git+ssh://…) so far",
                       shown, remote_kind_name(url));
    struct arena a = ARENA_INIT;
    int rc = remote_open_dir(out, remote_file_path(url, &a), flags, err);
    arena_release(&a);
    return rc;
}

int remote_open_for(struct remote **out, const char *url, unsigned flags, const char *database_dir,
                    struct err *err) {
    struct arena a = ARENA_INIT;
    int rc =
        open_url(out, remote_normal_url(url, &a), remote_shown_url(url, &a), flags, database_dir, err);
    arena_release(&a);
    return rc;
}

int remote_open(struct remote **out, const char *url, unsigned flags, struct err *err) {
    return remote_open_for(out, url, flags, NULL, err);
}
