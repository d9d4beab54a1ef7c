/*
 * A day of 64 commits a minute with automatic collection, in simulated time: at every moment the store
 * takes at most twice what a full collection would leave, and 64 MB.
 *
 *   gc_day [commits]           (a day: 92160)
 *   gc_day commits DIR         no collection at all: leaves a store in DIR/db to measure collections
 * with gc_day commits DIR steps   the same, collected in steps
 *
 * Prints how many steps were made, the processor time they took, and the largest size. The short form
 * in tests/unit has smaller numbers for all of it.
 */
#include "base/os.h"
#include "bd/ops/create.h"
#include "bd/ops/update.h"
#include "schema/schema.h"
#include "store/db/gc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef GC_DAY_COMMITS
#define GC_DAY_COMMITS 92160
#define GC_DAY_SLACK (UINT64_C(64) << 20)
#define GC_DAY_JOURNAL 0 /* as the program has it */
#define GC_DAY_STEP 0
#endif

enum { LIVE = 500, CHECKPOINTS = 8 };

static struct {
    struct arena arena;
    struct ops ops;
    char db[400];
    uint64_t random;
    int64_t micros; /* simulated */
    char *ids[LIVE];
    struct err err;
    double step_seconds, longest_step;
    int steps;
    uint64_t largest, live;
    bool uncollected, kept;
} day;

/* 64 commits a minute. */
int clock_gettime(clockid_t clock, struct timespec *out) {
    (void)clock;
    *out = (struct timespec){.tv_sec = day.micros / 1000000,
                             .tv_nsec = (long)(day.micros % 1000000) * 1000};
    return 0;
}

/* What the process used, on all processors: the number that does not depend on what else the machine
 * does. */
