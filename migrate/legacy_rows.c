/*
 * The rows of an old file, one after the other, as rows of the present tables. Columns are matched by
 * name; what has no column goes into the metadata of its issue under "sqlite", so that nothing of an
 * issue gets lost.
 */
#include "migrate/legacy.h"

#include "bd/ops/content_hash.h"
#include "bd/ops/uuid.h"
#include "store/value/json.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define COLUMNS_MAX 256

/* How the columns of one target table are filled. */
struct binding {
    const struct schema *schema;
    size_t count;
    int from[COLUMNS_MAX]; /* column of the source, -1: the default */
    struct cell defaults[COLUMNS_MAX];
    int issue[ISSUE_COLUMN_COUNT]; /* of issues: where the issue_columns are */
};

struct table_job {
    const char *source;
    enum legacy_target issue, wisp; /* wisp LEGACY_TARGETS: none */
    const char *owner;              /* column with the issue's id, NULL: rows of no issue */
    bool counted_ids;               /* its id was a number and is to be a UUID */
};
static const struct table_job jobs[] = {
    {"labels", LEGACY_LABELS, LEGACY_WISP_LABELS, "issue_id", false},
    {"dependencies", LEGACY_DEPENDENCIES, LEGACY_WISP_DEPENDENCIES, "issue_id", false},
    {"comments", LEGACY_COMMENTS, LEGACY_WISP_COMMENTS, "issue_id", true},
    {"events", LEGACY_EVENTS, LEGACY_WISP_EVENTS, "issue_id", true},
    {"child_counters", LEGACY_CHILD_COUNTERS, LEGACY_WISP_CHILD_COUNTERS, "parent_id", false},
    {"issue_snapshots", LEGACY_ISSUE_SNAPSHOTS, LEGACY_TARGETS, "issue_id", true},
    {"compaction_snapshots", LEGACY_COMPACTION_SNAPSHOTS, LEGACY_TARGETS, "issue_id", true},
    {"repo_mtimes", LEGACY_REPO_MTIMES, LEGACY_TARGETS, NULL, false},
    {"issue_counters", LEGACY_ISSUE_COUNTER, LEGACY_TARGETS, NULL, false},
    {"config", LEGACY_CONFIG, LEGACY_TARGETS, NULL, false},
    {"metadata", LEGACY_METADATA, LEGACY_TARGETS, NULL, false},
};

struct legacy_cursor {
    struct legacy *l;
    const struct schema *const *schemas;
    size_t job;     /* the next one; 0: issues */
    uint64_t done;  /* rows of the table that is open */
    int64_t *order; /* rowids of the issues by id, NULL: as they come */
    size_t order_count;
    int relates;        /* column relates_to, -1: none */
    bool check_keys;    /* the source lets two rows have what is one key here */
    struct strmap keys; /* … those that were given */
    bool given;         /* the row at hand is wanted */
    enum legacy_target target;
    const char *source, *doing;
    uint64_t total; /* rows, for the progress */
    sqlite3_stmt *row;
    struct binding bindings[2]; /* [is wisp] */
    int owner, old_id;          /* columns of the source, -1: none */
    bool *known;                /* columns of the source that some target takes */
    const char **names;         /* of the columns of the source */
    const char **dflt;          /* their declared defaults, NULL without */
    int count;
    struct arena scratch; /* one row */
    struct buf extras;    /* members for "sqlite" in the metadata of an issue */
    struct cell cells[COLUMNS_MAX];
    struct err *err;
};

/* ---- binding ---- */

static int source_column(const struct legacy_cursor *w, const char *name) {
    for (int i = 0; i < w->count; i++)
        if (strcasecmp(w->names[i], name) == 0)
            return i;
    return -1;
}

static int column(const struct binding *b, const char *name) { return schema_column(b->schema, name); }

static void bind(struct legacy_cursor *w, struct binding *b, const struct schema *s) {
    b->schema = s;
    b->count = s && s->column_count <= COLUMNS_MAX ? s->column_count : 0;
    for (size_t i = 0; i < b->count; i++) {
        b->from[i] = source_column(w, s->columns[i].name);
        b->defaults[i] = legacy_default(&s->columns[i]);
        if (b->from[i] >= 0)
            w->known[b->from[i]] = true;
    }
    for (size_t i = 0; b->count && i < issue_column_count; i++)
        b->issue[i] = column(b, issue_columns[i]);
}

