/*
 * Names beside a database `t`: `.tmp-restore-PID-n-t/t` is being built and may be removed at any time;
 * `.replaced-TIME-t/t` holds either the complete new database or, after the exchange, the old one, and
 * is never removed; `.dolt_dropped_databases/t` is where Dolt, too, keeps databases that were dropped.
 */
#include "store/remote/restore.h"

#include "base/os.h"
#include "store/chunk/lock.h"
#include "store/db/repo_state.h"
#include "store/db/store_root.h"
#include "store/db/working_set.h"
#include "store/remote/interrupted.h"
#include "store/remote/refs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BUILDING ".tmp-restore-"
#define DROPPED ".dolt_dropped_databases"
#define LOCK_WAIT_MS 10000

/* ---- paths ---- */

static char *join(const char *dir, const char *name) {
    struct buf b = BUF_INIT;
    buf_addf(&b, "%s/%s", dir, name);
    return buf_detach(&b);
}

static void split(const char *dir, char **parent, char **name) {
    char *path = mem_strdup(dir);
    for (size_t n = strlen(path); n > 1 && path[n - 1] == '/';)
        path[--n] = '\0';
    char *slash = strrchr(path, '/');
    *name = mem_strdup(slash ? slash + 1 : path);
    *parent = !slash ? mem_strdup(".") : slash == path ? mem_strdup("/") : NULL;
    if (!*parent) {
        *slash = '\0';
        *parent = path;
    } else {
        free(path);
    }
}

static int sync_dir(const char *path, struct err *err) {
    return os_fsync_dir(path) ? err_errno(err, "cannot sync %s", path) : BD_OK;
}

static int move(const char *from, const char *to, struct err *err) {
    return os_rename(from, to) ? err_errno(err, "cannot move %s to %s", from, to) : BD_OK;
}

/* ---- building ---- */

static int make_outer(struct restore *r, const char *dir, struct err *err) {
    struct buf outer = BUF_INIT;
    int rc = BD_OK;
    *r = (struct restore)RESTORE_INIT;
    r->dir = mem_strdup(dir);
    split(dir, &r->parent, &r->name);
    for (int attempt = 0;; attempt++) {
        buf_clear(&outer);
        buf_addf(&outer, "%s/" BUILDING "%ld-%d-%s", r->parent, (long)getpid(), attempt, r->name);
        if (os_mkdir(outer.data, 0700) == 0)
            break;
        if (errno != EEXIST || attempt == 100) {
            rc = err_errno(err, "cannot create directory %s", outer.data);
            break;
        }
    }
    if (rc == BD_OK) {
        r->outer = buf_detach(&outer);
        r->built = join(r->outer, r->name);
    }
    buf_release(&outer);
    return rc;
}

static int make_folders(const char *built, struct err *err) {
    static const char *const names[] = {"", "/.dolt", "/.dolt/noms", "/.dolt/noms/oldgen",
                                        "/.dolt/temptf"};
    struct buf path = BUF_INIT;
    int rc = BD_OK;
    for (size_t i = 0; i < sizeof names / sizeof *names && rc == BD_OK; i++) {
        buf_clear(&path);
        buf_addf(&path, "%s%s", built, names[i]);
        if (os_mkdir(path.data, 0777))
            rc = err_errno(err, "cannot create directory %s", path.data);
    }
    buf_release(&path);
    return rc;
}

static int write_config(const char *built, struct err *err) {
    char *path = join(built, ".dolt/config.json");
    int rc =
        os_write_file_atomic(path, "{}", 2, 0644) ? err_errno(err, "cannot write %s", path) : BD_OK;
    free(path);
    return rc;
}

/* The files beside the chunks, and every directory made durable. */
static int finish(struct restore *r, const char *branch, struct err *err) {
    char *dolt = join(r->built, ".dolt");
    int rc = repo_state_create(r->built, branch, err);
    if (rc == BD_OK)
        rc = write_config(r->built, err);
    if (rc == BD_OK)
        rc = sync_dir(dolt, err);
    if (rc == BD_OK)
        rc = sync_dir(r->built, err);
    if (rc == BD_OK)
        rc = sync_dir(r->outer, err);
    free(dolt);
    return rc;
}

