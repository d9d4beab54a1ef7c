/*
 * The text that Dolt stores for an expression of a table definition. It is what its SQL layer prints
 * for the resolved expression, so schemas made here and there have equal hashes; the forms were read
 * off definitions that Dolt 1.88 had stored.
 */
#include "store/sql/expr.h"

#include "store/value/json.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Functions whose stored form differs from `lower case name(args joined by ",")`. */
static const struct {
    const char *name, *stored;
    bool spaced;          /* arguments joined by ", " */
    unsigned count;       /* with this number of arguments … */
    const char *appended; /* … this is added inside the parentheses */
} functions[] = {
    {"atan", "atan", true, 1, ", 1"},
    {"atan2", "atan", true, 1, ", 1"},
    {"bin_to_uuid", "BIN_TO_UUID", true, 0, NULL},
    {"ceiling", "ceil", false, 0, NULL},
    {"char", "char", true, 0, NULL},
    {"character_length", "char_length", false, 0, NULL},
    {"date", "DATE", false, 0, NULL},
    {"date_format", "date_format", true, 0, NULL},
    {"datediff", "DATEDIFF", true, 0, NULL},
    {"dayofmonth", "day", false, 0, NULL},
    {"dayofweek", "DAYOFWEEK", false, 0, NULL},
    {"dayofyear", "DAYOFYEAR", false, 0, NULL},
    {"export_set", "export_set", true, 0, NULL},
    {"from_unixtime", "FROM_UNIXTIME", true, 0, NULL},
    {"gtid_subtract", "gtid_subtract", true, 0, NULL},
    {"ifnull", "ifnull", true, 0, NULL},
    {"instr", "INSTR", true, 0, NULL},
    {"json_extract", "json_extract", true, 0, NULL},
    {"json_keys", "json_keys", true, 1, ", '$'"},
    {"json_merge", "json_merge_preserve", false, 0, NULL},
    {"json_overlaps", "json_overlaps", true, 0, NULL},
    {"json_search", "json_search", true, 3, ", NULL, NULL"},
    {"json_value", "json_value", true, 1, ", '$'"},
    {"lcase", "lower", false, 0, NULL},
    {"least", "least", true, 0, NULL},
    {"left", "LEFT", true, 0, NULL},
    {"lpad", "lpad", true, 0, NULL},
    {"make_set", "make_set", true, 0, NULL},
    {"microsecond", "MICROSECOND", false, 0, NULL},
    {"mid", "SUBSTRING", true, 0, NULL},
    {"monthname", "MONTHNAME", false, 0, NULL},
    {"octet_length", "length", false, 0, NULL},
    {"pow", "power", true, 0, NULL},
    {"power", "power", true, 0, NULL},
    {"repeat", "repeat", true, 0, NULL},
    {"replace", "replace", true, 0, NULL},
    {"right", "RIGHT", true, 0, NULL},
    {"round", "round", false, 1, ",0"},
    {"rpad", "rpad", true, 0, NULL},
    {"sha", "sha1", false, 0, NULL},
    {"substr", "SUBSTRING", true, 0, NULL},
    {"substring", "SUBSTRING", true, 0, NULL},
    {"substring_index", "SUBSTRING_INDEX", true, 0, NULL},
    {"time", "TIME", false, 0, NULL},
    {"time_to_sec", "TIME_TO_SEC", false, 0, NULL},
    {"timestamp", "datetime", false, 0, NULL},
    {"ucase", "upper", false, 0, NULL},
    {"utc_timestamp", "UTC_TIMESTAMP", false, 0, "0"},
    {"uuid_to_bin", "UUID_TO_BIN", true, 0, NULL},
    {"week", "WEEK", true, 1, ", 0"},
    {"weekofyear", "WEEKOFYEAR", false, 0, NULL},
};

