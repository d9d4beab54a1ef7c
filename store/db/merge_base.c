/*
 * Both closures are walked backwards in step; without closures (initial commits, old databases) parents
 * are walked by height.
 */
#include "store/db/merge_base.h"

#include <stdlib.h>
#include <string.h>

struct side {
    struct tree closure;
    struct tree_cursor cursor;
    bool at_commit; /* the commit itself comes first */
    bool valid;
    uint64_t height;
    struct hash hash;
};

static int side_load(struct side *s, struct err *err) {
    s->valid = s->cursor.valid;
    if (!s->valid)
        return BD_OK;
    struct bytes k = tree_cursor_key(&s->cursor);
    if (k.size != TREE_CLOSURE_KEY_SIZE)
        return err_set(err, BD_CORRUPT, "a commit closure has a damaged key");
    s->height = closure_key_height(k);
    memcpy(s->hash.b, k.data + 8, HASH_SIZE);
    return BD_OK;
}

static int side_step(struct side *s, struct err *err) {
    int rc;
    if (s->at_commit) {
        s->at_commit = false;
        rc = tree_cursor_last(&s->cursor, &s->closure, err);
    } else {
        rc = tree_cursor_prev(&s->cursor, err);
    }
    return rc ? rc : side_load(s, err);
}

static int side_open(struct side *s, struct node_store *ns, const struct commit *c, struct err *err) {
    memset(s, 0, sizeof *s);
    s->at_commit = s->valid = true;
    s->height = c->height;
    s->hash = c->hash;
    return hash_is_zero(&c->closure) ? tree_empty(&s->closure, ns, &tree_type_closure, err)
                                     : tree_open(&s->closure, ns, &tree_type_closure, &c->closure, err);
}

static int by_closures(struct node_store *ns, const struct commit *ca, const struct commit *cb,
                       struct hash *out, struct err *err) {
    struct side a, b;
    int rc = side_open(&a, ns, ca, err);
    if (rc == BD_OK)
        rc = side_open(&b, ns, cb, err);
    while (rc == BD_OK) {
        if (!a.valid || !b.valid)
            return err_set(err, BD_NOT_FOUND, "the two commits have no common ancestor");
        int order = a.height != b.height ? (a.height < b.height ? -1 : 1) : hash_cmp(&a.hash, &b.hash);
        if (order == 0) {
            *out = a.hash;
            return BD_OK;
        }
        rc = side_step(order > 0 ? &a : &b, err);
    }
    return rc;
}

struct front {
    struct commit *list;
    size_t count, capacity;
};

static int front_add(struct front *f, struct node_store *ns, const struct hash *h, struct arena *a,
                     struct err *err) {
    for (size_t i = 0; i < f->count; i++)
        if (hash_eq(&f->list[i].hash, h))
            return BD_OK;
    MEM_GROW(f->list, f->capacity, f->count + 1);
    return commit_read(ns, h, a, &f->list[f->count++], err);
}

static uint64_t front_height(const struct front *f) {
    uint64_t h = 0;
    for (size_t i = 0; i < f->count; i++)
        if (f->list[i].height > h)
            h = f->list[i].height;
    return h;
}

/* Replaces the commits of this height by their parents. */
static int front_pop(struct front *f, struct node_store *ns, uint64_t height, struct arena *a,
                     struct err *err) {
    int rc = BD_OK;
    for (size_t i = 0; rc == BD_OK && i < f->count;) {
        if (f->list[i].height != height) {
            i++;
            continue;
        }
        struct commit c = f->list[i];
        f->list[i] = f->list[--f->count];
        for (size_t p = 0; rc == BD_OK && p < c.parent_count; p++)
            rc = front_add(f, ns, &c.parents[p], a, err);
    }
    return rc;
}

static int by_parents(struct node_store *ns, const struct hash *ha, const struct hash *hb,
                      struct arena *arena, struct hash *out, struct err *err) {
    struct front a = {NULL, 0, 0}, b = {NULL, 0, 0};
    int rc = front_add(&a, ns, ha, arena, err);
    if (rc == BD_OK)
        rc = front_add(&b, ns, hb, arena, err);
    bool found = false;
    while (rc == BD_OK && !found && a.count && b.count) {
        uint64_t x = front_height(&a), y = front_height(&b);
        for (size_t i = 0; x == y && i < a.count; i++) {
            for (size_t j = 0; j < b.count; j++) {
                if (a.list[i].height == x && hash_eq(&a.list[i].hash, &b.list[j].hash) &&
                    (!found || hash_cmp(&a.list[i].hash, out) < 0)) {
                    *out = a.list[i].hash;
                    found = true;
                }
            }
        }
        if (found)
            break;
        if (x >= y)
            rc = front_pop(&a, ns, x, arena, err);
        if (rc == BD_OK && y >= x)
            rc = front_pop(&b, ns, y, arena, err);
    }
    free(a.list);
    free(b.list);
    if (rc)
        return rc;
    return found ? BD_OK : err_set(err, BD_NOT_FOUND, "the two commits have no common ancestor");
}

int merge_base(struct node_store *ns, const struct hash *a, const struct hash *b, struct hash *out,
               struct err *err) {
    struct arena arena = ARENA_INIT;
    struct commit ca, cb;
    int rc = commit_read(ns, a, &arena, &ca, err);
    if (rc == BD_OK)
        rc = commit_read(ns, b, &arena, &cb, err);
    if (rc == BD_OK)
        rc = hash_is_zero(&ca.closure) || hash_is_zero(&cb.closure)
                 ? by_parents(ns, a, b, &arena, out, err)
                 : by_closures(ns, &ca, &cb, out, err);
    arena_release(&arena);
    return rc;
}
