/*
 * Recursive descent over MySQL's stored expression text. A text that does not parse gives no tree: an
 * expression is understood whole or not at all.
 */
#include "store/db/expr_node.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct parser {
    const char *p, *whole;
    struct arena *a;
    struct err *err;
    int depth;
    int rc;
};

static const struct expr *parse_or(struct parser *p);

static void fail(struct parser *p, const char *what) {
    if (p->rc == BD_OK)
        p->rc = err_set(p->err, BD_INVALID, "cannot read the expression %s: %s at '%.20s'", p->whole,
                        what, p->p);
}

static void space(struct parser *p) {
    while (isspace((unsigned char)*p->p))
        p->p++;
}

static bool word(struct parser *p, const char *w) {
    space(p);
    size_t n = strlen(w);
    if (strncasecmp(p->p, w, n) || isalnum((unsigned char)p->p[n]) || p->p[n] == '_')
        return false;
    p->p += n;
    return true;
}

static bool sign(struct parser *p, const char *s) {
    space(p);
    size_t n = strlen(s);
    if (strncmp(p->p, s, n))
        return false;
    p->p += n;
    return true;
}

static const struct expr *node(struct parser *p, enum expr_op op, const struct expr *const *kids,
                               size_t count) {
    struct expr *e = arena_zalloc(p->a, sizeof *e);
    e->op = op;
    e->kids = arena_dup(p->a, kids, count * sizeof *kids);
    e->kid_count = count;
    return e;
}

static const struct expr *node1(struct parser *p, enum expr_op op, const struct expr *x) {
    return node(p, op, &x, 1);
}
static const struct expr *node2(struct parser *p, enum expr_op op, const struct expr *x,
                                const struct expr *y) {
    const struct expr *kids[2] = {x, y};
    return node(p, op, kids, 2);
}

static const struct expr *constant(struct parser *p, struct cell c) {
    struct expr *e = arena_zalloc(p->a, sizeof *e);
    e->op = E_CONST;
    e->value = c;
    return e;
}

static const struct expr *parse_string(struct parser *p, char quote) {
    struct buf b = BUF_INIT;
    for (;;) {
        char c = *p->p;
        if (!c) {
            fail(p, "a string does not end");
            break;
        }
        p->p++;
        if (c == quote) {
            if (*p->p != quote)
                break;
            p->p++;
        } else if (c == '\\' && *p->p) {
            c = *p->p++;
            c = c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c == '0' ? '\0' : c;
        }
        buf_add_char(&b, c);
    }
    const struct expr *e = constant(p, cell_text_n(arena_strndup(p->a, buf_str(&b), b.size), b.size));
    buf_release(&b);
    return e;
}

static const struct expr *parse_number(struct parser *p) {
    const char *start = p->p;
    while (isdigit((unsigned char)*p->p))
        p->p++;
    bool real = false;
    if (*p->p == '.') {
        real = true;
        p->p++;
        while (isdigit((unsigned char)*p->p))
            p->p++;
    }
    if ((*p->p == 'e' || *p->p == 'E') &&
        (isdigit((unsigned char)p->p[1]) ||
         ((p->p[1] == '-' || p->p[1] == '+') && isdigit((unsigned char)p->p[2])))) {
        real = true;
        p->p += 2;
        while (isdigit((unsigned char)*p->p))
            p->p++;
    }
    if (real)
        return constant(p, cell_float(strtod(start, NULL)));
    return constant(p, cell_int(strtoll(start, NULL, 10)));
}

static const struct expr *parse_case(struct parser *p) {
    const struct expr *kids[64];
    size_t n = 0;
    space(p);
    const struct expr *subject = NULL;
    if (strncasecmp(p->p, "when", 4))
        subject = parse_or(p);
    while (p->rc == BD_OK && word(p, "when")) {
        if (n + 3 > 64) {
            fail(p, "too many branches");
            break;
        }
        const struct expr *w = parse_or(p);
        kids[n++] = subject ? node2(p, E_EQ, subject, w) : w;
        if (!word(p, "then"))
            fail(p, "THEN expected");
        kids[n++] = parse_or(p);
    }
    if (p->rc == BD_OK && word(p, "else"))
        kids[n++] = parse_or(p);
    if (p->rc == BD_OK && !word(p, "end"))
        fail(p, "END expected");
    return node(p, E_CASE, kids, n);
}

