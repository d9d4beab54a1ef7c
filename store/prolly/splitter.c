/*
 * Chunk boundaries. A boundary falls after an item when the hash of its key is small against the chance
 * that a chunk of Weibull-distributed size ends here; so boundaries depend on the items since the last
 * one and on nothing else, which makes equal content equal trees. Dolt:
 * go/store/prolly/tree/node_splitter.go.
 */
#include "store/prolly/node.h"

#include <math.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#define CHUNK_SIZE_MIN 512u
#define CHUNK_SIZE_MAX 16384u
#define WEIBULL_SCALE 4096.0

/* First 8 bytes, little-endian, of SHA-512 over the one byte level + 1. */
static const uint64_t level_salt[TREE_SALTS] = {
    UINT64_C(0xddfbc13668b6547b), UINT64_C(0x53a857b6c948b8fa), UINT64_C(0xaa94df7d81f55be4),
    UINT64_C(0x135b7b5025c7b8b5), UINT64_C(0x2cfa558a443e5f09), UINT64_C(0x047c5bf97d081558),
    UINT64_C(0xb610e6dfa1115d36), UINT64_C(0xb8010bf4f86b5af6), UINT64_C(0xbba25ed3f85b7bf2),
    UINT64_C(0xe58686ca388868be), UINT64_C(0x0fbcdf6f2bff7c52), UINT64_C(0xa444571e649ab32a),
    UINT64_C(0x2a047bf3cc02719f), UINT64_C(0x2e8818c87b88473e), UINT64_C(0xd66369bd2feba7c5),
};

/* Of chunks: how many end up to a size whose fourth power (in scales) this is. */
static double cdf(double power) { return -expm1(-power); }

static double fourth_power(uint32_t size) {
    double x = (double)size / WEIBULL_SCALE;
    return x * x * x * x;
}

/*
 * Whether a chunk of `size` bytes ends with its last item of `item` bytes whose key hashes to `h`.
 * The chance is 1 - exp(start - end) and so never greater than end - start: most items are passed by
 * without an exponential. The margin is far above what rounding makes of the chance while start < 8.
 */
static bool weibull_check(uint32_t size, uint32_t item, uint32_t h) {
    double before = fourth_power(size - item), after = fourth_power(size);
    double roll = (double)h / 4294967295.0;
    if (before < 8 && roll > after - before + 1e-9)
        return false;
    double start = cdf(before);
    double end = cdf(after);
    double left = 1.0 - start;
    if (left <= 0)
        return true;
    return roll < (end - start) / left;
}

void splitter_init(struct splitter *s, unsigned level) {
    s->salt = level_salt[level < TREE_SALTS ? level : TREE_SALTS - 1];
    splitter_reset(s);
}

void splitter_reset(struct splitter *s) {
    s->size = 0;
    s->crossed = false;
}

void splitter_append(struct splitter *s, struct bytes key, size_t value_size) {
    uint32_t item = (uint32_t)(key.size + value_size);
    s->size += item;
    if (s->size < CHUNK_SIZE_MIN)
        return;
    if (s->size > CHUNK_SIZE_MAX) {
        s->crossed = true;
        return;
    }
    s->crossed =
        weibull_check(s->size, item, (uint32_t)XXH3_64bits_withSeed(key.data, key.size, s->salt));
}

bool splitter_cuts_segment(struct bytes key, uint32_t size) {
    if (size < CHUNK_SIZE_MIN)
        return false;
    if (size > CHUNK_SIZE_MAX)
        return true;
    return weibull_check(size, size, (uint32_t)XXH3_64bits_withSeed(key.data, key.size, level_salt[0]));
}
