/*
 * The expression parser: precedence climbing over MySQL's levels, loosest first:
 *
 *   OR ||   XOR   AND &&   NOT   = <=> >= > <= < <> != IS LIKE REGEXP IN BETWEEN   |   &   << >>
 *   + -   * / DIV % MOD   ^   unary - + ~ !   COLLATE
 *
 * Depth is bounded by PARSER_DEPTH_MAX, so hostile text cannot exhaust the stack.
 */
#include "store/sql/expr.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum level {
    LEVEL_OR = 1,
    LEVEL_XOR,
    LEVEL_AND,
    LEVEL_NOT,
    LEVEL_COMPARE,
    LEVEL_BIT_OR,
    LEVEL_BIT_AND,
    LEVEL_SHIFT,
    LEVEL_ADD,
    LEVEL_MULTIPLY,
    LEVEL_POWER,
    LEVEL_UNARY
};

static struct sql_expr *parse_level(struct parser *p, int level);

static struct sql_expr *new_expr(struct parser *p, enum sql_expr_kind kind) {
    struct sql_expr *e = arena_zalloc(p->arena, sizeof *e);
    e->kind = kind;
    return e;
}

static struct sql_expr *fail(struct parser *p, int code, const char *what) {
    parser_fail(p, code, what);
    return new_expr(p, EXPR_NULL);
}

static struct sql_expr *measured(struct parser *p, struct sql_expr *e) {
    for (size_t i = 0; i < e->arg_count; i++)
        if (e->args[i]->height >= e->height)
            e->height = e->args[i]->height + 1;
    if (e->height > EXPR_HEIGHT_MAX)
        return fail(p, BD_INVALID, "the expression is too long");
    return e;
}

static struct sql_expr *with_args(struct parser *p, enum sql_expr_kind kind, struct sql_expr *a,
                                  struct sql_expr *b, struct sql_expr *c) {
    struct sql_expr *e = new_expr(p, kind);
    e->args = arena_alloc(p->arena, 3 * sizeof *e->args);
    struct sql_expr *list[] = {a, b, c};
    for (size_t i = 0; i < 3 && list[i]; i++)
        e->args[e->arg_count++] = list[i];
    return measured(p, e);
}

static struct sql_expr *binary(struct parser *p, int op, struct sql_expr *a, struct sql_expr *b) {
    struct sql_expr *e = with_args(p, EXPR_BINARY, a, b, NULL);
    e->op = op;
    return e;
}

static struct sql_expr *call(struct parser *p, const char *name, struct sql_expr *a,
                             struct sql_expr *b) {
    struct sql_expr *e = with_args(p, EXPR_CALL, a, b, NULL);
    e->text = name;
    return e;
}

/* Expressions separated by commas up to ')', which is taken. */
static void parse_list(struct parser *p, struct sql_expr *into, struct sql_expr *first) {
    struct sql_expr **list = NULL;
    size_t count = 0, capacity = 0;
    if (first) {
        MEM_GROW(list, capacity, 1);
        list[count++] = first;
    }
    if (!parser_at_op(p, ')'))
        do {
            struct sql_expr *item = sql_expr_parse(p);
            MEM_GROW(list, capacity, count + 1);
            list[count++] = item;
        } while (!p->failed && parser_accept_op(p, ','));
    parser_expect_op(p, ')');
    if (count)
        into->args = arena_dup(p->arena, list, count * sizeof *list);
    into->arg_count = count;
    free(list);
    measured(p, into);
}

static const char *const units[] = {"microsecond",
                                    "second",
                                    "minute",
                                    "hour",
                                    "day",
                                    "week",
                                    "month",
                                    "quarter",
                                    "year",
                                    "second_microsecond",
                                    "minute_microsecond",
                                    "minute_second",
                                    "hour_microsecond",
                                    "hour_second",
                                    "hour_minute",
                                    "day_microsecond",
                                    "day_second",
                                    "day_minute",
                                    "day_hour",
                                    "year_month"};

static struct sql_expr *parse_interval(struct parser *p) {
    struct sql_expr *e = with_args(p, EXPR_INTERVAL, sql_expr_parse(p), NULL, NULL);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (parser_accept_word(p, units[i])) {
            char *upper = arena_strdup(p->arena, units[i]);
            for (char *c = upper; *c; c++)
                *c = (char)toupper((unsigned char)*c);
            e->text = upper;
            return e;
        }
    return fail(p, BD_INVALID, "a unit of time expected");
}

