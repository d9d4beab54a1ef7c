/*
 * The ids are found and ordered on three narrow columns; full rows are loaded in portions, so that a
 * hundred thousand issues need no more memory than a few hundred.
 */
#include "bd/ops/export.h"

#include "base/os.h"
#include "bd/ops/hydrate.h"
#include "bd/ops/issue_record.h"
#include "bd/ops/search.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PORTION 400 /* as many as the indexes are asked for */
#define KEEP_BYTES                                                                                     \
    ((size_t)64 << 20)   /* of what was read for a portion: the next often needs the same */
#define ALL_AT_ONCE 4000 /* up to here one scan of everything is quicker */
#define FILE_MAX_SIZE ((size_t)4 << 30)

bool export_title_is_test(const char *title) {
    static const char *const words[] = {"test", "benchmark", "sample", "tmp", "temp", "debug", "dummy"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t n = strlen(words[i]);
        if (strncasecmp(title, words[i], n) == 0 &&
            (title[n] == '-' || title[n] == '_' || isspace((unsigned char)title[n])))
            return true;
    }
    return false;
}

/* ---- which ---- */

struct key {
    const char *id;
    int64_t priority, created_at;
};
struct key_list {
    struct key *items;
    size_t count, capacity;
};
struct key_scan {
    struct key_list *list;
    struct arena *a;
    bool scrub;
};

static int on_key(void *ctx, const struct cell *row) {
    struct key_scan *s = ctx;
    if (s->scrub && cell_has_text(&row[3]) &&
        export_title_is_test(arena_strndup(s->a, row[3].s.data, row[3].s.size)))
        return BD_OK;
    struct key_list *l = s->list;
    MEM_GROW(l->items, l->capacity, l->count + 1);
    l->items[l->count++] =
        (struct key){.id = arena_strndup(s->a, row[0].s.data, row[0].s.size),
                     .priority = row[1].kind == CELL_INT ? row[1].i : 0,
                     .created_at = row[2].kind == CELL_DATETIME ? row[2].i : ISSUE_NO_TIME};
    return BD_OK;
}

static int make_filter(const struct ops *o, struct tables_txn *x, const struct export_options *options,
                       struct arena *a, struct issue_filter *f, struct err *err) {
    issue_filter_init(f);
    if (options->all)
        return BD_OK;
    f->is_template = FILTER_NO;
    f->ephemeral = FILTER_NO;
    if (options->include_infra)
        return BD_OK;
    struct text_list infra;
    int rc = db_config_infra_types(o, x, a, &infra, err);
    for (size_t i = 0; rc == BD_OK && i < infra.count; i++)
        text_list_add(&f->exclude_types, a, infra.items[i]);
    return rc;
}

static int compare_keys(const void *x, const void *y) {
    const struct key *a = x, *b = y;
    if (a->priority != b->priority)
        return a->priority < b->priority ? -1 : 1;
    if (a->created_at != b->created_at)
        return a->created_at > b->created_at ? -1 : 1;
    return strcmp(a->id, b->id);
}

/* Ids of the issues, then of the wisps, each in order. */
static int find_keys(const struct ops *o, struct tables_txn *x, const struct export_options *options,
                     struct arena *a, struct key_list *out, struct err *err) {
    static const char *const columns[] = {"id", "priority", "created_at", "title"};
    struct issue_filter f;
    int rc = make_filter(o, x, options, a, &f, err);
    for (int wisp = 0; rc == BD_OK && wisp < 2; wisp++) {
        const struct pred *where = NULL;
        bool nothing = false;
        struct key_scan s = {out, a, options->scrub};
        size_t first = out->count;
        if (!tables_has_table(x, issue_families[wisp].issues))
            continue;
        rc = issue_filter_pred(&f, x, &issue_families[wisp], a, &where, &nothing, err);
        struct tables_query q = {.table = issue_families[wisp].issues,
                                 .columns = columns,
                                 .column_count = 4,
                                 .where = where};
        if (!options->scrub)
            q.column_count = 3;
        if (rc == BD_OK && !nothing)
            rc = tables_scan(x, &q, NULL, on_key, &s, err);
        if (out->count > first + 1)
            qsort(out->items + first, out->count - first, sizeof *out->items, compare_keys);
    }
    return rc;
}

