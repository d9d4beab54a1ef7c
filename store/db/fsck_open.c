/* Where a database lies, the state of a check, work on all processors. */
#include "store/db/fsck_check.h"

#include "base/os.h"
#include "base/parallel.h"

#include <stdlib.h>
#include <string.h>

#define BATCH 64u /* tasks between two calls of the progress function */

const char *check_name(const struct hash *h, char text[HASH_TEXT_SIZE + 1]) {
    hash_format(h, text);
    return text;
}

bool tree_kind_of(enum message_kind m, enum tree_kind *out) {
    switch (m) {
    case MESSAGE_TREE_NODE: *out = TREE_ROWS; return true;
    case MESSAGE_ADDRESS_MAP: *out = TREE_ADDRESSES; return true;
    case MESSAGE_COMMIT_CLOSURE: *out = TREE_CLOSURE; return true;
    case MESSAGE_MERGE_ARTIFACTS: *out = TREE_ARTIFACTS; return true;
    default: return false;
    }
}

static char *joined(const char *a, const char *b) {
    struct buf path = BUF_INIT;
    buf_addf(&path, "%s%s", a, b);
    return buf_detach(&path);
}

void check_place_find(struct check_place *p, const char *dir) {
    char *dot = joined(dir, "/.dolt"), *noms = joined(dir, "/noms");
    *p = (struct check_place){NULL, NULL};
    if (os_is_dir(dot)) {
        p->dot = mem_strdup(dot);
        p->noms = joined(dir, "/.dolt/noms");
    } else if (os_is_dir(noms)) {
        p->dot = mem_strdup(dir);
        p->noms = mem_strdup(noms);
    } else {
        size_t n = strlen(dir);
        p->noms = mem_strdup(dir);
        if (n > 11 && !strcmp(dir + n - 11, ".dolt/noms")) {
            p->dot = mem_strdup(dir);
            p->dot[n - 5] = 0;
        }
    }
    free(dot);
    free(noms);
}

void check_place_release(struct check_place *p) {
    free(p->noms);
    free(p->dot);
}

int check_open(struct db_check *c, const char *noms, const struct fsck_options *o,
               struct fsck_report *r, struct err *err) {
    *c = (struct db_check){.o = o, .r = r, .arena = ARENA_INIT, .root = SCAN_NONE};
    int rc = scan_open(&c->scan, noms, o, r, err);
    if (rc != BD_OK)
        return rc;
    size_t n = c->count = c->scan->count;
    c->reader = scan_reader_new(c->scan);
    c->ns = node_store_new_over(scan_reader_get, c->reader);
    c->kind = mem_alloc(n + 1);
    memset(c->kind, CHECK_KIND_UNREAD, n + 1);
    c->size = mem_zalloc(n + 1, sizeof *c->size);
    c->reached = mem_zalloc(n + 1, sizeof *c->reached);
    c->refs = mem_zalloc(n + 1, sizeof *c->refs);
    c->facts = mem_zalloc(n + 1, sizeof *c->facts);
    c->folds = mem_zalloc(n + 1, sizeof *c->folds);
    c->table_names = mem_zalloc(n + 1, sizeof *c->table_names);
    c->current = mem_zalloc(n + 1, sizeof *c->current);
    c->value_noted = mem_zalloc(n + 1, sizeof *c->value_noted);
    return BD_OK;
}

void check_close(struct db_check *c) {
    node_store_free(c->ns);
    scan_reader_free(c->reader);
    scan_close(c->scan);
    free(c->kind);
    free(c->size);
    free(c->reached);
    free(c->refs);
    free(c->facts);
    free(c->folds);
    free(c->table_names);
    free(c->current);
    free(c->value_noted);
    free(c->dangling);
    free(c->schema_list);
    free(c->values);
    strmap_release(&c->schemas);
    strmap_release(&c->names);
    strmap_release(&c->combinations);
    arena_release(&c->arena);
}

void check_breathe(struct db_check *c) {
    if (scan_reader_forget(c->reader, CHECK_CACHE_MAX))
        node_store_forget_read(c->ns);
}

bool check_read(struct db_check *c, const struct hash *h, enum message_kind want, const char *what,
                struct chunk *out) {
    uint32_t entry = scan_find(c->scan, h);
    char text[HASH_TEXT_SIZE + 1];
    if (entry == SCAN_NONE || c->kind[entry] >= CHECK_KIND_UNREAD ||
        scan_reader_get(c->reader, h, out, NULL) != BD_OK) {
        c->skipped++;
        return false;
    }
    if (c->kind[entry] != (uint8_t)want) {
        fsck_add(c->r, FSCK_ERROR, FSCK_MESSAGE_DAMAGED, REPAIR_NONE, h, NULL, NULL,
                 "%s: chunk %s holds something else", what, check_name(h, text));
        return false;
    }
    return true;
}

/* ---- work on all processors ---- */

struct batch_ctx {
    struct check_task *tasks;
    size_t first, slice, count;
    check_slice_fn fn;
    void *ctx;
};

static void run_task(void *ctx, size_t i) {
    struct batch_ctx *b = ctx;
    struct check_task *t = &b->tasks[i];
    size_t from = b->first + i * b->slice, to = from + b->slice;
    t->reader = scan_reader_new(t->c->scan);
    t->ns = node_store_new_over(scan_reader_get, t->reader);
    b->fn(t, from, to < b->count ? to : b->count, b->ctx);
    node_store_free(t->ns);
    scan_reader_free(t->reader);
}

static void join_task(struct db_check *c, struct check_task *t) {
    fsck_absorb(c->r, &t->report);
    for (size_t i = 0; i < t->dangling_count; i++) {
        MEM_GROW(c->dangling, c->dangling_capacity, c->dangling_count + 1);
        c->dangling[c->dangling_count++] = t->dangling[i];
    }
    for (size_t i = 0; i < t->value_count; i++) {
        MEM_GROW(c->values, c->value_capacity, c->value_count + 1);
        c->values[c->value_count++] = t->values[i];
    }
    arena_absorb(&c->arena, &t->arena);
    free(t->dangling);
    free(t->values);
}

int check_parallel(struct db_check *c, const char *phase, size_t count, size_t slice, check_slice_fn fn,
                   void *ctx, struct err *err) {
    struct check_task *tasks = mem_zalloc(BATCH, sizeof *tasks);
    int rc = BD_OK;
    for (size_t at = 0; at < count && rc == BD_OK; at += BATCH * slice) {
        size_t left = (count - at + slice - 1) / slice, n = left < BATCH ? left : BATCH;
        struct batch_ctx batch = {tasks, at, slice, count, fn, ctx};
        for (size_t i = 0; i < n; i++) {
            tasks[i] = (struct check_task){.c = c, .arena = ARENA_INIT};
            fsck_report_init(&tasks[i].report);
            tasks[i].report.per_code_max = c->r->per_code_max;
        }
        parallel_run(n, run_task, &batch);
        for (size_t i = 0; i < n; i++)
            join_task(c, &tasks[i]);
        size_t done = at + n * slice;
        if (!fsck_tell(c->o, phase, done < count ? done : count, count))
            rc = err_set(err, BD_CANCELLED, "the check was stopped");
    }
    free(tasks);
    return rc;
}
