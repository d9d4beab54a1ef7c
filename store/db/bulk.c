/*
 * Inserting many rows at once. As long as rows come in the order of their keys they go into the tree at
 * once, and so do entries of an index while they come in its order; all that stays of a row in memory
 * is what the other indexes need. Rows out of order ("late" rows) wait. At the end each map of the
 * table is changed by one pass over its sorted entries instead of one search per row. The rules are
 * those of row_insert; what it checks row by row against the map is checked here against the neighbour
 * in sorted order and, where the table had rows before, against the map.
 *
 * The table's own maps stay as they were until the end, so that whoever reads or changes the table
 * meanwhile finds what was there before.
 */
#include "store/db/bulk_sort.h"
#include "store/db/row_write.h"
#include "store/db/scan_access.h"

#include "base/parallel.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_WORTH_THREADS 1000

struct bulk_row {
    const uint8_t *bytes; /* key, then value */
    uint32_t key_size, value_size;
};
struct row_list {
    struct bulk_row *items;
    size_t count, capacity;
};

/* An index while rows come. */
struct bulk_index {
    struct tree_inserter *inserter; /* NULL: entries are made at the end, of kept rows … */
    size_t from;                    /* … from this one on; … */
    struct tree tree;               /* … on top of this */
};

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
    struct node_store *ns; /* a fork: takes the long values of the rows, and their tree */
    struct arena scratch;  /* one row */
    struct arena memory;   /* what is kept of rows, as long as this */
    struct tree start;     /* the rows there were */
    uint64_t version;      /* of the row map then */
    struct tree_inserter *inserter;
    size_t inserted;      /* rows it has taken */
    bool *indexed;        /* by value field: some index has it */
    size_t indexed_count; /* fields up to the last of them */
    struct bulk_index *indexes;
    bool keeps;           /* some index makes its entries at the end */
    struct row_list kept; /* inserted rows for it: key, and the fields indexed */
    struct row_list late; /* whole rows */
    bool any;
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

/* Which fields of a row's value its index entries are made of. */
static void find_indexed(struct tables_bulk *b) {
    const struct table_schema *ts = b->t->ts;
    const struct schema *s = &ts->schema;
    b->indexed = mem_zalloc(s->value_count + 1, sizeof *b->indexed);
    for (size_t i = 0; i < s->index_count; i++)
        for (size_t k = 0; k < s->indexes[i].key_column_count; k++) {
            const struct column_place *p = &ts->places[s->indexes[i].key_columns[k]];
            if (p->in == PLACE_VALUE && p->at < s->value_count)
                b->indexed[p->at] = true;
            else if (p->in == PLACE_NONE) /* computed, from whatever it is */
                memset(b->indexed, true, s->value_count);
        }
    for (size_t f = 0; f < s->value_count; f++)
        if (b->indexed[f])
            b->indexed_count = f + 1;
}

/* Edits that wait go into the tree first. */
static int flush(struct table *t, struct edit_map *m, struct err *err) {
    if (edit_map_dirty(m))
        t->changed = true;
    return edit_map_flush(m, err);
}

static struct tree_inserter *start_map(struct tables_bulk *b, const struct tree *t) {
    struct tree tree = *t;
    tree.ns = b->ns;
    return tree_inserter_new(&tree);
}

static bool is_foreign(const struct index *ix) {
    return ix->fulltext || ix->spatial || ix->vector || ix->predicate;
}

/* Uniqueness is seen only when all entries are there. */
static bool takes_entries_at_once(const struct tables_bulk *b, size_t i) {
    const struct index *ix = &b->t->ts->schema.indexes[i];
    return !ix->unique && !is_foreign(ix) && !b->t->ts->has_adaptive;
}

