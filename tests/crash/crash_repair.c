/*
 * Cuts the power under repairs and recoveries, thousands of times. A damaged database, a repair that
 * ends at any moment (error, kill, power cut), then a second one in peace: it must be sound then, show
 * the state that the damage left readable, and the rows of it; and a recovery must leave the database,
 * or a complete copy of it.
 *
 *   crash_repair [seeds [first seed]]
 */
#include "tests/crash/crash_main.h"
#include "tests/run_ddl.h"
#include "tests/crash/seeded.h"

#include "store/db/recover.h"
#include "store/db/repair.h"
#include "store/db/tables.h"

#include <dirent.h>

#define JOURNAL "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv"
enum { ROWS = 40, LIVES = 3 };

static struct { char db[400]; } run;
static struct err crash_err;

static int fill(struct tables_txn *x, void *ctx, struct err *err) {
    static const char create[] = "create table t (k int primary key, v int not null, index by_v (v))";
    static const char *const columns[] = {"k", "v"};
    int from = *(int *)ctx;
    int rc = from == 0 ? run_ddl(x, create, err) : BD_OK;
    for (int i = from; rc == BD_OK && i < from + ROWS; i++) {
        struct cell row[] = {cell_int(i), cell_int(i % 7)};
        rc = tables_insert(x, "t", columns, row, 2, 0, NULL, err);
    }
    return rc;
}

/* A database of three commits. */
static bool make(void) {
    struct tables_open o = {.dir = run.db};
    struct tables *t;
    if (tables_create_embedded(run.db, "main", NULL, &crash_err) != BD_OK ||
        tables_open_embedded(&t, &o, &crash_err) != BD_OK)
        return crash_problem("cannot be made: %s", crash_err.msg);
    for (int from = 0; from < 2 * ROWS; from += ROWS) {
        struct tables_write w = {.mode = TABLES_COMMIT, .message = "rows"};
        if (tables_write(t, &w, fill, &from, NULL, &crash_err) != BD_OK)
            crash_problem("cannot be filled: %s", crash_err.msg);
    }
    tables_close(t);
    return !crash_problem_text[0];
}

static char *in_noms(const char *name) {
    static char path[600];
    snprintf(path, sizeof path, "%s/.dolt/noms/%s", run.db, name);
    return path;
}

/* A durable change by an enemy. */
static void overwrite(const char *path, off_t at, const void *bytes, size_t size, off_t cut) {
    int fd = os_open(path, O_RDWR | O_CREAT, 0644);
    if (cut >= 0)
        os_ftruncate(fd, cut);
    if (size)
        os_pwrite_all(fd, bytes, size, at);
    os_fsync(fd);
    os_close(fd);
}

/* The offset of the n-th record of a kind, or of the last one before. */
static off_t record_at(int kind, int n) {
    char *bytes;
    size_t size;
    off_t found = 0;
    if (os_read_file(in_noms(JOURNAL), 64 << 20, &bytes, &size) < 0)
        return 0;
    for (size_t at = 0; at + 8 < size && n >= 0;) {
        size_t length = (size_t)(uint8_t)bytes[at + 1] << 16 | (size_t)(uint8_t)bytes[at + 2] << 8 |
                        (uint8_t)bytes[at + 3];
        if (!length)
            break;
        if (bytes[at + 5] == kind) {
            found = (off_t)at;
            n--;
        }
        at += length;
    }
    free(bytes);
    return found;
}

/* Collects, and damages a byte of an archive or table file; a copy of it lies in .dolt/tmp. */
static void damage_packed(void) {
    struct db_gc_options o = {.full = true, .table_files = power_random(2)};
    struct db_gc_result r;
    char dir[500], best[300] = "", path[900];
    off_t size = 0;
    struct stat st;
    if (db_gc(run.db, &o, &r, &crash_err) != BD_OK) {
        crash_problem("cannot be collected: %s", crash_err.msg);
        return;
    }
    snprintf(dir, sizeof dir, "%s/.dolt/noms/oldgen", run.db);
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));) {
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (os_stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > size) {
            snprintf(best, sizeof best, "%s", e->d_name);
            size = st.st_size;
        }
    }
    if (d)
        closedir(d);
    char *bytes;
    size_t n;
    snprintf(path, sizeof path, "%s/%s", dir, best);
    if (os_read_file(path, 64 << 20, &bytes, &n) < 0) {
        crash_problem("no packed file");
        return;
    }
    off_t at = (off_t)power_random((uint32_t)n / 2);
    uint8_t changed = (uint8_t)bytes[at] ^ 0x55;
    overwrite(path, at, &changed, 1, -1);
    snprintf(path, sizeof path, "%s/.dolt/tmp", run.db);
    os_mkdir(path, 0755);
    snprintf(dir, sizeof dir, "%s/.dolt", run.db);
    os_fsync_dir(dir);
    snprintf(path, sizeof path, "%s/.dolt/tmp/%s", run.db, best);
    os_write_file_atomic(path, bytes, n, 0644);
    free(bytes);
}

