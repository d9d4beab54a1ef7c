/*
 * From records to a plan: which ids exist, which records are older than what is here, what is missing
 * in them, whether they are valid. The function may run again on a newer state of the database, so it
 * changes in the records only what comes out the same each time.
 */
#include "bd/ops/import_plan.h"

#include "bd/ops/id_gen.h"
#include "bd/ops/import_set.h"
#include "bd/ops/resolve.h"
#include "bd/ops/validate.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static struct known *know(struct plan *p, const char *id, size_t size) {
    struct known *k = strmap_get_n(&p->known, id, size);
    if (k)
        return k;
    k = arena_zalloc(&p->work, sizeof *k);
    k->id = arena_strndup(&p->work, id, size);
    k->updated_at = ISSUE_NO_TIME;
    k->number = p->known.live;
    strmap_put_n(&p->known, id, size, k);
    return k;
}

/* ---- what exists ---- */

struct known_scan {
    struct plan *p;
    bool wisp;
};

static bool cell_is(const struct cell *c, const char *text) {
    return cell_has_text(c) && c->s.size == strlen(text) && memcmp(c->s.data, text, c->s.size) == 0;
}

static int on_known(void *ctx, const struct cell *row) {
    struct known_scan *s = ctx;
    if (!cell_has_text(&row[0]))
        return BD_OK;
    struct known *k = know(s->p, row[0].s.data, row[0].s.size);
    if (k->exists)
        return BD_OK; /* `issues` come first */
    k->exists = true;
    k->is_wisp = s->wisp;
    k->closed = k->was_closed = cell_is(&row[1], "closed");
    k->active = k->was_active = !k->closed && !cell_is(&row[1], "pinned");
    k->updated_at = row[2].kind == CELL_DATETIME ? row[2].i : ISSUE_NO_TIME;
    k->blocked = row[3].kind == CELL_INT && row[3].i != 0;
    return BD_OK;
}

static int scan_known(struct plan *p, const struct cell *ids, size_t count) {
    static const char *const columns[] = {"id", "status", "updated_at", "is_blocked"};
    int rc = BD_OK;
    for (int wisp = 0; wisp < 2 && rc == BD_OK; wisp++) {
        struct known_scan s = {p, wisp};
        struct tables_query q = {
            .table = issue_families[wisp].issues, .columns = columns, .column_count = 4};
        if (!tables_has_table(p->x, q.table))
            continue;
        if (ids)
            q.where = pred_in(&p->work, "id", ids, count);
        rc = tables_scan(p->x, &q, NULL, on_known, &s, p->err);
    }
    return rc;
}

struct id_list {
    struct cell *items;
    size_t count, capacity;
};

static void want(struct id_list *l, const char *id) {
    if (!id || !*id)
        return;
    MEM_GROW(l->items, l->capacity, l->count + 1);
    l->items[l->count++] = cell_text(id);
}

/* Every id that the file speaks of. */
static void collect_ids(struct plan *p, struct id_list *l) {
    const struct import_data *d = p->data;
    for (size_t i = 0; i < d->count && l->count <= IMPORT_LOOKUP_MAX; i++) {
        const struct import_issue *s = &d->issues[i];
        const char *parent;
        int64_t number;
        want(l, s->id);
        if (*s->id && id_split_child(s->id, &p->work, &parent, &number))
            want(l, parent);
        for (size_t k = 0; k < s->dependency_row_count; k++) {
            want(l, s->dependencies[k].issue_id);
            want(l, s->dependencies[k].depends_on_id);
        }
    }
    for (size_t i = 0; i < d->row_count && l->count <= IMPORT_LOOKUP_MAX; i++) {
        want(l, d->rows[i].issue_id);
        want(l, d->rows[i].depends_on_id);
    }
}

static int load_known(struct plan *p) {
    struct id_list l = {NULL, 0, 0};
    collect_ids(p, &l);
    p->whole = l.count > IMPORT_LOOKUP_MAX;
    int rc = p->whole ? scan_known(p, NULL, 0) : l.count ? scan_known(p, l.items, l.count) : BD_OK;
    free(l.items);
    return rc;
}

