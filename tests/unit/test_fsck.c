/*
 * The check of databases: sound ones give no finding, each kind of damage is called by its name, and
 * the quick check sees what would stop a command.
 */
#include "base/mem.h"
#include "store/chunk/chunk_store.h"
#include "store/db/fsck.h"
#include "store/db/root_value.h"
#include "store/db/store_root.h"
#include "store/db/table.h"
#include "store/db/tables.h"
#include "store/db/working_set.h"
#include "store/sql/ddl_parse.h"
#include "tests/unit/fsck_help.h"

#include <fcntl.h>

/* ---- sound databases ---- */

static void expect_clean(const char *dir, const char *what) {
    for (int level = FSCK_QUICK; level <= (int)FSCK_DEEP; level++) {
        struct fsck_report r;
        look(dir, (enum fsck_level)level, &r);
        if (r.errors || r.warnings)
            fail_msg("%s, level %d: %s: %s", what, level, fsck_code_name(r.findings[0].code),
                     r.findings[0].message);
        fsck_report_release(&r);
    }
}

static void a_new_database_is_clean(void **state) {
    (void)state;
    char dir[512];
    make_database(dir);
    expect_clean(dir, "made here");
    struct fsck_report r;
    look(dir, FSCK_DEEP, &r);
    assert_int_equal(r.summary.commits, 2);
    assert_true(r.summary.rows >= ROWS);
    assert_true(r.summary.reachable > 10);
    fsck_report_release(&r);
}

static void real_databases_are_clean(void **state) {
    (void)state;
    static const char *const names[] = {"golden/layout-journal",          "golden/layout-gc-level0",
                                        "golden/layout-gc-thrice-2.1.11", "golden/layout-gc-dictionary",
                                        "golden/layout-shallow-clone",    "golden/layout-clone",
                                        "golden/history-closure-weights", "golden/types-2.1.11",
                                        "golden/merge-conflict-many",     "golden/beads-init-1"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char dir[512], db[1024];
        if (!unpack(names[i], dir))
            return;
        snprintf(db, sizeof db, "%s%s", dir, strrchr(names[i], '/'));
        if (!strcmp(names[i], "golden/beads-init-1"))
            strcat(db, "/.beads/embeddeddolt/gold");
        if (!os_exists(db))
            fail_msg("%s is not where it should be", db);
        expect_clean(db, names[i]);
    }
}

/* ---- damaged files ---- */

/* Checks with both levels; the deep one must find `code`. */
static void expect(const char *dir, enum fsck_code code, enum fsck_severity severity) {
    struct fsck_report deep, quick;
    bool found = false;
    look(dir, FSCK_DEEP, &deep);
    for (size_t i = 0; i < deep.count; i++)
        found = found || (deep.findings[i].code == code && deep.findings[i].severity == severity);
    if (!found)
        fail_msg("%s %s was not found, but %zu other findings, first: %s", fsck_severity_name(severity),
                 fsck_code_name(code), deep.count, deep.count ? deep.findings[0].message : "-");
    look(dir, FSCK_QUICK, &quick);
    if (severity == FSCK_ERROR && (code == FSCK_JOURNAL_LOSS || code == FSCK_MANIFEST_DAMAGED))
        assert_true(quick.errors > 0);
    if (!deep.errors)
        assert_int_equal(quick.errors, 0);
    fsck_report_release(&deep);
    fsck_report_release(&quick);
}

static void a_torn_tail_is_a_warning(void **state) {
    (void)state;
    char dir[512];
    make_database(dir);
    append_to(noms_file(dir, JOURNAL), "\0\0\0\x28\1\1", 6);
    expect(dir, FSCK_JOURNAL_TAIL, FSCK_WARNING);
}

static void a_damaged_last_record_is_an_error(void **state) {
    (void)state;
    char dir[512];
    make_database(dir);
    flip(noms_file(dir, JOURNAL), -3);
    expect(dir, FSCK_JOURNAL_TAIL, FSCK_ERROR);
}

static void damage_before_commits_is_loss(void **state) {
    (void)state;
    char dir[512];
    make_database(dir);
    flip(noms_file(dir, JOURNAL), 60);
    expect(dir, FSCK_JOURNAL_LOSS, FSCK_ERROR);
}

static void a_lost_end_of_the_journal_is_told_by_the_manifest(void **state) {
    (void)state;
    char dir[512];
    make_database(dir);
    struct manifest_line m;
    read_manifest(dir, &m);
    m.root[0] = m.root[0] == '0' ? '1' : '0'; /* a root that was never in this journal */
    write_manifest(dir, &m);
    expect(dir, FSCK_MANIFEST_STALE, FSCK_WARNING);
}

static void a_missing_manifest_is_an_error(void **state) {
    (void)state;
    char dir[512];
    make_database(dir);
    assert_int_equal(unlink(noms_file(dir, "manifest")), 0);
    expect(dir, FSCK_MANIFEST_MISSING, FSCK_ERROR);
}

static void a_torn_manifest_is_an_error(void **state) {
    (void)state;
    char dir[512];
    make_database(dir);
    assert_int_equal(truncate(noms_file(dir, "manifest"), 40), 0);
    expect(dir, FSCK_MANIFEST_DAMAGED, FSCK_ERROR);
}

