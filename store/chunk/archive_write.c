/* Every chunk becomes a snappy span of its own. */
#include "store/chunk/archive_write.h"

#include "base/os.h"
#include "store/chunk/archive_output.h"
#include "store/chunk/codec.h"

#include <stdlib.h>

struct item {
    struct hash address;
    uint32_t order; /* in which it was noted; the highest bit is set unless it is current */
    uint64_t group; /* of kind and place */
};

struct archive_writer {
    char *dir;
    archive_fetch *fetch;
    void *ctx;
    struct item *items;
    size_t count, capacity;
    struct archive_output output;
    uint64_t chunk_bytes;
    struct buf body;
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

int archive_writer_add(struct archive_writer *w, const struct hash *h, struct archive_hint hint,
                       struct err *err) {
    if (w->count >= UINT32_C(1) << 31)
        return err_set(err, BD_UNSUPPORTED, "more chunks than archives can be written of");
    MEM_GROW(w->items, w->capacity, w->count + 1);
    w->items[w->count] = (struct item){*h, (uint32_t)w->count, hint.kind ^ hint.place};
    w->count++;
    return BD_OK;
}

static int write_chunk(struct archive_writer *w, const struct item *item, struct err *err) {
    uint8_t *data;
    size_t size;
    int rc = w->fetch(w->ctx, &item->address, &data, &size, err);
    if (rc != BD_OK)
        return rc;
    if (size == 0 || size > CODEC_CHUNK_MAX) {
        free(data);
        return err_set(err, BD_INVALID, "a chunk of %zu bytes cannot be stored", size);
    }
    uint32_t span;
    buf_clear(&w->body);
    codec_append_snappy(&w->body, data, size);
    w->chunk_bytes += size;
    free(data);
    rc = archive_output_span(&w->output, w->body.data, w->body.size, &span, err);
    if (rc == BD_OK)
        archive_output_chunk(&w->output, &item->address, 0, span);
    return rc;
}

int archive_writer_finish(struct archive_writer *w, struct archive_written **files, size_t *count,
                          struct err *err) {
    int rc = archive_output_open(&w->output, w->dir, err);
    for (size_t i = 0; i < w->count && rc == BD_OK; i++)
        rc = write_chunk(w, &w->items[i], err);
    struct archive_written *file = mem_zalloc(1, sizeof *file);
    *file = (struct archive_written){.chunks = archive_writer_count(w), .chunk_bytes = w->chunk_bytes};
    if (rc == BD_OK)
        rc = archive_output_publish(&w->output, &file->name, &file->file_size, err);
    archive_writer_abandon(w);
    if (rc != BD_OK) {
        free(file);
        return rc;
    }
    *files = file;
    *count = 1;
    return BD_OK;
}

void archive_writer_abandon(struct archive_writer *w) {
    if (!w)
        return;
    archive_output_release(&w->output);
    buf_release(&w->body);
    free(w->items);
    free(w->dir);
    free(w);
}
