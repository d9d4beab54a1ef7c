/*
 * Foreign keys are switched off and every referring column is changed by name: older schemas lack some
 * of the keys, and edges from issues to wisps have none. Edges that point to a renamed issue are made
 * anew, as upstream does it, because a part of their key changes.
 */
#include "bd/ops/id_rename.h"

#include "base/strmap.h"
#include "bd/ops/db_config.h"
#include "bd/ops/dependency_rows.h"
#include "bd/ops/events.h"
#include "bd/ops/issue_rows.h"
#include "bd/ops/resolve.h"
#include "bd/ops/update.h"

#include <ctype.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

/* ---- names in texts ---- */

static bool is_id_char(char c) {
    return isalnum((unsigned char)c) || c == '-' || c == '_' || c == '.' || (c & 0x80);
}

/* The text with the new names, or NULL when it has none of the old ones. */
static const char *with_new_names(const char *text, const struct strmap *names, struct arena *a) {
    struct buf b = BUF_INIT;
    const char *copied = text, *out = NULL;
    for (const char *p = text; p && *p;) {
        size_t n = 0;
        while (is_id_char(p[n]))
            n++;
        size_t word = n;
        while (word && (p[word - 1] == '.' || p[word - 1] == '-')) /* the end of a sentence */
            word--;
        const char *name = word ? strmap_get_n(names, p, word) : NULL;
        if (name) {
            buf_add(&b, copied, (size_t)(p - copied));
            buf_add_str(&b, name);
            copied = p + word;
        }
        p += n ? n : 1;
    }
    if (copied != text) {
        buf_add_str(&b, copied);
        out = arena_strdup(a, buf_str(&b));
    }
    buf_release(&b);
    return out;
}

/* ---- the rows ---- */

struct edge {
    struct dependency row;
    bool in_wisp_table;
};
struct job {
    struct ops *o;
    struct tables_txn *x;
    struct arena a;
    struct strmap names; /* old id → new one */
    struct edge *edges;  /* that point to a renamed issue */
    size_t edge_count, edge_capacity;
    struct err *err;
};

static const char *new_name(const struct job *j, const char *id) {
    const char *name = strmap_get(&j->names, id);
    return name ? name : id;
}

static int keep_edge(void *ctx, const struct dependency *d, bool in_wisp_table) {
    struct job *j = ctx;
    MEM_GROW(j->edges, j->edge_capacity, j->edge_count + 1);
    j->edges[j->edge_count++] = (struct edge){*d, in_wisp_table};
    return BD_OK;
}

static int take_edges_away(struct job *j, const struct id_rename *list, size_t count) {
    const char **ids = arena_alloc(&j->a, (count + 1) * sizeof *ids);
    uint64_t deleted;
    for (size_t i = 0; i < count; i++)
        ids[i] = list[i].from;
    int rc = dependency_scan(j->x, DEPENDENCY_BY_TARGET, ids, count,
                             DEPENDENCY_BOTH | DEPENDENCY_METADATA, &j->a, keep_edge, j, j->err);
    for (size_t i = 0; rc == BD_OK && i < j->edge_count; i++)
        rc = dependency_row_delete(j->x, j->edges[i].row.issue_id, j->edges[i].row.depends_on_id,
                                   j->edges[i].in_wisp_table, &deleted, j->err);
    return rc;
}

static int put_edges_back(struct job *j) {
    int rc = BD_OK;
    for (size_t i = 0; rc == BD_OK && i < j->edge_count; i++) {
        struct dependency d = j->edges[i].row;
        d.id = NULL;
        d.issue_id = new_name(j, d.issue_id);
        d.depends_on_id = new_name(j, d.depends_on_id);
        rc = dependency_row_insert(j->x, &d, j->edges[i].in_wisp_table, j->err);
    }
    return rc;
}

static int set_id(struct job *j, const char *table, const char *column, const struct id_rename *r) {
    struct cell to = cell_text(r->to);
    if (!tables_has_table(j->x, table) || !tables_has_column(j->x, table, column))
        return BD_OK;
    return tables_update(j->x, table, pred_cmp(&j->a, PRED_EQ, column, cell_text(r->from)), &column,
                         &to, 1, NULL, NULL, j->err);
}

