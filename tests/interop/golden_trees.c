/*
 * The golden trees: makes the rows of each case from their rule, encodes them, builds row maps and
 * indexes, edits them step by step, and compares every address with what real Dolt got
 * (data/golden/expected.json of the shared files, kinds tree, edits and tables).
 *
 * Usage: golden_trees [CASE...]   needs BD_SHARED, else it says so and skips. Exit status 1: a
 * difference.
 */
#include "base/os.h"
#include "store/prolly/flatbuf.h"
#include "store/value/schema.h"
#include "store/value/tuple.h"
#include "tests/interop/golden_rows.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <stdlib.h>
#include <time.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define INDEXES_MAX 8
#define COLLATION_BIN 309

static struct err err;

#define MUST(call)                                                                                     \
    do {                                                                                               \
        int must_rc_ = (call);                                                                         \
        if (must_rc_ != BD_OK) {                                                                       \
            printf("%s: %s: %s\n", #call, err_name(must_rc_), err.msg);                                \
            exit(1);                                                                                   \
        }                                                                                              \
    } while (0)

static double now_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- a table made of trees --- */

struct golden_table {
    const char *name;
    struct node_store *ns;
    struct arena arena; /* schema */
    struct schema schema;
    struct tuple_desc keys, values, index_keys[INDEXES_MAX];
    struct tree_type row_type, index_types[INDEXES_MAX];
    struct tree rows, indexes[INDEXES_MAX];
    struct hash schema_hash;
    double seconds; /* in tree_apply */
};

static const char *skip_blanks(const char *p) {
    while (*p == ' ')
        p++;
    return p;
}

static const char *take_word(const char *p, struct arena *a, char **word) {
    const char *start = p = skip_blanks(p);
    while (isalnum((unsigned char)*p) || *p == '_')
        p++;
    *word = arena_strndup(a, start, (size_t)(p - start));
    return p;
}

static bool is_word(const char *p, const char *word) {
    size_t n = strlen(word);
    return strncmp(p, word, n) == 0 && !isalnum((unsigned char)p[n]);
}

/* "(a, b(5), c)" */
static const char *take_columns(const char *p, const struct schema *s, struct arena *a,
                                uint16_t *columns, uint16_t *prefixes, size_t *count,
                                bool *any_prefix) {
    p = skip_blanks(p) + 1;
    *count = 0;
    for (;;) {
        char *word;
        p = take_word(p, a, &word);
        columns[*count] = (uint16_t)schema_column(s, word);
        prefixes[*count] = 0;
        if (*p == '(') {
            prefixes[*count] = (uint16_t)strtoul(p + 1, NULL, 10);
            *any_prefix = true;
            p = strchr(p, ')') + 1;
        }
        ++*count;
        p = skip_blanks(p);
        if (*p++ == ')')
            return p;
    }
}

/* One element of the column list: a column or a key. */
static const char *take_element(struct golden_table *t, const char *p, bool adaptive) {
    struct schema *s = &t->schema;
    struct arena *a = &t->arena;
    p = skip_blanks(p);
    bool unique = is_word(p, "UNIQUE");
    if (unique)
        p = skip_blanks(p + 6);
    if (is_word(p, "PRIMARY")) {
        uint16_t prefixes[16];
        bool any = false;
        s->pk = arena_zalloc(a, 16 * sizeof *s->pk);
        return take_columns(strchr(p, '('), s, a, s->pk, prefixes, &s->pk_count, &any);
    }
    if (is_word(p, "KEY")) {
        struct index *ix = &s->indexes[s->index_count++];
        char *name;
        bool any = false;
        p = take_word(p + 3, a, &name);
        *ix = (struct index){.name = name, .comment = "", .unique = unique};
        ix->columns = arena_zalloc(a, 16 * sizeof *ix->columns);
        ix->prefix_lengths = arena_zalloc(a, 16 * sizeof *ix->prefix_lengths);
        p = take_columns(p, s, a, ix->columns, ix->prefix_lengths, &ix->column_count, &any);
        ix->prefix_count = any ? ix->column_count : 0;
        return p;
    }
    struct column *c = &s->columns[s->column_count];
    char *name;
    size_t used;
    bool collation_given;
    *c = (struct column){.default_text = "", .comment = "", .on_update = "", .nullable = true};
    p = skip_blanks(take_word(p, a, &name));
    c->name = name;
    MUST(sql_type_scan(p, strlen(p), a, &c->type, &collation_given, &used, &err));
    p = skip_blanks(p + used);
    for (;;) {
        p = skip_blanks(p);
        if (is_word(p, "NOT")) {
            c->nullable = false;
            p += 8;
        } else if (is_word(p, "PRIMARY")) {
            c->nullable = false;
            s->pk = arena_zalloc(a, sizeof *s->pk);
            s->pk[s->pk_count++] = (uint16_t)s->column_count;
            p += 11;
        } else if (is_word(p, "DEFAULT")) {
            const char *start = p = skip_blanks(p + 7);
            while (*p != ' ' && *p != ',' && *p != ')')
                p++;
            c->default_text = arena_strndup(a, start, (size_t)(p - start));
        } else {
            break;
        }
    }
    c->type_text = sql_type_format(&c->type, a);
    c->encoding = sql_type_encoding(&c->type);
    if (adaptive && (c->encoding == 21 || c->encoding == 23 || c->encoding == 24)) {
        c->encoding = (enum encoding)(c->encoding == 21 ? 136 : c->encoding == 23 ? 135 : 139);
        c->uses_adaptive = c->adaptive_breaking = true;
    }
    s->column_count++;
    return p;
}

static void write_empty(struct golden_table *t) {
    MUST(tree_empty(&t->rows, t->ns, &t->row_type, &err));
    for (size_t i = 0; i < t->schema.index_count; i++)
        MUST(tree_empty(&t->indexes[i], t->ns, &t->index_types[i], &err));
}

/* `used`: tags that other tables have. */
static void create_table(struct golden_table *t, const char *ddl, bool adaptive, struct node_store *ns,
                         const uint64_t *used, size_t used_count) {
    memset(t, 0, sizeof *t);
    t->ns = ns;
    struct arena *a = &t->arena;
    struct schema *s = &t->schema;
    char *name;
    s->columns = arena_zalloc(a, 32 * sizeof *s->columns);
    s->indexes = arena_zalloc(a, INDEXES_MAX * sizeof *s->indexes);
    s->collation = COLLATION_BIN;
    s->comment = "";
    s->target_row_size = 2048;
    const char *p = skip_blanks(take_word(ddl + strlen("CREATE TABLE"), a, &name));
    t->name = name;
    while (*p == '(' || *p == ',')
        p = skip_blanks(take_element(t, p + 1, adaptive));

    uint8_t kinds[32];
    for (size_t i = 0; i < s->column_count; i++) {
        struct column *c = &s->columns[i];
        unsigned kind = sql_type_tag_kind(&c->type);
        uint64_t *tags = mem_zalloc(used_count + i, sizeof *tags);
        if (used_count)
            memcpy(tags, used, used_count * sizeof *tags);
        for (size_t j = 0; j < i; j++)
            tags[used_count + j] = s->columns[j].tag;
        c->tag = column_tag(t->name, kinds, i, c->name, kind, tags, used_count + i);
        free(tags);
        kinds[i] = (uint8_t)kind;
    }
    for (size_t i = 0; i < s->pk_count; i++)
        s->columns[s->pk[i]].nullable = false;
    schema_derive(s, a);
    tuple_desc_keys(s, a, &t->keys);
    tuple_desc_values(s, a, &t->values);
    t->row_type =
        (struct tree_type){.kind = TREE_ROWS, .compare = tuple_compare, .compare_ctx = &t->keys};
    if (t->values.has_addresses) {
        t->row_type.addresses = tuple_addresses;
        t->row_type.addresses_ctx = &t->values;
    }
    for (size_t i = 0; i < s->index_count; i++) {
        tuple_desc_index(s, &s->indexes[i], a, &t->index_keys[i]);
        t->index_types[i] = (struct tree_type){
            .kind = TREE_ROWS, .compare = tuple_compare, .compare_ctx = &t->index_keys[i]};
    }
    struct buf message = BUF_INIT;
    MUST(schema_serialize(s, &message, &err));
    MUST(node_store_write(ns, message.data, message.size, &t->schema_hash, &err));
    buf_release(&message);
    write_empty(t);
}

static void drop_table(struct golden_table *t) { arena_release(&t->arena); }

static flatbuf_ref write_hash(struct flatbuf *fb, const struct hash *h) {
    return flatbuf_bytes(fb, h->b, HASH_SIZE);
}

/* DTBL (Dolt: go/serial/table.fbs). Index roots are chunks, the row map's root is embedded. */
static struct hash table_hash(struct golden_table *t, struct hash *index_roots) {
    struct tree map;
    struct address_edit edits[INDEXES_MAX];
    for (size_t i = 0; i < t->schema.index_count; i++) {
        MUST(tree_write_root(&t->indexes[i], &index_roots[i], &err));
        edits[i] = (struct address_edit){t->schema.indexes[i].name, index_roots[i]};
    }
    MUST(tree_empty(&map, t->ns, &tree_type_addresses, &err));
    MUST(address_map_apply(&map, edits, t->schema.index_count, &map, &err));
    struct flatbuf fb;
    struct hash zero = HASH_ZERO, h;
    flatbuf_ref parts[4];
    flatbuf_init(&fb);
    flatbuf_ref schema = write_hash(&fb, &t->schema_hash);
    flatbuf_ref rows = flatbuf_bytes(&fb, t->rows.root.data, t->rows.root.size);
    flatbuf_ref indexes = flatbuf_bytes(&fb, map.root.data, map.root.size);
    for (unsigned i = 0; i < 4; i++)
        parts[i] = write_hash(&fb, &zero);
    flatbuf_table_begin(&fb, 4);
    for (unsigned i = 0; i < 4; i++)
        flatbuf_add_ref(&fb, i, parts[i]);
    flatbuf_ref conflicts = flatbuf_table_end(&fb);
    flatbuf_ref violations = write_hash(&fb, &zero), artifacts = write_hash(&fb, &zero);
    flatbuf_table_begin(&fb, 7);
    flatbuf_add_ref(&fb, 0, schema);
    flatbuf_add_ref(&fb, 1, rows);
    flatbuf_add_ref(&fb, 2, indexes);
    flatbuf_add_ref(&fb, 4, conflicts);
    flatbuf_add_ref(&fb, 5, violations);
    flatbuf_add_ref(&fb, 6, artifacts);
    const uint8_t *data;
    size_t size;
    flatbuf_finish_message(&fb, flatbuf_table_end(&fb), "DTBL", &data, &size);
    MUST(node_store_write(t->ns, data, size, &h, &err));
    flatbuf_release(&fb);
    return h;
}

static struct hash root_hash(const struct tree *tables) {
    struct flatbuf fb;
    struct hash zero = HASH_ZERO;
    const uint8_t *data;
    size_t size;
    flatbuf_init(&fb);
    flatbuf_ref map = flatbuf_bytes(&fb, tables->root.data, tables->root.size);
    flatbuf_ref keys = write_hash(&fb, &zero);
    flatbuf_table_begin(&fb, 5);
    flatbuf_add_u64(&fb, 0, 7, 0);
    flatbuf_add_u16(&fb, 3, COLLATION_BIN, 0);
    flatbuf_add_ref(&fb, 1, map);
    flatbuf_add_ref(&fb, 2, keys);
    flatbuf_finish_message(&fb, flatbuf_table_end(&fb), "RTVL", &data, &size);
    struct hash h = hash_of(data, size);
    flatbuf_release(&fb);
    return h;
}

/* --- rows --- */

static void encode_row(struct golden_table *t, const struct cell *row, struct arena *a,
                       struct bytes *key, struct bytes *value) {
    const struct schema *s = &t->schema;
    struct cell cells[GOLDEN_COLUMNS_MAX + 1];
    if (s->keyless) {
        cells[0] = (struct cell){.kind = CELL_UINT, .u = 1};
        for (size_t i = 1; i < s->value_count; i++)
            cells[i] = row[s->values[i]];
        MUST(tuple_build(&t->values, cells, t->ns, a, value, &err));
        XXH128_hash_t h = XXH3_128bits(value->data + 8, value->size - 8);
        uint8_t *id = arena_alloc(a, 18);
        for (unsigned i = 0; i < 8; i++) {
            id[i] = (uint8_t)(h.low64 >> (8 * i));
            id[8 + i] = (uint8_t)(h.high64 >> (8 * i));
        }
        id[16] = 1;
        id[17] = 0;
        *key = (struct bytes){id, 18};
        return;
    }
    for (size_t i = 0; i < s->pk_count; i++)
        cells[i] = row[s->pk[i]];
    MUST(tuple_build(&t->keys, cells, t->ns, a, key, &err));
    for (size_t i = 0; i < s->value_count; i++)
        cells[i] = row[s->values[i]];
    MUST(tuple_build(&t->values, cells, t->ns, a, value, &err));
}

static struct bytes row_field(const struct golden_table *t, uint16_t column, struct bytes key,
                              struct bytes value) {
    const struct schema *s = &t->schema;
    for (size_t i = 0; i < s->value_count; i++) {
        if (s->values[i] == column)
            return tuple_field(value, i);
    }
    for (size_t i = 0; i < s->pk_count; i++) {
        if (s->pk[i] == column)
            return tuple_field(key, i);
    }
    return (struct bytes){NULL, 0};
}

static struct bytes index_key(const struct golden_table *t, size_t n, struct bytes key,
                              struct bytes value, struct arena *a) {
    const struct index *ix = &t->schema.indexes[n];
    struct bytes fields[GOLDEN_COLUMNS_MAX + 2];
    for (size_t i = 0; i < ix->key_column_count; i++) {
        fields[i] = row_field(t, ix->key_columns[i], key, value);
        size_t prefix = i < ix->prefix_count ? ix->prefix_lengths[i] : 0;
        if (prefix && fields[i].data && fields[i].size - 1 > prefix) { /* the text ends with a NUL */
            uint8_t *cut = arena_alloc(a, prefix + 1);
            memcpy(cut, fields[i].data, prefix);
            cut[prefix] = 0;
            fields[i] = (struct bytes){cut, prefix + 1};
        }
    }
    size_t count = ix->key_column_count;
    if (t->schema.keyless)
        fields[count++] = tuple_field(key, 0); /* the row id */
    return tuple_from_fields(fields, count, a);
}

/* One row that comes, goes or changes. Keyless: `copies` more or fewer of it. */
struct change {
    struct bytes key, before, after; /* no data: no such row */
    int64_t copies;
};

static const struct tree_type *sort_type;

static int compare_edits(const void *x, const void *y) {
    const struct tree_edit *a = x, *b = y;
    int cmp = sort_type->compare(sort_type->compare_ctx, a->key, b->key);
    return cmp ? cmp : b->remove - a->remove; /* a removal first */
}

static void apply_edits(struct golden_table *t, struct tree *tree, struct tree_edit *edits,
                        size_t count) {
    sort_type = &tree->type;
    if (count > 1)
        qsort(edits, count, sizeof *edits, compare_edits);
    size_t unique = 0; /* removal and put of one key: the put stands */
    for (size_t i = 0; i < count; i++) {
        if (unique &&
            sort_type->compare(sort_type->compare_ctx, edits[unique - 1].key, edits[i].key) == 0)
            edits[unique - 1] = edits[i];
        else
            edits[unique++] = edits[i];
    }
    double start = now_seconds();
    MUST(tree_apply(tree, edits, unique, tree, &err));
    t->seconds += now_seconds() - start;
}

static const uint8_t no_fields[2] = {0, 0};

static void apply_changes(struct golden_table *t, const struct change *changes, size_t count,
                          struct arena *a) {
    struct tree_edit *edits = mem_zalloc(2 * count, sizeof *edits);
    for (size_t n = 0; n < t->schema.index_count; n++) {
        size_t used = 0;
        for (size_t i = 0; i < count; i++) {
            const struct change *c = &changes[i];
            struct bytes old = {NULL, 0}, new = {NULL, 0};
            if (c->before.data)
                old = index_key(t, n, c->key, c->before, a);
            if (c->after.data)
                new = index_key(t, n, c->key, c->after, a);
            if (old.data && new.data &&
                old.size == new.size &&memcmp(old.data, new.data, old.size) == 0)
                continue;
            if (old.data)
                edits[used++] = (struct tree_edit){old, {NULL, 0}, true};
            if (new.data)
                edits[used++] = (struct tree_edit){new, {no_fields, 2}, false};
        }
        apply_edits(t, &t->indexes[n], edits, used);
    }
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        const struct change *c = &changes[i];
        if (c->after.data || c->before.data)
            edits[used++] = (struct tree_edit){c->key, c->after, !c->after.data};
    }
    apply_edits(t, &t->rows, edits, used);
    free(edits);
}

