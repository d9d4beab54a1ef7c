/*
 * Snapshots of a store: opening, moving to the newest state, reading chunks.
 *
 * A snapshot is consistent although nothing is locked: the manifests are read first, every file they
 * name is opened and kept, the journal is replayed as far as it is valid, and then the manifests are
 * read again. Whatever changed in between makes the attempt start over.
 */
#include "store/chunk/store_internal.h"

#include "base/mem.h"
#include "base/os.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define ATTEMPTS 8 /* until a file that stays missing is taken for damage */
#define LOCK_WAIT_MS 10000
#define DICTIONARIES_MAX ((size_t)12 << 20) /* of all files together, for walks over everything */
#define GHOSTS_SIZE_MAX (64u << 20)
#define SETTLED_AFTER_S 3 /* more than the grain of any file system's times */

static void release_files(struct generation *g) {
    for (size_t i = 0; i < g->file_count; i++)
        chunk_file_release(g->files[i]);
    free(g->files);
    g->files = NULL;
    g->file_count = 0;
}

static void generation_release(struct generation *g) {
    release_files(g);
    manifest_release(&g->manifest);
    g->exists = false;
}

/* ---- whether anything changed ---- */

/* False when the path cannot be looked at. */
static bool mark_take(struct file_mark *m, const char *path) {
    struct stat st;
    *m = (struct file_mark){0};
    if (os_stat(path, &st) < 0) {
        m->settled = errno == ENOENT;
        return m->settled;
    }
    *m = (struct file_mark){true, false, st.st_dev, st.st_ino, st.st_size, st.st_mtim, st.st_ctim};
    time_t now = time(NULL);
    m->settled = now > st.st_mtim.tv_sec + SETTLED_AFTER_S && now > st.st_ctim.tv_sec + SETTLED_AFTER_S;
    return true;
}

