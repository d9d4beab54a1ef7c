/*
 * Collects one database, for scripts: prints sizes, seconds (on the clock, of all processors, of the
 * one thread that reads and writes files) and the memory it took.
 *
 * usage: collect DIR [full] [tables] [dry] [step]
 */
#include "store/db/gc.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static double seconds(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
    struct db_gc_options o = {.full = false};
    struct db_gc_step_options step = {.journal_bytes = 1};
    struct db_gc_result r = {0};
    struct err err = ERR_INIT;
    struct rusage u;
    bool steps = false;
    if (argc < 2)
        return 2;
    for (int i = 2; i < argc; i++) {
        o.full = o.full || strcmp(argv[i], "full") == 0;
        o.table_files = o.table_files || strcmp(argv[i], "tables") == 0;
        o.dry_run = o.dry_run || strcmp(argv[i], "dry") == 0;
        steps = steps || strcmp(argv[i], "step") == 0;
    }
    double start = seconds(CLOCK_MONOTONIC);
    int rc = steps ? db_gc_step(argv[1], &step, &err) : db_gc(argv[1], &o, &r, &err);
    if (rc != BD_OK) {
        fprintf(stderr, "collect: %s: %s\n", err_name(rc), err.msg);
        return 1;
    }
    getrusage(RUSAGE_SELF, &u);
    printf(
        "{\"nothing\": %s, \"before\": %llu, \"after\": %llu, \"chunks\": %llu, \"old_chunks\": %llu, "
        "\"seconds\": %.4f, \"cpu\": %.3f, \"cpu_main\": %.3f, \"rss_kb\": %ld}\n",
        r.nothing_to_do ? "true" : "false", (unsigned long long)r.before.total,
        (unsigned long long)r.after.total, (unsigned long long)r.kept_chunks,
        (unsigned long long)r.old_chunks, seconds(CLOCK_MONOTONIC) - start,
        seconds(CLOCK_PROCESS_CPUTIME_ID), seconds(CLOCK_THREAD_CPUTIME_ID), u.ru_maxrss);
    return 0;
}
