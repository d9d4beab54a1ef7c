/*
 * Push builds the remote's next root here, over what it reads of the remote, and sends it like any
 * chunk. Fetch publishes its refs under the database's lock, where it also sees whether a collection
 * ran meanwhile.
 */
#include "store/remote/sync.h"

#include "base/os.h"
#include "store/db/commit.h"
#include "store/db/merge_base.h"
#include "store/db/store_root.h"
#include "store/db/working_set.h"
#include "store/remote/refs.h"

#include <stdlib.h>
#include <string.h>

#define ATTEMPTS 16
#define LOCK_WAIT_MS 30000

/* ---- the database and the remote read as one ---- */

struct both {
    struct remote base; /* a source for the puller; must be first */
    struct chunk_store *cs;
    struct remote *r;
    struct node_store *ns; /* reads cs, then r; holds what is new */
    struct arena kept;     /* chunks that came from r */
};

struct kept {
    struct arena *a;
    struct chunk *out;
};

static int keep(void *ctx, const struct hash *h, const uint8_t *data, size_t size, struct err *err) {
    struct kept *k = ctx;
    struct hash is = hash_of(data, size);
    if (!hash_eq(&is, h))
        return err_set(err, BD_CORRUPT,
                       "a chunk of the remote is damaged: its bytes have another hash");
    *k->out = (struct chunk){arena_dup(k->a, data, size), size};
    return BD_OK;
}

static int read_either(void *ctx, const struct hash *h, struct chunk *out, struct err *err) {
    struct both *b = ctx;
    int rc = chunk_store_get(b->cs, h, out, err);
    if (rc != BD_NOT_FOUND)
        return rc;
    struct kept k = {&b->kept, out};
    err_clear(err);
    return b->r->driver->get_many(b->r, h, 1, keep, &k, err);
}

/* For the walk over everything that is new: what the database has is not kept in memory. */
static int get_many(struct remote *r, const struct hash *h, size_t count, remote_chunk_fn fn, void *ctx,
                    struct err *err) {
    struct both *b = (struct both *)r;
    int rc = BD_OK;
    for (size_t i = 0; i < count && rc == BD_OK; i++) {
        uint8_t *data = NULL;
        size_t size;
        struct chunk c;
        rc = chunk_store_read(b->cs, &h[i], &data, &size, err);
        if (rc == BD_OK) {
            c = (struct chunk){data, size};
        } else if (rc == BD_NOT_FOUND) {
            err_clear(err);
            rc = node_store_read(b->ns, &h[i], &c, err);
        }
        if (rc == BD_OK)
            rc = fn(ctx, &h[i], c.data, c.size, err);
        free(data);
    }
    return rc;
}

static const struct remote_driver both_driver = {.scheme = "local", .get_many = get_many};

static const char *noms_of(const char *database_dir, struct arena *a) {
    return arena_printf(a, "%s/.dolt/noms", database_dir);
}

/* ---- refs of the database ---- */

static int set_refs_once(struct chunk_store *cs, const struct store_root_edit *edits, size_t count,
                         struct err *err) {
    struct node_store *ns = node_store_new(cs);
    struct arena a = ARENA_INIT;
    struct hash root = chunk_store_root(cs), next;
    struct chunk_write *chunks;
    struct tree map;
    size_t n;
    int rc = store_root_open(&map, ns, &root, err);
    if (rc == BD_OK)
        rc = store_root_edit(&map, edits, count, &next, err);
    if (rc == BD_OK && !hash_eq(&root, &next)) {
        rc = node_store_collect(ns, &next, &a, &chunks, &n, err);
        if (rc == BD_OK)
            rc = chunk_store_commit(cs, &root, chunks, n, &next, err);
    }
    node_store_free(ns);
    arena_release(&a);
    return rc;
}

/* Sets refs of the newest state, under the lock when somebody else was faster. */
static int set_refs(struct chunk_store *cs, const struct store_root_edit *edits, size_t count,
                    struct err *err) {
    int rc = chunk_store_refresh(cs, err);
    if (rc == BD_OK && count)
        rc = set_refs_once(cs, edits, count, err);
    if (rc != BD_ROOT_MOVED)
        return rc;
    err_clear(err);
    rc = chunk_store_lock(cs, LOCK_WAIT_MS, err);
    if (rc != BD_OK)
        return rc;
    rc = set_refs_once(cs, edits, count, err);
    chunk_store_unlock(cs);
    return rc;
}

