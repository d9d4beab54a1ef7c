/*
 * Puts chunks on shelves and packs these, on all processors: chunks go in one at a time, packed shelves
 * come out in the same order, whatever the number of processors. While the caller fetches chunks, other
 * threads match them against the dictionary of the open shelf (one thread at a time) and pack the full
 * ones. The sink, like whatever fetches, runs on the caller's thread alone.
 */
#ifndef STORE_CHUNK_ARCHIVE_PACKER_H
#define STORE_CHUNK_ARCHIVE_PACKER_H

#include "store/chunk/archive_shelf.h"

struct archive_packer;

/* Takes a packed shelf; archive_shelf_write is to empty it. */
typedef int archive_packer_sink(void *ctx, struct archive_shelf *s, struct err *err);

struct archive_chunk {
    struct hash address;
    uint8_t *data; /* malloc'd */
    size_t size;
    bool packed;       /* data is a snappy record */
    bool related;      /* the chunk before was another version of it */
    bool plain;        /* no dictionary for it */
    bool apart;        /* not on a shelf with those before */
    size_t shelf_size; /* the shelf is full with a dictionary of about that size */
};

/* Decompresses a packed one. BD_CORRUPT; BD_INVALID for an empty or giant chunk. */
int archive_chunk_unpack(struct archive_chunk *c, struct err *err);

struct archive_packer *archive_packer_new(archive_packer_sink *sink, void *ctx);

/* Takes c->data, also when it fails: BD_INVALID for an empty or giant chunk, BD_CORRUPT. It may tell
 * what is wrong with an earlier chunk. After a failure only archive_packer_free makes sense. */
int archive_packer_add(struct archive_packer *p, const struct archive_chunk *c, struct err *err);

/* The sink has all shelves when it returns BD_OK. */
int archive_packer_finish(struct archive_packer *p, struct err *err);

void archive_packer_free(struct archive_packer *p); /* NULL is fine */

#endif
