/*
 * Inserting many rows at once. Rows are encoded as they come; at the end each map of the table is
 * changed by one pass over its sorted entries instead of one search per row. The rules are those of
 * row_insert; what it checks row by row against the map is checked here against the neighbour in sorted
 * order and, where the table had rows before, against the map.
 */
#include "store/db/row_write.h"
#include "store/db/scan_access.h"

#include "base/parallel.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_WORTH_THREADS 1000

struct tables_bulk {
    const struct tables_driver *driver;
    struct embedded_txn *x;
    struct table *t;
    unsigned flags;
    int *places; /* column of each given cell */
    size_t count;
    bool *given;
    struct cell *cells;
    bool evaluates;        /* each row needs expressions, which belong to the transaction */
    struct node_store *ns; /* a fork: takes the long values of the rows */
    struct arena scratch;  /* one row */
    struct arena memory;   /* encoded rows, as long as this */
    struct tree_edit *rows;
    size_t row_count, row_capacity;
};

static bool is_constant(const struct column *c) {
    const char *text = c->default_text;
    return !c->generated && !c->hidden && !c->auto_increment &&
           (!text || !*text || *text == '\'' || (*text >= '0' && *text <= '9'));
}

static bool needs_expressions(const struct schema *s, const bool *given) {
    for (size_t i = 0; i < s->column_count; i++)
        if (!given[i] && !is_constant(&s->columns[i]))
            return true;
    return s->check_count > 0;
}

int embedded_bulk_begin(struct tables_txn *tx, const char *table, const char *const *columns,
                        size_t count, unsigned flags, struct tables_bulk **out, struct err *err) {
    struct embedded_txn *x = embedded_txn_of(tx);
    struct table *t;
    *out = NULL;
    if (flags & TABLES_INSERT_REPLACE)
        return err_set(err, BD_UNSUPPORTED, "a bulk insert cannot replace rows");
    int rc = embedded_table_for_write(x, table, &t, err);
    if (rc == BD_OK && x->foreign_key_checks)
        rc = fk_resolve_pending(x, t, false, err);
    if (rc)
        return rc;
    const struct schema *s = &t->ts->schema;
    if (s->keyless)
        return err_set(err, BD_UNSUPPORTED,
                       "a bulk insert needs a table with a primary key (%s has none)", table);
    struct tables_bulk *b = mem_zalloc(1, sizeof *b);
    *b = (struct tables_bulk){.driver = tx->driver, .x = x, .t = t, .flags = flags, .count = count};
    b->ns = node_store_fork(x->ns);
    b->places = mem_zalloc(count + 1, sizeof *b->places);
    b->given = mem_zalloc(s->column_count + 1, sizeof *b->given);
    b->cells = mem_zalloc(s->column_count + 1, sizeof *b->cells);
    for (size_t i = 0; rc == BD_OK && i < count; i++) {
        int c = schema_column(s, columns[i]);
        if (c < 0 || s->columns[c].generated) {
            rc = err_set(err, BD_INVALID, "table %s has no column %s that takes a value", t->name,
                         columns[i]);
            break;
        }
        b->places[i] = c;
        b->given[c] = true;
    }
    b->evaluates = needs_expressions(s, b->given);
    if (rc)
        embedded_bulk_drop(b);
    else
        *out = b;
    return rc;
}

void embedded_bulk_drop(struct tables_bulk *b) {
    if (!b)
        return;
    free(b->places);
    free(b->given);
    free(b->cells);
    free(b->rows);
    if (b->ns)
        node_store_free(b->ns);
    arena_release(&b->scratch);
    arena_release(&b->memory);
    free(b);
}

static struct bytes keep(struct arena *a, struct bytes t) {
    return (struct bytes){arena_dup(a, t.data, t.size), t.size};
}

/* Defaults that are literals need not be worked out for every row: they count as given from the second
 * on. */
static void keep_constants(struct tables_bulk *b) {
    const struct schema *s = &b->t->ts->schema;
    for (size_t i = 0; i < s->column_count; i++) {
        if (b->given[i] || !is_constant(&s->columns[i]))
            continue;
        b->cells[i] = cell_copy(&b->cells[i], &b->memory);
        b->given[i] = true;
    }
}

/* Rows of different tables may come from different threads; what they share is used by one at a time.
 */
static pthread_mutex_t shared_use = PTHREAD_MUTEX_INITIALIZER;