static int local_ref(struct chunk_store *cs, const char *dataset, struct hash *out, struct err *err) {
    struct node_store *ns = node_store_new(cs);
    struct hash root = chunk_store_root(cs);
    struct tree map;
    int rc = store_root_open(&map, ns, &root, err);
    if (rc == BD_OK)
        rc = store_root_get(&map, dataset, out, err);
    node_store_free(ns);
    return rc;
}

/* ---- push ---- */

struct push {
    struct both both;
    struct arena a; /* for one attempt */
    const char *branch;
    bool force;
    const struct hash *lease; /* where the remote's branch has to be; NULL: anywhere */
    const struct pull_options *options;
    struct push_result *out;
};

static int rejected(const struct push *p, struct err *err) {
    return err_set(
        err, BD_CONFLICT,
        "! [rejected] %s -> %s (non-fast-forward): the remote's branch has commits that are not "
        "in this database; nothing was pushed",
        p->branch, p->branch);
}

/* May the branch move from there to here? */
static int check_forward(struct push *p, const struct hash *there, struct err *err) {
    struct hash base;
    int rc = merge_base(p->both.ns, &p->out->after, there, &base, err);
    if (rc == BD_NOT_FOUND)
        return err_set(err, BD_CONFLICT,
                       "no common ancestor: the remote's branch %s and this database have "
                       "nothing in common; nothing was pushed",
                       p->branch);
    if (rc == BD_OK && !hash_eq(&base, there))
        rc = rejected(p, err);
    return rc;
}

/* BD_ROOT_MOVED: somebody else changed the remote meanwhile. */
static int push_once(struct push *p, struct err *err) {
    struct remote *r = p->both.r;
    struct push_result *out = p->out;
    struct store_root_edit edits[2];
    struct hash root, next;
    struct tree map;
    size_t count = 0;
    const char *head = arena_printf(&p->a, "refs/heads/%s", p->branch);
    int rc = r->driver->root(r, &root, err);
    if (rc == BD_OK)
        rc = store_root_open(&map, p->both.ns, &root, err);
    if (rc == BD_OK)
        rc = store_root_get(&map, head, &out->before, err);
    out->created = rc == BD_NOT_FOUND;
    out->up_to_date = rc == BD_OK && hash_eq(&out->before, &out->after);
    if (out->up_to_date)
        return BD_OK;
    if (p->lease && (out->created || (rc == BD_OK && !hash_eq(&out->before, p->lease))))
        return err_set(err, BD_CONFLICT,
                       "the remote's branch %s is not where it was; nothing was pushed", p->branch);
    if (rc == BD_OK && !p->force)
        rc = check_forward(p, &out->before, err);
    else if (rc == BD_NOT_FOUND)
        rc = BD_OK;
    if (rc != BD_OK)
        return rc;
    edits[count++] = (struct store_root_edit){head, out->after};
    if (p->force) { /* also replaces what stands uncommitted on that branch there, as it would not fit
                     */
        edits[count] =
            (struct store_root_edit){arena_printf(&p->a, "workingSets/heads/%s", p->branch), HASH_ZERO};
        rc = working_set_write_clean(p->both.ns, &p->out->after, &edits[count++].address, err);
    }
    if (rc == BD_OK)
        rc = store_root_edit(&map, edits, count, &next, err);
    if (rc == BD_OK)
        rc = pull_chunks(&p->both.base, r, &next, 1, p->options, &out->stats, err);
    return rc == BD_OK ? r->driver->commit_root(r, &root, &next, err) : rc;
}

