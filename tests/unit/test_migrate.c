/* Workspaces of the SQLite era: what becomes of unusual rows and values. */
#include "bd/ops/issue.h"
#include "base/os.h"
#include "migrate/legacy.h"
#include "migrate/migrate.h"
#include "store/value/json.h"
#include "tests/unit/scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char beads[270];
static struct arena arena;
static struct migrate_result result;
static struct tables *store;
static struct tables_txn *view;

static int make_scratch(void **state) {
    if (scratch_setup(state))
        return -1;
    snprintf(beads, sizeof beads, "%s/.beads", scratch);
    return mkdir(beads, 0700);
}

static int remove_scratch(void **state) {
    if (view)
        tables_read_end(view);
    if (store)
        tables_close(store);
    view = NULL;
    store = NULL;
    arena_release(&arena);
    return scratch_teardown(state);
}

/* An old database of these statements. */
static void old_file(const char *sql) {
    char path[300];
    sqlite3 *db;
    char *message = NULL;
    snprintf(path, sizeof path, "%s/beads.db", beads);
    unlink(path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &message))
        fail_msg("%s", message);
    sqlite3_close(db);
}

#define ISSUES                                                                                         \
    "CREATE TABLE issues (id TEXT PRIMARY KEY, title TEXT, status TEXT DEFAULT 'open', priority, "     \
    "issue_type TEXT DEFAULT 'task', created_at, updated_at, closed_at, ephemeral INTEGER DEFAULT 0, " \
    "metadata TEXT, estimated_minutes, waiters TEXT, quality_score REAL, crystallizes INTEGER "        \
    "DEFAULT 0);"
#define DEPENDENCIES                                                                                   \
    "CREATE TABLE dependencies (issue_id TEXT, depends_on_id TEXT, type TEXT, created_at, created_by " \
    "TEXT, metadata TEXT, thread_id TEXT);"

static int migrate(const char *sql) {
    struct err err = ERR_INIT;
    struct migrate_request rq = {.beads_dir = beads};
    old_file(sql);
    int rc = migrate_to_dolt(&rq, &arena, &result, &err);
    if (rc)
        return rc;
    struct tables_open o = {.dir = result.database_dir, .flags = TABLES_READ_ONLY};
    assert_int_equal(tables_open_embedded(&store, &o, &err), BD_OK);
    assert_int_equal(tables_read_begin(store, &view, &err), BD_OK);
    return rc;
}

/* A cell as text, "NULL" for NULL, "missing" without the row. */
static const char *cell_of(const char *table, const char *id, const char *column) {
    struct cell key = cell_text(id), got;
    if (tables_get(view, table, &key, 1, &column, 1, &arena, &got, NULL))
        return "missing";
    const char *text = cell_format(&got, &arena);
    return text ? text : "NULL";
}

static const char *issue(const char *id, const char *column) { return cell_of("issues", id, column); }

/* A member of metadata.sqlite. */
static const char *kept(const char *id, const char *key) {
    const char *metadata = issue(id, "metadata");
    struct json_slice s = json_member(metadata, strlen(metadata), "sqlite", 6);
    struct json_slice v = s.data ? json_member(s.data, s.size, key, strlen(key)) : s;
    return v.data ? arena_strndup(&arena, v.data, v.size) : "";
}

static bool noted(const char *part) {
    for (size_t i = 0; i < result.note_count; i++)
        if (strstr(result.notes[i], part))
            return true;
    return false;
}

static int add_edge(void *ctx, const struct cell *row) {
    struct buf *b = ctx;
    for (int i = 0; i < 5; i++) {
        const char *text = cell_format(&row[i], &arena);
        buf_addf(b, "%s%s", i ? "," : "", text ? text : "-");
    }
    buf_add_char(b, ';');
    return BD_OK;
}
static const char *edges(void) {
    static const char *const columns[] = {"issue_id", "depends_on_issue_id", "depends_on_wisp_id",
                                          "depends_on_external", "type"};
    struct tables_order order[] = {
        {"issue_id", false}, {"type", false}, {"depends_on_external", false}};
    struct tables_query q = {.table = "dependencies",
                             .columns = columns,
                             .column_count = 5,
                             .order = order,
                             .order_count = 3};
    struct buf b = BUF_INIT;
    assert_int_equal(tables_scan(view, &q, NULL, add_edge, &b, NULL), BD_OK);
    const char *r = arena_strdup(&arena, buf_str(&b));
    buf_release(&b);
    return r;
}

