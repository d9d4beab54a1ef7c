/* Operations on a real database: blocking, claiming, ids, hydration, running a transaction again. */
#include <stddef.h>
#include <stdint.h>

#include "bd/ops/create.h"
#include "bd/ops/dependencies.h"
#include "bd/ops/events.h"
#include "bd/ops/hydrate.h"
#include "bd/ops/import.h"
#include "bd/ops/resolve.h"
#include "bd/ops/update.h"
#include "tests/unit/tracker_help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct arena arena;
static struct ops ops;

static int open_database(void **state) {
    if (scratch_setup(state))
        return -1;
    memset(&ops, 0, sizeof ops);
    ops.tables = tracker_make("t-");
    ops.actor = "tester";
    ops.owner = "";
    ops.commit_mode = TABLES_COMMIT;
    return 0;
}

static int close_database(void **state) {
    tables_close(ops.tables);
    arena_release(&arena);
    return scratch_teardown(state);
}

/* ---- one operation each, as a transaction ---- */

static struct err last;

static int apply(tables_write_fn fn, void *ctx) {
    err_clear(&last);
    return ops_write(&ops, "test", 0, fn, ctx, &last);
}

struct made {
    const char *id, *title, *parent, *type;
    bool ephemeral;
};
static int make_in(struct tables_txn *x, void *ctx, struct err *err) {
    struct made *m = ctx;
    struct create_request r = {.parent = m->parent};
    issue_init(&r.issue);
    r.issue.id = m->id;
    r.issue.title = m->title ? m->title : "Some issue";
    r.issue.issue_type = m->type ? m->type : "task";
    r.issue.ephemeral = m->ephemeral;
    int rc = create_request_in(&ops, x, &r, &arena, err);
    m->id = r.issue.id;
    return rc;
}
static void make(const char *id) {
    struct made m = {.id = id};
    assert_int_equal(apply(make_in, &m), BD_OK);
}

struct edge {
    const char *from, *to, *type, *metadata;
    bool remove;
};
static int edge_in(struct tables_txn *x, void *ctx, struct err *err) {
    struct edge *e = ctx;
    struct dependency d = {.issue_id = e->from,
                           .depends_on_id = e->to,
                           .type = e->type,
                           .metadata = e->metadata,
                           .created_at = ISSUE_NO_TIME};
    return e->remove ? dependency_remove_in(&ops, x, e->from, e->to, NULL, err)
                     : dependency_add_in(&ops, x, &d, 0, err);
}
static int connect_ids(const char *from, const char *to, const char *type) {
    struct edge e = {from, to, type, NULL, false};
    return apply(edge_in, &e);
}

static int close_in(struct tables_txn *x, void *ctx, struct err *err) {
    return issue_close_in(&ops, x, ctx, "done", NULL, err);
}
static int reopen_in(struct tables_txn *x, void *ctx, struct err *err) {
    return issue_reopen_in(&ops, x, ctx, NULL, &arena, err);
}
static void close_id(const char *id) {
    assert_int_equal(apply(close_in, (void *)(uintptr_t)id), BD_OK);
}
static void reopen_id(const char *id) {
    assert_int_equal(apply(reopen_in, (void *)(uintptr_t)id), BD_OK);
}

static struct issue load(const char *id) {
    struct tables_txn *x;
    struct issue i;
    struct err err = ERR_INIT;
    assert_int_equal(tables_read_begin(ops.tables, &x, &err), BD_OK);
    if (issue_load(x, id, &arena, &i, &err) != BD_OK ||
        issues_hydrate(x, &i, 1, HYDRATE_LABELS | HYDRATE_COUNTS | HYDRATE_DEPENDENCIES, &arena,
                       &err) != BD_OK)
        fail_msg("%s: %s", id, err.msg);
    tables_read_end(x);
    return i;
}
static bool blocked(const char *id) { return load(id).is_blocked; }

/* ---- tests ---- */

static void blocks_follow_the_status_of_the_target(void **state) {
    (void)state;
    make("t-a");
    make("t-b");
    assert_int_equal(connect_ids("t-b", "t-a", "blocks"), BD_OK);
    int64_t before = load("t-b").updated_at;
    assert_true(blocked("t-b"));
    close_id("t-a");
    assert_false(blocked("t-b"));
    reopen_id("t-a");
    assert_true(blocked("t-b"));
    close_id("t-b");
    assert_false(blocked("t-b"));
    reopen_id("t-b");
    struct edge e = {.from = "t-b", .to = "t-a", .remove = true};
    assert_int_equal(apply(edge_in, &e), BD_OK);
    assert_false(blocked("t-b"));
    assert_true(before <= load("t-b").updated_at);
}

