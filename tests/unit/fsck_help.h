/* Databases to be damaged, and the damages: for the tests of checking and repairing. */
#ifndef TESTS_UNIT_FSCK_HELP_H
#define TESTS_UNIT_FSCK_HELP_H

#include "store/chunk/chunk_store.h"
#include "store/db/fsck.h"
#include "store/db/root_value.h"
#include "store/db/store_root.h"
#include "store/db/table.h"
#include "store/db/working_set.h"
#include "store/prolly/flatbuf.h"
#include "tests/run_ddl.h"
#include "tests/unit/db_help.h"

#include <dirent.h>
#include <fcntl.h>

#define JOURNAL "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv"
enum { ROWS = 300 };

static int fill_database(struct tables_txn *x, void *ctx, struct err *err) {
    static const char create[] =
        "create table t (id char(36) primary key, owner varchar(40), n int, body "
        "text, index by_owner (owner))";
    static const char *const columns[] = {"id", "owner", "n", "body"};
    struct arena *a = ctx;
    int rc = run_ddl(x, create, err);
    for (int i = 0; rc == BD_OK && i < ROWS; i++) {
        struct cell row[] = {cell_text(arena_printf(a, "01a1fea5-818b-7c20-%04d", i)),
                             cell_text(arena_printf(a, "owner-%d", i % 7)), cell_int(i),
                             cell_text(arena_printf(a, "a text that row %d keeps elsewhere", i))};
        rc = tables_insert(x, "t", columns, row, 4, 0, NULL, err);
    }
    return rc;
}

/* A fresh database with one table and two commits; its directory. */
static inline void make_database(char dir[512]) {
    static int number;
    struct err err = ERR_INIT;
    struct arena a = ARENA_INIT;
    struct tables_write w = {.mode = TABLES_COMMIT, .message = "rows"};
    snprintf(dir, 512, "%s/made-%d", scratch, number++);
    check(tables_create_embedded(dir, "main", NULL, &err), &err);
    struct tables *t = open_db(dir);
    check(tables_write(t, &w, fill_database, &a, NULL, &err), &err);
    tables_close(t);
    arena_release(&a);
}

/* All that make_database wrote is there. */
static inline void expect_rows(const char *dir) {
    struct tables *t = open_db(dir);
    struct tables_txn *x = begin_read(t);
    assert_int_equal(count_of(x, "t", NULL), ROWS);
    tables_read_end(x);
    tables_close(t);
}

static inline void look(const char *dir, enum fsck_level level, struct fsck_report *r) {
    struct err err = ERR_INIT;
    struct fsck_options o = {.level = level};
    fsck_report_init(r);
    check(db_fsck(dir, &o, r, &err), &err);
}

/* Static memory, overwritten by the next call. */
static inline const char *noms_file(const char *dir, const char *name) {
    static char path[2][1200];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/.dolt/noms/%s", dir, name);
    return path[turn];
}

static inline void append_to(const char *path, const char *bytes, size_t size) {
    struct stat st;
    int fd = os_open(path, O_WRONLY | O_CREAT, 0644);
    assert_true(fd >= 0 && os_fstat(fd, &st) == 0);
    assert_int_equal(os_pwrite_all(fd, bytes, size, st.st_size), 0);
    os_close(fd);
}

/* Flips the lowest bit of a byte; a negative place counts from the end. */
static inline void flip(const char *path, off_t at) {
    struct stat st;
    uint8_t b;
    int fd = os_open(path, O_RDWR, 0);
    assert_true(fd >= 0 && os_fstat(fd, &st) == 0);
    if (at < 0)
        at += st.st_size;
    assert_int_equal(os_pread_all(fd, &b, 1, at), 0);
    b ^= 1;
    assert_int_equal(os_pwrite_all(fd, &b, 1, at), 0);
    os_close(fd);
}

struct manifest_line {
    char before[64], root[33], after[1024];
};
static inline void read_manifest(const char *dir, struct manifest_line *m) {
    char *text;
    size_t size;
    assert_int_equal(os_read_file(noms_file(dir, "manifest"), 4096, &text, &size), 0);
    assert_int_equal(sscanf(text, "%43[^\n]", m->before), 1); /* 5:__DOLT__:<lock>: */
    m->before[44] = 0;
    snprintf(m->before, 45, "%.44s", text);
    snprintf(m->root, 33, "%.32s", text + 44);
    snprintf(m->after, sizeof m->after, "%s", text + 76);
    free(text);
}
static inline void write_manifest(const char *dir, const struct manifest_line *m) {
    char text[1200];
    int n = snprintf(text, sizeof text, "%s%s%s", m->before, m->root, m->after);
    assert_int_equal(os_write_file_atomic(noms_file(dir, "manifest"), text, (size_t)n, 0600), 0);
}

