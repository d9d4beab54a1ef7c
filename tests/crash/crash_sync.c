/*
 * Cuts the power under pushes, fetches and pulls, thousands of times: two databases take transactions
 * and exchange them through a remote. Whatever happens, all three are complete, a database has every
 * row it acknowledged, and the remote has every row of an acknowledged push.
 *
 *   crash_sync [seeds [first seed]]
 */
#include "tests/crash/crash_main.h"
#include "tests/crash/crash_rows.h"
#include "tests/crash/seeded.h"

#include "store/db/tables.h"
#include "store/remote/conjoin.h"
#include "store/remote/restore.h"
#include "store/remote/sync.h"

enum { ROWS = 400, LIVES = 6, REMOTE = 2 };

static struct {
    char dir[3][400], copy[400]; /* two databases, the remote */
    bool has[3][ROWS];           /* what each acknowledged */
    int next;
} run;

static const char *const what[] = {"database 1", "database 2", "the remote"};
static struct err crash_err;

static struct cell note_of(int key, struct arena *a) {
    return crash_note(key, 0, 100 + (key * 131) % 2500, a);
}

static int create_table(struct tables_txn *x, void *ctx, struct err *err) {
    (void)ctx;
    return run_ddl(x, "create table t (k int primary key, note longtext)", err);
}

static int put_row(struct tables_txn *x, void *ctx, struct err *err) {
    static const char *const columns[] = {"k", "note"};
    struct arena a = ARENA_INIT;
    int key = *(int *)ctx;
    struct cell row[] = {cell_int(key), note_of(key, &a)};
    int rc = tables_insert(x, "t", columns, row, 2, 0, NULL, err);
    arena_release(&a);
    return rc;
}

/* --- what is checked --- */

struct seen {
    bool has[ROWS], wrong;
    struct arena *a;
};
static int see_row(void *ctx, const struct cell *row) {
    struct seen *s = ctx;
    int key = (int)row[0].i;
    if (key < 0 || key >= run.next) {
        s->wrong = true;
        return BD_DONE;
    }
    s->has[key] = true;
    s->wrong = s->wrong || !crash_note_is(&row[1], note_of(key, s->a));
    return s->wrong ? BD_DONE : BD_OK;
}

/* The whole graph, copied and thereby checked; the copy must show the rows. */
static bool check_place(int place, bool after_cut) {
    struct tables_open o = {.dir = run.copy, .flags = TABLES_READ_ONLY};
    struct tables *t;
    struct tables_txn *x;
    struct arena a = ARENA_INIT;
    struct seen seen = {.a = &a};
    char noms[500], built[500];
    int rc = crash_copy_graph(run.dir[place], run.copy, &crash_err);
    if (rc == BD_NOT_FOUND && place == REMOTE) {
        for (int k = 0; k < run.next; k++)
            if (run.has[place][k])
                return crash_problem("the remote is gone");
        return true;
    }
    if (rc == BD_OK && place == REMOTE) { /* a remote is looked at through a clone of it */
        struct remote *source;
        struct restore r;
        const char *aside;
        snprintf(built, sizeof built, "%s.clone", run.copy);
        snprintf(noms, sizeof noms, "file://%s", run.copy);
        os_remove_tree(built);
        rc = remote_open_dir(&source, run.copy, 0, &crash_err);
        if (rc == BD_OK) {
            rc = restore_clone(&r, source, built, noms, "origin", NULL, NULL, NULL, &crash_err);
            if (rc == BD_OK)
                rc = restore_publish(&r, false, &a, &aside, &crash_err);
            restore_release(&r);
            remote_close(source);
        }
        o.dir = built;
    }
    if (rc == BD_OK)
        rc = tables_open_embedded(&t, &o, &crash_err);
    if (rc != BD_OK) {
        arena_release(&a);
        return crash_problem("%s is not complete: %s", what[place], crash_err.msg);
    }
    rc = tables_read_begin(t, &x, &crash_err);
    if (rc == BD_OK) {
        struct tables_query q = {.table = "t"};
        rc = tables_scan(x, &q, &a, see_row, &seen, &crash_err);
        tables_read_end(x);
    }
    tables_close(t);
    arena_release(&a);
    if (rc != BD_OK || seen.wrong)
        return crash_problem("%s is not whole: %s", what[place], crash_err.msg);
    for (int k = 0; k < run.next; k++)
        if (run.has[place][k] && !seen.has[k])
            return crash_problem("%s has lost row %d, which it had acknowledged", what[place], k);
    if (after_cut) /* what it shows is durable */
        memcpy(run.has[place], seen.has, sizeof seen.has);
    return true;
}

static bool check_all(bool after_cut) {
    bool ok = true;
    for (int place = 0; place < 3 && ok; place++)
        ok = check_place(place, after_cut);
    return ok;
}

/* --- what a process does --- */