static int start_maps(struct tables_bulk *b, struct err *err) {
    struct edit_map *m = &b->t->rows;
    size_t n = b->t->ts->schema.index_count;
    int rc = flush(b->t, m, err);
    if (rc != BD_OK)
        return rc;
    b->start = m->tree;
    b->version = m->version;
    b->inserter = start_map(b, &m->tree);
    b->indexes = mem_zalloc(n + 1, sizeof *b->indexes);
    for (size_t i = 0; rc == BD_OK && i < n; i++) {
        if (!takes_entries_at_once(b, i)) {
            b->keeps = true;
            continue;
        }
        rc = table_index(b->t, i, &m, err);
        if (rc == BD_OK)
            rc = flush(b->t, m, err);
        if (rc == BD_OK)
            b->indexes[i].inserter = start_map(b, &m->tree);
    }
    return rc;
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
    find_indexed(b);
    if (rc == BD_OK)
        rc = start_maps(b, err);
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
    free(b->indexed);
    free(b->kept.items);
    free(b->late.items);
    tree_inserter_free(b->inserter);
    for (size_t i = 0; b->indexes && i < b->t->ts->schema.index_count; i++)
        tree_inserter_free(b->indexes[i].inserter);
    free(b->indexes);
    if (b->ns)
        node_store_free(b->ns);
    arena_release(&b->scratch);
    arena_release(&b->memory);
    free(b);
}

static struct bytes row_key(const struct bulk_row *r) { return (struct bytes){r->bytes, r->key_size}; }

static struct bytes row_value(const struct bulk_row *r) {
    return (struct bytes){r->bytes + r->key_size, r->value_size};
}

static void keep_row(struct tables_bulk *b, struct row_list *list, struct bytes key,
                     struct bytes value) {
    uint8_t *bytes = arena_alloc(&b->memory, key.size + value.size);
    memcpy(bytes, key.data, key.size);
    memcpy(bytes + key.size, value.data, value.size);
    MEM_GROW(list->items, list->capacity, list->count + 1);
    list->items[list->count++] = (struct bulk_row){bytes, (uint32_t)key.size, (uint32_t)value.size};
}

