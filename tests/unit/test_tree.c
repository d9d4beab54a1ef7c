/* Forests of issues. */
#include "bd/ops/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct issue make(const char *id, const char *type, int64_t priority) {
    return (struct issue){
        .id = id, .title = id, .issue_type = type, .status = "open", .priority = priority};
}

static void forests_have_every_issue_below_a_root(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    struct issue items[] = {make("t-c", "task", 1),   make("t-e", "epic", 2), make("t-x", "task", 0),
                            make("t-y", "task", 3),   make("t-p", "task", 2), make("t-p.2", "task", 2),
                            make("t-p.10", "task", 2)};
    struct issue_list l = {items, 7, 7};
    struct dependency rows[] = {
        {.issue_id = "t-c", .depends_on_id = "t-e", .type = "blocks"}, /* any row to an epic nests */
        {.issue_id = "t-x", .depends_on_id = "t-y", .type = "parent-child"}, /* a ring of two */
        {.issue_id = "t-y", .depends_on_id = "t-x", .type = "parent-child"},
        {.issue_id = "t-c", .depends_on_id = "t-p", .type = "relates-to"},
    };
    struct tree tree;
    tree_build(&l, rows, 4, &a, &tree);
    assert_int_equal(tree.root_count, 3);
    assert_string_equal(tree.roots[0]->issue->id,
                        "t-x"); /* the first of the ring in order of the list */
    assert_string_equal(tree.roots[1]->issue->id, "t-e");
    assert_string_equal(tree.roots[1]->children[0]->issue->id, "t-c");
    assert_string_equal(tree.roots[2]->issue->id, "t-p");
    assert_int_equal(tree.roots[2]->child_count, 2);
    assert_string_equal(tree.roots[2]->children[0]->issue->id, "t-p.2");
    assert_string_equal(tree.roots[2]->children[1]->issue->id, "t-p.10");
    arena_release(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forests_have_every_issue_below_a_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
