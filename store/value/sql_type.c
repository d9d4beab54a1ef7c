/*
 * SQL column types: their text, and what follows from them (encoding, tag kind).
 *
 * The text is both what Dolt stores in a schema (lower case, canonical) and what people write in
 * CREATE TABLE (synonyms, display widths, modifiers); one scanner reads both, one writer gives the
 * former.
 */
#include "store/value/schema.h"

#include "store/value/collation.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* What may follow a type's name. */
enum shape {
    PLAIN,    /* nothing */
    WIDTH,    /* (n), dropped: display width of integers */
    FLOATING, /* (p) or (m,d) */
    LENGTH,   /* (n) */
    FRACTION, /* (0..6) */
    NUMBERS,  /* (p[,s]) */
    LIST,     /* ('a','b') */
    SPATIAL,
};

struct type_name {
    const char *name; /* words separated by one blank */
    enum sql_base base;
    enum shape shape;
    unsigned dflt; /* length when none is given; 0 with LENGTH = required */
    unsigned flags;
};
enum { FLAG_BOOL = 1, FLAG_NATIONAL = 2 };

/* Longer names first where one begins with another. */
static const struct type_name type_names[] = {
    {"tinyint", SQL_TINYINT, WIDTH, 0, 0},
    {"smallint", SQL_SMALLINT, WIDTH, 0, 0},
    {"mediumint", SQL_MEDIUMINT, WIDTH, 0, 0},
    {"int", SQL_INT, WIDTH, 0, 0},
    {"integer", SQL_INT, WIDTH, 0, 0},
    {"bigint", SQL_BIGINT, WIDTH, 0, 0},
    {"int1", SQL_TINYINT, WIDTH, 0, 0},
    {"int2", SQL_SMALLINT, WIDTH, 0, 0},
    {"int3", SQL_MEDIUMINT, WIDTH, 0, 0},
    {"int4", SQL_INT, WIDTH, 0, 0},
    {"int8", SQL_BIGINT, WIDTH, 0, 0},
    {"boolean", SQL_TINYINT, PLAIN, 1, FLAG_BOOL},
    {"bool", SQL_TINYINT, PLAIN, 1, FLAG_BOOL},
    {"float", SQL_FLOAT, FLOATING, 0, 0},
    {"double precision", SQL_DOUBLE, FLOATING, 0, 0},
    {"double", SQL_DOUBLE, FLOATING, 0, 0},
    {"real", SQL_DOUBLE, FLOATING, 0, 0},
    {"decimal", SQL_DECIMAL, NUMBERS, 10, 0},
    {"numeric", SQL_DECIMAL, NUMBERS, 10, 0},
    {"dec", SQL_DECIMAL, NUMBERS, 10, 0},
    {"fixed", SQL_DECIMAL, NUMBERS, 10, 0},
    {"bit", SQL_BIT, LENGTH, 1, 0},
    {"varchar", SQL_VARCHAR, LENGTH, 0, 0},
    {"char varying", SQL_VARCHAR, LENGTH, 0, 0},
    {"character varying", SQL_VARCHAR, LENGTH, 0, 0},
    {"char", SQL_CHAR, LENGTH, 1, 0},
    {"character", SQL_CHAR, LENGTH, 1, 0},
    {"nchar varchar", SQL_VARCHAR, LENGTH, 0, FLAG_NATIONAL},
    {"nchar varying", SQL_VARCHAR, LENGTH, 0, FLAG_NATIONAL},
    {"nchar", SQL_CHAR, LENGTH, 1, FLAG_NATIONAL},
    {"nvarchar", SQL_VARCHAR, LENGTH, 0, FLAG_NATIONAL},
    {"national varchar", SQL_VARCHAR, LENGTH, 0, FLAG_NATIONAL},
    {"national char varying", SQL_VARCHAR, LENGTH, 0, FLAG_NATIONAL},
    {"national character varying", SQL_VARCHAR, LENGTH, 0, FLAG_NATIONAL},
    {"national char", SQL_CHAR, LENGTH, 1, FLAG_NATIONAL},
    {"national character", SQL_CHAR, LENGTH, 1, FLAG_NATIONAL},
    {"varbinary", SQL_VARBINARY, LENGTH, 0, 0},
    {"binary", SQL_BINARY, LENGTH, 1, 0},
    {"tinytext", SQL_TINYTEXT, PLAIN, 0, 0},
    {"text", SQL_TEXT, WIDTH, 0, 0},
    {"mediumtext", SQL_MEDIUMTEXT, PLAIN, 0, 0},
    {"longtext", SQL_LONGTEXT, PLAIN, 0, 0},
    {"long varchar", SQL_MEDIUMTEXT, PLAIN, 0, 0},
    {"long", SQL_MEDIUMTEXT, PLAIN, 0, 0},
    {"tinyblob", SQL_TINYBLOB, PLAIN, 0, 0},
    {"blob", SQL_BLOB, WIDTH, 0, 0},
    {"mediumblob", SQL_MEDIUMBLOB, PLAIN, 0, 0},
    {"longblob", SQL_LONGBLOB, PLAIN, 0, 0},
    {"json", SQL_JSON, PLAIN, 0, 0},
    {"date", SQL_DATE, PLAIN, 0, 0},
    {"datetime", SQL_DATETIME, FRACTION, 0, 0},
    {"timestamp", SQL_TIMESTAMP, FRACTION, 0, 0},
    {"time", SQL_TIME, FRACTION, 0, 0},
    {"year", SQL_YEAR, WIDTH, 0, 0},
    {"enum", SQL_ENUM, LIST, 0, 0},
    {"set", SQL_SET, LIST, 0, 0},
    {"geometry", SQL_GEOMETRY, SPATIAL, 0, 0},
    {"point", SQL_GEOMETRY, SPATIAL, 0, 0},
    {"linestring", SQL_GEOMETRY, SPATIAL, 0, 0},
    {"polygon", SQL_GEOMETRY, SPATIAL, 0, 0},
    {"multipoint", SQL_GEOMETRY, SPATIAL, 0, 0},
    {"multilinestring", SQL_GEOMETRY, SPATIAL, 0, 0},
    {"multipolygon", SQL_GEOMETRY, SPATIAL, 0, 0},
    {"geometrycollection", SQL_GEOMETRY, SPATIAL, 0, 0},
    {"geomcollection", SQL_GEOMETRY, SPATIAL, 0, 0},
    {"vector", SQL_UNKNOWN, LENGTH, 2048, 0},
};

