/*
 * The embedded driver: opening and closing, snapshots, refs, and the table of its functions. Nothing of
 * store/db calls this file.
 *
 * Opening reads the root and the branch's working set when a snapshot begins, nothing else. A snapshot
 * never changes, whatever other processes publish.
 */
#include "store/db/embedded.h"

#include "base/os.h"
#include "store/db/repo_state.h"

#include <stdlib.h>
#include <string.h>

#define LOCK_WAIT_MS                                                                                   \
    30000 /* dozens of writers on a busy disk wait longer than the store's usual 10 s */

/* Who reads it goes on; the last one releases it. */
static void drop_newest(struct embedded *e) {
    struct embedded_txn *x = e->newest;
    e->newest = NULL;
    if (x && x->holders == 0) {
        embedded_txn_release(x);
        free(x);
    }
}

/* ---- opening ---- */

static int first_branch(void *ctx, struct bytes dataset, const struct hash *address) {
    (void)address;
    struct buf *found = ctx;
    static const char prefix[] = "refs/heads/";
    size_t n = sizeof prefix - 1;
    if (dataset.size > n && !memcmp(dataset.data, prefix, n)) {
        bool is_main = dataset.size == n + 4 && !memcmp(dataset.data + n, "main", 4);
        if (!found->size || is_main) {
            buf_clear(found);
            buf_add(found, dataset.data + n, dataset.size - n);
        }
    }
    return BD_OK;
}

/* main, or the only branch there is. */
static int default_branch(struct embedded *e, struct err *err) {
    struct hash root = chunk_store_root(e->cs);
    struct tree datasets;
    struct buf found = BUF_INIT;
    int rc = store_root_open(&datasets, e->ns, &root, err);
    if (rc == BD_OK)
        rc = store_root_each(&datasets, first_branch, &found, err);
    if (rc == BD_OK)
        e->branch = mem_strdup(found.size ? buf_str(&found) : "main");
    buf_release(&found);
    return rc;
}

static void embedded_close(struct tables *t) {
    struct embedded *e = embedded_of(t);
    drop_newest(e);
    node_store_free(e->ns);
    chunk_store_close(e->cs);
    strmap_release(&e->schemas);
    arena_release(&e->arena);
    free(e->dir);
    free(e->branch);
    free(e->session_name);
    free(e->session_email);
    free(e);
}

int tables_open_embedded(struct tables **out, const struct tables_open *o, struct err *err) {
    struct embedded *e = mem_zalloc(1, sizeof *e);
    e->base.driver = &embedded_driver;
    e->dir = mem_strdup(o->dir);
    e->read_only = o->flags & TABLES_READ_ONLY;
    e->session_name = mem_strdup(o->session_name ? o->session_name : "beads");
    e->session_email = mem_strdup(o->session_email ? o->session_email : "beads@local");
    *out = NULL;
    struct arena a = ARENA_INIT;
    const char *noms = arena_printf(&a, "%s/.dolt/noms", o->dir);
    int rc;
    if (os_is_dir(noms)) {
        rc = chunk_store_open(&e->cs, noms, e->read_only ? CHUNK_STORE_READ_ONLY : 0, err);
    } else {
        e->bare = e->read_only = true;
        rc = chunk_store_open(&e->cs, o->dir, CHUNK_STORE_READ_ONLY, err);
    }
    if (rc == BD_OK) {
        chunk_store_set_lock_wait(e->cs, LOCK_WAIT_MS);
        e->ns = node_store_new(e->cs);
        e->fresh = true;
        const char *branch = o->branch;
        if (!branch && !e->bare && repo_state_branch(o->dir, &a, &branch, NULL))
            branch = NULL;
        if (branch)
            e->branch = mem_strdup(branch);
        else
            rc = default_branch(e, err);
    }
    arena_release(&a);
    if (rc) {
        embedded_close(&e->base);
        return rc;
    }
    *out = &e->base;
    return BD_OK;
}

