/*
 * Cuts the power under backups and restores, thousands of times: a database takes transactions, is
 * copied into a backup, and is replaced by what the backup holds. Whatever happens, the database shows
 * the last acknowledged state or the one under way, the backup is complete and shows what was
 * acknowledged (or the copy under way), and a database that was replaced is kept whole.
 *
 *   crash_backup [seeds [first seed]]
 *
 * Half of the disks cannot exchange two directories at once, so that the moment in between is tried
 * too.
 */
#include "tests/crash/crash_main.h"
#include "tests/crash/crash_rows.h"
#include "tests/crash/seeded.h"

#include "store/db/tables.h"
#include "store/remote/conjoin.h"
#include "store/remote/restore.h"

enum { KEYS = 40, VERSIONS = 400, LIVES = 6 };

static struct {
    char data[320], db[400], backup[400], copy[400];
    short values[VERSIONS][KEYS]; /* who wrote the row of a key; 0: nobody */
    int next;
    int shown;            /* version of the last acknowledged state of the database; -1: none */
    bool maybe[VERSIONS]; /* what it may show instead */
    int backed;           /* version of the acknowledged backup; -1: none */
    bool maybe_backed[VERSIONS];
    bool kept[VERSIONS]; /* versions of databases that were replaced: they must be somewhere */
} run;

static struct err crash_err;

static int cannot_exchange(const char *one, const char *other) {
    (void)one, (void)other;
    errno = EINVAL;
    return -1;
}

/* --- the database --- */

static struct cell note_of(int key, int version, struct arena *a) {
    return crash_note(key, version, 200 + (key * version) % 3000, a);
}

static int change(struct tables_txn *x, void *ctx, struct err *err) {
    static const char *const columns[] = {"k", "v", "note"};
    int n = *(int *)ctx, base;
    struct arena a = ARENA_INIT;
    int rc = crash_version_of(x, &base, err);
    if (rc == BD_OK && !base)
        rc = run_ddl(x, "create table t (k int primary key, v int not null, note longtext)", err);
    if (rc == BD_OK)
        memcpy(run.values[n], run.values[base], sizeof run.values[n]);
    for (int i = 0; i < 4 && rc == BD_OK; i++) {
        int key = i ? 1 + (n * 13 + i * 7) % (KEYS - 1) : 0;
        struct cell row[] = {cell_int(key), cell_int(n), note_of(key, n, &a)};
        rc = tables_insert(x, "t", columns, row, 3, TABLES_INSERT_REPLACE, NULL, err);
        run.values[n][key] = (short)n;
    }
    arena_release(&a);
    return rc;
}

struct comparison {
    const short *values;
    int seen;
    bool same;
    struct arena *a;
};
static int compare_row(void *ctx, const struct cell *row) {
    struct comparison *c = ctx;
    int key = (int)row[0].i, v = (int)row[1].i;
    c->seen++;
    c->same = c->same && key >= 0 && key < KEYS && c->values[key] == v &&
              crash_note_is(&row[2], note_of(key, v, c->a));
    return c->same ? BD_OK : BD_DONE;
}

/* The version a database or backup shows, every row of which is compared; -1 when it is not sound. */
static int look(const char *dir, const char *what) {
    struct tables_open o = {.dir = dir, .flags = TABLES_READ_ONLY};
    struct arena a = ARENA_INIT;
    struct tables *t;
    struct tables_txn *x;
    int shown = -1, rows = 0;
    if (tables_open_embedded(&t, &o, &crash_err) != BD_OK) {
        crash_problem("%s does not open: %s", what, crash_err.msg);
        return -1;
    }
    if (tables_read_begin(t, &x, &crash_err) == BD_OK) {
        struct comparison c = {.same = true, .a = &a};
        struct tables_query q = {.table = "t"};
        int rc = crash_version_of(x, &shown, &crash_err);
        if (rc == BD_OK && (shown < 0 || shown >= run.next))
            rc = err_set(&crash_err, BD_CORRUPT, "version %d never was", shown);
        if (rc == BD_OK && shown) {
            c.values = run.values[shown];
            rc = tables_scan(x, &q, &a, compare_row, &c, &crash_err);
            for (int k = 0; k < KEYS; k++)
                rows += run.values[shown][k] != 0;
        }
        tables_read_end(x);
        if (rc != BD_OK || !c.same || c.seen != rows) {
            crash_problem("%s is not whole: version %d, %d of %d rows: %s", what, shown, c.seen, rows,
                          crash_err.msg);
            shown = -1;
        }
    } else {
        crash_problem("%s cannot be read: %s", what, crash_err.msg);
    }
    tables_close(t);
    arena_release(&a);
    return shown;
}

