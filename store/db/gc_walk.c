/*
 * The walk: a stack of chunks to be read, each with the predecessor it is compared with. Whatever
 * predecessor is given, the result is right as long as that one was walked itself or is old: an address
 * is passed over only if the predecessor refers to it too.
 */
#include "store/db/gc_walk.h"

#include "base/mem.h"
#include "store/prolly/flatbuf.h"
#include "store/prolly/message.h"

#include <stdlib.h>

#define CACHE_SLOTS 2048u /* predecessors' references that are kept */
#define RELEASE_READS 1024u
#define PROGRESS_READS 512u

struct gc_pending {
    uint32_t entry;
    bool has_predecessor;
    struct hash predecessor;
};

struct gc_ref {
    struct hash h;
    uint16_t field;
};
/* What a chunk refers to. */
struct gc_refs {
    struct hash of;
    struct gc_ref *items;
    size_t count, capacity;
    enum message_kind kind;
};

void gc_walk_init(struct gc_walk *w, struct chunk_store *cs, bool skip_old) {
    *w = (struct gc_walk){.cs = cs, .skip_old = skip_old, .seen = ADDRESS_MAP_INIT};
    w->cache = mem_zalloc(CACHE_SLOTS, sizeof *w->cache);
}

void gc_walk_release(struct gc_walk *w) {
    address_map_release(&w->seen);
    free(w->kinds);
    free(w->stack);
    for (size_t i = 0; w->cache && i < CACHE_SLOTS; i++)
        free(w->cache[i].items);
    free(w->cache);
    *w = (struct gc_walk){0};
}

static uint64_t mix(uint64_t a, uint64_t b) {
    a = (a ^ (b + UINT64_C(0x9E3779B97F4A7C15))) * UINT64_C(0xBF58476D1CE4E5B9);
    return a ^ a >> 31;
}

static uint64_t number_of(const struct hash *h) {
    uint64_t n;
    memcpy(&n, h->b, sizeof n);
    return n;
}

/* --- reading --- */

static int add_ref(void *ctx, unsigned field, const struct hash *h) {
    struct gc_refs *r = ctx;
    MEM_GROW(r->items, r->capacity, r->count + 1);
    r->items[r->count++] = (struct gc_ref){*h, (uint16_t)field};
    return BD_OK;
}

static int parse_refs(const struct hash *h, const struct chunk *c, struct gc_refs *out, struct err *err) {
    out->of = *h;
    out->count = 0;
    out->kind = message_kind_of(c);
    int rc = message_walk_fields(c, add_ref, out, err);
    if (rc != BD_OK) {
        char text[HASH_TEXT_SIZE + 1];
        hash_format(h, text);
        err_prefix(err, "chunk %s", text);
    }
    return rc;
}

/* The chunk's bytes are the caller's. BD_NOT_FOUND only for what a shallow clone left out. */
static int read_chunk(struct gc_walk *w, const struct hash *h, uint8_t **data, size_t *size, struct err *err) {
    if (++w->read_since_release >= RELEASE_READS) {
        chunk_store_release_pages(w->cs);
        w->read_since_release = 0;
    }
    int rc = chunk_store_read(w->cs, h, data, size, err);
    if (rc != BD_NOT_FOUND || chunk_store_is_ghost(w->cs, h, NULL) == BD_OK)
        return rc;
    err_prefix(err, "a chunk is missing that the database needs; nothing was changed");
    if (err)
        err->code = BD_CORRUPT;
    return BD_CORRUPT;
}

/* What the predecessor refers to: NULL when it cannot be told (a ghost). */
static int refs_of(struct gc_walk *w, const struct hash *h, const struct gc_refs **out, struct err *err) {
    struct gc_refs *slot = &w->cache[number_of(h) % CACHE_SLOTS];
    *out = slot;
    if (slot->items && hash_eq(&slot->of, h))
        return BD_OK;
    uint8_t *data;
    size_t size;
    int rc = read_chunk(w, h, &data, &size, err);
    if (rc == BD_NOT_FOUND) {
        *out = NULL;
        err_clear(err);
        return BD_OK;
    }
    if (rc == BD_OK) {
        rc = parse_refs(h, &(struct chunk){data, size}, slot, err);
        free(data);
    }
    return rc;
}

