/*
 * Damaged chunks in archives and table files: an intact copy is taken from wherever the store, its
 * backups, its remotes or a folder that is named have one; without one they are named and left alone.
 */
#include "store/chunk/fsck_scan.h"
#include "store/db/gc.h"
#include "store/db/repair.h"
#include "store/db/repo_state.h"
#include "tests/unit/fsck_help.h"

enum { STEP = 11 }; /* not every chunk: that takes long */

static void run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void run(const char *fmt, ...) {
    char command[4000];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(command, sizeof command, fmt, ap);
    va_end(ap);
    assert_int_equal(system(command), 0);
}

static void mend(const char *dir, const char *search, bool dry, struct repair_result *r) {
    struct err err = ERR_INIT;
    struct repair_options o = {
        .actions = REPAIR_SAFE, .dry_run = dry, .search = &search, .search_count = search ? 1 : 0};
    *r = (struct repair_result){.arena = ARENA_INIT};
    check(db_repair(dir, &o, r, &err), &err);
}

static bool said(const struct repair_result *r, bool done, const char *text) {
    for (size_t i = 0; i < r->count; i++)
        if (r->steps[i].done == done && strstr(r->steps[i].message, text))
            return true;
    return false;
}

static size_t damaged_chunks(const char *dir) {
    struct fsck_report r;
    look(dir, FSCK_DEEP, &r);
    size_t n = r.per_code[FSCK_CHUNK_DAMAGED];
    for (size_t i = 0; i < r.count && n == 0; i++)
        if (r.findings[i].severity == FSCK_ERROR)
            fail_msg("%s", r.findings[i].message);
    fsck_report_release(&r);
    return n;
}

static void expect_sound(const char *dir) {
    assert_int_equal(damaged_chunks(dir), 0);
    struct tables *t = open_db(dir);
    struct tables_txn *x = begin_read(t);
    assert_int_equal(count_of(x, "t", NULL), ROWS);
    tables_read_end(x);
    tables_close(t);
}

static void collect(const char *dir, bool tables) {
    struct err err = ERR_INIT;
    struct db_gc_options o = {.full = true, .table_files = tables};
    struct db_gc_result r;
    check(db_gc(dir, &o, &r, &err), &err);
}

/* A collected database; beside it, in `before`, what it was before: all chunks in a journal. */
static void make_collected(char dir[512], char before[600], bool tables) {
    make_database(dir);
    snprintf(before, 600, "%s-before", dir);
    run("cp -r '%s' '%s'", dir, before);
    collect(dir, tables);
}

/* One stored copy of a chunk, or the dictionary it needs, in a packed file. */
struct target {
    char file[1100];
    off_t at;
};

static struct target *list_targets(const char *dir, size_t *count) {
    struct fsck_report ignored;
    struct fsck_options o = {.level = FSCK_QUICK};
    struct scan *s;
    struct err err = ERR_INIT;
    char noms[700];
    snprintf(noms, sizeof noms, "%s/.dolt/noms", dir);
    fsck_report_init(&ignored);
    check(scan_open(&s, noms, &o, &ignored, &err), &err);
    struct target *list = mem_zalloc(s->count + 1, sizeof *list);
    *count = 0;
    for (size_t i = 0; i < s->count; i++) {
        const struct scan_entry *e = &s->entries[i];
        if (s->files[e->file].kind == SCAN_JOURNAL)
            continue;
        struct target *t = &list[(*count)++];
        snprintf(t->file, sizeof t->file, "%s/%s", noms, s->files[e->file].label);
        t->at = (off_t)(e->offset + e->size / 2);
    }
    scan_close(s);
    fsck_report_release(&ignored);
    return list;
}