static bool embedded_is_read_only(const struct tables *t) {
    return ((const struct embedded *)t)->read_only;
}
static const char *embedded_branch(const struct tables *t) {
    return ((const struct embedded *)t)->branch;
}

/* ---- snapshots ---- */

static bool newest_is_current(const struct embedded *e) {
    struct hash root = chunk_store_root(e->cs);
    return e->newest && hash_eq(&e->newest_root, &root) &&
           e->newest_forgotten == chunk_store_forgotten(e->cs) &&
           strcmp(e->newest_branch, e->branch) == 0;
}

static struct tables_txn *hold_newest(struct embedded *e) {
    e->newest->holders++;
    return &e->newest->base;
}

static int embedded_read_begin(struct tables *t, const char *ref, struct tables_txn **out,
                               struct err *err) {
    struct embedded *e = embedded_of(t);
    *out = NULL;
    int rc = embedded_refresh(e, err);
    if (rc == BD_OK && !ref && newest_is_current(e)) {
        *out = hold_newest(e);
        return BD_OK;
    }
    struct hash root;
    if (rc == BD_OK)
        rc = embedded_resolve_root(e, e->ns, ref, &root, err);
    struct embedded_txn *x = NULL;
    if (rc == BD_OK)
        rc = embedded_txn_at_root(e, &root, &x, err);
    if (rc != BD_OK)
        return rc;
    if (!ref) {
        drop_newest(e);
        e->newest = x;
        e->newest_root = chunk_store_root(e->cs);
        e->newest_forgotten = chunk_store_forgotten(e->cs);
        e->newest_branch = arena_strdup(&x->arena, e->branch);
        x->holders = 1;
    }
    *out = &x->base;
    return BD_OK;
}

static int embedded_read_again(struct tables *t, struct tables_txn **out, struct err *err) {
    struct embedded *e = embedded_of(t);
    if (!newest_is_current(e))
        return embedded_read_begin(t, NULL, out, err);
    *out = hold_newest(e);
    return BD_OK;
}

static void embedded_read_in_portions(struct tables_txn *t) {
    struct chunk_store *cs = embedded_txn_of(t)->e->cs;
    chunk_store_keep_passing(cs);
    chunk_store_set_reading(cs, CHUNK_READING_SCATTERED);
}

static void embedded_end_portion(struct tables_txn *t, size_t keep_bytes) {
    chunk_store_forget_passing(embedded_txn_of(t)->e->cs, keep_bytes);
}

static void embedded_read_end(struct tables_txn *t) {
    struct embedded_txn *x = embedded_txn_of(t);
    if (x->writing)
        return; /* the writer's own, ended by embedded_write */
    if (x->holders)
        x->holders--;
    if (x->holders || x == x->e->newest)
        return;
    embedded_txn_release(x);
    free(x);
}

static int embedded_schema_of(struct tables_txn *t, const char *table, const struct schema **out,
                              struct err *err) {
    struct table *tb;
    int rc = embedded_table(embedded_txn_of(t), table, &tb, err);
    if (rc == BD_OK)
        *out = &tb->ts->schema;
    return rc;
}

static int embedded_list_of(struct tables_txn *t, struct arena *a, const char ***names, size_t *count,
                            struct err *err) {
    return embedded_list(embedded_txn_of(t), a, names, count, err);
}

static void embedded_set_message(struct tables_txn *t, const char *message) {
    struct embedded_txn *x = embedded_txn_of(t);
    x->message = arena_strdup(&x->arena, message);
}

static void embedded_set_foreign_key_checks(struct tables_txn *t, bool on) {
    embedded_txn_of(t)->foreign_key_checks = on;
}

/* ---- refs ---- */

static int embedded_resolve(struct tables *t, const char *ref, struct hash *commit, struct err *err) {
    struct embedded *e = embedded_of(t);
    int rc = embedded_refresh(e, err);
    struct hash root = chunk_store_root(e->cs);
    struct tree datasets;
    if (rc == BD_OK)
        rc = store_root_open(&datasets, e->ns, &root, err);
    return rc ? rc : ref_resolve(e->ns, &datasets, e->branch, ref, commit, err);
}