/* Turns copies of keyless rows into rows with a cardinality. */
static size_t fold_copies(struct golden_table *t, struct change *changes, size_t count,
                          struct arena *a) {
    struct tree_edit *order = mem_zalloc(count, sizeof *order);
    for (size_t i = 0; i < count; i++)
        order[i] = (struct tree_edit){
            changes[i].key, {(const uint8_t *)&changes[i], sizeof changes[i]}, false};
    sort_type = &t->row_type;
    if (count > 1)
        qsort(order, count, sizeof *order, compare_edits);
    struct change *folded = mem_zalloc(count, sizeof *folded);
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        struct change c;
        memcpy(&c, order[i].value.data, sizeof c);
        if (n && t->row_type.compare(t->row_type.compare_ctx, folded[n - 1].key, c.key) == 0)
            folded[n - 1].copies += c.copies;
        else
            folded[n++] = c;
    }
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        struct change c = folded[i];
        struct bytes stored, shape = c.after.data ? c.after : c.before;
        uint64_t have = 0;
        int rc = tree_get(&t->rows, c.key, &stored, &err);
        if (rc != BD_NOT_FOUND)
            MUST(rc);
        if (rc == BD_OK)
            memcpy(&have, tuple_field(stored, 0).data, 8);
        uint64_t want = have + (uint64_t)c.copies;
        if (want == have)
            continue;
        c.before = rc == BD_OK ? stored : (struct bytes){NULL, 0};
        c.after = (struct bytes){NULL, 0};
        if (want) {
            uint8_t *bytes = arena_dup(a, shape.data, shape.size);
            memcpy(bytes, &want, 8);
            c.after = (struct bytes){bytes, shape.size};
        }
        changes[used++] = c;
    }
    free(folded);
    free(order);
    return used;
}

