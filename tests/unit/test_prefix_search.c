/* The position that a guess and steps find is the one that looking at every number finds. */
#include "base/mem.h"
#include "store/chunk/bytes.h"
#include "store/chunk/prefix_search.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static uint64_t random_state = 1;
static uint64_t next_random(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static int by_value(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static uint32_t simply(const uint64_t *sorted, uint32_t count, uint64_t prefix) {
    uint32_t i = 0;
    while (i < count && sorted[i] < prefix)
        i++;
    return i;
}

/* In memory of exactly the size, so that checkers see a step beyond. */
static void check(uint64_t *numbers, uint32_t count, size_t stride) {
    uint8_t *bytes = mem_zalloc(count, stride);
    qsort(numbers, count, sizeof *numbers, by_value);
    for (uint32_t i = 0; i < count; i++)
        write_u64(bytes + i * stride, numbers[i]);
    uint64_t wanted[64] = {0, 1, UINT64_MAX, UINT64_MAX - 1, UINT64_C(1) << 63};
    for (size_t i = 5; i < 64; i++)
        wanted[i] = i % 2 || count == 0
                        ? next_random()
                        : numbers[next_random() % count] + (uint64_t)(next_random() % 3) - 1;
    for (size_t i = 0; i < 64; i++)
        assert_int_equal(prefix_search(bytes, stride, count, wanted[i]),
                         simply(numbers, count, wanted[i]));
    free(bytes);
}

static const uint32_t counts[] = {0, 1, 2, 3, 7, 8, 9, 10, 16, 17, 100, 1000, 5000};

static void even_numbers(void **state) {
    (void)state;
    uint64_t numbers[5000];
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        for (uint32_t i = 0; i < counts[c]; i++)
            numbers[i] = next_random();
        check(numbers, counts[c], 8);
        check(numbers, counts[c], 12);
    }
}

/* All alike, at one end, at both, doubled each time, in clusters. */
static void evil_numbers(void **state) {
    (void)state;
    uint64_t numbers[5000];
    for (unsigned way = 0; way < 6; way++)
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
            for (uint32_t i = 0; i < counts[c]; i++)
                numbers[i] = way == 0   ? 42
                             : way == 1 ? i
                             : way == 2 ? UINT64_MAX - i
                             : way == 3 ? (i % 2 ? UINT64_MAX - i : i)
                             : way == 4 ? UINT64_C(1) << i % 64
                                        : (i % 5) * (UINT64_MAX / 5) + i / 50;
            check(numbers, counts[c], 12);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(even_numbers),
        cmocka_unit_test(evil_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