/* ---- tests ---- */

static void times_of_all_old_programs_are_read(void **state) {
    (void)state;
    static const struct {
        const char *text, *utc; /* NULL: no time */
    } list[] = {
        {"2026-01-05T21:40:04.711592764-08:00", "2026-01-06 05:40:04.711592"},
        {"2025-11-05 21:32:03.12345678-07:00", "2025-11-06 04:32:03.123456"},
        {"2025-11-05 21:32:03", "2025-11-05 21:32:03.000000"},
        {"2026-02-16T23:26:06.940450484+00:00", "2026-02-16 23:26:06.940450"},
        {"2026-02-05T13:38:43Z", "2026-02-05 13:38:43.000000"},
        {"2025-11-05 21:32:03.5 -0700 MST", "2025-11-06 04:32:03.500000"},
        {"2025-11-05 21:32:03 +0000 UTC", "2025-11-05 21:32:03.000000"},
        {"2025-11-05T21:32+0530", "2025-11-05 16:02:00.000000"},
        {"2025-11-05", "2025-11-05 00:00:00.000000"},
        {" 2025-11-05 10:00:00 ", "2025-11-05 10:00:00.000000"},
        {"2025-13-05 10:00:00", NULL},
        {"2025-11-05 10:00:00 nonsense", NULL},
        {"2025-11-05T10:00:00+99:00", NULL},
        {"yesterday", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        int64_t micros;
        char text[40];
        bool good = legacy_time(list[i].text, strlen(list[i].text), &micros);
        if (good != (list[i].utc != NULL))
            fail_msg("%s", list[i].text);
        if (!good)
            continue;
        datetime_format_sql(micros, 6, text, sizeof text);
        assert_string_equal(text, list[i].utc);
    }
}

static void values_that_do_not_fit_stand_in_the_metadata(void **state) {
    (void)state;
    assert_int_equal(migrate(ISSUES "INSERT INTO issues (id, title, priority, created_at, updated_at, "
                                    "closed_at, estimated_minutes, metadata, "
                                    "waiters, quality_score) VALUES ('a-1', printf('%.600c', 'x'), "
                                    "'3', 1767225600, '2026-01-01', 'soon', "
                                    "99999999999, '{\"k\": 1}', 'ann, bob', 0.5);"
                                    "INSERT INTO issues (id, title, created_at, metadata) VALUES "
                                    "('a-2', CAST(x'41ff42' AS TEXT), NULL, 'no json');"
                                    "INSERT INTO issues (id, title, created_at, metadata, waiters) "
                                    "VALUES ('a-3', 'c', '2026-01-01', '[1,2]', "
                                    "'[\"x\"]');"),
                     BD_OK);
    assert_int_equal(strlen(issue("a-1", "title")), 500);
    assert_int_equal(strlen(kept("a-1", "title")), 602);
    assert_string_equal(issue("a-1", "priority"), "3");
    assert_string_equal(issue("a-1", "created_at"), "2026-01-01 00:00:00");
    assert_string_equal(issue("a-1", "closed_at"), "NULL");
    assert_string_equal(kept("a-1", "closed_at"), "\"soon\"");
    assert_string_equal(kept("a-1", "estimated_minutes"), "99999999999");
    assert_string_equal(kept("a-1", "quality_score"), "0.5");
    assert_string_equal(issue("a-1", "waiters"), "[\"ann\",\"bob\"]");
    assert_non_null(strstr(issue("a-1", "metadata"), "\"k\":1"));
    assert_string_equal(issue("a-2", "title"), "A\xef\xbf\xbd"
                                               "B");
    assert_string_equal(kept("a-2", "title"), "\"hex:41ff42\"");
    assert_string_equal(kept("a-2", "metadata"), "\"no json\"");
    assert_string_equal(issue("a-3", "metadata"), "[1,2]");
    assert_string_equal(issue("a-3", "waiters"), "[\"x\"]");
    assert_int_equal(strlen(issue("a-3", "content_hash")), 64);
    assert_true(noted("issues.title: 1 value longer"));
    assert_true(noted("issues.title: 1 value not UTF-8"));
    assert_true(noted("issues.closed_at: 1 value not a time"));
    assert_true(noted("issues.quality_score: 1 value of a column that is no more"));
    assert_false(noted("crystallizes"));
}

static int take_label(void *ctx, const struct cell *row) {
    buf_addf(ctx, "[%.*s]", (int)row[0].s.size, row[0].s.data);
    return BD_OK;
}

static void labels_that_do_not_fit_stay_different(void **state) {
    (void)state;
    static const char *const columns[] = {"label"};
    struct tables_query q = {.table = "labels", .columns = columns, .column_count = 1};
    struct buf labels = BUF_INIT, kept_labels = BUF_INIT;
    char digits[9];
    int found = 0, at = 0;
    assert_int_equal(
        migrate(ISSUES "CREATE TABLE labels (issue_id TEXT, label TEXT, PRIMARY KEY (issue_id, label));"
                       "INSERT INTO issues (id, title, created_at) VALUES ('a-1', 't', '2026-01-01');"
                       "INSERT INTO labels VALUES ('a-1', printf('%.300c', 'x') || 'one'), ('a-1', "
                       "printf('%.300c', 'x') || 'two'), ('a-1', printf('%.255c', 'x')), ('a-1', "
                       "CAST(x'ff' AS TEXT)), ('a-1', CAST(x'fe' AS TEXT)), ('a-1', 'b'), ('a-1', "
                       "x'62'), ('gone', printf('%.300c', 'x'));"),
        BD_OK);
    assert_int_equal(tables_scan(view, &q, NULL, take_label, &labels, NULL), BD_OK);
    for (const char *s = buf_str(&labels); (s = strchr(s, '[')); s++)
        found++;
    assert_int_equal(found, 7);
    assert_non_null(strstr(buf_str(&labels), "[b][b~"));
    assert_non_null(strstr(buf_str(&labels), "[\xef\xbf\xbd~"));
    buf_add_char(&kept_labels, '[');
    for (int i = 0; i < 255; i++)
        buf_add_char(&kept_labels, 'x');
    buf_add_str(&kept_labels, "]");
    assert_non_null(strstr(buf_str(&labels), buf_str(&kept_labels))); /* fits, and is as it was */
    assert_int_equal(sscanf(strstr(buf_str(&labels), "x~") + 2, "%8[0-9a-f]]%n", digits, &at), 1);
    assert_int_equal(at, 9);
    const char *all = kept("a-1", "labels");
    assert_non_null(strstr(all, "xone\""));
    assert_non_null(strstr(all, "xtwo\""));
    assert_non_null(strstr(all, "\"hex:fe\""));
    assert_non_null(strstr(all, "\"hex:62\""));
    assert_true(noted("labels.label: 2 values longer"));
    buf_release(&labels);
    buf_release(&kept_labels);
}

static void one_edge_stays_of_several_between_a_pair(void **state) {
    (void)state;
    assert_int_equal(migrate(ISSUES DEPENDENCIES
                             "INSERT INTO issues (id, title) VALUES ('a-1', 'x'), ('a-2', 'y');"
                             "INSERT INTO dependencies VALUES ('a-1', 'a-2', 'related', '2026-01-01', "
                             "'ann', NULL, NULL),"
                             "('a-1', 'a-2', 'blocks', '2026-01-01', 'ann', '{\"m\":1}', 't'),"
                             "('a-1', 'a-9', 'blocks', '2026-01-01', 'ann', '{}', ''),"
                             "('a-1', 'external:p:x', 'blocks', '2026-01-01', 'ann', '{}', ''),"
                             "('a-8', 'a-2', 'blocks', '2026-01-01', 'ann', '{}', '');"),
                     BD_OK);
    assert_string_equal(edges(), "a-1,a-2,-,-,blocks;a-1,-,-,a-9,blocks;a-1,-,-,external:p:x,blocks;");
    assert_true(noted("dependencies: 1 further row"));
    assert_true(noted("dependencies: 1 row of issues that do not exist"));
    assert_string_equal(issue("a-1", "is_blocked"), "1");
}

static void old_edge_columns_become_dependencies(void **state) {
    (void)state;
    assert_int_equal(
        migrate("CREATE TABLE issues (id TEXT PRIMARY KEY, title TEXT, status TEXT, updated_at, "
                "replies_to TEXT DEFAULT '', "
                "relates_to TEXT DEFAULT '', duplicate_of TEXT, superseded_by TEXT);" DEPENDENCIES
                "INSERT INTO issues VALUES ('a-1', 'x', 'open', '2026-01-01', 'a-2', '[\"a-3\"]', "
                "NULL, ''),"
                "('a-2', 'y', 'open', '2026-01-01', '', 'a-1?', 'a-3', NULL), ('a-3', 'z', 'open', "
                "'2026-01-01', '', '[]', '', 'a-2');"),
        BD_OK);
    assert_string_equal(edges(), "a-1,a-3,-,-,relates-to;a-1,a-2,-,-,replies-to;a-2,a-3,-,-,duplicates;"
                                 "a-3,a-2,-,-,supersedes;");
    assert_string_equal(kept("a-2", "relates_to"), "\"a-1?\"");
    assert_string_equal(kept("a-1", "replies_to"), "");
}

static void passing_rows_become_wisps_unless_they_have_snapshots(void **state) {
    (void)state;
    assert_int_equal(
        migrate(
            ISSUES DEPENDENCIES
            "CREATE TABLE issue_snapshots (id INTEGER PRIMARY KEY, issue_id TEXT, snapshot_time, "
            "compaction_level INTEGER, "
            "original_size INTEGER, compressed_size INTEGER, original_content TEXT, archived_events "
            "TEXT);"
            "CREATE TABLE labels (issue_id TEXT, label TEXT);"
            "INSERT INTO issues (id, title, ephemeral, issue_type) VALUES ('a-1', 'x', 1, 'task'), "
            "('a-2', 'y', 0, 'agent'),"
            "('a-3', 'z', 1, 'task'), ('a-4', 'w', 0, 'task');"
            "INSERT INTO issue_snapshots VALUES (1, 'a-3', '2026-01-01', 1, 10, 5, 'old', NULL);"
            "INSERT INTO labels VALUES ('a-1', 'l'), ('a-4', 'm');"
            "INSERT INTO dependencies VALUES ('a-4', 'a-1', 'blocks', '2026-01-01', 'ann', '{}', '');"),
        BD_OK);
    assert_string_equal(cell_of("wisps", "a-1", "title"), "x");
    assert_string_equal(cell_of("wisps", "a-2", "ephemeral"), "1");
    assert_string_equal(issue("a-3", "ephemeral"), "1");
    assert_string_equal(edges(), "a-4,-,a-1,-,blocks;");
    assert_string_equal(issue("a-4", "is_blocked"), "1");
    uint64_t n;
    assert_int_equal(tables_count_all(view, "wisp_labels", NULL, &n, NULL), BD_OK);
    assert_int_equal(n, 1);
    assert_int_equal(tables_count_all(view, "issue_snapshots", NULL, &n, NULL), BD_OK);
    assert_int_equal(n, 1);
    assert_int_equal(result.wisps, 2);
}

static void blocked_issues_are_found(void **state) {
    (void)state;
    assert_int_equal(
        migrate(ISSUES DEPENDENCIES
                "INSERT INTO issues (id, title, status, closed_at) VALUES ('b', 'blocker', 'open', "
                "NULL), ('d', 'done', 'closed', "
                "'2026-01-01'), ('t', 'tomb', 'tombstone', NULL), ('x', '', 'open', NULL), ('y', '', "
                "'open', NULL), ('z', '', 'open', NULL),"
                "('w', '', 'open', NULL), ('v', '', 'open', NULL), ('c1', '', 'open', NULL), ('c2', "
                "'', 'closed', '2026-01-01');"
                "INSERT INTO dependencies VALUES ('x', 'b', 'blocks', '', 'a', '', ''), ('y', 'x', "
                "'parent-child', '', 'a', '', ''),"
                "('z', 'd', 'blocks', '', 'a', '', ''), ('z', 't', 'blocks', '', 'a', '', ''),"
                "('c1', 'b', 'parent-child', '', 'a', '', ''), ('c2', 'b', 'parent-child', '', 'a', "
                "'', ''),"
                "('w', 'b', 'waits-for', '', 'a', '{\"gate\":\"all-children\"}', ''),"
                "('v', 'b', 'waits-for', '', 'a', '{\"gate\":\"any-children\"}', '');"),
        BD_OK);
    assert_string_equal(issue("x", "is_blocked"), "1");
    assert_string_equal(issue("y", "is_blocked"), "1"); /* by its parent */
    assert_string_equal(issue("z", "is_blocked"), "0");
    assert_string_equal(issue("w", "is_blocked"), "1");
    assert_string_equal(issue("v", "is_blocked"), "0");
    assert_string_equal(issue("c1", "is_blocked"), "0");
}

static void unusual_tables_are_read(void **state) {
    (void)state;
    assert_int_equal(
        migrate("CREATE TABLE issues (id TEXT PRIMARY KEY, title TEXT, status TEXT) WITHOUT ROWID;"
                "CREATE TABLE config (key TEXT, value TEXT); CREATE TABLE mine (x); INSERT INTO mine "
                "VALUES (1), (2);"
                "CREATE TABLE events (id INTEGER PRIMARY KEY, issue_id TEXT, event_type TEXT, actor "
                "TEXT, created_at);"
                "INSERT INTO issues VALUES ('a-2', 'y', 'open'), ('a-1', 'x', 'odd');"
                "INSERT INTO config VALUES ('k', 'old'), ('issue_prefix', '9-a'), ('k', 'new');"
                "INSERT INTO events VALUES (2, 'a-1', 'created', 'ann', '2026-01-01'), (1, 'a-1', 'x', "
                "'ann', '2026-01-01');"),
        BD_OK);
    assert_string_equal(issue("a-1", "status"), "odd");
    assert_string_equal(cell_of("config", "k", "value"), "new");
    assert_string_equal(result.database, "bd_9_a");
    assert_true(noted("table mine is not known here: 2 rows"));
}

static int first_id(void *ctx, const struct cell *row) {
    struct buf *b = ctx;
    buf_addf(b, "%s ", cell_format(&row[0], &arena));
    return BD_OK;
}

static void ids_made_from_rows_are_the_same_every_time(void **state) {
    static const char *const sql = ISSUES "CREATE TABLE events (id INTEGER PRIMARY KEY, issue_id TEXT, "
                                          "event_type TEXT, actor TEXT, created_at);"
                                          "INSERT INTO issues (id, title) VALUES ('a-1', 'x');"
                                          "INSERT INTO events VALUES (1, 'a-1', 'one', 'ann', "
                                          "'2026-01-01'), (2, 'a-1', 'one', 'ann', '2026-01-01');";
    struct buf ids[2] = {BUF_INIT, BUF_INIT};
    for (int i = 0; i < 2; i++) {
        static const char *const column = "id";
        struct tables_query q = {.table = "events", .columns = &column, .column_count = 1};
        if (i) {
            remove_scratch(state);
            make_scratch(state);
        }
        assert_int_equal(migrate(sql), BD_OK);
        assert_int_equal(tables_scan(view, &q, NULL, first_id, &ids[i], NULL), BD_OK);
    }
    assert_int_equal(ids[0].size, 74);
    assert_string_equal(buf_str(&ids[0]), buf_str(&ids[1]));
    buf_release(&ids[0]);
    buf_release(&ids[1]);
}

static void ids_that_cannot_be_kept_are_refused(void **state) {
    (void)state;
    assert_int_equal(migrate(ISSUES "INSERT INTO issues (id, title) VALUES (NULL, 'x');"), BD_INVALID);
    assert_int_equal(
        migrate(ISSUES "INSERT INTO issues (id, title) VALUES (printf('%.300c', 'x'), 'x');"),
        BD_INVALID);
    char path[300];
    snprintf(path, sizeof path, "%s/embeddeddolt", beads);
    assert_false(os_exists(path));
}

static void several_files_without_a_name_are_refused(void **state) {
    (void)state;
    const char *path;
    struct err err = ERR_INIT;
    assert_int_equal(legacy_find(beads, &arena, &path, &err), BD_NOT_FOUND);
    static const char *const names[] = {"one.db", "x.backup-1.db", "two.db"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(
            os_write_file_atomic(arena_printf(&arena, "%s/%s", beads, names[i]), "x", 1, 0600), 0);
        assert_int_equal(legacy_find(beads, &arena, &path, &err), i < 2 ? BD_OK : BD_INVALID);
    }
    static const char metadata[] = "{\"database\":\"two.db\"}";
    assert_int_equal(os_write_file_atomic(arena_printf(&arena, "%s/metadata.json", beads), metadata,
                                          sizeof metadata - 1, 0600),
                     0);
    assert_int_equal(legacy_find(beads, &arena, &path, &err), BD_OK);
    assert_non_null(strstr(path, "/two.db"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_scratch, remove_scratch)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(times_of_all_old_programs_are_read),
        TEST(values_that_do_not_fit_stand_in_the_metadata),
        TEST(labels_that_do_not_fit_stay_different),
        TEST(one_edge_stays_of_several_between_a_pair),
        TEST(old_edge_columns_become_dependencies),
        TEST(passing_rows_become_wisps_unless_they_have_snapshots),
        TEST(blocked_issues_are_found),
        TEST(unusual_tables_are_read),
        TEST(ids_made_from_rows_are_the_same_every_time),
        TEST(ids_that_cannot_be_kept_are_refused),
        TEST(several_files_without_a_name_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
