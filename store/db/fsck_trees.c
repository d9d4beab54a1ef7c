/*
 * Canonical shape. Where a chunk ends depends only on the items since the last end, so a tree is what
 * chunking its items from scratch gives exactly when no node holds an end before its last item, every
 * node but the last of its level ends at one, and the root has several children. All of this but the
 * junctions between siblings belongs to one node and is computed once, however many trees share it.
 */
#include "store/db/fsck_check.h"

#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#define DEPTH_MAX 16

static uint64_t key_hash(struct bytes k) { return XXH3_64bits_withSeed(k.data, k.size, 0x5bd1e995); }

static struct node_facts *new_facts(struct arena *a, enum tree_kind kind, unsigned level) {
    struct node_facts *f = arena_zalloc(a, sizeof *f + (level + 1) * sizeof(struct node_edge));
    f->kind = (uint8_t)kind;
    f->level = (uint8_t)level;
    return f;
}

/* Walks the items of one node through the splitter; *early: an end stands before the last item. */
static void walk_items(enum tree_kind kind, const struct tree_node *n, struct node_edge *edge,
                       bool *early) {
    struct splitter s;
    splitter_init(&s, n->level);
    *early = false;
    uint32_t size = 0;
    bool free_form = kind == TREE_CLOSURE && n->level == 0; /* depends on history: see fsck_history.c */
    for (uint32_t i = 0; i < n->count; i++) {
        struct bytes key = tree_node_key(n, i), value = tree_node_value(n, i);
        uint32_t item = (uint32_t)(key.size + (free_form ? 0 : value.size));
        size += item;
        if (i == 0)
            edge->head = item;
        if (free_form)
            continue;
        splitter_append(&s, key, value.size);
        if (s.crossed && (n->level == 0 || i > 0)) {
            if (i + 1 < n->count) {
                *early = true;
                break;
            }
            edge->ends = true;
        }
    }
    edge->tail = size;
    if (free_form)
        edge->ends = true;
}

struct node_facts *leaf_facts(enum tree_kind kind, const struct tree_node *n, struct arena *a,
                              bool *early_end) {
    struct node_facts *f = new_facts(a, kind, 0);
    walk_items(kind, n, &f->edge[0], early_end);
    f->count = n->count;
    f->last_key = n->count ? key_hash(tree_node_key(n, n->count - 1)) : 0;
    return f;
}

struct shape {
    struct db_check *c;
    const char *name;
};

static void shape_finding(struct shape *s, enum fsck_code code, const struct hash *h, unsigned level,
                          const char *what) {
    char text[HASH_TEXT_SIZE + 1];
    fsck_add(s->c->r, FSCK_ERROR, code, REPAIR_NONE, h, s->name, NULL, "%s: node %s of level %u: %s",
             s->name, check_name(h, text), level, what);
}

static const struct node_facts *facts_of(struct shape *s, const struct hash *h, enum tree_kind kind,
                                         unsigned level, unsigned depth);

/* Junctions between child i - 1 and child i on every level below. */
static bool joints_good(const struct node_facts *left, const struct node_facts *right) {
    for (unsigned l = 0; l <= left->level; l++) {
        const struct node_edge *a = &left->edge[l], *b = &right->edge[l];
        if (!a->ends && a->tail != UINT32_MAX && (uint64_t)a->tail + b->head <= NODE_ITEM_BYTES_MAX)
            return false;
    }
    return true;
}

bool keys_ascend(enum tree_kind kind, const struct tree_node *n) {
    if (kind != TREE_CLOSURE && kind != TREE_ADDRESSES)
        return true; /* rows: by their schema, in fsck_rows.c */
    const struct tree_type *type = kind == TREE_CLOSURE ? &tree_type_closure : &tree_type_addresses;
    for (uint32_t i = 1; i < n->count; i++)
        if (type->compare(type->compare_ctx, tree_node_key(n, i - 1), tree_node_key(n, i)) >= 0)
            return false;
    return true;
}