int embedded_bulk_add(struct tables_bulk *b, const struct cell *cells, struct err *err) {
    struct bytes key, value;
    bool first = !b->row_count, shares = first || b->evaluates || b->x->foreign_key_checks;
    for (size_t i = 0; i < b->count; i++)
        b->cells[b->places[i]] = cells[i];
    arena_reset(&b->scratch);
    if (shares)
        pthread_mutex_lock(&shared_use);
    int rc = row_encode(b->x, b->t, b->cells, b->given, b->ns, &b->scratch, &key, &value, err);
    if (rc == BD_OK && b->x->foreign_key_checks)
        rc = fk_check_row(b->x, b->t, key, value, NULL, err);
    if (shares)
        pthread_mutex_unlock(&shared_use);
    if (rc)
        return rc;
    if (first)
        keep_constants(b);
    MEM_GROW(b->rows, b->row_capacity, b->row_count + 1);
    b->rows[b->row_count++] = (struct tree_edit){keep(&b->memory, key), keep(&b->memory, value), false};
    return BD_OK;
}

/* ---- sorting ---- */

/*
 * A key with the start of its fields as bytes that compare as the fields do. Most orders are decided
 * there. Where the starts hold all of both keys' leading fields and are equal, the keys stand in the
 * order they came in (`place`): they come in primary-key order, and the primary key is what is left to
 * compare.
 */
struct sort_item {
    uint64_t start[3];
    bool whole; /* start says all of the leading fields */
    uint32_t place;
};

#define START_BYTES 24

/* Room for one field more than is looked at, so that whole words can be stored. */
struct start {
    uint8_t bytes[START_BYTES + 16];
    size_t at;
    bool torn;
};

static void put_number(struct start *s, const uint8_t *bytes, size_t size, bool is_signed) {
    uint64_t v = 0;
    memcpy(&v, bytes, size);
    v <<= 8 * (8 - size); /* its highest byte is now the highest of the word */
    if (is_signed)
        v ^= UINT64_C(1) << 63;
    v = __builtin_bswap64(v);
    memcpy(s->bytes + s->at, &v, 8);
    s->at += size;
}

/* Appends a field; false when bytes cannot say its order. */
static bool put_field(struct start *s, const struct tuple_field *f, struct bytes v) {
    s->bytes[s->at++] = v.data != NULL;
    if (!v.data)
        return true;
    switch (f->encoding) {
    case ENC_INT8:
    case ENC_INT16:
    case ENC_INT32:
    case ENC_INT64:
    case ENC_DATETIME:
    case ENC_UINT8:
    case ENC_UINT16:
    case ENC_UINT32:
    case ENC_UINT64:
        if (v.size > 8)
            return false;
        put_number(s, v.data, v.size,
                   f->encoding == ENC_INT8 || f->encoding == ENC_INT16 || f->encoding == ENC_INT32 ||
                       f->encoding == ENC_INT64 || f->encoding == ENC_DATETIME);
        return true;
    case ENC_STRING: { /* its last byte is 0; one inside would end it too early */
        size_t room = START_BYTES + 1 - s->at, n = v.size < room ? v.size : room;
        s->torn = s->torn || (n && memchr(v.data, 0, n < v.size ? n : v.size - 1));
        memcpy(s->bytes + s->at, v.data, n);
        s->at += v.size; /* may lead beyond the end: then there is more than is looked at */
        return true;
    }
    default: return false;
    }
}

/* False for a text with a NUL inside: no start can say where it belongs. */
static bool make_start(const struct tuple_desc *desc, size_t leading, struct bytes key,
                       struct sort_item *out) {
    struct start s;
    size_t f = 0;
    bool bytewise = true;
    memset(&s, 0, sizeof s);
    for (; f < leading && bytewise && s.at < START_BYTES; f++)
        bytewise = (desc->fields[f].encoding != ENC_STRING || desc->bytewise > f) &&
                   put_field(&s, &desc->fields[f], tuple_field(key, f));
    out->whole = bytewise && f == leading && s.at <= START_BYTES;
    for (size_t i = 0; i < 3; i++) {
        uint64_t v;
        memcpy(&v, s.bytes + 8 * i, 8);
        out->start[i] = __builtin_bswap64(v);
    }
    return !s.torn;
}

struct sorter {
    const struct tree_edit *edits;
    const struct tree_type *type;
    bool stable; /* equal leading fields: the order of coming is right */
};

