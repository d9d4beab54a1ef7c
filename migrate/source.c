/*
 * Finding, locking, copying and setting aside. A backup is complete when its .db exists: a -wal or
 * -journal beside it is published first, each by rename after fsync.
 */
#include "migrate/source.h"
#include "migrate/migrate.h"

#include "base/datetime.h"
#include "base/os.h"
#include "bd/workspace/workspace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COPY_BLOCK ((size_t)1 << 20)

const char *source_directory(const char *path, struct arena *a) {
    const char *slash = strrchr(path, '/');
    return !slash ? "." : slash == path ? "/" : arena_strndup(a, path, (size_t)(slash - path));
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

const char *source_stamp(struct arena *a) {
    int64_t now = datetime_now();
    struct civil c;
    datetime_to_civil(now + datetime_local_offset(now) * MICROS_PER_SECOND, &c);
    return arena_printf(a, "%04d%02d%02d-%02d%02d%02d", c.year, c.month, c.day, c.hour, c.minute,
                        c.second);
}

/* ---- finding ---- */

/* An empty file is what some versions left where there was no database. */
static bool is_file(const char *path) {
    struct stat st;
    return os_stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0;
}

static bool is_candidate(const char *name) {
    size_t n = strlen(name);
    return n > 3 && strcmp(name + n - 3, ".db") == 0 && !strstr(name, "backup") &&
           strcmp(name, "vc.db") != 0 && name[0] != '.';
}

int legacy_find(const char *beads_dir, struct arena *a, const char **path, struct err *err) {
    static const char *const names[] = {"beads.db", "issues.db"};
    struct metadata m;
    struct err ignored = ERR_INIT;
    *path = NULL;
    if (metadata_load(beads_dir, a, &m, &ignored) == BD_OK && is_candidate(base_name(m.database))) {
        const char *named =
            m.database[0] == '/' ? m.database : arena_printf(a, "%s/%s", beads_dir, m.database);
        if (is_file(named)) {
            *path = named;
            return BD_OK;
        }
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *p = arena_printf(a, "%s/%s", beads_dir, names[i]);
        if (is_file(p)) {
            *path = p;
            return BD_OK;
        }
    }
    DIR *d = opendir(beads_dir);
    int rc = BD_OK;
    for (struct dirent *e; d && (e = readdir(d));) {
        const char *p = arena_printf(a, "%s/%s", beads_dir, e->d_name);
        if (!is_candidate(e->d_name) || !is_file(p))
            continue;
        if (*path)
            rc =
                err_set(err, BD_INVALID,
                        "%s holds several SQLite files (%s, %s): name the right one as \"database\" in "
                        "%s/metadata.json",
                        beads_dir, base_name(*path), e->d_name, beads_dir);
        *path = p;
    }
    if (d)
        closedir(d);
    if (rc)
        *path = NULL;
    return rc ? rc : *path ? BD_OK : BD_NOT_FOUND;
}

/* ---- the lock ---- */

/* SQLite's lock bytes: pending, reserved and 510 for readers, far behind the end of small files. */
static struct flock lock_range(short type) {
    return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = 0x40000000, .l_len = 512};
}

int source_lock(const char *path, int *fd, struct err *err) {
    struct flock l = lock_range(F_WRLCK);
    *fd = os_open(path, O_RDWR, 0);
    bool writable = *fd >= 0;
    if (!writable)
        *fd = os_open(path, O_RDONLY, 0);
    if (*fd < 0)
        return err_errno(err, "cannot open %s", path);
    bool busy = false;
    if (writable)
        busy = fcntl(*fd, F_OFD_SETLK, &l) && (errno == EAGAIN || errno == EACCES);
    else /* nobody but a reader can be kept out; at least see whether there is one */
        busy = fcntl(*fd, F_OFD_GETLK, &l) == 0 && l.l_type != F_UNLCK;
    if (!busy)
        return BD_OK;
    source_unlock(*fd);
    *fd = -1;
    return err_set(
        err, BD_BUSY,
        "another program has %s open (a daemon of the old bd?); stop it ('bd daemon stop' of "
        "that version) and run this again. Nothing was changed",
        path);
}

void source_unlock(int fd) {
    if (fd >= 0)
        os_close(fd);
}

/* ---- the backup ---- */

