/*
 * Tuples: rows and index keys as bytes, their comparison, and the way between bytes and cells (Dolt:
 * go/store/val).
 */
#ifndef STORE_VALUE_TUPLE_H
#define STORE_VALUE_TUPLE_H

#include "store/prolly/tree.h"
#include "store/value/cell.h"
#include "store/value/schema.h"

#define TUPLE_FIELDS_MAX 4096

/* What the fields of a tuple are; built once per table. */
struct tuple_field {
    enum encoding encoding;
    bool nullable;
    uint16_t collation;
    const struct sql_type *type; /* borrowed from the schema; NULL for hidden fields */
    const char *name;            /* borrowed from the schema, for messages; NULL for hidden fields */
};
struct tuple_desc {
    struct tuple_field *fields;
    size_t count;
    uint16_t target_row_size;
    /* Leading fields whose order is that of their bytes, as stored. tuple_desc_seal computes it. */
    size_t bytewise;
    bool has_addresses;
    /* Where comparison reads out-of-line adaptive fields of an index key from; NULL: compares their
     * references. Only indexes on TEXT columns of Dolt 2.x need it. */
    struct node_store *ns;
};
/* Recomputes the derived members after fields were set by hand. */
void tuple_desc_seal(struct tuple_desc *d);

/* Descriptors of a table's row keys, row values, and of one secondary index's keys; in the arena. */
void tuple_desc_keys(const struct schema *s, struct arena *a, struct tuple_desc *out);
void tuple_desc_values(const struct schema *s, struct arena *a, struct tuple_desc *out);
void tuple_desc_index(const struct schema *s, const struct index *ix, struct arena *a,
                      struct tuple_desc *out);

/* Raw field i: data NULL for SQL NULL (also when i is beyond the stored count). Never reads outside t.
 */
struct bytes tuple_field(struct bytes t, size_t i);
size_t tuple_count(struct bytes t);
bool tuple_is_valid(struct bytes t); /* offsets ascending and inside: check once per hostile tuple */

/* tree_compare_fn with ctx = struct tuple_desc. */
int tuple_compare(const void *desc, struct bytes a, struct bytes b);
/* Compares the first n fields only. */
int tuple_compare_prefix(const struct tuple_desc *desc, size_t n, struct bytes a, struct bytes b);
/* tree_value_addresses_fn with ctx = struct tuple_desc: out-of-line addresses of one value tuple. */
size_t tuple_addresses(const void *desc, struct bytes t, uint16_t *offsets, size_t max);

/* Decodes field i. Out-of-line text is read through ns; text lives in `a` or is borrowed from t. */
int tuple_get_cell(const struct tuple_desc *desc, struct bytes t, size_t i, struct node_store *ns,
                   struct arena *a, struct cell *out, struct err *err);

/*
 * Encodes cells (one per field) into a tuple in the arena; long values go out of line through ns.
 * Cells are converted to the field's type as MySQL's strict mode does: a value that does not fit
 * (length, range, wrong text) is BD_CONSTRAINT with MySQL's wording; DATETIME(0) is rounded half up.
 */
int tuple_build(const struct tuple_desc *desc, const struct cell *cells, struct node_store *ns,
                struct arena *a, struct bytes *out, struct err *err);

/* Largest sum of field bytes that a tuple may hold. */
#define TUPLE_DATA_MAX 65504

/* Concatenates raw fields into a tuple (index keys from row fields). data NULL = SQL NULL. Trailing
 * NULLs are dropped. {NULL, 0} when the fields exceed TUPLE_DATA_MAX bytes. */
struct bytes tuple_from_fields(const struct bytes *fields, size_t count, struct arena *a);

/* Converts a cell to what a column of this type would store and read back. Text must be valid UTF-8 for
 * a text type, unless it comes as CELL_BYTES (a key prefix cut inside a character). */
int cell_convert(const struct sql_type *type, const struct cell *in, struct arena *a, struct cell *out,
                 struct err *err);

#endif
