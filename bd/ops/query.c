/*
 * Lexer and parser of the query language. One token of look-ahead; keywords in any case.
 *
 *     query := or EOF      or := and { OR and }      and := not { AND not }
 *     not := NOT not | primary                       primary := "(" or ")" | field op value
 */
#include "bd/ops/query.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum token_kind {
    TOKEN_EOF,
    TOKEN_IDENT,
    TOKEN_STRING,
    TOKEN_NUMBER,
    TOKEN_DURATION,
    TOKEN_OP,
    TOKEN_AND,
    TOKEN_OR,
    TOKEN_NOT,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_COMMA,
};

struct token {
    enum token_kind kind;
    enum query_op op;
    const char *text;
    size_t at;
};

struct parser {
    const char *input;
    size_t at;
    struct token token;
    struct arena *a;
    struct err *err;
    unsigned depth;
};

enum { MAX_DEPTH = 200 };

static const char *const op_names[] = {"=", "!=", "<", "<=", ">", ">="};

static const char *token_name(const struct token *t) {
    static const char *const names[] = {"EOF", "IDENT", "STRING", "NUMBER", "DURATION", NULL,
                                        "AND", "OR",    "NOT",    "(",      ")",        ","};
    return t->kind == TOKEN_OP ? op_names[t->op] : names[t->kind];
}

static int fail_char(struct parser *p, size_t at) {
    unsigned char c = (unsigned char)p->input[at];
    if (c == '!')
        return err_set(p->err, BD_INVALID,
                       "unexpected character '!' at position %zu (did you mean '!=' or 'NOT'?)", at);
    if (isprint(c))
        return err_set(p->err, BD_INVALID, "unexpected character '%c' at position %zu", c, at);
    return err_set(p->err, BD_INVALID, "unexpected character '\\x%02x' at position %zu", c, at);
}

/* Bytes above ASCII count as letters, so that names in any language are identifiers. */
static bool ident_start(unsigned char c) { return isalpha(c) || c == '_' || c >= 0x80; }
static bool ident_char(unsigned char c) {
    return ident_start(c) || isdigit(c) || c == '-' || c == '.' || c == ':';
}

static int lex_string(struct parser *p, size_t start) {
    char quote = p->input[p->at++];
    struct buf text = BUF_INIT;
    for (;;) {
        char c = p->input[p->at];
        bool escaped = c == '\\';
        if (c == quote)
            break;
        if (escaped)
            c = p->input[++p->at];
        if (!c) {
            buf_release(&text);
            return err_set(p->err, BD_INVALID, "unterminated string starting at position %zu", start);
        }
        buf_add_char(&text, escaped && c == 'n' ? '\n' : escaped && c == 't' ? '\t' : c);
        p->at++;
    }
    p->at++;
    p->token = (struct token){TOKEN_STRING, QUERY_EQ, arena_strdup(p->a, buf_str(&text)), start};
    buf_release(&text);
    return BD_OK;
}

static int lex_number(struct parser *p, size_t start) {
    const char *s = p->input;
    if (s[p->at] == '-' || s[p->at] == '+')
        p->at++;
    if (!isdigit((unsigned char)s[p->at]))
        return err_set(p->err, BD_INVALID, "expected digit at position %zu", p->at);
    while (isdigit((unsigned char)s[p->at]))
        p->at++;
    bool duration = s[p->at] && strchr("hdwmyHDWMY", s[p->at]);
    p->at += duration;
    p->token = (struct token){duration ? TOKEN_DURATION : TOKEN_NUMBER, QUERY_EQ,
                              arena_strndup(p->a, s + start, p->at - start), start};
    return BD_OK;
}

static void lex_word(struct parser *p, size_t start) {
    while (p->input[p->at] && ident_char((unsigned char)p->input[p->at]))
        p->at++;
    const char *word = arena_strndup(p->a, p->input + start, p->at - start);
    enum token_kind kind = strcasecmp(word, "and") == 0   ? TOKEN_AND
                           : strcasecmp(word, "or") == 0  ? TOKEN_OR
                           : strcasecmp(word, "not") == 0 ? TOKEN_NOT
                                                          : TOKEN_IDENT;
    p->token = (struct token){kind, QUERY_EQ, word, start};
}

static bool lex_op(struct parser *p, size_t start) {
    const char *s = p->input + start;
    bool wide = s[0] && s[1] == '=';
    enum query_op op;
    if (s[0] == '=')
        op = QUERY_EQ, wide = false;
    else if (s[0] == '!' && wide)
        op = QUERY_NE;
    else if (s[0] == '<')
        op = wide ? QUERY_LE : QUERY_LT;
    else if (s[0] == '>')
        op = wide ? QUERY_GE : QUERY_GT;
    else
        return false;
    p->at = start + (wide ? 2 : 1);
    p->token = (struct token){TOKEN_OP, op, op_names[op], start};
    return true;
}

static int advance(struct parser *p) {
    while (isspace((unsigned char)p->input[p->at]))
        p->at++;
    size_t start = p->at;
    unsigned char c = (unsigned char)p->input[start];
    static const char single[] = "(),";
    if (!c) {
        p->token = (struct token){TOKEN_EOF, QUERY_EQ, "", start};
        return BD_OK;
    }
    if (strchr(single, c)) {
        p->at++;
        p->token = (struct token){c == '('   ? TOKEN_OPEN
                                  : c == ')' ? TOKEN_CLOSE
                                             : TOKEN_COMMA,
                                  QUERY_EQ, arena_strndup(p->a, p->input + start, 1), start};
        return BD_OK;
    }
    if (lex_op(p, start))
        return BD_OK;
    if (c == '"' || c == '\'')
        return lex_string(p, start);
    if (isdigit(c) || c == '-' || c == '+')
        return lex_number(p, start);
    if (!ident_start(c))
        return fail_char(p, start);
    lex_word(p, start);
    return BD_OK;
}