static int rename_row(struct job *j, const struct id_rename *r) {
    bool wisp;
    int rc = issue_locate(j->x, r->to, &wisp, j->err);
    if (rc == BD_OK)
        return err_set(j->err, BD_CONFLICT, "issue %s already exists", r->to);
    if (rc == BD_NOT_FOUND)
        rc = issue_locate(j->x, r->from, &wisp, j->err);
    if (rc == BD_NOT_FOUND)
        return err_set(j->err, BD_NOT_FOUND, "issue %s not found", r->from);
    if (rc != BD_OK)
        return rc;
    const struct issue_family *f = &issue_families[wisp];
    static const char *const names[] = {"id", "updated_at"};
    const struct cell cells[] = {cell_text(r->to), issue_time_cell(datetime_now())};
    rc = tables_update(j->x, f->issues, pred_cmp(&j->a, PRED_EQ, "id", cell_text(r->from)), names,
                       cells, 2, NULL, NULL, j->err);
    const struct {
        const char *table, *column;
    } rows[] = {{f->labels, "issue_id"},
                {f->comments, "issue_id"},
                {f->events, "issue_id"},
                {f->dependencies, "issue_id"},
                {f->child_counters, "parent_id"},
                {wisp ? NULL : "issue_snapshots", "issue_id"},
                {wisp ? NULL : "compaction_snapshots", "issue_id"}};
    for (size_t i = 0; rc == BD_OK && i < sizeof rows / sizeof *rows; i++)
        if (rows[i].table)
            rc = set_id(j, rows[i].table, rows[i].column, r);
    if (rc == BD_OK)
        rc = event_add(j->x, wisp,
                       &(struct event){.issue_id = r->to,
                                       .type = "renamed",
                                       .actor = j->o->actor,
                                       .old_value = r->from,
                                       .new_value = r->to,
                                       .created_at = ISSUE_NO_TIME},
                       j->err);
    return rc;
}

/* ---- texts of all issues ---- */

static int rename_texts(struct job *j) {
    static const char *const columns[] = {"title", "description", "design", "acceptance_criteria",
                                          "notes"};
    struct issue_list all = {NULL, 0, 0};
    int rc = issue_scan(j->x, NULL, tables_has_table(j->x, "wisps"), &j->a, &all, j->err);
    for (size_t i = 0; rc == BD_OK && i < all.count; i++) {
        const struct issue *s = &all.items[i];
        const char *texts[] = {s->title, s->description, s->design, s->acceptance_criteria, s->notes};
        const char *names[5];
        struct cell cells[5];
        size_t n = 0;
        for (size_t t = 0; t < 5; t++) {
            const char *text = with_new_names(texts[t], &j->names, &j->a);
            if (!text)
                continue;
            names[n] = columns[t];
            cells[n++] = cell_text(text);
        }
        if (n)
            rc = tables_update(j->x, issue_families[s->is_wisp].issues,
                               pred_cmp(&j->a, PRED_EQ, "id", cell_text(s->id)), names, cells, n, NULL,
                               NULL, j->err);
        if (rc)
            err_prefix(j->err, "the texts of %s", s->id);
    }
    return rc;
}

int issues_rename_in(struct ops *o, struct tables_txn *x, const struct id_rename *list, size_t count,
                     struct err *err) {
    struct job j = {.o = o, .x = x, .a = ARENA_INIT, .err = err};
    for (size_t i = 0; i < count; i++)
        strmap_put(&j.names, list[i].from, (void *)(uintptr_t)list[i].to);
    tables_set_foreign_key_checks(x, false);
    int rc = take_edges_away(&j, list, count);
    for (size_t i = 0; rc == BD_OK && i < count; i++)
        rc = rename_row(&j, &list[i]);
    if (rc == BD_OK)
        rc = put_edges_back(&j);
    if (rc == BD_OK)
        rc = rename_texts(&j);
    free(j.edges);
    strmap_release(&j.names);
    arena_release(&j.a);
    return rc;
}

/* ---- prefixes ---- */

static int by_prefix(const void *x, const void *y) {
    return strcmp(((const struct prefix_count *)x)->prefix, ((const struct prefix_count *)y)->prefix);
}

