/*
 * Chunks of an archive that share one dictionary. The dictionary is the union of their contents: of
 * each chunk, what no earlier version of it had is appended. A chunk is then a list of places in the
 * dictionary. The dictionary is compressed as a whole, and a chunk costs a few bytes for each piece it
 * is made of.
 *
 * Used in three steps: add until it is full; pack (the costly part, for several shelves at the same
 * time); write, which leaves it empty.
 */
#ifndef STORE_CHUNK_ARCHIVE_SHELF_H
#define STORE_CHUNK_ARCHIVE_SHELF_H

#include "store/chunk/archive_output.h"

#include <stdbool.h>

struct archive_shelf;

struct archive_shelf *archive_shelf_new(void);
void archive_shelf_free(struct archive_shelf *s); /* NULL is fine */

size_t archive_shelf_count(const struct archive_shelf *s);
/* Bytes of the dictionary so far; the chunks themselves are not kept. */
size_t archive_shelf_size(const struct archive_shelf *s);
uint64_t archive_shelf_chunk_bytes(const struct archive_shelf *s);

/* A chunk of 1 to CODEC_CHUNK_MAX bytes; `related`: the chunk before was another version of it. */
void archive_shelf_add(struct archive_shelf *s, const struct hash *h, const uint8_t *data, size_t size,
                       bool related);
/* A chunk that stands alone, whatever it costs. */
void archive_shelf_add_plain(struct archive_shelf *s, const struct hash *h, const uint8_t *data,
                             size_t size);

/* Makes the bytes of the file, and reads every chunk back from them. BD_CORRUPT when that differs. */
int archive_shelf_pack(struct archive_shelf *s, struct err *err);

/* *dictionaries grows by what was written; an empty or plain shelf has none. */
int archive_shelf_write(struct archive_shelf *s, struct archive_output *o, uint32_t *dictionaries,
                        struct err *err);

#endif