static int parse_or(struct parser *p, struct query_node **out);

static struct query_node *node(struct parser *p, enum query_kind kind, struct query_node *left,
                               struct query_node *right) {
    struct query_node *n = arena_zalloc(p->a, sizeof *n);
    n->kind = kind;
    n->left = left;
    n->right = right;
    return n;
}

static int parse_comparison(struct parser *p, struct query_node **out) {
    if (p->token.kind != TOKEN_IDENT)
        return err_set(p->err, BD_INVALID, "expected field name at position %zu, got %s", p->token.at,
                       token_name(&p->token));
    struct query_node *n = node(p, QUERY_COMPARE, NULL, NULL);
    char *field = arena_strdup(p->a, p->token.text);
    for (char *c = field; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    n->field = field;
    int rc = advance(p);
    if (rc != BD_OK)
        return rc;
    if (p->token.kind != TOKEN_OP)
        return err_set(p->err, BD_INVALID, "expected comparison operator at position %zu, got %s",
                       p->token.at, token_name(&p->token));
    n->op = p->token.op;
    rc = advance(p);
    if (rc != BD_OK)
        return rc;
    if (p->token.kind < TOKEN_IDENT || p->token.kind > TOKEN_DURATION)
        return err_set(p->err, BD_INVALID, "expected value at position %zu, got %s", p->token.at,
                       token_name(&p->token));
    n->value = p->token.text;
    n->is_duration = p->token.kind == TOKEN_DURATION;
    *out = n;
    return advance(p);
}

static int parse_primary(struct parser *p, struct query_node **out) {
    if (p->token.kind != TOKEN_OPEN)
        return parse_comparison(p, out);
    int rc = advance(p);
    if (rc == BD_OK)
        rc = parse_or(p, out);
    if (rc != BD_OK)
        return rc;
    if (p->token.kind != TOKEN_CLOSE)
        return err_set(p->err, BD_INVALID, "expected ')' at position %zu, got %s", p->token.at,
                       token_name(&p->token));
    return advance(p);
}

static int parse_not(struct parser *p, struct query_node **out) {
    struct query_node *operand = NULL;
    if (++p->depth > MAX_DEPTH)
        return err_set(p->err, BD_INVALID, "query is nested too deeply");
    int rc;
    if (p->token.kind != TOKEN_NOT) {
        rc = parse_primary(p, out);
    } else {
        rc = advance(p);
        if (rc == BD_OK)
            rc = parse_not(p, &operand);
        if (rc == BD_OK)
            *out = node(p, QUERY_NOT, operand, NULL);
    }
    p->depth--;
    return rc;
}

/* Left-associative chains of one operator. */
static int parse_chain(struct parser *p, enum token_kind token, enum query_kind kind,
                       int (*operand)(struct parser *, struct query_node **), struct query_node **out) {
    int rc = operand(p, out);
    while (rc == BD_OK && p->token.kind == token) {
        struct query_node *right = NULL;
        rc = advance(p);
        if (rc == BD_OK)
            rc = operand(p, &right);
        if (rc == BD_OK)
            *out = node(p, kind, *out, right);
    }
    return rc;
}

static int parse_and(struct parser *p, struct query_node **out) {
    return parse_chain(p, TOKEN_AND, QUERY_AND, parse_not, out);
}

static int parse_or(struct parser *p, struct query_node **out) {
    return parse_chain(p, TOKEN_OR, QUERY_OR, parse_and, out);
}

int query_parse(const char *text, struct arena *a, struct query_node **out, struct err *err) {
    struct parser p = {.input = text, .a = a, .err = err};
    int rc = advance(&p);
    if (rc != BD_OK)
        return rc;
    if (p.token.kind == TOKEN_EOF)
        return err_set(err, BD_INVALID, "empty query");
    rc = parse_or(&p, out);
    if (rc != BD_OK || p.token.kind == TOKEN_EOF)
        return rc;
    return err_set(err, BD_INVALID, "unexpected token \"%s\" at position %zu (expected end of query)",
                   p.token.text, p.token.at);
}

void query_print(struct buf *out, const struct query_node *n) {
    switch (n->kind) {
    case QUERY_COMPARE: buf_addf(out, "%s%s%s", n->field, op_names[n->op], n->value); break;
    case QUERY_NOT:
        buf_add_str(out, "NOT ");
        query_print(out, n->left);
        break;
    case QUERY_AND:
    case QUERY_OR:
        buf_add_char(out, '(');
        query_print(out, n->left);
        buf_add_str(out, n->kind == QUERY_AND ? " AND " : " OR ");
        query_print(out, n->right);
        buf_add_char(out, ')');
        break;
    }
}

bool query_mentions(const struct query_node *n, const char *field) {
    if (!n)
        return false;
    if (n->kind == QUERY_COMPARE)
        return strcmp(n->field, field) == 0;
    return query_mentions(n->left, field) || query_mentions(n->right, field);
}