static void remember_refs(struct gc_walk *w, struct gc_refs *r) {
    struct gc_refs *slot = &w->cache[number_of(&r->of) % CACHE_SLOTS];
    if (r->count == 0)
        return;
    if (slot->capacity < r->count || slot->capacity > 4 * r->count + 64) { /* no slot keeps a giant's room */
        free(slot->items);
        slot->capacity = r->count;
        slot->items = mem_alloc(r->count * sizeof *slot->items);
    }
    memcpy(slot->items, r->items, r->count * sizeof *r->items);
    slot->of = r->of;
    slot->count = r->count;
    slot->kind = r->kind;
}

/* --- listing --- */

static uint64_t place_of(const struct gc_walk *w, const struct hash *h) {
    const struct address_entry *e = address_map_find(&w->seen, h);
    return e ? e->value : number_of(h);
}

/* Lists the chunk and puts it on the stack, unless it is known. */
static void push(struct gc_walk *w, const struct hash *h, const struct hash *predecessor, uint64_t kind) {
    if (address_map_find(&w->seen, h) || (w->skip_old && chunk_store_has_old(w->cs, h)))
        return;
    uint64_t place = predecessor ? place_of(w, predecessor) : number_of(h);
    address_map_put(&w->seen, h, 0, place);
    size_t entry = w->seen.count - 1;
    MEM_GROW(w->kinds, w->kind_capacity, w->seen.count);
    w->kinds[entry] = kind;
    MEM_GROW(w->stack, w->stack_capacity, w->depth + 1);
    w->stack[w->depth++] =
        (struct gc_pending){(uint32_t)entry, predecessor != NULL, predecessor ? *predecessor : HASH_ZERO};
}

/* What the children reached through a field of this chunk are. */
static uint64_t child_kind(const struct gc_walk *w, uint32_t entry, enum message_kind kind, unsigned field,
                           size_t ordinal) {
    switch (kind) {
    case MESSAGE_TREE_NODE:
    case MESSAGE_ADDRESS_MAP:
    case MESSAGE_COMMIT_CLOSURE:
    case MESSAGE_BLOB:
    case MESSAGE_MERGE_ARTIFACTS:
    case MESSAGE_VECTOR_NODE: /* one level down in the same tree */
        return mix(w->kinds[entry], field);
    case MESSAGE_TABLE: /* the trees of one table, its indexes one by one */
        return mix(mix(w->seen.entries[entry].value, field), field == MESSAGE_FIELD_INDEXES ? ordinal : 0);
    default:
        return mix((uint64_t)kind, field);
    }
}

struct comparison {
    struct gc_walk *w;
    uint32_t entry;
    enum message_kind kind;
};

static void push_child(const struct comparison *c, const struct gc_ref *r, size_t ordinal, const struct gc_ref *before) {
    push(c->w, &r->h, before ? &before->h : NULL, child_kind(c->w, c->entry, c->kind, r->field, ordinal));
}

/* Pairs a run of new addresses with the run of former ones between the same neighbours. */
static void pair_run(const struct comparison *c, const struct gc_ref *now, size_t count, size_t ordinal,
                     const struct gc_ref *before, size_t before_count) {
    for (size_t i = 0; i < count; i++)
        push_child(c, &now[i], ordinal + i, i < before_count ? &before[i] : NULL);
}