static bool is_branch(const struct remote_ref *r, const char *name) {
    return strncmp(r->dataset, "refs/heads/", 11) == 0 && (!name || strcmp(r->dataset + 11, name) == 0);
}

/* The branch to stand on: the one asked for, main, master, or any. */
static const char *choose_branch(const struct remote_ref *refs, size_t count, const char *wanted) {
    const char *names[] = {wanted, "main", "master", NULL};
    size_t tries = wanted ? 1 : 4;
    for (size_t n = wanted ? 0 : 1; n < tries; n++)
        for (size_t i = 0; i < count; i++)
            if (is_branch(&refs[i], names[n]))
                return refs[i].dataset + 11;
    return NULL;
}

/* A bare store becomes the store of a database by the name of its folder; nothing else is to be done.
 */
static int open_sink(struct restore *r, struct remote **sink, char **noms, struct err *err) {
    *noms = join(r->built, ".dolt/noms");
    int rc = make_folders(r->built, err);
    return rc == BD_OK ? remote_open_dir(sink, *noms, REMOTE_WRITE | REMOTE_CREATE, err) : rc;
}

int restore_build(struct restore *r, struct remote *source, const char *dir,
                  const struct pull_options *options, struct pull_stats *stats, struct err *err) {
    struct arena a = ARENA_INIT;
    struct remote *sink = NULL;
    struct remote_ref *refs;
    const char *branch = NULL;
    char *noms = NULL;
    size_t count = 0;
    int rc = make_outer(r, dir, err);
    if (rc == BD_OK)
        rc = remote_refs(source, &a, &refs, &count, err);
    if (rc == BD_OK && !(branch = choose_branch(refs, count, NULL)))
        rc = err_set(err, BD_NOT_FOUND, "it holds no branch, so there is nothing to restore");
    if (rc == BD_OK)
        rc = open_sink(r, &sink, &noms, err);
    if (rc == BD_OK)
        rc = pull_root(source, sink, options, stats, NULL, err);
    if (rc == BD_OK)
        rc = finish(r, branch, err);
    remote_close(sink);
    free(noms);
    arena_release(&a);
    return rc;
}

/* ---- cloning ---- */

/* The root of the clone, in the store that has all the chunks it refers to. */
static int write_root(const char *noms, const struct remote_ref *refs, size_t count, const char *branch,
                      const char *remote_name, struct arena *a, struct err *err) {
    struct store_root_edit *edits = arena_alloc(a, (count + 2) * sizeof *edits);
    struct chunk_store *cs;
    struct chunk_write *chunks;
    struct tree map;
    struct hash root, ws;
    size_t n = 0, chunk_count;
    int rc = chunk_store_open(&cs, noms, 0, err);
    if (rc != BD_OK)
        return rc;
    struct node_store *ns = node_store_new(cs);
    rc = store_root_open(&map, ns, &HASH_ZERO, err);
    for (size_t i = 0; i < count && rc == BD_OK; i++) {
        if (is_branch(&refs[i], branch)) {
            edits[n++] = (struct store_root_edit){refs[i].dataset, refs[i].address};
            rc = working_set_write_clean(ns, &refs[i].address, &ws, err);
            edits[n++] = (struct store_root_edit){arena_printf(a, "workingSets/heads/%s", branch), ws};
        }
        if (is_branch(&refs[i], NULL))
            edits[n++] = (struct store_root_edit){
                arena_printf(a, "refs/remotes/%s/%s", remote_name, refs[i].dataset + 11),
                refs[i].address};
        else
            edits[n++] = (struct store_root_edit){refs[i].dataset, refs[i].address};
    }
    if (rc == BD_OK)
        rc = store_root_edit(&map, edits, n, &root, err);
    if (rc == BD_OK)
        rc = node_store_collect(ns, &root, a, &chunks, &chunk_count, err);
    if (rc == BD_OK)
        rc = chunk_store_commit(cs, &HASH_ZERO, chunks, chunk_count, &root, err);
    node_store_free(ns);
    chunk_store_close(cs);
    return rc;
}

