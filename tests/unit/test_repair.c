/*
 * Repairs: what can be mended without loss is, with the originals beside it; what cannot is said and
 * left alone; data is given up only by the two repairs that are asked for by name.
 */
#include "store/chunk/journal_record.h"
#include "store/db/repair.h"
#include "tests/unit/fsck_help.h"

#include <cjson/cJSON.h>

static void mend(const char *dir, unsigned actions, struct repair_result *r) {
    struct err err = ERR_INIT;
    struct repair_options o = {.actions = actions, .branch = ""};
    *r = (struct repair_result){.arena = ARENA_INIT};
    check(db_repair(dir, &o, r, &err), &err);
}

static bool did(const struct repair_result *r, enum fsck_repair action) {
    for (size_t i = 0; i < r->count; i++)
        if (r->steps[i].action == action && r->steps[i].done)
            return true;
    return false;
}

static bool is_clean(const char *dir) {
    struct fsck_report r;
    look(dir, FSCK_DEEP, &r);
    bool clean = r.errors == 0 && r.warnings == 0;
    fsck_report_release(&r);
    return clean;
}

static struct hash head_of(const char *dir) {
    struct err err = ERR_INIT;
    struct hash h;
    struct tables *t = open_db(dir);
    check(tables_resolve(t, NULL, &h, &err), &err);
    tables_close(t);
    return h;
}

/* Damages a fresh database, repairs it, and expects it sound, whole, and the original set aside. */
static void mends(void (*damage)(const char *dir), enum fsck_repair action) {
    char dir[512];
    struct repair_result r, dry = {.arena = ARENA_INIT};
    struct err err = ERR_INIT;
    struct repair_options try = {.actions = REPAIR_SAFE, .dry_run = true};
    make_database(dir);
    struct hash head = head_of(dir);
    damage(dir);
    check(db_repair(dir, &try, &dry, &err), &err);
    assert_true(dry.count > 0);
    assert_false(did(&dry, action));
    assert_null(dry.aside);
    repair_result_release(&dry);
    mend(dir, REPAIR_SAFE, &r);
    if (!did(&r, action))
        fail_msg("%s was not done; %s", fsck_repair_name(action),
                 r.count ? r.steps[0].message : "nothing");
    assert_non_null(r.aside);
    assert_true(os_is_dir(r.aside));
    assert_false(r.lost_data);
    assert_true(is_clean(dir));
    struct hash now = head_of(dir);
    if (action != REPAIR_INDEXES)
        assert_memory_equal(head.b, now.b, HASH_SIZE);
    expect_rows(dir);
    repair_result_release(&r);
    mend(dir, REPAIR_SAFE, &r); /* nothing is left to do */
    assert_int_equal(r.count, 0);
    assert_null(r.aside);
    repair_result_release(&r);
}

static void tear_tail(const char *dir) { append_to(noms_file(dir, JOURNAL), "\0\0\1\0\1\2\3\4", 8); }
static void garble_tail(const char *dir) {
    append_to(noms_file(dir, JOURNAL), "\0\0\0\x10zzzzzzzzzzzzzzzzzzzzzz", 26);
}
static void drop_manifest(const char *dir) { assert_int_equal(unlink(noms_file(dir, "manifest")), 0); }
static void tear_manifest(const char *dir) {
    assert_int_equal(truncate(noms_file(dir, "manifest"), 55), 0);
}
static void garble_index(const char *dir) { append_to(noms_file(dir, "journal.idx"), "\7garbage", 8); }
static void drop_repo_state(const char *dir) {
    char path[600];
    snprintf(path, sizeof path, "%s/.dolt/repo_state.json", dir);
    static const char text[] = "{\"head\": \"refs/heads/gone\"}";
    assert_int_equal(os_write_file_atomic(path, text, sizeof text - 1, 0644), 0);
}
/* The first root record of the file, with commits behind it. */
static void break_a_root_record(const char *dir) {
    char *bytes;
    size_t size;
    assert_int_equal(os_read_file(noms_file(dir, JOURNAL), 64 << 20, &bytes, &size), 0);
    for (size_t at = 0; at < size;) {
        size_t n = (size_t)(uint8_t)bytes[at + 1] << 16 | (size_t)(uint8_t)bytes[at + 2] << 8 |
                   (uint8_t)bytes[at + 3];
        if (bytes[at + 5] == 1) {
            flip(noms_file(dir, JOURNAL), (off_t)at + 20);
            break;
        }
        at += n;
    }
    free(bytes);
}

