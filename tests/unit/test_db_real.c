/*
 * Databases of the corpus through the `tables` interface: reading them, and writing to copies of them.
 */
#include "tests/unit/db_help.h"

static int count_commit(void *ctx, const struct tables_commit_info *c) {
    (void)c;
    ++*(int *)ctx;
    return BD_OK;
}

static void reads_a_database_with_archives_tables_and_a_journal(void **state) {
    (void)state;
    char dir[512], path[600];
    if (!unpack("dolt-embedded-01", dir))
        skip();
    snprintf(path, sizeof path, "%s/dolt-embedded-01/.beads/embeddeddolt/beads", dir);
    struct tables *t = open_db(path);
    assert_string_equal(tables_branch(t), "main");
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    int commits = 0;
    check(tables_log(t, NULL, &a, count_commit, &commits, &err), &err);
    assert_int_equal(commits, 202);
    struct tables_txn *x = begin_read(t);
    const char **names;
    size_t n;
    check(tables_list(x, &a, &names, &n, &err), &err);
    assert_int_equal(n, 18);
    assert_int_equal(count_of(x, "issues", NULL), 92);
    assert_int_equal(count_of(x, "ISSUES", NULL), 92);
    /* by index, by scan and by a predicate that no index serves: the same numbers */
    struct cell closed = cell_text("closed");
    uint64_t by_index = count_of(x, "issues", pred_cmp(&a, PRED_EQ, "status", closed));
    uint64_t others = count_of(x, "issues", pred_cmp(&a, PRED_NE, "status", closed));
    uint64_t by_like = count_of(x, "issues", pred_cmp(&a, PRED_LIKE, "status", cell_text("close_")));
    assert_int_equal(by_index + others, 92);
    assert_int_equal(by_index, by_like);
    assert_int_equal(tables_has_column(x, "issues", "Title"), true);
    assert_int_equal(tables_has_column(x, "issues", "nothing"), false);
    assert_int_equal(tables_has_table(x, "nothing"), false);
    tables_read_end(x);
    struct tables_txn *old;
    check(tables_read_begin_at(t, "HEAD~201", &old, &err), &err);
    assert_false(tables_has_table(old, "issues"));
    tables_read_end(old);
    assert_int_equal(tables_read_begin_at(t, "HEAD~202", &old, &err), BD_NOT_FOUND);
    arena_release(&a);
    tables_close(t);
}

static void a_bare_store_opens_read_only(void **state) {
    (void)state;
    char dir[512], path[600];
    if (!unpack("dolt-backup-01", dir))
        skip();
    snprintf(path, sizeof path, "%s/dolt-backup-01/.beads/backup", dir);
    struct tables *t = open_db(path);
    assert_true(tables_is_read_only(t));
    struct tables_txn *x = begin_read(t);
    assert_int_equal(count_of(x, "issues", NULL), 125);
    tables_read_end(x);
    struct err err = ERR_INIT;
    struct tables_write w = {.mode = TABLES_COMMIT, .message = "no"};
    assert_int_equal(tables_write(t, &w, NULL, NULL, NULL, &err), BD_READ_ONLY);
    tables_close(t);
}

struct step {
    int (*fn)(struct tables_txn *x, struct err *err);
};

static int run_step(struct tables_txn *x, void *ctx, struct err *err) {
    return ((struct step *)ctx)->fn(x, err);
}

static int commit_step(struct tables *t, const char *message, int (*fn)(struct tables_txn *, struct err *),
                       struct hash *commit, struct err *err) {
    struct step s = {fn};
    struct tables_write w = {.mode = TABLES_COMMIT, .message = message};
    return tables_write(t, &w, run_step, &s, commit, err);
}

static int insert_issue(struct tables_txn *x, const char *id, unsigned flags, bool *done, struct err *err) {
    static const char *const columns[] = {"id",     "title", "description", "design", "acceptance_criteria",
                                          "notes"};
    struct cell cells[] = {cell_text(id), cell_text("Fix login"), cell_text("text of it"), cell_text(""),
                           cell_text(""), cell_text("")};
    return tables_insert(x, "issues", columns, cells, 6, flags, done, err);
}

static int insert_label(struct tables_txn *x, const char *id, const char *label, struct err *err) {
    static const char *const columns[] = {"issue_id", "label"};
    struct cell cells[] = {cell_text(id), cell_text(label)};
    return tables_insert(x, "labels", columns, cells, 2, 0, NULL, err);
}

