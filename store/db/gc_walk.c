/*
 * The walk goes depth first; a chunk is listed when everything below it is (or is old), so that it may
 * end anywhere and what was listed is closed. Each chunk has a predecessor it is compared with.
 * Whatever that is, the result is right as long as it was walked itself or is old: an address is passed
 * over only if the predecessor refers to it too.
 */
#include "store/db/gc_walk.h"

#include "base/mem.h"
#include "store/prolly/flatbuf.h"
#include "store/prolly/message.h"
#include "store/prolly/tree.h"

#include <stdlib.h>

#define CACHE_SLOTS 2048u /* predecessors' references that are kept */
#define RELEASE_READS 128u
#define PIECE_BYTES ((size_t)6 << 20)
#define PROGRESS_READS 512u

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

/* A chunk below which the walk is going on. */
struct gc_child {
    struct hash h, predecessor;
    bool has_predecessor;
    uint64_t kind;
};
struct gc_frame {
    uint32_t entry;
    struct gc_refs refs;
    struct gc_child *children; /* those that may be new */
    size_t count, capacity, next;
};

void gc_walk_init(struct gc_walk *w, struct chunk_store *cs, bool skip_old) {
    *w = (struct gc_walk){.cs = cs, .skip_old = skip_old, .seen = ADDRESS_MAP_INIT};
}

void gc_walk_release(struct gc_walk *w) {
    address_map_release(&w->seen);
    chunk_load_free(w->load);
    free(w->marks);
    free(w->order);
    gc_walk_trim(w);
    *w = (struct gc_walk){0};
}

