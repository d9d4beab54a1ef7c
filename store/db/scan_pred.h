/*
 * Predicates bound to the columns of one table, ready to be evaluated on stored tuples.
 */
#ifndef STORE_DB_SCAN_PRED_H
#define STORE_DB_SCAN_PRED_H

#include "store/db/table.h"
#include "store/db/tables.h"

/* Where a column's bytes are found: in a row, or in the key of a covering index. */
struct column_ref {
    const struct table_schema *ts;
    const struct tuple_desc *desc; /* NULL: the table has no such column, or it is computed */
    bool in_value;
    uint16_t at;
    int column; /* ordinal; -1: the table lacks it */
};
/* index < 0: in rows. False when a covering index does not hold the column whole. */
bool column_ref_bind(struct column_ref *r, const struct table_schema *ts, int index, const char *name);
static inline struct bytes column_ref_raw(const struct column_ref *r, struct bytes key,
                                          struct bytes value) {
    return tuple_field(r->in_value ? value : key, r->at);
}
int column_ref_cell(const struct column_ref *r, struct bytes key, struct bytes value,
                    struct node_store *ns, struct arena *a, struct cell *out, struct err *err);

struct bound_pred;
/* Binds in the arena. BD_NOT_FOUND with *covered = false set when index >= 0 does not cover the
 * columns. */
int pred_bind(const struct pred *p, const struct table_schema *ts, int index, struct node_store *ns,
              struct arena *a, const struct bound_pred **out, struct err *err);
/* 1 true, 0 false, -1 unknown (NULL), or an error code below -1 … see pred_matches. */
int pred_matches(const struct bound_pred *p, struct bytes key, struct bytes value,
                 struct node_store *ns, struct arena *scratch, bool *matches, struct err *err);
/* False when some column of p is not whole in the index. */
bool pred_is_covered(const struct pred *p, const struct table_schema *ts, int index);

/* What a column of this type would hold for the constant; false when nothing stored can equal it. */
bool pred_constant(const struct table_schema *ts, int column, const struct cell *in, struct arena *a,
                   struct cell *out);

/* ---- scan_text.c ---- */
bool text_contains(const char *text, size_t size, const char *needle, size_t needle_size);
/* Simple case folding; *out is in the arena. */
void text_fold(const char *text, size_t size, struct arena *a, const char **out, size_t *out_size);
bool text_contains_folded(const char *text, size_t size, const char *folded, size_t folded_size,
                          struct arena *scratch);
bool text_like(const char *text, size_t size, const char *pattern, size_t pattern_size);
/* The value at an object key, unquoted, in the arena; false when there is none. */
bool json_object_value(const char *json, size_t size, const char *key, struct arena *a,
                       const char **out, size_t *out_size);

#endif
