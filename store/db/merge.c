/*
 * Merging root values table by table, and the merge of branches.
 */
#include "store/db/merge.h"

#include "base/datetime.h"
#include "store/db/branches.h"
#include "store/db/merge_base.h"
#include "store/db/stage.h"

#include <stdlib.h>
#include <string.h>

void merge_release(struct merge *m) {
    embedded_txn_release(&m->ours);
    embedded_txn_release(&m->theirs);
    embedded_txn_release(&m->base);
    free(m->reports);
    m->reports = NULL;
}

static int address_in(const struct root_value *rv, const char *table, struct hash *out,
                      struct err *err) {
    *out = HASH_ZERO;
    struct bytes key = {(const uint8_t *)table, strlen(table)}, v;
    int rc = tree_get(&rv->tables, key, &v, err);
    if (rc == BD_NOT_FOUND)
        return BD_OK;
    if (rc == BD_OK && v.size == HASH_SIZE)
        memcpy(out->b, v.data, HASH_SIZE);
    return rc;
}

static void schema_conflict(struct merge *m, const char *table, const char *why) {
    merge_report_for(m, table)->schema_conflict = why;
    m->schema_conflicts++;
}

struct table_case {
    const char *table;
    struct hash base, ours, theirs;
};

/* What can be settled by addresses alone. *take: put their address in; *merge: rows must be looked at.
 */
static int settle_by_address(struct merge *m, const struct table_case *c, bool *take, bool *merge) {
    *take = *merge = false;
    bool o = !hash_is_zero(&c->ours), t = !hash_is_zero(&c->theirs);
    if (hash_eq(&c->theirs, &c->base))
        return BD_OK;
    if (hash_eq(&c->ours, &c->theirs)) {
        struct table *table;
        if (!o)
            return BD_OK;
        /* the same rows put into a keyless table twice are a conflict, not one row */
        int rc = embedded_table(&m->ours, c->table, &table, m->err);
        *merge = rc == BD_OK && table->ts->schema.keyless;
        return rc;
    }
    if (hash_eq(&c->ours, &c->base)) {
        *take = true;
        return BD_OK;
    }
    if (o && t) {
        *merge = true;
        return BD_OK;
    }
    schema_conflict(m, c->table, "the table was changed on one side and deleted on the other");
    return BD_OK;
}

static int merge_table(struct merge *m, const struct table_case *c) {
    struct table *ours, *theirs, *base = NULL;
    int rc = embedded_table(&m->ours, c->table, &ours, m->err);
    if (rc == BD_OK)
        rc = embedded_table(&m->theirs, c->table, &theirs, m->err);
    if (rc == BD_OK && !hash_is_zero(&c->base))
        rc = embedded_table(&m->base, c->table, &base, m->err);
    if (rc)
        return rc;
    if (!base && !hash_eq(&ours->ts->hash, &theirs->ts->hash))
        return err_set(
            m->err, BD_CONFLICT,
            "table %s was added in both branches with different schemas and cannot be merged",
            c->table);
    struct merge_sides s = {.ours = ours, .theirs = theirs, .base = base};
    const char *why = NULL;
    rc = merge_schemas(m, ours, theirs, base, &s, &why);
    if (rc == BD_OK && why) {
        schema_conflict(m, c->table, why);
        return BD_OK;
    }
    return rc ? rc : merge_rows(m, &s);
}

static int collect_cases(struct merge *m, struct table_case **out, size_t *count) {
    struct strmap names = STRMAP_INIT;
    const struct root_value *roots[3] = {&m->ours.root, &m->theirs.root, &m->base.root};
    size_t n = 0, capacity = 0;
    struct table_case *list = NULL;
    int rc = BD_OK;
    for (int r = 0; rc == BD_OK && r < 3; r++) {
        const char **have;
        size_t k;
        rc = root_value_names(roots[r], m->a, &have, &k, m->err);
        for (size_t i = 0; rc == BD_OK && i < k; i++) {
            if (strmap_has(&names, have[i]))
                continue;
            strmap_put(&names, have[i], (void *)m);
            MEM_GROW(list, capacity, n + 1);
            struct table_case *c = &list[n++];
            c->table = have[i];
            rc = address_in(&m->ours.root, have[i], &c->ours, m->err);
            if (rc == BD_OK)
                rc = address_in(&m->theirs.root, have[i], &c->theirs, m->err);
            if (rc == BD_OK)
                rc = address_in(&m->base.root, have[i], &c->base, m->err);
        }
    }
    strmap_release(&names);
    *out = list;
    *count = n;
    return rc;
}

