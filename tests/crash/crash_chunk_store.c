/*
 * Cuts the power under a chunk store, thousands of times, at every kind of moment: creation, commits,
 * the first commit after a collection, recovery from an earlier cut, a process killed before its sync.
 * Afterwards the store must open and show the last acknowledged commit, or the one that was under way;
 * never less, never a mixture. Disk errors are injected in the same way.
 *
 *   crash_chunk_store [seeds [first seed]]
 */
#include "tests/crash/crash_main.h"
#include "tests/crash/journal_complaint.h"

#include "store/chunk/chunk_store.h"
#include "store/chunk/journal_index.h"
#include "store/chunk/manifest.h"
#include "store/chunk/table_file.h"

#define CHUNKS_MAX 700

/* Commit number n writes chunks (n, 0 … count[n] - 1); chunk (n, 0) is the root and tells n. */
static struct {
    char root[300], noms[400];
    int counts[1000];
    int last_acked;       /* -1: not even the creation */
    bool published[1000]; /* acknowledged, or what an acknowledged commit was built on */
    bool maybe[1000];     /* tried since, not acknowledged: may be there or not */
    int next;
} run;

static struct err crash_err;

static struct hash crash_chunk(int n, int i, char text[100]) {
    snprintf(text, 100, "%08d chunk %d of commit %d, seed %llu, and a few more words", n, i, n,
             (unsigned long long)crash_seed_now);
    return hash_of(text, strlen(text));
}

static char crash_texts[CHUNKS_MAX][100];
static struct chunk_write crash_writes[CHUNKS_MAX];

static int prepare(int n) {
    /* Mostly small commits; sometimes enough for the index to be extended. */
    int count =
        power_random(16) == 0 ? 300 + (int)power_random(CHUNKS_MAX - 300) : 1 + (int)power_random(20);
    run.counts[n] = count;
    for (int i = 0; i < count; i++) {
        struct hash h = crash_chunk(n, i, crash_texts[i]);
        crash_writes[i] =
            (struct chunk_write){h, (const uint8_t *)crash_texts[i], strlen(crash_texts[i])};
    }
    return count;
}

static void acknowledged(int n, int on_top_of) {
    run.last_acked = n;
    run.published[n] = true;
    if (on_top_of >= 0)
        run.published[on_top_of] = true;
    memset(run.maybe, 0, sizeof run.maybe);
}

/* The commit whose root the store shows; -1 for something else. */
static int commit_shown(struct chunk_store *cs) {
    struct hash root = chunk_store_root(cs);
    for (int n = run.next - 1; n >= 0; n--) {
        char text[100];
        struct hash h = crash_chunk(n, 0, text);
        if (hash_eq(&h, &root))
            return n;
    }
    return -1;
}

static bool all_chunks_of(struct chunk_store *cs, int n) {
    for (int i = 0; i < run.counts[n]; i++) {
        char text[100];
        struct hash h = crash_chunk(n, i, text);
        struct chunk chunk;
        if (chunk_store_has(cs, &h, &crash_err) != BD_OK)
            return crash_problem("commit %d: chunk %d cannot be found", n, i);
        if (chunk_store_get(cs, &h, &chunk, &crash_err) != BD_OK)
            return crash_problem("commit %d lost chunk %d: %s", n, i, crash_err.msg);
        if (chunk.size != strlen(text) || memcmp(chunk.data, text, chunk.size) != 0)
            return crash_problem("commit %d has a wrong chunk %d", n, i);
    }
    return true;
}

/*
 * After a cut, a kill or an error: is the store in one of the states it may be in? After a cut, what it
 * shows is durable.
 */
static bool check_store(bool after_cut) {
    struct chunk_store *cs;
    int rc = chunk_store_open(&cs, run.noms, CHUNK_STORE_READ_ONLY, &crash_err);
    if (rc == BD_NOT_FOUND && run.last_acked < 0)
        return true;
    if (rc != BD_OK)
        return crash_problem("does not open: %s", crash_err.msg);
    int shown = commit_shown(cs);
    bool ok = shown >= 0 && (shown == run.last_acked || run.maybe[shown]);
    if (!ok)
        crash_problem("shows commit %d; acknowledged %d", shown, run.last_acked);
    for (int n = 0; ok && n < run.next; n++)
        if (run.published[n] || n == shown)
            ok = all_chunks_of(cs, n);
    chunk_store_close(cs);
    const char *complaint = ok ? journal_complaint(run.noms) : NULL;
    if (complaint)
        ok = crash_problem("%s", complaint);
    if (ok && after_cut)
        acknowledged(shown, -1);
    return ok;
}

