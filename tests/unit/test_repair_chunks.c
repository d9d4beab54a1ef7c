/*
 * Damaged chunks in archives and table files: an intact copy is taken from wherever the store, its
 * backups, its remotes or a folder that is named have one; without one they are named and left alone.
 */
#include "store/db/repo_state.h"
#include "tests/unit/repair_help.h"

enum { STEP = 11 }; /* not every chunk: that takes long */

/* Each chunk of the file in turn, with a copy elsewhere that has all of them. */
static void every_chunk(enum packing how) {
    struct packed p;
    char copy[600];
    size_t mended = 0;
    packed_make(&p, how);
    snprintf(copy, sizeof copy, "%s-copy", p.dir);
    for (size_t i = 0; i < p.count; i += STEP) {
        struct repair_result r;
        run("rm -rf '%s' && cp -r '%s' '%s'", copy, p.dir, copy);
        char file[2400];
        snprintf(file, sizeof file, "%s%s", copy, p.list[i].file + strlen(p.dir));
        flip(file, p.list[i].at);
        if (!damaged_chunks(copy)) /* zstd does not use every bit */
            continue;
        mend(copy, p.before, false, &r);
        assert_non_null(r.aside);
        assert_true(said(&r, true, "anew as"));
        assert_true(said(&r, true, p.before) || said(&r, true, "made 1 "));
        assert_false(r.lost_data);
        repair_result_release(&r);
        expect_sound(copy);
        mend(copy, p.before, false, &r);
        assert_int_equal(r.count, 0);
        repair_result_release(&r);
        collect(copy, how == TABLE_FILES);
        expect_sound(copy);
        mended++;
    }
    assert_true(mended > p.count / STEP / 2);
    print_message("%zu of %zu damages to %s mended\n", mended, p.count / STEP,
                  how == TABLE_FILES ? "table files" : "archives");
    packed_release(&p);
}

static void every_chunk_of_archives(void **state) {
    (void)state;
    every_chunk(ARCHIVES);
}

static void every_chunk_of_table_files(void **state) {
    (void)state;
    every_chunk(TABLE_FILES);
}

static void every_chunk_of_archives_of_version_1(void **state) {
    (void)state;
    every_chunk(OLD_ARCHIVES);
}

/* The first span of the largest archive is a dictionary: all chunks that need it are damaged at once.
 */
static size_t zero_dictionary(const struct packed *p) {
    char noms[700];
    snprintf(noms, sizeof noms, "%s/.dolt/noms/oldgen", p->dir);
    char *file = largest_file(noms);
    uint8_t nothing[24] = {0};
    int fd = os_open(file, O_RDWR, 0);
    off_t dictionary = 0; /* where no chunk lies */
    for (bool again = true; again;) {
        again = false;
        for (size_t i = 0; i < p->count; i++)
            if (strcmp(p->list[i].file, file) == 0 && p->list[i].at / 64 == dictionary / 64) {
                dictionary += 64;
                again = true;
            }
    }
    assert_int_equal(os_pwrite_all(fd, nothing, sizeof nothing, dictionary), 0);
    os_close(fd);
    free(file);
    size_t damaged = damaged_chunks(p->dir);
    assert_true(damaged > 1);
    return damaged;
}

static void a_dictionary(void **state) {
    (void)state;
    struct packed p;
    packed_make(&p, ARCHIVES);
    zero_dictionary(&p);
    mends(p.dir, p.before, NULL);
    expect_sound(p.dir);
    packed_release(&p);
}

/* What has no intact copy is named, and nothing is changed. */
static void named_without_a_copy(enum packing how) {
    struct packed p;
    size_t unmended = 0;
    packed_make(&p, how);
    for (size_t i = 0; i < p.count; i += STEP) {
        struct repair_result r;
        flip(p.list[i].file, p.list[i].at);
        mend(p.dir, NULL, false, &r);
        if (said(&r, false, "no intact copy")) {
            assert_true(said(&r, false, strrchr(p.list[i].file, '/') + 1));
            assert_true(said(&r, false, "--search"));
            assert_null(r.aside);
            assert_int_equal(damaged_chunks(p.dir), 1);
            flip(p.list[i].file, p.list[i].at);
            unmended++;
        } else { /* an index or a closure: it follows from other chunks */
            assert_true(said(&r, true, "made 1 "));
            run("rm -rf '%s'", r.aside); /* the original there would serve as a copy from now on */
            packed_release(&p);
            p.list = list_targets(p.dir, &p.count);
        }
        repair_result_release(&r);
        expect_sound(p.dir);
    }
    assert_true(unmended > 5);
    packed_release(&p);
}