static bool goes_before(const struct sorter *s, const struct sort_item *a, const struct sort_item *b) {
    for (size_t i = 0; i < 3; i++)
        if (a->start[i] != b->start[i])
            return a->start[i] < b->start[i];
    if (s->stable && a->whole && b->whole)
        return a->place < b->place;
    return s->type->compare(s->type->compare_ctx, s->edits[a->place].key, s->edits[b->place].key) < 0;
}

/* Merge sort over the runs that are there already; stable. Returns where the result is: `from` or `to`.
 */
static struct sort_item *merge_runs(const struct sorter *s, struct sort_item *from,
                                    struct sort_item *to, size_t n) {
    size_t *runs = NULL, count = 0, capacity = 0;
    for (size_t i = 0; i < n;) {
        MEM_GROW(runs, capacity, count + 2);
        runs[count++] = i++;
        while (i < n && !goes_before(s, &from[i], &from[i - 1]))
            i++;
    }
    while (count > 1) {
        size_t made = 0;
        runs[count] = n;
        for (size_t r = 0; r < count; r += 2) {
            size_t start = runs[r], mid = runs[r + 1], end = runs[r + 2 < count ? r + 2 : count];
            size_t i = start, j = mid, at = start;
            while (i < mid && j < end)
                to[at++] = goes_before(s, &from[j], &from[i]) ? from[j++] : from[i++];
            while (i < mid)
                to[at++] = from[i++];
            while (j < end)
                to[at++] = from[j++];
            runs[made++] = start;
        }
        count = made;
        struct sort_item *t = from;
        from = to;
        to = t;
    }
    free(runs);
    return from;
}

static unsigned start_byte(const struct sort_item *i, size_t at) {
    return (unsigned)(i->start[at / 8] >> (56 - 8 * (at % 8))) & 255;
}

/* Order by the starts alone, byte by byte from the last; stable. Bytes that are the same in all items
 * cost nothing. */
static void sort_starts(const struct sort_item *items, uint32_t *order, uint32_t *spare, size_t n) {
    uint32_t(*counts)[256] = mem_zalloc(START_BYTES, sizeof *counts);
    uint32_t *from = order, *to = spare;
    for (size_t i = 0; i < n; i++) {
        from[i] = (uint32_t)i;
        for (size_t at = 0; at < START_BYTES; at++)
            counts[at][start_byte(&items[i], at)]++;
    }
    for (size_t at = START_BYTES; at-- > 0;) {
        uint32_t *count = counts[at], sum = 0;
        if (count[start_byte(&items[0], at)] == n)
            continue;
        for (size_t v = 0; v < 256; v++) {
            uint32_t c = count[v];
            count[v] = sum;
            sum += c;
        }
        for (size_t i = 0; i < n; i++)
            to[count[start_byte(&items[from[i]], at)]++] = from[i];
        uint32_t *t = from;
        from = to;
        to = t;
    }
    if (from != order)
        memcpy(order, from, n * sizeof *order);
    free(counts);
}

/* Puts groups of equal starts, whose order the starts do not tell, into order. */
static void sort_ties(const struct sorter *s, const struct sort_item *items, uint32_t *order, size_t n,
                      struct sort_item *space) {
    for (size_t i = 0, end; i < n; i = end) {
        const struct sort_item *first = &items[order[i]];
        bool told = s->stable && first->whole;
        for (end = i + 1;
             end < n && !memcmp(first->start, items[order[end]].start, sizeof first->start); end++)
            told = told && items[order[end]].whole;
        if (told || end - i < 2)
            continue;
        for (size_t k = i; k < end; k++)
            space[k - i] = items[order[k]];
        const struct sort_item *sorted = merge_runs(s, space, space + (end - i), end - i);
        for (size_t k = i; k < end; k++)
            order[k] = sorted[k - i].place;
    }
}

/* `leading`: fields whose equality leaves the order to the primary key, when `stable`. */
static void sort_edits(struct tree_edit *list, size_t n, const struct tree_type *type,
                       const struct tuple_desc *desc, size_t leading, bool stable) {
    if (n < 2)
        return;
    struct sorter s = {list, type, stable};
    struct sort_item *items = mem_alloc(3 * (n + 1) * sizeof *items);
    uint32_t *order = mem_alloc(2 * (n + 1) * sizeof *order);
    bool safe = true;
    for (size_t i = 0; i < n; i++) {
        safe = make_start(desc, leading, list[i].key, &items[i]) && safe;
        items[i].place = (uint32_t)i;
    }
    for (size_t i = 0; i < n && !safe; i++)
        items[i] = (struct sort_item){.place = (uint32_t)i};
    sort_starts(items, order, order + n, n);
    sort_ties(&s, items, order, n, items + n);
    struct tree_edit *copy = mem_alloc((n + 1) * sizeof *copy);
    for (size_t i = 0; i < n; i++)
        copy[i] = list[order[i]];
    memcpy(list, copy, n * sizeof *list);
    free(copy);
    free(order);
    free(items);
}

