/*
 * Rows against their schema, secondary indexes against the rows.
 *
 * An index is right when it holds exactly the keys that the rows give. Both sides are reduced to a
 * count and a sum of hashes per node, so that versions which share nodes share the work: each leaf is
 * read once for each schema it is read with, on all processors, and inner nodes add their children up.
 */
#include "store/db/fsck_check.h"

#include "store/prolly/flatbuf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#define INDEXES_MAX 1000u
#define DEPTH_MAX 16
#define SLICE 32u
#define TASK_CACHE_MAX ((size_t)16 << 20)

struct leaf_job {
    uint32_t entry;  /* the leaf, or the table it is embedded in */
    uint32_t schema; /* number */
    int32_t index;   /* -1: rows */
    bool embedded;
    struct fold *fold;
};

struct rows_check {
    struct db_check *c;
    struct leaf_job *jobs;
    size_t count, capacity;
};

static uint64_t reading_of(const struct check_schema *s, int index) {
    return s->number * 1024 + (uint64_t)(index + 1);
}

bool table_take_apart(const struct chunk *bytes, struct table_parts *out) {
    static const uint8_t zero[HASH_SIZE];
    bool bad = false;
    struct fb_table t, conflicts;
    *out = (struct table_parts){0};
    if (fb_open(bytes->data, bytes->size, "DTBL", &bad, &t, NULL) != BD_OK)
        return false;
    struct fb_bytes schema = fb_bytes_at(&t, 0), rows = fb_bytes_at(&t, 1),
                    indexes = fb_bytes_at(&t, 2);
    struct fb_bytes violations = fb_bytes_at(&t, 5), artifacts = fb_bytes_at(&t, 6);
    if (bad || schema.size != HASH_SIZE || !rows.data || !indexes.data)
        return false;
    memcpy(out->schema.b, schema.data, HASH_SIZE);
    if (artifacts.size == HASH_SIZE)
        memcpy(out->artifacts.b, artifacts.data, HASH_SIZE);
    out->rows = (struct chunk){rows.data, rows.size};
    out->indexes = (struct chunk){indexes.data, indexes.size};
    out->old_fields = violations.size == HASH_SIZE && memcmp(violations.data, zero, HASH_SIZE) != 0;
    if (fb_table_at(&t, 4, &conflicts))
        for (unsigned i = 0; i < 4; i++) {
            struct fb_bytes b = fb_bytes_at(&conflicts, i);
            if (b.size == HASH_SIZE && memcmp(b.data, zero, HASH_SIZE) != 0)
                out->old_fields = true;
        }
    return !bad;
}

/* ---- schemas ---- */

struct check_schema *check_schema_of(struct db_check *c, const struct hash *h, const char *table) {
    struct check_schema *s = strmap_get_n(&c->schemas, (const char *)h->b, HASH_SIZE);
    if (s)
        return s;
    s = arena_zalloc(&c->arena, sizeof *s);
    s->number = c->schema_count;
    s->name = arena_strdup(&c->arena, table);
    MEM_GROW(c->schema_list, c->schema_capacity, c->schema_count + 1);
    c->schema_list[c->schema_count++] = s;
    strmap_put_n(&c->schemas, (const char *)h->b, HASH_SIZE, s);
    struct chunk bytes;
    struct schema parsed;
    struct err err = ERR_INIT;
    if (!check_read(c, h, MESSAGE_TABLE_SCHEMA, "schema", &bytes))
        return s;
    if (schema_parse(&bytes, &c->arena, &parsed, &err) != BD_OK || parsed.index_count > INDEXES_MAX) {
        fsck_add(c->r, FSCK_ERROR, FSCK_SCHEMA, REPAIR_NONE, h, table, NULL, "schema of %s: %s", table,
                 err.msg);
        return s;
    }
    struct table_schema *ts = arena_zalloc(&c->arena, sizeof *ts);
    table_schema_init(ts, &parsed, &c->arena);
    ts->hash = *h;
    s->ts = ts;
    s->indexable = arena_zalloc(&c->arena, parsed.index_count + 1);
    for (size_t i = 0; i < parsed.index_count; i++) {
        const struct index *x = &parsed.indexes[i];
        bool computed = false;
        for (size_t k = 0; k < x->key_column_count; k++)
            computed = computed || ts->places[x->key_columns[k]].in == PLACE_NONE;
        s->indexable[i] = !x->spatial && !x->fulltext && !x->vector && !x->predicate && !computed;
        if (!s->indexable[i])
            fsck_add(c->r, FSCK_NOTE, FSCK_SKIPPED, REPAIR_NOT_NEEDED, h, table, NULL,
                     "%s.%s: a special index, whose content is not checked", table, x->name);
    }
    check_schema_rules(c, s, h);
    return s;
}

