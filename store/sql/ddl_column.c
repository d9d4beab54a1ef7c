/*
 * Column definitions: type, attributes, and the text of defaults as Dolt stores them. A literal default
 * is stored converted to the column's type (`5` for INT DEFAULT '5', `'5'` for VARCHAR DEFAULT 5); an
 * expression is stored in parentheses in its printed form; NOW() in all its spellings is
 * CURRENT_TIMESTAMP.
 */
#include "store/sql/ddl_column.h"

#include "store/sql/expr.h"
#include "store/value/collation.h"
#include "store/value/tuple.h"

#include <stdlib.h>
#include <string.h>

static const char *stored_now(struct parser *p, int digits) {
    return digits > 0 ? arena_printf(p->arena, "CURRENT_TIMESTAMP(%d)", digits) : "CURRENT_TIMESTAMP";
}

static const char *stored_expression(struct parser *p, const struct sql_expr *e, bool parenthesised) {
    struct buf b = BUF_INIT;
    if (parenthesised)
        buf_add_char(&b, '(');
    int rc = p->failed ? p->failed : sql_expr_format(e, &b, p->err);
    if (rc != BD_OK)
        parser_stop(p, rc);
    if (parenthesised)
        buf_add_char(&b, ')');
    const char *text = arena_strndup(p->arena, buf_str(&b), b.size);
    buf_release(&b);
    return text;
}

static bool is_numeric(enum sql_base b) { return b <= SQL_DECIMAL || b == SQL_YEAR || b == SQL_BIT; }

/* The value of a literal as a cell; false for anything else. */
static bool literal_cell(const struct sql_expr *e, struct arena *a, struct cell *out) {
    bool negative = false;
    if (e->kind == EXPR_UNARY && e->op == '-') {
        e = e->args[0];
        negative = true;
    }
    switch (e->kind) {
    case EXPR_INTEGER:
    case EXPR_DECIMAL:
    case EXPR_FLOAT: {
        const char *text = negative ? arena_printf(a, "-%s", e->text) : e->text;
        *out = cell_text(text);
        out->kind = CELL_DECIMAL;
        return true;
    }
    case EXPR_STRING: *out = cell_text_n(e->text, e->text_size); return !negative;
    case EXPR_BOOL: *out = cell_int(e->op); return !negative;
    case EXPR_BITS: {
        uint64_t v = 0;
        for (const char *c = e->text; *c; c++)
            v = v << 1 | (uint64_t)(*c - '0');
        *out = (struct cell){.kind = CELL_UINT, .u = v};
        return !negative;
    }
    case EXPR_HEX: {
        uint64_t v = 0;
        if (strlen(e->text) > 16)
            return false;
        for (const char *c = e->text; *c; c++)
            v = v << 4 | (uint64_t)(*c <= '9' ? *c - '0' : (*c | 32) - 'a' + 10);
        *out = (struct cell){.kind = CELL_UINT, .u = v};
        return !negative;
    }
    default: return false;
    }
}

static const char *stored_literal(struct parser *p, const struct sql_expr *e,
                                  const struct sql_type *type) {
    struct cell c, converted;
    if (type->base == SQL_UNKNOWN || (e->kind == EXPR_HEX && !is_numeric(type->base)))
        return stored_expression(p, e, false);
    if (!literal_cell(e, p->arena, &c))
        return stored_expression(p, e, false);
    struct err why = ERR_INIT;
    if (cell_convert(type, &c, p->arena, &converted, &why) != BD_OK) {
        err_set(p->err, BD_INVALID, "Invalid default value: %.800s", why.msg);
        parser_stop(p, BD_INVALID);
        return "";
    }
    if (is_numeric(type->base))
        return cell_format(&converted, p->arena);
    /* texts, times, enumerations: quoted as they were written */
    const char *text = cell_format(&c, p->arena);
    struct buf b = BUF_INIT;
    sql_expr_add_literal(&b, text, cell_has_text(&c) ? c.s.size : strlen(text));
    text = arena_strndup(p->arena, buf_str(&b), b.size);
    buf_release(&b);
    return text;
}

