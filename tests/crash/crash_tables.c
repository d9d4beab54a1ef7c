/*
 * Cuts the power under a database, thousands of times, while it is created and while transactions
 * change its tables through two connections. Afterwards it must open and show the last acknowledged
 * transaction, or the one that was under way: the rows, their index, the history of commits, old states
 * and branches are compared with a model. Kills and disk errors are injected in the same way.
 *
 *   crash_tables [seeds [first seed]]
 *
 * Version 0 is the empty database; version n is what transaction n made of the version it found.
 */
#include "tests/crash/crash_main.h"
#include "tests/crash/crash_rows.h"
#include "tests/crash/journal_complaint.h"
#include "tests/crash/seeded.h"

#include "store/db/embedded.h"
#include "store/db/tables.h"

#include <dirent.h>

#ifdef CRASH_SQUASH
#include "store/db/rewrite.h"
#endif
#ifdef CRASH_COLLECT
#include "store/db/gc.h"
enum { LIVES = 12, LIFE_OPERATIONS = 90, LIFE_SYNCS = 20 };
#else
enum { LIVES = 6, LIFE_OPERATIONS = 40, LIFE_SYNCS = 12 };
#endif
enum { KEYS = 160, VERSIONS = 1000, LONG_NOTE = 6000, BRANCHES = 100 };

static struct {
    char root[300], db[400];
    short values[VERSIONS][KEYS]; /* who wrote the row of a key; 0: there is none */
    int base[VERSIONS];
    bool committed[VERSIONS]; /* else it stays in the working set */
    bool maybe[VERSIONS];     /* tried, not acknowledged: may be there or not */
    int branches[BRANCHES];   /* the version at which branch b<i> was acknowledged; -1: it was not */
    int last_acked;           /* -1: not even the creation */
    int next, next_branch;
} run;

static struct err crash_err;

/* --- what a transaction does; the same in the model and in the database --- */

static uint64_t mix(uint64_t a, uint64_t b) {
    a = (a ^ (b * UINT64_C(0x9E3779B97F4A7C15))) * UINT64_C(0xBF58476D1CE4E5B9);
    return a ^ a >> 29;
}

static struct cell note_of(int key, int version, struct arena *a) {
    bool is_long = mix((uint64_t)key, (uint64_t)version) % 16 == 0;
    return crash_note(key, version, is_long ? LONG_NOTE : 1, a);
}

static int put_row(struct tables_txn *x, int key, int before, int after, struct arena *a,
                   struct err *err) {
    static const char *const columns[] = {"k", "v", "note"};
    struct cell cells[] = {cell_int(key), cell_int(after), note_of(key, after, a)};
    const struct pred *where = pred_cmp(a, PRED_EQ, "k", cells[0]);
    uint64_t n;
    if (!before)
        return tables_insert(x, "t", columns, cells, 3, 0, NULL, err);
    if (!after)
        return tables_delete(x, "t", where, &n, err);
    return tables_update(x, "t", where, columns + 1, cells + 1, 2, NULL, &n, err);
}

/* All rows that there are none of, at once; on some disks their nodes go into the store before the
 * commit. */
static int fill_gaps(struct tables_txn *x, short *values, int n, struct arena *a, struct err *err) {
    static const char *const columns[] = {"k", "v", "note"};
    struct tables_bulk *b;
    int rc = tables_bulk_begin(x, "t", columns, 3, 0, &b, err);
    for (int key = 0; key < KEYS && rc == BD_OK; key++) {
        struct cell cells[] = {cell_int(key), cell_int(n), note_of(key, n, a)};
        if (values[key])
            continue;
        rc = tables_bulk_add(b, cells, err);
        values[key] = (short)n;
    }
    if (rc == BD_OK)
        return tables_bulk_end(b, NULL, err);
    tables_bulk_drop(b);
    return rc;
}

