/*
 * Differences and logs for `bd vc`. Rows are turned into texts as they come, since the engine's cells
 * are typed by the schema of their side.
 */
#include "bd/ops/vc_diff.h"

#include "base/strmap.h"
#include "bd/ops/history.h"
#include "bd/ops/issue.h"

#include <stdlib.h>
#include <string.h>

struct load {
    struct arena *a;
    const char *issue_id;
    struct vc_row *rows;
    size_t count, capacity;
};

static const char *text_at(const struct schema *s, const struct cell *row, const char *column,
                           struct arena *a) {
    int at = s && row ? schema_column(s, column) : -1;
    return at < 0 || cell_is_null(&row[at]) ? NULL : cell_format(&row[at], a);
}

/* issues and wisps are their own; other tables say issue_id */
static const char *owner(const struct tables_diff_row *d, struct arena *a) {
    bool own = strcmp(d->table, "issues") == 0 || strcmp(d->table, "wisps") == 0;
    const char *column = own ? "id" : "issue_id";
    const char *id = text_at(d->to_schema, d->to, column, a);
    return id ? id : text_at(d->from_schema, d->from, column, a);
}

static bool is_key(const struct schema *s, int column) {
    for (size_t i = 0; i < s->pk_count; i++)
        if (s->pk[i] == column)
            return true;
    return false;
}

static bool differ(const char *x, const char *y) { return !x != !y || (x && strcmp(x, y) != 0); }

static void add_cells(struct vc_row *r, const struct tables_diff_row *d, bool keys, struct arena *a) {
    const struct schema *s = d->to ? d->to_schema : d->from_schema;
    size_t n = schema_visible_count(s);
    for (size_t c = 0; c < n; c++) {
        const struct column *column = &s->columns[c];
        if (is_key(s, (int)c) != keys)
            continue;
        struct vc_cell cell = {
            .column = column->name,
            .from = text_at(d->from_schema, d->from, column->name, a),
            .to = text_at(d->to_schema, d->to, column->name, a),
            .is_key = keys,
            .is_json = column->type.base == SQL_JSON,
        };
        bool set = (cell.from && *cell.from) || (cell.to && *cell.to);
        if (keys || (r->change == VC_MODIFIED ? differ(cell.from, cell.to) : set))
            r->cells[r->cell_count++] = cell;
    }
}

static int on_row(void *ctx, const struct tables_diff_row *d) {
    struct load *l = ctx;
    const char *id = owner(d, l->a);
    if (l->issue_id && (!id || strcmp(id, l->issue_id) != 0))
        return BD_OK;
    MEM_GROW(l->rows, l->capacity, l->count + 1);
    struct vc_row *r = &l->rows[l->count++];
    const struct schema *s = d->to ? d->to_schema : d->from_schema;
    *r = (struct vc_row){.table = arena_strdup(l->a, d->table), .issue_id = id};
    r->change = !d->from ? VC_ADDED : !d->to ? VC_REMOVED : VC_MODIFIED;
    r->cells = arena_alloc(l->a, (s->column_count + 1) * sizeof *r->cells);
    add_cells(r, d, true, l->a);
    add_cells(r, d, false, l->a);
    return BD_OK;
}

/* The issue's own row before its labels, comments … */
static int table_rank(const char *table) {
    static const char *const order[] = {"issues",      "wisps",         "labels",
                                        "wisp_labels", "dependencies",  "wisp_dependencies",
                                        "comments",    "wisp_comments", "events"};
    int i = 0;
    while (i < (int)(sizeof order / sizeof *order) && strcmp(order[i], table) != 0)
        i++;
    return i;
}

struct placed {
    struct vc_row row;
    size_t place;
};

static int compare_rows(const void *a, const void *b) {
    const struct placed *x = a, *y = b;
    if (!x->row.issue_id != !y->row.issue_id)
        return x->row.issue_id ? -1 : 1;
    int c = x->row.issue_id ? issue_id_compare(x->row.issue_id, y->row.issue_id) : 0;
    if (!c && x->row.issue_id)
        c = strcmp(x->row.issue_id, y->row.issue_id);
    if (!c)
        c = table_rank(x->row.table) - table_rank(y->row.table);
    if (!c)
        c = strcmp(x->row.table, y->row.table);
    return c ? c : (x->place > y->place) - (x->place < y->place);
}

