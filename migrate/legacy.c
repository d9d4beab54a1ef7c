/*
 * Opening an old file, questions about its schema, and the notes about what could not simply be moved.
 * The file carries no version number; its tables and columns are looked at instead.
 */
#include "migrate/legacy.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *const legacy_target_names[LEGACY_TARGETS] = {
    "issues",          "wisps",
    "labels",          "wisp_labels",
    "dependencies",    "wisp_dependencies",
    "comments",        "wisp_comments",
    "events",          "wisp_events",
    "child_counters",  "wisp_child_counters",
    "issue_snapshots", "compaction_snapshots",
    "repo_mtimes",     "issue_counter",
    "config",          "metadata",
};

/* Tables whose rows are moved, and those that say how the JSONL file stood. */
static const char *const moved_tables[] = {
    "issues",
    "labels",
    "dependencies",
    "comments",
    "events",
    "child_counters",
    "config",
    "metadata",
    "issue_snapshots",
    "compaction_snapshots",
    "repo_mtimes",
    "issue_counters",
    "blocked_issues_cache",
    NULL,
};
static const char *const state_tables[] = {"dirty_issues", "export_hashes", NULL};

static bool listed(const char *const *list, const char *name) {
    for (; *list; list++)
        if (strcasecmp(*list, name) == 0)
            return true;
    return false;
}

/* ---- notes ---- */

void legacy_note_add(struct legacy *l, const char *table, const char *column, enum legacy_trouble what,
                     uint64_t count) {
    if (!l->taking_notes || !count)
        return;
    for (size_t i = 0; i < l->note_count; i++) {
        struct legacy_note *n = &l->notes[i];
        bool same = n->column && column ? strcmp(n->column, column) == 0 : n->column == column;
        if (same && n->what == what && strcmp(n->table, table) == 0) {
            n->count += count;
            return;
        }
    }
    MEM_GROW(l->notes, l->note_capacity, l->note_count + 1);
    l->notes[l->note_count++] = (struct legacy_note){
        arena_strdup(l->a, table), column ? arena_strdup(l->a, column) : NULL, what, count};
}

static const char *note_text(const struct legacy_note *n, struct arena *a) {
    const char *where = n->column ? arena_printf(a, "%s.%s", n->table, n->column) : n->table;
    const char *s = n->count == 1 ? "" : "s";
    bool label = strcmp(n->table, "labels") == 0 && n->column && strcasecmp(n->column, "label") == 0;
    const char *kept = strcmp(n->table, "issues") == 0 || label
                           ? "the original stands in the issue's metadata under \"sqlite\""
                           : "the original is in the backup";
    switch (n->what) {
    case LEGACY_SHORTENED:
        return arena_printf(a, "%s: %" PRIu64 " value%s longer than the column, cut; %s", where,
                            n->count, s, kept);
    case LEGACY_BAD_TEXT:
        return arena_printf(a, "%s: %" PRIu64 " value%s not UTF-8, repaired; %s", where, n->count, s,
                            kept);
    case LEGACY_BAD_TIME:
        return arena_printf(a, "%s: %" PRIu64 " value%s not a time; %s", where, n->count, s, kept);
    case LEGACY_BAD_NUMBER:
        return arena_printf(a, "%s: %" PRIu64 " value%s not a number that fits; %s", where, n->count, s,
                            kept);
    case LEGACY_BAD_JSON:
        return arena_printf(a, "%s: %" PRIu64 " value%s not JSON; %s", where, n->count, s, kept);
    case LEGACY_NO_COLUMN:
        return arena_printf(a, "%s: %" PRIu64 " value%s of a column that is no more; %s", where,
                            n->count, s, kept);
    case LEGACY_ORPHAN:
        return arena_printf(a, "%s: %" PRIu64 " row%s of issues that do not exist, left in the backup",
                            where, n->count, s);
    case LEGACY_DELETED:
        return strcmp(n->table, "issues") == 0
                   ? arena_printf(a, "%" PRIu64 " tombstone%s of deleted issues, left in the backup",
                                  n->count, s)
                   : arena_printf(a, "%s: %" PRIu64 " row%s of deleted issues, left in the backup",
                                  where, n->count, s);
    case LEGACY_DUPLICATE:
        return arena_printf(a,
                            "%s: %" PRIu64 " further row%s between the same two issues; the type%s "
                            "stand%s in the metadata of the one that was kept",
                            where, n->count, s, s, n->count == 1 ? "s" : "");
    case LEGACY_SAME_KEY:
        return arena_printf(a,
                            "%s: %" PRIu64 " further row%s with the key of another, left in the backup",
                            where, n->count, s);
    case LEGACY_STATE:
        return arena_printf(a, "%s: %" PRIu64 " row%s about the JSONL file, not needed any more", where,
                            n->count, s);
    case LEGACY_NO_TABLE:
        return arena_printf(a, "table %s is not known here: %" PRIu64 " row%s left in the backup",
                            where, n->count, s);
    case LEGACY_FINE: break;
    }
    return where;
}

const char **legacy_note_texts(const struct legacy *l, struct arena *a, size_t *count) {
    const char **list = arena_alloc(a, (l->note_count + 1) * sizeof *list);
    for (size_t i = 0; i < l->note_count; i++)
        list[i] = note_text(&l->notes[i], a);
    *count = l->note_count;
    return list;
}

