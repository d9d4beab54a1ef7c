#include "store/chunk/journal.h"

#include "base/os.h"
#include "store/chunk/bytes.h"
#include "store/chunk/codec.h"
#include "store/chunk/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Grow the mapping only in steps that are worth a system call. */
#define MAP_STEP (UINT64_C(1) << 20)

static int visit_record(void *ctx, uint64_t offset, const uint8_t *bytes,
                        const struct journal_record *r, struct err *err) {
    struct journal *j = ctx;
    (void)bytes;
    if (r->kind == JOURNAL_ROOT) {
        j->has_root = true;
        j->root = r->address;
        /* Nobody appends behind a root record before it is synced. */
        j->settled = j->root_end;
        j->root_end = offset + r->size;
        return BD_OK;
    }
    if (j->chunks.count >= UINT32_MAX - 1)
        return err_set(err, BD_UNSUPPORTED, "%s holds more than 4294967294 chunks", j->path);
    address_map_put(&j->chunks, &r->address, r->size, offset);
    return BD_OK;
}

/* Parses from the validated end to `size`. */
static int replay(struct journal *j, uint64_t size, struct err *err) {
    struct journal_walk_end end;
    uint64_t from = j->end;
    int rc = journal_walk(j->fd, j->path, from, size, visit_record, j, &end, err);
    if (rc != BD_OK)
        return rc;
    j->replayed += end.offset - from;
    j->end = end.offset;
    j->size = size;
    j->tail = end.stop;
    return BD_OK;
}

static int stat_size(struct journal *j, uint64_t *size, struct err *err) {
    struct stat st;
    if (os_fstat(j->fd, &st) < 0)
        return err_errno(err, "cannot stat %s", j->path);
    *size = (uint64_t)st.st_size;
    return BD_OK;
}

/*
 * Replays up to the end of the file. An invalid tail is normal (a writer at work, or one that died),
 * but committed data behind it is loss. What looks like loss may also be a tail that a writer is just
 * replacing, so the verdict needs the same tail twice.
 */
static int take_in(struct journal *j, struct err *err) {
    uint64_t accused = UINT64_MAX, size = 0;
    for (;;) {
        int rc = stat_size(j, &size, err);
        if (rc == BD_OK && size >= j->end)
            rc = replay(j, size, err);
        if (rc != BD_OK)
            return rc;
        if (j->tail == JOURNAL_RECORD_NONE)
            return BD_OK;
        bool found;
        rc = journal_find_loss(j->fd, j->path, j->end, size, &found, err);
        if (rc != BD_OK || !found)
            return rc;
        if (accused == j->end)
            return err_set(
                err, BD_CORRUPT,
                "possible data loss detected in journal file %s: %s at offset %llu is followed by "
                "committed data; corrupted journal. Restore it from a backup or run 'dolt fsck "
                "--revive-journal-with-data-loss', which cuts it off there",
                j->path, journal_stop_text(j->tail), (unsigned long long)j->end);
        accused = j->end;
    }
}

int journal_open(struct journal **out, const char *dir, struct err *err) {
    struct journal *j = mem_zalloc(1, sizeof *j);
    struct buf path = BUF_INIT;
    buf_addf(&path, "%s/" JOURNAL_FILE, dir);
    j->dir = mem_strdup(dir);
    j->path = buf_detach(&path);
    j->write_fd = -1;
    j->fd = os_open(j->path, O_RDONLY, 0);
    struct stat st;
    int rc = BD_OK;
    if (j->fd < 0 || os_fstat(j->fd, &st) < 0) {
        rc = err_errno(err, "cannot open %s", j->path);
    } else if (!S_ISREG(st.st_mode)) {
        rc = err_set(err, BD_CORRUPT, "%s is not a file", j->path);
    } else {
        j->device = st.st_dev;
        j->inode = st.st_ino;
        rc = take_in(j, err);
    }
    if (rc != BD_OK) {
        journal_close(j);
        return rc;
    }
    *out = j;
    return BD_OK;
}

static void unmap(struct journal *j) {
    if (j->map)
        os_munmap((void *)(uintptr_t)j->map, j->map_size);
    j->map = NULL;
    j->map_size = 0;
}

void journal_close(struct journal *j) {
    if (!j)
        return;
    unmap(j);
    if (j->fd >= 0)
        os_close(j->fd);
    if (j->write_fd >= 0)
        os_close(j->write_fd);
    address_map_release(&j->chunks);
    buf_release(&j->scratch);
    free(j->dir);
    free(j->path);
    free(j);
}

