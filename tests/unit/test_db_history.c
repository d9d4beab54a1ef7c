/*
 * History that real Dolt wrote (BD_SHARED golden data): log order, revision expressions, merge bases,
 * and commits made again from the stored fields. Then status, diff and branches on a scratch copy.
 */
#include "tests/unit/db_help.h"

#include "store/db/commit.h"
#include "store/db/merge_base.h"

#include <cjson/cJSON.h>
#include <openssl/sha.h>

static cJSON *golden;

static const cJSON *golden_case(const char *name) {
    if (!golden) {
        char path[512];
        char *text;
        size_t size;
        snprintf(path, sizeof path, "%s/data/golden/expected.json", shared_folder());
        if (os_read_file(path, 64u << 20, &text, &size))
            return NULL;
        golden = cJSON_ParseWithLength(text, size);
        free(text);
    }
    return cJSON_GetObjectItemCaseSensitive(golden, name);
}

struct log_lines {
    struct buf text;
    const cJSON *expected; /* array of hashes, or NULL */
    int n;
};

static int add_line(void *ctx, const struct tables_commit_info *c) {
    struct log_lines *l = ctx;
    char h[HASH_TEXT_SIZE + 1];
    hash_format(&c->hash, h);
    buf_addf(&l->text, "%s\n", h);
    if (l->expected)
        assert_string_equal(h, cJSON_GetArrayItem(l->expected, l->n)->valuestring);
    l->n++;
    return BD_OK;
}