static int walk_open(struct legacy_cursor *w, const char *source, const char *sql,
                     enum legacy_target issue, enum legacy_target wisp, const char *owner) {
    struct legacy *l = w->l;
    w->source = source;
    if (l->progress && legacy_has_table(l, source)) {
        w->doing = arena_printf(l->a, "%s %s", l->progress_what, source);
        legacy_number(l, arena_printf(l->a, "SELECT count(*) FROM %s", source), &w->total, NULL);
    }
    int rc = sqlite_file_prepare(l->db, l->path, sql, &w->row, w->err);
    if (rc)
        return rc;
    w->count = sqlite3_column_count(w->row);
    w->names = arena_zalloc(l->a, (size_t)(w->count + 1) * sizeof *w->names);
    w->dflt = arena_zalloc(l->a, (size_t)(w->count + 1) * sizeof *w->dflt);
    w->known = arena_zalloc(l->a, (size_t)(w->count + 1) * sizeof *w->known);
    for (int i = 0; i < w->count; i++)
        w->names[i] = arena_strdup(l->a, sqlite3_column_name(w->row, i));
    sqlite3_stmt *s;
    if (sqlite_file_prepare(l->db, l->path, "SELECT name, dflt_value FROM pragma_table_info(?1)", &s,
                            NULL) == BD_OK) {
        sqlite3_bind_text(s, 1, source, -1, SQLITE_STATIC);
        while (sqlite3_step(s) == SQLITE_ROW) {
            int at = source_column(w, (const char *)sqlite3_column_text(s, 0));
            if (at >= 0 && sqlite3_column_text(s, 1))
                w->dflt[at] = arena_strdup(l->a, (const char *)sqlite3_column_text(s, 1));
        }
        sqlite3_finalize(s);
    }
    bind(w, &w->bindings[0], w->schemas[issue]);
    bind(w, &w->bindings[1], wisp < LEGACY_TARGETS ? w->schemas[wisp] : NULL);
    w->owner = owner ? source_column(w, owner) : -1;
    w->old_id = source_column(w, "id");
    return BD_OK;
}

static void walk_close(struct legacy_cursor *w) {
    sqlite3_finalize(w->row);
    free(w->order);
    strmap_release(&w->keys);
    w->row = NULL;
    w->order = NULL;
    w->done = 0;
    arena_release(&w->scratch);
    buf_release(&w->extras);
}

/* BD_DONE after the last row. */
static int walk_step(struct legacy_cursor *w) {
    struct legacy *l = w->l;
    if (l->progress && w->done % 500 == 0)
        l->progress(l->progress_ctx, w->doing, w->done, w->total);
    arena_reset(&w->scratch);
    buf_clear(&w->extras);
    if (w->order) {
        if (w->done == w->order_count)
            return BD_DONE;
        sqlite3_reset(w->row);
        sqlite3_bind_int64(w->row, 1, w->order[w->done]);
    }
    w->done++;
    int step = sqlite3_step(w->row);
    if (w->order && step == SQLITE_DONE)
        return err_set(w->err, BD_BUSY, "%s was changed while it was read; run this again", l->path);
    return step == SQLITE_ROW    ? BD_OK
           : step == SQLITE_DONE ? BD_DONE
                                 : sqlite_file_error(l->db, l->path, w->err);
}

/* ---- values ---- */

static void add_extra(struct legacy_cursor *w, const char *name, int at) {
    if (w->extras.size)
        buf_add_char(&w->extras, ',');
    json_add_string(&w->extras, name, strlen(name));
    buf_add_char(&w->extras, ':');
    legacy_add_json(&w->extras, w->row, at);
}

static bool is_issues(const struct legacy_cursor *w) { return strcmp(w->source, "issues") == 0; }

