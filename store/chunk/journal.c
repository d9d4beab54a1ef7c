/*
 * A journal as one process sees it: the validated prefix [0, end), behind it perhaps a tail that is not
 * valid (yet). Only bytes that cannot be cut off by others are read through the mapping.
 */
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

/* More than most records, with the four bytes in front of the next one. */
#define STREAM_WINDOW ((size_t)4096)
#define BLOCK_SIZE ((size_t)128 << 10)
#define BLOCK_BEFORE ((size_t)96 << 10) /* of a block, before what was asked for */
#define BLOCKS 4u

/* What may lie behind the index: as much as every opening replays. */
#define TAIL_CHUNKS 256u
#define TAIL_BYTES (UINT64_C(192) << 10)

/* Records that share 48 bits of their address: more than two would be a wonder. */
#define CANDIDATES 8

static int visit_record(void *ctx, uint64_t offset, const uint8_t *bytes,
                        const struct journal_record *r, struct err *err) {
    struct journal *j = ctx;
    (void)bytes;
    if (r->kind == JOURNAL_ROOT) {
        j->has_root = true;
        j->root = r->address;
        /* Nobody appends behind a root record before it is synced. */
        j->settled = j->root_end;
        j->root_start = offset;
        j->root_end = offset + r->size;
        return BD_OK;
    }
    if (j->chunks.count >= UINT32_MAX - 1)
        return err_set(err, BD_UNSUPPORTED, "%s holds more than 4294967294 chunks", j->path);
    address_map_put(&j->chunks, &r->address, r->size, offset);
    return BD_OK;
}

static void unmap(struct journal *j) {
    if (j->map)
        os_munmap((void *)(uintptr_t)j->map, j->map_size);
    j->map = NULL;
    j->map_size = 0;
}

/* Maps [0, size), of which nobody cuts anything off. */
static bool map_to(struct journal *j, uint64_t size) {
    unmap(j);
    void *map = os_mmap((size_t)size, PROT_READ, MAP_SHARED, j->fd, 0);
    if (map == MAP_FAILED)
        return false;
    j->map = map;
    j->map_size = (size_t)size;
    return true;
}

const uint8_t *journal_map(struct journal *j, uint64_t *size) {
    if (j->settled > j->map_size)
        map_to(j, j->settled);
    *size = j->map_size;
    return j->map;
}

/* Parses from the validated end to `size`; in place when all of it is known to be synced. */
static int replay(struct journal *j, uint64_t size, struct err *err) {
    struct journal_walk_end end;
    uint64_t from = j->end;
    bool all_synced = size == j->synced_end && size > 0;
    int rc;
    if (all_synced && j->reading == CHUNK_READING_MAPPED && (j->map_size == size || map_to(j, size)))
        rc = journal_walk_mapped(j->map, j->path, from, size, visit_record, j, &end, err);
    else
        rc = journal_walk(j->fd, j->path, from, size, visit_record, j, &end, err);
    if (rc != BD_OK)
        return rc;
    j->replayed += end.offset - from;
    j->end = end.offset;
    j->size = size;
    j->tail = end.stop;
    if (all_synced && j->end == size)
        j->settled = size;
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
                "committed data; corrupted journal. 'bd fsck' shows what is damaged, and 'bd fsck "
                "--repair' "
                "mends what can be mended without loss",
                j->path, journal_stop_text(j->tail), (unsigned long long)j->end);
        accused = j->end;
    }
}

/* The index counts only if the journal has, at its end, the very root record it was written for. */
static bool index_fits(struct journal *j, const struct journal_coverage *c, uint64_t size) {
    uint8_t bytes[JOURNAL_ROOT_SIZE];
    struct journal_record r;
    if (c->end > size || c->root_start >= c->end || c->end - c->root_start > sizeof bytes)
        return false;
    size_t length = (size_t)(c->end - c->root_start);
    return os_pread_all(j->fd, bytes, length, (off_t)c->root_start) == 0 &&
           journal_record_parse(bytes, length, &r) == JOURNAL_RECORD_OK && r.size == length &&
           r.kind == JOURNAL_ROOT && hash_eq(&r.address, &c->root);
}

