/* The manifest parser; what it accepts must survive being written and read again. */
#include "store/chunk/manifest.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct manifest m, again;
    struct err err = ERR_INIT;
    if (manifest_parse(&m, (const char *)data, size, &err) != BD_OK)
        return 0;
    struct buf text = BUF_INIT;
    manifest_format(&m, &text);
    if (manifest_parse(&again, text.data, text.size, &err) != BD_OK ||
        !manifest_same_files(&m, &again) || !hash_eq(&m.root, &again.root) ||
        !hash_eq(&m.lock, &again.lock) || !hash_eq(&m.gcgen, &again.gcgen))
        abort();
    manifest_release(&again);
    manifest_release(&m);
    buf_release(&text);
    return 0;
}
