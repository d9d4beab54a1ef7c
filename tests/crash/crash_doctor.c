/*
 * bd doctor --fix on a workspace with everything wrong that it mends, killed, cut off and failing at
 * any moment: what was there is afterwards in its place or among the copies, and a later run completes.
 *
 *   crash_doctor [seeds [first seed]]
 */
#include "tests/crash/crash_main.h"
#include "tests/unit/doctor_help.h"

#include <dirent.h>

#define ISSUES 3

static struct {
    struct clinic c;
    char root[300];
} run;

#define problem crash_problem

static const char metadata[] = "{\n  \"database\": \"beads.db\",\n  \"dolt_database\": \"t\",\n"
                               "  \"stale_closed_issues_days\": 99999\n}";
static const char deletions[] = "{\"id\":\"t-1\"}\n";
static const char ignored[] = "my-notes.txt\n";

/* ---- a workspace with everything wrong ---- */

static int break_rows(struct tables_txn *x, void *ctx, struct err *e) {
    struct arena a = ARENA_INIT;
    (void)ctx;
    int rc = put_issue(x, "issues", "t-a", "A", "open", true, e);
    rc = rc ? rc : put_issue(x, "issues", "t-b", "B", "open", false, e);
    rc = rc ? rc : put_issue(x, "issues", "t-b.5", "C", "open", false, e);
    rc = rc ? rc : put_edge(x, "t-b", "t-a", "blocks", e);
    rc = rc ? rc : put_edge(x, "t-a", "t-gone", "related", e);
    rc = rc ? rc
            : tables_delete(x, "metadata", pred_cmp(&a, PRED_EQ, "key", cell_text("_project_id")), NULL,
                            e);
    arena_release(&a);
    return rc;
}

static void must(int rc, const struct err *err) {
    if (rc) {
        fprintf(stderr, "cannot make the disk: %s\n", err->msg);
        abort();
    }
}

static void make_disk(const char *root, uint64_t seed) {
    struct err err = ERR_INIT;
    char path[400];
    power_run_shell("rm -rf '%s' && mkdir '%s'", root);
    power_start(root, seed);
    snprintf(run.root, sizeof run.root, "%s", root);
    must(doctor_make(&run.c, root, &err), &err);
    must(doctor_write(&run.c, break_rows, NULL, &err), &err);
    snprintf(path, sizeof path, "%s/mq", run.c.beads);
    must(os_mkdir(path, 0700) | os_fsync_dir(run.c.beads) | doctor_put_file(&run.c, "mq/1.json", "{}") |
             doctor_put_file(&run.c, "metadata.json", metadata) |
             doctor_put_file(&run.c, "deletions.jsonl", deletions) |
             doctor_put_file(&run.c, ".gitignore", ignored) |
             doctor_put_file(&run.c, ".sync.lock", "") | doctor_put_file(&run.c, ".x.99-1.tmp", "half"),
         &err);
    doctor_free(&run.c);
}

/* ---- what must hold ---- */

static char *text_at(const char *path) {
    char *text;
    size_t size;
    return os_read_file(path, 1 << 20, &text, &size) ? NULL : text;
}

/* A file with this text (or, with NULL, any) among the copies; `part`: containing it is enough. */
static bool among_copies(const char *name, const char *text, bool part) {
    char backup[400], path[900];
    snprintf(backup, sizeof backup, "%s/backup", run.c.beads);
    DIR *dir = opendir(backup);
    bool found = false;
    for (struct dirent *e; dir && !found && (e = readdir(dir));) {
        for (int n = 1; n < 4 && !found; n++) {
            if (n == 1)
                snprintf(path, sizeof path, "%s/%s/%s", backup, e->d_name, name);
            else
                snprintf(path, sizeof path, "%s/%s/%s-%d", backup, e->d_name, name, n);
            char *got = text_at(path);
            found = got && (!text || (part ? strstr(got, text) != NULL : strcmp(got, text) == 0));
            free(got);
        }
    }
    if (dir)
        closedir(dir);
    return found;
}

static bool in_place(const char *name, const char *text) {
    char path[500];
    snprintf(path, sizeof path, "%s/%s", run.c.beads, name);
    char *got = text_at(path);
    bool same = got && (!text || strcmp(got, text) == 0);
    free(got);
    return same;
}