static void check_log_hash(struct tables *t, const cJSON *c) {
    const cJSON *sha = cJSON_GetObjectItemCaseSensitive(c, "log_sha256");
    if (!sha)
        return;
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct log_lines l = {BUF_INIT, NULL, 0};
    check(tables_log(t, NULL, &a, add_line, &l, &err), &err);
    unsigned char digest[32];
    char text[65];
    SHA256((const unsigned char *)l.text.data, l.text.size, digest);
    for (int i = 0; i < 32; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    assert_string_equal(text, sha->valuestring);
    buf_release(&l.text);
    arena_release(&a);
}

static void check_log_order(struct tables *t, const cJSON *c) {
    const cJSON *orders = cJSON_GetObjectItemCaseSensitive(c, "log_order"), *order;
    cJSON_ArrayForEach(order, orders) {
        struct arena a = ARENA_INIT;
        struct err err = ERR_INIT;
        struct log_lines l = {BUF_INIT, order, 0};
        uint64_t count;
        check(tables_log(t, order->string, &a, add_line, &l, &err), &err);
        assert_int_equal(l.n, cJSON_GetArraySize(order));
        check(tables_log_count(t, order->string, &count, &err), &err);
        assert_int_equal(count, l.n);
        buf_release(&l.text);
        arena_release(&a);
    }
}

static void check_resolve(struct tables *t, const cJSON *c) {
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(c, "resolve"), *item;
    cJSON_ArrayForEach(item, list) {
        struct err err = ERR_INIT;
        struct hash h;
        int rc = tables_resolve(t, item->string, &h, &err);
        if (!cJSON_IsString(item) || strlen(item->valuestring) != HASH_TEXT_SIZE) {
            assert_int_not_equal(rc, BD_OK);
            continue;
        }
        check(rc, &err);
        char text[HASH_TEXT_SIZE + 1];
        hash_format(&h, text);
        assert_string_equal(text, item->valuestring);
    }
}

static void check_merge_bases(struct tables *t, struct node_store *ns, const cJSON *c) {
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(c, "merge_base"), *item;
    cJSON_ArrayForEach(item, list) {
        char names[256];
        struct err err = ERR_INIT;
        struct hash x, y, base;
        if (!cJSON_IsString(item))
            continue;
        snprintf(names, sizeof names, "%s", item->string);
        char *space = strchr(names, ' ');
        *space = 0;
        check(tables_resolve(t, names, &x, &err), &err);
        check(tables_resolve(t, space + 1, &y, &err), &err);
        check(merge_base(ns, &x, &y, &base, &err), &err);
        char text[HASH_TEXT_SIZE + 1];
        hash_format(&base, text);
        assert_string_equal(text, item->valuestring);
    }
}

/* The same fields again give the same commit, closure included. */
static void check_commit_again(struct node_store *ns, const char *text) {
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct hash h;
    struct commit c;
    assert_true(hash_parse(text, strlen(text), &h));
    check(commit_read(ns, &h, &a, &c, &err), &err);
    c.hash = c.closure = HASH_ZERO;
    c.height = 0;
    check(commit_create(ns, &c, &err), &err);
    assert_true(hash_eq(&c.hash, &h));
    arena_release(&a);
}

static void check_history(const char *name) {
    char dir[512], path[600], archive[64];
    const cJSON *c = golden_case(name);
    snprintf(archive, sizeof archive, "golden/%s", name);
    if (!c || !unpack(archive, dir))
        skip();
    snprintf(path, sizeof path, "%s/%s", dir, name);
    struct tables *t = open_db(path);
    snprintf(path, sizeof path, "%s/%s/.dolt/noms", dir, name);
    struct chunk_store *cs;
    struct err err = ERR_INIT;
    check(chunk_store_open(&cs, path, CHUNK_STORE_READ_ONLY, &err), &err);
    struct node_store *ns = node_store_new(cs);
    check_log_hash(t, c);
    check_log_order(t, c);
    check_resolve(t, c);
    check_merge_bases(t, ns, c);
    const cJSON *m, *merges = cJSON_GetObjectItemCaseSensitive(c, "merges");
    cJSON_ArrayForEach(m, merges) {
        check_commit_again(ns, cJSON_GetObjectItemCaseSensitive(m, "commit")->valuestring);
    }
    node_store_free(ns);
    chunk_store_close(cs);
    tables_close(t);
}

static void history_big_merge(void **state) {
    (void)state;
    check_history("history-big-merge");
}
static void history_closure_weights(void **state) {
    (void)state;
    check_history("history-closure-weights");
}
static void history_criss_cross(void **state) {
    (void)state;
    check_history("history-criss-cross");
}
static void history_linear_journal(void **state) {
    (void)state;
    check_history("history-linear-journal");
}
static void history_log_order(void **state) {
    (void)state;
    check_history("history-log-order");
}
static void history_ops(void **state) {
    (void)state;
    check_history("history-ops");
}

/* ---- status, diff, branches ---- */

static int set_config(struct tables_txn *x, const char *key, const char *value, struct err *err) {
    static const char *const columns[] = {"key", "value"};
    struct cell cells[] = {cell_text(key), cell_text(value)};
    return tables_insert(x, "config", columns, cells, 2, TABLES_INSERT_REPLACE, NULL, err);
}

static int change_things(struct tables_txn *x, void *ctx, struct err *err) {
    (void)ctx;
    static const char *const columns[] = {"key", "value"};
    struct cell cells[] = {cell_text("tip"), cell_text("1")};
    struct arena a = ARENA_INIT;
    int rc = set_config(x, "new-key", "new value", err);
    if (rc == BD_OK)
        rc = set_config(x, "auto_compact_enabled", "true", err);
    if (rc == BD_OK)
        rc = tables_delete(x, "config", pred_cmp(&a, PRED_EQ, "key", cell_text("compact_batch_size")),
                           NULL, err);
    if (rc == BD_OK) /* an ignored table */
        rc = tables_insert(x, "local_metadata", columns, cells, 2, TABLES_INSERT_REPLACE, NULL, err);
    arena_release(&a);
    return rc;
}

struct seen_diff {
    char text[512];
};

static int note_diff(void *ctx, const struct tables_diff_row *d) {
    struct seen_diff *s = ctx;
    const struct cell *key = d->to ? &d->to[0] : &d->from[0];
    size_t n = strlen(s->text);
    snprintf(s->text + n, sizeof s->text - n, "%s%c%.*s ", d->table, "+-*"[d->change],
             (int)key -> s.size, key->s.data);
    return BD_OK;
}

static struct tables *working_copy(char path[600]) {
    return unpack_database("dolt-embedded-05", path) ? open_db(path) : NULL;
}

static void status_and_diff_tell_uncommitted_changes(void **state) {
    (void)state;
    char path[600];
    struct tables *t = working_copy(path);
    if (!t)
        skip();
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct tables_status *list;
    size_t n;
    check(tables_status(t, &a, &list, &n, &err), &err);
    for (size_t i = 0; i < n; i++)
        assert_true(list[i].ignored);
    struct tables_write w = {.mode = TABLES_WORKING};
    struct hash commit;
    check(tables_write(t, &w, change_things, NULL, &commit, &err), &err);
    assert_true(hash_is_zero(&commit));
    check(tables_status(t, &a, &list, &n, &err), &err);
    size_t dirty = 0;
    for (size_t i = 0; i < n; i++) {
        if (list[i].ignored)
            continue;
        dirty++;
        assert_string_equal(list[i].table, "config");
        assert_int_equal(list[i].change, TABLES_STATUS_MODIFIED);
        assert_false(list[i].staged);
    }
    assert_int_equal(dirty, 1);
    struct seen_diff seen = {""};
    check(tables_diff(t, NULL, NULL, NULL, &a, note_diff, &seen, &err), &err);
    assert_string_equal(seen.text,
                        "config*auto_compact_enabled config-compact_batch_size config+new-key ");
    seen.text[0] = 0;
    check(tables_diff(t, "HEAD", "HEAD", NULL, &a, note_diff, &seen, &err), &err);
    assert_string_equal(seen.text, "");
    arena_release(&a);
    tables_close(t);
}

static int count_version(void *ctx, const struct tables_commit_info *c, const struct schema *s,
                         const struct cell *row) {
    (void)c;
    (void)s;
    struct seen_diff *seen = ctx;
    size_t n = strlen(seen->text);
    if (row)
        snprintf(seen->text + n, sizeof seen->text - n, "%.*s ", (int)row[1].s.size, row[1].s.data);
    else
        snprintf(seen->text + n, sizeof seen->text - n, "gone ");
    return BD_OK;
}

struct value {
    const char *text;
};

static int set_value(struct tables_txn *x, void *ctx, struct err *err) {
    const struct value *v = ctx;
    struct arena a = ARENA_INIT;
    int rc = v->text
                 ? set_config(x, "k", v->text, err)
                 : tables_delete(x, "config", pred_cmp(&a, PRED_EQ, "key", cell_text("k")), NULL, err);
    arena_release(&a);
    return rc;
}

static void commit_value(struct tables *t, const char *text) {
    struct err err = ERR_INIT;
    struct value v = {text};
    struct tables_write w = {.mode = TABLES_COMMIT, .message = text ? text : "remove"};
    check(tables_write(t, &w, set_value, &v, NULL, &err), &err);
}

static void row_history_tells_versions_newest_first(void **state) {
    (void)state;
    char path[600];
    struct tables *t = working_copy(path);
    if (!t)
        skip();
    commit_value(t, "one");
    commit_value(t, "two");
    commit_value(t, NULL);
    commit_value(t, "three");
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct seen_diff seen = {""};
    struct cell key = cell_text("k");
    check(tables_row_history(t, "config", &key, 1, &a, count_version, &seen, &err), &err);
    assert_string_equal(seen.text, "three gone two one ");
    arena_release(&a);
    tables_close(t);
}

static void branches_have_their_own_state(void **state) {
    (void)state;
    char path[600];
    struct tables *t = working_copy(path);
    if (!t)
        skip();
    struct err err = ERR_INIT;
    struct arena a = ARENA_INIT;
    assert_int_equal(tables_branch_create(t, "a..b", NULL, &err), BD_INVALID);
    check(tables_branch_create(t, "side", "HEAD~1", &err), &err);
    assert_int_equal(tables_branch_create(t, "side", NULL, &err), BD_EXISTS);
    check(tables_branch_create(t, "work/x", NULL, &err), &err);
    assert_int_equal(tables_checkout(t, "none", &err), BD_NOT_FOUND);
    check(tables_checkout(t, "work/x", &err), &err);
    commit_value(t, "there");
    struct tables_txn *x = begin_read(t);
    assert_string_equal(get_text(x, "config", "k", "value", &a), "there");
    tables_read_end(x);
    check(tables_checkout(t, "main", &err), &err);
    x = begin_read(t);
    assert_int_equal(count_of(x, "config", pred_cmp(&a, PRED_EQ, "key", cell_text("k"))), 0);
    tables_read_end(x);
    assert_int_equal(tables_branch_delete(t, "main", false, &err), BD_INVALID);
    check(tables_branch_delete(t, "side", false, &err), &err);
    check(tables_branch_delete(t, "work/x", false, &err), &err);
    struct tables_ref *refs;
    size_t n;
    check(tables_refs(t, &a, &refs, &n, &err), &err);
    assert_int_equal(n, 1);
    arena_release(&a);
    tables_close(t);
}

static int teardown(void **state) {
    cJSON_Delete(golden);
    return scratch_teardown(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(history_big_merge),
        cmocka_unit_test(history_closure_weights),
        cmocka_unit_test(history_criss_cross),
        cmocka_unit_test(history_linear_journal),
        cmocka_unit_test(history_log_order),
        cmocka_unit_test(history_ops),
        cmocka_unit_test(status_and_diff_tell_uncommitted_changes),
        cmocka_unit_test(row_history_tells_versions_newest_first),
        cmocka_unit_test(branches_have_their_own_state),
    };
    return cmocka_run_group_tests(tests, scratch_setup, teardown);
}
