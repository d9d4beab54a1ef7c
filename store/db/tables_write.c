/*
 * Transactions of the embedded driver.
 *
 * The first run works on a snapshot without any lock. If the root moved meanwhile, everything is
 * dropped and the function runs again under the store's lock, where nothing can move. What is published
 * in either case is one store root: new working set and, when asked for, the new commit with it.
 */
#include "store/db/embedded.h"
#include "store/db/stage.h"

#include "base/datetime.h"

#include <stdlib.h>
#include <string.h>

#define WRITE_LOCK_WAIT_MS 30000

/* Opens what the branch holds now. */
static int txn_begin(struct embedded_txn *x, struct err *err) {
    struct embedded *e = x->e;
    struct arena *a = &x->arena;
    x->store_root = chunk_store_root(e->cs);
    if (x->writing)
        node_store_allow_ahead(x->ns, &x->store_root);
    int rc = store_root_open(&x->datasets, x->ns, &x->store_root, err);
    if (rc)
        return rc;
    rc = store_root_get(&x->datasets, arena_printf(a, "refs/heads/%s", e->branch), &x->head, err);
    if (rc == BD_NOT_FOUND)
        return err_set(err, BD_NOT_FOUND, "branch not found: %s", e->branch);
    struct commit head;
    if (rc == BD_OK)
        rc = commit_read(x->ns, &x->head, a, &head, err);
    if (rc)
        return rc;
    x->head_root = head.root;
    struct hash h;
    rc = store_root_get(&x->datasets, arena_printf(a, "workingSets/heads/%s", e->branch), &h, err);
    if (rc == BD_OK) {
        rc = working_set_read(x->ns, &h, a, &x->ws, err);
    } else if (rc == BD_NOT_FOUND) {
        memset(&x->ws, 0, sizeof x->ws);
        x->ws.working = head.root;
        rc = BD_OK;
        err_clear(err);
    }
    if (rc == BD_OK && hash_is_zero(&x->ws.staged))
        x->ws.staged = head.root;
    if (rc == BD_OK)
        rc = root_value_read(&x->root, x->ns, &x->ws.working, err);
    if (rc == BD_OK && x->root.feature_version > FEATURE_VERSION)
        rc = err_set(
            err, BD_TOO_NEW,
            "the database was written by a newer program (feature version %lld, this one writes "
            "%d): it can be read, not written; upgrade first",
            (long long)x->root.feature_version, FEATURE_VERSION);
    return rc;
}

/* Puts everything the transaction changed into the working root. */
int embedded_flush(struct embedded_txn *x, struct err *err) {
    size_t n = 0;
    struct root_value_edit *edits =
        arena_alloc(&x->arena, (x->tables.used + x->removed.used + 1) * sizeof *edits);
    int rc = BD_OK;
    for (struct strmap_entry *e = NULL; rc == BD_OK && (e = strmap_next(&x->tables, e));) {
        struct table *t = e->value;
        if (!table_is_dirty(t))
            continue;
        rc = table_flush(t, err);
        edits[n++] = (struct root_value_edit){t->name, t->hash};
    }
    for (struct strmap_entry *e = NULL; (e = strmap_next(&x->removed, e));)
        edits[n++] = (struct root_value_edit){e->key, HASH_ZERO};
    bool changed = n > 0;
    if (rc == BD_OK)
        rc = root_value_edit(&x->root, edits, n, err);
    if (rc == BD_OK && x->foreign_keys_changed) {
        rc = foreign_keys_write(x->ns, &x->foreign_keys, &x->root.foreign_keys, err);
        changed = true;
    }
    if (rc == BD_OK && changed)
        rc = root_value_write(&x->root, err);
    return rc;
}

