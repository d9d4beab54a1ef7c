/*
 * Filters as predicates. Every condition is one row of code; together they are joined by AND.
 */
#include "bd/ops/filter.h"

#include "base/datetime.h"
#include "bd/ops/validate.h"

#include <ctype.h>
#include <string.h>

static bool set(const char *s) { return s && *s; }

void issue_filter_init(struct issue_filter *f) {
    static const struct filter_time open = {ISSUE_NO_TIME, ISSUE_NO_TIME};
    memset(f, 0, sizeof *f);
    f->priority = f->priority_min = f->priority_max = ISSUE_NO_INT;
    f->created = f->updated = f->closed = f->started = f->defer = f->due = open;
}

bool filter_looks_like_id(const char *text) {
    const char *dash = strchr(text, '-');
    if (!dash || dash == text || !dash[1])
        return false;
    for (const char *p = text; *p; p++)
        if (!isalnum((unsigned char)*p) && *p != '-' && *p != '.')
            return false;
    return true;
}

const struct pred *filter_text_is(struct arena *a, const char *column, const char *text) {
    return pred_cmp(a, PRED_EQ, column, cell_text(text));
}

const struct pred *filter_text_in(struct arena *a, const char *column, const struct text_list *t,
                                  bool negated) {
    struct cell *cells = arena_alloc(a, (t->count + 1) * sizeof *cells);
    for (size_t i = 0; i < t->count; i++)
        cells[i] = cell_text(t->items[i]);
    const struct pred *p = pred_in(a, column, cells, t->count);
    return negated ? pred_not(a, p) : p;
}

const struct pred *filter_text_empty(struct arena *a, const char *column) {
    return pred_or(a, pred_null(a, column, true), filter_text_is(a, column, ""));
}

const struct pred *filter_prefix(struct arena *a, const char *column, const char *text) {
    const struct pred *prefix = pred_cmp(a, PRED_PREFIX, column, cell_text(text));
    char *end = arena_strdup(a, text);
    size_t n = strlen(end);
    if (!n || (unsigned char)end[n - 1] >= 0x7f)
        return prefix;
    end[n - 1]++;
    return pred_and(a, prefix, pred_cmp(a, PRED_LT, column, cell_text(end)));
}

const struct pred *filter_bool(struct arena *a, const char *column, bool value) {
    if (value)
        return pred_cmp(a, PRED_EQ, column, cell_int(1));
    return pred_or(a, pred_cmp(a, PRED_EQ, column, cell_int(0)), pred_null(a, column, true));
}

static int add_id(void *ctx, const struct cell *row) {
    id_set_add_cell(ctx, &row[0]);
    return BD_OK;
}

static int scan_ids(struct tables_txn *x, const char *table, const char *column,
                    const struct pred *where, struct id_set *out, struct err *err) {
    struct tables_query q = {
        .table = table, .columns = &column, .column_count = 1, .where = where, .any_order = true};
    return tables_has_table(x, table) ? tables_scan(x, &q, NULL, add_id, out, err) : BD_OK;
}

/* Ids that carry the label (index on label). */
static int filter_ids_with_labels(struct tables_txn *x, const char *labels_table,
                                  const char *const *labels, size_t n, struct arena *a,
                                  struct id_set *out, struct err *err) {
    struct text_list t = {.items = (const char **)(uintptr_t)labels, .count = n};
    return scan_ids(x, labels_table, "issue_id", filter_text_in(a, "label", &t, false), out, err);
}

/* The state of building one predicate. */
struct build {
    struct tables_txn *x;
    const struct issue_family *family;
    struct arena *a;
    const struct pred *all;
    bool nothing;
    struct err *err;
};

static void and (struct build * b, const struct pred *p) { b->all = pred_and(b->a, b->all, p); }

static void and_contains(struct build *b, const char *column, const char *text) {
    if (set(text))
        and(b, pred_cmp(b->a, PRED_CONTAINS_FOLD, column, cell_text(text)));
}

static void and_flag(struct build *b, const char *column, enum filter_flag flag) {
    if (flag != FILTER_ANY)
        and(b, filter_bool(b->a, column, flag == FILTER_YES));
}

static int64_t whole_seconds(int64_t micros) {
    int64_t rest = micros % MICROS_PER_SECOND;
    return micros - (rest < 0 ? rest + MICROS_PER_SECOND : rest);
}