static bool transaction(int db) {
    struct tables_open o = {.dir = run.dir[db]};
    struct tables_write w = {.mode = TABLES_COMMIT, .message = "row"};
    struct tables *t;
    int key = run.next++;
    if (tables_open_embedded(&t, &o, &crash_err) != BD_OK)
        return false;
    int rc = tables_write(t, &w, put_row, &key, NULL, &crash_err);
    if (rc == BD_OK)
        run.has[db][key] = true;
    tables_close(t);
    return rc == BD_OK;
}

static void also(int to, int from) {
    for (int k = 0; k < run.next; k++)
        run.has[to][k] = run.has[to][k] || run.has[from][k];
}

static bool soft(int rc) { return rc == BD_OK || rc == BD_CONFLICT || rc == BD_NOT_FOUND; }

static bool push(int db) {
    struct pull_options options = {.file_bytes = 1 + power_random(20000)};
    struct sync_place place = {run.dir[db], "origin"};
    struct push_result done;
    struct remote *r;
    int rc = remote_open_dir(&r, run.dir[REMOTE], REMOTE_WRITE | REMOTE_CREATE, &crash_err);
    if (rc != BD_OK)
        return false;
    rc = sync_push(&place, r, "main", false, &options, &done, &crash_err);
    if (rc == BD_OK)
        also(REMOTE, db);
    if (rc == BD_CORRUPT && !power.stopped)
        crash_problem("push from %s: %s", what[db], crash_err.msg);
    remote_close(r);
    return soft(rc);
}

static bool pull(int db) {
    struct pull_options options = {.file_bytes = 1 + power_random(20000)};
    struct sync_place place = {run.dir[db], "origin"};
    struct tables_open o = {.dir = run.dir[db]};
    struct tables_merge_result m;
    struct fetch_result done;
    struct arena a = ARENA_INIT;
    struct remote *r;
    struct tables *t;
    int rc = remote_open_dir(&r, run.dir[REMOTE], 0, &crash_err);
    if (rc != BD_OK)
        return rc == BD_NOT_FOUND;
    rc = sync_fetch(&place, r, NULL, &options, &done, &crash_err);
    remote_close(r);
    if (rc == BD_OK && (rc = tables_open_embedded(&t, &o, &crash_err)) == BD_OK) {
        struct tables_write w = {.mode = TABLES_COMMIT};
        rc = tables_merge(t, "origin/main", &w, &a, &m, &crash_err);
        if (rc == BD_OK && !m.conflicts)
            also(db, REMOTE);
        tables_close(t);
    }
    if ((rc == BD_CORRUPT || rc == BD_INVALID) && !power.stopped)
        crash_problem("pull into %s: %s", what[db], crash_err.msg);
    arena_release(&a);
    return soft(rc);
}

static void session(void) {
    int count = 1 + (int)power_random(4);
    bool ok = true;
    for (int i = 0; i < count && ok && !power.stopped && !crash_problem_text[0] && run.next < ROWS;
         i++) {
        int db = (int)power_random(2);
        uint64_t kind = power_random(6);
        ok = kind < 2 ? transaction(db) : kind < 4 ? push(db) : pull(db);
    }
}

/* --- one disk --- */

static bool prepare(void) {
    struct tables_open o = {.dir = run.dir[0]};
    struct tables_write w = {.mode = TABLES_COMMIT, .message = "table"};
    struct arena a = ARENA_INIT;
    struct restore r = RESTORE_INIT;
    struct remote *source;
    struct tables *t;
    const char *aside;
    char url[500];
    snprintf(url, sizeof url, "file://%s", run.dir[REMOTE]);
    int rc = tables_create_embedded(run.dir[0], "main", NULL, &crash_err);
    if (rc == BD_OK)
        rc = tables_open_embedded(&t, &o, &crash_err);
    if (rc == BD_OK) {
        rc = tables_write(t, &w, create_table, NULL, NULL, &crash_err);
        tables_close(t);
    }
    bool ok = rc == BD_OK && transaction(0) && push(0);
    if (ok && (rc = remote_open_dir(&source, run.dir[REMOTE], 0, &crash_err)) == BD_OK) {
        rc = restore_clone(&r, source, run.dir[1], url, "origin", NULL, NULL, NULL, &crash_err);
        if (rc == BD_OK)
            rc = restore_publish(&r, false, &a, &aside, &crash_err);
        restore_release(&r);
        remote_close(source);
        also(1, REMOTE);
    }
    arena_release(&a);
    return ok && rc == BD_OK ? true : crash_problem("cannot prepare: %s", crash_err.msg);
}

static bool crash_seed(const char *root, uint64_t seed) {
    memset(&run, 0, sizeof run);
    seeded_begin(seed);
    snprintf(run.dir[0], sizeof run.dir[0], "%s/one", root);
    snprintf(run.dir[1], sizeof run.dir[1], "%s/two", root);
    snprintf(run.dir[REMOTE], sizeof run.dir[REMOTE], "%s/share/remote", root);
    snprintf(run.copy, sizeof run.copy, "%s/copy", root);
    crash_empty_disk(root, seed);
    conjoin_at = 5;
    return prepare() && crash_lives(LIVES, session, check_all);
}

CRASH_MAIN(2000)