static int push_branch(const struct sync_place *place, struct remote *r, const char *branch, bool force,
                       const struct hash *lease, const struct pull_options *options,
                       struct push_result *out, struct err *err) {
    struct push p = {.both = {.base = {&both_driver}, .r = r, .kept = ARENA_INIT},
                     .a = ARENA_INIT,
                     .branch = branch,
                     .force = force,
                     .lease = lease,
                     .options = options,
                     .out = out};
    struct arena names = ARENA_INIT;
    *out = (struct push_result){0};
    int rc = chunk_store_open(&p.both.cs, noms_of(place->database_dir, &names), 0, err);
    if (rc != BD_OK) {
        arena_release(&names);
        return rc;
    }
    rc = local_ref(p.both.cs, arena_printf(&names, "refs/heads/%s", branch), &out->after, err);
    if (rc == BD_NOT_FOUND)
        rc = err_set(err, BD_NOT_FOUND, "there is no branch %s in this database", branch);
    for (int attempt = 1; rc == BD_OK; attempt++) {
        p.both.ns = node_store_new_over(read_either, &p.both);
        rc = push_once(&p, err);
        node_store_free(p.both.ns);
        arena_reset(&p.a);
        arena_reset(&p.both.kept);
        if (rc != BD_ROOT_MOVED || attempt == ATTEMPTS)
            break;
        err_clear(err);
        rc = BD_OK;
    }
    if (rc == BD_OK) {
        struct store_root_edit edit = {arena_printf(&names, "refs/remotes/%s/%s", place->name, branch),
                                       out->after};
        rc = set_refs(p.both.cs, &edit, 1, err);
        if (rc != BD_OK)
            err_prefix(err, "the branch was pushed, but not noted here");
    }
    chunk_store_close(p.both.cs);
    arena_release(&p.a);
    arena_release(&p.both.kept);
    arena_release(&names);
    return rc;
}

int sync_push(const struct sync_place *place, struct remote *r, const char *branch, bool force,
              const struct pull_options *options, struct push_result *out, struct err *err) {
    return push_branch(place, r, branch, force, NULL, options, out, err);
}

int sync_push_lease(const struct sync_place *place, struct remote *r, const char *branch,
                    const struct hash *expected, const struct pull_options *options,
                    struct push_result *out, struct err *err) {
    return push_branch(place, r, branch, true, expected, options, out, err);
}

/* ---- fetch ---- */

struct fetch {
    const struct sync_place *place;
    struct remote *r;
    const char *branch;
    const struct pull_options *options;
    struct fetch_result *out;
    struct arena *a;
    struct chunk_store *cs;
    const char *noms;
    struct remote_ref *refs;
    size_t ref_count;
    struct store_root_edit *edits;
    size_t edit_count;
};

static int generation_of(const char *noms, struct hash *out, struct err *err) {
    struct manifest m;
    int rc = manifest_read(noms, &m, err);
    if (rc == BD_OK) {
        *out = m.gcgen;
        manifest_release(&m);
    }
    return rc;
}

static int choose_branches(struct fetch *f, struct hash *targets, size_t *count, struct err *err) {
    struct hash is;
    size_t any = 0;
    *count = 0;
    for (size_t i = 0; i < f->ref_count; i++) {
        const struct remote_ref *ref = &f->refs[i];
        if (strncmp(ref->dataset, "refs/heads/", 11) != 0)
            continue;
        any++;
        if (f->branch && strcmp(ref->dataset + 11, f->branch) != 0)
            continue;
        const char *here = arena_printf(f->a, "refs/remotes/%s/%s", f->place->name, ref->dataset + 11);
        if (local_ref(f->cs, here, &is, NULL) != BD_OK || !hash_eq(&is, &ref->address))
            f->out->moved++;
        f->out->branches++;
        f->edits[f->edit_count++] = (struct store_root_edit){here, ref->address};
        targets[(*count)++] = ref->address;
    }
    if (*count)
        return BD_OK;
    return any ? err_set(err, BD_NOT_FOUND, "the remote has no branch %s", f->branch)
               : err_set(err, BD_NOT_FOUND,
                         "the remote holds no branch yet; 'bd dolt push' makes the first");
}

/* The commit that a tag of the remote names. */
static int tagged(struct fetch *f, const struct hash *address, struct hash *commit, struct err *err) {
    struct both b = {.cs = f->cs, .r = f->r, .kept = ARENA_INIT};
    struct tag tag;
    b.ns = node_store_new_over(read_either, &b);
    int rc = tag_read(b.ns, address, f->a, &tag, err);
    if (rc == BD_OK)
        *commit = tag.commit;
    node_store_free(b.ns);
    arena_release(&b.kept);
    return rc;
}

