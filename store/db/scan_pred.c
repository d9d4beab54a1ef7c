/*
 * Binding and evaluating predicates.
 *
 * Equality on inline values of a binary collation compares stored bytes; everything else decodes the
 * one cell it needs. Logic is three-valued, as in SQL: a comparison with NULL is unknown, and NOT of
 * unknown is unknown.
 */
#include "store/db/scan_pred.h"

#include <stdlib.h>
#include <string.h>

enum { UNKNOWN = -1, NO = 0, YES = 1 };

struct bound_pred {
    enum pred_op op;
    struct column_ref ref;
    const char *key;
    struct cell *cells; /* constants as the column would hold them */
    struct bytes *raws; /* their stored bytes, sorted, when by_bytes */
    size_t cell_count;
    bool by_bytes, collated;
    const char *needle; /* folded, for PRED_CONTAINS_FOLD */
    size_t needle_size;
    const struct bound_pred **kids;
    size_t kid_count;
};

bool column_ref_bind(struct column_ref *r, const struct table_schema *ts, int index, const char *name) {
    memset(r, 0, sizeof *r);
    r->ts = ts;
    r->column = schema_column(&ts->schema, name);
    if (r->column < 0)
        return true;
    if (index >= 0) {
        const struct index *ix = &ts->schema.indexes[index];
        const struct tuple_desc *desc = &ts->indexes[index];
        const struct tuple_field *stored = table_column_field(ts, (size_t)r->column);
        for (size_t f = 0; f < ix->key_column_count && f < desc->count; f++) {
            bool cut = f < ix->prefix_count && ix->prefix_lengths && ix->prefix_lengths[f];
            if (ix->key_columns[f] == r->column && !cut && stored &&
                stored->encoding == desc->fields[f].encoding) {
                r->desc = desc;
                r->at = (uint16_t)f;
                return true;
            }
        }
        return false;
    }
    struct column_place p = ts->places[r->column];
    if (p.in == PLACE_NONE)
        return true;
    r->in_value = p.in == PLACE_VALUE;
    r->desc = r->in_value ? &ts->values : &ts->keys;
    r->at = p.at;
    return true;
}

int column_ref_cell(const struct column_ref *r, struct bytes key, struct bytes value,
                    struct node_store *ns, struct arena *a, struct cell *out, struct err *err) {
    if (!r->desc && r->column >= 0)
        return table_cell(r->ts, (size_t)r->column, key, value, ns, a, out, err);
    if (!r->desc) {
        *out = cell_null();
        return BD_OK;
    }
    return tuple_get_cell(r->desc, r->in_value ? value : key, r->at, ns, a, out, err);
}

static bool bytewise_collation(uint16_t id) {
    return id == 0 || id == COLLATION_UTF8MB4_0900_BIN || id == COLLATION_BINARY || id == 46;
}

/* Encodings whose equal values have equal bytes, inline. */
static bool has_canonical_bytes(const struct tuple_field *f) {
    switch (f->encoding) {
    case ENC_INT8:
    case ENC_UINT8:
    case ENC_INT16:
    case ENC_UINT16:
    case ENC_INT32:
    case ENC_UINT32:
    case ENC_INT64:
    case ENC_UINT64:
    case ENC_YEAR:
    case ENC_DATE:
    case ENC_TIME:
    case ENC_DATETIME:
    case ENC_ENUM:
    case ENC_SET:
    case ENC_BYTES:
    case ENC_BIT64: return true;
    case ENC_STRING: return bytewise_collation(f->collation);
    default: return false;
    }
}

