/* Rules inside one schema, and what the bytes of a field may be. */
#include "store/db/fsck_check.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "store/value/tuple_private.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- fields ---- */

/* Length of the number in front of an out-of-line adaptive value (SQLite 4's varints). */
static size_t varint_size(uint8_t first) {
    return first <= 240 ? 1 : first <= 248 ? 2 : first == 249 ? 3 : (size_t)first - 246;
}

const char *check_field(enum encoding e, struct bytes raw) {
    size_t width = tuple_fixed_size(e);
    if (width)
        return raw.size == width ? NULL : "a value of a wrong width";
    switch (e) {
    case ENC_STRING:
        if (!utf8_valid(raw.data, raw.size))
            return "not UTF-8";
        return raw.data[raw.size - 1] ? "text without its end mark" : NULL;
    case ENC_BYTES:
    case ENC_JSON:
    case ENC_GEOMETRY: return raw.data[raw.size - 1] ? "a value without its end mark" : NULL;
    case ENC_DECIMAL:
        return raw.size == 4 || raw.size % 8 == 5 ? NULL : "a decimal of an impossible size";
    case ENC_STRING_ADAPTIVE:
    case ENC_JSON_ADAPTIVE:
    case ENC_BYTES_ADAPTIVE:
    case ENC_EXTENDED_ADAPTIVE:
    case ENC_GEOM_ADAPTIVE:
        if (raw.data[0] != 0)
            return raw.size == varint_size(raw.data[0]) + HASH_SIZE ? NULL : "a malformed long value";
        if ((e == ENC_STRING_ADAPTIVE || e == ENC_JSON_ADAPTIVE) &&
            !utf8_valid(raw.data + 1, raw.size - 1))
            return "not UTF-8";
        return NULL;
    default: return "an unknown encoding";
    }
}

/* ---- schemas ---- */

static bool encoding_fits(const struct column *c) {
    enum encoding want = sql_type_encoding(&c->type);
    if (c->type.base == SQL_UNKNOWN || c->encoding == want)
        return true;
    switch (want) {
    case ENC_STRING_ADDR: return c->encoding == ENC_STRING_ADAPTIVE;
    case ENC_BYTES_ADDR: return c->encoding == ENC_BYTES_ADAPTIVE;
    case ENC_JSON_ADDR: return c->encoding == ENC_JSON_ADAPTIVE;
    case ENC_GEOM_ADDR: return c->encoding == ENC_GEOMETRY || c->encoding == ENC_GEOM_ADAPTIVE;
    default: return false;
    }
}

static bool same_set(const uint16_t *a, const uint16_t *b, size_t n) {
    for (size_t i = 0; i < n; i++) {
        size_t in_a = 0, in_b = 0;
        for (size_t k = 0; k < n; k++) {
            in_a += a[k] == a[i];
            in_b += b[k] == a[i];
        }
        if (in_a != in_b)
            return false;
    }
    return true;
}

void check_schema_rules(struct db_check *c, const struct check_schema *cs, const struct hash *h) {
    const struct schema *s = &cs->ts->schema;
    char text[HASH_TEXT_SIZE + 1];
    struct arena a = ARENA_INIT;
    size_t visible = schema_visible_count(s);
#define BAD(...)                                                                                       \
    do {                                                                                               \
        struct buf b_ = BUF_INIT;                                                                      \
        buf_addf(&b_, __VA_ARGS__);                                                                    \
        fsck_add(c->r, FSCK_ERROR, FSCK_SCHEMA, REPAIR_NONE, h, cs->name, NULL, "schema %s of %s: %s", \
                 check_name(h, text), cs->name, buf_str(&b_));                                         \
        buf_release(&b_);                                                                              \
    } while (0)
    for (size_t i = 0; i < visible; i++) {
        const struct column *x = &s->columns[i];
        for (size_t k = 0; k < i; k++) {
            if (s->columns[k].tag == x->tag)
                BAD("columns %s and %s have one tag", s->columns[k].name, x->name);
            if (!strcasecmp(s->columns[k].name, x->name))
                BAD("two columns are called %s", x->name);
        }
        if (!encoding_fits(x))
            BAD("column %s: encoding %d for type %s", x->name, (int)x->encoding, x->type_text);
        if (x->display_order != (int16_t)i || (x->nullable && (x->primary_key || x->auto_increment)) ||
            (x->is_virtual && !x->generated))
            BAD("column %s: flags or order contradict each other", x->name);
    }
    struct schema derived;
    schema_copy(s, &a, &derived);
    schema_derive(&derived, &a);
    bool values_good = derived.value_count == s->value_count &&
                       !memcmp(derived.values, s->values, s->value_count * sizeof *s->values);
    if (!values_good)
        BAD("the primary index does not list the columns outside of the key");
    for (size_t i = 0; i < visible; i++)
        if (s->columns[i].primary_key != derived.columns[i].primary_key)
            BAD("column %s: the primary key and its flag disagree", s->columns[i].name);
    for (size_t i = 0; i < s->index_count; i++) {
        const struct index *x = &s->indexes[i], *y = &derived.indexes[i];
        for (size_t k = 0; k < i; k++)
            if (!strcasecmp(s->indexes[k].name, x->name))
                BAD("two indexes are called %s", x->name);
        if (strcmp(x->name, y->name) != 0) {
            BAD("the indexes are not sorted by name");
            break;
        }
        if (x->key_column_count != y->key_column_count ||
            memcmp(x->key_columns, x->columns, x->column_count * sizeof *x->columns) != 0 ||
            !same_set(x->key_columns, y->key_columns, x->key_column_count))
            BAD("index %s: its key columns are not its columns and the primary key", x->name);
    }
#undef BAD
    arena_release(&a);
}