static int file_size(const char *path, off_t *size) {
    struct stat st;
    *size = 0;
    if (os_stat(path, &st))
        return errno == ENOENT ? 0 : -1;
    *size = st.st_size;
    return 0;
}

/* 1: equal, 0: not, -1 with errno. Files that do not exist are empty ones. */
static int same_bytes(const char *x, const char *y) {
    off_t n, m;
    if (file_size(x, &n) || file_size(y, &m))
        return -1;
    if (n != m || n == 0)
        return n == m;
    int a = os_open(x, O_RDONLY, 0), b = os_open(y, O_RDONLY, 0);
    char *buffer = mem_alloc(2 * COPY_BLOCK);
    int same = a < 0 || b < 0 ? -1 : 1;
    for (off_t at = 0; same == 1 && at < n; at += (off_t)COPY_BLOCK) {
        size_t part = n - at < (off_t)COPY_BLOCK ? (size_t)(n - at) : COPY_BLOCK;
        if (os_pread_all(a, buffer, part, at) || os_pread_all(b, buffer + COPY_BLOCK, part, at))
            same = -1;
        else
            same = memcmp(buffer, buffer + COPY_BLOCK, part) == 0;
    }
    int saved = errno;
    free(buffer);
    if (a >= 0)
        os_close(a);
    if (b >= 0)
        os_close(b);
    errno = saved;
    return same;
}

/* Copies to a temporary name, syncs, compares what is there now with the source, renames. */
static int copy_file(const char *from, const char *to, struct arena *a, struct err *err) {
    const char *tmp = arena_printf(a, "%s/.bd-migrate-copy", source_directory(to, a));
    struct stat st;
    int in = os_open(from, O_RDONLY, 0), out = -1, rc = BD_OK;
    if (in < 0 || os_fstat(in, &st)) {
        rc = err_errno(err, "cannot read %s", from);
    } else if ((out = os_open(tmp, O_WRONLY | O_CREAT | O_TRUNC, st.st_mode & 0700)) < 0) {
        rc = err_errno(err, "cannot write the backup %s", to);
    } else {
        char *buffer = mem_alloc(COPY_BLOCK);
        for (off_t at = 0; rc == BD_OK && at < st.st_size;) {
            size_t part = st.st_size - at < (off_t)COPY_BLOCK ? (size_t)(st.st_size - at) : COPY_BLOCK;
            if (os_pread_all(in, buffer, part, at))
                rc = err_errno(err, "cannot read %s", from);
            else if (os_pwrite_all(out, buffer, part, at))
                rc = err_errno(err, "cannot write the backup %s", to);
            at += (off_t)part;
        }
        free(buffer);
        if (rc == BD_OK && os_fsync(out))
            rc = err_errno(err, "cannot write the backup %s", to);
    }
    if (in >= 0)
        os_close(in);
    if (out >= 0)
        os_close(out);
    int same = rc == BD_OK ? same_bytes(from, tmp) : 0;
    if (rc == BD_OK && same < 0)
        rc = err_errno(err, "cannot compare %s with its backup", from);
    else if (rc == BD_OK && !same)
        rc = err_set(err, BD_BUSY,
                     "%s was changed while it was copied; stop the program that uses it "
                     "and run this again. Nothing was changed",
                     from);
    if (rc == BD_OK && os_rename(tmp, to))
        rc = err_errno(err, "cannot write the backup %s", to);
    if (rc && out >= 0)
        os_unlink(tmp);
    return rc;
}

/* What belongs to the file's content. */
static const char *const sides[] = {"-wal", "-journal"};
enum { SIDE_COUNT = sizeof sides / sizeof *sides };

/* Beside the file itself, wherever a link leads to it from. */
static const char *side_of(const char *path, size_t i, struct arena *a) {
    char *target = os_link_target(path);
    const char *side = arena_printf(a, "%s%s", target, sides[i]);
    free(target);
    return side;
}

/* 1: all of them are equal, 0: not, -1 with errno. */
static int same_sides(const char *x, const char *y, struct arena *a) {
    int same = 1;
    for (size_t i = 0; same == 1 && i < SIDE_COUNT; i++)
        same = same_bytes(side_of(x, i, a), side_of(y, i, a));
    return same;
}