/* Facts of a parsed node, with its children's. NULL when something below is missing. */
static struct node_facts *node_facts_of(struct shape *s, enum tree_kind kind, const struct tree_node *n,
                                        const struct hash *h, unsigned depth) {
    struct db_check *c = s->c;
    struct node_facts *f = new_facts(&c->arena, kind, n->level);
    bool early;
    walk_items(kind, n, &f->edge[n->level], &early);
    if (early)
        shape_finding(s, FSCK_TREE_SHAPE, h, n->level, "a chunk must end before its last item");
    if (!keys_ascend(kind, n))
        shape_finding(s, FSCK_TREE_ORDER, h, n->level, "its keys are out of order");
    f->last_key = n->count ? key_hash(tree_node_key(n, n->count - 1)) : 0;
    f->count = n->level ? 0 : n->count;
    const struct node_facts *before = NULL;
    struct node_counts counts = {0, 0};
    bool complete = true;
    for (uint32_t i = 0; n->level && i < n->count; i++) {
        struct hash child = node_child_hash(n, i);
        uint64_t count = node_counts_next(n, &counts);
        const struct node_facts *k = facts_of(s, &child, kind, n->level - 1u, depth + 1);
        f->count += count;
        if (!k) {
            complete = false;
            before = NULL;
            continue;
        }
        if (k->last_key != key_hash(tree_node_key(n, i)) || k->count != count)
            shape_finding(s, FSCK_TREE_SHAPE, h, n->level,
                          "an entry does not match its child's last key and count");
        if (before && !joints_good(before, k))
            shape_finding(s, FSCK_TREE_SHAPE, h, n->level, "a child ends where no chunk ends");
        for (unsigned l = 0; l < n->level; l++) {
            if (i == 0)
                f->edge[l].head = k->edge[l].head;
            f->edge[l].tail = k->edge[l].tail;
            f->edge[l].ends = k->edge[l].ends;
        }
        before = k;
    }
    if (n->tree_count != f->count)
        shape_finding(s, FSCK_TREE_SHAPE, h, n->level, "its count is not the sum of its children's");
    return complete ? f : NULL;
}

static const struct node_facts *facts_of(struct shape *s, const struct hash *h, enum tree_kind kind,
                                         unsigned level, unsigned depth) {
    struct db_check *c = s->c;
    uint32_t entry = scan_find(c->scan, h);
    if (entry == SCAN_NONE || c->kind[entry] >= CHECK_KIND_UNREAD || depth > DEPTH_MAX) {
        c->skipped++;
        return NULL;
    }
    enum tree_kind have;
    bool is_tree = tree_kind_of((enum message_kind)c->kind[entry], &have);
    struct node_facts *f = c->facts[entry];
    if (!is_tree || have != kind || (f && f->level != level)) {
        shape_finding(s, FSCK_TREE_SHAPE, h, level, "a node of another kind or level stands here");
        return NULL;
    }
    if (f && level == 0 && f->edge[0].tail == UINT32_MAX)
        shape_finding(s, FSCK_TREE_SHAPE, h, level, "a chunk must end before its last item");
    if (f)
        return f;
    struct chunk bytes;
    struct tree_node n;
    struct err err = ERR_INIT;
    uint8_t *data;
    size_t size;
    if (scan_read(c->reader, entry, &data, &size, &err) != BD_OK) {
        c->skipped++;
        return NULL;
    }
    bytes = (struct chunk){data, size};
    if (node_parse(kind, bytes, &n, &err) != BD_OK || n.level != level || !n.count) {
        shape_finding(s, FSCK_TREE_SHAPE, h, level,
                      "a node of another level stands here, or an empty one");
        free(data);
        return NULL;
    }
    f = node_facts_of(s, kind, &n, h, depth);
    c->facts[entry] = f;
    free(data);
    return f;
}

void check_tree_shape(struct db_check *c, enum tree_kind kind, struct chunk root, const struct hash *h,
                      const char *name) {
    struct shape s = {c, name};
    struct tree_node n;
    struct err err = ERR_INIT;
    if (node_parse(kind, root, &n, &err) != BD_OK) {
        fsck_add(c->r, FSCK_ERROR, FSCK_TREE_SHAPE, REPAIR_NONE, h, name, NULL, "%s: %s", name,
                 err.msg);
        return;
    }
    uint32_t entry = scan_find(c->scan, h);
    enum tree_kind have;
    bool own = entry != SCAN_NONE && tree_kind_of((enum message_kind)c->kind[entry], &have);
    if (own && c->facts[entry] && c->facts[entry]->level == 0) {
        if (c->facts[entry]->edge[0].tail == UINT32_MAX)
            shape_finding(&s, FSCK_TREE_SHAPE, h, 0, "a chunk must end before its last item");
    } else if (!own || !c->facts[entry]) {
        struct node_facts *f = node_facts_of(&s, kind, &n, h, 0);
        if (own)
            c->facts[entry] = f;
    }
    if (n.level && n.count < 2)
        shape_finding(&s, FSCK_TREE_SHAPE, h, n.level, "the root has a single child");
}