struct scan {
    const char *text, *p, *end;
    struct arena *a;
    struct err *err;
};

static int bad(struct scan *s, const char *what) {
    size_t n = (size_t)(s->end - s->text);
    return err_set(s->err, BD_INVALID, "column type '%.*s': %s", n > 80 ? 80 : (int)n, s->text, what);
}

static void blanks(struct scan *s) {
    while (s->p < s->end && isspace((unsigned char)*s->p))
        s->p++;
}

static bool is_word(char c) { return isalnum((unsigned char)c) || c == '_' || c == '$'; }

/* Takes `words` (one or more, any letter case, any blanks between) if they come next. */
static bool take(struct scan *s, const char *words) {
    struct scan t = *s;
    blanks(&t);
    while (*words) {
        if (*words == ' ') {
            if (t.p >= t.end || !isspace((unsigned char)*t.p))
                return false;
            blanks(&t);
            words++;
            continue;
        }
        if (t.p >= t.end || tolower((unsigned char)*t.p) != *words)
            return false;
        t.p++;
        words++;
    }
    if (t.p < t.end && is_word(*t.p))
        return false;
    s->p = t.p;
    return true;
}

static bool take_char(struct scan *s, char c) {
    struct scan t = *s;
    blanks(&t);
    if (t.p >= t.end || *t.p != c)
        return false;
    s->p = t.p + 1;
    return true;
}

