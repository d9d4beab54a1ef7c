/*
 * The write overlay over a chunk store. Overlay chunks lie in one arena and are found by address in an
 * open hash table (the address is its own hash). Nothing is ever removed but all at once.
 */
#include "store/prolly/node_store.h"

#include "store/prolly/message.h"
#include "store/prolly/node.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct overlay_entry {
    struct chunk_write chunk; /* what node_store_put hands out */
    uint64_t visit;           /* number of the last collection that reached it */
    struct overlay_entry *older;
    bool put_ahead; /* it is in the chunk store, as all older ones are */
};

/* A short content and its root; kind 0: free. One slot per hash of the content, the newest stays. */
struct memory_slot {
    uint8_t kind, size;
    uint8_t content[NODE_STORE_RECALL_MAX];
    struct hash hash;
};
#define MEMORY_SLOTS 128u

struct node_store {
    struct chunk_store *chunks;
    node_store_reader read; /* used when there is no chunk store */
    void *read_ctx;
    struct arena memory; /* what is no chunk */
    struct arena overlay;
    struct overlay_entry **slots; /* power of two, NULL = free */
    size_t slot_count, used;
    struct overlay_entry *newest; /* the chunks in the order of making */
    size_t held;                  /* bytes of its chunks */
    uint64_t collection;
    struct memory_slot *recent; /* MEMORY_SLOTS, from the first short content on */
    struct node_memo **memo;    /* NODE_MEMO_SLOTS, from the first use on; each made when it is used */
    struct arena memo_memory;
    unsigned memo_epoch;      /* chunk_store_forgotten when they were made */
    struct node_store *below; /* what this is a fork of */
    pthread_mutex_t reading;  /* forks use the chunk store one at a time */
    struct hash ahead_root;   /* where chunks may go before their root (may_put_ahead) */
    bool may_put_ahead, has_put_ahead;
};

struct node_store *node_store_new(struct chunk_store *cs) {
    struct node_store *ns = mem_zalloc(1, sizeof *ns);
    ns->chunks = cs;
    pthread_mutex_init(&ns->reading, NULL);
    return ns;
}

struct node_store *node_store_new_over(node_store_reader read, void *ctx) {
    struct node_store *ns = node_store_new(NULL);
    ns->read = read;
    ns->read_ctx = ctx;
    return ns;
}

static void drop_memo(struct node_store *ns) {
    arena_release(&ns->memo_memory);
    free(ns->memo);
    ns->memo = NULL;
}

void node_store_free(struct node_store *ns) {
    if (!ns)
        return;
    arena_release(&ns->memory);
    arena_release(&ns->overlay);
    pthread_mutex_destroy(&ns->reading);
    free(ns->slots);
    free(ns->recent);
    drop_memo(ns);
    free(ns);
}

/* Forgets the chunks, and what leads to them. */
static void drop_overlay(struct node_store *ns) {
    arena_reset(&ns->overlay);
    if (ns->used)
        memset(ns->slots, 0, ns->slot_count * sizeof *ns->slots);
    ns->used = ns->held = 0;
    ns->newest = NULL;
    free(ns->recent);
    ns->recent = NULL;
    drop_memo(ns);
}

void node_store_reset(struct node_store *ns) {
    arena_reset(&ns->memory);
    drop_overlay(ns);
}

void node_store_forget_read(struct node_store *ns) { drop_memo(ns); }

struct node_memo *node_store_memo(struct node_store *ns, const struct hash *h) {
    const struct node_store *owner = ns->below ? ns->below : ns;
    unsigned epoch = owner->chunks ? chunk_store_forgotten(owner->chunks) : 0;
    if (ns->memo && ns->memo_epoch != epoch)
        drop_memo(ns);
    if (!ns->memo)
        ns->memo = mem_zalloc(NODE_MEMO_SLOTS, sizeof *ns->memo);
    ns->memo_epoch = epoch;
    struct node_memo **slot = &ns->memo[h->b[0] % NODE_MEMO_SLOTS];
    if (!*slot) {
        *slot = arena_alloc(&ns->memo_memory, sizeof **slot);
        (*slot)->kind = 0;
    }
    return *slot;
}

static size_t slot_of(const struct node_store *ns, const struct hash *h) {
    uint64_t v;
    memcpy(&v, h->b, sizeof v);
    return (size_t)v & (ns->slot_count - 1);
}

/* The slot that holds h, or the free one where it belongs. */
static size_t find_slot(const struct node_store *ns, const struct hash *h) {
    size_t i = slot_of(ns, h);
    while (ns->slots[i] && !hash_eq(&ns->slots[i]->chunk.hash, h))
        i = (i + 1) & (ns->slot_count - 1);
    return i;
}

