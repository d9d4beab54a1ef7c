/* As Dolt conjoins: the order is file first, manifest then, and only then the old files go. */
#include "store/remote/conjoin.h"

#include "base/os.h"
#include "store/chunk/address_map.h"
#include "store/chunk/chunk_file.h"
#include "store/chunk/table_writer.h"

#include <stdlib.h>
#include <string.h>

#define SMALL ((size_t)32 << 20)
#define RESULT_MAX ((uint64_t)256 << 20)
#define LOCK_WAIT_MS 10000

size_t conjoin_at = 64;

struct conjoin {
    const char *dir;
    struct table_writer *writer;
    struct address_map seen;
    struct manifest_spec *sources; /* those whose chunks are in the new file */
    struct buf *paths;             /* their files */
    size_t count;
};

static int copy_chunk(struct conjoin *c, struct chunk_file *f, uint32_t i, struct err *err) {
    struct hash h, is;
    uint8_t *data;
    size_t size;
    if (!chunk_file_address(f, i, &h))
        return err_set(err, BD_CORRUPT, "%s: its index is damaged", chunk_file_path(f));
    if (!address_map_put(&c->seen, &h, 0, 0))
        return BD_OK;
    int rc = chunk_file_get(f, &h, &data, &size, err);
    if (rc != BD_OK)
        return rc == BD_NOT_FOUND
                   ? err_set(err, BD_CORRUPT, "%s: its index is damaged", chunk_file_path(f))
                   : rc;
    is = hash_of(data, size);
    rc = hash_eq(&is, &h) ? table_writer_add(c->writer, &h, data, size, err)
                          : err_set(err, BD_CORRUPT, "%s holds a damaged chunk", chunk_file_path(f));
    free(data);
    return rc;
}

static int copy_file(struct conjoin *c, const struct manifest_spec *spec, struct err *err) {
    struct chunk_file *f;
    int rc = chunk_file_open(&f, c->dir, &spec->name, spec->count, err);
    if (rc != BD_OK)
        return rc;
    if (chunk_file_size(f) <= SMALL && table_writer_size(c->writer) < RESULT_MAX) {
        for (uint32_t i = 0; i < chunk_file_count(f) && rc == BD_OK; i++)
            rc = copy_chunk(c, f, i, err);
        if (rc == BD_OK) {
            buf_add_str(&c->paths[c->count], chunk_file_path(f));
            c->sources[c->count++] = *spec;
        }
    }
    chunk_file_release(f);
    return rc;
}

static bool is_source(const struct conjoin *c, const struct hash *name) {
    for (size_t i = 0; i < c->count; i++)
        if (hash_eq(&c->sources[i].name, name))
            return true;
    return false;
}

/* The manifest as it is now, with the new file for the old ones. Gone from it: somebody else was
 * faster. */
static int publish(struct conjoin *c, const struct manifest_spec *result, struct store_lock *lock,
                   struct err *err) {
    struct manifest now, next;
    bool renamed;
    int rc = store_lock_take(lock, LOCK_WAIT_MS, err);
    if (rc != BD_OK)
        return rc;
    rc = manifest_read(c->dir, &now, err);
    if (rc == BD_OK) {
        bool all = true;
        for (size_t i = 0; i < c->count; i++)
            all = all && manifest_names(&now, &c->sources[i].name);
        manifest_copy(&next, &now);
        next.spec_count = 0;
        for (size_t i = 0; i < now.spec_count; i++)
            if (!is_source(c, &now.specs[i].name))
                next.specs[next.spec_count++] = now.specs[i];
        manifest_add(&next, &result->name, result->count);
        next.lock = manifest_lock_of(&next.root, next.specs, next.spec_count);
        if (all && os_fsync_dir(c->dir))
            rc = err_errno(err, "cannot sync %s", c->dir);
        if (all && rc == BD_OK && store_lock_is_ours(lock)) {
            rc = manifest_write(c->dir, &next, &renamed, err);
            for (size_t i = 0; i < c->count && rc == BD_OK; i++)
                os_unlink(
                    c->paths[i].data); /* under the lock: nobody lists one of them again meanwhile */
        }
        manifest_release(&next);
        manifest_release(&now);
    }
    store_lock_give(lock);
    return rc;
}

static int conjoin(struct conjoin *c, const struct manifest *m, struct store_lock *lock,
                   struct err *err) {
    struct manifest_spec result;
    int rc = table_writer_open(&c->writer, c->dir, err);
    for (size_t i = 0; i < m->spec_count && rc == BD_OK; i++)
        rc = copy_file(c, &m->specs[i], err);
    if (rc != BD_OK || c->count < 2) {
        table_writer_drop(c->writer);
        return rc;
    }
    result.count = table_writer_count(c->writer);
    rc = table_writer_finish(c->writer, &result.name, err);
    if (rc == BD_OK && is_source(c, &result.name))
        return BD_OK; /* one of them holds everything: its name says so */
    if (rc == BD_OK)
        rc = publish(c, &result, lock, err);
    return rc;
}

int conjoin_small_files(const char *dir, struct store_lock *lock, struct err *err) {
    struct manifest m;
    int rc = manifest_read(dir, &m, err);
    if (rc != BD_OK)
        return rc;
    if (m.spec_count > conjoin_at) {
        struct conjoin c = {.dir = dir};
        c.sources = mem_zalloc(m.spec_count, sizeof *c.sources);
        c.paths = mem_zalloc(m.spec_count, sizeof *c.paths);
        rc = conjoin(&c, &m, lock, err);
        for (size_t i = 0; i < m.spec_count; i++)
            buf_release(&c.paths[i]);
        free(c.paths);
        free(c.sources);
        address_map_release(&c.seen);
    }
    manifest_release(&m);
    return rc;
}