static bool take_number(struct scan *s, unsigned *out) {
    struct scan t = *s;
    blanks(&t);
    const char *start = t.p;
    uint64_t v = 0;
    while (t.p < t.end && *t.p >= '0' && *t.p <= '9') {
        v = v * 10 + (uint64_t)(*t.p - '0');
        if (v > UINT32_MAX)
            return false;
        t.p++;
    }
    if (t.p == start)
        return false;
    *out = (unsigned)v;
    s->p = t.p;
    return true;
}

/* A name, bare or quoted. */
static bool take_name(struct scan *s, const char **name, size_t *size) {
    blanks(s);
    char quote = 0;
    if (s->p < s->end && (*s->p == '\'' || *s->p == '`' || *s->p == '"'))
        quote = *s->p++;
    *name = s->p;
    while (s->p < s->end && (quote ? *s->p != quote : is_word(*s->p)))
        s->p++;
    *size = (size_t)(s->p - *name);
    if (quote) {
        if (s->p >= s->end)
            return false;
        s->p++;
    }
    return *size > 0;
}

static bool take_string(struct scan *s, const char **out) {
    blanks(s);
    if (s->p >= s->end || (*s->p != '\'' && *s->p != '"'))
        return false;
    char quote = *s->p++;
    struct buf b = BUF_INIT;
    for (;; s->p++) {
        if (s->p >= s->end) {
            buf_release(&b);
            return false;
        }
        if (*s->p == quote) {
            if (s->p + 1 >= s->end || s->p[1] != quote)
                break;
            s->p++;
        } else if (*s->p == '\\' && s->p + 1 < s->end) {
            s->p++;
            static const char letters[] = "0bnrtZ", means[] = "\0\b\n\r\t\032";
            const char *at = *s->p ? strchr(letters, *s->p) : NULL;
            buf_add_char(&b, at ? means[at - letters] : *s->p);
            continue;
        }
        buf_add_char(&b, *s->p);
    }
    s->p++;
    *out = arena_strndup(s->a, buf_str(&b), b.size);
    buf_release(&b);
    return true;
}

static int scan_members(struct scan *s, struct sql_type *t) {
    const char **list = NULL;
    size_t count = 0, capacity = 0;
    int rc = BD_OK;
    if (!take_char(s, '('))
        return bad(s, "needs a list of values in parentheses");
    do {
        const char *text;
        if (!take_string(s, &text) || count >= UINT16_MAX) {
            rc = bad(s, "needs a list of quoted values");
            break;
        }
        MEM_GROW(list, capacity, count + 1);
        list[count++] = text;
    } while (take_char(s, ','));
    if (rc == BD_OK && !take_char(s, ')'))
        rc = bad(s, "lacks the closing parenthesis");
    if (rc == BD_OK && t->base == SQL_SET && count > 64)
        rc = bad(s, "a SET has at most 64 values");
    if (rc == BD_OK) {
        t->members = arena_dup(s->a, list, count * sizeof *list);
        t->member_count = count;
    }
    free(list);
    return rc;
}

