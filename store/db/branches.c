/*
 * Branches: create, delete, check out.
 */
#include "store/db/branches.h"

#include "base/datetime.h"

#include <stdlib.h>
#include <string.h>

#define REF_LOCK_WAIT_MS 30000

static int change_once(struct embedded *e, ref_change_fn fn, void *ctx, struct err *err) {
    struct ref_change c = {.ns = node_store_new(e->cs)};
    struct hash root = chunk_store_root(e->cs), next;
    int rc = store_root_open(&c.datasets, c.ns, &root, err);
    if (rc == BD_OK)
        rc = fn(&c, ctx, err);
    if (rc == BD_OK && c.edit_count) {
        struct chunk_write *chunks;
        size_t count;
        rc = store_root_edit(&c.datasets, c.edits, c.edit_count, &next, err);
        if (rc == BD_OK)
            rc = node_store_collect(c.ns, &next, &c.arena, &chunks, &count, err);
        if (rc == BD_OK)
            rc = chunk_store_commit(e->cs, &root, chunks, count, &next, err);
    }
    arena_release(&c.arena);
    node_store_free(c.ns);
    return rc;
}

int embedded_change_refs(struct embedded *e, ref_change_fn fn, void *ctx, struct err *err) {
    if (e->read_only)
        return err_set(err, BD_READ_ONLY, "%s is open read-only", e->dir);
    int rc = embedded_refresh(e, err);
    if (rc == BD_OK)
        rc = change_once(e, fn, ctx, err);
    if (rc != BD_ROOT_MOVED)
        return rc;
    err_clear(err);
    rc = chunk_store_lock(e->cs, REF_LOCK_WAIT_MS, err);
    if (rc)
        return rc;
    rc = change_once(e, fn, ctx, err);
    chunk_store_unlock(e->cs);
    return rc;
}

struct branch_request {
    struct embedded *e;
    const char *name, *from;
};

static int create_branch(struct ref_change *c, void *ctx, struct err *err) {
    struct branch_request *b = ctx;
    const char *head = arena_printf(&c->arena, "refs/heads/%s", b->name);
    struct hash h, commit_hash;
    int rc = store_root_get(&c->datasets, head, &h, err);
    if (rc == BD_OK)
        return err_set(err, BD_EXISTS, "branch %s exists already", b->name);
    if (rc != BD_NOT_FOUND)
        return rc;
    err_clear(err);
    rc = ref_resolve(c->ns, &c->datasets, b->e->branch, b->from, &commit_hash, err);
    struct commit commit;
    if (rc == BD_OK)
        rc = commit_read(c->ns, &commit_hash, &c->arena, &commit, err);
    if (rc)
        return rc;
    struct working_set ws = {
        .working = commit.root,
        .staged = commit.root,
        .name = "TODO", /* what Dolt writes for a branch made from a commit */
        .email = "TODO",
        .description = "TODO",
        .timestamp = (uint64_t)(datetime_now() / MICROS_PER_SECOND),
    };
    rc = working_set_write(c->ns, &ws, err);
    c->edits[0] = (struct store_root_edit){head, commit_hash};
    c->edits[1] =
        (struct store_root_edit){arena_printf(&c->arena, "workingSets/heads/%s", b->name), ws.hash};
    c->edit_count = 2;
    return rc;
}

int embedded_branch_create(struct tables *t, const char *name, const char *from_ref, struct err *err) {
    struct embedded *e = embedded_of(t);
    if (!ref_name_is_valid(name))
        return err_set(err, BD_INVALID, "not a branch name: %s", name);
    struct branch_request b = {e, name, from_ref};
    return embedded_change_refs(e, create_branch, &b, err);
}

static int delete_branch(struct ref_change *c, void *ctx, struct err *err) {
    struct branch_request *b = ctx;
    const char *head = arena_printf(&c->arena, "refs/heads/%s", b->name);
    const char *ws = arena_printf(&c->arena, "workingSets/heads/%s", b->name);
    struct hash h;
    int rc = store_root_get(&c->datasets, head, &h, err);
    if (rc == BD_NOT_FOUND)
        return err_set(err, BD_NOT_FOUND, "branch not found: %s", b->name);
    if (rc)
        return rc;
    c->edits[c->edit_count++] = (struct store_root_edit){head, HASH_ZERO};
    if (store_root_get(&c->datasets, ws, &h, NULL) == BD_OK)
        c->edits[c->edit_count++] = (struct store_root_edit){ws, HASH_ZERO};
    return BD_OK;
}

int embedded_branch_delete(struct tables *t, const char *name, bool force, struct err *err) {
    struct embedded *e = embedded_of(t);
    if (!strcmp(name, e->branch))
        return err_set(err, BD_INVALID, "branch %s is checked out; check out another one first", name);
    if (!force) {
        /* look at the branch as status would see it */
        char *here = e->branch;
        struct arena a = ARENA_INIT;
        struct tables_status *list;
        size_t count = 0;
        e->branch = mem_strdup(name);
        int rc = embedded_status(t, &a, &list, &count, err);
        bool dirty = false;
        for (size_t i = 0; rc == BD_OK && i < count; i++)
            dirty = dirty || !list[i].ignored;
        free(e->branch);
        e->branch = here;
        arena_release(&a);
        if (rc)
            return rc;
        if (dirty)
            return err_set(err, BD_CONFLICT, "branch %s has uncommitted changes; nothing was deleted",
                           name);
    }
    struct branch_request b = {e, name, NULL};
    return embedded_change_refs(e, delete_branch, &b, err);
}

int embedded_checkout(struct tables *t, const char *branch, struct err *err) {
    struct embedded *e = embedded_of(t);
    int rc = embedded_refresh(e, err);
    struct hash root = chunk_store_root(e->cs), h;
    struct tree datasets;
    if (rc == BD_OK)
        rc = store_root_open(&datasets, e->ns, &root, err);
    if (rc)
        return rc;
    struct arena a = ARENA_INIT;
    rc = store_root_get(&datasets, arena_printf(&a, "refs/heads/%s", branch), &h, err);
    arena_release(&a);
    if (rc == BD_NOT_FOUND)
        return err_set(err, BD_NOT_FOUND, "branch not found: %s", branch);
    if (rc)
        return rc;
    char *name = mem_strdup(branch);
    free(e->branch);
    e->branch = name;
    return BD_OK;
}
