/*
 * The walk is a heap exactly as Go's container/heap keeps it, because commits equal in height and time
 * come out in heap order.
 */
#include "store/db/log.h"

#include "store/db/embedded.h"

#include <stdlib.h>
#include <string.h>

struct commit_walk {
    struct node_store *ns;
    struct arena arena;
    struct commit *heap;
    size_t count, capacity;
    struct strmap seen;
};

struct commit_walk *commit_walk_new(struct node_store *ns) {
    struct commit_walk *w = mem_zalloc(1, sizeof *w);
    w->ns = ns;
    return w;
}

void commit_walk_free(struct commit_walk *w) {
    if (!w)
        return;
    free(w->heap);
    strmap_release(&w->seen);
    arena_release(&w->arena);
    free(w);
}

static bool comes_first(const struct commit *a, const struct commit *b) {
    if (a->height != b->height)
        return a->height > b->height;
    return a->author_millis > b->author_millis;
}

static void swap(struct commit_walk *w, size_t i, size_t j) {
    struct commit c = w->heap[i];
    w->heap[i] = w->heap[j];
    w->heap[j] = c;
}

static void sift_up(struct commit_walk *w, size_t j) {
    while (j > 0) {
        size_t i = (j - 1) / 2;
        if (i == j || !comes_first(&w->heap[j], &w->heap[i]))
            break;
        swap(w, i, j);
        j = i;
    }
}

static void sift_down(struct commit_walk *w, size_t i, size_t n) {
    for (;;) {
        size_t l = 2 * i + 1;
        if (l >= n)
            break;
        size_t j = l;
        if (l + 1 < n && comes_first(&w->heap[l + 1], &w->heap[l]))
            j = l + 1;
        if (!comes_first(&w->heap[j], &w->heap[i]))
            break;
        swap(w, i, j);
        i = j;
    }
}

static int walk_push(struct commit_walk *w, const struct hash *h, bool must_exist, struct err *err) {
    if (strmap_get_n(&w->seen, (const char *)h->b, HASH_SIZE))
        return BD_OK;
    strmap_put_n(&w->seen, (const char *)h->b, HASH_SIZE, w);
    MEM_GROW(w->heap, w->capacity, w->count + 1);
    int rc = commit_read(w->ns, h, &w->arena, &w->heap[w->count], err);
    if (rc == BD_NOT_FOUND && !must_exist) {
        err_clear(err);
        return BD_OK; /* a ghost */
    }
    if (rc)
        return rc;
    sift_up(w, w->count++);
    return BD_OK;
}

int commit_walk_start(struct commit_walk *w, const struct hash *h, struct err *err) {
    return walk_push(w, h, true, err);
}

int commit_walk_next(struct commit_walk *w, struct commit *out, struct err *err) {
    if (w->count == 0)
        return BD_DONE;
    size_t n = w->count - 1;
    swap(w, 0, n);
    sift_down(w, 0, n);
    *out = w->heap[n];
    w->count = n;
    int rc = BD_OK;
    for (size_t i = 0; rc == BD_OK && i < out->parent_count; i++)
        rc = walk_push(w, &out->parents[i], false, err);
    return rc;
}

static void commit_info(const struct commit *c, struct arena *a, struct tables_commit_info *out) {
    memset(out, 0, sizeof *out);
    out->hash = c->hash;
    size_t max = sizeof out->parents / sizeof *out->parents;
    out->parent_count = c->parent_count < max ? c->parent_count : max;
    memcpy(out->parents, c->parents, out->parent_count * sizeof *out->parents);
    out->author = arena_strdup(a, c->author);
    out->email = arena_strdup(a, c->email);
    out->message = arena_strdup(a, c->message);
    out->time_micros = c->author_millis * 1000;
    out->height = c->height;
}

int embedded_log(struct tables *t, const char *ref, struct arena *a,
                 int (*fn)(void *ctx, const struct tables_commit_info *c), void *ctx, struct err *err) {
    struct embedded *e = embedded_of(t);
    struct hash start;
    int rc = tables_resolve(t, ref, &start, err);
    if (rc)
        return rc;
    struct commit_walk *w = commit_walk_new(e->ns);
    rc = commit_walk_start(w, &start, err);
    struct commit c;
    while (rc == BD_OK && (rc = commit_walk_next(w, &c, err)) == BD_OK) {
        struct tables_commit_info info;
        commit_info(&c, a, &info);
        rc = fn(ctx, &info);
    }
    commit_walk_free(w);
    return rc == BD_DONE ? BD_OK : rc;
}

static int count_one(void *ctx, const struct tables_commit_info *c) {
    (void)c;
    ++*(uint64_t *)ctx;
    return BD_OK;
}

int embedded_log_count(struct tables *t, const char *ref, uint64_t *count, struct err *err) {
    struct node_store *ns = embedded_of(t)->ns;
    struct arena a = ARENA_INIT;
    struct hash start;
    struct commit c;
    struct tree closure;
    *count = 0;
    int rc = tables_resolve(t, ref, &start, err);
    if (rc == BD_OK)
        rc = commit_read(ns, &start, &a, &c, err);
    if (rc == BD_OK && c.parent_count && hash_is_zero(&c.closure)) { /* of a Dolt before closures */
        rc = embedded_log(t, ref, &a, count_one, count, err);
    } else if (rc == BD_OK) {
        rc = c.parent_count ? tree_open(&closure, ns, &tree_type_closure, &c.closure, err) : BD_OK;
        if (rc == BD_OK)
            *count = 1 + (c.parent_count ? tree_count(&closure) : 0);
    }
    arena_release(&a);
    return rc;
}

