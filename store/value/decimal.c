/*
 * Decimals as coefficient and power of ten. The coefficient has a fixed upper size: what a DECIMAL
 * column can hold is half of it, so a stored value that exceeds it is not from a DECIMAL column.
 */
#include "store/value/decimal.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Markers of Dolt 2.x for values outside SQL's DECIMAL; their order is -inf < finite < +inf < NaN. */
#define STORED_NAN 0xc000
#define STORED_POSITIVE_INFINITY 0xd000
#define STORED_NEGATIVE_INFINITY 0xf000
#define EXPONENT_MAX 10000

static unsigned used_limbs(const struct decimal *d) {
    unsigned n = DECIMAL_LIMBS;
    while (n > 0 && d->limb[n - 1] == 0)
        n--;
    return n;
}

bool decimal_is_zero(const struct decimal *d) {
    return d->form == DECIMAL_FINITE && used_limbs(d) == 0;
}

/* coefficient = coefficient * factor + add; false on overflow (the value is then unusable) */
static bool mul_add(struct decimal *d, uint32_t factor, uint32_t add) {
    uint64_t carry = add;
    for (unsigned i = 0; i < DECIMAL_LIMBS; i++) {
        uint64_t v = (uint64_t)d->limb[i] * factor + carry;
        d->limb[i] = (uint32_t)v;
        carry = v >> 32;
    }
    return carry == 0;
}

static uint32_t div_small(struct decimal *d, uint32_t by) {
    uint64_t rest = 0;
    for (unsigned i = DECIMAL_LIMBS; i-- > 0;) {
        uint64_t v = rest << 32 | d->limb[i];
        d->limb[i] = (uint32_t)(v / by);
        rest = v % by;
    }
    return (uint32_t)rest;
}

int decimal_parse(const char *text, size_t size, struct decimal *out, struct err *err) {
    struct decimal d = {0};
    size_t i = 0, end = size;
    while (i < end && (text[i] == ' ' || text[i] == '\t' || text[i] == '\n' || text[i] == '\r'))
        i++;
    while (end > i && (text[end - 1] == ' ' || text[end - 1] == '\t' || text[end - 1] == '\n' ||
                       text[end - 1] == '\r'))
        end--;
    if (i < end && (text[i] == '-' || text[i] == '+'))
        d.negative = text[i++] == '-';
    bool digits = false, point = false, fits = true;
    for (; i < end; i++) {
        if (text[i] == '.' && !point) {
            point = true;
            continue;
        }
        if (text[i] < '0' || text[i] > '9')
            break;
        digits = true;
        fits = fits && mul_add(&d, 10, (uint32_t)(text[i] - '0'));
        if (point)
            d.exponent--;
    }
    if (digits && i < end && (text[i] == 'e' || text[i] == 'E')) {
        i++;
        bool negative = false;
        if (i < end && (text[i] == '-' || text[i] == '+'))
            negative = text[i++] == '-';
        int32_t e = 0;
        digits = i < end;
        for (; i < end && text[i] >= '0' && text[i] <= '9'; i++)
            if (e < EXPONENT_MAX)
                e = e * 10 + (text[i] - '0');
        d.exponent += negative ? -e : e;
    }
    if (!digits || i != end)
        return err_set(err, BD_INVALID, "'%.*s' is not a decimal number", size > 100 ? 100 : (int)size,
                       text);
    if (!fits || d.exponent > EXPONENT_MAX || d.exponent < -EXPONENT_MAX)
        return err_set(err, BD_INVALID, "the number '%.*s' has too many digits",
                       size > 100 ? 100 : (int)size, text);
    if (used_limbs(&d) == 0)
        d.negative = false;
    *out = d;
    return BD_OK;
}

/* Digits of the coefficient into text (most significant first, at least one), returns their number. */
static unsigned to_digits(const struct decimal *d, char text[DECIMAL_LIMBS * 10 + 1]) {
    struct decimal t = *d;
    char reversed[DECIMAL_LIMBS * 10 + 10];
    unsigned n = 0;
    while (used_limbs(&t) > 0) {
        uint32_t block = div_small(&t, 1000000000u);
        for (int k = 0; k < 9; k++) {
            reversed[n++] = (char)('0' + block % 10);
            block /= 10;
        }
    }
    while (n > 0 && reversed[n - 1] == '0')
        n--;
    if (n == 0)
        reversed[n++] = '0';
    for (unsigned i = 0; i < n; i++)
        text[i] = reversed[n - 1 - i];
    text[n] = '\0';
    return n;
}

unsigned decimal_digits(const struct decimal *d) {
    char text[DECIMAL_LIMBS * 10 + 1];
    return to_digits(d, text);
}

void decimal_format(const struct decimal *d, struct buf *out) {
    if (d->form != DECIMAL_FINITE) {
        buf_add_str(out, d->form == DECIMAL_NAN ? "NaN" : d->negative ? "-Infinity" : "Infinity");
        return;
    }
    char text[DECIMAL_LIMBS * 10 + 1];
    unsigned n = to_digits(d, text);
    if (d->negative)
        buf_add_char(out, '-');
    if (d->exponent >= 0) {
        buf_add(out, text, n);
        for (int32_t i = 0; i < d->exponent && !decimal_is_zero(d); i++)
            buf_add_char(out, '0');
        return;
    }
    unsigned behind = (unsigned)-d->exponent;
    if (n > behind) {
        buf_add(out, text, n - behind);
    } else {
        buf_add_char(out, '0');
    }
    buf_add_char(out, '.');
    for (unsigned i = n; i < behind; i++)
        buf_add_char(out, '0');
    buf_add(out, n > behind ? text + (n - behind) : text, n > behind ? behind : n);
}