static int change(struct tables_txn *x, void *ctx, struct err *err) {
    static const char create[] =
        "create table t (k int primary key, v int not null, note longtext, index by_v (v))";
    int n = *(int *)ctx, base;
    struct arena a = ARENA_INIT;
    int rc = crash_version_of(x, &base, err);
    if (rc == BD_OK && (base < 0 || base >= run.next))
        rc = err_set(err, BD_CORRUPT, "a transaction found version %d", base);
    if (rc == BD_OK && !base)
        rc = run_ddl(x, create, err);
    if (rc == BD_OK) {
        short *values = run.values[n];
        memcpy(values, run.values[base], sizeof run.values[n]);
        run.base[n] = base;
        rc = put_row(x, 0, values[0], n, &a, err);
        values[0] = (short)n;
        uint64_t random = mix(crash_seed_now, (uint64_t)n);
        int count = random % 16 == 0 ? KEYS : 1 + (int)(random % 6);
        for (int i = 0; i < count && rc == BD_OK; i++) {
            random = mix(random, (uint64_t)i);
            int key = 1 + (int)(random % (KEYS - 1));
            short after = values[key] && random >> 32 & 1 ? 0 : (short)n;
            rc = put_row(x, key, values[key], after, &a, err);
            values[key] = after;
        }
        if (rc == BD_OK && mix(random, 5) % 6 == 0)
            rc = fill_gaps(x, values, n, &a, err);
    }
    arena_release(&a);
    return rc;
}

/* --- is the database what the model says? --- */

static int head_of(int version) {
    while (version > 0 && !run.committed[version])
        version = run.base[version];
    return version;
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
    if (key < 0 || key >= KEYS || c->values[key] != v) {
        c->same = false;
        return BD_DONE;
    }
    c->same = crash_note_is(&row[2], note_of(key, v, c->a));
    return c->same ? BD_OK : BD_DONE;
}

static bool state_is(struct tables *t, const char *ref, int version) {
    struct tables_txn *x;
    const char *name = ref ? ref : "the working set";
    int rc = ref ? tables_read_begin_at(t, ref, &x, &crash_err) : tables_read_begin(t, &x, &crash_err);
    if (rc != BD_OK)
        return crash_problem("%s cannot be read: %s", name, crash_err.msg);
    struct arena a = ARENA_INIT;
    bool ok = true;
    if (version > 0) {
        struct comparison c = {.values = run.values[version], .same = true, .a = &a};
        struct tables_query q = {.table = "t"};
        int rows = 0, by_index = 0;
        for (int k = 0; k < KEYS; k++) {
            rows += run.values[version][k] != 0;
            by_index += run.values[version][k] == version;
        }
        uint64_t found = 0;
        rc = tables_scan(x, &q, &a, compare_row, &c, &crash_err);
        if (rc == BD_OK)
            rc = tables_count_all(x, "t", pred_cmp(&a, PRED_EQ, "v", cell_int(version)), &found,
                                  &crash_err);
        if (rc != BD_OK)
            ok = crash_problem("%s, version %d: %s", name, version, crash_err.msg);
        else if (!c.same || c.seen != rows)
            ok = crash_problem("%s is not version %d (%d of %d rows)", name, version, c.seen, rows);
        else if (found != (uint64_t)by_index)
            ok = crash_problem("%s, version %d: the index has %d rows, not %d", name, version,
                               (int)found, by_index);
    } else if (tables_has_table(x, "t")) {
        ok = crash_problem("%s has a table, version 0 has none", name);
    }
    tables_read_end(x);
    arena_release(&a);
    return ok;
}

struct history {
    int version; /* whose commit is expected next */
    int count;
    bool squashed, behind; /* the last one was a snapshot; one was */
    bool good;
};

static int expect_commit(void *ctx, const struct tables_commit_info *c) {
    struct history *h = ctx;
    char message[40] = "Initialize data repository";
#ifdef CRASH_SQUASH
    if (h->version > 0 && strcmp(c->message, "squash") == 0) { /* for this version and some before it */
        h->squashed = h->good = true;
        h->count += !h->behind;
        h->behind = true;
        return BD_OK;
    }
    int named;
    if (h->squashed && sscanf(c->message, "version %d", &named) != 1)
        named = 0;
    while (h->squashed &&
           h->version > named) /* an older one that a branch stands on, or the first commit */
        h->version = head_of(run.base[h->version]);
    h->squashed = false;
#endif
    if (h->version > 0)
        snprintf(message, sizeof message, "version %d", h->version);
    h->count += !h->behind; /* up to the first snapshot each commit is one version */
    h->good = h->version >= 0 && strcmp(c->message, message) == 0;
    h->version = h->version > 0 ? head_of(run.base[h->version]) : -1;
    return h->good ? BD_OK : BD_DONE;
}

