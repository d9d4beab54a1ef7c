#include "bd/ops/import_data.h"

#include "base/parallel.h"

#include <stdlib.h>
#include <string.h>

void import_data_release(struct import_data *d) {
    free(d->issues);
    free(d->memories);
    free(d->rows);
    free(d->loose);
    strmap_release(&d->by_id);
    strmap_release(&d->unknown);
    *d = (struct import_data){.progress = d->progress, .progress_ctx = d->progress_ctx};
}

/* `count` items of `size` bytes with `more` behind them. */
static void *joined(const void *list, size_t count, const void *more, size_t more_count, size_t size,
                    struct arena *a) {
    char *out = arena_alloc(a, (count + more_count + 1) * size);
    if (count)
        memcpy(out, list, count * size);
    if (more_count)
        memcpy(out + count * size, more, more_count * size);
    return out;
}

#define APPEND(list, count)                                                                            \
    do {                                                                                               \
        i->list = joined(i->list, i->count, more->list, more->count, sizeof *i->list, a);              \
        i->count += more->count;                                                                       \
    } while (0)

static void append_lists(struct issue *i, const struct issue *more, struct arena *a) {
    APPEND(labels, label_count);
    APPEND(dependencies, dependency_row_count);
    APPEND(comments, comment_row_count);
}

/* The columns that an import may refresh come from the later record, all others stay; lists are joined.
 */
static void join(struct issue *to, const struct issue *later, struct arena *a) {
    struct issue old = *to, *i = to;
    *i = *later;
    i->owner = old.owner;
    i->created_by = old.created_by;
    i->created_at = old.created_at;
    i->due_at = old.due_at;
    i->defer_until = old.defer_until;
    i->spec_id = old.spec_id;
    i->source_system = old.source_system;
    i->closed_by_session = old.closed_by_session;
    i->compaction_level = old.compaction_level;
    i->compacted_at = old.compacted_at;
    i->compacted_at_commit = old.compacted_at_commit;
    i->original_size = old.original_size;
    i->sender = old.sender;
    i->wisp_type = old.wisp_type;
    i->mol_type = old.mol_type;
    i->work_type = old.work_type;
    i->ephemeral = old.ephemeral;
    i->no_history = old.no_history;
    i->pinned = old.pinned;
    i->is_template = old.is_template;
    i->event_kind = old.event_kind;
    i->actor = old.actor;
    i->target = old.target;
    i->payload = old.payload;
    i->await_type = old.await_type;
    i->await_id = old.await_id;
    i->timeout_ns = old.timeout_ns;
    i->waiters = old.waiters;
    i->labels = old.labels;
    i->label_count = old.label_count;
    i->dependencies = old.dependencies;
    i->dependency_row_count = old.dependency_row_count;
    i->comments = old.comments;
    i->comment_row_count = old.comment_row_count;
    append_lists(i, later, a);
}

static void add_issue(struct import_data *d, const struct issue *i, struct arena *a) {
    if (*i->id) {
        uintptr_t at = (uintptr_t)strmap_get(&d->by_id, i->id);
        if (at) {
            join(&d->issues[at - 1], i, a);
            return;
        }
        strmap_put(&d->by_id, i->id, (void *)(uintptr_t)(d->count + 1));
    }
    MEM_GROW(d->issues, d->capacity, d->count + 1);
    d->issues[d->count++] = *i;
}

static void add_loose(struct import_data *d, struct import_row row) {
    MEM_GROW(d->loose, d->loose_capacity, d->loose_count + 1);
    d->loose[d->loose_count++] = row;
}

static void count_unknown(struct import_data *d, const struct record *r) {
    for (size_t i = 0; i < r->unknown_count; i++) {
        uintptr_t n = (uintptr_t)strmap_get(&d->unknown, r->unknown[i]);
        strmap_put(&d->unknown, r->unknown[i], (void *)(n + 1));
    }
}

static void add(struct import_data *d, const struct record *r, struct arena *a) {
    switch (r->kind) {
    case RECORD_NONE: d->tombstones += r->tombstone; break;
    case RECORD_ISSUE:
        add_issue(d, &r->issue, a);
        count_unknown(d, r);
        break;
    case RECORD_MEMORY:
        MEM_GROW(d->memories, d->memory_capacity, d->memory_count + 1);
        d->memories[d->memory_count++] = (struct import_memory){r->memory_key, r->memory_value};
        break;
    case RECORD_DEPENDENCY:
        MEM_GROW(d->rows, d->row_capacity, d->row_count + 1);
        d->rows[d->row_count++] = r->dependency;
        break;
    case RECORD_LABEL:
        add_loose(d, (struct import_row){.issue_id = r->dependency.issue_id, .label = r->label});
        break;
    case RECORD_COMMENT:
        add_loose(d, (struct import_row){.issue_id = r->comment.issue_id, .comment = r->comment});
        break;
    }
}

