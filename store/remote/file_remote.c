/*
 * The driver for folders: a bare chunk store (manifest, table files, archives, no journal) as Dolt
 * keeps file:// remotes and backups, and a local store with a journal.
 *
 * A bare store is changed under its LOCK by replacing the manifest; readers take no lock. A store with
 * a journal is changed through chunk_store alone.
 */
#include "store/remote/remote.h"

#include "base/os.h"
#include "store/chunk/lock.h"
#include "store/remote/conjoin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOCK_WAIT_MS 30000
#define STALE_AFTER_S (24 * 60 * 60)

struct file_remote {
    struct remote base;
    char *dir;
    struct chunk_store *cs; /* NULL while there is no manifest */
    bool borrowed;          /* cs is the caller's */
    bool bare, writable;
    struct store_lock lock;
};

static struct file_remote *of(struct remote *r) { return (struct file_remote *)r; }

static void close_remote(struct remote *r) {
    struct file_remote *f = of(r);
    if (!f->borrowed)
        chunk_store_close(f->cs);
    store_lock_close(&f->lock);
    free(f->dir);
    free(f);
}

/* ---- reading ---- */

static int refresh(struct file_remote *f, struct err *err) {
    if (f->cs)
        return chunk_store_refresh(f->cs, err);
    struct manifest m;
    int rc = manifest_read(f->dir, &m, NULL);
    if (rc == BD_NOT_FOUND)
        return BD_OK;
    if (rc == BD_OK)
        manifest_release(&m);
    return chunk_store_open(&f->cs, f->dir, f->bare ? CHUNK_STORE_READ_ONLY : 0, err);
}

static int root(struct remote *r, struct hash *out, struct err *err) {
    struct file_remote *f = of(r);
    int rc = refresh(f, err);
    /* A writer goes on from what it sees, and may only say so: whoever put it there may not have synced
     * it. */
    if (rc == BD_OK && f->bare && f->writable && f->cs && os_fsync_dir(f->dir))
        rc = err_errno(err, "cannot sync %s", f->dir);
    *out = rc == BD_OK && f->cs ? chunk_store_root(f->cs) : (struct hash){{0}};
    return rc;
}

static int has_many(struct remote *r, const struct hash *h, size_t count, bool *present,
                    struct err *err) {
    struct file_remote *f = of(r);
    for (size_t i = 0; i < count; i++) {
        int rc = f->cs ? chunk_store_has(f->cs, &h[i], err) : BD_NOT_FOUND;
        if (rc != BD_OK && rc != BD_NOT_FOUND)
            return rc;
        present[i] = rc == BD_OK;
    }
    return BD_OK;
}

static int get_many(struct remote *r, const struct hash *h, size_t count, remote_chunk_fn fn, void *ctx,
                    struct err *err) {
    struct file_remote *f = of(r);
    int rc = f->cs || !count ? BD_OK : err_set(err, BD_NOT_FOUND, "%s is empty", f->dir);
    for (size_t i = 0; i < count && rc == BD_OK; i++) {
        uint8_t *data;
        size_t size;
        rc = chunk_store_read(f->cs, &h[i], &data, &size, err);
        if (rc == BD_OK) {
            rc = fn(ctx, &h[i], data, size, err);
            free(data);
        }
    }
    return rc;
}

static int list_files(struct remote *r, struct arena *a, struct manifest_spec **files, size_t *count,
                      struct err *err) {
    struct file_remote *f = of(r);
    struct manifest m;
    *files = NULL;
    *count = 0;
    int rc = manifest_read(f->dir, &m, err);
    if (rc == BD_NOT_FOUND)
        return BD_OK;
    if (rc != BD_OK)
        return rc;
    *files = arena_dup(a, m.specs, m.spec_count * sizeof *m.specs);
    *count = m.spec_count;
    manifest_release(&m);
    return BD_OK;
}

/* ---- writing ---- */

static const char *staging(struct remote *r) { return of(r)->dir; }

static int check_writable(const struct file_remote *f, struct err *err) {
    return f->writable ? BD_OK : err_set(err, BD_READ_ONLY, "%s is open for reading only", f->dir);
}

