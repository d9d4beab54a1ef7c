/*
 * Rebuilds everything of a real database that store/prolly can build, and compares addresses:
 * every row map, index, address map and artifact map from its items, every long value from its bytes,
 * every commit closure from the closures of the commit's parents; and every tree node from its items.
 *
 * Usage: rebuild_trees [-v] DIR...   DIR holds .dolt, or is a .dolt or chunk store directory itself.
 * Exit status 1 when an address differs or something does not read.
 */
#include "base/os.h"
#include "store/prolly/blob.h"
#include "store/prolly/message.h"
#include "store/prolly/node.h"
#include "store/prolly/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A leaf of the old tree and the places of the addresses in its values (artifacts: keys). */
struct leaf {
    const uint8_t *items;
    size_t size;
    struct fb_vector places;
};

struct work {
    struct node_store *ns;      /* over the database */
    struct node_store *scratch; /* what is rebuilt */
    struct leaf *leaves;        /* of the tree in work, by address of their items */
    size_t leaf_count, leaf_capacity;
    struct hash *queue; /* chunks to look at */
    size_t queued, queue_capacity;
    struct hash *seen; /* open table of all chunks ever queued */
    size_t seen_count, seen_capacity;
    uint64_t maps, items, nodes, blobs, documents, closures, mixed, skipped, failures;
    const char *dir;
};

static uint64_t total_maps, total_items, total_values, total_closures, total_failures;

static void report(struct work *w, const struct hash *h, const char *what, const char *why) {
    char text[HASH_TEXT_SIZE + 1];
    hash_format(h, text);
    printf("%s: %s %s: %s\n", w->dir, what, text, why);
    w->failures++;
}

static bool add_seen(struct work *w, const struct hash *h) {
    if (w->seen_count * 2 >= w->seen_capacity) {
        size_t old_capacity = w->seen_capacity;
        struct hash *old = w->seen;
        w->seen_capacity = old_capacity ? old_capacity * 2 : 1024;
        w->seen = mem_zalloc(w->seen_capacity, sizeof *w->seen);
        w->seen_count = 0;
        for (size_t i = 0; i < old_capacity; i++) {
            if (!hash_is_zero(&old[i]))
                add_seen(w, &old[i]);
        }
        free(old);
    }
    size_t i;
    memcpy(&i, h->b, sizeof i);
    for (i &= w->seen_capacity - 1; !hash_is_zero(&w->seen[i]); i = (i + 1) & (w->seen_capacity - 1)) {
        if (hash_eq(&w->seen[i], h))
            return false;
    }
    w->seen[i] = *h;
    w->seen_count++;
    return true;
}

static int enqueue(void *ctx, const struct hash *h) {
    struct work *w = ctx;
    if (add_seen(w, h)) {
        MEM_GROW(w->queue, w->queue_capacity, w->queued + 1);
        w->queue[w->queued++] = *h;
    }
    return BD_OK;
}

/* --- rebuilding a map from its items, without knowing what its keys mean --- */

static int compare_leaves(const void *x, const void *y) {
    const struct leaf *a = x, *b = y;
    return (a->items > b->items) - (a->items < b->items);
}

/* tree_value_addresses_fn: the places that the old leaf recorded for this very item. */
static size_t recorded_addresses(const void *ctx, struct bytes v, uint16_t *offsets, size_t max) {
    const struct work *w = ctx;
    size_t low = 0, high = w->leaf_count, n = 0;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (w->leaves[mid].items <= v.data)
            low = mid + 1;
        else
            high = mid;
    }
    const struct leaf *l = low ? &w->leaves[low - 1] : NULL;
    if (!l || v.data + v.size > l->items + l->size)
        return 0;
    size_t start = (size_t)(v.data - l->items);
    for (size_t i = 0; i < l->places.count && n < max; i++) {
        size_t place = fb_vector_u16(&l->places, i);
        if (place >= start && place < start + v.size)
            offsets[n++] = (uint16_t)(place - start);
    }
    return n;
}

/* Items come in the order they are stored in. */
static int always_less(const void *ctx, struct bytes a, struct bytes b) {
    (void)ctx, (void)a, (void)b;
    return -1;
}

