/*
 * ready --explain: why issues are ready, what blocks the others, and rings of dependencies.
 */
#include "bd/cmd/ready.h"

#include "bd/ops/blocked_list.h"
#include "bd/ops/dependencies.h"
#include "bd/ops/hydrate.h"
#include "bd/ops/ready.h"
#include "bd/ops/validate.h"
#include "bd/ui/issue_json.h"
#include "bd/ui/issue_text.h"

#include <string.h>

struct explanation {
    struct issue_list ready;
    struct blocked_issue *blocked;
    size_t blocked_count;
    struct strmap blockers; /* id → struct issue */
    struct dependency_cycle *cycles;
    size_t cycle_count;
};

static int load(struct bd *bd, struct tables_txn *x, struct explanation *e, struct err *err) {
    struct arena *a = &bd->arena;
    struct ready_filter f;
    struct id_set ids = ID_SET_INIT;
    struct issue_list blockers = {NULL, 0, 0};
    ready_filter_init(&f);
    int rc = ready_list(x, &f, a, &e->ready, err);
    if (rc == BD_OK)
        rc = issues_hydrate(x, e->ready.items, e->ready.count, HYDRATE_DEPENDENCIES | HYDRATE_COUNTS, a,
                            err);
    if (rc == BD_OK)
        rc = blocked_list(x, NULL, a, &e->blocked, &e->blocked_count, err);
    if (rc == BD_OK)
        rc = dependency_cycles(x, a, &e->cycles, &e->cycle_count, err);
    for (size_t i = 0; i < e->blocked_count && rc == BD_OK; i++)
        for (size_t k = 0; k < e->blocked[i].blocked_by_count; k++)
            id_set_add(&ids, e->blocked[i].blocked_by[k]);
    if (rc == BD_OK)
        rc = issue_load_many(x, id_set_items(&ids, a), id_set_count(&ids), a, &blockers, err);
    for (size_t i = 0; i < blockers.count && rc == BD_OK; i++)
        strmap_put(&e->blockers, blockers.items[i].id, &blockers.items[i]);
    id_set_release(&ids);
    return rc;
}

/* Targets of its blocking rows, which are all done since the issue is ready. */
static struct text_list resolved_blockers(const struct issue *i, struct arena *a) {
    struct text_list out = {NULL, 0};
    for (size_t k = 0; k < i->dependency_row_count; k++) {
        const struct dependency *d = &i->dependencies[k];
        if (dependency_type_blocks(d->type) || strcmp(d->type, "waits-for") == 0)
            text_list_add(&out, a, d->depends_on_id);
    }
    return out;
}

static const char *reason(struct bd *bd, const struct text_list *resolved) {
    return resolved->count ? arena_printf(&bd->arena, "%zu blocker(s) resolved", resolved->count)
                           : "no blocking dependencies";
}

/* ---- JSON ---- */

static void ready_json(struct bd *bd, struct json_writer *w, const struct issue *i) {
    struct text_list resolved = resolved_blockers(i, &bd->arena);
    struct issue bare = *i;
    bare.dependency_row_count = 0; /* what they mean is said below */
    json_object(w);
    issue_json_members(w, &bare, 0);
    json_member_str(w, "reason", reason(bd, &resolved));
    if (resolved.count) {
        issue_json_strings(w, "resolved_blockers", resolved.items, resolved.count, false);
    } else {
        json_key(w, "resolved_blockers");
        json_null(w);
    }
    json_member_int(w, "dependency_count", i->dependency_count);
    json_member_int(w, "dependent_count", i->dependent_count);
    json_member_str_opt(w, "parent", i->parent);
    json_object_end(w);
}

static void blocked_json(struct json_writer *w, const struct explanation *e,
                         const struct blocked_issue *b) {
    json_object(w);
    issue_json_members(w, &b->issue, 0);
    json_key(w, "blocked_by");
    json_array(w);
    for (size_t k = 0; k < b->blocked_by_count; k++) {
        const struct issue *by = strmap_get(&e->blockers, b->blocked_by[k]);
        json_object(w);
        json_member_str(w, "id", b->blocked_by[k]);
        json_member_str(w, "title", by ? by->title : "");
        json_member_str(w, "status", by ? by->status : "");
        json_member_int(w, "priority", by ? by->priority : 0);
        json_object_end(w);
    }
    json_array_end(w);
    json_member_int(w, "blocked_by_count", (int64_t)b->blocked_by_count);
    json_object_end(w);
}