/* Refuses to commit what a merge left unresolved. */
static int check_unresolved(struct embedded_txn *x, const struct root_value *head, struct err *err) {
    if (!x->ws.merge.active)
        return BD_OK;
    if (x->ws.merge.unmergable_count)
        return err_set(err, BD_CONFLICT, "table %s has a schema conflict of the unfinished merge",
                       x->ws.merge.unmergable[0]);
    struct root_value_change *changes;
    size_t count;
    int rc = root_value_changes(head, &x->root, &x->arena, &changes, &count, err);
    for (size_t i = 0; rc == BD_OK && i < count; i++) {
        if (hash_is_zero(&changes[i].to))
            continue;
        struct table *t;
        rc = embedded_table(x, changes[i].table, &t, err);
        if (rc == BD_OK && !hash_is_zero(&t->artifacts))
            rc = err_set(
                err, BD_CONFLICT,
                "table %s has unresolved conflicts or constraint violations; resolve them first",
                changes[i].table);
    }
    return rc;
}

static int txn_commit(struct embedded_txn *x, const struct tables_write *w, const char *message,
                      struct hash *commit, struct err *err) {
    struct root_value head, staged;
    int rc = root_value_read(&head, x->ns, &x->head_root, err);
    if (rc == BD_OK)
        rc = root_value_read(&staged, x->ns, &x->ws.staged, err);
    if (rc == BD_OK)
        rc = check_unresolved(x, &head, err);
    if (rc == BD_OK)
        rc = stage_tables(x, &head, &staged, &x->root,
                          w->mode == TABLES_COMMIT_TABLES ? &x->written : NULL, false, err);
    if (rc == BD_OK)
        rc = root_value_write(&staged, err);
    if (rc)
        return rc;
    x->ws.staged = staged.hash;
    if (hash_eq(&staged.hash, &x->head_root) && !x->ws.merge.active)
        return BD_OK;
    int64_t now = datetime_now();
    struct hash parents[2] = {x->head, x->ws.merge.from_commit};
    struct commit c = {
        .root = staged.hash,
        .parents = parents,
        .parent_count = x->ws.merge.active ? 2 : 1,
        .author = w->author.name ? w->author.name : "root",
        .email = w->author.name ? w->author.email : "root@%",
        .message = message,
        .committer_millis = (uint64_t)(now / 1000),
        .author_millis = (w->author_time_micros ? w->author_time_micros : now) / 1000,
    };
    rc = commit_create(x->ns, &c, err);
    if (rc)
        return rc;
    memset(&x->ws.merge, 0, sizeof x->ws.merge);
    *commit = c.hash;
    return BD_OK;
}

int embedded_commit_now(struct tables_txn *t, const struct tables_write *w, struct hash *commit,
                        struct err *err) {
    struct embedded_txn *x = embedded_txn_of(t);
    struct hash made = HASH_ZERO;
    if (!x->writing)
        return err_set(err, BD_READ_ONLY, "a snapshot for reading cannot be committed");
    int rc = embedded_flush(x, err);
    x->ws.working = x->root.hash;
    if (rc == BD_OK)
        rc = txn_commit(x, w, w->message, &made, err);
    if (rc == BD_OK && !hash_is_zero(&made)) {
        x->head = x->committed = made;
        x->head_root = x->ws.staged;
    }
    if (commit)
        *commit = made;
    return rc;
}

size_t embedded_ahead_bytes = (size_t)16 << 20;

/*
 * Very much at once is written in slices, children before parents, so that the encoded form of all of
 * it is never in memory: the root stays until the last slice. What a slice left of a transaction that
 * fails is unreachable and goes with the next collection.
 */
static int put_ahead(struct embedded *e, const struct hash *root, struct chunk_write **chunks,
                     size_t *count, struct err *err) {
    size_t left = 0;
    int rc = BD_OK;
    for (size_t i = 0; i < *count; i++)
        left += (*chunks)[i].size;
    while (rc == BD_OK && left > 2 * embedded_ahead_bytes) {
        size_t n = 0, bytes = 0;
        while (n < *count && bytes < embedded_ahead_bytes)
            bytes += (*chunks)[n++].size;
        rc = chunk_store_commit(e->cs, root, *chunks, n, root, err);
        *chunks += n;
        *count -= n;
        left -= bytes;
    }
    return rc;
}

