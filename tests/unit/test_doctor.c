/* The doctor's checks of data and their fixes: healthy stays untouched, broken is named, mended and
 * kept. */
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "tests/unit/doctor_help.h"

#include "bd/ops/blocked.h"
#include "tests/unit/scratch.h"

static struct clinic c;
static struct err err;

static int setup(void **state) {
    if (scratch_setup(state))
        return -1;
    err_clear(&err);
    return doctor_make(&c, scratch, &err) == BD_OK ? 0 : -1;
}

static int teardown(void **state) {
    datetime_set_clock(NULL);
    doctor_free(&c);
    return scratch_teardown(state);
}

static void ok(int rc) {
    if (rc != BD_OK)
        fail_msg("%s: %s", err_name(rc), err.msg);
}

static void examine(void) {
    ok(doctor_start(&c, &err));
    doctor_run(&c.d);
}

static void expect(const char *name, enum doctor_status status) {
    const struct doctor_result *r = doctor_result_of(&c, name);
    if (!r)
        fail_msg("no check %s", name);
    if (r->status != status)
        fail_msg("%s is %s: %s (%s)", name, doctor_status_name(r->status), r->message,
                 r->detail ? r->detail : "");
}

static void expect_all_ok(void) {
    for (size_t i = 0; i < c.d.count; i++)
        if (c.d.results[i].status != DOCTOR_OK)
            expect(c.d.results[i].name, DOCTOR_OK);
    assert_true(c.d.overall_ok);
}

/* Broken is named, fixed is fine again, and fixing again does nothing. */
static void expect_mended(const char *name, enum doctor_status status) {
    struct doctor_repair rp;
    examine();
    expect(name, status);
    assert_true(doctor_result_of(&c, name)->fixable);
    int rc = doctor_fix_all(&c, &rp);
    for (size_t i = 0; i < rp.count; i++)
        if (rp.outcomes[i].code)
            fail_msg("%s: %s", rp.outcomes[i].result->name, rp.outcomes[i].text);
    assert_int_equal(rc, BD_OK);
    assert_true(rp.done > 0);
    doctor_repair_release(&rp);
    /* the same results once more: nothing is left to do */
    rc = doctor_fix_all(&c, &rp);
    assert_int_equal(rc, BD_OK);
    assert_int_equal(rp.done, 0);
    assert_null(rp.aside);
    doctor_repair_release(&rp);
    doctor_stop(&c);
    examine();
    expect(name, DOCTOR_OK);
    doctor_stop(&c);
}

static char *slurp_rows(void) {
    char command[1200], *data = NULL;
    size_t size;
    char path[400];
    snprintf(path, sizeof path, "%s/rows", scratch);
    snprintf(command, sizeof command, "cat '%s'/backup/doctor-*/rows.jsonl > '%s' 2>/dev/null", c.beads,
             path);
    if (system(command) || os_read_file(path, 1 << 20, &data, &size))
        fail_msg("no copy of the rows");
    return data;
}

static uint64_t rows_of(const char *table) {
    uint64_t n = 0;
    struct tables_open o = {.dir = c.database};
    struct tables *t;
    struct tables_txn *x;
    ok(tables_open_embedded(&t, &o, &err));
    ok(tables_read_begin(t, &x, &err));
    ok(tables_count_all(x, table, NULL, &n, &err));
    tables_read_end(x);
    tables_close(t);
    return n;
}

static void head(char text[40]) {
    struct tables_open o = {.dir = c.database};
    struct tables *t;
    struct hash h;
    ok(tables_open_embedded(&t, &o, &err));
    ok(tables_resolve(t, "HEAD", &h, &err));
    hash_format(&h, text);
    tables_close(t);
}

/* ---- healthy ---- */

static void a_fresh_workspace_has_no_warning(void **state) {
    (void)state;
    examine();
    /* made by hand, without the files that bd init writes for git */
    for (size_t i = 0; i < c.d.count; i++)
        if (c.d.results[i].status != DOCTOR_OK && strcmp(c.d.results[i].name, "Gitignore") != 0)
            expect(c.d.results[i].name, DOCTOR_OK);
    doctor_stop(&c);
}