static bool is_now_name(const char *name) {
    static const char *const names[] = {"now", "current_timestamp", "localtime", "localtimestamp"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

int sql_expr_is_now(const struct sql_expr *e) {
    if (e->kind != EXPR_CALL || e->op || !is_now_name(e->text))
        return -1;
    if (e->arg_count == 0)
        return 0;
    if (e->arg_count == 1 && e->args[0]->kind == EXPR_INTEGER && strlen(e->args[0]->text) == 1 &&
        e->args[0]->text[0] <= '6')
        return e->args[0]->text[0] - '0';
    return -1;
}

void sql_expr_add_literal(struct buf *out, const char *text, size_t size) {
    buf_add_char(out, '\'');
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\'' || text[i] == '\\')
            buf_add_char(out, text[i]);
        buf_add_char(out, text[i]);
    }
    buf_add_char(out, '\'');
}

static int add(const struct sql_expr *e, struct buf *out, struct err *err);

static int add_args(const struct sql_expr *e, size_t first, const char *separator, struct buf *out,
                    struct err *err) {
    for (size_t i = first; i < e->arg_count; i++) {
        if (i > first)
            buf_add_str(out, separator);
        int rc = add(e->args[i], out, err);
        if (rc != BD_OK)
            return rc;
    }
    return BD_OK;
}

static int unsupported(struct err *err, const char *what) {
    return err_set(err, BD_UNSUPPORTED, "%s cannot be part of a table definition", what);
}

static void add_name(struct buf *out, const char *name) {
    buf_add_char(out, '`');
    for (; *name; name++) {
        if (*name == '`')
            buf_add_char(out, '`');
        buf_add_char(out, *name);
    }
    buf_add_char(out, '`');
}

static void add_integer(const char *text, struct buf *out) {
    while (text[0] == '0' && text[1])
        text++;
    buf_add_str(out, text);
}

static void add_float(const char *text, struct buf *out) {
    char number[JSON_NUMBER_SIZE];
    size_t n = json_format_number(strtod(text, NULL), number);
    buf_add(out, number, n);
}

static void add_bits(const char *bits, struct buf *out) {
    uint64_t v = 0;
    for (; *bits; bits++)
        v = v << 1 | (uint64_t)(*bits - '0');
    buf_addf(out, "%llu", (unsigned long long)v);
}

static void add_hex(const char *digits, struct buf *out) {
    buf_add_str(out, "0x");
    if (strlen(digits) % 2)
        buf_add_char(out, '0');
    for (; *digits; digits++)
        buf_add_char(out, (char)toupper((unsigned char)*digits));
}

static int add_call(const struct sql_expr *e, struct buf *out, struct err *err) {
    int now = sql_expr_is_now(e);
    if (e->op == '*')
        return unsupported(err, "an aggregate");
    if (now >= 0) {
        buf_add_str(out, strcmp(e->text, "now") == 0 ? "NOW(" : "CURRENT_TIMESTAMP(");
        if (now > 0)
            buf_addf(out, "%d", now);
        buf_add_char(out, ')');
        return BD_OK;
    }
    if (strcmp(e->text, "trim") == 0 && e->qualifier) {
        buf_addf(out, "trim(%s ", e->qualifier);
        int rc = add(e->args[0], out, err);
        buf_add_str(out, " from ");
        if (rc == BD_OK)
            rc = add(e->args[1], out, err);
        buf_add_char(out, ')');
        return rc;
    }
    if (strcmp(e->text, "mod") == 0 && e->arg_count == 2) {
        buf_add_char(out, '(');
        int rc = add_args(e, 0, " % ", out, err);
        buf_add_char(out, ')');
        return rc;
    }
    bool by_days = strcmp(e->text, "adddate") == 0 || strcmp(e->text, "subdate") == 0;
    if (by_days && e->arg_count == 2) {
        buf_add_str(out, e->text[0] == 'a' ? "date_add(" : "date_sub(");
        int rc = add(e->args[0], out, err);
        bool interval = e->args[1]->kind == EXPR_INTERVAL;
        buf_add_str(out, interval ? "," : ",INTERVAL ");
        if (rc == BD_OK)
            rc = add(e->args[1], out, err);
        buf_add_str(out, interval ? ")" : " DAY)");
        return rc;
    }
    const char *name = e->text, *separator = ",", *appended = "";
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (strcmp(functions[i].name, e->text) == 0) {
            name = functions[i].stored;
            separator = functions[i].spaced ? ", " : ",";
            if (functions[i].appended && functions[i].count == e->arg_count)
                appended = functions[i].appended;
        }
    buf_addf(out, "%s(", name);
    int rc = add_args(e, 0, separator, out, err);
    buf_addf(out, "%s)", appended);
    return rc;
}