/* Publishes working set and commit in one store root. */
static int txn_publish(struct embedded_txn *x, const struct hash *commit, struct err *err) {
    struct embedded *e = x->e;
    x->ws.name = e->session_name;
    x->ws.email = e->session_email;
    x->ws.description = "sql transaction";
    x->ws.timestamp = (uint64_t)(datetime_now() / MICROS_PER_SECOND);
    int rc = working_set_write(x->ns, &x->ws, err);
    if (rc)
        return rc;
    struct store_root_edit edits[2];
    size_t n = 0;
    edits[n++] = (struct store_root_edit){arena_printf(&x->arena, "workingSets/heads/%s", e->branch),
                                          x->ws.hash};
    if (!hash_is_zero(commit))
        edits[n++] =
            (struct store_root_edit){arena_printf(&x->arena, "refs/heads/%s", e->branch), *commit};
    struct hash root;
    rc = store_root_edit(&x->datasets, edits, n, &root, err);
    struct chunk_write *chunks;
    size_t count = 0;
    if (rc == BD_OK)
        rc = node_store_collect(x->ns, &root, &x->arena, &chunks, &count, err);
    size_t collected = count;
    if (rc == BD_OK)
        rc = put_ahead(e, &x->store_root, &chunks, &count, err);
    if (rc)
        return rc;
    return count == collected /* the snapshot they were looked for in is still the present one */
               ? chunk_store_commit_new(e->cs, &x->store_root, chunks, count, &root, err)
               : chunk_store_commit(e->cs, &x->store_root, chunks, count, &root, err);
}

static int write_once(struct embedded *e, const struct tables_write *w, tables_write_fn fn, void *ctx,
                      struct hash *commit, struct err *err) {
    struct node_store *ns = node_store_new(e->cs);
    struct embedded_txn x;
    embedded_txn_init(&x, e, ns);
    x.writing = true;
    *commit = HASH_ZERO;
    int rc = txn_begin(&x, err);
    struct working_set before = x.ws;
    if (rc == BD_OK)
        rc = fn(&x.base, ctx, err);
    if (rc == BD_OK)
        rc = embedded_flush(&x, err);
    if (rc == BD_OK) {
        x.ws.working = x.root.hash;
        if (w->mode != TABLES_WORKING)
            rc = txn_commit(&x, w, x.message ? x.message : w->message, commit, err);
    }
    if (rc == BD_OK && hash_is_zero(commit))
        *commit = x.committed;
    bool changed = !hash_eq(&x.ws.working, &before.working) || !hash_eq(&x.ws.staged, &before.staged) ||
                   !hash_is_zero(commit);
    if (rc == BD_OK && changed)
        rc = txn_publish(&x, commit, err);
    if (rc)
        *commit = HASH_ZERO;
    embedded_txn_release(&x);
    node_store_free(ns);
    return rc;
}

int embedded_write(struct tables *t, const struct tables_write *w, tables_write_fn fn, void *ctx,
                   struct hash *commit, struct err *err) {
    struct embedded *e = embedded_of(t);
    struct hash ignored;
    if (!commit)
        commit = &ignored;
    *commit = HASH_ZERO;
    if (e->read_only)
        return err_set(err, BD_READ_ONLY, "%s is open read-only%s", e->dir,
                       e->bare ? ": it is a bare store (a backup or file remote)" : "");
    int rc = embedded_refresh(e, err);
    if (rc)
        return rc;
    rc = write_once(e, w, fn, ctx, commit, err);
    if (rc != BD_ROOT_MOVED)
        return rc;
    err_clear(err);
    rc = chunk_store_lock(e->cs, WRITE_LOCK_WAIT_MS, err);
    if (rc)
        return rc;
    rc = write_once(e, w, fn, ctx, commit, err);
    chunk_store_unlock(e->cs);
    return rc;
}
