/*
 * Chunks made again because their content follows from others: commit closures from the commits before,
 * the nodes of secondary indexes from the rows, the empty state. Trees have one shape for one content,
 * so what is made has the address that is wanted, or it is not taken.
 */
#include "store/db/commit.h"
#include "store/db/repair_steps.h"
#include "store/db/root_value.h"

#include <stdlib.h>

#define DEPTH_MAX 16u /* of a tree */

size_t repair_open_count(const struct repair_missing *m) {
    size_t n = 0;
    for (size_t i = 0; i < m->count; i++)
        n += m->found[i].data == NULL;
    return n;
}

/* Takes what a node store has made of the chunks that are wanted. What it reads from the store may be
 * the damaged bytes themselves. */
static void take_made(struct repair_missing *m, struct node_store *ns) {
    for (size_t i = 0; i < m->count; i++) {
        struct chunk bytes;
        if (m->found[i].data || node_store_read(ns, &m->wanted[i], &bytes, NULL) != BD_OK)
            continue;
        struct hash real = hash_of(bytes.data, bytes.size);
        if (!hash_eq(&real, &m->wanted[i]))
            continue;
        m->found[i].data = mem_dup(bytes.data, bytes.size);
        m->found[i].size = bytes.size;
        m->made++;
    }
}

/* ---- made again ---- */

static void make_empty_state(struct repair_missing *m, struct node_store *ns) {
    struct root_value rv;
    struct tree t;
    struct hash h;
    if (root_value_empty(&rv, ns, NULL) == BD_OK)
        root_value_write(&rv, NULL);
    for (int kind = 0; kind < 2; kind++)
        if (tree_empty(&t, ns, kind ? &tree_type_addresses : &tree_type_closure, NULL) == BD_OK)
            tree_write_root(&t, &h, NULL);
    take_made(m, ns);
}

struct by_height {
    uint32_t entry;
    uint64_t height;
};

static int compare_heights(const void *a, const void *b) {
    const struct by_height *x = a, *y = b;
    return x->height < y->height ? -1 : x->height > y->height;
}

/* Closures in the order of history, each from those of its parents. */
static void make_closures(struct repair_missing *m, struct db_check *c, struct node_store *ns) {
    struct by_height *list = NULL;
    size_t count = 0, capacity = 0;
    for (size_t i = 0; i < c->count; i++) {
        struct arena a = ARENA_INIT;
        struct commit commit;
        if (c->reached[i] && c->kind[i] == MESSAGE_COMMIT &&
            commit_read(ns, &c->scan->entries[i].address, &a, &commit, NULL) == BD_OK) {
            MEM_GROW(list, capacity, count + 1);
            list[count++] = (struct by_height){(uint32_t)i, commit.height};
        }
        arena_release(&a);
    }
    if (count > 1)
        qsort(list, count, sizeof *list, compare_heights);
    for (size_t i = 0; i < count && repair_open_count(m); i++) {
        struct arena a = ARENA_INIT;
        struct commit commit, parent;
        struct closure_parent parents[COMMIT_PARENTS_MAX];
        struct tree closure;
        struct hash h;
        bool known =
            commit_read(ns, &c->scan->entries[list[i].entry].address, &a, &commit, NULL) == BD_OK &&
            commit.parent_count && commit.parent_count <= COMMIT_PARENTS_MAX;
        for (size_t k = 0; known && k < commit.parent_count; k++) {
            known = commit_read(ns, &commit.parents[k], &a, &parent, NULL) == BD_OK;
            if (known)
                parents[k] = (struct closure_parent){parent.hash, parent.height, parent.closure};
        }
        if (known && closure_build(ns, parents, commit.parent_count, &closure, NULL) == BD_OK)
            tree_write_root(&closure, &h, NULL);
        arena_release(&a);
        if (i % 64 == 63 || i + 1 == count)
            take_made(m, ns);
    }
    free(list);
}

/* ---- indexes ---- */

