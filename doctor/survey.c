/* The pass over the data. Nodes come first, so that an edge finds both its ends by one look-up each. */
#include "doctor/survey.h"

#include "bd/ops/dependency_rows.h"
#include "bd/ops/validate.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum {
    COL_ID,
    COL_TITLE,
    COL_STATUS,
    COL_TYPE,
    COL_BLOCKED,
    COL_PINNED,
    COL_EPHEMERAL,
    COL_CLOSED,
    COL_CREATED,
    COL_UPDATED,
    COL_COUNT
};
static const char *const columns[] = {"id",     "title",     "status",    "issue_type", "is_blocked",
                                      "pinned", "ephemeral", "closed_at", "created_at", "updated_at"};

struct taking {
    struct survey *s;
    bool wisps;
    struct arena row; /* of one dependency row, emptied after each */
};

static bool is(const struct cell *c, const char *text) {
    return cell_has_text(c) && c->s.size == strlen(text) && memcmp(c->s.data, text, c->s.size) == 0;
}

static bool starts(const struct cell *c, const char *text) {
    size_t n = strlen(text);
    return cell_has_text(c) && c->s.size >= n && strncasecmp(c->s.data, text, n) == 0;
}

static bool starts_exactly(const struct cell *c, const char *text) {
    size_t n = strlen(text);
    return cell_has_text(c) && c->s.size >= n && memcmp(c->s.data, text, n) == 0;
}

static bool ends(const struct cell *c, const char *text) {
    size_t n = strlen(text);
    return cell_has_text(c) && c->s.size >= n && memcmp(c->s.data + c->s.size - n, text, n) == 0;
}

static bool has_folded(const struct cell *c, const char *text) {
    size_t n = strlen(text);
    if (!cell_has_text(c) || c->s.size < n)
        return false;
    for (size_t i = 0; i + n <= c->s.size; i++)
        if ((c->s.data[i] | 32) == *text && strncasecmp(c->s.data + i, text, n) == 0)
            return true;
    return false;
}

static bool flag(const struct cell *c) { return c->kind == CELL_INT && c->i != 0; }
static int64_t when(const struct cell *c) { return c->kind == CELL_DATETIME ? c->i : INT64_MIN; }

static uint64_t fold(uint64_t h, const struct cell *c) {
    for (size_t i = 0; cell_has_text(c) && i < c->s.size; i++)
        h = (h ^ (unsigned char)c->s.data[i]) * UINT64_C(0x100000001b3);
    return (h ^ 0xff) * UINT64_C(0x100000001b3);
}

static int take_node(void *ctx, const struct cell *row) {
    struct taking *t = ctx;
    struct survey *s = t->s;
    if (!cell_has_text(&row[COL_ID]))
        return BD_OK;
    MEM_GROW(s->nodes, s->node_capacity, s->node_count + 1);
    struct survey_node *n = &s->nodes[s->node_count++];
    const struct cell *title = &row[COL_TITLE], *status = &row[COL_STATUS];
    bool closed = is(status, "closed"), pinned = is(status, "pinned");
    *n = (struct survey_node){
        .id = arena_strndup(&s->arena, row[COL_ID].s.data, row[COL_ID].s.size),
        .title_hash = fold(fold(UINT64_C(0xcbf29ce484222325), title), status),
        .closed_at = when(&row[COL_CLOSED]),
        .created_at = when(&row[COL_CREATED]),
        .updated_at = when(&row[COL_UPDATED]),
        .wisp = t->wisps,
        .active = !closed && !pinned,
        .closed = closed,
        .pinned = pinned || flag(&row[COL_PINNED]),
        .ephemeral = flag(&row[COL_EPHEMERAL]),
        .stored_blocked = flag(&row[COL_BLOCKED]),
        .epic = is(&row[COL_TYPE], "epic"),
        .molecule = is(&row[COL_TYPE], "molecule"),
        .test_like = starts_exactly(&row[COL_ID], "test-") || starts(title, "test-") ||
                     has_folded(title, "test issue"),
        .patrol_digest = starts_exactly(title, "Digest: mol-") && ends(title, "-patrol"),
        .session_ended = starts_exactly(title, "Session ended:"),
    };
    s->closed_count += closed && !t->wisps;
    *(t->wisps ? &s->wisp_count : &s->issue_count) += 1;
    return BD_OK;
}