static void without_a_copy(void **state) {
    (void)state;
    named_without_a_copy(TABLE_FILES);
    named_without_a_copy(OLD_ARCHIVES);
}

/* Bytes that can be decoded, but are others than the address says: they must not be taken for a copy.
 */
static void a_wrong_content(void **state) {
    (void)state;
    struct packed p;
    struct repair_result r;
    packed_make(&p, ARCHIVES);
    size_t damaged = zero_dictionary(&p);
    mend(p.dir, NULL, false, &r);
    size_t left = damaged_chunks(p.dir);
    assert_true(left > 0 && left <= damaged);
    assert_true(said(&r, false, "no intact copy"));
    repair_result_release(&r);
    mends(p.dir, p.before, p.before);
    expect_sound(p.dir);
    packed_release(&p);
}

/* A dry run says what would be done, and does nothing. */
static void a_dry_run(void **state) {
    (void)state;
    struct packed p;
    struct repair_result r;
    packed_make(&p, TABLE_FILES);
    flip(p.list[p.count / 2].file, p.list[p.count / 2].at);
    mend(p.dir, p.before, true, &r);
    assert_true(said(&r, false, "would take") || said(&r, false, "would make"));
    assert_true(said(&r, false, "would write"));
    assert_null(r.aside);
    assert_int_equal(damaged_chunks(p.dir), 1);
    repair_result_release(&r);
    packed_release(&p);
}

/* ---- where the intact copy is found unasked ---- */

static void list_as(const struct packed *p, enum repo_list kind) {
    char url[700];
    struct err err = ERR_INIT;
    run("rm -rf '%s' && mkdir '%s' && find '%s/.dolt/noms' -type f -size +0 -name '[0-9a-v]*' "
        "! -name manifest ! -name 'vvvvvvvv*' -exec cp {} '%s' ';'",
        p->before, p->before, p->dir, p->before);
    snprintf(url, sizeof url, "file://%s", p->before);
    const struct repo_address entry = {"elsewhere", url};
    check(repo_state_put(p->dir, kind, &entry, &err), &err);
}

/* A second file that nobody listed, in the store itself. */
static void in_the_store(const struct packed *p) {
    run("mkdir -p '%s/.dolt/temptf' && cp '%s' '%s/.dolt/temptf/'", p->dir, p->list[1].file, p->dir);
}
static void in_a_known_backup(const struct packed *p) { list_as(p, REPO_BACKUPS); }
static void in_a_known_remote(const struct packed *p) { list_as(p, REPO_REMOTES); }

static void from_known_places(void **state) {
    (void)state;
    static void (*const places[])(const struct packed *) = {in_the_store, in_a_known_backup,
                                                            in_a_known_remote};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct packed p;
        packed_make(&p, TABLE_FILES);
        places[i](&p);
        flip(p.list[1].file, p.list[1].at);
        assert_int_equal(damaged_chunks(p.dir), 1);
        mends(p.dir, NULL, i ? p.before : "temptf");
        expect_sound(p.dir);
        packed_release(&p);
    }
}

/* Two damaged, one of them with a copy: that one is mended, the other kept as it is. */
static void one_of_two(void **state) {
    (void)state;
    struct packed p;
    char partial[700], copy[1900];
    size_t have;
    packed_make(&p, TABLE_FILES);
    snprintf(partial, sizeof partial, "%s-partial", p.dir);
    run("mkdir '%s' && cp '%s' '%s'/", partial, p.list[0].file, partial);
    for (have = 1; have < p.count && strcmp(p.list[have].file, p.list[0].file); have++)
        ;
    snprintf(copy, sizeof copy, "%s/%s", partial, strrchr(p.list[0].file, '/') + 1);
    flip(p.list[0].file, p.list[0].at);
    flip(p.list[have].file, p.list[have].at);
    flip(copy, p.list[have].at);
    assert_int_equal(damaged_chunks(p.dir), 2);
    mends(p.dir, partial, NULL);
    assert_true(damaged_chunks(p.dir) <= 1);
    mends(p.dir, p.before, NULL); /* an archive by now: the new one may have the same name */
    expect_sound(p.dir);
    packed_release(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_chunk_of_archives),
        cmocka_unit_test(every_chunk_of_table_files),
        cmocka_unit_test(every_chunk_of_archives_of_version_1),
        cmocka_unit_test(a_dictionary),
        cmocka_unit_test(without_a_copy),
        cmocka_unit_test(a_wrong_content),
        cmocka_unit_test(a_dry_run),
        cmocka_unit_test(from_known_places),
        cmocka_unit_test(one_of_two),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
