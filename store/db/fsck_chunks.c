/*
 * Every chunk by itself (bytes, hash, message, references, the facts of tree leaves), on all
 * processors; then what the root reaches.
 */
#include "store/db/fsck_check.h"

#include <stdlib.h>
#include <string.h>

#define SLICE 256u

bool is_kind(const struct db_check *c, uint32_t entry, enum message_kind kind) {
    return entry != SCAN_NONE && c->kind[entry] == (uint8_t)kind;
}

/* Collects the references of one chunk as entries, each once as far as they follow one another. */
struct referrer {
    struct check_task *t;
    uint32_t entry;
    uint32_t *list;
    size_t count, capacity;
};

static int take_reference(void *ctx, const struct hash *h) {
    struct referrer *x = ctx;
    struct check_task *t = x->t;
    uint32_t to = scan_find(t->c->scan, h);
    if (to == SCAN_NONE) {
        if (!scan_is_ghost(t->c->scan, h)) {
            MEM_GROW(t->dangling, t->dangling_capacity, t->dangling_count + 1);
            t->dangling[t->dangling_count++] = (struct check_dangling){x->entry, *h};
        }
    } else if (!x->count || x->list[x->count - 1] != to) {
        MEM_GROW(x->list, x->capacity, x->count + 1);
        x->list[x->count++] = to;
    }
    return BD_OK;
}

static void look_at_message(struct check_task *t, uint32_t entry, const struct chunk *bytes,
                            struct referrer *x) {
    struct db_check *c = t->c;
    const struct hash *h = &c->scan->entries[entry].address;
    const char *file = c->scan->files[c->scan->entries[entry].file].label;
    char text[HASH_TEXT_SIZE + 1];
    struct err err = ERR_INIT;
    struct tree_node node;
    enum message_kind kind = message_kind_of(bytes);
    enum tree_kind tree = TREE_ROWS;
    x->entry = entry;
    x->count = 0;
    size_t dangling = t->dangling_count;
    int rc = message_walk(bytes, take_reference, x, &err);
    bool is_tree = tree_kind_of(kind, &tree);
    if (rc == BD_OK && is_tree)
        rc = node_parse(tree, *bytes, &node, &err);
    if (rc != BD_OK) {
        t->dangling_count = dangling;
        fsck_add(&t->report, FSCK_ERROR, FSCK_MESSAGE_DAMAGED, REPAIR_NONE, h, NULL, file,
                 "chunk %s: %s", check_name(h, text), err.msg);
        c->kind[entry] = CHECK_KIND_DAMAGED;
        return;
    }
    c->kind[entry] = (uint8_t)kind;
    if (x->count) {
        uint32_t *list = arena_alloc(&t->arena, (x->count + 1) * sizeof *list);
        list[0] = (uint32_t)x->count;
        memcpy(list + 1, x->list, x->count * sizeof *list);
        c->refs[entry] = list;
    }
    if (is_tree && node.level == 0) {
        uint64_t counted = node.count;
        bool early;
        if (!keys_ascend(tree, &node))
            fsck_add(&t->report, FSCK_ERROR, FSCK_TREE_ORDER, REPAIR_NONE, h, NULL, file,
                     "chunk %s: its keys are out of order", check_name(h, text));
        if (node.tree_count != counted)
            fsck_add(&t->report, FSCK_ERROR, FSCK_MESSAGE_DAMAGED, REPAIR_NONE, h, NULL, file,
                     "chunk %s: a leaf of %llu items says it has %llu", check_name(h, text),
                     (unsigned long long)counted, (unsigned long long)node.tree_count);
        c->facts[entry] = leaf_facts(tree, &node, &t->arena, &early);
        if (early) /* told when a tree that holds it is looked at */
            c->facts[entry]->edge[0].tail = UINT32_MAX;
    }
    const struct chunk_write *stored;
    bool in_memory = kind == MESSAGE_COMMIT || kind == MESSAGE_TAG || kind == MESSAGE_WORKING_SET ||
                     kind == MESSAGE_FOREIGN_KEYS;
    struct node_store *memory = in_memory ? node_store_new(NULL) : NULL;
    struct arena a = ARENA_INIT;
    if (memory)
        node_store_put(memory, bytes->data, bytes->size, &stored, NULL);
    if (!check_encoding(kind, bytes, h, memory, &a))
        fsck_add(&t->report, kind == MESSAGE_TABLE_SCHEMA ? FSCK_NOTE : FSCK_ERROR,
                 FSCK_MESSAGE_ENCODING, REPAIR_NONE, h, NULL, file,
                 kind == MESSAGE_TABLE_SCHEMA
                     ? "%.4s chunk %s: an old release of Dolt wrote it, today's bytes would differ"
                     : "%.4s chunk %s: the bytes are not those that its content gives",
                 (const char *)bytes->data + 8, check_name(h, text));
    arena_release(&a);
    node_store_free(memory);
}