static void every_check_of_the_table_is_whole(void **state) {
    (void)state;
    for (const struct doctor_check *k = doctor_checks; k->name; k++) {
        bool known = false;
        assert_non_null(k->run);
        for (size_t i = 0; doctor_categories[i]; i++)
            known = known || strcmp(doctor_categories[i], k->category) == 0;
        assert_true(known);
        assert_ptr_equal(doctor_find(k->name), k);
        if (!(k->flags & DOCTOR_SERVER))
            assert_true(*k->expected && *k->why);
    }
}

/* ---- one break each ---- */

static int orphans(struct tables_txn *x, void *ctx, struct err *e) {
    int rc = put_issue(x, "issues", "t-a", "A", "open", false, e);
    (void)ctx;
    if (rc == BD_OK)
        rc = put_edge(x, "t-a", "t-gone", "related", e);
    return rc == BD_OK ? put_edge(x, "t-a", "other-1", "blocks", e) : rc;
}

static void orphaned_rows_go_and_are_kept(void **state) {
    (void)state;
    ok(doctor_write(&c, orphans, NULL, &err));
    assert_int_equal(rows_of("dependencies"), 2);
    expect_mended("Orphaned Dependencies", DOCTOR_WARNING);
    assert_int_equal(rows_of("dependencies"), 1); /* the one of another project stays */
    char *copy = slurp_rows();
    assert_non_null(strstr(copy, "\"depends_on_issue_id\":\"t-gone\""));
    assert_non_null(strstr(copy, "\"created_by\":\"tester\""));
    assert_null(strstr(copy, "other-1"));
    free(copy);
}

static int rows_of_nobody(struct tables_txn *x, void *ctx, struct err *e) {
    static const char *const columns[] = {"issue_id", "label"}, *const counters[] = {"parent_id"};
    static const struct {
        const char *table, *id, *label;
    } rows[] = {{"labels", "t-a", "kept"},
                {"labels", "t-gone", "lost"},
                {"labels", "t-gone", "lost too"},
                {"wisp_labels", "t-vapour", "lost"}};
    struct cell gone = cell_text("t-gone");
    int rc = put_issue(x, "issues", "t-a", "A", "open", false, e);
    (void)ctx;
    for (size_t i = 0; rc == BD_OK && i < 4; i++) {
        struct cell cells[] = {cell_text(rows[i].id), cell_text(rows[i].label)};
        rc = tables_insert(x, rows[i].table, columns, cells, 2, 0, NULL, e);
    }
    return rc ? rc : tables_insert(x, "child_counters", counters, &gone, 1, 0, NULL, e);
}

static void rows_of_missing_issues_go_and_are_kept(void **state) {
    (void)state;
    ok(doctor_write(&c, rows_of_nobody, NULL, &err));
    expect_mended("Orphaned Rows", DOCTOR_WARNING);
    assert_int_equal(rows_of("labels"), 1);
    assert_int_equal(rows_of("wisp_labels"), 0);
    assert_int_equal(rows_of("child_counters"), 0);
    char *copy = slurp_rows();
    assert_non_null(strstr(copy, "lost too"));
    assert_non_null(strstr(copy, "t-vapour"));
    assert_null(strstr(copy, "kept"));
    free(copy);
}

static int marks(struct tables_txn *x, void *ctx, struct err *e) {
    (void)ctx;
    int rc = put_issue(x, "issues", "t-a", "A", "open", false, e);      /* is blocked by b */
    rc = rc ? rc : put_issue(x, "issues", "t-b", "B", "open", true, e); /* is free */
    rc = rc ? rc : put_issue(x, "issues", "t-a.1", "child of A", "open", false, e); /* inherits */
    rc = rc ? rc : put_edge(x, "t-a", "t-b", "blocks", e);
    return rc ? rc : put_edge(x, "t-a.1", "t-a", "parent-child", e);
}

