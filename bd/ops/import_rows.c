/*
 * Writing an import. New rows go through bulk inserts, one per table. Foreign keys need no check there:
 * the plan has made sure that both ends exist in the same state of the database.
 */
#include "bd/ops/import_plan.h"

#include "base/parallel.h"
#include "bd/ops/blocked.h"
#include "bd/ops/events.h"
#include "bd/ops/hydrate.h"
#include "bd/ops/id_gen.h"
#include "bd/ops/uuid.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#define ISSUES_WORTH_THREADS 1000

/* One table that new rows go to. */
struct sink {
    const char *table;
    struct tables_bulk *bulk;
    const char *columns[ISSUE_COLUMN_COUNT];
    size_t places[ISSUE_COLUMN_COUNT];  /* which of the cells handed in */
    size_t lacking[ISSUE_COLUMN_COUNT]; /* and which of them the table has no column for */
    size_t count, lacking_count;
    bool missing, own_ids, old_shape;
};

struct sinks {
    struct sink issues, labels, comments, events, edges;
};
struct writer {
    struct plan *p;
    struct sinks *sinks; /* of both families */
    struct strmap comment_ids;
    struct err *err;
};

/* The columns that the table has. */
static int sink_open(struct writer *w, struct sink *s, const char *table, const char *const *columns,
                     size_t count, bool has_id) {
    struct plan *p = w->p;
    const struct schema *schema;
    s->table = table;
    int rc = tables_schema(p->x, table, &schema, w->err);
    if (rc == BD_NOT_FOUND) {
        s->missing = true;
        err_clear(w->err);
        return BD_OK;
    }
    if (rc != BD_OK)
        return rc;
    s->own_ids = !has_id || table_has_uuid_ids(p->x, table);
    for (size_t i = 0; i < count; i++)
        if (schema_column(schema, columns[i]) >= 0 && !(i == 0 && !s->own_ids)) {
            s->columns[s->count] = columns[i];
            s->places[s->count++] = i;
        } else if (i || !has_id) {
            s->lacking[s->lacking_count++] = i;
        }
    return tables_bulk_begin(p->x, table, s->columns, s->count, 0, &s->bulk, w->err);
}

static const char *const event_columns[] = {"id",        "issue_id",  "event_type", "actor",
                                            "old_value", "new_value", "comment",    "created_at"};
static const char *const label_columns[] = {"issue_id", "label"};
static const char *const comment_columns[] = {"id", "issue_id", "author", "text", "created_at"};
static const char *const edge_columns[] = {"id",
                                           "issue_id",
                                           "type",
                                           "created_at",
                                           "created_by",
                                           "metadata",
                                           "thread_id",
                                           "depends_on_issue_id",
                                           "depends_on_wisp_id",
                                           "depends_on_external"};
#define COUNT(list) (sizeof(list) / sizeof(list)[0])

static int sinks_open(struct writer *w, struct sinks *s, const struct issue_family *f) {
    int rc = sink_open(w, &s->issues, f->issues, issue_columns, issue_column_count, false);
    if (rc == BD_OK)
        rc = sink_open(w, &s->events, f->events, event_columns, COUNT(event_columns), true);
    if (rc == BD_OK)
        rc = sink_open(w, &s->labels, f->labels, label_columns, COUNT(label_columns), false);
    if (rc == BD_OK)
        rc = sink_open(w, &s->comments, f->comments, comment_columns, COUNT(comment_columns), true);
    s->edges.old_shape = tables_has_table(w->p->x, f->dependencies) &&
                         !tables_has_column(w->p->x, f->dependencies, "depends_on_issue_id");
    if (rc == BD_OK && !s->edges.old_shape)
        rc = sink_open(w, &s->edges, f->dependencies, edge_columns, COUNT(edge_columns), true);
    return rc;
}

