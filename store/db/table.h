/*
 * Tables (DTBL): a schema, the row map, the secondary index maps (Dolt: go/serial/table.fbs).
 */
#ifndef STORE_DB_TABLE_H
#define STORE_DB_TABLE_H

#include "store/db/edit_map.h"
#include "store/db/expr.h"
#include "store/value/schema.h"
#include "store/value/tuple.h"

/* Where a column's value is stored. */
struct column_place {
    enum { PLACE_KEY, PLACE_VALUE, PLACE_NONE } in; /* NONE: a virtual generated column */
    uint16_t at;
};

/* A schema with everything derived from it; immutable once made, shared by tables of one connection. */
struct table_schema {
    struct hash hash; /* DSCH address; zero until a table with it is flushed for the first time */
    struct schema schema;
    struct tuple_desc keys, values;
    struct tuple_desc *indexes;   /* one per schema.indexes */
    struct column_place *places;  /* one per column */
    const struct expr **computed; /* per column: expression of a virtual generated column, else NULL */
    bool has_adaptive;            /* rows must be built whole */
    struct tree_type row_type;
    struct tree_type *index_types;
};

/* Derives everything from s (whose memory must live as long as out). */
void table_schema_init(struct table_schema *out, const struct schema *s, struct arena *a);
int table_schema_read(struct node_store *ns, const struct hash *h, struct arena *a,
                      struct table_schema *out, struct err *err);

struct table {
    const char *name; /* as stored in the root value */
    struct hash hash; /* DTBL address; zero for a table not written yet */
    const struct table_schema *ts;
    struct node_store *ns;
    struct edit_map rows;
    struct tree index_roots;  /* ADRM: index name → root address */
    struct edit_map *indexes; /* one per schema.indexes, opened on demand */
    bool *index_open;
    struct arena *arena;
    uint64_t auto_increment; /* next value; 0 means 1 */
    struct hash conflicts[4], violations, artifacts;
    bool changed; /* the message must be written anew */
};

/* The address of a table's schema, without reading anything else. */
int table_schema_address(struct node_store *ns, const struct hash *table, struct hash *schema,
                         struct err *err);
/* `schema_for` gives the parsed schema (a cache of the caller). The table lives in the arena. */
typedef int (*table_schema_fn)(void *ctx, const struct hash *h, const struct table_schema **out,
                               struct err *err);
int table_open(struct table *t, struct node_store *ns, const char *name, const struct hash *h,
               table_schema_fn schema_for, void *ctx, struct arena *a, struct err *err);
/* An empty table with this (written) schema. */
int table_create(struct table *t, struct node_store *ns, const char *name,
                 const struct table_schema *ts, struct arena *a, struct err *err);
/* The i-th index map. */
int table_index(struct table *t, size_t i, struct edit_map **out, struct err *err);
bool table_is_dirty(const struct table *t);
/* Flushes all maps and writes the DTBL if anything changed; t->hash is the address. */
int table_flush(struct table *t, struct err *err);

/* Raw bytes of a column in a stored row; data NULL for SQL NULL and virtual columns. */
struct bytes table_field(const struct table_schema *ts, size_t column, struct bytes key,
                         struct bytes value);
int table_cell(const struct table_schema *ts, size_t column, struct bytes key, struct bytes value,
               struct node_store *ns, struct arena *a, struct cell *out, struct err *err);
/* The tuple field description of a column as stored. NULL for virtual columns. */
const struct tuple_field *table_column_field(const struct table_schema *ts, size_t column);

/*
 * The key of a row in secondary index i, in the arena. *null_part (may be NULL): some indexed column is
 * NULL, which exempts the row from uniqueness.
 */
int table_index_key(const struct table_schema *ts, size_t i, struct bytes key, struct bytes value,
                    struct node_store *ns, struct arena *a, struct bytes *out, bool *null_part,
                    struct err *err);
/* The row key that an entry of index i points to. */
struct bytes table_index_row_key(const struct table_schema *ts, size_t i, struct bytes index_key,
                                 struct arena *a);

/* Key of a keyless row and the same value with another cardinality. */
struct bytes keyless_key(struct bytes value, struct arena *a);
uint64_t keyless_cardinality(struct bytes value);
struct bytes keyless_with_cardinality(struct bytes value, uint64_t cardinality, struct arena *a);

extern const struct bytes tuple_empty; /* 00 00 */

#endif
