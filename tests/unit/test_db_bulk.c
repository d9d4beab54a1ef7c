/* Bulk inserts: the same tables, byte by byte, as inserts row by row; the same refusals. */
#include "tests/unit/db_help.h"

#include "base/datetime.h"
#include "schema/schema.h"
#include "store/db/embedded.h"

static struct tables *db;

static int make_db(void **state) {
    if (scratch_setup(state))
        return -1;
    struct err err = ERR_INIT;
    static const struct tables_identity who = {"t", "t@x"};
    struct schema_init init = {.issue_prefix = "t"};
    char dir[512];
    snprintf(dir, sizeof dir, "%s/bulk", scratch);
    struct tables_open open = {.dir = dir};
    check(tables_create_embedded(dir, "main", &who, &err), &err);
    check(tables_open_embedded(&db, &open, &err), &err);
    check(schema_create(db, &init, &err), &err);
    return 0;
}

static int drop_db(void **state) {
    tables_close(db);
    return scratch_teardown(state);
}

static const char *const columns[] = {"id",       "issue_id",   "type",      "created_at",
                                      "metadata", "created_by", "thread_id", "depends_on_issue_id"};
enum { COLUMNS = 8, MANY = 5000 };

/* Rows before this one have ids in their order, and so have the entries of the index over types. */
static uint32_t in_order_until;

/* Row i of a set without order: texts share prefixes, some are longer than what sorting looks at first.
 */
static void make_row(uint32_t i, char text[4][64], struct cell *row) {
    uint32_t mixed = i * 2654435761u;
    snprintf(text[0], 64, "%08x-0000-7000-8000-%012x", i < in_order_until ? i : mixed, i);
    snprintf(text[1], 64, "t-%s%x", i % 3 ? "" : "a-rather-long-name-of-an-issue-", mixed >> 8);
    snprintf(text[2], 64, "t-%x.%u", mixed >> 20, i);
    if (i < in_order_until)
        snprintf(text[3], 64, "%s", i < MANY / 3 ? "blocks" : "related");
    else
        snprintf(text[3], 64, "%s", i % 4 ? "blocks" : i % 8 ? "parent-child" : "");
    row[0] = cell_text(text[0]);
    row[1] = cell_text(text[1]);
    row[2] = cell_text(text[3]);
    row[3] = cell_datetime((int64_t)(mixed % 1000) * MICROS_PER_SECOND);
    row[4] = cell_json(i % 5 ? "{}" : "{\"gate\": 1}");
    row[5] = cell_text("zoe");
    row[6] = i % 7 ? cell_text("") : i % 2 ? cell_null() : cell_text_n("a\0b", i % 3 + 1);
    row[7] = cell_text(text[2]);
}

struct job {
    uint32_t from, to;
    bool bulk, empty_first;
    unsigned flags;
    uint32_t alone; /* with bulk: this row goes in by itself, in the midst of the others; 0: none */
};

static bool same_again; /* the row that goes in by itself is among the others too */

static int put(struct tables_txn *x, void *ctx, struct err *err) {
    const struct job *j = ctx;
    struct tables_bulk *b = NULL;
    int rc = BD_OK;
    tables_set_foreign_key_checks(x, false);
    if (j->empty_first)
        rc = tables_delete(x, "dependencies", NULL, NULL, err);
    if (rc == BD_OK && j->bulk)
        rc = tables_bulk_begin(x, "dependencies", columns, COLUMNS, j->flags, &b, err);
    for (uint32_t i = j->from; rc == BD_OK && i < j->to; i++) {
        char text[4][64];
        struct cell row[COLUMNS];
        make_row(i, text, row);
        rc = j->bulk && (!j->alone || i != j->alone)
                 ? tables_bulk_add(b, row, err)
                 : tables_insert(x, "dependencies", columns, row, COLUMNS, j->flags, NULL, err);
        if (rc == BD_OK && same_again && i == j->alone)
            rc = tables_bulk_add(b, row, err);
    }
    if (rc != BD_OK)
        tables_bulk_drop(b);
    else if (j->bulk)
        rc = tables_bulk_end(b, NULL, err);
    return rc;
}

static int run(const struct job *j, struct hash *commit, struct err *err) {
    struct tables_write w = {.mode = TABLES_COMMIT, .message = "rows"};
    return tables_write(db, &w, put, (void *)(uintptr_t)j, commit, err);
}

static void the_same_trees_as_row_by_row(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    struct hash commit;
    struct job one_by_one = {0, MANY, false, false, 0, 0}, again = {0, MANY, true, true, 0, 0};
    check(run(&one_by_one, &commit, &err), &err);
    assert_false(hash_is_zero(&commit));
    check(run(&again, &commit, &err), &err);
    assert_true(hash_is_zero(
        &commit)); /* nothing differs from HEAD: rows and indexes have the same addresses */

    struct job more = {MANY, MANY + 700, true, false, 0, 0}, all = {0, MANY + 700, false, true, 0, 0};
    check(run(&more, &commit, &err), &err);
    assert_false(hash_is_zero(&commit));
    check(run(&all, &commit, &err), &err);
    assert_true(hash_is_zero(&commit));
}