int export_count(const struct ops *o, struct tables_txn *x, const struct export_options *options,
                 size_t *count, struct err *err) {
    struct arena a = ARENA_INIT;
    struct key_list keys = {NULL, 0, 0};
    int rc = find_keys(o, x, options, &a, &keys, err);
    *count = keys.count;
    free(keys.items);
    arena_release(&a);
    return rc;
}

/* ---- their rows ---- */

static int compare_dependencies(const void *x, const void *y) {
    const struct dependency *a = x, *b = y;
    if (a->created_at != b->created_at)
        return a->created_at < b->created_at ? -1 : 1;
    int c = strcmp(a->depends_on_id, b->depends_on_id);
    return c ? c : strcmp(a->type, b->type);
}

static int hand_out(struct tables_txn *x, const struct key *keys, size_t count, export_issue_fn fn,
                    void *ctx, struct err *err) {
    struct arena a = ARENA_INIT;
    struct issue_list list = {NULL, 0, 0};
    const char **ids = arena_alloc(&a, (count + 1) * sizeof *ids);
    for (size_t i = 0; i < count; i++)
        ids[i] = keys[i].id;
    int rc = issue_load_many(x, ids, count, &a, &list, err);
    if (rc == BD_OK)
        rc = issues_hydrate(x, list.items, list.count,
                            HYDRATE_LABELS | HYDRATE_DEPENDENCIES | HYDRATE_METADATA |
                                HYDRATE_COMMENTS | HYDRATE_BLOCK_COUNTS | HYDRATE_COMMENT_COUNT,
                            &a, err);
    for (size_t i = 0; rc == BD_OK && i < list.count; i++) {
        struct issue *s = &list.items[i];
        if (s->dependency_row_count > 1)
            qsort(s->dependencies, s->dependency_row_count, sizeof *s->dependencies,
                  compare_dependencies);
        if (s->created_at == ISSUE_NO_TIME)
            s->created_at = 0;
        if (s->updated_at == ISSUE_NO_TIME)
            s->updated_at = 0;
        rc = fn(ctx, s);
    }
    arena_release(&a);
    return rc;
}

int export_issues(const struct ops *o, struct tables_txn *x, const struct export_options *options,
                  export_issue_fn fn, void *ctx, struct err *err) {
    struct arena a = ARENA_INIT;
    struct key_list keys = {NULL, 0, 0};
    tables_read_in_portions(x);
    int rc = find_keys(o, x, options, &a, &keys, err);
    tables_end_portion(x, 0);
    size_t portion = keys.count <= ALL_AT_ONCE ? keys.count : PORTION;
    for (size_t at = 0; rc == BD_OK && at < keys.count; at += portion) {
        size_t n = keys.count - at < portion ? keys.count - at : portion;
        rc = hand_out(x, keys.items + at, n, fn, ctx, err);
        tables_end_portion(x, KEEP_BYTES);
    }
    free(keys.items);
    arena_release(&a);
    return rc == BD_DONE ? BD_OK : rc;
}

/* ---- memories ---- */

struct memory_scan {
    struct arena *a;
    struct export_memory *list;
    size_t count, capacity;
};

#define MEMORY_PREFIX "kv.memory."

static int on_memory(void *ctx, const struct cell *row) {
    struct memory_scan *s = ctx;
    if (s->count == s->capacity) {
        s->capacity = s->capacity ? s->capacity * 2 : 16;
        struct export_memory *grown = arena_alloc(s->a, s->capacity * sizeof *grown);
        if (s->count)
            memcpy(grown, s->list, s->count * sizeof *grown);
        s->list = grown;
    }
    const char *key = cell_format(&row[0], s->a), *value = cell_format(&row[1], s->a);
    s->list[s->count++] = (struct export_memory){key + strlen(MEMORY_PREFIX), value ? value : ""};
    return BD_OK;
}

static int compare_memories(const void *x, const void *y) {
    return strcmp(((const struct export_memory *)x)->key, ((const struct export_memory *)y)->key);
}