static void explain_json(struct bd *bd, const struct explanation *e) {
    struct buf out = BUF_INIT;
    struct json_writer w;
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_key(&w, "ready");
    json_array(&w);
    for (size_t i = 0; i < e->ready.count; i++)
        ready_json(bd, &w, &e->ready.items[i]);
    json_array_end(&w);
    json_key(&w, "blocked");
    json_array(&w);
    for (size_t i = 0; i < e->blocked_count; i++)
        blocked_json(&w, e, &e->blocked[i]);
    json_array_end(&w);
    if (e->cycle_count) {
        json_key(&w, "cycles");
        json_array(&w);
        for (size_t i = 0; i < e->cycle_count; i++) {
            json_array(&w);
            for (size_t k = 0; k < e->cycles[i].count; k++)
                json_str(&w, e->cycles[i].ids[k]);
            json_array_end(&w);
        }
        json_array_end(&w);
    }
    json_key(&w, "summary");
    json_object(&w);
    json_member_int(&w, "total_ready", (int64_t)e->ready.count);
    json_member_int(&w, "total_blocked", (int64_t)e->blocked_count);
    json_member_int(&w, "cycle_count", (int64_t)e->cycle_count);
    json_object_end(&w);
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
}

/* ---- text ---- */

static void item_line(struct bd *bd, struct buf *out, const struct issue *i) {
    buf_addf(out, "  %s [", i->id);
    issue_text_priority(out, bd->color, i->priority);
    buf_addf(out, "] %s\n", i->title);
}

static void ready_text(struct bd *bd, struct buf *out, const struct explanation *e) {
    ink_add(out, bd->color, e->ready.count ? INK_PASS : INK_WARN, e->ready.count ? "●" : "○");
    if (!e->ready.count) {
        buf_add_str(out, " No ready work\n\n");
        return;
    }
    buf_addf(out, " Ready (%zu issues):\n\n", e->ready.count);
    for (size_t i = 0; i < e->ready.count; i++) {
        const struct issue *n = &e->ready.items[i];
        struct text_list resolved = resolved_blockers(n, &bd->arena);
        item_line(bd, out, n);
        buf_addf(out, "    Reason: %s\n", reason(bd, &resolved));
        if (resolved.count) {
            buf_add_str(out, "    Resolved blockers: ");
            text_add_joined(out, resolved.items, resolved.count, ", ");
            buf_add_char(out, '\n');
        }
        if (n->dependent_count > 0)
            buf_addf(out, "    Unblocks: %lld issue(s)\n", (long long)n->dependent_count);
        buf_add_char(out, '\n');
    }
}

static void blocked_text(struct bd *bd, struct buf *out, const struct explanation *e) {
    if (!e->blocked_count)
        return;
    ink_add(out, bd->color, INK_FAIL, "●");
    buf_addf(out, " Blocked (%zu issues):\n\n", e->blocked_count);
    for (size_t i = 0; i < e->blocked_count; i++) {
        const struct blocked_issue *b = &e->blocked[i];
        item_line(bd, out, &b->issue);
        for (size_t k = 0; k < b->blocked_by_count; k++) {
            const struct issue *by = strmap_get(&e->blockers, b->blocked_by[k]);
            buf_addf(out, "    ← blocked by %s: %s [%s]\n", b->blocked_by[k], by ? by->title : "",
                     by ? by->status : "");
        }
        buf_add_char(out, '\n');
    }
}

static void explain_text(struct bd *bd, const struct explanation *e) {
    struct buf out = BUF_INIT;
    buf_add_char(&out, '\n');
    ink_add(&out, bd->color, INK_ACCENT, "📊");
    buf_add_str(&out, " Ready Work Explanation\n\n");
    ready_text(bd, &out, e);
    blocked_text(bd, &out, e);
    if (e->cycle_count) {
        ink_add(&out, bd->color, INK_FAIL, "⚠");
        buf_addf(&out, " Cycles detected (%zu):\n\n", e->cycle_count);
        for (size_t i = 0; i < e->cycle_count; i++) {
            buf_add_str(&out, "  ");
            text_add_joined(&out, e->cycles[i].ids, e->cycles[i].count, " → ");
            buf_addf(&out, " → %s\n", e->cycles[i].ids[0]);
        }
        buf_add_char(&out, '\n');
    }
    ink_add(&out, bd->color, INK_MUTED, "─");
    buf_addf(&out, " Summary: %zu ready, %zu blocked", e->ready.count, e->blocked_count);
    if (e->cycle_count)
        buf_addf(&out, ", %zu cycle(s)", e->cycle_count);
    buf_add_str(&out, "\n\n");
    view_print(bd, &out);
}

int ready_explain(struct bd *bd, struct tables_txn *x) {
    struct explanation e = {.blockers = STRMAP_INIT};
    struct err err = ERR_INIT;
    int rc = load(bd, x, &e, &err);
    if (rc == BD_OK && bd->json)
        explain_json(bd, &e);
    else if (rc == BD_OK)
        explain_text(bd, &e);
    strmap_release(&e.blockers);
    return rc == BD_OK ? 0 : cmd_fail_json_stdout(bd, "%s", err.msg);
}
