/*
 * Order of text.
 *
 * Bytewise collations (every `_bin`, binary, and unspecified) compare bytes: on valid UTF-8 that is the
 * order of code points. The others compare character by character by rank, as Dolt does: no expansions,
 * no contractions, no second level, no padding. Because equal prefixes are skipped bytewise first, a
 * text that is a prefix of another sorts before it.
 *
 * Limits: ranks are exact for U+0000..U+052F and U+2000..U+206F in utf8mb4_0900_ai_ci, _as_ci, _as_cs,
 * utf8mb4_general_ci, utf8mb4_unicode_ci and latin1_swedish_ci. Language collations
 * (utf8mb4_de_pb_0900_ai_ci, …) and the other single-byte character sets borrow the nearest of these.
 * Characters outside sort by code point behind all ranked ones, but in the 0900 family symbols and
 * emoji stand between punctuation and digits. The order is always total, so a tree written by this
 * program is consistent; a tree that Dolt wrote with such characters in a key of such a collation may
 * be ordered differently. (Keys of this kind exist in dolt_schemas only, whose names are ASCII in
 * practice.)
 */
#include "store/value/collation.h"

#include "store/value/collation_tables.h"
#include "store/value/schema.h"

#include <string.h>
#include <strings.h>

const char *collation_name(uint16_t id) {
    size_t low = 0, high = collation_name_count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (collation_names[mid].id < id)
            low = mid + 1;
        else
            high = mid;
    }
    if (low < collation_name_count && collation_names[low].id == id)
        return collation_names[low].name;
    return NULL;
}

static bool name_is(const char *name, const char *text, size_t size) {
    return strlen(name) == size && strncasecmp(name, text, size) == 0;
}

uint16_t collation_by_name(const char *name, size_t size) {
    for (size_t i = 0; i < collation_name_count; i++)
        if (name_is(collation_names[i].name, name, size))
            return collation_names[i].id;
    /* the old spelling of utf8mb3 */
    if (size > 5 && strncasecmp(name, "utf8_", 5) == 0)
        for (size_t i = 0; i < collation_name_count; i++)
            if (strncmp(collation_names[i].name, "utf8mb3_", 8) == 0 &&
                name_is(collation_names[i].name + 8, name + 5, size - 5))
                return collation_names[i].id;
    return 0;
}

uint16_t collation_of_charset(const char *name, size_t size, bool binary) {
    if (size == 4 && strncasecmp(name, "utf8", 4) == 0) {
        name = "utf8mb3";
        size = 7;
    }
    for (size_t i = 0; i < charset_name_count; i++)
        if (name_is(charset_names[i].name, name, size))
            return binary ? charset_names[i].binary_collation : charset_names[i].default_collation;
    return 0;
}

const char *collation_charset(uint16_t id, char out[16]) {
    const char *name = collation_name(id);
    if (!name)
        return NULL;
    size_t n = strcspn(name, "_");
    if (n > 15)
        n = 15;
    memcpy(out, name, n);
    out[n] = '\0';
    return out;
}

enum {
    LATIN1_SWEDISH_CI = 8,
    UTF8MB3_GENERAL_CI = 33,
    UTF8MB4_GENERAL_CI = 45,
    UTF8MB4_BIN = 46,
    UTF8MB3_BIN = 83
};

static const uint16_t *ranks_of(uint16_t id) {
    switch (id) {
    case 0:
    case COLLATION_BINARY:
    case COLLATION_UTF8MB4_0900_BIN:
    case UTF8MB4_BIN:
    case UTF8MB3_BIN: return NULL;
    case COLLATION_UTF8MB4_0900_AI_CI: return collation_ranks_ai_ci;
    case UTF8MB4_GENERAL_CI:
    case UTF8MB3_GENERAL_CI: return collation_ranks_general_ci;
    case LATIN1_SWEDISH_CI: return collation_ranks_latin1_swedish;
    default: break;
    }
    const char *name = collation_name(id);
    if (!name)
        return NULL;
    size_t n = strlen(name);
    if (n >= 4 && strcmp(name + n - 4, "_bin") == 0)
        return NULL;
    if (n >= 6 && strcmp(name + n - 6, "_as_ci") == 0)
        return collation_ranks_as_ci;
    if (n >= 3 && strcmp(name + n - 3, "_cs") == 0)
        return collation_ranks_as_cs;
    if (strstr(name, "_0900_as_cs"))
        return collation_ranks_as_cs;
    if (strstr(name, "_general_"))
        return collation_ranks_general_ci;
    if (strncmp(name, "latin1_", 7) == 0)
        return collation_ranks_latin1_swedish;
    return strstr(name, "_0900_") ? collation_ranks_ai_ci : collation_ranks_unicode_ci;
}