static void and_time(struct build *b, const char *column, const struct filter_time *t) {
    if (t->after != ISSUE_NO_TIME)
        and(b, pred_cmp(b->a, PRED_GT, column, cell_datetime(whole_seconds(t->after))));
    if (t->before != ISSUE_NO_TIME)
        and(b, pred_cmp(b->a, PRED_LT, column, cell_datetime(whole_seconds(t->before))));
}

static void and_int(struct build *b, enum pred_op op, const char *column, int64_t v) {
    if (v != ISSUE_NO_INT)
        and(b, pred_cmp(b->a, op, column, cell_int(v)));
}

/* Id-like texts are looked up in ids and external references too. */
static void and_query(struct build *b, const char *query) {
    struct arena *a = b->a;
    char *lower = arena_strdup(a, query);
    for (char *p = lower; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    struct cell text = cell_text(lower);
    const struct pred *title = pred_cmp(a, PRED_CONTAINS_FOLD, "title", text);
    if (!filter_looks_like_id(query)) {
        and(b, pred_or(a, title, pred_cmp(a, PRED_CONTAINS, "id", text)));
        return;
    }
    const struct pred *ids = pred_or(a, pred_cmp(a, PRED_PREFIX, "id", text), title);
    and(b, pred_or(a, ids, pred_cmp(a, PRED_CONTAINS_FOLD, "external_ref", text)));
}

/* `id IN set`; an empty positive set matches nothing. */
static void and_ids(struct build *b, const struct id_set *ids, bool negated) {
    b->nothing |= !negated && !id_set_count(ids);
    and(b, id_set_pred(b->a, "id", ids, negated));
}

static int and_labels(struct build *b, const struct issue_filter *f) {
    int rc = BD_OK;
    for (size_t i = 0; i < f->labels.count && rc == BD_OK; i++) {
        struct id_set ids = ID_SET_INIT;
        rc =
            filter_ids_with_labels(b->x, b->family->labels, &f->labels.items[i], 1, b->a, &ids, b->err);
        and_ids(b, &ids, false);
        id_set_release(&ids);
    }
    return rc;
}

static int and_label_sets(struct build *b, const struct issue_filter *f) {
    struct id_set any = ID_SET_INIT, none = ID_SET_INIT, labelled = ID_SET_INIT;
    const char *table = b->family->labels;
    int rc = and_labels(b, f);
    if (rc == BD_OK && f->labels_any.count) {
        rc = filter_ids_with_labels(b->x, table, f->labels_any.items, f->labels_any.count, b->a, &any,
                                    b->err);
        and_ids(b, &any, false);
    }
    if (rc == BD_OK && f->exclude_labels.count) {
        rc = filter_ids_with_labels(b->x, table, f->exclude_labels.items, f->exclude_labels.count, b->a,
                                    &none, b->err);
        and_ids(b, &none, true);
    }
    if (rc == BD_OK && f->no_labels) {
        rc = scan_ids(b->x, table, "issue_id", NULL, &labelled, b->err);
        and_ids(b, &labelled, true);
    }
    id_set_release(&any);
    id_set_release(&none);
    id_set_release(&labelled);
    return rc;
}

int filter_children_of(struct tables_txn *x, const struct issue_family *family, const char *parent,
                       struct arena *a, const struct pred **out, struct err *err) {
    unsigned flags = family == &issue_families[1] ? DEPENDENCY_WISP : DEPENDENCY_REGULAR;
    struct id_set target = ID_SET_INIT, children = ID_SET_INIT, dotted = ID_SET_INIT,
                  parented = ID_SET_INIT;
    const char *prefix = arena_printf(a, "%s.", parent);
    id_set_add(&target, parent);
    int rc = edges_children(x, &target, flags, a, &children, err);
    /* ids dotted below the parent count only when they have no parent-child row at all */
    if (rc == BD_OK)
        rc = scan_ids(x, family->issues, "id", filter_prefix(a, "id", prefix), &dotted, err);
    if (rc == BD_OK)
        rc = edges_parented(x, &dotted, flags, a, &parented, err);
    for (struct strmap_entry *e = NULL; (e = strmap_next(&dotted.map, e));)
        if (!id_set_has(&parented, e->key))
            id_set_add(&children, e->key);
    *out = id_set_pred(a, "id", &children, false);
    id_set_release(&target);
    id_set_release(&children);
    id_set_release(&dotted);
    id_set_release(&parented);
    return rc;
}

static int and_parents(struct build *b, const struct issue_filter *f) {
    unsigned flags = b->family == &issue_families[1] ? DEPENDENCY_WISP : DEPENDENCY_REGULAR;
    int rc = BD_OK;
    if (set(f->parent)) {
        const struct pred *p = NULL;
        rc = filter_children_of(b->x, b->family, f->parent, b->a, &p, b->err);
        if (rc == BD_OK) {
            b->nothing |= !p->cell_count;
            and(b, p);
        }
    }
    if (rc == BD_OK && f->no_parent) {
        struct id_set parented = ID_SET_INIT;
        rc = edges_parented(b->x, NULL, flags, b->a, &parented, b->err);
        and_ids(b, &parented, true);
        id_set_release(&parented);
    }
    return rc;
}

static int and_metadata(struct build *b, const struct issue_filter *f) {
    if (set(f->has_metadata_key)) {
        if (!metadata_key_is_valid(f->has_metadata_key))
            return err_set(b->err, BD_INVALID, "invalid metadata key %s", f->has_metadata_key);
        and(b, pred_json(b->a, PRED_JSON_HAS, "metadata", f->has_metadata_key, cell_null()));
    }
    for (size_t i = 0; i < f->metadata_count; i++) {
        if (!metadata_key_is_valid(f->metadata[i].key))
            return err_set(b->err, BD_INVALID, "invalid metadata key %s", f->metadata[i].key);
        and(b, pred_json(b->a, PRED_JSON_EQ, "metadata", f->metadata[i].key,
                         cell_text(f->metadata[i].value)));
    }
    return BD_OK;
}

static void and_simple(struct build *b, const struct issue_filter *f) {
    struct arena *a = b->a;
    if (f->statuses.count)
        and(b, filter_text_in(a, "status", &f->statuses, false));
    if (f->exclude_statuses.count)
        and(b, filter_text_in(a, "status", &f->exclude_statuses, true));
    if (set(f->issue_type))
        and(b, filter_text_is(a, "issue_type", f->issue_type));
    if (f->exclude_types.count)
        and(b, filter_text_in(a, "issue_type", &f->exclude_types, true));
    if (f->assignee)
        and(b, filter_text_is(a, "assignee", f->assignee));
    if (f->no_assignee)
        and(b, filter_text_empty(a, "assignee"));
    if (f->ids.count)
        and(b, filter_text_in(a, "id", &f->ids, false));
    if (set(f->id_prefix))
        and(b, filter_prefix(a, "id", f->id_prefix));
    if (set(f->spec_prefix))
        and(b, filter_prefix(a, "spec_id", f->spec_prefix));
    if (set(f->mol_type))
        and(b, filter_text_is(a, "mol_type", f->mol_type));
    if (set(f->wisp_type))
        and(b, filter_text_is(a, "wisp_type", f->wisp_type));
    if (f->empty_description)
        and(b, filter_text_empty(a, "description"));
    and_int(b, PRED_EQ, "priority", f->priority);
    and_int(b, PRED_GE, "priority", f->priority_min);
    and_int(b, PRED_LE, "priority", f->priority_max);
    and_flag(b, "pinned", f->pinned);
    and_flag(b, "ephemeral", f->ephemeral);
    and_flag(b, "is_template", f->is_template);
    and_time(b, "created_at", &f->created);
    and_time(b, "updated_at", &f->updated);
    and_time(b, "closed_at", &f->closed);
    and_time(b, "started_at", &f->started);
    and_time(b, "defer_until", &f->defer);
    and_time(b, "due_at", &f->due);
    if (f->deferred)
        and(b, pred_or(a, pred_null(a, "defer_until", false), filter_text_is(a, "status", "deferred")));
    if (f->overdue) {
        and(b, pred_cmp(a, PRED_LT, "due_at", cell_datetime(whole_seconds(datetime_now()))));
        and(b, pred_cmp(a, PRED_NE, "status", cell_text("closed")));
    }
    /* texts last: they are the costly ones */
    if (set(f->query))
        and_query(b, f->query);
    and_contains(b, "title", f->title);
    and_contains(b, "title", f->title_contains);
    and_contains(b, "external_ref", f->external_contains);
    and_contains(b, "description", f->description_contains);
    and_contains(b, "notes", f->notes_contains);
}

int issue_filter_pred(const struct issue_filter *f, struct tables_txn *x,
                      const struct issue_family *family, struct arena *a, const struct pred **out,
                      bool *nothing, struct err *err) {
    struct build b = {x, family, a, NULL, false, err};
    int rc = and_label_sets(&b, f);
    if (rc == BD_OK)
        rc = and_parents(&b, f);
    if (rc == BD_OK) {
        and_simple(&b, f);
        rc = and_metadata(&b, f);
    }
    and(&b, f->more);
    *out = b.all;
    *nothing = b.nothing;
    return rc;
}