/* ---- one leaf of rows ---- */

static void bad_row(struct check_task *t, const struct check_schema *s, struct bytes key,
                    const char *column, const char *why) {
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < key.size && i < 40; i++)
        buf_addf(&text,
                 key.data[i] >= 0x20 && key.data[i] < 0x7f && key.data[i] != '\\' ? "%c" : "\\%02x",
                 key.data[i]);
    fsck_add(&t->report, FSCK_ERROR, FSCK_ROW, REPAIR_NONE, NULL, s->name, NULL, "%s, row %s: %s%s%s",
             s->name, buf_str(&text), column ? column : "", column ? ": " : "", why);
    buf_release(&text);
}

static bool is_plain_address(enum encoding e) {
    return e == ENC_BYTES_ADDR || e == ENC_STRING_ADDR || e == ENC_JSON_ADDR || e == ENC_GEOM_ADDR;
}

static uint8_t far_encoding(enum encoding e) {
    switch (e) {
    case ENC_STRING_ADAPTIVE: return ENC_STRING_ADDR;
    case ENC_BYTES_ADAPTIVE: return ENC_BYTES_ADDR;
    case ENC_JSON_ADAPTIVE: return ENC_JSON_ADDR;
    case ENC_GEOM_ADAPTIVE: return ENC_GEOM_ADDR;
    case ENC_EXTENDED_ADAPTIVE: return ENC_EXTENDED_ADDR;
    default: return 0;
    }
}

/* The number in front of an out-of-line adaptive value: how long it is. */
static uint64_t far_length(struct bytes raw) {
    const uint8_t *b = raw.data;
    if (b[0] <= 240)
        return b[0];
    if (b[0] <= 248)
        return 240 + 256 * (uint64_t)(b[0] - 241) + b[1];
    if (b[0] == 249)
        return 2288 + 256 * (uint64_t)b[1] + b[2];
    uint64_t n = 0;
    for (unsigned i = 1; i <= b[0] - 247u; i++)
        n = n << 8 | b[i];
    return n;
}

static void check_one_field(struct check_task *t, const struct check_schema *s, struct bytes key,
                            const struct tuple_field *f, struct bytes raw, bool hidden) {
    const char *name = f->name ? f->name : "";
    if (!raw.data) {
        if (!f->nullable && !hidden)
            bad_row(t, s, key, name, "NULL in a column that is NOT NULL");
        return;
    }
    const char *why = check_field(f->encoding, raw);
    if (why) {
        bad_row(t, s, key, name, why);
        return;
    }
    struct hash h;
    memcpy(h.b, raw.data + raw.size - (raw.size >= HASH_SIZE ? HASH_SIZE : raw.size),
           raw.size >= HASH_SIZE ? HASH_SIZE : 0);
    if (is_plain_address(f->encoding)) {
        if (!hash_is_zero(&h))
            check_note_value(t, &h, (uint8_t)f->encoding, false, 0, s->name, name);
    } else if (far_encoding(f->encoding) && raw.data[0] != 0) {
        check_note_value(t, &h, far_encoding(f->encoding), true, far_length(raw), s->name, name);
    }
}