static int by_old_id(const void *x, const void *y) {
    return issue_id_compare(((const struct id_rename *)x)->from, ((const struct id_rename *)y)->from);
}

static void count_prefixes(const struct issue_list *all, const struct text_list *known, struct arena *a,
                           struct prefix_plan *out) {
    struct strmap counts = STRMAP_INIT;
    for (size_t i = 0; i < all->count; i++) {
        const char *prefix = id_prefix(all->items[i].id, known, a);
        if (*prefix)
            strmap_put(&counts, prefix, (void *)((uintptr_t)strmap_get(&counts, prefix) + 1));
    }
    out->prefixes = arena_alloc(a, (counts.live + 1) * sizeof *out->prefixes);
    for (struct strmap_entry *e = NULL; (e = strmap_next(&counts, e));)
        out->prefixes[out->prefix_count++] =
            (struct prefix_count){arena_strdup(a, e->key), (size_t)(uintptr_t)e->value};
    strmap_release(&counts);
    qsort(out->prefixes, out->prefix_count, sizeof *out->prefixes, by_prefix);
}

/* `prefix-` and eight digits of SHA-256(title|description|actor|nanoseconds|attempt). */
static const char *repaired_id(const char *prefix, const struct issue *i, const char *actor,
                               const struct strmap *taken, struct arena *a) {
    for (int attempt = 0;; attempt++) {
        unsigned char h[SHA256_DIGEST_LENGTH];
        const char *text = arena_printf(
            a, "%s|%s|%s|%lld|%d", i->title, i->description ? i->description : "", actor,
            (long long)(i->created_at == ISSUE_NO_TIME ? 0 : i->created_at * 1000), attempt);
        SHA256_CTX sha;
        SHA256_Init(&sha);
        SHA256_Update(&sha, text, strlen(text));
        SHA256_Final(h, &sha);
        const char *id = arena_printf(a, "%s-%02x%02x%02x%02x", prefix, h[0], h[1], h[2], h[3]);
        if (!strmap_has(taken, id))
            return id;
    }
}

int prefix_plan(struct tables_txn *x, const char *prefix, const char *actor, bool repair,
                struct arena *a, struct prefix_plan *out, struct err *err) {
    struct issue_list all = {NULL, 0, 0};
    const char *items[2];
    struct text_list known = {items, 0};
    *out = (struct prefix_plan){0};
    int rc = db_config_prefix(x, a, &out->old_prefix, err);
    if (rc == BD_INVALID) { /* none is set */
        out->old_prefix = NULL;
        err_clear(err);
    } else if (rc != BD_OK) {
        return rc;
    }
    if (out->old_prefix)
        items[known.count++] = out->old_prefix;
    if (repair)
        items[known.count++] = prefix;
    rc = issue_scan(x, NULL, tables_has_table(x, "wisps"), a, &all, err);
    if (rc != BD_OK)
        return rc;
    count_prefixes(&all, &known, a, out);
    out->issue_count = all.count;
    if (!out->old_prefix)
        out->old_prefix = out->prefix_count ? out->prefixes[0].prefix : "";
    if (out->prefix_count > 1 && !repair)
        return BD_OK;
    struct strmap taken = STRMAP_INIT;
    for (size_t i = 0; i < all.count; i++)
        strmap_put(&taken, all.items[i].id, &all);
    out->renames = arena_alloc(a, (all.count + 1) * sizeof *out->renames);
    for (size_t i = 0; i < all.count; i++) {
        const struct issue *s = &all.items[i];
        const char *had = id_prefix(s->id, &known, a), *to;
        size_t n = strlen(had);
        if (strcmp(had, prefix) == 0)
            continue;
        if (out->prefix_count > 1)
            to = repaired_id(prefix, s, actor, &taken, a);
        else
            to = arena_printf(a, "%s-%s", prefix, s->id + (n ? n + 1 : 0));
        strmap_put(&taken, to, &all);
        out->renames[out->rename_count++] = (struct id_rename){s->id, to};
    }
    strmap_release(&taken);
    qsort(out->renames, out->rename_count, sizeof *out->renames, by_old_id);
    return BD_OK;
}