static struct overlay_entry *find(const struct node_store *ns, const struct hash *h) {
    return ns->used ? ns->slots[find_slot(ns, h)] : NULL;
}

static void grow(struct node_store *ns) {
    struct overlay_entry **old = ns->slots;
    size_t old_count = ns->slot_count;
    ns->slot_count = old_count ? old_count * 2 : 64;
    ns->slots = mem_zalloc(ns->slot_count, sizeof *ns->slots);
    for (size_t i = 0; i < old_count; i++) {
        if (old[i])
            ns->slots[find_slot(ns, &old[i]->chunk.hash)] = old[i];
    }
    free(old);
}

static int read_from(struct node_store *ns, const struct hash *h, bool passing, struct chunk *out,
                     struct err *err) {
    const struct overlay_entry *e = find(ns, h);
    if (e) {
        *out = (struct chunk){e->chunk.data, e->chunk.size};
        return BD_OK;
    }
    if (ns->below) {
        pthread_mutex_lock(&ns->below->reading);
        int rc = read_from(ns->below, h, passing, out, err);
        pthread_mutex_unlock(&ns->below->reading);
        return rc;
    }
    if (ns->chunks)
        return passing ? chunk_store_get_passing(ns->chunks, h, out, err)
                       : chunk_store_get(ns->chunks, h, out, err);
    if (ns->read)
        return ns->read(ns->read_ctx, h, out, err);
    char text[HASH_TEXT_SIZE + 1];
    hash_format(h, text);
    return err_set(err, BD_NOT_FOUND, "chunk %s is not in memory, and there is no store behind it",
                   text);
}

int node_store_read(struct node_store *ns, const struct hash *h, struct chunk *out, struct err *err) {
    return read_from(ns, h, false, out, err);
}

int node_store_read_passing(struct node_store *ns, const struct hash *h, struct chunk *out,
                            struct err *err) {
    return read_from(ns, h, true, out, err);
}

int node_store_put(struct node_store *ns, const void *data, size_t size,
                   const struct chunk_write **stored, struct err *err) {
    if (!size)
        return err_set(err, BD_INVALID, "an empty chunk cannot be stored");
    struct hash h = hash_of(data, size);
    if (ns->used * 2 >= ns->slot_count)
        grow(ns);
    size_t slot = find_slot(ns, &h);
    if (!ns->slots[slot]) {
        struct overlay_entry *e = arena_alloc(&ns->overlay, sizeof *e);
        *e = (struct overlay_entry){
            {h, arena_dup(&ns->overlay, data, size), size}, 0, ns->newest, false};
        ns->slots[slot] = ns->newest = e;
        ns->used++;
        ns->held += size;
    }
    *stored = &ns->slots[slot]->chunk;
    return BD_OK;
}

static size_t memory_slot_of(uint8_t kind, const uint8_t *data, size_t size) {
    uint32_t v = 2166136261u ^ kind;
    for (size_t i = 0; i < size; i++)
        v = (v ^ data[i]) * 16777619u;
    return (v ^ v >> 16) % MEMORY_SLOTS;
}

const struct hash *node_store_recall(const struct node_store *ns, uint8_t kind, const void *data,
                                     size_t size) {
    if (!ns->recent || size > NODE_STORE_RECALL_MAX)
        return NULL;
    const struct memory_slot *m = &ns->recent[memory_slot_of(kind, data, size)];
    return m->kind == kind && m->size == size && memcmp(m->content, data, size) == 0 ? &m->hash : NULL;
}

void node_store_remember(struct node_store *ns, uint8_t kind, const void *data, size_t size,
                         const struct hash *h) {
    if (size > NODE_STORE_RECALL_MAX)
        return;
    if (!ns->recent)
        ns->recent = mem_zalloc(MEMORY_SLOTS, sizeof *ns->recent);
    struct memory_slot *m = &ns->recent[memory_slot_of(kind, data, size)];
    m->kind = kind;
    m->size = (uint8_t)size;
    memcpy(m->content, data, size);
    m->hash = *h;
}

struct node_store *node_store_fork(struct node_store *ns) {
    struct node_store *fork = node_store_new(NULL);
    fork->below = ns;
    return fork;
}

void node_store_join(struct node_store *ns, struct node_store *fork) {
    for (size_t i = 0; i < fork->slot_count; i++) {
        if (!fork->slots[i])
            continue;
        if (ns->used * 2 >= ns->slot_count)
            grow(ns);
        size_t slot = find_slot(ns, &fork->slots[i]->chunk.hash);
        if (!ns->slots[slot]) {
            ns->slots[slot] = fork->slots[i];
            ns->used++;
        }
    }
    struct overlay_entry *oldest = fork->newest;
    while (oldest && oldest->older)
        oldest = oldest->older;
    if (oldest) {
        oldest->older = ns->newest;
        ns->newest = fork->newest;
    }
    arena_absorb(&ns->memory, &fork->memory);
    arena_absorb(&ns->overlay, &fork->overlay);
    node_store_free(fork);
}