static int sink_add(struct writer *w, struct sink *s, const struct cell *cells) {
    struct cell row[ISSUE_COLUMN_COUNT];
    for (size_t i = 0; i < s->count; i++)
        row[i] = cells[s->places[i]];
    return s->missing ? BD_OK : tables_bulk_add(s->bulk, row, w->err);
}

static int sink_close(struct writer *w, struct sink *s) {
    struct tables_bulk *b = s->bulk;
    s->bulk = NULL;
    return b ? tables_bulk_end(b, NULL, w->err) : BD_OK;
}

static void sink_drop(struct sink *s) {
    tables_bulk_drop(s->bulk);
    s->bulk = NULL;
}

/* ---- rows ---- */

static int put_issue(struct writer *w, const struct issue *i) {
    struct sink *s = &w->sinks[i->is_wisp].issues;
    struct cell row[ISSUE_COLUMN_COUNT];
    if (s->missing)
        return err_set(w->err, BD_NOT_FOUND,
                       "the database has no table %s for issue %s; run 'bd migrate'", s->table, i->id);
    int rc = BD_OK;
    issue_to_row(i, row, NULL);
    for (size_t n = 0; n < s->lacking_count && rc == BD_OK; n++)
        rc = issue_column_lacking(s->table, issue_columns[s->lacking[n]], &row[s->lacking[n]], w->err);
    if (rc == BD_OK)
        rc = sink_add(w, s, row);
    return rc == BD_OK ? BD_OK : err_prefix(w->err, "failed to insert issue %s", i->id);
}

static int put_event(struct writer *w, const struct issue *i, const char *type, const char *value,
                     const char *comment) {
    struct plan *p = w->p;
    char uuid[UUID_TEXT_SIZE];
    uuid_v7(p->now, uuid);
    struct cell row[] = {cell_text(uuid),     cell_text(i->id),       cell_text(type),
                         cell_text(p->actor), cell_text(value),       cell_text(value),
                         cell_text(comment),  issue_time_cell(p->now)};
    return sink_add(w, &w->sinks[i->is_wisp].events, row);
}

static int put_label(struct writer *w, const struct issue *i, const char *label) {
    struct buf comment = BUF_INIT;
    struct cell row[] = {cell_text(i->id), cell_text(label)};
    int rc = sink_add(w, &w->sinks[i->is_wisp].labels, row);
    buf_addf(&comment, "Added label: %s", label);
    if (rc == BD_OK)
        rc = put_event(w, i, "label_added", NULL, buf_str(&comment));
    buf_release(&comment);
    return rc == BD_OK ? BD_OK
                       : err_prefix(w->err, "failed to insert label \"%s\" for %s", label, i->id);
}

static bool comment_id_is_free(struct writer *w, const char *table, const char *id) {
    static const char *const columns[] = {"id"};
    struct cell key = cell_text(id), found;
    if (strmap_has(&w->comment_ids, id))
        return false;
    return tables_get(w->p->x, table, &key, 1, columns, 1, &w->p->work, &found, NULL) == BD_NOT_FOUND;
}

static int put_comment(struct writer *w, const struct issue *i, const struct comment *c) {
    struct sink *s = &w->sinks[i->is_wisp].comments;
    char uuid[UUID_TEXT_SIZE];
    const char *id = c->id;
    if (s->missing)
        return BD_OK;
    if (s->own_ids && (!id || !*id || !comment_id_is_free(w, s->table, id))) {
        uuid_v7(w->p->now, uuid);
        id = uuid;
    }
    if (id)
        strmap_put(&w->comment_ids, id, w);
    struct cell row[] = {cell_text(id), cell_text(i->id), cell_text(c->author), cell_text(c->text),
                         issue_time_cell(c->created_at == ISSUE_NO_TIME ? w->p->now : c->created_at)};
    return sink_add(w, s, row) == BD_OK ? BD_OK
                                        : err_prefix(w->err, "failed to insert comment for %s", i->id);
}

/*
 * Row id of an edge: made from both ends and its time, so that two clones that import the same file
 * make the same row and can be merged. The form is that of a version 7 UUID.
 */