/* --- what a process does --- */

static void acknowledged(int version) {
    run.shown = version;
    memset(run.maybe, 0, sizeof run.maybe);
}

static bool transaction(void) {
    struct tables_open o = {.dir = run.db};
    struct tables *t;
    int n = run.next++;
    run.maybe[n] = true;
    if (tables_open_embedded(&t, &o, &crash_err) != BD_OK)
        return false;
    struct tables_write w = {.mode = power_random(4) ? TABLES_COMMIT : TABLES_WORKING,
                             .message = "change"};
    int rc = tables_write(t, &w, change, &n, NULL, &crash_err);
    if (rc == BD_OK)
        acknowledged(n);
    tables_close(t);
    return rc == BD_OK;
}

static bool back_up(void) {
    struct pull_options options = {.file_bytes = 1 + power_random(20000)};
    struct remote *source = NULL, *sink = NULL;
    int version = look(run.db, "the database");
    if (version < 0)
        return false;
    run.maybe_backed[version] = true;
    int rc = remote_open_dir(&source, run.db, 0, &crash_err);
    if (rc == BD_OK)
        rc = remote_open_dir(&sink, run.backup, REMOTE_WRITE | REMOTE_CREATE, &crash_err);
    if (rc == BD_OK)
        rc = pull_root(source, sink, &options, NULL, NULL, &crash_err);
    remote_close(source);
    remote_close(sink);
    if (rc == BD_OK) {
        run.backed = version;
        memset(run.maybe_backed, 0, sizeof run.maybe_backed);
    } else if (rc == BD_CORRUPT || rc == BD_INVALID) {
        return crash_problem("backup: %s", crash_err.msg);
    }
    return rc == BD_OK;
}

static bool put_back(void) {
    struct restore r = RESTORE_INIT;
    struct arena a = ARENA_INIT;
    struct remote *source;
    const char *aside;
    int before = look(run.db, "the database"), new = -1;
    if (before < 0)
        return false;
    if (remote_open_dir(&source, run.backup, 0, &crash_err) != BD_OK)
        return false;
    int rc = restore_build(&r, source, run.db, NULL, NULL, &crash_err);
    if (rc == BD_OK && (new = look(r.built, "what was restored")) < 0 && power.stopped)
        rc = BD_IO;
    if (rc == BD_OK) {
        if (new != run.backed && !run.maybe_backed[new])
            crash_problem("restored version %d, backed up was %d", new, run.backed);
        run.maybe[new] = true;
        rc = restore_publish(&r, true, &a, &aside, &crash_err);
    }
    if (rc == BD_OK) {
        if (before ==
            run.shown) /* what nobody acknowledged may vanish with the power, here as elsewhere */
            run.kept[before] = true;
        acknowledged(new);
        if (!aside || look(aside, "what was replaced") != before)
            crash_problem("what was replaced is not where it was said to be");
    } else if (rc == BD_CORRUPT || rc == BD_INVALID) {
        crash_problem("restore: %s", crash_err.msg);
    }
    if (power.stopped)
        crash_problem_text[0] = 0; /* a dead machine sees all kinds of things */
    restore_release(&r);
    remote_close(source);
    arena_release(&a);
    return rc == BD_OK;
}

/* --- what is checked --- */