static void rows_in_order_give_the_same_trees(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    struct hash commit;
    static const uint32_t in_order[] = {MANY, MANY / 2, 3};
    size_t usual = embedded_ahead_bytes;
    for (size_t i = 0; i < 6; i++) {
        struct job one_by_one = {0, MANY, false, true, 0, 0}, at_once = {0, MANY, true, true, 0, 0},
                   with_one_alone = {0, MANY, true, true, 0, MANY / 4};
        in_order_until = in_order[i % 3];
        embedded_ahead_bytes = usual;
        check(run(&one_by_one, &commit, &err), &err);
        assert_false(hash_is_zero(&commit));
        embedded_ahead_bytes = i < 3 ? usual : 100000; /* nodes go into the store on the way */
        check(run(&at_once, &commit, &err), &err);
        assert_true(hash_is_zero(&commit));
        check(run(&with_one_alone, &commit, &err), &err);
        assert_true(hash_is_zero(&commit));
        in_order_until = 0;
        check(run(&at_once, &commit, &err), &err);
        assert_false(hash_is_zero(&commit));
    }
    embedded_ahead_bytes = usual;
}

static void a_row_that_was_put_in_meanwhile_is_taken(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    struct job job = {0, MANY / 4 + 1, true, true, 0, MANY / 4};
    in_order_until = MANY;
    job.alone = MANY / 4;
    same_again = true;
    assert_int_equal(run(&job, NULL, &err), BD_CONSTRAINT);
    assert_non_null(strstr(err.msg, "duplicate primary key given"));
    same_again = false;
    in_order_until = 0;
}

static void taken_keys_are_refused_or_left_out(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    struct hash commit;
    struct job twice = {10, 12, true, false, 0, 0},
               ignored = {0, MANY + 700, true, false, TABLES_INSERT_IGNORE, 0};
    assert_int_equal(run(&twice, &commit, &err), BD_CONSTRAINT);
    assert_non_null(strstr(err.msg, "duplicate primary key given"));
    check(run(&ignored, &commit, &err), &err);
    assert_true(hash_is_zero(&commit));
}

static int put_pairs(struct tables_txn *x, void *ctx, struct err *err) {
    struct tables_bulk *b;
    bool same_pair = *(bool *)ctx;
    char text[4][64];
    struct cell row[COLUMNS];
    tables_set_foreign_key_checks(x, false);
    int rc = tables_bulk_begin(x, "dependencies", columns, COLUMNS, 0, &b, err);
    for (uint32_t i = 0; rc == BD_OK && i < 2; i++) {
        make_row(MANY + 1000 + i, text, row);
        if (same_pair)
            row[1] = cell_text("t-x"), row[7] = cell_text("t-y");
        else
            row[1] = cell_null();
        rc = tables_bulk_add(b, row, err);
    }
    if (rc == BD_OK)
        return tables_bulk_end(b, NULL, err);
    tables_bulk_drop(b);
    return rc;
}

static void unique_and_not_null_hold(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    struct tables_write w = {.mode = TABLES_COMMIT, .message = "rows"};
    bool same_pair = true;
    assert_int_equal(tables_write(db, &w, put_pairs, &same_pair, NULL, &err), BD_CONSTRAINT);
    assert_non_null(strstr(err.msg, "duplicate unique key given"));
    same_pair = false;
    assert_int_equal(tables_write(db, &w, put_pairs, &same_pair, NULL, &err), BD_CONSTRAINT);
}

static int orphan(struct tables_txn *x, void *ctx, struct err *err) {
    struct tables_bulk *b;
    char text[4][64];
    struct cell row[COLUMNS];
    (void)ctx;
    make_row(MANY + 2000, text, row);
    int rc = tables_bulk_begin(x, "dependencies", columns, COLUMNS, 0, &b, err);
    if (rc == BD_OK)
        rc = tables_bulk_add(b, row, err);
    tables_bulk_drop(b);
    return rc;
}

static void foreign_keys_are_checked_unless_switched_off(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    struct tables_write w = {.mode = TABLES_COMMIT, .message = "rows"};
    assert_int_equal(tables_write(db, &w, orphan, NULL, NULL, &err), BD_CONSTRAINT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_trees_as_row_by_row),
        cmocka_unit_test(taken_keys_are_refused_or_left_out),
        cmocka_unit_test(unique_and_not_null_hold),
        cmocka_unit_test(foreign_keys_are_checked_unless_switched_off),
        cmocka_unit_test(rows_in_order_give_the_same_trees),
        cmocka_unit_test(a_row_that_was_put_in_meanwhile_is_taken),
    };
    return cmocka_run_group_tests(tests, make_db, drop_db);
}
