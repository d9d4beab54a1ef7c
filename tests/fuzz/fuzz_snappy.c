/* The snappy reader on anything; and what the writer makes of the same bytes is read back. */
#include "base/mem.h"
#include "store/chunk/snappy.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t length;
    if (snappy_length(data, size, &length) && length < (1u << 20)) {
        uint8_t *out = mem_alloc(length + SNAPPY_SLACK);
        snappy_decode(data, size, out, length);
        free(out);
    }
    uint8_t *block = mem_alloc(snappy_room(size)), *out = mem_alloc(size + SNAPPY_SLACK);
    size_t n = snappy_encode(data, size, block);
    if (n > snappy_room(size) || !snappy_length(block, n, &length) || length != size ||
        !snappy_decode(block, n, out, length) || (size && memcmp(out, data, size) != 0))
        abort();
    free(out);
    free(block);
    return 0;
}