static int scan_arguments(struct scan *s, const struct type_name *n, struct sql_type *t) {
    unsigned first = 0, second = 0;
    bool has = false, has_second = false;
    if (n->shape == LIST)
        return scan_members(s, t);
    t->length = n->dflt;
    if (n->shape != PLAIN && n->shape != SPATIAL && take_char(s, '(')) {
        has = true;
        if (!take_number(s, &first))
            return bad(s, "needs a number in the parentheses");
        if ((n->shape == FLOATING || n->shape == NUMBERS) && take_char(s, ',')) {
            has_second = true;
            if (!take_number(s, &second))
                return bad(s, "needs a second number in the parentheses");
        }
        if (!take_char(s, ')'))
            return bad(s, "lacks the closing parenthesis");
    }
    switch (n->shape) {
    case LENGTH:
        if (has)
            t->length = first;
        else if (n->dflt == 0)
            return bad(s, "needs a length");
        if (t->base == SQL_BIT && (t->length < 1 || t->length > 64))
            return bad(s, "BIT has 1 to 64 bits");
        if (t->length > 65535)
            return bad(s, "the length is beyond 65535");
        return BD_OK;
    case WIDTH:
        t->length = t->base == SQL_TINYINT && has && first == 1 ? 1 : 0;
        if (has && t->base == SQL_TEXT)
            t->base = (uint64_t)first * 4 <= 255        ? SQL_TINYTEXT
                      : (uint64_t)first * 4 <= 65535    ? SQL_TEXT
                      : (uint64_t)first * 4 <= 16777215 ? SQL_MEDIUMTEXT
                                                        : SQL_LONGTEXT;
        if (has && t->base == SQL_BLOB)
            t->base = first <= 255        ? SQL_TINYBLOB
                      : first <= 65535    ? SQL_BLOB
                      : first <= 16777215 ? SQL_MEDIUMBLOB
                                          : SQL_LONGBLOB;
        return BD_OK;
    case FLOATING:
        if (has && !has_second && first > 53)
            return bad(s, "the precision is beyond 53");
        if (has && !has_second && first > 24)
            t->base = SQL_DOUBLE;
        return BD_OK;
    case FRACTION:
        if (first > 6)
            return bad(s, "has at most 6 fractional digits");
        t->length = t->base == SQL_TIME ? 6 : first; /* TIME always keeps microseconds */
        return BD_OK;
    case NUMBERS:
        if (has) {
            t->length = first ? first : 10;
            t->scale = second;
        }
        if (t->length > 65 || t->scale > 30 || t->scale > t->length)
            return bad(s, "a DECIMAL has at most 65 digits, 30 of them behind the point");
        return BD_OK;
    case PLAIN:
    case LIST:
    case SPATIAL: break;
    }
    return BD_OK;
}

bool sql_type_is_text(const struct sql_type *t) {
    switch (t->base) {
    case SQL_CHAR:
    case SQL_VARCHAR:
    case SQL_TINYTEXT:
    case SQL_TEXT:
    case SQL_MEDIUMTEXT:
    case SQL_LONGTEXT:
    case SQL_ENUM:
    case SQL_SET: return true;
    default: return false;
    }
}

static bool is_numeric(enum sql_base b) { return b <= SQL_DECIMAL; }

/* CHAR with collation binary is BINARY, TEXT is BLOB, … */
static enum sql_base binary_twin(enum sql_base b) {
    switch (b) {
    case SQL_CHAR: return SQL_BINARY;
    case SQL_VARCHAR: return SQL_VARBINARY;
    case SQL_TINYTEXT: return SQL_TINYBLOB;
    case SQL_TEXT: return SQL_BLOB;
    case SQL_MEDIUMTEXT: return SQL_MEDIUMBLOB;
    case SQL_LONGTEXT: return SQL_LONGBLOB;
    default: return b;
    }
}

static int scan_collation(struct scan *s, const struct type_name *n, struct sql_type *t, bool *given) {
    uint16_t charset = n->flags & FLAG_NATIONAL ? 33 : 0, collation = 0;
    bool binary = false;
    const char *name;
    size_t size;
    for (;;) {
        if (take(s, "character set") || take(s, "charset") || take(s, "char set")) {
            if (!take_name(s, &name, &size) || !(charset = collation_of_charset(name, size, false)))
                return bad(s, "unknown character set");
        } else if (take(s, "collate")) {
            if (!take_name(s, &name, &size) || !(collation = collation_by_name(name, size)))
                return bad(s, "unknown collation");
        } else if (take(s, "binary")) {
            binary = true;
        } else if (take(s, "ascii")) {
            charset = collation_of_charset("latin1", 6, false);
        } else if (take(s, "unicode")) {
            charset = collation_of_charset("ucs2", 4, false);
        } else {
            break;
        }
    }
    *given = collation || charset || binary;
    t->collation = collation ? collation : charset ? charset : COLLATION_UTF8MB4_0900_BIN;
    if (binary && !collation) {
        char set[16];
        uint16_t bin = charset && collation_charset(charset, set)
                           ? collation_of_charset(set, strlen(set), true)
                           : (uint16_t)46;
        if (bin)
            t->collation = bin;
    }
    if (t->collation == COLLATION_BINARY)
        t->base = binary_twin(t->base);
    return BD_OK;
}