struct order {
    const uint32_t *entries;
};

static void look_at_chunks(struct check_task *t, size_t from, size_t to, void *ctx) {
    const struct order *order = ctx;
    const struct scan *s = t->c->scan;
    struct referrer x = {t, 0, NULL, 0, 0};
    char text[HASH_TEXT_SIZE + 1], real_text[HASH_TEXT_SIZE + 1];
    for (size_t i = from; i < to; i++) {
        uint32_t entry = order->entries[i];
        const struct scan_entry *e = &s->entries[entry];
        struct err err = ERR_INIT;
        uint8_t *data;
        size_t size;
        enum fsck_repair repair =
            s->files[e->file].kind == SCAN_JOURNAL ? REPAIR_SALVAGE : REPAIR_FILES;
        bool first = scan_find(s, &e->address) == entry;
        if (scan_read(t->reader, entry, &data, &size, &err) != BD_OK) {
            fsck_add(&t->report, FSCK_ERROR, FSCK_CHUNK_DAMAGED, repair, &e->address, NULL,
                     s->files[e->file].label, "%s", err.msg);
            t->c->kind[entry] = CHECK_KIND_DAMAGED;
            continue;
        }
        t->c->size[entry] = (uint32_t)size;
        struct hash real = hash_of(data, size);
        if (!hash_eq(&real, &e->address)) {
            fsck_add(&t->report, FSCK_ERROR, FSCK_CHUNK_DAMAGED, repair, &e->address, NULL,
                     s->files[e->file].label, "chunk %s in %s: content hash mismatch: %s",
                     check_name(&e->address, text), s->files[e->file].label,
                     check_name(&real, real_text));
            t->c->kind[entry] = CHECK_KIND_DAMAGED;
        } else if (first) {
            look_at_message(t, entry, &(struct chunk){data, size}, &x);
        }
        free(data);
    }
    free(x.list);
}