/* Each chunk of the file in turn, with a copy elsewhere that has all of them. */
static void every_chunk(bool tables) {
    char dir[512], before[600], copy[600];
    size_t count, mended = 0;
    make_collected(dir, before, tables);
    struct target *list = list_targets(dir, &count);
    assert_true(count > 10);
    snprintf(copy, sizeof copy, "%s-copy", dir);
    for (size_t i = 0; i < count; i += STEP) {
        struct repair_result r;
        run("rm -rf '%s' && cp -r '%s' '%s'", copy, dir, copy);
        char file[2400];
        snprintf(file, sizeof file, "%s%s", copy, list[i].file + strlen(dir));
        flip(file, list[i].at);
        if (!damaged_chunks(copy)) /* zstd does not use every bit */
            continue;
        mend(copy, before, false, &r);
        assert_non_null(r.aside);
        assert_true(said(&r, true, "anew as"));
        assert_true(said(&r, true, before) || said(&r, true, "made"));
        assert_false(r.lost_data);
        repair_result_release(&r);
        expect_sound(copy);
        mend(copy, before, false, &r);
        assert_int_equal(r.count, 0);
        repair_result_release(&r);
        collect(copy, tables);
        expect_sound(copy);
        mended++;
    }
    assert_true(mended > count / STEP / 2);
    print_message("%zu of %zu damages to %s mended\n", mended, count / STEP,
                  tables ? "table files" : "archives");
    free(list);
}

static void every_chunk_of_archives(void **state) {
    (void)state;
    every_chunk(false);
}

static void every_chunk_of_table_files(void **state) {
    (void)state;
    every_chunk(true);
}

/* The first span of the largest archive is a dictionary: all chunks that need it are damaged at once.
 */
static size_t zero_dictionary(const char *dir) {
    char noms[700];
    snprintf(noms, sizeof noms, "%s/.dolt/noms/oldgen", dir);
    char *file = largest_file(noms);
    uint8_t nothing[24] = {0};
    int fd = os_open(file, O_RDWR, 0);
    struct target *list;
    size_t count;
    list = list_targets(dir, &count);
    off_t dictionary = 0; /* where no chunk lies */
    for (bool again = true; again;) {
        again = false;
        for (size_t i = 0; i < count; i++)
            if (strcmp(list[i].file, file) == 0 && list[i].at / 64 == dictionary / 64) {
                dictionary += 64;
                again = true;
            }
    }
    assert_int_equal(os_pwrite_all(fd, nothing, sizeof nothing, dictionary), 0);
    os_close(fd);
    free(list);
    free(file);
    size_t damaged = damaged_chunks(dir);
    assert_true(damaged > 1);
    return damaged;
}

static void a_dictionary(void **state) {
    (void)state;
    char dir[512], before[600];
    struct repair_result r;
    make_collected(dir, before, false);
    zero_dictionary(dir);
    mend(dir, before, false, &r);
    repair_result_release(&r);
    expect_sound(dir);
}

/* What has no intact copy is named, and nothing is changed. */
static void without_a_copy(void **state) {
    (void)state;
    char dir[512], before[600];
    struct repair_result r;
    size_t count, unmended = 0;
    make_collected(dir, before, true);
    struct target *list = list_targets(dir, &count);
    for (size_t i = 0; i < count; i += STEP) {
        flip(list[i].file, list[i].at);
        mend(dir, NULL, false, &r);
        if (said(&r, false, "no intact copy")) {
            assert_true(said(&r, false, strrchr(list[i].file, '/') + 1));
            assert_true(said(&r, false, "--search"));
            assert_null(r.aside);
            assert_int_equal(damaged_chunks(dir), 1);
            flip(list[i].file, list[i].at);
            unmended++;
        } else { /* an index or a closure: it follows from other chunks */
            assert_true(said(&r, true, "made"));
            free(list);
            list = list_targets(dir, &count);
        }
        repair_result_release(&r);
        expect_sound(dir);
    }
    assert_true(unmended > 5);
    free(list);
}

/* Bytes that can be decoded, but are others than the address says: they must not be taken for a copy.
 */
static void a_wrong_content(void **state) {
    (void)state;
    char dir[512], before[600];
    struct repair_result r;
    make_collected(dir, before, false);
    size_t damaged = zero_dictionary(dir);
    mend(dir, NULL, false, &r);
    size_t left = damaged_chunks(dir);
    assert_true(left > 0 && left <= damaged);
    assert_true(said(&r, false, "no intact copy"));
    repair_result_release(&r);
    mend(dir, before, false, &r);
    repair_result_release(&r);
    expect_sound(dir);
}