static struct sql_expr *parse_case(struct parser *p) {
    struct sql_expr *e = new_expr(p, EXPR_CASE), **list = NULL;
    size_t count = 0, capacity = 0;
    if (!parser_at_word(p, "when")) {
        MEM_GROW(list, capacity, 1);
        list[count++] = sql_expr_parse(p);
        e->op |= EXPR_CASE_OPERAND;
    }
    if (!parser_at_word(p, "when"))
        parser_fail(p, BD_INVALID, "WHEN expected");
    while (parser_accept_word(p, "when")) {
        MEM_GROW(list, capacity, count + 2);
        list[count++] = sql_expr_parse(p);
        parser_expect_word(p, "then");
        list[count++] = sql_expr_parse(p);
    }
    if (parser_accept_word(p, "else")) {
        MEM_GROW(list, capacity, count + 1);
        list[count++] = sql_expr_parse(p);
        e->op |= EXPR_CASE_ELSE;
    }
    parser_expect_word(p, "end");
    if (count)
        e->args = arena_dup(p->arena, list, count * sizeof *list);
    e->arg_count = count;
    free(list);
    return measured(p, e);
}

/* The type behind AS or the comma of CAST and CONVERT, up to ')', which is taken. */
static struct sql_expr *parse_cast_type(struct parser *p, struct sql_expr *value) {
    struct sql_expr *e = with_args(p, EXPR_CAST, value, NULL, NULL);
    struct buf b = BUF_INIT;
    int depth = 0;
    while (!p->failed && p->tok.kind != TOK_END && !(depth == 0 && parser_at_op(p, ')'))) {
        if (parser_at_op(p, '('))
            depth++;
        else if (parser_at_op(p, ')'))
            depth--;
        else if (b.size && p->tok.kind == TOK_WORD)
            buf_add_char(&b, ' ');
        for (size_t i = 0; i < p->tok.size; i++)
            buf_add_char(&b, (char)tolower((unsigned char)p->tok.start[i]));
        parser_advance(p);
    }
    parser_expect_op(p, ')');
    if (strcmp(buf_str(&b), "signed integer") == 0 || strcmp(buf_str(&b), "unsigned integer") == 0)
        *strchr(b.data, ' ') = '\0';
    if (b.size == 0)
        parser_fail(p, BD_INVALID, "a type expected");
    e->text = arena_strdup(p->arena, buf_str(&b));
    buf_release(&b);
    return e;
}

static struct sql_expr *parse_convert(struct parser *p, bool is_cast) {
    struct sql_expr *value = sql_expr_parse(p);
    if (is_cast) {
        parser_expect_word(p, "as");
        return parse_cast_type(p, value);
    }
    if (parser_accept_word(p, "using")) {
        parser_name(p);
        parser_expect_op(p, ')');
        return value;
    }
    parser_expect_op(p, ',');
    return parse_cast_type(p, value);
}

static struct sql_expr *parse_trim(struct parser *p) {
    const char *side = "both";
    bool spelled = true;
    struct sql_expr *what = NULL, *from;
    if (parser_accept_word(p, "leading"))
        side = "leading";
    else if (parser_accept_word(p, "trailing"))
        side = "trailing";
    else
        spelled = parser_accept_word(p, "both");
    if (spelled && parser_accept_word(p, "from")) {
        from = sql_expr_parse(p);
    } else {
        from = sql_expr_parse(p);
        if (parser_accept_word(p, "from")) {
            what = from;
            from = sql_expr_parse(p);
        }
    }
    parser_expect_op(p, ')');
    if (!what) {
        what = new_expr(p, EXPR_STRING);
        what->text = " ";
        what->text_size = 1;
    }
    struct sql_expr *e = call(p, "trim", what, from);
    e->qualifier = side;
    return e;
}