static void note_leaf(struct work *w, enum tree_kind kind, struct chunk c, bool *empty, bool *absent) {
    bool bad;
    struct fb_table t;
    bool rows = kind == TREE_ROWS;
    if (fb_open(c.data, c.size, rows ? "TUPM" : "ARTM", &bad, &t, NULL) != BD_OK)
        return;
    struct fb_bytes items = fb_bytes_at(&t, rows ? 3 : 0);
    struct fb_vector places = fb_vector_at(&t, rows ? 6 : 2, 2);
    *empty |= places.data && !places.count;
    *absent |= !places.data;
    MEM_GROW(w->leaves, w->leaf_capacity, w->leaf_count + 1);
    w->leaves[w->leaf_count++] = (struct leaf){items.data, items.size, places};
}

/* Reads the subtree: notes its leaves, and rebuilds each node alone from its own items. */
static int read_nodes(struct work *w, const struct tree_type *type, struct chunk c, bool *empty,
                      bool *absent, struct err *err) {
    struct tree_node n;
    int rc = node_parse(type->kind, c, &n, err);
    if (rc != BD_OK)
        return rc;
    w->nodes++;
    if (n.level == 0 && (type->kind == TREE_ROWS || type->kind == TREE_ARTIFACTS))
        note_leaf(w, type->kind, c, empty, absent);
    for (uint32_t i = 0; rc == BD_OK && n.level > 0 && i < n.count; i++) {
        struct hash h = node_child_hash(&n, i);
        struct chunk child;
        rc = node_store_read(w->ns, &h, &child, err);
        if (rc == BD_OK)
            rc = read_nodes(w, type, child, empty, absent, err);
    }
    return rc;
}

static int build(struct work *w, const struct tree_type *type, const struct tree *t, struct hash *h,
                 struct err *err) {
    struct tree empty, out;
    struct tree_cursor c;
    struct tree_edit *edits = NULL;
    size_t count = 0, capacity = 0;
    int rc = tree_cursor_first(&c, t, err);
    while (rc == BD_OK && c.valid) {
        MEM_GROW(edits, capacity, count + 1);
        edits[count++] = (struct tree_edit){tree_cursor_key(&c), tree_cursor_value(&c), false};
        rc = tree_cursor_next(&c, err);
    }
    w->items += count;
    if (rc == BD_OK && count != tree_count(t))
        rc = err_set(err, BD_CORRUPT, "the root counts %llu items, but there are %zu",
                     (unsigned long long)tree_count(t), count);
    if (rc == BD_OK)
        rc = tree_empty(&empty, w->scratch, type, err);
    if (rc == BD_OK)
        rc = tree_apply(&empty, edits, count, &out, err);
    if (rc == BD_OK)
        *h = tree_root_hash(&out);
    free(edits);
    return rc;
}

/* Whether two trees have the same nodes up to their vectors of places. */
static int same_shape(struct work *w, enum tree_kind kind, struct chunk x, struct chunk y, bool *same) {
    struct tree_node a, b;
    int rc = node_parse(kind, x, &a, NULL);
    if (rc == BD_OK)
        rc = node_parse(kind, y, &b, NULL);
    if (rc != BD_OK)
        return rc;
    *same = a.level == b.level && a.count == b.count;
    for (uint32_t i = 0; *same && i < a.count; i++) {
        struct bytes k = tree_node_key(&a, i), l = tree_node_key(&b, i);
        *same = k.size == l.size && memcmp(k.data, l.data, k.size) == 0;
        if (*same && a.level > 0) {
            struct hash g = node_child_hash(&a, i), h = node_child_hash(&b, i);
            if (hash_eq(&g, &h))
                continue;
            if (node_store_read(w->ns, &g, &x, NULL) != BD_OK ||
                node_store_read(w->scratch, &h, &y, NULL) != BD_OK)
                return BD_CORRUPT;
            same_shape(w, kind, x, y, same);
        } else if (*same) {
            struct bytes v = tree_node_value(&a, i), u = tree_node_value(&b, i);
            *same = v.size == u.size && memcmp(v.data, u.data, v.size) == 0;
        }
    }
    return BD_OK;
}

