/* Trees in memory need no chunk store; the linker does, where that room is not part of the library. */
#ifndef TESTS_UNIT_PROLLY_NO_STORE_H
#define TESTS_UNIT_PROLLY_NO_STORE_H
#include "store/chunk/chunk_store.h"
__attribute__((weak)) int chunk_store_get(struct chunk_store *cs, const struct hash *h,
                                          struct chunk *out, struct err *err) {
    (void)cs, (void)h, (void)out;
    return err_set(err, BD_NOT_FOUND, "no store");
}
__attribute__((weak)) int chunk_store_has(struct chunk_store *cs, const struct hash *h, struct err *err) {
    (void)cs, (void)h;
    return err_set(err, BD_NOT_FOUND, "no store");
}
#endif