static bool is_conflict_mark(const char *line, size_t size) {
    return size >= 7 && (memcmp(line, "<<<<<<<", 7) == 0 || memcmp(line, "=======", 7) == 0 ||
                         memcmp(line, ">>>>>>>", 7) == 0);
}

/* ---- lines ----
 *
 * A batch of lines is read on all processors into records, each part of the batch into memory of its
 * own; the records are then joined in file order.
 */
#define BATCH_LINES 2048u
#define PARTS_MAX 16u
#define LINES_WORTH_THREADS 256u

struct line {
    char *text;
    size_t size;
};
struct part {
    const struct line *lines;
    struct record *records;
    size_t count;
    struct arena memory;
    size_t failed; /* the line that could not be read, for rc */
    int rc;
    struct err err;
};

static int parse_line(const struct line *l, struct arena *a, struct record *r, struct err *err) {
    if (l->size > IMPORT_LINE_MAX)
        return err_set(err, BD_INVALID, "longer than %zu bytes", IMPORT_LINE_MAX);
    if (is_conflict_mark(l->text, l->size))
        return err_set(err, BD_INVALID,
                       "a git conflict marker; resolve the conflict in the file first");
    return record_parse(l->text, l->size, a, r, err);
}

static void parse_part(void *ctx, size_t i) {
    struct part *p = (struct part *)ctx + i;
    for (size_t k = 0; p->rc == BD_OK && k < p->count; k++) {
        p->rc = parse_line(&p->lines[k], &p->memory, &p->records[k], &p->err);
        p->failed = k;
    }
}

/* `before`: lines of the file before these. */
static int parse_batch(struct import_data *d, const struct line *lines, size_t count, size_t before,
                       struct record *records, struct arena *a, struct err *err) {
    struct part *parts = mem_zalloc(PARTS_MAX, sizeof *parts);
    size_t n = count < LINES_WORTH_THREADS ? 1 : PARTS_MAX;
    int rc = BD_OK;
    for (size_t i = 0; i < n; i++) {
        size_t start = count * i / n;
        parts[i].lines = lines + start;
        parts[i].records = records + start;
        parts[i].count = count * (i + 1) / n - start;
    }
    parallel_run(n, parse_part, parts);
    for (size_t i = 0; i < n; i++) {
        struct part *p = &parts[i];
        arena_absorb(a, &p->memory);
        if (rc == BD_OK && p->rc != BD_OK) {
            rc = p->rc;
            if (err)
                *err = p->err;
            err_prefix(err, "failed to parse JSONL line %zu",
                       before + (size_t)(p->lines - lines) + p->failed + 1);
        }
        for (size_t k = 0; rc == BD_OK && k < p->count; k++)
            add(d, &p->records[k], a);
    }
    free(parts);
    return rc;
}

/* The next line of the text, without its end. */
static struct line next_line(char *text, size_t size, size_t *at) {
    char *start = text + *at, *end = memchr(start, '\n', size - *at);
    size_t length = end ? (size_t)(end - start) : size - *at;
    *at += length + 1;
    if (length && start[length - 1] == '\r')
        length--;
    start[length] = 0;
    return (struct line){start, length};
}

int import_data_parse(struct import_data *d, char *text, size_t size, struct arena *a,
                      struct err *err) {
    struct line *lines = mem_alloc(BATCH_LINES * sizeof *lines);
    struct record *records = NULL;
    size_t capacity = 0, before = 0, at = 0;
    int rc = BD_OK;
    if (size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        at = 3;
    while (rc == BD_OK && at < size) {
        size_t count = 0;
        while (count < BATCH_LINES && at < size)
            lines[count++] = next_line(text, size, &at);
        MEM_GROW(records, capacity, count);
        rc = parse_batch(d, lines, count, before, records, a, err);
        before += count;
        if (d->progress)
            d->progress(d->progress_ctx, "Reading", at, size);
    }
    free(lines);
    free(records);
    return rc;
}

int import_data_finish(struct import_data *d, struct arena *a, struct err *err) {
    for (size_t n = 0; n < d->loose_count; n++) {
        const struct import_row *row = &d->loose[n];
        uintptr_t at = (uintptr_t)strmap_get(&d->by_id, row->issue_id);
        if (!at)
            return err_set(err, BD_INVALID, "a %s belongs to issue %s, which is not in the import",
                           row->label ? "label" : "comment", row->issue_id);
        struct issue *i = &d->issues[at - 1], more = {0};
        const char *label = row->label;
        struct comment comment = row->comment;
        if (label) {
            more.labels = &label;
            more.label_count = 1;
        } else {
            more.comments = &comment;
            more.comment_row_count = 1;
        }
        append_lists(i, &more, a);
    }
    for (size_t n = 0; d->loose_count && n < d->count; n++)
        record_name_comments(&d->issues[n], a);
    d->loose_count = 0;
    return BD_OK;
}