static void fill(struct legacy_cursor *w, const struct binding *b) {
    for (size_t i = 0; i < b->count; i++) {
        enum legacy_trouble trouble = LEGACY_FINE;
        int at = b->from[i];
        w->cells[i] = at < 0 ? b->defaults[i]
                             : legacy_cell(w->row, at, &b->schema->columns[i], &w->scratch, &trouble);
        if (trouble == LEGACY_FINE)
            continue;
        legacy_note_add(w->l, w->source, b->schema->columns[i].name, trouble, 1);
        if (is_issues(w))
            add_extra(w, b->schema->columns[i].name, at);
    }
}

/* Does the value say anything? NULL, nothing, zero and the declared default do not. */
static bool says_something(struct legacy_cursor *w, int at) {
    if (sqlite3_column_type(w->row, at) == SQLITE_NULL)
        return false;
    if (sqlite3_column_type(w->row, at) == SQLITE_INTEGER && sqlite3_column_int64(w->row, at) == 0)
        return false;
    const char *text = (const char *)sqlite3_column_text(w->row, at), *d = w->dflt[at];
    size_t n = (size_t)sqlite3_column_bytes(w->row, at);
    if (!text || !n)
        return false;
    if (d && *d == '\'')
        return strlen(d) != n + 2 || strncmp(d + 1, text, n) != 0;
    return !d || strcmp(d, text) != 0;
}

/* Values of columns that the present table does not have. */
static void keep_unknown(struct legacy_cursor *w) {
    for (int i = 0; i < w->count; i++) {
        if (w->known[i] || !says_something(w, i))
            continue;
        legacy_note_add(w->l, w->source, w->names[i], LEGACY_NO_COLUMN, 1);
        if (is_issues(w))
            add_extra(w, w->names[i], i);
    }
}

/* Puts `members` under "sqlite" into a cell with a JSON object. */
static void add_to_metadata(struct legacy_cursor *w, struct cell *metadata, const char *members) {
    struct buf text = BUF_INIT, out = BUF_INIT;
    bool object = cell_has_text(metadata) && metadata->s.size > 2 && metadata->s.data[0] == '{';
    if (object)
        buf_addf(&text, "%.*s,", (int)metadata->s.size - 1, metadata->s.data);
    else if (cell_has_text(metadata) && metadata->s.size > 2)
        buf_addf(&text, "{\"value\":%.*s,", (int)metadata->s.size, metadata->s.data);
    else
        buf_add_char(&text, '{');
    struct json_slice taken =
        json_member(object ? metadata->s.data : "{}", object ? metadata->s.size : 2, "sqlite", 6);
    buf_addf(&text, "\"%s\":{%s}}", taken.data ? "sqlite_columns" : "sqlite", members);
    if (json_renormalize(text.data, text.size, &out, NULL) == BD_OK) {
        *metadata = cell_json(arena_strndup(&w->scratch, out.data, out.size));
        metadata->s.size = out.size;
    }
    buf_release(&text);
    buf_release(&out);
}

static struct cell text_of(struct legacy_cursor *w, const char *text) {
    return cell_text(arena_strdup(&w->scratch, text));
}

/* ---- issues ---- */

/* Old programs wrote a list with commas, or a JSON array. */
static void fix_waiters(struct legacy_cursor *w, struct cell *c) {
    if (!cell_has_text(c) || !c->s.size || c->s.data[0] == '[')
        return;
    struct buf out = BUF_INIT;
    buf_add_char(&out, '[');
    for (const char *s = c->s.data, *end = s + c->s.size; s < end;) {
        size_t n = 0;
        while (s + n < end && s[n] != ',')
            n++;
        size_t blank = 0;
        while (blank < n && s[blank] == ' ')
            blank++;
        if (n > blank) {
            if (out.size > 1)
                buf_add_char(&out, ',');
            json_add_string(&out, s + blank, n - blank);
        }
        s += n + (s + n < end);
    }
    buf_add_char(&out, ']');
    *c = text_of(w, buf_str(&out));
    buf_release(&out);
}

static void add_hash(struct legacy_cursor *w, const struct binding *b) {
    int at = column(b, "content_hash");
    struct cell row[ISSUE_COLUMN_COUNT];
    struct issue i;
    if (at < 0 || (cell_has_text(&w->cells[at]) && w->cells[at].s.size))
        return;
    for (size_t k = 0; k < issue_column_count; k++) {
        row[k] = b->issue[k] < 0 ? cell_null() : w->cells[b->issue[k]];
    }
    issue_init(&i);
    issue_from_row(&i, row, &w->scratch);
    w->cells[at] = cell_text(issue_content_hash(&i, &w->scratch));
}

