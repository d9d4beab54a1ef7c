/*
 * Chunks that follow from others are made again, wherever in history they stand: closures from the
 * commits before, index nodes from the rows. What is made has the address that was lost.
 */
#include "store/chunk/manifest.h"
#include "store/chunk/table_writer.h"
#include "store/prolly/message.h"
#include "tests/unit/repair_help.h"

enum { COMMITS = 90 }; /* more versions than a look at the newest would do for */

static int change_owner(struct tables_txn *x, void *ctx, struct err *err) {
    int n = *(int *)ctx;
    static const char *const columns[] = {"owner"};
    struct arena a = ARENA_INIT;
    struct cell key = cell_text(arena_printf(&a, "01a1fea5-818b-7c20-%04d", n * 37 % ROWS)),
                owner = cell_text(arena_printf(&a, "somebody-%d", n));
    const struct pred *where = pred_cmp(&a, PRED_EQ, "id", key);
    uint64_t changed;
    int rc = tables_update(x, "t", where, columns, &owner, 1, NULL, &changed, err);
    arena_release(&a);
    return rc;
}

static void make_history(char dir[512], bool tables) {
    struct err err = ERR_INIT;
    make_database(dir);
    struct tables *t = open_db(dir);
    for (int i = 0; i < COMMITS; i++) {
        struct tables_write w = {.mode = TABLES_COMMIT, .message = "owner"};
        check(tables_write(t, &w, change_owner, &i, NULL, &err), &err);
    }
    tables_close(t);
    collect(dir, tables);
}

/* ---- which chunks are of a kind ---- */

struct chosen {
    struct scan *scan;
    struct scan_reader *reader;
    struct hash *list;
    size_t count, capacity;
    struct address_map known;
};

static void choose(struct chosen *c, const struct hash *h) {
    if (!address_map_put(&c->known, h, 0, 0))
        return;
    MEM_GROW(c->list, c->capacity, c->count + 1);
    c->list[c->count++] = *h;
}

static int choose_child(void *ctx, unsigned field, const struct hash *h) {
    if (field == MESSAGE_FIELD_CHILDREN)
        choose(ctx, h);
    return BD_OK;
}

static int choose_index(void *ctx, unsigned field, const struct hash *h) {
    if (field == MESSAGE_FIELD_INDEXES)
        choose(ctx, h);
    return BD_OK;
}

/* All commit closures, or all nodes of indexes, of any version; free list. */
static struct hash *chunks_of(const char *dir, bool closures, size_t *count) {
    struct fsck_report ignored;
    struct err err = ERR_INIT;
    struct chosen c = {.known = ADDRESS_MAP_INIT, .scan = scan_files(dir, &ignored)};
    struct chunk bytes;
    c.reader = scan_reader_new(c.scan);
    for (size_t i = 0; i < c.scan->count; i++) {
        const struct hash *h = &c.scan->entries[i].address;
        check(scan_reader_get(c.reader, h, &bytes, &err), &err);
        enum message_kind kind = message_kind_of(&bytes);
        if (closures && kind == MESSAGE_COMMIT_CLOSURE)
            choose(&c, h);
        else if (!closures && kind == MESSAGE_TABLE)
            check(message_walk_fields(&bytes, choose_index, &c, &err), &err);
    }
    for (size_t i = 0; !closures && i < c.count; i++) {
        struct hash h = c.list[i];
        check(scan_reader_get(c.reader, &h, &bytes, &err), &err);
        check(message_walk_fields(&bytes, choose_child, &c, &err), &err);
    }
    scan_reader_free(c.reader);
    scan_close(c.scan);
    fsck_report_release(&ignored);
    address_map_release(&c.known);
    *count = c.count;
    return c.list;
}

/* ---- how they are hurt ---- */

static bool find_chunk(struct scan *s, const struct hash *h, char file[1200], uint32_t *entry) {
    *entry = scan_find(s, h);
    if (*entry != SCAN_NONE)
        snprintf(file, 1200, "%s/%s", s->dir, s->files[s->entries[*entry].file].label);
    return *entry != SCAN_NONE;
}

static void flip_chunk(struct scan *s, const struct hash *h) {
    char file[1200];
    uint32_t e;
    assert_true(find_chunk(s, h, file, &e));
    flip(file, (off_t)(s->entries[e].offset + s->entries[e].size / 2));
}

