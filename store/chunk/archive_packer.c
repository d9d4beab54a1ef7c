/*
 * One mutex guards what is to be done; nothing that takes time happens under it. Batches of chunks and
 * shelves go round in rings and are counted, so that order needs no further care:
 *
 *   caller:  fills batches, writes packed shelves; helps when all batches are full
 *   anybody: shelves the oldest batch (one thread at a time), packs a full shelf
 *
 * A batch that meets a full ring of shelves is put back half done.
 */
#include "store/chunk/archive_packer.h"

#include "base/mem.h"
#include "base/parallel.h"
#include "store/chunk/codec.h"

#include <pthread.h>
#include <stdlib.h>

#define SHELF_CHUNKS_MAX 8192u /* bounds the memory of a shelf of chunks that are all alike */
#define PLAIN_BYTES_MAX ((size_t)1 << 20)

#define SHELVES_MAX 8u
#define THREADS_MAX 8u
#define BATCHES 4u
#define BATCH_CHUNKS 128u
#define BATCH_BYTES ((size_t)256 << 10)

struct batch {
    struct archive_chunk chunks[BATCH_CHUNKS];
    size_t count, next; /* those before next are shelved */
    size_t bytes;
};

enum state { EMPTY, OPEN, FULL, PACKING, PACKED };

struct slot {
    struct archive_shelf *shelf;
    enum state state;
};

struct archive_packer {
    archive_packer_sink *sink;
    void *ctx;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t threads[THREADS_MAX];
    unsigned thread_count;
    bool started, ending;
    int rc; /* the first failure of anybody */
    struct err err;

    struct batch *batches[BATCHES];
    size_t filled, shelved; /* batches so far; filled % BATCHES is the caller's */
    bool shelving;          /* somebody is */
    struct slot slots[SHELVES_MAX];
    size_t slot_count;
    size_t opened, written; /* shelves so far; only the last one opened may be OPEN */

    size_t plain_bytes; /* of plain chunks on the open shelf; whoever is shelving has it */
};

struct archive_packer *archive_packer_new(archive_packer_sink *sink, void *ctx) {
    struct archive_packer *p = mem_zalloc(1, sizeof *p);
    p->sink = sink;
    p->ctx = ctx;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->changed, NULL);
    p->slot_count = (size_t)parallel_width() * 2 < SHELVES_MAX ? parallel_width() * 2 : SHELVES_MAX;
    for (size_t i = 0; i < p->slot_count; i++)
        p->slots[i].shelf = archive_shelf_new();
    for (size_t i = 0; i < BATCHES; i++)
        p->batches[i] = mem_zalloc(1, sizeof *p->batches[i]);
    return p;
}

/* --- under the lock --- */

static void tell(struct archive_packer *p) { pthread_cond_broadcast(&p->changed); }

static void fail(struct archive_packer *p, int rc, const struct err *err) {
    if (p->rc == BD_OK) {
        p->rc = rc;
        p->err = *err;
    }
}

static struct slot *open_slot(struct archive_packer *p) {
    struct slot *last = p->opened ? &p->slots[(p->opened - 1) % p->slot_count] : NULL;
    return last && last->state == OPEN ? last : NULL;
}

/* The open shelf, or a new one; NULL while none is free. */
static struct slot *next_slot(struct archive_packer *p) {
    struct slot *s = open_slot(p);
    if (s || p->opened - p->written == p->slot_count)
        return s;
    s = &p->slots[p->opened++ % p->slot_count];
    s->state = OPEN;
    return s;
}

static void close_slot(struct archive_packer *p) {
    struct slot *s = open_slot(p);
    if (s)
        s->state = FULL;
    tell(p);
}

static struct slot *full_slot(struct archive_packer *p) {
    for (size_t i = p->written; i < p->opened; i++)
        if (p->slots[i % p->slot_count].state == FULL)
            return &p->slots[i % p->slot_count];
    return NULL;
}

/* --- tasks: entered and left with the lock held, which they give up meanwhile --- */

int archive_chunk_unpack(struct archive_chunk *c, struct err *err) {
    int rc = BD_OK;
    if (c->packed) {
        uint8_t *record = c->data;
        c->data = NULL;
        rc = codec_decode_snappy(record, c->size, &c->data, &c->size, err);
        c->packed = false;
        free(record);
    } else if (c->size == 0 || c->size > CODEC_CHUNK_MAX) {
        rc = err_set(err, BD_INVALID, "a chunk of %zu bytes cannot be stored", c->size);
    }
    if (rc != BD_OK) {
        char text[HASH_TEXT_SIZE + 1];
        hash_format(&c->address, text);
        err_prefix(err, "chunk %s", text);
    }
    return rc;
}

/* True when the shelf is full then. */
static bool put(struct archive_packer *p, struct archive_shelf *shelf, struct archive_chunk *c) {
    if (c->plain) {
        archive_shelf_add_plain(shelf, &c->address, c->data, c->size);
        p->plain_bytes += c->size;
    } else {
        archive_shelf_add(shelf, &c->address, c->data, c->size, c->related);
    }
    free(c->data);
    c->data = NULL;
    return archive_shelf_size(shelf) >= c->shelf_size ||
           archive_shelf_count(shelf) >= SHELF_CHUNKS_MAX || p->plain_bytes >= PLAIN_BYTES_MAX;
}