static void children_inherit_the_block(void **state) {
    (void)state;
    make("t-p");
    make("t-x");
    struct made c = {.parent = "t-p"};
    assert_int_equal(apply(make_in, &c), BD_OK);
    assert_string_equal(c.id, "t-p.1");
    struct made g = {.parent = c.id};
    assert_int_equal(apply(make_in, &g), BD_OK);
    assert_string_equal(g.id, "t-p.1.1");
    assert_int_equal(connect_ids("t-p", "t-x", "conditional-blocks"), BD_OK);
    assert_true(blocked("t-p.1.1"));
    close_id("t-x");
    assert_false(blocked("t-p"));
    assert_false(blocked("t-p.1"));
    assert_false(blocked("t-p.1.1"));
    assert_string_equal(load("t-p.1").parent, "t-p");
}

static void waiting_for_children_ends_with_the_last_one_or_the_first(void **state) {
    (void)state;
    make("t-s");
    make("t-all");
    make("t-any");
    struct edge any = {"t-any", "t-s", "waits-for", "{\"gate\":\"any-children\"}", false};
    assert_int_equal(apply(edge_in, &any), BD_OK);
    assert_int_equal(connect_ids("t-all", "t-s", "waits-for"), BD_OK);
    assert_false(blocked("t-all")); /* no children */
    struct made c1 = {.parent = "t-s"}, c2 = {.parent = "t-s"};
    assert_int_equal(apply(make_in, &c1), BD_OK);
    assert_int_equal(apply(make_in, &c2), BD_OK);
    assert_true(blocked("t-all"));
    assert_true(blocked("t-any"));
    close_id("t-s.1");
    assert_true(blocked("t-all"));
    assert_false(blocked("t-any"));
    close_id("t-s.2");
    assert_false(blocked("t-all"));
}

static void cycles_are_refused_at_any_length(void **state) {
    (void)state;
    char ids[12][8];
    for (int i = 0; i < 12; i++) {
        snprintf(ids[i], sizeof ids[i], "t-c%d", i);
        make(ids[i]);
        if (i)
            assert_int_equal(connect_ids(ids[i], ids[i - 1], i % 2 ? "blocks" : "conditional-blocks"),
                             BD_OK);
    }
    assert_int_equal(connect_ids(ids[0], ids[11], "blocks"), BD_CONFLICT);
    assert_string_equal(last.msg, "adding dependency would create a cycle");
    assert_int_equal(connect_ids(ids[0], ids[11], "related"), BD_OK);
    assert_int_equal(connect_ids(ids[0], ids[0], "related"), BD_INVALID);
    assert_int_equal(connect_ids(ids[1], ids[0], "related"), BD_CONFLICT); /* another type */
    assert_int_equal(connect_ids(ids[1], "t-none", "blocks"), BD_NOT_FOUND);
    assert_int_equal(connect_ids(ids[1], "other-1", "blocks"), BD_OK);
    assert_int_equal(load(ids[1]).dependency_row_count, 2);
}

static int claim_in(struct tables_txn *x, void *ctx, struct err *err) {
    return issue_claim_in(&ops, x, ctx, &arena, NULL, err);
}

static uint64_t events_of(const char *id, const char *type) {
    struct tables_txn *x;
    struct err err = ERR_INIT;
    uint64_t n;
    const struct pred *where = pred_and(&arena, pred_cmp(&arena, PRED_EQ, "issue_id", cell_text(id)),
                                        pred_cmp(&arena, PRED_EQ, "event_type", cell_text(type)));
    assert_int_equal(tables_read_begin(ops.tables, &x, &err), BD_OK);
    assert_int_equal(tables_count_all(x, "events", where, &n, &err), BD_OK);
    tables_read_end(x);
    return n;
}

static void a_claim_has_one_winner(void **state) {
    (void)state;
    static char id[] = "t-claim";
    make(id);
    assert_int_equal(apply(claim_in, id), BD_OK);
    assert_int_equal(apply(claim_in, id), BD_OK); /* the same actor again */
    ops.actor = "other";
    assert_int_equal(apply(claim_in, id), BD_CONFLICT);
    assert_string_equal(last.msg, "issue already claimed by tester");
    ops.actor = "tester";
    assert_string_equal(load(id).status, "in_progress");
    assert_int_equal(events_of(id, "created"), 1);
    assert_int_equal(events_of(id, "claimed"), 1);
}