static const struct type_name *find_name(struct scan *s) {
    const struct type_name *best = NULL;
    struct scan best_at = *s;
    blanks(s);
    int first = s->p < s->end ? tolower((unsigned char)*s->p) : 0;
    for (size_t i = 0; i < sizeof type_names / sizeof *type_names; i++) {
        if (type_names[i].name[0] != first)
            continue;
        struct scan t = *s;
        if (take(&t, type_names[i].name) && (!best || t.p > best_at.p)) {
            best = &type_names[i];
            best_at = t;
        }
    }
    if (best)
        s->p = best_at.p;
    return best;
}

static char *lower_piece(struct scan *s, const char *start) {
    char *text = arena_strndup(s->a, start, (size_t)(s->p - start));
    for (char *c = text; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return text;
}

int sql_type_scan(const char *text, size_t size, struct arena *a, struct sql_type *out,
                  bool *collation_given, size_t *used, struct err *err) {
    struct scan s = {.text = text, .p = text, .end = text + size, .a = a, .err = err};
    bool ignored;
    if (!collation_given)
        collation_given = &ignored;
    *collation_given = false;
    memset(out, 0, sizeof *out);
    blanks(&s);
    const char *start = s.p;
    const struct type_name *n = find_name(&s);
    if (!n)
        return bad(&s, "is not a type this program knows");
    out->base = n->base;
    int rc = scan_arguments(&s, n, out);
    if (rc != BD_OK)
        return rc;
    if (is_numeric(out->base)) {
        for (;;) {
            if (take(&s, "unsigned") || take(&s, "zerofill"))
                out->is_unsigned = true;
            else if (!take(&s, "signed"))
                break;
        }
        /* for FLOAT, DOUBLE and DECIMAL it is accepted and forgotten, as in Dolt */
        if (out->base > SQL_BIGINT)
            out->is_unsigned = false;
        if (out->base == SQL_TINYINT && out->is_unsigned)
            out->length = 0;
    } else if (n->shape == SPATIAL || out->base == SQL_UNKNOWN) {
        const char **keep = arena_alloc(a, sizeof *keep);
        const char *name = lower_piece(&s, start);
        unsigned srid;
        if (take(&s, "srid")) {
            if (!take_number(&s, &srid))
                return bad(&s, "SRID needs a number");
            name = arena_printf(a, "%s SRID %u", name, srid);
        }
        *keep = name;
        out->members = keep;
        out->member_count = 1;
    } else if (sql_type_is_text(out)) {
        rc = scan_collation(&s, n, out, collation_given);
        if (rc != BD_OK)
            return rc;
    }
    if (out->base >= SQL_BINARY && !sql_type_is_text(out) && out->base <= SQL_LONGBLOB)
        out->collation = COLLATION_BINARY;
    *used = (size_t)(s.p - text);
    return BD_OK;
}

int sql_type_parse(const char *text, struct arena *a, struct sql_type *out, struct err *err) {
    size_t used, size = strlen(text);
    int rc = sql_type_scan(text, size, a, out, NULL, &used, err);
    if (rc != BD_OK)
        return rc;
    while (used < size && isspace((unsigned char)text[used]))
        used++;
    if (used < size)
        return err_set(err, BD_INVALID, "column type '%s': '%s' is not understood", text, text + used);
    return BD_OK;
}

static const char *const plain_names[] = {
    [SQL_TINYINT] = "tinyint",
    [SQL_SMALLINT] = "smallint",
    [SQL_MEDIUMINT] = "mediumint",
    [SQL_INT] = "int",
    [SQL_BIGINT] = "bigint",
    [SQL_FLOAT] = "float",
    [SQL_DOUBLE] = "double",
    [SQL_DECIMAL] = "decimal",
    [SQL_CHAR] = "char",
    [SQL_VARCHAR] = "varchar",
    [SQL_BINARY] = "binary",
    [SQL_VARBINARY] = "varbinary",
    [SQL_TINYTEXT] = "tinytext",
    [SQL_TEXT] = "text",
    [SQL_MEDIUMTEXT] = "mediumtext",
    [SQL_LONGTEXT] = "longtext",
    [SQL_TINYBLOB] = "tinyblob",
    [SQL_BLOB] = "blob",
    [SQL_MEDIUMBLOB] = "mediumblob",
    [SQL_LONGBLOB] = "longblob",
    [SQL_JSON] = "json",
    [SQL_DATE] = "date",
    [SQL_DATETIME] = "datetime",
    [SQL_TIMESTAMP] = "timestamp",
    [SQL_TIME] = "time(6)",
    [SQL_YEAR] = "year",
    [SQL_ENUM] = "enum",
    [SQL_SET] = "set",
    [SQL_BIT] = "bit",
};

static void add_members(const struct sql_type *t, struct buf *b) {
    buf_add_char(b, '(');
    for (size_t i = 0; i < t->member_count; i++) {
        buf_add_str(b, i ? ",'" : "'");
        for (const char *c = t->members[i]; *c; c++) {
            if (*c == '\'')
                buf_add_char(b, '\'');
            buf_add_char(b, *c);
        }
        buf_add_char(b, '\'');
    }
    buf_add_char(b, ')');
}

char *sql_type_format(const struct sql_type *t, struct arena *a) {
    struct buf b = BUF_INIT;
    if (t->base >= SQL_GEOMETRY)
        return arena_strdup(a, t->member_count ? t->members[0] : "geometry");
    buf_add_str(&b, plain_names[t->base]);
    switch (t->base) {
    case SQL_TINYINT:
        if (t->length == 1 && !t->is_unsigned)
            buf_add_str(&b, "(1)");
        break;
    case SQL_DECIMAL: buf_addf(&b, "(%u,%u)", t->length, t->scale); break;
    case SQL_CHAR:
    case SQL_VARCHAR:
    case SQL_BINARY:
    case SQL_VARBINARY:
    case SQL_BIT:
    case SQL_DATETIME:
    case SQL_TIMESTAMP: buf_addf(&b, "(%u)", t->length); break;
    case SQL_ENUM:
    case SQL_SET: add_members(t, &b); break;
    default: break;
    }
    if (t->is_unsigned && t->base <= SQL_BIGINT)
        buf_add_str(&b, " unsigned");
    if (sql_type_is_text(t) && t->collation && t->collation != COLLATION_UTF8MB4_0900_BIN) {
        char set[16];
        const char *name = collation_name(t->collation);
        if (name && collation_charset(t->collation, set)) {
            if (strcmp(set, "utf8mb4") != 0)
                buf_addf(&b, " CHARACTER SET %s", set);
            buf_addf(&b, " COLLATE %s", name);
        }
    }
    char *text = arena_strdup(a, buf_str(&b));
    buf_release(&b);
    return text;
}

enum encoding sql_type_encoding(const struct sql_type *t) {
    bool u = t->is_unsigned;
    switch (t->base) {
    case SQL_TINYINT: return u ? ENC_UINT8 : ENC_INT8;
    case SQL_SMALLINT: return u ? ENC_UINT16 : ENC_INT16;
    case SQL_MEDIUMINT:
    case SQL_INT: return u ? ENC_UINT32 : ENC_INT32;
    case SQL_BIGINT: return u ? ENC_UINT64 : ENC_INT64;
    case SQL_FLOAT: return ENC_FLOAT32;
    case SQL_DOUBLE: return ENC_FLOAT64;
    case SQL_DECIMAL: return ENC_DECIMAL;
    case SQL_CHAR:
    case SQL_VARCHAR: return ENC_STRING;
    case SQL_BINARY:
    case SQL_VARBINARY: return ENC_BYTES;
    case SQL_TINYTEXT:
    case SQL_TEXT:
    case SQL_MEDIUMTEXT:
    case SQL_LONGTEXT: return ENC_STRING_ADDR;
    case SQL_TINYBLOB:
    case SQL_BLOB:
    case SQL_MEDIUMBLOB:
    case SQL_LONGBLOB: return ENC_BYTES_ADDR;
    case SQL_JSON: return ENC_JSON_ADDR;
    case SQL_DATE: return ENC_DATE;
    case SQL_DATETIME:
    case SQL_TIMESTAMP: return ENC_DATETIME;
    case SQL_TIME: return ENC_TIME;
    case SQL_YEAR: return ENC_YEAR;
    case SQL_ENUM: return ENC_ENUM;
    case SQL_SET: return ENC_SET;
    case SQL_BIT: return ENC_UINT64;
    case SQL_GEOMETRY: return ENC_GEOM_ADDR;
    case SQL_UNKNOWN: return ENC_BYTES_ADAPTIVE;
    }
    return ENC_NULL;
}

enum encoding sql_type_key_encoding(const struct sql_type *t, enum encoding column_encoding) {
    switch (t->base) {
    case SQL_TINYTEXT:
    case SQL_TEXT:
    case SQL_MEDIUMTEXT:
    case SQL_LONGTEXT: return ENC_STRING;
    case SQL_TINYBLOB:
    case SQL_BLOB:
    case SQL_MEDIUMBLOB:
    case SQL_LONGBLOB: return ENC_BYTES;
    case SQL_GEOMETRY: return ENC_CELL;
    default: return column_encoding;
    }
}

static unsigned geometry_kind(const struct sql_type *t) {
    static const struct {
        const char *name;
        unsigned kind;
    } kinds[] = {{"point", 24},
                 {"linestring", 25},
                 {"polygon", 26},
                 {"multipoint", 28},
                 {"multilinestring", 29},
                 {"multipolygon", 30},
                 {"geometrycollection", 31},
                 {"geomcollection", 31}};
    const char *text = t->member_count ? t->members[0] : "";
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strncmp(text, kinds[i].name, strlen(kinds[i].name)) == 0)
            return kinds[i].kind;
    return 23;
}

