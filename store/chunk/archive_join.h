/*
 * Several archives made one, as Dolt's conjoin: byte spans are copied as they are, nothing is
 * decompressed.
 */
#ifndef STORE_CHUNK_ARCHIVE_JOIN_H
#define STORE_CHUNK_ARCHIVE_JOIN_H

#include "base/err.h"
#include "store/chunk/hash.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Writes the archives <dir>/<name>.darc as a new one into the same folder, durable under its name.
 * BD_INVALID when one is no archive or two hold the same chunk: such files stay apart.
 */
int archive_join(const char *dir, const struct hash *names, size_t count, struct hash *joined,
                 uint32_t *chunks, struct err *err);

#endif