/* A backup with the bytes of the file and of what belongs to it. */
static int find_backup(const char *path, const char *stem, struct arena *a, const char **backup) {
    const char *dir = source_directory(path, a);
    const char *prefix = arena_printf(a, "%s.backup-pre-dolt-", stem);
    int same = 0;
    DIR *d = opendir(dir);
    *backup = NULL;
    for (struct dirent *e; d && same == 0 && (e = readdir(d));) {
        size_t n = strlen(e->d_name);
        if (strncmp(e->d_name, prefix, strlen(prefix)) != 0 || strcmp(e->d_name + n - 3, ".db") != 0)
            continue;
        const char *p = arena_printf(a, "%s/%s", dir, e->d_name);
        same = same_bytes(path, p);
        if (same == 1)
            same = same_sides(path, p, a);
        if (same == 1)
            *backup = p;
    }
    if (d)
        closedir(d);
    return same < 0 ? -1 : 0;
}

int source_backup(const char *path, struct arena *a, const char **backup, struct err *err) {
    const char *dir = source_directory(path, a), *name = base_name(path), *stamp = source_stamp(a);
    size_t n = strlen(name);
    const char *stem = arena_strndup(a, name, n > 3 && !strcmp(name + n - 3, ".db") ? n - 3 : n);
    if (find_backup(path, stem, a, backup))
        return err_errno(err, "cannot read the backups in %s", dir);
    if (*backup) /* its own run may have been cut off before this */
        return os_fsync_dir(dir) ? err_errno(err, "cannot sync %s", dir) : BD_OK;
    const char *to = arena_printf(a, "%s/%s.backup-pre-dolt-%s.db", dir, stem, stamp);
    for (int i = 1; os_exists(to) || os_exists(side_of(to, 0, a)) || os_exists(side_of(to, 1, a)); i++)
        to = arena_printf(a, "%s/%s.backup-pre-dolt-%s-%d.db", dir, stem, stamp, i);
    int rc = BD_OK;
    for (size_t i = 0; rc == BD_OK && i < SIDE_COUNT; i++) {
        off_t size;
        if (file_size(side_of(path, i, a), &size))
            rc = err_errno(err, "cannot read %s%s", path, sides[i]);
        else if (size > 0)
            rc = copy_file(side_of(path, i, a), side_of(to, i, a), a, err);
    }
    if (rc == BD_OK && os_fsync_dir(dir))
        rc = err_errno(err, "cannot sync %s", dir);
    if (rc == BD_OK)
        rc = copy_file(path, to, a, err);
    if (rc == BD_OK && os_fsync_dir(dir))
        rc = err_errno(err, "cannot sync %s", dir);
    if (rc == BD_OK) {
        /* They were copied one after the other: all must still be what was copied. */
        int same = same_sides(path, to, a);
        if (same < 0)
            rc = err_errno(err, "cannot compare %s with its backup", path);
        else if (!same)
            rc = err_set(err, BD_BUSY,
                         "%s was changed while it was copied; stop the program that uses "
                         "it and run this again. Nothing was changed",
                         path);
    }
    *backup = rc ? NULL : to;
    return rc;
}

/* ---- setting aside ---- */

int migrate_set_aside(const char *beads_dir, const char *source, struct arena *a, const char **dir,
                      size_t *files, struct err *err) {
    /* The main file goes first: without its -wal it would show an older state. */
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    const char *to = arena_printf(a, "%s/legacy-sqlite-%s", beads_dir, source_stamp(a));
    *dir = NULL;
    *files = 0;
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        const char *from = arena_printf(a, "%s%s", source, suffixes[i]);
        if (!os_exists(from))
            continue;
        if (!*dir) {
            for (int k = 1; os_exists(to); k++)
                to = arena_printf(a, "%s/legacy-sqlite-%s-%d", beads_dir, source_stamp(a), k);
            if (os_mkdir(to, 0700) || os_fsync_dir(beads_dir))
                return err_errno(err, "cannot create %s", to);
            *dir = to;
        }
        if (os_rename(from, arena_printf(a, "%s/%s", to, base_name(from))))
            return err_errno(err, "cannot move %s to %s", from, to);
        ++*files;
        if (os_fsync_dir(to) || os_fsync_dir(beads_dir))
            return err_errno(err, "cannot sync %s", to);
    }
    return BD_OK;
}