/* Labels that cannot be what they were. */
static void add_odd_labels(struct legacy_cursor *w) {
    const void *id = sqlite3_column_blob(w->row, w->old_id);
    const struct buf *list =
        strmap_get_n(&w->l->odd_labels, id ? id : "", (size_t)sqlite3_column_bytes(w->row, w->old_id));
    if (list)
        buf_addf(&w->extras, "%s\"labels\":[%s]", w->extras.size ? "," : "", buf_str(list));
}

static int give(struct legacy_cursor *w, enum legacy_target t) {
    w->given = true;
    w->target = t;
    return BD_OK;
}

/* Of the two times that every issue has, one that is missing is like the other. */
static void fill_times(struct legacy_cursor *w, const struct binding *b) {
    int created = column(b, "created_at"), updated = column(b, "updated_at");
    if (created < 0 || updated < 0)
        return;
    struct cell *c = &w->cells[created], *u = &w->cells[updated];
    if (u->kind == CELL_DATETIME && u->i == 0)
        *u = *c;
    else if (c->kind == CELL_DATETIME && c->i == 0)
        *c = *u;
}

static int issue_row(struct legacy_cursor *w) {
    int id = w->old_id, at;
    if (w->relates >= 0) { /* a list became dependencies, anything else is kept */
        const char *s = (const char *)sqlite3_column_text(w->row, w->relates);
        w->known[w->relates] = !s || s[0] == '[';
    }
    const struct legacy_node *n =
        legacy_node_of(w->l, sqlite3_column_text(w->row, id), (size_t)sqlite3_column_bytes(w->row, id));
    if (!n)
        return err_set(w->err, BD_BUSY, "%s was changed while it was read; run this again", w->l->path);
    if (n->kind == LEGACY_TOMBSTONE) {
        legacy_note_add(w->l, "issues", NULL, LEGACY_DELETED, 1);
        return BD_OK;
    }
    const struct binding *b = &w->bindings[n->kind == LEGACY_WISP];
    if (!b->count)
        return BD_OK;
    fill(w, b);
    fill_times(w, b);
    keep_unknown(w);
    add_odd_labels(w);
    if ((at = column(b, "waiters")) >= 0)
        fix_waiters(w, &w->cells[at]);
    if ((at = column(b, "is_blocked")) >= 0)
        w->cells[at] = cell_bool(n->blocked);
    /* An infra issue among the wisps is one of them. */
    if (n->kind == LEGACY_WISP && (at = column(b, "ephemeral")) >= 0)
        w->cells[at] = cell_bool(true);
    /* The hash is that of what was written, without our additions. */
    add_hash(w, b);
    if (w->extras.size && (at = column(b, "metadata")) >= 0)
        add_to_metadata(w, &w->cells[at], buf_str(&w->extras));
    return give(w, n->kind == LEGACY_WISP ? LEGACY_WISPS : LEGACY_ISSUES);
}

static int compare_nodes(const void *x, const void *y) {
    const struct legacy_node *const *a = x, *const *b = y;
    return strcmp((*a)->id, (*b)->id);
}

/* In the order of their ids, so that the new tree grows at its end. */
static void sort_issues(struct legacy_cursor *w) {
    const struct strmap *m = &w->l->nodes;
    const struct legacy_node **list = mem_zalloc(m->live + 1, sizeof *list);
    size_t n = 0;
    for (struct strmap_entry *e = NULL; (e = strmap_next(m, e));)
        list[n++] = e->value;
    qsort(list, n, sizeof *list, compare_nodes);
    w->order = mem_zalloc(n + 1, sizeof *w->order);
    w->order_count = n;
    for (size_t i = 0; i < n; i++)
        w->order[i] = list[i]->row;
    free(list);
}