int export_memories(struct tables_txn *x, struct arena *a, struct export_memory **list, size_t *count,
                    struct err *err) {
    static const char *const columns[] = {"key", "value"};
    struct memory_scan s = {.a = a};
    struct tables_query q = {.table = "config",
                             .columns = columns,
                             .column_count = 2,
                             .where = pred_cmp(a, PRED_PREFIX, "key", cell_text(MEMORY_PREFIX))};
    int rc = tables_scan(x, &q, NULL, on_memory, &s, err);
    if (s.count > 1)
        qsort(s.list, s.count, sizeof *s.list, compare_memories);
    *list = s.list;
    *count = s.count;
    return rc;
}

/* ---- an existing file ---- */

void export_file_release(struct export_file *f) { strmap_release(&f->ids); }

static void classify(const struct record *r, const struct text_list *infra, struct export_file *out) {
    const struct issue *i = &r->issue;
    if (r->kind == RECORD_MEMORY || (r->type && strcmp(r->type, "memory") == 0)) {
        out->memories++;
        return;
    }
    if (r->type && *r->type && strcmp(r->type, "issue") != 0) {
        out->unknown++;
        return;
    }
    if (!*i->id) {
        out->unknown += !r->header;
        return;
    }
    if (!r->tombstone)
        strmap_put(&out->ids, i->id, out);
    if (text_list_has(infra, i->issue_type) || i->is_template || i->ephemeral)
        out->filtered++;
}

int export_file_read(const char *path, const struct text_list *infra, struct export_file *out,
                     struct err *err) {
    char *text;
    size_t size, number = 0;
    *out = (struct export_file){0};
    if (os_read_file(path, FILE_MAX_SIZE, &text, &size))
        return errno == ENOENT ? BD_OK : err_errno(err, "cannot read %s", path);
    struct arena a = ARENA_INIT;
    struct record *r = mem_alloc(sizeof *r);
    for (size_t at = 0; at < size && !out->bad_line;) {
        char *line = text + at, *end = memchr(line, '\n', size - at);
        size_t length = end ? (size_t)(end - line) : size - at;
        at += length + 1;
        number++;
        while (length && isspace((unsigned char)line[length - 1]))
            length--;
        line[length] = 0;
        if (!length)
            continue;
        arena_reset(&a);
        if (record_parse(line, length, &a, r, &out->bad))
            out->bad_line = number;
        else
            classify(r, infra, out);
    }
    free(r);
    free(text);
    arena_release(&a);
    return BD_OK;
}

struct id_scan {
    struct strmap *ids;
};

static int on_id(void *ctx, const struct cell *row) {
    struct id_scan *s = ctx;
    if (strmap_get_n(s->ids, row[0].s.data, row[0].s.size))
        strmap_put_n(s->ids, row[0].s.data, row[0].s.size, NULL);
    return BD_OK;
}

static int compare_texts(const void *x, const void *y) {
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

int export_file_missing(const struct export_file *f, struct tables_txn *x, struct arena *a,
                        const char ***ids, size_t *count, struct err *err) {
    static const char *const columns[] = {"id"};
    struct strmap wanted = STRMAP_INIT;
    struct id_scan s = {&wanted};
    int rc = BD_OK;
    *count = 0;
    for (struct strmap_entry *e = NULL; (e = strmap_next(&f->ids, e));)
        strmap_put(&wanted, e->key, &wanted);
    for (int wisp = 0; wisp < 2 && rc == BD_OK && wanted.live; wisp++) {
        struct tables_query q = {
            .table = issue_families[wisp].issues, .columns = columns, .column_count = 1};
        if (tables_has_table(x, q.table))
            rc = tables_scan(x, &q, NULL, on_id, &s, err);
    }
    *ids = arena_alloc(a, (wanted.live + 1) * sizeof **ids);
    for (struct strmap_entry *e = NULL; (e = strmap_next(&wanted, e));)
        if (e->value)
            (*ids)[(*count)++] = arena_strdup(a, e->key);
    if (*count > 1)
        qsort((void *)*ids, *count, sizeof **ids, compare_texts);
    strmap_release(&wanted);
    return rc;
}
