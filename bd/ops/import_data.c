/*
 * Lines are read in windows of the text, and of each record what a plan needs is kept. Records of one
 * id are joined when the second is met; from then on the issue is whole in memory.
 */
#include "bd/ops/import_data.h"

#include "bd/ops/import_lines.h"
#include "bd/ops/validate.h"

#include <stdlib.h>
#include <string.h>

void import_data_release(struct import_data *d) {
    for (size_t i = 0; i < d->text_count; i++)
        import_text_release(&d->texts[i]);
    free(d->issues);
    free(d->memories);
    free(d->rows);
    free(d->loose);
    free(d->settings);
    free(d->events);
    strmap_release(&d->created);
    strmap_release(&d->by_id);
    strmap_release(&d->unknown);
    strmap_release(&d->words);
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

/* ---- what is kept of a record ---- */

/* A text that many records have, once. */
static const char *word(struct import_data *d, const char *text, struct arena *a) {
    if (!text)
        return NULL;
    const char *known = strmap_get(&d->words, text);
    if (!known) {
        known = arena_strdup(a, text);
        strmap_put(&d->words, text, (void *)(uintptr_t)known);
    }
    return known;
}

static struct dependency keep_dependency(struct import_data *d, const struct dependency *from,
                                         const char *id, struct arena *a) {
    struct dependency kept = *from;
    if (kept.issue_id)
        kept.issue_id = strcmp(kept.issue_id, id) == 0 ? id : arena_strdup(a, kept.issue_id);
    kept.id = NULL;
    kept.depends_on_id = arena_strdup(a, from->depends_on_id);
    kept.type = word(d, from->type, a);
    kept.created_by = word(d, from->created_by, a);
    kept.metadata = arena_strdup(a, from->metadata);
    kept.thread_id = arena_strdup(a, from->thread_id);
    return kept;
}

static void describe(struct import_data *d, struct import_issue *to, const struct issue *i,
                     struct arena *a) {
    struct err problem = ERR_INIT;
    d->dependency_count -= to->dependency_row_count;
    to->id = to->id && strcmp(to->id, i->id) == 0 ? to->id : arena_strdup(a, i->id);
    to->status = word(d, i->status, a);
    to->issue_type = word(d, i->issue_type, a);
    to->updated_at = i->updated_at;
    to->problem = issue_check_content(i, &problem) ? arena_strdup(a, problem.msg) : NULL;
    to->ephemeral = i->ephemeral;
    to->no_history = i->no_history;
    to->has_closed_at = i->closed_at != ISSUE_NO_TIME;
    to->dependency_row_count = i->dependency_row_count;
    to->dependencies = arena_alloc(a, i->dependency_row_count * sizeof *to->dependencies);
    for (size_t k = 0; k < i->dependency_row_count; k++)
        to->dependencies[k] = keep_dependency(d, &i->dependencies[k], to->id, a);
    d->dependency_count += to->dependency_row_count;
}

/* Where a record stands. */
struct place {
    size_t at;
    uint32_t size, crc;
    uint8_t text;
};

/* Everything of the record at a place, for good. */
static int read_whole(const struct import_data *d, const struct place *from, struct issue **out,
                      struct arena *a, struct err *err) {
    struct import_issue slim = {
        .at = from->at, .size = from->size, .crc = from->crc, .text = from->text};
    const struct import_issue *list = &slim;
    *out = arena_alloc(a, sizeof **out);
    return import_data_load(d, &list, 1, *out, a, err);
}

static int make_whole(const struct import_data *d, struct import_issue *i, struct arena *a,
                      struct err *err) {
    struct place p = {i->at, i->size, i->crc, i->text};
    return i->whole ? BD_OK : read_whole(d, &p, &i->whole, a, err);
}

static int join_issue(struct import_data *d, struct import_issue *to, const struct place *from,
                      struct arena *a, struct err *err) {
    struct issue *later;
    int rc = make_whole(d, to, a, err);
    if (rc == BD_OK)
        rc = read_whole(d, from, &later, a, err);
    if (rc != BD_OK)
        return rc;
    join(to->whole, later, a);
    describe(d, to, to->whole, a);
    return BD_OK;
}

static int add_issue(struct import_data *d, const struct issue *i, const struct place *from,
                     struct arena *a, struct err *err) {
    if (*i->id) {
        uintptr_t at = (uintptr_t)strmap_get(&d->by_id, i->id);
        d->repeated += at != 0;
        if (at)
            return join_issue(d, &d->issues[at - 1], from, a, err);
        strmap_put(&d->by_id, i->id, (void *)(uintptr_t)(d->count + 1));
    }
    MEM_GROW(d->issues, d->capacity, d->count + 1);
    struct import_issue *slim = &d->issues[d->count++];
    *slim =
        (struct import_issue){.at = from->at, .size = from->size, .crc = from->crc, .text = from->text};
    describe(d, slim, i, a);
    return *i->id ? BD_OK : make_whole(d, slim, a, err); /* its id is made from all of it */
}

static void add_loose(struct import_data *d, const struct record *r, struct arena *a) {
    const struct comment *c = &r->comment;
    struct import_row row = {0};
    if (r->kind == RECORD_LABEL) {
        row.issue_id = arena_strdup(a, r->dependency.issue_id);
        row.label = word(d, r->label, a);
    } else {
        row.issue_id = arena_strdup(a, c->issue_id);
        row.comment = (struct comment){arena_strdup(a, c->id), row.issue_id, word(d, c->author, a),
                                       arena_strdup(a, c->text), c->created_at};
    }
    MEM_GROW(d->loose, d->loose_capacity, d->loose_count + 1);
    d->loose[d->loose_count++] = row;
}

static void count_unknown(struct import_data *d, const struct record *r) {
    for (size_t i = 0; i < r->unknown_count; i++) {
        uintptr_t n = (uintptr_t)strmap_get(&d->unknown, r->unknown[i]);
        strmap_put(&d->unknown, r->unknown[i], (void *)(n + 1));
    }
}

static int add(struct import_data *d, const struct record *r, const struct place *from, struct arena *a,
               struct err *err) {
    d->replaced += r->replaced;
    switch (r->kind) {
    case RECORD_NONE: d->tombstones += r->tombstone; break;
    case RECORD_ISSUE: count_unknown(d, r); return add_issue(d, &r->issue, from, a, err);
    case RECORD_MEMORY:
        MEM_GROW(d->memories, d->memory_capacity, d->memory_count + 1);
        d->memories[d->memory_count++] =
            (struct import_memory){arena_strdup(a, r->memory_key), arena_strdup(a, r->memory_value)};
        break;
    case RECORD_DEPENDENCY:
        MEM_GROW(d->rows, d->row_capacity, d->row_count + 1);
        d->rows[d->row_count++] = keep_dependency(d, &r->dependency, "", a);
        d->dependency_count++;
        break;
    case RECORD_LABEL:
    case RECORD_COMMENT: add_loose(d, r, a); break;
    }
    return BD_OK;
}

/* ---- the text, some lines at a time ---- */

#define WINDOW_BYTES ((size_t)1 << 20)

struct window {
    char *bytes;
    size_t capacity, at, size; /* the part of the text that is in memory */
    struct import_line *lines;
    size_t line_count, line_capacity;
    struct record *records;
    size_t record_capacity;
};

static void window_release(struct window *w) {
    free(w->bytes);
    free(w->lines);
    free(w->records);
}

/* Whole lines from w->at on, at least one; what is longer than a line may be need not be whole. */
static int window_fill(struct window *w, const struct import_text *t, struct err *err) {
    for (size_t want = WINDOW_BYTES;; want *= 2) {
        bool last = t->size - w->at <= want;
        w->size = last ? t->size - w->at : want;
        MEM_GROW(w->bytes, w->capacity, w->size + 1);
        int rc = import_text_read(t, w->at, w->size, w->bytes, err);
        if (rc != BD_OK || last)
            return rc;
        const char *end = memrchr(w->bytes, '\n', w->size);
        if (end)
            w->size = (size_t)(end - w->bytes) + 1;
        if (end || w->size > IMPORT_LINE_MAX)
            return BD_OK;
    }
}

static void window_split(struct window *w) {
    w->line_count = 0;
    for (size_t at = 0; at < w->size;) {
        char *start = w->bytes + at, *end = memchr(start, '\n', w->size - at);
        size_t length = end ? (size_t)(end - start) : w->size - at;
        at += length + 1;
        if (length && start[length - 1] == '\r')
            length--;
        start[length] = 0;
        MEM_GROW(w->lines, w->line_capacity, w->line_count + 1);
        w->lines[w->line_count++] = (struct import_line){start, length, 0};
    }
}

/* `before`: lines of the text before these. */
static int add_window(struct import_data *d, struct window *w, size_t before, struct arena *a,
                      struct err *err) {
    struct arena passing = ARENA_INIT;
    size_t failed = 0;
    window_split(w);
    MEM_GROW(w->records, w->record_capacity, w->line_count);
    int rc = import_lines_parse(w->lines, w->line_count, w->records, &passing, &failed, err);
    if (rc != BD_OK)
        err_prefix(err, "failed to parse JSONL line %zu", before + failed + 1);
    for (size_t k = 0; rc == BD_OK && k < w->line_count; k++) {
        const struct import_line *l = &w->lines[k];
        struct place from = {w->at + (size_t)(l->text - w->bytes), (uint32_t)l->size, l->crc,
                             (uint8_t)(d->text_count - 1)};
        rc = add(d, &w->records[k], &from, a, err);
    }
    arena_release(&passing);
    return rc;
}

int import_data_add(struct import_data *d, const struct import_text *text, struct arena *a,
                    struct err *err) {
    struct window w = {0};
    char mark[3];
    size_t before = 0;
    if (d->text_count == IMPORT_TEXTS_MAX)
        return err_set(err, BD_INVALID, "an import reads at most %d files", IMPORT_TEXTS_MAX);
    d->texts[d->text_count++] = *text;
    int rc = text->size >= sizeof mark ? import_text_read(text, 0, sizeof mark, mark, err) : BD_OK;
    if (rc == BD_OK && text->size >= sizeof mark && memcmp(mark, "\xEF\xBB\xBF", sizeof mark) == 0)
        w.at = sizeof mark;
    while (rc == BD_OK && w.at < text->size) {
        rc = window_fill(&w, text, err);
        if (rc == BD_OK)
            rc = add_window(d, &w, before, a, err);
        w.at += w.size;
        before += w.line_count;
        if (d->progress)
            d->progress(d->progress_ctx, "Reading", w.at, text->size);
    }
    window_release(&w);
    return rc;
}

int import_data_parse(struct import_data *d, const char *text, size_t size, struct arena *a,
                      struct err *err) {
    return import_data_add(
        d, &(struct import_text){.name = "the text", .bytes = text, .fd = -1, .size = size}, a, err);
}

/* ---- the end ---- */

static int join_loose(struct import_data *d, const struct import_row *row, struct arena *a,
                      struct err *err) {
    uintptr_t at = (uintptr_t)strmap_get(&d->by_id, row->issue_id);
    if (!at)
        return err_set(err, BD_INVALID, "a %s belongs to issue %s, which is not in the import",
                       row->label ? "label" : "comment", row->issue_id);
    struct issue more = {0};
    const char *label = row->label;
    struct comment comment = row->comment;
    int rc = make_whole(d, &d->issues[at - 1], a, err);
    if (rc != BD_OK)
        return rc;
    if (label) {
        more.labels = &label;
        more.label_count = 1;
    } else {
        more.comments = &comment;
        more.comment_row_count = 1;
    }
    append_lists(d->issues[at - 1].whole, &more, a);
    return BD_OK;
}

int import_data_finish(struct import_data *d, struct arena *a, struct err *err) {
    int rc = BD_OK;
    for (size_t n = 0; rc == BD_OK && n < d->loose_count; n++)
        rc = join_loose(d, &d->loose[n], a, err);
    for (size_t n = 0; d->loose_count && n < d->count; n++)
        if (d->issues[n].whole)
            record_name_comments(d->issues[n].whole, a);
    d->loose_count = 0;
    strmap_release(&d->by_id);
    return rc;
}

/* ---- reading again ---- */

/* Issues list[first] … that stand close to each other in one text, so that one reading serves all. */
static size_t count_neighbours(const struct import_issue *const *list, size_t count) {
    enum { GAP = 64 };
    size_t n = 1;
    for (; n < count && !list[n]->whole && list[n]->text == list[0]->text; n++) {
        size_t end = list[n - 1]->at + list[n - 1]->size;
        if (list[n]->at <= end || list[n]->at - end > GAP)
            break;
    }
    return n;
}

static int read_lines(const struct import_data *d, const struct import_issue *const *list, size_t count,
                      char *out, struct import_line *lines, struct err *err) {
    size_t start = list[0]->at, size = list[count - 1]->at + list[count - 1]->size - start;
    int rc = import_text_read(&d->texts[list[0]->text], start, size, out, err);
    for (size_t i = 0; rc == BD_OK && i < count; i++) {
        lines[i] = (struct import_line){out + (list[i]->at - start), list[i]->size, 0};
        lines[i].text[lines[i].size] = 0;
    }
    return rc;
}

int import_data_load(const struct import_data *d, const struct import_issue *const *list, size_t count,
                     struct issue *out, struct arena *a, struct err *err) {
    struct import_line *lines = mem_alloc((count + 1) * sizeof *lines);
    struct record *records = mem_alloc((count + 1) * sizeof *records);
    size_t n = 0, failed = 0;
    int rc = BD_OK;
    for (size_t i = 0, step; rc == BD_OK && i < count; i += step) {
        step = 1;
        if (list[i]->whole)
            continue;
        step = count_neighbours(list + i, count - i);
        const struct import_issue *last = list[i + step - 1];
        char *text = arena_alloc(a, last->at + last->size - list[i]->at + 1);
        rc = read_lines(d, list + i, step, text, lines + n, err);
        n += step;
    }
    if (rc == BD_OK)
        rc = import_lines_parse(lines, n, records, a, &failed, err);
    n = 0;
    for (size_t i = 0; rc == BD_OK && i < count; i++) {
        if (list[i]->whole) {
            out[i] = *list[i]->whole;
            continue;
        }
        if (lines[n].crc != list[i]->crc || records[n].kind != RECORD_ISSUE)
            rc = import_text_changed(&d->texts[list[i]->text], err);
        out[i] = records[n++].issue;
    }
    free(lines);
    free(records);
    return rc;
}