static void rebuild_map(struct work *w, enum tree_kind kind, struct chunk root, const char *what) {
    struct err err = ERR_INIT;
    struct tree t;
    struct tree_type type = {
        .kind = kind, .compare = always_less, .addresses = recorded_addresses, .addresses_ctx = w};
    struct hash stored = hash_of(root.data, root.size), got = HASH_ZERO;
    bool empty = false, absent = false;
    w->leaf_count = 0;
    w->maps++;
    node_store_reset(w->scratch);
    int rc = tree_open_embedded(&t, w->ns, &type, root, &err);
    if (rc == BD_OK)
        rc = read_nodes(w, &type, root, &empty, &absent, &err);
    if (rc == BD_OK) {
        if (w->leaf_count > 1)
            qsort(w->leaves, w->leaf_count, sizeof *w->leaves, compare_leaves);
        type.write_empty_addresses = empty;
        rc = build(w, &type, &t, &got, &err);
    }
    if (rc != BD_OK) {
        report(w, &stored, what, err.msg);
        return;
    }
    if (hash_eq(&stored, &got))
        return;
    if (empty && absent) { /* leaves of an older and a newer Dolt side by side: compare all but that */
        struct tree again, none;
        struct tree_cursor c;
        struct tree_edit *edits = mem_zalloc(tree_count(&t), sizeof *edits);
        size_t count = 0;
        bool same = false;
        tree_cursor_first(&c, &t, &err);
        for (; c.valid; tree_cursor_next(&c, &err))
            edits[count++] = (struct tree_edit){tree_cursor_key(&c), tree_cursor_value(&c), false};
        if (tree_empty(&none, w->scratch, &type, &err) == BD_OK &&
            tree_apply(&none, edits, count, &again, &err) == BD_OK)
            same_shape(w, kind, root, again.root, &same);
        free(edits);
        if (same) {
            w->mixed++;
            return;
        }
    }
    report(w, &stored, what, "another address came out");
}

static void rebuild_map_at(struct work *w, enum tree_kind kind, const struct hash *h,
                           const char *what) {
    struct err err = ERR_INIT;
    struct chunk c;
    if (hash_is_zero(h) || !add_seen(w, h))
        return;
    if (node_store_read(w->ns, h, &c, &err) != BD_OK) {
        report(w, h, what, err.msg);
        return;
    }
    if (message_kind_of(&c) == MESSAGE_VECTOR_NODE) {
        w->skipped++;
        return;
    }
    rebuild_map(w, kind, c, what);
}

/* --- long values --- */

static void rebuild_value(struct work *w, const struct hash *h, struct chunk c) {
    struct err err = ERR_INIT;
    struct buf text = BUF_INIT;
    struct hash got = HASH_ZERO;
    bool document = message_kind_of(&c) == MESSAGE_ADDRESS_MAP;
    node_store_reset(w->scratch);
    int rc = blob_read(w->ns, h, &text, &err);
    uint64_t size = 0;
    if (rc == BD_OK)
        rc = blob_size(w->ns, h, &size, &err);
    if (rc == BD_OK && size != text.size)
        rc = err_set(&err, BD_CORRUPT, "its size is told wrongly");
    if (rc == BD_OK && !document)
        rc = blob_write(w->scratch, text.data, text.size, &got, &err);
    /* One leaf of more than 4000 bytes is a document of one segment. */
    if (rc == BD_OK && (document || (!hash_eq(h, &got) && text.size > 4000)))
        rc = blob_write_json(w->scratch, text.data, text.size, &got, &err);
    if (document)
        w->documents++;
    else
        w->blobs++;
    if (rc != BD_OK)
        report(w, h, "value", err.msg);
    else if (!hash_eq(h, &got))
        report(w, h, document ? "JSON document" : "value", "another address came out");
    buf_release(&text);
}

static int each_value(void *ctx, const struct hash *h) {
    struct work *w = ctx;
    struct chunk c;
    struct err err = ERR_INIT;
    if (!add_seen(w, h))
        return BD_OK;
    if (node_store_read(w->ns, h, &c, &err) != BD_OK) {
        report(w, h, "value", err.msg);
        return BD_OK;
    }
    rebuild_value(w, h, c);
    return BD_OK;
}

/* All out-of-line values below a row map that were not looked at before. */
static void rebuild_values(struct work *w, struct chunk root) {
    struct tree_node n;
    if (node_parse(TREE_ROWS, root, &n, NULL) != BD_OK)
        return;
    if (n.level == 0) {
        struct err err = ERR_INIT;
        message_walk(&root, each_value, w, &err);
        return;
    }
    for (uint32_t i = 0; i < n.count; i++) {
        struct hash h = node_child_hash(&n, i);
        struct chunk c;
        if (add_seen(w, &h) && node_store_read(w->ns, &h, &c, NULL) == BD_OK)
            rebuild_values(w, c);
    }
}