/* ---- checks ---- */

static bool is_empty(const struct edit_map *m) {
    return !edit_map_dirty(m) && tree_count(&m->tree) == 0;
}

/* Takes out rows whose key is there already, or fails for them. */
static int drop_duplicates(struct tables_bulk *b, struct err *err) {
    const struct tree_type *type = &b->t->ts->row_type;
    bool empty = is_empty(&b->t->rows);
    size_t n = 0;
    for (size_t i = 0; i < b->row_count; i++) {
        struct tree_edit *e = &b->rows[i];
        struct bytes old;
        bool twice = n && type->compare(type->compare_ctx, b->rows[n - 1].key, e->key) == 0;
        if (!twice && !empty) {
            int rc = edit_map_get(&b->t->rows, e->key, &old, err);
            if (rc != BD_OK && rc != BD_NOT_FOUND)
                return rc;
            twice = rc == BD_OK;
            if (rc == BD_NOT_FOUND)
                err_clear(err);
        }
        if (twice && !(b->flags & TABLES_INSERT_IGNORE))
            return row_duplicate(b->x, b->t, -1, e->key, err);
        if (!twice)
            b->rows[n++] = *e;
    }
    b->row_count = n;
    return BD_OK;
}

/* Entries of a unique index against each other and against the map. */
static int check_unique(struct tables_bulk *b, size_t i, const struct tree_edit *entries, size_t n,
                        struct err *err) {
    struct table *t = b->t;
    const struct index *ix = &t->ts->schema.indexes[i];
    const struct tuple_desc *desc = &t->ts->indexes[i];
    bool empty = is_empty(&t->indexes[i]);
    for (size_t k = 0; k < n; k++) {
        bool has_null = false, found = false;
        for (size_t f = 0; f < ix->column_count && !has_null; f++)
            has_null = !tuple_field(entries[k].key, f).data;
        if (has_null)
            continue;
        if (k && tuple_compare_prefix(desc, ix->column_count, entries[k - 1].key, entries[k].key) == 0)
            found = true;
        int rc = found || empty ? BD_OK : row_unique_taken(t, i, entries[k].key, &found, err);
        if (rc)
            return rc;
        if (found)
            return row_duplicate(b->x, t, (int)i, entries[k].key, err);
    }
    return BD_OK;
}

/* ---- the maps ---- */

/* Behind the indexed columns stands what is left of the primary key, in its order. */
static bool keeps_order(const struct table *t, const struct index *ix) {
    const struct schema *s = &t->ts->schema;
    size_t p = 0;
    if (ix->prefix_count)
        return false;
    for (size_t k = ix->column_count; k < ix->key_column_count; k++) {
        while (p < s->pk_count && s->pk[p] != ix->key_columns[k])
            p++;
        if (p++ >= s->pk_count)
            return false;
    }
    return true;
}

/* One map of the table: index >= 0, or -1 for the rows. Its new tree is made beside all others. */
struct map_job {
    int index;
    struct edit_map *map;
    struct node_store *ns;
    struct tree tree;
    struct err err;
    int rc;
};
struct map_jobs {
    struct tables_bulk *b;
    struct map_job *list;
};

static int index_entries(struct tables_bulk *b, const struct map_job *j, struct tree_edit *entries,
                         struct arena *a, struct err *err) {
    const struct table_schema *ts = b->t->ts;
    const struct index *ix = &ts->schema.indexes[j->index];
    size_t i = (size_t)j->index, n = b->row_count;
    for (size_t k = 0; k < n; k++) {
        int rc = table_index_key(ts, i, b->rows[k].key, b->rows[k].value, j->ns, a, &entries[k].key,
                                 NULL, err);
        if (rc)
            return rc;
        if (!entries[k].key.data)
            return err_set(err, BD_CONSTRAINT, "an entry of index %s is too large", ix->name);
        entries[k].value = tuple_empty;
        entries[k].remove = false;
    }
    sort_edits(entries, n, &ts->index_types[i], &ts->indexes[i], ix->column_count,
               keeps_order(b->t, ix));
    return ix->unique ? check_unique(b, i, entries, n, err) : BD_OK;
}

