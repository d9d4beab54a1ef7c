/*
 * The lexer. A name may begin with a digit when it is not a number; ".5" is a number except directly
 * behind a name, where the point separates. Text is taken as UTF-8; bytes from 0x80 on belong to names.
 */
#include "store/sql/lex.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

void lexer_init(struct lexer *l, const char *text, size_t size, struct arena *arena) {
    *l = (struct lexer){.text = text, .p = text, .end = text + size, .arena = arena};
}

unsigned lexer_line(const struct lexer *l, const char *at) {
    unsigned line = 1;
    for (const char *p = l->text; p < at; p++)
        line += *p == '\n';
    return line;
}

bool token_is(const struct token *t, const char *keyword) {
    return t->kind == TOK_WORD && strcasecmp(t->text, keyword) == 0;
}

static bool is_name_byte(char c) {
    return isalnum((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

static char at(const struct lexer *l, size_t i) { return (size_t)(l->end - l->p) > i ? l->p[i] : '\0'; }

static int skip(struct lexer *l, struct err *err) {
    for (;;) {
        char c = at(l, 0);
        if (l->p >= l->end)
            return BD_OK;
        if (isspace((unsigned char)c)) {
            l->p++;
        } else if (c == '#' || (c == '-' && at(l, 1) == '-' &&
                                (l->p + 2 >= l->end || isspace((unsigned char)l->p[2])))) {
            while (l->p < l->end && *l->p != '\n')
                l->p++;
        } else if (c == '/' && at(l, 1) == '*' && at(l, 2) == '!' && !l->in_version_comment) {
            l->p += 3;
            while (l->p < l->end && isdigit((unsigned char)*l->p))
                l->p++;
            l->in_version_comment = true;
        } else if (c == '*' && at(l, 1) == '/' && l->in_version_comment) {
            l->p += 2;
            l->in_version_comment = false;
        } else if (c == '/' && at(l, 1) == '*') {
            const char *start = l->p;
            l->p += 2;
            while (l->end - l->p >= 2 && !(l->p[0] == '*' && l->p[1] == '/'))
                l->p++;
            if (l->end - l->p < 2)
                return err_set(err, BD_INVALID, "a comment that begins in line %u is not closed",
                               lexer_line(l, start));
            l->p += 2;
        } else {
            return BD_OK;
        }
    }
}

static void keep(struct lexer *l, struct token *t, const char *text, size_t size) {
    t->text = arena_strndup(l->arena, text, size);
    t->text_size = size;
}

static int quoted(struct lexer *l, struct token *t, struct err *err) {
    char quote = *l->p;
    bool is_name = quote == '`' || (quote == '"' && l->ansi_quotes);
    const char *start = l->p++;
    struct buf b = BUF_INIT;
    for (;; l->p++) {
        if (l->p >= l->end) {
            buf_release(&b);
            return err_set(err, BD_INVALID, "a quoted %s that begins in line %u is not closed",
                           is_name ? "name" : "text", lexer_line(l, start));
        }
        char c = *l->p;
        if (c == quote) {
            if (at(l, 1) != quote)
                break;
            l->p++;
        } else if (c == '\\' && !is_name && l->p + 1 < l->end) {
            static const char letters[] = "0bnrtZ", means[] = "\0\b\n\r\t\032";
            const char *known;
            l->p++;
            if (*l->p == '%' || *l->p == '_')
                buf_add_char(&b, '\\'); /* these two keep their backslash for LIKE */
            known = *l->p ? strchr(letters, *l->p) : NULL;
            buf_add_char(&b, known ? means[known - letters] : *l->p);
            continue;
        }
        buf_add_char(&b, *l->p);
    }
    l->p++;
    t->kind = is_name ? TOK_QUOTED : TOK_STRING;
    keep(l, t, buf_str(&b), b.size);
    buf_release(&b);
    return BD_OK;
}

/* x'1F', b'101' and 0x1F, 0b101; false when it is none of them. */
static bool radix(struct lexer *l, struct token *t) {
    char c = (char)tolower((unsigned char)at(l, 0)), d = at(l, 1);
    const char *p;
    bool quoted_form = d == '\'' && (c == 'x' || c == 'b');
    bool hex = quoted_form ? c == 'x' : d == 'x';
    if (!quoted_form && !(c == '0' && (d == 'x' || d == 'b')))
        return false;
    for (p = l->p + 2; p < l->end; p++)
        if (hex ? !isxdigit((unsigned char)*p) : *p != '0' && *p != '1')
            break;
    size_t digits = (size_t)(p - l->p) - 2;
    if (quoted_form ? p >= l->end || *p != '\'' || (hex && digits % 2)
                    : digits == 0 || (p < l->end && is_name_byte(*p)))
        return false;
    t->kind = hex ? TOK_HEX : TOK_BITS;
    keep(l, t, l->p + 2, digits);
    l->p = p + quoted_form;
    return true;
}

static bool number(struct lexer *l, struct token *t) {
    const char *p = l->p;
    t->kind = TOK_INTEGER;
    while (p < l->end && isdigit((unsigned char)*p))
        p++;
    if (p < l->end && *p == '.' && (p > l->p || (p + 1 < l->end && isdigit((unsigned char)p[1])))) {
        t->kind = TOK_DECIMAL;
        p++;
        while (p < l->end && isdigit((unsigned char)*p))
            p++;
    }
    if (p == l->p)
        return false;
    const char *e = p;
    if (e < l->end && (*e == 'e' || *e == 'E')) {
        e++;
        if (e < l->end && (*e == '+' || *e == '-'))
            e++;
        if (e < l->end && isdigit((unsigned char)*e)) {
            t->kind = TOK_FLOAT;
            while (e < l->end && isdigit((unsigned char)*e))
                e++;
            p = e;
        }
    }
    if (t->kind == TOK_INTEGER && p < l->end && is_name_byte(*p))
        return false; /* a name like 2fast */
    keep(l, t, l->p, (size_t)(p - l->p));
    l->p = p;
    return true;
}

static void word(struct lexer *l, struct token *t) {
    const char *p = l->p;
    while (p < l->end && is_name_byte(*p))
        p++;
    t->kind = TOK_WORD;
    keep(l, t, l->p, (size_t)(p - l->p));
    l->p = p;
}

static void variable(struct lexer *l, struct token *t) {
    const char *p = l->p;
    while (p < l->end && *p == '@' && p - l->p < 2)
        p++;
    while (p < l->end && (is_name_byte(*p) || *p == '.'))
        p++;
    t->kind = TOK_VARIABLE;
    keep(l, t, l->p, (size_t)(p - l->p));
    l->p = p;
}

static bool operator(struct lexer *l, struct token *t) {
    static const struct {
        const char *text;
        int op;
    } longer[] = {{"<=>", OP_NULL_SAFE_EQ},
                  {"->>", OP_ARROW_TEXT},
                  {"<=", OP_LE},
                  {">=", OP_GE},
                  {"<>", OP_NE},
                  {"!=", OP_NE},
                  {"<<", OP_SHIFT_LEFT},
                  {">>", OP_SHIFT_RIGHT},
                  {"||", OP_OR_OR},
                  {"&&", OP_AND_AND},
                  {":=", OP_ASSIGN},
                  {"->", OP_ARROW}};
    t->kind = TOK_OP;
    for (size_t i = 0; i < sizeof longer / sizeof *longer; i++) {
        size_t n = strlen(longer[i].text);
        if ((size_t)(l->end - l->p) >= n && memcmp(l->p, longer[i].text, n) == 0) {
            t->op = longer[i].op;
            l->p += n;
            return true;
        }
    }
    if (!*l->p || !strchr("()[]{},;.=<>+-*/%&|^~!:", *l->p))
        return false;
    t->op = (unsigned char)*l->p++;
    return true;
}

int lexer_next(struct lexer *l, struct token *t, struct err *err) {
    int rc = skip(l, err);
    if (rc != BD_OK)
        return rc;
    *t = (struct token){.start = l->p, .text = ""};
    bool behind_name = l->name_end == l->p;
    if (l->p >= l->end) {
        t->kind = TOK_END;
    } else if (*l->p == '\'' || *l->p == '"' || *l->p == '`') {
        rc = quoted(l, t, err);
    } else if (radix(l, t)) {
        /* done */
    } else if ((isdigit((unsigned char)*l->p) || (*l->p == '.' && !behind_name)) && number(l, t)) {
        /* done */
    } else if (is_name_byte(*l->p)) {
        word(l, t);
    } else if (*l->p == '@') {
        variable(l, t);
    } else if (*l->p == '?') {
        t->kind = TOK_PARAM;
        l->p++;
    } else if (!operator(l, t)) {
        rc = err_set(err, BD_INVALID, "line %u: unexpected character '%c' (byte 0x%02x)",
                     lexer_line(l, l->p), isprint((unsigned char)*l->p) ? *l->p : '?',
                     (unsigned)(unsigned char)*l->p);
    }
    t->size = (size_t)(l->p - t->start);
    l->name_end = t->kind == TOK_WORD || t->kind == TOK_QUOTED ? l->p : NULL;
    return rc;
}