static int open_issues(struct legacy_cursor *w) {
    static const char *const edges[] = {"replies_to", "duplicate_of", "superseded_by"};
    const char *sql = w->l->has_rowids ? "SELECT * FROM issues NOT INDEXED WHERE rowid = ?1"
                                       : "SELECT * FROM issues NOT INDEXED";
    int rc = walk_open(w, "issues", sql, LEGACY_ISSUES, LEGACY_WISPS, NULL);
    for (size_t i = 0; rc == BD_OK && i < 3; i++)
        if (source_column(w, edges[i]) >= 0)
            w->known[source_column(w, edges[i])] = true; /* they become dependencies */
    w->relates = rc == BD_OK ? source_column(w, "relates_to") : -1;
    if (rc == BD_OK && w->l->has_rowids)
        sort_issues(w);
    const struct schema *labels = w->schemas[LEGACY_LABELS];
    int label = labels ? schema_column(labels, "label") : -1;
    return rc == BD_OK && label >= 0 ? legacy_labels_read(w->l, &labels->columns[label], w->err) : rc;
}

/* ---- what belongs to issues ---- */

static const char *scratch_text(struct legacy_cursor *w, const struct cell *c) {
    return cell_has_text(c) ? arena_strndup(&w->scratch, c->s.data, c->s.size) : "";
}

/*
 * A UUID from a row that was counted: its time, then the low bits of its number, so that rows of one
 * moment keep their order, then a digest of the row.
 */
static void give_id(struct legacy_cursor *w, const struct binding *b) {
    int id = column(b, "id"), at = column(b, "created_at");
    unsigned char h[SHA256_DIGEST_LENGTH];
    char uuid[UUID_TEXT_SIZE];
    SHA256_CTX c;
    if (id < 0)
        return;
    if (w->old_id >= 0 && sqlite3_column_type(w->row, w->old_id) == SQLITE_TEXT &&
        cell_has_text(&w->cells[id]) && w->cells[id].s.size == UUID_TEXT_SIZE - 1)
        return;
    if (at < 0)
        at = column(b, "snapshot_time");
    int64_t number = w->old_id < 0 ? 0 : sqlite3_column_int64(w->row, w->old_id);
    SHA256_Init(&c);
    SHA256_Update(&c, w->source, strlen(w->source) + 1);
    SHA256_Update(&c, &number, sizeof number);
    for (size_t i = 0; i < b->count; i++) {
        if ((int)i == id)
            continue;
        const char *text = cell_format(&w->cells[i], &w->scratch);
        SHA256_Update(&c, text ? text : "", text ? strlen(text) + 1 : 0);
    }
    SHA256_Final(h, &c);
    h[0] = (unsigned char)(number >> 8 & 0x0f);
    h[1] = (unsigned char)number;
    uuid_from_hash(at >= 0 && w->cells[at].kind == CELL_DATETIME ? w->cells[at].i : 0, h, uuid);
    w->cells[id] = text_of(w, uuid);
}

/* Target, row id and doubles of an edge. False: another edge of the pair stays. */
static bool fix_edge(struct legacy_cursor *w, const struct binding *b) {
    int source = column(b, "issue_id"), type = column(b, "type"), created = column(b, "created_at"),
        metadata = column(b, "metadata"), id = column(b, "id");
    struct legacy_pair *p = legacy_pair_of(w->l, w->row);
    if (p) {
        const char *t = scratch_text(w, &w->cells[type]);
        if (p->seen || strcmp(t, p->type) != 0) {
            if (strcmp(t, p->type) != 0)
                legacy_note_add(w->l, "dependencies", NULL, LEGACY_DUPLICATE, 1);
            return false;
        }
        p->seen = true;
        if (p->also.size)
            add_to_metadata(w, &w->cells[metadata],
                            arena_printf(&w->scratch, "\"also\":[%s]", buf_str(&p->also)));
    }
    const char *target = (const char *)sqlite3_column_text(w->row, 1);
    size_t size = (size_t)sqlite3_column_bytes(w->row, 1);
    target = target ? target : "";
    const struct legacy_node *n = legacy_node_of(w->l, target, size);
    static const char *const columns[] = {"depends_on_issue_id", "depends_on_wisp_id",
                                          "depends_on_external"};
    size_t kind = n && n->kind == LEGACY_ISSUE ? 0 : n && n->kind == LEGACY_WISP ? 1 : 2;
    int to = column(b, columns[kind]);
    enum legacy_trouble trouble = LEGACY_FINE;
    bool odd = kind == 2 && legacy_label_is_odd(w->row, 1, &b->schema->columns[to], &w->scratch);
    for (size_t i = 0; i < 3; i++)
        w->cells[column(b, columns[i])] = cell_null();
    w->cells[to] = legacy_cell(w->row, 1, &b->schema->columns[to], &w->scratch, &trouble);
    if (!cell_has_text(&w->cells[to]))
        w->cells[to] = cell_text("");
    if (odd) /* so that two that begin alike stay two */
        w->cells[to] = legacy_label(w->row, 1, &b->schema->columns[to], &w->cells[to], &w->scratch);
    if (trouble != LEGACY_FINE)
        legacy_note_add(w->l, "dependencies", "depends_on_id", trouble, 1);
    unsigned char h[SHA256_DIGEST_LENGTH];
    char uuid[UUID_TEXT_SIZE];
    SHA256_CTX c;
    const char *from = scratch_text(w, &w->cells[source]), *name = scratch_text(w, &w->cells[type]);
    SHA256_Init(&c);
    SHA256_Update(&c, from, strlen(from) + 1);
    SHA256_Update(&c, target, strlen(target) + 1);
    SHA256_Update(&c, name, strlen(name));
    SHA256_Final(h, &c);
    uuid_from_hash(w->cells[created].kind == CELL_DATETIME ? w->cells[created].i : 0, h, uuid);
    w->cells[id] = text_of(w, uuid);
    return true;
}

