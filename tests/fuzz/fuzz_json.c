/*
 * Any bytes as JSON text: what is taken is a fixed point of normalisation, and the questions answer the
 * same on the text and on its normalised form.
 */
#include "store/value/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = mem_dup(data, size);
    struct buf once = BUF_INIT, twice = BUF_INIT, kept = BUF_INIT;
    struct err err;
    json_member(text, size, "a", 1);
    json_element(text, size, 1);
    json_unquote((struct json_slice){text, size}, &kept);
    buf_clear(&kept);
    if (json_normalize(text, size, &once, &err) == BD_OK) {
        if (json_normalize(once.data, once.size, &twice, &err) != BD_OK || once.size != twice.size ||
            memcmp(once.data, twice.data, once.size) != 0)
            abort();
        if (json_renormalize(once.data, once.size, &kept, &err) != BD_OK || once.size != kept.size ||
            memcmp(once.data, kept.data, once.size) != 0)
            abort();
        struct json_slice a = json_member(text, size, "a", 1),
                          b = json_member(once.data, once.size, "a", 1);
        if (!a.data != !b.data)
            abort();
    }
    char *copy = mem_dup(text, size);
    if (json_unescape_html(copy, size) > size)
        abort();
    free(copy);
    buf_release(&once);
    buf_release(&twice);
    buf_release(&kept);
    free((char *)(uintptr_t)text);
    return 0;
}
