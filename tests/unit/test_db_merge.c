/*
 * Merges that real Dolt made (BD_SHARED golden data): the same merged root, table by table, conflicts
 * and violations included; then the merge of branches on a scratch database.
 */
#include "tests/unit/db_help.h"

#include "store/db/merge.h"
#include "store/db/merge_base.h"

#include <cjson/cJSON.h>

static cJSON *golden;

static bool load_golden(void) {
    if (!golden) {
        char path[512];
        char *text;
        size_t size;
        snprintf(path, sizeof path, "%s/data/golden/expected.json", shared_folder());
        if (os_read_file(path, 64u << 20, &text, &size))
            return false;
        golden = cJSON_ParseWithLength(text, size);
        free(text);
    }
    return golden != NULL;
}

static const char *text_at(const cJSON *c, const char *a, const char *b) {
    const cJSON *x = cJSON_GetObjectItemCaseSensitive(c, a);
    if (b)
        x = cJSON_GetObjectItemCaseSensitive(x, b);
    return cJSON_IsString(x) ? x->valuestring : NULL;
}

/* Left out: what these need is said beside them. */
static const struct {
    const char *name, *why;
} skipped[] = {
    {"merge-conflict-resolve-ours", "resolved after the merge"},
    {"merge-conflict-resolve-theirs", "resolved after the merge"},
    {"merge-json-dont-merge", "JSON merging switched off"},
    {"merge-squash", "the merge is made twice"},
};

static bool is_skipped(const char *name) {
    for (size_t i = 0; i < sizeof skipped / sizeof *skipped; i++)
        if (!strcmp(skipped[i].name, name))
            return true;
    return false;
}

static int array_sum(const cJSON *list, const char *key) {
    int sum = 0;
    const cJSON *i;
    cJSON_ArrayForEach(i, list) {
        const cJSON *n = cJSON_GetObjectItemCaseSensitive(i, key);
        sum += n ? n->valueint : 1;
    }
    return sum;
}

/* True when everything is as Dolt has it; prints what is not. */
static bool check_direction(const char *name, const cJSON *c, const char *result, const char *ours_ref,
                            const char *theirs_ref, struct embedded *e, struct chunk_store *cs) {
    struct err err = ERR_INIT;
    struct arena a = ARENA_INIT;
    struct node_store *ns = node_store_new(cs);
    struct hash ours, theirs, base, root = HASH_ZERO;
    struct commit co, ct, cb;
    const cJSON *expected = cJSON_GetObjectItemCaseSensitive(c, result);
    const char *want = text_at(expected, "root", NULL), *refused = text_at(expected, "error", NULL);
    char got[HASH_TEXT_SIZE + 1] = "";
    bool good = true;
    check(tables_resolve(&e->base, ours_ref, &ours, &err), &err);
    check(tables_resolve(&e->base, theirs_ref, &theirs, &err), &err);
    check(merge_base(ns, &ours, &theirs, &base, &err), &err);
    check(commit_read(ns, &ours, &a, &co, &err), &err);
    check(commit_read(ns, &theirs, &a, &ct, &err), &err);
    check(commit_read(ns, &base, &a, &cb, &err), &err);
    if (hash_eq(&base, &theirs)) {
        root = co.root;
    } else if (hash_eq(&base, &ours)) {
        root = ct.root;
    } else {
        struct merge m = {
            .e = e, .ns = ns, .base_commit = base, .their_commit = theirs, .a = &a, .err = &err};
        int rc = merge_roots(&m, &cb.root, &co.root, &ct.root, &root);
        int conflicts = (int)m.conflicts, violations = (int)m.violations;
        int want_conflicts =
            array_sum(cJSON_GetObjectItemCaseSensitive(expected, "conflicts"), "num_conflicts");
        int want_violations = array_sum(
            cJSON_GetObjectItemCaseSensitive(expected, "constraint_violations"), "num_violations");
        merge_release(&m);
        if (refused) {
            if (rc == BD_OK) {
                print_message("%s %s: merged, Dolt refuses: %s\n", name, result, refused);
                good = false;
            }
            want = NULL;
        } else if (rc) {
            print_message("%s %s: %s: %s\n", name, result, err_name(rc), err.msg);
            good = false;
            want = NULL;
        } else if (conflicts != want_conflicts || violations != want_violations) {
            print_message("%s %s: %d conflicts (Dolt: %d), %d violations (Dolt: %d)\n", name, result,
                          conflicts, want_conflicts, violations, want_violations);
            good = false;
        }
    }
    hash_format(&root, got);
    if (want && strcmp(got, want)) {
        print_message("%s %s: root %s, Dolt has %s\n", name, result, got, want);
        good = false;
        struct root_value rv;
        const cJSON *t;
        if (root_value_read(&rv, ns, &root, &err) == BD_OK) {
            cJSON_ArrayForEach(t, cJSON_GetObjectItemCaseSensitive(expected, "tables")) {
                struct hash h;
                char text[HASH_TEXT_SIZE + 1] = "none";
                if (root_value_table(&rv, t->string, &a, NULL, &h, &err) == BD_OK)
                    hash_format(&h, text);
                const char *th = cJSON_IsString(t) ? t->valuestring : text_at(t, "table", NULL);
                if (th && strcmp(th, text))
                    print_message("    table %s: %s, Dolt has %s\n", t->string, text, th);
            }
            hash_format(&rv.foreign_keys, got);
            const char *fk = text_at(expected, "foreign_keys", NULL);
            if (fk && strcmp(fk, got))
                print_message("    foreign keys: %s, Dolt has %s\n", got, fk);
        }
    }
    node_store_free(ns);
    arena_release(&a);
    return good;
}

