/*
 * bd init with a remote (--remote, sync.remote): a remote that holds a database is cloned, an empty one
 * is kept as `origin` of a new database. What cannot be reached is said before anything is made.
 */
#include "base/os.h"
#include "bd/cmd/backup.h"
#include "bd/cmd/init.h"
#include "store/db/repo_state.h"
#include "store/remote/restore.h"

static int failed(struct init_job *j, const char *url, const struct err *err) {
    return cmd_fail_hint(
        j->bd,
        err->code == BD_UNSUPPORTED
            ? "with --remote \"\" a new local database is made instead; nothing was made now"
            : "check the address, and that the remote can be reached and read; nothing was made",
        "failed to clone remote %s: %s", cmd_quote(&j->bd->arena, remote_shown_url(url, &j->bd->arena)),
        err->msg);
}

int init_remote_look(struct init_job *j, const char *url) {
    struct remote *r;
    struct err err = ERR_INIT;
    struct hash root = HASH_ZERO;
    j->sync_url = url;
    int rc = remote_open(&r, url, 0, &err);
    if (rc == BD_NOT_FOUND) /* an empty folder, or none yet: the first push makes it */
        return 0;
    if (rc == BD_OK) {
        rc = r->driver->root(r, &root, &err);
        remote_close(r);
    }
    if (rc != BD_OK)
        return failed(j, url, &err);
    j->clone = !hash_is_zero(&root);
    return 0;
}

int init_remote_clone(struct init_job *j) {
    struct restore r = RESTORE_INIT;
    struct progress p;
    struct err err = ERR_INIT;
    struct remote *source;
    const char *aside;
    bool settled;
    if (!j->clone || os_exists(j->database_dir))
        return 0;
    int rc = remote_open(&source, j->sync_url, 0, &err);
    if (rc == BD_OK) {
        progress_begin(&p, j->bd->err, j->bd->stderr_tty && !j->quiet, "Cloning");
        struct pull_options options = backup_progress(&p);
        rc = restore_settle(j->database_dir, &settled, &err);
        if (rc == BD_OK)
            rc = restore_clone(&r, source, j->database_dir, j->sync_url, "origin", NULL, &options, NULL,
                               &err);
        if (rc == BD_OK)
            rc = restore_publish(&r, false, &j->bd->arena, &aside, &err);
        restore_release(&r);
        progress_end(&p);
        remote_close(source);
    }
    return rc == BD_OK ? 0 : failed(j, j->sync_url, &err);
}

void init_remote_register(struct init_job *j) {
    struct err err = ERR_INIT;
    if (!j->sync_url || j->clone || config_bool(&j->bd->config, "dolt.local-only"))
        return;
    struct repo_address *known;
    size_t count;
    if (repo_state_list(j->database_dir, REPO_REMOTES, &j->bd->arena, &known, &count, &err) == BD_OK &&
        count)
        return;
    if (repo_state_put(j->database_dir, REPO_REMOTES,
                       &(struct repo_address){"origin", remote_normal_url(j->sync_url, &j->bd->arena)},
                       &err))
        cmd_warn(j->bd, "the remote could not be registered: %s", err.msg);
}