static int take_nodes(struct survey *s, struct tables_txn *x, bool wisps, struct err *err) {
    struct taking t = {.s = s, .wisps = wisps};
    struct tables_query q = {.table = wisps ? "wisps" : "issues",
                             .columns = columns,
                             .column_count = COL_COUNT,
                             .any_order = true};
    return tables_has_table(x, q.table) ? tables_scan(x, &q, NULL, take_node, &t, err) : BD_OK;
}

static enum survey_kind kind_of(const char *type) {
    if (dependency_type_blocks(type))
        return EDGE_BLOCKS;
    if (strcmp(type, "waits-for") == 0)
        return EDGE_WAITS_FOR;
    return strcmp(type, "parent-child") == 0 ? EDGE_PARENT : EDGE_OTHER;
}

static const char *interned(const char *type, struct arena *a) {
    static const char *const usual[] = {"blocks",     "parent-child",    "related",
                                        "relates-to", "discovered-from", "waits-for"};
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (strcmp(type, usual[i]) == 0)
            return usual[i];
    return arena_strdup(a, type);
}

static int take_edge(void *ctx, const struct dependency *d, bool in_wisp_table) {
    struct taking *t = ctx;
    struct survey *s = t->s;
    MEM_GROW(s->edges, s->edge_capacity, s->edge_count + 1);
    struct survey_edge *e = &s->edges[s->edge_count++];
    *e = (struct survey_edge){
        .from = strmap_get(&s->ids, d->issue_id),
        .to = d->target == DEP_TARGET_EXTERNAL ? NULL : strmap_get(&s->ids, d->depends_on_id),
        .kind = kind_of(d->type),
        .type = interned(d->type, &s->arena),
        .in_wisp_table = in_wisp_table,
        .external = d->target == DEP_TARGET_EXTERNAL,
        .wisp_target = d->target == DEP_TARGET_WISP,
    };
    e->source = e->from ? e->from->id : arena_strdup(&s->arena, d->issue_id);
    e->target = e->to ? e->to->id : arena_strdup(&s->arena, d->depends_on_id);
    s->waits_for += e->kind == EDGE_WAITS_FOR;
    arena_reset(&t->row); /* d and its texts lived there */
    return BD_OK;
}

/* The gate stands in the metadata, which costs a look-up per row: read only for the few that have one.
 */
static int take_gate(void *ctx, const struct cell *row) {
    struct survey *s = ctx;
    if (!cell_has_text(&row[0]) || !cell_has_text(&row[2]))
        return BD_OK;
    bool any = memmem(row[2].s.data, row[2].s.size, "\"any-children\"", 14) != NULL;
    for (size_t i = 0; any && i < s->edge_count; i++) {
        struct survey_edge *e = &s->edges[i];
        const struct cell *target = cell_has_text(&row[1]) ? &row[1] : &row[3];
        if (e->kind == EDGE_WAITS_FOR && is(&row[0], e->source) && is(target, e->target))
            e->any_child = true;
    }
    return BD_OK;
}

static int take_gates(struct survey *s, struct tables_txn *x, const char *table, struct err *err) {
    static const char *const gate_columns[] = {"issue_id", "depends_on_issue_id", "metadata",
                                               "depends_on_wisp_id"};
    struct arena a = ARENA_INIT;
    struct tables_query q = {.table = table,
                             .columns = gate_columns,
                             .column_count = 4,
                             .where = pred_cmp(&a, PRED_EQ, "type", cell_text("waits-for"))};
    int rc = tables_has_table(x, table) && tables_has_column(x, table, "depends_on_issue_id")
                 ? tables_scan(x, &q, NULL, take_gate, s, err)
                 : BD_OK;
    arena_release(&a);
    return rc;
}