static void golden_merges_give_the_same_roots(void **state) {
    (void)state;
    if (!load_golden())
        skip();
    const cJSON *c;
    const char *only = getenv("MERGE_CASE");
    int bad = 0, done = 0;
    cJSON_ArrayForEach(c, golden) {
        const char *name = text_at(c, "name", NULL), *kind = text_at(c, "kind", NULL);
        char dir[512], path[600], archive[128];
        if (!name || strstr(name, "2.1.11") || is_skipped(name) || (only && strcmp(only, name)))
            continue;
        if (strcmp(kind, "merge") && strncmp(name, "beads-merge-", 12))
            continue;
        snprintf(archive, sizeof archive, "golden/%s", name);
        if (!unpack(archive, dir))
            skip();
        snprintf(path, sizeof path, "%s/%s", dir, name);
        const char *database = text_at(c, "database", NULL);
        if (database)
            snprintf(path + strlen(path), sizeof path - strlen(path), "/%s", database);
        struct tables *t = open_db(path);
        snprintf(path + strlen(path), sizeof path - strlen(path), "/.dolt/noms");
        struct chunk_store *cs;
        struct err err = ERR_INIT;
        check(chunk_store_open(&cs, path, CHUNK_STORE_READ_ONLY, &err), &err);
        struct embedded *e = (struct embedded *)(void *)t;
        bad += !check_direction(name, c, "merged", "main", "other", e, cs);
        if (cJSON_GetObjectItemCaseSensitive(c, "merged_rev"))
            bad += !check_direction(name, c, "merged_rev", "other", "main", e, cs);
        done++;
        chunk_store_close(cs);
        tables_close(t);
        snprintf(path, sizeof path, "rm -rf '%s'", dir);
        if (system(path))
            fail();
    }
    print_message("%d merges compared\n", done);
    assert_int_equal(bad, 0);
}

/* ---- the driver's merge ---- */

struct pair {
    const char *table, *key, *value;
};

static int put_pair(struct tables_txn *x, void *ctx, struct err *err) {
    const struct pair *p = ctx;
    static const char *const columns[] = {"key", "value"};
    struct cell cells[] = {cell_text(p->key), cell_text(p->value)};
    return tables_insert(x, p->table, columns, cells, 2, TABLES_INSERT_REPLACE, NULL, err);
}

static void put(struct tables *t, enum tables_commit_mode mode, const char *table, const char *key,
                const char *value) {
    struct err err = ERR_INIT;
    struct pair p = {table, key, value};
    struct tables_write w = {.mode = mode, .message = "put"};
    check(tables_write(t, &w, put_pair, &p, NULL, &err), &err);
}

static void value_is(struct tables *t, const char *table, const char *key, const char *value) {
    struct tables_txn *x = begin_read(t);
    struct arena a = ARENA_INIT;
    assert_string_equal(get_text(x, table, key, "value", &a), value);
    arena_release(&a);
    tables_read_end(x);
}

