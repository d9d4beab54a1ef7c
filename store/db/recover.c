/* The runbook, step by step. */
#include "store/db/recover.h"

#include "base/os.h"
#include "store/chunk/lock.h"
#include "store/db/fsck_check.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BLOCK ((size_t)1 << 20)
#define DEPTH_MAX 32
#define INFO_SIZE_MAX 256

void recover_result_release(struct recover_result *r) {
    repair_result_release(&r->repair);
    arena_release(&r->arena);
    *r = (struct recover_result){.arena = ARENA_INIT};
}

struct recovery {
    const char *dir, *dot;
    const struct recover_options *o;
    struct recover_result *r;
    uint64_t done;
};

static int tell(struct recovery *x, enum recover_step step, uint64_t done, uint64_t total,
                struct err *err) {
    x->r->reached = step;
    if (x->o->progress && !x->o->progress(x->o->progress_ctx, step, done, total))
        return err_set(err, BD_CANCELLED, "stopped; nothing was changed");
    return BD_OK;
}

/* ---- 1: nobody else ---- */

static long read_pid(const char *path) {
    char *text;
    size_t size;
    if (os_read_file(path, INFO_SIZE_MAX * 16, &text, &size) < 0)
        return 0;
    char *end;
    long pid = strtol(text, &end, 10);
    bool good = end > text && *end == ':' && pid > 0;
    free(text);
    return good && (kill((pid_t)pid, 0) == 0 || errno == EPERM) ? pid : 0;
}

long db_server_pid(const char *dir) {
    struct buf path = BUF_INIT;
    long pid = 0;
    for (int up = 0; up < 2 && !pid; up++) {
        buf_clear(&path);
        buf_addf(&path, "%s%s/.dolt/sql-server.info", dir, up ? "/.." : "");
        pid = read_pid(path.data);
    }
    buf_release(&path);
    return pid;
}

/* ---- 3: the copy ---- */

static int copy_file(struct recovery *x, const char *from, const char *to, const struct stat *st,
                     struct err *err) {
    int in = os_open(from, O_RDONLY, 0), out = -1, rc = BD_OK;
    uint8_t *a = mem_alloc(BLOCK), *b = mem_alloc(BLOCK);
    if (in < 0 || (out = os_open(to, O_CREAT | O_EXCL | O_RDWR, st->st_mode & 0777)) < 0)
        rc = err_errno(err, "cannot copy %s to %s", from, to);
    uint64_t size = (uint64_t)st->st_size;
    for (int verify = 0; verify < 2 && rc == BD_OK; verify++) {
        for (uint64_t at = 0; at < size && rc == BD_OK;) {
            size_t n = size - at < BLOCK ? (size_t)(size - at) : BLOCK;
            if (os_pread_all(in, a, n, (off_t)at) < 0)
                rc = err_errno(err, "cannot read %s", from);
            else if (!verify && os_pwrite_all(out, a, n, (off_t)at) < 0)
                rc = err_errno(err, "cannot write %s", to);
            else if (verify && (os_pread_all(out, b, n, (off_t)at) < 0 || memcmp(a, b, n) != 0))
                rc = err_set(err, BD_IO, "the copy %s differs from what was written to it", to);
            at += n;
            x->done += verify ? 0 : n;
        }
        if (rc == BD_OK && !verify && os_fsync(out) < 0)
            rc = err_errno(err, "cannot sync %s", to);
        if (rc == BD_OK && !verify)
            rc = tell(x, RECOVER_COPY, x->done, x->r->bytes_before, err);
    }
    if (in >= 0)
        os_close(in);
    if (out >= 0)
        os_close(out);
    free(a);
    free(b);
    return rc;
}

static int copy_tree(struct recovery *x, const char *from, const char *to, int depth, struct err *err) {
    char **names;
    size_t count;
    int rc = BD_OK;
    if (depth > DEPTH_MAX)
        return err_set(err, BD_UNSUPPORTED, "%s lies too deep", from);
    if (os_mkdir(to, 0755) < 0)
        return err_errno(err, "cannot create %s", to);
    if (os_list_dir(from, &names, &count) < 0)
        return err_errno(err, "cannot list %s", from);
    for (size_t i = 0; i < count && rc == BD_OK; i++) {
        struct buf a = BUF_INIT, b = BUF_INIT;
        struct stat st;
        buf_addf(&a, "%s/%s", from, names[i]);
        buf_addf(&b, "%s/%s", to, names[i]);
        if (os_stat(a.data, &st) < 0)
            rc = errno == ENOENT ? BD_OK : err_errno(err, "cannot look at %s", a.data);
        else if (S_ISDIR(st.st_mode))
            rc = copy_tree(x, a.data, b.data, depth + 1, err);
        else if (S_ISREG(st.st_mode))
            rc = copy_file(x, a.data, b.data, &st, err);
        buf_release(&a);
        buf_release(&b);
    }
    os_free_list(names, count);
    if (rc == BD_OK && os_fsync_dir(to) < 0)
        rc = err_errno(err, "cannot sync %s", to);
    return rc;
}

