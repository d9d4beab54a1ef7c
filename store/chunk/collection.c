/*
 * Publishing a collection, step by step durable:
 *
 *   1. the new files are complete and synced under their names (by the caller), and the journal is
 *      synced: the root in it is the one that is published;
 *   2. the manifest of the old generation names them beside its present files;
 *   3. the manifest of the young generation names its new files alone: from here on the new state
 * holds;
 *   4. journal and its indexes are unlinked (a journal that stays is unlisted and has the same root, so
 *      the next writer removes it);
 *   5. a full collection takes the former files out of the manifest of the old generation;
 *   6. files that no manifest names are unlinked.
 */
#include "store/chunk/collection.h"

#include "base/os.h"
#include "store/chunk/store_internal.h"

#include <errno.h>
#include <stdlib.h>

struct output {
    struct manifest_spec *specs;
    size_t count, capacity;
    bool published; /* a manifest may name them */
};

struct chunk_collection {
    struct chunk_store *cs;
    struct store_lock lock;   /* of the old generation */
    struct manifest old;      /* as it was at the start */
    bool locked;              /* noms/LOCK was taken by us */
    struct output outputs[2]; /* by enum chunk_generation */
    struct hash *dropped;
    size_t dropped_count, dropped_capacity;
};

static const char *dir_of(const struct chunk_collection *c, enum chunk_generation g) {
    return g == CHUNK_OLD ? c->cs->old_dir : c->cs->dir;
}

const char *chunk_collection_dir(const struct chunk_collection *c, enum chunk_generation g) {
    return dir_of(c, g);
}

static int make_old_dir(struct chunk_store *cs, struct err *err) {
    if (os_is_dir(cs->old_dir))
        return BD_OK;
    if (os_mkdir(cs->old_dir, 0777) < 0 && errno != EEXIST)
        return err_errno(err, "cannot create %s", cs->old_dir);
    if (os_fsync_dir(cs->dir) < 0)
        return err_errno(err, "cannot sync %s", cs->dir);
    return BD_OK;
}

int chunk_collection_begin(struct chunk_collection **out, struct chunk_store *cs, unsigned wait_ms,
                           struct err *err) {
    if (cs->read_only)
        return err_set(err, BD_READ_ONLY, "%s is open for reading only%s", cs->dir,
                       cs->is_bare ? ": it is a bare store (a backup or file remote)" : "");
    int rc = make_old_dir(cs, err);
    if (rc != BD_OK)
        return rc;
    struct chunk_collection *c = mem_zalloc(1, sizeof *c);
    c->cs = cs;
    c->old = (struct manifest)MANIFEST_INIT;
    store_lock_init(&c->lock, cs->old_dir);
    rc = store_lock_take(&c->lock, wait_ms, err);
    if (rc == BD_BUSY)
        err_set(err, BD_BUSY, "another collection works on %s; nothing was done, try again later",
                cs->dir);
    if (rc == BD_OK)
        rc = chunk_store_refresh(cs, err);
    if (rc == BD_OK && cs->now.old.exists)
        manifest_copy(&c->old, &cs->now.old.manifest);
    if (rc != BD_OK) {
        chunk_collection_end(c);
        return rc;
    }
    *out = c;
    return BD_OK;
}

void chunk_collection_add(struct chunk_collection *c, enum chunk_generation g, const struct hash *name,
                          uint32_t count) {
    struct output *o = &c->outputs[g];
    MEM_GROW(o->specs, o->capacity, o->count + 1);
    o->specs[o->count++] = (struct manifest_spec){*name, count};
}

void chunk_collection_drop(struct chunk_collection *c, const struct hash *name) {
    MEM_GROW(c->dropped, c->dropped_capacity, c->dropped_count + 1);
    c->dropped[c->dropped_count++] = *name;
}

void chunk_collection_old_archives(const struct chunk_collection *c, struct hash **names,
                                   uint64_t **sizes, size_t *count) {
    const struct generation *g = &c->cs->now.old;
    *names = mem_alloc((g->file_count + 1) * sizeof **names);
    *sizes = mem_alloc((g->file_count + 1) * sizeof **sizes);
    *count = 0;
    for (size_t i = 0; i < g->file_count; i++)
        if (chunk_file_is_archive(g->files[i])) {
            (*names)[*count] = *chunk_file_name(g->files[i]);
            (*sizes)[(*count)++] = chunk_file_size(g->files[i]);
        }
}

