/*
 * Hydration. A map from id to issue routes every row of the side tables to its issue; rows of other
 * issues are dropped. Labels and comments are gathered as linked rows first and become arrays at the
 * end.
 */
#include "bd/ops/hydrate.h"

#include "base/strmap.h"
#include "bd/ops/dependency_rows.h"

#include <stdlib.h>
#include <string.h>

#define INDEX_LOOKUP_MAX 400

struct extra { /* per issue, while gathering */
    size_t label_capacity, dependency_capacity, comment_capacity;
};

struct hydration {
    struct tables_txn *x;
    struct issue *issues;
    size_t count;
    struct extra *extra;
    struct strmap by_id; /* id → issue */
    const char **ids;    /* sorted: the side tables are asked for all of them several times */
    struct cell *keys;   /* the ids, when few */
    unsigned what;
    bool wisp;
    struct arena *a;
};

static struct issue *issue_of(struct hydration *h, const struct cell *id) {
    return cell_has_text(id) ? strmap_get_n(&h->by_id, id->s.data, id->s.size) : NULL;
}

static void *grow(struct arena *a, void *old, size_t count, size_t *capacity, size_t item) {
    if (count < *capacity)
        return old;
    *capacity = *capacity ? *capacity * 2 : 4;
    void *grown = arena_alloc(a, *capacity * item);
    if (count)
        memcpy(grown, old, count * item);
    return grown;
}

static const char *text(const struct cell *c, struct arena *a) {
    return cell_has_text(c) ? arena_strndup(a, c->s.data, c->s.size) : "";
}

static int add_label(void *ctx, const struct cell *row) {
    struct hydration *h = ctx;
    struct issue *i = issue_of(h, &row[0]);
    if (!i)
        return BD_OK;
    struct extra *e = &h->extra[i - h->issues];
    i->labels = grow(h->a, (void *)i->labels, i->label_count, &e->label_capacity, sizeof *i->labels);
    i->labels[i->label_count++] = text(&row[1], h->a);
    return BD_OK;
}

static int add_comment(void *ctx, const struct cell *row) {
    struct hydration *h = ctx;
    struct issue *i = issue_of(h, &row[0]);
    if (!i)
        return BD_OK;
    i->comment_count++;
    if (!(h->what & HYDRATE_COMMENTS))
        return BD_OK;
    struct extra *e = &h->extra[i - h->issues];
    i->comments =
        grow(h->a, i->comments, i->comment_row_count, &e->comment_capacity, sizeof *i->comments);
    i->comments[i->comment_row_count++] = (struct comment){
        .issue_id = i->id,
        .id = text(&row[1], h->a),
        .author = text(&row[2], h->a),
        .text = text(&row[3], h->a),
        .created_at = row[4].kind == CELL_DATETIME ? row[4].i : 0,
    };
    return BD_OK;
}

static int add_outgoing(void *ctx, const struct dependency *d, bool in_wisp_table) {
    struct hydration *h = ctx;
    (void)in_wisp_table;
    struct issue *i = strmap_get(&h->by_id, d->issue_id);
    if (!i)
        return BD_OK;
    if (strcmp(d->type, "blocks") == 0)
        i->dependency_count++;
    if (strcmp(d->type, "parent-child") == 0 && (!i->parent || strcmp(d->depends_on_id, i->parent) < 0))
        i->parent = d->depends_on_id;
    if (h->what & HYDRATE_DEPENDENCIES) {
        struct extra *e = &h->extra[i - h->issues];
        i->dependencies = grow(h->a, i->dependencies, i->dependency_row_count, &e->dependency_capacity,
                               sizeof *i->dependencies);
        i->dependencies[i->dependency_row_count++] = *d;
    }
    return BD_OK;
}

static void count_target(void *ctx, const char *id, size_t size) {
    struct hydration *h = ctx;
    struct issue *i = strmap_get_n(&h->by_id, id, size);
    if (i)
        i->dependent_count++;
}

static int count_incoming(void *ctx, const struct dependency *d, bool in_wisp_table) {
    struct hydration *h = ctx;
    (void)in_wisp_table;
    struct issue *i = strcmp(d->type, "blocks") == 0 ? strmap_get(&h->by_id, d->depends_on_id) : NULL;
    if (i)
        i->dependent_count++;
    return BD_OK;
}

/* One pass serves both directions when the whole table is read anyway. */
static int add_both_ends(void *ctx, const struct dependency *d, bool in_wisp_table) {
    add_outgoing(ctx, d, in_wisp_table);
    return count_incoming(ctx, d, in_wisp_table);
}

