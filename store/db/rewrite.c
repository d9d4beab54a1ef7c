/*
 * A rewrite is computed on a snapshot, without any lock, and published if nobody was faster; else once
 * more under the lock, where only what is new has to be read and made.
 */
#include "store/db/rewrite.h"

#include "base/datetime.h"
#include "store/db/embedded.h"
#include "store/db/history_graph.h"
#include "store/db/log.h"
#include "store/db/merge_base.h"

#include <stdlib.h>
#include <string.h>

#define REWRITE_LOCK_WAIT_MS 30000

struct head {
    const char *dataset, *branch; /* in the attempt's arena */
    struct hash commit;
    uint32_t at;
};

struct rewriting {
    struct embedded *e;
    const struct history_rewrite *request;
    struct node_store *ns;
    struct history_graph graph;
    uint64_t now_millis;
    bool really; /* else it is a plan: no commit is made, changed ones get made-up addresses */
    bool again;  /* not the first attempt */
    /* one attempt */
    struct arena arena;
    struct hash store_root;
    struct tree datasets;
    struct head *heads; /* the connection's branch first */
    size_t head_count, head_capacity;
    uint32_t first;
};

/* ---- what is to be rewritten ---- */

static bool has_prefix(struct bytes name, const char *prefix) {
    size_t n = strlen(prefix);
    return name.size > n && memcmp(name.data, prefix, n) == 0;
}

static void add_head(struct rewriting *w, const char *branch, const struct hash *commit) {
    MEM_GROW(w->heads, w->head_capacity, w->head_count + 1);
    w->heads[w->head_count++] =
        (struct head){arena_printf(&w->arena, "refs/heads/%s", branch), branch, *commit, GRAPH_NONE};
}

static int other_head(void *ctx, struct bytes dataset, const struct hash *address) {
    struct rewriting *w = ctx;
    static const char prefix[] = "refs/heads/";
    size_t n = sizeof prefix - 1;
    if (!has_prefix(dataset, prefix))
        return BD_OK;
    const char *branch = arena_strndup(&w->arena, (const char *)dataset.data + n, dataset.size - n);
    if (strcmp(branch, w->e->branch) != 0)
        add_head(w, branch, address);
    return BD_OK;
}

/* A branch in the middle of a merge or rebase remembers commits that the rewrite would replace. */
static int check_branch(struct rewriting *w, const char *branch, struct err *err) {
    struct hash h;
    int rc =
        store_root_get(&w->datasets, arena_printf(&w->arena, "workingSets/heads/%s", branch), &h, err);
    if (rc == BD_NOT_FOUND) {
        err_clear(err);
        return BD_OK;
    }
    struct working_set ws;
    if (rc == BD_OK)
        rc = working_set_read(w->ns, &h, &w->arena, &ws, err);
    if (rc == BD_OK && (ws.merge.active || ws.rebase.active))
        rc = err_set(err, BD_CONFLICT, "branch %s is in the middle of a %s; finish or abort it first",
                     branch, ws.merge.active ? "merge" : "rebase");
    return rc;
}

static int find_heads(struct rewriting *w, struct err *err) {
    struct hash h;
    w->head_count = 0;
    int rc =
        store_root_get(&w->datasets, arena_printf(&w->arena, "refs/heads/%s", w->e->branch), &h, err);
    if (rc == BD_NOT_FOUND)
        return err_set(err, BD_NOT_FOUND, "branch not found: %s", w->e->branch);
    if (rc)
        return rc;
    add_head(w, w->e->branch, &h);
    if (w->request->all_branches)
        rc = store_root_each(&w->datasets, other_head, w, err);
    for (size_t i = 0; rc == BD_OK && i < w->head_count; i++)
        rc = check_branch(w, w->heads[i].branch, err);
    for (size_t i = 0; rc == BD_OK && i < w->head_count; i++)
        rc = history_graph_load(&w->graph, &w->heads[i].commit, &w->heads[i].at, err);
    return rc;
}

/* The newest commits stay; of the other branches those that the first one does not have. */
static int keep_newest(struct rewriting *w, struct err *err) {
    int rc = BD_OK;
    history_graph_reach(&w->graph, w->heads[0].at, false); /* marks them */
    for (size_t i = 0; rc == BD_OK && w->request->keep_newest && i < w->head_count; i++) {
        struct commit_walk *walk = commit_walk_new(w->ns);
        struct commit c;
        rc = commit_walk_start(walk, &w->heads[i].commit, err);
        for (uint64_t n = 0; rc == BD_OK && n < w->request->keep_newest; n++) {
            rc = commit_walk_next(walk, &c, err);
            uint32_t at = rc == BD_OK ? history_graph_find(&w->graph, &c.hash) : GRAPH_NONE;
            if (at != GRAPH_NONE && (i == 0 || w->graph.list[at].mark != w->graph.mark))
                w->graph.list[at].keep = true;
        }
        commit_walk_free(walk);
        if (rc == BD_DONE)
            rc = BD_OK;
    }
    return rc;
}