/* An open hash table of the positions in the former run. */
static void compare_long(const struct comparison *c, const struct gc_ref *now, size_t count, size_t ordinal,
                         const struct gc_ref *before, size_t before_count) {
    size_t slot_count = 16;
    while (slot_count < before_count * 2)
        slot_count *= 2;
    uint32_t *slots = mem_zalloc(slot_count, sizeof *slots);
    for (size_t i = 0; i < before_count; i++) {
        size_t s = (size_t)number_of(&before[i].h) & (slot_count - 1);
        while (slots[s])
            s = (s + 1) & (slot_count - 1);
        slots[s] = (uint32_t)i + 1;
    }
    size_t run = 0, from = 0; /* both runs begin behind the last address that is in both */
    for (size_t i = 0; i < count; i++) {
        size_t s = (size_t)number_of(&now[i].h) & (slot_count - 1);
        while (slots[s] && !hash_eq(&before[slots[s] - 1].h, &now[i].h))
            s = (s + 1) & (slot_count - 1);
        if (!slots[s])
            continue;
        size_t at = slots[s] - 1;
        pair_run(c, now + run, i - run, ordinal + run, before + from, at > from ? at - from : 0);
        run = i + 1;
        from = at >= from ? at + 1 : from;
    }
    pair_run(c, now + run, count - run, ordinal + run, before + from, before_count - from);
    free(slots);
}

/* The addresses of one field, against those of the same field in the predecessor. */
static void compare_field(const struct comparison *c, const struct gc_ref *now, size_t count,
                          const struct gc_ref *before, size_t before_count) {
    size_t ordinal = 0;
    while (count && before_count && hash_eq(&now->h, &before->h))
        now++, before++, count--, before_count--, ordinal++;
    while (count && before_count && hash_eq(&now[count - 1].h, &before[before_count - 1].h))
        count--, before_count--;
    if (count == 0)
        return;
    if (before_count <= 1 || count == 1)
        pair_run(c, now, count, ordinal, before, before_count);
    else
        compare_long(c, now, count, ordinal, before, before_count);
}

static size_t field_length(const struct gc_refs *r, size_t from) {
    size_t end = from;
    while (end < r->count && r->items[end].field == r->items[from].field)
        end++;
    return end - from;
}

static void compare(const struct comparison *c, const struct gc_refs *now, const struct gc_refs *before) {
    size_t at = 0;
    for (size_t i = 0, n; i < now->count; i += n) {
        n = field_length(now, i);
        size_t m = 0;
        for (at = 0; before && at < before->count; at += field_length(before, at))
            if (before->items[at].field == now->items[i].field) {
                m = field_length(before, at);
                break;
            }
        compare_field(c, now->items + i, n, m ? before->items + at : NULL, m);
    }
}

/* Reads what is on the stack until it is empty. */
static int drain(struct gc_walk *w, struct err *err) {
    struct gc_refs refs = {0};
    int rc = BD_OK;
    while (rc == BD_OK && w->depth) {
        struct gc_pending p = w->stack[--w->depth];
        struct hash h = w->seen.entries[p.entry].address;
        uint8_t *data;
        size_t size;
        rc = read_chunk(w, &h, &data, &size, err);
        if (rc == BD_NOT_FOUND) {
            err_clear(err);
            rc = BD_OK;
            continue;
        }
        if (rc != BD_OK)
            break;
        w->seen.entries[p.entry].size = (uint32_t)size;
        w->bytes += size;
        rc = parse_refs(&h, &(struct chunk){data, size}, &refs, err);
        free(data);
        if (rc != BD_OK)
            break;
        switch (refs.kind) { /* whose kind does not depend on where they were found */
        case MESSAGE_COMMIT:
        case MESSAGE_ROOT_VALUE:
            w->seen.entries[p.entry].value = 0;
            w->kinds[p.entry] = (uint64_t)refs.kind;
            break;
        case MESSAGE_TABLE:
        case MESSAGE_STORE_ROOT:
        case MESSAGE_WORKING_SET:
            w->kinds[p.entry] = (uint64_t)refs.kind;
            break;
        default:
            break;
        }
        if (refs.kind == MESSAGE_ROOT_VALUE && !p.has_predecessor && w->has_last_root) {
            p.has_predecessor = true;
            p.predecessor = w->last_root;
        }
        const struct gc_refs *before = NULL;
        if (p.has_predecessor && refs.count)
            rc = refs_of(w, &p.predecessor, &before, err);
        if (rc == BD_OK)
            compare(&(struct comparison){w, p.entry, refs.kind}, &refs, before);
        remember_refs(w, &refs);
        if (refs.kind == MESSAGE_ROOT_VALUE) {
            w->last_root = h;
            w->has_last_root = true;
        }
        if (rc == BD_OK && w->progress && w->seen.count % PROGRESS_READS == 0)
            rc = w->progress(w->progress_ctx, w->seen.count);
    }
    w->depth = 0;
    free(refs.items);
    return rc;
}