int vc_diff_load(struct tables *t, const char *from, const char *to, const char *table,
                 const char *issue_id, struct arena *a, struct vc_diff *out, struct err *err) {
    struct load l = {a, issue_id, NULL, 0, 0};
    int rc = tables_diff(t, from, to, table, a, on_row, &l, err);
    struct placed *order = mem_zalloc(l.count + 1, sizeof *order);
    for (size_t i = 0; i < l.count; i++)
        order[i] = (struct placed){l.rows[i], i};
    qsort(order, l.count, sizeof *order, compare_rows);
    out->rows = arena_alloc(a, (l.count + 1) * sizeof *out->rows);
    out->count = l.count;
    for (size_t i = 0; i < l.count; i++)
        out->rows[i] = order[i].row;
    free(order);
    free(l.rows);
    return rc;
}

const char *vc_row_text(const struct vc_row *r, const char *column, bool after) {
    for (size_t i = 0; i < r->cell_count; i++) {
        if (strcmp(r->cells[i].column, column) != 0)
            continue;
        const char *text = after ? r->cells[i].to : r->cells[i].from;
        return text ? text : "";
    }
    return "";
}

/* ---- log ---- */

struct log_walk {
    const struct vc_log_filter *f;
    struct arena *a;
    struct vc_commit *items;
    size_t count, capacity;
    struct strmap wanted; /* commits that changed the issue */
};

static int note_version(void *ctx, const struct tables_commit_info *c, const struct schema *s,
                        const struct cell *row) {
    struct log_walk *w = ctx;
    (void)s;
    (void)row;
    strmap_put_n(&w->wanted, (const char *)c->hash.b, HASH_SIZE, w);
    return BD_OK;
}

static int on_commit(void *ctx, const struct tables_commit_info *c) {
    struct log_walk *w = ctx;
    const struct vc_log_filter *f = w->f;
    if (f->author && !strcasestr(c->author, f->author) && !strcasestr(c->email, f->author))
        return BD_OK;
    if (f->since != INT64_MIN && c->time_micros < f->since)
        return BD_OK;
    if (f->issue_id && !strmap_get_n(&w->wanted, (const char *)c->hash.b, HASH_SIZE))
        return BD_OK;
    MEM_GROW(w->items, w->capacity, w->count + 1);
    struct vc_commit *v = &w->items[w->count++];
    *v = (struct vc_commit){.info = *c, .hash = history_hash(&c->hash, w->a)};
    v->info.author = arena_strdup(w->a, c->author);
    v->info.email = arena_strdup(w->a, c->email);
    v->info.message = arena_strdup(w->a, c->message);
    return f->limit && w->count >= f->limit ? BD_DONE : BD_OK;
}

static void name_refs(struct vc_commit *v, const struct tables_ref *refs, size_t count,
                      struct arena *a) {
    v->refs = arena_alloc(a, (count + 1) * sizeof *v->refs);
    for (size_t i = 0; i < count; i++)
        if (hash_eq(&refs[i].commit, &v->info.hash))
            v->refs[v->ref_count++] = refs[i].kind == TABLES_REF_TAG
                                          ? arena_printf(a, "tag: %s", refs[i].name)
                                          : refs[i].name;
}

int vc_log_load(struct tables *t, const struct vc_log_filter *f, struct arena *a,
                struct vc_commit **out, size_t *count, struct err *err) {
    struct log_walk w = {f, a, NULL, 0, 0, STRMAP_INIT};
    struct tables_ref *refs = NULL;
    size_t ref_count = 0;
    int rc = BD_OK;
    if (f->issue_id) {
        struct cell key = cell_text(f->issue_id);
        rc = tables_row_history(t, "issues", &key, 1, a, note_version, &w, err);
    }
    if (rc == BD_OK)
        rc = tables_log(t, f->ref, a, on_commit, &w, err);
    if (rc == BD_OK || rc == BD_DONE)
        rc = tables_refs(t, a, &refs, &ref_count, err);
    for (size_t i = 0; i < w.count && rc == BD_OK; i++)
        name_refs(&w.items[i], refs, ref_count, a);
    *out = w.count ? arena_dup(a, w.items, w.count * sizeof *w.items) : NULL;
    *count = w.count;
    free(w.items);
    strmap_release(&w.wanted);
    return rc;
}