/* --- messages --- */

static struct hash hash_at(struct fb_bytes b, size_t i) {
    struct hash h = HASH_ZERO;
    if (b.size >= (i + 1) * HASH_SIZE)
        memcpy(h.b, b.data + i * HASH_SIZE, HASH_SIZE);
    return h;
}

static void rebuild_table(struct work *w, struct chunk c) {
    bool bad;
    struct fb_table t;
    struct err err = ERR_INIT;
    if (fb_open(c.data, c.size, "DTBL", &bad, &t, &err) != BD_OK)
        return;
    struct fb_bytes rows = fb_bytes_at(&t, 1), indexes = fb_bytes_at(&t, 2);
    struct hash artifacts = hash_at(fb_bytes_at(&t, 6), 0);
    rebuild_map(w, TREE_ROWS, (struct chunk){rows.data, rows.size}, "row map");
    rebuild_values(w, (struct chunk){rows.data, rows.size});
    rebuild_map(w, TREE_ADDRESSES, (struct chunk){indexes.data, indexes.size}, "map of indexes");
    rebuild_map_at(w, TREE_ARTIFACTS, &artifacts, "artifact map");
    struct tree map;
    struct tree_cursor cur;
    if (tree_open_embedded(&map, w->ns, &tree_type_addresses,
                           (struct chunk){indexes.data, indexes.size}, &err) != BD_OK)
        return;
    for (tree_cursor_first(&cur, &map, &err); cur.valid; tree_cursor_next(&cur, &err)) {
        struct hash h;
        memcpy(h.b, tree_cursor_value(&cur).data, HASH_SIZE);
        rebuild_map_at(w, TREE_ROWS, &h, "index");
    }
}

static bool read_commit(struct work *w, const struct hash *h, struct fb_table *t, bool *bad) {
    struct chunk c;
    return node_store_read(w->ns, h, &c, NULL) == BD_OK &&
           fb_open(c.data, c.size, "DCMT", bad, t, NULL) == BD_OK;
}

static void rebuild_closure(struct work *w, const struct hash *commit) {
    bool bad;
    struct fb_table t, p;
    struct err err = ERR_INIT;
    if (!read_commit(w, commit, &t, &bad)) {
        report(w, commit, "commit", "does not read");
        return;
    }
    struct fb_bytes list = fb_bytes_at(&t, 2);
    struct hash stored = hash_at(fb_bytes_at(&t, 3), 0);
    struct closure_parent parents[16];
    size_t count = list.size / HASH_SIZE;
    if (!count) {
        if (!hash_is_zero(&stored))
            report(w, commit, "commit", "has a closure but no parents");
        return;
    }
    for (size_t i = 0; i < count && i < 16; i++) {
        parents[i].commit = hash_at(list, i);
        if (!read_commit(w, &parents[i].commit, &p, &bad)) {
            w->skipped++; /* a shallow clone ends here */
            return;
        }
        parents[i].height = fb_u64(&p, 1, 0);
        parents[i].closure = hash_at(fb_bytes_at(&p, 3), 0);
    }
    struct tree out;
    struct hash got = HASH_ZERO;
    w->closures++;
    int rc = count <= 16 ? closure_build(w->ns, parents, count, &out, &err) : BD_UNSUPPORTED;
    if (rc == BD_OK)
        got = tree_root_hash(&out);
    if (rc != BD_OK)
        report(w, commit, "closure of commit", err.msg);
    else if (!hash_eq(&got, &stored))
        report(w, commit, "closure of commit", "another address came out");
}

static void rebuild_embedded(struct work *w, struct chunk c, const char *id, unsigned slot,
                             const char *what) {
    bool bad;
    struct fb_table t;
    if (fb_open(c.data, c.size, id, &bad, &t, NULL) != BD_OK)
        return;
    struct fb_bytes map = fb_bytes_at(&t, slot);
    rebuild_map(w, TREE_ADDRESSES, (struct chunk){map.data, map.size}, what);
}