static void wrong_blocked_marks_are_computed_anew(void **state) {
    static const char *const columns[] = {"is_blocked", "updated_at"};
    struct cell got[2];
    (void)state;
    ok(doctor_write(&c, marks, NULL, &err));
    examine();
    assert_non_null(strstr(doctor_result_of(&c, "Blocked State")->message, "3 issue(s)"));
    doctor_stop(&c);
    expect_mended("Blocked State", DOCTOR_WARNING);
    examine();
    for (size_t i = 0; i < 3; i++) {
        static const char *const ids[] = {"t-a", "t-b", "t-a.1"};
        struct cell key = cell_text(ids[i]);
        ok(tables_get(c.d.x, "issues", &key, 1, columns, 2, &c.arena, got, &err));
        assert_int_equal(got[0].i, i != 1);
        assert_int_equal(got[1].i, INT64_C(1767323046000000)); /* nobody edited it */
    }
    doctor_stop(&c);
}

static int children(struct tables_txn *x, void *ctx, struct err *e) {
    static const char *const columns[] = {"parent_id", "last_child"};
    struct cell cells[] = {cell_text("t-a"), cell_int(2)};
    (void)ctx;
    int rc = put_issue(x, "issues", "t-a", "A", "open", false, e);
    rc = rc ? rc : put_issue(x, "issues", "t-a.7", "child", "open", false, e);
    return rc ? rc
              : tables_insert(x, "child_counters", columns, cells, 2, TABLES_INSERT_REPLACE, NULL, e);
}

static void low_child_counters_are_raised(void **state) {
    (void)state;
    ok(doctor_write(&c, children, NULL, &err));
    expect_mended("Child Counters", DOCTOR_WARNING);
}

static int old_version(struct tables_txn *x, void *ctx, struct err *e) {
    static const char *const columns[] = {"key", "value"};
    struct cell cells[] = {cell_text("bd_version"), cell_text("0.63.3")};
    (void)ctx;
    return tables_insert(x, "local_metadata", columns, cells, 2, TABLES_INSERT_REPLACE, NULL, e);
}

static void an_old_version_is_noted_anew(void **state) {
    (void)state;
    char before[40], after[40];
    ok(doctor_write(&c, old_version, NULL, &err));
    head(before);
    expect_mended("Database", DOCTOR_WARNING);
    head(after);
    assert_string_equal(before, after); /* it concerns this clone alone: no commit */
}

static int without_identity(struct tables_txn *x, void *ctx, struct err *e) {
    struct arena a = ARENA_INIT;
    (void)ctx;
    int rc =
        tables_delete(x, "metadata", pred_cmp(&a, PRED_EQ, "key", cell_text("_project_id")), NULL, e);
    arena_release(&a);
    return rc;
}

static void a_missing_identity_is_written_to_both(void **state) {
    (void)state;
    ok(doctor_write(&c, without_identity, NULL, &err));
    assert_int_equal(
        doctor_put_file(
            &c, "metadata.json",
            "{\"database\": \"dolt\", \"dolt_mode\": \"embedded\", \"dolt_database\": \"t\", "
            "\"stale_closed_issues_days\": 30}"),
        0);
    expect_mended("Project Identity", DOCTOR_WARNING);
    examine();
    assert_int_equal(strlen(c.ws.project_id), 36);
    doctor_stop(&c);
    char *text;
    size_t size;
    char path[512];
    snprintf(path, sizeof path, "%s/metadata.json", c.beads);
    assert_int_equal(os_read_file(path, 1 << 16, &text, &size), 0);
    assert_non_null(strstr(text, "\"stale_closed_issues_days\": 30")); /* members not known here stay */
    free(text);
}

static void damaged_metadata_is_written_anew(void **state) {
    char *text;
    size_t size;
    char command[1200], path[512];
    (void)state;
    assert_int_equal(doctor_put_file(&c, "metadata.json", "{\"database\": \"do"), 0);
    expect_mended("Metadata Config", DOCTOR_ERROR);
    examine();
    assert_string_equal(c.ws.project_id, DOCTOR_PROJECT); /* taken from the database */
    doctor_stop(&c);
    snprintf(path, sizeof path, "%s/copy", scratch);
    snprintf(command, sizeof command, "cat '%s'/backup/doctor-*/metadata.json > '%s'", c.beads, path);
    assert_int_equal(system(command), 0);
    assert_int_equal(os_read_file(path, 1 << 16, &text, &size), 0);
    assert_string_equal(text, "{\"database\": \"do");
    free(text);
}

