/*
 * A collection from beginning to end: walk, write, catch up with the writers, publish.
 */
#include "store/db/gc.h"

#include "base/mem.h"
#include "base/os.h"
#include "store/chunk/archive_write.h"
#include "store/chunk/collection.h"
#include "store/chunk/table_writer.h"
#include "store/db/commit.h"
#include "store/db/gc_walk.h"
#include "store/db/store_root.h"
#include "store/prolly/message.h"

#include <errno.h>
#include <stdlib.h>

#define COLLECTION_WAIT_MS 10000
#define LOCK_WAIT_MS 10000
#define STEP_LOCK_WAIT_MS 200 /* a step is optional: rather none than one that waits */
#define CATCH_UPS 3           /* sweeps of what was written meanwhile, before the lock is taken */
#define RELEASE_READS 256u
#define PROGRESS_CHUNKS 512u

struct roots {
    struct hash *old, *young; /* commits; anything */
    size_t old_count, old_capacity, young_count, young_capacity;
};

struct collection {
    const struct db_gc_options *o;
    struct chunk_store *cs;
    struct chunk_collection *files; /* NULL: a dry run */
    const char *scratch;            /* of a dry run */
    struct gc_walk walk;
    struct roots roots;
    struct hash root; /* up to which the walk has come */
    uint64_t written; /* by a dry run, bytes */
    uint64_t total;   /* chunks to be written */
    uint64_t done;
    struct db_gc_result *out;
};

/* --- roots --- */

static bool starts_with(struct bytes b, const char *prefix) {
    size_t n = strlen(prefix);
    return b.size > n && memcmp(b.data, prefix, n) == 0;
}

static int add_dataset(void *ctx, struct bytes name, const struct hash *h) {
    struct roots *r = ctx;
    if (starts_with(name, "refs/heads/") || starts_with(name, "refs/remotes/") ||
        starts_with(name, "refs/internal/")) {
        MEM_GROW(r->old, r->old_capacity, r->old_count + 1);
        r->old[r->old_count++] = *h;
    } else {
        MEM_GROW(r->young, r->young_capacity, r->young_count + 1);
        r->young[r->young_count++] = *h;
    }
    return BD_OK;
}

/* What the store root names, sorted into generations. */
static int find_roots(struct collection *c, struct err *err) {
    struct node_store *ns = node_store_new(c->cs);
    struct tree datasets;
    c->root = chunk_store_root(c->cs);
    c->roots.old_count = c->roots.young_count = 0;
    int rc = store_root_open(&datasets, ns, &c->root, err);
    if (rc == BD_OK)
        rc = store_root_each(&datasets, add_dataset, &c->roots, err);
    node_store_free(ns);
    chunk_store_forget_chunks(c->cs);
    return rc;
}

/* --- walking --- */

static int walk_progress(void *ctx, uint64_t done) {
    struct collection *c = ctx;
    return c->o->progress(c->o->progress_ctx, DB_GC_WALK, done, 0);
}

/* A tag's commit has a history too. */
static int walk_tag(struct collection *c, const struct hash *h, struct err *err) {
    uint8_t *data;
    size_t size;
    struct arena a = ARENA_INIT;
    int rc = chunk_store_read(c->cs, h, &data, &size, NULL);
    if (rc != BD_OK)
        return BD_OK; /* whoever walks from it tells what is wrong */
    struct chunk chunk = {data, size};
    if (message_kind_of(&chunk) == MESSAGE_TAG) {
        struct node_store *ns = node_store_new(c->cs);
        struct tag tag;
        rc = tag_read(ns, h, &a, &tag, err);
        if (rc == BD_OK)
            rc = gc_walk_history(&c->walk, &tag.commit, 1, 0, NULL, err);
        node_store_free(ns);
        arena_release(&a);
    }
    free(data);
    return rc;
}

static int walk_young(struct collection *c, struct err *err) {
    int rc = BD_OK;
    for (size_t i = 0; rc == BD_OK && i < c->roots.young_count; i++) {
        rc = walk_tag(c, &c->roots.young[i], err);
        if (rc == BD_OK)
            rc = gc_walk_from(&c->walk, &c->roots.young[i], err);
    }
    return rc == BD_OK ? gc_walk_from(&c->walk, &c->root, err) : rc;
}

/* --- writing --- */

