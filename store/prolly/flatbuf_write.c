/*
 * The flatbuffer writer. Bytes fill from the end towards the front; a position is named by its distance
 * from the end ("offset"), which growth does not change. The rules that decide every byte (padding,
 * elided defaults, shared vtables) are those of Dolt's Go builder (dolthub/flatbuffers v23).
 */
#include "store/prolly/flatbuf.h"

#include <stdlib.h>
#include <string.h>

#define ENVELOPE_SIZE 4
#define MESSAGE_KIND_SERIAL 27
#define MESSAGE_SIZE_MAX 0xFFFFFFu

void flatbuf_init(struct flatbuf *fb) {
    *fb = (struct flatbuf){0};
    fb->min_align = 1;
}

void flatbuf_release(struct flatbuf *fb) {
    free(fb->bytes);
    free(fb->vtables);
    flatbuf_init(fb);
}

void flatbuf_clear(struct flatbuf *fb) {
    fb->head = fb->capacity;
    fb->min_align = 1;
    fb->slot_count = 0;
    fb->vtable_count = 0;
}

static size_t used(const struct flatbuf *fb) { return fb->capacity - fb->head; }

static void ensure_room(struct flatbuf *fb, size_t size) {
    if (fb->bytes && fb->head >= size)
        return;
    size_t in_use = used(fb);
    size_t capacity = fb->capacity ? fb->capacity * 2 : 1024;
    while (capacity - in_use < size)
        capacity *= 2;
    uint8_t *bytes = mem_alloc(capacity);
    if (in_use)
        memcpy(bytes + capacity - in_use, fb->bytes + fb->head, in_use);
    free(fb->bytes);
    fb->bytes = bytes;
    fb->capacity = capacity;
    fb->head = capacity - in_use;
}

static uint8_t *push(struct flatbuf *fb, size_t size) {
    ensure_room(fb, size);
    fb->head -= size;
    return fb->bytes + fb->head;
}

/* Pads so that, after `extra` more bytes, the position is a multiple of size. */
static void prep(struct flatbuf *fb, size_t size, size_t extra) {
    if (size > fb->min_align)
        fb->min_align = size;
    size_t pad = (~(used(fb) + extra) + 1) & (size - 1);
    if (pad)
        memset(push(fb, pad), 0, pad);
}

