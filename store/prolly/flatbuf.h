/*
 * Flatbuffers as Dolt's Go runtime builds them: back to front, with its padding, default elision and
 * vtable sharing, because the bytes are hashed. And a bounds-checked reader for hostile bytes. Rules:
 * dolthub/flatbuffers v23, Go builder.
 */
#ifndef STORE_PROLLY_FLATBUF_H
#define STORE_PROLLY_FLATBUF_H

#include "base/err.h"
#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>

#define FLATBUF_SLOTS_MAX 32

/* --- writer --- */
struct flatbuf {
    uint8_t *bytes;        /* filled from the end */
    size_t capacity, head; /* head: index of the first used byte */
    size_t min_align;
    uint32_t slots[FLATBUF_SLOTS_MAX];
    unsigned slot_count;
    uint32_t object_end;
    uint32_t *vtables; /* offsets of vtables written, oldest first */
    size_t vtable_count, vtable_capacity;
};
void flatbuf_init(struct flatbuf *fb);
void flatbuf_release(struct flatbuf *fb);
void flatbuf_clear(struct flatbuf *fb); /* for reuse */

typedef uint32_t flatbuf_ref; /* offset from the end; 0 = none */
flatbuf_ref flatbuf_bytes(struct flatbuf *fb, const void *data, size_t size);
/* The same vector with room for the caller to fill; the pointer holds until the next call. */
uint8_t *flatbuf_bytes_reserve(struct flatbuf *fb, size_t size, flatbuf_ref *ref);
uint8_t *flatbuf_u16s_reserve(struct flatbuf *fb, size_t count, flatbuf_ref *ref); /* little-endian */
flatbuf_ref flatbuf_string(struct flatbuf *fb, const char *s, size_t size);
flatbuf_ref flatbuf_u16s(struct flatbuf *fb, const uint16_t *v, size_t count);
flatbuf_ref flatbuf_u64s(struct flatbuf *fb, const uint64_t *v, size_t count);
flatbuf_ref flatbuf_refs(struct flatbuf *fb, const flatbuf_ref *v, size_t count);
void flatbuf_table_begin(struct flatbuf *fb, unsigned slot_count);
void flatbuf_add_u8(struct flatbuf *fb, unsigned slot, uint8_t v, uint8_t dflt);
void flatbuf_add_u16(struct flatbuf *fb, unsigned slot, uint16_t v, uint16_t dflt);
void flatbuf_add_u64(struct flatbuf *fb, unsigned slot, uint64_t v, uint64_t dflt);
void flatbuf_add_f32(struct flatbuf *fb, unsigned slot, float v, float dflt);
void flatbuf_add_ref(struct flatbuf *fb, unsigned slot, flatbuf_ref v); /* 0 is not written */
flatbuf_ref flatbuf_table_end(struct flatbuf *fb);
/*
 * Finishes with root and identifier and puts the 4-byte envelope in front; borrowed until clear.
 * A message of 2^24 bytes or more has no envelope: *data is NULL then and *size 0.
 */
void flatbuf_finish_message(struct flatbuf *fb, flatbuf_ref root, const char id[4],
                            const uint8_t **data, size_t *size);

/* --- reader: every access is checked against the buffer; a bad offset reads as absent and sets bad ---
 */
struct fb_table {
    const uint8_t *base; /* flatbuffer, without the envelope */
    size_t size;
    size_t at; /* position of the table */
    size_t vtable;
    unsigned slots; /* number of slots the vtable lists */
    bool *bad;      /* set when anything was out of bounds; may not be NULL */
};
struct fb_bytes {
    const uint8_t *data; /* NULL when absent */
    size_t size;
};
struct fb_vector {
    const uint8_t *data; /* first element; NULL when absent */
    size_t count;
};
/* Opens the root table of a message with the given identifier. BD_CORRUPT otherwise. */
int fb_open(const uint8_t *message, size_t size, const char id[4], bool *bad, struct fb_table *out,
            struct err *err);
bool fb_has(const struct fb_table *t, unsigned slot);
uint8_t fb_u8(const struct fb_table *t, unsigned slot, uint8_t dflt);
uint16_t fb_u16(const struct fb_table *t, unsigned slot, uint16_t dflt);
int64_t fb_i64(const struct fb_table *t, unsigned slot, int64_t dflt);
uint64_t fb_u64(const struct fb_table *t, unsigned slot, uint64_t dflt);
float fb_f32(const struct fb_table *t, unsigned slot, float dflt);
struct fb_bytes fb_bytes_at(const struct fb_table *t, unsigned slot); /* [ubyte] or string */
struct fb_vector fb_vector_at(const struct fb_table *t, unsigned slot, size_t element_size);
bool fb_table_at(const struct fb_table *t, unsigned slot, struct fb_table *out);
/* Element i of a vector of tables / strings. */
bool fb_vector_table(const struct fb_table *t, const struct fb_vector *v, size_t i,
                     struct fb_table *out);
struct fb_bytes fb_vector_bytes(const struct fb_table *t, const struct fb_vector *v, size_t i);
uint16_t fb_vector_u16(const struct fb_vector *v, size_t i);
uint64_t fb_vector_u64(const struct fb_vector *v, size_t i);

#endif
