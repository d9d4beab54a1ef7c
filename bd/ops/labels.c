/*
 * Labels are rows (issue, label); the key makes each one unique.
 */
#include "bd/ops/labels.h"

#include "base/strmap.h"
#include "bd/ops/events.h"
#include "bd/ops/hydrate.h"

#include <stdlib.h>
#include <string.h>

static int add_event(struct ops *o, struct tables_txn *x, const char *id, bool is_wisp,
                     const char *type, const char *verb, const char *label, struct err *err) {
    struct buf comment = BUF_INIT;
    buf_addf(&comment, "%s label: %s", verb, label);
    struct event e = {.issue_id = id,
                      .type = type,
                      .actor = o->actor,
                      .comment = buf_str(&comment),
                      .created_at = ISSUE_NO_TIME};
    int rc = event_add(x, is_wisp, &e, err);
    buf_release(&comment);
    return rc;
}

int label_add_in(struct ops *o, struct tables_txn *x, const char *id, bool is_wisp, const char *label,
                 struct err *err) {
    static const char *const columns[] = {"issue_id", "label"};
    struct cell row[] = {cell_text(id), cell_text(label)};
    int rc = tables_insert(x, issue_families[is_wisp].labels, columns, row, 2, TABLES_INSERT_IGNORE,
                           NULL, err);
    if (rc == BD_OK)
        rc = add_event(o, x, id, is_wisp, "label_added", "Added", label, err);
    if (rc == BD_OK)
        ops_note(o, id, "update");
    return rc;
}

int label_remove_in(struct ops *o, struct tables_txn *x, const char *id, bool is_wisp,
                    const char *label, struct err *err) {
    struct arena a = ARENA_INIT;
    const struct pred *where = pred_and(&a, pred_cmp(&a, PRED_EQ, "issue_id", cell_text(id)),
                                        pred_cmp(&a, PRED_EQ, "label", cell_text(label)));
    int rc = tables_delete(x, issue_families[is_wisp].labels, where, NULL, err);
    arena_release(&a);
    if (rc == BD_OK)
        rc = add_event(o, x, id, is_wisp, "label_removed", "Removed", label, err);
    if (rc == BD_OK)
        ops_note(o, id, "update");
    return rc;
}

int label_list(struct tables_txn *x, const char *id, bool is_wisp, struct arena *a,
               const char ***labels, size_t *count, struct err *err) {
    struct issue i;
    issue_init(&i);
    i.id = id;
    i.is_wisp = is_wisp;
    int rc = issues_hydrate(x, &i, 1, HYDRATE_LABELS, a, err);
    *labels = i.labels;
    *count = i.label_count;
    return rc;
}

struct counter {
    struct arena *a;
    struct strmap counts; /* label → struct label_count */
};

static int count_row(void *ctx, const struct cell *row) {
    struct counter *c = ctx;
    if (!cell_has_text(&row[0]))
        return BD_OK;
    struct label_count *l = strmap_get_n(&c->counts, row[0].s.data, row[0].s.size);
    if (!l) {
        l = arena_zalloc(c->a, sizeof *l);
        l->label = arena_strndup(c->a, row[0].s.data, row[0].s.size);
        strmap_put_n(&c->counts, row[0].s.data, row[0].s.size, l);
    }
    l->count += row[1].kind == CELL_INT ? (uint64_t)row[1].i : row[1].kind == CELL_UINT ? row[1].u : 0;
    return BD_OK;
}

static int by_label(const void *x, const void *y) {
    return strcmp(((const struct label_count *)x)->label, ((const struct label_count *)y)->label);
}

int label_counts(struct tables_txn *x, struct arena *a, struct label_count **out, size_t *count,
                 struct err *err) {
    static const char *const group[] = {"label"};
    struct counter c = {.a = a};
    int rc = BD_OK;
    for (int wisp = 0; rc == BD_OK && wisp < 2; wisp++)
        if (tables_has_table(x, issue_families[wisp].labels))
            rc = tables_count(x, issue_families[wisp].labels, NULL, group, 1, NULL, count_row, &c, err);
    *out = arena_alloc(a, (c.counts.live + 1) * sizeof **out);
    *count = 0;
    for (struct strmap_entry *e = NULL; (e = strmap_next(&c.counts, e));)
        (*out)[(*count)++] = *(struct label_count *)e->value;
    strmap_release(&c.counts);
    if (*count)
        qsort(*out, *count, sizeof **out, by_label);
    return rc;
}