bool survey_child_id(const char *id, size_t *parent_size, int64_t *number) {
    const char *dot = strrchr(id, '.');
    if (!dot || dot == id || !dot[1] || strlen(dot + 1) > 9)
        return false;
    for (const char *p = dot + 1; *p; p++)
        if (!isdigit((unsigned char)*p))
            return false;
    *parent_size = (size_t)(dot - id);
    *number = strtoll(dot + 1, NULL, 10);
    return true;
}

static void index_nodes(struct survey *s) {
    for (size_t i = 0; i < s->node_count; i++) {
        struct survey_node *n = &s->nodes[i];
        if (!strmap_has(&s->ids, n->id)) {
            strmap_put(&s->ids, n->id, n);
        } else if (n->wisp) {
            MEM_GROW(s->both, s->both_capacity, s->both_count + 1);
            s->both[s->both_count++] = n->id;
        }
    }
    for (size_t i = 0; i < s->node_count; i++) {
        size_t size;
        int64_t number;
        struct survey_node *n = &s->nodes[i];
        struct survey_node *parent =
            survey_child_id(n->id, &size, &number) ? strmap_get_n(&s->ids, n->id, size) : NULL;
        if (parent && number > parent->highest_child)
            parent->highest_child = number;
    }
}

/* What the column is_blocked should say (the rules stand in bd/ops/blocked.c). */
static void spread_blocked(struct survey *s) {
    for (size_t i = 0; i < s->edge_count; i++) {
        const struct survey_edge *e = &s->edges[i];
        if (e->kind == EDGE_PARENT && e->from && e->to) {
            e->to->child_open = e->to->child_open || e->from->active;
            e->to->child_closed = e->to->child_closed || e->from->closed;
        }
    }
    bool changed = false;
    for (size_t i = 0; i < s->edge_count; i++) {
        const struct survey_edge *e = &s->edges[i];
        if (!e->from || !e->to || !e->from->active)
            continue;
        bool waits =
            e->kind == EDGE_WAITS_FOR && e->to->child_open && !(e->any_child && e->to->child_closed);
        if ((e->kind == EDGE_BLOCKS && e->to->active) || waits)
            changed = e->from->blocked = true;
    }
    while (changed) {
        changed = false;
        for (size_t i = 0; i < s->edge_count; i++) {
            const struct survey_edge *e = &s->edges[i];
            if (e->kind == EDGE_PARENT && e->from && e->to && e->to->blocked && e->from->active &&
                !e->from->blocked)
                changed = e->from->blocked = true;
        }
    }
}

int survey_take(struct tables_txn *x, struct survey **out, struct err *err) {
    struct survey *s = mem_zalloc(1, sizeof *s);
    int rc = take_nodes(s, x, false, err);
    if (rc == BD_OK)
        rc = take_nodes(s, x, true, err);
    if (rc == BD_OK) {
        index_nodes(s);
        s->has_blocked_column = tables_has_column(x, "issues", "is_blocked");
        struct taking t = {.s = s, .row = ARENA_INIT};
        if (tables_has_table(x, "dependencies"))
            rc = dependency_scan(x, DEPENDENCY_BY_SOURCE, NULL, 0,
                                 tables_has_table(x, "wisp_dependencies") ? DEPENDENCY_BOTH
                                                                          : DEPENDENCY_REGULAR,
                                 &t.row, take_edge, &t, err);
        arena_release(&t.row);
    }
    if (rc == BD_OK && s->waits_for)
        rc = take_gates(s, x, "dependencies", err);
    if (rc == BD_OK && s->waits_for)
        rc = take_gates(s, x, "wisp_dependencies", err);
    if (rc != BD_OK) {
        survey_free(s);
        return rc;
    }
    spread_blocked(s);
    *out = s;
    return BD_OK;
}

void survey_free(struct survey *s) {
    if (!s)
        return;
    strmap_release(&s->ids);
    free(s->nodes);
    free(s->edges);
    free(s->both);
    arena_release(&s->arena);
    free(s);
}