/* Every damage here leaves the newest state readable in full, or a copy of what it lacks. */
static void damage(void) {
    struct stat st;
    os_stat(in_noms(JOURNAL), &st);
    switch (power_random(8)) {
    case 0: overwrite(in_noms(JOURNAL), st.st_size, "\0\0\1\0\1\2\3\4\5", 9, -1); break;
    case 1: overwrite(in_noms(JOURNAL), st.st_size, "\0\0\0\x10zzzzzzzzzzzzzzz", 19, -1); break;
    case 2:
        os_unlink(in_noms("manifest"));
        os_fsync_dir(in_noms(""));
        break;
    case 3: overwrite(in_noms("manifest"), 0, "", 0, 30 + (off_t)power_random(60)); break;
    case 4: overwrite(in_noms("journal.idx"), 0, "\7\7\7", 3, -1); break;
    case 6:
    case 7: damage_packed(); break;
    case 5: /* a root record that later ones have overtaken */
        overwrite(in_noms(JOURNAL), record_at(1, (int)power_random(2)) + 20, "!", 1, -1);
        break;
    }
}

/* Sound, and all rows there. */
static bool is_whole(const char *when) {
    struct fsck_report r;
    struct fsck_options o = {.level = FSCK_DEEP};
    struct tables_open open = {.dir = run.db, .flags = TABLES_READ_ONLY};
    struct tables *t;
    struct tables_txn *x;
    uint64_t n = 0;
    fsck_report_init(&r);
    bool ok = db_fsck(run.db, &o, &r, &crash_err) == BD_OK;
    if (!ok)
        crash_problem("%s: cannot be checked: %s", when, crash_err.msg);
    else if (r.errors)
        ok = crash_problem("%s: %s", when, r.findings[0].message);
    fsck_report_release(&r);
    if (!ok)
        return false;
    if (tables_open_embedded(&t, &open, &crash_err) != BD_OK)
        return crash_problem("%s: does not open: %s", when, crash_err.msg);
    if (tables_read_begin(t, &x, &crash_err) == BD_OK) {
        if (tables_count_all(x, "t", NULL, &n, &crash_err) != BD_OK)
            crash_problem("%s: %s", when, crash_err.msg);
        tables_read_end(x);
    }
    tables_close(t);
    return n == 2 * ROWS ? true : crash_problem("%s: %d rows", when, (int)n);
}

static int mend(void) {
    struct repair_options o = {.actions = REPAIR_SAFE};
    struct repair_result r = {.arena = ARENA_INIT};
    int rc = db_repair(run.db, &o, &r, &crash_err);
    if (r.lost_data)
        crash_problem("data was given up unasked");
    repair_result_release(&r);
    return rc;
}

static void recover(void) {
    struct recover_options o = {.full = power_random(2)};
    struct recover_result r;
    db_recover(run.db, &o, &r, &crash_err);
    recover_result_release(&r);
}

/* After a roll-back was interrupted, its complete copy has the name that the runbook looks for. */
static bool put_copy_back(void) {
    char dot[450], from[1000];
    snprintf(dot, sizeof dot, "%s/.dolt", run.db);
    if (os_exists(dot))
        return true;
    DIR *d = opendir(run.db);
    bool found = false;
    for (struct dirent *e; d && !found && (e = readdir(d));)
        if (!strncmp(e->d_name, ".dolt.bak-", 10)) {
            snprintf(from, sizeof from, "%s/%s", run.db, e->d_name);
            found = os_rename(from, dot) == 0;
        }
    if (d)
        closedir(d);
    return found ? true : crash_problem("the database is gone, and there is no copy of it");
}

static bool crash_seed(const char *root, uint64_t seed) {
    memset(&run, 0, sizeof run);
    seeded_begin(seed);
    snprintf(run.db, sizeof run.db, "%s/db", root);
    crash_empty_disk(root, seed);
    bool ok = make();
    bool recovery = power_random(4) == 0;
    if (ok && (!recovery || power_random(2)))
        damage();
    for (int life = 0; life < LIVES && ok; life++) {
        bool cut = crash_arm(recovery ? 160 : 60, recovery ? 50 : 20);
        if (recovery)
            recover();
        else
            mend();
        crash_next_life(cut);
        ok = !crash_problem_text[0] && put_copy_back();
    }
    if (ok && mend() != BD_OK)
        ok = crash_problem("the repair in peace: %s", crash_err.msg);
    ok = ok && is_whole("after the repair");
    return ok;
}

CRASH_MAIN(2000)
