/*
 * History. The engine tells the commits that changed a row; a commit in between shows the row of its
 * first parent, which the walk over the log fills in.
 */
#include "bd/ops/history.h"

#include "base/strmap.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

int history_check_ref(const char *ref, struct err *err) {
    size_t n = strlen(ref);
    if (!n)
        return err_set(err, BD_INVALID, "ref cannot be empty");
    if (n > 128)
        return err_set(err, BD_INVALID, "ref too long");
    for (const char *p = ref; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr("_./-", *p))
            return err_set(err, BD_INVALID, "invalid ref format: %s", ref);
    return BD_OK;
}

const char *history_hash(const struct hash *h, struct arena *a) {
    char *text = arena_alloc(a, HASH_TEXT_SIZE + 1);
    hash_format(h, text);
    return text;
}

/* A row in its schema's order as an issue with only the named columns. */
static void issue_of(struct issue *i, const struct schema *s, const struct cell *row,
                     const char *const *wanted, size_t wanted_count, struct arena *a) {
    struct cell cells[ISSUE_COLUMN_COUNT];
    for (size_t c = 0; c < issue_column_count; c++) {
        cells[c] = cell_null();
        for (size_t w = 0; w < wanted_count; w++) {
            int at = strcmp(wanted[w], issue_columns[c]) == 0 ? schema_column(s, wanted[w]) : -1;
            if (at >= 0)
                cells[c] = row[at];
        }
    }
    issue_init(i);
    issue_from_row(i, cells, a);
}

/* ---- versions of one issue ---- */

struct version {
    const struct schema *schema; /* NULL: the row is not there */
    const struct cell *row;
};

struct walk {
    struct arena *a;
    struct tables_commit_info *log;
    size_t count, capacity;
    struct strmap changed; /* commit → struct version */
};

static void copy_commit(struct tables_commit_info *to, const struct tables_commit_info *from,
                        struct arena *a) {
    *to = *from;
    to->author = arena_strdup(a, from->author);
    to->email = arena_strdup(a, from->email);
    to->message = arena_strdup(a, from->message);
}

static int on_commit(void *ctx, const struct tables_commit_info *c) {
    struct walk *w = ctx;
    MEM_GROW(w->log, w->capacity, w->count + 1);
    copy_commit(&w->log[w->count++], c, w->a);
    return BD_OK;
}

static int on_version(void *ctx, const struct tables_commit_info *c, const struct schema *s,
                      const struct cell *row) {
    struct walk *w = ctx;
    struct version *v = arena_zalloc(w->a, sizeof *v);
    if (row) {
        size_t n = schema_visible_count(s);
        struct cell *copy = arena_alloc(w->a, (n + 1) * sizeof *copy);
        for (size_t i = 0; i < n; i++)
            copy[i] = cell_copy(&row[i], w->a);
        v->schema = s;
        v->row = copy;
    }
    strmap_put_n(&w->changed, (const char *)c->hash.b, HASH_SIZE, v);
    return BD_OK;
}

/* Oldest first, each commit without a change of its own takes what its first parent has. */
static void inherit(struct walk *w) {
    for (size_t i = w->count; i-- > 0;) {
        const struct tables_commit_info *c = &w->log[i];
        if (strmap_get_n(&w->changed, (const char *)c->hash.b, HASH_SIZE) || !c->parent_count)
            continue;
        struct version *v = strmap_get_n(&w->changed, (const char *)c->parents[0].b, HASH_SIZE);
        if (v)
            strmap_put_n(&w->changed, (const char *)c->hash.b, HASH_SIZE, v);
    }
}

int history_of_issue(struct tables *t, const char *id, struct arena *a, struct history_entry **out,
                     size_t *count, struct err *err) {
    static const char *const wanted[] = {
        "id",
        "title",
        "description",
        "design",
        "acceptance_criteria",
        "notes",
        "status",
        "priority",
        "issue_type",
        "assignee",
        "owner",
        "created_by",
        "pinned",
        "estimated_minutes",
        "created_at",
        "updated_at",
        "closed_at",
        "close_reason",
        "mol_type",
    };
    struct walk w = {a, NULL, 0, 0, STRMAP_INIT};
    struct cell key = cell_text(id);
    *out = NULL;
    *count = 0;
    int rc = tables_row_history(t, "issues", &key, 1, a, on_version, &w, err);
    if (rc == BD_OK && w.changed.live)
        rc = tables_log(t, NULL, a, on_commit, &w, err);
    if (rc == BD_OK)
        inherit(&w);
    *out = arena_alloc(a, (w.count + 1) * sizeof **out);
    for (size_t i = 0; i < w.count && rc == BD_OK; i++) {
        const struct version *v = strmap_get_n(&w.changed, (const char *)w.log[i].hash.b, HASH_SIZE);
        if (!v || !v->row)
            continue;
        struct history_entry *e = &(*out)[(*count)++];
        e->commit = w.log[i];
        issue_of(&e->issue, v->schema, v->row, wanted, sizeof wanted / sizeof *wanted, a);
    }
    free(w.log);
    strmap_release(&w.changed);
    return rc;
}

/* ---- differences of two states ---- */

struct diff_rows {
    struct arena *a;
    struct history_diff *items;
    size_t count, capacity;
};

static int on_diff(void *ctx, const struct tables_diff_row *d) {
    static const char *const wanted[] = {"id", "title", "description", "status", "priority"};
    struct diff_rows *r = ctx;
    MEM_GROW(r->items, r->capacity, r->count + 1);
    struct history_diff *h = &r->items[r->count++];
    issue_init(&h->old_value);
    issue_init(&h->new_value);
    if (d->from)
        issue_of(&h->old_value, d->from_schema, d->from, wanted, sizeof wanted / sizeof *wanted, r->a);
    if (d->to)
        issue_of(&h->new_value, d->to_schema, d->to, wanted, sizeof wanted / sizeof *wanted, r->a);
    h->id = d->to ? h->new_value.id : h->old_value.id;
    h->change = !d->from ? HISTORY_ADDED : !d->to ? HISTORY_REMOVED : HISTORY_MODIFIED;
    return BD_OK;
}

int history_diff(struct tables *t, const char *from, const char *to, struct arena *a,
                 struct history_diff **out, size_t *count, struct err *err) {
    struct diff_rows rows = {a, NULL, 0, 0};
    int rc = tables_diff(t, from, to, "issues", a, on_diff, &rows, err);
    *out = rows.count ? arena_dup(a, rows.items, rows.count * sizeof *rows.items) : NULL;
    *count = rows.count;
    free(rows.items);
    return rc;
}
