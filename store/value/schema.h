/*
 * Table schemas: columns with Dolt's types, tags and encodings, keys, secondary indexes, checks; and
 * their DSCH message, byte-identical to Dolt's (go/serial/schema.fbs there).
 */
#ifndef STORE_VALUE_SCHEMA_H
#define STORE_VALUE_SCHEMA_H

#include "base/err.h"
#include "base/mem.h"
#include "store/chunk/chunk_store.h"

#include <stdbool.h>
#include <stdint.h>

/* Encodings of stored fields; numbers are Dolt's (go/serial/encoding.fbs). */
enum encoding {
    ENC_NULL = 0,
    ENC_INT8 = 1,
    ENC_UINT8 = 2,
    ENC_INT16 = 3,
    ENC_UINT16 = 4,
    ENC_INT32 = 7,
    ENC_UINT32 = 8,
    ENC_INT64 = 9,
    ENC_UINT64 = 10,
    ENC_FLOAT32 = 11,
    ENC_FLOAT64 = 12,
    ENC_BIT64 = 13,
    ENC_HASH128 = 14,
    ENC_YEAR = 15,
    ENC_DATE = 16,
    ENC_TIME = 17,
    ENC_DATETIME = 18,
    ENC_ENUM = 19,
    ENC_SET = 20,
    ENC_BYTES_ADDR = 21,
    ENC_COMMIT_ADDR = 22,
    ENC_STRING_ADDR = 23,
    ENC_JSON_ADDR = 24,
    ENC_CELL = 25,
    ENC_GEOM_ADDR = 26,
    ENC_EXTENDED_ADDR = 27,
    ENC_STRING = 128,
    ENC_BYTES = 129,
    ENC_DECIMAL = 130,
    ENC_JSON = 131,
    ENC_GEOMETRY = 133,
    ENC_EXTENDED = 134,
    ENC_STRING_ADAPTIVE = 135,
    ENC_BYTES_ADAPTIVE = 136,
    ENC_EXTENDED_ADAPTIVE = 137,
    ENC_GEOM_ADAPTIVE = 138,
    ENC_JSON_ADAPTIVE = 139,
};

enum sql_base {
    SQL_TINYINT,
    SQL_SMALLINT,
    SQL_MEDIUMINT,
    SQL_INT,
    SQL_BIGINT,
    SQL_FLOAT,
    SQL_DOUBLE,
    SQL_DECIMAL,
    SQL_CHAR,
    SQL_VARCHAR,
    SQL_BINARY,
    SQL_VARBINARY,
    SQL_TINYTEXT,
    SQL_TEXT,
    SQL_MEDIUMTEXT,
    SQL_LONGTEXT,
    SQL_TINYBLOB,
    SQL_BLOB,
    SQL_MEDIUMBLOB,
    SQL_LONGBLOB,
    SQL_JSON,
    SQL_DATE,
    SQL_DATETIME,
    SQL_TIMESTAMP,
    SQL_TIME,
    SQL_YEAR,
    SQL_ENUM,
    SQL_SET,
    SQL_BIT,
    SQL_GEOMETRY,
    SQL_UNKNOWN,
};

struct sql_type {
    enum sql_base base;
    bool is_unsigned;
    unsigned length;    /* CHAR/VARCHAR/BINARY/BIT length, TINYINT display width, fractional digits */
    unsigned scale;     /* DECIMAL: digits behind the point (length = precision) */
    uint16_t collation; /* MySQL collation id; 309 = utf8mb4_0900_bin */
    const char *const *members; /* ENUM, SET */
    size_t member_count;
};

#define COLLATION_UTF8MB4_0900_BIN 309
#define COLLATION_UTF8MB4_0900_AI_CI 255
#define COLLATION_BINARY 63

/*
 * Geometry types keep their text ("point SRID 4326") in members[0], unknown types theirs.
 * Text types without a collation of their own get COLLATION_UTF8MB4_0900_BIN, binary ones
 * COLLATION_BINARY.
 */

/* Parses a stored type text ("varchar(64) COLLATE utf8mb4_0900_ai_ci"). BD_INVALID. */
int sql_type_parse(const char *text, struct arena *a, struct sql_type *out, struct err *err);
/* The same for a type at the start of a longer text (a column definition): *used is what it took. Takes
 * UNSIGNED, ZEROFILL, CHARACTER SET, COLLATE and BINARY with it where they follow directly. */
