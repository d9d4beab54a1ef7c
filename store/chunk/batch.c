/* Encoding the chunks of a commit: each address once, none that the store has already. */
#include "store/chunk/batch.h"

#include "store/chunk/codec.h"
#include "store/chunk/store_internal.h"

#include "base/parallel.h"

#include <stdlib.h>

void batch_release(struct batch *b) {
    buf_release(&b->records);
    free(b->large);
    *b = (struct batch)BATCH_INIT;
}

/* Compressing is most of the work of a large batch, so portions of it are done side by side. */
#define PORTION_MAX 16u
#define BYTES_WORTH_THREADS (4u << 20)
#define ROUND_BYTES ((size_t)16 << 20) /* so that the portions take little memory beside their sum */

struct portion {
    const struct chunk_write **chunks;
    size_t count;
    struct buf records;
    const struct chunk_write **large;
    size_t large_count;
};

static void compress_portion(void *ctx, size_t i) {
    struct portion *p = (struct portion *)ctx + i;
    for (size_t k = 0; k < p->count; k++) {
        const struct chunk_write *c = p->chunks[k];
        size_t before = p->records.size;
        journal_append_chunk(&p->records, &c->hash, c->data, c->size);
        if (p->records.size - before <= JOURNAL_RECORD_MAX)
            continue;
        p->records.size = before;
        p->large[p->large_count++] = c;
    }
}

static void add_large(struct batch *b, const struct chunk_write *c) {
    MEM_GROW(b->large, b->large_capacity, b->large_count + 1);
    b->large[b->large_count++] = *c;
}

static void append_portion(struct batch *b, struct portion *p) {
    buf_add(&b->records, p->records.data, p->records.size);
    buf_clear(&p->records);
    b->record_count += (uint32_t)(p->count - p->large_count);
    for (size_t i = 0; i < p->large_count; i++)
        add_large(b, p->large[i]);
    p->large_count = 0;
}

/* One round: its records are then behind those of the rounds before, and its buffers serve the next. */
static void compress_round(struct batch *b, struct portion *parts, size_t n,
                           const struct chunk_write **chunks, const struct chunk_write **large,
                           size_t count) {
    for (size_t i = 0, at = 0; i < n; i++) {
        size_t end = count * (i + 1) / n;
        parts[i].chunks = chunks + at;
        parts[i].large = large + at;
        parts[i].count = end - at;
        at = end;
    }
    parallel_run(n, compress_portion, parts);
    for (size_t i = 0; i < n; i++)
        append_portion(b, &parts[i]);
}

/* The batch of one command: straight into the records, whose room is taken at once. */
static void compress_few(struct batch *b, const struct chunk_write **chunks, size_t count,
                         size_t bytes) {
    buf_reserve(&b->records, bytes / 4 * 3);
    for (size_t i = 0; i < count; i++) {
        size_t before = b->records.size;
        journal_append_chunk(&b->records, &chunks[i]->hash, chunks[i]->data, chunks[i]->size);
        if (b->records.size - before <= JOURNAL_RECORD_MAX) {
            b->record_count++;
            continue;
        }
        b->records.size = before;
        add_large(b, chunks[i]);
    }
}

static void compress(struct batch *b, const struct chunk_write **chunks, size_t count, size_t bytes) {
    struct portion parts[PORTION_MAX] = {0};
    if (bytes < BYTES_WORTH_THREADS) {
        compress_few(b, chunks, count, bytes);
        return;
    }
    const struct chunk_write **large = mem_alloc((count + 1) * sizeof *large);
    for (size_t start = 0, end; start < count; start = end) {
        size_t round = 0;
        for (end = start; end < count && round < ROUND_BYTES; end++)
            round += chunks[end]->size;
        compress_round(b, parts, PORTION_MAX, chunks + start, large, end - start);
    }
    for (size_t i = 0; i < PORTION_MAX; i++)
        buf_release(&parts[i].records);
    free(large);
}

int batch_build(struct batch *b, struct chunk_store *cs, const struct chunk_write *chunks, size_t count,
                struct err *err) {
    struct address_map seen = ADDRESS_MAP_INIT;
    const struct chunk_write **wanted = mem_alloc((count + 1) * sizeof *wanted);
    size_t n = 0, bytes = 0;
    int rc = BD_OK;
    buf_clear(&b->records);
    b->record_count = 0;
    b->large_count = 0;
    for (size_t i = 0; i < count && rc == BD_OK; i++) {
        const struct chunk_write *c = &chunks[i];
        if (c->size == 0 || c->size > CODEC_CHUNK_MAX) {
            rc = err_set(err, BD_INVALID, "a chunk of %zu bytes cannot be stored", c->size);
            break;
        }
        if (!address_map_put(&seen, &c->hash, 0, 0))
            continue;
        int found = cs ? store_find(cs, &c->hash, err) : BD_NOT_FOUND;
        if (found == BD_NOT_FOUND) {
            wanted[n++] = c;
            bytes += c->size;
        } else {
            rc = found;
        }
    }
    if (rc == BD_OK)
        compress(b, wanted, n, bytes);
    address_map_release(&seen);
    free(wanted);
    return rc;
}