struct index_search {
    struct repair_missing *m;
    struct db_check *c;
    struct scan_reader *reader;
    struct address_map known; /* nodes below which a wanted one stands (its number + 1), or none (0) */
};

static uint64_t lead_of(struct index_search *s, const struct hash *h, unsigned depth);

struct children {
    struct index_search *s;
    unsigned depth;
    uint64_t lead;
};

static int look_at_child(void *ctx, unsigned field, const struct hash *h) {
    struct children *x = ctx;
    if (field != MESSAGE_FIELD_CHILDREN || x->lead)
        return BD_OK;
    x->lead = lead_of(x->s, h, x->depth);
    return BD_OK;
}

/* The number + 1 of a chunk below this node that is still wanted; 0: none. Versions share most nodes,
 * so each is looked at about once. */
static uint64_t lead_of(struct index_search *s, const struct hash *h, unsigned depth) {
    const struct address_entry *e = address_map_find(&s->m->numbers, h);
    if (e)
        return s->m->found[e->value].data ? 0 : e->value + 1;
    e = address_map_find(&s->known, h);
    if (e && (!e->value || !s->m->found[e->value - 1].data))
        return e->value;
    uint32_t entry = scan_find(s->c->scan, h);
    struct children x = {s, depth + 1, 0};
    uint8_t *data;
    size_t size;
    if (depth < DEPTH_MAX && entry != SCAN_NONE && s->c->kind[entry] == MESSAGE_TREE_NODE &&
        scan_read(s->reader, entry, &data, &size, NULL) == BD_OK) {
        message_walk_fields(&(struct chunk){data, size}, look_at_child, &x, NULL);
        free(data);
    }
    address_map_put(&s->known, h, 0, x.lead);
    return x.lead;
}

/* Of one version of a table, those indexes from its rows that wanted chunks belong to; what is made
 * then has their addresses if the rows are all there. */
static void make_indexes_of(struct index_search *s, struct table *t, struct node_store *ns) {
    const struct schema *schema = &t->ts->schema;
    bool made = false;
    for (size_t k = 0; k < schema->index_count; k++) {
        struct hash root;
        if (address_map_get(&t->index_roots, schema->indexes[k].name, &root, NULL) != BD_OK ||
            !lead_of(s, &root, 0) || repair_make_index(t, k, NULL) != BD_OK)
            continue;
        tree_write_root(&t->indexes[k].tree, &root, NULL);
        made = true;
    }
    if (made)
        take_made(s->m, ns);
}

static void make_indexes(struct repair_missing *m, struct db_check *c, struct scan_reader *reader,
                         struct node_store *ns) {
    struct index_search s = {m, c, reader, ADDRESS_MAP_INIT};
    for (size_t i = c->count; i-- > 0 && repair_open_count(m);) { /* newest first */
        struct arena a = ARENA_INIT;
        struct table_schema ts;
        struct table t;
        struct hash schema;
        const struct hash *h = &c->scan->entries[i].address;
        if (c->reached[i] && c->kind[i] == MESSAGE_TABLE &&
            table_schema_address(ns, h, &schema, NULL) == BD_OK &&
            table_schema_read(ns, &schema, &a, &ts, NULL) == BD_OK && ts.schema.index_count &&
            repair_open_table(&t, ns, h, &ts, &a, NULL) == BD_OK)
            make_indexes_of(&s, &t, ns);
        arena_release(&a);
        if (scan_reader_forget(reader, CHECK_CACHE_MAX)) /* what was made is taken, or of no use */
            node_store_reset(ns);
    }
    address_map_release(&s.known);
}

void repair_make_chunks(struct repair_missing *m, struct db_check *c) {
    struct scan_reader *reader = scan_reader_new(c->scan);
    struct node_store *ns = node_store_new_over(scan_reader_get, reader);
    make_empty_state(m, ns);
    if (m->closures && repair_open_count(m))
        make_closures(m, c, ns);
    if (m->trees && repair_open_count(m))
        make_indexes(m, c, reader, ns);
    node_store_free(ns);
    scan_reader_free(reader);
}