static void change_rows(struct golden_table *t, struct change *changes, size_t count, struct arena *a) {
    if (t->schema.keyless)
        count = fold_copies(t, changes, count, a);
    apply_changes(t, changes, count, a);
}

/* --- cases --- */

static bool same_address(const char *name, const char *what, struct hash got, const cJSON *want) {
    char text[HASH_TEXT_SIZE + 1];
    hash_format(&got, text);
    if (cJSON_IsString(want) && strcmp(text, want->valuestring) == 0)
        return true;
    printf("%s: %s is %s, Dolt has %s\n", name, what, text,
           cJSON_IsString(want) ? want->valuestring : "-");
    return false;
}

static const cJSON *get(const cJSON *o, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(o, name);
}

static bool is_adaptive(const cJSON *c) {
    return strstr(get(c, "made_by")->valuestring, " 2.") != NULL;
}

static bool check_table(const char *name, struct golden_table *t, const cJSON *size) {
    struct hash index_roots[INDEXES_MAX];
    struct hash h = table_hash(t, index_roots);
    bool good = same_address(name, "row map", tree_root_hash(&t->rows), get(size, "rows"));
    for (size_t i = 0; i < t->schema.index_count; i++)
        good &= same_address(name, t->schema.indexes[i].name, index_roots[i],
                             get(get(size, "indexes"), t->schema.indexes[i].name));
    good &= same_address(name, "table", h, get(size, "table"));
    struct tree tables;
    MUST(tree_empty(&tables, t->ns, &tree_type_addresses, &err));
    MUST(address_map_set(&tables, t->name, &h, &tables, &err));
    good &= same_address(name, "root", root_hash(&tables), get(size, "db"));
    if (tree_count(&t->rows) != (uint64_t)get(size, "tree_count")->valuedouble) {
        printf("%s: %llu items\n", name, (unsigned long long)tree_count(&t->rows));
        good = false;
    }
    return good;
}