/* A name beside .dolt that is not taken: .dolt.<word>-<stamp>. */
static char *stamped(struct recovery *x, const char *word) {
    struct tm tm;
    time_t now = time(NULL);
    char stamp[32];
    localtime_r(&now, &tm);
    strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &tm);
    for (int i = 0;; i++) {
        char *path = i ? arena_printf(&x->r->arena, "%s.%s-%s-%d", x->dot, word, stamp, i)
                       : arena_printf(&x->r->arena, "%s.%s-%s", x->dot, word, stamp);
        if (!os_exists(path))
            return path;
    }
}

/* Under a name that no roll-back would take for complete, until it is. */
static int make_copy(struct recovery *x, struct err *err) {
    char *path = stamped(x, "bak"), *part = stamped(x, "part");
    int rc = copy_tree(x, x->dot, part, 0, err);
    if (rc == BD_OK && (os_rename(part, path) < 0 || os_fsync_dir(x->dir) < 0))
        rc = err_errno(err, "cannot name the copy %s", path);
    if (rc != BD_OK) {
        os_remove_tree(part);
        return rc;
    }
    x->r->backup = path;
    return BD_OK;
}

/* ---- 4 to 7 ---- */

static int check(struct recovery *x, struct fsck_report *r, struct err *err) {
    struct fsck_options o = {.level = FSCK_DEEP};
    fsck_report_init(r);
    return db_fsck(x->dir, &o, r, err);
}

static int repair_first(struct recovery *x, struct err *err) {
    struct fsck_report report;
    int rc = tell(x, RECOVER_REPAIR, 0, 0, err);
    if (rc == BD_OK)
        rc = check(x, &report, err);
    if (rc != BD_OK)
        return rc;
    bool sick = report.errors > 0;
    fsck_report_release(&report);
    if (!sick)
        return BD_OK;
    struct repair_options ro = {.actions = REPAIR_SAFE};
    rc = db_repair(x->dir, &ro, &x->r->repair, err);
    if (rc == BD_OK)
        rc = check(x, &report, err);
    if (rc != BD_OK)
        return rc;
    x->r->repaired = x->r->repair.count > 0;
    if (report.errors)
        rc = err_set(err, BD_CORRUPT,
                     "the database is damaged beyond what can be mended without loss (%s); nothing was "
                     "collected. 'bd fsck --repair' tells what can be done",
                     report.findings[0].message);
    fsck_report_release(&report);
    return rc;
}

static struct hash root_now(struct recovery *x) {
    struct fsck_report r;
    struct fsck_options o = {.level = FSCK_QUICK};
    fsck_report_init(&r);
    struct hash root = HASH_ZERO;
    if (db_fsck(x->dir, &o, &r, NULL) == BD_OK)
        root = r.summary.root;
    fsck_report_release(&r);
    return root;
}

static int collection_progress(void *ctx, enum db_gc_phase phase, uint64_t done, uint64_t total) {
    struct recovery *x = ctx;
    (void)phase;
    if (x->o->progress)
        x->o->progress(x->o->progress_ctx, RECOVER_COLLECT, done, total);
    return BD_OK;
}

static int collect(struct recovery *x, struct err *err) {
    struct db_gc_options o = {.full = x->o->full,
                              .table_files = x->o->table_files,
                              .ignore_space = true, /* asked before, with the copy in mind */
                              .progress = collection_progress,
                              .progress_ctx = x};
    struct db_gc_result got;
    int rc = tell(x, RECOVER_COLLECT, 0, 0, err);
    if (rc == BD_OK)
        rc = db_gc(x->dir, &o, &got, err);
    if (rc == BD_OK) {
        x->r->collected = true;
        x->r->nothing_to_do = got.nothing_to_do;
    }
    return rc;
}

static int check_after(struct recovery *x, const struct hash *root, struct err *err) {
    struct fsck_report report;
    int rc = tell(x, RECOVER_CHECK, 0, 0, err);
    if (rc == BD_OK)
        rc = check(x, &report, err);
    if (rc != BD_OK)
        return rc;
    if (report.errors)
        rc = err_set(err, BD_CORRUPT, "the check after the collection failed: %s",
                     report.findings[0].message);
    else if (!hash_eq(root, &report.summary.root))
        rc = err_set(err, BD_CORRUPT, "the root after the collection is not the one before");
    fsck_report_release(&report);
    return rc;
}

/* Under the lock of the one that comes: at once where the file system can, else there is a moment in
 * between that interrupted_find (store/remote) knows. */