/* A value with the indexed fields alone. */
static struct bytes indexed_part(struct tables_bulk *b, struct bytes value) {
    struct bytes *fields = arena_alloc(&b->scratch, (b->indexed_count + 1) * sizeof *fields);
    for (size_t f = 0; f < b->indexed_count; f++)
        fields[f] = b->indexed[f] ? tuple_field(value, f) : (struct bytes){NULL, 0};
    return tuple_from_fields(fields, b->indexed_count, &b->scratch);
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

/* From the row that comes next on, the entries of an index wait for the end. */
static int stop_index(struct tables_bulk *b, size_t i, struct err *err) {
    struct bulk_index *x = &b->indexes[i];
    int rc = tree_inserter_finish(x->inserter, &x->tree, err);
    if (rc == BD_OK)
        rc = tree_keep_root(&x->tree, err);
    tree_inserter_free(x->inserter);
    x->inserter = NULL;
    x->from = b->kept.count;
    b->keeps = true;
    return rc;
}

static int index_key(const struct tables_bulk *b, size_t i, struct bytes key, struct bytes value,
                     struct node_store *ns, struct arena *a, struct bytes *out, struct err *err) {
    int rc = table_index_key(b->t->ts, i, key, value, ns, a, out, NULL, err);
    if (rc == BD_OK && !out->data)
        rc = err_set(err, BD_CONSTRAINT, "an entry of index %s is too large",
                     b->t->ts->schema.indexes[i].name);
    return rc;
}

/* The entries of a row that was inserted. */
static int take_entries(struct tables_bulk *b, struct bytes key, struct bytes value, struct err *err) {
    int rc = BD_OK;
    for (size_t i = 0; rc == BD_OK && i < b->t->ts->schema.index_count; i++) {
        enum tree_insertion what = TREE_INSERTED;
        struct bytes entry;
        if (!b->indexes[i].inserter)
            continue;
        rc = index_key(b, i, key, value, b->ns, &b->scratch, &entry, err);
        if (rc == BD_OK)
            rc = tree_inserter_add(b->indexes[i].inserter, entry, tuple_empty, &what, err);
        if (rc == BD_OK && what == TREE_BEHIND)
            rc = stop_index(b, i, err);
    }
    if (rc == BD_OK && b->keeps)
        keep_row(b, &b->kept, key, indexed_part(b, value));
    return rc;
}

/* A row in its place behind the rows before, or else with the late ones. */
static int take_row(struct tables_bulk *b, struct bytes key, struct bytes value, struct err *err) {
    enum tree_insertion what = TREE_BEHIND;
    int rc = b->late.count ? BD_OK : tree_inserter_add(b->inserter, key, value, &what, err);
    if (rc != BD_OK)
        return rc;
    if (what == TREE_BEHIND) {
        keep_row(b, &b->late, key, value);
        return BD_OK;
    }
    if (what == TREE_EXISTS && b->flags & TABLES_INSERT_IGNORE)
        return BD_OK;
    if (what == TREE_EXISTS) {
        pthread_mutex_lock(&shared_use);
        rc = row_duplicate(b->x, b->t, -1, key, err);
        pthread_mutex_unlock(&shared_use);
        return rc;
    }
    b->inserted++;
    return take_entries(b, key, value, err);
}

int embedded_bulk_add(struct tables_bulk *b, const struct cell *cells, struct err *err) {
    struct bytes key, value;
    bool first = !b->any, shares = first || b->evaluates || b->x->foreign_key_checks;
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
    b->any = true;
    rc = take_row(b, key, value, err);
    return rc == BD_OK ? node_store_put_ahead(b->ns, embedded_ahead_bytes / 4, err) : rc;
}

/* ---- checks ---- */

static bool is_empty(const struct edit_map *m) {
    return !edit_map_dirty(m) && tree_count(&m->tree) == 0;
}

/* Takes out late rows whose key is there already, or fails for them. */
static int drop_duplicates(struct tables_bulk *b, const struct tree *rows, struct err *err) {
    const struct tree_type *type = &b->t->ts->row_type;
    bool empty = tree_count(rows) == 0;
    struct row_list *l = &b->late;
    size_t n = 0;
    for (size_t i = 0; i < l->count; i++) {
        struct bytes key = row_key(&l->items[i]), old;
        bool twice = n && type->compare(type->compare_ctx, row_key(&l->items[n - 1]), key) == 0;
        if (!twice && !empty) {
            int rc = tree_get(rows, key, &old, err);
            if (rc != BD_OK && rc != BD_NOT_FOUND)
                return rc;
            twice = rc == BD_OK;
            if (rc == BD_NOT_FOUND)
                err_clear(err);
        }
        if (twice && !(b->flags & TABLES_INSERT_IGNORE))
            return row_duplicate(b->x, b->t, -1, key, err);
        if (!twice)
            l->items[n++] = l->items[i];
    }
    l->count = n;
    return BD_OK;
}

/* Entries of a unique index against each other and against the map. */
static int check_unique(struct tables_bulk *b, size_t i, const struct bytes *keys,
                        const uint32_t *order, size_t n, struct err *err) {
    struct table *t = b->t;
    const struct index *ix = &t->ts->schema.indexes[i];
    const struct tuple_desc *desc = &t->ts->indexes[i];
    bool empty = is_empty(&t->indexes[i]);
    for (size_t k = 0; k < n; k++) {
        struct bytes key = keys[order[k]];
        bool has_null = false, found = false;
        for (size_t f = 0; f < ix->column_count && !has_null; f++)
            has_null = !tuple_field(key, f).data;
        if (has_null)
            continue;
        if (k && tuple_compare_prefix(desc, ix->column_count, keys[order[k - 1]], key) == 0)
            found = true;
        int rc = found || empty ? BD_OK : row_unique_taken(t, i, key, &found, err);
        if (rc)
            return rc;
        if (found)
            return row_duplicate(b->x, t, (int)i, key, err);
    }
    return BD_OK;
}

/* ---- the rows at the end ---- */

static void sort_late(struct tables_bulk *b) {
    struct row_list *l = &b->late;
    const struct table_schema *ts = b->t->ts;
    struct bytes *keys = mem_alloc((l->count + 1) * sizeof *keys);
    struct bulk_row *sorted = mem_alloc((l->count + 1) * sizeof *sorted);
    for (size_t i = 0; i < l->count; i++)
        keys[i] = row_key(&l->items[i]);
    uint32_t *order = bulk_sort(keys, l->count, &ts->row_type, &ts->keys, ts->keys.count, true);
    for (size_t i = 0; i < l->count; i++)
        sorted[i] = l->items[order[i]];
    free(order);
    free(keys);
    free(l->items);
    l->items = sorted;
    l->capacity = l->count + 1;
}

static int take_back(void *ctx, const struct tree_diff *d) {
    struct tables_bulk *b = ctx;
    if (d->change == TREE_ADDED)
        keep_row(b, &b->late, d->key, d->to);
    return BD_OK;
}

/* Somebody else changed the table: that comes first, and all rows are late. */
static int start_again(struct tables_bulk *b, struct tree *rows, struct err *err) {
    b->start.ns = b->ns;
    b->kept.count = b->inserted = 0;
    int rc = tree_diff_walk(&b->start, rows, take_back, b, err);
    if (rc == BD_OK)
        rc = edit_map_flush(&b->t->rows, err);
    *rows = b->t->rows.tree;
    for (size_t i = 0; rc == BD_OK && i < b->t->ts->schema.index_count; i++) {
        struct bulk_index *x = &b->indexes[i];
        struct edit_map *m;
        x->from = 0;
        if (!takes_entries_at_once(b, i))
            continue;
        rc = table_index(b->t, i, &m, err);
        if (rc == BD_OK)
            rc = edit_map_flush(m, err);
        x->tree = m->tree;
    }
    return rc;
}

/* The trees with all that came in order; *rows is what the late rows go on top of. */
static int end_maps(struct tables_bulk *b, struct tree *rows, struct err *err) {
    int rc = tree_inserter_finish(b->inserter, rows, err);
    for (size_t i = 0; rc == BD_OK && i < b->t->ts->schema.index_count; i++)
        if (b->indexes[i].inserter)
            rc = stop_index(b, i, err);
    if (rc == BD_OK && b->t->rows.version != b->version)
        rc = start_again(b, rows, err);
    if (rc == BD_OK && node_store_has_put_ahead(b->ns)) {
        rc = tree_keep_root(rows, err);
        if (rc == BD_OK)
            rc = node_store_put_ahead(b->ns, 0, err);
    }
    node_store_join(b->x->ns, b->ns);
    b->ns = NULL;
    rows->ns = b->x->ns;
    if (rc == BD_OK && b->late.count) {
        sort_late(b);
        rc = drop_duplicates(b, rows, err);
    }
    return rc;
}

/* ---- the maps ---- */

/* Node stores for the threads at work; each goes on with what another job has left. */
struct forks {
    struct node_store *base, *idle[PARALLEL_WIDTH_MAX];
    size_t count;
    pthread_mutex_t use;
};

static struct node_store *forks_take(struct forks *f) {
    pthread_mutex_lock(&f->use);
    struct node_store *ns = f->count ? f->idle[--f->count] : node_store_fork(f->base);
    pthread_mutex_unlock(&f->use);
    return ns;
}

static void forks_give(struct forks *f, struct node_store *ns) {
    pthread_mutex_lock(&f->use);
    f->idle[f->count++] = ns;
    pthread_mutex_unlock(&f->use);
}

static int forks_join(struct forks *f, struct err *err) {
    int rc = BD_OK;
    while (f->count) {
        struct node_store *ns = f->idle[--f->count];
        if (rc == BD_OK && node_store_has_put_ahead(ns))
            rc = node_store_put_ahead(ns, 0, err);
        node_store_join(f->base, ns);
    }
    pthread_mutex_destroy(&f->use);
    return rc;
}

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
    struct tree tree; /* before and after */
    struct err err;
    int rc;
};
struct map_jobs {
    struct tables_bulk *b;
    struct map_job *list;
    struct forks forks;
    bool part; /* the jobs may run side by side */
};