/* A record that is sound in itself, of a chunk whose content is another. */
static void append_a_lie(const char *dir) {
    struct buf records = BUF_INIT;
    struct hash wrong = hash_of("right", 5), root;
    struct fsck_report r;
    look(dir, FSCK_QUICK, &r);
    root = r.summary.root;
    fsck_report_release(&r);
    journal_append_chunk(&records, &wrong, (const uint8_t *)"wrong", 5);
    journal_append_root(&records, &root, 1);
    append_to(noms_file(dir, JOURNAL), records.data, records.size);
    buf_release(&records);
}

static void a_torn_tail_is_cut(void **state) {
    (void)state;
    mends(tear_tail, REPAIR_TAIL);
    mends(garble_tail, REPAIR_TAIL);
}
static void a_lost_manifest_is_made_from_the_files(void **state) {
    (void)state;
    mends(drop_manifest, REPAIR_MANIFEST);
    mends(tear_manifest, REPAIR_MANIFEST);
}
static void a_garbled_index_is_removed(void **state) {
    (void)state;
    mends(garble_index, REPAIR_JOURNAL_INDEX);
}
static void repo_state_names_a_branch_again(void **state) {
    (void)state;
    mends(drop_repo_state, REPAIR_REPO_STATE);
}
static void sound_records_around_damage_are_kept(void **state) {
    (void)state;
    mends(break_a_root_record, REPAIR_SALVAGE);
    mends(append_a_lie, REPAIR_SALVAGE);
}
static void a_wrong_index_is_made_anew(void **state) {
    (void)state;
    mends(break_index, REPAIR_INDEXES);
}

/* Flips a byte in the middle of the journal, in a chunk that the newest commit needs. */
static void break_needed_chunk(const char *dir) {
    struct stat st;
    assert_int_equal(os_stat(noms_file(dir, JOURNAL), &st), 0);
    flip(noms_file(dir, JOURNAL), st.st_size / 2);
}

static void needed_data_is_never_given_up_unasked(void **state) {
    (void)state;
    char dir[512];
    struct repair_result r;
    struct stat before, after;
    make_database(dir);
    break_needed_chunk(dir);
    assert_int_equal(os_stat(noms_file(dir, JOURNAL), &before), 0);
    mend(dir, REPAIR_BIT(REPAIR_SALVAGE) | REPAIR_BIT(REPAIR_MANIFEST), &r);
    assert_int_equal(os_stat(noms_file(dir, JOURNAL), &after), 0);
    assert_int_equal(before.st_size, after.st_size);
    assert_false(r.lost_data);
    assert_false(is_clean(dir));
    repair_result_release(&r);
}

static int add_row(struct tables_txn *x, void *ctx, struct err *err) {
    static const char *const columns[] = {"id", "owner", "n", "body"};
    const char *id = ctx;
    struct cell row[] = {cell_text(id), cell_text("late"), cell_int(1), cell_text(id)};
    return tables_insert(x, "t", columns, row, 4, 0, NULL, err);
}

/*
 * Two more commits, of which each record of the first is damaged in turn: what the newest state needs
 * decides whether the branch has to go back.
 */
static void a_branch_goes_back_only_when_asked(void **state) {
    (void)state;
    char dir[512], copy[600], command[2048], *bytes;
    struct err err = ERR_INIT;
    struct repair_result r;
    struct stat first, second;
    size_t size, went_back = 0, stayed = 0;
    make_database(dir);
    struct hash whole = head_of(dir);
    assert_int_equal(os_stat(noms_file(dir, JOURNAL), &first), 0);
    struct tables *t = open_db(dir);
    struct tables_write w = {.mode = TABLES_COMMIT, .message = "more"};
    check(tables_write(t, &w, add_row, (void *)(uintptr_t) "zz-1", NULL, &err), &err);
    assert_int_equal(os_stat(noms_file(dir, JOURNAL), &second), 0);
    check(tables_write(t, &w, add_row, (void *)(uintptr_t) "zz-2", NULL, &err), &err);
    tables_close(t);
    struct hash newest = head_of(dir);
    assert_int_equal(os_read_file(noms_file(dir, JOURNAL), 64 << 20, &bytes, &size), 0);
    for (off_t at = first.st_size; at < second.st_size;) {
        size_t n = (size_t)(uint8_t)bytes[at + 1] << 16 | (size_t)(uint8_t)bytes[at + 2] << 8 |
                   (uint8_t)bytes[at + 3];
        snprintf(copy, sizeof copy, "%s-copy", dir);
        snprintf(command, sizeof command, "rm -rf '%s' && cp -r '%s' '%s'", copy, dir, copy);
        assert_int_equal(system(command), 0);
        flip(noms_file(copy, JOURNAL), at + 30);
        at += (off_t)n;
        mend(copy, REPAIR_SAFE, &r);
        assert_false(r.lost_data);
        bool sound = did(&r, REPAIR_SALVAGE);
        repair_result_release(&r);
        assert_true(sound == is_clean(copy));
        mend(copy, REPAIR_SAFE | REPAIR_BIT(REPAIR_RESET), &r);
        struct hash head = head_of(copy);
        if (sound)
            assert_false(r.lost_data);
        if (hash_eq(&head, &newest)) {
            stayed++;
        } else {
            went_back++;
            assert_true(r.lost_data);
            assert_memory_equal(head.b, whole.b, HASH_SIZE);
            assert_true(did(&r, REPAIR_RESET));
            expect_rows(copy);
        }
        repair_result_release(&r);
    }
    assert_true(stayed > 0 && went_back > 0);
    free(bytes);
}