/* Files one after the other, dictionaries together, so that each is opened about once. */
static _Thread_local const struct scan_entry *sorting; /* qsort hands no context on */
static int by_place(const void *a, const void *b) {
    const struct scan_entry *x = &sorting[*(const uint32_t *)a], *y = &sorting[*(const uint32_t *)b];
    if (x->file != y->file)
        return x->file < y->file ? -1 : 1;
    if (x->dictionary != y->dictionary)
        return x->dictionary < y->dictionary ? -1 : 1;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

int check_chunks(struct db_check *c, struct err *err) {
    const struct scan *s = c->scan;
    uint32_t *entries = mem_zalloc(s->count + 1, sizeof *entries);
    bool sorted = true;
    for (size_t i = 0; i < s->count; i++) {
        entries[i] = (uint32_t)i;
        c->kind[i] = CHECK_KIND_UNREAD;
        sorted = sorted && s->files[s->entries[i].file].kind != SCAN_ARCHIVE;
    }
    sorting = s->entries;
    if (!sorted)
        qsort(entries, s->count, sizeof *entries, by_place);
    struct order order = {entries};
    int rc = check_parallel(c, "chunks", s->count, SLICE, look_at_chunks, &order, err);
    free(entries);
    for (size_t i = 0; i < s->count; i++)
        if (c->kind[i] < CHECK_KIND_UNREAD) {
            c->r->summary.chunks++;
            c->r->summary.bytes += c->size[i];
        }
    return rc;
}

/* ---- reachability ---- */

static const char *kind_text(uint8_t kind) {
    static const char *const names[] = {
        [MESSAGE_STORE_ROOT] = "the store root",
        [MESSAGE_ROOT_VALUE] = "root value",
        [MESSAGE_TABLE] = "table",
        [MESSAGE_TABLE_SCHEMA] = "schema",
        [MESSAGE_FOREIGN_KEYS] = "foreign keys",
        [MESSAGE_TREE_NODE] = "row node",
        [MESSAGE_ADDRESS_MAP] = "address map",
        [MESSAGE_COMMIT_CLOSURE] = "commit closure",
        [MESSAGE_MERGE_ARTIFACTS] = "artifacts",
        [MESSAGE_BLOB] = "value",
        [MESSAGE_COMMIT] = "commit",
        [MESSAGE_TAG] = "tag",
        [MESSAGE_WORKING_SET] = "working set",
        [MESSAGE_STASH] = "stash",
        [MESSAGE_STASH_LIST] = "stash list",
        [MESSAGE_STATISTIC] = "statistics",
        [MESSAGE_TUPLE] = "tuple",
        [MESSAGE_VECTOR_NODE] = "vector node",
    };
    return kind < sizeof names / sizeof names[0] && names[kind] ? names[kind] : "chunk";
}

bool check_sees_all(const struct db_check *c) {
    if (c->root == SCAN_NONE)
        return false;
    for (size_t i = 0; i < c->count; i++)
        if (c->reached[i] && c->kind[i] >= CHECK_KIND_UNREAD)
            return false;
    for (size_t i = 0; i < c->dangling_count; i++)
        if (c->reached[c->dangling[i].from])
            return false;
    return true;
}

int check_references(struct db_check *c, struct err *err) {
    uint32_t *todo = mem_zalloc(c->count + 1, sizeof *todo);
    size_t depth = 0, done = 0;
    int rc = BD_OK;
    if (c->root != SCAN_NONE) {
        c->reached[c->root] = true;
        todo[depth++] = c->root;
    }
    while (depth && rc == BD_OK) {
        const uint32_t *list = c->refs[todo[--depth]];
        for (uint32_t i = 1; list && i <= list[0]; i++)
            if (!c->reached[list[i]]) {
                c->reached[list[i]] = true;
                todo[depth++] = list[i];
            }
        if (++done % 65536 == 0 && !fsck_tell(c->o, "references", done, c->count))
            rc = err_set(err, BD_CANCELLED, "the check was stopped");
    }
    free(todo);
    if (rc != BD_OK)
        return rc;
    char to[HASH_TEXT_SIZE + 1], from[HASH_TEXT_SIZE + 1];
    bool some_ignored = false;
    for (size_t i = 0; i < c->scan->file_count; i++)
        some_ignored = some_ignored || c->scan->files[i].ignored;
    for (size_t i = 0; i < c->dangling_count; i++) {
        const struct check_dangling *d = &c->dangling[i];
        if (!c->reached[d->from])
            continue;
        bool hidden = false;
        for (size_t k = 0; some_ignored && k < c->scan->count && !hidden; k++)
            hidden = c->scan->files[c->scan->entries[k].file].ignored &&
                     hash_eq(&c->scan->entries[k].address, &d->to);
        fsck_add(c->r, FSCK_ERROR, FSCK_CHUNK_DANGLING, hidden ? REPAIR_MANIFEST : REPAIR_FILES, &d->to,
                 NULL, NULL, "chunk %s, which %s %s refers to, %s", check_name(&d->to, to),
                 kind_text(c->kind[d->from]), check_name(&c->scan->entries[d->from].address, from),
                 hidden ? "is only in the journal, which the manifest does not list" : "is in no file");
    }
    struct fsck_summary *sum = &c->r->summary;
    for (size_t i = 0; i < c->count; i++) {
        if (c->kind[i] >= CHECK_KIND_UNREAD || scan_find(c->scan, &c->scan->entries[i].address) != i)
            continue;
        if (c->reached[i]) {
            sum->reachable++;
        } else {
            sum->unreachable++;
            sum->unreachable_bytes += c->size[i];
        }
    }
    bool sees_all = check_sees_all(c);
    if (c->root != SCAN_NONE && sum->unreachable)
        fsck_add(c->r, FSCK_NOTE, FSCK_UNREACHABLE, REPAIR_NOT_NEEDED, NULL, NULL, NULL,
                 "%llu chunks (%llu bytes) %s", (unsigned long long)sum->unreachable,
                 (unsigned long long)sum->unreachable_bytes,
                 sees_all ? "belong to nothing; a collection removes them"
                          : "were not reached: they belong to nothing, or stand behind the damage");
    /* Damage outside of what the root reaches needs no repair: a collection leaves it behind. */
    for (size_t i = 0; i < c->r->count; i++) {
        struct fsck_finding *f = &c->r->findings[i];
        uint32_t entry = hash_is_zero(&f->address) ? SCAN_NONE : scan_find(c->scan, &f->address);
        if ((f->code == FSCK_CHUNK_DAMAGED || f->code == FSCK_MESSAGE_DAMAGED) && entry != SCAN_NONE &&
            sees_all && !c->reached[entry] && (f->repair == REPAIR_NONE || f->repair == REPAIR_FILES))
            f->repair = REPAIR_NOT_NEEDED;
    }
    return BD_OK;
}
