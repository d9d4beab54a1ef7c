/* Big-endian integers in unaligned memory: the byte order of every field of Dolt's files. */
#ifndef STORE_CHUNK_BYTES_H
#define STORE_CHUNK_BYTES_H

#include <stdint.h>
#include <string.h>

static inline uint32_t read_u32(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}
static inline uint64_t read_u64(const uint8_t *p) {
    return (uint64_t)read_u32(p) << 32 | read_u32(p + 4);
}
static inline void write_u32(uint8_t *p, uint32_t v) {
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}
static inline void write_u64(uint8_t *p, uint64_t v) {
    write_u32(p, (uint32_t)(v >> 32));
    write_u32(p + 4, (uint32_t)v);
}

#endif