static bool run_tree(const char *name, const cJSON *c) {
    const char *rule = get(c, "rule")->valuestring;
    const cJSON *size;
    bool good = true;
    cJSON_ArrayForEach(size, get(c, "sizes")) {
        struct node_store *ns = node_store_new(NULL);
        struct arena a = ARENA_INIT;
        struct golden g = {(uint64_t)get(c, "seed")->valuedouble, &a};
        struct golden_table t;
        size_t n = (size_t)get(size, "n")->valuedouble;
        create_table(&t, get(c, "ddl")->valuestring, is_adaptive(c), ns, NULL, 0);
        good &= same_address(name, "schema", t.schema_hash, get(c, "schema"));
        struct change *changes = mem_zalloc(n, sizeof *changes);
        double start = now_seconds();
        for (size_t i = 0; i < n; i++) {
            struct cell row[GOLDEN_COLUMNS_MAX];
            golden_row(&g, rule, i, 0, row);
            encode_row(&t, row, &a, &changes[i].key, &changes[i].after);
            changes[i].copies = 1;
        }
        double encoded = now_seconds();
        change_rows(&t, changes, n, &a);
        good &= check_table(name, &t, size);
        if (n >= 100000)
            printf("%s: %zu rows: generated and encoded in %.0f ms, trees built in %.0f ms\n", name, n,
                   (encoded - start) * 1e3, t.seconds * 1e3);
        free(changes);
        drop_table(&t);
        arena_release(&a);
        node_store_free(ns);
    }
    return good;
}

