/*
 * Writing an import. New rows go through bulk inserts, one per table. Foreign keys need no check there:
 * the plan has made sure that both ends exist in the same state of the database.
 */
#include "bd/ops/import_batch.h"

#include "base/parallel.h"
#include "bd/ops/blocked.h"
#include "bd/ops/events.h"
#include "bd/ops/import_set.h"
#include "bd/ops/hydrate.h"
#include "bd/ops/id_gen.h"
#include "bd/ops/uuid.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#define ISSUES_WORTH_THREADS 500
#define MANY_ISSUES 20000

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
    struct sinks *sinks;       /* of both families */
    struct strmap comment_ids; /* put in so far, and perhaps there before (old_comments) */
    bool old_comments[2];
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

static bool comment_id_is_free(struct writer *w, bool is_wisp, const char *table, const char *id) {
    static const char *const columns[] = {"id"};
    struct cell key = cell_text(id), found;
    if (strmap_has(&w->comment_ids, id))
        return false;
    if (!w->old_comments[is_wisp])
        return true;
    return tables_get(w->p->x, table, &key, 1, columns, 1, &w->p->work, &found, NULL) == BD_NOT_FOUND;
}

static int put_comment(struct writer *w, const struct issue *i, const struct comment *c) {
    struct sink *s = &w->sinks[i->is_wisp].comments;
    char uuid[UUID_TEXT_SIZE];
    const char *id = c->id;
    if (s->missing)
        return BD_OK;
    if (s->own_ids && (!id || !*id || !comment_id_is_free(w, i->is_wisp, s->table, id))) {
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

static int put_edge(struct writer *w, const struct plan_edge *e, const char *id) {
    enum { FIRST_TARGET = 7 };
    struct plan *p = w->p;
    const struct dependency *d = &e->row;
    bool is_wisp = e->source->is_wisp;
    struct sink *s = &w->sinks[is_wisp].edges;
    int rc;
    if (s->old_shape) {
        rc = dependency_row_insert(p->x, d, is_wisp, w->err);
    } else {
        struct cell row[] = {cell_text(id),
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

/* ---- many issues ---- */

/* New issues and apart from them everything that hangs on new issues: two halves of about the same
 * work. */
static int put_new_issues(struct writer *w, const struct import_batch *b) {
    int rc = BD_OK;
    for (size_t n = 0; rc == BD_OK && n < b->count; n++)
        rc = put_issue(w, &b->issues[n]);
    return rc;
}

static int put_new_relations(struct writer *w, const struct import_batch *b) {
    int rc = BD_OK;
    for (size_t n = 0; rc == BD_OK && n < b->count; n++) {
        if (!import_set_knows_creation(w->p->data, b->issues[n].id))
            rc = put_event(w, &b->issues[n], "created", "", NULL);
        if (rc == BD_OK)
            rc = put_relations(w, &b->issues[n], NULL);
    }
    return rc;
}

/* When a dependency is put in: rows that come in the order of their keys are not kept in memory. */
struct edge_turn {
    char id[UUID_TEXT_SIZE];
    uint32_t edge;
};

static int compare_turns(const void *x, const void *y) {
    return memcmp(((const struct edge_turn *)x)->id, ((const struct edge_turn *)y)->id, UUID_TEXT_SIZE);
}

static struct edge_turn *edges_by_id(const struct plan *p) {
    struct edge_turn *turns = mem_alloc((p->edge_count + 1) * sizeof *turns);
    for (size_t i = 0; i < p->edge_count; i++) {
        edge_id(&p->edges[i].row, p->now, turns[i].id);
        turns[i].edge = (uint32_t)i;
    }
    qsort(turns, p->edge_count, sizeof *turns, compare_turns);
    return turns;
}

static int put_edges(struct writer *w, const struct edge_turn *turns, size_t from, size_t to) {
    int rc = BD_OK;
    for (size_t i = from; rc == BD_OK && i < to; i++)
        rc = put_edge(w, &w->p->edges[turns[i].edge], turns[i].id);
    return rc;
}

/* Putting in one batch while the next is loaded. */
struct step {
    struct writer *w;
    struct import_batch *batch, *next;
    const struct edge_turn *turns;
    size_t first_edge, last_edge; /* dependencies go with the relations, some with each batch */
    struct writer copies[2];      /* of the two halves */
    struct err errs[2];
    int codes[2];
};

static void put_half(struct step *s, size_t i) {
    struct writer *w = &s->copies[i];
    s->codes[i] = i ? put_new_relations(w, s->batch) : put_new_issues(w, s->batch);
    if (i && s->codes[i] == BD_OK)
        s->codes[i] = put_edges(w, s->turns, s->first_edge, s->last_edge);
}

static void run_part(void *ctx, size_t i) {
    struct step *s = ctx;
    if (i < 2)
        put_half(s, i);
    else
        import_batch_load_part(s->next, i - 2);
}

/* `apart`: the halves may run side by side. */
static int run_step(struct step *s, bool apart) {
    struct writer *w = s->w;
    for (size_t i = 0; i < 2; i++) {
        s->copies[i] = *w;
        s->copies[i].err = &s->errs[i];
        s->codes[i] = BD_OK;
    }
    if (apart && s->batch->count >= ISSUES_WORTH_THREADS) {
        parallel_run(s->next->count ? 2 + BATCH_PARTS : 2, run_part, s);
    } else {
        for (size_t i = 0; i < 2 && s->codes[0] == BD_OK; i++)
            put_half(s, i);
        for (size_t i = 0; i < BATCH_PARTS; i++)
            import_batch_load_part(s->next, i);
    }
    w->comment_ids = s->copies[1].comment_ids;
    for (size_t i = 0; i < 2; i++)
        if (s->codes[i] != BD_OK) {
            if (w->err)
                *w->err = s->errs[i];
            return s->codes[i];
        }
    return import_batch_loaded(s->next, w->err);
}

static int compare_ids(const void *x, const void *y) {
    return strcmp((*(struct known *const *)x)->id, (*(struct known *const *)y)->id);
}

/* New issues by their ids, as rows that come in the order of their keys are not kept in memory. */
static struct known **new_ones(const struct plan *p, size_t *count) {
    struct known **list = mem_alloc((p->count + 1) * sizeof *list);
    bool in_order = true;
    *count = 0;
    for (size_t n = 0; n < p->count; n++) {
        struct known *k = p->knowns[n];
        if (k->exists)
            continue;
        in_order = in_order && (!*count || strcmp(list[*count - 1]->id, k->id) < 0);
        list[(*count)++] = k;
    }
    if (!in_order)
        qsort(list, *count, sizeof *list, compare_ids);
    return list;
}

static void fill(struct import_batch *b, struct known **list, size_t count, size_t *at) {
    import_batch_clear(b);
    while (b->count < BATCH_ISSUES && *at < count)
        import_batch_add(b, list[(*at)++]);
}

static int put_new(struct writer *w) {
    struct plan *p = w->p;
    struct import_batch batches[2];
    struct step s = {.w = w, .batch = &batches[0], .next = &batches[1]};
    /* what reads the database may not run beside what writes into it */
    bool apart = !w->sinks[0].edges.old_shape && !w->sinks[1].edges.old_shape && !w->old_comments[0] &&
                 !w->old_comments[1];
    size_t count, listed = 0, done = 0;
    struct known **list = new_ones(p, &count);
    struct edge_turn *turns = edges_by_id(p);
    s.turns = turns;
    for (size_t i = 0; i < 2; i++)
        import_batch_init(&batches[i], p);
    fill(s.batch, list, count, &listed);
    int rc = import_batch_load(s.batch, w->err);
    while (rc == BD_OK && s.batch->count) {
        tell(p, "Importing", done, count);
        done += s.batch->count;
        s.last_edge = (size_t)((double)p->edge_count * (double)done / (double)count);
        fill(s.next, list, count, &listed);
        rc = run_step(&s, apart);
        s.first_edge = s.last_edge;
        struct import_batch *put = s.batch;
        s.batch = s.next;
        s.next = put;
    }
    if (rc == BD_OK)
        rc = put_edges(w, turns, s.first_edge, p->edge_count);
    for (size_t i = 0; i < 2; i++)
        import_batch_release(&batches[i]);
    free(turns);
    free(list);
    return rc;
}

static int refresh_batch(struct writer *w, struct import_batch *b) {
    struct plan *p = w->p;
    struct issue_list old = {NULL, 0, 0};
    struct strmap places = STRMAP_INIT;
    const char *ids[BATCH_ISSUES];
    int rc = import_batch_load(b, w->err);
    for (size_t i = 0; rc == BD_OK && i < b->count; i++) {
        ids[i] = b->issues[i].id;
        strmap_put(&places, ids[i], &b->issues[i]);
    }
    if (rc == BD_OK)
        rc = issue_load_many(p->x, ids, b->count, &b->memory, &old, p->err);
    if (rc == BD_OK)
        rc = issues_hydrate(p->x, old.items, old.count, HYDRATE_LABELS | HYDRATE_COMMENTS, &b->memory,
                            p->err);
    for (size_t k = 0; rc == BD_OK && k < old.count; k++) {
        struct issue i = *(struct issue *)strmap_get(&places, old.items[k].id);
        bool is_new;
        i.source_repo = old.items[k].source_repo;
        if (issue_refresh_changes(&old.items[k], &i, &b->memory))
            rc = issue_row_put(p->x, &i, i.is_wisp, &is_new, p->err);
        if (rc == BD_OK)
            rc = put_relations(w, &i, &old.items[k]);
    }
    strmap_release(&places);
    return rc;
}

static int refresh(struct writer *w) {
    struct plan *p = w->p;
    struct import_batch b;
    int rc = BD_OK;
    import_batch_init(&b, p);
    for (size_t n = 0; rc == BD_OK && n < p->count;) {
        for (import_batch_clear(&b); b.count < BATCH_ISSUES && n < p->count; n++)
            if (p->knowns[n]->exists)
                import_batch_add(&b, p->knowns[n]);
        if (b.count)
            rc = refresh_batch(w, &b);
    }
    import_batch_release(&b);
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
    struct cell row[] = {cell_bool(k->will_block), issue_time_cell(k->updated_at)};
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

static int has_rows(struct writer *w, const struct sink *s, bool *any) {
    uint64_t n = 0;
    int rc = s->missing ? BD_OK : tables_count_all(w->p->x, s->table, NULL, &n, w->err);
    *any = n > 0;
    return rc;
}

/* Issues that were there are updated one by one, in maps that no insertion is under way in. */
static int refresh_all(struct writer *w) {
    bool any = false;
    int rc = BD_OK;
    for (size_t n = 0; n < w->p->count && !any; n++)
        any = w->p->knowns[n]->exists;
    for (size_t f = 0; any && rc == BD_OK && f < 2; f++)
        rc = sink_close(w, &w->sinks[f].issues);
    return rc == BD_OK && any ? refresh(w) : rc;
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
    if (p->whole)
        plan_blocked(p);
    if (p->count >= MANY_ISSUES)
        mem_give_back(); /* what planning took besides its result */
    tables_set_foreign_key_checks(p->x, false);
    int rc = BD_OK;
    for (int f = 0; f < 2 && rc == BD_OK; f++)
        rc = sinks_open(&w, &sinks[f], &issue_families[f]);
    for (int f = 0; f < 2 && rc == BD_OK; f++)
        rc = has_rows(&w, &sinks[f].comments, &w.old_comments[f]);
    if (rc == BD_OK)
        rc = put_new(&w);
    if (rc == BD_OK)
        rc = refresh_all(&w);
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
