/*
 * Table files: chunk records one behind the other, then an index, then a footer. The reader works on
 * the mapped bytes and trusts none of them; the writer makes a file durable before it is named.
 */
#ifndef STORE_CHUNK_TABLE_FILE_H
#define STORE_CHUNK_TABLE_FILE_H

#include "base/err.h"
#include "store/chunk/hash.h"

#include <stdbool.h>

struct table {
    const uint8_t *bytes; /* borrowed: the whole file */
    size_t size;
    uint32_t count;
    size_t data_size;                           /* of all chunk records */
    const uint8_t *tuples, *lengths, *suffixes; /* sections of the index */
    uint64_t *offsets;                          /* count + 1 record offsets, made at the first hit */
};

/* `where` names the file in messages. BD_CORRUPT; BD_INVALID when the bytes are not a table file at
 * all. */
int table_init(struct table *t, const uint8_t *bytes, size_t size, const char *where, struct err *err);
void table_release(struct table *t);

/* Ordinal of the chunk, or -1. */
int64_t table_find(const struct table *t, const struct hash *h);
/* Whether what table_find found for `h` may still stand there. */
bool table_is_at(const struct table *t, uint32_t ordinal, const struct hash *h);
/* The chunk's stored bytes: a snappy record. */
int table_record(struct table *t, int64_t ordinal, const uint8_t **bytes, size_t *size,
                 struct err *err);
int table_get(struct table *t, int64_t ordinal, uint8_t **data, size_t *size, struct err *err);
/* The i-th address in index order (sorted by prefix); false when the index is inconsistent there. */
bool table_address(const struct table *t, uint32_t i, struct hash *h);

/* One chunk of a table file to be written. */
struct chunk_write;
/*
 * Writes the chunks (distinct, none empty, count > 0) as a table file into `dir` and syncs file and
 * directory. *name is its base name. Many chunks: store/chunk/table_writer.h.
 */
int table_write(const char *dir, const struct chunk_write *chunks, size_t count, struct hash *name,
                struct err *err);

#endif