static void check_row(struct check_task *t, const struct check_schema *s, struct bytes key,
                      struct bytes value, struct arena *a, struct fold *f) {
    const struct table_schema *ts = s->ts;
    const struct schema *sc = &ts->schema;
    if (!tuple_is_valid(key) || !tuple_is_valid(value)) {
        bad_row(t, s, key, NULL, "not a tuple");
        return;
    }
    if (sc->keyless) {
        struct bytes want = keyless_key(value, a);
        if (key.size != want.size || memcmp(key.data, want.data, want.size) != 0)
            bad_row(t, s, key, NULL, "the id of a row without key does not match the row");
    } else {
        size_t have = 0;
        for (size_t i = 0; i < ts->keys.count; i++)
            have += tuple_field(key, i).data != NULL;
        if (have != ts->keys.count || tuple_count(key) != ts->keys.count)
            bad_row(t, s, key, NULL, "the primary key is not complete");
        for (size_t i = 0; i < ts->keys.count && have == ts->keys.count; i++)
            check_one_field(t, s, key, &ts->keys.fields[i], tuple_field(key, i), false);
    }
    size_t stored = tuple_count(value);
    if (stored > ts->values.count || (stored && !tuple_field(value, stored - 1).data))
        bad_row(t, s, key, NULL, "more values than columns, or a NULL at the end");
    for (size_t i = 0; i < ts->values.count; i++) {
        bool hidden = sc->values[i] < sc->column_count && sc->columns[sc->values[i]].hidden;
        check_one_field(t, s, key, &ts->values.fields[i], tuple_field(value, i), hidden);
    }
    for (size_t i = 0; i < sc->index_count; i++) {
        struct bytes k;
        struct err err = ERR_INIT;
        if (!s->indexable[i])
            continue;
        if (table_index_key(ts, i, key, value, t->ns, a, &k, NULL, &err) != BD_OK || !k.data)
            bad_row(t, s, key, sc->indexes[i].name, err.code ? err.msg : "no index entry can be made");
        else
            f->sums[i] += XXH3_64bits(k.data, k.size);
    }
}

/* The list of places of out-of-line values that a leaf carries, against what its rows hold. */
static void check_places(struct check_task *t, const struct check_schema *s, const struct chunk *bytes,
                         const struct tree_node *n, const struct hash *h) {
    bool bad = false;
    struct fb_table fb;
    if (fb_open(bytes->data, bytes->size, "TUPM", &bad, &fb, NULL) != BD_OK)
        return;
    struct fb_vector stored = fb_vector_at(&fb, 6, 2);
    size_t at = 0, base = 0;
    bool same = true;
    uint16_t places[256];
    for (uint32_t i = 0; i < n->count && same; i++) {
        struct bytes v = tree_node_value(n, i);
        size_t count = tuple_addresses(&s->ts->values, v, places, 256);
        for (size_t k = 0; k < count && same; k++, at++)
            same = at < stored.count && fb_vector_u16(&stored, at) == (uint16_t)(base + places[k]);
        base += v.size;
    }
    char text[HASH_TEXT_SIZE + 1];
    if (!same || at != stored.count)
        fsck_add(
            &t->report, FSCK_ERROR, FSCK_TREE_ADDRESSES, REPAIR_NONE, h, s->name, NULL,
            "%s: leaf %s does not list the out-of-line values of its rows: a collection would lose "
            "them",
            s->name, check_name(h, text));
}

static void check_leaf(struct check_task *t, const struct leaf_job *job) {
    struct db_check *c = t->c;
    const struct check_schema *s = c->schema_list[job->schema];
    const struct hash *h = &c->scan->entries[job->entry].address;
    struct fold *f = job->fold;
    uint8_t *data;
    size_t size;
    struct table_parts parts;
    struct tree_node n;
    struct arena scratch = ARENA_INIT;
    if (scan_read(t->reader, job->entry, &data, &size, NULL) != BD_OK)
        return; /* told before */
    struct chunk bytes = {data, size};
    if ((!job->embedded || table_take_apart(&bytes, &parts)) &&
        node_parse(TREE_ROWS, job->embedded ? parts.rows : bytes, &n, NULL) == BD_OK && n.level == 0) {
        struct chunk node = job->embedded ? parts.rows : bytes;
        struct tuple_desc desc = job->index < 0 ? s->ts->keys : s->ts->indexes[job->index];
        desc.ns = t->ns;
        f->count = n.count;
        f->state = FOLD_DONE;
        f->ordered = true;
        for (uint32_t i = 0; i < n.count; i++) {
            struct bytes key = tree_node_key(&n, i), value = tree_node_value(&n, i);
            if (i && f->ordered && tuple_compare(&desc, tree_node_key(&n, i - 1), key) >= 0)
                f->ordered = false;
            if (job->index < 0) {
                check_row(t, s, key, value, &scratch, f);
                arena_reset(&scratch);
            } else {
                f->sums[0] += XXH3_64bits(key.data, key.size);
            }
        }
        char text[HASH_TEXT_SIZE + 1];
        if (!f->ordered)
            fsck_add(&t->report, FSCK_ERROR, FSCK_TREE_ORDER, REPAIR_NONE, h, s->name, NULL,
                     "%s%s%s: keys out of order in node %s", s->name, job->index < 0 ? "" : ".",
                     job->index < 0 ? "" : s->ts->schema.indexes[job->index].name, check_name(h, text));
        if (n.count) {
            struct bytes a = tree_node_key(&n, 0), b = tree_node_key(&n, n.count - 1);
            f->first = (struct bytes){arena_dup(&t->arena, a.data, a.size), a.size};
            f->last = (struct bytes){arena_dup(&t->arena, b.data, b.size), b.size};
        }
        if (job->index < 0)
            check_places(t, s, &node, &n, h);
    }
    arena_release(&scratch);
    free(data);
}