/* name( was read */
static struct sql_expr *parse_call(struct parser *p, const char *name) {
    char low[64];
    size_t n = 0;
    for (; name[n] && n + 1 < sizeof low; n++)
        low[n] = (char)tolower((unsigned char)name[n]);
    low[n] = '\0';
    if (strcmp(low, "cast") == 0 || strcmp(low, "convert") == 0)
        return parse_convert(p, low[1] == 'a');
    if (strcmp(low, "trim") == 0)
        return parse_trim(p);
    struct sql_expr *e = new_expr(p, EXPR_CALL);
    e->text = arena_strdup(p->arena, low);
    if (parser_accept_op(p, '*')) {
        e->op = '*';
        parser_expect_op(p, ')');
        return e;
    }
    if (parser_at_word(p, "select"))
        return fail(p, BD_UNSUPPORTED, "subqueries are not supported here");
    if (strcmp(low, "substring") == 0 || strcmp(low, "substr") == 0 || strcmp(low, "mid") == 0) {
        struct sql_expr *first = sql_expr_parse(p);
        if (parser_accept_word(p, "from") || parser_accept_op(p, ',')) {
            struct sql_expr *rest = new_expr(p, EXPR_CALL);
            struct sql_expr *start = sql_expr_parse(p);
            if (parser_accept_word(p, "for") || parser_accept_op(p, ',')) {
                parse_list(p, rest, start);
            } else {
                parser_expect_op(p, ')');
                rest = with_args(p, EXPR_CALL, start, NULL, NULL);
            }
            e->args = arena_alloc(p->arena, (rest->arg_count + 1) * sizeof *e->args);
            e->args[0] = first;
            memcpy(e->args + 1, rest->args, rest->arg_count * sizeof *e->args);
            e->arg_count = rest->arg_count + 1;
            return measured(p, e);
        }
        parser_expect_op(p, ')');
        return fail(p, BD_INVALID, "SUBSTRING needs a position");
    }
    parse_list(p, e, NULL);
    if (parser_at_word(p, "over"))
        return fail(p, BD_UNSUPPORTED, "window functions are not supported here");
    return e;
}