static bool is_dropped(const struct chunk_collection *c, const struct hash *name) {
    for (size_t i = 0; i < c->dropped_count; i++)
        if (hash_eq(&c->dropped[i], name))
            return true;
    return false;
}

static void path_of(struct buf *path, const char *dir, const struct hash *name, const char *suffix) {
    char text[HASH_TEXT_SIZE + 1];
    hash_format(name, text);
    buf_clear(path);
    buf_addf(path, "%s/%s%s", dir, text, suffix);
}

static bool file_exists(const char *dir, const struct hash *name) {
    struct buf path = BUF_INIT;
    path_of(&path, dir, name, "");
    bool exists = os_exists(path.data);
    path_of(&path, dir, name, ".darc");
    exists = exists || os_exists(path.data);
    buf_release(&path);
    return exists;
}

/* Somebody who does not know our lock (dolt gc holds noms/LOCK alone) may have collected meanwhile. */
static int check_undisturbed(const struct chunk_collection *c, struct err *err) {
    bool same = manifest_same_files(&c->old, &c->cs->now.old.manifest);
    for (int g = 0; g < 2; g++)
        for (size_t i = 0; i < c->outputs[g].count; i++)
            same =
                same && file_exists(dir_of(c, (enum chunk_generation)g), &c->outputs[g].specs[i].name);
    return same ? BD_OK
                : err_set(err, BD_BUSY, "another program collected %s meanwhile; nothing was changed",
                          c->cs->dir);
}

int chunk_collection_lock(struct chunk_collection *c, unsigned wait_ms, struct err *err) {
    bool held = c->cs->lock.held;
    int rc = chunk_store_lock(c->cs, wait_ms, err);
    if (rc == BD_OK) {
        c->locked = c->locked || !held;
        rc = check_undisturbed(c, err);
    }
    return rc;
}

/* --- sweeping --- */

