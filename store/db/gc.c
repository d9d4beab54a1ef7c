/*
 * A collection from beginning to end: walk, write, catch up with the writers, publish.
 */
#include "store/db/gc.h"

#include "base/datetime.h"
#include "base/mem.h"
#include "base/os.h"
#include "store/chunk/archive_join.h"
#include "store/chunk/archive_write.h"
#include "store/chunk/collection.h"
#include "store/chunk/manifest.h"
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
#define RELEASE_READS 128u
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
    bool is_step;
    size_t from; /* where the list that is being written begins */
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

/* What commands read now: branches and working sets. */
static int mark_current(struct collection *c, struct err *err) {
    int rc = BD_OK;
    for (size_t i = 0; rc == BD_OK && i < c->roots.old_count; i++)
        rc = gc_walk_mark_current(&c->walk, &c->roots.old[i], err);
    for (size_t i = 0; rc == BD_OK && i < c->roots.young_count; i++)
        rc = gc_walk_mark_current(&c->walk, &c->roots.young[i], err);
    return rc == BD_OK ? gc_walk_mark_current(&c->walk, &c->root, err) : rc;
}

/*
 * A step may end in the middle of history, or of one large commit. The newest commit in it and what was
 * begun of the next are read by commands until they change, which most of a database rarely does.
 */
static int mark_newest(struct collection *c, struct err *err) {
    const struct gc_walk *w = &c->walk;
    int rc = BD_OK;
    for (size_t i = w->count; rc == BD_OK && i-- > 0;) {
        uint32_t e = w->order[i];
        struct hash h = w->seen.entries[e].address;
        rc = gc_walk_mark_current(&c->walk, &h, err);
        if (w->marks[e].kind == MESSAGE_COMMIT)
            break;
    }
    return rc;
}

/* --- writing --- */

/* The chunks of the list that is being written are fetched in an order of the writer's. */
static int fetch(void *ctx, uint32_t note, struct archive_chunk *out, struct err *err) {
    struct collection *c = ctx;
    uint32_t e = c->walk.order[c->from + note];
    struct chunk_place place = {c->walk.marks[e].offset, c->walk.seen.entries[e].size};
    if (++c->done % RELEASE_READS == 0)
        chunk_store_release_pages(c->cs);
    int rc = BD_OK;
    if (c->o->progress && c->done % PROGRESS_CHUNKS == 0)
        rc = c->o->progress(c->o->progress_ctx, DB_GC_WRITE, c->done, c->total);
    out->address = c->walk.seen.entries[e].address;
    return rc == BD_OK ? chunk_store_read_placed(c->cs, &out->address, &place, &out->data, &out->size,
                                                 &out->packed, err)
                       : rc;
}