/* --- sessions: each is one process --- */

static bool create_store(void) {
    int n = run.next++, count = prepare(n);
    run.maybe[n] = true;
    if (chunk_store_create(run.noms, crash_writes, (size_t)count, &crash_writes[0].hash, &crash_err) !=
        BD_OK)
        return false;
    acknowledged(n, -1);
    return true;
}

/* What a collection by real dolt leaves: everything in a table file, the journal gone (or going). */
static int collect_chunk(void *ctx, const struct hash *h, struct err *err) {
    struct {
        struct chunk_store *cs;
        struct chunk_write *items;
        size_t count, capacity;
    } *all = ctx;
    struct chunk chunk;
    int rc = chunk_store_get(all->cs, h, &chunk, err);
    if (rc == BD_OK) {
        for (size_t i = 0; i < all->count; i++)
            if (hash_eq(&all->items[i].hash, h))
                return BD_OK;
        MEM_GROW(all->items, all->capacity, all->count + 1);
        all->items[all->count++] = (struct chunk_write){*h, chunk.data, chunk.size};
    }
    return rc;
}

static void collect(struct chunk_store *cs) {
    struct {
        struct chunk_store *cs;
        struct chunk_write *items;
        size_t count, capacity;
    } all = {cs, NULL, 0, 0};
    struct manifest m;
    struct hash name;
    char path[500];
    bool renamed;
    if (chunk_store_lock(cs, 1000, &crash_err) == BD_OK &&
        chunk_store_each(cs, collect_chunk, &all, &crash_err) == BD_OK &&
        table_write(run.noms, all.items, all.count, &name, &crash_err) == BD_OK &&
        manifest_read(run.noms, &m, &crash_err) == BD_OK) {
        m.root = chunk_store_root(cs);
        m.spec_count = 0;
        manifest_add(&m, &name, (uint32_t)all.count);
        m.lock = m.gcgen = manifest_lock_of(&m.root, m.specs, m.spec_count);
        if (manifest_write(run.noms, &m, &renamed, &crash_err) == BD_OK) {
            snprintf(path, sizeof path, "%s/" JOURNAL_FILE, run.noms);
            os_unlink(path);
        }
        manifest_release(&m);
    }
    chunk_store_unlock(cs);
    free(all.items);
}

/* Some commits by one process, until its time or its power ends. False when an error came up. */
static bool session(void) {
    struct chunk_store *cs;
    if (chunk_store_open(&cs, run.noms, 0, &crash_err) != BD_OK)
        return false;
    bool ok = true;
    if (power_random(6) == 0)
        collect(cs);
    int commits = 1 + (int)power_random(5);
    for (int i = 0; i < commits && ok && !power.stopped; i++) {
        int n = run.next++, count = prepare(n);
        run.maybe[n] = true;
        struct hash root = chunk_store_root(cs);
        int below = commit_shown(cs);
        int rc = chunk_store_commit(cs, &root, crash_writes, (size_t)count, &crash_writes[0].hash,
                                    &crash_err);
        if (rc == BD_OK) {
            acknowledged(n, below);
        } else {
            ok = false;
            if (strstr(crash_err.msg, "nothing was published"))
                run.maybe[n] = false;
        }
    }
    chunk_store_close(cs);
    return ok;
}

/* One disk's life. False: see crash_problem_text. */
static bool crash_seed(const char *root, uint64_t seed) {
    memset(&run, 0, sizeof run);
    run.last_acked = -1;
    snprintf(run.root, sizeof run.root, "%s", root);
    snprintf(run.noms, sizeof run.noms, "%s/noms", root);
    crash_empty_disk(root, seed);
    bool ok = true;
    for (int life = 0; life < 6 && ok; life++) {
        if (run.last_acked < 0 &&
            os_is_dir(run.noms)) { /* a creation that was cut off: its caller starts over */
            power_run_shell("rm -rf '%s'/noms", root);
            power_start(root, seed + 1000003 * (uint64_t)life);
        }
        bool cut = crash_arm(life == 0 ? 30 : 60, 8);
        if (run.last_acked < 0)
            create_store();
        for (int s = 0; s < 8 && !power.stopped && run.last_acked >= 0; s++)
            if (!session())
                break;
        crash_next_life(cut);
        ok = check_store(cut);
    }
    /* Once more without the help of the index. */
    if (ok && run.last_acked >= 0) {
        power_cycle();
        char path[500];
        snprintf(path, sizeof path, "%s/" JOURNAL_INDEX_FILE, run.noms);
        os_unlink(path);
        ok = check_store(true);
    }
    return ok;
}

CRASH_MAIN(2000)
