/*
 * CRC-32C by the processor's instruction where it has one, else by eight tables.
 *
 * The instruction has a latency of three cycles, so long inputs run in three independent streams that
 * are joined by multiplying with x^(8n) modulo the polynomial (a table of four 256-entry rows each).
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

/* glibc knows the processor since it started. The compiler's own question would be asked at every start,
 * and a virtual machine takes 10 us for each answer. */
#if defined(__has_include) && __has_include(<sys/platform/x86.h>)
#include <sys/platform/x86.h>
#define HAVE_SSE42 CPU_FEATURE_ACTIVE(SSE4_2)
#else
#define HAVE_SSE42 __builtin_cpu_supports("sse4.2")
#endif

#define STREAM 1024 /* bytes in each of the three streams of one round */
#define STREAMS_WORTH (64 * 1024)

static uint32_t shift_one[4][256], shift_two[4][256]; /* multiply by x^(8*STREAM), x^(16*STREAM) */
static pthread_once_t shifts_once = PTHREAD_ONCE_INIT;

/* The state `crc` after `count` zero bytes. */
static uint32_t feed_zeros(uint32_t crc, size_t count) {
    while (count--)
        crc = crc >> 8 ^ tables[0][crc & 0xff];
    return crc;
}

static void make_shift(uint32_t rows[4][256], size_t count) {
    uint32_t column[32];
    for (int bit = 0; bit < 32; bit++)
        column[bit] = feed_zeros(UINT32_C(1) << bit, count);
    for (int row = 0; row < 4; row++)
        for (uint32_t value = 0; value < 256; value++) {
            uint32_t sum = 0;
            for (int bit = 0; bit < 8; bit++)
                if (value >> bit & 1)
                    sum ^= column[row * 8 + bit];
            rows[row][value] = sum;
        }
}

static void make_shifts(void) {
    pthread_once(&tables_once, make_tables);
    make_shift(shift_one, STREAM);
    make_shift(shift_two, STREAM * 2);
}

static uint32_t shift(uint32_t rows[4][256], uint32_t crc) {
    return rows[0][crc & 0xff] ^ rows[1][crc >> 8 & 0xff] ^ rows[2][crc >> 16 & 0xff] ^
           rows[3][crc >> 24];
}

static uint64_t load(const uint8_t *p) {
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

__attribute__((target("sse4.2"))) static uint32_t crc32c_sse42(uint32_t crc, const uint8_t *p,
                                                               size_t size) {
    uint64_t a = ~crc;
    if (size >= STREAMS_WORTH) { /* below, the tables would cost more than they save */
        pthread_once(&shifts_once, make_shifts);
        do {
            uint64_t b = 0, c = 0;
            for (size_t i = 0; i < STREAM; i += 8) {
                a = _mm_crc32_u64(a, load(p + i));
                b = _mm_crc32_u64(b, load(p + STREAM + i));
                c = _mm_crc32_u64(c, load(p + 2 * STREAM + i));
            }
            a = shift(shift_two, (uint32_t)a) ^ shift(shift_one, (uint32_t)b) ^ (uint32_t)c;
            p += 3 * STREAM;
            size -= 3 * STREAM;
        } while (size >= 3 * STREAM);
    }
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
