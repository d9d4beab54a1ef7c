/*
 * Chunks are sorted by group (the versions of one node) and put on shelves, each with a dictionary
 * (archive_packer.h). What is read now comes first and is plain: to open a dictionary takes as long
 * as to read thirty chunks. Only a small store, where it would not be made up for by what history
 * saves, keeps the leaves of the present on shelves too.
 *
 * One file has a bounded number of dictionaries, because readers keep that many open: dolt gc, which
 * copies chunks together with their dictionaries, would otherwise write some of them again and again.
 */
#include "store/chunk/archive_write.h"

#include "base/os.h"
#include "store/chunk/archive_output.h"
#include "store/chunk/archive_packer.h"

#include <stdlib.h>

#define SHELF_SIZE ((size_t)256 << 10)
/* A full collection reads the archives of many steps side by side, with one dictionary open of each. */
#define TIGHT_SHELF_SIZE ((size_t)64 << 10)
#define SMALL_SHELF_SIZE ((size_t)32 << 10)
#define SMALL_STORE 2048u /* chunks up to which everything shares shelves, small ones */
#define FILE_DICTIONARIES 224u

/* The order of items is that of the groups, current ones first, and within a group the order of notes.
 */
struct item {
    uint64_t group; /* not current; not plain; then 22 bits of the kind, then the place */
    uint32_t note;
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

    struct archive_packer *packer;
    bool tight;
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

void archive_writer_be_tight(struct archive_writer *w) { w->tight = true; }

uint32_t archive_writer_count(const struct archive_writer *w) { return (uint32_t)w->count; }

static uint64_t mix(uint64_t v) {
    v ^= v >> 31;
    v *= UINT64_C(0x7fb5d329728ea185);
    v ^= v >> 27;
    v *= UINT64_C(0x81dadef4bc2dd44d);
    return v ^ v >> 33;
}

int archive_writer_add(struct archive_writer *w, struct archive_hint hint, struct err *err) {
    if (w->count >= UINT32_C(1) << 31)
        return err_set(err, BD_UNSUPPORTED, "more chunks than archives can be written of");
    MEM_GROW(w->items, w->capacity, w->count + 1);
    uint64_t group = mix(hint.kind) >> 42 << 40 | mix(hint.place) >> 24;
    if (!hint.current)
        group |= NOT_CURRENT;
    if (!hint.plain)
        group |= NOT_PLAIN;
    w->items[w->count] = (struct item){group, (uint32_t)w->count};
    w->count++;
    return BD_OK;
}

static int by_group(const void *a, const void *b) {
    const struct item *x = a, *y = b;
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    return x->note < y->note ? -1 : x->note > y->note;
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

/* --- chunks --- */

static int write_shelf(void *ctx, struct archive_shelf *shelf, struct err *err) {
    struct archive_writer *w = ctx;
    int rc = open_file(w, err);
    if (rc != BD_OK)
        return rc;
    w->now.chunk_bytes += archive_shelf_chunk_bytes(shelf);
    return archive_shelf_write(shelf, &w->output, &w->now.dictionaries, err);
}

static int add_chunk(struct archive_writer *w, size_t i, bool small, struct err *err) {
    const struct item *item = &w->items[i];
    bool current = !(item->group & NOT_CURRENT);
    struct archive_chunk c = {.plain = !(item->group & NOT_PLAIN),
                              .shelf_size = small || current ? SMALL_SHELF_SIZE
                                            : w->tight       ? TIGHT_SHELF_SIZE
                                                             : SHELF_SIZE};
    if (!small && !w->tight && current)
        c.plain = true;
    if (i > 0) {
        c.related = item->group == item[-1].group;
        c.apart = (item->group ^ item[-1].group) >> 63; /* what is current has shelves of its own */
    }
    int rc = w->fetch(w->ctx, item->note, &c, err);
    return rc == BD_OK ? archive_packer_add(w->packer, &c, err) : rc;
}

static int write_all(struct archive_writer *w, struct err *err) {
    bool small = w->count <= SMALL_STORE;
    int rc = BD_OK;
    if (w->count == 0)
        return err_set(err, BD_INVALID, "an archive without chunks cannot be written");
    for (size_t i = 0; small && i < w->count; i++)
        w->items[i].group &= ~NOT_CURRENT;
    qsort(w->items, w->count, sizeof *w->items, by_group);
    size_t current = 0; /* those come first */
    while (current < w->count && !(w->items[current].group & NOT_CURRENT))
        current++;
    if (current > w->count / 2)
        w->tight =
            false; /* what has hardly any history yet, after an import, is read as it is for long */
    w->packer = archive_packer_new(write_shelf, w);
    for (size_t i = 0; i < w->count && rc == BD_OK; i++)
        rc = add_chunk(w, i, small, err);
    free(w->items);
    w->items = NULL;
    if (rc == BD_OK)
        rc = archive_packer_finish(w->packer, err);
    archive_packer_free(w->packer);
    w->packer = NULL;
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
    archive_packer_free(w->packer);
    archive_output_release(&w->output);
    free(w->items);
    free(w->files);
    free(w->dir);
    free(w);
}
