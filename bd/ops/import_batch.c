/* Memory is kept from batch to batch; what a part allocates is its own, so parts need no lock. */
#include "bd/ops/import_batch.h"

#include "base/parallel.h"
#include "bd/ops/content_hash.h"

#include <stdlib.h>

void import_batch_init(struct import_batch *b, const struct plan *p) {
    *b = (struct import_batch){.plan = p};
    b->knowns = mem_alloc(BATCH_ISSUES * sizeof *b->knowns);
    b->from = mem_alloc(BATCH_ISSUES * sizeof *b->from);
    b->issues = mem_alloc(BATCH_ISSUES * sizeof *b->issues);
}

void import_batch_release(struct import_batch *b) {
    free(b->knowns);
    free(b->from);
    free(b->issues);
    arena_release(&b->memory);
    for (size_t i = 0; i < BATCH_PARTS; i++)
        arena_release(&b->parts[i].memory);
}

void import_batch_clear(struct import_batch *b) {
    b->count = 0;
    arena_reset(&b->memory);
    for (size_t i = 0; i < BATCH_PARTS; i++) {
        arena_reset(&b->parts[i].memory);
        b->parts[i].rc = BD_OK;
    }
}

void import_batch_add(struct import_batch *b, struct known *k) {
    b->knowns[b->count] = k;
    b->from[b->count++] = k->incoming;
}

static bool lacks_hash(const struct issue *i) { return !i->content_hash || !*i->content_hash; }

/* The parser of waiters notes errors in one place for all threads. */
static bool has_waiters(const struct issue *i) { return i->waiters && *i->waiters; }

void import_batch_load_part(struct import_batch *b, size_t part) {
    struct batch_part *p = &b->parts[part];
    size_t start = b->count * part / BATCH_PARTS, end = b->count * (part + 1) / BATCH_PARTS;
    p->rc = import_data_load(b->plan->data, b->from + start, end - start, b->issues + start, &p->memory,
                             &p->err);
    for (size_t i = start; p->rc == BD_OK && i < end; i++) {
        struct issue *s = &b->issues[i];
        plan_complete(b->plan, s, b->knowns[i]);
        if (lacks_hash(s) && !has_waiters(s))
            s->content_hash = issue_content_hash(s, &p->memory);
    }
}

int import_batch_loaded(struct import_batch *b, struct err *err) {
    for (size_t i = 0; i < BATCH_PARTS; i++)
        if (b->parts[i].rc != BD_OK) {
            if (err)
                *err = b->parts[i].err;
            return b->parts[i].rc;
        }
    for (size_t i = 0; i < b->count; i++)
        if (lacks_hash(&b->issues[i]))
            b->issues[i].content_hash = issue_content_hash(&b->issues[i], &b->memory);
    return BD_OK;
}

static void load_part(void *ctx, size_t i) { import_batch_load_part(ctx, i); }

int import_batch_load(struct import_batch *b, struct err *err) {
    parallel_run(BATCH_PARTS, load_part, b);
    return import_batch_loaded(b, err);
}
