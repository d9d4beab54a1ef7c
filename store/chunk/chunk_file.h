/*
 * One immutable file of chunks, table file or archive, mapped while it is open. Files are shared
 * between the snapshots of a store by counting references.
 */
#ifndef STORE_CHUNK_CHUNK_FILE_H
#define STORE_CHUNK_CHUNK_FILE_H

#include "base/err.h"
#include "store/chunk/hash.h"

#include <stdbool.h>

struct chunk_file;

/*
 * Opens <dir>/<name> (a table file with `expected` chunks) or <dir>/<name>.darc. BD_NOT_FOUND when
 * neither exists: a collection may have removed it, look at the manifest again.
 */
int chunk_file_open(struct chunk_file **out, const char *dir, const struct hash *name,
                    uint32_t expected, struct err *err);
/* One more owner; the last release closes it. */
struct chunk_file *chunk_file_keep(struct chunk_file *f);
void chunk_file_release(struct chunk_file *f); /* NULL is fine */

/* Facts of the file: name, path (borrowed), kind, bytes, chunks. */
const struct hash *chunk_file_name(const struct chunk_file *f);
const char *chunk_file_path(const struct chunk_file *f);
bool chunk_file_is_archive(const struct chunk_file *f);
size_t chunk_file_size(const struct chunk_file *f);
uint32_t chunk_file_count(const struct chunk_file *f);

bool chunk_file_has(const struct chunk_file *f, const struct hash *h);
/* BD_NOT_FOUND (no message) when absent; *data is malloc'd. */
int chunk_file_get(struct chunk_file *f, const struct hash *h, uint8_t **data, size_t *size,
                   struct err *err);
/* The same from a position that chunk_file_find told (-1: absent); BD_NOT_FOUND when another chunk
 * stands there. */
int64_t chunk_file_find(const struct chunk_file *f, const struct hash *h);
int chunk_file_get_at(struct chunk_file *f, int64_t position, const struct hash *h, uint8_t **data,
                      size_t *size, struct err *err);
/* Gives back the memory of the pages that chunks were read from; an index stays. */
void chunk_file_release_pages(const struct chunk_file *f);
/* Memory of the dictionaries that are open; halves it. */
size_t chunk_file_dictionaries(const struct chunk_file *f);
void chunk_file_halve_dictionaries(struct chunk_file *f);
/* The i-th address; false when the index is inconsistent there. */
bool chunk_file_address(const struct chunk_file *f, uint32_t i, struct hash *h);

#endif
