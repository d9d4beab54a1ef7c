/*
 * Chunks are sorted by group (the versions of one node) and put on shelves, which are packed several at
 * a time on all processors. What is read now comes first and is plain: to open a dictionary takes as long
 * as to read thirty chunks. Only a small store, where it would not be made up for by what history saves,
 * keeps the leaves of the present on shelves too.
 *
 * One file has a bounded number of dictionaries, because readers keep that many open: dolt gc, which
 * copies chunks together with their dictionaries, would otherwise write some of them again and again.
 */
#include "store/chunk/archive_write.h"

#include "base/os.h"
#include "base/parallel.h"
#include "store/chunk/archive_output.h"
#include "store/chunk/archive_shelf.h"
#include "store/chunk/codec.h"

#include <stdlib.h>

#define SHELF_SIZE ((size_t)256 << 10)
#define SMALL_SHELF_SIZE ((size_t)32 << 10)
#define SHELF_CHUNKS_MAX 8192u /* bounds the memory of a shelf of chunks that are all alike */
#define PLAIN_BYTES_MAX ((size_t)4 << 20)
#define SMALL_STORE 2048u /* chunks up to which everything shares shelves, small ones */
#define FILE_DICTIONARIES 224u
#define SHELVES_MAX 8u

/* The order of items is that of the groups, current ones first, and within a group the order of notes.
 */
struct item {
    struct hash address;
    uint32_t order;
    uint64_t group; /* not current; not plain; then 22 bits of the kind, then the place */
};
#define NOT_CURRENT (UINT64_C(1) << 63)
#define NOT_PLAIN (UINT64_C(1) << 62)

struct archive_writer {
    char *dir;
    archive_fetch *fetch;
    void *ctx;
    struct item *items;
    size_t count, capacity;

    struct archive_output output; /* the file being written; dir NULL: none */
    struct archive_written now;   /* its facts so far */
    struct archive_written *files;
    size_t file_count;

    struct archive_shelf *shelves[SHELVES_MAX];
    int results[SHELVES_MAX];
    struct err errors[SHELVES_MAX];
    size_t shelf_count, filled; /* in use, waiting to be packed */
    size_t shelf_bytes;         /* of plain chunks on the open shelf */
};

int archive_writer_open(struct archive_writer **out, const char *dir, archive_fetch *fetch, void *ctx,
                        struct err *err) {
    if (!os_is_dir(dir))
        return err_set(err, BD_NOT_FOUND, "no folder %s to write an archive into", dir);
    struct archive_writer *w = mem_zalloc(1, sizeof *w);
    w->dir = mem_strdup(dir);
    w->fetch = fetch;
    w->ctx = ctx;
    w->output.fd = -1;
    *out = w;
    return BD_OK;
}

uint32_t archive_writer_count(const struct archive_writer *w) { return (uint32_t)w->count; }

static uint64_t mix(uint64_t v) {
    v ^= v >> 31;
    v *= UINT64_C(0x7fb5d329728ea185);
    v ^= v >> 27;
    v *= UINT64_C(0x81dadef4bc2dd44d);
    return v ^ v >> 33;
}

int archive_writer_add(struct archive_writer *w, const struct hash *h, struct archive_hint hint,
                       struct err *err) {
    if (w->count >= UINT32_C(1) << 31)
        return err_set(err, BD_UNSUPPORTED, "more chunks than archives can be written of");
    MEM_GROW(w->items, w->capacity, w->count + 1);
    uint64_t group = mix(hint.kind) >> 42 << 40 | mix(hint.place) >> 24;
    if (!hint.current)
        group |= NOT_CURRENT;
    if (!hint.plain)
        group |= NOT_PLAIN;
    w->items[w->count] = (struct item){*h, (uint32_t)w->count, group};
    w->count++;
    return BD_OK;
}