/* Functions that may be written without parentheses. */
static bool is_bare_function(const struct token *t) {
    static const char *const names[] = {"current_timestamp", "current_date",   "current_time",
                                        "localtime",         "localtimestamp", "utc_timestamp",
                                        "utc_date",          "utc_time",       "current_user"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (token_is(t, names[i]))
            return true;
    return false;
}

static struct sql_expr *parse_name(struct parser *p) {
    struct token t = p->tok;
    parser_advance(p);
    if (t.kind == TOK_WORD && parser_at_op(p, '(') && p->tok.start == t.start + t.size) {
        parser_advance(p);
        return parse_call(p, t.text);
    }
    if (t.kind == TOK_WORD && is_bare_function(&t)) {
        struct sql_expr *e = new_expr(p, EXPR_CALL);
        char *low = arena_strdup(p->arena, t.text);
        for (char *c = low; *c; c++)
            *c = (char)tolower((unsigned char)*c);
        e->text = low;
        return e;
    }
    if (t.kind == TOK_WORD && parser_at_op(p, '(')) { /* blanks between name and parenthesis */
        parser_advance(p);
        return parse_call(p, t.text);
    }
    struct sql_expr *e = new_expr(p, EXPR_COLUMN);
    e->text = t.text;
    while (parser_accept_op(p, '.')) {
        e->qualifier = e->text;
        e->text = parser_name(p);
    }
    return e;
}

static struct sql_expr *literal(struct parser *p, enum sql_expr_kind kind) {
    struct sql_expr *e = new_expr(p, kind);
    e->text = p->tok.text;
    e->text_size = p->tok.text_size;
    parser_advance(p);
    return e;
}

static struct sql_expr *string_literal(struct parser *p) {
    struct sql_expr *e = new_expr(p, EXPR_STRING);
    e->text = parser_string(p, &e->text_size);
    return e;
}

static struct sql_expr *parse_word(struct parser *p) {
    const struct token *next;
    if (parser_accept_word(p, "null"))
        return new_expr(p, EXPR_NULL);
    if (parser_at_word(p, "true") || parser_at_word(p, "false")) {
        struct sql_expr *e = new_expr(p, EXPR_BOOL);
        e->op = parser_at_word(p, "true");
        parser_advance(p);
        return e;
    }
    if (parser_accept_word(p, "case"))
        return parse_case(p);
    if (parser_accept_word(p, "interval"))
        return parse_interval(p);
    if (parser_at_word(p, "exists") || parser_at_word(p, "select") || parser_at_word(p, "match"))
        return fail(p, BD_UNSUPPORTED, "subqueries and MATCH are not supported here");
    next = parser_peek(p);
    if (next->kind == TOK_STRING && next->start > p->tok.start) {
        bool typed =
            parser_at_word(p, "date") || parser_at_word(p, "time") || parser_at_word(p, "timestamp");
        bool introducer = p->tok.text[0] == '_' && next->start == p->tok.start + p->tok.size;
        bool national = parser_at_word(p, "n") && next->start == p->tok.start + 1;
        if (typed || introducer || national) {
            parser_advance(p);
            return string_literal(p);
        }
    }
    if (p->tok.text[0] == '_' && (next->kind == TOK_HEX || next->kind == TOK_BITS))
        parser_advance(p);
    if (p->tok.kind != TOK_WORD)
        return literal(p, p->tok.kind == TOK_HEX ? EXPR_HEX : EXPR_BITS);
    return parse_name(p);
}

static struct sql_expr *parse_primary(struct parser *p) {
    switch (p->tok.kind) {
    case TOK_INTEGER: return literal(p, EXPR_INTEGER);
    case TOK_DECIMAL: return literal(p, EXPR_DECIMAL);
    case TOK_FLOAT: return literal(p, EXPR_FLOAT);
    case TOK_HEX: return literal(p, EXPR_HEX);
    case TOK_BITS: return literal(p, EXPR_BITS);
    case TOK_VARIABLE: return literal(p, EXPR_VARIABLE);
    case TOK_PARAM: return literal(p, EXPR_PARAM);
    case TOK_STRING: return string_literal(p);
    case TOK_QUOTED: return parse_name(p);
    case TOK_WORD: return parse_word(p);
    case TOK_OP: break;
    case TOK_END: break;
    }
    if (parser_accept_op(p, '(')) {
        if (parser_at_word(p, "select") || parser_at_word(p, "with"))
            return fail(p, BD_UNSUPPORTED, "subqueries are not supported here");
        struct sql_expr *e = sql_expr_parse(p);
        if (parser_accept_op(p, ',')) {
            struct sql_expr *tuple = new_expr(p, EXPR_TUPLE);
            parse_list(p, tuple, e);
            return tuple;
        }
        parser_expect_op(p, ')');
        return e;
    }
    return fail(p, BD_INVALID, "an expression expected");
}

static struct sql_expr *parse_postfix(struct parser *p) {
    struct sql_expr *e = parse_primary(p);
    for (;;) {
        if (parser_accept_word(p, "collate")) {
            e = with_args(p, EXPR_COLLATE, e, NULL, NULL);
            e->text = parser_name(p);
        } else if (parser_at_op(p, OP_ARROW) || parser_at_op(p, OP_ARROW_TEXT)) {
            bool as_text = parser_at_op(p, OP_ARROW_TEXT);
            parser_advance(p);
            e = call(p, "json_extract", e, string_literal(p));
            if (as_text)
                e = call(p, "json_unquote", e, NULL);
        } else {
            return e;
        }
    }
}

static struct sql_expr *parse_unary(struct parser *p) {
    static const char signs[] = "-+~!";
    for (const char *s = signs; *s; s++)
        if (parser_accept_op(p, (unsigned char)*s)) {
            struct sql_expr *e = with_args(p, EXPR_UNARY, parse_level(p, LEVEL_UNARY), NULL, NULL);
            e->op = (unsigned char)*s;
            return e;
        }
    if (parser_at_word(p, "binary")) {
        const struct token *next = parser_peek(p);
        if (next->kind != TOK_END && !(next->kind == TOK_OP && next->op != '(')) {
            parser_advance(p);
            return with_args(p, EXPR_BINARY_CAST, parse_level(p, LEVEL_UNARY), NULL, NULL);
        }
    }
    return parse_postfix(p);
}

/* Level of the binary operator at the current token, 0 when it is none. */
static int binary_level(struct parser *p, int *op) {
    const struct token *t = &p->tok;
    *op = t->op;
    if (t->kind == TOK_OP)
        switch (t->op) {
        case OP_OR_OR: *op = EXPR_OP_OR; return LEVEL_OR;
        case OP_AND_AND: *op = EXPR_OP_AND; return LEVEL_AND;
        case '=':
        case OP_NULL_SAFE_EQ:
        case OP_GE:
        case '>':
        case OP_LE:
        case '<':
        case OP_NE: return LEVEL_COMPARE;
        case '|': return LEVEL_BIT_OR;
        case '&': return LEVEL_BIT_AND;
        case OP_SHIFT_LEFT:
        case OP_SHIFT_RIGHT: return LEVEL_SHIFT;
        case '+':
        case '-': return LEVEL_ADD;
        case '*':
        case '/': return LEVEL_MULTIPLY;
        case '%': *op = EXPR_OP_MOD; return LEVEL_MULTIPLY;
        case '^': return LEVEL_POWER;
        default: return 0;
        }
    static const struct {
        const char *word;
        int op, level;
    } words[] = {{"or", EXPR_OP_OR, LEVEL_OR},
                 {"xor", EXPR_OP_XOR, LEVEL_XOR},
                 {"and", EXPR_OP_AND, LEVEL_AND},
                 {"div", EXPR_OP_DIV, LEVEL_MULTIPLY},
                 {"mod", EXPR_OP_MOD, LEVEL_MULTIPLY}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (token_is(t, words[i].word)) {
            *op = words[i].op;
            return words[i].level;
        }
    return 0;
}

/* IS, IN, LIKE, REGEXP, BETWEEN behind `left`; NULL when none follows. */
static struct sql_expr *parse_predicate(struct parser *p, struct sql_expr *left) {
    struct sql_expr *e;
    bool negated = false;
    if (parser_accept_word(p, "is")) {
        negated = parser_accept_word(p, "not");
        static const char *const what[] = {"null", "true", "false", "unknown"};
        for (int i = 0; i < 4; i++)
            if (parser_accept_word(p, what[i])) {
                e = with_args(p, EXPR_IS, left, NULL, NULL);
                e->op = EXPR_IS_NULL + i;
                e->negated = negated;
                return e;
            }
        return fail(p, BD_INVALID, "NULL, TRUE, FALSE or UNKNOWN expected");
    }
    if (parser_at_word(p, "not")) {
        const struct token *next = parser_peek(p);
        if (!token_is(next, "in") && !token_is(next, "like") && !token_is(next, "between") &&
            !token_is(next, "regexp") && !token_is(next, "rlike"))
            return NULL;
        negated = true;
        parser_advance(p);
    }
    if (parser_accept_word(p, "in")) {
        e = new_expr(p, EXPR_IN);
        parser_expect_op(p, '(');
        if (parser_at_word(p, "select") || parser_at_word(p, "with"))
            return fail(p, BD_UNSUPPORTED, "subqueries are not supported here");
        parse_list(p, e, left);
    } else if (parser_accept_word(p, "like")) {
        struct sql_expr *pattern = parse_level(p, LEVEL_BIT_OR);
        struct sql_expr *escape = parser_accept_word(p, "escape") ? parse_level(p, LEVEL_BIT_OR) : NULL;
        e = with_args(p, EXPR_LIKE, left, pattern, escape);
    } else if (parser_accept_word(p, "regexp") || parser_accept_word(p, "rlike")) {
        e = with_args(p, EXPR_REGEXP, left, parse_level(p, LEVEL_BIT_OR), NULL);
    } else if (parser_accept_word(p, "between")) {
        struct sql_expr *low = parse_level(p, LEVEL_BIT_OR);
        parser_expect_word(p, "and");
        e = with_args(p, EXPR_BETWEEN, left, low, parse_level(p, LEVEL_BIT_OR));
    } else {
        return NULL;
    }
    e->negated = negated;
    return e;
}

static struct sql_expr *parse_level(struct parser *p, int level) {
    if (p->depth >= PARSER_DEPTH_MAX)
        return fail(p, BD_INVALID, "the expression is nested too deeply");
    p->depth++;
    struct sql_expr *e;
    if (level <= LEVEL_NOT && parser_accept_word(p, "not")) {
        e = with_args(p, EXPR_UNARY, parse_level(p, LEVEL_NOT), NULL, NULL);
        e->op = '!';
    } else {
        e = parse_unary(p);
    }
    while (!p->failed) {
        int op, next = binary_level(p, &op);
        if (next == 0 && level <= LEVEL_COMPARE) {
            struct sql_expr *predicate = parse_predicate(p, e);
            if (predicate) {
                e = predicate;
                continue;
            }
        }
        if (next == 0 || next < level)
            break;
        parser_advance(p);
        e = binary(p, op, e, parse_level(p, next + 1));
    }
    p->depth--;
    return e;
}

struct sql_expr *sql_expr_parse(struct parser *p) {
    return parse_level(p, LEVEL_OR);
}

struct sql_expr *sql_expr_parse_operand(struct parser *p) {
    return parse_primary(p);
}