struct places {
    uint32_t *list;
    size_t count, capacity;
};

static void add_place(struct places *p, uint32_t at) {
    MEM_GROW(p->list, p->capacity, p->count + 1);
    p->list[p->count++] = at;
}

static int64_t day_of(int64_t millis) {
    int64_t day = INT64_C(86400000);
    return millis / day - (millis % day < 0);
}

/* The newest old commits of each day. */
static void find_days(struct rewriting *w, uint32_t head, struct places *also) {
    const struct history_graph *g = &w->graph;
    int64_t day = INT64_MIN;
    uint64_t left = 0;
    for (uint32_t at = head;; at = g->list[at].parents[0]) {
        const struct graph_commit *c = &g->list[at];
        if (!c->keep && day_of(c->author_millis) != day) {
            day = day_of(c->author_millis);
            left = w->request->keep_per_day;
        }
        if (!c->keep && left) {
            left--;
            add_place(also, at);
        }
        if (!c->parent_count)
            break;
    }
}

/* Commits where the other branches left this one: with snapshots of them the branches still merge. */
static int find_bases(struct rewriting *w, struct places *also, struct err *err) {
    int rc = BD_OK;
    for (size_t i = 1; rc == BD_OK && i < w->head_count; i++) {
        struct hash base;
        rc = merge_base(w->ns, &w->heads[0].commit, &w->heads[i].commit, &base, err);
        if (rc == BD_OK) {
            uint32_t at = history_graph_find(&w->graph, &base);
            if (at != GRAPH_NONE)
                add_place(also, at);
        } else if (rc == BD_NOT_FOUND) {
            err_clear(err);
            rc = BD_OK;
        }
    }
    return rc;
}

static int64_t floor_millis(int64_t micros) {
    if (micros == INT64_MAX)
        return INT64_MAX;
    return micros / 1000 - (micros % 1000 < 0);
}

static int decide(struct rewriting *w, struct err *err) {
    struct history_graph *g = &w->graph;
    uint32_t *heads = arena_alloc(&w->arena, w->head_count * sizeof *heads);
    struct places also = {NULL, 0, 0};
    for (size_t i = 0; i < w->head_count; i++)
        heads[i] = w->heads[i].at;
    history_graph_sort(g, heads, w->head_count);
    w->first = history_graph_first(g, heads[0]);
    int rc = w->again ? BD_OK : keep_newest(w, err);
    if (rc == BD_OK)
        rc = find_bases(w, &also, err);
    if (rc == BD_OK) {
        history_graph_classify(g, w->first, floor_millis(w->request->keep_since), w->again);
        for (size_t i = 0; w->request->keep_per_day && i < w->head_count; i++)
            find_days(w, heads[i], &also);
        history_graph_connect(g, w->first, heads, w->head_count, also.list, also.count);
    }
    free(also.list);
    return rc;
}

/* ---- the new commits ---- */

static const char *snapshot_message(struct rewriting *w, uint64_t old) {
    const struct history_rewrite *r = w->request;
    if (!r->message_tail)
        return r->message;
    return arena_printf(&w->arena, "%s%llu%s", r->message, (unsigned long long)old, r->message_tail);
}

/* The commit that stands for `c` on its live parents, which are mapped already. */
static int map_one(struct rewriting *w, struct graph_commit *c, const char *message, struct arena *a,
                   struct err *err) {
    const struct history_rewrite *r = w->request;
    struct hash *parents = arena_alloc(a, (c->live_count + 1) * sizeof *parents);
    bool same = !c->snapshot;
    for (uint32_t i = 0; i < c->live_count; i++) {
        const struct graph_commit *p = &w->graph.list[c->live[i]];
        parents[i] = p->mapped;
        same = same && hash_eq(&p->mapped, &p->hash);
    }
    c->mapped = c->hash;
    if (same)
        return BD_OK;
    if (!w->really) {
        c->mapped.b[0] ^= 0xff;
        return BD_OK;
    }
    struct commit made;
    int rc = BD_OK;
    if (c->snapshot) {
        made = (struct commit){
            .root = c->root,
            .author = r->author.name ? r->author.name : "root",
            .email = r->author.name ? r->author.email : "root@%",
            .message = message,
            .committer_millis = w->now_millis,
            .author_millis = c->author_millis, /* the content is of then; a later run finds it old */
        };
    } else {
        rc = commit_read(w->ns, &c->hash, a, &made, err);
        made.signature = NULL; /* it vouched for the old parents */
    }
    made.parents = parents;
    made.parent_count = c->live_count;
    if (rc == BD_OK)
        rc = commit_link(w->ns, &made, err);
    if (rc == BD_OK)
        rc = commit_write(w->ns, &made, err);
    c->mapped = made.hash;
    return rc;
}