static int create_one(struct tables_txn *x, struct err *err) {
    bool done;
    int rc = insert_issue(x, "tt-1", 0, &done, err);
    if (rc == BD_OK)
        rc = insert_label(x, "tt-1", "red", err);
    /* the transaction sees its own writes, by key, by index and by scan */
    struct arena a = ARENA_INIT;
    if (rc == BD_OK) {
        assert_true(done);
        assert_string_equal(get_text(x, "issues", "tt-1", "title", &a), "Fix login");
        assert_string_equal(get_text(x, "issues", "tt-1", "status", &a), "open");
        assert_string_equal(get_text(x, "issues", "tt-1", "metadata", &a), "{}");
        assert_int_equal(count_of(x, "labels", pred_cmp(&a, PRED_EQ, "label", cell_text("red"))), 1);
        assert_int_equal(count_of(x, "issues", pred_cmp(&a, PRED_CONTAINS_FOLD, "description",
                                                        cell_text("TEXT OF"))), 1);
    }
    arena_release(&a);
    return rc;
}

static int create_again(struct tables_txn *x, struct err *err) {
    bool done;
    return insert_issue(x, "tt-1", 0, &done, err);
}

static int create_ignored(struct tables_txn *x, struct err *err) {
    bool done = true;
    int rc = insert_issue(x, "tt-1", TABLES_INSERT_IGNORE, &done, err);
    assert_false(done);
    return rc;
}

static int label_nothing(struct tables_txn *x, struct err *err) { return insert_label(x, "nope", "red", err); }

static int rename_it(struct tables_txn *x, struct err *err) {
    struct arena a = ARENA_INIT;
    const char *columns[] = {"id"};
    struct cell cells[] = {cell_text("tt-2")};
    uint64_t matched, changed;
    int rc = tables_update(x, "issues", pred_cmp(&a, PRED_EQ, "id", cell_text("tt-1")), columns, cells, 1,
                           &matched, &changed, err);
    if (rc == BD_OK) {
        assert_int_equal(matched, 1);
        assert_int_equal(changed, 1);
        assert_int_equal(count_of(x, "labels", pred_cmp(&a, PRED_EQ, "issue_id", cell_text("tt-2"))), 1);
    }
    arena_release(&a);
    return rc;
}

static int set_same(struct tables_txn *x, struct err *err) {
    struct arena a = ARENA_INIT;
    const char *columns[] = {"title"};
    struct cell cells[] = {cell_text("Fix login")};
    uint64_t matched = 9, changed = 9;
    int rc = tables_update(x, "issues", pred_cmp(&a, PRED_EQ, "id", cell_text("tt-2")), columns, cells, 1,
                           &matched, &changed, err);
    assert_int_equal(matched, 1);
    assert_int_equal(changed, 0);
    arena_release(&a);
    return rc;
}

static int no_target(struct tables_txn *x, struct err *err) {
    static const char *const columns[] = {"issue_id", "created_by"};
    struct cell cells[] = {cell_text("tt-2"), cell_text("me")};
    return tables_insert(x, "dependencies", columns, cells, 2, 0, NULL, err);
}

static int null_title(struct tables_txn *x, struct err *err) {
    static const char *const columns[] = {"id", "title", "description", "design", "acceptance_criteria",
                                          "notes"};
    struct cell cells[] = {cell_text("tt-9"), cell_null(),   cell_text(""),
                           cell_text(""),     cell_text(""), cell_text("")};
    return tables_insert(x, "issues", columns, cells, 6, 0, NULL, err);
}

static int delete_it(struct tables_txn *x, struct err *err) {
    struct arena a = ARENA_INIT;
    uint64_t n = 0;
    int rc = tables_delete(x, "issues", pred_cmp(&a, PRED_EQ, "id", cell_text("tt-2")), &n, err);
    assert_int_equal(n, 1);
    arena_release(&a);
    return rc;
}