/* Starts the replay behind what an index covers. */
static void load_index(struct journal *j, uint64_t size) {
    uint64_t synced_end = 0;
    struct journal_index *x = j->has_head ? journal_index_open(j->dir, j->head, &synced_end) : NULL;
    if (synced_end > j->synced_end && synced_end <= size)
        j->synced_end = synced_end;
    if (!x)
        return;
    const struct journal_coverage *c = journal_index_coverage(x);
    if (c->end < j->index_end || !index_fits(j, c, size)) {
        journal_index_close(x);
        return;
    }
    journal_index_close(j->index);
    j->index = x;
    j->index_end = c->end;
    j->index_chunks = c->chunks;
    if (j->end < c->end) {
        j->end = c->end;
        j->has_root = true;
        j->root = c->root;
        j->root_start = c->root_start;
        j->root_end = c->end;
    }
    if (j->settled < c->end)
        j->settled = c->end;
}

static void load_head(struct journal *j, uint64_t size) {
    if (!j->has_head && size >= JOURNAL_HEAD_SIZE)
        j->has_head = os_pread_all(j->fd, j->head, JOURNAL_HEAD_SIZE, 0) == 0;
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
        load_head(j, (uint64_t)st.st_size);
        load_index(j, (uint64_t)st.st_size);
        rc = take_in(j, err);
    }
    if (rc != BD_OK) {
        journal_close(j);
        return rc;
    }
    *out = j;
    return BD_OK;
}

/* Read along the history. */
struct journal_block {
    struct buf bytes;
    uint64_t start, used;
};

static void free_blocks(struct journal *j) {
    for (size_t i = 0; j->blocks && i < BLOCKS; i++)
        buf_release(&j->blocks[i].bytes);
    free(j->blocks);
    j->blocks = NULL;
}