int gc_walk_from(struct gc_walk *w, const struct hash *h, struct err *err) {
    push(w, h, NULL, 0);
    return drain(w, err);
}

/* --- history --- */

struct listed_commit {
    struct hash hash, parent; /* the first one */
    bool has_parent;
    uint64_t height;
};

struct commit_list {
    struct listed_commit *items;
    size_t count, capacity;
    struct address_map known;
};

static int by_height(const void *a, const void *b) {
    const struct listed_commit *x = a, *y = b;
    if (x->height != y->height)
        return x->height < y->height ? -1 : 1;
    return hash_cmp(&x->hash, &y->hash);
}

static void list_commit(struct gc_walk *w, struct commit_list *l, const struct hash *h) {
    if (address_map_find(&w->seen, h) || (w->skip_old && chunk_store_has_old(w->cs, h)) ||
        !address_map_put(&l->known, h, 0, 0))
        return;
    MEM_GROW(l->items, l->capacity, l->count + 1);
    l->items[l->count++] = (struct listed_commit){.hash = *h};
}

/* Height and parents of the i-th commit; its parents are listed behind all others. */
static int expand_commit(struct gc_walk *w, struct commit_list *l, size_t i, struct err *err) {
    uint8_t *data;
    size_t size;
    int rc = read_chunk(w, &l->items[i].hash, &data, &size, err);
    if (rc == BD_NOT_FOUND) { /* the border of a shallow clone */
        err_clear(err);
        return BD_OK;
    }
    if (rc != BD_OK)
        return rc;
    bool bad = false;
    struct fb_table t;
    rc = fb_open(data, size, "DCMT", &bad, &t, err);
    if (rc == BD_OK) {
        struct fb_bytes parents = fb_bytes_at(&t, 2);
        l->items[i].height = fb_u64(&t, 1, 0);
        if (bad || parents.size % HASH_SIZE)
            rc = err_set(err, BD_CORRUPT, "a commit is damaged: its parents do not fit");
        for (size_t at = 0; rc == BD_OK && at < parents.size; at += HASH_SIZE) {
            struct hash h;
            memcpy(h.b, parents.data + at, HASH_SIZE);
            if (at == 0) {
                l->items[i].parent = h;
                l->items[i].has_parent = true;
            }
            list_commit(w, l, &h);
        }
    }
    free(data);
    return rc;
}

int gc_walk_history(struct gc_walk *w, const struct hash *heads, size_t count, uint64_t max_bytes,
                    bool *complete, struct err *err) {
    struct commit_list l = {NULL, 0, 0, ADDRESS_MAP_INIT};
    int rc = BD_OK;
    for (size_t i = 0; i < count; i++)
        list_commit(w, &l, &heads[i]);
    for (size_t i = 0; rc == BD_OK && i < l.count; i++)
        rc = expand_commit(w, &l, i, err);
    if (l.count)
        qsort(l.items, l.count, sizeof *l.items, by_height);
    uint64_t start = w->bytes;
    size_t i = 0;
    for (; rc == BD_OK && i < l.count && (!max_bytes || w->bytes - start < max_bytes); i++) {
        const struct listed_commit *c = &l.items[i];
        push(w, &c->hash, c->has_parent ? &c->parent : NULL, MESSAGE_COMMIT);
        rc = drain(w, err);
    }
    if (complete)
        *complete = i == l.count;
    address_map_release(&l.known);
    free(l.items);
    return rc;
}
