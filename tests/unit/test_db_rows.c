/*
 * Rows found through an index are the ones that change: what an update or a delete collected stays
 * valid until the transaction is written.
 */
#include "store/db/tables.h"
#include "tests/run_ddl.h"
#include "tests/unit/db_help.h"

enum { ROWS = 1200, OWNERS = 400 };

static int make_rows(struct tables_txn *x, void *ctx, struct err *err) {
    static const char create[] =
        "create table t (id char(36) primary key, owner varchar(40), n int, index by_owner (owner))";
    static const char *const columns[] = {"id", "owner", "n"};
    struct arena *a = ctx;
    int rc = run_ddl(x, create, err);
    for (int i = 0; rc == BD_OK && i < ROWS; i++) {
        struct cell row[] = {cell_text(arena_printf(a, "01a1fea5-818b-7c20-%04d", i)),
                             cell_text(arena_printf(a, "owner-%d", i % OWNERS)), cell_int(i)};
        rc = tables_insert(x, "t", columns, row, 3, 0, NULL, err);
    }
    return rc;
}

static const struct pred *owned_by(struct arena *a, int owner) {
    return pred_cmp(a, PRED_EQ, "owner", cell_text(arena_printf(a, "owner-%d", owner)));
}

/* One delete and one update, each followed by enough reading that a key kept in the wrong place is
 * overwritten. */
static int change_rows(struct tables_txn *x, void *ctx, struct err *err) {
    static const char *const columns[] = {"owner"};
    struct arena *a = ctx;
    struct cell renamed = cell_text("somebody else");
    uint64_t n;
    int rc = tables_delete(x, "t", owned_by(a, 1), &n, err);
    for (int i = 0; rc == BD_OK && i < 6; i++)
        rc = tables_count_all(x, "t", owned_by(a, i), &n, err);
    if (rc == BD_OK)
        rc = tables_update(x, "t", owned_by(a, 2), columns, &renamed, 1, NULL, &n, err);
    for (int i = 0; rc == BD_OK && i < 6; i++)
        rc = tables_count_all(x, "t", owned_by(a, i), &n, err);
    return rc;
}

static void rows_found_through_an_index_change_with_their_entries(void **state) {
    (void)state;
    char dir[300];
    struct err err = ERR_INIT;
    struct arena a = ARENA_INIT;
    struct tables_write w = {.mode = TABLES_COMMIT, .message = "rows"};
    snprintf(dir, sizeof dir, "%s/rows", scratch);
    check(tables_create_embedded(dir, "main", NULL, &err), &err);
    struct tables *t = open_db(dir);
    check(tables_write(t, &w, make_rows, &a, NULL, &err), &err);
    check(tables_write(t, &w, change_rows, &a, NULL, &err), &err);
    tables_close(t);

    t = open_db(dir);
    struct tables_txn *x = begin_read(t);
    assert_int_equal(count_of(x, "t", NULL), ROWS - ROWS / OWNERS);
    assert_int_equal(count_of(x, "t", owned_by(&a, 1)), 0);
    assert_int_equal(count_of(x, "t", owned_by(&a, 2)), 0);
    assert_int_equal(count_of(x, "t", owned_by(&a, 3)), ROWS / OWNERS);
    assert_int_equal(count_of(x, "t", pred_cmp(&a, PRED_EQ, "owner", cell_text("somebody else"))),
                     ROWS / OWNERS);
    for (int i = 0; i < ROWS; i++) { /* by primary key: the row itself */
        struct cell key = cell_text(arena_printf(&a, "01a1fea5-818b-7c20-%04d", i)), owner;
        static const char *const columns[] = {"owner"};
        int rc = tables_get(x, "t", &key, 1, columns, 1, &a, &owner, NULL);
        assert_int_equal(rc, i % OWNERS == 1 ? BD_NOT_FOUND : BD_OK);
        if (i % OWNERS == 2)
            assert_string_equal(cell_format(&owner, &a), "somebody else");
    }
    tables_read_end(x);
    tables_close(t);
    arena_release(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_found_through_an_index_change_with_their_entries),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