static void a_missing_journal_is_an_error(void **state) {
    (void)state;
    char dir[512];
    make_database(dir);
    assert_int_equal(unlink(noms_file(dir, JOURNAL)), 0);
    expect(dir, FSCK_JOURNAL_MISSING, FSCK_ERROR);
}

static void a_garbled_journal_index_is_an_error(void **state) {
    (void)state;
    char dir[512];
    make_database(dir);
    append_to(noms_file(dir, "journal.idx"), "\7garbage", 8);
    expect(dir, FSCK_JOURNAL_INDEX, FSCK_ERROR);
}

static void leftovers_are_notes(void **state) {
    (void)state;
    char dir[512];
    make_database(dir);
    append_to(noms_file(dir, "nbs_table_1"), "x", 1);
    append_to(noms_file(dir, "0123456789abcdefghijklmnopqrstuv"), "x", 1);
    expect(dir, FSCK_FILE_TEMPORARY, FSCK_NOTE);
    expect(dir, FSCK_FILE_UNLISTED, FSCK_NOTE);
}

static void a_missing_branch_in_repo_state_is_an_error(void **state) {
    (void)state;
    char dir[512], path[600];
    make_database(dir);
    snprintf(path, sizeof path, "%s/.dolt/repo_state.json", dir);
    static const char text[] = "{\"head\": \"refs/heads/gone\", \"remotes\": {}}";
    assert_int_equal(os_write_file_atomic(path, text, sizeof text - 1, 0644), 0);
    expect(dir, FSCK_REPO_STATE, FSCK_ERROR);
    assert_int_equal(unlink(path), 0);
    expect(dir, FSCK_REPO_STATE, FSCK_WARNING);
}

static void every_flipped_byte_of_a_table_file_is_noticed(void **state) {
    (void)state;
    char dir[512], db[1024];
    if (!unpack("golden/layout-gc-level0", dir))
        skip();
    snprintf(db, sizeof db, "%s/layout-gc-level0", dir);
    char *file = largest_file(noms_file(db, "oldgen"));
    struct stat st;
    assert_int_equal(os_stat(file, &st), 0);
    for (off_t at = 0; at < st.st_size; at += 251) {
        struct fsck_report r;
        bool total = at >= st.st_size - 16 && at < st.st_size - 8; /* a sum that nobody reads */
        flip(file, at);
        look(db, FSCK_DEEP, &r);
        if (!r.errors && !total)
            fail_msg("byte %ld of %s", (long)at, file);
        fsck_report_release(&r);
        flip(file, at);
    }
    expect_clean(db, "after all flips");
    free(file);
}

/* ---- damage that no checksum tells ---- */

static void a_wrong_index_is_found(void **state) {
    (void)state;
    char dir[512];
    make_database(dir);
    break_index(dir);
    struct fsck_report r;
    look(dir, FSCK_DEEP, &r);
    assert_int_equal(r.per_code[FSCK_INDEX_WRONG], 1);
    assert_int_equal(r.errors, 1);
    assert_int_equal(r.findings[0].repair, REPAIR_INDEXES);
    assert_string_equal(r.findings[0].table, "t.by_owner");
    fsck_report_release(&r);
}

static void branches_and_their_newest_whole_commits_are_told(void **state) {
    (void)state;
    char dir[512];
    struct err err = ERR_INIT;
    struct arena a = ARENA_INIT;
    struct fsck_ref *refs;
    size_t count;
    struct fsck_options o = {.level = FSCK_DEEP};
    make_database(dir);
    check(db_fsck_refs(dir, &o, &a, &refs, &count, &err), &err);
    assert_int_equal(count, 1);
    assert_string_equal(refs[0].name, "refs/heads/main");
    assert_true(refs[0].head_whole && refs[0].working_whole);
    assert_memory_equal(refs[0].head.b, refs[0].newest_whole.b, HASH_SIZE);
    arena_release(&a);
}

static void no_database_is_said_so(void **state) {
    (void)state;
    struct fsck_report r;
    struct err err = ERR_INIT;
    struct fsck_options o = {.level = FSCK_DEEP};
    fsck_report_init(&r);
    assert_int_equal(db_fsck(scratch, &o, &r, &err), BD_NOT_FOUND);
    o.level = FSCK_QUICK;
    assert_int_equal(db_fsck(scratch, &o, &r, &err), BD_NOT_FOUND);
    fsck_report_release(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_database_is_clean),
        cmocka_unit_test(real_databases_are_clean),
        cmocka_unit_test(a_torn_tail_is_a_warning),
        cmocka_unit_test(a_damaged_last_record_is_an_error),
        cmocka_unit_test(damage_before_commits_is_loss),
        cmocka_unit_test(a_lost_end_of_the_journal_is_told_by_the_manifest),
        cmocka_unit_test(a_missing_manifest_is_an_error),
        cmocka_unit_test(a_torn_manifest_is_an_error),
        cmocka_unit_test(a_missing_journal_is_an_error),
        cmocka_unit_test(a_garbled_journal_index_is_an_error),
        cmocka_unit_test(leftovers_are_notes),
        cmocka_unit_test(a_missing_branch_in_repo_state_is_an_error),
        cmocka_unit_test(every_flipped_byte_of_a_table_file_is_noticed),
        cmocka_unit_test(a_wrong_index_is_found),
        cmocka_unit_test(branches_and_their_newest_whole_commits_are_told),
        cmocka_unit_test(no_database_is_said_so),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
