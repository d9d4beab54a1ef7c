/* Table files: every index entry is looked up and read. */
#include "store/chunk/bytes.h"
#include "store/chunk/codec.h"
#include "store/chunk/crc32c.h"
#include "store/chunk/table_file.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct table t;
    struct err err = ERR_INIT;
    if (table_init(&t, data, size, "table", &err) != BD_OK)
        return 0;
    for (uint32_t i = 0; i < t.count; i++) {
        struct hash h;
        uint8_t *chunk;
        size_t chunk_size;
        if (!table_address(&t, i, &h))
            continue;
        int64_t ordinal = table_find(&t, &h);
        if (ordinal >= 0 && table_get(&t, ordinal, &chunk, &chunk_size, &err) == BD_OK)
            free(chunk);
    }
    /* The data region once more as one snappy block under a right checksum. */
    if (t.data_size > 4) {
        uint8_t *record = malloc(t.data_size + 4), *chunk;
        size_t chunk_size;
        memcpy(record, data, t.data_size);
        write_u32(record + t.data_size, crc32c(record, t.data_size));
        if (codec_decode_snappy(record, t.data_size + 4, &chunk, &chunk_size, &err) == BD_OK)
            free(chunk);
        free(record);
    }
    table_release(&t);
    return 0;
}
