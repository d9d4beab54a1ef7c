/*
 * A hash map from byte strings to pointers (insertion order is kept for iteration).
 * Keys are copied; values belong to the caller.
 */
#ifndef BASE_STRMAP_H
#define BASE_STRMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct strmap_entry {
    char *key; /* NUL-terminated copy; NULL marks a removed entry */
    size_t key_size;
    uint64_t hash;
    void *value;
};

struct strmap {
    struct strmap_entry *entries; /* in insertion order, holes have key == NULL */
    size_t used, capacity;        /* entries in use, holes included */
    uint32_t *slots;              /* 0 = free, else entry index + 1 */
    size_t slot_count, live;
};
#define STRMAP_INIT                                                                                    \
    { NULL, 0, 0, NULL, 0, 0 }

void strmap_release(struct strmap *m); /* does not touch values */
void *strmap_get(const struct strmap *m, const char *key);
void *strmap_get_n(const struct strmap *m, const char *key, size_t key_size);
bool strmap_has(const struct strmap *m, const char *key);
/* Sets key to value; returns the value it replaces, or NULL. */
void *strmap_put(struct strmap *m, const char *key, void *value);
void *strmap_put_n(struct strmap *m, const char *key, size_t key_size, void *value);
void *strmap_remove(struct strmap *m, const char *key);
/* for (struct strmap_entry *e = NULL; (e = strmap_next(m, e));) … in insertion order */
struct strmap_entry *strmap_next(const struct strmap *m, struct strmap_entry *after);

#endif