struct place_order {
    uint64_t kind, place;
    uint32_t entry, position;
};

static int by_place(const void *a, const void *b) {
    const struct place_order *x = a, *y = b;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    if (x->place != y->place)
        return x->place < y->place ? -1 : 1;
    return x->position < y->position ? -1 : x->position > y->position;
}

struct sink {
    struct archive_writer *archive;
    struct table_writer *table;
};

static int sink_open(struct sink *s, const struct collection *c, const char *dir, struct err *err) {
    *s = (struct sink){NULL, NULL};
    return c->o->table_files ? table_writer_open(&s->table, dir, err)
                             : archive_writer_open(&s->archive, dir, err);
}

static int sink_add(struct sink *s, const struct place_order *p, const struct hash *h, const uint8_t *data,
                    size_t size, struct err *err) {
    if (s->table)
        return table_writer_add(s->table, h, data, size, err);
    return archive_writer_add(s->archive, h, data, size, (struct archive_hint){p->kind, p->place}, err);
}

static int sink_finish(struct sink *s, const char *dir, struct hash *name, struct err *err) {
    int rc;
    if (s->table) {
        rc = table_writer_finish(s->table, name, err);
        if (rc == BD_OK && os_fsync_dir(dir) < 0)
            rc = err_errno(err, "cannot sync %s", dir);
    } else {
        struct archive_written written;
        rc = archive_writer_finish(s->archive, &written, err);
        *name = written.name;
    }
    *s = (struct sink){NULL, NULL};
    return rc;
}

static void sink_drop(struct sink *s) {
    table_writer_drop(s->table);
    archive_writer_abandon(s->archive);
}

/* A dry run only wants to know how large the file is. */
static void measure_and_remove(struct collection *c, const char *dir, const struct hash *name) {
    struct buf path = BUF_INIT;
    struct stat st;
    char text[HASH_TEXT_SIZE + 1];
    hash_format(name, text);
    buf_addf(&path, "%s/%s%s", dir, text, c->o->table_files ? "" : ".darc");
    if (os_stat(path.data, &st) == 0)
        c->written += (uint64_t)st.st_size;
    os_unlink(path.data);
    buf_release(&path);
}

/* The chunks listed from position `from` on, as one file; versions of one place follow one another. */
static int write_list(struct collection *c, enum chunk_generation g, size_t from, struct err *err) {
    size_t count = c->walk.count - from;
    if (count == 0)
        return BD_OK;
    const char *dir = c->files ? chunk_collection_dir(c->files, g) : c->scratch;
    struct place_order *order = mem_alloc(count * sizeof *order);
    for (size_t i = 0; i < count; i++) {
        uint32_t e = c->walk.order[from + i];
        order[i] = (struct place_order){c->walk.kinds[e], c->walk.seen.entries[e].value, e, (uint32_t)i};
    }
    qsort(order, count, sizeof *order, by_place);
    struct sink sink;
    struct hash name;
    int rc = sink_open(&sink, c, dir, err);
    for (size_t i = 0; rc == BD_OK && i < count; i++) {
        const struct hash *h = &c->walk.seen.entries[order[i].entry].address;
        uint8_t *data;
        size_t size;
        if (i % RELEASE_READS == RELEASE_READS - 1)
            chunk_store_release_pages(c->cs);
        rc = chunk_store_read(c->cs, h, &data, &size, err);
        if (rc != BD_OK)
            break;
        rc = sink_add(&sink, &order[i], h, data, size, err);
        free(data);
        c->done++;
        if (rc == BD_OK && c->o->progress && c->done % PROGRESS_CHUNKS == 0)
            rc = c->o->progress(c->o->progress_ctx, DB_GC_WRITE, c->done, c->total);
    }
    free(order);
    if (rc == BD_OK)
        rc = sink_finish(&sink, dir, &name, err);
    else
        sink_drop(&sink);
    if (rc != BD_OK)
        return rc;
    if (c->files)
        chunk_collection_add(c->files, g, &name, (uint32_t)count);
    else
        measure_and_remove(c, dir, &name);
    c->out->kept_chunks += count;
    if (g == CHUNK_OLD)
        c->out->old_chunks += count;
    return BD_OK;
}

