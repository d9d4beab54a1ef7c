/*
 * Trees: root addresses that Dolt computed, and the laws that hold for any content: the way to a
 * content does not matter, reading gives back what was put in.
 */
#include "tests/unit/prolly_help.h"

static struct tree build_ints(struct node_store *ns, size_t count, uint32_t step) {
    struct tree_builder *b = tree_builder_new(ns, &int_rows);
    struct tree t;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t key[6], value[6];
        CHECK(tree_builder_add(b, int_tuple(key, i * step),
                               int_tuple(value, i * step + (uint32_t)count), &help_err));
    }
    CHECK(tree_builder_finish(b, &t, &help_err));
    tree_builder_free(b);
    return t;
}

static void ascending_numbers_have_dolts_root(void **state) {
    (void)state;
    struct node_store *ns = node_store_new(NULL);
    struct tree t = build_ints(ns, 12345, 1);
    struct hash root = tree_root_hash(&t);
    uint8_t expected[HASH_SIZE];
    from_hex("33ba6a18cbcba7414adb1e3dbf3f1eea7d47696c", expected);
    assert_memory_equal(root.b, expected, HASH_SIZE);
    assert_int_equal(tree_count(&t), 12345);
    node_store_free(ns);
}

static size_t two_addresses(const void *ctx, struct bytes v, uint16_t *offsets, size_t max) {
    (void)ctx, (void)v, (void)max;
    offsets[0] = 20;
    offsets[1] = 0;
    return 2;
}

static void leaf_with_out_of_line_values_has_dolts_root(void **state) {
    (void)state;
    struct node_store *ns = node_store_new(NULL);
    struct tree_type type = int_rows;
    type.addresses = two_addresses;
    struct tree_builder *b = tree_builder_new(ns, &type);
    const char *const text[] = {"0isi5776c0lu0d7rvsnfl80gsdisilsa", "8scr7d6rtnafqovoa7d06em7jkpil9gg"};
    const char *const json[] = {"e6sucun84ck3bgc1p9lorkibp30mvd2f", "8arugs9qup4pvpmqbf64lpkm9f6cdv74"};
    for (uint32_t i = 0; i < 2; i++) {
        uint8_t key[6], value[44];
        struct hash t = parse_hash(text[i]), j = parse_hash(json[i]);
        memcpy(value, t.b, HASH_SIZE);
        memcpy(value + 20, j.b, HASH_SIZE);
        put_le(value + 40, 20, 2);
        put_le(value + 42, 2, 2);
        CHECK(tree_builder_add(b, int_tuple(key, i), (struct bytes){value, 44}, &help_err));
    }
    struct tree t;
    CHECK(tree_builder_finish(b, &t, &help_err));
    tree_builder_free(b);
    assert_hash_text(tree_root_hash(&t), "9heeqrj6idph7snnko484sqnobu2r46i");
    node_store_free(ns);
}

static struct bytes pair_key(uint8_t out[12], uint32_t a, uint32_t b) {
    put_le(out, a, 4);
    put_le(out + 4, b, 4);
    put_le(out + 8, 4, 2);
    put_le(out + 10, 2, 2);
    return (struct bytes){out, 12};
}

static void index_leaf_has_dolts_root(void **state) {
    (void)state;
    struct node_store *ns = node_store_new(NULL);
    static const uint32_t keys[3][2] = {{3, 2}, {19, 1}, {35, 0}};
    struct tree_builder *b = tree_builder_new(ns, &int_rows);
    for (int i = 0; i < 3; i++) {
        uint8_t key[12];
        CHECK(tree_builder_add(b, pair_key(key, keys[i][0], keys[i][1]), (struct bytes){empty_tuple, 2},
                               &help_err));
    }
    struct tree t;
    CHECK(tree_builder_finish(b, &t, &help_err));
    tree_builder_free(b);
    assert_hash_text(tree_root_hash(&t), "9afhmiubuqjviu4qocn15tqlgigea26l");
    node_store_free(ns);
}

static int compare_u32(const void *x, const void *y) {
    uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;
    return (a > b) - (a < b);
}