bool collation_is_bytewise(uint16_t id) { return ranks_of(id) == NULL; }

/* One character; an invalid byte is U+FFFD of length 1. */
static uint32_t next_rune(const uint8_t **p, const uint8_t *end) {
    const uint8_t *s = *p;
    uint32_t c = s[0];
    size_t left = (size_t)(end - s);
    if (c < 0x80) {
        *p = s + 1;
        return c;
    }
    unsigned need = c >= 0xF0 ? 3 : c >= 0xE0 ? 2 : 1;
    if (c < 0xC2 || c > 0xF4 || left <= need) {
        *p = s + 1;
        return 0xFFFD;
    }
    c &= need == 3 ? 0x07u : need == 2 ? 0x0Fu : 0x1Fu;
    for (unsigned i = 1; i <= need; i++) {
        if ((s[i] & 0xC0) != 0x80) {
            *p = s + 1;
            return 0xFFFD;
        }
        c = c << 6 | (s[i] & 0x3Fu);
    }
    if (c > 0x10FFFF || (c >= 0xD800 && c < 0xE000) || (need == 2 && c < 0x800) ||
        (need == 3 && c < 0x10000)) {
        *p = s + 1;
        return 0xFFFD;
    }
    *p = s + 1 + need;
    return c;
}

static bool is_symbol(uint32_t c) {
    return (c > 0x206F && c < 0x2C00) || (c >= 0x1F000 && c < 0x1FB00);
}

static uint64_t weight(const uint16_t *ranks, uint32_t c) {
    uint16_t rank = UINT16_MAX;
    if (c < COLLATION_RANKS_LOW)
        rank = ranks[c];
    else if (c >= 0x2000 && c <= 0x206F)
        rank = ranks[COLLATION_RANKS_LOW + c - 0x2000];
    if (rank != UINT16_MAX)
        return (uint64_t)rank << 21;
    bool symbols_first = ranks == collation_ranks_ai_ci || ranks == collation_ranks_as_ci ||
                         ranks == collation_ranks_as_cs;
    if (symbols_first && is_symbol(c))
        return ((uint64_t)(ranks['0'] - 1) << 21) | c;
    return ((uint64_t)UINT16_MAX << 21) | c;
}

static int cmp_bytes(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size) {
    size_t n = a_size < b_size ? a_size : b_size;
    int c = n ? memcmp(a, b, n) : 0;
    if (c)
        return c < 0 ? -1 : 1;
    return a_size < b_size ? -1 : a_size > b_size;
}

int collation_cmp(uint16_t id, const void *a, size_t a_size, const void *b, size_t b_size) {
    const uint8_t *l = a, *r = b;
    const uint16_t *ranks = ranks_of(id);
    if (!ranks)
        return cmp_bytes(l, a_size, r, b_size);
    size_t n = a_size < b_size ? a_size : b_size, i = 0;
    while (i < n && l[i] == r[i])
        i++;
    if (i == n)
        return a_size < b_size ? -1 : a_size > b_size;
    /* back to where the character begins: the bytes before i are equal, so this holds for both sides */
    while (i > 0 && ((l[i] & 0xC0) == 0x80 || (r[i] & 0xC0) == 0x80))
        i--;
    const uint8_t *l_end = l + a_size, *r_end = r + b_size;
    l += i;
    r += i;
    while (l < l_end && r < r_end) {
        uint32_t x = next_rune(&l, l_end), y = next_rune(&r, r_end);
        if (x == y)
            continue;
        uint64_t wx = weight(ranks, x), wy = weight(ranks, y);
        if (wx != wy)
            return wx < wy ? -1 : 1;
    }
    size_t a_left = (size_t)(l_end - l), b_left = (size_t)(r_end - r);
    return a_left < b_left ? -1 : a_left > b_left;
}