static double cpu_seconds(void) {
    struct timespec t;
    syscall(SYS_clock_gettime, CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t choose(uint64_t below) {
    day.random = day.random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (day.random >> 33) % below;
}

static char *some_text(int words) {
    static const char *const all[] = {"login",  "cache",   "server", "flaky", "deploy", "review",
                                      "merge",  "index",   "token",  "queue", "worker", "retry",
                                      "schema", "timeout", "docs",   "panic"};
    struct buf b = BUF_INIT;
    for (int i = 0; i < words; i++)
        buf_addf(&b, "%s%s", i ? " " : "", all[choose(16)]);
    buf_addf(&b, " %llu", (unsigned long long)choose(1000000));
    char *text = arena_strdup(&day.arena, b.data);
    buf_release(&b);
    return text;
}

static int make(struct tables_txn *x, void *ctx, struct err *err) {
    struct create_request r = {.parent = NULL};
    const char **id = ctx;
    issue_init(&r.issue);
    r.issue.title = some_text(5);
    r.issue.description = some_text(40);
    r.issue.issue_type = "task";
    r.issue.priority = (int64_t)choose(5);
    int rc = create_request_in(&day.ops, x, &r, &day.arena, err);
    *id = r.issue.id;
    return rc;
}

static int change(struct tables_txn *x, void *ctx, struct err *err) {
    static const char *const statuses[] = {"open", "in_progress", "blocked"};
    struct issue_changes c = ISSUE_CHANGES_INIT;
    if (choose(2))
        issue_change_text(&c, "notes", some_text(12));
    else
        issue_change_text(&c, "status", statuses[choose(3)]);
    issue_change_text(&c, "assignee", some_text(1));
    return issue_update_in(&day.ops, x, ctx, &c, &day.arena, NULL, err);
}

static int finish(struct tables_txn *x, void *ctx, struct err *err) {
    return issue_close_in(&day.ops, x, ctx, "done", NULL, err);
}

/* One of the day's commands. */
static int command(void) {
    size_t k = (size_t)choose(LIVE);
    const char *made;
    int rc;
    if (!day.ids[k]) {
        rc = ops_write(&day.ops, "bd: create", 0, make, &made, &day.err);
        if (rc == BD_OK)
            day.ids[k] = mem_strdup(made);
        return rc;
    }
    if (choose(4))
        return ops_write(&day.ops, "bd: update", 0, change, day.ids[k], &day.err);
    rc = ops_write(&day.ops, "bd: close", 0, finish, day.ids[k], &day.err);
    free(day.ids[k]);
    day.ids[k] = NULL;
    return rc;
}

static int open_store(void) {
    struct tables_open o = {.dir = day.db};
    return tables_open_embedded(&day.ops.tables, &o, &day.err);
}

static int start(const char *scratch) {
    static const struct tables_identity author = {"beads", "beads@local"};
    struct schema_init init = {.issue_prefix = "t-"};
    snprintf(day.db, sizeof day.db, "%s/db", scratch);
    day.micros = INT64_C(1700000000000000);
    day.random = 7;
    int rc = tables_create_embedded(day.db, "main", &author, &day.err);
    if (rc == BD_OK)
        rc = open_store();
    if (rc == BD_OK)
        rc = schema_create(day.ops.tables, &init, &day.err);
    day.ops.actor = "day";
    day.ops.owner = "";
    day.ops.commit_mode = TABLES_COMMIT;
    return rc;
}

/* What a command does at its end. */
static int collect_bit(void) {
    struct db_gc_step_options o = {GC_DAY_JOURNAL, GC_DAY_STEP};
    if (day.uncollected || !db_gc_step_due(day.db, &o))
        return BD_OK;
    tables_close(day.ops.tables);
    day.ops.tables = NULL;
    double began = cpu_seconds();
    int rc = db_gc_step(day.db, &o, &day.err);
    double took = cpu_seconds() - began;
    day.steps++;
    day.step_seconds += took;
    if (took > day.longest_step)
        day.longest_step = took;
    return rc == BD_OK ? open_store() : rc;
}

static int measure_live(uint64_t *live) {
    struct db_gc_options o = {.full = true, .dry_run = true, .ignore_space = true};
    struct db_gc_result r;
    int rc = db_gc(day.db, &o, &r, &day.err);
    if (rc == BD_OK)
        *live = r.nothing_to_do ? r.before.total : r.after.total;
    return rc;
}

/* BD_OK, or why not in day.err: an error, or the size. */
static int run_day(const char *scratch, int commits) {
    struct db_gc_sizes sizes;
    int rc = start(scratch);
    for (int i = 0; rc == BD_OK && i < commits; i++) {
        day.micros += INT64_C(60000000) / 64;
        rc = command();
        if (rc == BD_OK)
            rc = collect_bit();
        if (rc == BD_OK)
            rc = db_gc_sizes(day.db, &sizes, &day.err);
        if (rc != BD_OK)
            break;
        arena_reset(&day.arena);
        if (sizes.total > day.largest)
            day.largest = sizes.total;
        /* The live size grows: the one measured before is the harder bound. */
        if (!day.uncollected && !day.kept && sizes.total > 2 * day.live + GC_DAY_SLACK) {
            rc = measure_live(&day.live);
            if (rc == BD_OK && sizes.total > 2 * day.live + GC_DAY_SLACK)
                rc = err_set(&day.err, BD_INVALID,
                             "commit %d: %llu bytes, and a full collection leaves %llu", i,
                             (unsigned long long)sizes.total, (unsigned long long)day.live);
        }
        if (!day.uncollected && !day.kept && i % (commits / CHECKPOINTS) == commits / CHECKPOINTS - 1) {
            rc = measure_live(&day.live);
            fprintf(stderr,
                    "%6d commits: %8.2f MB in %zu files, journal %.2f MB; %.2f MB live; %d steps, %.3f "
                    "s, the longest "
                    "%.3f s; all %.1f s\n",
                    i + 1, (double)sizes.total / 1e6, sizes.old_files + sizes.young_files,
                    (double)sizes.journal / 1e6, (double)day.live / 1e6, day.steps, day.step_seconds,
                    day.longest_step, cpu_seconds());
        }
    }
    if (day.ops.tables)
        tables_close(day.ops.tables);
    for (int i = 0; i < LIVE; i++)
        free(day.ids[i]);
    arena_release(&day.arena);
    return rc;
}

static char *make_scratch(char out[300]) {
    const char *base = getenv("TMPDIR");
    snprintf(out, 300, "%s/bd-gc-day-XXXXXX", base ? base : "/tmp");
    return mkdtemp(out);
}

static void remove_scratch(const char *scratch) {
    char text[400];
    snprintf(text, sizeof text, "rm -rf '%s'", scratch);
    if (system(text) != 0)
        abort();
}

#ifndef GC_DAY_NO_MAIN
int main(int argc, char **argv) {
    int commits = argc > 1 ? atoi(argv[1]) : GC_DAY_COMMITS;
    char scratch[300];
    day.kept = argc > 2;
    day.uncollected = argc == 3;
    if (!day.kept && !make_scratch(scratch))
        return 1;
    int rc = run_day(day.kept ? argv[2] : scratch, commits);
    if (!day.kept)
        remove_scratch(scratch);
    if (rc != BD_OK) {
        fprintf(stderr, "gc_day: %s\n", day.err.msg);
        return 1;
    }
    printf("%d commits in %.1f s of processor time (measuring included), of which %d steps took %.1f s "
           "(the longest "
           "%.3f s); largest %.1f MB, live %.1f MB\n",
           commits, cpu_seconds(), day.steps, day.step_seconds, day.longest_step,
           (double)day.largest / 1e6, (double)day.live / 1e6);
    return 0;
}
#endif
