/* Any bytes printed as raw JSON and as a string: the answer is valid JSON, and printing it again
 * changes nothing. */
#include "bd/ui/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void print(struct buf *out, unsigned flags, const char *text, size_t size) {
    struct json_writer w;
    json_begin(&w, out, flags);
    json_array(&w);
    json_raw(&w, text, size);
    json_str_n(&w, text, size);
    json_array_end(&w);
    json_end(&w);
    if (!json_is_valid(out->data, out->size))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const unsigned flags[] = {0, JSON_COMPACT, JSON_SORT_KEYS,
                                     JSON_SORT_KEYS | JSON_COMPACT | JSON_NO_HTML};
    const char *text = mem_dup(data, size);
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        struct buf once = BUF_INIT, twice = BUF_INIT;
        struct json_writer w;
        print(&once, flags[i], text, size);
        json_begin(&w, &twice, flags[i]);
        json_raw(&w, once.data, once.size);
        json_end(&w);
        if (once.size != twice.size || memcmp(once.data, twice.data, once.size) != 0)
            abort();
        buf_release(&once);
        buf_release(&twice);
    }
    free((char *)(uintptr_t)text);
    return 0;
}