static int insert(struct tree_inserter *n, struct bytes key, struct bytes value, struct node_store *ns,
                  struct err *err) {
    enum tree_insertion what;
    int rc = tree_inserter_add(n, key, value, &what, err);
    if (rc == BD_OK && what == TREE_BEHIND)
        rc = err_set(err, BD_INVALID, "the entries of a map are not in key order");
    return rc == BD_OK ? node_store_put_ahead(ns, embedded_ahead_bytes / 4, err) : rc;
}

static int insert_late(struct tables_bulk *b, struct tree_inserter *n, struct node_store *ns,
                       struct err *err) {
    int rc = BD_OK;
    for (size_t i = 0; rc == BD_OK && i < b->late.count; i++)
        rc = insert(n, row_key(&b->late.items[i]), row_value(&b->late.items[i]), ns, err);
    return rc;
}

/* Rows whose entries are still to be made, in the order of their keys: kept ones and late ones. */
struct walk {
    const struct tables_bulk *b;
    size_t kept, late;
};

static const struct bulk_row *next_row(struct walk *w) {
    const struct row_list *x = &w->b->kept, *y = &w->b->late;
    const struct tree_type *type = &w->b->t->ts->row_type;
    bool first = w->kept < x->count;
    if (!first && w->late == y->count)
        return NULL;
    if (first && w->late < y->count)
        first = type->compare(type->compare_ctx, row_key(&x->items[w->kept]),
                              row_key(&y->items[w->late])) < 0;
    return first ? &x->items[w->kept++] : &y->items[w->late++];
}

