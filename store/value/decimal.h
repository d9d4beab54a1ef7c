/*
 * Exact decimals: text, Dolt's stored form (i32 exponent, sign byte, big-endian magnitude in multiples
 * of 8 bytes), and their order.
 */
#ifndef STORE_VALUE_DECIMAL_H
#define STORE_VALUE_DECIMAL_H

#include "base/err.h"
#include "base/mem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DECIMAL_LIMBS 14 /* u32 each: 134 decimal digits; DECIMAL(65,30) needs 7 */

struct decimal {
    bool negative;
    int32_t exponent;             /* value = coefficient * 10^exponent */
    uint32_t limb[DECIMAL_LIMBS]; /* coefficient, least significant first */
    enum {
        DECIMAL_FINITE,
        DECIMAL_NAN,
        DECIMAL_INF
    } form; /* the last two: other programs of Dolt 2.x */
};

/* "[+-]digits[.digits][e[+-]digits]" with surrounding white space. BD_INVALID, also when too long. */
int decimal_parse(const char *text, size_t size, struct decimal *out, struct err *err);
/* "-12.50": plain notation, as many digits behind the point as the exponent says. */
void decimal_format(const struct decimal *d, struct buf *out);
/* Rounds half away from zero to `scale` digits behind the point, or extends. BD_INVALID: too large. */
int decimal_rescale(struct decimal *d, unsigned scale, struct err *err);
/* Number of decimal digits of the coefficient (1 for zero). */
unsigned decimal_digits(const struct decimal *d);
bool decimal_is_zero(const struct decimal *d);
double decimal_to_double(const struct decimal *d);
int decimal_cmp(const struct decimal *a, const struct decimal *b);

int decimal_read(const uint8_t *stored, size_t size, struct decimal *out); /* BD_CORRUPT */
size_t decimal_stored_size(const struct decimal *d);
void decimal_write(const struct decimal *d, uint8_t *out);

#endif