static void writes_keep_indexes_keys_and_checks(void **state) {
    (void)state;
    char dir[512], path[600];
    if (!unpack("dolt-embedded-05", dir))
        skip();
    snprintf(path, sizeof path, "%s/dolt-embedded-05/.beads/embeddeddolt/beads", dir);
    struct tables *t = open_db(path);
    struct err err = ERR_INIT;
    struct hash commit, none = HASH_ZERO, before;
    check(tables_resolve(t, "HEAD", &before, &err), &err);
    check(commit_step(t, "bd: create tt-1", create_one, &commit, &err), &err);
    assert_false(hash_eq(&commit, &none));
    assert_int_equal(commit_step(t, "twice", create_again, &commit, &err), BD_CONSTRAINT);
    check(commit_step(t, "ignored", create_ignored, &commit, &err), &err);
    assert_true(hash_eq(&commit, &none));
    assert_int_equal(commit_step(t, "orphan", label_nothing, &commit, &err), BD_CONSTRAINT);
    assert_non_null(strstr(err.msg, "fk_labels_issue"));
    check(commit_step(t, "rename", rename_it, &commit, &err), &err);
    check(commit_step(t, "same", set_same, &commit, &err), &err);
    assert_true(hash_eq(&commit, &none));
    assert_int_equal(commit_step(t, "check", no_target, &commit, &err), BD_CONSTRAINT);
    assert_non_null(strstr(err.msg, "ck_dep_one_target"));
    assert_int_equal(commit_step(t, "null", null_title, &commit, &err), BD_CONSTRAINT);
    /* another connection sees all of it */
    struct tables *other = open_db(path);
    struct tables_txn *x = begin_read(other);
    struct arena a = ARENA_INIT;
    assert_string_equal(get_text(x, "issues", "tt-2", "title", &a), "Fix login");
    assert_int_equal(count_of(x, "labels", NULL), 1);
    check(commit_step(t, "delete", delete_it, &commit, &err), &err);
    assert_int_equal(count_of(x, "labels", NULL), 1); /* a snapshot stays as it was */
    tables_read_end(x);
    x = begin_read(other);
    assert_int_equal(count_of(x, "issues", NULL), 0);
    assert_int_equal(count_of(x, "labels", NULL), 0);
    tables_read_end(x);
    struct hash third;
    check(tables_resolve(other, "HEAD~3", &third, &err), &err);
    assert_true(hash_eq(&third, &before));
    arena_release(&a);
    tables_close(other);
    tables_close(t);
}

struct racer {
    const char *path;
    int runs;
};

static int race(struct tables_txn *x, void *ctx, struct err *err) {
    struct racer *r = ctx;
    if (r->runs++ == 0) { /* somebody else is faster */
        struct tables *other = open_db(r->path);
        struct err e = ERR_INIT;
        check(commit_step(other, "bd: create tt-1", create_one, NULL, &e), &e);
        tables_close(other);
    }
    bool done;
    return insert_issue(x, "tt-7", 0, &done, err);
}

static void a_lost_race_runs_again_on_the_new_root(void **state) {
    (void)state;
    char dir[512], path[600];
    if (!unpack("dolt-embedded-05", dir))
        skip();
    snprintf(path, sizeof path, "%s/dolt-embedded-05/.beads/embeddeddolt/beads", dir);
    struct tables *t = open_db(path);
    struct err err = ERR_INIT;
    struct racer r = {path, 0};
    struct tables_write w = {.mode = TABLES_COMMIT, .message = "bd: create tt-7"};
    check(tables_write(t, &w, race, &r, NULL, &err), &err);
    assert_int_equal(r.runs, 2);
    struct tables_txn *x = begin_read(t);
    assert_int_equal(count_of(x, "issues", NULL), 2);
    tables_read_end(x);
    tables_close(t);
}

static void a_new_database_has_one_commit(void **state) {
    (void)state;
    char path[600];
    snprintf(path, sizeof path, "%s/fresh", scratch);
    struct err err = ERR_INIT;
    struct tables_identity author = {"anna", "anna@example.invalid"};
    check(tables_create_embedded(path, "main", &author, &err), &err);
    assert_int_equal(tables_create_embedded(path, "main", &author, &err), BD_EXISTS);
    struct tables *t = open_db(path);
    struct arena a = ARENA_INIT;
    int commits = 0;
    check(tables_log(t, NULL, &a, count_commit, &commits, &err), &err);
    assert_int_equal(commits, 1);
    struct tables_txn *x = begin_read(t);
    const char **names;
    size_t n;
    check(tables_list(x, &a, &names, &n, &err), &err);
    assert_int_equal(n, 0);
    tables_read_end(x);
    struct tables_ref *refs;
    check(tables_refs(t, &a, &refs, &n, &err), &err);
    assert_int_equal(n, 1);
    assert_string_equal(refs[0].name, "main");
    arena_release(&a);
    tables_close(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_database_has_one_commit),
        cmocka_unit_test(reads_a_database_with_archives_tables_and_a_journal),
        cmocka_unit_test(a_bare_store_opens_read_only),
        cmocka_unit_test(writes_keep_indexes_keys_and_checks),
        cmocka_unit_test(a_lost_race_runs_again_on_the_new_root),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
