/*
 * Entries lie in one array in the order of insertion; the slots of an open-addressed table hold their
 * numbers. A removed entry loses its key and goes at the next rehash, so at least every second slot is
 * free and a search ends.
 */
#include "base/strmap.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* FNV-1a with a final mix: keys are short names, and never chosen by an attacker to cost time. */
static uint64_t hash_bytes(const char *p, size_t size) {
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < size; i++)
        h = (h ^ (unsigned char)p[i]) * 0x100000001b3u;
    return h ^ (h >> 32);
}

void strmap_release(struct strmap *m) {
    for (size_t i = 0; i < m->used; i++)
        free(m->entries[i].key);
    free(m->entries);
    free(m->slots);
    *m = (struct strmap)STRMAP_INIT;
}

static size_t find_slot(const struct strmap *m, const char *key, size_t size, uint64_t hash) {
    size_t mask = m->slot_count - 1;
    size_t slot = (size_t)hash & mask;
    while (m->slots[slot]) {
        const struct strmap_entry *e = &m->entries[m->slots[slot] - 1];
        if (e->key && e->hash == hash && e->key_size == size && !memcmp(e->key, key, size))
            return slot;
        slot = (slot + 1) & mask;
    }
    return slot;
}

static void rehash(struct strmap *m) {
    size_t kept = 0;
    for (size_t i = 0; i < m->used; i++)
        if (m->entries[i].key)
            m->entries[kept++] = m->entries[i];
    m->used = kept;
    size_t count = 16;
    while (count < m->live * 4)
        count *= 2;
    free(m->slots);
    m->slots = mem_zalloc(count, sizeof *m->slots);
    m->slot_count = count;
    for (size_t i = 0; i < m->used; i++) {
        size_t slot = (size_t)m->entries[i].hash & (count - 1);
        while (m->slots[slot])
            slot = (slot + 1) & (count - 1);
        m->slots[slot] = (uint32_t)i + 1;
    }
}

void *strmap_get_n(const struct strmap *m, const char *key, size_t size) {
    if (!m->live)
        return NULL;
    size_t slot = find_slot(m, key, size, hash_bytes(key, size));
    return m->slots[slot] ? m->entries[m->slots[slot] - 1].value : NULL;
}

void *strmap_get(const struct strmap *m, const char *key) { return strmap_get_n(m, key, strlen(key)); }

bool strmap_has(const struct strmap *m, const char *key) {
    size_t size = strlen(key);
    return m->live && m->slots[find_slot(m, key, size, hash_bytes(key, size))] != 0;
}

void *strmap_put_n(struct strmap *m, const char *key, size_t size, void *value) {
    if ((m->used + 1) * 2 > m->slot_count)
        rehash(m);
    uint64_t hash = hash_bytes(key, size);
    size_t slot = find_slot(m, key, size, hash);
    if (m->slots[slot]) {
        struct strmap_entry *e = &m->entries[m->slots[slot] - 1];
        void *old = e->value;
        e->value = value;
        return old;
    }
    MEM_GROW(m->entries, m->capacity, m->used + 1);
    char *copy = mem_alloc(size + 1);
    memcpy(copy, key, size);
    copy[size] = '\0';
    m->entries[m->used] = (struct strmap_entry){copy, size, hash, value};
    m->slots[slot] = (uint32_t)++m->used;
    m->live++;
    return NULL;
}

void *strmap_put(struct strmap *m, const char *key, void *value) {
    return strmap_put_n(m, key, strlen(key), value);
}

void *strmap_remove(struct strmap *m, const char *key) {
    if (!m->live)
        return NULL;
    size_t size = strlen(key);
    size_t slot = find_slot(m, key, size, hash_bytes(key, size));
    if (!m->slots[slot])
        return NULL;
    struct strmap_entry *e = &m->entries[m->slots[slot] - 1];
    void *old = e->value;
    free(e->key);
    e->key = NULL; /* the slot keeps pointing here, so probe chains stay whole until the next rehash */
    e->value = NULL;
    m->live--;
    return old;
}

struct strmap_entry *strmap_next(const struct strmap *m, struct strmap_entry *after) {
    size_t i = after ? (size_t)(after - m->entries) + 1 : 0;
    while (i < m->used && !m->entries[i].key)
        i++;
    return i < m->used ? &m->entries[i] : NULL;
}