static void a_database_named_as_a_file_is_renamed(void **state) {
    (void)state;
    assert_int_equal(
        doctor_put_file(
            &c, "metadata.json",
            "{\"database\": \"beads.db\", \"dolt_database\": \"t\", \"project_id\": \"" DOCTOR_PROJECT
            "\"}"),
        0);
    expect_mended("Database Config", DOCTOR_WARNING);
}

static void leftovers_are_set_aside(void **state) {
    char path[512];
    (void)state;
    datetime_set_clock(doctor_later);
    assert_int_equal(doctor_put_file(&c, ".sync.lock", "x"), 0);
    assert_int_equal(doctor_put_file(&c, "bd.sock.startlock", "x"), 0);
    assert_int_equal(doctor_put_file(&c, "deletions.jsonl", "{\"id\":\"t-1\"}\n"), 0);
    assert_int_equal(doctor_put_file(&c, ".config.yaml.99-1.tmp", "half"), 0);
    assert_int_equal(doctor_put_file(&c, "dolt-server.pid", "999999999"), 0);
    assert_int_equal(doctor_put_file(&c, "dolt-server.port", "3307"), 0);
    snprintf(path, sizeof path, "%s/mq", c.beads);
    assert_int_equal(os_mkdir(path, 0700), 0);
    assert_int_equal(doctor_put_file(&c, "mq/1.json", "{}"), 0);
    examine();
    expect("Lock Files", DOCTOR_WARNING);
    expect("Deletions Manifest", DOCTOR_WARNING);
    expect("Unfinished Files", DOCTOR_WARNING);
    expect("Server Files", DOCTOR_WARNING);
    assert_false(c.d.overall_ok); /* stale locks count */
    doctor_stop(&c);
    expect_mended("Legacy MQ Files", DOCTOR_WARNING);
    examine();
    expect_all_ok();
    doctor_stop(&c);
    assert_false(doctor_has_file(&c, ".sync.lock"));
    assert_false(doctor_has_file(&c, "mq"));
    char command[1200];
    snprintf(command, sizeof command,
             "cd '%s'/backup/doctor-* && test -f .sync.lock -a -f bd.sock.startlock -a -f "
             "deletions.jsonl -a -f mq/1.json "
             "-a -f .config.yaml.99-1.tmp -a -f dolt-server.pid -a -f dolt-server.port",
             c.beads);
    assert_int_equal(system(command), 0);
}

static void young_files_are_left_alone(void **state) {
    (void)state;
    assert_int_equal(doctor_put_file(&c, ".sync.lock", "x"), 0);
    assert_int_equal(doctor_put_file(&c, ".config.yaml.99-1.tmp", "half"), 0);
    examine();
    expect("Lock Files", DOCTOR_OK);
    expect("Unfinished Files", DOCTOR_OK);
    doctor_stop(&c);
}

static void an_old_gitignore_keeps_the_lines_of_its_owner(void **state) {
    char *text;
    size_t size;
    char path[512];
    (void)state;
    assert_int_equal(doctor_put_file(&c, ".gitignore", "my-notes.txt\ndolt/\n"), 0);
    expect_mended("Gitignore", DOCTOR_WARNING);
    snprintf(path, sizeof path, "%s/.gitignore", c.beads);
    assert_int_equal(os_read_file(path, 1 << 16, &text, &size), 0);
    assert_non_null(strstr(text, "my-notes.txt\ndolt/\n"));
    assert_non_null(strstr(text, ".beads-credential-key"));
    free(text);
}

static void a_readable_key_is_an_error(void **state) {
    char path[512];
    (void)state;
    assert_int_equal(doctor_put_file(&c, ".beads-credential-key", "0123456789abcdef0123456789abcdef"),
                     0);
    snprintf(path, sizeof path, "%s/.beads-credential-key", c.beads);
    assert_int_equal(chmod(path, 0644), 0);
    expect_mended("Permissions", DOCTOR_ERROR);
}

static int uncommitted(struct tables_txn *x, void *ctx, struct err *e) {
    static const char *const columns[] = {"key", "value"};
    struct cell cells[] = {cell_text("kv.mine"), cell_text("1")};
    (void)ctx;
    return tables_insert(x, "config", columns, cells, 2, 0, NULL, e);
}