static int theirs_wins(void *ctx, const struct tables_conflict *c, struct cell *merged, bool *removed,
                       struct arena *a) {
    (void)a;
    *removed = false;
    ++*(int *)ctx;
    assert_string_equal(c->table, "config");
    assert_non_null(c->ours);
    assert_non_null(c->theirs);
    for (size_t i = 0; i < c->schema->column_count; i++)
        if (c->clashing[i])
            merged[i] = c->theirs[i];
    return BD_OK;
}

static void branches_merge_and_keep_local_tables(void **state) {
    (void)state;
    char path[600];
    if (!unpack_database("dolt-embedded-05", path))
        skip();
    struct tables *t = open_db(path);
    struct err err = ERR_INIT;
    struct arena a = ARENA_INIT;
    struct tables_merge_result r;
    struct hash head, after;
    put(t, TABLES_COMMIT, "config", "shared", "base");
    check(tables_branch_create(t, "side", NULL, &err), &err);
    put(t, TABLES_WORKING, "local_metadata", "tip", "kept"); /* ignored: in no commit */
    check(tables_merge(t, "side", NULL, &a, &r, &err), &err);
    assert_true(r.up_to_date);
    assert_int_equal(tables_merge(t, "nowhere", NULL, &a, &r, &err), BD_NOT_FOUND);

    check(tables_checkout(t, "side", &err), &err);
    put(t, TABLES_COMMIT, "config", "theirs", "1");
    check(tables_checkout(t, "main", &err), &err);
    check(tables_merge(t, "side", NULL, &a, &r, &err), &err);
    assert_true(r.fast_forward);
    value_is(t, "config", "theirs", "1");
    value_is(t, "local_metadata", "tip", "kept");

    put(t, TABLES_COMMIT, "config", "ours", "2");
    check(tables_checkout(t, "side", &err), &err);
    put(t, TABLES_COMMIT, "config", "theirs", "3");
    check(tables_checkout(t, "main", &err), &err);
    check(tables_merge(t, "side", NULL, &a, &r, &err), &err);
    assert_false(r.fast_forward);
    assert_int_equal(r.conflicts, 0);
    check(tables_resolve(t, "HEAD^2", &after, &err), &err);
    check(tables_resolve(t, "side", &head, &err), &err);
    assert_true(hash_eq(&head, &after));
    value_is(t, "config", "ours", "2");
    value_is(t, "config", "theirs", "3");
    value_is(t, "local_metadata", "tip", "kept");

    /* both change one cell */
    check(tables_checkout(t, "side", &err), &err);
    put(t, TABLES_COMMIT, "config", "shared", "theirs");
    check(tables_checkout(t, "main", &err), &err);
    put(t, TABLES_COMMIT, "config", "shared", "ours");
    check(tables_resolve(t, NULL, &head, &err), &err);
    check(tables_merge(t, "side", NULL, &a, &r, &err), &err);
    assert_int_equal(r.conflicts, 1);
    assert_int_equal(r.conflict_table_count, 1);
    assert_string_equal(r.conflict_tables[0], "config");
    check(tables_resolve(t, NULL, &after, &err), &err);
    assert_true(hash_eq(&head, &after));
    value_is(t, "config", "shared", "ours");

    /* uncommitted changes in the way */
    put(t, TABLES_WORKING, "config", "dirty", "1");
    assert_int_equal(tables_merge(t, "side", NULL, &a, &r, &err), BD_CONFLICT);
    put(t, TABLES_COMMIT, "config", "dirty", "2");

    int asked = 0;
    struct tables_write w = {.message = "merge with a judge",
                             .author = {"anna", "anna@example.invalid"}};
    check(tables_merge_resolving(t, "side", &w, theirs_wins, &asked, &a, &r, &err), &err);
    assert_int_equal(asked, 1);
    assert_int_equal(r.conflicts, 0);
    value_is(t, "config", "shared", "theirs");
    value_is(t, "config", "dirty", "2");
    value_is(t, "local_metadata", "tip", "kept");
    arena_release(&a);
    tables_close(t);
}

static int teardown(void **state) {
    cJSON_Delete(golden);
    return scratch_teardown(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_merges_give_the_same_roots),
        cmocka_unit_test(branches_merge_and_keep_local_tables),
    };
    return cmocka_run_group_tests(tests, scratch_setup, teardown);
}