/* A dry run says what would be done, and does nothing. */
static void a_dry_run(void **state) {
    (void)state;
    char dir[512], before[600];
    struct repair_result r;
    size_t count;
    make_collected(dir, before, true);
    struct target *list = list_targets(dir, &count);
    flip(list[count / 2].file, list[count / 2].at);
    mend(dir, before, true, &r);
    assert_true(said(&r, false, "would take") || said(&r, false, "would make"));
    assert_true(said(&r, false, "would write"));
    assert_null(r.aside);
    assert_int_equal(damaged_chunks(dir), 1);
    repair_result_release(&r);
    free(list);
}

/* Another file of the store has it: here a second archive that nobody listed. */
static void from_the_store_itself(void **state) {
    (void)state;
    char dir[512], before[600];
    struct repair_result r;
    size_t count;
    make_collected(dir, before, true);
    struct target *list = list_targets(dir, &count);
    run("mkdir -p '%s/.dolt/temptf' && cp '%s' '%s/.dolt/temptf/'", dir, list[0].file, dir);
    flip(list[0].file, list[0].at);
    assert_int_equal(damaged_chunks(dir), 1);
    mend(dir, NULL, false, &r);
    assert_true(said(&r, true, "temptf"));
    repair_result_release(&r);
    expect_sound(dir);
    free(list);
}

/* A backup and a remote that repo_state.json knows as folders are looked into unasked. */
static void from_known_folders(void **state) {
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        char dir[512], before[600], url[700];
        struct repair_result r;
        struct err err = ERR_INIT;
        size_t count;
        make_collected(dir, before, true);
        struct target *list = list_targets(dir, &count);
        run("rm -rf '%s' && mkdir '%s' && find '%s/.dolt/noms' -type f -size +0 -name '[0-9a-v]*' "
            "! -name manifest ! -name 'vvvvvvvv*' -exec cp {} '%s' ';'",
            before, before, dir, before);
        snprintf(url, sizeof url, "file://%s", before);
        const struct repo_address entry = {"elsewhere", url};
        check(repo_state_put(dir, kind ? REPO_REMOTES : REPO_BACKUPS, &entry, &err), &err);
        flip(list[1].file, list[1].at);
        mend(dir, NULL, false, &r);
        assert_true(said(&r, true, before));
        repair_result_release(&r);
        expect_sound(dir);
        free(list);
    }
}

/* Two damaged, one of them with a copy: that one is mended, the other kept as it is. */
static void one_of_two(void **state) {
    (void)state;
    char dir[512], before[600], partial[700];
    struct repair_result r;
    size_t count, have;
    make_collected(dir, before, true);
    struct target *list = list_targets(dir, &count);
    snprintf(partial, sizeof partial, "%s-partial", dir);
    run("mkdir '%s' && cp '%s' '%s'/", partial, list[0].file, partial);
    for (have = 1; have < count && strcmp(list[have].file, list[0].file); have++)
        ;
    char copy[1900];
    snprintf(copy, sizeof copy, "%s/%s", partial, strrchr(list[0].file, '/') + 1);
    flip(list[0].file, list[0].at);
    flip(list[have].file, list[have].at);
    flip(copy, list[have].at);
    assert_int_equal(damaged_chunks(dir), 2);
    mend(dir, partial, false, &r);
    assert_true(damaged_chunks(dir) <= 1);
    repair_result_release(&r);
    mend(dir, before, false, &r); /* an archive by now: the new one may have the same name */
    repair_result_release(&r);
    expect_sound(dir);
    free(list);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_chunk_of_archives),
        cmocka_unit_test(every_chunk_of_table_files),
        cmocka_unit_test(a_dictionary),
        cmocka_unit_test(without_a_copy),
        cmocka_unit_test(a_wrong_content),
        cmocka_unit_test(a_dry_run),
        cmocka_unit_test(from_the_store_itself),
        cmocka_unit_test(from_known_folders),
        cmocka_unit_test(one_of_two),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
