/* An array that is full at every power of two, so it needs no capacity. */
#include "bd/ops/text_list.h"

#include <ctype.h>
#include <string.h>

bool text_list_has(const struct text_list *l, const char *text) {
    for (size_t i = 0; i < l->count; i++)
        if (strcmp(l->items[i], text) == 0)
            return true;
    return false;
}

void text_list_add(struct text_list *l, struct arena *a, const char *text) {
    if ((l->count & (l->count - 1)) == 0) {
        const char **grown = arena_alloc(a, (l->count ? l->count * 2 : 1) * sizeof *grown);
        if (l->count)
            memcpy(grown, l->items, l->count * sizeof *grown);
        l->items = grown;
    }
    l->items[l->count++] = text;
}

void text_list_split(const char *text, struct arena *a, struct text_list *out) {
    *out = (struct text_list){NULL, 0};
    while (text && *text) {
        size_t n = strcspn(text, ",");
        const char *start = text, *end = text + n;
        while (start < end && isspace((unsigned char)*start))
            start++;
        while (end > start && isspace((unsigned char)end[-1]))
            end--;
        if (end > start)
            text_list_add(out, a, arena_strndup(a, start, (size_t)(end - start)));
        text += n;
        text += *text == ',';
    }
}
