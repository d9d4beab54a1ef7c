/*
 * Chunk bodies on disk: a snappy block followed by the CRC-32C of that block (journal payloads, table
 * files, snappy spans of archives), or a zstd frame (archives). Sizes claimed by a body are checked
 * before memory is taken; what decodes to nothing is refused, because empty chunks do not exist.
 */
#ifndef STORE_CHUNK_CODEC_H
#define STORE_CHUNK_CODEC_H

#include "base/err.h"
#include "base/mem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CODEC_CHUNK_MAX (UINT32_C(256) << 20) /* uncompressed bytes */

/* Appends snappy block and CRC. */
void codec_append_snappy(struct buf *out, const uint8_t *data, size_t size);

/* Decodes into malloc'd memory. Messages do not say which chunk it was: the caller puts that in front.
 */
int codec_decode_snappy(const uint8_t *record, size_t record_size, uint8_t **data, size_t *size,
                        struct err *err);

/* The same in two steps, for memory of the caller's: what the record claims to be, false when that
 * cannot be; then `size` must be that, and `out` has SNAPPY_SLACK bytes more. False: damaged. */
bool codec_snappy_size(const uint8_t *record, size_t record_size, size_t *size);
bool codec_decode_snappy_to(const uint8_t *record, size_t record_size, uint8_t *out, size_t size);

/* Working memory for zstd (about 160 KB), for one thread at a time. */
struct codec_decoder;
struct codec_decoder *codec_decoder_new(void);
void codec_decoder_free(struct codec_decoder *d); /* NULL is fine */

/* Dictionary of an archive, trained or raw content. */
struct codec_dictionary;
/* From a zstd frame that holds the dictionary. */
int codec_dictionary_open(struct codec_dictionary **out, struct codec_decoder *d, const uint8_t *frame,
                          size_t frame_size, struct err *err);
void codec_dictionary_close(struct codec_dictionary *d); /* NULL is fine */
size_t codec_dictionary_memory(const struct codec_dictionary *d);

/* dictionary NULL: a frame that stands alone. */
int codec_decode_zstd(struct codec_decoder *d, const struct codec_dictionary *dictionary,
                      const uint8_t *frame, size_t frame_size, uint8_t **data, size_t *size,
                      struct err *err);

#endif
