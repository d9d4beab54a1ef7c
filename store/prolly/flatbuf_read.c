/*
 * The flatbuffer reader for bytes that nobody vouches for. Every position is checked against the buffer
 * before it is read; what does not fit reads as absent and sets *bad of the table, so that a caller may
 * read all its fields first and look at the flag once.
 */
#include "store/prolly/flatbuf.h"

#include <string.h>

#define ENVELOPE_SIZE 4
#define MESSAGE_KIND_SERIAL 27

static uint16_t load16(const uint8_t *p) { return (uint16_t)(p[0] | p[1] << 8); }

static uint32_t load32(const uint8_t *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t load64(const uint8_t *p) { return load32(p) | (uint64_t)load32(p + 4) << 32; }

/* Fills `out` for the table at `at`; false when it lies outside. */
static bool open_table(const uint8_t *base, size_t size, size_t at, bool *bad, struct fb_table *out) {
    *out = (struct fb_table){.base = base, .size = size, .bad = bad};
    if (at > size || size - at < 4)
        return false;
    int64_t vtable = (int64_t)at - (int32_t)load32(base + at);
    if (vtable < 0 || (uint64_t)vtable > size || size - (size_t)vtable < 4)
        return false;
    size_t vtable_size = load16(base + vtable);
    if (vtable_size < 4 || vtable_size % 2 || size - (size_t)vtable < vtable_size)
        return false;
    out->at = at;
    out->vtable = (size_t)vtable;
    out->slots = (unsigned)(vtable_size / 2 - 2);
    return true;
}

int fb_open(const uint8_t *message, size_t size, const char id[4], bool *bad, struct fb_table *out,
            struct err *err) {
    *bad = false;
    if (size < ENVELOPE_SIZE + 8 || message[0] != MESSAGE_KIND_SERIAL)
        return err_set(err, BD_CORRUPT, "a stored value of %zu bytes is not a %.4s message", size, id);
    size_t flat = (size_t)message[1] << 16 | (size_t)message[2] << 8 | message[3];
    if (flat != size - ENVELOPE_SIZE)
        return err_set(err, BD_CORRUPT, "a %.4s message says it has %zu bytes, but %zu are stored", id,
                       flat, size - ENVELOPE_SIZE);
    const uint8_t *base = message + ENVELOPE_SIZE;
    if (memcmp(base + 4, id, 4) != 0)
        return err_set(err, BD_CORRUPT, "a stored value is of another kind than the expected %.4s", id);
    if (!open_table(base, flat, load32(base), bad, out))
        return err_set(err, BD_CORRUPT, "the root table of a %.4s message lies outside of it", id);
    return BD_OK;
}

/* Position of a field of `width` bytes, 0 when absent. */
static size_t field(const struct fb_table *t, unsigned slot, size_t width) {
    if (slot >= t->slots)
        return 0;
    size_t off = load16(t->base + t->vtable + 4 + 2 * (size_t)slot);
    if (!off)
        return 0;
    if (t->size - t->at < off || t->size - t->at - off < width) {
        *t->bad = true;
        return 0;
    }
    return t->at + off;
}

/* Follows the relative offset stored at `pos`; 0 when it leads out of the buffer or back to itself. */
static size_t follow(const struct fb_table *t, size_t pos) {
    size_t rel = load32(t->base + pos);
    if (rel < 4 || t->size - pos < rel || t->size - pos - rel < 4) {
        *t->bad = true;
        return 0;
    }
    return pos + rel;
}

static struct fb_vector vector_from(const struct fb_table *t, size_t pos, size_t element_size) {
    struct fb_vector v = {NULL, 0};
    size_t at = pos ? follow(t, pos) : 0;
    if (!at)
        return v;
    size_t count = load32(t->base + at);
    if (count > (t->size - at - 4) / element_size) {
        *t->bad = true;
        return v;
    }
    v.data = t->base + at + 4;
    v.count = count;
    return v;
}

bool fb_has(const struct fb_table *t, unsigned slot) { return field(t, slot, 1) != 0; }

uint8_t fb_u8(const struct fb_table *t, unsigned slot, uint8_t dflt) {
    size_t pos = field(t, slot, 1);
    return pos ? t->base[pos] : dflt;
}

uint16_t fb_u16(const struct fb_table *t, unsigned slot, uint16_t dflt) {
    size_t pos = field(t, slot, 2);
    return pos ? load16(t->base + pos) : dflt;
}

int64_t fb_i64(const struct fb_table *t, unsigned slot, int64_t dflt) {
    size_t pos = field(t, slot, 8);
    return pos ? (int64_t)load64(t->base + pos) : dflt;
}

uint64_t fb_u64(const struct fb_table *t, unsigned slot, uint64_t dflt) {
    size_t pos = field(t, slot, 8);
    return pos ? load64(t->base + pos) : dflt;
}

float fb_f32(const struct fb_table *t, unsigned slot, float dflt) {
    size_t pos = field(t, slot, 4);
    if (!pos)
        return dflt;
    uint32_t bits = load32(t->base + pos);
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

struct fb_vector fb_vector_at(const struct fb_table *t, unsigned slot, size_t element_size) {
    return vector_from(t, field(t, slot, 4), element_size);
}

struct fb_bytes fb_bytes_at(const struct fb_table *t, unsigned slot) {
    struct fb_vector v = fb_vector_at(t, slot, 1);
    return (struct fb_bytes){v.data, v.count};
}

bool fb_table_at(const struct fb_table *t, unsigned slot, struct fb_table *out) {
    size_t pos = field(t, slot, 4);
    size_t at = pos ? follow(t, pos) : 0;
    if (!at)
        return false;
    if (!open_table(t->base, t->size, at, t->bad, out)) {
        *t->bad = true;
        return false;
    }
    return true;
}

bool fb_vector_table(const struct fb_table *t, const struct fb_vector *v, size_t i,
                     struct fb_table *out) {
    if (i >= v->count)
        return false;
    size_t at = follow(t, (size_t)(v->data - t->base) + 4 * i);
    if (!at || !open_table(t->base, t->size, at, t->bad, out)) {
        *t->bad = true;
        return false;
    }
    return true;
}

struct fb_bytes fb_vector_bytes(const struct fb_table *t, const struct fb_vector *v, size_t i) {
    if (i >= v->count)
        return (struct fb_bytes){NULL, 0};
    struct fb_vector e = vector_from(t, (size_t)(v->data - t->base) + 4 * i, 1);
    return (struct fb_bytes){e.data, e.count};
}

uint16_t fb_vector_u16(const struct fb_vector *v, size_t i) {
    return i < v->count ? load16(v->data + 2 * i) : 0;
}

uint64_t fb_vector_u64(const struct fb_vector *v, size_t i) {
    return i < v->count ? load64(v->data + 8 * i) : 0;
}
