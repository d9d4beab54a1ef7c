/*
 * Databases of the corpus through the `tables` interface: reading them, and writing to copies of them.
 */
#include "tests/unit/db_help.h"

#include "store/db/embedded.h"

static int count_commit(void *ctx, const struct tables_commit_info *c) {
    (void)c;
    ++*(int *)ctx;
    return BD_OK;
}

static void reads_a_database_with_archives_tables_and_a_journal(void **state) {
    (void)state;
    char path[600];
    if (!unpack_database("dolt-embedded-01", path))
        skip();
    struct tables *t = open_db(path);
    assert_string_equal(tables_branch(t), "main");
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    int commits = 0;
    uint64_t counted;
    check(tables_log(t, NULL, &a, count_commit, &commits, &err), &err);
    assert_int_equal(commits, 202);
    check(tables_log_count(t, NULL, &counted, &err), &err);
    assert_int_equal(counted, 202);
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

static int commit_step(struct tables *t, const char *message,
                       int (*fn)(struct tables_txn *, struct err *), struct hash *commit,
                       struct err *err) {
    struct step s = {fn};
    struct tables_write w = {.mode = TABLES_COMMIT, .message = message};
    return tables_write(t, &w, run_step, &s, commit, err);
}

static int insert_issue(struct tables_txn *x, const char *id, unsigned flags, bool *done,
                        struct err *err) {
    static const char *const columns[] = {
        "id", "title", "description", "design", "acceptance_criteria", "notes"};
    struct cell cells[] = {cell_text(id), cell_text("Fix login"), cell_text("text of it"),
                           cell_text(""), cell_text(""),          cell_text("")};
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
        assert_int_equal(
            count_of(x, "issues",
                     pred_cmp(&a, PRED_CONTAINS_FOLD, "description", cell_text("TEXT OF"))),
            1);
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

static int label_nothing(struct tables_txn *x, struct err *err) {
    return insert_label(x, "nope", "red", err);
}

static int rename_it(struct tables_txn *x, struct err *err) {
    struct arena a = ARENA_INIT;
    const char *columns[] = {"id"};
    struct cell cells[] = {cell_text("tt-2")};
    uint64_t matched, changed;
    int rc = tables_update(x, "issues", pred_cmp(&a, PRED_EQ, "id", cell_text("tt-1")), columns, cells,
                           1, &matched, &changed, err);
    if (rc == BD_OK) {
        assert_int_equal(matched, 1);
        assert_int_equal(changed, 1);
        assert_int_equal(count_of(x, "labels", pred_cmp(&a, PRED_EQ, "issue_id", cell_text("tt-2"))),
                         1);
    }
    arena_release(&a);
    return rc;
}

static int set_same(struct tables_txn *x, struct err *err) {
    struct arena a = ARENA_INIT;
    const char *columns[] = {"title"};
    struct cell cells[] = {cell_text("Fix login")};
    uint64_t matched = 9, changed = 9;
    int rc = tables_update(x, "issues", pred_cmp(&a, PRED_EQ, "id", cell_text("tt-2")), columns, cells,
                           1, &matched, &changed, err);
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
    static const char *const columns[] = {
        "id", "title", "description", "design", "acceptance_criteria", "notes"};
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
    char path[600];
    if (!unpack_database("dolt-embedded-05", path))
        skip();
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
    char path[600];
    if (!unpack_database("dolt-embedded-05", path))
        skip();
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

/* ---- orders with a limit ---- */

static int insert_many(struct tables_txn *x, void *ctx, struct err *err) {
    (void)ctx;
    static const char *const columns[] = {
        "id",    "title",    "description", "design",     "acceptance_criteria",
        "notes", "priority", "created_at",  "issue_type", "assignee"};
    int rc = BD_OK;
    for (unsigned i = 0; rc == BD_OK && i < 4000; i++) {
        char id[32], title[64];
        unsigned r = i * 2654435761u;
        snprintf(id, sizeof id, "tt-%05x", (r >> 7) & 0xfffff);
        snprintf(title, sizeof title, "number %u", i);
        struct cell cells[] = {cell_text(id),
                               cell_text(title),
                               cell_text(""),
                               cell_text(""),
                               cell_text(""),
                               cell_text(""),
                               cell_int(i % 97 == 0 ? 0 : 1 + r % 3),
                               cell_datetime(INT64_C(1700000000000000) + (int64_t)(r % 1000) * 1000000),
                               cell_text(r % 5 ? "task" : "bug"),
                               r % 3 ? cell_null() : cell_text("anna")};
        rc = tables_insert(x, "issues", columns, cells, 10, TABLES_INSERT_IGNORE, NULL, err);
    }
    return rc;
}

struct ids {
    char text[64][32];
    size_t count;
};

static int note_id(void *ctx, const struct cell *row) {
    struct ids *ids = ctx;
    if (ids->count < 64)
        snprintf(ids->text[ids->count], 32, "%.*s", (int)row[0].s.size, row[0].s.data);
    ids->count++;
    return BD_OK;
}

static void a_limit_gives_the_start_of_the_whole_order(void **state) {
    (void)state;
    char path[600];
    if (!unpack_database("dolt-embedded-05", path))
        skip();
    struct tables *t = open_db(path);
    struct err err = ERR_INIT;
    struct tables_write w = {.mode = TABLES_COMMIT, .message = "many"};
    check(tables_write(t, &w, insert_many, NULL, NULL, &err), &err);
    struct tables_txn *x = begin_read(t);
    struct arena a = ARENA_INIT;
    static const struct tables_order orders[][3] = {
        {{"priority", false}, {"created_at", true}, {"id", false}},
        {{"priority", true}, {"created_at", false}, {"id", true}},
        {{"created_at", true}, {NULL, false}, {NULL, false}},
        {{"created_at", false}, {"id", false}, {NULL, false}},
        {{"assignee", false}, {"created_at", true}, {NULL, false}},
        {{"assignee", true}, {"priority", false}, {"title", true}},
        {{"title", true}, {NULL, false}, {NULL, false}},
    };
    const struct pred *wheres[] = {NULL, pred_cmp(&a, PRED_EQ, "issue_type", cell_text("bug")),
                                   pred_cmp(&a, PRED_LIKE, "title", cell_text("number 1%")),
                                   pred_cmp(&a, PRED_EQ, "title", cell_text("number 77"))};
    static const char *const columns[] = {"id"};
    for (size_t o = 0; o < sizeof orders / sizeof *orders; o++) {
        for (size_t p = 0; p < sizeof wheres / sizeof *wheres; p++) {
            struct tables_query q = {
                .table = "issues", .columns = columns, .column_count = 1, .where = wheres[p]};
            struct ids all = {.count = 0}, some = {.count = 0};
            q.order = orders[o];
            while (q.order_count < 3 && orders[o][q.order_count].column)
                q.order_count++;
            check(tables_scan(x, &q, NULL, note_id, &all, &err), &err);
            q.limit = 40;
            q.offset = 5;
            check(tables_scan(x, &q, NULL, note_id, &some, &err), &err);
            size_t want = all.count > 45 ? 40 : all.count > 5 ? all.count - 5 : 0;
            assert_int_equal(some.count, want);
            for (size_t i = 0; i < some.count; i++)
                assert_string_equal(some.text[i], all.text[i + 5]);
        }
    }
    /* a prefix of the key is a range of it */
    uint64_t n = count_of(x, "issues", pred_cmp(&a, PRED_PREFIX, "id", cell_text("tt-3")));
    assert_int_equal(n, count_of(x, "issues", pred_cmp(&a, PRED_LIKE, "id", cell_text("tt-3%"))));
    assert_in_range(n, 100, 400);
    arena_release(&a);
    tables_read_end(x);
    tables_close(t);
}

static void a_newer_format_is_read_but_not_written(void **state) {
    (void)state;
    char path[600];
    snprintf(path, sizeof path, "%s/newer", scratch);
    struct err err = ERR_INIT;
    check(tables_create_embedded(path, "main", NULL, &err), &err);
    char noms[700];
    snprintf(noms, sizeof noms, "%s/.dolt/noms", path);
    struct chunk_store *cs;
    check(chunk_store_open(&cs, noms, 0, &err), &err);
    struct node_store *ns = node_store_new(cs);
    struct arena a = ARENA_INIT;
    struct hash root = chunk_store_root(cs), next;
    struct tree datasets;
    struct root_value rv;
    struct chunk c;
    check(root_value_empty(&rv, ns, &err), &err);
    check(root_value_write(&rv, &err), &err);
    check(node_store_read(ns, &rv.hash, &c, &err), &err);
    uint8_t *newer = mem_dup(c.data, c.size);
    size_t changed = 0;
    for (size_t i = 0; i + 8 <= c.size; i++) /* the only 64-bit 7 of the message */
        if (newer[i] == 7 && !memcmp(newer + i + 1, "\0\0\0\0\0\0\0", 7) && !changed++)
            newer[i] = 8;
    assert_int_equal(changed, 1);
    struct working_set ws = {.name = "a", .email = "b", .description = "c"};
    check(node_store_write(ns, newer, c.size, &ws.working, &err), &err);
    free(newer);
    ws.staged = ws.working;
    check(working_set_write(ns, &ws, &err), &err);
    check(store_root_open(&datasets, ns, &root, &err), &err);
    struct store_root_edit edit = {"workingSets/heads/main", ws.hash};
    check(store_root_edit(&datasets, &edit, 1, &next, &err), &err);
    struct chunk_write *chunks;
    size_t count;
    check(node_store_collect(ns, &next, &a, &chunks, &count, &err), &err);
    check(chunk_store_commit(cs, &root, chunks, count, &next, &err), &err);
    arena_release(&a);
    node_store_free(ns);
    chunk_store_close(cs);
    struct tables *t = open_db(path);
    tables_read_end(begin_read(t));
    struct hash commit;
    assert_int_equal(commit_step(t, "no", create_again, &commit, &err), BD_TOO_NEW);
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
    uint64_t counted;
    check(tables_log(t, NULL, &a, count_commit, &commits, &err), &err);
    assert_int_equal(commits, 1);
    check(tables_log_count(t, NULL, &counted, &err), &err);
    assert_int_equal(counted, 1);
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
        cmocka_unit_test(a_limit_gives_the_start_of_the_whole_order),
        cmocka_unit_test(a_newer_format_is_read_but_not_written),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
