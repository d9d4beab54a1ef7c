/* Remotes that are folders, and the puller: what is copied, checked, listed, and left alone. */
#include "tests/unit/remote_help.h"

#include "store/db/repo_state.h"
#include "store/remote/conjoin.h"
#include "store/remote/refs.h"
#include "store/chunk/lock.h"
#include "store/remote/interrupted.h"
#include "store/remote/restore.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

static int insert_rows(struct tables_txn *x, void *ctx, struct err *e) {
    static const char *const columns[] = {"key", "value"};
    int from = *(int *)ctx, rc = BD_OK;
    char key[40];
    for (int i = from; i < from + 400 && rc == BD_OK; i++) {
        snprintf(key, sizeof key, "key-%d", i);
        struct cell cells[] = {cell_text(key), cell_text("some value that is not so short")};
        rc = tables_insert(x, "config", columns, cells, 2, 0, NULL, e);
    }
    return rc;
}

static void write_rows(const char *dir, int from) {
    struct tables *t = open_db(dir);
    struct tables_write w = {.mode = TABLES_COMMIT, .message = "rows"};
    check(tables_write(t, &w, insert_rows, &from, NULL, &err), &err);
    tables_close(t);
}

/* A database with one table and a few commits. */
static const char *make_db(const char *name) {
    const char *dir = make_table(name);
    write_rows(dir, 0);
    return dir;
}

static struct hash backup(const char *from, const char *to, const struct pull_options *o,
                          struct pull_stats *stats) {
    struct remote *source, *sink;
    struct hash root;
    check(remote_open_dir(&source, from, 0, &err), &err);
    check(remote_open_dir(&sink, to, REMOTE_WRITE | REMOTE_CREATE, &err), &err);
    check(pull_root(source, sink, o, stats, &root, &err), &err);
    remote_close(sink);
    remote_close(source);
    return root;
}

static size_t files_in(const char *dir) {
    char **names;
    size_t count, n = 0;
    struct hash h;
    assert_int_equal(os_list_dir(dir, &names, &count), 0);
    for (size_t i = 0; i < count; i++)
        n += hash_parse(names[i], strlen(names[i]), &h);
    os_free_list(names, count);
    return n;
}

static void copy_has_the_rows_and_nothing_else(void **state) {
    (void)state;
    const char *db = make_db("copy-db"), *to = path_of("copy-backup");
    struct pull_stats s;
    backup(db, to, NULL, &s);
    assert_true(s.chunks > 5);
    assert_int_equal(s.files, 1);
    assert_int_equal(rows_of(to), 400); /* a bare store opens by itself */
}

static void second_copy_brings_only_what_is_new(void **state) {
    (void)state;
    const char *db = make_db("again-db"), *to = path_of("again-backup");
    struct pull_stats s;
    backup(db, to, NULL, &s);
    backup(db, to, NULL, &s);
    assert_int_equal(s.chunks, 0);
    assert_int_equal(files_in(to), 1);
    write_rows(db, 1000);
    backup(db, to, NULL, &s);
    assert_true(s.chunks > 0);
    assert_int_equal(files_in(to), 2);
    assert_int_equal(rows_of(to), 800);
}

static int end_it(void *ctx, const struct pull_stats *s) {
    return s->files >= *(uint64_t *)ctx ? BD_CANCELLED : BD_OK;
}

static void ended_transfer_is_invisible_and_spares_the_next(void **state) {
    (void)state;
    const char *db = make_db("ended-db"), *to = path_of("ended-backup");
    for (int i = 1; i < 8; i++)
        write_rows(db, i * 1000);
    uint64_t limit = 3;
    struct pull_options o = {.file_bytes = 4096, .progress = end_it, .ctx = &limit};
    struct remote *source, *sink;
    struct pull_stats s;
    struct hash root;
    check(remote_open_dir(&source, db, 0, &err), &err);
    check(remote_open_dir(&sink, to, REMOTE_WRITE | REMOTE_CREATE, &err), &err);
    int rc = pull_root(source, sink, &o, &s, &root, &err);
    assert_int_equal(rc, BD_CANCELLED);
    remote_close(sink);
    remote_close(source);
    assert_int_equal(remote_open_dir(&sink, to, 0, &err), BD_NOT_FOUND);
    backup(db, to, NULL, &s);
    assert_true(s.reused > 0);
    assert_int_equal(rows_of(to), 3200);
}