/* Every version that was in a replaced database stands in one of the folders of such. */
static bool kept_are_there(void) {
    bool found[VERSIONS] = {false};
    char **names, dir[700];
    size_t count;
    if (os_list_dir(run.data, &names, &count))
        return crash_problem("the data directory is gone");
    for (size_t i = 0; i < count; i++) {
        snprintf(dir, sizeof dir, "%s/%s/db.old", run.data,
                 names[i]); /* a crash on the way to its name */
        if (!os_is_dir(dir))
            snprintf(dir, sizeof dir, "%s/%s/db", run.data, names[i]);
        if ((strncmp(names[i], ".replaced-", 10) == 0 ||
             strcmp(names[i], ".dolt_dropped_databases") == 0) &&
            os_is_dir(dir)) {
            int v = look(dir, names[i]);
            if (v >= 0)
                found[v] = true;
        }
    }
    os_free_list(names, count);
    for (int v = 0; v < run.next && !crash_problem_text[0]; v++)
        if (run.kept[v] && !found[v])
            return crash_problem("the database with version %d, which was replaced, is gone", v);
    return !crash_problem_text[0];
}

/* The whole graph of the backup, read and checked against its addresses. */
static bool backup_is_complete(bool after_cut) {
    int shown = look(run.backup, "the backup");
    if (shown < 0)
        return false;
    if (shown != run.backed && !run.maybe_backed[shown])
        return crash_problem("the backup shows version %d; acknowledged %d", shown, run.backed);
    int rc = crash_copy_graph(run.backup, run.copy, &crash_err);
    if (after_cut) { /* what it shows is durable */
        run.backed = shown;
        memset(run.maybe_backed, 0, sizeof run.maybe_backed);
    }
    return rc == BD_OK ? true : crash_problem("the backup is not complete: %s", crash_err.msg);
}

static bool check_all(bool after_cut) {
    char manifest[500];
    bool settled;
    if (run.shown < 0)
        return true;
    if (restore_settle(run.db, &settled, &crash_err) != BD_OK)
        return crash_problem("settling: %s", crash_err.msg);
    if (!os_exists(run.db))
        return crash_problem("the database is gone");
    int shown = look(run.db, "the database");
    if (shown < 0)
        return false;
    if (shown != run.shown && !run.maybe[shown])
        return crash_problem("shows version %d; acknowledged %d", shown, run.shown);
    if (after_cut)
        acknowledged(shown);
    if (!kept_are_there())
        return false;
    snprintf(manifest, sizeof manifest, "%s/manifest", run.backup);
    if (!os_exists(manifest))
        return run.backed < 0 ? true : crash_problem("the backup is gone");
    return backup_is_complete(after_cut);
}

/* --- one disk --- */

static void session(void) {
    int count = 1 + (int)power_random(4);
    bool ok = true;
    for (int i = 0; i < count && ok && !power.stopped && !crash_problem_text[0] && run.next < VERSIONS;
         i++) {
        uint64_t what = power_random(6);
        ok = what < 3 ? transaction() : what < 5 ? back_up() : run.backed >= 0 ? put_back() : true;
    }
}

static bool crash_seed(const char *root, uint64_t seed) {
    static struct os_ops without;
    memset(&run, 0, sizeof run);
    seeded_begin(seed);
    run.shown = run.backed = -1;
    snprintf(run.data, sizeof run.data, "%s/data", root);
    snprintf(run.db, sizeof run.db, "%s/data/db", root);
    snprintf(run.backup, sizeof run.backup, "%s/backups/b", root);
    snprintf(run.copy, sizeof run.copy, "%s/copy", root);
    crash_empty_disk(root, seed);
    if (seed % 2) {
        without = *power_ops();
        without.exchange = cannot_exchange;
        os_set_ops(&without);
    }
    conjoin_at = 5;
    run.next = 1;
    bool ok = os_mkdir_durable(run.data, 0777) == 0 &&
              tables_create_embedded(run.db, "main", NULL, &crash_err) == BD_OK;
    if (!ok)
        crash_problem("cannot create the database: %s", crash_err.msg);
    acknowledged(0);
    for (int i = 0; i < 2 && ok; i++)
        ok = transaction() && back_up();
    return ok && crash_lives(LIVES, session, check_all);
}

CRASH_MAIN(2000)
