/* Lists of short texts: prefixes, types, the parts of a setting. */
#ifndef BD_OPS_TEXT_LIST_H
#define BD_OPS_TEXT_LIST_H

#include "base/mem.h"

#include <stdbool.h>

/* Texts and array live in the arena of whoever fills it. */
struct text_list {
    const char **items;
    size_t count;
};

bool text_list_has(const struct text_list *l, const char *text);
/* Appends a text as it is, without a copy; the list was filled with this arena from the start. */
void text_list_add(struct text_list *l, struct arena *a, const char *text);
/* Trimmed non-empty parts of a comma list. */
void text_list_split(const char *text, struct arena *a, struct text_list *out);

#endif