static void edge_id(const struct dependency *d, int64_t now, char out[UUID_TEXT_SIZE]) {
    unsigned char h[SHA256_DIGEST_LENGTH];
    SHA256_CTX c;
    if (d->created_at == ISSUE_NO_TIME) {
        uuid_v7(now, out);
        return;
    }
    SHA256_Init(&c);
    SHA256_Update(&c, d->issue_id, strlen(d->issue_id) + 1);
    SHA256_Update(&c, d->depends_on_id, strlen(d->depends_on_id) + 1);
    SHA256_Update(&c, d->type, strlen(d->type));
    SHA256_Final(h, &c);
    uuid_from_hash(issue_whole_second(d->created_at), h, out);
}

static int put_edge(struct writer *w, const struct plan_edge *e) {
    enum { FIRST_TARGET = 7 };
    struct plan *p = w->p;
    const struct dependency *d = &e->row;
    bool is_wisp = e->source->is_wisp;
    struct sink *s = &w->sinks[is_wisp].edges;
    char uuid[UUID_TEXT_SIZE];
    int rc;
    if (s->old_shape) {
        rc = dependency_row_insert(p->x, d, is_wisp, w->err);
    } else {
        edge_id(d, p->now, uuid);
        struct cell row[] = {cell_text(uuid),
                             cell_text(d->issue_id),
                             cell_text(d->type),
                             issue_time_cell(d->created_at == ISSUE_NO_TIME ? p->now : d->created_at),
                             cell_text(d->created_by),
                             cell_json(d->metadata && *d->metadata ? d->metadata : "{}"),
                             cell_text(d->thread_id ? d->thread_id : ""),
                             cell_null(),
                             cell_null(),
                             cell_null()};
        row[FIRST_TARGET + d->target] = cell_text(d->depends_on_id);
        rc = sink_add(w, s, row);
    }
    return rc == BD_OK ? BD_OK
                       : err_prefix(w->err, "failed to insert dependency %s -> %s", d->issue_id,
                                    d->depends_on_id);
}

/* ---- one issue ---- */

static bool listed(const char *const *labels, size_t count, const char *label) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(labels[i], label) == 0)
            return true;
    return false;
}

static bool commented(const struct comment *list, size_t count, const struct comment *c) {
    for (size_t i = 0; i < count; i++)
        if (issue_whole_second(list[i].created_at) == issue_whole_second(c->created_at) &&
            strcmp(list[i].author, c->author) == 0 && strcmp(list[i].text, c->text) == 0)
            return true;
    return false;
}

/* What hangs on an issue and is not there yet; old NULL: it is new. */
static int put_relations(struct writer *w, const struct issue *i, const struct issue *old) {
    int rc = BD_OK;
    for (size_t k = 0; rc == BD_OK && k < i->label_count; k++)
        if (!listed(i->labels, k, i->labels[k]) &&
            !(old && listed(old->labels, old->label_count, i->labels[k])))
            rc = put_label(w, i, i->labels[k]);
    for (size_t k = 0; rc == BD_OK && k < i->comment_row_count; k++)
        if (!commented(i->comments, k, &i->comments[k]) &&
            !(old && commented(old->comments, old->comment_row_count, &i->comments[k])))
            rc = put_comment(w, i, &i->comments[k]);
    return rc;
}

static void tell(const struct plan *p, const char *what, size_t done, size_t total) {
    if (p->options->progress)
        p->options->progress(p->options->progress_ctx, what, done, total);
}

/* New issues, and apart from them everything that hangs on new issues: two halves of about the same
 * work. */
static int put_new_issues(struct writer *w) {
    int rc = BD_OK;
    for (size_t n = 0; rc == BD_OK && n < w->p->count; n++) {
        if (!w->p->knowns[n]->exists)
            rc = put_issue(w, w->p->issues[n]);
        if (n % 1024 == 0)
            tell(w->p, "Importing", n, w->p->count);
    }
    return rc;
}