static void check_leaves(struct check_task *t, size_t from, size_t to, void *ctx) {
    const struct rows_check *x = ctx;
    for (size_t i = from; i < to; i++) {
        check_leaf(t, &x->jobs[i]);
        node_store_reset(t->ns);
        scan_reader_forget(t->reader, TASK_CACHE_MAX);
    }
}

/* ---- collecting the leaves ---- */

static struct fold *find_fold(const struct db_check *c, uint32_t entry, uint64_t reading) {
    struct fold *f = c->folds[entry];
    while (f && f->reading != reading)
        f = f->next;
    return f;
}

static size_t sums_of(const struct check_schema *s, int index) {
    return index < 0 ? s->ts->schema.index_count : 1;
}

static struct fold *add_fold(struct db_check *c, uint32_t entry, uint64_t reading, size_t sums) {
    struct fold *f = arena_zalloc(&c->arena, sizeof *f + sums * sizeof f->sums[0]);
    f->reading = reading;
    f->next = c->folds[entry];
    c->folds[entry] = f;
    return f;
}

static void add_job(struct rows_check *x, uint32_t entry, const struct check_schema *s, int index,
                    bool embedded, struct fold *f) {
    MEM_GROW(x->jobs, x->capacity, x->count + 1);
    x->jobs[x->count++] = (struct leaf_job){entry, (uint32_t)s->number, index, embedded, f};
}

/* Below a node: every leaf that has not been seen with this reading becomes a job. */
static void collect_node(struct rows_check *x, const struct tree_node *n, const struct check_schema *s,
                         int index, unsigned depth) {
    struct db_check *c = x->c;
    for (uint32_t i = 0; i < n->count && n->level && depth < DEPTH_MAX; i++) {
        struct hash h = node_child_hash(n, i);
        uint32_t entry = scan_find(c->scan, &h);
        if (!is_kind(c, entry, MESSAGE_TREE_NODE) || find_fold(c, entry, reading_of(s, index)))
            continue;
        struct fold *f = add_fold(c, entry, reading_of(s, index), sums_of(s, index));
        if (n->level == 1) {
            add_job(x, entry, s, index, false, f);
            continue;
        }
        uint8_t *data;
        size_t size;
        struct tree_node child;
        if (scan_read(c->reader, entry, &data, &size, NULL) != BD_OK)
            continue;
        if (node_parse(TREE_ROWS, (struct chunk){data, size}, &child, NULL) == BD_OK &&
            child.level + 1 == n->level)
            collect_node(x, &child, s, index, depth + 1);
        free(data);
    }
}

/* The tree whose root chunk is at h. */
static void collect_root(struct rows_check *x, const struct hash *h, const struct check_schema *s,
                         int index) {
    struct db_check *c = x->c;
    uint32_t entry = scan_find(c->scan, h);
    if (!is_kind(c, entry, MESSAGE_TREE_NODE) || find_fold(c, entry, reading_of(s, index)))
        return;
    uint8_t *data;
    size_t size;
    struct tree_node n;
    if (scan_read(c->reader, entry, &data, &size, NULL) != BD_OK)
        return;
    if (node_parse(TREE_ROWS, (struct chunk){data, size}, &n, NULL) == BD_OK) {
        struct fold *f = add_fold(c, entry, reading_of(s, index), sums_of(s, index));
        if (n.level == 0)
            add_job(x, entry, s, index, false, f);
        else
            collect_node(x, &n, s, index, 0);
    }
    free(data);
}

