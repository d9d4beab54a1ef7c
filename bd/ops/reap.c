/*
 * The rules are those of the town's reaper. Nothing pinned goes, and no wisp whose parent is open. An
 * issue is stale when it is open or in progress, no epic, of priority 2 or lower, not put off, without
 * one of the labels that keep, and no dependency ties it to another open issue.
 */
#include "bd/ops/reap.h"

#include "base/strmap.h"
#include "bd/ops/delete.h"
#include "bd/ops/dependency_rows.h"
#include "bd/ops/hydrate.h"
#include "bd/ops/update.h"

#include <string.h>

#define MAIL_LABEL "gt:message"
static const char *const keeping_labels[] = {"gt:standing-orders", "gt:keep", "gt:role", "gt:rig"};

struct search {
    struct tables_txn *x;
    const struct reap_cutoffs *c;
    struct arena *a;
    struct reap_plan *out;
    struct issue_list all;
    struct strmap by_id; /* id → struct issue */
    struct strmap tied;  /* issues with a dependency on an open one, or with an open one on them */
    struct strmap below; /* wisps below an open parent */
    struct err *err;
};

static bool is(const char *s, const char *text) { return s && strcmp(s, text) == 0; }
static bool is_open(const struct issue *i) {
    return is(i->status, "open") || is(i->status, "in_progress");
}
static bool is_at_work(const struct issue *i) { return is_open(i) || is(i->status, "hooked"); }

static bool before(int64_t time, int64_t cutoff) {
    return cutoff != ISSUE_NO_TIME && time != ISSUE_NO_TIME && time < cutoff;
}

static int on_edge(void *ctx, const struct dependency *d, bool in_wisp_table) {
    struct search *s = ctx;
    const struct issue *from = strmap_get(&s->by_id, d->issue_id),
                       *to = strmap_get(&s->by_id, d->depends_on_id);
    (void)in_wisp_table;
    if (from && to && is_open(to))
        strmap_put(&s->tied, from->id, s);
    if (from && to && is_open(from))
        strmap_put(&s->tied, to->id, s);
    if (from && from->is_wisp && is(d->type, "parent-child")) {
        s->out->dangling += !to;
        if (to && is_at_work(to))
            strmap_put(&s->below, from->id, s);
    }
    return BD_OK;
}

static bool is_stale(const struct search *s, const struct issue *i) {
    if (!is_open(i) || !before(i->updated_at, s->c->stale) || i->priority <= 1 ||
        is(i->issue_type, "epic") || i->is_template || strmap_has(&s->tied, i->id) ||
        (i->defer_until != ISSUE_NO_TIME && i->defer_until > datetime_now()))
        return false;
    for (size_t n = 0; n < sizeof keeping_labels / sizeof *keeping_labels; n++)
        if (issue_has_label(i, keeping_labels[n]))
            return false;
    return true;
}

static void judge_wisp(struct search *s, const struct issue *i) {
    if (is(i->status, "closed")) {
        if (before(i->closed_at, s->c->purge))
            text_list_add(&s->out->wisps_to_delete, s->a, i->id);
    } else if (is_at_work(i)) {
        if (before(i->created_at, s->c->created) && !is(i->issue_type, "agent") &&
            !strmap_has(&s->below, i->id))
            text_list_add(&s->out->wisps_to_close, s->a, i->id);
        else
            s->out->open_wisps++;
    }
}

static void judge(struct search *s, const struct issue *i) {
    if (i->pinned)
        s->out->open_wisps += i->is_wisp && is_at_work(i);
    else if (i->is_wisp)
        judge_wisp(s, i);
    else if (is(i->status, "closed") && before(i->closed_at, s->c->mail) &&
             issue_has_label(i, MAIL_LABEL))
        text_list_add(&s->out->mail_to_delete, s->a, i->id);
    else if (is_stale(s, i))
        text_list_add(&s->out->issues_to_close, s->a, i->id);
}

int reap_find(struct tables_txn *x, const struct reap_cutoffs *c, struct arena *a,
              struct reap_plan *out, struct err *err) {
    struct search s = {.x = x, .c = c, .a = a, .out = out, .err = err};
    struct arena edges = ARENA_INIT;
    *out = (struct reap_plan){.open_wisps = 0};
    int rc = issue_scan(x, NULL, tables_has_table(x, "wisps"), a, &s.all, err);
    if (rc == BD_OK)
        rc = issues_hydrate(x, s.all.items, s.all.count, HYDRATE_LABELS, a, err);
    for (size_t i = 0; rc == BD_OK && i < s.all.count; i++)
        strmap_put(&s.by_id, s.all.items[i].id, &s.all.items[i]);
    if (rc == BD_OK)
        rc = dependency_scan(x, DEPENDENCY_BY_SOURCE, NULL, 0, DEPENDENCY_BOTH, &edges, on_edge, &s,
                             err);
    for (size_t i = 0; rc == BD_OK && i < s.all.count; i++)
        judge(&s, &s.all.items[i]);
    strmap_release(&s.by_id);
    strmap_release(&s.tied);
    strmap_release(&s.below);
    arena_release(&edges);
    return rc;
}

static int close_all(struct ops *o, struct tables_txn *x, const struct text_list *l, const char *reason,
                     struct err *err) {
    int rc = BD_OK;
    for (size_t i = 0; rc == BD_OK && i < l->count; i++)
        rc = issue_close_in(o, x, l->items[i], reason, NULL, err);
    return rc;
}

int reap_in(struct ops *o, struct tables_txn *x, const struct reap_plan *p, struct err *err) {
    int rc = close_all(o, x, &p->wisps_to_close, REAP_WISP_REASON, err);
    if (rc == BD_OK)
        rc = close_all(o, x, &p->issues_to_close, REAP_STALE_REASON, err);
    if (rc == BD_OK && p->wisps_to_delete.count)
        rc = issue_delete_rows_in(x, p->wisps_to_delete.items, p->wisps_to_delete.count, err);
    if (rc == BD_OK && p->mail_to_delete.count)
        rc = issue_delete_rows_in(x, p->mail_to_delete.items, p->mail_to_delete.count, err);
    return rc;
}