/* The rows of an edits case: which are there, and in which version. */
struct present {
    bool *there;
    uint64_t *version;
    size_t limit, count;
};

static void set_row(struct present *p, const char *rule, uint64_t i, unsigned what, uint64_t version) {
    bool bag = strcmp(rule, "bag") == 0;
    if (what == 0 && !p->there[i]) {
        p->there[i] = true;
        p->version[i] = version;
        p->count++;
    } else if (what <= 1 && p->there[i] && !bag) {
        p->version[i] = version;
    } else if (what == 2 && p->there[i]) {
        p->there[i] = false;
        p->count--;
    }
}

static void plan_step(struct present *p, const struct golden *g, const char *rule, uint64_t s,
                      uint64_t initial) {
    if (s <= 180) {
        for (uint64_t j = 0; j < UINT64_C(1) << (s % 8); j++) {
            uint64_t z = golden_r(g, 1000000 + s, j, 0);
            set_row(p, rule, z % (2 * initial), (unsigned)((z >> 32) % 3), s);
        }
    } else if (s <= 199) {
        for (uint64_t i = 0; i < p->limit; i++) {
            if (golden_r(g, 2000000, i, 0) % 19 < s - 180)
                set_row(p, rule, i, 2, s);
        }
    } else if (s == 200) {
        for (uint64_t i = 0; i < p->limit; i++)
            set_row(p, rule, i, 2, s);
    } else {
        for (uint64_t i = 0; i < 100; i++)
            set_row(p, rule, i, 0, 0);
    }
}

