/*
 * The small expression language that schemas store: column defaults, generated columns and check
 * constraints.
 */
#ifndef STORE_DB_EXPR_H
#define STORE_DB_EXPR_H

#include "store/value/cell.h"
#include "store/value/schema.h"

struct expr;
/* BD_UNSUPPORTED for functions this program does not know, BD_INVALID for what does not parse. */
int expr_parse(const char *text, struct arena *a, const struct expr **out, struct err *err);

struct expr_scope {
    const struct schema *schema; /* NULL: no columns may be named */
    const struct cell *row;      /* by column ordinal */
    int64_t now_utc;             /* micros */
    struct arena *a;             /* where results live */
};
int expr_eval(const struct expr *e, const struct expr_scope *scope, struct cell *out, struct err *err);
/* 1, 0 or -1 for NULL. */
int cell_truth(const struct cell *c);

/* Names every column the expression mentions (with repetitions). */
void expr_columns(const struct expr *e, void (*fn)(void *ctx, const char *column), void *ctx);

#endif