static void store16(uint8_t *p, uint16_t v) {
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static void store32(uint8_t *p, uint32_t v) {
    store16(p, (uint16_t)v);
    store16(p + 2, (uint16_t)(v >> 16));
}

static void store64(uint8_t *p, uint64_t v) {
    store32(p, (uint32_t)v);
    store32(p + 4, (uint32_t)(v >> 32));
}

static flatbuf_ref end_vector(struct flatbuf *fb, size_t count) {
    store32(push(fb, 4), (uint32_t)count);
    return (flatbuf_ref)used(fb);
}

uint8_t *flatbuf_bytes_reserve(struct flatbuf *fb, size_t size, flatbuf_ref *ref) {
    prep(fb, 4, size);
    ensure_room(fb, size + 4);
    uint8_t *bytes = push(fb, size);
    *ref = end_vector(fb, size);
    return bytes;
}

flatbuf_ref flatbuf_bytes(struct flatbuf *fb, const void *data, size_t size) {
    flatbuf_ref ref;
    uint8_t *bytes = flatbuf_bytes_reserve(fb, size, &ref);
    if (size)
        memcpy(bytes, data, size);
    return ref;
}

flatbuf_ref flatbuf_string(struct flatbuf *fb, const char *s, size_t size) {
    prep(fb, 4, size + 1);
    *push(fb, 1) = 0;
    uint8_t *bytes = push(fb, size);
    if (size)
        memcpy(bytes, s, size);
    return end_vector(fb, size);
}

uint8_t *flatbuf_u16s_reserve(struct flatbuf *fb, size_t count, flatbuf_ref *ref) {
    prep(fb, 4, 2 * count);
    ensure_room(fb, 2 * count + 4);
    uint8_t *bytes = push(fb, 2 * count);
    *ref = end_vector(fb, count);
    return bytes;
}

flatbuf_ref flatbuf_u16s(struct flatbuf *fb, const uint16_t *v, size_t count) {
    flatbuf_ref ref;
    uint8_t *bytes = flatbuf_u16s_reserve(fb, count, &ref);
    for (size_t i = 0; i < count; i++)
        store16(bytes + 2 * i, v[i]);
    return ref;
}

flatbuf_ref flatbuf_u64s(struct flatbuf *fb, const uint64_t *v, size_t count) {
    prep(fb, 4, 8 * count);
    prep(fb, 8, 8 * count);
    uint8_t *bytes = push(fb, 8 * count);
    for (size_t i = 0; i < count; i++)
        store64(bytes + 8 * i, v[i]);
    return end_vector(fb, count);
}

flatbuf_ref flatbuf_refs(struct flatbuf *fb, const flatbuf_ref *v, size_t count) {
    prep(fb, 4, 4 * count);
    for (size_t i = count; i-- > 0;) {
        uint32_t at = (uint32_t)used(fb);
        store32(push(fb, 4), at - v[i] + 4);
    }
    return end_vector(fb, count);
}

void flatbuf_table_begin(struct flatbuf *fb, unsigned slot_count) {
    if (slot_count > FLATBUF_SLOTS_MAX)
        abort(); /* a table of this program, never of stored bytes */
    memset(fb->slots, 0, sizeof fb->slots);
    fb->slot_count = slot_count;
    fb->object_end = (uint32_t)used(fb);
}

void flatbuf_add_u8(struct flatbuf *fb, unsigned slot, uint8_t v, uint8_t dflt) {
    if (v == dflt)
        return;
    prep(fb, 1, 0);
    *push(fb, 1) = v;
    fb->slots[slot] = (uint32_t)used(fb);
}

void flatbuf_add_u16(struct flatbuf *fb, unsigned slot, uint16_t v, uint16_t dflt) {
    if (v == dflt)
        return;
    prep(fb, 2, 0);
    store16(push(fb, 2), v);
    fb->slots[slot] = (uint32_t)used(fb);
}

static void add_u32(struct flatbuf *fb, unsigned slot, uint32_t v) {
    prep(fb, 4, 0);
    store32(push(fb, 4), v);
    fb->slots[slot] = (uint32_t)used(fb);
}

void flatbuf_add_u64(struct flatbuf *fb, unsigned slot, uint64_t v, uint64_t dflt) {
    if (v == dflt)
        return;
    prep(fb, 8, 0);
    store64(push(fb, 8), v);
    fb->slots[slot] = (uint32_t)used(fb);
}

void flatbuf_add_f32(struct flatbuf *fb, unsigned slot, float v, float dflt) {
    uint32_t bits;
    if (!(v < dflt) && !(v > dflt) && v - v <= 0) /* equal numbers; a NaN is written */
        return;
    memcpy(&bits, &v, sizeof bits);
    add_u32(fb, slot, bits);
}

void flatbuf_add_ref(struct flatbuf *fb, unsigned slot, flatbuf_ref v) {
    if (!v)
        return;
    prep(fb, 4, 0);
    add_u32(fb, slot, (uint32_t)used(fb) - v + 4);
}

/* The same number of slots, and each slot at the same place in the object. */
static bool vtable_equal(const struct flatbuf *fb, uint32_t object, uint32_t vtable) {
    const uint8_t *p = fb->bytes + fb->capacity - vtable;
    unsigned slots = ((unsigned)p[0] | (unsigned)p[1] << 8) / 2 - 2;
    if (slots != fb->slot_count)
        return false;
    for (unsigned i = 0; i < slots; i++) {
        uint32_t place = fb->slots[i] ? object - fb->slots[i] : 0;
        if (((uint32_t)p[4 + 2 * i] | (uint32_t)p[5 + 2 * i] << 8) != place)
            return false;
    }
    return true;
}

flatbuf_ref flatbuf_table_end(struct flatbuf *fb) {
    prep(fb, 4, 0);
    store32(push(fb, 4), 0);
    uint32_t object = (uint32_t)used(fb);
    while (fb->slot_count && !fb->slots[fb->slot_count - 1])
        fb->slot_count--;

    uint32_t vtable = 0;
    for (size_t i = fb->vtable_count; i-- > 0 && !vtable;) {
        if (vtable_equal(fb, object, fb->vtables[i]))
            vtable = fb->vtables[i];
    }
    if (!vtable) {
        prep(fb, 2, 0);
        for (unsigned i = fb->slot_count; i-- > 0;)
            store16(push(fb, 2), (uint16_t)(fb->slots[i] ? object - fb->slots[i] : 0));
        store16(push(fb, 2), (uint16_t)(object - fb->object_end));
        store16(push(fb, 2), (uint16_t)((fb->slot_count + 2) * 2));
        vtable = (uint32_t)used(fb);
        MEM_GROW(fb->vtables, fb->vtable_capacity, fb->vtable_count + 1);
        fb->vtables[fb->vtable_count++] = vtable;
    }
    store32(fb->bytes + fb->capacity - object, vtable - object);
    fb->slot_count = 0;
    return object;
}

void flatbuf_finish_message(struct flatbuf *fb, flatbuf_ref root, const char id[4],
                            const uint8_t **data, size_t *size) {
    prep(fb, fb->min_align, 8);
    memcpy(push(fb, 4), id, 4);
    prep(fb, fb->min_align, 4);
    uint32_t at = (uint32_t)used(fb);
    store32(push(fb, 4), at - root + 4);

    size_t flat = used(fb);
    if (flat > MESSAGE_SIZE_MAX) {
        *data = NULL;
        *size = 0;
        return;
    }
    /* The envelope is no part of the buffer's alignment. */
    uint8_t *p = push(fb, ENVELOPE_SIZE);
    p[0] = MESSAGE_KIND_SERIAL;
    p[1] = (uint8_t)(flat >> 16);
    p[2] = (uint8_t)(flat >> 8);
    p[3] = (uint8_t)flat;
    *data = p;
    *size = flat + ENVELOPE_SIZE;
}
