/*
 * Writing an import. New rows go through bulk inserts, one per table. Foreign keys need no check there:
 * the plan has made sure that both ends exist in the same state of the database.
 */
#include "bd/ops/import_plan.h"

#include "bd/ops/blocked.h"
#include "bd/ops/events.h"
#include "bd/ops/hydrate.h"
#include "bd/ops/id_gen.h"
#include "bd/ops/uuid.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

/* A bulk insert that begins with its first row. */
struct sink {
    const char *table;
    struct tables_bulk *bulk;
    const char *columns[ISSUE_COLUMN_COUNT];
    size_t places[ISSUE_COLUMN_COUNT];  /* which of the cells handed in */
    size_t lacking[ISSUE_COLUMN_COUNT]; /* and which of them the table has no column for */
    size_t count, lacking_count;
    bool checked, missing, own_ids, old_shape;
};

struct writer {
    struct plan *p;
    struct sink issues[2], labels[2], comments[2], events[2], edges[2];
    struct strmap comment_ids;
};

/* The columns that the table has. */
static int sink_open(struct writer *w, struct sink *s, const char *table, const char *const *columns,
                     size_t count, bool has_id) {
    struct plan *p = w->p;
    const struct schema *schema;
    s->checked = true;
    s->table = table;
    int rc = tables_schema(p->x, table, &schema, p->err);
    if (rc == BD_NOT_FOUND) {
        s->missing = true;
        err_clear(p->err);
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
    return tables_bulk_begin(p->x, table, s->columns, s->count, 0, &s->bulk, p->err);
}

static int sink_add(struct writer *w, struct sink *s, const struct cell *cells) {
    struct cell row[ISSUE_COLUMN_COUNT];
    for (size_t i = 0; i < s->count; i++)
        row[i] = cells[s->places[i]];
    return s->missing ? BD_OK : tables_bulk_add(s->bulk, row, w->p->err);
}

static int sink_close(struct writer *w, struct sink *s) {
    struct tables_bulk *b = s->bulk;
    s->bulk = NULL;
    return b ? tables_bulk_end(b, NULL, w->p->err) : BD_OK;
}

static void sink_drop(struct sink *s) {
    tables_bulk_drop(s->bulk);
    s->bulk = NULL;
}

/* ---- rows ---- */

static int put_issue(struct writer *w, const struct issue *i) {
    struct sink *s = &w->issues[i->is_wisp];
    struct cell row[ISSUE_COLUMN_COUNT];
    int rc = s->checked ? BD_OK
                        : sink_open(w, s, issue_families[i->is_wisp].issues, issue_columns,
                                    issue_column_count, false);
    if (rc == BD_OK && s->missing)
        return err_set(w->p->err, BD_NOT_FOUND,
                       "the database has no table %s for issue %s; run 'bd migrate'", s->table, i->id);
    issue_to_row(i, row, &w->p->work);
    for (size_t n = 0; n < s->lacking_count && rc == BD_OK; n++)
        rc = issue_column_lacking(s->table, issue_columns[s->lacking[n]], &row[s->lacking[n]],
                                  w->p->err);
    rc = rc == BD_OK ? sink_add(w, s, row) : rc;
    return rc == BD_OK ? BD_OK : err_prefix(w->p->err, "failed to insert issue %s", i->id);
}

static int put_event(struct writer *w, const struct issue *i, const char *type, const char *value,
                     const char *comment) {
    static const char *const columns[] = {"id",        "issue_id",  "event_type", "actor",
                                          "old_value", "new_value", "comment",    "created_at"};
    struct sink *s = &w->events[i->is_wisp];
    struct plan *p = w->p;
    char uuid[UUID_TEXT_SIZE];
    int rc = s->checked ? BD_OK : sink_open(w, s, issue_families[i->is_wisp].events, columns, 8, true);
    if (rc != BD_OK || s->missing)
        return rc;
    uuid_v7(p->now, uuid);
    struct cell row[] = {cell_text(uuid),     cell_text(i->id),       cell_text(type),
                         cell_text(p->actor), cell_text(value),       cell_text(value),
                         cell_text(comment),  issue_time_cell(p->now)};
    return sink_add(w, s, row);
}

static int put_label(struct writer *w, const struct issue *i, const char *label) {
    static const char *const columns[] = {"issue_id", "label"};
    struct sink *s = &w->labels[i->is_wisp];
    struct buf comment = BUF_INIT;
    int rc = s->checked ? BD_OK : sink_open(w, s, issue_families[i->is_wisp].labels, columns, 2, false);
    struct cell row[] = {cell_text(i->id), cell_text(label)};
    rc = rc == BD_OK ? sink_add(w, s, row) : rc;
    buf_addf(&comment, "Added label: %s", label);
    if (rc == BD_OK)
        rc = put_event(w, i, "label_added", NULL, buf_str(&comment));
    buf_release(&comment);
    return rc == BD_OK ? BD_OK
                       : err_prefix(w->p->err, "failed to insert label \"%s\" for %s", label, i->id);
}

static bool comment_id_is_free(struct writer *w, const char *table, const char *id) {
    static const char *const columns[] = {"id"};
    struct cell key = cell_text(id), found;
    if (strmap_has(&w->comment_ids, id))
        return false;
    return tables_get(w->p->x, table, &key, 1, columns, 1, &w->p->work, &found, NULL) == BD_NOT_FOUND;
}

static int put_comment(struct writer *w, const struct issue *i, const struct comment *c) {
    static const char *const columns[] = {"id", "issue_id", "author", "text", "created_at"};
    struct sink *s = &w->comments[i->is_wisp];
    char uuid[UUID_TEXT_SIZE];
    const char *id = c->id;
    int rc =
        s->checked ? BD_OK : sink_open(w, s, issue_families[i->is_wisp].comments, columns, 5, true);
    if (rc != BD_OK || s->missing)
        return rc;
    if (s->own_ids && (!id || !*id || !comment_id_is_free(w, s->table, id))) {
        uuid_v7(w->p->now, uuid);
        id = uuid;
    }
    if (id)
        strmap_put(&w->comment_ids, id, w);
    struct cell row[] = {cell_text(id), cell_text(i->id), cell_text(c->author), cell_text(c->text),
                         issue_time_cell(c->created_at == ISSUE_NO_TIME ? w->p->now : c->created_at)};
    rc = sink_add(w, s, row);
    return rc == BD_OK ? BD_OK : err_prefix(w->p->err, "failed to insert comment for %s", i->id);
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
    static const char *const columns[] = {"id",
                                          "issue_id",
                                          "type",
                                          "created_at",
                                          "created_by",
                                          "metadata",
                                          "thread_id",
                                          "depends_on_issue_id",
                                          "depends_on_wisp_id",
                                          "depends_on_external"};
    struct plan *p = w->p;
    const struct dependency *d = &e->row;
    const struct known *source = e->source;
    struct sink *s = &w->edges[source->is_wisp];
    const char *table = issue_families[source->is_wisp].dependencies;
    char uuid[UUID_TEXT_SIZE];
    int rc = BD_OK;
    if (!s->checked) {
        s->old_shape = !tables_has_column(p->x, table, "depends_on_issue_id");
        rc = s->old_shape ? BD_OK : sink_open(w, s, table, columns, 10, true);
        s->checked = true;
    }
    if (s->old_shape)
        return dependency_row_insert(p->x, d, source->is_wisp, p->err);
    edge_id(d, p->now, uuid);
    struct cell row[10] = {cell_text(uuid),
                           cell_text(d->issue_id),
                           cell_text(d->type),
                           issue_time_cell(d->created_at == ISSUE_NO_TIME ? p->now : d->created_at),
                           cell_text(d->created_by),
                           cell_json(d->metadata && *d->metadata ? d->metadata : "{}"),
                           cell_text(d->thread_id ? d->thread_id : ""),
                           cell_null(),
                           cell_null(),
                           cell_null()};
    row[7 + d->target] = cell_text(d->depends_on_id);
    rc = rc == BD_OK ? sink_add(w, s, row) : rc;
    return rc == BD_OK ? BD_OK
                       : err_prefix(p->err, "failed to insert dependency %s -> %s", d->issue_id,
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

static int put_new(struct writer *w) {
    struct plan *p = w->p;
    int rc = BD_OK;
    for (size_t n = 0; rc == BD_OK && n < p->count; n++) {
        const struct issue *i = p->issues[n];
        if (p->knowns[n]->exists)
            continue;
        rc = put_issue(w, i);
        if (rc == BD_OK)
            rc = put_event(w, i, "created", "", NULL);
        if (rc == BD_OK)
            rc = put_relations(w, i, NULL);
    }
    return rc;
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

static int raise_counters(struct plan *p) {
    struct strmap parents = STRMAP_INIT; /* parent → greatest child */
    int rc = BD_OK;
    for (size_t n = 0; n < p->count; n++) {
        const char *parent;
        int64_t number;
        const char *dot = strrchr(p->issues[n]->id, '.');
        if (!dot || !id_split_child(p->issues[n]->id, &p->work, &parent, &number))
            continue;
        const char *before = strmap_get(&parents, parent);
        const char *ignored;
        int64_t greatest = 0;
        if (before)
            id_split_child(before, &p->work, &ignored, &greatest);
        if (!before || number > greatest)
            strmap_put(&parents, parent, (void *)(uintptr_t)p->issues[n]->id);
    }
    for (struct strmap_entry *e = NULL; rc == BD_OK && (e = strmap_next(&parents, e));)
        rc = id_reconcile_child(p->x, e->value, p->err);
    strmap_release(&parents);
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

static void drop(struct writer *w) {
    for (int f = 0; f < 2; f++) {
        sink_drop(&w->issues[f]);
        sink_drop(&w->labels[f]);
        sink_drop(&w->comments[f]);
        sink_drop(&w->events[f]);
        sink_drop(&w->edges[f]);
    }
    strmap_release(&w->comment_ids);
}

int plan_write(struct plan *p) {
    struct writer w = {.p = p};
    if (p->whole) {
        plan_blocked(p);
        for (size_t n = 0; n < p->count; n++)
            p->issues[n]->is_blocked = p->knowns[n]->will_block;
    }
    tables_set_foreign_key_checks(p->x, false);
    int rc = put_new(&w);
    if (rc == BD_OK)
        rc = refresh(&w);
    for (size_t i = 0; rc == BD_OK && i < p->edge_count; i++)
        rc = put_edge(&w, &p->edges[i]);
    for (int f = 0; f < 2 && rc == BD_OK; f++) {
        struct sink *list[] = {&w.issues[f], &w.labels[f], &w.comments[f], &w.events[f], &w.edges[f]};
        for (size_t s = 0; rc == BD_OK && s < sizeof list / sizeof *list; s++)
            rc = sink_close(&w, list[s]);
    }
    drop(&w);
    tables_set_foreign_key_checks(p->x, true);
    if (rc == BD_OK)
        rc = raise_counters(p);
    if (rc == BD_OK)
        rc = p->whole ? update_blocked(p) : recompute_blocked(p);
    return rc;
}