int merge_roots(struct merge *m, const struct hash *base, const struct hash *ours,
                const struct hash *theirs, struct hash *root) {
    embedded_txn_init(&m->ours, m->e, m->ns);
    embedded_txn_init(&m->theirs, m->e, m->ns);
    embedded_txn_init(&m->base, m->e, m->ns);
    m->ours.writing = true;
    m->ours.head_root = *ours;
    int rc = root_value_read(&m->ours.root, m->ns, ours, m->err);
    if (rc == BD_OK)
        rc = root_value_read(&m->theirs.root, m->ns, theirs, m->err);
    if (rc == BD_OK)
        rc = root_value_read(&m->base.root, m->ns, base, m->err);
    if (rc)
        return rc;
    uint16_t oc = m->ours.root.collation, tc = m->theirs.root.collation, bc = m->base.root.collation;
    if (oc != tc && oc != bc && tc != bc)
        return err_set(m->err, BD_CONFLICT, "both branches changed the collation of the database");
    if (oc == bc)
        m->ours.root.collation = tc;
    struct table_case *cases = NULL;
    size_t count = 0, edit_count = 0;
    rc = collect_cases(m, &cases, &count);
    struct root_value_edit *edits = arena_alloc(m->a, (count + 1) * sizeof *edits);
    bool *merge = arena_zalloc(m->a, count + 1);
    for (size_t i = 0; rc == BD_OK && i < count; i++) {
        bool take;
        rc = settle_by_address(m, &cases[i], &take, &merge[i]);
        if (take)
            edits[edit_count++] = (struct root_value_edit){cases[i].table, cases[i].theirs};
    }
    if (rc == BD_OK)
        rc = root_value_edit(&m->ours.root, edits, edit_count, m->err);
    for (size_t i = 0; rc == BD_OK && i < count; i++)
        if (merge[i])
            rc = merge_table(m, &cases[i]);
    free(cases);
    if (rc == BD_OK)
        rc = merge_foreign_keys(m);
    if (rc == BD_OK)
        rc = embedded_flush(&m->ours, m->err);
    if (rc == BD_OK)
        rc = merge_check_keys(m);
    if (rc == BD_OK)
        rc = embedded_flush(&m->ours, m->err);
    if (rc == BD_OK)
        rc = root_value_write(&m->ours.root, m->err);
    *root = m->ours.root.hash;
    return rc;
}

/* ---- merging a branch ---- */

struct merge_request {
    struct embedded *e;
    const char *branch;
    const struct tables_write *w;
    tables_resolve_fn resolve;
    void *resolve_ctx;
    struct arena *a; /* the caller's */
    struct tables_merge_result *out;
};

/* Tables that differ from HEAD in the working root; refuses those that the merge changes too. */
static int local_changes(struct ref_change *c, const struct root_value *head,
                         const struct root_value *working, const struct root_value *theirs,
                         struct strmap *local, struct err *err) {
    struct root_value_change *mine, *incoming;
    size_t mine_count, incoming_count;
    int rc = root_value_changes(head, working, &c->arena, &mine, &mine_count, err);
    if (rc == BD_OK)
        rc = root_value_changes(head, theirs, &c->arena, &incoming, &incoming_count, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < mine_count; i++)
        strmap_put(local, mine[i].table, &mine[i]);
    for (size_t i = 0; i < incoming_count; i++)
        if (strmap_has(local, incoming[i].table))
            return err_set(
                err, BD_CONFLICT,
                "uncommitted changes of table %s would be lost by the merge; commit them first",
                incoming[i].table);
    return BD_OK;
}

static void tell_conflicts(struct merge_request *q, const struct merge *m) {
    struct tables_merge_result *out = q->out;
    out->conflicts = m->conflicts + m->violations + m->schema_conflicts;
    const char **names = arena_alloc(q->a, (m->report_count + 1) * sizeof *names);
    for (size_t i = 0; i < m->report_count; i++)
        names[i] = arena_strdup(q->a, m->reports[i].table);
    out->conflict_tables = names;
    out->conflict_table_count = m->report_count;
}

static int merge_commits(struct ref_change *c, struct merge_request *q, const struct commit *ours,
                         const struct commit *theirs, const struct hash *base_hash, struct hash *root,
                         struct hash *commit, bool *done, struct err *err) {
    struct commit base;
    int rc = commit_read(c->ns, base_hash, &c->arena, &base, err);
    if (rc)
        return rc;
    struct merge m = {.e = q->e,
                      .ns = c->ns,
                      .base_commit = *base_hash,
                      .their_commit = theirs->hash,
                      .resolve = q->resolve,
                      .resolve_ctx = q->resolve_ctx,
                      .a = &c->arena,
                      .err = err};
    rc = merge_roots(&m, &base.root, &ours->root, &theirs->root, root);
    *done = rc == BD_OK && !m.conflicts && !m.violations && !m.schema_conflicts;
    if (rc == BD_OK && !*done)
        tell_conflicts(q, &m);
    merge_release(&m);
    if (rc || !*done)
        return rc;
    int64_t now = datetime_now();
    struct hash parents[2] = {ours->hash, theirs->hash};
    const struct tables_write *w = q->w;
    struct commit made = {
        .root = *root,
        .parents = parents,
        .parent_count = 2,
        .author = w && w->author.name ? w->author.name : "root",
        .email = w && w->author.name ? w->author.email : "root@%",
        .message = w && w->message
                       ? w->message
                       : arena_printf(&c->arena, "Merge branch '%s' into %s", q->branch, q->e->branch),
        .committer_millis = (uint64_t)(now / 1000),
        .author_millis = (w && w->author_time_micros ? w->author_time_micros : now) / 1000,
    };
    rc = commit_create(c->ns, &made, err);
    *commit = made.hash;
    return rc;
}