/* Only branches and tags travel. */
static size_t keep_wanted(struct remote_ref *refs, size_t count) {
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        if (is_branch(&refs[i], NULL) || strncmp(refs[i].dataset, "refs/tags/", 10) == 0)
            refs[n++] = refs[i];
    return n;
}

int restore_clone(struct restore *r, struct remote *source, const char *dir, const char *url,
                  const char *remote_name, const char *branch, const struct pull_options *options,
                  struct pull_stats *stats, struct err *err) {
    struct arena a = ARENA_INIT;
    struct remote *sink = NULL;
    struct remote_ref *refs = NULL;
    const char *on = NULL;
    char *noms = NULL;
    size_t count = 0;
    int rc = make_outer(r, dir, err);
    if (rc == BD_OK)
        rc = remote_refs(source, &a, &refs, &count, err);
    if (rc == BD_OK && !(on = choose_branch(refs, count, branch)))
        rc = branch && count ? err_set(err, BD_NOT_FOUND, "the remote %s has no branch %s",
                                       remote_shown_url(url, &a), branch)
                             : err_set(err, BD_NOT_FOUND, "the remote %s contains no dolt data",
                                       remote_shown_url(url, &a));
    if (rc == BD_OK)
        rc = open_sink(r, &sink, &noms, err);
    if (rc == BD_OK) {
        count = keep_wanted(refs, count);
        struct hash *targets = arena_alloc(&a, (count + 1) * sizeof *targets);
        for (size_t i = 0; i < count; i++)
            targets[i] = refs[i].address;
        rc = pull_chunks(source, sink, targets, count, options, stats, err);
    }
    remote_close(sink);
    if (rc == BD_OK)
        rc = write_root(noms, refs, count, on, remote_name, &a, err);
    if (rc == BD_OK)
        rc = finish(r, on, err);
    if (rc == BD_OK)
        rc = repo_state_put(r->built, REPO_REMOTES,
                            &(struct repo_address){remote_name, remote_normal_url(url, &a)}, err);
    if (rc == BD_OK)
        rc = repo_state_set_upstream(r->built, on, remote_name, err);
    free(noms);
    arena_release(&a);
    return rc;
}

void restore_release(struct restore *r) {
    if (r->outer && !r->published)
        os_remove_tree(r->outer);
    free(r->dir);
    free(r->parent);
    free(r->name);
    free(r->outer);
    free(r->built);
    *r = (struct restore)RESTORE_INIT;
}

/* ---- publishing ---- */

/* A name for the folder that shows what it holds and when; nobody removes it. If the name is not
 * certain to last, the folder gets its old one again, under which it may be taken apart; else it stays
 * whole. */
static int rename_outer(struct restore *r, struct err *err) {
    char stamp[32];
    time_t now = time(NULL);
    struct tm tm;
    gmtime_r(&now, &tm);
    strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &tm);
    struct buf name = BUF_INIT;
    for (int attempt = 0; attempt == 0 || (os_exists(name.data) && attempt < 1000); attempt++) {
        buf_clear(&name);
        buf_addf(&name, "%s/" INTERRUPTED_REPLACED "%s", r->parent, stamp);
        if (attempt)
            buf_addf(&name, "-%d", attempt);
        buf_addf(&name, "-%s", r->name);
    }
    int rc = move(r->outer, name.data, err);
    if (rc == BD_OK && (rc = sync_dir(r->parent, err)) != BD_OK)
        r->published = os_rename(name.data, r->outer) || os_fsync_dir(r->parent);
    if (rc == BD_OK) {
        free(r->outer);
        free(r->built);
        r->outer = buf_detach(&name);
        r->built = join(r->outer, r->name);
    }
    buf_release(&name);
    return rc;
}

