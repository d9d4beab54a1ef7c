/* The root and the address map below it are fetched into memory; nothing else of the remote is. */
#include "store/remote/refs.h"

#include "store/db/store_root.h"
#include "store/db/working_set.h"
#include "store/prolly/message.h"

#include <stdlib.h>
#include <string.h>

struct fetch {
    struct remote *r;
    struct node_store *ns;
    struct hash *found; /* addresses in the map nodes of this level */
    size_t count, capacity;
};

static int note(void *ctx, const struct hash *h) {
    struct fetch *f = ctx;
    MEM_GROW(f->found, f->capacity, f->count + 1);
    f->found[f->count++] = *h;
    return BD_OK;
}

static int keep(void *ctx, const struct hash *h, const uint8_t *data, size_t size, struct err *err) {
    struct fetch *f = ctx;
    struct chunk c = {data, size};
    struct hash is;
    int rc = node_store_write(f->ns, data, size, &is, err);
    if (rc == BD_OK && !hash_eq(&is, h))
        rc = err_set(err, BD_CORRUPT, "the list of branches is damaged where it comes from");
    enum message_kind kind = message_kind_of(&c);
    if (rc == BD_OK && (kind == MESSAGE_STORE_ROOT || kind == MESSAGE_ADDRESS_MAP))
        rc = message_walk(&c, note, f, err);
    return rc;
}

/* The root, and level by level what its map refers to: inner nodes, then the commits themselves. */
static int fetch_map(struct fetch *f, const struct hash *root, struct err *err) {
    struct hash *now = mem_dup(root, sizeof *root);
    size_t n = 1;
    int rc = BD_OK;
    while (rc == BD_OK && n) {
        f->found = NULL;
        f->count = f->capacity = 0;
        for (size_t i = 0; i < n && rc == BD_OK; i += REMOTE_BATCH)
            rc = f->r->driver->get_many(f->r, now + i, n - i < REMOTE_BATCH ? n - i : REMOTE_BATCH,
                                        keep, f, err);
        free(now);
        now = f->found;
        n = f->count;
    }
    free(now);
    return rc;
}

struct listing {
    struct arena *a;
    struct remote_ref *refs;
    size_t count, capacity;
};

static int add_ref(void *ctx, struct bytes dataset, const struct hash *address) {
    struct listing *l = ctx;
    if (l->count == l->capacity) {
        size_t capacity = l->capacity ? l->capacity * 2 : 16;
        struct remote_ref *grown = arena_alloc(l->a, capacity * sizeof *grown);
        if (l->count)
            memcpy(grown, l->refs, l->count * sizeof *grown);
        l->refs = grown;
        l->capacity = capacity;
    }
    l->refs[l->count++] =
        (struct remote_ref){arena_strndup(l->a, (const char *)dataset.data, dataset.size), *address};
    return BD_OK;
}

/* ns keeps what was read: root, map, and the chunks that the datasets name. */
static int read_refs(struct remote *r, struct node_store *ns, struct arena *a, struct remote_ref **refs,
                     size_t *count, struct err *err) {
    struct fetch f = {.r = r, .ns = ns};
    struct listing l = {.a = a};
    struct hash root;
    struct tree map;
    *refs = NULL;
    *count = 0;
    int rc = r->driver->root(r, &root, err);
    if (rc != BD_OK || hash_is_zero(&root))
        return rc;
    rc = fetch_map(&f, &root, err);
    if (rc == BD_OK)
        rc = store_root_open(&map, ns, &root, err);
    if (rc == BD_OK)
        rc = store_root_each(&map, add_ref, &l, err);
    *refs = l.refs;
    *count = l.count;
    return rc;
}

int remote_refs(struct remote *r, struct arena *a, struct remote_ref **refs, size_t *count,
                struct err *err) {
    struct node_store *ns = node_store_new(NULL);
    int rc = read_refs(r, ns, a, refs, count, err);
    node_store_free(ns);
    return rc;
}

static int has(struct remote *r, const struct hash *h, bool *present, struct err *err) {
    *present = true;
    return hash_is_zero(h) ? BD_OK : r->driver->has_many(r, h, 1, present, err);
}

/* Is what this dataset holds present in `theirs`? */
static int is_known(struct remote *theirs, struct node_store *ns, const struct remote_ref *ref,
                    struct arena *a, bool *known, struct err *err) {
    struct working_set ws;
    if (strncmp(ref->dataset, "refs/heads/", 11) == 0 || strncmp(ref->dataset, "refs/tags/", 10) == 0)
        return has(theirs, &ref->address, known, err);
    *known = true;
    if (strncmp(ref->dataset, "workingSets/", 12) != 0)
        return BD_OK;
    int rc = working_set_read(ns, &ref->address, a, &ws, err);
    if (rc == BD_OK)
        rc = has(theirs, &ws.working, known, err);
    return rc;
}

int remote_newer(struct remote *ours, struct remote *theirs, struct arena *a, const char ***names,
                 size_t *count, struct err *err) {
    struct node_store *ns = node_store_new(NULL);
    struct remote_ref *refs;
    struct hash root;
    size_t n, found = 0;
    int rc = read_refs(ours, ns, a, &refs, &n, err);
    if (rc == BD_OK)
        rc = theirs->driver->root(theirs, &root, err);
    *names = arena_alloc(a, (n + 1) * sizeof **names);
    for (size_t i = 0; i < n && rc == BD_OK; i++) {
        bool known;
        rc = is_known(theirs, ns, &refs[i], a, &known, err);
        if (rc == BD_OK && !known)
            (*names)[found++] = refs[i].dataset;
    }
    *count = found;
    node_store_free(ns);
    return rc;
}
