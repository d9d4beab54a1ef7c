/*
 * A cell: one SQL value in memory, as the tracker sees it, free of any encoding.
 */
#ifndef STORE_VALUE_CELL_H
#define STORE_VALUE_CELL_H

#include "base/mem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cell_kind {
    CELL_NULL = 0,
    CELL_INT,      /* i: signed integers, booleans, year */
    CELL_UINT,     /* u: unsigned integers, bit, enum index, set bitmap */
    CELL_FLOAT,    /* f */
    CELL_TEXT,     /* s: UTF-8 text */
    CELL_BYTES,    /* s: binary */
    CELL_JSON,     /* s: normalised JSON text */
    CELL_DECIMAL,  /* s: decimal text, "-12.50" */
    CELL_DATETIME, /* i: microseconds since 1970-01-01 as stored (no zone) */
    CELL_DATE,     /* i: days since 1970-01-01; the zero date is CELL_DATE_ZERO */
    CELL_TIME,     /* i: microseconds, may be negative */
};
#define CELL_DATE_ZERO INT64_MIN
/* What Dolt stores for '0000-00-00 00:00:00': the instant -0001-11-30 00:00:00. */
#define CELL_DATETIME_ZERO INT64_C(-62169984000000000)

/* A value. Which member holds it: see enum cell_kind. */
struct cell {
    enum cell_kind kind;
    union {
        int64_t i;
        uint64_t u;
        double f;
        struct {
            const char *data; /* not necessarily NUL-terminated; owner as the producer says */
            size_t size;
        } s;
    };
};

/* Constructors; nothing is copied. */
static inline struct cell cell_null(void) { return (struct cell){.kind = CELL_NULL, .i = 0}; }
static inline struct cell cell_int(int64_t v) { return (struct cell){.kind = CELL_INT, .i = v}; }
static inline struct cell cell_bool(bool v) { return cell_int(v ? 1 : 0); }
static inline struct cell cell_float(double v) { return (struct cell){.kind = CELL_FLOAT, .f = v}; }
static inline struct cell cell_datetime(int64_t micros) {
    return (struct cell){.kind = CELL_DATETIME, .i = micros};
}
/* NULL text gives a NULL cell; the text is borrowed. */
struct cell cell_text(const char *s);
struct cell cell_text_n(const char *s, size_t size);
struct cell cell_json(const char *s);

static inline bool cell_is_null(const struct cell *c) { return c->kind == CELL_NULL; }
/* Its value is in s: TEXT, BYTES, JSON or DECIMAL. */
static inline bool cell_has_text(const struct cell *c) {
    return c->kind >= CELL_TEXT && c->kind <= CELL_DECIMAL;
}

/* Equality and order within a kind (NULL first; numbers across kinds numerically; text bytewise). */
int cell_cmp(const struct cell *a, const struct cell *b);
bool cell_eq(const struct cell *a, const struct cell *b);

/* NUL-terminated text of any cell in the arena: what `SELECT` would print; NULL for a NULL cell. */
char *cell_format(const struct cell *c, struct arena *a);

/* Copies text into the arena so that the cell outlives its producer. */
struct cell cell_copy(const struct cell *c, struct arena *a);

#endif