static void files_of_an_interrupted_transfer_are_used(void **state) {
    (void)state;
    const char *db = make_db("left-db"), *to = path_of("left-backup"), *other = path_of("left-other");
    struct pull_stats s;
    backup(db, other, NULL, &s);
    uint64_t all = s.chunks;
    char command[900];
    snprintf(command, sizeof command, "mkdir '%s' && cp '%s'/[0-9a-v]* '%s' && rm -f '%s/manifest'", to,
             other, to, to);
    assert_int_equal(system(command), 0);
    backup(db, to, NULL, &s);
    assert_int_equal(s.chunks, all);
    assert_int_equal(s.reused, all);
    assert_int_equal(rows_of(to), 400);
}

static void damaged_source_is_never_copied(void **state) {
    (void)state;
    const char *db = make_db("bad-db"), *first = path_of("bad-first"), *to = path_of("bad-backup");
    struct remote *source, *sink;
    struct pull_stats s;
    struct hash h;
    char **names;
    size_t count;
    backup(db, first, NULL, &s);
    assert_int_equal(os_list_dir(first, &names, &count), 0);
    for (size_t i = 0; i < count; i++)
        if (hash_parse(names[i], strlen(names[i]), &h)) {
            char file[500];
            snprintf(file, sizeof file, "%s/%s", first, names[i]);
            int fd = os_open(file, O_RDWR, 0);
            uint8_t b;
            assert_int_equal(os_pread_all(fd, &b, 1, 500), 0);
            b ^= 0x10;
            assert_int_equal(os_pwrite_all(fd, &b, 1, 500), 0);
            os_close(fd);
        }
    os_free_list(names, count);
    check(remote_open_dir(&source, first, 0, &err), &err);
    check(remote_open_dir(&sink, to, REMOTE_WRITE | REMOTE_CREATE, &err), &err);
    assert_int_equal(pull_root(source, sink, NULL, &s, NULL, &err), BD_CORRUPT);
    assert_false(os_exists(path_of("bad-backup/manifest")));
    assert_int_equal(files_in(to), 0);
    remote_close(sink);
    remote_close(source);
}

static void root_moves_only_from_what_was_expected(void **state) {
    (void)state;
    const char *db = make_db("cas-db"), *to = path_of("cas-backup");
    struct pull_stats s;
    struct hash root = backup(db, to, NULL, &s), now, wrong = hash_of("x", 1);
    struct remote *r;
    check(remote_open_dir(&r, to, REMOTE_WRITE, &err), &err);
    assert_int_equal(r->driver->commit_root(r, &wrong, &root, &err), BD_ROOT_MOVED);
    assert_int_equal(r->driver->commit_root(r, &root, &wrong, &err), BD_INVALID);
    check(r->driver->root(r, &now, &err), &err);
    assert_true(hash_eq(&now, &root));
    remote_close(r);
}

static void live_database_is_no_place_for_a_backup(void **state) {
    (void)state;
    const char *db = make_db("live-db");
    struct remote *r;
    char noms[500];
    assert_int_equal(remote_open_dir(&r, db, REMOTE_WRITE | REMOTE_CREATE, &err), BD_INVALID);
    snprintf(noms, sizeof noms, "%s/.dolt/noms", db);
    assert_int_equal(remote_open_dir(&r, noms, REMOTE_WRITE | REMOTE_CREATE, &err), BD_INVALID);
    assert_int_equal(rows_of(db), 400);
}

