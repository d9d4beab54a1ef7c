/*
 * Cuts the power under a migration from SQLite, thousands of times; kills it and lets the disk fail at
 * any operation as well. Afterwards the old file is as it was, what calls itself a backup is one, what
 * stands in the database's place is complete; and a run without faults completes the work.
 *
 *   crash_migrate [seeds [first seed]]
 */
#include "tests/crash/crash_main.h"

#include "bd/workspace/workspace.h"
#include "migrate/migrate.h"
#include "store/db/tables.h"

#include <dirent.h>
#include <sqlite3.h>

#define ISSUES 25
#define COUNT(list) (sizeof(list) / sizeof(list)[0])

static struct {
    char root[300], beads[320], database[400];
    char *source, *wal; /* bytes of the old file */
    size_t source_size, wal_size;
} run;

#define problem crash_problem

/* ---- the old file: some rows are only in its -wal ---- */

static const struct {
    const char *table;
    uint64_t rows;
} expected[] = {{"issues", ISSUES - 2}, {"wisps", 1},           {"labels", ISSUES - 2},
                {"wisp_labels", 1},     {"events", ISSUES - 2}, {"dependencies", ISSUES - 3},
                {"comments", 3}};

static void must(sqlite3 *db, const char *sql) {
    char *message = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &message)) {
        fprintf(stderr, "%s: %s\n", sql, message);
        exit(1);
    }
}

static void make_source(const char *root) {
    char path[400], sql[2000];
    sqlite3 *db;
    snprintf(path, sizeof path, "%s-source.db", root);
    if (sqlite3_open(path, &db))
        exit(1);
    must(db, "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0;"
             "CREATE TABLE issues (id TEXT PRIMARY KEY, title TEXT, description TEXT, status TEXT, "
             "ephemeral INTEGER,"
             " created_at DATETIME, updated_at DATETIME, closed_at DATETIME);"
             "CREATE TABLE labels (issue_id TEXT, label TEXT, PRIMARY KEY (issue_id, label));"
             "CREATE TABLE events (id INTEGER PRIMARY KEY, issue_id TEXT, event_type TEXT, actor TEXT, "
             "created_at DATETIME);"
             "CREATE TABLE comments (id INTEGER PRIMARY KEY, issue_id TEXT, author TEXT, text TEXT, "
             "created_at DATETIME);"
             "CREATE TABLE dependencies (issue_id TEXT, depends_on_id TEXT, type TEXT, created_at "
             "DATETIME, created_by TEXT,"
             " PRIMARY KEY (issue_id, depends_on_id));"
             "CREATE TABLE config (key TEXT PRIMARY KEY, value TEXT); INSERT INTO config VALUES "
             "('issue_prefix', 'c');"
             "PRAGMA wal_checkpoint(TRUNCATE)");
    for (int i = 0; i < ISSUES; i++) {
        const char *status = i == 3 ? "tombstone" : "open";
        snprintf(sql, sizeof sql,
                 "INSERT INTO issues VALUES ('c-%d', 'issue %d', '%0*d', '%s', %d, "
                 "'2026-01-02T03:04:05.6+01:00',"
                 " '2026-01-02T03:04:05Z', NULL); INSERT INTO labels VALUES ('c-%d', 'l%d');"
                 "INSERT INTO events (issue_id, event_type, actor, created_at) VALUES ('c-%d', "
                 "'created', 'a',"
                 " '2026-01-02 03:04:05')",
                 i, i, i * 20 + 1, i, status, i == 4, i, i, i == 4 ? 3 : i);
        must(db, sql);
        snprintf(sql, sizeof sql,
                 "INSERT INTO dependencies VALUES ('c-%d', 'c-%d', 'blocks', '2026-01-02', 'a')", i,
                 i + 1);
        if (i != 3 && i != 4)
            must(db, sql);
        snprintf(sql, sizeof sql,
                 "INSERT INTO comments (issue_id, author, text, created_at) VALUES ('c-%d', 'a', "
                 "'hello', '2026-01-02')",
                 i);
        if (i < 3)
            must(db, sql);
    }
    must(db, "DELETE FROM dependencies WHERE issue_id = 'c-24'"); /* 22 rows */
    char wal[420];
    snprintf(wal, sizeof wal, "%s-wal", path);
    if (os_read_file(path, 1 << 24, &run.source, &run.source_size) ||
        os_read_file(wal, 1 << 24, &run.wal, &run.wal_size) || !run.wal_size)
        exit(1);
    sqlite3_close(db);
}

/* A disk with an old workspace on it. */
static void make_disk(const char *root, uint64_t seed) {
    static const char metadata[] = "{\"database\":\"beads.db\"}";
    char path[400];
    power_run_shell("rm -rf '%s' && mkdir '%s'", root);
    power_start(root, seed);
    snprintf(run.beads, sizeof run.beads, "%s/.beads", root);
    snprintf(run.database, sizeof run.database, "%s/embeddeddolt/c", run.beads);
    int failed = os_mkdir(run.beads, 0700);
    snprintf(path, sizeof path, "%s/beads.db", run.beads);
    failed |= os_write_file_atomic(path, run.source, run.source_size, 0600);
    snprintf(path, sizeof path, "%s/beads.db-wal", run.beads);
    failed |= os_write_file_atomic(path, run.wal, run.wal_size, 0600);
    snprintf(path, sizeof path, "%s/metadata.json", run.beads);
    failed |= os_write_file_atomic(path, metadata, sizeof metadata - 1, 0600);
    if (failed || os_fsync_dir(root))
        abort();
}