int sql_type_scan(const char *text, size_t size, struct arena *a, struct sql_type *out,
                  bool *collation_given, size_t *used, struct err *err);
bool sql_type_is_text(const struct sql_type *t); /* has a collation: CHAR … LONGTEXT, ENUM, SET */
/* The text Dolt stores for it, in the arena. */
char *sql_type_format(const struct sql_type *t, struct arena *a);
/* Copies what the type borrows, its members, into the arena. */
void sql_type_keep(struct sql_type *t, struct arena *a);
enum encoding sql_type_encoding(const struct sql_type *t); /* default of Dolt ≤ 1.88 */
enum encoding sql_type_key_encoding(const struct sql_type *t, enum encoding column_encoding);
unsigned sql_type_tag_kind(const struct sql_type *t); /* for column_tag */

struct column {
    const char *name;
    const char *type_text;    /* as stored */
    struct sql_type type;     /* parsed */
    const char *default_text; /* stored default or generation expression, "" = none */
    const char *comment;      /* "" = none */
    const char *on_update;    /* "" = none */
    int16_t display_order;
    uint64_t tag;
    enum encoding encoding;
    bool primary_key, nullable, auto_increment, hidden, hidden_system, generated, is_virtual;
    bool uses_adaptive, adaptive_breaking;
};

struct index {
    const char *name, *comment, *predicate; /* predicate NULL = none */
    uint16_t *columns;                      /* ordinals of the indexed columns */
    size_t column_count;
    uint16_t *key_columns; /* the same, then missing primary-key columns */
    size_t key_column_count;
    uint16_t *prefix_lengths; /* bytes per indexed column, or NULL/0 entries */
    size_t prefix_count;
    bool unique, system_defined, spatial, fulltext, vector;
};

struct check {
    const char *name, *expression;
    bool enforced, not_valid;
};

struct schema {
    struct column *columns; /* in display order; a keyless table's two hidden columns (row id,
                               cardinality: no type) are last and count */
    size_t column_count;
    uint16_t *pk; /* ordinals in key order; empty for keyless tables */
    size_t pk_count;
    uint16_t *values; /* ordinals of the fields of a value tuple: the stored non-key columns; in a
                         keyless table the hidden cardinality comes first */
    size_t value_count;
    struct index *indexes; /* sorted by name */
    size_t index_count;
    struct check *checks;
    size_t check_count;
    uint16_t collation;
    const char *comment;      /* "" = none */
    uint16_t target_row_size; /* 2048 unless stored */
    bool keyless;
};

/* Everything is allocated in `a`. BD_CORRUPT. */
int schema_parse(const struct chunk *message, struct arena *a, struct schema *out, struct err *err);
/* Appends the DSCH message to out. The fields pk, values, indexes' key_columns must be consistent. */
int schema_serialize(const struct schema *s, struct buf *out, struct err *err);
/* Number of columns that people see (all but the hidden ones of a keyless table). */
size_t schema_visible_count(const struct schema *s);
/* Is this column among these? */
bool schema_lists(const uint16_t *ordinals, size_t count, size_t ordinal);
/* Ordinal by name (case-insensitive), -1 when missing. */
int schema_column(const struct schema *s, const char *name);
const struct index *schema_index(const struct schema *s, const char *name);
/* Deep copy into the arena, for ALTER. */
void schema_copy(const struct schema *s, struct arena *a, struct schema *out);
/*
 * Recomputes what follows from columns, pk and each index's `columns`: keyless (no pk) with its hidden
 * columns, display order, primary_key flags, values, every index's key_columns; sorts indexes by name.
 */
void schema_derive(struct schema *s, struct arena *a);

/*
 * Dolt's deterministic column tag. existing_kinds: kind bytes of the columns the table has already;
 * used: tags of all tables (working and HEAD), any order.
 */
uint64_t column_tag(const char *table, const uint8_t *existing_kinds, size_t kind_count,
                    const char *column, unsigned kind, const uint64_t *used, size_t used_count);

#endif