/* Address of index i in the map of a table. */
static bool index_root(struct db_check *c, const struct table_parts *p, const char *name,
                       struct hash *out) {
    struct tree map;
    return tree_open_embedded(&map, c->ns, &tree_type_addresses, p->indexes, NULL) == BD_OK &&
           address_map_get(&map, name, out, NULL) == BD_OK;
}

/* ---- adding up ---- */

static const struct fold *fold_node(struct db_check *c, const struct hash *h,
                                    const struct check_schema *s, int index, unsigned level,
                                    unsigned depth);

/* Adds the children of a node up into f. */
static bool fold_children(struct db_check *c, const struct tree_node *n, const struct hash *where,
                          const struct check_schema *s, int index, unsigned depth, struct fold *f) {
    size_t sums = sums_of(s, index);
    struct tuple_desc desc = index < 0 ? s->ts->keys : s->ts->indexes[index];
    desc.ns = c->ns;
    struct bytes last = {NULL, 0};
    char text[HASH_TEXT_SIZE + 1];
    f->ordered = true;
    for (uint32_t i = 0; i < n->count; i++) {
        struct hash h = node_child_hash(n, i);
        const struct fold *k = fold_node(c, &h, s, index, n->level - 1u, depth + 1);
        if (!k)
            return false;
        f->count += k->count;
        f->ordered = f->ordered && k->ordered;
        for (size_t j = 0; j < sums; j++)
            f->sums[j] += k->sums[j];
        if (last.data && k->first.data && tuple_compare(&desc, last, k->first) >= 0) {
            f->ordered = false;
            fsck_add(c->r, FSCK_ERROR, FSCK_TREE_ORDER, REPAIR_NONE, where, s->name, NULL,
                     "%s: children %u and %u of node %s overlap", s->name, i - 1, i,
                     check_name(where, text));
        }
        if (i == 0)
            f->first = k->first;
        f->last = last = k->last;
    }
    return true;
}

static const struct fold *fold_node(struct db_check *c, const struct hash *h,
                                    const struct check_schema *s, int index, unsigned level,
                                    unsigned depth) {
    uint32_t entry = scan_find(c->scan, h);
    if (!is_kind(c, entry, MESSAGE_TREE_NODE) || depth > DEPTH_MAX)
        return NULL;
    struct fold *f = find_fold(c, entry, reading_of(s, index));
    if (!f || f->state != FOLD_OPEN || level == 0)
        return f && f->state == FOLD_DONE ? f : NULL;
    f->state = FOLD_FAILED; /* also while it is being added up: a node below itself is damage */
    uint8_t *data;
    size_t size;
    struct tree_node n;
    bool good = false;
    if (scan_read(c->reader, entry, &data, &size, NULL) != BD_OK)
        return NULL;
    if (node_parse(TREE_ROWS, (struct chunk){data, size}, &n, NULL) == BD_OK && n.level == level)
        good = fold_children(c, &n, h, s, index, depth, f);
    free(data);
    f->state = good ? FOLD_DONE : FOLD_FAILED;
    return good ? f : NULL;
}

/* The whole of an index tree. */
static const struct fold *fold_root(struct db_check *c, const struct hash *h,
                                    const struct check_schema *s, int index) {
    uint32_t entry = scan_find(c->scan, h);
    if (!is_kind(c, entry, MESSAGE_TREE_NODE))
        return NULL;
    unsigned level = c->facts[entry] ? c->facts[entry]->level : 0;
    return fold_node(c, h, s, index, level, 0);
}

/* ---- tables ---- */