int decimal_rescale(struct decimal *d, unsigned scale, struct err *err) {
    if (d->form != DECIMAL_FINITE)
        return err_set(err, BD_INVALID, "the number is not finite");
    int32_t want = -(int32_t)scale;
    if (used_limbs(d) == 0)
        d->exponent = want;
    while (d->exponent > want) {
        if (!mul_add(d, 10, 0))
            return err_set(err, BD_INVALID, "the number has too many digits");
        d->exponent--;
    }
    uint32_t last = 0;
    while (d->exponent < want && used_limbs(d) > 0) {
        last = div_small(d, 10);
        d->exponent++;
    }
    if (d->exponent < want) {
        d->exponent = want;
        last = 0;
    }
    if (last >= 5 && !mul_add(d, 1, 1))
        return err_set(err, BD_INVALID, "the number has too many digits");
    if (used_limbs(d) == 0)
        d->negative = false;
    return BD_OK;
}

double decimal_to_double(const struct decimal *d) {
    if (d->form == DECIMAL_NAN)
        return (double)NAN;
    if (d->form == DECIMAL_INF)
        return d->negative ? -(double)INFINITY : (double)INFINITY;
    char text[DECIMAL_LIMBS * 10 + 20], digits[DECIMAL_LIMBS * 10 + 1];
    to_digits(d, digits);
    snprintf(text, sizeof text, "%s%se%d", d->negative ? "-" : "", digits, (int)d->exponent);
    return strtod(text, NULL);
}

static int cmp_magnitude(const struct decimal *a, const struct decimal *b) {
    bool a_zero = used_limbs(a) == 0, b_zero = used_limbs(b) == 0;
    if (a_zero || b_zero)
        return b_zero - a_zero;
    if (a->exponent == b->exponent) {
        for (unsigned i = DECIMAL_LIMBS; i-- > 0;)
            if (a->limb[i] != b->limb[i])
                return a->limb[i] < b->limb[i] ? -1 : 1;
        return 0;
    }
    char x[DECIMAL_LIMBS * 10 + 1], y[DECIMAL_LIMBS * 10 + 1];
    unsigned nx = to_digits(a, x), ny = to_digits(b, y);
    int64_t top_x = (int64_t)nx + a->exponent, top_y = (int64_t)ny + b->exponent;
    if (top_x != top_y)
        return top_x < top_y ? -1 : 1;
    for (unsigned i = 0; i < nx || i < ny; i++) {
        char cx = i < nx ? x[i] : '0', cy = i < ny ? y[i] : '0';
        if (cx != cy)
            return cx < cy ? -1 : 1;
    }
    return 0;
}

int decimal_cmp(const struct decimal *a, const struct decimal *b) {
    int class_a = a->form == DECIMAL_NAN ? 2 : a->form == DECIMAL_INF ? (a->negative ? -1 : 1) : 0;
    int class_b = b->form == DECIMAL_NAN ? 2 : b->form == DECIMAL_INF ? (b->negative ? -1 : 1) : 0;
    if (class_a != class_b)
        return class_a < class_b ? -1 : 1;
    if (class_a != 0)
        return 0;
    bool neg_a = a->negative && used_limbs(a), neg_b = b->negative && used_limbs(b);
    if (neg_a != neg_b)
        return neg_a ? -1 : 1;
    int c = cmp_magnitude(a, b);
    return neg_a ? -c : c;
}

static int32_t read_i32(const uint8_t *p) {
    return (int32_t)((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
                     (uint32_t)p[3] << 24);
}

int decimal_read(const uint8_t *stored, size_t size, struct decimal *out) {
    struct decimal d = {0};
    if (size < 4)
        return BD_CORRUPT;
    int32_t exponent = read_i32(stored);
    if (size == 4) {
        if (exponent != STORED_NAN && exponent != STORED_POSITIVE_INFINITY &&
            exponent != STORED_NEGATIVE_INFINITY)
            return BD_CORRUPT;
        d.form = exponent == STORED_NAN ? DECIMAL_NAN : DECIMAL_INF;
        d.negative = exponent == STORED_NEGATIVE_INFINITY;
        *out = d;
        return BD_OK;
    }
    if (exponent > EXPONENT_MAX || exponent < -EXPONENT_MAX)
        return BD_CORRUPT;
    d.exponent = exponent;
    d.negative = (int8_t)stored[4] < 0;
    const uint8_t *p = stored + 5, *end = stored + size;
    while (p < end && *p == 0)
        p++;
    if (end - p > DECIMAL_LIMBS * 4)
        return BD_CORRUPT;
    for (unsigned i = 0; p < end; i++)
        d.limb[i / 4] |= (uint32_t) * --end << (i % 4 * 8);
    *out = d;
    return BD_OK;
}

size_t decimal_stored_size(const struct decimal *d) {
    if (d->form != DECIMAL_FINITE)
        return 4;
    return 5 + (used_limbs(d) + 1) / 2 * 8;
}

void decimal_write(const struct decimal *d, uint8_t *out) {
    uint32_t e = (uint32_t)d->exponent;
    if (d->form == DECIMAL_NAN)
        e = STORED_NAN;
    else if (d->form == DECIMAL_INF)
        e = d->negative ? STORED_NEGATIVE_INFINITY : STORED_POSITIVE_INFINITY;
    for (unsigned i = 0; i < 4; i++)
        out[i] = (uint8_t)(e >> (8 * i));
    if (d->form != DECIMAL_FINITE)
        return;
    unsigned limbs = used_limbs(d), words = (limbs + 1) / 2;
    out[4] = limbs == 0 ? 0 : d->negative ? 0xFF : 1;
    for (unsigned i = 0; i < words * 8; i++)
        out[5 + words * 8 - 1 - i] = (uint8_t)(d->limb[i / 4] >> (i % 4 * 8));
}
