#include "store/chunk/prefix_search.h"

#include "store/chunk/bytes.h"

#include <stdbool.h>

#define GUESSES 2u
#define FEW 8u /* so many are looked through without guessing */

/* Invariant: all below `low` are less, none from `high` on is. */
struct range {
    const uint8_t *numbers;
    size_t stride;
    uint64_t prefix;
    uint32_t low, high;
};

/* True when the number at `at` (low <= at < high) is less. */
static bool look(struct range *r, uint32_t at, uint64_t *number) {
    *number = read_u64(r->numbers + (size_t)at * r->stride);
    if (*number < r->prefix)
        r->low = at + 1;
    else
        r->high = at;
    return *number < r->prefix;
}

static uint32_t within(const struct range *r, double place) {
    if (!(place > (double)r->low))
        return r->low;
    return place < (double)(r->high - 1) ? (uint32_t)place : r->high - 1;
}

uint32_t prefix_search(const uint8_t *numbers, size_t stride, uint32_t count, uint64_t prefix) {
    struct range r = {numbers, stride, prefix, 0, count};
    const double spacing = 0x1p64 / ((double)count + 1);
    double place = (double)prefix / spacing;
    uint64_t number;
    for (unsigned i = 0; i < GUESSES && r.high - r.low > FEW; i++) { /* from where the last one led */
        uint32_t at = within(&r, place);
        place = look(&r, at, &number) ? (double)at + (double)(prefix - number) / spacing
                                      : (double)at - (double)(number - prefix) / spacing;
    }
    for (double step = 1, way = 0; r.high - r.low > FEW; step *= 2) { /* until it is passed */
        double now = look(&r, within(&r, place), &number) ? 1 : -1;
        if (way * now < 0)
            break;
        way = now;
        place += way * step;
    }
    while (r.low < r.high)
        look(&r, r.low + (r.high - r.low) / 2, &number);
    return r.low;
}