static bool stays(const struct graph_commit *c) { return c->keep || c->edge; }

/* What was mapped in an earlier attempt holds while all it stands on holds. */
static bool is_mapped(const struct history_graph *g, const struct graph_commit *c,
                      const struct hash *before) {
    if (hash_is_zero(&c->mapped) || c->edge)
        return false;
    for (uint32_t i = 0; i < c->live_count; i++)
        if (!hash_eq(&g->list[c->live[i]].mapped, &before[c->live[i]]))
            return false;
    return true;
}

static int map_all(struct rewriting *w, uint64_t old, struct err *err) {
    struct history_graph *g = &w->graph;
    struct arena a = ARENA_INIT;
    const char *message = snapshot_message(w, old);
    struct hash *before =
        mem_zalloc(g->count + 1, sizeof *before); /* how the last attempt mapped them */
    for (size_t i = 0; i < g->count; i++)
        before[i] = g->list[i].mapped;
    int rc = BD_OK;
    for (size_t i = 0; rc == BD_OK && i < g->order_count; i++) {
        struct graph_commit *c = &g->list[g->order[i]];
        if (!stays(c))
            c->mapped = HASH_ZERO;
        else if (!is_mapped(g, c, before))
            rc = map_one(w, c, message, &a, err);
        arena_reset(&a);
    }
    free(before);
    arena_release(&a);
    return rc;
}

/* ---- verification ---- */

static int fresh_schema(void *ctx, const struct hash *h, const struct table_schema **out,
                        struct err *err) {
    struct table *t = ctx;
    struct table_schema *ts = arena_zalloc(t->arena, sizeof *ts);
    *out = ts;
    return table_schema_read(t->ns, h, t->arena, ts, err);
}

/* Rows of a table as read from the store. */
static int count_rows(const struct root_value *rv, const char *name, struct hash *address,
                      uint64_t *rows, struct arena *a, struct err *err) {
    struct table t;
    *rows = 0;
    *address = HASH_ZERO;
    if (!root_value_has(rv, name))
        return BD_OK;
    int rc = root_value_table(rv, name, a, NULL, address, err);
    if (rc == BD_OK)
        rc = table_open(&t, rv->ns, name, address, fresh_schema, &t, a, err);
    return rc == BD_OK ? edit_map_count(&t.rows, rows, err) : rc;
}

static int compare_tables(const struct root_value *before, const struct root_value *after,
                          const char **names, size_t count, struct arena *a, struct err *err) {
    int rc = BD_OK;
    for (size_t i = 0; rc == BD_OK && i < count; i++) {
        struct hash old_table, new_table;
        uint64_t old_rows, new_rows;
        rc = count_rows(before, names[i], &old_table, &old_rows, a, err);
        if (rc == BD_OK)
            rc = count_rows(after, names[i], &new_table, &new_rows, a, err);
        if (rc == BD_OK && (old_rows != new_rows || !hash_eq(&old_table, &new_table)))
            rc = err_set(err, BD_CORRUPT,
                         "table %s differs after the rewrite: %llu rows before, %llu after", names[i],
                         (unsigned long long)old_rows, (unsigned long long)new_rows);
    }
    return rc;
}

int history_compare_roots(struct node_store *ns, const struct hash *before, const struct hash *after,
                          struct err *err) {
    struct arena a = ARENA_INIT;
    struct root_value old_root, new_root;
    const char **names;
    size_t count;
    int rc = root_value_read(&old_root, ns, before, err);
    if (rc == BD_OK)
        rc = root_value_read(&new_root, ns, after, err);
    if (rc == BD_OK)
        rc = root_value_names(&old_root, &a, &names, &count, err);
    if (rc == BD_OK)
        rc = compare_tables(&old_root, &new_root, names, count, &a, err);
    if (rc == BD_OK)
        rc = root_value_names(&new_root, &a, &names, &count, err);
    if (rc == BD_OK)
        rc = compare_tables(&old_root, &new_root, names, count, &a, err);
    if (rc == BD_OK && !hash_eq(before, after))
        rc = err_set(err, BD_CORRUPT, "the database differs after the rewrite, though no table does");
    arena_release(&a);
    return rc;
}