/* The largest file of a directory; malloc'd. */
static inline char *largest_file(const char *dir) {
    char *best = NULL;
    off_t size = -1;
    DIR *d = opendir(dir);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) {
        char path[2048];
        struct stat st;
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (os_stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > size) {
            free(best);
            best = strdup(path);
            size = st.st_size;
        }
    }
    closedir(d);
    return best;
}

/* Takes one entry out of the index t.by_owner of the working set, and leaves everything else right. */
static inline void break_index(const char *dir) {
    struct err err = ERR_INIT;
    struct arena a = ARENA_INIT;
    struct chunk_store *cs;
    struct tree datasets, map, index;
    struct hash ws_hash, table, h;
    struct working_set ws;
    struct root_value rv;
    struct chunk bytes;
    struct fb_table t;
    bool bad = false;
    char noms[1200];
    snprintf(noms, sizeof noms, "%s/.dolt/noms", dir);
    check(chunk_store_open(&cs, noms, 0, &err), &err);
    struct node_store *ns = node_store_new(cs);
    struct hash root = chunk_store_root(cs);
    check(store_root_open(&datasets, ns, &root, &err), &err);
    check(store_root_get(&datasets, "workingSets/heads/main", &ws_hash, &err), &err);
    check(working_set_read(ns, &ws_hash, &a, &ws, &err), &err);
    check(root_value_read(&rv, ns, &ws.working, &err), &err);
    check(root_value_table(&rv, "t", &a, NULL, &table, &err), &err);
    check(node_store_read(ns, &table, &bytes, &err), &err);
    check(fb_open(bytes.data, bytes.size, "DTBL", &bad, &t, &err), &err);
    struct fb_bytes schema = fb_bytes_at(&t, 0), rows = fb_bytes_at(&t, 1),
                    indexes = fb_bytes_at(&t, 2);

    struct table_schema ts;
    memcpy(h.b, schema.data, HASH_SIZE);
    check(table_schema_read(ns, &h, &a, &ts, &err), &err);
    check(tree_open_embedded(&map, ns, &tree_type_addresses, (struct chunk){indexes.data, indexes.size},
                             &err),
          &err);
    check(address_map_get(&map, "by_owner", &h, &err), &err);
    check(tree_open(&index, ns, &ts.index_types[0], &h, &err), &err);
    struct tree_cursor c;
    check(tree_cursor_first(&c, &index, &err), &err);
    struct tree_edit edit = {.key = tree_cursor_key(&c), .remove = true};
    check(tree_apply(&index, &edit, 1, &index, &err), &err);
    check(tree_write_root(&index, &h, &err), &err);
    check(address_map_set(&map, "by_owner", &h, &map, &err), &err);

    struct flatbuf fb;
    uint8_t zero[HASH_SIZE] = {0};
    const uint8_t *data;
    size_t size;
    flatbuf_init(&fb);
    flatbuf_ref r0 = flatbuf_bytes(&fb, schema.data, HASH_SIZE);
    flatbuf_ref r1 = flatbuf_bytes(&fb, rows.data, rows.size);
    flatbuf_ref r2 = flatbuf_bytes(&fb, map.root.data, map.root.size);
    flatbuf_ref parts[4];
    for (unsigned i = 0; i < 4; i++)
        parts[i] = flatbuf_bytes(&fb, zero, HASH_SIZE);
    flatbuf_table_begin(&fb, 4);
    for (unsigned i = 0; i < 4; i++)
        flatbuf_add_ref(&fb, i, parts[i]);
    flatbuf_ref r4 = flatbuf_table_end(&fb);
    flatbuf_ref r5 = flatbuf_bytes(&fb, zero, HASH_SIZE), r6 = flatbuf_bytes(&fb, zero, HASH_SIZE);
    flatbuf_table_begin(&fb, 7);
    flatbuf_add_ref(&fb, 0, r0);
    flatbuf_add_ref(&fb, 1, r1);
    flatbuf_add_ref(&fb, 2, r2);
    flatbuf_add_ref(&fb, 4, r4);
    flatbuf_add_ref(&fb, 5, r5);
    flatbuf_add_ref(&fb, 6, r6);
    flatbuf_finish_message(&fb, flatbuf_table_end(&fb), "DTBL", &data, &size);
    check(node_store_write(ns, data, size, &table, &err), &err);
    flatbuf_release(&fb);

    struct root_value_edit change = {"t", table};
    check(root_value_edit(&rv, &change, 1, &err), &err);
    check(root_value_write(&rv, &err), &err);
    ws.working = rv.hash;
    check(working_set_write(ns, &ws, &err), &err);
    struct store_root_edit publish = {"workingSets/heads/main", ws.hash};
    struct hash next;
    struct chunk_write *list;
    size_t count;
    check(store_root_edit(&datasets, &publish, 1, &next, &err), &err);
    check(node_store_collect(ns, &next, &a, &list, &count, &err), &err);
    check(chunk_store_commit(cs, &root, list, count, &next, &err), &err);
    node_store_free(ns);
    chunk_store_close(cs);
    arena_release(&a);
}

#endif