static int add_case(const struct sql_expr *e, struct buf *out, struct err *err) {
    size_t i = 0, end = e->arg_count - (e->op & EXPR_CASE_ELSE ? 1 : 0);
    int rc = BD_OK;
    buf_add_str(out, "CASE ");
    if (e->op & EXPR_CASE_OPERAND)
        rc = add(e->args[i++], out, err);
    for (; rc == BD_OK && i + 1 < end; i += 2) {
        buf_add_str(out, " WHEN ");
        rc = add(e->args[i], out, err);
        if (rc != BD_OK)
            return rc;
        buf_add_str(out, " THEN ");
        rc = add(e->args[i + 1], out, err);
    }
    if (rc == BD_OK && (e->op & EXPR_CASE_ELSE)) {
        buf_add_str(out, " ELSE ");
        rc = add(e->args[e->arg_count - 1], out, err);
    }
    buf_add_str(out, " END");
    return rc;
}

static const char *operator_text(int op) {
    switch (op) {
    case '=': return "=";
    case '<': return "<";
    case '>': return ">";
    case '+': return "+";
    case '-': return "-";
    case '*': return "*";
    case '/': return "/";
    case '|': return "|";
    case '&': return "&";
    case '^': return "^";
    case OP_LE: return "<=";
    case OP_GE: return ">=";
    case OP_NULL_SAFE_EQ: return "<=>";
    case OP_SHIFT_LEFT: return "<<";
    case OP_SHIFT_RIGHT: return ">>";
    case EXPR_OP_AND: return "AND";
    case EXPR_OP_OR: return "OR";
    case EXPR_OP_XOR: return "XOR";
    case EXPR_OP_DIV: return "div";
    case EXPR_OP_MOD: return "%";
    default: return "?";
    }
}

static bool is_comparison(int op) {
    return op == '=' || op == '<' || op == '>' || op == OP_LE || op == OP_GE || op == OP_NE ||
           op == OP_NULL_SAFE_EQ;
}

/* In a comparison TRUE and FALSE are printed as the numbers they were converted to. */
static int add_operand(const struct sql_expr *e, bool compared, struct buf *out, struct err *err) {
    if (compared && e->kind == EXPR_BOOL) {
        buf_add_str(out, e->op ? "1" : "0");
        return BD_OK;
    }
    return add(e, out, err);
}

static int add_binary(const struct sql_expr *e, struct buf *out, struct err *err) {
    bool compared = is_comparison(e->op), unequal = e->op == OP_NE;
    buf_add_str(out, unequal ? "(NOT((" : "(");
    int rc = add_operand(e->args[0], compared, out, err);
    if (rc != BD_OK)
        return rc;
    buf_addf(out, " %s ", unequal ? "=" : operator_text(e->op));
    rc = add_operand(e->args[1], compared, out, err);
    buf_add_str(out, unequal ? ")))" : ")");
    return rc;
}

static int add_unary(const struct sql_expr *e, struct buf *out, struct err *err) {
    int rc;
    switch (e->op) {
    case '+': return add(e->args[0], out, err);
    case '-': buf_add_char(out, '-'); return add(e->args[0], out, err);
    case '!':
        buf_add_str(out, "(NOT(");
        rc = add(e->args[0], out, err);
        buf_add_str(out, "))");
        return rc;
    default: return unsupported(err, "the operator ~");
    }
}