/* What was written since the walk began goes into a file of the young generation. */
static int catch_up(struct collection *c, struct err *err) {
    struct hash root = chunk_store_root(c->cs);
    size_t from = c->walk.count;
    if (hash_eq(&root, &c->root))
        return BD_OK;
    int rc = find_roots(c, err);
    if (rc == BD_OK)
        rc = gc_walk_history(&c->walk, c->roots.old, c->roots.old_count, 0, NULL, err);
    if (rc == BD_OK)
        rc = walk_young(c, err);
    return rc == BD_OK ? write_list(c, CHUNK_YOUNG, from, err) : rc;
}

static int catch_up_and_publish(struct collection *c, unsigned wait_ms, enum chunk_collection_how how,
                                struct err *err) {
    int rc = BD_OK;
    for (int i = 0; rc == BD_OK && i < CATCH_UPS && how != CHUNK_COLLECTION_ADD; i++) {
        rc = chunk_store_refresh(c->cs, err);
        struct hash root = chunk_store_root(c->cs);
        if (rc != BD_OK || hash_eq(&root, &c->root))
            break;
        rc = catch_up(c, err);
    }
    if (rc == BD_OK && c->o->progress)
        rc = c->o->progress(c->o->progress_ctx, DB_GC_PUBLISH, 0, 0);
    if (rc == BD_OK)
        rc = chunk_collection_lock(c->files, wait_ms, err);
    if (rc == BD_OK && how != CHUNK_COLLECTION_ADD)
        rc = catch_up(c, err);
    return rc == BD_OK ? chunk_collection_publish(c->files, how, err) : rc;
}

static int run(struct collection *c, struct err *err) {
    gc_walk_init(&c->walk, c->cs, !c->o->full);
    if (c->o->progress) {
        c->walk.progress = walk_progress;
        c->walk.progress_ctx = c;
    }
    int rc = find_roots(c, err);
    if (rc == BD_OK)
        rc = gc_walk_history(&c->walk, c->roots.old, c->roots.old_count, 0, NULL, err);
    size_t old = c->walk.count;
    if (rc == BD_OK)
        rc = walk_young(c, err);
    gc_walk_trim(&c->walk);
    c->total = c->walk.count;
    size_t all = c->walk.count;
    c->walk.count = old;
    if (rc == BD_OK)
        rc = write_list(c, CHUNK_OLD, 0, err);
    c->walk.count = all;
    if (rc == BD_OK)
        rc = write_list(c, CHUNK_YOUNG, old, err);
    if (rc == BD_OK && c->files)
        rc = catch_up_and_publish(c, LOCK_WAIT_MS,
                                  c->o->full ? CHUNK_COLLECTION_FULL : CHUNK_COLLECTION_DEFAULT, err);
    return rc;
}

static void release(struct collection *c) {
    chunk_collection_end(c->files);
    gc_walk_release(&c->walk);
    free(c->roots.old);
    free(c->roots.young);
}

/* --- facts --- */

static char *noms_of(const char *dir) {
    struct buf path = BUF_INIT;
    buf_addf(&path, "%s/.dolt/noms", dir);
    if (os_is_dir(path.data))
        return buf_detach(&path);
    buf_release(&path);
    return mem_strdup(dir);
}

static int sizes_of(const char *noms, struct db_gc_sizes *out, struct err *err) {
    struct chunk_file_sizes s;
    int rc = chunk_collection_sizes(noms, &s, err);
    if (rc == BD_OK)
        *out = (struct db_gc_sizes){.journal = s.journal,
                                    .young = s.young,
                                    .old = s.old,
                                    .loose = s.loose,
                                    .total = s.journal + s.young + s.old + s.loose,
                                    .young_files = s.young_files,
                                    .old_files = s.old_files,
                                    .loose_files = s.loose_files};
    return rc;
}

int db_gc_sizes(const char *dir, struct db_gc_sizes *out, struct err *err) {
    char *noms = noms_of(dir);
    int rc = sizes_of(noms, out, err);
    free(noms);
    return rc;
}

static int check_space(const char *noms, uint64_t total, struct err *err) {
    uint64_t bytes;
    if (os_free_space(noms, &bytes) < 0)
        return err_errno(err, "cannot tell how much space is left at %s", noms);
    if (bytes / 2 >= total)
        return BD_OK;
    return err_set(err, BD_NO_SPACE,
                   "a collection of %s needs up to %llu MB of free space (twice its size), and %llu MB are free; "
                   "nothing was changed. Make room on that disk first",
                   noms, (unsigned long long)(2 * total + (1 << 20) - 1) >> 20, (unsigned long long)bytes >> 20);
}