/* Statement after statement, as Dolt's own test does it: each one is a batch of edits. */
static void edited_maps_have_dolts_roots(void **state) {
    (void)state;
    struct node_store *ns = node_store_new(NULL);
    struct tree t;
    CHECK(tree_empty(&t, ns, &int_rows, &help_err));
    static uint32_t set[70000], next[70000];
    static uint8_t keys[70000][6];
    static struct tree_edit edits[70000];
    size_t n = 1;
    set[0] = 1;
    edits[0] = (struct tree_edit){int_tuple(keys[0], 1), {empty_tuple, 2}, false};
    CHECK(tree_apply(&t, edits, 1, &t, &help_err));
    for (uint32_t i = 1; i <= 10; i++) {
        for (size_t j = 0; j < n; j++)
            next[j] = 2 * set[j] + i;
        for (size_t j = 0; j < n; j++)
            edits[j] = (struct tree_edit){int_tuple(keys[j], next[j]), {empty_tuple, 2}, false};
        CHECK(tree_apply(&t, edits, n, &t, &help_err)); /* those already there change nothing */
        memcpy(set + n, next, n * sizeof *set);
        n *= 2;
        qsort(set, n, sizeof *set, compare_u32);
        size_t unique = 1;
        for (size_t j = 1; j < n; j++) {
            if (set[j] != set[unique - 1])
                set[unique++] = set[j];
        }
        n = unique;
    }
    assert_int_equal(tree_count(&t), n);
    assert_hash_text(tree_root_hash(&t), "r9g8a8r570drje8lbnn72jftu49gkq9t");
    node_store_free(ns);
}

/* --- laws --- */

struct model {
    uint32_t value[4000]; /* 0: absent */
};

static struct bytes model_value(uint8_t out[64], uint32_t v) {
    size_t size = v % 40;
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(v >> (i % 4 * 8));
    put_le(out + size, v, 4);
    put_le(out + size + 4, 1, 2);
    return (struct bytes){out, size + 6};
}

static struct tree build_model(struct node_store *ns, const struct model *m) {
    struct tree_builder *b = tree_builder_new(ns, &int_rows);
    struct tree t;
    for (uint32_t i = 0; i < 4000; i++) {
        uint8_t key[6], value[64];
        if (m->value[i])
            CHECK(tree_builder_add(b, int_tuple(key, i), model_value(value, m->value[i]), &help_err));
    }
    CHECK(tree_builder_finish(b, &t, &help_err));
    tree_builder_free(b);
    return t;
}

static void edits_give_the_tree_that_building_gives(void **state) {
    (void)state;
    uint64_t seed = 7;
    struct node_store *ns = node_store_new(NULL);
    static struct model m;
    memset(&m, 0, sizeof m);
    struct tree t;
    CHECK(tree_empty(&t, ns, &int_rows, &help_err));
    for (int round = 0; round < 400; round++) {
        static struct tree_edit edits[4000];
        static uint8_t keys[4000][6], values[4000][64];
        size_t n = 0;
        /* Few scattered edits, runs of edits, now and then a sweep over everything. */
        uint32_t every = round % 50 == 49 ? 2 : round % 3 == 0 ? 1500 : 300;
        uint32_t from = (uint32_t)(splitmix(&seed) % 4000);
        uint32_t run = round % 3 == 2 ? from + (uint32_t)(splitmix(&seed) % 200) : 4000;
        for (uint32_t i = run < 4000 ? from : 0; i < 4000 && i < run; i++) {
            if (run == 4000 && splitmix(&seed) % every)
                continue;
            uint32_t what = (uint32_t)(splitmix(&seed) % (round > 300 ? 3 : 6));
            bool remove = what < 2;
            uint32_t v = what == 5 && m.value[i] ? m.value[i] : (uint32_t)splitmix(&seed) | 1;
            edits[n] = (struct tree_edit){int_tuple(keys[n], i), model_value(values[n], v), remove};
            m.value[i] = remove ? 0 : v;
            n++;
        }
        CHECK(tree_apply(&t, edits, n, &t, &help_err));
        struct tree fresh = build_model(ns, &m);
        struct hash a = tree_root_hash(&t), b = tree_root_hash(&fresh);
        if (!hash_eq(&a, &b))
            fail_msg("round %d: the edited tree is not the built one", round);
    }
    node_store_free(ns);
}

static void deleting_everything_gives_the_empty_tree(void **state) {
    (void)state;
    struct node_store *ns = node_store_new(NULL);
    struct tree t = build_ints(ns, 3000, 1), empty;
    static struct tree_edit edits[3000];
    static uint8_t keys[3000][6];
    for (uint32_t i = 0; i < 3000; i++)
        edits[i] = (struct tree_edit){int_tuple(keys[i], i), {NULL, 0}, true};
    CHECK(tree_apply(&t, edits, 3000, &t, &help_err));
    CHECK(tree_empty(&empty, ns, &int_rows, &help_err));
    struct hash a = tree_root_hash(&t), b = tree_root_hash(&empty);
    assert_true(hash_eq(&a, &b));
    node_store_free(ns);
}