static bool history_is(struct tables *t, int version) {
    struct history h = {.version = head_of(version)};
    struct arena a = ARENA_INIT;
    int rc = tables_log(t, NULL, &a, expect_commit, &h, &crash_err);
    arena_release(&a);
    if (rc != BD_OK && rc != BD_DONE)
        return crash_problem("version %d, log: %s", version, crash_err.msg);
    if (!h.good || h.version != -1)
        return crash_problem("version %d: commit %d of the log is wrong", version, h.count);
    /* Any one of the old states. */
    int back = (int)power_random((uint64_t)h.count);
    char ref[40];
    snprintf(ref, sizeof ref, "HEAD~%d", back);
    version = head_of(version);
    while (back-- > 0)
        version = head_of(run.base[version]);
    return state_is(t, ref, version);
}

static bool branches_are_there(struct tables *t) {
    for (int i = 0; i < run.next_branch; i++) {
        char name[20];
        snprintf(name, sizeof name, "b%d", i);
        if (run.branches[i] >= 0 && !state_is(t, name, run.branches[i]))
            return false;
    }
    return true;
}

static void acknowledged(int version) {
    run.last_acked = version;
    memset(run.maybe, 0, sizeof run.maybe);
}

/* Is it in one of the states it may be in? After a cut, what it shows is durable. */
static bool check_database(bool after_cut) {
    struct tables *t;
    struct tables_open o = {.dir = run.db, .flags = TABLES_READ_ONLY};
    if (!os_exists(run.db))
        return run.last_acked < 0 ? true : crash_problem("the database is gone");
    if (tables_open_embedded(&t, &o, &crash_err) != BD_OK)
        return crash_problem("does not open: %s", crash_err.msg);
    struct tables_txn *x;
    int shown = -1;
    bool ok = true;
    if (tables_read_begin(t, &x, &crash_err) != BD_OK) {
        ok = crash_problem("cannot be read: %s", crash_err.msg);
    } else {
        if (crash_version_of(x, &shown, &crash_err) != BD_OK)
            ok = crash_problem("row 0: %s", crash_err.msg);
        tables_read_end(x);
    }
    if (ok && (shown < 0 || shown >= run.next || (shown != run.last_acked && !run.maybe[shown])))
        ok = crash_problem("shows version %d; acknowledged %d", shown, run.last_acked);
    ok = ok && state_is(t, NULL, shown) && state_is(t, "HEAD", head_of(shown)) &&
         history_is(t, shown) && branches_are_there(t);
    tables_close(t);
    char noms[450];
    snprintf(noms, sizeof noms, "%s/.dolt/noms", run.db);
    const char *complaint = ok ? journal_complaint(noms) : NULL;
    if (complaint)
        ok = crash_problem("%s", complaint);
    if (ok && after_cut)
        acknowledged(shown);
    return ok;
}

/* --- sessions: each is one process --- */

/* False when something is left of a creation that failed. */
static bool create_database(void) {
    run.next = 1;
    run.maybe[0] = true;
    if (tables_create_embedded(run.db, "main", NULL, &crash_err) == BD_OK) {
        acknowledged(0);
        return true;
    }
    if (power.stopped)
        return true;
    DIR *dir = opendir(run.root);
    for (struct dirent *e; (e = readdir(dir));)
        if (e->d_name[0] != '.' ? strcmp(e->d_name, "db") != 0 : strlen(e->d_name) > 2)
            crash_problem("a failed creation (%s) leaves %s", crash_err.msg, e->d_name);
    closedir(dir);
    return !crash_problem_text[0];
}

static bool branch_off(struct tables *t) {
    char name[20];
    int number = run.next_branch++, version;
    struct tables_txn *x;
    run.branches[number] = -1;
    snprintf(name, sizeof name, "b%d", number);
    if (tables_branch_create(t, name, "HEAD", &crash_err) != BD_OK)
        return false;
    if (tables_read_begin(t, &x, &crash_err) == BD_OK) {
        if (crash_version_of(x, &version, &crash_err) == BD_OK) {
            run.branches[number] = head_of(version);
            acknowledged(version); /* it was built upon */
        }
        tables_read_end(x);
    }
    return true;
}