/* A new head as read back: content, number of ancestors. */
static int verify_head(struct rewriting *w, const struct head *h, struct err *err) {
    const struct graph_commit *c = &w->graph.list[h->at];
    struct commit made;
    struct tree closure;
    int rc = commit_read(w->ns, &c->mapped, &w->arena, &made, err);
    if (rc == BD_OK)
        rc = history_compare_roots(w->ns, &c->root, &made.root, err);
    uint64_t ancestors = history_graph_reach(&w->graph, h->at, true) - 1, listed = 0;
    if (rc == BD_OK && !hash_is_zero(&made.closure)) {
        rc = tree_open(&closure, w->ns, &tree_type_closure, &made.closure, err);
        listed = rc == BD_OK ? tree_count(&closure) : 0;
    }
    if (rc == BD_OK && listed != ancestors)
        rc = err_set(err, BD_CORRUPT, "branch %s: the new head lists %llu ancestors and has %llu",
                     h->branch, (unsigned long long)listed, (unsigned long long)ancestors);
    return rc;
}

static bool is_rewritten(const struct rewriting *w, const struct head *h) {
    return !hash_eq(&w->graph.list[h->at].mapped, &h->commit);
}

/* ---- who still holds the old commits ---- */

struct holders {
    struct rewriting *w;
    struct arena *a;
    const char **list;
    size_t count, capacity;
    struct err *err;
};

/* Does anything that the rewrite replaced lie at or behind this commit? */
static int holds_old(struct rewriting *w, const struct hash *h, bool *yes, struct err *err) {
    struct history_graph *g = &w->graph;
    struct strmap seen = STRMAP_INIT;
    size_t depth = 0, capacity = 64, reads = 0;
    struct hash *stack = mem_zalloc(capacity, sizeof *stack);
    struct arena a = ARENA_INIT;
    int rc = BD_OK;
    stack[depth++] = *h;
    for (*yes = false; rc == BD_OK && depth && !*yes;) {
        struct hash at = stack[--depth];
        uint32_t known = history_graph_find(g, &at);
        if (known != GRAPH_NONE) {
            *yes = !hash_eq(&g->list[known].mapped, &at);
            continue; /* behind a commit that stays as it is all do */
        }
        if (strmap_put_n(&seen, (const char *)at.b, HASH_SIZE, g))
            continue;
        struct commit c;
        rc = commit_read(w->ns, &at, &a, &c, err);
        if (rc == BD_NOT_FOUND) { /* left out by a shallow clone */
            err_clear(err);
            rc = BD_OK;
            continue;
        }
        for (size_t i = 0; rc == BD_OK && i < c.parent_count; i++) {
            MEM_GROW(stack, capacity, depth + 1);
            stack[depth++] = c.parents[i];
        }
        if (++reads % 512 == 0)
            arena_reset(&a);
    }
    free(stack);
    strmap_release(&seen);
    arena_release(&a);
    return rc;
}

static bool is_own_head(const struct rewriting *w, struct bytes dataset) {
    for (size_t i = 0; i < w->head_count; i++)
        if (strlen(w->heads[i].dataset) == dataset.size &&
            memcmp(w->heads[i].dataset, dataset.data, dataset.size) == 0)
            return true;
    return false;
}

static int look_at_ref(void *ctx, struct bytes dataset, const struct hash *address) {
    struct holders *k = ctx;
    struct hash commit = *address;
    bool yes = has_prefix(dataset, "refs/stashes/"); /* a stash names the commit it was made on */
    int rc = BD_OK;
    if (!has_prefix(dataset, "refs/") || has_prefix(dataset, "refs/statistics/") ||
        has_prefix(dataset, "refs/tuples/") || is_own_head(k->w, dataset))
        return BD_OK;
    if (has_prefix(dataset, "refs/tags/")) {
        struct tag tag;
        rc = tag_read(k->w->ns, address, &k->w->arena, &tag, k->err);
        if (rc == BD_OK)
            commit = tag.commit;
    }
    if (rc == BD_OK && !yes)
        rc = holds_old(k->w, &commit, &yes, k->err);
    if (rc == BD_OK && yes) {
        MEM_GROW(k->list, k->capacity, k->count + 1);
        k->list[k->count++] = arena_strndup(k->a, (const char *)dataset.data, dataset.size);
    }
    return rc;
}