static void what_others_left_uncommitted_stays_so(void **state) {
    struct tables_write how = {.mode = TABLES_WORKING};
    struct tables_status *list;
    size_t n = 0;
    (void)state;
    ok(doctor_write(&c, orphans, NULL, &err));
    ok(doctor_start(&c, &err));
    ok(tables_write(c.tables, &how, uncommitted, NULL, NULL, &err));
    doctor_stop(&c);
    expect_mended("Orphaned Dependencies", DOCTOR_WARNING);
    ok(doctor_start(&c, &err));
    ok(tables_status(c.tables, &c.arena, &list, &n, &err));
    size_t changed = 0;
    for (size_t i = 0; i < n; i++)
        changed += !list[i].ignored && strcmp(list[i].table, "config") == 0;
    assert_int_equal(changed, 1);
    doctor_stop(&c);
}

/* ---- named, not mended ---- */

static int ring(struct tables_txn *x, void *ctx, struct err *e) {
    (void)ctx;
    int rc = put_issue(x, "issues", "t-a", "A", "open", true, e);
    rc = rc ? rc : put_issue(x, "issues", "t-b", "B", "open", true, e);
    rc = rc ? rc : put_edge(x, "t-a", "t-b", "blocks", e);
    rc = rc ? rc : put_edge(x, "t-b", "t-a", "blocks", e);
    rc = rc ? rc : put_edge(x, "t-a", "t-b", "related", e);
    return rc == BD_CONSTRAINT ? BD_OK : rc; /* one row for each pair */
}

static void a_ring_is_an_error(void **state) {
    (void)state;
    ok(doctor_write(&c, ring, NULL, &err));
    examine();
    expect("Dependency Cycles", DOCTOR_ERROR);
    assert_non_null(strstr(doctor_result_of(&c, "Dependency Cycles")->message, "1 circular"));
    assert_false(c.d.overall_ok);
    doctor_stop(&c);
}

static int twins(struct tables_txn *x, void *ctx, struct err *e) {
    (void)ctx;
    int rc = put_issue(x, "issues", "t-a", "Same", "open", false, e);
    rc = rc ? rc : put_issue(x, "issues", "t-b", "Same", "open", false, e);
    rc = rc ? rc : put_issue(x, "issues", "t-c", "Same", "closed", false, e);
    rc = rc ? rc : put_issue(x, "issues", "t-d", "a test issue", "open", false, e);
    return rc ? rc : put_issue(x, "wisps", "t-a", "Same", "open", false, e);
}

static void likeness_tests_and_twins_are_named(void **state) {
    (void)state;
    ok(doctor_write(&c, twins, NULL, &err));
    examine();
    expect("Duplicate Issues", DOCTOR_WARNING);
    assert_non_null(strstr(doctor_result_of(&c, "Duplicate Issues")->detail, "t-a = t-b"));
    expect("Test Pollution", DOCTOR_WARNING);
    expect("Unique IDs", DOCTOR_ERROR);
    c.d.options.orchestrator = true;
    c.d.options.duplicates_threshold = 5;
    doctor_run(&c.d);
    expect("Duplicate Issues", DOCTOR_OK);
    doctor_stop(&c);
}

static int impatient_child(struct tables_txn *x, void *ctx, struct err *e) {
    (void)ctx;
    int rc = put_issue(x, "issues", "t-a", "A", "open", false, e);
    rc = rc ? rc : put_issue(x, "issues", "t-a.1", "child", "open", true, e);
    return rc ? rc : put_edge(x, "t-a.1", "t-a", "blocks", e);
}

static void a_waiting_child_is_freed_only_when_asked(void **state) {
    struct doctor_repair rp;
    (void)state;
    ok(doctor_write(&c, impatient_child, NULL, &err));
    examine();
    expect("Child-Parent Dependencies", DOCTOR_WARNING);
    assert_false(doctor_result_of(&c, "Child-Parent Dependencies")->fixable);
    c.d.options.fix_child_parent = true;
    doctor_run(&c.d);
    assert_true(doctor_result_of(&c, "Child-Parent Dependencies")->fixable);
    assert_int_equal(doctor_fix_all(&c, &rp), BD_OK);
    assert_false(hash_is_zero(&rp.commit)); /* all rows in one commit */
    doctor_repair_release(&rp);
    doctor_stop(&c);
    examine();
    expect("Child-Parent Dependencies", DOCTOR_OK);
    expect("Blocked State", DOCTOR_OK);
    doctor_stop(&c);
}