static void ephemeral_issues_live_apart_and_block_all_the_same(void **state) {
    (void)state;
    struct made w = {.ephemeral = true};
    assert_int_equal(apply(make_in, &w), BD_OK);
    assert_true(strncmp(w.id, "t-wisp-", 7) == 0);
    assert_true(load(w.id).is_wisp);
    make("t-r");
    assert_int_equal(connect_ids("t-r", w.id, "blocks"), BD_OK);
    assert_true(blocked("t-r"));
    assert_int_equal(load("t-r").dependencies[0].target, DEP_TARGET_WISP);
    close_id(w.id);
    assert_false(blocked("t-r"));
}

/* Runs its work twice, as after a lost race; the first run's effects are thrown away by hand. */
struct twice {
    struct create_request request;
    const char *ids[2];
    int runs;
};
static int create_twice(struct tables_txn *x, void *ctx, struct err *err) {
    struct twice *t = ctx;
    int rc = create_request_in(&ops, x, &t->request, &arena, err);
    t->ids[t->runs++] = t->request.issue.id;
    return rc == BD_OK && t->runs == 1 ? BD_CANCELLED : rc;
}

static void a_request_can_be_run_again(void **state) {
    (void)state;
    struct twice t = {.runs = 0};
    const char *labels[] = {"a", "b"};
    issue_init(&t.request.issue);
    t.request.issue.title = "Again";
    t.request.issue.labels = labels;
    t.request.issue.label_count = 2;
    assert_int_equal(apply(create_twice, &t), BD_CANCELLED);
    assert_int_equal(apply(create_twice, &t), BD_OK);
    struct issue i = load(t.ids[1]);
    assert_int_equal(i.label_count, 2);
    struct tables_txn *x;
    struct err err = ERR_INIT;
    assert_int_equal(tables_read_begin(ops.tables, &x, &err), BD_OK);
    if (strcmp(t.ids[0], t.ids[1]) != 0)
        assert_int_equal(issue_locate(x, t.ids[0], NULL, &err), BD_NOT_FOUND);
    tables_read_end(x);
}

static void parts_of_ids_find_issues(void **state) {
    (void)state;
    static const char *const ids[] = {"t-abc1", "t-abd2", "t-abd2.1"};
    for (size_t i = 0; i < 3; i++)
        make(ids[i]);
    struct tables_txn *x;
    struct err err = ERR_INIT;
    const char *id;
    assert_int_equal(tables_read_begin(ops.tables, &x, &err), BD_OK);
    assert_int_equal(issue_resolve(x, "t-abc1", &arena, &id, &err), BD_OK);
    assert_int_equal(issue_resolve(x, "abc1", &arena, &id, &err), BD_OK);
    assert_string_equal(id, "t-abc1");
    assert_int_equal(issue_resolve(x, "bc1", &arena, &id, &err), BD_OK);
    assert_string_equal(id, "t-abc1");
    assert_int_equal(issue_resolve(x, "abd2", &arena, &id, &err), BD_OK); /* itself, not its child */
    assert_string_equal(id, "t-abd2");
    assert_int_equal(issue_resolve(x, "ab", &arena, &id, &err), BD_INVALID);
    assert_non_null(strstr(err.msg, "ambiguous ID \"ab\" matches 3 issues"));
    static const char *const unknown[] = {"zzz", "", "a b", "t-", "%", "x'y"};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
        assert_int_equal(issue_resolve(x, unknown[i], &arena, &id, &err), BD_NOT_FOUND);
    tables_read_end(x);
}

static int counter_mode_in(struct tables_txn *x, void *ctx, struct err *err) {
    return db_config_set(x, "issue_id_mode", ctx, err);
}

static void counters_go_on_from_the_largest_number(void **state) {
    (void)state;
    static char on[] = "counter", off[] = "hash";
    make("t-5041"); /* above any hash id of this small database that happens to be all digits */
    make("t-7.3");
    assert_int_equal(apply(counter_mode_in, on), BD_OK);
    struct made a = {.title = "x"}, b = {.title = "y"};
    assert_int_equal(apply(make_in, &a), BD_OK);
    assert_int_equal(apply(make_in, &b), BD_OK);
    assert_string_equal(a.id, "t-5042");
    assert_string_equal(b.id, "t-5043");
    assert_int_equal(apply(counter_mode_in, off), BD_OK);
}