/* A file is complete. A dry run only wants to know how large it is. */
static void take_file(struct collection *c, enum chunk_generation g, const char *dir,
                      const struct hash *name, uint32_t count) {
    if (c->files) {
        chunk_collection_add(c->files, g, name, count);
        return;
    }
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

static int write_archives(struct collection *c, enum chunk_generation g, const char *dir, size_t from,
                          struct err *err) {
    struct gc_walk *walk = &c->walk;
    struct archive_writer *w;
    struct archive_written *files;
    size_t count;
    int rc = archive_writer_open(&w, dir, fetch, c, err);
    if (rc != BD_OK)
        return rc;
    if (c->is_step && g == CHUNK_OLD)
        archive_writer_be_tight(w);
    for (size_t i = from; rc == BD_OK && i < walk->count; i++) {
        uint32_t e = walk->order[i];
        struct archive_hint hint = {walk->marks[e].kind, walk->seen.entries[e].value,
                                    walk->marks[e].current,
                                    walk->marks[e].current && walk->marks[e].on_paths};
        rc = archive_writer_add(w, hint, err);
    }
    if (rc != BD_OK) {
        archive_writer_abandon(w);
        return rc;
    }
    rc = archive_writer_finish(w, &files, &count, err);
    for (size_t i = 0; rc == BD_OK && i < count; i++)
        take_file(c, g, dir, &files[i].name, files[i].chunks);
    if (rc == BD_OK)
        free(files);
    return rc;
}

static int write_table_file(struct collection *c, enum chunk_generation g, const char *dir, size_t from,
                            struct err *err) {
    struct gc_walk *walk = &c->walk;
    struct table_writer *w;
    struct hash name;
    int rc = table_writer_open(&w, dir, err);
    if (rc != BD_OK)
        return rc;
    for (size_t i = from; rc == BD_OK && i < walk->count; i++) {
        struct archive_chunk chunk = {.packed = false};
        rc = fetch(c, (uint32_t)(i - from), &chunk, err);
        if (rc == BD_OK)
            rc = archive_chunk_unpack(&chunk, err);
        if (rc == BD_OK)
            rc = table_writer_add(w, &chunk.address, chunk.data, chunk.size, err);
        free(chunk.data);
    }
    if (rc != BD_OK) {
        table_writer_drop(w);
        return rc;
    }
    rc = table_writer_finish(w, &name, err);
    if (rc == BD_OK && os_fsync_dir(dir) < 0)
        rc = err_errno(err, "cannot sync %s", dir);
    if (rc == BD_OK)
        take_file(c, g, dir, &name, (uint32_t)(walk->count - from));
    return rc;
}

/* The chunks listed from position `from` on. */
static int write_list(struct collection *c, enum chunk_generation g, size_t from, struct err *err) {
    size_t count = c->walk.count - from;
    c->from = from;
    const char *dir = c->files ? chunk_collection_dir(c->files, g) : c->scratch;
    if (count == 0)
        return BD_OK;
    int rc = c->o->table_files ? write_table_file(c, g, dir, from, err)
                               : write_archives(c, g, dir, from, err);
    c->out->kept_chunks += count;
    if (g == CHUNK_OLD)
        c->out->old_chunks += count;
    return rc;
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

/* Writes what is listed as old, then all that is not, and publishes both. */
static int walk_rest_and_publish(struct collection *c, unsigned wait_ms, enum chunk_collection_how how,
                                 struct err *err) {
    size_t old = c->walk.count;
    int rc = walk_young(c, err);
    if (rc == BD_OK)
        rc = mark_current(c, err);
    gc_walk_trim(&c->walk);
    c->total = c->walk.count;
    size_t all = c->walk.count;
    c->walk.count = old;
    if (rc == BD_OK)
        rc = write_list(c, CHUNK_OLD, 0, err);
    c->walk.count = all;
    if (rc == BD_OK)
        rc = write_list(c, CHUNK_YOUNG, old, err);
    return rc == BD_OK && c->files ? catch_up_and_publish(c, wait_ms, how, err) : rc;
}

static int run(struct collection *c, struct err *err) {
    mem_return_large();
    chunk_store_set_reading(c->cs, CHUNK_READING_SCATTERED);
    gc_walk_init(&c->walk, c->cs, !c->o->full);
    c->walk.along = true;
    if (c->o->progress) {
        c->walk.progress = walk_progress;
        c->walk.progress_ctx = c;
    }
    int rc = find_roots(c, err);
    if (rc == BD_OK)
        rc = gc_walk_history(&c->walk, c->roots.old, c->roots.old_count, 0, NULL, err);
    return rc == BD_OK
               ? walk_rest_and_publish(c, LOCK_WAIT_MS,
                                       c->o->full ? CHUNK_COLLECTION_FULL : CHUNK_COLLECTION_DEFAULT,
                                       err)
               : rc;
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
    return err_set(
        err, BD_NO_SPACE,
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
    if (rc == BD_OK)
        err_clear(err);
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
        out->total_after =
            out->worthwhile ? s->old + (s->journal + s->young) / ESTIMATE_DIVISOR : s->old + s->young;
        chunk_store_close(cs);
    }
    free(noms);
    return rc;
}

/* --- automatic collection --- */

/*
 * A step costs a quarter of a millisecond for each commit that it moves, and something for itself; the
 * more commits, the more versions of each node it finds. So it waits until there are hundreds of them,
 * and small stores never see one. It takes about a tenth of a second: commands that follow each other
 * without a pause lose a few percent to steps until the journal is too long, then up to a tenth.
 */
#define STEP_JOURNAL_BYTES (UINT64_C(16) << 20)
#define STEP_BYTES (UINT64_C(48) << 20) /* of chunks: all of a journal that just became due */
#define PACE_MS 4000
#define LONG_JOURNAL_BYTES (UINT64_C(40) << 20) /* a longer one is moved faster than it can grow */
#define LONG_JOURNAL_PACE_MS 250

static uint64_t journal_limit(const struct db_gc_step_options *o) {
    return o->journal_bytes ? o->journal_bytes : STEP_JOURNAL_BYTES;
}

static bool file_of(struct buf *path, const char *noms, const char *name, struct stat *st) {
    buf_clear(path);
    buf_addf(path, "%s/%s", noms, name);
    return os_stat(path->data, st) == 0;
}

/* Milliseconds since the last step published something; a clock that went back counts as long ago. */
static int64_t ms_since(const struct stat *st) {
    int64_t then = (int64_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000;
    int64_t now = datetime_now() / 1000;
    return now >= then ? now - then : INT64_MAX;
}

bool db_gc_step_due(const char *dir, const struct db_gc_step_options *o) {
    struct buf noms = BUF_INIT, path = BUF_INIT;
    struct stat journal, last;
    struct chunk_file_sizes sizes;
    buf_addf(&noms, "%s/.dolt/noms", dir);
    bool due = file_of(&path, noms.data, JOURNAL_FILE, &journal) &&
               (uint64_t)journal.st_size > journal_limit(o);
    if (due && file_of(&path, noms.data, "oldgen/manifest", &last))
        due = ms_since(&last) >=
              ((uint64_t)journal.st_size > LONG_JOURNAL_BYTES ? LONG_JOURNAL_PACE_MS : PACE_MS);
    /* The young files are written anew when the journal goes: not more often than it brings as much. */
    if (due)
        due = chunk_collection_sizes(noms.data, &sizes, NULL) == BD_OK && sizes.journal > sizes.young;
    buf_release(&noms);
    buf_release(&path);
    return due;
}

static int step(struct collection *c, const struct db_gc_step_options *so, struct err *err) {
    bool complete; /* what a step reads is little: the mapped journal is quickest */
    c->is_step = true;
    gc_walk_init(&c->walk, c->cs, true);
    gc_walk_load_pieces(&c->walk);
    int rc = chunk_collection_begin(&c->files, c->cs, 0, err);
    if (rc == BD_OK)
        rc = find_roots(c, err);
    if (rc == BD_OK)
        rc = gc_walk_history(&c->walk, c->roots.old, c->roots.old_count,
                             so->step_bytes ? so->step_bytes : STEP_BYTES, &complete, err);
    if (rc != BD_OK)
        return rc;
    if (complete)
        return walk_rest_and_publish(c, STEP_LOCK_WAIT_MS, CHUNK_COLLECTION_DEFAULT, err);
    rc = mark_newest(c, err);
    if (rc == BD_OK)
        rc = write_list(c, CHUNK_OLD, 0, err);
    if (rc == BD_OK)
        rc = chunk_collection_lock(c->files, STEP_LOCK_WAIT_MS, err);
    return rc == BD_OK ? chunk_collection_publish(c->files, CHUNK_COLLECTION_ADD, err) : rc;
}

/* --- joining the files of many steps: a reader opens them all --- */

#define JOIN_FILES 4u /* so many of about one size become one */
#define SMALLEST_TIER (UINT64_C(512) << 10)
#define TIERS 4u /* 4 times as large each; the last is not joined */

static unsigned tier_of(uint64_t size) {
    unsigned tier = 0;
    for (uint64_t limit = SMALLEST_TIER; tier < TIERS && size > limit; limit *= JOIN_FILES)
        tier++;
    return tier;
}

/* Joins the files of the lowest tier that has enough of them, and of those below. False: there is none.
 */
static bool join_once(struct collection *c, int *rc, struct err *err) {
    struct hash *names, joined;
    uint64_t *sizes;
    size_t count, chosen = 0, in_tier[TIERS + 1] = {0};
    uint32_t chunks;
    chunk_collection_old_archives(c->files, &names, &sizes, &count);
    for (size_t i = 0; i < count; i++)
        in_tier[tier_of(sizes[i])]++;
    unsigned tier = 0;
    while (tier < TIERS && in_tier[tier] < JOIN_FILES)
        tier++;
    for (size_t i = 0; i < count; i++)
        if (tier_of(sizes[i]) <= tier)
            names[chosen++] = names[i];
    bool found = tier < TIERS;
    if (found) {
        *rc = archive_join(chunk_collection_dir(c->files, CHUNK_OLD), names, chosen, &joined, &chunks,
                           err);
        found = *rc == BD_OK;
        if (*rc == BD_INVALID) /* they share chunks: a full collection makes one file of them */
            *rc = BD_OK;
    }
    if (found) {
        for (size_t i = 0; i < chosen; i++)
            chunk_collection_drop(c->files, &names[i]);
        chunk_collection_add(c->files, CHUNK_OLD, &joined, chunks);
        *rc = chunk_collection_lock(c->files, STEP_LOCK_WAIT_MS, err);
        if (*rc == BD_OK)
            *rc = chunk_collection_publish(c->files, CHUNK_COLLECTION_ADD, err);
    }
    free(names);
    free(sizes);
    return found && *rc == BD_OK;
}

/* A join is a step of its own, so that no command does both. */
static int join_instead(struct collection *c, bool *joined, struct err *err) {
    int rc = chunk_collection_begin(&c->files, c->cs, 0, err);
    *joined = rc == BD_OK && join_once(c, &rc, err);
    chunk_collection_end(c->files);
    c->files = NULL;
    return rc;
}

int db_gc_step(const char *dir, const struct db_gc_step_options *so, struct err *err) {
    struct db_gc_options o = {.full = false};
    struct db_gc_result result = {0};
    struct collection c = {.o = &o, .out = &result};
    struct chunk_store_stats stats;
    uint64_t space;
    char *noms = noms_of(dir);
    int rc = chunk_store_open(&c.cs, noms, 0, err);
    if (rc == BD_OK) {
        chunk_store_get_stats(c.cs, &stats);
        struct hash root = chunk_store_root(c.cs);
        bool room = os_free_space(noms, &space) < 0 || space / 2 >= stats.journal_bytes;
        bool joined = false;
        if (room && !hash_is_zero(&root) && stats.has_journal) {
            rc = join_instead(&c, &joined, err);
            if (rc == BD_OK && !joined)
                rc = step(&c, so, err);
        }
        release(&c);
        chunk_store_close(c.cs);
    }
    free(noms);
    if (rc == BD_BUSY) /* somebody else collects, or writes for long */
        rc = BD_OK;
    if (rc == BD_OK)
        err_clear(err);
    return rc;
}