static const struct expr *parse_call(struct parser *p, const char *name) {
    const struct expr *kids[32];
    size_t n = 0;
    if (!sign(p, ")")) {
        do {
            if (n == 32) {
                fail(p, "too many arguments");
                break;
            }
            kids[n++] = parse_or(p);
        } while (p->rc == BD_OK && sign(p, ","));
        if (p->rc == BD_OK && !sign(p, ")"))
            fail(p, "a closing parenthesis expected");
    }
    struct expr *e = (struct expr *)node(p, E_CALL, kids, n);
    e->name = name;
    return e;
}

static const struct expr *parse_primary(struct parser *p) {
    space(p);
    if (p->depth > 200 || p->rc) {
        fail(p, "nested too deeply");
        return constant(p, cell_null());
    }
    char c = *p->p;
    if (c == '(') {
        p->p++;
        p->depth++;
        const struct expr *e = parse_or(p);
        p->depth--;
        if (p->rc == BD_OK && !sign(p, ")"))
            fail(p, "a closing parenthesis expected");
        return e;
    }
    if (c == '\'' || c == '"') {
        p->p++;
        return parse_string(p, c);
    }
    if (isdigit((unsigned char)c) || (c == '.' && isdigit((unsigned char)p->p[1])))
        return parse_number(p);
    if (c == '-') {
        p->p++;
        return node1(p, E_NEG, parse_primary(p));
    }
    if (c == '+') {
        p->p++;
        return parse_primary(p);
    }
    if (c == '!') {
        p->p++;
        return node1(p, E_NOT, parse_primary(p));
    }
    const char *name;
    if (c == '`') {
        const char *end = strchr(p->p + 1, '`');
        if (!end) {
            fail(p, "a quoted name does not end");
            return constant(p, cell_null());
        }
        name = arena_strndup(p->a, p->p + 1, (size_t)(end - p->p - 1));
        p->p = end + 1;
    } else if (isalpha((unsigned char)c) || c == '_') {
        const char *start = p->p;
        while (isalnum((unsigned char)*p->p) || *p->p == '_' || *p->p == '$')
            p->p++;
        size_t n = (size_t)(p->p - start);
        name = arena_strndup(p->a, start, n);
        if (name[0] == '_' && *p->p == '\'') { /* _utf8mb4'text' */
            p->p++;
            return parse_string(p, '\'');
        }
        if (!strcasecmp(name, "null"))
            return constant(p, cell_null());
        if (!strcasecmp(name, "true"))
            return constant(p, cell_int(1));
        if (!strcasecmp(name, "false"))
            return constant(p, cell_int(0));
        if (!strcasecmp(name, "case"))
            return parse_case(p);
        if (!strcasecmp(name, "not"))
            return node1(p, E_NOT, parse_primary(p));
        if (!strcasecmp(name, "current_timestamp") && !sign(p, "("))
            return parse_call(&(struct parser){")", p->whole, p->a, p->err, 0, BD_OK}, "now");
        if (!strcasecmp(name, "current_timestamp")) {
            p->p = strchr(p->p, ')') ? strchr(p->p, ')') + 1 : p->p;
            return parse_call(&(struct parser){")", p->whole, p->a, p->err, 0, BD_OK}, "now");
        }
        if (sign(p, "("))
            return parse_call(p, name);
    } else {
        fail(p, "unexpected text");
        return constant(p, cell_null());
    }
    while (*p->p == '.') { /* table.column: the last part counts */
        p->p++;
        return parse_primary(p);
    }
    struct expr *e = arena_zalloc(p->a, sizeof *e);
    e->op = E_COLUMN;
    e->name = name;
    return e;
}

static const struct expr *parse_mul(struct parser *p) {
    const struct expr *x = parse_primary(p);
    while (p->rc == BD_OK) {
        if (sign(p, "*"))
            x = node2(p, E_MUL, x, parse_primary(p));
        else if (sign(p, "/"))
            x = node2(p, E_DIV, x, parse_primary(p));
        else if (word(p, "div"))
            x = node2(p, E_INT_DIV, x, parse_primary(p));
        else if (sign(p, "%") || word(p, "mod"))
            x = node2(p, E_MOD, x, parse_primary(p));
        else
            break;
    }
    return x;
}