/* Its file is replaced by one that lacks it. */
static void leave_out(struct scan *s, const struct hash *h) {
    struct err err = ERR_INIT;
    struct table_writer *w;
    struct manifest m;
    struct hash name, before;
    uint32_t e, count;
    bool renamed, archive;
    char file[1200];
    assert_true(find_chunk(s, h, file, &e));
    char *base = strrchr(file, '/');
    *base++ = '\0';
    assert_true(scan_is_file_name(base, &before, &archive));
    struct scan_reader *reader = scan_reader_new(s);
    check(table_writer_open(&w, file, &err), &err);
    for (uint32_t i = 0; i < s->count; i++) {
        uint8_t *data;
        size_t size;
        if (i == e || s->entries[i].file != s->entries[e].file)
            continue;
        check(scan_read(reader, i, &data, &size, &err), &err);
        check(table_writer_add(w, &s->entries[i].address, data, size, &err), &err);
        free(data);
    }
    scan_reader_free(reader);
    count = table_writer_count(w);
    check(table_writer_finish(w, &name, &err), &err);
    check(manifest_read(file, &m, &err), &err);
    for (size_t i = 0; i < m.spec_count; i++)
        if (hash_eq(&m.specs[i].name, &before))
            m.specs[i] = (struct manifest_spec){name, count};
    m.lock = manifest_lock_of(&m.root, m.specs, m.spec_count);
    check(manifest_write(file, &m, &renamed, &err), &err);
    manifest_release(&m);
    base[-1] = '/';
    assert_int_equal(unlink(file), 0);
}

static void hurt(const char *dir, void (*how)(struct scan *, const struct hash *),
                 const struct hash *h) {
    struct fsck_report ignored;
    struct scan *s = scan_files(dir, &ignored);
    how(s, h);
    scan_close(s);
    fsck_report_release(&ignored);
}

/* ---- */

static void expect_sound_to_the_referee(const char *dir) {
    char tool[600];
    snprintf(tool, sizeof tool, "%s/tools/doltref.py", shared_folder());
    if (!os_exists(tool) || !os_exists("/usr/bin/python3"))
        print_message("skipped: no second opinion without %s\n", tool);
    else
        run("/usr/bin/python3 '%s' fsck '%s' >/dev/null", tool, dir);
}

static size_t errors_in(const char *dir) {
    struct fsck_report r;
    look(dir, FSCK_DEEP, &r);
    size_t n = r.errors;
    fsck_report_release(&r);
    return n;
}

/* Chunks from all over history, one after the other, each in a copy of the database. */
static void made_again(bool closures, bool tables, void (*how)(struct scan *, const struct hash *)) {
    char dir[512], copy[600];
    size_t count, hit = 0;
    make_history(dir, tables);
    struct hash *list = chunks_of(dir, closures, &count);
    assert_true(count > COMMITS / 2);
    snprintf(copy, sizeof copy, "%s-copy", dir);
    for (size_t i = 0; i < count; i += count / 3) {
        run("rm -rf '%s' && cp -r '%s' '%s'", copy, dir, copy);
        hurt(copy, how, &list[i]);
        if (errors_in(copy) == 0) /* zstd does not use every bit */
            continue;
        mends(copy, NULL, "made 1 ");
        expect_sound(copy);
        hit++;
    }
    assert_true(hit > 1);
    expect_sound_to_the_referee(copy);
    free(list);
}

static void damaged_closures(void **state) {
    (void)state;
    made_again(true, false, flip_chunk);
}
static void missing_closures(void **state) {
    (void)state;
    made_again(true, true, leave_out);
}
static void damaged_index_nodes(void **state) {
    (void)state;
    made_again(false, true, flip_chunk);
}
static void missing_index_nodes(void **state) {
    (void)state;
    made_again(false, true, leave_out);
}

/* All nodes of all indexes of all versions at once. */
static void every_index_node_at_once(void **state) {
    (void)state;
    char dir[512];
    size_t count;
    make_history(dir, true);
    struct hash *list = chunks_of(dir, false, &count);
    for (size_t i = 0; i < count; i++)
        hurt(dir, flip_chunk, &list[i]);
    assert_true(errors_in(dir) > 0);
    mends(dir, NULL, "made ");
    expect_sound(dir);
    expect_sound_to_the_referee(dir);
    free(list);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_closures),         cmocka_unit_test(missing_closures),
        cmocka_unit_test(damaged_index_nodes),      cmocka_unit_test(missing_index_nodes),
        cmocka_unit_test(every_index_node_at_once),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