static int put_new_relations(struct writer *w) {
    struct plan *p = w->p;
    int rc = BD_OK;
    for (size_t n = 0; rc == BD_OK && n < p->count; n++) {
        if (p->knowns[n]->exists)
            continue;
        rc = put_event(w, p->issues[n], "created", "", NULL);
        if (rc == BD_OK)
            rc = put_relations(w, p->issues[n], NULL);
    }
    for (size_t i = 0; rc == BD_OK && i < p->edge_count; i++)
        rc = put_edge(w, &p->edges[i]);
    return rc;
}

struct halves {
    struct writer *w;
    struct writer copies[2];
    struct err errs[2];
    int codes[2];
};

static void put_half(void *ctx, size_t i) {
    struct halves *h = ctx;
    h->codes[i] = i ? put_new_relations(&h->copies[1]) : put_new_issues(&h->copies[0]);
}

static int put_new(struct writer *w) {
    struct halves h = {.w = w};
    bool old_shape = w->sinks[0].edges.old_shape || w->sinks[1].edges.old_shape;
    for (size_t i = 0; i < 2; i++) {
        h.copies[i] = *w;
        h.copies[i].err = &h.errs[i];
    }
    if (w->p->count >= ISSUES_WORTH_THREADS && !old_shape)
        parallel_run(2, put_half, &h);
    else
        for (size_t i = 0; i < 2 && (i == 0 || h.codes[0] == BD_OK); i++)
            put_half(&h, i);
    w->comment_ids = h.copies[1].comment_ids;
    for (size_t i = 0; i < 2; i++)
        if (h.codes[i] != BD_OK) {
            if (w->err)
                *w->err = h.errs[i];
            return h.codes[i];
        }
    return BD_OK;
}

static int refresh(struct writer *w) {
    struct plan *p = w->p;
    struct issue_list old = {NULL, 0, 0};
    const char **ids = arena_alloc(&p->work, (p->count + 1) * sizeof *ids);
    size_t n = 0;
    for (size_t i = 0; i < p->count; i++)
        if (p->knowns[i]->exists)
            ids[n++] = p->issues[i]->id;
    if (!n)
        return BD_OK;
    int rc = issue_load_many(p->x, ids, n, &p->work, &old, p->err);
    if (rc == BD_OK)
        rc = issues_hydrate(p->x, old.items, old.count, HYDRATE_LABELS | HYDRATE_COMMENTS, &p->work,
                            p->err);
    for (size_t k = 0; rc == BD_OK && k < old.count; k++) {
        struct issue i = *plan_known(p, old.items[k].id)->incoming;
        bool is_new;
        i.source_repo = old.items[k].source_repo;
        if (issue_refresh_changes(&old.items[k], &i, &p->work))
            rc = issue_row_put(p->x, &i, i.is_wisp, &is_new, p->err);
        if (rc == BD_OK)
            rc = put_relations(w, &i, &old.items[k]);
    }
    return rc;
}

/* ---- what follows ---- */

/* parent → greatest child, both in p->work. */
static void find_counters(struct plan *p, struct strmap *parents) {
    for (size_t n = 0; n < p->count; n++) {
        const char *parent;
        int64_t number;
        const char *dot = strrchr(p->issues[n]->id, '.');
        if (!dot || !id_split_child(p->issues[n]->id, &p->work, &parent, &number))
            continue;
        const char *before = strmap_get(parents, parent);
        const char *ignored;
        int64_t greatest = 0;
        if (before)
            id_split_child(before, &p->work, &ignored, &greatest);
        if (!before || number > greatest)
            strmap_put(parents, parent, arena_strdup(&p->work, p->issues[n]->id));
    }
}

static int raise_counters(struct plan *p, const struct strmap *parents) {
    int rc = BD_OK;
    for (struct strmap_entry *e = NULL; rc == BD_OK && (e = strmap_next(parents, e));)
        rc = id_reconcile_child(p->x, e->value, p->err);
    return rc;
}