const char *ddl_parse_default(struct parser *p, const struct sql_type *type) {
    if (parser_accept_word(p, "null"))
        return "NULL";
    bool parenthesised = parser_at_op(p, '(');
    struct sql_expr *e;
    if (parenthesised) {
        parser_advance(p);
        e = sql_expr_parse(p);
        parser_expect_op(p, ')');
    } else if (parser_accept_op(p, '-')) {
        struct sql_expr *number = arena_zalloc(p->arena, sizeof *number);
        struct sql_expr *minus = arena_zalloc(p->arena, sizeof *minus);
        *number = (struct sql_expr){.kind = p->tok.kind == TOK_INTEGER   ? EXPR_INTEGER
                                            : p->tok.kind == TOK_DECIMAL ? EXPR_DECIMAL
                                                                         : EXPR_FLOAT,
                                    .text = p->tok.text};
        if (p->tok.kind != TOK_INTEGER && p->tok.kind != TOK_DECIMAL && p->tok.kind != TOK_FLOAT)
            parser_fail(p, BD_INVALID, "a number expected");
        parser_advance(p);
        *minus = (struct sql_expr){.kind = EXPR_UNARY, .op = '-', .arg_count = 1};
        minus->args = arena_dup(p->arena, &number, sizeof number);
        e = minus;
    } else {
        /* one literal or one function call; what follows belongs to the column */
        e = sql_expr_parse_operand(p);
    }
    if (p->failed)
        return "";
    int digits = sql_expr_is_now(e);
    if (digits >= 0)
        return stored_now(p, digits);
    if (parenthesised)
        return stored_expression(p, e, true);
    if (e->kind == EXPR_CALL || e->kind == EXPR_COLUMN) {
        parser_fail(p, BD_INVALID, "a default that is an expression needs parentheses");
        return "";
    }
    return stored_literal(p, e, type);
}

static const char *parse_on_update(struct parser *p) {
    struct sql_expr *e = sql_expr_parse_operand(p);
    int digits = p->failed ? 0 : sql_expr_is_now(e);
    if (digits < 0)
        parser_fail(p, BD_INVALID, "ON UPDATE takes CURRENT_TIMESTAMP only");
    return stored_now(p, digits);
}

struct ddl_check ddl_parse_check(struct parser *p, const char *name) {
    struct ddl_check c = {.name = name};
    parser_expect_op(p, '(');
    struct sql_expr *e = sql_expr_parse(p);
    parser_expect_op(p, ')');
    c.expression = stored_expression(p, e, false);
    if (parser_accept_words(p, "not", "enforced"))
        c.not_enforced = true;
    else
        parser_accept_word(p, "enforced");
    return c;
}

const char *const *ddl_parse_names(struct parser *p, size_t *count) {
    const char **list = NULL;
    size_t n = 0, capacity = 0;
    parser_expect_op(p, '(');
    do {
        const char *name = parser_name(p);
        MEM_GROW(list, capacity, n + 1);
        list[n++] = name;
    } while (!p->failed && parser_accept_op(p, ','));
    parser_expect_op(p, ')');
    const char *const *out = arena_dup(p->arena, list, n * sizeof *list);
    free(list);
    *count = n;
    return out;
}

static enum ddl_fk_action parse_action(struct parser *p) {
    if (parser_accept_word(p, "cascade"))
        return DDL_FK_CASCADE;
    if (parser_accept_word(p, "restrict"))
        return DDL_FK_RESTRICT;
    if (parser_accept_words(p, "set", "null"))
        return DDL_FK_SET_NULL;
    if (parser_accept_words(p, "no", "action"))
        return DDL_FK_NO_ACTION;
    if (parser_accept_words(p, "set", "default"))
        return DDL_FK_SET_DEFAULT;
    parser_fail(p, BD_INVALID, "CASCADE, RESTRICT, SET NULL, NO ACTION or SET DEFAULT expected");
    return DDL_FK_DEFAULT;
}

void ddl_parse_references(struct parser *p, struct ddl_foreign_key *fk) {
    fk->parent_table = parser_qualified_name(p, NULL);
    if (parser_at_op(p, '('))
        fk->parent_columns = ddl_parse_names(p, &fk->parent_column_count);
    if (parser_accept_word(p, "match"))
        parser_name(p);
    for (;;) {
        if (parser_accept_words(p, "on", "delete"))
            fk->on_delete = parse_action(p);
        else if (parser_at_word(p, "on") && token_is(parser_peek(p), "update")) {
            parser_accept_words(p, "on", "update");
            fk->on_update = parse_action(p);
        } else
            break;
    }
}

uint16_t ddl_parse_collation(struct parser *p) {
    bool charset = parser_accept_words(p, "character", "set") ||
                   parser_accept_words(p, "char", "set") || parser_accept_word(p, "charset");
    if (!charset && !parser_accept_word(p, "collate"))
        return 0;
    parser_accept_op(p, '=');
    if (p->tok.kind != TOK_WORD && p->tok.kind != TOK_STRING && p->tok.kind != TOK_QUOTED) {
        parser_fail(p, BD_INVALID, "a name expected");
        return 0;
    }
    uint16_t id = charset ? collation_of_charset(p->tok.text, p->tok.text_size, false)
                          : collation_by_name(p->tok.text, p->tok.text_size);
    if (id == 0)
        parser_fail(p, BD_INVALID, charset ? "unknown character set" : "unknown collation");
    parser_advance(p);
    return id;
}