struct refs_ctx {
    struct embedded *e;
    struct arena *a;
    struct tables_ref *list;
    size_t count, capacity;
    struct err *err;
};

static int refs_add(void *ctx, struct bytes dataset, const struct hash *address) {
    struct refs_ctx *x = ctx;
    static const struct {
        const char *prefix;
        int kind;
    } kinds[] = {{"refs/heads/", TABLES_REF_BRANCH},
                 {"refs/tags/", TABLES_REF_TAG},
                 {"refs/remotes/", TABLES_REF_REMOTE}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t n = strlen(kinds[i].prefix);
        if (dataset.size <= n || memcmp(dataset.data, kinds[i].prefix, n))
            continue;
        MEM_GROW(x->list, x->capacity, x->count + 1);
        struct tables_ref *r = &x->list[x->count++];
        memset(r, 0, sizeof *r);
        r->name = arena_strndup(x->a, (const char *)dataset.data + n, dataset.size - n);
        r->commit = *address;
        if (kinds[i].kind == TABLES_REF_TAG) {
            struct tag tag;
            int rc = tag_read(x->e->ns, address, x->a, &tag, x->err);
            if (rc)
                return rc;
            r->kind = TABLES_REF_TAG;
            r->commit = tag.commit;
        } else {
            r->kind = kinds[i].kind == TABLES_REF_BRANCH ? TABLES_REF_BRANCH : TABLES_REF_REMOTE;
        }
    }
    return BD_OK;
}

static int embedded_refs(struct tables *t, struct arena *a, struct tables_ref **refs, size_t *count,
                         struct err *err) {
    struct embedded *e = embedded_of(t);
    int rc = embedded_refresh(e, err);
    struct hash root = chunk_store_root(e->cs);
    struct tree datasets;
    struct refs_ctx x = {e, a, NULL, 0, 0, err};
    if (rc == BD_OK)
        rc = store_root_open(&datasets, e->ns, &root, err);
    if (rc == BD_OK)
        rc = store_root_each(&datasets, refs_add, &x, err);
    if (rc == BD_OK) {
        *refs = arena_dup(a, x.list, x.count * sizeof *x.list);
        *count = x.count;
    }
    free(x.list);
    return rc;
}

/* ---- the driver ---- */

const struct tables_driver embedded_driver = {
    .close = embedded_close,
    .is_read_only = embedded_is_read_only,
    .branch = embedded_branch,
    .read_begin = embedded_read_begin,
    .read_again = embedded_read_again,
    .read_end = embedded_read_end,
    .read_in_portions = embedded_read_in_portions,
    .end_portion = embedded_end_portion,
    .schema = embedded_schema_of,
    .list = embedded_list_of,
    .get = embedded_get,
    .scan = embedded_scan,
    .count = embedded_count,
    .write = embedded_write,
    .set_message = embedded_set_message,
    .commit_now = embedded_commit_now,
    .set_foreign_key_checks = embedded_set_foreign_key_checks,
    .insert = embedded_insert,
    .bulk_begin = embedded_bulk_begin,
    .bulk_add = embedded_bulk_add,
    .bulk_end = embedded_bulk_end,
    .bulk_drop = embedded_bulk_drop,
    .update = embedded_update,
    .remove = embedded_delete,
    .ddl = embedded_ddl,
    .log = embedded_log,
    .log_count = embedded_log_count,
    .resolve = embedded_resolve,
    .refs = embedded_refs,
    .diff = embedded_diff,
    .status = embedded_status,
    .row_history = embedded_row_history,
    .branch_create = embedded_branch_create,
    .branch_delete = embedded_branch_delete,
    .checkout = embedded_checkout,
    .merge = embedded_merge,
};
