/*
 * The closure of a new commit: all its proper ancestors by height and address. It is made by editing
 * the closure of the first parent, because entries weigh 29 bytes while they are added and 28 once they
 * are there, so that the way decides the shape. Dolt: go/store/prolly/commit_closure.go.
 */
#include "store/prolly/tree.h"

#include <stdlib.h>
#include <string.h>

struct key_list {
    struct tree_edit *edits;
    size_t count, capacity;
};

static void add_key(struct key_list *l, struct bytes key) {
    MEM_GROW(l->edits, l->capacity, l->count + 1);
    l->edits[l->count++] = (struct tree_edit){.key = key};
}

static int compare_keys(const void *x, const void *y) {
    const struct tree_edit *a = x, *b = y;
    return tree_type_closure.compare(NULL, a->key, b->key);
}

/* The entries of `other` that `base` lacks. */
static int add_missing(struct key_list *l, const struct tree *base, const struct tree *other,
                       struct err *err) {
    struct tree_differ d;
    struct tree_diff diff;
    int rc = tree_differ_init(&d, base, other, false, err);
    while (rc == BD_OK) {
        rc = tree_differ_next(&d, &diff, err);
        if (rc == BD_OK && diff.change == TREE_ADDED)
            add_key(l, diff.key);
    }
    return rc == BD_DONE ? BD_OK : rc;
}

int closure_build(struct node_store *ns, const struct closure_parent *parents, size_t count,
                  struct tree *out, struct err *err) {
    struct tree base, other;
    struct key_list list = {NULL, 0, 0};
    uint8_t(*own)[TREE_CLOSURE_KEY_SIZE] = mem_zalloc(count, sizeof *own);
    int rc = count ? tree_open(&base, ns, &tree_type_closure, &parents[0].closure, err)
                   : tree_empty(&base, ns, &tree_type_closure, err);
    for (size_t i = 1; rc == BD_OK && i < count; i++) {
        rc = tree_open(&other, ns, &tree_type_closure, &parents[i].closure, err);
        if (rc == BD_OK)
            rc = add_missing(&list, &base, &other, err);
    }
    if (rc == BD_OK) {
        for (size_t i = 0; i < count; i++) {
            closure_key(parents[i].height, &parents[i].commit, own[i]);
            add_key(&list, (struct bytes){own[i], sizeof own[i]});
        }
        if (list.count > 1)
            qsort(list.edits, list.count, sizeof *list.edits, compare_keys);
        size_t unique = 0;
        for (size_t i = 0; i < list.count; i++) {
            if (!unique || compare_keys(&list.edits[unique - 1], &list.edits[i]) != 0)
                list.edits[unique++] = list.edits[i];
        }
        rc = tree_apply(&base, list.edits, unique, out, err);
    }
    free(list.edits);
    free(own);
    return rc;
}
