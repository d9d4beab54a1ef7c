/*
 * bd doctor --perf: some everyday operations with the time each took, and the numbers that explain it.
 * Each runs once, on one snapshot, as a command would run it.
 */
#include "bd/cmd/doctor.h"

#include "base/version.h"
#include "bd/ops/ready.h"
#include "bd/ops/search.h"
#include "doctor/room.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <time.h>

#define SLOW_MS 500.0

struct work {
    struct doctor *d;
    struct arena a;
    const char *issue; /* one that list found, for show */
};

static double milliseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* ---- the operations; what they find, or fail at, does not matter here ---- */

static void ready_work(struct work *w) {
    struct ready_filter f;
    struct issue_list list = {0};
    ready_filter_init(&f);
    ready_list(w->d->x, &f, &w->a, &list, NULL);
}

static void list_open(struct work *w) {
    struct issue_filter f;
    struct issue_list list = {0};
    issue_filter_init(&f);
    text_list_add(&f.statuses, &w->a, "open");
    search_issues_with_counts(w->d->x, &f, &w->a, &list, NULL);
    w->issue = list.count ? list.items[list.count / 2].id : NULL;
}

static void show_issue(struct work *w) {
    struct issue one;
    if (w->issue)
        issue_load(w->d->x, w->issue, &w->a, &one, NULL);
}

static void complex_filter(struct work *w) {
    struct issue_filter f;
    struct issue_list list = {0};
    issue_filter_init(&f);
    f.priority_max = 2;
    f.description_contains = "a";
    search_issues(w->d->x, &f, &w->a, &list, NULL);
}

static int count_commit(void *ctx, const struct tables_commit_info *i) {
    (void)i;
    return ++*(size_t *)ctx < 100 ? BD_OK : BD_DONE;
}

static void commit_log(struct work *w) {
    size_t commits = 0;
    tables_log(w->d->tables, NULL, &w->a, count_commit, &commits, NULL);
}

static const struct operation {
    const char *key, *label;
    void (*run)(struct work *w); /* NULL: the opening, which is measured before */
} operations[] = {
    {"connection_time", "Opening", NULL},
    {"ready_work_time", "bd ready", ready_work},
    {"list_open_time", "bd list --status=open", list_open},
    {"show_issue_time", "bd show <issue>", show_issue},
    {"complex_query_time", "Complex filter", complex_filter},
    {"commit_log_time", "100 commits of the log", commit_log},
};
enum { OPERATIONS = sizeof operations / sizeof *operations };

/* ---- the numbers ---- */

struct numbers {
    const char *platform;
    uint64_t issues, open, closed, dependencies, bytes;
    double ms[OPERATIONS];
    bool slow;
};

static uint64_t count(struct work *w, const char *table, const char *status) {
    const struct pred *where = status ? pred_cmp(&w->a, PRED_EQ, "status", cell_text(status)) : NULL;
    uint64_t n = 0;
    if (tables_has_table(w->d->x, table))
        tables_count_all(w->d->x, table, where, &n, NULL);
    return n;
}

static void print_json(struct bd *bd, const struct numbers *n) {
    struct buf out = BUF_INIT;
    struct json_writer w;
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_member_str(&w, "backend", "dolt-embedded");
    json_member_str(&w, "platform", n->platform);
    json_member_int(&w, "total_issues", (int64_t)n->issues);
    json_member_int(&w, "open_issues", (int64_t)n->open);
    json_member_int(&w, "closed_issues", (int64_t)n->closed);
    json_member_int(&w, "dependencies", (int64_t)n->dependencies);
    json_member_int(&w, "database_bytes", (int64_t)n->bytes);
    for (size_t i = 0; i < OPERATIONS; i++) {
        json_key(&w, operations[i].key);
        json_float(&w, n->ms[i]);
    }
    json_member_bool(&w, "healthy", !n->slow);
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
}

static void print_text(struct bd *bd, struct doctor *d, const struct numbers *n) {
    fprintf(bd->out,
            "\nDolt Performance Diagnostics\n==================================================\n"
            "\nBackend: dolt-embedded\nPlatform: %s\nbd: %s\n\nDatabase Statistics:\n"
            "  Total issues:      %" PRIu64 "\n  Open issues:       %" PRIu64
            "\n  Closed issues:     %" PRIu64 "\n  Dependencies:      %" PRIu64
            "\n  Database size:     %s\n\nOperation Performance (ms):\n",
            n->platform, BD_VERSION, n->issues, n->open, n->closed, n->dependencies,
            doctor_bytes(d, n->bytes));
    for (size_t i = 0; i < OPERATIONS; i++)
        fprintf(bd->out, "  %-25s %.2f\n", operations[i].label, n->ms[i]);
    fprintf(bd->out, "\nPerformance Assessment:\n  %s\n",
            n->slow ? "[WARN] An operation takes more than half a second: see 'bd doctor' "
                      "(dolt-noms-size, Dolt Performance) and 'bd gc --dry-run'"
                    : "[OK] Performance looks healthy");
}

int doctor_perf(struct bd *bd, const struct cmd_call *c) {
    struct doctor d;
    struct utsname name;
    struct numbers n = {.platform = "unknown"};
    double at = milliseconds();
    if (!bd->ws.beads_dir && !bd->ws.direct)
        return cmd_fail_hint(bd, "Run 'bd init' in a new project, 'bd bootstrap' in a clone",
                             "performance diagnostics: no .beads/ directory found");
    doctor_open(bd, c, &d);
    if (!d.x) {
        int status = cmd_fail(bd, "performance diagnostics: %s",
                              d.open_error.code ? d.open_error.msg : "no database");
        doctor_close(bd, &d);
        return status;
    }
    struct work w = {.d = &d, .a = ARENA_INIT};
    for (size_t i = 0; i < OPERATIONS; i++) {
        if (operations[i].run) {
            at = milliseconds();
            operations[i].run(&w);
        }
        n.ms[i] = milliseconds() - at;
        n.slow = n.slow || n.ms[i] > SLOW_MS;
    }
    n.issues = count(&w, "issues", NULL);
    n.open = count(&w, "issues", "open");
    n.closed = count(&w, "issues", "closed");
    n.dependencies = count(&w, "dependencies", NULL);
    n.bytes = doctor_disk_usage(bd->ws.database_dir);
    if (uname(&name) == 0)
        n.platform = arena_printf(&bd->arena, "%s/%s", name.sysname, name.machine);
    if (bd->json)
        print_json(bd, &n);
    else
        print_text(bd, &d, &n);
    arena_release(&w.a);
    doctor_close(bd, &d);
    return 0;
}