bool pred_constant(const struct table_schema *ts, int column, const struct cell *in, struct arena *a,
                   struct cell *out) {
    const struct sql_type *type = &ts->schema.columns[column].type;
    *out = *in;
    bool text_column = type->base >= SQL_CHAR && type->base <= SQL_LONGBLOB;
    switch (in->kind) {
    case CELL_NULL: return true;
    case CELL_FLOAT:
    case CELL_DATETIME:
    case CELL_DECIMAL:
        if (!text_column)
            return true; /* compared as numbers or instants, unrounded */
        break;
    case CELL_INT:
    case CELL_UINT:
        if (type->base <= SQL_DECIMAL)
            return true;
        break;
    case CELL_TEXT:
        if (text_column)
            return true;
        break;
    default: break;
    }
    return cell_convert(type, in, a, out, NULL) == BD_OK;
}

static int raw_order(const void *a, const void *b) {
    const struct bytes *x = a, *y = b;
    size_t n = x->size < y->size ? x->size : y->size;
    int c = n ? memcmp(x->data, y->data, n) : 0;
    return c ? c : (x->size > y->size) - (x->size < y->size);
}

/* Stored bytes of every constant; constants that nothing stored can equal are dropped. */
static bool bind_bytes(struct bound_pred *b, struct node_store *ns, struct arena *a) {
    struct tuple_field *field = &b->ref.desc->fields[b->ref.at];
    struct tuple_field nullable = *field;
    nullable.nullable = true;
    struct tuple_desc one = {
        .fields = arena_dup(a, &nullable, sizeof nullable), .count = 1, .target_row_size = 2048};
    b->raws = arena_alloc(a, (b->cell_count + 1) * sizeof *b->raws);
    size_t n = 0;
    for (size_t i = 0; i < b->cell_count; i++) {
        const struct cell *c = &b->cells[i];
        if (cell_is_null(c))
            continue;
        struct bytes t;
        if (tuple_build(&one, c, ns, a, &t, NULL))
            continue;
        struct bytes raw = tuple_field(t, 0);
        struct cell back;
        if (!raw.data || tuple_get_cell(&one, t, 0, ns, a, &back, NULL))
            continue;
        if (!cell_has_text(&back) && !cell_has_text(c) && cell_cmp(&back, c) != 0)
            continue; /* 2.5 against an integer column, micros against whole seconds */
        b->raws[n++] = raw;
    }
    b->cell_count = n;
    qsort(b->raws, n, sizeof *b->raws, raw_order);
    return true;
}

static int bind_leaf(struct bound_pred *b, const struct pred *p, const struct table_schema *ts,
                     struct node_store *ns, struct arena *a) {
    if (b->ref.column < 0 || b->op == PRED_IS_NULL || b->op == PRED_IS_NOT_NULL)
        return BD_OK;
    b->cells = arena_alloc(a, (p->cell_count + 1) * sizeof *b->cells);
    bool text_question = b->op >= PRED_CONTAINS_FOLD;
    bool has_null = false;
    for (size_t i = 0; i < p->cell_count; i++) {
        struct cell c = p->cells[i];
        if (!text_question && !pred_constant(ts, b->ref.column, &p->cells[i], a, &c)) {
            if (b->op == PRED_EQ || b->op == PRED_IN)
                continue;
            c = p->cells[i];
        }
        has_null = has_null || cell_is_null(&c);
        b->cells[b->cell_count++] = c;
    }
    if (text_question) {
        if (b->cell_count) {
            const char *text = cell_has_text(&b->cells[0])
                                   ? arena_strndup(a, b->cells[0].s.data, b->cells[0].s.size)
                                   : cell_format(&b->cells[0], a);
            size_t size = cell_has_text(&b->cells[0]) ? b->cells[0].s.size : text ? strlen(text) : 0;
            if (text && b->op == PRED_CONTAINS_FOLD)
                text_fold(text, size, a, &text, &size);
            b->needle = text;
            b->needle_size = size;
        }
        return BD_OK;
    }
    if (!b->ref.desc)
        return BD_OK; /* computed: compared as cells */
    const struct tuple_field *f = &b->ref.desc->fields[b->ref.at];
    bool equality = b->op == PRED_EQ || b->op == PRED_NE || b->op == PRED_IN;
    if (equality && !has_null && has_canonical_bytes(f) && !(b->op == PRED_NE && b->cell_count != 1))
        b->by_bytes = bind_bytes(b, ns, a);
    b->collated = f->encoding == ENC_STRING && !bytewise_collation(f->collation);
    return BD_OK;
}

