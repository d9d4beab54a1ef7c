/*
 * Well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF (RFC 3629).
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Length of the sequence that begins at p, of which `left` bytes are there; 0 when it is none. */
static inline size_t utf8_length(const void *p, size_t left) {
    const uint8_t *s = p;
    if (left && s[0] < 0x80)
        return 1;
    size_t n = !left || s[0] < 0xC2 ? 0 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : s[0] < 0xF5 ? 4 : 0;
    if (!n || n > left)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) ||
        (s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F))
        return 0;
    return n;
}

static inline bool utf8_valid(const void *text, size_t size) {
    const uint8_t *s = text;
    for (size_t i = 0; i < size;) {
        size_t n = utf8_length(s + i, size - i);
        if (!n)
            return false;
        i += n;
    }
    return true;
}

#endif