static int quiet(struct tables_txn *x, void *ctx, struct err *e) {
    static const char *const columns[] = {"key", "value"};
    struct cell cells[] = {cell_text(ctx), cell_text("true")};
    return tables_insert(x, "config", columns, cells, 2, 0, NULL, e);
}

static void warnings_are_silenced_errors_are_not(void **state) {
    (void)state;
    ok(doctor_write(&c, twins, NULL, &err));
    ok(doctor_write(&c, quiet, (void *)(uintptr_t) "doctor.suppress.duplicate-issues", &err));
    ok(doctor_write(&c, quiet, (void *)(uintptr_t) "doctor.suppress.unique-ids", &err));
    examine();
    assert_null(doctor_result_of(&c, "Duplicate Issues"));
    expect("Unique IDs", DOCTOR_ERROR);
    assert_int_equal(c.d.suppressed, 1);
    doctor_stop(&c);
}

static int size_limits(struct tables_txn *x, void *ctx, struct err *e) {
    static const char *const columns[] = {"key", "value"};
    const char *const *pair = ctx;
    struct cell cells[] = {cell_text(pair[0]), cell_text(pair[1])};
    return tables_insert(x, "config", columns, cells, 2, TABLES_INSERT_REPLACE, NULL, e);
}

static void the_size_on_disk_has_two_limits(void **state) {
    const char *warn[] = {"doctor.noms-warn", "10KB"}, *bad[] = {"doctor.noms-error", "20KiB"};
    char path[512];
    (void)state;
    examine();
    expect("dolt-noms-size", DOCTOR_OK);
    doctor_stop(&c);
    ok(doctor_write(&c, size_limits, warn, &err));
    examine();
    expect("dolt-noms-size", DOCTOR_WARNING);
    doctor_stop(&c);
    ok(doctor_write(&c, size_limits, bad, &err));
    examine();
    expect("dolt-noms-size", DOCTOR_ERROR);
    doctor_stop(&c);
    /* holes do not count: 30 GiB that are not there */
    const char *far[] = {"doctor.noms-error", "20GiB"}, *off[] = {"doctor.noms-warn", "2GiB"};
    ok(doctor_write(&c, size_limits, far, &err));
    ok(doctor_write(&c, size_limits, off, &err));
    snprintf(path, sizeof path, "%s/.dolt/sparse", c.database);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(ftruncate(fileno(f), (off_t)30 << 30), 0);
    fclose(f);
    examine();
    expect("dolt-noms-size", DOCTOR_OK);
    doctor_stop(&c);
}

static void conflict_markers_and_compactions_are_seen(void **state) {
    char path[512];
    (void)state;
    assert_int_equal(doctor_put_file(&c, "issues.jsonl", "{\"id\":\"t-1\"}\n<<<<<<< HEAD\n"), 0);
    snprintf(path, sizeof path, "%s/compact/compact-pending-gc", c.beads);
    assert_int_equal(os_mkdir_p(path, 0700), 0);
    assert_int_equal(doctor_put_file(&c, "compact/compact-pending-gc/t", "db=t\n"), 0);
    examine();
    expect("Git Conflicts", DOCTOR_ERROR);
    expect("dolt-compact-state", DOCTOR_WARNING);
    doctor_stop(&c);
}

/* ---- nothing is changed in a store where nothing is wrong ---- */

static uint32_t seed;
static uint32_t dice(uint32_t below) {
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % below;
}

