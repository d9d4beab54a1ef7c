/*
 * Parser base: errors stop the token stream, so no loop runs on behind one.
 */
#include "store/sql/parse.h"

#include <stdlib.h>
#include <string.h>

void parser_init(struct parser *p, const char *text, size_t size, struct arena *a, struct err *err) {
    memset(p, 0, sizeof *p);
    lexer_init(&p->lexer, text, size, a);
    p->arena = a;
    p->err = err;
    parser_advance(p);
}

static void stop(struct parser *p, int code) {
    if (p->failed == BD_OK)
        p->failed = code;
    p->tok = (struct token){.kind = TOK_END, .start = p->lexer.end, .text = ""};
    p->has_ahead = false;
    p->lexer.p = p->lexer.end;
}

void parser_advance(struct parser *p) {
    if (p->failed)
        return;
    if (p->has_ahead) {
        p->tok = p->ahead;
        p->has_ahead = false;
        return;
    }
    int rc = lexer_next(&p->lexer, &p->tok, p->err);
    if (rc != BD_OK)
        stop(p, rc);
}

const struct token *parser_peek(struct parser *p) {
    static const struct token end = {.kind = TOK_END, .text = ""};
    if (p->failed)
        return &end;
    if (!p->has_ahead) {
        int rc = lexer_next(&p->lexer, &p->ahead, p->err);
        if (rc != BD_OK) {
            stop(p, rc);
            return &end;
        }
        p->has_ahead = true;
    }
    return &p->ahead;
}

void parser_seek(struct parser *p, const char *at) {
    if (p->failed)
        return;
    p->has_ahead = false;
    p->lexer.p = at;
    parser_advance(p);
}

int parser_stop(struct parser *p, int code) {
    stop(p, code);
    return p->failed;
}

int parser_fail(struct parser *p, int code, const char *what) {
    if (p->failed == BD_OK) {
        const struct token *t = &p->tok;
        unsigned line = lexer_line(&p->lexer, t->start ? t->start : p->lexer.p);
        if (t->kind == TOK_END)
            err_set(p->err, code, "syntax error at the end of the statement (line %u): %s", line, what);
        else
            err_set(p->err, code, "syntax error in line %u near '%.*s': %s", line,
                    t->size > 40 ? 40 : (int)t->size, t->start, what);
        stop(p, code);
    }
    return p->failed;
}

bool parser_at_word(const struct parser *p, const char *word) { return token_is(&p->tok, word); }

bool parser_at_op(const struct parser *p, int op) { return p->tok.kind == TOK_OP && p->tok.op == op; }

bool parser_accept_word(struct parser *p, const char *word) {
    if (!parser_at_word(p, word))
        return false;
    parser_advance(p);
    return true;
}

bool parser_accept_words(struct parser *p, const char *first, const char *second) {
    if (!parser_at_word(p, first) || !token_is(parser_peek(p), second))
        return false;
    parser_advance(p);
    parser_advance(p);
    return true;
}

bool parser_accept_op(struct parser *p, int op) {
    if (!parser_at_op(p, op))
        return false;
    parser_advance(p);
    return true;
}

void parser_expect_word(struct parser *p, const char *word) {
    if (!parser_accept_word(p, word))
        parser_fail(p, BD_INVALID, arena_printf(p->arena, "%s expected", word));
}

void parser_expect_op(struct parser *p, int op) {
    if (!parser_accept_op(p, op))
        parser_fail(p, BD_INVALID, arena_printf(p->arena, "'%c' expected", op < 256 ? op : '?'));
}

const char *parser_name(struct parser *p) {
    if ((p->tok.kind != TOK_WORD && p->tok.kind != TOK_QUOTED) || p->tok.text_size == 0) {
        parser_fail(p, BD_INVALID, "a name expected");
        return "";
    }
    const char *name = p->tok.text;
    parser_advance(p);
    return name;
}

const char *parser_qualified_name(struct parser *p, const char **database) {
    const char *name = parser_name(p);
    if (database)
        *database = NULL;
    if (parser_accept_op(p, '.')) {
        if (database)
            *database = name;
        name = parser_name(p);
    }
    return name;
}

uint64_t parser_integer(struct parser *p) {
    if (p->tok.kind != TOK_INTEGER || p->tok.text_size > 19) {
        parser_fail(p, BD_INVALID, "a whole number expected");
        return 0;
    }
    uint64_t v = strtoull(p->tok.text, NULL, 10);
    parser_advance(p);
    return v;
}

const char *parser_string(struct parser *p, size_t *size) {
    if (size)
        *size = 0;
    if (p->tok.kind != TOK_STRING) {
        parser_fail(p, BD_INVALID, "a quoted text expected");
        return "";
    }
    const char *text = p->tok.text;
    size_t n = p->tok.text_size;
    parser_advance(p);
    if (p->tok.kind == TOK_STRING) { /* adjacent texts are one */
        struct buf b = BUF_INIT;
        buf_add(&b, text, n);
        for (; p->tok.kind == TOK_STRING; parser_advance(p))
            buf_add(&b, p->tok.text, p->tok.text_size);
        n = b.size;
        text = arena_strndup(p->arena, buf_str(&b), n);
        buf_release(&b);
    }
    if (size)
        *size = n;
    return text;
}
