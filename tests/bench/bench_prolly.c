/*
 * Numbers for store/prolly in memory: building, scanning, looking up, editing, diffing 100,000 rows.
 * Usage: bench_prolly [ROWS]
 */
#include "store/prolly/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int compare_text(const void *ctx, struct bytes a, struct bytes b) {
    (void)ctx;
    size_t n = a.size < b.size ? a.size : b.size;
    int cmp = memcmp(a.data, b.data, n);
    return cmp ? cmp : (a.size > b.size) - (a.size < b.size);
}

static const struct tree_type rows = {.kind = TREE_ROWS, .compare = compare_text};

#define KEY_SIZE 19
#define VALUE_SIZE 100
static uint8_t (*keys)[32];
static uint8_t value[VALUE_SIZE];

static struct bytes key_of(size_t i) { return (struct bytes){keys[i], KEY_SIZE}; }

static void check(int rc, const struct err *err) {
    if (rc != BD_OK) {
        fprintf(stderr, "%s: %s\n", err_name(rc), err->msg);
        exit(1);
    }
}

int main(int argc, char **argv) {
    size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
    struct err err = ERR_INIT;
    keys = calloc(n, sizeof *keys);
    for (size_t i = 0; i < n; i++)
        snprintf((char *)keys[i], sizeof keys[i], "bd-%012zu.key", i);
    for (size_t i = 0; i < VALUE_SIZE; i++)
        value[i] = (uint8_t)(i * 37);

    struct node_store *ns = node_store_new(NULL);
    double start = now_seconds();
    struct tree_builder *b = tree_builder_new(ns, &rows);
    struct tree t;
    for (size_t i = 0; i < n; i++)
        check(tree_builder_add(b, key_of(i), (struct bytes){value, VALUE_SIZE}, &err), &err);
    check(tree_builder_finish(b, &t, &err), &err);
    tree_builder_free(b);
    double took = now_seconds() - start;
    printf("build     %8.1f ms  %10.0f rows/s\n", took * 1e3, (double)n / took);

    struct tree_edit *edits = calloc(n, sizeof *edits);
    for (size_t i = 0; i < n; i++)
        edits[i] = (struct tree_edit){key_of(i), {value, VALUE_SIZE}, false};
    struct tree empty, same;
    check(tree_empty(&empty, ns, &rows, &err), &err);
    start = now_seconds();
    check(tree_apply(&empty, edits, n, &same, &err), &err);
    took = now_seconds() - start;
    printf("apply all %8.1f ms  %10.0f rows/s\n", took * 1e3, (double)n / took);

    struct tree_cursor c;
    uint64_t sum = 0;
    start = now_seconds();
    for (int round = 0; round < 10; round++) {
        check(tree_cursor_first(&c, &t, &err), &err);
        while (c.valid) {
            sum += tree_cursor_key(&c).data[14] + tree_cursor_value(&c).data[50];
            check(tree_cursor_next(&c, &err), &err);
        }
    }
    took = (now_seconds() - start) / 10;
    printf("scan      %8.3f ms  %10.0f rows/s\n", took * 1e3, (double)n / took);

    uint64_t seed = 1;
    start = now_seconds();
    for (int i = 0; i < 100000; i++) {
        struct bytes v;
        seed = seed * UINT64_C(6364136223846793005) + 1;
        check(tree_get(&t, key_of((size_t)(seed >> 33) % n), &v, &err), &err);
        sum += v.data[3];
    }
    took = (now_seconds() - start) / 100000;
    printf("get       %8.3f us\n", took * 1e6);

    uint8_t other[VALUE_SIZE] = {1};
    struct tree edited = t;
    start = now_seconds();
    for (int i = 0; i < 1000; i++) {
        seed = seed * UINT64_C(6364136223846793005) + 1;
        other[1] = (uint8_t)i;
        struct tree_edit e = {key_of((size_t)(seed >> 33) % n), {other, VALUE_SIZE}, false};
        check(tree_apply(&edited, &e, 1, &edited, &err), &err);
    }
    took = (now_seconds() - start) / 1000;
    printf("apply 1   %8.3f us\n", took * 1e6);

    size_t many = n / 10;
    for (size_t i = 0; i < many; i++)
        edits[i] = (struct tree_edit){key_of(i * 10), {other, VALUE_SIZE}, i % 3 == 0};
    struct tree tenth;
    start = now_seconds();
    check(tree_apply(&t, edits, many, &tenth, &err), &err);
    took = now_seconds() - start;
    printf("apply 10%% %8.1f ms\n", took * 1e3);

    struct tree_differ d;
    struct tree_diff diff;
    size_t differences = 0;
    start = now_seconds();
    check(tree_differ_init(&d, &t, &edited, false, &err), &err);
    while (tree_differ_next(&d, &diff, &err) == BD_OK)
        differences++;
    took = now_seconds() - start;
    printf("diff      %8.3f ms  %zu differences\n", took * 1e3, differences);

    struct arena a = ARENA_INIT;
    struct chunk_write *list;
    struct hash root;
    size_t count;
    check(tree_write_root(&edited, &root, &err), &err);
    start = now_seconds();
    check(node_store_collect(ns, &root, &a, &list, &count, &err), &err);
    took = now_seconds() - start;
    printf("collect   %8.3f ms  %zu chunks\n", took * 1e3, count);
    arena_release(&a);
    node_store_free(ns);
    free(edits);
    free(keys);
    return sum == 1;
}
