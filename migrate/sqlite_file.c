/*
 * The virtual file system "bd-read" and the checks on opening.
 *
 * SQLite wants shared memory for the index of a -wal unless its locking mode is exclusive: then the
 * index lives on the heap. So the mode is set before the first read, and the locks it takes are empty
 * functions: migrate/source.c sees to it that nobody writes meanwhile.
 */
#include "migrate/sqlite_file.h"

#include "base/os.h"
#include "migrate/sqlite_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct read_file {
    sqlite3_file base;
    int fd;                          /* -1: a -wal that does not exist reads as an empty one */
    struct sqlite_journal *rollback; /* of the database itself: what is read instead; or NULL */
};

/* What the next database to be opened is read with; it takes it over. */
static struct sqlite_journal *next_rollback;

static int file_close(sqlite3_file *f) {
    struct read_file *r = (struct read_file *)f;
    if (r->fd >= 0)
        os_close(r->fd);
    r->fd = -1;
    sqlite_journal_close(r->rollback);
    r->rollback = NULL;
    return SQLITE_OK;
}

/* As os_pread, of the file as it was before the transaction that is to be rolled back. */
static ssize_t read_before(const struct read_file *r, void *out, int64_t size, int64_t offset) {
    int64_t left = sqlite_journal_file_size(r->rollback) - offset;
    if (left <= 0)
        return 0;
    if (size > left)
        size = left;
    return sqlite_journal_read(r->rollback, out, offset, &size)
               ? (ssize_t)size
               : os_pread(r->fd, out, (size_t)size, offset);
}

static int file_read(sqlite3_file *f, void *out, int amount, sqlite3_int64 offset) {
    struct read_file *r = (struct read_file *)f;
    int done = 0;
    while (r->fd >= 0 && done < amount) {
        ssize_t n = r->rollback
                        ? read_before(r, (char *)out + done, amount - done, offset + done)
                        : os_pread(r->fd, (char *)out + done, (size_t)(amount - done), offset + done);
        if (n < 0)
            return SQLITE_IOERR_READ;
        if (n == 0)
            break;
        done += (int)n;
    }
    if (done == amount)
        return SQLITE_OK;
    memset((char *)out + done, 0, (size_t)(amount - done));
    return SQLITE_IOERR_SHORT_READ;
}

static int file_size(sqlite3_file *f, sqlite3_int64 *size) {
    struct read_file *r = (struct read_file *)f;
    struct stat st;
    *size = 0;
    if (r->fd < 0)
        return SQLITE_OK;
    if (os_fstat(r->fd, &st))
        return SQLITE_IOERR_FSTAT;
    *size = r->rollback ? sqlite_journal_file_size(r->rollback) : st.st_size;
    return SQLITE_OK;
}

static int file_write(sqlite3_file *f, const void *data, int amount, sqlite3_int64 offset) {
    (void)f, (void)data, (void)amount, (void)offset;
    return SQLITE_READONLY;
}
static int file_truncate(sqlite3_file *f, sqlite3_int64 size) {
    (void)f, (void)size;
    return SQLITE_READONLY;
}
static int file_sync(sqlite3_file *f, int flags) {
    (void)f, (void)flags;
    return SQLITE_OK;
}
static int file_lock(sqlite3_file *f, int level) {
    (void)f, (void)level;
    return SQLITE_OK;
}
static int file_reserved(sqlite3_file *f, int *out) {
    (void)f;
    *out = 0;
    return SQLITE_OK;
}
static int file_control(sqlite3_file *f, int op, void *arg) {
    (void)f, (void)op, (void)arg;
    return SQLITE_NOTFOUND;
}
static int file_sector(sqlite3_file *f) {
    (void)f;
    return 4096;
}
static int file_device(sqlite3_file *f) {
    (void)f;
    return 0;
}

static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_lock,
    .xCheckReservedLock = file_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_device,
};

static int vfs_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out_flags) {
    struct read_file *r = (struct read_file *)f;
    (void)v;
    *r = (struct read_file){.fd = -1};
    if (!name || !(flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)))
        return SQLITE_CANTOPEN;
    r->fd = os_open(name, O_RDONLY, 0);
    if (r->fd < 0 && !(errno == ENOENT && (flags & SQLITE_OPEN_WAL)))
        return SQLITE_CANTOPEN;
    r->base.pMethods = &methods;
    if (flags & SQLITE_OPEN_MAIN_DB) {
        r->rollback = next_rollback;
        next_rollback = NULL;
    }
    if (out_flags)
        *out_flags = (flags & ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)) | SQLITE_OPEN_READONLY;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *v, const char *name, int sync) {
    (void)v, (void)name, (void)sync;
    return SQLITE_READONLY;
}

static int vfs_access(sqlite3_vfs *v, const char *name, int flags, int *out) {
    static const char journal[] = "-journal";
    struct stat st;
    size_t n = strlen(name), m = sizeof journal - 1;
    (void)v, (void)flags;
    /* rolling back is not SQLite's business here */
    *out = !(n > m && strcmp(name + n - m, journal) == 0) && os_stat(name, &st) == 0 && st.st_size > 0;
    return SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *v, const char *name, int size, char *out) {
    (void)v;
    return snprintf(out, (size_t)size, "%s", name) < size ? SQLITE_OK : SQLITE_CANTOPEN;
}