int journal_refresh(struct journal *j, bool *replaced, struct err *err) {
    struct stat st;
    *replaced = false;
    if (os_stat(j->path, &st) < 0) {
        if (errno != ENOENT)
            return err_errno(err, "cannot stat %s", j->path);
        *replaced = true;
        return BD_OK;
    }
    if (st.st_dev != j->device || st.st_ino != j->inode || (uint64_t)st.st_size < j->end) {
        *replaced = true;
        return BD_OK;
    }
    if ((uint64_t)st.st_size == j->size && j->size == j->end)
        return BD_OK;
    return take_in(j, err);
}

/* The `size` bytes at `offset`, all before j->end. They stay valid until the next call. */
static int read_bytes(struct journal *j, uint64_t offset, size_t size, const uint8_t **bytes,
                      struct err *err) {
    uint64_t end = offset + size;
    if (end > j->map_size && end <= j->settled && (!j->map || j->settled - j->map_size >= MAP_STEP)) {
        unmap(j);
        void *map = os_mmap((size_t)j->settled, PROT_READ, MAP_SHARED, j->fd, 0);
        if (map != MAP_FAILED) {
            j->map = map;
            j->map_size = (size_t)j->settled;
        }
    }
    if (end <= j->map_size) {
        *bytes = j->map + offset;
        return BD_OK;
    }
    j->scratch.size = 0;
    buf_reserve(&j->scratch, size);
    if (os_pread_all(j->fd, j->scratch.data, size, (off_t)offset) < 0)
        return err_errno(err, "cannot read %zu bytes at %llu of %s", size, (unsigned long long)offset,
                         j->path);
    *bytes = (const uint8_t *)j->scratch.data;
    return BD_OK;
}

int journal_has(struct journal *j, const struct hash *h, struct err *err) {
    (void)err;
    return address_map_find(&j->chunks, h) ? BD_OK : BD_NOT_FOUND;
}

static int decode_record(struct journal *j, const struct hash *h, uint64_t offset, uint32_t size,
                         uint8_t **data, size_t *data_size, struct err *err) {
    const uint8_t *bytes = NULL;
    int rc = read_bytes(j, offset, size, &bytes, err);
    if (rc != BD_OK)
        return rc;
    struct journal_record r;
    if (journal_record_fields(bytes, size, &r) != JOURNAL_RECORD_OK || r.kind != JOURNAL_CHUNK ||
        !hash_eq(&r.address, h))
        rc = err_set(err, BD_CORRUPT, "its record was overwritten");
    else
        rc = codec_decode_snappy(bytes + r.payload_offset, r.payload_size, data, data_size, err);
    if (rc != BD_OK) {
        char text[HASH_TEXT_SIZE + 1];
        hash_format(h, text);
        err_prefix(err, "chunk %s at %llu of %s", text, (unsigned long long)offset, j->path);
    }
    return rc;
}

int journal_get(struct journal *j, const struct hash *h, uint8_t **data, size_t *size,
                struct err *err) {
    const struct address_entry *e = address_map_find(&j->chunks, h);
    if (!e)
        return BD_NOT_FOUND;
    return decode_record(j, h, e->value, e->size, data, size, err);
}

int journal_drop_index(struct journal *j, bool *dropped, struct err *err) {
    (void)j;
    (void)err;
    *dropped = false;
    return BD_OK;
}

int journal_each(struct journal *j, journal_visit *visit, void *ctx, struct err *err) {
    struct journal_walk_end end;
    int rc = journal_walk(j->fd, j->path, 0, j->end, visit, ctx, &end, err);
    if (rc == BD_OK && end.offset != j->end)
        rc = err_set(err, BD_CORRUPT, "%s: %s at offset %llu", j->path, journal_stop_text(end.stop),
                     (unsigned long long)end.offset);
    return rc;
}

int journal_appended(struct journal *j, const uint8_t *records, size_t size, struct err *err) {
    size_t at = 0;
    while (at < size) {
        struct journal_record r;
        if (journal_record_fields(records + at, size - at, &r) != JOURNAL_RECORD_OK)
            return err_set(err, BD_INVALID, "%s: appended bytes are no records", j->path);
        int rc = visit_record(j, j->end, records + at, &r, err);
        if (rc != BD_OK)
            return rc;
        at += r.size;
        j->end += r.size;
    }
    j->size = j->end;
    j->tail = JOURNAL_RECORD_NONE;
    return BD_OK;
}

uint64_t journal_chunk_count(const struct journal *j) { return j->index_chunks + j->chunks.count; }