bool pred_is_covered(const struct pred *p, const struct table_schema *ts, int index) {
    if (!p)
        return true;
    for (size_t i = 0; i < p->kid_count; i++)
        if (!pred_is_covered(p->kids[i], ts, index))
            return false;
    struct column_ref r;
    return !p->column || column_ref_bind(&r, ts, index, p->column);
}

int pred_bind(const struct pred *p, const struct table_schema *ts, int index, struct node_store *ns,
              struct arena *a, const struct bound_pred **out, struct err *err) {
    *out = NULL;
    if (!p || p->op == PRED_TRUE)
        return BD_OK;
    struct bound_pred *b = arena_zalloc(a, sizeof *b);
    b->op = p->op;
    b->key = p->key;
    *out = b;
    if (p->op == PRED_AND || p->op == PRED_OR || p->op == PRED_NOT) {
        b->kids = arena_alloc(a, (p->kid_count + 1) * sizeof *b->kids);
        for (size_t i = 0; i < p->kid_count; i++) {
            const struct bound_pred *kid;
            int rc = pred_bind(p->kids[i], ts, index, ns, a, &kid, err);
            if (rc)
                return rc;
            b->kids[b->kid_count++] = kid;
        }
        return BD_OK;
    }
    if (!p->column)
        return err_set(err, BD_INVALID, "a predicate names no column");
    if (!column_ref_bind(&b->ref, ts, index, p->column))
        return err_set(err, BD_INVALID, "column %s is not in the index", p->column);
    return bind_leaf(b, p, ts, ns, a);
}

static int compare_collated(const struct bound_pred *b, const struct cell *c, const struct cell *k,
                            struct arena *scratch, int *order) {
    struct tuple_field field = b->ref.desc->fields[b->ref.at];
    field.nullable = true;
    struct tuple_desc one = {.fields = &field, .count = 1, .target_row_size = 2048};
    struct bytes x, y;
    int rc = tuple_build(&one, c, NULL, scratch, &x, NULL);
    if (rc == BD_OK)
        rc = tuple_build(&one, k, NULL, scratch, &y, NULL);
    *order = rc ? cell_cmp(c, k) : tuple_compare_prefix(&one, 1, x, y);
    return BD_OK;
}

static int compare_cell(const struct bound_pred *b, const struct cell *c, struct arena *scratch) {
    bool any_null = false;
    for (size_t i = 0; i < b->cell_count; i++) {
        const struct cell *k = &b->cells[i];
        if (cell_is_null(k)) {
            any_null = true;
            continue;
        }
        int order;
        if (b->collated && c->kind == CELL_TEXT && k->kind == CELL_TEXT)
            compare_collated(b, c, k, scratch, &order);
        else
            order = cell_cmp(c, k);
        bool yes = false;
        switch (b->op) {
        case PRED_EQ:
        case PRED_IN: yes = order == 0; break;
        case PRED_NE: yes = order != 0; break;
        case PRED_LT: yes = order < 0; break;
        case PRED_LE: yes = order <= 0; break;
        case PRED_GT: yes = order > 0; break;
        case PRED_GE: yes = order >= 0; break;
        default: break;
        }
        if (yes)
            return YES;
    }
    return any_null ? UNKNOWN : NO;
}