/* ---- what must hold ---- */

static bool file_is(const char *path, const char *bytes, size_t size) {
    char *data;
    size_t got;
    if (os_read_file(path, 1 << 24, &data, &got))
        return false;
    bool same = got == size && memcmp(data, bytes, size) == 0;
    free(data);
    return same;
}

static bool old_files_are_there(void) {
    char path[700];
    snprintf(path, sizeof path, "%s/beads.db", run.beads);
    if (!file_is(path, run.source, run.source_size))
        return problem("the old file was changed");
    snprintf(path, sizeof path, "%s/beads.db-wal", run.beads);
    if (!file_is(path, run.wal, run.wal_size))
        return problem("the old file's -wal was changed");
    DIR *d = opendir(run.beads);
    bool ok = d != NULL;
    for (struct dirent *e; ok && (e = readdir(d));) {
        size_t n = strlen(e->d_name);
        if (!strstr(e->d_name, "backup-pre-dolt") || strcmp(e->d_name + n - 3, ".db") != 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", run.beads, e->d_name);
        ok = file_is(path, run.source, run.source_size);
        snprintf(path, sizeof path, "%s/%s-wal", run.beads, e->d_name);
        ok = ok && file_is(path, run.wal, run.wal_size);
        if (!ok)
            problem("the backup %s is none", e->d_name);
    }
    if (d)
        closedir(d);
    return ok;
}

static bool database_is_complete(void) {
    struct err err = ERR_INIT;
    struct tables *t;
    struct tables_txn *x;
    struct tables_open o = {.dir = run.database, .flags = TABLES_READ_ONLY};
    if (tables_open_embedded(&t, &o, &err))
        return problem("the database does not open: %s", err.msg);
    bool ok = tables_read_begin(t, &x, &err) == BD_OK || problem("the database: %s", err.msg);
    for (size_t i = 0; ok && i < COUNT(expected); i++) {
        uint64_t rows = 0;
        if (tables_count_all(x, expected[i].table, NULL, &rows, &err) || rows != expected[i].rows)
            ok = problem("table %s has %d rows, not %d %s", expected[i].table, (int)rows,
                         (int)expected[i].rows, err.msg);
    }
    if (ok) {
        struct arena a = ARENA_INIT;
        struct cell key = cell_text("c-20"), got = cell_null();
        static const char *const column = "description";
        ok = tables_get(x, "issues", &key, 1, &column, 1, &a, &got, &err) == BD_OK && got.s.size == 401;
        if (!ok)
            problem("an issue is not what it was: %s", err.msg);
        arena_release(&a);
        tables_read_end(x);
    }
    tables_close(t);
    return ok;
}

/* metadata.json is the old one, or the new one and then the database is there. */
static bool all_is_well(bool finished) {
    struct arena a = ARENA_INIT;
    struct metadata m;
    struct err err = ERR_INIT;
    bool ok = old_files_are_there();
    if (ok && metadata_load(run.beads, &a, &m, &err))
        ok = problem("metadata.json: %s", err.msg);
    bool switched = ok && strcmp(m.database, "dolt") == 0;
    bool there = os_exists(run.database);
    if (ok && switched && (!there || strcmp(m.dolt_database, "c") != 0 || !*m.project_id))
        ok = problem("metadata.json names the database '%s' of project '%s'; there: %d",
                     m.dolt_database, m.project_id, there);
    if (ok && finished && !switched)
        ok = problem("finished, but metadata.json is the old one");
    if (ok && there)
        ok = database_is_complete();
    arena_release(&a);
    return ok;
}

/* ---- */

static int migrate(struct err *err) {
    struct arena a = ARENA_INIT;
    struct migrate_result r;
    struct migrate_request rq = {.beads_dir = run.beads,
                                 .batch_bytes = 20000, /* several transactions */
                                 .existing = os_is_dir(run.database) ? run.database : NULL};
    int rc = migrate_to_dolt(&rq, &a, &r, err);
    arena_release(&a);
    return rc;
}

/* How many changes and syncs a migration makes. */
static uint64_t count_operations(const char *root) {
    struct err err = ERR_INIT;
    make_disk(root, 1);
    long before = power.operations;
    if (migrate(&err)) {
        fprintf(stderr, "%s\n", err.msg);
        exit(1);
    }
    return (uint64_t)(power.operations - before);
}

/* One disk's life. False: crash_problem was called. */
static bool crash_seed(const char *root, uint64_t seed) {
    static uint64_t operations;
    struct err err = ERR_INIT;
    if (!operations) {
        make_source(root);
        operations = count_operations(root);
    }
    make_disk(root, seed);
    bool ok = true;
    for (int life = 0; life < 4 && ok; life++) {
        bool cut = crash_arm(operations, 40);
        err_clear(&err);
        int rc = migrate(&err);
        bool fault = power.stopped || power.failed;
        if (rc && !fault)
            ok = problem("fails without a fault: %s", err.msg);
        if (rc == BD_CORRUPT)
            ok = problem("a fault looks like damage: %s", err.msg);
        crash_next_life(cut);
        ok = ok && all_is_well(rc == BD_OK);
    }
    err_clear(&err);
    if (ok && migrate(&err))
        ok = problem("does not complete: %s", err.msg);
    ok = ok && all_is_well(true);
    return ok;
}

CRASH_MAIN(1000)