/* Only what others left behind goes. */
static int sweep_only(struct chunk_store *cs, const struct db_gc_options *o, struct err *err) {
    struct chunk_collection *files = NULL;
    int rc = chunk_collection_begin(&files, cs, o->no_wait ? 0 : COLLECTION_WAIT_MS, err);
    if (rc == BD_OK)
        rc = chunk_collection_lock(files, LOCK_WAIT_MS, err);
    if (rc == BD_OK)
        chunk_collection_sweep(files);
    chunk_collection_end(files);
    return rc;
}

static char *make_scratch(const char *noms, struct err *err) {
    struct buf path = BUF_INIT;
    buf_addf(&path, "%s/../temptf", noms);
    if (os_mkdir_p(path.data, 0777) < 0) {
        err_errno(err, "cannot create %s", path.data);
        buf_release(&path);
        return NULL;
    }
    return buf_detach(&path);
}

static int collect(struct chunk_store *cs, const char *noms, const struct db_gc_options *o,
                   struct db_gc_result *out, struct err *err) {
    struct collection c = {.o = o, .cs = cs, .out = out};
    struct hash root = chunk_store_root(cs);
    if (hash_is_zero(&root) || chunk_collection_is_done(cs, o->full)) {
        out->nothing_to_do = true;
        out->after = out->before;
        if (out->before.loose && !o->dry_run) {
            int rc = sweep_only(cs, o, err);
            return rc == BD_OK ? sizes_of(noms, &out->after, err) : rc;
        }
        return BD_OK;
    }
    int rc = o->ignore_space ? BD_OK : check_space(noms, out->before.total, err);
    char *scratch = NULL;
    if (rc == BD_OK && o->dry_run) {
        scratch = make_scratch(noms, err);
        c.scratch = scratch;
        rc = scratch ? BD_OK : BD_IO;
    } else if (rc == BD_OK) {
        rc = chunk_collection_begin(&c.files, cs, o->no_wait ? 0 : COLLECTION_WAIT_MS, err);
    }
    if (rc == BD_OK)
        rc = run(&c, err);
    release(&c);
    free(scratch);
    if (rc == BD_OK && o->dry_run)
        out->after.total = c.written + (o->full ? 0 : out->before.old);
    return rc == BD_OK && !o->dry_run ? sizes_of(noms, &out->after, err) : rc;
}

int db_gc(const char *dir, const struct db_gc_options *o, struct db_gc_result *out, struct err *err) {
    struct chunk_store *cs;
    char *noms = noms_of(dir);
    *out = (struct db_gc_result){0};
    int rc = chunk_store_open(&cs, noms, 0, err);
    if (rc == BD_OK) {
        rc = sizes_of(noms, &out->before, err);
        if (rc == BD_OK)
            rc = collect(cs, noms, o, out, err);
        chunk_store_close(cs);
    }
    free(noms);
    return rc;
}

/* Of journal and young files a collection usually leaves about so much. */
#define ESTIMATE_DIVISOR 4

int db_gc_estimate(const char *dir, struct db_gc_estimate *out, struct err *err) {
    struct chunk_store *cs;
    char *noms = noms_of(dir);
    *out = (struct db_gc_estimate){0};
    int rc = sizes_of(noms, &out->sizes, err);
    if (rc == BD_OK)
        rc = chunk_store_open(&cs, noms, CHUNK_STORE_READ_ONLY, err);
    if (rc == BD_OK) {
        const struct db_gc_sizes *s = &out->sizes;
        struct hash root = chunk_store_root(cs);
        out->worthwhile = !hash_is_zero(&root) && !chunk_collection_is_done(cs, false);
        out->total_after = out->worthwhile ? s->old + (s->journal + s->young) / ESTIMATE_DIVISOR : s->old + s->young;
        chunk_store_close(cs);
    }
    free(noms);
    return rc;
}

bool db_gc_step_due(const char *dir, const struct db_gc_step_options *o) { (void)dir,(void)o; return false; }
int db_gc_step(const char *dir, const struct db_gc_step_options *o, struct err *err) { (void)dir,(void)o,(void)err; return BD_OK; }