static void edits_must_be_sorted(void **state) {
    (void)state;
    struct node_store *ns = node_store_new(NULL);
    struct tree t = build_ints(ns, 10, 1);
    uint8_t a[6], b[6];
    struct tree_edit edits[2] = {{int_tuple(a, 30), {empty_tuple, 2}, false},
                                 {int_tuple(b, 20), {empty_tuple, 2}, false}};
    assert_int_equal(tree_apply(&t, edits, 2, &t, &help_err), BD_INVALID);
    assert_int_equal(tree_count(&t), 10);
    node_store_free(ns);
}

static enum tree_insertion add_int(struct tree_inserter *n, uint32_t number) {
    uint8_t key[6], value[6];
    enum tree_insertion what;
    CHECK(tree_inserter_add(n, int_tuple(key, number), int_tuple(value, number + 3000), &what,
                            &help_err));
    return what;
}

static void insertions_as_they_come_give_the_same_tree(void **state) {
    (void)state;
    enum { COUNT = 3000 };
    struct node_store *ns = node_store_new(NULL);
    struct tree all = build_ints(ns, COUNT, 1), empty, some, t;
    CHECK(tree_empty(&empty, ns, &int_rows, &help_err));
    for (uint32_t step = 1; step < 40; step += 19) { /* every step-th number is there before */
        struct tree_inserter *n = tree_inserter_new(&empty);
        for (uint32_t i = 0; step > 1 && i < COUNT; i += step)
            assert_int_equal(add_int(n, i), TREE_INSERTED);
        CHECK(tree_inserter_finish(n, &some, &help_err));
        tree_inserter_free(n);
        n = tree_inserter_new(&some);
        for (uint32_t i = 0; i < COUNT; i++) {
            bool there = step > 1 && i % step == 0;
            assert_int_equal(add_int(n, i), there ? TREE_EXISTS : TREE_INSERTED);
            assert_int_equal(add_int(n, i), TREE_EXISTS);
            assert_int_equal(add_int(n, i / 2), i ? TREE_BEHIND : TREE_EXISTS);
        }
        CHECK(tree_inserter_finish(n, &t, &help_err));
        tree_inserter_free(n);
        struct hash is = tree_root_hash(&t), expected = tree_root_hash(&all);
        assert_memory_equal(is.b, expected.b, HASH_SIZE);
    }
    node_store_free(ns);
}

static void too_large_rows_are_refused(void **state) {
    (void)state;
    struct node_store *ns = node_store_new(NULL);
    struct tree t = build_ints(ns, 10, 1);
    static uint8_t large[65536];
    uint8_t a[6];
    struct tree_edit edit = {int_tuple(a, 30), {large, sizeof large}, false};
    assert_int_equal(tree_apply(&t, &edit, 1, &t, &help_err), BD_INVALID);
    edit.value.size = 65529; /* with the key one whole node */
    CHECK(tree_apply(&t, &edit, 1, &t, &help_err));
    struct bytes value;
    CHECK(tree_get(&t, edit.key, &value, &help_err));
    assert_int_equal(value.size, 65529);
    node_store_free(ns);
}

/* --- reading --- */

static void lookup_finds_what_is_there_and_nothing_else(void **state) {
    (void)state;
    struct node_store *ns = node_store_new(NULL);
    struct tree t = build_ints(ns, 20000, 2);
    for (uint32_t i = 0; i < 40010; i += 3) {
        uint8_t key[6];
        struct bytes value;
        int rc = tree_get(&t, int_tuple(key, i), &value, &help_err);
        if (i % 2 || i >= 40000) {
            assert_int_equal(rc, BD_NOT_FOUND);
        } else {
            assert_int_equal(rc, BD_OK);
            uint32_t v;
            memcpy(&v, value.data, 4);
            assert_int_equal(v, i + 20000);
        }
    }
    node_store_free(ns);
}

static uint32_t cursor_int(const struct tree_cursor *c) {
    uint32_t v;
    assert_true(c->valid);
    memcpy(&v, tree_cursor_key(c).data, 4);
    return v;
}

static bool below(void *ctx, struct bytes key) {
    uint32_t v;
    memcpy(&v, key.data, 4);
    return v < *(uint32_t *)ctx;
}

