/*
 * The issues of an old file as nodes: which become issues, which wisps, which are tombstones; which
 * edges share a pair; and who is blocked.
 */
#include "migrate/legacy.h"

#include "store/value/json.h"

#include <stdlib.h>
#include <string.h>

struct legacy_node *legacy_node_of(const struct legacy *l, const void *id, size_t size) {
    return strmap_get_n(&l->nodes, id ? id : "", size);
}

static bool text_is(sqlite3_stmt *s, int at, const char *text) {
    const char *t = (const char *)sqlite3_column_text(s, at);
    return t && strcmp(t, text) == 0;
}

/* Types that are wisps in the present schema (its migration 35). */
static bool is_infra(sqlite3_stmt *s, int at) {
    static const char *const types[] = {"agent", "rig", "role", "message"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (text_is(s, at, types[i]))
            return true;
    return false;
}

typedef int (*row_fn)(struct legacy *l, sqlite3_stmt *s, void *ctx, struct err *err);

static int each(struct legacy *l, const char *sql, row_fn fn, void *ctx, struct err *err) {
    sqlite3_stmt *s;
    int rc = sqlite_file_prepare(l->db, l->path, sql, &s, err);
    while (rc == BD_OK) {
        int step = sqlite3_step(s);
        if (step == SQLITE_DONE)
            break;
        rc = step == SQLITE_ROW ? fn(l, s, ctx, err) : sqlite_file_error(l->db, l->path, err);
    }
    sqlite3_finalize(s);
    return rc;
}

static int freeze(struct legacy *l, sqlite3_stmt *s, void *ctx, struct err *err) {
    const char *id = (const char *)sqlite3_column_text(s, 0);
    (void)ctx, (void)err;
    if (id)
        strmap_put_n(&l->frozen, id, (size_t)sqlite3_column_bytes(s, 0), l);
    return BD_OK;
}

/* id, status, ephemeral, issue_type, rowid */
static int add_node(struct legacy *l, sqlite3_stmt *s, void *ctx, struct err *err) {
    const char *id = (const char *)sqlite3_column_text(s, 0);
    size_t size = (size_t)sqlite3_column_bytes(s, 0);
    (void)ctx;
    if (!id || !size || size > 255 || strlen(id) != size)
        return err_set(
            err, BD_INVALID,
            "%s: an issue has %s as its id, which cannot be kept; nothing was changed. Give it "
            "another id with the old program, then run this again",
            l->path,
            !id || !size ? "nothing"
            : size > 255 ? "more than 255 bytes"
                         : "a NUL byte");
    struct legacy_node *n = arena_zalloc(l->a, sizeof *n);
    n->row = sqlite3_column_int64(s, 4);
    n->closed = text_is(s, 1, "closed");
    n->active = !n->closed && !text_is(s, 1, "pinned");
    bool wisp = sqlite3_column_int(s, 2) != 0 || is_infra(s, 3);
    n->kind = text_is(s, 1, "tombstone")                    ? LEGACY_TOMBSTONE
              : wisp && !strmap_get_n(&l->frozen, id, size) ? LEGACY_WISP
                                                            : LEGACY_ISSUE;
    if (strmap_put_n(&l->nodes, id, size, n))
        return err_set(err, BD_CORRUPT,
                       "%s is damaged (two issues have the id %s); nothing was changed", l->path, id);
    n->id = l->nodes.entries[l->nodes.used - 1].key;
    l->kinds[n->kind]++;
    return BD_OK;
}

/* ---- pairs ---- */

static int rank(const char *type) {
    static const char *const order[] = {"blocks", "parent-child", "conditional-blocks", "waits-for",
                                        "discovered-from"};
    int n = (int)(sizeof order / sizeof *order);
    for (int i = 0; i < n; i++)
        if (strcmp(order[i], type) == 0)
            return i;
    return n;
}

static void pair_key(sqlite3_stmt *s, struct buf *key) {
    for (int i = 0; i < 2; i++) {
        const char *id = (const char *)sqlite3_column_text(s, i);
        buf_add(key, id ? id : "", (size_t)sqlite3_column_bytes(s, i));
        buf_add(key, "", i == 0);
    }
}

struct legacy_pair *legacy_pair_of(const struct legacy *l, sqlite3_stmt *s) {
    if (!l->pairs.live)
        return NULL;
    struct buf key = BUF_INIT;
    pair_key(s, &key);
    struct legacy_pair *p = strmap_get_n(&l->pairs, key.data, key.size);
    buf_release(&key);
    return p;
}

static int add_pair(struct legacy *l, sqlite3_stmt *s, void *ctx, struct err *err) {
    (void)ctx, (void)err;
    struct buf key = BUF_INIT;
    pair_key(s, &key);
    struct legacy_pair *p = strmap_get_n(&l->pairs, key.data, key.size);
    const char *type = (const char *)sqlite3_column_text(s, 2), *loser = NULL;
    type = arena_strdup(l->a, type ? type : "blocks");
    if (!p) {
        p = arena_zalloc(l->a, sizeof *p);
        p->type = type;
        strmap_put_n(&l->pairs, key.data, key.size, p);
    } else if (rank(type) < rank(p->type)) {
        loser = p->type;
        p->type = type;
    } else {
        loser = type;
    }
    if (loser && strcmp(loser, p->type) != 0) {
        if (p->also.size)
            buf_add_char(&p->also, ',');
        json_add_string(&p->also, loser, strlen(loser));
    }
    buf_release(&key);
    return BD_OK;
}

/* With a key of issue and target alone, and no other place for edges, there is nothing to look for. */
static bool may_share_pairs(struct legacy *l) {
    uint64_t key = 0;
    int rc = legacy_number(l, "SELECT count(*) FROM pragma_table_info('dependencies') WHERE pk > 0",
                           &key, NULL);
    return rc || key != 2 || strstr(l->edges_sql, "UNION ALL");
}

/* ---- who is blocked ---- */

struct edge {
    struct legacy_node *from, *to;
    enum { BLOCKS, WAITS_FOR, PARENT } kind;
    bool any_child; /* gate of a waits-for edge */
};
struct edges {
    struct edge *items;
    size_t count, capacity;
};

/* issue_id, depends_on_id, type, metadata */
static int add_edge(struct legacy *l, sqlite3_stmt *s, void *ctx, struct err *err) {
    struct edges *list = ctx;
    (void)err;
    struct edge e = {
        .from = legacy_node_of(l, sqlite3_column_text(s, 0), (size_t)sqlite3_column_bytes(s, 0)),
        .to = legacy_node_of(l, sqlite3_column_text(s, 1), (size_t)sqlite3_column_bytes(s, 1)),
        .kind = text_is(s, 2, "parent-child") ? PARENT
                : text_is(s, 2, "waits-for")  ? WAITS_FOR
                                              : BLOCKS};
    if (!e.from || !e.to || e.from->kind == LEGACY_TOMBSTONE || e.to->kind == LEGACY_TOMBSTONE)
        return BD_OK;
    const struct legacy_pair *p = legacy_pair_of(l, s);
    if (p && !text_is(s, 2, p->type))
        return BD_OK; /* another edge between the two stays */
    const char *metadata = (const char *)sqlite3_column_text(s, 3);
    if (e.kind == WAITS_FOR && metadata) {
        struct json_slice v = json_member(metadata, strlen(metadata), "gate", 4);
        struct buf gate = BUF_INIT;
        if (v.data)
            json_unquote(v, &gate);
        e.any_child = strcmp(buf_str(&gate), "any-children") == 0;
        buf_release(&gate);
    }
    if (e.kind == PARENT) {
        e.to->child_open = e.to->child_open || e.from->active;
        e.to->child_closed = e.to->child_closed || e.from->closed;
    }
    MEM_GROW(list->items, list->capacity, list->count + 1);
    list->items[list->count++] = e;
    return BD_OK;
}

/* Sets `blocked` of all nodes. */
static int legacy_find_blocked(struct legacy *l, struct err *err) {
    struct edges list = {NULL, 0, 0};
    if (!l->edges_sql)
        return BD_OK;
    int rc = each(l,
                  arena_printf(l->a,
                               "SELECT issue_id, depends_on_id, type, metadata FROM (%s) WHERE type IN "
                               "('blocks', 'conditional-blocks', 'waits-for', 'parent-child')",
                               l->edges_sql),
                  add_edge, &list, err);
    for (size_t i = 0; i < list.count; i++) {
        const struct edge *e = &list.items[i];
        bool waits =
            e->kind == WAITS_FOR && e->to->child_open && !(e->any_child && e->to->child_closed);
        if (e->from->active && ((e->kind == BLOCKS && e->to->active) || waits))
            e->from->blocked = true;
    }
    for (bool changed = true; changed;) { /* children of blocked parents, generation by generation */
        changed = false;
        for (size_t i = 0; i < list.count; i++) {
            const struct edge *e = &list.items[i];
            if (e->kind == PARENT && e->to->blocked && e->from->active && !e->from->blocked)
                changed = e->from->blocked = true;
        }
    }
    free(list.items);
    return rc;
}

/* ---- all of it ---- */

int legacy_read_nodes(struct legacy *l, struct err *err) {
    static const char *const snapshots[] = {"issue_snapshots", "compaction_snapshots"};
    int rc = BD_OK;
    l->has_rowids = legacy_has_rowid(l, "issues");
    for (size_t i = 0; rc == BD_OK && i < 2; i++)
        if (legacy_has_table(l, snapshots[i]))
            rc = each(l, arena_printf(l->a, "SELECT issue_id FROM %s NOT INDEXED", snapshots[i]),
                      freeze, NULL, err);
    if (rc == BD_OK)
        rc = each(l,
                  arena_printf(l->a, "SELECT id, status, %s, %s, %s FROM issues NOT INDEXED",
                               legacy_has_column(l, "issues", "ephemeral") ? "ephemeral" : "0",
                               legacy_has_column(l, "issues", "issue_type") ? "issue_type" : "'task'",
                               l->has_rowids ? "rowid" : "0"),
                  add_node, NULL, err);
    if (rc == BD_OK && l->edges_sql && may_share_pairs(l))
        rc = each(
            l,
            arena_printf(l->a,
                         "WITH e AS (%s) SELECT issue_id, depends_on_id, type FROM e WHERE "
                         "(issue_id, depends_on_id) IN (SELECT issue_id, depends_on_id FROM e GROUP "
                         "BY 1, 2 HAVING count(*) > 1)",
                         l->edges_sql),
            add_pair, NULL, err);
    if (rc == BD_OK)
        rc = legacy_find_blocked(l, err);
    return rc;
}
