/* Evaluation on cells with SQL's three-valued logic: what is unknown is NULL. */
#include "store/db/expr_node.h"

#include "base/datetime.h"
#include "store/value/json.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

static double number_of(const struct cell *c) {
    char text[64];
    switch (c->kind) {
    case CELL_INT:
    case CELL_DATETIME:
    case CELL_DATE:
    case CELL_TIME: return (double)c->i;
    case CELL_UINT: return (double)c->u;
    case CELL_FLOAT: return c->f;
    case CELL_NULL: return 0;
    default: {
        size_t n = c->s.size < sizeof text - 1 ? c->s.size : sizeof text - 1;
        memcpy(text, c->s.data, n);
        text[n] = 0;
        return strtod(text, NULL);
    }
    }
}

int cell_truth(const struct cell *c) { return cell_is_null(c) ? -1 : number_of(c) != 0; }

static struct cell truth_cell(int t) { return t < 0 ? cell_null() : cell_int(t); }

static int compare(const struct cell *a, const struct cell *b) {
    bool at = cell_has_text(a) && a->kind != CELL_DECIMAL,
         bt = cell_has_text(b) && b->kind != CELL_DECIMAL;
    if (at != bt && a->kind != CELL_DATETIME && b->kind != CELL_DATETIME) {
        double x = number_of(a), y = number_of(b);
        return x < y ? -1 : x > y;
    }
    if (at != bt) {
        struct cell d = *a, e = *b;
        int64_t micros;
        if (at && datetime_parse_sql(a->s.data, a->s.size, &micros))
            d = cell_datetime(micros);
        if (bt && datetime_parse_sql(b->s.data, b->s.size, &micros))
            e = cell_datetime(micros);
        return cell_cmp(&d, &e);
    }
    return cell_cmp(a, b);
}

static const char *text_of(const struct cell *c, struct arena *a, size_t *size) {
    if (cell_has_text(c)) {
        *size = c->s.size;
        return c->s.data;
    }
    const char *s = cell_format(c, a);
    *size = s ? strlen(s) : 0;
    return s ? s : "";
}

static struct cell uuid_cell(struct arena *a) {
    uint8_t b[16];
    if (getrandom(b, sizeof b, 0) != (ssize_t)sizeof b)
        memset(b, 0, sizeof b);
    b[6] = (uint8_t)((b[6] & 0x0F) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3F) | 0x80);
    return cell_text(arena_printf(
        a, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2],
        b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]));
}

static void json_append(struct buf *out, const struct cell *c, struct arena *a) {
    if (cell_is_null(c)) {
        buf_add_str(out, "null");
        return;
    }
    size_t n;
    const char *s = text_of(c, a, &n);
    if (c->kind == CELL_JSON || c->kind < CELL_TEXT) {
        buf_add(out, s, n);
        return;
    }
    buf_add_char(out, '"');
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '"' || s[i] == '\\')
            buf_addf(out, "\\%c", s[i]);
        else if ((unsigned char)s[i] < 0x20)
            buf_addf(out, "\\u%04x", (unsigned)(unsigned char)s[i]);
        else
            buf_add_char(out, s[i]);
    }
    buf_add_char(out, '"');
}

static int json_build(const struct cell *args, size_t n, bool object, const struct expr_scope *s,
                      struct cell *out, struct err *err) {
    struct buf raw = BUF_INIT, text = BUF_INIT;
    buf_add_char(&raw, object ? '{' : '[');
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_add_char(&raw, object && i % 2 ? ':' : ',');
        json_append(&raw, &args[i], s->a);
    }
    buf_add_char(&raw, object ? '}' : ']');
    int rc = json_normalize(raw.data, raw.size, &text, err);
    if (rc == BD_OK) {
        *out = cell_text_n(arena_strndup(s->a, buf_str(&text), text.size), text.size);
        out->kind = CELL_JSON;
    }
    buf_release(&raw);
    buf_release(&text);
    return rc;
}