static int vfs_randomness(sqlite3_vfs *v, int size, char *out) {
    (void)v;
    memset(out, 0, (size_t)size);
    return size;
}
static int vfs_sleep(sqlite3_vfs *v, int micros) {
    (void)v;
    return micros;
}
static int vfs_time(sqlite3_vfs *v, double *out) {
    (void)v;
    *out = 2440587.5; /* the epoch; nothing that is asked depends on it */
    return SQLITE_OK;
}

static sqlite3_vfs vfs = {
    .iVersion = 1,
    .szOsFile = sizeof(struct read_file),
    .mxPathname = 4096,
    .zName = "bd-read",
    .xOpen = vfs_open,
    .xDelete = vfs_delete,
    .xAccess = vfs_access,
    .xFullPathname = vfs_full_path,
    .xRandomness = vfs_randomness,
    .xSleep = vfs_sleep,
    .xCurrentTime = vfs_time,
};

/* ---- opening ---- */

int sqlite_file_error(sqlite3 *db, const char *path, struct err *err) {
    int code = sqlite3_errcode(db) & 0xff;
    if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT)
        return err_set(err, BD_CORRUPT,
                       "%s is damaged (%s); nothing was changed. Restore it from a copy, or bring in "
                       "the JSONL file beside it with 'bd init' and 'bd import'",
                       path, sqlite3_errmsg(db));
    if (code == SQLITE_NOMEM)
        abort();
    return err_set(err, BD_IO, "cannot read %s: %s", path, sqlite3_errmsg(db));
}

int sqlite_file_prepare(sqlite3 *db, const char *path, const char *sql, sqlite3_stmt **out,
                        struct err *err) {
    if (sqlite3_prepare_v2(db, sql, -1, out, NULL) == SQLITE_OK)
        return BD_OK;
    *out = NULL;
    return sqlite_file_error(db, path, err);
}

/* Every page and record. Missing NOT NULL values are no damage: they get the column's default. */
static int check(sqlite3 *db, const char *path, struct err *err) {
    sqlite3_stmt *s;
    int rc = sqlite_file_prepare(db, path, "PRAGMA quick_check(20)", &s, err);
    while (rc == BD_OK) {
        int step = sqlite3_step(s);
        if (step == SQLITE_DONE)
            break;
        const char *text = step == SQLITE_ROW ? (const char *)sqlite3_column_text(s, 0) : NULL;
        if (step != SQLITE_ROW)
            rc = sqlite_file_error(db, path, err);
        else if (text && strcmp(text, "ok") != 0 && strncmp(text, "NULL value in ", 14) != 0)
            rc = err_set(err, BD_CORRUPT,
                         "%s is damaged (%s); nothing was changed. Restore it from a copy, or bring in "
                         "the JSONL file beside it with 'bd init' and 'bd import'",
                         path, text);
    }
    sqlite3_finalize(s);
    return rc;
}

static int open_file(const char *path, sqlite3 **out, struct err *err) {
    sqlite3 *db = NULL;
    struct stat st;
    *out = NULL;
    if (os_stat(path, &st))
        return err_errno(err, "cannot read %s", path);
    if (sqlite3_initialize() || sqlite3_vfs_register(&vfs, 0))
        return err_set(err, BD_IO, "SQLite does not start");
    int rc = sqlite_journal_open(path, &next_rollback, err);
    if (rc)
        return err_prefix(err, "%s holds a transaction that was interrupted; nothing was changed",
                          path);
    int code = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, "bd-read");
    sqlite_journal_close(next_rollback); /* when it was not opened */
    next_rollback = NULL;
    if (code) {
        rc = sqlite_file_error(db, path, err);
        sqlite3_close(db);
        return rc;
    }
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    code = sqlite3_exec(
        db,
        "PRAGMA locking_mode=EXCLUSIVE; PRAGMA temp_store=MEMORY;"
        "PRAGMA cell_size_check=ON; PRAGMA cache_size=-16000; PRAGMA ignore_check_constraints=ON;",
        NULL, NULL, NULL);
    rc = code ? sqlite_file_error(db, path, err) : check(db, path, err);
    if (rc) {
        sqlite3_close(db);
        return rc;
    }
    *out = db;
    return BD_OK;
}

int sqlite_file_open(const char *path, sqlite3 **out, struct err *err) {
    char *target = os_link_target(path); /* a -wal and a -journal lie beside the file itself */
    int rc = open_file(target, out, err);
    free(target);
    return rc;
}

void sqlite_file_close(sqlite3 *db) {
    if (db)
        sqlite3_close(db);
}

/* ---- extensions ----
 *
 * SQLite can load them from shared libraries, which nobody here asks it to. A static program cannot, so
 * there the linker puts these in the place of the C library's functions (Makefile: --wrap).
 */

void *__wrap_dlopen(const char *path, int flags);
void *__wrap_dlsym(void *library, const char *name);
int __wrap_dlclose(void *library);
char *__wrap_dlerror(void);

void *__wrap_dlopen(const char *path, int flags) {
    (void)path, (void)flags;
    return NULL;
}

void *__wrap_dlsym(void *library, const char *name) {
    (void)library, (void)name;
    return NULL;
}

int __wrap_dlclose(void *library) {
    (void)library;
    return -1;
}

char *__wrap_dlerror(void) {
    static char text[] = "this program loads no extensions";
    return text;
}
