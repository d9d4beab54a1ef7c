/* Edges that would close a cycle: judged all at once as if they were added one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bd/ops/import_graph.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NODES = 12, EDGES = 30, ROUNDS = 400 };

static bool reach(const bool m[NODES][NODES], size_t from, size_t to, bool seen[NODES]) {
    if (from == to)
        return true;
    seen[from] = true;
    for (size_t n = 0; n < NODES; n++)
        if (m[from][n] && !seen[n] && reach(m, n, to, seen))
            return true;
    return false;
}

static void judges_as_one_by_one(void **state) {
    (void)state;
    uint64_t seed = 12345;
    for (int round = 0; round < ROUNDS; round++) {
        struct graph g = GRAPH_INIT;
        bool m[NODES][NODES] = {{false}}, want[EDGES];
        g.node_count = NODES;
        for (size_t e = 0; e < EDGES; e++) {
            seed = seed * UINT64_C(6364136223846793005) + 1;
            size_t from = (seed >> 33) % NODES, to = (seed >> 45) % NODES;
            bool seen[NODES] = {false}, closes = reach(m, to, from, seen), fixed = e < 5 && !closes;
            want[e] = closes && !fixed;
            if (!closes)
                m[from][to] = true;
            graph_add(&g, from, to, fixed);
        }
        graph_refuse_cycles(&g);
        for (size_t e = 0; e < EDGES; e++)
            if (g.edges[e].refused != want[e])
                fail_msg("round %d, edge %zu: refused %d, expected %d", round, e, g.edges[e].refused,
                         want[e]);
        graph_release(&g);
    }
}

static void names_become_numbers(void **state) {
    (void)state;
    struct graph g = GRAPH_INIT;
    assert_int_equal(graph_node(&g, "a"), 0);
    assert_int_equal(graph_node(&g, "b"), 1);
    assert_int_equal(graph_node(&g, "a"), 0);
    assert_int_equal(g.node_count, 2);
    graph_release(&g);
}

static void a_long_chain_needs_no_deep_stack(void **state) {
    (void)state;
    struct graph g = GRAPH_INIT;
    g.node_count = 200000;
    for (size_t i = 0; i + 1 < g.node_count; i++)
        graph_add(&g, i, i + 1, i % 2);
    size_t last = graph_add(&g, g.node_count - 1, 0, false);
    graph_refuse_cycles(&g);
    for (size_t e = 0; e < last; e++)
        assert_false(g.edges[e].refused);
    assert_true(g.edges[last].refused);
    graph_release(&g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_as_one_by_one),
        cmocka_unit_test(names_become_numbers),
        cmocka_unit_test(a_long_chain_needs_no_deep_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