/* Where Dolt keeps dropped databases, if the name is free there; else it stays where it is. */
static const char *put_aside(struct restore *r, struct arena *a) {
    const char *dropped = arena_printf(a, "%s/" DROPPED, r->parent);
    const char *to = arena_printf(a, "%s/%s", dropped, r->name);
    if (!os_exists(r->built))
        return arena_printf(a, "%s" INTERRUPTED_OLD, r->built);
    if (os_mkdir_durable(dropped, 0755) || os_exists(to) || os_rename(r->built, to))
        return arena_strdup(a, r->built);
    os_fsync_dir(dropped);
    os_fsync_dir(r->outer);
    os_rmdir(r->outer);
    os_fsync_dir(r->parent);
    return to;
}

/* Old and new change places one after the other; what fails is undone. */
static int exchange_in_steps(struct restore *r, const char *old, struct err *err) {
    int rc = move(r->dir, old, err);
    if (rc != BD_OK)
        return rc;
    rc = sync_dir(r->outer, err);
    if (rc == BD_OK)
        rc = sync_dir(r->parent, err);
    if (rc == BD_OK)
        rc = move(r->built, r->dir, err);
    if (rc == BD_OK)
        rc = sync_dir(r->parent, err);
    if (rc == BD_OK) {
        if (os_rename(old, r->built) == 0) /* else it is kept under the name it has */
            os_fsync_dir(r->outer);
        return BD_OK;
    }
    if (os_exists(r->dir))
        os_rename(r->dir, r->built);
    if (os_rename(old, r->dir))
        err_prefix(err, "the database is now %s", old);
    os_fsync_dir(r->parent);
    return rc;
}

/* At once where the file system can; else there is a moment in between, which restore_settle knows. */
static int exchange(struct restore *r, struct arena *a, struct err *err) {
    if (os_exchange(r->built, r->dir) == 0) {
        int rc = sync_dir(r->parent, err);
        if (rc == BD_OK)
            rc = sync_dir(r->outer, err);
        if (rc != BD_OK) { /* not certain to last: as it was, and that is to last */
            os_exchange(r->built, r->dir);
            os_fsync_dir(r->parent);
            os_fsync_dir(r->outer);
        }
        return rc;
    }
    if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)
        return err_errno(err, "cannot exchange %s and %s", r->built, r->dir);
    return exchange_in_steps(r, arena_printf(a, "%s/%s" INTERRUPTED_OLD, r->outer, r->name), err);
}

static int replace(struct restore *r, struct arena *a, const char **aside, struct err *err) {
    struct store_lock lock;
    char *noms = join(r->dir, ".dolt/noms");
    bool lockable = os_is_dir(noms);
    int rc = BD_OK;
    store_lock_init(&lock, noms);
    if (lockable) /* writers wait; then they find the new database and run again on it */
        rc = store_lock_take(&lock, LOCK_WAIT_MS, err);
    if (rc == BD_OK)
        rc = rename_outer(r, err);
    if (rc == BD_OK) {
        r->published = true; /* from here on the folder may hold the old database */
        rc = exchange(r, a, err);
    }
    if (rc == BD_OK)
        *aside = put_aside(r, a);
    store_lock_give(&lock);
    store_lock_close(&lock);
    free(noms);
    return rc;
}

int restore_publish(struct restore *r, bool may_replace, struct arena *a, const char **aside,
                    struct err *err) {
    *aside = NULL;
    if (os_exists(r->dir))
        return may_replace ? replace(r, a, aside, err)
                           : err_set(err, BD_EXISTS, "%s already exists", r->dir);
    int rc = move(r->built, r->dir, err);
    if (rc == BD_OK)
        rc = sync_dir(r->parent, err);
    return rc;
}

/* ---- after a crash ---- */

int restore_settle(const char *dir, bool *done, struct err *err) {
    char *parent, *name, **names;
    size_t count;
    split(dir, &parent, &name);
    if (os_list_dir(parent, &names, &count)) {
        count = 0;
        names = NULL;
    }
    for (size_t i = 0; i < count; i++)
        if (strncmp(names[i], BUILDING, sizeof BUILDING - 1) == 0) {
            char *outer = join(parent, names[i]);
            os_remove_tree(outer);
            free(outer);
        }
    os_free_list(names, count);
    free(parent);
    free(name);
    return interrupted_finish(dir, done, err);
}
