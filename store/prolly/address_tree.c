/* Address maps (ADRM): names → addresses, as the store root and root values have them. */
#include "store/prolly/tree.h"

#include <stdlib.h>
#include <string.h>

static struct bytes name_bytes(const char *name) {
    return (struct bytes){(const uint8_t *)name, strlen(name)};
}

int address_map_get(const struct tree *t, const char *name, struct hash *h, struct err *err) {
    struct bytes value;
    int rc = tree_get(t, name_bytes(name), &value, err);
    if (rc == BD_NOT_FOUND)
        return err_set(err, BD_NOT_FOUND, "there is no '%s'", name);
    if (rc == BD_OK)
        memcpy(h->b, value.data, HASH_SIZE);
    return rc;
}

static int compare_edits(const void *x, const void *y) {
    return strcmp(((const struct address_edit *)x)->name, ((const struct address_edit *)y)->name);
}

int address_map_apply(const struct tree *t, struct address_edit *edits, size_t count, struct tree *out,
                      struct err *err) {
    if (count > 1)
        qsort(edits, count, sizeof *edits, compare_edits);
    struct tree_edit *list = mem_zalloc(count, sizeof *list);
    for (size_t i = 0; i < count; i++) {
        list[i].key = name_bytes(edits[i].name);
        list[i].remove = hash_is_zero(&edits[i].hash);
        list[i].value = (struct bytes){edits[i].hash.b, HASH_SIZE};
    }
    int rc = tree_apply(t, list, count, out, err);
    free(list);
    return rc;
}

int address_map_set(const struct tree *t, const char *name, const struct hash *h, struct tree *out,
                    struct err *err) {
    struct address_edit edit = {name, h ? *h : HASH_ZERO};
    return address_map_apply(t, &edit, 1, out, err);
}
