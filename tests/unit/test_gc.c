/* Collections: nothing that can be seen changes, whoever reads or writes meanwhile. */
#include "tests/run_ddl.h"
#include "tests/unit/db_help.h"

#include "base/mem.h"
#include "store/chunk/address_map.h"
#include "store/chunk/archive.h"
#include "store/chunk/chunk_store.h"
#include "store/chunk/lock.h"
#include "store/db/gc.h"
#include "store/prolly/message.h"

#include <fcntl.h>
#include <time.h>

static const char *const columns[] = {"k", "v"};

static char *new_db(const char *name) {
    static char dir[400];
    struct err err = ERR_INIT;
    snprintf(dir, sizeof dir, "%s/%s", scratch, name);
    check(tables_create_embedded(dir, "main", NULL, &err), &err);
    return dir;
}

static int make_table(struct tables_txn *x, void *ctx, struct err *err) {
    (void)ctx;
    return run_ddl(x, "create table t (k int primary key, v longtext, index by_v (v(20)))", err);
}

struct change {
    int key;
    const char *text; /* NULL deletes */
    void (*meanwhile)(const char *dir);
    const char *dir;
    int runs;
};

static int put(struct tables_txn *x, void *ctx, struct err *err) {
    struct change *c = ctx;
    struct arena a = ARENA_INIT;
    uint64_t n;
    c->runs++;
    const struct pred *where = pred_cmp(&a, PRED_EQ, "k", cell_int(c->key));
    int rc = tables_delete(x, "t", where, &n, err);
    if (rc == BD_OK && c->text) {
        struct cell cells[] = {cell_int(c->key), cell_text(c->text)};
        rc = tables_insert(x, "t", columns, cells, 2, 0, NULL, err);
    }
    if (c->meanwhile && c->runs == 1)
        c->meanwhile(c->dir);
    arena_release(&a);
    return rc;
}

static void write_row(struct tables *t, int key, const char *text, bool commit) {
    struct err err = ERR_INIT;
    struct change c = {.key = key, .text = text};
    struct tables_write w = {.mode = commit ? TABLES_COMMIT : TABLES_WORKING, .message = "a row"};
    check(tables_write(t, &w, put, &c, NULL, &err), &err);
}

/* Some history: 40 commits, one of them on a branch, some of it garbage. */
static struct tables *fill(const char *dir) {
    struct err err = ERR_INIT;
    struct tables *t = open_db(dir);
    struct tables_write w = {.mode = TABLES_COMMIT, .message = "table"};
    char text[3000];
    check(tables_write(t, &w, make_table, NULL, NULL, &err), &err);
    for (int i = 0; i < 40; i++) {
        memset(text, 'a' + i % 26, sizeof text - 1);
        text[sizeof text - 1] = 0;
        snprintf(text, 20, "row %d", i);
        text[strlen(text)] = ' ';
        write_row(t, i % 25, text, i % 4 != 0);
        if (i == 20)
            check(tables_branch_create(t, "side", "HEAD", &err), &err);
    }
    return t;
}

/* All rows at a reference, and the commits, as one text. */
static int add_row(void *ctx, const struct cell *row) {
    buf_addf(ctx, "%lld:%.*s\n", (long long)row[0].i, (int)row[1].s.size, row[1].s.data);
    return BD_OK;
}
static int add_commit(void *ctx, const struct tables_commit_info *c) {
    buf_addf(ctx, "%02x%02x%02x %s\n", c->hash.b[0], c->hash.b[1], c->hash.b[2], c->message);
    return BD_OK;
}
static char *content(struct tables *t) {
    static const char *const refs[] = {NULL, "HEAD", "HEAD~3", "side", "HEAD~20"};
    struct err err = ERR_INIT;
    struct arena a = ARENA_INIT;
    struct buf out = BUF_INIT;
    struct tables_query q = {.table = "t"};
    for (size_t i = 0; i < sizeof refs / sizeof *refs; i++) {
        struct tables_txn *x;
        check(refs[i] ? tables_read_begin_at(t, refs[i], &x, &err) : tables_read_begin(t, &x, &err),
              &err);
        check(tables_scan(x, &q, &a, add_row, &out, &err), &err);
        tables_read_end(x);
        buf_add_str(&out, "--\n");
    }
    check(tables_log(t, NULL, &a, add_commit, &out, &err), &err);
    arena_release(&a);
    return buf_detach(&out);
}