static void store_with_a_journal_takes_files_too(void **state) {
    (void)state;
    const char *db = make_db("sink-db"), *other = make_db("source-db");
    write_rows(other, 5000);
    char noms[500];
    snprintf(noms, sizeof noms, "%s/.dolt/noms", db);
    struct chunk_store *cs;
    check(chunk_store_open(&cs, noms, 0, &err), &err);
    struct remote *source, *sink = remote_of_store(cs, noms);
    check(remote_open_dir(&source, other, 0, &err), &err);
    check(pull_root(source, sink, NULL, NULL, NULL, &err), &err);
    remote_close(source);
    remote_close(sink);
    chunk_store_close(cs);
    assert_int_equal(rows_of(db), 800);
    write_rows(db, 9000);
    assert_int_equal(rows_of(db), 1200);
}

static void real_backups_copy_whole(void **state) {
    (void)state;
    static const char *const names[] = {"dolt-backup-02", "dolt-backup-06", "dolt-town-01"};
    char dir[512], command[1200];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!unpack(names[i], dir))
            return;
        char from[600], to[600];
        snprintf(command, sizeof command,
                 "find '%s' -name manifest -not -path '*/oldgen/*' -not -path '*/stats/*' | head -1",
                 dir);
        FILE *p = popen(command, "r");
        assert_non_null(p);
        assert_non_null(fgets(from, sizeof from, p));
        pclose(p);
        *strrchr(from, '/') = '\0';
        snprintf(to, sizeof to, "%s/copy", dir);
        struct pull_stats s;
        struct hash root = backup(from, to, NULL, &s);
        struct chunk_store *cs;
        check(chunk_store_open(&cs, to, 0, &err), &err);
        struct hash is = chunk_store_root(cs);
        assert_true(hash_eq(&is, &root));
        chunk_store_close(cs);
        backup(from, to, NULL, &s);
        assert_int_equal(s.chunks, 0);
    }
}

static void damaged_backup_is_refused(void **state) {
    (void)state;
    char dir[512], command[1200], from[600];
    if (!unpack("dolt-damaged-01", dir))
        return;
    snprintf(command, sizeof command, "find '%s' -name manifest | head -1", dir);
    FILE *p = popen(command, "r");
    assert_non_null(p);
    assert_non_null(fgets(from, sizeof from, p));
    pclose(p);
    *strrchr(from, '/') = '\0';
    struct remote *r;
    assert_int_equal(remote_open_dir(&r, from, 0, &err), BD_CORRUPT);
}

static void urls_name_their_kind(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    struct remote *r;
    assert_int_equal(remote_kind_of("file:///x"), REMOTE_FILE);
    assert_int_equal(remote_kind_of("https://h/x"), REMOTE_HTTP);
    assert_int_equal(remote_kind_of("git+ssh://h/x.git"), REMOTE_GIT);
    assert_int_equal(remote_kind_of("aws://[t:b]/x"), REMOTE_OBJECTS);
    assert_int_equal(remote_kind_of("nonsense"), REMOTE_UNKNOWN);
    assert_string_equal(remote_file_path("file:///a/b/", &a), "/a/b");
    assert_null(remote_file_path("https://h/x", &a));
    assert_int_equal(remote_open(&r, "https://h/x", 0, &err), BD_UNSUPPORTED);
    assert_int_equal(remote_open(&r, "nonsense", 0, &err), BD_INVALID);
    assert_int_equal(remote_open(&r, "file:///no/such/place/at/all", 0, &err), BD_NOT_FOUND);
    arena_release(&a);
}

static void many_small_files_become_one(void **state) {
    (void)state;
    const char *db = make_db("many-db"), *to = path_of("many-backup"), *copy = path_of("many-copy");
    struct pull_stats s;
    conjoin_at = 4;
    for (int i = 1; i <= 9; i++) {
        backup(db, to, NULL, &s);
        assert_true(files_in(to) <= 5);
        write_rows(db, i * 1000);
    }
    backup(db, to, NULL, &s);
    conjoin_at = 64;
    assert_int_equal(rows_of(to), 4000);
    backup(to, copy, NULL, &s); /* everything reachable is there and sound */
    assert_int_equal(rows_of(copy), 4000);
}

/* ---- databases made from remotes ---- */