static bool run_edits(const char *name, const cJSON *c) {
    const char *rule = get(c, "rule")->valuestring;
    const cJSON *steps = get(c, "steps"), *counts = get(c, "counts");
    struct node_store *ns = node_store_new(NULL);
    struct arena a = ARENA_INIT;
    struct golden g = {(uint64_t)get(c, "seed")->valuedouble, &a};
    struct golden_table t;
    uint64_t initial = (uint64_t)get(c, "initial_rows")->valuedouble;
    struct present p = {.limit = 2 * initial}, before = {.limit = 2 * initial};
    p.there = mem_zalloc(p.limit, sizeof *p.there);
    p.version = mem_zalloc(p.limit, sizeof *p.version);
    before.there = mem_zalloc(p.limit, sizeof *p.there);
    before.version = mem_zalloc(p.limit, sizeof *p.version);
    struct change *changes = mem_zalloc(p.limit, sizeof *changes);
    create_table(&t, get(c, "ddl")->valuestring, is_adaptive(c), ns, NULL, 0);
    int good_steps = 0, all = cJSON_GetArraySize(steps);
    double few = 0;
    for (int s = 0; s < all; s++) {
        if (s == 0) {
            for (uint64_t i = 0; i < initial; i++)
                set_row(&p, rule, i, 0, 0);
        } else {
            plan_step(&p, &g, rule, (uint64_t)s, initial);
        }
        size_t n = 0;
        for (uint64_t i = 0; i < p.limit; i++) {
            struct cell row[GOLDEN_COLUMNS_MAX];
            bool was = before.there[i], is = p.there[i];
            if (was == is && (!is || before.version[i] == p.version[i]))
                continue;
            struct change *ch = &changes[n++];
            memset(ch, 0, sizeof *ch);
            ch->copies = (int64_t)is - (int64_t)was;
            if (was) {
                golden_row(&g, rule, i, before.version[i], row);
                encode_row(&t, row, &a, &ch->key, &ch->before);
            }
            if (is) {
                golden_row(&g, rule, i, p.version[i], row);
                encode_row(&t, row, &a, &ch->key, &ch->after);
            }
        }
        t.seconds = 0;
        change_rows(&t, changes, n, &a);
        if (s % 8 == 0 && s > 0 && s <= 180) /* one row of the table and its entries */
            few += t.seconds;
        memcpy(before.there, p.there, p.limit * sizeof *p.there);
        memcpy(before.version, p.version, p.limit * sizeof *p.version);
        struct hash roots[INDEXES_MAX];
        char what[40];
        snprintf(what, sizeof what, "table after step %d", s);
        bool good = same_address(name, what, table_hash(&t, roots), cJSON_GetArrayItem(steps, s));
        if (p.count != (size_t)cJSON_GetArrayItem(counts, s)->valuedouble) {
            printf("%s: %zu rows after step %d\n", name, p.count, s);
            good = false;
        }
        good_steps += good;
        arena_reset(&a);
    }
    printf("%s: %d of %d steps; an edit of one row takes %.0f us in %zu trees\n", name, good_steps, all,
           few / 22 * 1e6, 1 + t.schema.index_count);
    free(p.there);
    free(p.version);
    free(before.there);
    free(before.version);
    free(changes);
    drop_table(&t);
    arena_release(&a);
    node_store_free(ns);
    return good_steps == all;
}