void node_store_allow_ahead(struct node_store *ns, const struct hash *root) {
    ns->ahead_root = *root;
    ns->may_put_ahead = true;
}

bool node_store_may_put_ahead(const struct node_store *fork) {
    return fork->below && fork->below->may_put_ahead;
}

bool node_store_has_put_ahead(const struct node_store *fork) { return fork->has_put_ahead; }

static size_t list_new(const struct node_store *ns, struct chunk_write *list) {
    size_t n = 0, at;
    for (const struct overlay_entry *e = ns->newest; e && !e->put_ahead; e = e->older)
        n++;
    at = n;
    for (const struct overlay_entry *e = ns->newest; list && e && !e->put_ahead; e = e->older)
        list[--at] = e->chunk;
    return n;
}

/*
 * Whoever finds a chunk in the store takes it that all it refers to is there too. So what the fork may
 * refer to goes first: all that lies below it.
 */
int node_store_put_ahead(struct node_store *fork, size_t limit, struct err *err) {
    struct node_store *ns = fork->below;
    if (!node_store_may_put_ahead(fork) || fork->held <= limit)
        return BD_OK;
    pthread_mutex_lock(&ns->reading);
    size_t below = list_new(ns, NULL), own = list_new(fork, NULL);
    struct chunk_write *list = mem_alloc((below + own) * sizeof *list);
    list_new(ns, list);
    list_new(fork, list + below);
    int rc = chunk_store_commit(ns->chunks, &ns->ahead_root, list, below + own, &ns->ahead_root, err);
    if (rc == BD_OK)
        for (struct overlay_entry *e = ns->newest; e && !e->put_ahead; e = e->older)
            e->put_ahead = true;
    pthread_mutex_unlock(&ns->reading);
    free(list);
    if (rc == BD_OK) {
        drop_overlay(fork);
        fork->has_put_ahead = true;
    }
    return rc;
}

int node_store_write(struct node_store *ns, const void *data, size_t size, struct hash *h,
                     struct err *err) {
    const struct chunk_write *stored;
    int rc = node_store_put(ns, data, size, &stored, err);
    if (rc == BD_OK)
        *h = stored->hash;
    return rc;
}

struct chunk node_store_keep(struct node_store *ns, const void *data, size_t size) {
    return (struct chunk){arena_dup(&ns->memory, data, size), size};
}

/* --- collection: depth first with a stack of our own; an entry is listed after all it refers to --- */

struct pending {
    struct overlay_entry *entry;
    bool expanded;
};
struct collector {
    struct node_store *ns;
    struct pending *stack;
    size_t depth, capacity;
};

static void push(struct collector *c, struct overlay_entry *e, bool expanded) {
    MEM_GROW(c->stack, c->capacity, c->depth + 1);
    c->stack[c->depth++] = (struct pending){e, expanded};
}

static int push_reference(void *ctx, const struct hash *h) {
    struct collector *c = ctx;
    struct overlay_entry *e = find(c->ns, h);
    if (e && e->visit != c->ns->collection)
        push(c, e, false);
    return BD_OK;
}

int node_store_collect(struct node_store *ns, const struct hash *root, struct arena *a,
                       struct chunk_write **list, size_t *count, struct err *err) {
    struct collector c = {ns, NULL, 0, 0};
    struct chunk_write *out = arena_alloc(a, (ns->used + 1) * sizeof *out);
    size_t n = 0;
    int rc = BD_OK;

    ns->collection++;
    push_reference(&c, root);
    while (rc == BD_OK && c.depth) {
        struct pending p = c.stack[--c.depth];
        if (p.expanded) {
            out[n++] = p.entry->chunk;
            continue;
        }
        if (p.entry->visit == ns->collection)
            continue;
        p.entry->visit = ns->collection;
        if (ns->chunks) {
            int has = chunk_store_has(ns->chunks, &p.entry->chunk.hash, err);
            if (has == BD_OK)
                continue;
            if (has != BD_NOT_FOUND) {
                rc = has;
                break;
            }
        }
        push(&c, p.entry, true);
        struct chunk bytes = {p.entry->chunk.data, p.entry->chunk.size};
        rc = message_walk(&bytes, push_reference, &c, err);
    }
    free(c.stack);
    if (err && rc == BD_OK)
        err_clear(err);
    *list = out;
    *count = n;
    return rc;
}