static int file_exists(const struct file_remote *f, const struct hash *name, struct err *err) {
    char text[HASH_TEXT_SIZE + 1];
    struct buf path = BUF_INIT;
    hash_format(name, text);
    buf_addf(&path, "%s/%s", f->dir, text);
    bool exists = os_exists(path.data);
    if (!exists) {
        buf_add_str(&path, ".darc");
        exists = os_exists(path.data);
    }
    int rc = exists ? BD_OK : err_set(err, BD_NOT_FOUND, "table file not found: %s/%s", f->dir, text);
    buf_release(&path);
    return rc;
}

/* The staging directory is the remote's own, so the file is where it belongs. */
static int put_file(struct remote *r, const struct manifest_spec *file, struct err *err) {
    int rc = check_writable(of(r), err);
    return rc == BD_OK ? file_exists(of(r), &file->name, err) : rc;
}

/* What writers that died long ago left behind; the lock is held. */
static void sweep(const struct file_remote *f) {
    char **names;
    size_t count;
    time_t now = time(NULL);
    if (os_list_dir(f->dir, &names, &count))
        return;
    for (size_t i = 0; i < count; i++) {
        struct stat st;
        struct buf path = BUF_INIT;
        buf_addf(&path, "%s/%s", f->dir, names[i]);
        bool temporary =
            strncmp(names[i], "nbs_table_", 10) == 0 || strncmp(names[i], "nbs_manifest_", 13) == 0;
        if (temporary && os_stat(path.data, &st) == 0 && S_ISREG(st.st_mode) &&
            now > st.st_mtime + STALE_AFTER_S)
            os_unlink(path.data);
        buf_release(&path);
    }
    os_free_list(names, count);
}

/* The manifest as it stands now, empty when there is none. The lock is held. */
static int read_locked(const struct file_remote *f, struct manifest *m, struct err *err) {
    *m = (struct manifest)MANIFEST_INIT;
    int rc = manifest_read(f->dir, m, err);
    if (rc == BD_NOT_FOUND) {
        if (err)
            err_clear(err);
        return BD_OK;
    }
    return rc;
}

static int replace(const struct file_remote *f, struct manifest *m, struct err *err) {
    bool renamed;
    m->lock = manifest_lock_of(&m->root, m->specs, m->spec_count);
    if (!store_lock_is_ours(&f->lock))
        return err_set(err, BD_BUSY, "%s was deleted while it was held; try again", f->lock.path);
    return manifest_write(f->dir, m, &renamed, err);
}

static int add_files_bare(struct file_remote *f, const struct manifest_spec *files, size_t count,
                          struct err *err) {
    struct manifest m;
    int rc = store_lock_take(&f->lock, LOCK_WAIT_MS, err);
    if (rc != BD_OK)
        return rc;
    rc = read_locked(f, &m, err);
    if (rc == BD_OK) {
        bool changed = false;
        for (size_t i = 0; i < count && rc == BD_OK; i++) {
            if (manifest_names(&m, &files[i].name))
                continue;
            rc = file_exists(f, &files[i].name, err);
            manifest_add(&m, &files[i].name, files[i].count);
            changed = true;
        }
        if (rc == BD_OK && changed &&
            os_fsync_dir(f->dir)) /* the files' names before what names them */
            rc = err_errno(err, "cannot sync %s", f->dir);
        if (rc == BD_OK && changed)
            rc = replace(f, &m, err);
        if (rc == BD_OK)
            sweep(f);
        manifest_release(&m);
    }
    store_lock_give(&f->lock);
    return rc == BD_OK ? refresh(f, err) : rc;
}

static int add_files(struct remote *r, const struct manifest_spec *files, size_t count,
                     struct err *err) {
    struct file_remote *f = of(r);
    int rc = check_writable(f, err);
    if (rc != BD_OK)
        return rc;
    return f->bare ? add_files_bare(f, files, count, err)
                   : chunk_store_add_files(f->cs, files, count, err);
}

static int root_moved(const struct file_remote *f, const struct hash *expected, const struct hash *is,
                      struct err *err) {
    char was[HASH_TEXT_SIZE + 1], now[HASH_TEXT_SIZE + 1];
    hash_format(expected, was);
    hash_format(is, now);
    return err_set(err, BD_ROOT_MOVED, "the root of %s moved from %s to %s", f->dir, was, now);
}