unsigned sql_type_tag_kind(const struct sql_type *t) {
    switch (t->base) {
    case SQL_TINYINT:
    case SQL_SMALLINT:
    case SQL_MEDIUMINT:
    case SQL_INT:
    case SQL_BIGINT: return t->is_unsigned ? 16 : 15;
    case SQL_FLOAT:
    case SQL_DOUBLE: return 1;
    case SQL_DECIMAL: return 21;
    case SQL_CHAR:
    case SQL_VARCHAR: return 2;
    case SQL_BINARY:
    case SQL_VARBINARY: return 19;
    case SQL_TINYTEXT:
    case SQL_TEXT:
    case SQL_MEDIUMTEXT:
    case SQL_LONGTEXT:
    case SQL_TINYBLOB:
    case SQL_BLOB:
    case SQL_MEDIUMBLOB:
    case SQL_LONGBLOB: return 3;
    case SQL_JSON: return 22;
    case SQL_DATE:
    case SQL_DATETIME:
    case SQL_TIMESTAMP: return 20;
    case SQL_TIME:
    case SQL_YEAR: return 15;
    case SQL_ENUM:
    case SQL_SET:
    case SQL_BIT: return 16;
    case SQL_GEOMETRY: return geometry_kind(t);
    case SQL_UNKNOWN: return 3;
    }
    return 0;
}