static void cursors_go_everywhere(void **state) {
    (void)state;
    struct node_store *ns = node_store_new(NULL);
    struct tree t = build_ints(ns, 20000, 2);
    struct tree_cursor c;
    uint32_t n = 0;
    CHECK(tree_cursor_first(&c, &t, &help_err));
    for (; c.valid; n++) {
        assert_int_equal(cursor_int(&c), 2 * n);
        if (n % 997 == 0)
            assert_int_equal(tree_cursor_rank(&c), n);
        CHECK(tree_cursor_next(&c, &help_err));
    }
    assert_int_equal(n, 20000);
    assert_int_equal(tree_cursor_rank(&c), 20000);
    CHECK(tree_cursor_last(&c, &t, &help_err));
    for (; c.valid; n--) {
        assert_int_equal(cursor_int(&c), 2 * (n - 1));
        CHECK(tree_cursor_prev(&c, &help_err));
    }
    assert_int_equal(n, 0);
    for (uint32_t i = 0; i < 40000; i += 119) {
        uint8_t key[6];
        struct tree_cursor d;
        CHECK(tree_cursor_seek(&c, &t, int_tuple(key, i), &help_err));
        CHECK(tree_cursor_seek_fn(&d, &t, below, &i, &help_err));
        if (i > 39998) {
            assert_false(c.valid);
            assert_false(d.valid);
            continue;
        }
        assert_int_equal(cursor_int(&c), (i + 1) / 2 * 2);
        assert_int_equal(cursor_int(&d), (i + 1) / 2 * 2);
        CHECK(tree_cursor_seek_rank(&c, &t, i / 2, &help_err));
        assert_int_equal(cursor_int(&c), i / 2 * 2);
    }
    CHECK(tree_cursor_seek_rank(&c, &t, 20000, &help_err));
    assert_false(c.valid);
    struct tree empty;
    CHECK(tree_empty(&empty, ns, &int_rows, &help_err));
    CHECK(tree_cursor_first(&c, &empty, &help_err));
    assert_false(c.valid);
    CHECK(tree_cursor_last(&c, &empty, &help_err));
    assert_false(c.valid);
    CHECK(tree_cursor_next(&c, &help_err));
    CHECK(tree_cursor_prev(&c, &help_err));
    tree_cursor_release(&c);
    node_store_free(ns);
}

static void address_maps_are_edited_by_name(void **state) {
    (void)state;
    struct node_store *ns = node_store_new(NULL);
    struct tree t;
    CHECK(tree_empty(&t, ns, &tree_type_addresses, &help_err));
    char names[500][24];
    struct address_edit edits[500];
    for (int i = 0; i < 500; i++) {
        snprintf(names[i], sizeof names[i], "table_%03d", (i * 271) % 500);
        edits[i] = (struct address_edit){names[i], hash_of(names[i], strlen(names[i]))};
    }
    CHECK(address_map_apply(&t, edits, 500, &t, &help_err));
    assert_int_equal(tree_count(&t), 500);
    struct hash h, expected = hash_of("table_123", 9);
    CHECK(address_map_get(&t, "table_123", &h, &help_err));
    assert_true(hash_eq(&h, &expected));
    CHECK(address_map_set(&t, "table_123", NULL, &t, &help_err));
    assert_int_equal(address_map_get(&t, "table_123", &h, &help_err), BD_NOT_FOUND);
    assert_int_equal(tree_count(&t), 499);
    node_store_free(ns);
}

/* --- closures --- */

static bool in_closure(const struct tree *t, uint64_t height, const struct hash *commit) {
    uint8_t key[TREE_CLOSURE_KEY_SIZE];
    struct bytes value;
    closure_key(height, commit, key);
    return tree_get(t, (struct bytes){key, sizeof key}, &value, &help_err) == BD_OK;
}

static struct hash numbered_commit(uint64_t n) { return hash_of(&n, sizeof n); }