static bool run_tables(const char *name, const cJSON *c) {
    struct node_store *ns = node_store_new(NULL);
    struct tree tables;
    uint64_t used[2000];
    size_t used_count = 0;
    bool good = true;
    MUST(tree_empty(&tables, ns, &tree_type_addresses, &err));
    for (int n = 0; n < 600; n++) {
        struct golden_table t;
        struct hash roots[INDEXES_MAX];
        char ddl[200], number[16];
        const char *pattern = get(c, "ddl")->valuestring, *percent = strchr(pattern, '%');
        snprintf(ddl, sizeof ddl, "%.*s%04d%s", (int)(percent - pattern), pattern, n,
                 strchr(percent, 'd') + 1);
        create_table(&t, ddl, is_adaptive(c), ns, used, used_count);
        for (size_t i = 0; i < t.schema.column_count; i++)
            used[used_count++] = t.schema.columns[i].tag;
        struct hash h = table_hash(&t, roots);
        MUST(address_map_set(&tables, t.name, &h, &tables, &err));
        drop_table(&t);
        snprintf(number, sizeof number, "%d", n + 1);
        const cJSON *want = get(get(c, "roots"), number);
        if (want)
            good &= same_address(name, "root", root_hash(&tables), want);
    }
    node_store_free(ns);
    return good;
}

int main(int argc, char **argv) {
    const char *shared = getenv("BD_SHARED");
    char path[4096];
    char *data;
    size_t size;
    snprintf(path, sizeof path, "%s/data/golden/expected.json", shared ? shared : "");
    if (!shared || os_read_file(path, (size_t)1 << 28, &data, &size) != 0) {
        printf("skipped: BD_SHARED does not name the folder with data/golden/expected.json\n");
        return 0;
    }
    cJSON *all = cJSON_Parse(data), *c;
    int failed = 0, run = 0;
    cJSON_ArrayForEach(c, all) {
        const char *kind = get(c, "kind")->valuestring;
        bool wanted = argc < 2;
        for (int i = 1; i < argc; i++)
            wanted |= strcmp(argv[i], c->string) == 0;
        bool (*fn)(const char *, const cJSON *) = strcmp(kind, "tree") == 0     ? run_tree
                                                  : strcmp(kind, "edits") == 0  ? run_edits
                                                  : strcmp(kind, "tables") == 0 ? run_tables
                                                                                : NULL;
        if (!wanted || !fn)
            continue;
        bool good = fn(c->string, c);
        printf("%s %s\n", good ? "ok" : "FAILED", c->string);
        fflush(stdout);
        run++;
        failed += !good;
    }
    printf("%d cases, %d failed\n", run, failed);
    cJSON_Delete(all);
    free(data);
    return failed != 0;
}