/* The merged root with the local tables over it. */
static int carry_local(struct ref_change *c, struct embedded *e, const struct root_value *head,
                       const struct root_value *working, const struct hash *merged,
                       const struct strmap *local, struct hash *out, struct err *err) {
    struct embedded_txn x;
    struct root_value next;
    embedded_txn_init(&x, e, c->ns);
    int rc = root_value_read(&next, c->ns, merged, err);
    if (rc == BD_OK)
        rc = stage_tables(&x, head, &next, working, local, true, err);
    if (rc == BD_OK)
        rc = root_value_write(&next, err);
    *out = next.hash;
    embedded_txn_release(&x);
    return rc;
}

static int merge_once(struct ref_change *c, void *ctx, struct err *err) {
    struct merge_request *q = ctx;
    struct embedded *e = q->e;
    struct arena *a = &c->arena;
    memset(q->out, 0, sizeof *q->out);
    const char *head_name = arena_printf(a, "refs/heads/%s", e->branch);
    const char *ws_name = arena_printf(a, "workingSets/heads/%s", e->branch);
    struct hash ours_hash, theirs_hash, base_hash, h;
    struct commit ours, theirs;
    int rc = store_root_get(&c->datasets, head_name, &ours_hash, err);
    if (rc == BD_NOT_FOUND)
        return err_set(err, BD_NOT_FOUND, "branch not found: %s", e->branch);
    if (rc == BD_OK)
        rc = ref_resolve(c->ns, &c->datasets, e->branch, q->branch, &theirs_hash, err);
    if (rc == BD_OK)
        rc = commit_read(c->ns, &ours_hash, a, &ours, err);
    if (rc == BD_OK)
        rc = commit_read(c->ns, &theirs_hash, a, &theirs, err);
    if (rc == BD_OK)
        rc = merge_base(c->ns, &ours_hash, &theirs_hash, &base_hash, err);
    if (rc)
        return rc;
    if (hash_eq(&base_hash, &theirs_hash)) {
        q->out->up_to_date = true;
        return BD_OK;
    }
    struct working_set ws = {.working = ours.root, .staged = ours.root};
    rc = store_root_get(&c->datasets, ws_name, &h, err);
    if (rc == BD_OK)
        rc = working_set_read(c->ns, &h, a, &ws, err);
    else if (rc == BD_NOT_FOUND)
        rc = BD_OK;
    if (rc == BD_OK && ws.merge.active)
        return err_set(err, BD_CONFLICT, "a merge is under way on branch %s: finish or abort it first",
                       e->branch);
    struct root_value head, working, incoming;
    struct strmap local = STRMAP_INIT;
    if (rc == BD_OK)
        rc = root_value_read(&head, c->ns, &ours.root, err);
    if (rc == BD_OK)
        rc = root_value_read(&working, c->ns, &ws.working, err);
    if (rc == BD_OK)
        rc = root_value_read(&incoming, c->ns, &theirs.root, err);
    if (rc == BD_OK)
        rc = local_changes(c, &head, &working, &incoming, &local, err);
    struct hash root = theirs.root, commit = theirs_hash;
    bool done = true;
    q->out->fast_forward = hash_eq(&base_hash, &ours_hash);
    if (rc == BD_OK && !q->out->fast_forward)
        rc = merge_commits(c, q, &ours, &theirs, &base_hash, &root, &commit, &done, err);
    if (rc == BD_OK && done) {
        rc = carry_local(c, e, &head, &working, &root, &local, &ws.working, err);
        ws.staged = root;
        ws.name = e->session_name;
        ws.email = e->session_email;
        ws.description = "sql transaction";
        ws.timestamp = (uint64_t)(datetime_now() / MICROS_PER_SECOND);
        if (rc == BD_OK)
            rc = working_set_write(c->ns, &ws, err);
        c->edits[0] = (struct store_root_edit){head_name, commit};
        c->edits[1] = (struct store_root_edit){ws_name, ws.hash};
        c->edit_count = 2;
        q->out->commit = commit;
    }
    strmap_release(&local);
    return rc;
}

int embedded_merge(struct tables *t, const char *branch, const struct tables_write *w,
                   tables_resolve_fn resolve, void *ctx, struct arena *a,
                   struct tables_merge_result *out, struct err *err) {
    struct merge_request q = {embedded_of(t), branch, w, resolve, ctx, a, out};
    return embedded_change_refs(embedded_of(t), merge_once, &q, err);
}