static void look_at(struct work *w, const struct hash *h) {
    struct chunk c;
    struct err err = ERR_INIT;
    int rc = node_store_read(w->ns, h, &c, &err);
    if (rc == BD_OK) {
        struct hash real = hash_of(c.data, c.size);
        if (!hash_eq(&real, h))
            rc = err_set(&err, BD_CORRUPT, "its bytes have another address");
    }
    if (rc == BD_OK)
        rc = message_walk(&c, enqueue, w, &err);
    if (rc != BD_OK) {
        /* The history beyond a shallow clone is absent by intent. */
        if (rc == BD_NOT_FOUND && strstr(err.msg, "shallow clone"))
            w->skipped++;
        else
            report(w, h, "chunk", err.msg);
        return;
    }
    switch (message_kind_of(&c)) {
    case MESSAGE_STORE_ROOT: rebuild_embedded(w, c, "STRT", 0, "map of refs"); break;
    case MESSAGE_STASH_LIST: rebuild_embedded(w, c, "SLST", 0, "map of stashes"); break;
    case MESSAGE_ROOT_VALUE: rebuild_embedded(w, c, "RTVL", 1, "map of tables"); break;
    case MESSAGE_COMMIT: rebuild_closure(w, h); break;
    default: break;
    }
}

static int open_store(const char *dir, struct chunk_store **cs, struct err *err) {
    static const char *const below[] = {"/.dolt/noms", "/noms", ""};
    char path[4096];
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s%s", dir, below[i]);
        if (i == 2 || os_is_dir(path))
            return chunk_store_open(cs, path, CHUNK_STORE_READ_ONLY, err);
    }
    return BD_NOT_FOUND;
}

static bool rebuild_database(const char *dir, bool verbose) {
    struct err err = ERR_INIT;
    struct chunk_store *cs;
    struct work w = {.dir = dir};
    if (open_store(dir, &cs, &err) != BD_OK) {
        printf("%s: %s\n", dir, err.msg);
        return false;
    }
    w.ns = node_store_new(cs);
    w.scratch = node_store_new(NULL);
    struct hash root = chunk_store_root(cs);
    enqueue(&w, &root);
    struct hash *tables = NULL;
    size_t table_count = 0, table_capacity = 0, chunks = 0;
    while (w.queued) {
        struct hash h = w.queue[--w.queued];
        struct chunk c;
        chunks++;
        look_at(&w, &h);
        if (node_store_read(w.ns, &h, &c, NULL) == BD_OK && message_kind_of(&c) == MESSAGE_TABLE) {
            MEM_GROW(tables, table_capacity, table_count + 1);
            tables[table_count++] = h;
        }
    }
    /* Second pass with a fresh table of what was seen: maps and values by their role. */
    memset(w.seen, 0, w.seen_capacity * sizeof *w.seen);
    w.seen_count = 0;
    for (size_t i = 0; i < table_count; i++) {
        struct chunk c;
        if (node_store_read(w.ns, &tables[i], &c, NULL) == BD_OK)
            rebuild_table(&w, c);
    }
    if (verbose || w.failures)
        printf("%s: %zu chunks, %zu tables, %llu maps (%llu items, %llu nodes), %llu values, %llu "
               "documents, "
               "%llu closures, %llu of mixed age, %llu skipped, %llu failures\n",
               dir, chunks, table_count, (unsigned long long)w.maps, (unsigned long long)w.items,
               (unsigned long long)w.nodes, (unsigned long long)w.blobs,
               (unsigned long long)w.documents, (unsigned long long)w.closures,
               (unsigned long long)w.mixed, (unsigned long long)w.skipped,
               (unsigned long long)w.failures);
    total_maps += w.maps;
    total_items += w.items;
    total_values += w.blobs + w.documents;
    total_closures += w.closures;
    total_failures += w.failures;
    free(tables);
    free(w.leaves);
    free(w.queue);
    free(w.seen);
    node_store_free(w.scratch);
    node_store_free(w.ns);
    chunk_store_close(cs);
    return !w.failures;
}

int main(int argc, char **argv) {
    bool verbose = false, good = true;
    int done = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-v") == 0) {
            verbose = true;
            continue;
        }
        good &= rebuild_database(argv[i], verbose);
        done++;
    }
    if (!done) {
        fprintf(stderr, "usage: rebuild_trees [-v] DIR...\n");
        return 2;
    }
    printf("%d databases: %llu maps with %llu items, %llu long values, %llu closures built again; %llu "
           "failures\n",
           done, (unsigned long long)total_maps, (unsigned long long)total_items,
           (unsigned long long)total_values, (unsigned long long)total_closures,
           (unsigned long long)total_failures);
    return good ? 0 : 1;
}
