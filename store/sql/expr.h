/*
 * SQL expressions: a tree in an arena, its parser, and the text Dolt stores for it (checks, defaults
 * and generated columns).
 */
#ifndef STORE_SQL_EXPR_H
#define STORE_SQL_EXPR_H

#include "store/sql/parse.h"

enum sql_expr_kind {
    EXPR_NULL,
    EXPR_BOOL,     /* number 0 or 1 */
    EXPR_INTEGER,  /* text */
    EXPR_DECIMAL,  /* text */
    EXPR_FLOAT,    /* text */
    EXPR_HEX,      /* text: digits */
    EXPR_BITS,     /* text: digits */
    EXPR_STRING,   /* text, text_size */
    EXPR_COLUMN,   /* text; qualifier: table or NULL */
    EXPR_VARIABLE, /* text with its signs */
    EXPR_PARAM,
    EXPR_UNARY,       /* op: '-', '+', '~'; NOT is op '!' */
    EXPR_BINARY,      /* op: enum token_op or enum sql_expr_op; two args */
    EXPR_IN,          /* args[0] in the others; negated */
    EXPR_BETWEEN,     /* args[0] between args[1] and args[2]; negated */
    EXPR_LIKE,        /* args[0] like args[1], escape args[2] if any; negated */
    EXPR_REGEXP,      /* two args; negated */
    EXPR_IS,          /* args[0] is … (op: enum sql_expr_is); negated */
    EXPR_CALL,        /* text(args); op = '*' for COUNT(*) */
    EXPR_CASE,        /* args: [operand], when, then, when, then, …, [else]; op: EXPR_CASE_* bits */
    EXPR_CAST,        /* args[0] to the type whose text is `text` (lower case) */
    EXPR_INTERVAL,    /* args[0], text = unit in upper case */
    EXPR_TUPLE,       /* args */
    EXPR_COLLATE,     /* args[0] collate text */
    EXPR_BINARY_CAST, /* BINARY args[0] */
};
/* Operators beside enum token_op. */
enum sql_expr_op { EXPR_OP_AND = 512, EXPR_OP_OR, EXPR_OP_XOR, EXPR_OP_DIV, EXPR_OP_MOD };
enum sql_expr_is { EXPR_IS_NULL, EXPR_IS_TRUE, EXPR_IS_FALSE, EXPR_IS_UNKNOWN };
enum { EXPR_CASE_OPERAND = 1, EXPR_CASE_ELSE = 2 };

struct sql_expr {
    enum sql_expr_kind kind;
    int op;
    bool negated;
    const char *text, *qualifier;
    size_t text_size;
    struct sql_expr **args;
    size_t arg_count;
    unsigned height; /* of the tree below; bounded, so that walking may recurse */
};
#define EXPR_HEIGHT_MAX 1000

/* Parses one expression at the parser's current token; never NULL (look at p->failed). Subqueries,
 * window functions and MATCH are BD_UNSUPPORTED here. */
struct sql_expr *sql_expr_parse(struct parser *p);

/* One operand without operators: a literal, a name, a call, or an expression in parentheses. */
struct sql_expr *sql_expr_parse_operand(struct parser *p);

/* Appends the stored form: "(`a` > 1)". BD_UNSUPPORTED for what a table definition cannot hold. */
int sql_expr_format(const struct sql_expr *e, struct buf *out, struct err *err);
/* Appends text as a quoted SQL literal: quotes doubled, backslashes doubled. */
void sql_expr_add_literal(struct buf *out, const char *text, size_t size);

/* NOW() or one of its names with fractional digits 0 … 6: the digits, else -1. */
int sql_expr_is_now(const struct sql_expr *e);

#endif
