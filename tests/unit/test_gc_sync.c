/*
 * What a collection relies on is durable before it goes on: a manifest of the old generation that
 * somebody else named, but perhaps did not live to sync, is synced before the files it replaces can go;
 * so is a journal whose last writer died before its sync.
 */
#include "tests/run_ddl.h"
#include "tests/unit/db_help.h"

#include "store/chunk/archive_output.h"
#include "store/chunk/manifest.h"
#include "store/db/fsck.h"
#include "store/db/gc.h"

#include <errno.h>
#include <sys/wait.h>

static struct {
    bool armed;       /* the next sync of oldgen after its manifest was renamed fails */
    bool renamed;     /* oldgen's manifest was renamed since the last sync of the folder */
    bool young_early; /* noms/manifest was renamed while oldgen's was not synced */
} seen;

static bool ends_with(const char *text, const char *end) {
    size_t n = strlen(text), size = strlen(end);
    return n >= size && strcmp(text + n - size, end) == 0;
}

static int watch_rename(const char *from, const char *to) {
    if (ends_with(to, "/oldgen/manifest"))
        seen.renamed = true;
    else if (ends_with(to, "/noms/manifest") && seen.renamed)
        seen.young_early = true;
    return os_system_ops.rename(from, to);
}

/* Does the descriptor belong to a file whose path ends like that? */
static bool is_of(int fd, const char *end) {
    char link[64], path[600];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    path[n > 0 ? n : 0] = '\0';
    return ends_with(path, end);
}

static int watch_fsync(int fd) {
    if (is_of(fd, "/oldgen") && seen.renamed) {
        if (seen.armed) {
            seen.armed = false;
            errno = EIO;
            return -1;
        }
        seen.renamed = false;
    }
    return os_system_ops.fsync(fd);
}

static int put(struct tables_txn *x, void *ctx, struct err *err) {
    static const char create[] = "create table t (k int primary key, v int not null)";
    static const char *const columns[] = {"k", "v"};
    int rc = tables_has_table(x, "t") ? BD_OK : run_ddl(x, create, err);
    struct cell cells[] = {cell_int(*(int *)ctx), cell_int(1)};
    if (rc == BD_OK)
        rc = tables_insert(x, "t", columns, cells, 2, 0, NULL, err);
    return rc;
}

/* Commits rows from..to-1. */
static void put_rows(const char *dir, int from, int to) {
    struct err err = ERR_INIT;
    struct tables *t = open_db(dir);
    for (int n = from; n < to; n++) {
        struct tables_write w = {.mode = TABLES_COMMIT, .message = "more"};
        check(tables_write(t, &w, put, &n, NULL, &err), &err);
    }
    tables_close(t);
}

static void expect_rows(const char *dir, uint64_t count) {
    struct tables *t = open_db(dir);
    struct tables_txn *x = begin_read(t);
    assert_int_equal(count_of(x, "t", NULL), count);
    tables_read_end(x);
    tables_close(t);
}

static void a_manifest_of_the_old_generation_is_synced_before_it_is_relied_upon(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    char dir[400];
    snprintf(dir, sizeof dir, "%s/synced", scratch);
    check(tables_create_embedded(dir, "main", NULL, &err), &err);
    put_rows(dir, 0, 5);
    struct os_ops ops = os_system_ops;
    ops.rename = watch_rename;
    ops.fsync = watch_fsync;
    os_set_ops(&ops);
    struct db_gc_options o = {.full = false};
    struct db_gc_result r;
    seen.armed = true;
    int failed = db_gc(dir, &o, &r, &err);
    bool unsynced = seen.renamed;
    int again = db_gc(dir, &o, &r, &err);
    os_set_ops(NULL);
    assert_int_equal(failed, BD_IO);
    assert_true(unsynced);
    check(again, &err);
    assert_false(seen.young_early);
    expect_rows(dir, 5);
}

/* ---- a journal that was not synced ---- */

static struct {
    off_t durable; /* bytes of the journal that a power cut leaves */
    bool cut;      /* the power is gone: noms/manifest has its new content, nothing later arrives */
} disk;

static int disk_sync(int fd, int (*sync)(int)) {
    struct stat st;
    if (disk.cut) {
        errno = EIO;
        return -1;
    }
    if (!is_of(fd, "/" JOURNAL_FILE))
        return sync(fd);
    if (os_system_ops.fstat(fd, &st) == 0)
        disk.durable = st.st_size;
    return 0;
}
static int disk_fsync(int fd) { return disk_sync(fd, os_system_ops.fsync); }
static int disk_fdatasync(int fd) { return disk_sync(fd, os_system_ops.fdatasync); }