static int scan_side(struct hydration *h, const char *table, const char *const *columns, size_t count,
                     tables_row_fn fn, struct err *err) {
    if (!tables_has_table(h->x, table))
        return BD_OK;
    struct tables_query q = {.table = table, .columns = columns, .column_count = count};
    if (h->keys)
        q.where = pred_in(h->a, "issue_id", h->keys, h->count);
    return tables_scan(h->x, &q, NULL, fn, h, err);
}

static int compare_texts(const void *x, const void *y) {
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static int compare_comments(const void *x, const void *y) {
    const struct comment *c = x, *d = y;
    if (c->created_at != d->created_at)
        return c->created_at < d->created_at ? -1 : 1;
    return strcmp(c->id, d->id);
}

static int hydrate_family(struct hydration *h, struct err *err) {
    static const char *const label_columns[] = {"issue_id", "label"};
    static const char *const comment_columns[] = {"issue_id", "id", "author", "text", "created_at"};
    const struct issue_family *f = &issue_families[h->wisp];
    int rc = BD_OK;
    if (h->what & HYDRATE_LABELS)
        rc = scan_side(h, f->labels, label_columns, 2, add_label, err);
    if (rc == BD_OK && (h->what & (HYDRATE_COMMENTS | HYDRATE_COMMENT_COUNT)))
        rc = scan_side(h, f->comments, comment_columns, h->what & HYDRATE_COMMENTS ? 5 : 1, add_comment,
                       err);
    return rc;
}

static int hydrate_dependencies(struct hydration *h, struct err *err) {
    unsigned outgoing = h->what & (HYDRATE_DEPENDENCIES | HYDRATE_BLOCK_COUNTS | HYDRATE_PARENT);
    unsigned flags = DEPENDENCY_BOTH | (h->what & HYDRATE_METADATA ? DEPENDENCY_METADATA : 0);
    if (!outgoing)
        return BD_OK;
    if (!h->keys)
        return dependency_scan(h->x, DEPENDENCY_BY_SOURCE, NULL, 0, flags, h->a, add_both_ends, h, err);
    int rc = dependency_scan(h->x, DEPENDENCY_BY_SOURCE, h->ids, h->count, flags, h->a, add_outgoing, h,
                             err);
    if (rc == BD_OK && (h->what & HYDRATE_BLOCK_COUNTS))
        rc = dependency_targets(h->x, "blocks", h->ids, h->count, h->a, count_target, h, err);
    return rc;
}

int issues_hydrate(struct tables_txn *x, struct issue *issues, size_t count, unsigned what,
                   struct arena *a, struct err *err) {
    if (count == 0)
        return BD_OK;
    struct arena scratch = ARENA_INIT;
    struct hydration h = {.x = x, .issues = issues, .count = count, .what = what, .a = a};
    bool families[2] = {false, false};
    h.extra = arena_zalloc(&scratch, count * sizeof *h.extra);
    h.ids = arena_alloc(&scratch, count * sizeof *h.ids);
    for (size_t i = 0; i < count; i++) {
        h.ids[i] = issues[i].id;
        strmap_put(&h.by_id, issues[i].id, &issues[i]);
        families[issues[i].is_wisp] = true;
        if (what & HYDRATE_LABELS)
            issues[i].label_count = 0;
        if (what & HYDRATE_DEPENDENCIES)
            issues[i].dependency_row_count = 0;
        if (what & HYDRATE_COMMENTS)
            issues[i].comment_row_count = 0;
        issues[i].comment_count = issues[i].dependency_count = issues[i].dependent_count = 0;
        issues[i].parent = NULL;
    }
    qsort((void *)h.ids, count, sizeof *h.ids, compare_texts);
    if (count <= INDEX_LOOKUP_MAX) {
        h.keys = arena_alloc(&scratch, count * sizeof *h.keys);
        for (size_t i = 0; i < count; i++)
            h.keys[i] = cell_text(h.ids[i]);
    }
    int rc = BD_OK;
    for (int wisp = 0; wisp < 2 && rc == BD_OK; wisp++)
        if (families[wisp]) {
            h.wisp = wisp;
            rc = hydrate_family(&h, err);
        }
    if (rc == BD_OK)
        rc = hydrate_dependencies(&h, err);
    for (size_t i = 0; rc == BD_OK && i < count; i++) {
        if (issues[i].label_count > 1)
            qsort((void *)issues[i].labels, issues[i].label_count, sizeof *issues[i].labels,
                  compare_texts);
        if (issues[i].comment_row_count > 1)
            qsort(issues[i].comments, issues[i].comment_row_count, sizeof *issues[i].comments,
                  compare_comments);
    }
    strmap_release(&h.by_id);
    arena_release(&scratch);
    return rc;
}