/* Two branches of different length over a common trunk, and their merge. */
static void closures_hold_every_ancestor_once(void **state) {
    (void)state;
    struct node_store *ns = node_store_new(NULL);
    struct closure_parent tip[2];
    struct tree t;
    memset(tip, 0, sizeof tip);
    for (uint64_t side = 0; side < 2; side++) {
        struct closure_parent p = {numbered_commit(1), 1, HASH_ZERO};
        for (uint64_t n = 2; n <= 400 + 100 * side; n++) {
            CHECK(closure_build(ns, &p, 1, &t, &help_err));
            CHECK(tree_write_root(&t, &p.closure, &help_err));
            p.height = n;
            p.commit = numbered_commit(n <= 300 ? n : 1000 * (side + 1) + n);
        }
        tip[side] = p;
    }
    CHECK(closure_build(ns, tip, 2, &t, &help_err));
    assert_int_equal(tree_count(&t), 300 + 100 + 200);
    struct hash trunk = numbered_commit(300), left = numbered_commit(1400),
                right = numbered_commit(2500);
    assert_true(in_closure(&t, 300, &trunk));
    assert_true(in_closure(&t, 400, &left));
    assert_true(in_closure(&t, 500, &right));
    struct tree_cursor c;
    CHECK(tree_cursor_last(&c, &t, &help_err));
    assert_int_equal(closure_key_height(tree_cursor_key(&c)), 500);
    CHECK(closure_build(ns, NULL, 0, &t, &help_err));
    assert_int_equal(tree_count(&t), 0);
    node_store_free(ns);
}

/* --- the overlay --- */

static void collection_lists_children_before_parents_once(void **state) {
    (void)state;
    struct node_store *ns = node_store_new(NULL);
    struct tree t = build_ints(ns, 20000, 1), other = build_ints(ns, 100, 1);
    struct hash root, unused;
    CHECK(tree_write_root(&t, &root, &help_err));
    CHECK(tree_write_root(&other, &unused, &help_err));
    struct arena a = ARENA_INIT;
    struct chunk_write *list;
    size_t count;
    CHECK(node_store_collect(ns, &root, &a, &list, &count, &help_err));
    assert_true(count > 50);
    assert_true(hash_eq(&list[count - 1].hash, &root));
    for (size_t i = 0; i < count; i++) {
        assert_false(hash_eq(&list[i].hash, &unused));
        struct hash h = hash_of(list[i].data, list[i].size);
        assert_true(hash_eq(&h, &list[i].hash));
        for (size_t j = 0; j < i; j++)
            assert_false(hash_eq(&list[i].hash, &list[j].hash));
    }
    arena_release(&a);
    node_store_reset(ns);
    struct chunk c;
    assert_int_equal(node_store_read(ns, &root, &c, &help_err), BD_NOT_FOUND);
    node_store_free(ns);
}

/* Every single-byte change of a node: an answer or an error code, and no access outside. */
static void damaged_nodes_give_codes(void **state) {
    (void)state;
    struct node_store *ns = node_store_new(NULL);
    struct tree t = build_ints(ns, 4000, 1);
    size_t size = t.root.size;
    for (size_t i = 0; i < size; i++) {
        for (unsigned bit = 0; bit < 8; bit += 3) {
            uint8_t *copy = malloc(size);
            memcpy(copy, t.root.data, size);
            copy[i] ^= (uint8_t)(1u << bit);
            struct tree hostile;
            int rc = tree_open_embedded(&hostile, ns, &int_rows, (struct chunk){copy, size}, &help_err);
            assert_true(rc == BD_OK || rc == BD_CORRUPT || rc == BD_TOO_NEW);
            if (rc == BD_OK) {
                struct tree_cursor c;
                uint8_t key[6];
                struct bytes value;
                tree_get(&hostile, int_tuple(key, 1234), &value, &help_err);
                if (tree_cursor_seek_rank(&c, &hostile, 2000, &help_err) == BD_OK && c.valid)
                    tree_cursor_rank(&c);
                tree_cursor_last(&c, &hostile, &help_err);
            }
            free(copy);
        }
    }
    node_store_free(ns);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ascending_numbers_have_dolts_root),
        cmocka_unit_test(leaf_with_out_of_line_values_has_dolts_root),
        cmocka_unit_test(index_leaf_has_dolts_root),
        cmocka_unit_test(edited_maps_have_dolts_roots),
        cmocka_unit_test(edits_give_the_tree_that_building_gives),
        cmocka_unit_test(deleting_everything_gives_the_empty_tree),
        cmocka_unit_test(edits_must_be_sorted),
        cmocka_unit_test(insertions_as_they_come_give_the_same_tree),
        cmocka_unit_test(too_large_rows_are_refused),
        cmocka_unit_test(lookup_finds_what_is_there_and_nothing_else),
        cmocka_unit_test(cursors_go_everywhere),
        cmocka_unit_test(address_maps_are_edited_by_name),
        cmocka_unit_test(closures_hold_every_ancestor_once),
        cmocka_unit_test(collection_lists_children_before_parents_once),
        cmocka_unit_test(damaged_nodes_give_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