void gc_walk_trim(struct gc_walk *w) {
    for (size_t i = 0; w->cache && i < CACHE_SLOTS; i++)
        free(w->cache[i].items);
    free(w->cache);
    w->cache = NULL;
    for (size_t i = 0; i < w->frame_capacity; i++) {
        free(w->frames[i].refs.items);
        free(w->frames[i].children);
    }
    free(w->frames);
    w->frames = NULL;
    w->frame_capacity = 0;
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

static int parse_refs(const struct hash *h, const struct chunk *c, struct gc_refs *out,
                      struct err *err) {
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

static void read_along(struct gc_walk *w, bool along) {
    if (w->along)
        chunk_store_set_reading(w->cs, along ? CHUNK_READING_ALONG : CHUNK_READING_SCATTERED);
    w->along_now = along;
}

struct content {
    struct chunk chunk;
    uint8_t *own; /* to be freed; NULL: it is loaded */
    struct chunk_place place;
};

/* BD_NOT_FOUND only for what a shallow clone left out. */
static int read_chunk(struct gc_walk *w, const struct hash *h, struct content *out, struct err *err) {
    *out = (struct content){.own = NULL};
    if (chunk_load_find(w->load, h, &out->chunk, &out->place))
        return BD_OK;
    if (++w->read_since_release >= RELEASE_READS) {
        chunk_store_release_pages(w->cs);
        w->read_since_release = 0;
    }
    int rc = chunk_store_read_placed(w->cs, h, &out->place, &out->own, &out->chunk.size, NULL, err);
    out->chunk.data = out->own;
    if (rc != BD_NOT_FOUND || chunk_store_is_ghost(w->cs, h, NULL) == BD_OK)
        return rc;
    err_prefix(err, "a chunk is missing that the database needs; nothing was changed");
    if (err)
        err->code = BD_CORRUPT;
    return BD_CORRUPT;
}

static struct gc_refs *cache_slot(struct gc_walk *w, const struct hash *h) {
    if (!w->cache)
        w->cache = mem_zalloc(CACHE_SLOTS, sizeof *w->cache);
    return &w->cache[number_of(h) % CACHE_SLOTS];
}

/* What the predecessor refers to: NULL when it cannot be told (a ghost). */
static int refs_of(struct gc_walk *w, const struct hash *h, const struct gc_refs **out,
                   struct err *err) {
    struct gc_refs *slot = cache_slot(w, h);
    *out = slot;
    if (slot->items && hash_eq(&slot->of, h))
        return BD_OK;
    struct content c;
    bool along = w->along_now;
    read_along(w, false); /* it may be from long ago */
    int rc = read_chunk(w, h, &c, err);
    read_along(w, along);
    if (rc == BD_NOT_FOUND) {
        *out = NULL;
        err_clear(err);
        return BD_OK;
    }
    if (rc == BD_OK) {
        rc = parse_refs(h, &c.chunk, slot, err);
        free(c.own);
    }
    return rc;
}

static void remember_refs(struct gc_walk *w, const struct gc_refs *r) {
    struct gc_refs *slot = cache_slot(w, &r->of);
    if (r->count == 0)
        return;
    if (slot->capacity < r->count ||
        slot->capacity > 4 * r->count + 64) { /* no slot keeps a giant's room */
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

/* The first key of a node; the keys of closures are all of one size. */
static struct bytes first_key(const struct chunk *c, const char id[4]) {
    struct fb_table t;
    bool bad = false;
    if (fb_open(c->data, c->size, id, &bad, &t, NULL) != BD_OK)
        return (struct bytes){NULL, 0};
    struct fb_vector keys = fb_vector_at(&t, 0, 1), ends = {NULL, 0};
    size_t end = TREE_CLOSURE_KEY_SIZE;
    if (memcmp(id, "CMCL", 4) != 0) {
        ends = fb_vector_at(&t, 1, 2);
        end = ends.count > 1 ? fb_vector_u16(&ends, 1) : 0;
    }
    return bad || end > keys.count ? (struct bytes){NULL, 0} : (struct bytes){keys.data, end};
}

/*
 * The place of a chunk whose predecessor is not in the list. Every collection gives it about the same
 * one, so the archives of many steps keep their chunks in the order in which a full collection wants
 * them, and it opens each of their dictionaries once.
 */
static uint64_t place_of_first(const struct chunk *c, const struct gc_refs *refs,
                               const struct hash *h) {
    const char *id = refs->kind == MESSAGE_TREE_NODE        ? "TUPM"
                     : refs->kind == MESSAGE_ADDRESS_MAP    ? "ADRM"
                     : refs->kind == MESSAGE_COMMIT_CLOSURE ? "CMCL"
                                                            : NULL;
    struct bytes key = id ? first_key(c, id) : (struct bytes){NULL, 0};
    if (!key.size)
        return number_of(h);
    uint64_t place = key.size;
    for (size_t i = 0; i < key.size; i++)
        place = mix(place, key.data[i]);
    return place;
}

/* What the children reached through a field of this chunk are. */
static uint64_t child_kind(const struct gc_walk *w, const struct gc_frame *f, unsigned field,
                           size_t ordinal) {
    switch (f->refs.kind) {
    case MESSAGE_TREE_NODE:
    case MESSAGE_ADDRESS_MAP:
    case MESSAGE_COMMIT_CLOSURE:
    case MESSAGE_BLOB:
    case MESSAGE_MERGE_ARTIFACTS:
    case MESSAGE_VECTOR_NODE: /* one level down in the same tree */
        return mix(w->marks[f->entry].kind, field);
    case MESSAGE_TABLE: /* the trees of one table, its indexes one by one */
        return mix(mix(w->seen.entries[f->entry].value, field),
                   field == MESSAGE_FIELD_INDEXES ? ordinal : 0);
    default: return mix((uint64_t)f->refs.kind, field);
    }
}

struct comparison {
    const struct gc_walk *w;
    struct gc_frame *f;
};

static void add_child(const struct comparison *c, const struct gc_ref *r, size_t ordinal,
                      const struct gc_ref *before) {
    struct gc_frame *f = c->f;
    MEM_GROW(f->children, f->capacity, f->count + 1);
    f->children[f->count++] = (struct gc_child){r->h, before ? before->h : HASH_ZERO, before != NULL,
                                                child_kind(c->w, f, r->field, ordinal)};
}

/* Pairs a run of new addresses with the run of former ones between the same neighbours. */
static void pair_run(const struct comparison *c, const struct gc_ref *now, size_t count, size_t ordinal,
                     const struct gc_ref *before, size_t before_count) {
    for (size_t i = 0; i < count; i++)
        add_child(c, &now[i], ordinal + i, i < before_count ? &before[i] : NULL);
}

/* An open hash table of the positions in the former run. */
static void compare_long(const struct comparison *c, const struct gc_ref *now, size_t count,
                         size_t ordinal, const struct gc_ref *before, size_t before_count) {
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

static void compare(const struct comparison *c, const struct gc_refs *now,
                    const struct gc_refs *before) {
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

/* What does not depend on where a chunk was found. */
static void settle_kind(struct gc_walk *w, const struct gc_frame *f) {
    switch (f->refs.kind) {
    case MESSAGE_COMMIT:
    case MESSAGE_ROOT_VALUE:
        w->seen.entries[f->entry].value = 0;
        w->marks[f->entry].kind = (uint64_t)f->refs.kind;
        break;
    case MESSAGE_TABLE: /* its schema tells it from other tables, now and later */
        if (f->refs.count)
            w->seen.entries[f->entry].value = number_of(&f->refs.items[0].h);
        w->marks[f->entry].kind = (uint64_t)f->refs.kind;
        break;
    case MESSAGE_STORE_ROOT:
    case MESSAGE_WORKING_SET: w->marks[f->entry].kind = (uint64_t)f->refs.kind; break;
    default: break;
    }
}

/* Few chunks, which almost every command needs: all but leaves and values. */
static bool is_on_paths(const struct gc_refs *refs) {
    switch (refs->kind) {
    case MESSAGE_TREE_NODE: return refs->count && refs->items[0].field == MESSAGE_FIELD_CHILDREN;
    case MESSAGE_STORE_ROOT:
    case MESSAGE_ROOT_VALUE:
    case MESSAGE_TABLE:
    case MESSAGE_TABLE_SCHEMA:
    case MESSAGE_FOREIGN_KEYS:
    case MESSAGE_COMMIT:
    case MESSAGE_WORKING_SET: return true;
    default: return false;
    }
}

/* Reads a chunk that is neither known nor old, and finds out which of the chunks below it may be new.
 */
static int enter(struct gc_walk *w, const struct gc_child *child, struct err *err) {
    struct hash h = child->h, predecessor = child->predecessor;
    bool has_predecessor = child->has_predecessor;
    const struct address_entry *former =
        has_predecessor ? address_map_find(&w->seen, &predecessor) : NULL;
    bool is_first = !former;
    address_map_put(&w->seen, &h, 0, former ? former->value : number_of(&h));
    size_t entry = w->seen.count - 1;
    MEM_GROW(w->marks, w->mark_capacity, w->seen.count);
    w->marks[entry] =
        (struct gc_mark){.kind = child->kind}; /* the last use of child: frames may move */
    struct content c;
    int rc = read_chunk(w, &h, &c, err);
    if (rc == BD_NOT_FOUND) {
        err_clear(err);
        return BD_OK;
    }
    if (rc != BD_OK)
        return rc;
    w->seen.entries[entry].size = c.place.size;
    w->marks[entry].offset = c.place.offset & ((UINT64_C(1) << 48) - 1);
    if (w->depth == w->frame_capacity) {
        size_t before = w->frame_capacity;
        MEM_GROW(w->frames, w->frame_capacity, w->depth + 1);
        memset(w->frames + before, 0, (w->frame_capacity - before) * sizeof *w->frames);
    }
    struct gc_frame *f = &w->frames[w->depth];
    f->entry = (uint32_t)entry;
    f->count = f->next = 0;
    w->bytes += c.chunk.size;
    rc = parse_refs(&h, &c.chunk, &f->refs, err);
    if (rc == BD_OK && is_first)
        w->seen.entries[entry].value = place_of_first(&c.chunk, &f->refs, &h);
    free(c.own);
    if (rc != BD_OK)
        return rc;
    settle_kind(w, f);
    w->marks[entry].has_refs = f->refs.count > 0;
    w->marks[entry].on_paths = is_on_paths(&f->refs);
    if (f->refs.kind == MESSAGE_ROOT_VALUE && !has_predecessor && w->has_last_root) {
        has_predecessor = true;
        predecessor = w->last_root;
    }
    const struct gc_refs *before = NULL;
    if (has_predecessor && f->refs.count)
        rc = refs_of(w, &predecessor, &before, err);
    if (rc == BD_OK)
        compare(&(struct comparison){w, f}, &f->refs, before);
    w->depth++;
    if (rc == BD_OK && w->progress && w->seen.count % PROGRESS_READS == 0)
        rc = w->progress(w->progress_ctx, w->seen.count);
    return rc;
}

/* Everything below the topmost chunk is listed: it is itself. */
static void leave(struct gc_walk *w) {
    struct gc_frame *f = &w->frames[--w->depth];
    MEM_GROW(w->order, w->order_capacity, w->count + 1);
    w->order[w->count++] = f->entry;
    remember_refs(w, &f->refs);
    if (f->refs.kind == MESSAGE_ROOT_VALUE) {
        w->last_root = f->refs.of;
        w->has_last_root = true;
    }
}

/* What is loaded is new as a rule; the few exceptions are found together (drop_old). */
static bool is_known(const struct gc_walk *w, const struct hash *h) {
    return address_map_find(&w->seen, h) ||
           (w->skip_old && !chunk_load_has(w->load, h) && chunk_store_has_old(w->cs, h));
}

static int by_address(const void *a, const void *b) {
    return hash_cmp(*(const struct hash *const *)a, *(const struct hash *const *)b);
}

/* Takes from the list what is old. In the order of the indexes that are searched: their pages come and
 * go. */
static void drop_old(struct gc_walk *w, size_t from) {
    size_t count = w->count - from, kept = from;
    if (!w->load || !w->skip_old || count == 0)
        return;
    const struct hash **sorted = mem_alloc(count * sizeof *sorted);
    for (size_t i = 0; i < count; i++)
        sorted[i] = &w->seen.entries[w->order[from + i]].address;
    qsort(sorted, count, sizeof *sorted, by_address);
    for (size_t i = 0; i < count; i++)
        if (chunk_store_has_old(w->cs, sorted[i]))
            w->marks[address_map_find(&w->seen, sorted[i]) - w->seen.entries].old = true;
    for (size_t i = from; i < w->count; i++)
        if (!w->marks[w->order[i]].old)
            w->order[kept++] = w->order[i];
    w->count = kept;
    free(sorted);
}

/* Stops early once w->bytes reaches max_bytes; the chunks above the last one are not listed then. */
static int walk_below(struct gc_walk *w, const struct gc_child *top, uint64_t max_bytes,
                      struct err *err) {
    int rc = BD_OK;
    w->depth = 0;
    if (!is_known(w, &top->h))
        rc = enter(w, top, err);
    while (rc == BD_OK && w->depth && w->bytes < max_bytes) {
        struct gc_frame *f = &w->frames[w->depth - 1];
        if (f->next == f->count)
            leave(w);
        else if (is_known(w, &f->children[f->next].h))
            f->next++;
        else
            rc = enter(w, &f->children[f->next++], err);
    }
    while (rc == BD_OK && w->depth && w->frames[w->depth - 1].next == w->frames[w->depth - 1].count)
        leave(w);
    return rc;
}

int gc_walk_from(struct gc_walk *w, const struct hash *h, struct err *err) {
    size_t from = w->count;
    int rc = walk_below(w, &(struct gc_child){.h = *h}, UINT64_MAX, err);
    drop_old(w, from);
    return rc;
}

/* --- what is read now --- */

int gc_walk_mark_current(struct gc_walk *w, const struct hash *h, struct err *err) {
    struct hash *stack = NULL;
    size_t depth = 0, capacity = 0;
    int rc = BD_OK;
    MEM_GROW(stack, capacity, 1);
    stack[depth++] = *h;
    while (rc == BD_OK && depth) {
        struct hash next = stack[--depth];
        const struct address_entry *e = address_map_find(&w->seen, &next);
        size_t entry = e ? (size_t)(e - w->seen.entries) : 0;
        if (!e || w->marks[entry].current)
            continue;
        w->marks[entry].current = true;
        if (!w->marks[entry].has_refs)
            continue;
        const struct gc_refs *refs;
        rc = refs_of(w, &next, &refs, err);
        if (rc != BD_OK || !refs)
            continue;
        for (size_t i = 0; i < refs->count; i++) {
            if (refs->kind == MESSAGE_COMMIT && refs->items[i].field != MESSAGE_FIELD_COMMIT_ROOT)
                continue;
            MEM_GROW(stack, capacity, depth + 1);
            stack[depth++] = refs->items[i].h;
        }
    }
    free(stack);
    return rc;
}

/* --- history --- */

struct listed_commit {
    struct hash hash, parent; /* the first one */
    bool has_parent;
    uint64_t height;
    struct chunk_place place;
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
    if (is_known(w, h) || !address_map_put(&l->known, h, 0, 0))
        return;
    MEM_GROW(l->items, l->capacity, l->count + 1);
    l->items[l->count++] = (struct listed_commit){.hash = *h};
}

/* Height and parents of the i-th commit; its parents are listed behind all others. */
static int expand_commit(struct gc_walk *w, struct commit_list *l, size_t i, struct err *err) {
    struct content c;
    int rc = read_chunk(w, &l->items[i].hash, &c, err);
    if (rc == BD_NOT_FOUND) { /* the border of a shallow clone */
        err_clear(err);
        return BD_OK;
    }
    if (rc != BD_OK)
        return rc;
    l->items[i].place = c.place;
    bool bad = false;
    struct fb_table t;
    rc = fb_open(c.chunk.data, c.chunk.size, "DCMT", &bad, &t, err);
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
    free(c.own);
    return rc;
}

/* A commit's record follows those of what it needs, which follow the commit before. */
static int load_for(struct gc_walk *w, const struct listed_commit *c,
                    const struct listed_commit *before, struct err *err) {
    struct content parent = {.own = NULL};
    struct chunk_place start = {0, 0};
    if (!w->load || !c->place.size || c->place.offset < chunk_load_end(w->load))
        return BD_OK;
    if (before) {
        start = before->place;
    } else if (c->has_parent) {
        int rc = read_chunk(w, &c->parent, &parent, err);
        if (rc != BD_OK && rc != BD_NOT_FOUND)
            return rc;
        start = parent.place;
        free(parent.own);
        err_clear(err);
    }
    uint64_t from = start.size ? start.offset + start.size : 0; /* 0: not in the journal */
    if (from <= c->place.offset && c->place.offset - from < PIECE_BYTES)
        chunk_load_piece(w->load, from);
    return BD_OK;
}

void gc_walk_load_pieces(struct gc_walk *w) { w->load = chunk_load_new(w->cs, PIECE_BYTES); }

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
    size_t from = w->count;
    read_along(w, true);
    uint64_t limit = max_bytes ? w->bytes + max_bytes : UINT64_MAX;
    size_t i = 0;
    for (; rc == BD_OK && i < l.count && w->bytes < limit; i++) {
        const struct listed_commit *c = &l.items[i];
        struct gc_child top = {c->hash, c->parent, c->has_parent, MESSAGE_COMMIT};
        rc = load_for(w, c, i ? c - 1 : NULL, err);
        if (rc == BD_OK)
            rc = walk_below(w, &top, limit, err);
    }
    read_along(w, false);
    drop_old(w, from);
    if (complete)
        *complete = i == l.count && w->depth == 0;
    address_map_release(&l.known);
    free(l.items);
    return rc;
}