static bool has_prefix(const char *name, const char *prefix) {
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* Is it a file of chunks (true also for the journal's name), and which? */
static bool is_chunk_file(const char *name, struct hash *h) {
    size_t size = strlen(name);
    if (size > 5 && strcmp(name + size - 5, ".darc") == 0)
        size -= 5;
    return hash_parse(name, size, h);
}

static bool is_loose(const struct manifest *named, const char *name) {
    struct hash h;
    if (has_prefix(name, "nbs_table_") || has_prefix(name, "nbs_manifest_"))
        return true;
    return is_chunk_file(name, &h) && !hash_eq(&h, &manifest_journal_name) &&
           !manifest_names(named, &h);
}

/*
 * What is left over here is harmless, so failing is too. Whoever wrote the manifest may have ended
 * before it was durable: it is made so first, for the one before it may name what goes.
 */
static void sweep(const char *dir, const struct manifest *named) {
    struct buf path = BUF_INIT;
    char **names;
    size_t count;
    bool durable = false;
    if (os_list_dir(dir, &names, &count) < 0)
        return;
    for (size_t i = 0; i < count; i++) {
        if (!is_loose(named, names[i]))
            continue;
        if (!durable && os_fsync_dir(dir) < 0)
            break;
        durable = true;
        buf_clear(&path);
        buf_addf(&path, "%s/%s", dir, names[i]);
        os_unlink(path.data);
    }
    os_free_list(names, count);
    buf_release(&path);
}

void chunk_collection_sweep(struct chunk_collection *c) {
    sweep(c->cs->dir, &c->cs->now.young.manifest);
    sweep(c->cs->old_dir, &c->cs->now.old.manifest);
}

/* --- publishing --- */

static int write_manifest(struct chunk_collection *c, enum chunk_generation g, struct manifest *m,
                          struct err *err) {
    const struct store_lock *lock = g == CHUNK_OLD ? &c->lock : &c->cs->lock;
    bool renamed = false;
    if (!store_lock_is_ours(lock) || !store_lock_is_ours(&c->cs->lock))
        return err_set(err, BD_BUSY, "%s was deleted while it was held; try again", lock->path);
    int rc = manifest_write(dir_of(c, g), m, &renamed, err);
    if (renamed)
        c->outputs[g].published = true;
    if (rc != BD_OK && renamed)
        c->cs->write_failed = true;
    return rc;
}

static int publish_old(struct chunk_collection *c, bool keep, bool full, struct err *err) {
    struct output *o = &c->outputs[CHUNK_OLD];
    struct manifest m = MANIFEST_INIT;
    m.gcgen = c->old.gcgen;
    for (size_t i = 0; keep && i < c->old.spec_count; i++)
        if (!is_dropped(c, &c->old.specs[i].name))
            manifest_add(&m, &c->old.specs[i].name, c->old.specs[i].count);
    for (size_t i = 0; i < o->count; i++)
        if (!manifest_names(&m, &o->specs[i].name))
            manifest_add(&m, &o->specs[i].name, o->specs[i].count);
    m.root = HASH_ZERO;
    m.lock = manifest_lock_of(&m.root, m.specs, m.spec_count);
    if (full)
        m.gcgen = manifest_full_gcgen_of(&m.root, m.specs, m.spec_count);
    int rc = BD_OK;
    if (!keep || !manifest_same_files(&m, &c->old))
        rc = write_manifest(c, CHUNK_OLD, &m, err);
    else if (os_fsync_dir(c->cs->old_dir) < 0 && errno != ENOENT)
        /* somebody may have died between naming this manifest and syncing the name: what comes relies
         * on it */
        rc = err_errno(err, "cannot sync %s", c->cs->old_dir);
    if (rc == BD_OK && (!keep || c->dropped_count))
        sweep(c->cs->old_dir, &m);
    manifest_release(&m);
    return rc;
}

static int unlink_journal(struct chunk_store *cs, struct err *err) {
    struct buf path = BUF_INIT;
    int rc = BD_OK;
    buf_addf(&path, "%s/" JOURNAL_FILE, cs->dir);
    store_unlink_indexes(cs->dir);
    if (os_unlink(path.data) < 0 && errno != ENOENT)
        rc = err_errno(err, "cannot remove %s, which is not needed any more", path.data);
    else if (os_fsync_dir(cs->dir) < 0)
        rc = err_errno(err, "cannot sync %s", cs->dir);
    buf_release(&path);
    return rc;
}

static int publish_young(struct chunk_collection *c, bool full, struct err *err) {
    struct output *o = &c->outputs[CHUNK_YOUNG];
    struct manifest m = MANIFEST_INIT;
    for (size_t i = 0; i < o->count; i++)
        if (!manifest_names(&m, &o->specs[i].name))
            manifest_add(&m, &o->specs[i].name, o->specs[i].count);
    m.root = c->cs->now.root;
    m.lock = manifest_lock_of(&m.root, m.specs, m.spec_count);
    m.gcgen = full ? manifest_full_gcgen_of(&m.root, m.specs, m.spec_count) : m.lock;
    int rc = write_manifest(c, CHUNK_YOUNG, &m, err);
    if (rc == BD_OK)
        rc = unlink_journal(c->cs, err);
    if (rc == BD_OK)
        sweep(c->cs->dir, &m);
    manifest_release(&m);
    return rc;
}

int chunk_collection_publish(struct chunk_collection *c, enum chunk_collection_how how,
                             struct err *err) {
    bool full = how == CHUNK_COLLECTION_FULL;
    int rc = store_sync_journal(c->cs, err);
    if (rc == BD_OK)
        rc = publish_old(c, true, false, err);
    if (rc == BD_OK && how != CHUNK_COLLECTION_ADD)
        rc = publish_young(c, full, err);
    if (rc == BD_OK && full)
        rc = publish_old(c, false, true, err);
    if (rc == BD_OK && how == CHUNK_COLLECTION_DEFAULT) {
        struct manifest now;
        rc = manifest_read(c->cs->old_dir, &now, err);
        if (rc == BD_OK) {
            sweep(c->cs->old_dir, &now);
            manifest_release(&now);
        } else if (rc == BD_NOT_FOUND) {
            rc = BD_OK;
        }
    }
    return rc == BD_OK ? chunk_store_refresh(c->cs, err) : rc;
}

static void remove_output(const char *dir, const struct hash *name) {
    struct buf path = BUF_INIT;
    path_of(&path, dir, name, "");
    os_unlink(path.data);
    path_of(&path, dir, name, ".darc");
    os_unlink(path.data);
    buf_release(&path);
}

/* Files that no manifest names; a file with the name of one that is named is that one. */
static void remove_outputs(struct chunk_collection *c, enum chunk_generation g) {
    struct output *o = &c->outputs[g];
    struct manifest m;
    if (o->count == 0 || o->published)
        return;
    int rc = manifest_read(dir_of(c, g), &m, NULL);
    if (rc != BD_OK && rc != BD_NOT_FOUND)
        return;
    if (rc == BD_NOT_FOUND)
        m = (struct manifest)MANIFEST_INIT;
    bool durable = os_fsync_dir(dir_of(c, g)) == 0; /* as in sweep() */
    for (size_t i = 0; durable && i < o->count; i++)
        if (!manifest_names(&m, &o->specs[i].name))
            remove_output(dir_of(c, g), &o->specs[i].name);
    manifest_release(&m);
}

void chunk_collection_end(struct chunk_collection *c) {
    if (!c)
        return;
    remove_outputs(c, CHUNK_OLD);
    remove_outputs(c, CHUNK_YOUNG);
    if (c->locked)
        chunk_store_unlock(c->cs);
    store_lock_give(&c->lock);
    store_lock_close(&c->lock);
    manifest_release(&c->old);
    free(c->dropped);
    free(c->outputs[0].specs);
    free(c->outputs[1].specs);
    free(c);
}

bool chunk_collection_is_done(const struct chunk_store *cs, bool full) {
    const struct manifest *m = &cs->now.young.manifest;
    if (cs->now.journal || cs->now.journal_listed)
        return false;
    struct hash token = manifest_full_gcgen_of(&m->root, m->specs, m->spec_count);
    if (hash_eq(&token, &m->gcgen))
        return true;
    token = manifest_lock_of(&m->root, m->specs, m->spec_count);
    return !full && hash_eq(&token, &m->gcgen);
}

/* --- sizes --- */

static void measure_file(const char *path, const char *name, const struct manifest *named, bool old,
                         struct chunk_file_sizes *out) {
    struct hash h;
    struct stat st;
    bool loose = is_loose(named, name);
    if ((!loose && !is_chunk_file(name, &h)) || os_stat(path, &st) < 0)
        return;
    uint64_t size = (uint64_t)st.st_size;
    if (loose) {
        out->loose += size;
        out->loose_files++;
    } else if (hash_eq(&h, &manifest_journal_name)) {
        out->journal += size;
    } else if (old) {
        out->old += size;
        out->old_files++;
    } else {
        out->young += size;
        out->young_files++;
    }
}

static int measure(const char *dir, bool old, struct chunk_file_sizes *out, struct err *err) {
    struct manifest m;
    struct buf path = BUF_INIT;
    char **names = NULL;
    size_t count = 0;
    int rc = manifest_read(dir, &m, err);
    if (rc == BD_NOT_FOUND && old)
        m = (struct manifest)MANIFEST_INIT;
    else if (rc != BD_OK)
        return rc;
    rc = BD_OK;
    if (os_list_dir(dir, &names, &count) < 0 && errno != ENOENT)
        rc = err_errno(err, "cannot list %s", dir);
    for (size_t i = 0; i < count; i++) {
        buf_clear(&path);
        buf_addf(&path, "%s/%s", dir, names[i]);
        measure_file(path.data, names[i], &m, old, out);
    }
    os_free_list(names, count);
    buf_release(&path);
    manifest_release(&m);
    return rc;
}

int chunk_collection_sizes(const char *noms, struct chunk_file_sizes *out, struct err *err) {
    struct buf old = BUF_INIT;
    *out = (struct chunk_file_sizes){0};
    buf_addf(&old, "%s/oldgen", noms);
    int rc = measure(noms, false, out, err);
    if (rc == BD_OK)
        rc = measure(old.data, true, out, err);
    buf_release(&old);
    return rc;
}