static void restored_database_is_the_one_backed_up(void **state) {
    (void)state;
    const char *db = make_db("res-db"), *to = path_of("res-backup"), *new = path_of("res-new"), *aside;
    struct restore r;
    struct remote *source;
    struct arena a = ARENA_INIT;
    struct hash root = backup(db, to, NULL, NULL), now;
    check(remote_open_dir(&source, to, 0, &err), &err);
    check(restore_build(&r, source, new, NULL, NULL, &err), &err);
    assert_false(os_exists(new));
    assert_int_equal(rows_of(r.built), 400);
    check(restore_publish(&r, false, &a, &aside, &err), &err);
    assert_null(aside);
    restore_release(&r);
    remote_close(source);
    check(remote_open_dir(&source, new, 0, &err), &err);
    check(source->driver->root(source, &now, &err), &err);
    assert_true(hash_eq(&now, &root));
    remote_close(source);
    write_rows(new, 7000); /* the first write makes the journal */
    assert_int_equal(rows_of(new), 800);
    arena_release(&a);
}

static void replaced_database_is_kept(void **state) {
    (void)state;
    const char *db = make_db("rep-db"), *to = path_of("rep-backup"), *aside;
    struct arena a = ARENA_INIT;
    struct restore r;
    struct remote *source;
    backup(db, to, NULL, NULL);
    write_rows(db, 2000);
    check(remote_open_dir(&source, to, 0, &err), &err);
    check(restore_build(&r, source, db, NULL, NULL, &err), &err);
    assert_int_equal(restore_publish(&r, false, &a, &aside, &err), BD_EXISTS);
    assert_int_equal(rows_of(db), 800);
    check(restore_publish(&r, true, &a, &aside, &err), &err);
    restore_release(&r);
    assert_int_equal(rows_of(db), 400);
    assert_non_null(aside);
    assert_int_equal(rows_of(aside), 800);
    /* a second time the folder of dropped databases has the name already */
    check(restore_build(&r, source, db, NULL, NULL, &err), &err);
    check(restore_publish(&r, true, &a, &aside, &err), &err);
    restore_release(&r);
    assert_int_equal(rows_of(aside), 400);
    remote_close(source);
    arena_release(&a);
}

static void what_a_backup_lacks_is_named(void **state) {
    (void)state;
    const char *db = make_db("new-db"), *to = path_of("new-backup");
    struct arena a = ARENA_INIT;
    struct remote *ours, *theirs;
    const char **names;
    size_t count;
    backup(db, to, NULL, NULL);
    check(remote_open_dir(&ours, db, 0, &err), &err);
    check(remote_open_dir(&theirs, to, 0, &err), &err);
    check(remote_newer(ours, theirs, &a, &names, &count, &err), &err);
    assert_int_equal(count, 0);
    write_rows(db, 3000);
    check(remote_newer(ours, theirs, &a, &names, &count, &err), &err);
    assert_int_equal(count, 2);
    assert_string_equal(names[0], "refs/heads/main");
    assert_string_equal(names[1], "workingSets/heads/main");
    check(remote_newer(theirs, ours, &a, &names, &count, &err), &err);
    assert_int_equal(count, 0);
    remote_close(ours);
    remote_close(theirs);
    arena_release(&a);
}

static void clone_has_branch_tracking_and_remote(void **state) {
    (void)state;
    const char *db = make_db("cl-db"), *to = path_of("cl-remote"), *new = path_of("cl-new"), *aside;
    struct arena a = ARENA_INIT;
    struct restore r;
    struct remote *source;
    struct remote_ref *refs;
    struct repo_address *remotes;
    size_t count;
    struct tables *t = open_db(db);
    check(tables_branch_create(t, "other", NULL, &err), &err);
    tables_close(t);
    backup(db, to, NULL, NULL);
    check(remote_open_dir(&source, to, 0, &err), &err);
    check(restore_clone(&r, source, new, "file:///there", "origin", NULL, NULL, NULL, &err), &err);
    check(restore_publish(&r, false, &a, &aside, &err), &err);
    restore_release(&r);
    remote_close(source);
    assert_int_equal(rows_of(new), 400);
    check(remote_open_dir(&source, new, 0, &err), &err);
    check(remote_refs(source, &a, &refs, &count, &err), &err);
    remote_close(source);
    const char *expected[] = {"refs/heads/main", "refs/remotes/origin/main",
                              "refs/remotes/origin/other", "workingSets/heads/main"};
    assert_int_equal(count, 4);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(refs[i].dataset, expected[i]);
    check(repo_state_list(new, REPO_REMOTES, &a, &remotes, &count, &err), &err);
    assert_int_equal(count, 1);
    assert_string_equal(remotes[0].url, "file:///there");
    write_rows(new, 7000);
    assert_int_equal(rows_of(new), 800);
    arena_release(&a);
}