/* ---- opening ---- */

/* What stays behind as a whole: notes about it. */
static int look_at_tables(struct legacy *l, struct err *err) {
    sqlite3_stmt *s;
    int rc = sqlite_file_prepare(l->db, l->path,
                                 "SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0 "
                                 "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
                                 &s, err);
    while (rc == BD_OK) {
        int step = sqlite3_step(s);
        if (step != SQLITE_ROW) {
            rc = step == SQLITE_DONE ? BD_DONE : sqlite_file_error(l->db, l->path, err);
            break;
        }
        const char *name = arena_strdup(l->a, (const char *)sqlite3_column_text(s, 0));
        uint64_t rows;
        if (listed(moved_tables, name))
            continue;
        char *sql = sqlite3_mprintf("SELECT count(*) FROM \"%w\"", name);
        rc = legacy_number(l, sql, &rows, err);
        sqlite3_free(sql);
        if (rc == BD_OK)
            legacy_note_add(l, name, NULL, listed(state_tables, name) ? LEGACY_STATE : LEGACY_NO_TABLE,
                            rows);
    }
    sqlite3_finalize(s);
    return rc == BD_DONE ? BD_OK : rc;
}

/* The old edge columns of `issues` (0.30.2 to 0.30.5) as rows like those of `dependencies`. */
static const char *edges_sql(struct legacy *l) {
    static const struct {
        const char *column, *type;
    } old[] = {
        {"replies_to", "replies-to"}, {"duplicate_of", "duplicates"}, {"superseded_by", "supersedes"}};
    struct buf sql = BUF_INIT;
    if (legacy_has_table(l, "dependencies") && legacy_has_column(l, "dependencies", "depends_on_id"))
        buf_addf(&sql,
                 "SELECT issue_id, depends_on_id, %s AS type, %s AS created_at, %s AS created_by, "
                 "%s AS metadata, %s AS thread_id FROM dependencies NOT INDEXED",
                 legacy_has_column(l, "dependencies", "type") ? "ifnull(type, 'blocks')" : "'blocks'",
                 legacy_has_column(l, "dependencies", "created_at") ? "created_at" : "NULL",
                 legacy_has_column(l, "dependencies", "created_by") ? "created_by" : "''",
                 legacy_has_column(l, "dependencies", "metadata") ? "metadata" : "'{}'",
                 legacy_has_column(l, "dependencies", "thread_id") ? "thread_id" : "''");
    for (size_t i = 0; i < sizeof old / sizeof *old; i++)
        if (legacy_has_column(l, "issues", old[i].column))
            buf_addf(
                &sql,
                "%sSELECT id%s, %s%s, '%s'%s, updated_at%s, 'migration'%s, '{}'%s, %s%s FROM issues "
                "NOT INDEXED WHERE %s <> ''",
                sql.size ? " UNION ALL " : "", sql.size ? "" : " AS issue_id", old[i].column,
                sql.size ? "" : " AS depends_on_id", old[i].type, sql.size ? "" : " AS type",
                sql.size ? "" : " AS created_at", sql.size ? "" : " AS created_by",
                sql.size ? "" : " AS metadata", i == 0 ? "replies_to" : "''",
                sql.size ? "" : " AS thread_id", old[i].column);
    if (legacy_has_column(l, "issues", "relates_to") && sql.size)
        buf_add_str(
            &sql, " UNION ALL SELECT i.id, j.value, 'relates-to', i.updated_at, 'migration', '{}', '' "
                  "FROM issues i NOT INDEXED, json_each(CASE WHEN json_valid(i.relates_to) THEN "
                  "i.relates_to ELSE '[]' END) j WHERE j.value <> '' AND j.type = 'text'");
    const char *r = sql.size ? arena_strdup(l->a, buf_str(&sql)) : NULL;
    buf_release(&sql);
    return r;
}

int legacy_open(struct legacy *l, const char *path, struct arena *a, struct err *err) {
    static const char *const needed[] = {"id", "title", "status"};
    *l = (struct legacy){.path = path, .a = a, .taking_notes = true};
    int rc = sqlite_file_open(path, &l->db, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (!legacy_has_table(l, "issues") || !legacy_has_column(l, "issues", needed[i])) {
            legacy_close(l);
            return err_set(err, BD_INVALID,
                           "%s is no database of an issue tracker: it has no table of issues; nothing "
                           "was changed",
                           path);
        }
    l->edges_sql = edges_sql(l);
    l->beads_rust = legacy_has_column(l, "blocked_issues_cache", "blocked_by");
    rc = legacy_number(l, "SELECT count(*) FROM pragma_table_info('issues')", &l->columns, err);
    if (rc == BD_OK)
        rc = look_at_tables(l, err);
    if (rc == BD_OK)
        rc = legacy_read_nodes(l, err);
    if (rc)
        legacy_close(l);
    return rc;
}

void legacy_close(struct legacy *l) {
    sqlite_file_close(l->db);
    strmap_release(&l->nodes);
    for (struct strmap_entry *e = NULL; (e = strmap_next(&l->pairs, e));)
        buf_release(&((struct legacy_pair *)e->value)->also);
    strmap_release(&l->pairs);
    strmap_release(&l->frozen);
    legacy_labels_forget(l);
    free(l->notes);
    *l = (struct legacy){0};
}