static int store_blocked(struct plan *p, const struct known *k) {
    static const char *const columns[] = {"is_blocked", "updated_at"};
    int64_t updated = k->incoming && k->incoming->updated_at != ISSUE_NO_TIME ? k->incoming->updated_at
                                                                              : k->updated_at;
    struct cell row[] = {cell_bool(k->will_block), issue_time_cell(updated)};
    return tables_update(p->x, issue_families[k->is_wisp].issues,
                         pred_cmp(&p->work, PRED_EQ, "id", cell_text(k->id)), columns, row, 2, NULL,
                         NULL, p->err);
}

/* Old rows whose answer is another now. */
static int update_blocked(struct plan *p) {
    int rc = BD_OK;
    if (!tables_has_column(p->x, "issues", "is_blocked"))
        return BD_OK;
    for (struct strmap_entry *e = NULL; rc == BD_OK && (e = strmap_next(&p->known, e));) {
        const struct known *k = e->value;
        if (k->exists && k->blocked != k->will_block)
            rc = store_blocked(p, k);
    }
    return rc;
}

/* The same from the rows around the changes. */
static int recompute_blocked(struct plan *p) {
    const char **ids = arena_alloc(&p->work, (p->count + p->edge_count + 1) * sizeof *ids);
    size_t n = 0;
    for (size_t i = 0; i < p->count; i++)
        ids[n++] = p->issues[i]->id;
    for (size_t i = 0; i < p->edge_count; i++)
        ids[n++] = p->edges[i].row.issue_id;
    int rc = blocked_recompute(p->x, ids, n, p->err);
    for (size_t i = 0; rc == BD_OK && i < p->count; i++) {
        const struct known *k = p->knowns[i];
        if (!k->exists || k->active != k->was_active || k->closed != k->was_closed)
            rc = blocked_after_status(p->x, k->id, p->err);
    }
    return rc;
}

static int close_all(struct writer *w, struct sinks *s) {
    struct sink *list[] = {&s->issues, &s->labels, &s->comments, &s->events, &s->edges};
    int rc = BD_OK;
    for (size_t i = 0; rc == BD_OK && i < COUNT(list); i++) {
        tell(w->p, "Indexing", i, COUNT(list));
        rc = sink_close(w, list[i]);
    }
    tell(w->p, "Committing", 0, 0);
    return rc;
}

int plan_write(struct plan *p) {
    struct sinks sinks[2];
    struct strmap parents = STRMAP_INIT;
    struct writer w = {.p = p, .sinks = sinks, .err = p->err};
    memset(sinks, 0, sizeof sinks);
    if (p->whole) {
        plan_blocked(p);
        for (size_t n = 0; n < p->count; n++)
            p->issues[n]->is_blocked = p->knowns[n]->will_block;
    }
    tables_set_foreign_key_checks(p->x, false);
    int rc = BD_OK;
    for (int f = 0; f < 2 && rc == BD_OK; f++)
        rc = sinks_open(&w, &sinks[f], &issue_families[f]);
    if (rc == BD_OK)
        rc = put_new(&w);
    if (rc == BD_OK)
        rc = refresh(&w);
    if (rc == BD_OK) {
        find_counters(p, &parents);
        plan_forget(p);
    }
    for (int f = 0; f < 2 && rc == BD_OK; f++)
        rc = close_all(&w, &sinks[f]);
    for (int f = 0; f < 2; f++) {
        struct sink *list[] = {&sinks[f].issues, &sinks[f].labels, &sinks[f].comments, &sinks[f].events,
                               &sinks[f].edges};
        for (size_t i = 0; i < COUNT(list); i++)
            sink_drop(list[i]);
    }
    strmap_release(&w.comment_ids);
    tables_set_foreign_key_checks(p->x, true);
    if (rc == BD_OK)
        rc = raise_counters(p, &parents);
    strmap_release(&parents);
    if (rc == BD_OK)
        rc = p->whole ? update_blocked(p) : recompute_blocked(p);
    return rc;
}