/* Did another row have this one's key? Asked once of each row. */
static bool key_is_taken(struct legacy_cursor *w, const struct binding *b, enum legacy_target target) {
    struct buf key = BUF_INIT;
    buf_addf(&key, "%d", (int)target);
    for (size_t i = 0; i < b->count; i++)
        if (b->schema->columns[i].primary_key) {
            const char *text = cell_format(&w->cells[i], &w->scratch);
            buf_add_char(&key, '\0');
            buf_add_str(&key, text ? text : "");
        }
    bool taken = strmap_put_n(&w->keys, key.data, key.size, w);
    buf_release(&key);
    if (taken)
        legacy_note_add(w->l, w->source, NULL, LEGACY_SAME_KEY, 1);
    return taken;
}

static int detail_row(struct legacy_cursor *w, const struct table_job *j, bool edges) {
    enum legacy_target target = j->issue;
    const struct binding *b = &w->bindings[0];
    if (w->owner >= 0) {
        const struct legacy_node *n = legacy_node_of(w->l, sqlite3_column_text(w->row, w->owner),
                                                     (size_t)sqlite3_column_bytes(w->row, w->owner));
        if (!n || n->kind == LEGACY_TOMBSTONE) {
            legacy_note_add(w->l, j->source, NULL, n ? LEGACY_DELETED : LEGACY_ORPHAN, 1);
            return BD_OK;
        }
        if (n->kind == LEGACY_WISP && j->wisp < LEGACY_TARGETS) {
            target = j->wisp;
            b = &w->bindings[1];
        }
    }
    if (!b->count)
        return BD_OK;
    int label = j->issue == LEGACY_LABELS ? column(b, "label") : -1;
    bool odd = label >= 0 && b->from[label] >= 0 &&
               legacy_label_is_odd(w->row, b->from[label], &b->schema->columns[label], &w->scratch);
    fill(w, b);
    if (!edges)
        keep_unknown(w);
    if (odd)
        w->cells[label] = legacy_label(w->row, b->from[label], &b->schema->columns[label],
                                       &w->cells[label], &w->scratch);
    if (j->counted_ids)
        give_id(w, b);
    if (edges ? !fix_edge(w, b) : w->check_keys && key_is_taken(w, b, target))
        return BD_OK;
    return give(w, target);
}

/* In tables without a key of their own the last row of a key counts. */
static const char *sql_of(struct legacy *l, const char *table) {
    bool pairs = strcmp(table, "config") == 0 || strcmp(table, "metadata") == 0;
    if (pairs && legacy_has_rowid(l, table))
        return arena_printf(
            l->a,
            "SELECT key, value FROM %s NOT INDEXED WHERE rowid IN (SELECT max(rowid) FROM "
            "%s GROUP BY key) ORDER BY key",
            table, table);
    return arena_printf(l->a, "SELECT * FROM %s NOT INDEXED", table);
}