/* Members of an object or array, 1 for a scalar. */
static int json_length(const char *text, size_t size, const struct expr_scope *s, struct cell *out,
                       struct err *err) {
    (void)s;
    struct buf b = BUF_INIT;
    int rc = json_normalize(text, size, &b, err);
    int64_t n = 1;
    if (rc == BD_OK && b.size >= 2 && (b.data[0] == '{' || b.data[0] == '[')) {
        int depth = 0;
        n = b.size > 2;
        for (size_t i = 0; i < b.size; i++) {
            char c = b.data[i];
            if (c == '"') {
                for (i++; i < b.size && b.data[i] != '"'; i++)
                    if (b.data[i] == '\\')
                        i++;
            } else if (c == '{' || c == '[') {
                depth++;
            } else if (c == '}' || c == ']') {
                depth--;
            } else if (c == ',' && depth == 1) {
                n++;
            }
        }
    }
    if (rc == BD_OK)
        *out = cell_int(n);
    buf_release(&b);
    return rc;
}

static struct cell map_text(const struct cell *c, struct arena *a, int (*fn)(int)) {
    size_t n;
    const char *s = text_of(c, a, &n);
    char *copy = arena_strndup(a, s, n);
    for (size_t i = 0; i < n; i++)
        if (!((unsigned char)copy[i] & 0x80))
            copy[i] = (char)fn((unsigned char)copy[i]);
    return cell_text_n(copy, n);
}

static size_t utf8_length(const char *s, size_t n) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += ((unsigned char)s[i] & 0xC0) != 0x80;
    return count;
}

static int call(const struct expr *e, const struct cell *args, size_t n, const struct expr_scope *s,
                struct cell *out, struct err *err) {
    const char *f = e->name;
    *out = cell_null();
    if (!strcasecmp(f, "coalesce") || !strcasecmp(f, "ifnull")) {
        for (size_t i = 0; i < n && cell_is_null(out); i++)
            *out = args[i];
        return BD_OK;
    }
    if (!strcasecmp(f, "uuid") && n == 0) {
        *out = uuid_cell(s->a);
        return BD_OK;
    }
    if (!strcasecmp(f, "json_object") && n % 2 == 0)
        return json_build(args, n, true, s, out, err);
    if (!strcasecmp(f, "json_array"))
        return json_build(args, n, false, s, out, err);
    if (!strcasecmp(f, "now") || !strcasecmp(f, "localtime") || !strcasecmp(f, "localtimestamp")) {
        int64_t zone = s->now_utc ? datetime_local_offset(s->now_utc) : 0; /* reads the zone's file */
        *out = cell_datetime(s->now_utc + zone * MICROS_PER_SECOND);
        return BD_OK;
    }
    if (!strcasecmp(f, "utc_timestamp")) {
        *out = cell_datetime(s->now_utc);
        return BD_OK;
    }
    if (!strcasecmp(f, "if") && n == 3) {
        *out = cell_truth(&args[0]) == 1 ? args[1] : args[2];
        return BD_OK;
    }
    if (!strcasecmp(f, "nullif") && n == 2) {
        bool same = !cell_is_null(&args[0]) && !cell_is_null(&args[1]) && !compare(&args[0], &args[1]);
        *out = same ? cell_null() : args[0];
        return BD_OK;
    }
    static const char *const known[] = {
        "lower",  "lcase", "upper", "ucase",      "length",       "char_length", "character_length",
        "concat", "abs",   "trim",  "json_valid", "octet_length", "json_length"};
    bool is_known = false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        is_known = is_known || !strcasecmp(f, known[i]);
    if (!is_known || n == 0)
        return err_set(
            err, BD_UNSUPPORTED,
            "the function %s with %zu arguments in a default, check or generated column is not "
            "supported",
            f, n);
    for (size_t i = 0; i < n; i++)
        if (cell_is_null(&args[i]))
            return BD_OK;
    size_t size;
    const char *text = text_of(&args[0], s->a, &size);
    if (!strcasecmp(f, "lower") || !strcasecmp(f, "lcase"))
        *out = map_text(&args[0], s->a, tolower);
    else if (!strcasecmp(f, "upper") || !strcasecmp(f, "ucase"))
        *out = map_text(&args[0], s->a, toupper);
    else if (!strcasecmp(f, "length") || !strcasecmp(f, "octet_length"))
        *out = cell_int((int64_t)size);
    else if (!strcasecmp(f, "char_length") || !strcasecmp(f, "character_length"))
        *out = cell_int((int64_t)utf8_length(text, size));
    else if (!strcasecmp(f, "abs"))
        *out = args[0].kind == CELL_INT ? cell_int(args[0].i < 0 ? -args[0].i : args[0].i)
                                        : cell_float(fabs(number_of(&args[0])));
    else if (!strcasecmp(f, "json_length"))
        return json_length(text, size, s, out, err);
    else if (!strcasecmp(f, "json_valid")) {
        struct buf b = BUF_INIT;
        *out = cell_int(json_normalize(text, size, &b, NULL) == BD_OK);
        buf_release(&b);
    } else if (!strcasecmp(f, "trim")) {
        while (size && text[size - 1] == ' ')
            size--;
        while (size && *text == ' ') {
            text++;
            size--;
        }
        *out = cell_text_n(text, size);
    } else { /* concat */
        struct buf b = BUF_INIT;
        for (size_t i = 0; i < n; i++) {
            text = text_of(&args[i], s->a, &size);
            buf_add(&b, text, size);
        }
        *out = cell_text_n(arena_strndup(s->a, buf_str(&b), b.size), b.size);
        buf_release(&b);
    }
    return BD_OK;
}