static bool transaction(struct tables *t) {
    int n = run.next++;
    char message[40];
    snprintf(message, sizeof message, "version %d", n);
    run.committed[n] = power_random(4) != 0;
    struct tables_write w = {.mode = run.committed[n] ? TABLES_COMMIT : TABLES_WORKING,
                             .message = message};
    run.maybe[n] = true;
    if (tables_write(t, &w, change, &n, NULL, &crash_err) == BD_OK) {
        acknowledged(n);
        return true;
    }
    if (strstr(crash_err.msg, "nothing was published"))
        run.maybe[n] = false;
    return false;
}

#ifdef CRASH_COLLECT
/* A collection of any kind; the connections that are open learn of it by themselves. */
static bool collect(void) {
    struct db_gc_options o = {.full = power_random(2), .table_files = power_random(3) == 0};
    struct db_gc_step_options step = {.journal_bytes = 1, .step_bytes = 1 + power_random(40000)};
    struct db_gc_result r;
    int rc = power_random(3) == 0 ? db_gc_step(run.db, &step, &crash_err)
                                  : db_gc(run.db, &o, &r, &crash_err);
    return rc != BD_CORRUPT && rc != BD_INVALID ? true : crash_problem("collecting: %s", crash_err.msg);
}
#endif

#ifdef CRASH_SQUASH
/* Old commits become snapshots, for this branch or for all. False after an error. */
static bool squash(struct tables *t) {
    struct history_rewrite r = {.keep_since = INT64_MAX,
                                .keep_newest = power_random(5),
                                .all_branches = power_random(2),
                                .message = "squash"};
    struct history_summary done;
    struct arena a = ARENA_INIT;
    struct tables_txn *x;
    int version, rc = history_rewrite(t, &r, &a, &done, &crash_err);
    arena_release(&a);
    if (rc == BD_CORRUPT || rc == BD_INVALID || rc == BD_CONFLICT)
        crash_problem("squashing: %s", crash_err.msg);
    if (rc != BD_OK)
        return false;
    if (done.changed && tables_read_begin(t, &x, &crash_err) == BD_OK) {
        if (crash_version_of(x, &version, &crash_err) == BD_OK)
            acknowledged(version); /* it was built upon */
        tables_read_end(x);
    }
    return true;
}
#endif

/* Some transactions through two connections, until the time or the power ends. False after an error. */
static bool session(void) {
    struct tables *both[2] = {NULL, NULL};
    struct tables_open o = {.dir = run.db};
    bool ok = tables_open_embedded(&both[0], &o, &crash_err) == BD_OK &&
              tables_open_embedded(&both[1], &o, &crash_err) == BD_OK;
    int count = 1 + (int)power_random(4);
    for (int i = 0; i < count && ok && run.next < VERSIONS; i++) {
        struct tables *t = both[power_random(2)];
#ifdef CRASH_COLLECT
        if (power_random(2) == 0 && !collect())
            break;
#endif
#ifdef CRASH_SQUASH
        if (power_random(2) == 0 && !squash(t))
            break;
#endif
        if (power_random(10) == 0 && run.next_branch < BRANCHES)
            ok = branch_off(t);
        else
            ok = transaction(t);
    }
    for (int i = 0; i < 2; i++)
        if (both[i])
            tables_close(both[i]);
    return ok;
}

/* One disk's life. False: see crash_problem_text. */
static bool crash_seed(const char *root, uint64_t seed) {
    memset(&run, 0, sizeof run);
    seeded_begin(seed);
    run.last_acked = -1;
    snprintf(run.root, sizeof run.root, "%s", root);
    snprintf(run.db, sizeof run.db, "%s/db", root);
    crash_empty_disk(root, seed);
    embedded_ahead_bytes =
        seed % 3 ? (size_t)16 << 20 : 2000; /* every third disk: transactions in slices */
    bool ok = true;
    for (int life = 0; life < LIVES && ok; life++) {
        if (run.last_acked < 0 && life > 0) { /* a creation that failed: its caller starts over */
            crash_empty_disk(root, seed + 1000003 * (uint64_t)life);
        }
        bool cut = crash_arm(run.last_acked < 0 ? 90 : LIFE_OPERATIONS, LIFE_SYNCS);
        if (run.last_acked < 0)
            ok = create_database();
        for (int s = 0; s < 8 && !power.stopped && run.last_acked >= 0; s++)
            if (!session())
                break;
        crash_next_life(cut);
        ok = ok && !crash_problem_text[0] && check_database(cut);
    }
    return ok;
}

CRASH_MAIN(2000)
