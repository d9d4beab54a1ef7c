/*
 * The file under an archive writer: byte spans are appended, chunks refer to them, then index and
 * footer close the file, which is synced before it gets its name. Knows nothing of what is in a span.
 */
#ifndef STORE_CHUNK_ARCHIVE_OUTPUT_H
#define STORE_CHUNK_ARCHIVE_OUTPUT_H

#include "base/err.h"
#include "base/mem.h"
#include "store/chunk/hash.h"

struct archive_ref {
    struct hash address;
    uint32_t dictionary, data; /* span numbers from 1; dictionary 0: none */
};

struct archive_output {
    char *dir, *temp;
    int fd;
    struct buf pending; /* not yet written */
    uint64_t flushed;   /* bytes written to the file */
    uint32_t *spans;    /* their sizes */
    size_t span_count, span_capacity;
    struct archive_ref *refs;
    size_t ref_count, ref_capacity;
};

int archive_output_open(struct archive_output *o, const char *dir, struct err *err);
/* *span becomes its number. Every span must be referred to; a dictionary stands before its chunks. */
int archive_output_span(struct archive_output *o, const void *bytes, size_t size, uint32_t *span,
                        struct err *err);
/* All spans of another archive, open as fd: *before becomes what their numbers grow by. */
struct archive;
int archive_output_copy(struct archive_output *o, const struct archive *a, int fd, uint32_t *before,
                        struct err *err);
void archive_output_chunk(struct archive_output *o, const struct hash *h, uint32_t dictionary,
                          uint32_t data);
/* Sorts the references. BD_INVALID without a chunk or when one address stands twice. The file has its
 * name and is durable when this returns BD_OK. *existed: there was a file of that name, which is the
 * same and may be in use; it is never removed. */
int archive_output_publish(struct archive_output *o, struct hash *name, uint64_t *file_size,
                           bool *existed, struct err *err);
/* Frees everything; removes the temporary file unless it was published. */
void archive_output_release(struct archive_output *o);

#endif