static void empty_remote_has_nothing_to_clone(void **state) {
    (void)state;
    const char *to = path_of("none");
    struct remote *source;
    struct restore r;
    assert_int_equal(os_mkdir(to, 0777), 0);
    assert_int_equal(remote_open_dir(&source, to, 0, &err), BD_NOT_FOUND);
    check(remote_open_dir(&source, to, REMOTE_WRITE | REMOTE_CREATE, &err), &err);
    assert_int_equal(
        restore_clone(&r, source, path_of("none-new"), "file:///x", "origin", NULL, NULL, NULL, &err),
        BD_NOT_FOUND);
    restore_release(&r);
    remote_close(source);
}

/* Runs a command in the scratch folder. */
static void shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void shell(const char *fmt, ...) {
    char command[2400];
    int n = snprintf(command, sizeof command, "cd '%s' && ", scratch);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(command + n, sizeof command - (size_t)n, fmt, ap);
    va_end(ap);
    assert_int_equal(system(command), 0);
}

/* As a kill between the two renames leaves it: `how` moves the database out of the way. */
static void finishes(const char *name, const char *how, const char *expected_ready, bool has_former) {
    const char *db = make_db(name);
    struct interrupted found;
    struct arena a = ARENA_INIT;
    bool done;
    assert_false(interrupted_find(db, &a, &found));
    shell("mkdir .replaced-20260101-000000-%s && n=%s && %s", name, name, how);
    assert_true(interrupted_find(db, &a, &found));
    assert_true(interrupted_find_in(scratch, &a, &found));
    assert_non_null(strstr(found.ready, expected_ready));
    assert_int_equal(found.former != NULL, has_former);
    assert_false(os_exists(found.place)); /* looking changes nothing */

    struct store_lock lock; /* whoever is at it holds that */
    store_lock_init(&lock, found.lock);
    check(store_lock_take(&lock, 0, &err), &err);
    assert_int_equal(interrupted_finish(db, &done, &err), BD_BUSY);
    assert_false(done);
    store_lock_give(&lock);
    store_lock_close(&lock);

    check(interrupted_finish(db, &done, &err), &err);
    assert_true(done);
    assert_int_equal(rows_of(db), 400);
    if (has_former)
        assert_true(os_exists(found.former));
    check(interrupted_finish(db, &done, &err), &err);
    assert_false(done);
    arena_release(&a);
}

static void an_interrupted_replacement_is_finished(void **state) {
    (void)state;
    finishes("int-new",
             "mv $n .replaced-20260101-000000-$n/ && "
             "mkdir -p .replaced-20260101-000000-$n/$n.old/.dolt/noms",
             "int-new/int-new", true);
    finishes("int-old", "mv $n .replaced-20260101-000000-$n/$n.old", "int-old.old", false);
    finishes("int-dot", "cp -r $n/.dolt $n/.dolt.restore-2 && mv $n/.dolt $n/.dolt.failed-1",
             ".dolt.restore-2", true);
}

/* What a restore set aside is no interrupted one, whoever removed the database since. */
static void a_finished_replacement_is_left_alone(void **state) {
    (void)state;
    const char *db = make_db("fin-db");
    struct interrupted found;
    struct arena a = ARENA_INIT;
    shell("mkdir .replaced-20260101-000000-fin-db && mv fin-db .replaced-20260101-000000-fin-db/");
    assert_false(interrupted_find(db, &a, &found));
    arena_release(&a);
}

