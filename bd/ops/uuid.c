/*
 * UUIDs of RFC 9562. Randomness comes from the kernel; without it there is no safe way on, so the
 * program stops rather than make an id that may collide.
 */
#include "bd/ops/uuid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static void kernel_bytes(void *out, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t n = getrandom((char *)out + done, size - done, 0);
        if (n <= 0)
            abort();
        done += (size_t)n;
    }
}

/* The first ids of a process come straight from the kernel; whoever needs many gets them from a supply.
 */
static void random_bytes(void *out, size_t size) {
    enum { SUPPLY = 4096, FEW = 8 };
    static uint8_t supply[SUPPLY];
    static size_t left, calls;
    if (size > SUPPLY || calls < FEW) {
        calls++;
        kernel_bytes(out, size);
        return;
    }
    if (left < size) {
        kernel_bytes(supply, SUPPLY);
        left = SUPPLY;
    }
    left -= size;
    memcpy(out, supply + left, size);
    memset(supply + left, 0, size);
}

static void format(const uint8_t b[16], char out[UUID_TEXT_SIZE]) {
    static const char digits[] = "0123456789abcdef";
    char *p = out;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *p++ = '-';
        *p++ = digits[b[i] >> 4];
        *p++ = digits[b[i] & 15];
    }
    *p = '\0';
}

static void set_version(uint8_t b[16], unsigned version) {
    b[6] = (uint8_t)((b[6] & 0x0f) | version << 4);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
}

void uuid_v4(char out[UUID_TEXT_SIZE]) {
    uint8_t b[16];
    random_bytes(b, sizeof b);
    set_version(b, 4);
    format(b, out);
}

void uuid_v7(int64_t now_micros, char out[UUID_TEXT_SIZE]) {
    static uint64_t
        last; /* milliseconds << 12 | sequence: the sequence stands in the 12 bits behind the time */
    uint8_t b[16];
    random_bytes(b, sizeof b);
    uint64_t micros = now_micros > 0 ? (uint64_t)now_micros : 0;
    uint64_t stamp = (micros / 1000) << 12 | (micros % 1000) * 4096 / 1000;
    if (stamp <= last)
        stamp = last + 1;
    last = stamp;
    uint64_t ms = stamp >> 12;
    for (int i = 0; i < 6; i++)
        b[i] = (uint8_t)(ms >> (40 - 8 * i));
    b[6] = (uint8_t)(stamp >> 8 & 0x0f);
    b[7] = (uint8_t)stamp;
    set_version(b, 7);
    format(b, out);
}

void uuid_from_hash(int64_t micros, const uint8_t digest[10], char out[UUID_TEXT_SIZE]) {
    uint8_t b[16];
    uint64_t ms = micros > 0 ? (uint64_t)micros / 1000 : 0;
    for (int i = 0; i < 6; i++)
        b[i] = (uint8_t)(ms >> (40 - 8 * i));
    memcpy(b + 6, digest, 10);
    set_version(b, 7);
    format(b, out);
}