static int change_places(struct recovery *x, const char *again, const char *failed, struct err *err) {
    struct store_lock lock;
    store_lock_init(&lock, arena_printf(&x->r->arena, "%s/noms", again));
    int rc = store_lock_take(&lock, 0, err);
    if (rc == BD_OK && os_fsync_dir(x->dir) < 0)
        rc = err_errno(err, "cannot sync %s", x->dir);
    if (rc == BD_OK && os_exchange(again, x->dot) == 0) {
        if (os_rename(again, failed) == 0)
            again = failed;
        x->r->failed = again;
    } else if (rc == BD_OK && os_rename(x->dot, failed) < 0) {
        rc = err_errno(err, "cannot move %s to %s", x->dot, failed);
    } else if (rc == BD_OK && os_rename(again, x->dot) < 0) {
        rc = err_errno(err, "cannot move %s to %s", again, x->dot);
        os_rename(failed, x->dot);
    } else if (rc == BD_OK) {
        x->r->failed = failed;
    }
    if (rc == BD_OK && os_fsync_dir(x->dir) < 0)
        rc = err_errno(err, "cannot sync %s", x->dir);
    store_lock_give(&lock);
    store_lock_close(&lock);
    return rc;
}

/* The copy takes the place of what is there now, which is kept too. */
static void roll_back(struct recovery *x, struct err *err) {
    char *failed = stamped(x, "failed"), *again = stamped(x, "restore");
    struct err why = ERR_INIT;
    x->r->reached = RECOVER_ROLL_BACK;
    x->done = 0;
    struct recovery copy = *x;
    copy.dot = x->r->backup;
    int rc = copy_tree(&copy, x->r->backup, again, 0, &why); /* the copy itself stays where it is */
    if (rc == BD_OK)
        rc = change_places(x, again, failed, &why);
    if (rc == BD_OK) {
        x->r->rolled_back = true;
        err_prefix(err, "rolled back (the database is as it was)");
    } else {
        err_prefix(err, "%s; the complete copy of the database is %s", why.msg, x->r->backup);
    }
}

int db_recover(const char *dir, const struct recover_options *o, struct recover_result *out,
               struct err *err) {
    struct recovery x = {.dir = dir, .o = o, .r = out};
    struct store_lock lock;
    *out = (struct recover_result){.arena = ARENA_INIT};
    out->repair.arena = (struct arena)ARENA_INIT;
    x.dot = arena_printf(&out->arena, "%s/.dolt", dir);
    char *noms = arena_printf(&out->arena, "%s/noms", x.dot);
    if (!os_is_dir(noms))
        return err_set(err, BD_NOT_FOUND, "no database at %s", dir);
    long pid = db_server_pid(dir);
    int rc = tell(&x, RECOVER_EXCLUDE, 0, 0, err);
    if (rc == BD_OK && pid)
        rc = err_set(err, BD_BUSY, "a server (process %ld) serves %s: stop it first", pid, dir);
    store_lock_init(&lock, noms);
    if (rc == BD_OK)
        rc = store_lock_take(&lock, 0, err);
    if (rc == BD_BUSY && !pid)
        err_set(err, rc, "another process holds %s/LOCK: stop everything that uses the database first",
                noms);
    out->bytes_before = os_tree_size(x.dot);
    if (rc == BD_OK)
        rc = tell(&x, RECOVER_SPACE, 0, 0, err);
    if (rc == BD_OK && os_free_space(dir, &out->bytes_free) == 0 && !o->ignore_space &&
        out->bytes_free / 2 < out->bytes_before)
        rc = err_set(
            err, BD_NO_SPACE,
            "%llu bytes are free, but twice the size of %s (%llu bytes) is needed: once for the "
            "copy, once for the collection",
            (unsigned long long)out->bytes_free, x.dot, (unsigned long long)out->bytes_before);
    if (rc == BD_OK && !o->dry_run) {
        rc = tell(&x, RECOVER_COPY, 0, out->bytes_before, err);
        if (rc == BD_OK)
            rc = make_copy(&x, err);
    }
    store_lock_give(&lock); /* repair and collection take it themselves */
    store_lock_close(&lock);
    if (rc != BD_OK || o->dry_run)
        return rc;

    rc = repair_first(&x, err);
    if (rc != BD_OK) {
        if (x.r->repair.count)
            roll_back(&x, err);
        return rc;
    }
    struct hash root = root_now(&x);
    rc = collect(&x, err);
    if (rc == BD_OK)
        rc = check_after(&x, &root, err);
    if (rc != BD_OK) {
        roll_back(&x, err);
        return rc;
    }
    out->bytes_after = os_tree_size(x.dot);
    if (out->bytes_after < out->bytes_before && out->bytes_before)
        out->percent = (unsigned)((out->bytes_before - out->bytes_after) * 100 / out->bytes_before);
    return BD_OK;
}