/* The predicates that may be negated, without the NOT. */
static int add_predicate(const struct sql_expr *e, struct buf *out, struct err *err) {
    static const char *const is_what[] = {" IS NULL", " IS TRUE", " IS FALSE", " IS NULL"};
    bool closed = e->kind == EXPR_IN || e->kind == EXPR_BETWEEN;
    if (closed)
        buf_add_char(out, '(');
    if (e->kind == EXPR_REGEXP)
        buf_add_str(out, "regexp_like(");
    int rc = add(e->args[0], out, err);
    if (rc != BD_OK)
        return rc;
    switch (e->kind) {
    case EXPR_IS: buf_add_str(out, is_what[e->op]); break;
    case EXPR_IN:
        buf_add_str(out, " IN (");
        rc = add_args(e, 1, ", ", out, err);
        buf_add_char(out, ')');
        break;
    case EXPR_BETWEEN:
        buf_add_str(out, " BETWEEN ");
        rc = add_args(e, 1, " AND ", out, err);
        break;
    case EXPR_LIKE: /* an ESCAPE is not stored */
        buf_add_str(out, " LIKE ");
        rc = add(e->args[1], out, err);
        break;
    default:
        buf_add_char(out, ',');
        rc = add(e->args[1], out, err);
        buf_add_char(out, ')');
    }
    if (closed)
        buf_add_char(out, ')');
    return rc;
}

static int wrap(const struct sql_expr *e, const char *before, const char *separator, const char *after,
                struct buf *out, struct err *err) {
    buf_add_str(out, before);
    int rc = add_args(e, 0, separator, out, err);
    buf_add_str(out, after);
    return rc;
}

static int add(const struct sql_expr *e, struct buf *out, struct err *err) {
    int rc;
    switch (e->kind) {
    case EXPR_NULL: buf_add_str(out, "NULL"); return BD_OK;
    case EXPR_BOOL: buf_add_str(out, e->op ? "true" : "false"); return BD_OK;
    case EXPR_INTEGER: add_integer(e->text, out); return BD_OK;
    case EXPR_DECIMAL: buf_addf(out, "%s%s", e->text[0] == '.' ? "0" : "", e->text); return BD_OK;
    case EXPR_FLOAT: add_float(e->text, out); return BD_OK;
    case EXPR_HEX: add_hex(e->text, out); return BD_OK;
    case EXPR_BITS: add_bits(e->text, out); return BD_OK;
    case EXPR_STRING: sql_expr_add_literal(out, e->text, e->text_size); return BD_OK;
    case EXPR_COLUMN: add_name(out, e->text); return BD_OK;
    case EXPR_VARIABLE: return unsupported(err, "a variable");
    case EXPR_PARAM: return unsupported(err, "a parameter");
    case EXPR_UNARY: return add_unary(e, out, err);
    case EXPR_BINARY: return add_binary(e, out, err);
    case EXPR_IN:
    case EXPR_BETWEEN:
    case EXPR_LIKE:
    case EXPR_REGEXP:
    case EXPR_IS:
        if (!e->negated)
            return add_predicate(e, out, err);
        buf_add_str(out, "(NOT(");
        rc = add_predicate(e, out, err);
        buf_add_str(out, "))");
        return rc;
    case EXPR_CALL: return add_call(e, out, err);
    case EXPR_CASE: return add_case(e, out, err);
    case EXPR_CAST: {
        char after[64];
        size_t n = strlen(e->text);
        if (n > sizeof after - 4)
            return unsupported(err, "this cast");
        memcpy(after, ", ", 2);
        memcpy(after + 2, e->text, n);
        memcpy(after + 2 + n, ")", sizeof ")");
        return wrap(e, "convert(", "", after, out, err);
    }
    case EXPR_INTERVAL:
        rc = wrap(e, "INTERVAL ", "", " ", out, err);
        buf_add_str(out, e->text);
        return rc;
    case EXPR_TUPLE: return wrap(e, "(", ", ", ")", out, err);
    case EXPR_COLLATE:
        rc = wrap(e, "", "", " COLLATE ", out, err);
        buf_add_str(out, e->text);
        return rc;
    case EXPR_BINARY_CAST: return wrap(e, "BINARY(", "", ")", out, err);
    }
    return BD_OK;
}

int sql_expr_format(const struct sql_expr *e, struct buf *out, struct err *err) {
    return add(e, out, err);
}