static int disk_rename(const char *from, const char *to) {
    if (disk.cut) {
        errno = EIO;
        return -1;
    }
    disk.cut = ends_with(to, "/noms/manifest");
    return os_system_ops.rename(from, to);
}

static int disk_unlink(const char *path) {
    if (disk.cut) {
        errno = EIO;
        return -1;
    }
    return os_system_ops.unlink(path);
}

static int die_instead(int fd) {
    (void)fd;
    _exit(77);
}

/* A process commits a row and dies where it was to sync the journal. */
static void put_row_and_die(const char *dir, int n) {
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct os_ops ops = os_system_ops;
        ops.fsync = ops.fdatasync = die_instead;
        os_set_ops(&ops);
        put_rows(dir, n, n + 1);
        _exit(1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 77);
}

/* The power goes when the new manifest stands, and takes what of the journal was not synced. */
static void a_journal_is_synced_before_it_is_dropped(void **state) {
    (void)state;
    for (int full = 0; full < 2; full++) {
        struct err err = ERR_INIT;
        struct db_gc_options o = {.full = full, .ignore_space = true};
        struct db_gc_result r;
        struct fsck_report report;
        struct fsck_options deep = {.level = FSCK_DEEP};
        struct os_ops ops = os_system_ops;
        char dir[400], journal[500];
        ops.fsync = disk_fsync;
        ops.fdatasync = disk_fdatasync;
        ops.rename = disk_rename;
        ops.unlink = disk_unlink;
        snprintf(dir, sizeof dir, "%s/unsynced-%d", scratch, full);
        snprintf(journal, sizeof journal, "%s/.dolt/noms/" JOURNAL_FILE, dir);
        memset(&disk, 0, sizeof disk);
        check(tables_create_embedded(dir, "main", NULL, &err), &err);
        put_rows(dir, 0, 5);
        struct stat st;
        assert_int_equal(stat(journal, &st), 0);
        disk.durable = st.st_size;
        put_row_and_die(dir, 5);
        expect_rows(dir, 6); /* for the living it is there */
        os_set_ops(&ops);
        int rc = db_gc(dir, &o, &r, &err);
        os_set_ops(NULL);
        assert_true(disk.cut); /* it came so far, and no further */
        assert_int_not_equal(rc, BD_OK);
        assert_int_equal(truncate(journal, disk.durable), 0);

        fsck_report_init(&report);
        check(db_fsck(dir, &deep, &report, &err), &err);
        for (size_t i = 0; i < report.count; i++)
            if (report.findings[i].severity == FSCK_ERROR)
                fail_msg("%s", report.findings[i].message);
        fsck_report_release(&report);
        expect_rows(dir, 6);
        put_rows(dir, 6, 7); /* and it goes on */
        expect_rows(dir, 7);
    }
}

/* ---- an archive that is there already ---- */

static bool dir_sync_fails;

static int failing_fsync(int fd) {
    struct stat st;
    if (dir_sync_fails && os_system_ops.fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        errno = EIO;
        return -1;
    }
    return os_system_ops.fsync(fd);
}

static int write_archive(const char *dir, struct hash *name, struct err *err) {
    struct archive_output o;
    struct hash h = hash_of("chunk", 5);
    uint32_t span;
    uint64_t size;
    bool existed;
    int rc = archive_output_open(&o, dir, err);
    if (rc == BD_OK)
        rc = archive_output_span(&o, "chunk", 5, &span, err);
    if (rc == BD_OK) {
        archive_output_chunk(&o, &h, 0, span);
        rc = archive_output_publish(&o, name, &size, &existed, err);
    }
    archive_output_release(&o);
    return rc;
}

static void a_failure_takes_away_no_file_that_was_there(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    struct hash name;
    char text[HASH_TEXT_SIZE + 1], path[600];
    struct os_ops ops = os_system_ops;
    ops.fsync = failing_fsync;
    os_set_ops(&ops);
    dir_sync_fails = true;
    int fresh = write_archive(scratch, &name, &err);
    hash_format(&name, text);
    snprintf(path, sizeof path, "%s/%s.darc", scratch, text);
    bool left = os_exists(path);
    dir_sync_fails = false;
    int good = write_archive(scratch, &name, &err);
    dir_sync_fails = true;
    int again = write_archive(scratch, &name, &err);
    os_set_ops(NULL);
    assert_int_equal(fresh, BD_IO);
    assert_false(left);
    check(good, &err);
    assert_int_equal(again, BD_IO);
    assert_true(os_exists(path));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_manifest_of_the_old_generation_is_synced_before_it_is_relied_upon),
        cmocka_unit_test(a_journal_is_synced_before_it_is_dropped),
        cmocka_unit_test(a_failure_takes_away_no_file_that_was_there),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