/* Columns of dependencies that nobody here knows of. */
static void note_edge_columns(struct legacy *l) {
    sqlite3_stmt *s;
    if (!legacy_has_table(l, "dependencies") ||
        sqlite_file_prepare(l->db, l->path,
                            "SELECT name FROM pragma_table_info('dependencies') WHERE lower(name) NOT "
                            "IN ('id', 'issue_id', 'depends_on_id', 'type', 'created_at', "
                            "'created_by', 'metadata', 'thread_id')",
                            &s, NULL))
        return;
    while (sqlite3_step(s) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(s, 0);
        uint64_t count = 0;
        char *sql = sqlite3_mprintf("SELECT count(*) FROM dependencies NOT INDEXED WHERE \"%w\" IS NOT "
                                    "NULL AND \"%w\" NOT IN ('', 0)",
                                    name, name);
        if (legacy_number(l, sql, &count, NULL) == BD_OK)
            legacy_note_add(l, "dependencies", name, LEGACY_NO_COLUMN, count);
        sqlite3_free(sql);
    }
    sqlite3_finalize(s);
}

/* Can two rows of a table be one here? Not when it counts them. */
static bool may_repeat(struct legacy *l, const struct table_job *j) {
    uint64_t key = 0;
    const char *sql =
        arena_printf(l->a, "SELECT count(*) FROM pragma_table_info('%s') WHERE pk > 0", j->source);
    return !j->counted_ids || legacy_number(l, sql, &key, NULL) || !key;
}

/* BD_DONE: the file has no such table. */
static int open_details(struct legacy_cursor *w, const struct table_job *j) {
    bool edges = j->issue == LEGACY_DEPENDENCIES;
    const char *sql = edges ? w->l->edges_sql : sql_of(w->l, j->source);
    if (edges ? !sql : !legacy_has_table(w->l, j->source))
        return BD_DONE;
    int rc = walk_open(w, j->source, sql, j->issue, j->wisp, j->owner);
    w->check_keys = !edges && may_repeat(w->l, j);
    if (edges)
        note_edge_columns(w->l);
    if (rc == BD_OK && j->owner && w->owner < 0)
        rc = err_set(w->err, BD_INVALID, "%s: table %s has no column %s; nothing was changed",
                     w->l->path, j->source, j->owner);
    return rc;
}

/* ---- the cursor ---- */

struct legacy_cursor *legacy_cursor_new(struct legacy *l,
                                        const struct schema *const schemas[LEGACY_TARGETS]) {
    struct legacy_cursor *w = mem_zalloc(1, sizeof *w);
    *w = (struct legacy_cursor){.l = l, .schemas = schemas};
    for (struct strmap_entry *e = NULL; (e = strmap_next(&l->pairs, e));)
        ((struct legacy_pair *)e->value)->seen = false;
    return w;
}

void legacy_cursor_free(struct legacy_cursor *c) {
    if (c)
        walk_close(c);
    free(c);
}

/* One row, or the way to the next table. */
static int advance(struct legacy_cursor *w) {
    const struct table_job *j = w->job ? &jobs[w->job - 1] : NULL;
    int rc = BD_OK;
    if (!w->row)
        rc = j ? open_details(w, j) : open_issues(w);
    if (rc == BD_OK)
        rc = walk_step(w);
    if (rc == BD_OK)
        return j ? detail_row(w, j, j->issue == LEGACY_DEPENDENCIES) : issue_row(w);
    if (rc != BD_DONE)
        return rc;
    walk_close(w);
    return w->job++ < sizeof jobs / sizeof *jobs ? BD_OK : BD_DONE;
}

int legacy_cursor_next(struct legacy_cursor *c, enum legacy_target *t, const struct cell **cells,
                       struct err *err) {
    int rc = BD_OK;
    c->err = err;
    c->given = false;
    if (c->job > sizeof jobs / sizeof *jobs)
        return BD_DONE;
    while (rc == BD_OK && !c->given)
        rc = advance(c);
    if (rc == BD_DONE)
        c->l->taking_notes = false; /* once is enough */
    *t = c->target;
    *cells = c->cells;
    return rc;
}
