/*
 * Diff and three-way merge of trees, against the plain comparison of arrays.
 */
#include "tests/unit/prolly_help.h"

#define ROWS 30000

struct content {
    uint32_t value[ROWS]; /* 0: absent */
};

static struct tree build(struct node_store *ns, const struct content *m) {
    struct tree_builder *b = tree_builder_new(ns, &int_rows);
    struct tree t;
    for (uint32_t i = 0; i < ROWS; i++) {
        uint8_t key[6], value[6];
        if (m->value[i])
            CHECK(tree_builder_add(b, int_tuple(key, i), int_tuple(value, m->value[i]), &help_err));
    }
    CHECK(tree_builder_finish(b, &t, &help_err));
    tree_builder_free(b);
    return t;
}

static struct content a, b, c, expected;

static void fill(struct content *m, uint64_t seed, unsigned percent) {
    for (uint32_t i = 0; i < ROWS; i++)
        m->value[i] = splitmix(&seed) % 100 < percent ? (uint32_t)splitmix(&seed) | 1 : 0;
}

/* Changes of one of several shapes. */
static void change(struct content *m, uint64_t seed, unsigned shape) {
    uint32_t from = (uint32_t)(splitmix(&seed) % ROWS);
    for (uint32_t i = 0; i < ROWS; i++) {
        uint64_t r = splitmix(&seed);
        bool hit = shape == 0   ? r % 5000 == 0
                   : shape == 1 ? i >= from && i < from + 3000
                   : shape == 2 ? i == from
                   : shape == 3 ? r % 3 == 0
                                : i < from; /* the whole left part goes */
        if (hit)
            m->value[i] = shape == 4 || (r >> 32) % 3 == 0 ? 0 : (uint32_t)splitmix(&seed) | 1;
    }
}

static uint32_t int_of(struct bytes t) {
    uint32_t v;
    if (!t.data)
        return 0;
    memcpy(&v, t.data, 4);
    return v;
}

struct expect {
    const struct content *from, *to;
    uint32_t next;
    size_t seen;
};

static int check_difference(void *ctx, const struct tree_diff *d) {
    struct expect *e = ctx;
    uint32_t key = int_of(d->key);
    for (; e->next < key; e->next++)
        assert_int_equal(e->from->value[e->next], e->to->value[e->next]);
    e->next = key + 1;
    e->seen++;
    uint32_t from = e->from->value[key], to = e->to->value[key];
    assert_true(from != to);
    assert_int_equal(d->change, !from ? TREE_ADDED : !to ? TREE_REMOVED : TREE_MODIFIED);
    assert_int_equal(from ? int_of(d->from) : 0, from);
    assert_int_equal(to ? int_of(d->to) : 0, to);
    assert_int_equal(int_of(d->to_key), key);
    return BD_OK;
}

static void diff_names_exactly_the_differences(void **state) {
    (void)state;
    struct node_store *ns = node_store_new(NULL);
    for (unsigned round = 0; round < 40; round++) {
        fill(&a, round, round % 8 == 7 ? 0 : 70);
        b = a;
        change(&b, round + 1000, round % 5);
        if (round % 3 == 0)
            change(&b, round + 2000, 2);
        struct tree x = build(ns, &a), y = build(ns, &b);
        struct expect e = {&a, &b, 0, 0};
        CHECK(tree_diff_walk(&x, &y, check_difference, &e, &help_err));
        size_t differences = 0;
        for (uint32_t i = 0; i < ROWS; i++)
            differences += a.value[i] != b.value[i];
        assert_int_equal(e.seen, differences);
        node_store_reset(ns);
    }
    node_store_free(ns);
}

static void diff_of_equal_trees_is_empty_unless_all_is_asked_for(void **state) {
    (void)state;
    struct node_store *ns = node_store_new(NULL);
    fill(&a, 5, 50);
    struct tree x = build(ns, &a), y = build(ns, &a);
    struct expect e = {&a, &a, 0, 0};
    CHECK(tree_diff_walk(&x, &y, check_difference, &e, &help_err));
    assert_int_equal(e.seen, 0);
    struct tree_differ d;
    struct tree_diff diff;
    size_t n = 0;
    CHECK(tree_differ_init(&d, &x, &y, true, &help_err));
    while (tree_differ_next(&d, &diff, &help_err) == BD_OK) {
        assert_int_equal(diff.change, TREE_MODIFIED);
        n++;
    }
    assert_int_equal(n, tree_count(&x));
    node_store_free(ns);
}

static int stop(void *ctx, const struct tree_diff *d) {
    (void)d;
    ++*(int *)ctx;
    return BD_CANCELLED;
}

static void diff_stops_when_the_callback_says_so(void **state) {
    (void)state;
    struct node_store *ns = node_store_new(NULL);
    fill(&a, 5, 50);
    fill(&b, 6, 50);
    struct tree x = build(ns, &a), y = build(ns, &b);
    int calls = 0;
    assert_int_equal(tree_diff_walk(&x, &y, stop, &calls, &help_err), BD_CANCELLED);
    assert_int_equal(calls, 1);
    node_store_free(ns);
}

/* Even keys: the larger value wins, removal loses. Odd keys: stays as it is on the left. */
static int larger_wins(void *ctx, const struct tree_clash *clash, struct tree_edit *resolved) {
    uint32_t key = int_of(clash->key);
    ++*(size_t *)ctx;
    assert_int_equal(clash->base ? int_of(*clash->base) : 0, a.value[key]);
    assert_int_equal(clash->left ? int_of(*clash->left) : 0, b.value[key]);
    assert_int_equal(clash->right ? int_of(*clash->right) : 0, c.value[key]);
    if (key % 2)
        return BD_CONFLICT;
    const struct bytes *winner = clash->left;
    if (!winner || (clash->right && int_of(*clash->right) > int_of(*winner)))
        winner = clash->right;
    resolved->value = *winner;
    return BD_OK;
}

static void merge_takes_both_sides_changes(void **state) {
    (void)state;
    struct node_store *ns = node_store_new(NULL);
    for (unsigned round = 0; round < 30; round++) {
        fill(&a, round, 60);
        b = c = a;
        change(&b, round + 100, round % 5);
        change(&c, round + 200, round / 5 % 5);
        size_t clashes = 0, called = 0;
        for (uint32_t i = 0; i < ROWS; i++) {
            uint32_t l = b.value[i], r = c.value[i], base = a.value[i];
            expected.value[i] = r == base || l == r ? l : r;
            if (l != base && r != base && l != r) {
                clashes++;
                expected.value[i] = i % 2 ? l : l > r ? l : r;
            }
        }
        struct tree x = build(ns, &a), y = build(ns, &b), z = build(ns, &c), e = build(ns, &expected);
        struct tree merged;
        CHECK(tree_merge(&x, &y, &z, larger_wins, &called, &merged, &help_err));
        assert_int_equal(called, clashes);
        struct hash got = tree_root_hash(&merged), want = tree_root_hash(&e);
        assert_true(hash_eq(&got, &want));
        node_store_reset(ns);
    }
    node_store_free(ns);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(diff_names_exactly_the_differences),
        cmocka_unit_test(diff_of_equal_trees_is_empty_unless_all_is_asked_for),
        cmocka_unit_test(diff_stops_when_the_callback_says_so),
        cmocka_unit_test(merge_takes_both_sides_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