static void parse_generated(struct parser *p, struct ddl_column *c) {
    parser_expect_op(p, '(');
    struct sql_expr *e = sql_expr_parse(p);
    parser_expect_op(p, ')');
    c->default_text = stored_expression(p, e, true);
    c->generated = true;
    c->is_virtual = true;
    if (parser_accept_word(p, "stored") || parser_accept_word(p, "persistent"))
        c->is_virtual = false;
    else
        parser_accept_word(p, "virtual");
}

static void add_check(struct parser *p, struct column_extras *x, const char *name) {
    struct ddl_check check = ddl_parse_check(p, name);
    MEM_GROW(x->checks, x->check_capacity, x->check_count + 1);
    x->checks[x->check_count++] = check;
}

static void add_reference(struct parser *p, const char *column, struct column_extras *x) {
    struct ddl_foreign_key fk = {.column_count = 1};
    fk.columns = arena_dup(p->arena, &column, sizeof column);
    ddl_parse_references(p, &fk);
    MEM_GROW(x->foreign_keys, x->foreign_key_capacity, x->foreign_key_count + 1);
    x->foreign_keys[x->foreign_key_count++] = fk;
}

/* One attribute; false when the current token begins none. */
static bool parse_attribute(struct parser *p, struct ddl_column *c, struct column_extras *x) {
    uint16_t collation;
    if (parser_accept_words(p, "not", "null")) {
        c->nullability = DDL_NOT_NULL;
    } else if (parser_accept_word(p, "null")) {
        c->nullability = DDL_NULL;
    } else if (parser_accept_word(p, "default")) {
        c->default_text = ddl_parse_default(p, &c->type);
        c->has_default = true;
    } else if (parser_accept_words(p, "on", "update")) {
        c->on_update = parse_on_update(p);
    } else if (parser_accept_word(p, "auto_increment")) {
        c->auto_increment = true;
    } else if (parser_accept_words(p, "primary", "key") || parser_accept_word(p, "key")) {
        c->primary_key = true;
    } else if (parser_accept_word(p, "unique")) {
        parser_accept_word(p, "key");
        c->unique = true;
    } else if (parser_accept_word(p, "comment")) {
        c->comment = parser_string(p, NULL);
    } else if ((collation = ddl_parse_collation(p)) != 0) {
        if (!sql_type_is_text(&c->type))
            parser_fail(p, BD_INVALID, "only text columns have a collation");
        c->type.collation = collation;
        c->collation_given = true;
    } else if (parser_accept_words(p, "generated", "always")) {
        parser_expect_word(p, "as");
        parse_generated(p, c);
    } else if (parser_accept_word(p, "as")) {
        parse_generated(p, c);
    } else if (parser_accept_word(p, "references")) {
        add_reference(p, c->name, x);
    } else if (parser_accept_word(p, "constraint")) {
        const char *name = parser_at_word(p, "check") ? NULL : parser_name(p);
        parser_expect_word(p, "check");
        add_check(p, x, name);
    } else if (parser_accept_word(p, "check")) {
        add_check(p, x, NULL);
    } else if (c->type.base == SQL_GEOMETRY && parser_accept_word(p, "srid")) {
        const char **text = arena_alloc(p->arena, sizeof *text);
        uint64_t srid = parser_integer(p);
        *text = arena_printf(p->arena, "%s SRID %u", c->type.members[0], (unsigned)srid);
        c->type.members = text;
    } else if (parser_accept_word(p, "column_format") || parser_accept_word(p, "storage")) {
        parser_name(p);
    } else if (!parser_accept_word(p, "visible")) {
        return false;
    }
    return !p->failed;
}

void ddl_parse_column(struct parser *p, struct ddl_column *c, struct column_extras *x) {
    *c = (struct ddl_column){.type_text = "", .default_text = "", .on_update = "", .comment = ""};
    c->name = parser_name(p);
    if (p->failed)
        return;
    size_t used;
    const char *start = p->tok.start;
    int rc = sql_type_scan(start, (size_t)(p->lexer.end - start), p->arena, &c->type,
                           &c->collation_given, &used, p->err);
    if (rc != BD_OK) {
        parser_stop(p, rc);
        return;
    }
    parser_seek(p, start + used);
    while (parse_attribute(p, c, x))
        ;
    if (c->type.collation == COLLATION_BINARY && sql_type_is_text(&c->type)) {
        /* COLLATE binary makes CHAR a BINARY, as directly behind the type */
        struct sql_type binary;
        const char *text = arena_printf(
            p->arena, "%s CHARACTER SET binary",
            sql_type_format(&(struct sql_type){.base = c->type.base, .length = c->type.length},
                            p->arena));
        if (sql_type_parse(text, p->arena, &binary, NULL) == BD_OK)
            c->type = binary;
    }
    c->type_text = sql_type_format(&c->type, p->arena);
}