static void check_artifacts(struct db_check *c, const struct check_schema *s, const struct hash *h) {
    struct chunk bytes;
    struct tree t;
    struct tree_cursor cur;
    struct err err = ERR_INIT;
    if (!check_read(c, h, MESSAGE_MERGE_ARTIFACTS, "conflicts and violations", &bytes))
        return;
    char name[300];
    snprintf(name, sizeof name, "%s (conflicts and violations)", s->name);
    check_tree_shape(c, TREE_ARTIFACTS, bytes, h, name);
    struct tree_type type = {.kind = TREE_ARTIFACTS};
    size_t keys = s->ts->keys.count, kinds[256] = {0};
    int rc = tree_open_embedded(&t, c->ns, &type, bytes, &err);
    if (rc == BD_OK)
        rc = tree_cursor_first(&cur, &t, &err);
    while (rc == BD_OK && cur.valid) {
        struct bytes k = tree_cursor_key(&cur), v = tree_cursor_value(&cur);
        size_t n = tuple_is_valid(k) ? tuple_count(k) : 0;
        if ((n != keys + 2 && n != keys + 3) || tuple_field(k, keys).size != HASH_SIZE ||
            tuple_field(k, keys + 1).size != 1 || !tuple_is_valid(v) || tuple_count(v) != 1) {
            rc = err_set(&err, BD_CORRUPT, "an entry is malformed");
            break;
        }
        kinds[tuple_field(k, keys + 1).data[0]]++;
        rc = tree_cursor_next(&cur, &err);
    }
    if (rc != BD_OK)
        fsck_add(c->r, FSCK_ERROR, FSCK_ARTIFACTS, REPAIR_NONE, h, s->name, NULL,
                 "%s: conflicts and violations: %s", s->name, err.msg);
    else
        fsck_add(c->r, FSCK_NOTE, FSCK_ARTIFACTS, REPAIR_NOT_NEEDED, h, s->name, NULL,
                 "%s: %zu conflicts and %zu violations of a merge wait to be resolved", s->name,
                 kinds[1], kinds[2] + kinds[3] + kinds[4] + kinds[5]);
}

static void check_index(struct db_check *c, const struct check_schema *s, size_t i,
                        const struct fold *rows, const struct hash *root, uint32_t table) {
    const char *index = s->ts->schema.indexes[i].name;
    char name[600], text[HASH_TEXT_SIZE + 1];
    snprintf(name, sizeof name, "%s.%s", s->name, index);
    struct chunk bytes;
    if (!check_read(c, root, MESSAGE_TREE_NODE, name, &bytes))
        return;
    check_tree_shape(c, TREE_ROWS, bytes, root, name);
    const struct fold *have = fold_root(c, root, s, (int)i);
    if (!s->indexable[i] || !rows || !have)
        return;
    if (have->count != rows->count || have->sums[0] != rows->sums[i])
        /* In history alone it is nothing that a command of today reads, and nothing that can be
         * changed. */
        fsck_add(c->r, c->current[table] ? FSCK_ERROR : FSCK_WARNING, FSCK_INDEX_WRONG,
                 c->current[table] ? REPAIR_INDEXES : REPAIR_NOT_NEEDED, root, name, NULL,
                 have->count != rows->count
                     ? "%s (%s): the index has %llu entries for %llu rows"
                     : "%s (%s): entries of the index do not match the rows (%llu entries, %llu rows)",
                 name, check_name(root, text), (unsigned long long)have->count,
                 (unsigned long long)rows->count);
}

static void check_index_map(struct db_check *c, const struct check_schema *s,
                            const struct table_parts *p, const struct hash *h) {
    struct tree map;
    struct err err = ERR_INIT;
    char name[300];
    snprintf(name, sizeof name, "%s (map of indexes)", s->name);
    check_tree_shape(c, TREE_ADDRESSES, p->indexes, h, name);
    if (tree_open_embedded(&map, c->ns, &tree_type_addresses, p->indexes, &err) != BD_OK)
        return;
    if (tree_count(&map) != s->ts->schema.index_count)
        fsck_add(c->r, FSCK_ERROR, FSCK_INDEX_WRONG, REPAIR_NONE, h, s->name, NULL,
                 "%s: the table has %llu indexes, its schema %zu", s->name,
                 (unsigned long long)tree_count(&map), s->ts->schema.index_count);
}

