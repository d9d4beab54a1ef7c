/* A parsed expression; private to expr_parse.c and expr.c. */
#ifndef STORE_DB_EXPR_NODE_H
#define STORE_DB_EXPR_NODE_H

#include "store/db/expr.h"

enum expr_op {
    E_CONST,
    E_COLUMN,
    E_CALL,
    E_AND,
    E_OR,
    E_XOR,
    E_NOT,
    E_NEG,
    E_EQ,
    E_NULL_EQ,
    E_NE,
    E_LT,
    E_LE,
    E_GT,
    E_GE,
    E_ADD,
    E_SUB,
    E_MUL,
    E_DIV,
    E_INT_DIV,
    E_MOD,
    E_IS_NULL,
    E_IS_TRUE,
    E_IS_FALSE,
    E_IN,
    E_LIKE,
    E_BETWEEN,
    E_CASE,
};

struct expr {
    enum expr_op op;
    struct cell value; /* of E_CONST */
    const char *name;  /* of E_COLUMN and E_CALL */
    const struct expr **kids;
    size_t kid_count;
};

#endif
