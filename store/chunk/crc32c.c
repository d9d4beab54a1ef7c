/*
 * CRC-32C by the processor's instruction where it has one, else by eight tables.
 *
 * The instruction has a latency of three cycles, so the input runs in three independent streams that
 * are joined by a multiplication without carries.
 */
#include "store/chunk/crc32c.h"

#include <pthread.h>
#include <string.h>

#define POLYNOMIAL 0x82F63B78u

static uint32_t tables[8][256];
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

static void make_tables(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
        tables[0][i] = crc;
    }
    for (uint32_t i = 0; i < 256; i++)
        for (int t = 1; t < 8; t++)
            tables[t][i] = tables[t - 1][i] >> 8 ^ tables[0][tables[t - 1][i] & 0xff];
}

uint32_t crc32c_portable(uint32_t crc, const void *bytes, size_t size) {
    pthread_once(&tables_once, make_tables);
    const uint8_t *p = bytes;
    crc = ~crc;
    for (; size >= 8; size -= 8, p += 8) {
        uint32_t low =
            crc ^ ((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);
        crc = tables[7][low & 0xff] ^ tables[6][low >> 8 & 0xff] ^ tables[5][low >> 16 & 0xff] ^
              tables[4][low >> 24] ^ tables[3][p[4]] ^ tables[2][p[5]] ^ tables[1][p[6]] ^
              tables[0][p[7]];
    }
    while (size--)
        crc = crc >> 8 ^ tables[0][(crc ^ *p++) & 0xff];
    return ~crc;
}

#if defined(__x86_64__)

#include <nmmintrin.h>
#include <wmmintrin.h>

/* glibc knows the processor since it started. The compiler's own question would be asked at every
 * start, and a virtual machine takes 10 us for each answer. */
#if defined(__has_include) && __has_include(<sys/platform/x86.h>)
#include <sys/platform/x86.h>
#define HAVE_SSE42 (CPU_FEATURE_ACTIVE(SSE4_2) && CPU_FEATURE_ACTIVE(PCLMULQDQ))
#else
#define HAVE_SSE42 (__builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul"))
#endif

static uint64_t load(const uint8_t *p) {
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

/* Bytes of each of the three streams of a round, and what moves a state over one and over two of them:
 * x^(8n-33) modulo the polynomial, bits reversed, for n zero bytes. */
struct round {
    size_t stream;
    uint32_t one, two;
};
static const struct round long_round = {1024, 0x170076fa, 0xa51b6135};
static const struct round short_round = {128, 0x0d3b6092, 0xb9e02b86};

/* The state `crc` after as many zero bytes as the constant stands for. */
__attribute__((target("sse4.2,pclmul"))) static inline uint64_t shift(uint64_t crc, uint32_t constant) {
    __m128i product =
        _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)crc), _mm_cvtsi32_si128((int)constant), 0);
    return _mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(product));
}

/* As many whole rounds as there are; leaves *at and *size behind them. */
__attribute__((target("sse4.2,pclmul"))) static inline uint64_t
rounds(uint64_t a, const uint8_t **at, size_t *size, const struct round *r) {
    const uint8_t *p = *at;
    size_t stream = r->stream, left = *size;
    for (; left >= 3 * stream; left -= 3 * stream, p += 3 * stream) {
        uint64_t b = 0, c = 0;
        for (size_t i = 0; i < stream; i += 8) {
            a = _mm_crc32_u64(a, load(p + i));
            b = _mm_crc32_u64(b, load(p + stream + i));
            c = _mm_crc32_u64(c, load(p + 2 * stream + i));
        }
        a = shift(a, r->two) ^ shift(b, r->one) ^ c;
    }
    *at = p;
    *size = left;
    return a;
}

__attribute__((target("sse4.2,pclmul"))) static uint32_t crc32c_sse42(uint32_t crc, const uint8_t *p,
                                                                      size_t size) {
    uint64_t a = (uint32_t)~crc;
    a = rounds(a, &p, &size, &long_round);
    a = rounds(a, &p, &size, &short_round);
    for (; size >= 8; size -= 8, p += 8)
        a = _mm_crc32_u64(a, load(p));
    uint32_t tail = (uint32_t)a;
    while (size--)
        tail = _mm_crc32_u8(tail, *p++);
    return ~tail;
}

uint32_t crc32c_extend(uint32_t crc, const void *bytes, size_t size) {
    if (HAVE_SSE42)
        return crc32c_sse42(crc, bytes, size);
    return crc32c_portable(crc, bytes, size);
}

#else

uint32_t crc32c_extend(uint32_t crc, const void *bytes, size_t size) {
    return crc32c_portable(crc, bytes, size);
}

#endif

uint32_t crc32c(const void *bytes, size_t size) { return crc32c_extend(0, bytes, size); }