static void unfinished_databases_are_removed(void **state) {
    (void)state;
    bool done;
    shell("mkdir .tmp-restore-1-0-some-db");
    check(restore_settle(path_of("some-db"), &done, &err), &err);
    assert_false(done);
    assert_false(os_exists(path_of(".tmp-restore-1-0-some-db")));
}

static void names_and_addresses_are_kept_in_order(void **state) {
    (void)state;
    const char *db = make_db("state-db");
    struct arena a = ARENA_INIT;
    struct repo_address *list;
    size_t count;
    check(repo_state_put(db, REPO_BACKUPS, &(struct repo_address){"default", "file:///b"}, &err), &err);
    check(repo_state_put(db, REPO_BACKUPS, &(struct repo_address){"default", "file:///c/"}, &err),
          &err);
    assert_int_equal(
        repo_state_put(db, REPO_BACKUPS, &(struct repo_address){"second", "file:///c"}, &err),
        BD_CONFLICT);
    assert_non_null(strstr(err.msg, "address conflict with a remote: 'default' -> file:///c"));
    assert_int_equal(repo_state_put(db, REPO_REMOTES, &(struct repo_address){"a b", "file:///d"}, &err),
                     BD_INVALID);
    check(repo_state_put(db, REPO_REMOTES, &(struct repo_address){"origin", "file:///d"}, &err), &err);
    check(repo_state_list(db, REPO_BACKUPS, &a, &list, &count, &err), &err);
    assert_int_equal(count, 1);
    assert_string_equal(list[0].url, "file:///c/");
    check(repo_state_remove(db, REPO_BACKUPS, "default", &err), &err);
    assert_int_equal(repo_state_remove(db, REPO_BACKUPS, "default", &err), BD_NOT_FOUND);
    char *text;
    size_t size;
    char path[500];
    snprintf(path, sizeof path, "%s/.dolt/repo_state.json", db);
    assert_int_equal(os_read_file(path, 10000, &text, &size), 0);
    assert_string_equal(text,
                        "{\n  \"head\": \"refs/heads/main\",\n  \"remotes\": {\n    \"origin\": {\n"
                        "      \"name\": \"origin\",\n      \"url\": \"file:///d\",\n"
                        "      \"fetch_specs\": [\n        \"refs/heads/*:refs/remotes/origin/*\"\n"
                        "      ],\n      \"params\": {}\n    }\n  },\n  \"backups\": {},\n"
                        "  \"branches\": {}\n}");
    free(text);
    arena_release(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copy_has_the_rows_and_nothing_else),
        cmocka_unit_test(second_copy_brings_only_what_is_new),
        cmocka_unit_test(ended_transfer_is_invisible_and_spares_the_next),
        cmocka_unit_test(files_of_an_interrupted_transfer_are_used),
        cmocka_unit_test(damaged_source_is_never_copied),
        cmocka_unit_test(root_moves_only_from_what_was_expected),
        cmocka_unit_test(live_database_is_no_place_for_a_backup),
        cmocka_unit_test(store_with_a_journal_takes_files_too),
        cmocka_unit_test(real_backups_copy_whole),
        cmocka_unit_test(damaged_backup_is_refused),
        cmocka_unit_test(urls_name_their_kind),
        cmocka_unit_test(many_small_files_become_one),
        cmocka_unit_test(restored_database_is_the_one_backed_up),
        cmocka_unit_test(replaced_database_is_kept),
        cmocka_unit_test(what_a_backup_lacks_is_named),
        cmocka_unit_test(clone_has_branch_tracking_and_remote),
        cmocka_unit_test(empty_remote_has_nothing_to_clone),
        cmocka_unit_test(an_interrupted_replacement_is_finished),
        cmocka_unit_test(a_finished_replacement_is_left_alone),
        cmocka_unit_test(unfinished_databases_are_removed),
        cmocka_unit_test(names_and_addresses_are_kept_in_order),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
