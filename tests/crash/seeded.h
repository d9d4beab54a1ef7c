/*
 * Time and nonces that come from the seed, so that a seed is the same disk each time: takes the place
 * of clock_gettime and getrandom in the whole program. Included by programs that keep no other clock.
 */
#ifndef TESTS_CRASH_SEEDED_H
#define TESTS_CRASH_SEEDED_H

#include <stdint.h>
#include <sys/random.h>
#include <time.h>

static uint64_t seeded_clock, seeded_nonce;

static void seeded_begin(uint64_t seed) {
    seeded_clock = 0;
    seeded_nonce = seed;
}

int clock_gettime(clockid_t clock, struct timespec *out) {
    (void)clock;
    seeded_clock += 1000003;
    *out = (struct timespec){.tv_sec = 1700000000 + (time_t)(seeded_clock / 1000000000),
                             .tv_nsec = (long)(seeded_clock % 1000000000)};
    return 0;
}

ssize_t getrandom(void *out, size_t size, unsigned flags) {
    (void)flags;
    for (size_t i = 0; i < size; i++) {
        seeded_nonce = seeded_nonce * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        ((uint8_t *)out)[i] = (uint8_t)(seeded_nonce >> 56);
    }
    return (ssize_t)size;
}

#endif