static const struct expr *parse_add(struct parser *p) {
    const struct expr *x = parse_mul(p);
    while (p->rc == BD_OK) {
        if (sign(p, "+"))
            x = node2(p, E_ADD, x, parse_mul(p));
        else if (sign(p, "-"))
            x = node2(p, E_SUB, x, parse_mul(p));
        else
            break;
    }
    return x;
}

static const struct expr *parse_in(struct parser *p, const struct expr *x) {
    const struct expr *kids[256];
    size_t n = 0;
    kids[n++] = x;
    if (!sign(p, "("))
        fail(p, "a list expected");
    do {
        if (n == 256) {
            fail(p, "the list is too long");
            break;
        }
        kids[n++] = parse_or(p);
    } while (p->rc == BD_OK && sign(p, ","));
    if (p->rc == BD_OK && !sign(p, ")"))
        fail(p, "a closing parenthesis expected");
    return node(p, E_IN, kids, n);
}

static const struct expr *parse_compare(struct parser *p) {
    const struct expr *x = parse_add(p);
    while (p->rc == BD_OK) {
        if (sign(p, "<=>"))
            x = node2(p, E_NULL_EQ, x, parse_add(p));
        else if (sign(p, "<="))
            x = node2(p, E_LE, x, parse_add(p));
        else if (sign(p, ">="))
            x = node2(p, E_GE, x, parse_add(p));
        else if (sign(p, "<>") || sign(p, "!="))
            x = node2(p, E_NE, x, parse_add(p));
        else if (sign(p, "<"))
            x = node2(p, E_LT, x, parse_add(p));
        else if (sign(p, ">"))
            x = node2(p, E_GT, x, parse_add(p));
        else if (sign(p, "="))
            x = node2(p, E_EQ, x, parse_add(p));
        else if (word(p, "is")) {
            bool no = word(p, "not");
            enum expr_op op = E_IS_NULL;
            if (word(p, "true"))
                op = E_IS_TRUE;
            else if (word(p, "false"))
                op = E_IS_FALSE;
            else if (!word(p, "null"))
                fail(p, "NULL expected");
            x = node1(p, op, x);
            if (no)
                x = node1(p, E_NOT, x);
        } else {
            const char *before = p->p;
            bool no = word(p, "not");
            const struct expr *y = NULL;
            if (word(p, "in"))
                y = parse_in(p, x);
            else if (word(p, "like"))
                y = node2(p, E_LIKE, x, parse_add(p));
            else if (word(p, "between")) {
                const struct expr *low = parse_add(p);
                if (!word(p, "and"))
                    fail(p, "AND expected");
                const struct expr *kids[3] = {x, low, parse_add(p)};
                y = node(p, E_BETWEEN, kids, 3);
            }
            if (!y) {
                p->p = before;
                break;
            }
            x = no ? node1(p, E_NOT, y) : y;
        }
    }
    return x;
}

static const struct expr *parse_not(struct parser *p) {
    if (word(p, "not"))
        return node1(p, E_NOT, parse_not(p));
    return parse_compare(p);
}

static const struct expr *parse_and(struct parser *p) {
    const struct expr *x = parse_not(p);
    while (p->rc == BD_OK && (word(p, "and") || sign(p, "&&")))
        x = node2(p, E_AND, x, parse_not(p));
    return x;
}

static const struct expr *parse_or(struct parser *p) {
    const struct expr *x = parse_and(p);
    while (p->rc == BD_OK) {
        if (word(p, "or") || sign(p, "||"))
            x = node2(p, E_OR, x, parse_and(p));
        else if (word(p, "xor"))
            x = node2(p, E_XOR, x, parse_and(p));
        else
            break;
    }
    return x;
}

int expr_parse(const char *text, struct arena *a, const struct expr **out, struct err *err) {
    struct parser p = {text, text, a, err, 0, BD_OK};
    *out = parse_or(&p);
    space(&p);
    if (p.rc == BD_OK && *p.p)
        fail(&p, "unexpected text");
    return p.rc;
}

void expr_columns(const struct expr *e, void (*fn)(void *ctx, const char *column), void *ctx) {
    if (e->op == E_COLUMN)
        fn(ctx, e->name);
    for (size_t i = 0; i < e->kid_count; i++)
        expr_columns(e->kids[i], fn, ctx);
}