static void revive_cuts_only_a_journal_that_lost_data(void **state) {
    (void)state;
    char dir[512];
    struct err err = ERR_INIT;
    struct arena a = ARENA_INIT;
    const char *saved;
    uint64_t cut;
    struct stat st;
    make_database(dir);
    assert_int_equal(db_revive_journal(dir, &a, &saved, &cut, &err), BD_INVALID);
    assert_non_null(strstr(err.msg, "no data loss detected"));
    err_clear(&err);
    assert_int_equal(os_stat(noms_file(dir, JOURNAL), &st), 0);
    struct hash before = head_of(dir);
    struct tables *t = open_db(dir);
    struct tables_write w = {.mode = TABLES_COMMIT, .message = "more"};
    check(tables_write(t, &w, add_row, (void *)(uintptr_t) "zz-1", NULL, &err), &err);
    check(tables_write(t, &w, add_row, (void *)(uintptr_t) "zz-2", NULL, &err), &err);
    tables_close(t);
    flip(noms_file(dir, JOURNAL), st.st_size + 60);
    check(db_revive_journal(dir, &a, &saved, &cut, &err), &err);
    assert_true(cut > 0);
    assert_true(os_exists(saved));
    struct hash after = head_of(dir);
    assert_memory_equal(before.b, after.b, HASH_SIZE);
    expect_rows(dir);
    arena_release(&a);
}

static void a_missing_file_is_brought_back(void **state) {
    (void)state;
    char dir[512], db[1024], other[1100], command[4000];
    struct repair_result r;
    struct err err = ERR_INIT;
    if (!unpack("golden/layout-gc-thrice", dir))
        skip();
    snprintf(db, sizeof db, "%s/layout-gc-thrice", dir);
    snprintf(other, sizeof other, "%s/elsewhere", dir);
    char *file = largest_file(noms_file(db, "oldgen"));
    snprintf(command, sizeof command, "mkdir '%s' && mv '%s' '%s'", other, file, other);
    assert_int_equal(system(command), 0);
    assert_false(is_clean(db));
    mend(db, REPAIR_SAFE, &r);
    assert_false(did(&r, REPAIR_FILES));
    assert_false(is_clean(db));
    repair_result_release(&r);
    const char *places[] = {other};
    struct repair_options o = {.actions = REPAIR_SAFE, .search = places, .search_count = 1};
    r = (struct repair_result){.arena = ARENA_INIT};
    check(db_repair(db, &o, &r, &err), &err);
    assert_true(did(&r, REPAIR_FILES));
    assert_true(is_clean(db));
    repair_result_release(&r);
    free(file);
}

/* ---- the recorded damages: never worse than Dolt's own reading ---- */

