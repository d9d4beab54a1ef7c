/*
 * Zstandard frames (RFC 8878) made of given matches: where the parts of a chunk stand in its dictionary
 * is known already, so nothing is searched. Tables for the codes are the predefined ones of the format.
 */
#ifndef STORE_CHUNK_ZSTD_FRAME_H
#define STORE_CHUNK_ZSTD_FRAME_H

#include "base/mem.h"

#include <stdbool.h>

#define ZSTD_FRAME_CONTENT_MAX ((size_t)128 << 10) /* one block */
#define ZSTD_FRAME_MATCH_MIN 3u

/* `literals` bytes of their own, then `match` bytes that stood `offset` bytes before. */
struct zstd_sequence {
    uint32_t literals, match, offset;
};

/*
 * Appends one frame. The literals of all sequences and those behind the last one follow one another.
 * Content 1 to ZSTD_FRAME_CONTENT_MAX bytes; at least one sequence; offset ≥ 1; match ≥
 * ZSTD_FRAME_MATCH_MIN. False, and nothing appended, when the content is too short to be worth it
 * (decoders refuse blocks that are larger than what they hold).
 */
bool zstd_frame_append(struct buf *out, const struct zstd_sequence *sequences, size_t count,
                       const uint8_t *literals, size_t literal_size, size_t content_size);

#endif