/* Goes on with the oldest batch as long as there is a shelf. */
static void shelve(struct archive_packer *p) {
    struct batch *b = p->batches[p->shelved % BATCHES];
    struct slot *s;
    p->shelving = true;
    while (p->rc == BD_OK && b->next < b->count && (s = next_slot(p))) {
        bool full = false;
        struct err err = ERR_INIT;
        int rc = BD_OK;
        pthread_mutex_unlock(&p->lock);
        while (!full && b->next < b->count) {
            struct archive_chunk *c = &b->chunks[b->next];
            if (c->apart) {
                c->apart = false;
                full = archive_shelf_count(s->shelf) > 0;
                continue;
            }
            if ((rc = archive_chunk_unpack(c, &err)) != BD_OK)
                break;
            full = put(p, s->shelf, c);
            b->next++;
        }
        if (full)
            p->plain_bytes = 0;
        pthread_mutex_lock(&p->lock);
        if (full)
            close_slot(p);
        if (rc != BD_OK)
            fail(p, rc, &err);
    }
    if (b->next == b->count) {
        b->count = b->next = b->bytes = 0;
        p->shelved++;
    }
    p->shelving = false;
    tell(p);
}

static void pack(struct archive_packer *p, struct slot *s) {
    struct err err = ERR_INIT;
    s->state = PACKING;
    pthread_mutex_unlock(&p->lock);
    int rc = archive_shelf_pack(s->shelf, &err);
    pthread_mutex_lock(&p->lock);
    s->state = PACKED;
    if (rc != BD_OK)
        fail(p, rc, &err);
    tell(p);
}

/* One of the tasks that anybody may do; false when there is none now. */
static bool help(struct archive_packer *p) {
    struct slot *full;
    if (p->rc != BD_OK)
        return false;
    if (!p->shelving && p->shelved < p->filled &&
        (open_slot(p) || p->opened - p->written < p->slot_count))
        shelve(p);
    else if ((full = full_slot(p)))
        pack(p, full);
    else
        return false;
    return true;
}

static void *work(void *arg) {
    struct archive_packer *p = arg;
    pthread_mutex_lock(&p->lock);
    while (!p->ending)
        if (!help(p))
            pthread_cond_wait(&p->changed, &p->lock);
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* --- the caller --- */

/* Threads pay only from the second batch on. One that cannot be started is done without. */
static void start_threads(struct archive_packer *p) {
    p->started = true;
    while (p->thread_count + 1 < parallel_width() && p->thread_count < THREADS_MAX &&
           pthread_create(&p->threads[p->thread_count], NULL, work, p) == 0)
        p->thread_count++;
}

/* Hands over what is packed, in order. */
static void write_packed(struct archive_packer *p) {
    while (p->rc == BD_OK && p->written < p->opened) {
        struct slot *s = &p->slots[p->written % p->slot_count];
        struct err err = ERR_INIT;
        if (s->state != PACKED)
            return;
        pthread_mutex_unlock(&p->lock);
        int rc = p->sink(p->ctx, s->shelf, &err);
        pthread_mutex_lock(&p->lock);
        s->state = EMPTY;
        p->written++;
        if (rc != BD_OK)
            fail(p, rc, &err);
        tell(p);
    }
}

/* The caller's batch is full, or the last one: the next may be filled when it returns. */
static void hand_over(struct archive_packer *p) {
    p->filled++;
    tell(p);
    for (;;) {
        write_packed(p);
        if (p->rc != BD_OK || p->filled - p->shelved < BATCHES)
            return;
        if (!help(p))
            pthread_cond_wait(&p->changed, &p->lock);
    }
}

/* Failures of the sink and of other threads. */
static int result(const struct archive_packer *p, struct err *err) {
    if (p->rc != BD_OK && err)
        *err = p->err;
    return p->rc;
}

int archive_packer_add(struct archive_packer *p, const struct archive_chunk *c, struct err *err) {
    struct batch *b = p->batches[p->filled % BATCHES];
    int rc = BD_OK;
    b->chunks[b->count++] = *c;
    b->bytes += c->size;
    if (b->count < BATCH_CHUNKS && b->bytes < BATCH_BYTES)
        return BD_OK;
    pthread_mutex_lock(&p->lock);
    if (!p->started && p->filled > 0)
        start_threads(p);
    hand_over(p);
    rc = result(p, err);
    pthread_mutex_unlock(&p->lock);
    return rc;
}

int archive_packer_finish(struct archive_packer *p, struct err *err) {
    pthread_mutex_lock(&p->lock);
    if (p->batches[p->filled % BATCHES]->count)
        hand_over(p);
    while (p->rc == BD_OK) {
        write_packed(p);
        if (p->shelved == p->filled && !p->shelving) {
            if (open_slot(p))
                close_slot(p);
            else if (p->written == p->opened)
                break;
        }
        if (p->rc == BD_OK && !help(p))
            pthread_cond_wait(&p->changed, &p->lock);
    }
    int rc = result(p, err);
    pthread_mutex_unlock(&p->lock);
    return rc;
}

void archive_packer_free(struct archive_packer *p) {
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->ending = true;
    tell(p);
    pthread_mutex_unlock(&p->lock);
    while (p->thread_count)
        pthread_join(p->threads[--p->thread_count], NULL);
    for (size_t i = 0; i < BATCHES; i++) {
        for (size_t k = 0; k < p->batches[i]->count; k++)
            free(p->batches[i]->chunks[k].data);
        free(p->batches[i]);
    }
    for (size_t i = 0; i < p->slot_count; i++)
        archive_shelf_free(p->slots[i].shelf);
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->lock);
    free(p);
}