/* Random issues and edges; the marks are made by the program's own rules. */
static int random_store(struct tables_txn *x, void *ctx, struct err *e) {
    static const char *const statuses[] = {"open", "in_progress", "closed", "pinned"};
    static const char *const types[] = {"blocks",    "related",         "parent-child",
                                        "waits-for", "discovered-from", "conditional-blocks"};
    enum { COUNT = 14 };
    char ids[COUNT][16];
    const char *list[COUNT];
    int rc = BD_OK;
    (void)ctx;
    for (int i = 0; rc == BD_OK && i < COUNT; i++) {
        snprintf(ids[i], sizeof ids[i], "t-%c%u", 'a' + i, dice(90));
        list[i] = ids[i];
        char title[32];
        snprintf(title, sizeof title, "Issue %d", i);
        rc = put_issue(x, "issues", ids[i], title, statuses[dice(4)], false, e);
    }
    for (int i = 0; rc == BD_OK && i < 24; i++) {
        uint32_t from = dice(COUNT - 1) + 1, to = dice(from);
        rc = put_edge(x, ids[from], ids[to], types[dice(6)], e);
        rc = rc == BD_CONSTRAINT ? BD_OK : rc;
    }
    return rc ? rc : blocked_recompute(x, list, COUNT, e);
}

static void fixing_valid_stores_changes_nothing(void **state) {
    (void)state;
    assert_int_equal(doctor_put_file(&c, ".gitignore", ""), 0);
    for (seed = 1; seed < 26 * 7919; seed += 7919) {
        struct doctor_repair rp;
        struct clinic one;
        char project[300];
        snprintf(project, sizeof project, "%s/%u", scratch, seed);
        assert_int_equal(os_mkdir(project, 0700), 0);
        uint32_t now = seed;
        ok(doctor_make(&one, project, &err));
        ok(doctor_write(&one, random_store, NULL, &err));
        ok(doctor_start(&one, &err));
        doctor_run(&one.d);
        /* every fix of rows, wanted or not */
        const struct doctor_result *chosen[200];
        size_t n = 0;
        one.d.options.fix_child_parent = false;
        for (size_t i = 0; i < one.d.count; i++) {
            const struct doctor_result *r = &one.d.results[i];
            if (r->check->fix_rows && !(r->check->flags & DOCTOR_NO_BULK)) {
                if (r->status != DOCTOR_OK)
                    fail_msg("seed %u: %s: %s (%s)", now, r->name, r->message,
                             r->detail ? r->detail : "");
                chosen[n++] = r;
            }
        }
        assert_int_equal(doctor_repair(&one.d, chosen, n, &rp), BD_OK);
        assert_int_equal(rp.done, 0);
        assert_true(hash_is_zero(&rp.commit));
        assert_null(rp.aside);
        doctor_repair_release(&rp);
        doctor_stop(&one);
        doctor_free(&one);
        seed = now;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_fresh_workspace_has_no_warning, setup, teardown),
        cmocka_unit_test(every_check_of_the_table_is_whole),
        cmocka_unit_test_setup_teardown(orphaned_rows_go_and_are_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(rows_of_missing_issues_go_and_are_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(wrong_blocked_marks_are_computed_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(low_child_counters_are_raised, setup, teardown),
        cmocka_unit_test_setup_teardown(an_old_version_is_noted_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(a_missing_identity_is_written_to_both, setup, teardown),
        cmocka_unit_test_setup_teardown(damaged_metadata_is_written_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(a_database_named_as_a_file_is_renamed, setup, teardown),
        cmocka_unit_test_setup_teardown(leftovers_are_set_aside, setup, teardown),
        cmocka_unit_test_setup_teardown(young_files_are_left_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(an_old_gitignore_keeps_the_lines_of_its_owner, setup, teardown),
        cmocka_unit_test_setup_teardown(a_readable_key_is_an_error, setup, teardown),
        cmocka_unit_test_setup_teardown(what_others_left_uncommitted_stays_so, setup, teardown),
        cmocka_unit_test_setup_teardown(a_ring_is_an_error, setup, teardown),
        cmocka_unit_test_setup_teardown(likeness_tests_and_twins_are_named, setup, teardown),
        cmocka_unit_test_setup_teardown(a_waiting_child_is_freed_only_when_asked, setup, teardown),
        cmocka_unit_test_setup_teardown(warnings_are_silenced_errors_are_not, setup, teardown),
        cmocka_unit_test_setup_teardown(the_size_on_disk_has_two_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(conflict_markers_and_compactions_are_seen, setup, teardown),
        cmocka_unit_test_setup_teardown(fixing_valid_stores_changes_nothing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