static bool same_time(const struct timespec *a, const struct timespec *b) {
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool still_there(const struct file_mark *m, const char *path) {
    struct file_mark now;
    if (!m->settled || !mark_take(&now, path) || now.exists != m->exists)
        return false;
    return !m->exists ||
           (now.device == m->device && now.inode == m->inode && now.size == m->size &&
            same_time(&now.modified, &m->modified) && same_time(&now.changed, &m->changed));
}

static int stat_journal(const struct chunk_store *cs, struct stat *st) {
    struct buf path = BUF_INIT;
    buf_addf(&path, "%s/" JOURNAL_FILE, cs->dir);
    int rc = os_stat(path.data, st);
    buf_release(&path);
    return rc;
}

/* Both manifests are the files that were read, and nothing was appended to the journal: the common case
 * for three calls. A damaged journal tail is left to the long way. */
static bool is_current(const struct chunk_store *cs) {
    const struct journal *j = cs->now.journal;
    struct stat st;
    if (!cs->now.young.exists || !still_there(&cs->now.young.mark, cs->manifest_path) ||
        !still_there(&cs->now.old.mark, cs->old_manifest_path))
        return false;
    if (!j)
        return stat_journal(cs, &st) != 0 && errno == ENOENT;
    return j->size == j->end && os_stat(j->path, &st) == 0 && st.st_dev == j->device &&
           st.st_ino == j->inode && (uint64_t)st.st_size == j->end;
}

/* ---- the files ---- */

/* The file of that name if the older snapshot has it open. */
static struct chunk_file *find_open(const struct generation *g, const struct hash *name) {
    for (size_t i = 0; i < g->file_count; i++)
        if (hash_eq(chunk_file_name(g->files[i]), name))
            return chunk_file_keep(g->files[i]);
    return NULL;
}

static int open_files(struct generation *g, const char *dir, const struct generation *before,
                      struct err *err) {
    const struct manifest *m = &g->manifest;
    g->files = mem_zalloc(m->spec_count, sizeof *g->files);
    for (size_t i = 0; i < m->spec_count; i++) {
        const struct manifest_spec *spec = &m->specs[i];
        if (hash_eq(&spec->name, &manifest_journal_name))
            continue;
        struct chunk_file *f = find_open(before, &spec->name);
        if (!f) {
            int rc = chunk_file_open(&f, dir, &spec->name, spec->count, err);
            if (rc != BD_OK)
                return rc;
        }
        g->files[g->file_count++] = f;
    }
    return BD_OK;
}

/* Manifest and files of one directory. BD_NOT_FOUND only from a file that the manifest names. */
static int load_generation(struct generation *g, const char *dir, const char *manifest_path,
                           const struct generation *before, struct err *err) {
    *g = (struct generation){.manifest = MANIFEST_INIT};
    mark_take(&g->mark, manifest_path);
    int rc = manifest_read(dir, &g->manifest, err);
    if (rc == BD_NOT_FOUND)
        return BD_OK;
    if (rc != BD_OK)
        return rc;
    g->exists = true;
    return open_files(g, dir, before, err);
}

/* Does the directory still name the files we opened? */
static int still_named(const struct generation *g, const char *dir, const char *manifest_path,
                       bool *same, struct err *err) {
    struct manifest m;
    *same = true;
    if (still_there(&g->mark, manifest_path))
        return BD_OK;
    int rc = manifest_read(dir, &m, err);
    if (rc == BD_NOT_FOUND) {
        *same = !g->exists;
        return BD_OK;
    }
    if (rc != BD_OK)
        return rc;
    *same = g->exists && manifest_same_files(&m, &g->manifest);
    manifest_release(&m);
    return BD_OK;
}

static bool same_journal_file(const struct chunk_store *cs, const struct journal *j) {
    struct stat st;
    return stat_journal(cs, &st) == 0 ? j && st.st_dev == j->device && st.st_ino == j->inode : !j;
}

/* The journal of the older snapshot brought up to date, or a newly opened one; NULL when there is none.
 */
static int load_journal(struct chunk_store *cs, struct journal **out, struct err *err) {
    struct journal *kept = cs->now.journal;
    *out = NULL;
    if (kept) {
        bool replaced;
        int rc = journal_refresh(kept, &replaced, err);
        if (rc != BD_OK)
            return rc;
        if (!replaced) {
            *out = kept;
            return BD_OK;
        }
    }
    int rc = journal_open(out, cs->dir, err);
    return rc == BD_NOT_FOUND ? BD_OK : rc;
}

static void snapshot_release(struct chunk_store *cs, struct snapshot *s) {
    generation_release(&s->young);
    generation_release(&s->old);
    if (s->journal && s->journal != cs->now.journal)
        journal_close(s->journal);
    s->journal = NULL;
}

/* One attempt. *again: the files changed under us, or one is missing that may yet turn out collected.
 */
static int try_load(struct chunk_store *cs, struct snapshot *s, bool *again, struct err *err) {
    *again = false;
    int rc = load_generation(&s->young, cs->dir, cs->manifest_path, &cs->now.young, err);
    if (rc == BD_OK && !s->young.exists)
        return err_set(err, BD_NOT_FOUND, "no chunk store at %s: it has no manifest", cs->dir);
    if (rc == BD_OK)
        rc = load_generation(&s->old, cs->old_dir, cs->old_manifest_path, &cs->now.old, err);
    if (rc == BD_OK)
        rc = load_journal(cs, &s->journal, err);
    if (rc == BD_NOT_FOUND)
        *again = true;
    if (rc != BD_OK)
        return rc;
    s->journal_listed = manifest_names(&s->young.manifest, &manifest_journal_name);
    s->root = s->journal && s->journal->has_root ? s->journal->root : s->young.manifest.root;
    bool young_same, old_same;
    rc = still_named(&s->young, cs->dir, cs->manifest_path, &young_same, err);
    if (rc == BD_OK)
        rc = still_named(&s->old, cs->old_dir, cs->old_manifest_path, &old_same, err);
    if (rc != BD_OK)
        return rc;
    if (!young_same || !old_same || !same_journal_file(cs, s->journal)) {
        *again = true;
        return err_set(err, BD_BUSY, "%s changes faster than it can be read; try again", cs->dir);
    }
    if (s->journal_listed && !s->journal) {
        *again = true;
        return err_set(err, BD_NOT_FOUND,
                       "the manifest of %s names the journal, but " JOURNAL_FILE " is missing",
                       cs->dir);
    }
    return BD_OK;
}

static int load_snapshot(struct chunk_store *cs, struct snapshot *s, struct err *err) {
    for (int attempt = 1;; attempt++) {
        bool again;
        *s = (struct snapshot){0};
        int rc = try_load(cs, s, &again, err);
        if (rc == BD_OK)
            return BD_OK;
        snapshot_release(cs, s);
        if (!again)
            return rc;
        if (attempt == ATTEMPTS) {
            if (rc != BD_NOT_FOUND)
                return rc;
            if (err)
                err->code = BD_CORRUPT;
            return BD_CORRUPT;
        }
    }
}

/* Whether all files of a generation are still there. */
static bool keeps_files(const struct generation *before, const struct generation *now) {
    const struct manifest *m = &before->manifest;
    for (size_t i = 0; before->exists && i < m->spec_count; i++)
        if (!manifest_names(&now->manifest, &m->specs[i].name))
            return false;
    return true;
}

static void install(struct chunk_store *cs, struct snapshot *s) {
    struct journal *before = cs->now.journal;
    if ((before && before != s->journal && cs->now.journal_listed) ||
        !keeps_files(&cs->now.young, &s->young) || !keeps_files(&cs->now.old, &s->old))
        cs->losses++;
    bool same = before == s->journal && cs->now.journal_listed == s->journal_listed &&
                cs->now.young.exists &&
                manifest_same_files(&cs->now.young.manifest, &s->young.manifest) &&
                manifest_same_files(&cs->now.old.manifest, &s->old.manifest);
    if (!same)
        cs->generation++;
    generation_release(&cs->now.young);
    generation_release(&cs->now.old);
    if (before && before != s->journal) {
        cs->replayed += before->replayed;
        journal_close(before);
    }
    cs->now = *s;
    if (cs->now.journal)
        journal_set_reading(cs->now.journal, cs->reading);
}

int chunk_store_refresh(struct chunk_store *cs, struct err *err) {
    struct snapshot s;
    if (is_current(cs))
        return BD_OK;
    int rc = load_snapshot(cs, &s, err);
    if (rc == BD_OK)
        install(cs, &s);
    return rc;
}

/* The last component of the path, without the slashes behind it. */
static bool is_named_noms(const char *dir) {
    size_t size = strlen(dir);
    while (size > 1 && dir[size - 1] == '/')
        size--;
    return size >= 4 && memcmp(dir + size - 4, "noms", 4) == 0 && (size == 4 || dir[size - 5] == '/');
}

int chunk_store_open(struct chunk_store **out, const char *dir, unsigned flags, struct err *err) {
    struct chunk_store *cs = mem_zalloc(1, sizeof *cs);
    struct buf old_dir = BUF_INIT, path = BUF_INIT, old_path = BUF_INIT;
    buf_addf(&old_dir, "%s/oldgen", dir);
    buf_addf(&path, "%s/manifest", dir);
    buf_addf(&old_path, "%s/oldgen/manifest", dir);
    cs->dir = mem_strdup(dir);
    cs->old_dir = buf_detach(&old_dir);
    cs->manifest_path = buf_detach(&path);
    cs->old_manifest_path = buf_detach(&old_path);
    cs->lock_wait_ms = LOCK_WAIT_MS;
    store_lock_init(&cs->lock, dir);
    int rc = chunk_store_refresh(cs, err);
    if (rc != BD_OK) {
        chunk_store_close(cs);
        return rc;
    }
    /* A journal in a file remote would make it unusable for dolt, so none is ever started there. */
    cs->is_bare = !cs->now.journal && !is_named_noms(dir);
    cs->read_only = cs->is_bare || (flags & CHUNK_STORE_READ_ONLY);
    *out = cs;
    return BD_OK;
}

/* --- chunks handed out; value 0: the bytes belong to the other map --- */

static void free_chunks(struct address_map *m) {
    for (size_t i = 0; i < m->count; i++)
        free((void *)(uintptr_t)m->entries[i].value);
    address_map_clear(m);
}

void chunk_store_forget_chunks(struct chunk_store *cs) {
    free_chunks(&cs->cache);
    free_chunks(&cs->passing);
    cs->passing_bytes = 0;
    cs->forgotten++;
}

void chunk_store_keep_passing(struct chunk_store *cs) {
    for (size_t i = 0; i < cs->passing.count; i++) {
        const struct address_entry *e = &cs->passing.entries[i];
        if (e->value)
            address_map_put(&cs->cache, &e->address, e->size, e->value);
    }
    address_map_clear(&cs->passing);
    cs->passing_bytes = 0;
}

void chunk_store_forget_passing(struct chunk_store *cs, size_t limit) {
    if (cs->passing_bytes <= limit)
        return;
    free_chunks(&cs->passing);
    cs->passing_bytes = 0;
    cs->forgotten++;
}

unsigned chunk_store_forgotten(const struct chunk_store *cs) { return cs->forgotten; }

void chunk_store_close(struct chunk_store *cs) {
    if (!cs)
        return;
    generation_release(&cs->now.young);
    generation_release(&cs->now.old);
    journal_close(cs->now.journal);
    chunk_store_forget_chunks(cs);
    address_map_release(&cs->cache);
    address_map_release(&cs->passing);
    address_map_release(&cs->ghosts);
    store_lock_close(&cs->lock);
    free(cs->dir);
    free(cs->old_dir);
    free(cs->manifest_path);
    free(cs->old_manifest_path);
    free(cs);
}

struct hash chunk_store_root(const struct chunk_store *cs) {
    return cs->now.root;
}

/* --- ghosts: commits that a shallow clone left out; read when something is missing --- */

static int parse_ghosts(struct chunk_store *cs, const char *text, size_t size, struct err *err) {
    const char *at = text, *end = text + size;
    for (size_t line = 1; at < end; line++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((newline ? newline : end) - at);
        struct hash h;
        if (!hash_parse(at, length, &h))
            return err_set(err, BD_CORRUPT, "%s/ghostObjects.txt: line %zu is not a hash", cs->dir,
                           line);
        address_map_put(&cs->ghosts, &h, 0, 0);
        at += length + (newline ? 1 : 0);
    }
    return BD_OK;
}

static int load_ghosts(struct chunk_store *cs, struct err *err) {
    if (cs->ghosts_loaded)
        return BD_OK;
    struct buf path = BUF_INIT;
    buf_addf(&path, "%s/ghostObjects.txt", cs->dir);
    char *text;
    size_t size;
    int rc = BD_OK;
    if (os_read_file(path.data, GHOSTS_SIZE_MAX, &text, &size) == 0) {
        rc = parse_ghosts(cs, text, size, err);
        free(text);
    } else if (errno != ENOENT) {
        rc = err_errno(err, "cannot read %s", path.data);
    }
    buf_release(&path);
    if (rc == BD_OK)
        cs->ghosts_loaded = true;
    return rc;
}

int chunk_store_is_ghost(struct chunk_store *cs, const struct hash *h, struct err *err) {
    int rc = load_ghosts(cs, err);
    if (rc != BD_OK)
        return rc;
    return address_map_find(&cs->ghosts, h) ? BD_OK : BD_NOT_FOUND;
}

/* --- reading --- */

int store_find(struct chunk_store *cs, const struct hash *h, struct err *err) {
    const struct snapshot *s = &cs->now;
    if (s->journal && s->journal_listed) {
        int rc = journal_has(s->journal, h, err);
        if (rc != BD_NOT_FOUND)
            return rc;
    }
    for (size_t i = 0; i < s->young.file_count; i++)
        if (chunk_file_has(s->young.files[i], h))
            return BD_OK;
    for (size_t i = 0; i < s->old.file_count; i++)
        if (chunk_file_has(s->old.files[i], h))
            return BD_OK;
    return BD_NOT_FOUND;
}

int chunk_store_has(struct chunk_store *cs, const struct hash *h, struct err *err) {
    return store_find(cs, h, err);
}

/* A file's number, counted from 1, the young ones first, and the chunk's position in it. */
#define FILE_SHIFT 32
#define PLACED_FILES_MAX 0xffffu

static struct chunk_file *file_numbered(const struct snapshot *s, size_t i) {
    if (i < s->young.file_count)
        return s->young.files[i];
    i -= s->young.file_count;
    return i < s->old.file_count ? s->old.files[i] : NULL;
}

static int fetch_placed(const struct snapshot *s, const struct hash *h, const struct chunk_place *place,
                        uint8_t **data, size_t *size, struct err *err) {
    size_t number = (size_t)(place->offset >> FILE_SHIFT);
    if (place->size || number == 0)
        return BD_NOT_FOUND;
    struct chunk_file *f = file_numbered(s, number - 1);
    return f ? chunk_file_get_at(f, (int64_t)(uint32_t)place->offset, h, data, size, err)
             : BD_NOT_FOUND;
}

static int fetch_from_files(const struct snapshot *s, const struct hash *h, struct chunk_place *place,
                            uint8_t **data, size_t *size, struct err *err) {
    *place = (struct chunk_place){0, 0};
    struct chunk_file *f;
    for (size_t i = 0; (f = file_numbered(s, i)); i++) {
        int64_t at = chunk_file_find(f, h);
        if (at < 0)
            continue;
        if (i < PLACED_FILES_MAX)
            place->offset = (uint64_t)(i + 1) << FILE_SHIFT | (uint64_t)at;
        return chunk_file_get_at(f, at, h, data, size, err);
    }
    return BD_NOT_FOUND;
}

/* Bytes of the chunk from whichever file has it, malloc'd; place and packed as in
 * chunk_store_read_placed. */
static int fetch(struct chunk_store *cs, const struct hash *h, struct chunk_place *place,
                 uint8_t **data, size_t *size, bool *packed, struct err *err) {
    struct snapshot *s = &cs->now;
    if (packed)
        *packed = false;
    int rc = fetch_placed(s, h, place, data, size, err);
    if (rc == BD_NOT_FOUND && s->journal && s->journal_listed)
        rc = journal_get(s->journal, h, place, data, size, packed, err);
    if (rc == BD_NOT_FOUND)
        rc = fetch_from_files(s, h, place, data, size, err);
    if (rc == BD_NOT_FOUND && s->journal) {
        /* Before a chunk is declared missing: distrust the index, and look into an unlisted journal. */
        bool dropped;
        int dropping = journal_drop_index(s->journal, &dropped, err);
        if (dropping != BD_OK)
            return dropping;
        if (dropped || !s->journal_listed)
            rc = journal_get(s->journal, h, place, data, size, packed, err);
        if (dropped && rc == BD_OK)
            s->journal->distrusted = true;
    }
    return rc;
}

static int missing(struct chunk_store *cs, const struct hash *h, struct err *err) {
    char text[HASH_TEXT_SIZE + 1];
    hash_format(h, text);
    int rc = chunk_store_is_ghost(cs, h, err);
    if (rc == BD_OK)
        return err_set(err, BD_NOT_FOUND,
                       "chunk %s was left out by the shallow clone that made %s; "
                       "fetch the full history to read it",
                       text, cs->dir);
    if (rc != BD_NOT_FOUND)
        return rc;
    return err_set(err, BD_NOT_FOUND, "chunk %s is not in %s", text, cs->dir);
}

int chunk_store_read(struct chunk_store *cs, const struct hash *h, uint8_t **data, size_t *size,
                     struct err *err) {
    struct chunk_place place = {0, 0};
    return chunk_store_read_placed(cs, h, &place, data, size, NULL, err);
}

int chunk_store_read_placed(struct chunk_store *cs, const struct hash *h, struct chunk_place *place,
                            uint8_t **data, size_t *size, bool *packed, struct err *err) {
    int rc = fetch(cs, h, place, data, size, packed, err);
    return rc == BD_NOT_FOUND ? missing(cs, h, err) : rc;
}

static bool take_cached(struct address_entry *e, struct chunk *out) {
    if (!e || !e->value)
        return false;
    *out = (struct chunk){(const uint8_t *)(uintptr_t)e->value, e->size};
    return true;
}

int chunk_store_get(struct chunk_store *cs, const struct hash *h, struct chunk *out, struct err *err) {
    uint8_t *data;
    size_t size;
    if (take_cached(address_map_find(&cs->cache, h), out))
        return BD_OK;
    struct address_entry *passing = address_map_find(&cs->passing, h);
    if (take_cached(passing, out)) {
        address_map_put(&cs->cache, h, passing->size, passing->value);
        passing->value = 0;
        return BD_OK;
    }
    int rc = chunk_store_read(cs, h, &data, &size, err);
    if (rc != BD_OK)
        return rc;
    address_map_put(&cs->cache, h, (uint32_t)size, (uint64_t)(uintptr_t)data);
    *out = (struct chunk){data, size};
    return BD_OK;
}

int chunk_store_get_passing(struct chunk_store *cs, const struct hash *h, struct chunk *out,
                            struct err *err) {
    uint8_t *data;
    size_t size;
    if (take_cached(address_map_find(&cs->passing, h), out) ||
        take_cached(address_map_find(&cs->cache, h), out))
        return BD_OK;
    int rc = chunk_store_read(cs, h, &data, &size, err);
    if (rc != BD_OK)
        return rc;
    address_map_put(&cs->passing, h, (uint32_t)size, (uint64_t)(uintptr_t)data);
    cs->passing_bytes += size + sizeof(struct address_entry);
    *out = (struct chunk){data, size};
    return BD_OK;
}

bool chunk_store_has_old(const struct chunk_store *cs, const struct hash *h) {
    for (size_t i = 0; i < cs->now.old.file_count; i++)
        if (chunk_file_has(cs->now.old.files[i], h))
            return true;
    return false;
}

void chunk_store_set_reading(struct chunk_store *cs, enum chunk_reading how) {
    cs->reading = how;
    if (cs->now.journal)
        journal_set_reading(cs->now.journal, how);
}

static size_t release_of(const struct generation *g) {
    size_t dictionaries = 0;
    for (size_t i = 0; i < g->file_count; i++) {
        chunk_file_release_pages(g->files[i]);
        dictionaries += chunk_file_dictionaries(g->files[i]);
    }
    return dictionaries;
}

static void halve_dictionaries(const struct generation *g) {
    for (size_t i = 0; i < g->file_count; i++)
        chunk_file_halve_dictionaries(g->files[i]);
}

void chunk_store_release_pages(struct chunk_store *cs) {
    if (release_of(&cs->now.young) + release_of(&cs->now.old) <= DICTIONARIES_MAX)
        return;
    halve_dictionaries(&cs->now.young); /* what is in use soon comes back */
    halve_dictionaries(&cs->now.old);
}

/* --- walking over everything --- */

struct each {
    chunk_store_visit *visit;
    void *ctx;
};

static int visit_journal(void *ctx, uint64_t offset, const uint8_t *bytes,
                         const struct journal_record *r, struct err *err) {
    const struct each *each = ctx;
    (void)offset;
    (void)bytes;
    return r->kind == JOURNAL_CHUNK ? each->visit(each->ctx, &r->address, err) : BD_OK;
}

static int visit_files(const struct generation *g, const struct each *each, struct err *err) {
    for (size_t i = 0; i < g->file_count; i++)
        for (uint32_t k = 0; k < chunk_file_count(g->files[i]); k++) {
            struct hash h;
            if (!chunk_file_address(g->files[i], k, &h))
                return err_set(err, BD_CORRUPT, "%s: the index of a file is damaged at entry %u",
                               chunk_file_path(g->files[i]), k);
            int rc = each->visit(each->ctx, &h, err);
            if (rc != BD_OK)
                return rc;
        }
    return BD_OK;
}

int chunk_store_each(struct chunk_store *cs, chunk_store_visit *visit, void *ctx, struct err *err) {
    struct each each = {visit, ctx};
    int rc = BD_OK;
    if (cs->now.journal && cs->now.journal_listed)
        rc = journal_each(cs->now.journal, visit_journal, &each, err);
    if (rc == BD_OK)
        rc = visit_files(&cs->now.young, &each, err);
    if (rc == BD_OK)
        rc = visit_files(&cs->now.old, &each, err);
    return rc;
}

struct each_root {
    chunk_store_visit_root *visit;
    void *ctx;
};

static int visit_root(void *ctx, uint64_t offset, const uint8_t *bytes, const struct journal_record *r,
                      struct err *err) {
    const struct each_root *each = ctx;
    (void)offset;
    (void)bytes;
    return r->kind == JOURNAL_ROOT ? each->visit(each->ctx, &r->address, r->timestamp, err) : BD_OK;
}

int chunk_store_each_root(struct chunk_store *cs, chunk_store_visit_root *visit, void *ctx,
                          struct err *err) {
    struct each_root each = {visit, ctx};
    return cs->now.journal ? journal_each(cs->now.journal, visit_root, &each, err) : BD_OK;
}

/* --- facts --- */

static void count_files(const struct generation *g, struct chunk_store_stats *out) {
    for (size_t i = 0; i < g->file_count; i++) {
        bool archive = chunk_file_is_archive(g->files[i]);
        *(archive ? &out->archive_files : &out->table_files) += 1;
        *(archive ? &out->archive_bytes : &out->table_bytes) += chunk_file_size(g->files[i]);
    }
}

void chunk_store_get_stats(const struct chunk_store *cs, struct chunk_store_stats *out) {
    *out = (struct chunk_store_stats){0};
    const struct journal *j = cs->now.journal;
    out->replayed_bytes = cs->replayed;
    if (j) {
        out->has_journal = true;
        out->journal_bytes = j->end;
        out->journal_chunks = journal_chunk_count(j);
        out->replayed_bytes += j->replayed;
    }
    out->has_oldgen = cs->now.old.exists;
    out->is_bare = cs->is_bare;
    count_files(&cs->now.young, out);
    count_files(&cs->now.old, out);
}
