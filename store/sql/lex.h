/*
 * MySQL's words: a lexer over a text in memory. Knows nothing of grammar; keywords are plain words.
 */
#ifndef STORE_SQL_LEX_H
#define STORE_SQL_LEX_H

#include "base/err.h"
#include "base/mem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum token_kind {
    TOK_END,
    TOK_WORD,     /* unquoted name or keyword */
    TOK_QUOTED,   /* `name` */
    TOK_STRING,   /* 'text' or "text" */
    TOK_INTEGER,  /* 123 */
    TOK_DECIMAL,  /* 1.5, .5 */
    TOK_FLOAT,    /* 1e3 */
    TOK_HEX,      /* 0x1F, x'1F': text = the hex digits */
    TOK_BITS,     /* 0b101, b'101': text = the bits */
    TOK_VARIABLE, /* @name, @@name: text includes the signs */
    TOK_PARAM,    /* ? */
    TOK_OP,       /* op says which */
};

/* Operators of one character are that character; the others follow here. */
enum token_op {
    OP_LE = 256,     /* <= */
    OP_GE,           /* >= */
    OP_NE,           /* <> and != */
    OP_NULL_SAFE_EQ, /* <=> */
    OP_SHIFT_LEFT,   /* << */
    OP_SHIFT_RIGHT,  /* >> */
    OP_OR_OR,        /* || */
    OP_AND_AND,      /* && */
    OP_ASSIGN,       /* := */
    OP_ARROW,        /* -> */
    OP_ARROW_TEXT,   /* ->> */
};

struct token {
    enum token_kind kind;
    int op;            /* TOK_OP */
    const char *start; /* as written, borrowed from the lexer's text */
    size_t size;
    const char *text; /* decoded, NUL-terminated, in the arena (words, names, strings, numbers) */
    size_t text_size;
};

struct lexer {
    const char *text, *p, *end;
    struct arena *arena;
    bool ansi_quotes;        /* "name" is a name */
    bool in_version_comment; /* inside an executable comment */
    const char *name_end;    /* where the last token ended, if it was a name */
};

void lexer_init(struct lexer *l, const char *text, size_t size, struct arena *arena);
/* Next token; white space and comments are skipped (the content of executable comments is not).
 * BD_INVALID for an unclosed quote or comment, or a byte that begins no token. */
int lexer_next(struct lexer *l, struct token *t, struct err *err);
/* Line of a position, from 1. */
unsigned lexer_line(const struct lexer *l, const char *at);

/* Case-insensitive comparison of an unquoted word with a keyword in lower case. */
bool token_is(const struct token *t, const char *keyword);

#endif