static void run_job(void *ctx, size_t number) {
    struct map_jobs *jobs = ctx;
    struct map_job *j = &jobs->list[number];
    struct tables_bulk *b = jobs->b;
    struct arena keys = ARENA_INIT;
    struct tree_edit *entries = b->rows;
    j->tree = j->map->tree;
    j->tree.ns = j->ns;
    if (j->index >= 0) {
        entries = mem_alloc((b->row_count + 1) * sizeof *entries);
        j->rc = index_entries(b, j, entries, &keys, &j->err);
    }
    if (j->rc == BD_OK)
        j->rc = tree_apply(&j->tree, entries, b->row_count, &j->tree, &j->err);
    if (j->index >= 0)
        free(entries);
    arena_release(&keys);
}

/* Opens all maps and puts edits that wait into their trees, so that the jobs only add to trees. */
static int prepare_jobs(struct tables_bulk *b, struct map_job *jobs, struct err *err) {
    struct table *t = b->t;
    const struct schema *s = &t->ts->schema;
    int rc = edit_map_flush(&t->rows, err);
    jobs[0] = (struct map_job){.index = -1, .map = &t->rows, .ns = b->x->ns};
    for (size_t i = 0; rc == BD_OK && i < s->index_count; i++) {
        const struct index *ix = &s->indexes[i];
        if (ix->fulltext || ix->spatial || ix->vector || ix->predicate)
            return err_set(
                err, BD_UNSUPPORTED,
                "table %s cannot be written: its index %s is of a kind this program does not keep",
                t->name, ix->name);
        jobs[i + 1] = (struct map_job){.index = (int)i, .ns = b->x->ns};
        rc = table_index(t, i, &jobs[i + 1].map, err);
        if (rc == BD_OK)
            rc = edit_map_flush(jobs[i + 1].map, err);
    }
    return rc;
}

/* Uniqueness against rows there were needs the maps of the transaction, adaptive fields its node store.
 */
static bool can_part(const struct tables_bulk *b) {
    const struct schema *s = &b->t->ts->schema;
    if (b->row_count < ROWS_WORTH_THREADS || b->t->ts->has_adaptive)
        return false;
    for (size_t i = 0; i < s->index_count; i++)
        if (s->indexes[i].unique && !is_empty(&b->t->indexes[i]))
            return false;
    return true;
}

static int apply_all(struct tables_bulk *b, struct err *err) {
    size_t n = b->t->ts->schema.index_count + 1;
    struct map_jobs jobs = {b, mem_zalloc(n, sizeof *jobs.list)};
    int rc = prepare_jobs(b, jobs.list, err);
    bool part = rc == BD_OK && can_part(b);
    for (size_t i = 0; part && i < n; i++)
        jobs.list[i].ns = node_store_fork(b->x->ns);
    if (part)
        parallel_run(n, run_job, &jobs);
    for (size_t i = 0; rc == BD_OK && !part && i < n; i++) {
        run_job(&jobs, i);
        rc = jobs.list[i].rc;
    }
    for (size_t i = 0; i < n; i++) {
        struct map_job *j = &jobs.list[i];
        if (part)
            node_store_join(b->x->ns, j->ns);
        if (j->rc != BD_OK && (rc == BD_OK || !part)) {
            rc = j->rc;
            if (err)
                *err = j->err;
        }
        j->tree.ns = b->x->ns;
    }
    for (size_t i = 0; rc == BD_OK && i < n; i++)
        jobs.list[i].map->tree = jobs.list[i].tree;
    free(jobs.list);
    return rc;
}

int embedded_bulk_end(struct tables_bulk *b, uint64_t *inserted, struct err *err) {
    struct table *t = b->t;
    node_store_join(b->x->ns, b->ns);
    b->ns = NULL;
    sort_edits(b->rows, b->row_count, &t->ts->row_type, &t->ts->keys, t->ts->keys.count, true);
    int rc = drop_duplicates(b, err);
    if (rc == BD_OK && b->row_count)
        rc = apply_all(b, err);
    if (rc == BD_OK && b->row_count)
        t->changed = true;
    if (inserted)
        *inserted = rc == BD_OK ? b->row_count : 0;
    embedded_bulk_drop(b);
    return rc;
}