static int insert_entries(struct tables_bulk *b, size_t i, struct tree_inserter *to,
                          struct node_store *ns, struct err *err) {
    const struct table_schema *ts = b->t->ts;
    const struct index *ix = &ts->schema.indexes[i];
    struct arena memory = ARENA_INIT, scratch = ARENA_INIT;
    struct walk w = {b, b->indexes[i].from, 0};
    size_t n = 0;
    struct bytes *keys = mem_alloc((b->kept.count - w.kept + b->late.count + 1) * sizeof *keys), key;
    int rc = BD_OK;
    for (const struct bulk_row *r; rc == BD_OK && (r = next_row(&w)); n++) {
        arena_reset(&scratch);
        rc = index_key(b, i, row_key(r), row_value(r), ns, &scratch, &key, err);
        if (rc == BD_OK)
            keys[n] = (struct bytes){arena_dup(&memory, key.data, key.size), key.size};
    }
    if (rc == BD_OK) {
        uint32_t *order = bulk_sort(keys, n, &ts->index_types[i], &ts->indexes[i], ix->column_count,
                                    keeps_order(b->t, ix));
        if (ix->unique)
            rc = check_unique(b, i, keys, order, n, err);
        for (size_t k = 0; rc == BD_OK && k < n; k++)
            rc = insert(to, keys[order[k]], tuple_empty, ns, err);
        free(order);
    }
    free(keys);
    arena_release(&memory);
    arena_release(&scratch);
    return rc;
}

static void run_job(void *ctx, size_t number) {
    struct map_jobs *jobs = ctx;
    struct map_job *j = &jobs->list[number];
    struct tables_bulk *b = jobs->b;
    struct node_store *ns = jobs->part ? forks_take(&jobs->forks) : b->x->ns;
    j->tree.ns = ns;
    struct tree_inserter *n = tree_inserter_new(&j->tree);
    j->rc = j->index < 0 ? insert_late(b, n, ns, &j->err)
                         : insert_entries(b, (size_t)j->index, n, ns, &j->err);
    if (j->rc == BD_OK)
        j->rc = tree_inserter_finish(n, &j->tree, &j->err);
    tree_inserter_free(n);
    if (j->rc == BD_OK && jobs->part) /* the next job may put the node away */
        j->rc = tree_keep_root(&j->tree, &j->err);
    j->tree.ns = b->x->ns;
    if (jobs->part)
        forks_give(&jobs->forks, ns);
}

