/* Chunks cut from the input, versions of each other or not, are packed and read back. */
#include "store/chunk/archive_shelf.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct archive_shelf *s = archive_shelf_new();
    struct err err = ERR_INIT;
    /* Two bytes say how long a chunk is and where its text begins; texts overlap, so they resemble. */
    for (size_t at = 0; at + 3 <= size; at += 3) {
        size_t length = 1 + (size_t)data[at] * 8, from = (size_t)data[at + 1] * 4;
        if (from >= size)
            from = 0;
        if (length > size - from)
            length = size - from;
        struct hash h = {{data[at], data[at + 1], data[at + 2]}};
        if (data[at + 2] & 2)
            archive_shelf_add_plain(s, &h, data + from, length);
        else
            archive_shelf_add(s, &h, data + from, length, data[at + 2] & 1);
    }
    if (archive_shelf_count(s) > 0 && archive_shelf_pack(s, &err) != BD_OK)
        abort();
    archive_shelf_free(s);
    return 0;
}