/* ---- titles ---- */

static char *lower(const char *s, size_t size, struct arena *a) {
    char *r = arena_strndup(a, s, size);
    for (char *c = r; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return r;
}

struct title_scan {
    struct arena *a;
    struct strmap *titles;
};

static int on_title(void *ctx, const struct cell *row) {
    struct title_scan *s = ctx;
    if (cell_has_text(&row[0]))
        strmap_put(s->titles, lower(row[0].s.data, row[0].s.size, s->a), s);
    return BD_OK;
}

static int open_titles(struct tables_txn *x, struct arena *a, struct strmap *titles, struct err *err) {
    static const char *const columns[] = {"title"};
    struct title_scan s = {a, titles};
    int rc = BD_OK;
    for (int wisp = 0; wisp < 2 && rc == BD_OK; wisp++) {
        struct tables_query q = {.table = issue_families[wisp].issues,
                                 .columns = columns,
                                 .column_count = 1,
                                 .where = pred_cmp(a, PRED_NE, "status", cell_text("closed"))};
        if (tables_has_table(x, q.table))
            rc = tables_scan(x, &q, NULL, on_title, &s, err);
    }
    return rc;
}

/* The issues whose title an open issue has: twice[i] for d->issues[i]. */
static int find_duplicates(struct tables_txn *x, const struct import_data *d, bool *twice,
                           struct err *err) {
    enum { AT_ONCE = 1024 };
    struct arena a = ARENA_INIT, some = ARENA_INIT;
    struct strmap titles = STRMAP_INIT;
    struct issue *issues = mem_alloc(AT_ONCE * sizeof *issues);
    const struct import_issue *list[AT_ONCE];
    int rc = open_titles(x, &a, &titles, err);
    for (size_t start = 0, n; rc == BD_OK && start < d->count; start += n) {
        n = d->count - start < AT_ONCE ? d->count - start : AT_ONCE;
        for (size_t i = 0; i < n; i++)
            list[i] = &d->issues[start + i];
        rc = import_data_load(d, list, n, issues, &some, err);
        for (size_t i = 0; rc == BD_OK && i < n; i++)
            twice[start + i] =
                strmap_has(&titles, lower(issues[i].title, strlen(issues[i].title), &some));
        arena_reset(&some);
    }
    free(issues);
    strmap_release(&titles);
    arena_release(&some);
    arena_release(&a);
    return rc;
}

int import_count_duplicates(struct tables_txn *x, const struct import_data *d, size_t *count,
                            struct err *err) {
    bool *twice = mem_zalloc(d->count + 1, sizeof *twice);
    int rc = find_duplicates(x, d, twice, err);
    *count = 0;
    for (size_t i = 0; i < d->count; i++)
        *count += twice[i];
    free(twice);
    return rc;
}

/* ---- choosing ---- */

static int choose(struct plan *p) {
    struct import_data *d = p->data;
    struct import_result *out = p->out;
    bool *twice = arena_zalloc(&p->work, (d->count + 1) * sizeof *twice);
    int rc = p->options->dedup ? find_duplicates(p->x, d, twice, p->err) : BD_OK;
    p->issues = arena_alloc(&p->work, (d->count + 1) * sizeof *p->issues);
    p->knowns = arena_alloc(&p->work, (d->count + 1) * sizeof *p->knowns);
    out->stale_ids = arena_alloc(p->a, (d->count + 1) * sizeof *out->stale_ids);
    for (size_t i = 0; rc == BD_OK && i < d->count; i++) {
        struct import_issue *s = &d->issues[i];
        struct known *k = *s->id ? know(p, s->id, strlen(s->id)) : NULL;
        if (twice[i]) {
            out->duplicates++;
            continue;
        }
        if (k && k->exists && p->options->keep_existing)
            continue;
        if (k && k->exists && s->updated_at != ISSUE_NO_TIME && k->updated_at != ISSUE_NO_TIME &&
            s->updated_at < k->updated_at) {
            out->stale_ids[out->stale_count++] = s->id;
            continue;
        }
        if (k)
            k->incoming = s;
        p->knowns[p->count] = k;
        p->issues[p->count++] = s;
    }
    out->stale = out->stale_count;
    return rc;
}

/* ---- completing and checking ---- */

static void note_type(struct plan *p, const char *type) {
    struct import_result *out = p->out;
    for (size_t i = 0; i < out->unknown_type_count; i++)
        if (strcmp(out->unknown_types[i].name, type) == 0) {
            out->unknown_types[i].count++;
            return;
        }
    struct import_type *grown = arena_alloc(p->a, (out->unknown_type_count + 1) * sizeof *grown);
    if (out->unknown_type_count)
        memcpy(grown, out->unknown_types, out->unknown_type_count * sizeof *grown);
    grown[out->unknown_type_count++] = (struct import_type){type, 1};
    out->unknown_types = grown;
}

/* A type that is unknown here was valid where the issue was made, so it is taken; a new name is
 * reported. */
static int check(struct plan *p, const struct import_issue *i) {
    struct text_list any = {(const char **)(uintptr_t)&i->issue_type, 1};
    bool familiar = type_is_valid(i->issue_type, &p->context.types),
         closed = strcmp(i->status, "closed") == 0;
    struct issue state = {.status = i->status,
                          .issue_type = i->issue_type,
                          /* a closed issue without this time gets one */
                          .closed_at = closed || i->has_closed_at ? 0 : ISSUE_NO_TIME,
                          .ephemeral = plan_is_ephemeral(p, i),
                          .no_history = i->no_history};
    int rc = i->problem ? err_set(p->err, BD_INVALID, "%s", i->problem)
                        : issue_check_state(&state, &p->context.statuses,
                                            familiar ? &p->context.types : &any, p->err);
    if (rc == BD_OK && !familiar)
        note_type(p, i->issue_type);
    if (rc != BD_OK)
        err_prefix(p->err, "validation failed for issue %s", i->id);
    return rc;
}

/* An id of its own for a record without one; such a record is held whole. */
static int make_id(struct plan *p, struct import_issue *i, bool is_wisp, struct known **k) {
    struct issue like = *i->whole;
    const char *prefix = p->context.prefix, *id = NULL;
    int rc = BD_OK;
    if (like.created_at == ISSUE_NO_TIME)
        like.created_at = p->now;
    if (is_wisp)
        prefix = arena_printf(&p->work, "%s-wisp", prefix);
    do {
        rc = id_generate(p->x, is_wisp, prefix, &like, p->actor, &p->context.census, p->a, &id, p->err);
        like.created_at++;
    } while (rc == BD_OK && plan_known(p, id));
    if (rc == BD_OK) {
        i->id = id;
        *k = know(p, id, strlen(id));
        (*k)->incoming = i;
    }
    return rc;
}

static int prepare(struct plan *p) {
    struct import_result *out = p->out;
    int rc = BD_OK;
    out->ids = arena_alloc(p->a, (p->count + 1) * sizeof *out->ids);
    for (size_t n = 0; rc == BD_OK && n < p->count; n++) {
        struct import_issue *i = p->issues[n];
        struct known *k = p->knowns[n];
        bool is_wisp = k && k->exists ? k->is_wisp : plan_is_ephemeral(p, i) || i->no_history;
        rc = check(p, i);
        if (rc == BD_OK && !k)
            rc = make_id(p, i, is_wisp, &p->knowns[n]);
        if (rc != BD_OK)
            break;
        k = p->knowns[n];
        k->is_wisp = is_wisp;
        k->closed = strcmp(i->status, "closed") == 0;
        k->active = status_is_active(i->status);
        k->updated_at = i->updated_at != ISSUE_NO_TIME ? i->updated_at : p->now;
        out->ids[out->id_count++] = i->id;
    }
    out->imported = out->id_count;
    return rc;
}

/* ---- the transaction ---- */

/* A database without a prefix takes that of the first issue. */
static int derive_prefix(struct plan *p) {
    const char *prefix = NULL;
    int rc = db_config_get(p->x, "issue_prefix", &p->work, &prefix, p->err);
    if (rc != BD_OK || (prefix && *prefix) || !p->data->count)
        return rc;
    prefix = id_prefix_guess(p->data->issues[0].id, &p->work);
    return *prefix ? db_config_set(p->x, "issue_prefix", prefix, p->err) : BD_OK;
}

static int is_empty(struct plan *p, bool *empty) {
    uint64_t n = 0, wisps = 0;
    int rc = tables_count_all(p->x, "issues", NULL, &n, p->err);
    if (rc == BD_OK && tables_has_table(p->x, "wisps"))
        rc = tables_count_all(p->x, "wisps", NULL, &wisps, p->err);
    *empty = n + wisps == 0;
    return rc;
}

static int put_memories(struct plan *p) {
    int rc = BD_OK;
    for (size_t i = 0; rc == BD_OK && i < p->data->memory_count; i++) {
        const struct import_memory *m = &p->data->memories[i];
        rc = db_config_set(p->x, arena_printf(&p->work, "kv.memory.%s", m->key), m->value, p->err);
        if (rc != BD_OK)
            return err_prefix(p->err, "failed to import memory \"%s\"", m->key);
    }
    p->out->memories = p->data->memory_count;
    return rc;
}

static void set_message(struct plan *p) {
    if (p->options->message)
        tables_set_message(p->x, p->options->message);
    if (!p->options->source || p->options->message)
        return;
    struct buf b = BUF_INIT;
    buf_addf(&b, "bd import: %zu issues", p->out->imported);
    if (p->out->memories)
        buf_addf(&b, ", %zu memories", p->out->memories);
    buf_addf(&b, " from %s", p->options->source);
    tables_set_message(p->x, buf_str(&b));
    buf_release(&b);
}

static int import_in(struct tables_txn *x, void *ctx, struct err *err) {
    struct plan *p = ctx;
    bool empty = true;
    arena_release(&p->work);
    strmap_release(&p->known);
    p->x = x;
    p->err = err;
    p->count = p->edge_count = 0;
    p->edges = p->old_edges = NULL;
    p->old_count = 0;
    p->now = datetime_now();
    *p->out = (struct import_result){0};
    int rc = p->forgotten ? p->options->reload(p->options->reload_ctx, err) : BD_OK;
    if (rc == BD_OK) {
        p->forgotten = false;
        rc = p->options->only_if_empty ? is_empty(p, &empty) : BD_OK;
    }
    if (rc != BD_OK || !empty) {
        p->out->not_empty = !empty;
        return rc;
    }
    rc = import_set_put_settings(p);
    if (rc == BD_OK)
        rc = derive_prefix(p);
    if (rc == BD_OK && p->data->count)
        rc = create_context_load(p->o, x, &p->work, &p->context, err);
    if (rc == BD_OK)
        rc = load_known(p);
    if (rc == BD_OK)
        rc = choose(p);
    if (rc == BD_OK)
        rc = prepare(p);
    if (rc == BD_OK)
        rc = plan_edges(p);
    if (rc == BD_OK)
        rc = put_memories(p);
    if (rc == BD_OK)
        rc = plan_write(p);
    if (rc == BD_OK)
        rc = import_set_put_events(p);
    if (rc == BD_OK)
        set_message(p);
    return rc;
}

int import_run(struct ops *o, struct import_data *d, const struct import_options *options,
               struct arena *a, struct import_result *out, struct err *err) {
    struct plan p = {.o = o, .data = d, .options = options, .out = out, .a = a};
    p.actor = options->actor ? options->actor : o->actor;
    *out = (struct import_result){0};
    struct tables_write w = {.mode =
                                 options->source || options->message ? TABLES_COMMIT : TABLES_WORKING,
                             .message = "bd import"};
    int rc = tables_write(o->tables, &w, import_in, &p, NULL, err);
    strmap_release(&p.known);
    arena_release(&p.work);
    return rc;
}