static bool files_are_there(void) {
    static const struct {
        const char *name, *text;
    } kept[] = {{"metadata.json", metadata},
                {"deletions.jsonl", deletions},
                {"mq/1.json", "{}"},
                {".x.99-1.tmp", "half"}};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (!in_place(kept[i].name, kept[i].text) && !among_copies(kept[i].name, kept[i].text, false))
            return problem("%s is neither in its place nor among the copies", kept[i].name);
    char path[500];
    snprintf(path, sizeof path, "%s/.gitignore", run.c.beads);
    char *ignore = text_at(path);
    bool ok = ignore && strncmp(ignore, ignored, strlen(ignored)) == 0;
    free(ignore);
    if (!ok)
        return problem(".gitignore lost the line of its owner");
    struct arena a = ARENA_INIT;
    struct metadata m;
    ok = metadata_load(run.c.beads, &a, &m, NULL) == BD_OK && strcmp(m.dolt_database, "t") == 0;
    arena_release(&a);
    return ok || problem("metadata.json is damaged");
}

static bool rows_are_there(void) {
    struct err err = ERR_INIT;
    struct arena a = ARENA_INIT;
    struct tables *t;
    struct tables_txn *x;
    struct tables_open o = {.dir = run.c.database, .flags = TABLES_READ_ONLY};
    uint64_t issues = 0, orphans = 0, edges = 0;
    if (tables_open_embedded(&t, &o, &err))
        return problem("the database does not open: %s", err.msg);
    bool ok = tables_read_begin(t, &x, &err) == BD_OK;
    if (ok) {
        const struct pred *gone = pred_cmp(&a, PRED_EQ, "depends_on_issue_id", cell_text("t-gone"));
        ok = tables_count_all(x, "issues", NULL, &issues, &err) == BD_OK &&
             tables_count_all(x, "dependencies", gone, &orphans, &err) == BD_OK &&
             tables_count_all(x, "dependencies", NULL, &edges, &err) == BD_OK;
        tables_read_end(x);
    }
    tables_close(t);
    arena_release(&a);
    if (!ok)
        return problem("the database cannot be read: %s", err.msg);
    if (issues != ISSUES || edges - orphans != 1)
        return problem("%d issues, %d good edges", (int)issues, (int)(edges - orphans));
    if (!orphans && !among_copies("rows.jsonl", "t-gone", true))
        return problem("the removed row is not among the copies");
    return true;
}

/* ---- */

static int fix(struct err *err) {
    struct doctor_repair rp = {0};
    int rc = doctor_start(&run.c, err);
    if (rc == BD_OK) {
        doctor_run(&run.c.d);
        rc = doctor_fix_all(&run.c, &rp);
        for (size_t i = 0; rc && i < rp.count; i++)
            if (rp.outcomes[i].code)
                err_set(err, rp.outcomes[i].code, "%s: %s", rp.outcomes[i].result->name,
                        rp.outcomes[i].text);
        doctor_repair_release(&rp);
    }
    doctor_stop(&run.c);
    doctor_free(&run.c);
    return rc;
}

static bool nothing_is_wrong(void) {
    struct err err = ERR_INIT;
    bool ok = doctor_start(&run.c, &err) == BD_OK;
    if (ok)
        doctor_run(&run.c.d);
    for (size_t i = 0; ok && i < run.c.d.count; i++)
        if (run.c.d.results[i].status != DOCTOR_OK)
            ok = problem("%s after all: %s", run.c.d.results[i].name, run.c.d.results[i].message);
    doctor_stop(&run.c);
    doctor_free(&run.c);
    return ok;
}

static uint64_t count_operations(const char *root) {
    struct err err = ERR_INIT;
    make_disk(root, 1);
    long before = power.operations;
    must(fix(&err), &err);
    return (uint64_t)(power.operations - before);
}

static bool crash_seed(const char *root, uint64_t seed) {
    static uint64_t operations;
    struct err err = ERR_INIT;
    datetime_set_clock(doctor_later);
    if (!operations)
        operations = count_operations(root);
    make_disk(root, seed);
    bool ok = true;
    for (int life = 0; life < 4 && ok; life++) {
        bool cut = crash_arm(operations, 25);
        err_clear(&err);
        int rc = fix(&err);
        bool fault = power.stopped || power.failed;
        if (rc && !fault)
            ok = problem("fails without a fault: %s", err.msg);
        crash_next_life(cut);
        ok = ok && files_are_there() && rows_are_there();
    }
    err_clear(&err);
    if (ok && fix(&err))
        ok = problem("does not complete: %s", err.msg);
    ok = ok && files_are_there() && rows_are_there() && nothing_is_wrong();
    datetime_set_clock(NULL);
    return ok;
}

CRASH_MAIN(1000)