static struct cell arithmetic(enum expr_op op, const struct cell *a, const struct cell *b) {
    if (cell_is_null(a) || cell_is_null(b))
        return cell_null();
    if (a->kind == CELL_INT && b->kind == CELL_INT && op != E_DIV) {
        int64_t r = 0;
        bool over = false;
        switch (op) {
        case E_ADD: over = __builtin_add_overflow(a->i, b->i, &r); break;
        case E_SUB: over = __builtin_sub_overflow(a->i, b->i, &r); break;
        case E_MUL: over = __builtin_mul_overflow(a->i, b->i, &r); break;
        default:
            if (b->i == 0)
                return cell_null();
            if (b->i == -1)
                r = op == E_MOD ? 0 : (a->i == INT64_MIN ? a->i : -a->i);
            else
                r = op == E_MOD ? a->i % b->i : a->i / b->i;
            break;
        }
        if (!over)
            return cell_int(r);
    }
    double x = number_of(a), y = number_of(b);
    switch (op) {
    case E_ADD: return cell_float(x + y);
    case E_SUB: return cell_float(x - y);
    case E_MUL: return cell_float(x * y);
    default: break;
    }
    if (y == 0)
        return cell_null();
    if (op == E_DIV)
        return cell_float(x / y);
    if (op == E_MOD)
        return cell_float(fmod(x, y));
    return cell_float(trunc(x / y));
}

/* LIKE with % and _, on bytes; backslash escapes. */
static bool like(const char *t, size_t tn, const char *p, size_t pn) {
    if (pn == 0)
        return tn == 0;
    if (*p == '%') {
        for (size_t i = 0; i <= tn; i++)
            if (like(t + i, tn - i, p + 1, pn - 1))
                return true;
        return false;
    }
    if (tn == 0)
        return false;
    if (*p == '_') {
        size_t n = 1;
        while (n < tn && ((unsigned char)t[n] & 0xC0) == 0x80)
            n++;
        return like(t + n, tn - n, p + 1, pn - 1);
    }
    if (*p == '\\' && pn > 1) {
        p++;
        pn--;
    }
    return *p == *t && like(t + 1, tn - 1, p + 1, pn - 1);
}

static int relation(enum expr_op op, const struct cell *a, const struct cell *b) {
    if (op == E_NULL_EQ)
        return cell_is_null(a) || cell_is_null(b) ? cell_is_null(a) && cell_is_null(b)
                                                  : compare(a, b) == 0;
    if (cell_is_null(a) || cell_is_null(b))
        return -1;
    int c = compare(a, b);
    switch (op) {
    case E_EQ: return c == 0;
    case E_NE: return c != 0;
    case E_LT: return c < 0;
    case E_LE: return c <= 0;
    case E_GT: return c > 0;
    default: return c >= 0;
    }
}

