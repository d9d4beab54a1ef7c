/* Archives: every index entry is looked up and read, through dictionaries where it says so. */
#include "store/chunk/archive.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct archive a;
    struct err err = ERR_INIT;
    if (archive_init(&a, data, size, "archive", &err) != BD_OK)
        return 0;
    for (uint32_t i = 0; i < a.count; i++) {
        struct hash h;
        uint8_t *chunk;
        size_t chunk_size;
        archive_address(&a, i, &h);
        (void)archive_find(&a, &h);
        if (archive_get(&a, i, &chunk, &chunk_size, &err) == BD_OK)
            free(chunk);
    }
    archive_release(&a);
    return 0;
}