/* Tags of commits that are here now come along; a tag that is here stays what it is. */
static int choose_tags(struct fetch *f, struct hash *targets, size_t *count, struct err *err) {
    int rc = BD_OK;
    *count = 0;
    for (size_t i = 0; i < f->ref_count && rc == BD_OK; i++) {
        const struct remote_ref *ref = &f->refs[i];
        struct hash commit, is;
        if (strncmp(ref->dataset, "refs/tags/", 10) != 0 ||
            local_ref(f->cs, ref->dataset, &is, NULL) == BD_OK)
            continue;
        rc = tagged(f, &ref->address, &commit, err);
        if (rc != BD_OK || chunk_store_has(f->cs, &commit, NULL) != BD_OK)
            continue;
        f->out->tags++;
        f->edits[f->edit_count++] = (struct store_root_edit){ref->dataset, ref->address};
        targets[(*count)++] = ref->address;
    }
    return rc;
}

/* A collection that ran meanwhile may have dropped what was brought, or files that were being written.
 */
static int check_generation(const struct fetch *f, const struct hash *before, int rc, struct err *err) {
    struct hash now;
    if (rc == BD_CANCELLED || generation_of(f->noms, &now, NULL) != BD_OK || hash_eq(before, &now))
        return rc;
    return err_set(err, BD_ROOT_MOVED, "a collection of the database ran meanwhile; try again");
}

/* BD_ROOT_MOVED: to be run again. */
static int fetch_once(struct fetch *f, struct err *err) {
    struct hash before;
    size_t count;
    *f->out = (struct fetch_result){0};
    f->edit_count = 0;
    int rc = generation_of(f->noms, &before, err);
    if (rc == BD_OK)
        rc = chunk_store_refresh(f->cs, err);
    if (rc == BD_OK)
        rc = remote_refs(f->r, f->a, &f->refs, &f->ref_count, err);
    if (rc != BD_OK)
        return rc;
    struct remote *sink = remote_of_store(f->cs, f->noms);
    struct hash *targets = arena_alloc(f->a, (f->ref_count + 1) * sizeof *targets);
    f->edits = arena_alloc(f->a, (f->ref_count + 1) * sizeof *f->edits);
    rc = choose_branches(f, targets, &count, err);
    if (rc == BD_OK)
        rc = pull_chunks(f->r, sink, targets, count, f->options, &f->out->stats, err);
    if (rc == BD_OK)
        rc = choose_tags(f, targets, &count, err);
    if (rc == BD_OK && count)
        rc = pull_chunks(f->r, sink, targets, count, f->options, NULL, err);
    remote_close(sink);
    if (rc != BD_OK)
        return check_generation(f, &before, rc, err);
    rc = chunk_store_lock(f->cs, LOCK_WAIT_MS, err);
    if (rc != BD_OK)
        return rc;
    rc = check_generation(f, &before, rc, err);
    if (rc == BD_OK &&
        os_fsync_dir(f->noms)) /* files that were here may have been listed by one who died before */
        rc = err_errno(err, "cannot sync %s", f->noms);
    if (rc == BD_OK)
        rc = set_refs_once(f->cs, f->edits, f->edit_count, err);
    chunk_store_unlock(f->cs);
    return rc;
}

int sync_fetch(const struct sync_place *place, struct remote *r, const char *branch,
               const struct pull_options *options, struct fetch_result *out, struct err *err) {
    struct arena a = ARENA_INIT;
    struct fetch f = {
        .place = place, .r = r, .branch = branch, .options = options, .out = out, .a = &a};
    f.noms = noms_of(place->database_dir, &a);
    int rc = chunk_store_open(&f.cs, f.noms, 0, err);
    for (int attempt = 1; rc == BD_OK; attempt++) {
        rc = fetch_once(&f, err);
        if (rc != BD_ROOT_MOVED || attempt == ATTEMPTS)
            break;
        err_clear(err);
        rc = BD_OK;
    }
    chunk_store_close(f.cs);
    arena_release(&a);
    return rc;
}