static void check_table(struct db_check *c, uint32_t entry) {
    const struct hash *h = &c->scan->entries[entry].address;
    struct chunk bytes;
    struct table_parts p;
    struct tree_node n;
    if (!check_read(c, h, MESSAGE_TABLE, "table", &bytes) || !table_take_apart(&bytes, &p))
        return;
    const char *name = c->table_names[entry] ? c->table_names[entry] : "(table)";
    struct check_schema *s = check_schema_of(c, &p.schema, name);
    c->r->summary.tables++;
    if (p.old_fields)
        fsck_add(c->r, FSCK_ERROR, FSCK_ROOT_VALUE, REPAIR_NONE, h, name, NULL,
                 "%s: conflict or violation fields of the old format are in use", name);
    check_tree_shape(c, TREE_ROWS, p.rows, h, name);
    if (!s->ts || node_parse(TREE_ROWS, p.rows, &n, NULL) != BD_OK) {
        c->skipped++;
        return;
    }
    check_index_map(c, s, &p, h);
    struct fold *rows = find_fold(c, entry, reading_of(s, -1));
    if (rows && (n.level ? !fold_children(c, &n, h, s, -1, 0, rows) : rows->state != FOLD_DONE))
        rows = NULL;
    if (rows)
        c->r->summary.rows += rows->count;
    for (size_t i = 0; i < s->ts->schema.index_count; i++) {
        struct hash root;
        if (index_root(c, &p, s->ts->schema.indexes[i].name, &root))
            check_index(c, s, i, rows, &root, entry);
        else
            fsck_add(c->r, FSCK_ERROR, FSCK_INDEX_WRONG, REPAIR_NONE, h, name, NULL,
                     "%s: index %s has no entry in the map of indexes", name,
                     s->ts->schema.indexes[i].name);
    }
    if (!hash_is_zero(&p.artifacts))
        check_artifacts(c, s, &p.artifacts);
}

/* Everything that is to be read for one table becomes jobs. */
static void collect_table(struct rows_check *x, uint32_t entry) {
    struct db_check *c = x->c;
    const struct hash *h = &c->scan->entries[entry].address;
    struct chunk bytes;
    struct table_parts p;
    struct tree_node n;
    if (!check_read(c, h, MESSAGE_TABLE, "table", &bytes) || !table_take_apart(&bytes, &p)) {
        fsck_add(c->r, FSCK_ERROR, FSCK_ROOT_VALUE, REPAIR_NONE, h, c->table_names[entry], NULL,
                 "table %s cannot be read", c->table_names[entry] ? c->table_names[entry] : "");
        return;
    }
    const char *name = c->table_names[entry] ? c->table_names[entry] : "(table)";
    struct check_schema *s = check_schema_of(c, &p.schema, name);
    if (!s->ts || node_parse(TREE_ROWS, p.rows, &n, NULL) != BD_OK)
        return;
    struct fold *f = add_fold(c, entry, reading_of(s, -1), sums_of(s, -1));
    if (n.level == 0)
        add_job(x, entry, s, -1, true, f);
    else
        collect_node(x, &n, s, -1, 0);
    for (size_t i = 0; i < s->ts->schema.index_count; i++) {
        struct hash root;
        if (index_root(c, &p, s->ts->schema.indexes[i].name, &root) && !s->ts->schema.indexes[i].vector)
            collect_root(x, &root, s, (int)i);
    }
}

/* As they stand in the files: leaves that share a dictionary are read one after the other. */
static int by_entry(const void *a, const void *b) {
    const struct leaf_job *x = a, *y = b;
    if (x->entry != y->entry)
        return x->entry < y->entry ? -1 : 1;
    if (x->schema != y->schema)
        return x->schema < y->schema ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

int check_tables(struct db_check *c, struct err *err) {
    struct rows_check x = {.c = c};
    int rc = BD_OK;
    for (size_t i = 0; i < c->count; i++)
        if (c->reached[i] && c->kind[i] == MESSAGE_TABLE) {
            collect_table(&x, (uint32_t)i);
            check_breathe(c);
        }
    if (x.count > 1)
        qsort(x.jobs, x.count, sizeof *x.jobs, by_entry);
    rc = check_parallel(c, "rows", x.count, SLICE, check_leaves, &x, err);
    size_t done = 0;
    for (size_t i = 0; i < c->count && rc == BD_OK; i++)
        if (c->reached[i] && c->kind[i] == MESSAGE_TABLE) {
            check_table(c, (uint32_t)i);
            check_breathe(c);
            if (++done % 1024 == 0 && !fsck_tell(c->o, "tables", done, 0))
                rc = err_set(err, BD_CANCELLED, "the check was stopped");
        }
    free(x.jobs);
    return rc;
}