static char *content_of(const char *dir) {
    struct tables *t = open_db(dir);
    char *text = content(t);
    tables_close(t);
    return text;
}

static bool exists(const char *dir, const char *name) {
    char path[500];
    snprintf(path, sizeof path, "%s/.dolt/%s", dir, name);
    return os_exists(path);
}

static struct db_gc_result collect(const char *dir, bool full, bool table_files) {
    struct err err = ERR_INIT;
    struct db_gc_options o = {.full = full, .table_files = table_files};
    struct db_gc_result r;
    check(db_gc(dir, &o, &r, &err), &err);
    return r;
}

/* Everything reachable is there. */
static void check_complete(const char *dir) {
    struct err err = ERR_INIT;
    struct db_gc_options o = {.full = true, .dry_run = true};
    struct db_gc_result r;
    struct tables *t = open_db(dir);
    write_row(t, 99, "so that there is something to do", true);
    tables_close(t);
    check(db_gc(dir, &o, &r, &err), &err);
    assert_true(r.kept_chunks > 10);
}

static void collects(const char *name, bool full, bool table_files) {
    char *dir = new_db(name);
    struct tables *t = fill(dir);
    char *before = content(t);
    struct db_gc_result r = collect(dir, full, table_files);
    assert_false(r.nothing_to_do);
    assert_true(r.after.total < r.before.total);
    assert_int_equal(r.after.journal, 0);
    assert_int_equal(r.after.loose, 0);
    assert_int_equal(r.after.young_files, 1);
    assert_int_equal(r.after.old_files, 1);
    assert_true(r.old_chunks > r.kept_chunks / 2);
    assert_false(exists(dir, "noms/vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv"));
    assert_false(exists(dir, "temptf/bd-journal-index"));
    char *after = content(t); /* through the connection that was open all the time */
    assert_string_equal(before, after);
    free(after);
    after = content_of(dir);
    assert_string_equal(before, after);
    free(after);
    struct db_gc_result again = collect(dir, full, table_files);
    assert_true(again.nothing_to_do);
    assert_int_equal(again.after.total, r.after.total);
    write_row(t, 7, "written after the collection", true);
    tables_close(t);
    check_complete(dir);
    free(before);
}

static void a_default_collection_changes_nothing_that_can_be_seen(void **state) {
    (void)state;
    collects("default", false, false);
}
static void nor_does_a_full_one(void **state) {
    (void)state;
    collects("full", true, false);
}
static void nor_one_into_table_files(void **state) {
    (void)state;
    collects("tables", true, true);
}

static void generations_grow_and_a_full_collection_joins_them(void **state) {
    (void)state;
    char *dir = new_db("generations");
    struct tables *t = fill(dir);
    char text[] = "one more row 0";
    for (int i = 0; i < 3; i++) {
        text[sizeof text - 2] = (char)('0' + i);
        write_row(t, 3, text, true);
        struct db_gc_result r = collect(dir, false, false);
        assert_int_equal(r.after.old_files, i + 1);
        assert_int_equal(r.after.young_files, 1);
    }
    char *before = content(t);
    struct db_gc_result r = collect(dir, true, false);
    assert_int_equal(r.after.old_files, 1);
    char *after = content(t);
    assert_string_equal(before, after);
    free(before);
    free(after);
    tables_close(t);
}

static void a_dry_run_tells_the_size_and_changes_nothing(void **state) {
    (void)state;
    char *dir = new_db("dry");
    tables_close(fill(dir));
    struct err err = ERR_INIT;
    struct db_gc_options o = {.full = true, .dry_run = true};
    struct db_gc_result r;
    check(db_gc(dir, &o, &r, &err), &err);
    struct db_gc_sizes now;
    check(db_gc_sizes(dir, &now, &err), &err);
    assert_int_equal(now.total, r.before.total);
    assert_int_equal(now.loose, 0);
    struct db_gc_result done = collect(dir, true, false);
    assert_int_equal(done.after.total, r.after.total);
}

