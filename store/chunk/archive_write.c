/* Every chunk becomes a snappy span of its own. */
#include "store/chunk/archive_write.h"

#include "store/chunk/archive_output.h"
#include "store/chunk/codec.h"

#include <stdlib.h>

struct archive_writer {
    struct archive_output output;
    struct buf body;
    uint64_t chunk_bytes;
};

int archive_writer_open(struct archive_writer **out, const char *dir, struct err *err) {
    struct archive_writer *w = mem_zalloc(1, sizeof *w);
    int rc = archive_output_open(&w->output, dir, err);
    if (rc != BD_OK) {
        free(w);
        return rc;
    }
    *out = w;
    return BD_OK;
}

uint32_t archive_writer_count(const struct archive_writer *w) { return (uint32_t)w->output.ref_count; }

int archive_writer_add(struct archive_writer *w, const struct hash *h, const uint8_t *data, size_t size,
                       struct archive_hint hint, struct err *err) {
    (void)hint;
    if (size == 0 || size > CODEC_CHUNK_MAX)
        return err_set(err, BD_INVALID, "a chunk of %zu bytes cannot be stored", size);
    uint32_t span;
    buf_clear(&w->body);
    codec_append_snappy(&w->body, data, size);
    int rc = archive_output_span(&w->output, w->body.data, w->body.size, &span, err);
    if (rc == BD_OK) {
        archive_output_chunk(&w->output, h, 0, span);
        w->chunk_bytes += size;
    }
    return rc;
}

int archive_writer_finish(struct archive_writer *w, struct archive_written *out, struct err *err) {
    *out = (struct archive_written){.chunks = archive_writer_count(w), .chunk_bytes = w->chunk_bytes};
    int rc = archive_output_publish(&w->output, &out->name, &out->file_size, err);
    archive_writer_abandon(w);
    return rc;
}

void archive_writer_abandon(struct archive_writer *w) {
    if (!w)
        return;
    archive_output_release(&w->output);
    buf_release(&w->body);
    free(w);
}