/* ---- versions of one row ---- */

struct version {
    const struct table_schema *ts;
    struct bytes key, value; /* value.data NULL: no such row */
};

/* The row in the root of a commit. `keep` holds the opened table. */
static int row_at(struct embedded *e, const struct hash *root, const char *table,
                  const struct cell *key, size_t key_count, struct arena *keep, struct version *out,
                  struct err *err) {
    memset(out, 0, sizeof *out);
    struct embedded_txn *x;
    int rc = embedded_txn_at_root(e, root, &x, err);
    if (rc)
        return rc;
    struct table *t;
    rc = embedded_table(x, table, &t, err);
    if (rc == BD_OK) {
        out->ts = t->ts;
        if (key_count == t->ts->schema.pk_count && !t->ts->schema.keyless &&
            tuple_build(&t->ts->keys, key, e->ns, keep, &out->key, NULL) == BD_OK) {
            rc = edit_map_get(&t->rows, out->key, &out->value, err);
            if (rc == BD_NOT_FOUND) {
                out->value = (struct bytes){NULL, 0};
                rc = BD_OK;
            }
        }
    } else if (rc == BD_NOT_FOUND) {
        rc = BD_OK;
    }
    tables_read_end(&x->base);
    return rc;
}

static bool same_version(const struct version *x, const struct version *y) {
    if (!x->value.data || !y->value.data)
        return !x->value.data && !y->value.data;
    return x->value.size == y->value.size && !memcmp(x->value.data, y->value.data, x->value.size);
}

/* The table's address in a root; zero when it is not there. */
static int table_address(struct node_store *ns, const struct hash *root, const char *table,
                         struct arena *a, struct hash *out, struct err *err) {
    struct root_value rv;
    *out = HASH_ZERO;
    int rc = root_value_read(&rv, ns, root, err);
    if (rc == BD_OK)
        rc = root_value_table(&rv, table, a, NULL, out, NULL);
    return rc == BD_NOT_FOUND ? BD_OK : rc;
}

int embedded_row_history(struct tables *t, const char *table, const struct cell *key, size_t key_count,
                         struct arena *a,
                         int (*fn)(void *ctx, const struct tables_commit_info *c,
                                   const struct schema *s, const struct cell *row),
                         void *ctx, struct err *err) {
    struct embedded *e = embedded_of(t);
    struct hash start;
    int rc = tables_resolve(t, NULL, &start, err);
    if (rc)
        return rc;
    struct commit_walk *w = commit_walk_new(e->ns);
    rc = commit_walk_start(w, &start, err);
    struct commit c;
    while (rc == BD_OK && (rc = commit_walk_next(w, &c, err)) == BD_OK) {
        struct version here;
        struct hash mine;
        bool untouched = false;
        rc = table_address(e->ns, &c.root, table, a, &mine, err);
        for (size_t i = 0; rc == BD_OK && i < c.parent_count && !untouched; i++) {
            struct commit parent;
            struct hash before;
            rc = commit_read(e->ns, &c.parents[i], &w->arena, &parent, err);
            if (rc == BD_NOT_FOUND) { /* a ghost of a shallow clone */
                rc = BD_OK;
                continue;
            }
            if (rc == BD_OK)
                rc = table_address(e->ns, &parent.root, table, a, &before, err);
            untouched = rc == BD_OK && hash_eq(&mine, &before);
        }
        if (rc || untouched)
            continue;
        rc = row_at(e, &c.root, table, key, key_count, a, &here, err);
        bool changed = here.value.data != NULL;
        /* a merge shows only what differs from every parent */
        for (size_t i = 0; rc == BD_OK && i < c.parent_count; i++) {
            struct commit parent;
            struct version before;
            rc = commit_read(e->ns, &c.parents[i], &w->arena, &parent, err);
            if (rc == BD_NOT_FOUND) {
                rc = BD_OK;
                continue;
            }
            if (rc == BD_OK)
                rc = row_at(e, &parent.root, table, key, key_count, a, &before, err);
            if (rc == BD_OK) {
                changed = !same_version(&here, &before);
                if (!changed)
                    break;
            }
        }
        if (rc || !changed)
            continue;
        struct tables_commit_info info;
        commit_info(&c, a, &info);
        struct cell *row = NULL;
        if (here.value.data) {
            size_t n = here.ts->schema.column_count;
            row = arena_zalloc(a, (n + 1) * sizeof *row);
            for (size_t i = 0; rc == BD_OK && i < n; i++)
                rc = table_cell(here.ts, i, here.key, here.value, e->ns, a, &row[i], err);
        }
        if (rc == BD_OK)
            rc = fn(ctx, &info, here.ts ? &here.ts->schema : NULL, row);
    }
    commit_walk_free(w);
    return rc == BD_DONE ? BD_OK : rc;
}
