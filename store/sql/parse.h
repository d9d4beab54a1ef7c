/*
 * What every statement parser stands on: a token of look-ahead, tests for words and signs, and the
 * error that says where.
 *
 * The first error is kept and the current token becomes TOK_END, so that parsing functions may go on to
 * their end; whoever called the outermost one looks at `failed`.
 */
#ifndef STORE_SQL_PARSE_H
#define STORE_SQL_PARSE_H

#include "store/sql/lex.h"

struct parser {
    struct lexer lexer;
    struct token tok, ahead; /* the current token, and the next when has_ahead */
    bool has_ahead;
    struct arena *arena;
    struct err *err;
    int failed; /* BD_OK or the code of the first error */
    unsigned depth;
};
#define PARSER_DEPTH_MAX 400

void parser_init(struct parser *p, const char *text, size_t size, struct arena *a, struct err *err);
void parser_advance(struct parser *p);
const struct token *parser_peek(struct parser *p); /* the token behind the current one */
/* Continues reading at a place in the text (at or behind the current token). */
void parser_seek(struct parser *p, const char *at);

/* Records an error at the current token. `what` says what was expected or is wrong. Returns the code.
 */
int parser_fail(struct parser *p, int code, const char *what);

/* The same for an error whose message is in p->err already. */
int parser_stop(struct parser *p, int code);

bool parser_at_word(const struct parser *p, const char *word);
bool parser_at_op(const struct parser *p, int op);
bool parser_accept_word(struct parser *p, const char *word);
/* Two words in a row, or none is taken. */
bool parser_accept_words(struct parser *p, const char *first, const char *second);
bool parser_accept_op(struct parser *p, int op);
void parser_expect_word(struct parser *p, const char *word);
void parser_expect_op(struct parser *p, int op);

/* A name, quoted or not. Never NULL ("" after an error). */
const char *parser_name(struct parser *p);
/* [db.]name; *database NULL when not given. */
const char *parser_qualified_name(struct parser *p, const char **database);
uint64_t parser_integer(struct parser *p);
const char *parser_string(struct parser *p, size_t *size); /* size may be NULL */

#endif