static void apply(const char *db, const cJSON *d) {
    const char *op = cJSON_GetObjectItem(d, "op")->valuestring;
    const cJSON *at = cJSON_GetObjectItem(d, "at"), *hex = cJSON_GetObjectItem(d, "hex");
    const char *journal = noms_file(db, JOURNAL), *index = noms_file(db, "journal.idx");
    char bytes[256] = {0};
    size_t n = 0;
    for (const char *p = hex ? hex->valuestring : ""; *p && n < sizeof bytes; p += 2) {
        unsigned v;
        sscanf(p, "%2x", &v);
        bytes[n++] = (char)v;
    }
    if (!strcmp(op, "truncate") || !strcmp(op, "truncate+append")) {
        assert_int_equal(truncate(journal, at->valueint), 0);
        if (n)
            append_to(journal, bytes, n);
    } else if (!strcmp(op, "flip")) {
        flip(journal, at->valueint);
    } else if (!strcmp(op, "zero")) {
        int fd = os_open(journal, O_WRONLY, 0);
        char zeros[128] = {0};
        size_t length = (size_t)cJSON_GetObjectItem(d, "length")->valueint;
        assert_int_equal(os_pwrite_all(fd, zeros, length, at->valueint), 0);
        os_close(fd);
    } else if (!strcmp(op, "delete journal")) {
        assert_int_equal(unlink(journal), 0);
    } else if (!strcmp(op, "delete manifest")) {
        assert_int_equal(unlink(noms_file(db, "manifest")), 0);
    } else if (!strcmp(op, "delete index")) {
        assert_int_equal(unlink(index), 0);
    } else if (!strcmp(op, "index garbage")) {
        assert_int_equal(os_write_file_atomic(index, bytes, n, 0644), 0);
    } else if (!strcmp(op, "index truncated")) {
        assert_int_equal(truncate(index, at->valueint), 0);
    } else {
        fail_msg("unknown damage %s", op);
    }
}

static void recorded_damages_are_named_and_mended(void **state) {
    (void)state;
    char dir[512], path[600], command[2048], *text;
    size_t size, named = 0, mended = 0, kept = 0;
    int number = 0;
    if (!unpack("golden/layout-torn", dir))
        skip();
    snprintf(path, sizeof path, "%s/data/golden/expected.json", shared_folder());
    assert_int_equal(os_read_file(path, 64 << 20, &text, &size), 0);
    cJSON *json = cJSON_Parse(text);
    const cJSON *torn = cJSON_GetObjectItem(json, "layout-torn"), *d;
    const char *root = cJSON_GetObjectItem(torn, "store_root")->valuestring;
    cJSON_ArrayForEach(d, cJSON_GetObjectItem(torn, "damages")) {
        char db[600];
        struct fsck_report r;
        struct repair_result result;
        const cJSON *dolt = cJSON_GetObjectItem(d, "2.1.11");
        bool opens = cJSON_GetObjectItem(dolt, "exit")->valueint == 0;
        snprintf(db, sizeof db, "%s/copy-%d", dir, number++);
        snprintf(command, sizeof command, "cp -r '%s/layout-torn' '%s'", dir, db);
        assert_int_equal(system(command), 0);
        apply(db, d);
        look(db, FSCK_DEEP, &r);
        named += r.errors + r.warnings > 0;
        if (!opens && !r.errors)
            fail_msg("damage %d: Dolt does not open it, the check finds nothing", number - 1);
        fsck_report_release(&r);
        mend(db, REPAIR_SAFE, &result);
        look(db, FSCK_DEEP, &r);
        char got[HASH_TEXT_SIZE + 1];
        hash_format(&r.summary.root, got);
        if (!r.errors)
            mended++;
        else if (opens)
            fail_msg("damage %d: Dolt opens it, but it is not clean after the repair: %s", number - 1,
                     r.findings[0].message);
        else
            assert_true(result.count > 0); /* it says why not */
        kept += !r.errors && !strcmp(got, root);
        fsck_report_release(&r);
        repair_result_release(&result);
    }
    assert_int_equal(number, 63);
    print_message(
        "%d damages: %zu named, %zu mended, %zu of them without losing a byte of the newest state\n",
        number, named, mended, kept);
    assert_true(mended >= 55);
    assert_true(kept >= 17);
    cJSON_Delete(json);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_torn_tail_is_cut),
        cmocka_unit_test(a_lost_manifest_is_made_from_the_files),
        cmocka_unit_test(a_garbled_index_is_removed),
        cmocka_unit_test(repo_state_names_a_branch_again),
        cmocka_unit_test(sound_records_around_damage_are_kept),
        cmocka_unit_test(a_wrong_index_is_made_anew),
        cmocka_unit_test(needed_data_is_never_given_up_unasked),
        cmocka_unit_test(a_branch_goes_back_only_when_asked),
        cmocka_unit_test(revive_cuts_only_a_journal_that_lost_data),
        cmocka_unit_test(a_missing_file_is_brought_back),
        cmocka_unit_test(recorded_damages_are_named_and_mended),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