int expr_eval(const struct expr *e, const struct expr_scope *s, struct cell *out, struct err *err) {
    *out = cell_null();
    if (e->op == E_CONST) {
        *out = e->value;
        return BD_OK;
    }
    if (e->op == E_COLUMN) {
        int c = s->schema ? schema_column(s->schema, e->name) : -1;
        if (c < 0 || !s->row)
            return err_set(err, BD_INVALID, "an expression names the column %s, which does not exist",
                           e->name);
        *out = s->row[c];
        return BD_OK;
    }
    if (e->op == E_CASE) {
        for (size_t i = 0; i + 1 < e->kid_count; i += 2) {
            struct cell when;
            int rc = expr_eval(e->kids[i], s, &when, err);
            if (rc)
                return rc;
            if (cell_truth(&when) == 1)
                return expr_eval(e->kids[i + 1], s, out, err);
        }
        return e->kid_count % 2 ? expr_eval(e->kids[e->kid_count - 1], s, out, err) : BD_OK;
    }
    struct cell fixed[4], *k = e->kid_count > 4 ? arena_alloc(s->a, e->kid_count * sizeof *k) : fixed;
    for (size_t i = 0; i < e->kid_count; i++) {
        int rc = expr_eval(e->kids[i], s, &k[i], err);
        if (rc)
            return rc;
    }
    int x, y;
    switch (e->op) {
    case E_CALL: return call(e, k, e->kid_count, s, out, err);
    case E_AND:
        x = cell_truth(&k[0]);
        y = cell_truth(&k[1]);
        *out = truth_cell(x == 0 || y == 0 ? 0 : x < 0 || y < 0 ? -1 : 1);
        return BD_OK;
    case E_OR:
        x = cell_truth(&k[0]);
        y = cell_truth(&k[1]);
        *out = truth_cell(x == 1 || y == 1 ? 1 : x < 0 || y < 0 ? -1 : 0);
        return BD_OK;
    case E_XOR:
        x = cell_truth(&k[0]);
        y = cell_truth(&k[1]);
        *out = truth_cell(x < 0 || y < 0 ? -1 : x != y);
        return BD_OK;
    case E_NOT:
        x = cell_truth(&k[0]);
        *out = truth_cell(x < 0 ? -1 : !x);
        return BD_OK;
    case E_NEG: {
        struct cell zero = cell_int(0);
        *out = arithmetic(E_SUB, &zero, &k[0]);
        return BD_OK;
    }
    case E_IS_NULL: *out = cell_int(cell_is_null(&k[0])); return BD_OK;
    case E_IS_TRUE: *out = cell_int(cell_truth(&k[0]) == 1); return BD_OK;
    case E_IS_FALSE: *out = cell_int(cell_truth(&k[0]) == 0); return BD_OK;
    case E_IN: {
        bool unknown = cell_is_null(&k[0]);
        for (size_t i = 1; i < e->kid_count && !cell_is_null(&k[0]); i++) {
            int r = relation(E_EQ, &k[0], &k[i]);
            if (r == 1) {
                *out = cell_int(1);
                return BD_OK;
            }
            unknown = unknown || r < 0;
        }
        *out = truth_cell(unknown ? -1 : 0);
        return BD_OK;
    }
    case E_LIKE: {
        if (cell_is_null(&k[0]) || cell_is_null(&k[1]))
            return BD_OK;
        size_t tn, pn;
        const char *t = text_of(&k[0], s->a, &tn), *p = text_of(&k[1], s->a, &pn);
        *out = cell_int(like(t, tn, p, pn));
        return BD_OK;
    }
    case E_BETWEEN:
        x = relation(E_GE, &k[0], &k[1]);
        y = relation(E_LE, &k[0], &k[2]);
        *out = truth_cell(x == 0 || y == 0 ? 0 : x < 0 || y < 0 ? -1 : 1);
        return BD_OK;
    case E_ADD:
    case E_SUB:
    case E_MUL:
    case E_DIV:
    case E_INT_DIV:
    case E_MOD: *out = arithmetic(e->op, &k[0], &k[1]); return BD_OK;
    default: *out = truth_cell(relation(e->op, &k[0], &k[1])); return BD_OK;
    }
}