static int text_question(const struct bound_pred *b, const struct cell *c, struct arena *scratch) {
    const char *text;
    size_t size;
    if (cell_has_text(c)) {
        text = c->s.data;
        size = c->s.size;
    } else {
        text = cell_format(c, scratch);
        size = text ? strlen(text) : 0;
    }
    if (b->op == PRED_JSON_HAS || b->op == PRED_JSON_EQ) {
        const char *value;
        size_t value_size;
        if (!json_object_value(text, size, b->key ? b->key : "", scratch, &value, &value_size))
            return b->op == PRED_JSON_HAS ? NO : UNKNOWN;
        if (b->op == PRED_JSON_HAS)
            return YES;
        return b->needle && value_size == b->needle_size && !memcmp(value, b->needle, value_size);
    }
    if (!b->needle)
        return UNKNOWN;
    switch (b->op) {
    case PRED_CONTAINS: return text_contains(text, size, b->needle, b->needle_size);
    case PRED_CONTAINS_FOLD:
        return text_contains_folded(text, size, b->needle, b->needle_size, scratch);
    case PRED_PREFIX: return size >= b->needle_size && !memcmp(text, b->needle, b->needle_size);
    case PRED_LIKE: return text_like(text, size, b->needle, b->needle_size);
    default: return UNKNOWN;
    }
}

static int eval(const struct bound_pred *b, struct bytes key, struct bytes value, struct node_store *ns,
                struct arena *scratch, int *truth, struct err *err) {
    if (!b) {
        *truth = YES;
        return BD_OK;
    }
    int rc, kid;
    switch (b->op) {
    case PRED_AND:
    case PRED_OR: {
        int stop = b->op == PRED_AND ? NO : YES, result = b->op == PRED_AND ? YES : NO;
        for (size_t i = 0; i < b->kid_count; i++) {
            rc = eval(b->kids[i], key, value, ns, scratch, &kid, err);
            if (rc)
                return rc;
            if (kid == stop) {
                *truth = stop;
                return BD_OK;
            }
            if (kid == UNKNOWN)
                result = UNKNOWN;
        }
        *truth = result;
        return BD_OK;
    }
    case PRED_NOT:
        rc = eval(b->kid_count ? b->kids[0] : NULL, key, value, ns, scratch, &kid, err);
        *truth = kid == UNKNOWN ? UNKNOWN : !kid;
        return rc;
    default: break;
    }
    struct bytes raw = {NULL, 0};
    struct cell c;
    if (b->ref.desc) {
        raw = column_ref_raw(&b->ref, key, value);
    } else if (b->ref.column >= 0) {
        rc = column_ref_cell(&b->ref, key, value, ns, scratch, &c, err);
        if (rc)
            return rc;
        if (!cell_is_null(&c))
            raw = key; /* any bytes: there is a value */
    }
    if (b->op == PRED_IS_NULL || b->op == PRED_IS_NOT_NULL) {
        *truth = (raw.data == NULL) == (b->op == PRED_IS_NULL);
        return BD_OK;
    }
    if (!raw.data) {
        *truth = UNKNOWN;
        return BD_OK;
    }
    if (b->by_bytes) {
        bool found = false;
        if (b->cell_count <= 4) {
            for (size_t i = 0; i < b->cell_count && !found; i++)
                found = b->raws[i].size == raw.size && !memcmp(b->raws[i].data, raw.data, raw.size);
        } else {
            found = bsearch(&raw, b->raws, b->cell_count, sizeof raw, raw_order) != NULL;
        }
        *truth = found == (b->op != PRED_NE);
        return BD_OK;
    }
    rc = b->ref.desc ? column_ref_cell(&b->ref, key, value, ns, scratch, &c, err) : BD_OK;
    if (rc)
        return rc;
    *truth = b->op >= PRED_CONTAINS_FOLD ? text_question(b, &c, scratch) : compare_cell(b, &c, scratch);
    return BD_OK;
}

int pred_matches(const struct bound_pred *p, struct bytes key, struct bytes value,
                 struct node_store *ns, struct arena *scratch, bool *matches, struct err *err) {
    int truth = UNKNOWN;
    int rc = eval(p, key, value, ns, scratch, &truth, err);
    *matches = truth == YES;
    return rc;
}