static int find_holders(struct rewriting *w, struct arena *a, struct history_summary *out,
                        struct err *err) {
    struct holders k = {w, a, NULL, 0, 0, err};
    int rc = store_root_each(&w->datasets, look_at_ref, &k, err);
    out->holder_count = k.count;
    out->holders = arena_dup(a, k.list ? (void *)k.list : (void *)"", k.count * sizeof *k.list);
    free(k.list);
    return rc;
}

/* ---- attempts ---- */

static void count_old(struct rewriting *w, struct history_summary *out) {
    struct history_graph *g = &w->graph;
    out->commits = history_graph_reach(g, w->heads[0].at, false); /* marks them */
    for (size_t i = 0; i < g->order_count; i++) {
        const struct graph_commit *c = &g->list[g->order[i]];
        if (c->mark != g->mark || c->keep)
            continue;
        out->old++;
        out->boundary = c->hash; /* in the end that of the highest */
    }
    out->first = g->list[w->first].hash;
    out->old_head = w->heads[0].commit;
}

static int publish(struct rewriting *w, struct err *err) {
    struct store_root_edit *edits = arena_alloc(&w->arena, w->head_count * sizeof *edits);
    size_t n = 0;
    for (size_t i = 0; i < w->head_count; i++)
        if (is_rewritten(w, &w->heads[i]))
            edits[n++] =
                (struct store_root_edit){w->heads[i].dataset, w->graph.list[w->heads[i].at].mapped};
    struct hash root;
    struct chunk_write *chunks;
    size_t count;
    int rc = store_root_edit(&w->datasets, edits, n, &root, err);
    if (rc == BD_OK)
        rc = node_store_collect(w->ns, &root, &w->arena, &chunks, &count, err);
    return rc ? rc : chunk_store_commit(w->e->cs, &w->store_root, chunks, count, &root, err);
}

static int attempt(struct rewriting *w, struct arena *a, struct history_summary *out, struct err *err) {
    memset(out, 0, sizeof *out);
    arena_reset(&w->arena);
    w->store_root = chunk_store_root(w->e->cs);
    int rc = store_root_open(&w->datasets, w->ns, &w->store_root, err);
    if (rc == BD_OK)
        rc = find_heads(w, err);
    if (rc == BD_OK)
        rc = decide(w, err);
    if (rc)
        return rc;
    count_old(w, out);
    rc = map_all(w, out->old, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < w->head_count; i++)
        out->heads += is_rewritten(w, &w->heads[i]);
    out->changed = out->heads > 0;
    out->head = w->really ? w->graph.list[w->heads[0].at].mapped : out->old_head;
    out->gone = out->commits - history_graph_reach(&w->graph, w->heads[0].at, true);
    if (!out->changed)
        return BD_OK;
    rc = find_holders(w, a, out, err);
    for (size_t i = 0; rc == BD_OK && w->really && i < w->head_count; i++)
        if (is_rewritten(w, &w->heads[i]))
            rc = verify_head(w, &w->heads[i], err);
    return rc == BD_OK && w->really ? publish(w, err) : rc;
}

static int run(struct tables *t, const struct history_rewrite *r, bool really, struct arena *a,
               struct history_summary *out, struct err *err) {
    memset(out, 0, sizeof *out);
    if (t->driver != &embedded_driver)
        return err_set(err, BD_UNSUPPORTED, "history can be rewritten in an embedded database only");
    struct embedded *e = embedded_of(t);
    if (really && e->read_only)
        return err_set(err, BD_READ_ONLY, "%s is open read-only", e->dir);
    int rc = embedded_refresh(e, err);
    if (rc)
        return rc;
    struct rewriting w = {
        .e = e,
        .request = r,
        .ns = node_store_new(e->cs),
        .now_millis = (uint64_t)(datetime_now() / 1000),
        .really = really,
    };
    history_graph_init(&w.graph, w.ns);
    rc = attempt(&w, a, out, err);
    if (rc == BD_ROOT_MOVED) {
        err_clear(err);
        w.again = true;
        rc = chunk_store_lock(e->cs, REWRITE_LOCK_WAIT_MS, err);
        if (rc == BD_OK) {
            rc = attempt(&w, a, out, err);
            chunk_store_unlock(e->cs);
        }
    }
    history_graph_release(&w.graph);
    arena_release(&w.arena);
    free(w.heads);
    node_store_free(w.ns);
    return rc;
}

int history_plan(struct tables *t, const struct history_rewrite *r, struct arena *a,
                 struct history_summary *out, struct err *err) {
    return run(t, r, false, a, out, err);
}

int history_rewrite(struct tables *t, const struct history_rewrite *r, struct arena *a,
                    struct history_summary *out, struct err *err) {
    return run(t, r, true, a, out, err);
}