void journal_close(struct journal *j) {
    if (!j)
        return;
    unmap(j);
    journal_index_close(j->index);
    if (j->fd >= 0)
        os_close(j->fd);
    if (j->write_fd >= 0)
        os_close(j->write_fd);
    address_map_release(&j->chunks);
    buf_release(&j->scratch);
    free_blocks(j);
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

static int read_fresh(struct journal *j, uint64_t offset, size_t size, const uint8_t **bytes,
                      struct err *err) {
    j->scratch.size = 0;
    buf_reserve(&j->scratch, size);
    if (os_pread_all(j->fd, j->scratch.data, size, (off_t)offset) < 0)
        return err_errno(err, "cannot read %zu bytes at %llu of %s", size, (unsigned long long)offset,
                         j->path);
    *bytes = (const uint8_t *)j->scratch.data;
    return BD_OK;
}

/* A record is looked at in pieces: most fit into one read. */
static int read_window(struct journal *j, uint64_t offset, size_t size, const uint8_t **bytes,
                       struct err *err) {
    if (offset < j->window || offset + size > j->window + j->scratch.size) {
        size_t more = j->end - offset < STREAM_WINDOW ? (size_t)(j->end - offset) : STREAM_WINDOW;
        size_t length =
            size > 4 ? size : more; /* else it is the size of the record that is asked for */
        int rc = read_fresh(j, offset, length, bytes, err);
        if (rc != BD_OK)
            return rc;
        j->window = offset;
        j->scratch.size = length;
    }
    *bytes = (const uint8_t *)j->scratch.data + (offset - j->window);
    return BD_OK;
}

/* --- reading along the history: what is looked at next mostly lies near, before or behind --- */

void journal_set_reading(struct journal *j, enum chunk_reading how) {
    j->reading = how; /* blocks are kept for the next time */
}

static int load_block(struct journal *j, struct journal_block *b, uint64_t start, size_t size,
                      struct err *err) {
    b->bytes.size = 0;
    buf_reserve(&b->bytes, size);
    if (os_pread_all(j->fd, b->bytes.data, size, (off_t)start) < 0)
        return err_errno(err, "cannot read %zu bytes at %llu of %s", size, (unsigned long long)start,
                         j->path);
    b->start = start;
    b->bytes.size = size;
    return BD_OK;
}

static int read_block(struct journal *j, uint64_t offset, size_t size, const uint8_t **bytes,
                      struct err *err) {
    if (!j->blocks)
        j->blocks = mem_zalloc(BLOCKS, sizeof *j->blocks);
    struct journal_block *oldest = j->blocks, *found = NULL;
    uint64_t start = offset > BLOCK_BEFORE ? offset - BLOCK_BEFORE : 0;
    for (struct journal_block *b = j->blocks; b < j->blocks + BLOCKS && !found; b++) {
        uint64_t end = b->start + b->bytes.size;
        if (b->start <= offset && offset + size <= end)
            found = b;
        else if (b->start <= offset && offset < end) /* it stands on the border of two blocks */
            return read_window(j, offset, size, bytes, err);
        if (end <= offset && end > start) /* what it has need not be read again */
            start = end;
        if (b->used < oldest->used)
            oldest = b;
    }
    if (!found) {
        uint64_t length = offset + size - start;
        if (length < BLOCK_SIZE)
            length = j->end - start < BLOCK_SIZE ? j->end - start : BLOCK_SIZE;
        int rc = load_block(j, oldest, start, (size_t)length, err);
        if (rc != BD_OK)
            return rc;
        found = oldest;
    }
    found->used = ++j->block_uses;
    *bytes = (const uint8_t *)found->bytes.data + (offset - found->start);
    return BD_OK;
}

/* The `size` bytes at `offset`, all before j->end. They stay valid until the next call. */
static int read_bytes(struct journal *j, uint64_t offset, size_t size, const uint8_t **bytes,
                      struct err *err) {
    uint64_t end = offset + size;
    if (j->reading == CHUNK_READING_SCATTERED)
        return read_window(j, offset, size, bytes, err);
    if (j->reading == CHUNK_READING_ALONG)
        return read_block(j, offset, size, bytes, err);
    if (end > j->map_size && end <= j->settled && (!j->map || j->settled - j->map_size >= MAP_STEP))
        map_to(j, j->settled);
    if (end <= j->map_size) {
        *bytes = j->map + offset;
        return BD_OK;
    }
    return read_fresh(j, offset, size, bytes, err);
}

/* Checks that the record at `offset`, which an index gave us, is of this chunk. BD_CORRUPT: it lied. */
static int check_candidate(struct journal *j, const struct hash *h, uint64_t offset, uint32_t *size,
                           struct err *err) {
    const uint8_t *bytes;
    struct journal_record r;
    if (offset > j->index_end || j->index_end - offset < JOURNAL_CHUNK_OVERHEAD)
        return BD_CORRUPT;
    int rc = read_bytes(j, offset, 4, &bytes, err);
    if (rc != BD_OK)
        return rc;
    *size = read_u32(bytes);
    if (*size < JOURNAL_CHUNK_OVERHEAD || *size > JOURNAL_RECORD_MAX || *size > j->index_end - offset)
        return BD_CORRUPT;
    rc = read_bytes(j, offset, *size, &bytes, err);
    if (rc != BD_OK)
        return rc;
    if (journal_record_fields(bytes, *size, &r) != JOURNAL_RECORD_OK || r.kind != JOURNAL_CHUNK ||
        memcmp(r.address.b, h->b, 6) != 0)
        return BD_CORRUPT;
    return hash_eq(&r.address, h) ? BD_OK : BD_NOT_FOUND;
}

/* Where the chunk's record lies. An index that proves wrong is dropped on the way. */
static int locate(struct journal *j, const struct hash *h, uint64_t *offset, uint32_t *size,
                  struct err *err) {
    for (;;) {
        const struct address_entry *e = address_map_find(&j->chunks, h);
        if (e) {
            *offset = e->value;
            *size = e->size;
            return BD_OK;
        }
        if (!j->index)
            return BD_NOT_FOUND;
        uint64_t offsets[CANDIDATES];
        int count = journal_index_find(j->index, h, offsets, CANDIDATES);
        int rc = count < 0 ? BD_CORRUPT : BD_NOT_FOUND;
        for (int i = 0; i < count && rc == BD_NOT_FOUND; i++) {
            *offset = offsets[i];
            rc = check_candidate(j, h, offsets[i], size, err);
        }
        if (rc != BD_CORRUPT)
            return rc;
        bool dropped;
        j->distrusted = true;
        rc = journal_drop_index(j, &dropped, err);
        if (rc != BD_OK)
            return rc;
    }
}

int journal_has(struct journal *j, const struct hash *h, struct err *err) {
    uint64_t offset;
    uint32_t size;
    return locate(j, h, &offset, &size, err);
}

/* Is that the chunk's record? *bytes is NULL when not: somebody else's journal stands there now. */
static int read_place(struct journal *j, const struct hash *h, const struct chunk_place *place,
                      const uint8_t **bytes, struct journal_record *r, struct err *err) {
    int rc = BD_OK;
    *bytes = NULL;
    if (place->size >= JOURNAL_CHUNK_OVERHEAD && place->offset <= j->end &&
        place->size <= j->end - place->offset)
        rc = read_bytes(j, place->offset, place->size, bytes, err);
    if (rc == BD_OK && *bytes &&
        (journal_record_fields(*bytes, place->size, r) != JOURNAL_RECORD_OK ||
         r->kind != JOURNAL_CHUNK || !hash_eq(&r->address, h)))
        *bytes = NULL;
    return rc;
}

int journal_get(struct journal *j, const struct hash *h, struct chunk_place *place, uint8_t **data,
                size_t *size, bool *packed, struct err *err) {
    const uint8_t *bytes;
    struct journal_record r;
    int rc = read_place(j, h, place, &bytes, &r, err);
    if (rc == BD_OK && !bytes) {
        rc = locate(j, h, &place->offset, &place->size, err);
        if (rc == BD_OK)
            rc = read_place(j, h, place, &bytes, &r, err);
        else
            place->size = 0;
    }
    if (rc != BD_OK)
        return rc;
    if (!bytes) {
        rc = err_set(err, BD_CORRUPT, "its record was overwritten");
    } else if (packed) {
        *packed = true;
        *size = r.payload_size;
        *data = mem_dup(bytes + r.payload_offset, r.payload_size);
    } else {
        rc = codec_decode_snappy(bytes + r.payload_offset, r.payload_size, data, size, err);
    }
    if (rc != BD_OK) {
        char text[HASH_TEXT_SIZE + 1];
        hash_format(h, text);
        err_prefix(err, "chunk %s at %llu of %s", text, (unsigned long long)place->offset, j->path);
    }
    return rc;
}

int journal_drop_index(struct journal *j, bool *dropped, struct err *err) {
    *dropped = j->index != NULL;
    if (!j->index)
        return BD_OK;
    struct journal_walk_end end;
    uint64_t covered = j->index_end;
    journal_index_close(j->index);
    j->index = NULL;
    j->index_end = j->index_chunks = 0;
    struct journal replayed = {.path = j->path};
    int rc = journal_walk(j->fd, j->path, 0, covered, visit_record, &replayed, &end, err);
    if (rc == BD_OK && end.offset != covered)
        rc = err_set(err, BD_CORRUPT, "%s: %s at offset %llu, before data that was committed", j->path,
                     journal_stop_text(end.stop), (unsigned long long)end.offset);
    /* The records of the tail are newer: they go in behind. */
    for (size_t i = 0; i < j->chunks.count; i++)
        address_map_put(&replayed.chunks, &j->chunks.entries[i].address, j->chunks.entries[i].size,
                        j->chunks.entries[i].value);
    address_map_release(&j->chunks);
    j->chunks = replayed.chunks;
    j->replayed += end.offset;
    return rc;
}

/* --- for the owner of LOCK --- */

bool journal_is_synced(struct journal *j) {
    if (j->synced_end != j->end && j->has_head)
        j->synced_end = journal_index_synced_end(j->dir, j->head);
    return j->synced_end == j->end;
}

void journal_note_synced(struct journal *j) {
    j->synced_end = j->end;
    load_head(j, j->end);
    if (!j->has_head || j->root_end != j->end)
        return;
    journal_index_mark_synced(j->dir, j->head, j->end);
    if (j->chunks.count < TAIL_CHUNKS && j->end - j->index_end < TAIL_BYTES)
        return;
    /* An index of a past that was undone (a restored journal) must not be continued. */
    struct journal_coverage to = {j->end, j->root_start, j->root, 0},
                            now = journal_index_peek(j->dir, j->head);
    bool rebuild = j->distrusted || (now.end > 0 && !index_fits(j, &now, j->end));
    if (rebuild && j->index_end > 0) { /* only a process that replays everything can make a new one */
        journal_index_remove(j->dir);
        return;
    }
    if (!journal_index_extend(j->dir, j->head, &j->chunks, j->index_end, &to, rebuild))
        return;
    j->distrusted = false;
    load_index(j, j->end);
    if (j->index_end == j->end)
        address_map_clear(&j->chunks);
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