static int commit_root_bare(struct file_remote *f, const struct hash *expected,
                            const struct hash *new_root, struct err *err) {
    struct manifest m;
    int rc = store_lock_take(&f->lock, LOCK_WAIT_MS, err);
    if (rc != BD_OK)
        return rc;
    rc = read_locked(f, &m, err);
    if (rc == BD_OK) {
        if (!hash_eq(&m.root, expected))
            rc = root_moved(f, expected, &m.root, err);
        if (rc == BD_OK)
            rc = refresh(f, err);
        if (rc == BD_OK && (!f->cs || chunk_store_has(f->cs, new_root, err) != BD_OK))
            rc = err_set(err, BD_INVALID, "the new root is not in %s", f->dir);
        if (rc == BD_OK && !hash_eq(&m.root, new_root)) {
            m.root = *new_root;
            rc = replace(f, &m, err);
        } else if (rc == BD_OK && os_fsync_dir(f->dir)) { /* whoever put it there may have failed to */
            rc = err_errno(err, "cannot sync %s", f->dir);
        }
        manifest_release(&m);
    }
    store_lock_give(&f->lock);
    if (rc == BD_OK)
        conjoin_small_files(f->dir, &f->lock,
                            NULL); /* upkeep: what fails is tried again the next time */
    return rc == BD_OK ? refresh(f, err) : rc;
}

static int commit_root(struct remote *r, const struct hash *expected, const struct hash *new_root,
                       struct err *err) {
    struct file_remote *f = of(r);
    int rc = check_writable(f, err);
    if (rc != BD_OK)
        return rc;
    return f->bare ? commit_root_bare(f, expected, new_root, err)
                   : chunk_store_commit(f->cs, expected, NULL, 0, new_root, err);
}

static const struct remote_driver driver = {
    .scheme = "file",
    .root = root,
    .has_many = has_many,
    .get_many = get_many,
    .list_files = list_files,
    .staging = staging,
    .put_file = put_file,
    .add_files = add_files,
    .commit_root = commit_root,
    .close = close_remote,
};

/* ---- opening ---- */

static struct file_remote *new_remote(const char *dir) {
    struct file_remote *f = mem_zalloc(1, sizeof *f);
    f->base.driver = &driver;
    f->dir = mem_strdup(dir);
    store_lock_init(&f->lock, dir);
    return f;
}

struct remote *remote_of_store(struct chunk_store *cs, const char *dir) {
    struct file_remote *f = new_remote(dir);
    f->cs = cs;
    f->borrowed = true;
    f->writable = true;
    return &f->base;
}

static bool has(const char *dir, const char *name) {
    struct buf path = BUF_INIT;
    buf_addf(&path, "%s/%s", dir, name);
    bool yes = os_exists(path.data);
    buf_release(&path);
    return yes;
}

static int check_target(const char *dir, unsigned flags, struct err *err) {
    struct stat st;
    bool exists = os_stat(dir, &st) == 0;
    if (exists && !S_ISDIR(st.st_mode))
        return err_set(err, BD_INVALID, "%s is not a directory", dir);
    if (has(dir, ".dolt"))
        return err_set(err, BD_INVALID,
                       "%s is a database that is in use, not a remote or backup; name another folder",
                       dir);
    if (has(dir, JOURNAL_FILE))
        return err_set(err, BD_INVALID,
                       "%s holds a journal: it is a database that is in use, not a remote or backup",
                       dir);
    if (exists || !(flags & REMOTE_CREATE))
        return exists ? BD_OK : err_set(err, BD_NOT_FOUND, "%s does not exist", dir);
    return os_mkdir_durable(dir, 0777) ? err_errno(err, "cannot create %s", dir) : BD_OK;
}

int remote_open_dir(struct remote **out, const char *dir, unsigned flags, struct err *err) {
    struct buf inner = BUF_INIT;
    int rc = BD_OK;
    buf_addf(&inner, "%s/.dolt/noms", dir);
    if (flags & REMOTE_WRITE)
        rc = check_target(dir, flags, err);
    else if (os_is_dir(inner.data))
        dir = inner.data;
    if (rc == BD_OK) {
        struct file_remote *f = new_remote(dir);
        f->bare = true;
        f->writable = (flags & REMOTE_WRITE) != 0;
        rc = refresh(f, err);
        if (rc == BD_OK && !f->cs && !(flags & REMOTE_CREATE))
            rc = err_set(err, BD_NOT_FOUND, "no database at %s: it has no manifest", dir);
        if (rc == BD_OK)
            *out = &f->base;
        else
            close_remote(&f->base);
    }
    buf_release(&inner);
    return rc;
}

void remote_close(struct remote *r) {
    if (r)
        r->driver->close(r);
}
