/*
 * Creating a store: the journal is complete and synced before the manifest appears, and without a
 * manifest there is no store.
 */
#include "store/chunk/batch.h"
#include "store/chunk/manifest.h"
#include "store/chunk/store_internal.h"
#include "store/chunk/table_file.h"

#include "base/datetime.h"
#include "base/os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

static int write_journal(const char *dir, struct batch *b, const struct hash *root, struct err *err) {
    struct buf path = BUF_INIT;
    buf_addf(&path, "%s/" JOURNAL_FILE, dir);
    journal_append_root(&b->records, root, (uint64_t)(datetime_now() / MICROS_PER_SECOND));
    int fd = os_open(path.data, O_CREAT | O_EXCL | O_WRONLY, 0666), rc = BD_OK;
    if (fd < 0 || os_pwrite_all(fd, b->records.data, b->records.size, 0) < 0 || os_fsync(fd) < 0)
        rc = err_errno(err, "cannot write %s", path.data);
    if (fd >= 0 && os_close(fd) < 0 && rc == BD_OK)
        rc = err_errno(err, "cannot write %s", path.data);
    buf_release(&path);
    return rc;
}

static int fill(const char *dir, struct batch *b, const struct hash *root, struct err *err) {
    struct manifest m = MANIFEST_INIT;
    int rc = BD_OK;
    if (b->large_count > 0) {
        struct hash name;
        rc = table_write(dir, b->large, b->large_count, &name, err);
        if (rc == BD_OK)
            manifest_add(&m, &name, (uint32_t)b->large_count);
    }
    if (rc == BD_OK && b->record_count > 0) {
        rc = write_journal(dir, b, root, err);
        manifest_add(&m, &manifest_journal_name, b->record_count);
    }
    if (rc == BD_OK && os_fsync_dir(dir) < 0)
        rc = err_errno(err, "cannot sync %s", dir);
    if (rc == BD_OK) {
        bool renamed;
        m.root = *root;
        m.lock = manifest_lock_of(root, m.specs, m.spec_count);
        rc = manifest_write(dir, &m, &renamed, err);
    }
    manifest_release(&m);
    return rc;
}

/* The directory that holds `path`. */
static char *parent_of(const char *path) {
    size_t size = strlen(path);
    while (size > 1 && path[size - 1] == '/')
        size--;
    while (size > 0 && path[size - 1] != '/')
        size--;
    while (size > 1 && path[size - 1] == '/')
        size--;
    if (size == 0)
        return mem_strdup(".");
    char *parent = mem_alloc(size + 1);
    memcpy(parent, path, size);
    parent[size] = '\0';
    return parent;
}

/* After a failure: the names that `fill` may have left, then the directory. */
static void remove_all(const char *dir, const struct batch *b) {
    struct buf path = BUF_INIT;
    static const char *const names[] = {"manifest", JOURNAL_FILE};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        buf_clear(&path);
        buf_addf(&path, "%s/%s", dir, names[i]);
        os_unlink(path.data);
    }
    if (b->large_count > 0) {
        struct buf suffixes = BUF_INIT;
        for (size_t i = 0; i < b->large_count; i++)
            buf_add(&suffixes, b->large[i].hash.b + 8, HASH_SIZE - 8);
        struct hash name = hash_of(suffixes.data, suffixes.size);
        char text[HASH_TEXT_SIZE + 1];
        hash_format(&name, text);
        buf_clear(&path);
        buf_addf(&path, "%s/%s", dir, text);
        os_unlink(path.data);
        buf_release(&suffixes);
    }
    os_rmdir(dir);
    buf_release(&path);
}

int chunk_store_create(const char *dir, const struct chunk_write *chunks, size_t count,
                       const struct hash *root, struct err *err) {
    struct batch b = BATCH_INIT;
    if (count == 0 && !hash_is_zero(root))
        return err_set(err, BD_INVALID, "a new store cannot have a root without chunks");
    int rc = batch_build(&b, NULL, chunks, count, err);
    if (rc == BD_OK && os_mkdir(dir, 0777) < 0)
        rc = err_errno(err, "cannot create %s", dir);
    else if (rc == BD_OK) {
        rc = fill(dir, &b, root, err);
        char *parent = parent_of(dir);
        if (rc == BD_OK && os_fsync_dir(parent) < 0)
            rc = err_errno(err, "cannot sync %s", parent);
        free(parent);
        if (rc != BD_OK)
            remove_all(dir, &b);
    }
    batch_release(&b);
    return rc;
}