/* Opens all maps and puts edits that wait into their trees, so that the jobs only add to trees. */
static int prepare_jobs(struct tables_bulk *b, const struct tree *rows, struct map_job *jobs,
                        struct err *err) {
    struct table *t = b->t;
    const struct schema *s = &t->ts->schema;
    int rc = BD_OK;
    jobs[0] = (struct map_job){.index = -1, .tree = *rows};
    for (size_t i = 0; rc == BD_OK && i < s->index_count; i++) {
        const struct index *ix = &s->indexes[i];
        struct edit_map *m;
        if (is_foreign(ix))
            return err_set(
                err, BD_UNSUPPORTED,
                "table %s cannot be written: its index %s is of a kind this program does not keep",
                t->name, ix->name);
        rc = table_index(t, i, &m, err);
        if (rc == BD_OK && !takes_entries_at_once(b, i)) {
            rc = edit_map_flush(m, err);
            b->indexes[i].tree = m->tree;
        }
        jobs[i + 1] = (struct map_job){.index = (int)i, .tree = b->indexes[i].tree};
    }
    return rc;
}

/* Uniqueness against rows there were needs the maps of the transaction, adaptive fields its node store.
 */
static bool can_part(const struct tables_bulk *b) {
    const struct schema *s = &b->t->ts->schema;
    if (b->inserted + b->late.count < ROWS_WORTH_THREADS || b->t->ts->has_adaptive)
        return false;
    for (size_t i = 0; i < s->index_count; i++)
        if (s->indexes[i].unique && !is_empty(&b->t->indexes[i]))
            return false;
    return true;
}

static int apply_all(struct tables_bulk *b, const struct tree *rows, struct err *err) {
    struct table *t = b->t;
    size_t n = t->ts->schema.index_count + 1;
    struct map_jobs jobs = {.b = b, .list = mem_zalloc(n, sizeof *jobs.list), .forks.base = b->x->ns};
    int rc = prepare_jobs(b, rows, jobs.list, err);
    pthread_mutex_init(&jobs.forks.use, NULL);
    jobs.part = rc == BD_OK && can_part(b);
    if (jobs.part)
        parallel_run(n, run_job, &jobs);
    for (size_t i = 0; rc == BD_OK && i < n; i++) {
        struct map_job *j = &jobs.list[i];
        if (!jobs.part)
            run_job(&jobs, i);
        rc = j->rc;
        if (rc != BD_OK && err)
            *err = j->err;
    }
    int joined = forks_join(&jobs.forks, rc == BD_OK ? err : NULL);
    rc = rc == BD_OK ? joined : rc;
    if (rc == BD_OK) {
        t->rows.tree = jobs.list[0].tree;
        t->rows.version++;
    }
    for (size_t i = 1; rc == BD_OK && i < n; i++) {
        t->indexes[i - 1].tree = jobs.list[i].tree;
        t->indexes[i - 1].version++;
    }
    free(jobs.list);
    return rc;
}

int embedded_bulk_end(struct tables_bulk *b, uint64_t *inserted, struct err *err) {
    struct tree rows;
    int rc = end_maps(b, &rows, err);
    size_t n = b->inserted + b->late.count;
    if (rc == BD_OK && n)
        rc = apply_all(b, &rows, err);
    if (rc == BD_OK && n)
        b->t->changed = true;
    if (inserted)
        *inserted = rc == BD_OK ? n : 0;
    embedded_bulk_drop(b);
    return rc;
}