/* ---- an import that lets go of its records, and has to run again ---- */

enum { RELOADED = 1500 };
struct reload_test {
    struct import_data data;
    char *text;
    struct arena memory;
    int reads, forgets;
};

static int reload_read(void *ctx, struct err *err) {
    struct reload_test *r = ctx;
    struct buf b = BUF_INIT;
    for (int i = 0; i < RELOADED; i++) {
        char child[16] = "";
        if (i % 10)
            snprintf(child, sizeof child, ".%d", i % 10);
        buf_addf(&b,
                 "{\"id\":\"t-reload%d%s\",\"title\":\"record %d\",\"labels\":[\"a\"],"
                 "\"updated_at\":\"2026-01-01T00:00:00Z\"}\n",
                 i / 10, child, i);
    }
    size_t size = b.size;
    r->text = buf_detach(&b);
    r->reads++;
    return import_data_parse(&r->data, r->text, size, &r->memory, err);
}

/* Somebody else writes just when the records are gone: the transaction must run again. */
static void reload_forget(void *ctx) {
    struct reload_test *r = ctx;
    char db[300];
    struct made m = {.id = "t-other"};
    struct err err = ERR_INIT;
    struct ops other = ops;
    import_data_release(&r->data);
    memset(r->text, 'x', 1000);
    free(r->text);
    r->text = NULL;
    arena_release(&r->memory);
    if (r->forgets++)
        return;
    snprintf(db, sizeof db, "%s/db", scratch);
    struct tables_open o = {.dir = db};
    assert_int_equal(tables_open_embedded(&other.tables, &o, &err), BD_OK);
    assert_int_equal(ops_write(&other, "other", 0, make_in, &m, &err), BD_OK);
    tables_close(other.tables);
}

static void forgotten_records_are_read_again(void **state) {
    struct reload_test r = {.data = IMPORT_DATA_INIT};
    struct import_options options = {
        .source = "x", .forget = reload_forget, .reload = reload_read, .reload_ctx = &r};
    struct import_result result;
    struct tables_txn *x;
    uint64_t n;
    (void)state;
    assert_int_equal(reload_read(&r, &last), BD_OK);
    if (import_run(&ops, &r.data, &options, &arena, &result, &last) != BD_OK)
        fail_msg("%s", last.msg);
    assert_int_equal(r.forgets, 2);
    assert_int_equal(r.reads, 2);
    assert_int_equal(result.imported, RELOADED);
    assert_string_equal(result.ids[RELOADED - 1], "t-reload149.9");
    assert_int_equal(tables_read_begin(ops.tables, &x, &last), BD_OK);
    const struct pred *ours = pred_cmp(&arena, PRED_PREFIX, "id", cell_text("t-reload"));
    const struct pred *parents = pred_cmp(&arena, PRED_PREFIX, "parent_id", cell_text("t-reload"));
    assert_int_equal(tables_count_all(x, "issues", ours, &n, &last), BD_OK);
    assert_int_equal(n, RELOADED);
    assert_int_equal(tables_count_all(x, "child_counters", parents, &n, &last), BD_OK);
    assert_int_equal(n, RELOADED / 10);
    ours = pred_cmp(&arena, PRED_EQ, "id", cell_text("t-other"));
    assert_int_equal(tables_count_all(x, "issues", ours, &n, &last), BD_OK);
    assert_int_equal(n, 1);
    tables_read_end(x);
    import_data_release(&r.data);
    free(r.text);
    arena_release(&r.memory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_follow_the_status_of_the_target),
        cmocka_unit_test(children_inherit_the_block),
        cmocka_unit_test(waiting_for_children_ends_with_the_last_one_or_the_first),
        cmocka_unit_test(cycles_are_refused_at_any_length),
        cmocka_unit_test(a_claim_has_one_winner),
        cmocka_unit_test(ephemeral_issues_live_apart_and_block_all_the_same),
        cmocka_unit_test(a_request_can_be_run_again),
        cmocka_unit_test(parts_of_ids_find_issues),
        cmocka_unit_test(counters_go_on_from_the_largest_number),
        cmocka_unit_test(forgotten_records_are_read_again),
    };
    return cmocka_run_group_tests(tests, open_database, close_database);
}
