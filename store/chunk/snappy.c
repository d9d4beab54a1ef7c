/*
 * A block is the length as a varint, then elements. The low two bits of an element's first byte tell
 * what it is: 0 literal bytes, 1 a copy of 4 to 11 bytes from up to 2,047 bytes back, 2 and 3 copies of
 * up to 64 bytes with a distance of two and of four bytes. Copies may overlap what they produce.
 */
#include "store/chunk/snappy.h"

#include <string.h>

#define FRAGMENT ((size_t)1 << 16) /* matches do not reach over its ends: places fit 16 bits */
#define SMALL_FRAGMENT ((size_t)1 << 13)
#define SMALL_BITS 11u
#define LARGE_BITS 14u
#define MATCH_MIN 4u
#define NEAR_DISTANCE 2048u

size_t snappy_room(size_t size) { return 32 + size + size / 6; }

static inline uint32_t load32(const uint8_t *p) {
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline uint64_t load64(const uint8_t *p) {
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* --- writing --- */

static uint8_t *put_literals(uint8_t *out, const uint8_t *from, size_t size) {
    if (size == 0)
        return out;
    size_t n = size - 1; /* < 65,536 */
    if (n < 60) {
        *out++ = (uint8_t)(n << 2);
    } else if (n < 256) {
        *out++ = 60 << 2;
        *out++ = (uint8_t)n;
    } else {
        *out++ = 61 << 2;
        *out++ = (uint8_t)n;
        *out++ = (uint8_t)(n >> 8);
    }
    memcpy(out, from, size);
    return out + size;
}

static uint8_t *put_far_copy(uint8_t *out, size_t distance, size_t size) {
    *out++ = (uint8_t)((size - 1) << 2 | 2);
    *out++ = (uint8_t)distance;
    *out++ = (uint8_t)(distance >> 8);
    return out;
}

static uint8_t *put_copy(uint8_t *out, size_t distance, size_t size) {
    for (; size >= 68; size -= 64)
        out = put_far_copy(out, distance, 64);
    if (size > 64) { /* leaves no rest too short for the short form */
        out = put_far_copy(out, distance, 60);
        size -= 60;
    }
    if (size >= 12 || distance >= NEAR_DISTANCE)
        return put_far_copy(out, distance, size);
    *out++ = (uint8_t)(distance >> 8 << 5 | (size - 4) << 2 | 1);
    *out++ = (uint8_t)distance;
    return out;
}

/* How many bytes at a and b are equal, up to `end` behind b; a < b. */
static size_t equal_bytes(const uint8_t *a, const uint8_t *b, const uint8_t *end) {
    const uint8_t *start = b;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    for (; end - b >= 8; a += 8, b += 8) {
        uint64_t differ = load64(a) ^ load64(b);
        if (differ)
            return (size_t)(b - start) + (size_t)__builtin_ctzll(differ) / 8;
    }
#endif
    while (b < end && *a == *b)
        a++, b++;
    return (size_t)(b - start);
}

static inline uint32_t slot_of(uint32_t bytes, unsigned shift) { return bytes * 0x9E3779B1u >> shift; }

static uint8_t *encode_fragment(uint8_t *out, const uint8_t *data, size_t size, uint16_t *table,
                                unsigned bits) {
    const uint8_t *at = data + 1, *start = data, *end = data + size;
    unsigned shift = 32 - bits;
    memset(table, 0,
           sizeof *table << bits); /* a free slot looks like place 0, where a match is one too */
    while (end - at >= (ptrdiff_t)MATCH_MIN) {
        uint32_t bytes = load32(at);
        uint16_t *slot = &table[slot_of(bytes, shift)];
        const uint8_t *match = data + *slot;
        *slot = (uint16_t)(at - data);
        if (load32(match) != bytes) {
            at++;
            continue;
        }
        size_t length = MATCH_MIN + equal_bytes(match + MATCH_MIN, at + MATCH_MIN, end);
        const uint8_t *next = at + length;
        while (at > start && match > data && at[-1] == match[-1])
            at--, match--, length++;
        out = put_literals(out, start, (size_t)(at - start));
        out = put_copy(out, (size_t)(at - match), length);
        at = start = next;
    }
    return put_literals(out, start, (size_t)(end - start));
}

size_t snappy_encode(const uint8_t *data, size_t size, uint8_t *out) {
    uint16_t small[1u << SMALL_BITS];
    uint8_t *at = out;
    size_t left = size;
    for (; left >= 0x80; left >>= 7)
        *at++ = (uint8_t)(left | 0x80);
    *at++ = (uint8_t)left;
    if (size <= SMALL_FRAGMENT)
        return (size_t)(encode_fragment(at, data, size, small, SMALL_BITS) - out);
    uint16_t large[1u << LARGE_BITS];
    for (; size > 0; data += FRAGMENT) {
        size_t n = size < FRAGMENT ? size : FRAGMENT;
        at = encode_fragment(at, data, n, large, LARGE_BITS);
        size -= n;
    }
    return (size_t)(at - out);
}

/* --- reading --- */

/* Bytes of the length at the start of a block; 0 when there is none. */
static size_t read_length(const uint8_t *block, size_t block_size, size_t *length) {
    uint64_t v = 0;
    for (size_t i = 0; i < 5 && i < block_size; i++) {
        v |= (uint64_t)(block[i] & 0x7f) << (7 * i);
        if (block[i] & 0x80)
            continue;
        *length = (size_t)v;
        return v <= SNAPPY_SIZE_MAX ? i + 1 : 0;
    }
    return 0;
}

bool snappy_length(const uint8_t *block, size_t block_size, size_t *length) {
    return read_length(block, block_size, length) > 0;
}

/* Copies of up to 64 bytes whose distance lets 16 at a time be taken; writes up to 15 too many. */
static inline void copy_wide(uint8_t *out, const uint8_t *from, size_t size) {
    for (size_t i = 0; i < size; i += 16)
        memcpy(out + i, from + i, 16);
}

/* What is copied may be what the copy itself has just produced. */
static inline void copy_back(uint8_t *out, size_t distance, size_t size) {
    const uint8_t *from = out - distance;
    if (distance >= 16) {
        copy_wide(out, from, size);
        return;
    }
    if (distance >= 8) {
        for (size_t i = 0; i < size; i += 8)
            memcpy(out + i, from + i, 8);
        return;
    }
    for (size_t i = 0; i < size; i++)
        out[i] = from[i];
}

bool snappy_decode(const uint8_t *block, size_t block_size, uint8_t *out, size_t length) {
    const uint8_t *at = block, *end = block + block_size;
    uint8_t *begin = out, *out_end = out + length;
    size_t claimed, head = read_length(block, block_size, &claimed);
    if (head == 0 || claimed != length)
        return false;
    at += head;
    while (at < end) {
        unsigned tag = *at++;
        size_t size, distance, left = (size_t)(end - at), room = (size_t)(out_end - out);
        switch (tag & 3) {
        case 0:
            size = (tag >> 2) + 1;
            if (size <= 16 && left >= 16 && room >= size) {
                memcpy(out, at, 16);
                out += size;
                at += size;
                continue;
            }
            if (size > 60) {
                size_t bytes = size - 60;
                if (left < bytes)
                    return false;
                size = 0;
                for (size_t i = 0; i < bytes; i++)
                    size |= (size_t)at[i] << (8 * i);
                size++;
                at += bytes;
                left -= bytes;
            }
            if (left < size || room < size)
                return false;
            memcpy(out, at, size);
            out += size;
            at += size;
            continue;
        case 1:
            if (left < 1)
                return false;
            size = (tag >> 2 & 7) + 4;
            distance = (size_t)(tag >> 5) << 8 | *at++;
            break;
        case 2:
            if (left < 2)
                return false;
            size = (tag >> 2) + 1;
            distance = at[0] | (size_t)at[1] << 8;
            at += 2;
            break;
        default:
            if (left < 4)
                return false;
            size = (tag >> 2) + 1;
            distance = at[0] | (size_t)at[1] << 8 | (size_t)at[2] << 16 | (size_t)at[3] << 24;
            at += 4;
        }
        if (distance == 0 || distance > (size_t)(out - begin) || room < size)
            return false;
        copy_back(out, distance, size);
        out += size;
    }
    return out == out_end;
}