static void full_collection(const char *dir) { collect(dir, true, false); }

/*
 * The row's old text is garbage in the journal, so its chunks are there when the transaction makes them
 * again; they are gone when it publishes.
 */
static void a_chunk_that_was_garbage_is_written_again(void **state) {
    (void)state;
    char *dir = new_db("again");
    struct tables *t = fill(dir);
    struct err err = ERR_INIT;
    char text[6000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    write_row(t, 50, text, false);
    write_row(t, 50, NULL, false);
    struct change c = {.key = 50, .text = text, .meanwhile = full_collection, .dir = dir};
    struct tables_write w = {.mode = TABLES_WORKING, .message = "again"};
    check(tables_write(t, &w, put, &c, NULL, &err), &err);
    assert_int_equal(c.runs, 2);
    tables_close(t);
    free(content_of(dir));
    check_complete(dir);
}

static void write_meanwhile(const char *dir) {
    struct tables *t = open_db(dir);
    write_row(t, 60, "meanwhile", true);
    tables_close(t);
}

static int write_in_phase(void *ctx, enum db_gc_phase phase, uint64_t done, uint64_t total) {
    struct change *c = ctx;
    (void)done, (void)total;
    if (phase == DB_GC_PUBLISH && !c->runs++)
        write_meanwhile(c->dir);
    return BD_OK;
}

static void what_is_written_during_a_collection_is_kept(void **state) {
    (void)state;
    char *dir = new_db("meanwhile");
    struct tables *t = fill(dir);
    struct change c = {.dir = dir};
    struct db_gc_options o = {.full = true, .progress = write_in_phase, .progress_ctx = &c};
    struct db_gc_result r;
    struct err err = ERR_INIT;
    check(db_gc(dir, &o, &r, &err), &err);
    assert_int_equal(c.runs, 1);
    struct tables_txn *x = begin_read(t);
    struct arena a = ARENA_INIT;
    assert_int_equal(count_of(x, "t", pred_cmp(&a, PRED_EQ, "k", cell_int(60))), 1);
    arena_release(&a);
    tables_read_end(x);
    tables_close(t);
    check_complete(dir);
}

static void a_snapshot_from_before_can_still_be_read(void **state) {
    (void)state;
    char *dir = new_db("snapshot");
    struct tables *t = fill(dir);
    struct tables_txn *x = begin_read(t);
    write_meanwhile(dir);
    collect(dir, true, false);
    assert_int_equal(count_of(x, "t", NULL), 25);
    tables_read_end(x);
    tables_close(t);
}

static uint64_t fake_space;
static int little_space(const char *path, uint64_t *bytes) {
    (void)path;
    *bytes = fake_space;
    return 0;
}

static void a_full_disk_is_refused(void **state) {
    (void)state;
    char *dir = new_db("space");
    tables_close(fill(dir));
    struct os_ops ops = os_system_ops;
    struct err err = ERR_INIT;
    struct db_gc_options o = {.full = true};
    struct db_gc_result r;
    struct db_gc_sizes sizes;
    check(db_gc_sizes(dir, &sizes, &err), &err);
    ops.free_space = little_space;
    os_set_ops(&ops);
    fake_space = 2 * sizes.total - 2;
    assert_int_equal(db_gc(dir, &o, &r, &err), BD_NO_SPACE);
    assert_non_null(strstr(err.msg, "nothing was changed"));
    fake_space = 2 * sizes.total;
    assert_int_equal(db_gc(dir, &o, &r, &err), BD_OK);
    os_set_ops(NULL);
}

static void two_collections_do_not_run_at_once(void **state) {
    (void)state;
    char *dir = new_db("busy"), old[450];
    tables_close(fill(dir));
    struct store_lock lock;
    struct err err = ERR_INIT;
    struct db_gc_options o = {.no_wait = true};
    struct db_gc_result r;
    snprintf(old, sizeof old, "%s/.dolt/noms/oldgen", dir);
    assert_int_equal(os_mkdir_p(old, 0777), 0);
    store_lock_init(&lock, old);
    check(store_lock_take(&lock, 0, &err), &err);
    assert_int_equal(db_gc(dir, &o, &r, &err), BD_BUSY);
    assert_int_equal(db_gc_step(dir, &(struct db_gc_step_options){0}, &err), BD_OK);
    store_lock_close(&lock);
    check(db_gc(dir, &o, &r, &err), &err);
}

static void what_a_killed_collection_left_is_swept_away(void **state) {
    (void)state;
    char *dir = new_db("left"), path[500];
    tables_close(fill(dir));
    collect(dir, false, false);
    struct db_gc_sizes sizes;
    struct err err = ERR_INIT;
    snprintf(path, sizeof path, "%s/.dolt/noms/oldgen/nbs_table_1_1", dir);
    assert_int_equal(os_write_file_atomic(path, "half", 4, 0600), 0);
    snprintf(path, sizeof path, "%s/.dolt/noms/0123456789abcdefghijklmnopqrstuv.darc", dir);
    assert_int_equal(os_write_file_atomic(path, "whole", 5, 0600), 0);
    check(db_gc_sizes(dir, &sizes, &err), &err);
    assert_int_equal(sizes.loose_files, 2);
    struct db_gc_result r = collect(dir, false, false);
    assert_true(r.nothing_to_do);
    assert_int_equal(r.after.loose_files, 0);
}

static void steps_move_the_journal_bit_by_bit(void **state) {
    (void)state;
    char *dir = new_db("steps");
    struct tables *t = fill(dir);
    struct err err = ERR_INIT;
    struct db_gc_step_options o = {.journal_bytes = 1000, .step_bytes = 20000};
    struct db_gc_sizes sizes;
    char *before = content(t);
    int steps = 0;
    assert_true(db_gc_step_due(dir, &o));
    for (;; steps++) {
        assert_true(steps < 100);
        check(db_gc_step(dir, &o, &err), &err);
        char *after = content(t);
        assert_string_equal(before, after);
        free(after);
        check(db_gc_sizes(dir, &sizes, &err), &err);
        if (!sizes.journal)
            break;
    }
    assert_true(steps > 3);
    assert_false(db_gc_step_due(dir, &o));
    tables_close(t);
    check_complete(dir);
    free(before);
}

struct placed {
    struct chunk_store *cs;
    struct address_map places;
    struct chunk_place *list;
    size_t count, capacity;
};

/* The bytes are those of the address, wherever they were found. */
static void read_at(struct placed *p, const struct hash *h, struct chunk_place *place) {
    struct err err = ERR_INIT;
    uint8_t *data;
    size_t size;
    check(chunk_store_read_placed(p->cs, h, place, &data, &size, NULL, &err), &err);
    struct hash real = hash_of(data, size);
    assert_true(hash_eq(&real, h));
    free(data);
}

static int note_place(void *ctx, const struct hash *h, struct err *err) {
    struct placed *p = ctx;
    struct chunk_place place = {0, 0};
    (void)err;
    read_at(p, h, &place);
    if (address_map_put(&p->places, h, 0, p->count)) {
        MEM_GROW(p->list, p->capacity, p->count + 1);
        p->list[p->count++] = place;
    }
    return BD_OK;
}

/* A place in a packed file holds as long as the file does; later it is looked for anew. */
static void places_in_files_are_used_again(void **state) {
    (void)state;
    for (int tables = 0; tables < 2; tables++) {
        struct err err = ERR_INIT;
        char *dir = new_db(tables ? "places-t" : "places-a"), noms[500];
        tables_close(fill(dir));
        collect(dir, false, tables);
        snprintf(noms, sizeof noms, "%s/.dolt/noms", dir);
        struct placed p = {.places = ADDRESS_MAP_INIT};
        check(chunk_store_open(&p.cs, noms, CHUNK_STORE_READ_ONLY, &err), &err);
        check(chunk_store_each(p.cs, note_place, &p, &err), &err);
        assert_true(p.count > 40);
        for (size_t i = 0; i < p.count; i++) {
            struct chunk_place before = p.list[i];
            assert_int_equal(before.size, 0);
            assert_int_not_equal(before.offset, 0);
            assert_true(before.offset < UINT64_C(1) << 48);
            read_at(&p, &p.places.entries[i].address, &p.list[i]);
            assert_true(p.list[i].offset == before.offset);
            p.list[i].offset ^= (uint64_t)(i % 3) << 32 | i % 5; /* another file, another chunk */
            read_at(&p, &p.places.entries[i].address, &p.list[i]);
            assert_true(p.list[i].offset == before.offset);
        }
        collect(dir, true, !tables);
        check(chunk_store_refresh(p.cs, &err), &err);
        for (size_t i = 0; i < p.count; i++)
            read_at(&p, &p.places.entries[i].address, &p.list[i]);
        chunk_store_close(p.cs);
        address_map_release(&p.places);
        free(p.list);
    }
}

/* As if the last step had published something so many seconds ago. */
static void set_age(const char *dir, time_t seconds) {
    char path[500];
    struct timespec times[2] = {{.tv_sec = time(NULL) - seconds}, {.tv_sec = time(NULL) - seconds}};
    snprintf(path, sizeof path, "%s/.dolt/noms/oldgen/manifest", dir);
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void steps_keep_a_distance(void **state) {
    (void)state;
    char *dir = new_db("pace"), path[500];
    struct db_gc_step_options o = {.journal_bytes = 1000};
    struct tables *t = fill(dir);
    collect(dir, false, false);
    write_row(t, 3, "something for the journal", true);
    tables_close(t);
    snprintf(path, sizeof path, "%s/.dolt/noms/vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv", dir);
    assert_int_equal(truncate(path, 1 << 20), 0); /* longer than the young files */
    set_age(dir, 0);
    assert_false(db_gc_step_due(dir, &o));
    set_age(dir, 2);
    assert_false(db_gc_step_due(dir, &o));
    set_age(dir, 60);
    assert_true(db_gc_step_due(dir, &o));
    set_age(dir, -3600); /* the clock was set back */
    assert_true(db_gc_step_due(dir, &o));
    set_age(dir, 2);
    assert_int_equal(truncate(path, 41 << 20), 0); /* too long to wait for */
    assert_true(db_gc_step_due(dir, &o));
}

/* Calls fn for each chunk of the old generation. */
static void each_old(const char *dir, void (*fn)(void *ctx, const struct hash *h), void *ctx) {
    char folder[450], path[700], **names;
    size_t count;
    struct err err = ERR_INIT;
    snprintf(folder, sizeof folder, "%s/.dolt/noms/oldgen", dir);
    assert_int_equal(os_list_dir(folder, &names, &count), 0);
    for (size_t i = 0; i < count; i++) {
        struct archive a;
        char *bytes;
        size_t size;
        if (!strstr(names[i], ".darc"))
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        assert_int_equal(os_read_file(path, 1 << 30, &bytes, &size), 0);
        check(archive_init(&a, (uint8_t *)bytes, size, path, &err), &err);
        for (uint32_t k = 0; k < a.count; k++) {
            struct hash h;
            archive_address(&a, k, &h);
            fn(ctx, &h);
        }
        archive_release(&a);
        free(bytes);
    }
    os_free_list(names, count);
}

static void seen_once(void *ctx, const struct hash *h) { assert_true(address_map_put(ctx, h, 0, 0)); }

/* What some other program would do that does not look into the old generation first. */
static void write_again(void *ctx, const struct hash *h) {
    struct chunk_store *cs = ctx;
    struct err err = ERR_INIT;
    struct chunk_write w = {.hash = *h};
    uint8_t *data;
    struct hash root = chunk_store_root(cs);
    check(chunk_store_read(cs, h, &data, &w.size, &err), &err);
    w.data = data;
    if (message_kind_of(&(struct chunk){data, w.size}) == MESSAGE_COMMIT) {
        free(data); /* they say where the new part of the journal begins */
        return;
    }
    check(chunk_store_commit_new(cs, &root, &w, 1, h, &err), &err);
    check(chunk_store_commit(cs, h, NULL, 0, &root, &err), &err);
    free(data);
}

static void a_step_moves_nothing_that_is_old(void **state) {
    (void)state;
    char *dir = new_db("twice"), noms[450];
    struct err err = ERR_INIT;
    struct db_gc_step_options o = {.journal_bytes = 1000};
    struct db_gc_sizes sizes;
    struct chunk_store *cs;
    struct address_map seen = ADDRESS_MAP_INIT;
    tables_close(fill(dir));
    struct tables *t = open_db(dir);
    write_row(t, 3, "former", true);
    write_row(t, 3, "later", true);
    tables_close(t);
    collect(dir, false, false);
    snprintf(noms, sizeof noms, "%s/.dolt/noms", dir);
    check(chunk_store_open(&cs, noms, 0, &err), &err);
    each_old(dir, write_again, cs);
    chunk_store_close(cs);
    t = open_db(dir);
    write_row(t, 3, "former", true); /* the leaf of then, which stands in the journal too */
    char *before = content(t);
    tables_close(t);
    check(db_gc_step(dir, &o, &err), &err);
    check(db_gc_sizes(dir, &sizes, &err), &err);
    assert_int_equal(sizes.journal, 0);
    assert_int_equal(sizes.old_files, 2);
    each_old(dir, seen_once, &seen);
    assert_true(seen.count > 100);
    address_map_release(&seen);
    char *after = content_of(dir);
    assert_string_equal(before, after);
    free(before);
    free(after);
    check_complete(dir);
}

static void a_missing_chunk_stops_it(void **state) {
    char dir[512], path[700], command[1500];
    struct err err = ERR_INIT;
    struct db_gc_options o = {.full = true};
    struct db_gc_result r;
    (void)state;
    char *from = new_db("whole");
    tables_close(fill(from));
    collect(from, false, true);
    struct tables *t = open_db(from);
    write_row(t, 1, "later", true);
    tables_close(t);
    snprintf(dir, sizeof dir, "%s/missing", scratch);
    snprintf(path, sizeof path, "%s/.dolt/noms/oldgen/manifest", dir);
    snprintf(command, sizeof command, "cp -r '%s' '%s' && rm '%s'", from, dir, path);
    assert_int_equal(system(command), 0);
    assert_int_equal(db_gc(dir, &o, &r, &err), BD_CORRUPT);
    assert_non_null(strstr(err.msg, "missing"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_default_collection_changes_nothing_that_can_be_seen),
        cmocka_unit_test(nor_does_a_full_one),
        cmocka_unit_test(nor_one_into_table_files),
        cmocka_unit_test(generations_grow_and_a_full_collection_joins_them),
        cmocka_unit_test(a_dry_run_tells_the_size_and_changes_nothing),
        cmocka_unit_test(a_chunk_that_was_garbage_is_written_again),
        cmocka_unit_test(what_is_written_during_a_collection_is_kept),
        cmocka_unit_test(a_snapshot_from_before_can_still_be_read),
        cmocka_unit_test(a_full_disk_is_refused),
        cmocka_unit_test(two_collections_do_not_run_at_once),
        cmocka_unit_test(what_a_killed_collection_left_is_swept_away),
        cmocka_unit_test(steps_move_the_journal_bit_by_bit),
        cmocka_unit_test(steps_keep_a_distance),
        cmocka_unit_test(a_step_moves_nothing_that_is_old),
        cmocka_unit_test(places_in_files_are_used_again),
        cmocka_unit_test(a_missing_chunk_stops_it),
    };
    return cmocka_run_group_tests_name("gc", tests, scratch_setup, scratch_teardown);
}