static int by_group(const void *a, const void *b) {
    const struct item *x = a, *y = b;
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* --- files --- */

static int close_file(struct archive_writer *w, struct err *err) {
    if (!w->output.dir)
        return BD_OK;
    w->now.chunks = (uint32_t)w->output.ref_count;
    int rc = archive_output_publish(&w->output, &w->now.name, &w->now.file_size, &w->now.existed, err);
    archive_output_release(&w->output);
    if (rc != BD_OK)
        return rc;
    w->files = mem_resize(w->files, w->file_count + 1, sizeof *w->files);
    w->files[w->file_count++] = w->now;
    return BD_OK;
}

static int open_file(struct archive_writer *w, struct err *err) {
    int rc = BD_OK;
    if (w->output.dir && w->now.dictionaries >= FILE_DICTIONARIES)
        rc = close_file(w, err);
    if (rc == BD_OK && !w->output.dir) {
        w->now = (struct archive_written){.chunks = 0};
        rc = archive_output_open(&w->output, w->dir, err);
    }
    return rc;
}

/* A file that was there before may be one that the manifest names. */
static void remove_files(struct archive_writer *w) {
    for (size_t i = 0; i < w->file_count; i++) {
        if (w->files[i].existed)
            continue;
        struct buf path = BUF_INIT;
        char text[HASH_TEXT_SIZE + 1];
        hash_format(&w->files[i].name, text);
        buf_addf(&path, "%s/%s.darc", w->dir, text);
        os_unlink(path.data);
        buf_release(&path);
    }
    w->file_count = 0;
}

/* --- shelves --- */

static void pack(void *ctx, size_t i) {
    struct archive_writer *w = ctx;
    w->results[i] = archive_shelf_pack(w->shelves[i], &w->errors[i]);
}

/* Packs and writes all shelves that have something, in order. */
static int write_shelves(struct archive_writer *w, struct err *err) {
    size_t count = w->filled;
    if (count < w->shelf_count && archive_shelf_count(w->shelves[count]) > 0)
        count++;
    parallel_run(count, pack, w);
    int rc = BD_OK;
    for (size_t i = 0; i < count && rc == BD_OK; i++) {
        rc = w->results[i];
        if (rc != BD_OK && err)
            *err = w->errors[i];
        if (rc == BD_OK)
            rc = open_file(w, err);
        if (rc == BD_OK) {
            w->now.chunk_bytes += archive_shelf_chunk_bytes(w->shelves[i]);
            rc = archive_shelf_write(w->shelves[i], &w->output, &w->now.dictionaries, err);
        }
    }
    w->filled = 0;
    w->shelf_bytes = 0;
    return rc;
}

/* The open shelf is done; the next one is open. */
static int next_shelf(struct archive_writer *w, struct err *err) {
    w->filled++;
    w->shelf_bytes = 0;
    return w->filled < w->shelf_count ? BD_OK : write_shelves(w, err);
}

static int shelve(struct archive_writer *w, const struct item *item, bool related, bool plain,
                  size_t shelf_size, struct err *err) {
    struct archive_shelf *shelf = w->shelves[w->filled];
    uint8_t *data;
    size_t size;
    int rc = w->fetch(w->ctx, &item->address, &data, &size, err);
    if (rc != BD_OK)
        return rc;
    if (size == 0 || size > CODEC_CHUNK_MAX) {
        free(data);
        return err_set(err, BD_INVALID, "a chunk of %zu bytes cannot be stored", size);
    }
    if (plain)
        archive_shelf_add_plain(shelf, &item->address, data, size);
    else
        archive_shelf_add(shelf, &item->address, data, size, related);
    free(data);
    w->shelf_bytes += plain ? size : 0;
    bool full = archive_shelf_size(shelf) >= shelf_size ||
                archive_shelf_count(shelf) >= SHELF_CHUNKS_MAX || w->shelf_bytes >= PLAIN_BYTES_MAX;
    return full ? next_shelf(w, err) : BD_OK;
}

static int write_items(struct archive_writer *w, struct err *err) {
    bool small = w->count <= SMALL_STORE;
    int rc = BD_OK;
    for (size_t i = 0; i < w->count && rc == BD_OK; i++) {
        const struct item *item = &w->items[i];
        bool current = !(item->group & NOT_CURRENT),
             first = i == 0 || (item->group ^ item[-1].group) >> 63;
        if (first && i > 0 && archive_shelf_count(w->shelves[w->filled]) > 0)
            rc = next_shelf(w, err); /* what is current has shelves of its own */
        bool plain = !(item->group & NOT_PLAIN) || (current && !small);
        if (rc == BD_OK)
            rc = shelve(w, item, !first && item->group == item[-1].group, plain,
                        small ? SMALL_SHELF_SIZE : SHELF_SIZE, err);
    }
    return rc == BD_OK ? write_shelves(w, err) : rc;
}

static int write_all(struct archive_writer *w, struct err *err) {
    if (w->count == 0)
        return err_set(err, BD_INVALID, "an archive without chunks cannot be written");
    if (w->count <= SMALL_STORE)
        for (size_t i = 0; i < w->count; i++)
            w->items[i].group &= ~NOT_CURRENT;
    qsort(w->items, w->count, sizeof *w->items, by_group);
    w->shelf_count = parallel_width() * 2 < SHELVES_MAX ? parallel_width() * 2 : SHELVES_MAX;
    for (size_t i = 0; i < w->shelf_count; i++)
        w->shelves[i] = archive_shelf_new();
    int rc = write_items(w, err);
    free(w->items);
    w->items = NULL;
    return rc == BD_OK ? close_file(w, err) : rc;
}

int archive_writer_finish(struct archive_writer *w, struct archive_written **files, size_t *count,
                          struct err *err) {
    int rc = write_all(w, err);
    if (rc == BD_OK) {
        *files = w->files;
        *count = w->file_count;
        w->files = NULL;
    } else {
        remove_files(w);
    }
    archive_writer_abandon(w);
    return rc;
}

void archive_writer_abandon(struct archive_writer *w) {
    if (!w)
        return;
    for (size_t i = 0; i < SHELVES_MAX; i++)
        archive_shelf_free(w->shelves[i]);
    archive_output_release(&w->output);
    free(w->items);
    free(w->files);
    free(w->dir);
    free(w);
}
