/*
 * Upgrades of databases that people really had: every row is there afterwards, the schema is the
 * newest, one commit says so, and reading alone changes nothing.
 */
#include "schema/schema.h"
#include "tests/unit/db_help.h"

#include <strings.h>

/* ---- rows as sorted texts ---- */

struct lines {
    char **list;
    size_t count, capacity;
    struct arena *a;
    const char *table;
    const struct lines *columns; /* names, in query order */
};

static void add_line(struct lines *l, const char *text) {
    MEM_GROW(l->list, l->capacity, l->count + 1);
    l->list[l->count++] = arena_strdup(l->a, text);
}

static int line_order(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A dependency's target, whatever columns hold it, is one text; ids that are made anew are left out. */
static int add_row(void *ctx, const struct cell *row) {
    struct lines *l = ctx;
    struct buf b = BUF_INIT;
    const char *target = NULL;
    for (size_t i = 0; i < l->columns->count; i++) {
        const char *name = l->columns->list[i], *text = cell_format(&row[i], l->a);
        if (!strncmp(name, "depends_on", 10))
            target = text ? text : target;
        else
            buf_addf(&b, "%s=%s\n", name, text ? text : "NULL");
    }
    if (target)
        buf_addf(&b, "target=%s\n", target);
    add_line(l, buf_str(&b));
    buf_release(&b);
    return BD_OK;
}

static void read_lines(struct tables_txn *x, const char *table, const struct lines *columns,
                       struct arena *a, struct lines *out) {
    struct err err = ERR_INIT;
    *out = (struct lines){.a = a, .table = table, .columns = columns};
    struct tables_query q = {
        .table = table, .columns = (const char *const *)columns->list, .column_count = columns->count};
    check(tables_scan(x, &q, NULL, add_row, out, &err), &err);
    if (out->count)
        qsort(out->list, out->count, sizeof *out->list, line_order);
}

/* The columns a table has before, less ids that change; of dependencies all that may hold a target. */
static void columns_of(struct tables_txn *x, const char *table, struct arena *a, struct lines *out) {
    struct err err = ERR_INIT;
    const struct schema *s;
    check(tables_schema(x, table, &s, &err), &err);
    *out = (struct lines){.a = a};
    bool edges = strstr(table, "dependencies") != NULL;
    for (size_t i = 0; i < schema_visible_count(s); i++) {
        const struct column *c = &s->columns[i];
        bool made_anew = !strcmp(c->name, "id") && (c->type.base == SQL_BIGINT || edges);
        bool dropped = !strcmp(c->name, "crystallizes") || !strcmp(c->name, "quality_score");
        if (!made_anew && !dropped && strncmp(c->name, "depends_on", 10))
            add_line(out, c->name);
    }
    static const char *const targets[] = {"depends_on_id", "depends_on_issue_id", "depends_on_wisp_id",
                                          "depends_on_external"};
    for (size_t i = 0; edges && i < 4; i++)
        add_line(out, targets[i]);
}

static void free_lines(struct lines *l) { free(l->list); }

/* ---- one database ---- */

static const char *const kept[] = {"issues",
                                   "wisps",
                                   "labels",
                                   "comments",
                                   "events",
                                   "dependencies",
                                   "wisp_labels",
                                   "wisp_comments",
                                   "wisp_events",
                                   "wisp_dependencies",
                                   "child_counters",
                                   "issue_snapshots",
                                   "compaction_snapshots",
                                   "interactions",
                                   "routes",
                                   "repo_mtimes",
                                   "federation_peers",
                                   "issue_counter"};
#define KEPT (sizeof kept / sizeof *kept)

/* Rows of config and metadata: those before are found afterwards there or in local_metadata. */
static void assert_settings_kept(struct tables_txn *x, const char *table, const struct lines *before,
                                 const struct lines *columns, struct arena *a) {
    struct lines after, local;
    read_lines(x, table, columns, a, &after);
    read_lines(x, "local_metadata", columns, a, &local);
    for (size_t i = 0; i < before->count; i++) {
        char *key = before->list[i];
        bool found = (after.count && bsearch(&key, after.list, after.count, sizeof key, line_order)) ||
                     (local.count && bsearch(&key, local.list, local.count, sizeof key, line_order));
        if (!found)
            fail_msg("%s lost a row: %s", table, key);
    }
    free_lines(&after);
    free_lines(&local);
}

struct seen {
    unsigned upgrades;
};

static int see_commit(void *ctx, const struct tables_commit_info *c) {
    struct seen *s = ctx;
    if (s->upgrades == 0)
        assert_string_equal(c->message, "schema: apply migrations");
    s->upgrades++;
    return BD_DONE;
}

static void upgrade(const char *name, const char *path, int version) {
    char dir[512], db[1200];
    struct err err = ERR_INIT;
    struct arena a = ARENA_INIT;
    if (!unpack(name, dir))
        skip();
    snprintf(db, sizeof db, "%s/%s/%s", dir, name, path);
    struct tables *t = open_db(db);
    struct tables_txn *x = begin_read(t);
    struct lines columns[KEPT], before[KEPT], pairs, config, metadata;
    bool had[KEPT];
    for (size_t i = 0; i < KEPT; i++) {
        had[i] = tables_has_table(x, kept[i]);
        if (!had[i])
            continue;
        columns_of(x, kept[i], &a, &columns[i]);
        read_lines(x, kept[i], &columns[i], &a, &before[i]);
    }
    columns_of(x, "config", &a, &pairs);
    read_lines(x, "config", &pairs, &a, &config);
    read_lines(x, "metadata", &pairs, &a, &metadata);
    tables_read_end(x);

    struct schema_state s;
    struct schema_migrated m;
    struct schema_migration options = {.dry_run = true};
    check(schema_check(t, &s, &err), &err);
    assert_int_equal(s.main_version, version);
    assert_true(s.needs_migration);
    check(schema_migrate(t, &options, &m, &err), &err);
    assert_int_equal(m.main_applied, SCHEMA_MAIN_VERSION - version);
    check(schema_check(t, &s, &err), &err);
    assert_int_equal(s.main_version, version);

    options.dry_run = false;
    check(schema_migrate(t, &options, &m, &err), &err);
    assert_false(hash_is_zero(&m.commit));
    check(schema_check(t, &s, &err), &err);
    assert_int_equal(s.main_version, SCHEMA_MAIN_VERSION);
    assert_int_equal(s.ignored_version, SCHEMA_IGNORED_VERSION);
    assert_false(s.needs_migration);

    x = begin_read(t);
    for (size_t i = 0; i < KEPT; i++) {
        struct lines after;
        if (!had[i])
            continue;
        read_lines(x, kept[i], &columns[i], &a, &after);
        if (after.count != before[i].count)
            fail_msg("%s: %s had %zu rows, has %zu", name, kept[i], before[i].count, after.count);
        for (size_t k = 0; k < after.count; k++)
            assert_string_equal(after.list[k], before[i].list[k]);
        free_lines(&after);
        free_lines(&before[i]);
        free_lines(&columns[i]);
    }
    assert_settings_kept(x, "config", &config, &pairs, &a);
    assert_settings_kept(x, "metadata", &metadata, &pairs, &a);
    tables_read_end(x);
    struct tables_status *changes;
    size_t count, tracked = 0;
    check(tables_status(t, &a, &changes, &count, &err), &err);
    for (size_t i = 0; i < count; i++)
        tracked += !changes[i].ignored;
    assert_int_equal(tracked, 0);
    struct seen seen = {0};
    int rc = tables_log(t, NULL, &a, see_commit, &seen, &err);
    assert_true(rc == BD_OK || rc == BD_DONE);
    assert_int_equal(seen.upgrades, 1);

    /* a second time there is nothing to do */
    check(schema_migrate(t, &options, &m, &err), &err);
    assert_int_equal(m.main_applied + m.ignored_applied, 0);
    assert_true(hash_is_zero(&m.commit));
    free_lines(&pairs);
    free_lines(&config);
    free_lines(&metadata);
    arena_release(&a);
    tables_close(t);
}

static void level_39(void **state) {
    (void)state;
    upgrade("dolt-embedded-03", ".beads/embeddeddolt/punt_labs", 39);
}
static void level_32(void **state) {
    (void)state;
    upgrade("dolt-embedded-02", ".beads/embeddeddolt/silicon_hdl", 32);
}
static void level_23_without_wisp_tables(void **state) {
    (void)state;
    upgrade("dolt-embedded-01", ".beads/embeddeddolt/beads", 23);
}
static void no_migration_table(void **state) {
    (void)state;
    upgrade("dolt-server-06", ".beads/dolt/beads", 0);
}
static void columns_missing(void **state) {
    (void)state;
    upgrade("dolt-server-01", ".beads/dolt/beads", 0);
}
static void uncommitted_issues(void **state) {
    (void)state;
    upgrade("dolt-server-03", ".beads/dolt/beads", 0);
}
static void a_town_with_wisps(void **state) {
    (void)state;
    upgrade("dolt-town-01", ".dolt-data/hq", 0);
}

/* ---- infrastructure issues become wisps ---- */

static void put(struct tables_txn *x, const char *table, const char *const *columns,
                const struct cell *cells, size_t count) {
    struct err err = ERR_INIT;
    bool inserted;
    check(tables_insert(x, table, columns, cells, count, 0, &inserted, &err), &err);
}

static int make_agent(struct tables_txn *x, void *ctx, struct err *err) {
    (void)ctx;
    (void)err;
    static const char *const issue[] = {
        "id", "title", "description", "design", "acceptance_criteria", "notes", "issue_type"};
    static const char *const label[] = {"issue_id", "label"};
    static const char *const edge[] = {"issue_id", "depends_on_id", "type", "created_by"};
    static const char *const event[] = {"issue_id", "event_type", "actor"};
    static const char *const counter[] = {"parent_id", "last_child"};
    const char *ids[] = {"t-agent", "t-task"}, *types[] = {"agent", "task"};
    for (int i = 0; i < 2; i++)
        put(x, "issues", issue,
            (struct cell[]){cell_text(ids[i]), cell_text("title"), cell_text(""), cell_text(""),
                            cell_text(""), cell_text(""), cell_text(types[i])},
            7);
    put(x, "labels", label, (struct cell[]){cell_text("t-agent"), cell_text("gt:agent")}, 2);
    put(x, "dependencies", edge,
        (struct cell[]){cell_text("t-agent"), cell_text("external:x:y"), cell_text("blocks"),
                        cell_text("me")},
        4);
    put(x, "dependencies", edge,
        (struct cell[]){cell_text("t-task"), cell_text("t-agent"), cell_text("blocks"),
                        cell_text("me")},
        4);
    put(x, "events", event,
        (struct cell[]){cell_text("t-agent"), cell_text("created"), cell_text("me")}, 3);
    put(x, "child_counters", counter, (struct cell[]){cell_text("t-agent"), cell_int(7)}, 2);
    return BD_OK;
}

static void infrastructure_moves_with_all_it_has(void **state) {
    (void)state;
    char dir[512], db[1200];
    struct err err = ERR_INIT;
    struct arena a = ARENA_INIT;
    struct schema_migrated m;
    struct schema_migration options = {.dry_run = false};
    if (!unpack("dolt-server-04", dir))
        skip();
    snprintf(db, sizeof db, "%s/dolt-server-04/.beads/dolt/beads", dir);
    struct tables *t = open_db(db);
    struct tables_write w = {.mode = TABLES_COMMIT, .message = "rows"};
    check(tables_write(t, &w, make_agent, NULL, NULL, &err), &err);
    check(schema_migrate(t, &options, &m, &err), &err);
    struct tables_txn *x = begin_read(t);
    const struct pred *agent = pred_cmp(&a, PRED_EQ, "issue_id", cell_text("t-agent"));
    assert_int_equal(count_of(x, "issues", NULL), 1);
    assert_int_equal(count_of(x, "wisps", NULL), 1);
    assert_string_equal(get_text(x, "wisps", "t-agent", "ephemeral", &a), "1");
    assert_int_equal(count_of(x, "wisp_labels", agent), 1);
    assert_int_equal(count_of(x, "wisp_events", agent), 1);
    assert_int_equal(count_of(x, "events", agent), 0);
    assert_string_equal(get_text(x, "wisp_child_counters", "t-agent", "last_child", &a), "7");
    assert_int_equal(count_of(x, "child_counters", NULL), 0);
    assert_int_equal(
        count_of(x, "wisp_dependencies",
                 pred_and(&a, agent,
                          pred_cmp(&a, PRED_EQ, "depends_on_external", cell_text("external:x:y")))),
        1);
    assert_int_equal(
        count_of(x, "dependencies", pred_cmp(&a, PRED_EQ, "depends_on_wisp_id", cell_text("t-agent"))),
        1);
    assert_string_equal(get_text(x, "issues", "t-task", "is_blocked", &a), "1");
    tables_read_end(x);
    tables_close(t);
    arena_release(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(level_39),
        cmocka_unit_test(level_32),
        cmocka_unit_test(level_23_without_wisp_tables),
        cmocka_unit_test(no_migration_table),
        cmocka_unit_test(columns_missing),
        cmocka_unit_test(uncommitted_issues),
        cmocka_unit_test(a_town_with_wisps),
        cmocka_unit_test(infrastructure_moves_with_all_it_has),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
